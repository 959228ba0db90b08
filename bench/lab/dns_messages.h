// DNS queries and answers (RFC 1035).
#pragma once

#include <cstdint>
#include <string>

#include "bench/lab/byte_writer.h"
#include "core/ip.h"

namespace weir::lab {

struct DnsExchange {
  uint16_t id = 0;
  std::string name;
  std::string alias;  // a CNAME between the name and the address; may be empty
  IpAddress address;  // A or AAAA by its kind
};

Bytes dns_query(const DnsExchange& exchange);
Bytes dns_answer(const DnsExchange& exchange);

}  // namespace weir::lab

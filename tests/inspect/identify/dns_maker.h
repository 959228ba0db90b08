// Builds DNS messages for tests, without compression unless asked for.
#pragma once

#include <string_view>

#include "tests/inspect/identify/hello_maker.h"

namespace weir::test {

inline Bytes dns_name(std::string_view name) {
  Bytes out;
  while (!name.empty()) {
    const size_t dot = std::min(name.find('.'), name.size());
    put_sized(out, Bytes(name.begin(), name.begin() + static_cast<ptrdiff_t>(dot)), 1);
    name.remove_prefix(std::min(dot + 1, name.size()));
  }
  out.push_back(0);
  return out;
}

inline Bytes dns_pointer(uint16_t offset) {
  Bytes out;
  put_uint(out, 0xc000U | offset, 2);
  return out;
}

inline Bytes dns_header(uint16_t flags, uint16_t questions, uint16_t answers,
                        uint16_t authorities = 0, uint16_t additional = 0) {
  return u16s({0x1234, flags, questions, answers, authorities, additional});
}

inline Bytes dns_question(std::string_view name, uint16_t type) {
  Bytes out = dns_name(name);
  put(out, ByteSpan(u16s({type, 1})));
  return out;
}

inline Bytes dns_record(const Bytes& owner, uint16_t type, uint32_t ttl, const Bytes& rdata) {
  Bytes out = owner;
  put(out, ByteSpan(u16s({type, 1})));
  put_uint(out, ttl, 4);
  put_sized(out, rdata, 2);
  return out;
}

// chat.example -> edge.cdn.example -> 192.0.2.7 and 2001:db8::7, compressed as servers do.
inline Bytes dns_answer_with_alias() {
  Bytes v6 = from_hex("20010db8000000000000000000000007");
  Bytes out = dns_header(0x8180, 1, 3) + dns_question("Chat.Example", 1);
  const auto target = static_cast<uint16_t>(out.size() + 12);
  out = out + dns_record(dns_pointer(12), 5, 60, dns_name("edge.cdn.example"));
  out = out + dns_record(dns_pointer(target), 1, 30, Bytes{192, 0, 2, 7});
  return out + dns_record(dns_pointer(target), 28, 900, v6);
}

}  // namespace weir::test

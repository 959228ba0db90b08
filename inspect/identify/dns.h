// DNS messages (RFC 1035), also multicast DNS and LLMNR: the names asked for, and the addresses,
// aliases and HTTPS/SVCB records (RFC 9460) of the answers. Compression pointers only go backwards
// and are bounded. Does not verify DNSSEC and keeps no state between messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/counters.h"
#include "core/direction.h"
#include "core/ip.h"
#include "core/limits.h"
#include "inspect/identify/identify_counters.h"
#include "inspect/stream_decoder.h"

namespace weir::inspect {

enum class DnsType : uint16_t {
  kA = 1,
  kNs = 2,
  kCname = 5,
  kPtr = 12,
  kAaaa = 28,
  kSrv = 33,
  kSvcb = 64,
  kHttps = 65
};

struct DnsQuestion {
  std::string name;  // lower case, safe to print, no trailing dot; empty for the root
  uint16_t type = 0;
};

// An address that an answer gives to `name`, the name at the start of the alias chain that leads to
// it (the first question's name where the chain starts there).
struct DnsAddress {
  std::string name;
  IpAddress address;
  uint32_t ttl = 0;   // seconds; the least along the chain
  bool hint = false;  // from an HTTPS or SVCB record
};

struct DnsService {
  std::string name;
  std::string target;           // empty: the name itself
  uint16_t priority = 0;        // 0: alias form
  bool ech = false;             // an ECH configuration is offered
  std::string ech_public_name;  // of its first configuration: what the outer hello will name
  uint8_t ech_config_id = 0;
  std::vector<std::string> alpn;
};

struct DnsMessage {
  uint16_t id = 0;
  bool response = false;
  bool cut = false;  // the TC bit
  uint8_t opcode = 0;
  uint8_t rcode = 0;
  bool damaged = false;  // ended or broke before its last record; what was read stands
  bool limited = false;  // had more records than are kept
  std::vector<DnsQuestion> questions;  // at most kMaxDnsQuestions
  std::vector<DnsAddress> addresses;   // at most kMaxDnsAddresses
  std::vector<DnsService> services;    // at most kMaxDnsServices
  std::vector<std::string> aliases;    // targets of CNAME records, in order
};

inline constexpr size_t kMaxDnsQuestions = 16;
inline constexpr size_t kMaxDnsRecords = 256;
inline constexpr size_t kMaxDnsAddresses = 128;
inline constexpr size_t kMaxDnsServices = 16;

// Replaces `out`. False when not even the header and the first question (or, without questions, the
// first record) are there.
[[nodiscard]] bool parse_dns(ByteSpan message, DnsMessage& out);

// kYes: header and first question of a usual message.
[[nodiscard]] ProbeAnswer probe_dns(ByteSpan datagram) noexcept;
// The same behind the two-byte length of DNS over TCP (RFC 7766).
[[nodiscard]] ProbeAnswer probe_dns_tcp(ByteSpan first) noexcept;

class DnsSink {
 public:
  virtual ~DnsSink() = default;
  // `message` is valid during the call only.
  virtual void on_dns(Direction, const DnsMessage& message) noexcept = 0;
};

// Messages of DNS over TCP.
class DnsTcpDecoder final : public StreamDecoder {
 public:
  // All must outlive the decoder.
  DnsTcpDecoder(DnsCounters& counters, DnsSink& sink) noexcept : counters_(counters), sink_(sink) {}

  DecodeStatus on_data(Direction, ByteSpan data) noexcept override;
  DecodeStatus on_gap(Direction, uint64_t bytes) noexcept override;
  void on_end(Direction, EndReason) noexcept override;

 private:
  struct Side {
    std::vector<uint8_t> buffer;  // length and message so far; at most 65,537 bytes
    bool seen = false;            // a message was read
    bool ended = false;
  };
  // False when the message is no DNS.
  bool on_message(Direction, ByteSpan message);
  DecodeStatus broken(Direction);

  DnsCounters& counters_;
  DnsSink& sink_;
  PerDirection<Side> sides_;
  DnsMessage message_;
};

}  // namespace weir::inspect

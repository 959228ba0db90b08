#include "inspect/identify/dns.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "core/byte_reader.h"
#include "inspect/identify/tls_client_hello.h"

namespace weir::inspect {
namespace {

constexpr size_t kHeader = 12;
constexpr size_t kMaxName = 255;
constexpr size_t kMaxJumps = 32;
constexpr size_t kMaxReached = 32;  // names of one alias chain
constexpr size_t kMaxServiceAlpn = 8;

char safe_label_char(uint8_t byte) {
  if (byte >= 'A' && byte <= 'Z') return static_cast<char>(byte + ('a' - 'A'));
  return byte <= 0x20 || byte >= 0x7f || byte == '.' ? '?' : static_cast<char>(byte);
}

// Reads the name at `in` into `out` (replaced). A pointer must lead before the run of labels that
// it ends, so that every jump goes further back (RFC 1035 section 4.1.4).
bool read_name(ByteSpan message, ByteReader& in, std::string& out) {
  out.clear();
  size_t at = in.position();
  size_t run = at;    // where this run of labels began
  size_t behind = 0;  // where the reader goes on; set by the first pointer
  size_t wire = 0;
  for (size_t jumps = 0;;) {
    if (at >= message.size()) break;
    const uint8_t size = message[at];
    if (size == 0) {
      if (behind == 0) behind = at + 1;
      in.skip(behind - in.position());
      return in.ok();
    }
    if (size >= 0xc0) {
      if (at + 1 >= message.size() || ++jumps > kMaxJumps) break;
      const size_t target = static_cast<size_t>(size & 0x3f) << 8 | message[at + 1];
      if (behind == 0) behind = at + 2;
      if (target >= run) break;
      at = run = target;
      continue;
    }
    wire += size + 1U;
    if (size > 63 || wire >= kMaxName || message.size() - at - 1 < size) break;
    if (!out.empty()) out += '.';
    for (const uint8_t byte : message.subspan(at + 1, size)) out += safe_label_char(byte);
    at += size + 1U;
  }
  in.fail();
  return false;
}

struct Alias {
  std::string owner;
  std::string target;
  uint32_t ttl = 0;
};

struct Found {
  std::string owner;
  IpAddress address;
  uint32_t ttl = 0;
  bool hint = false;
};

// What is collected of one message before the alias chains are followed.
struct Records {
  std::vector<Alias> aliases;
  std::vector<Found> addresses;
};

// ECHConfigList (draft-ietf-tls-esni section 4): of its first configuration the id and public name.
void read_ech_configs(ByteReader value, DnsService& service) {
  ByteReader list = value.sub(value.u16());
  while (!list.empty()) {
    const uint16_t version = list.u16();
    ByteReader config = list.sub(list.u16());
    if (!list.ok()) return;
    if (version != 0xfe0d) continue;
    const uint8_t id = config.u8();
    config.skip(2);             // KEM
    config.skip(config.u16());  // public key
    config.skip(config.u16());  // cipher suites
    config.skip(1);             // longest inner name
    const ByteSpan name = config.take(config.u8());
    if (!config.ok() || name.empty()) continue;
    service.ech_config_id = id;
    service.ech_public_name = safe_host(name);
    return;
  }
}

void read_service(ByteSpan message, ByteReader rdata, size_t end, const std::string& owner,
                  uint32_t ttl, DnsMessage& out, Records& records) {
  DnsService service;
  service.name = owner;
  service.priority = rdata.u16();
  if (!read_name(message, rdata, service.target)) return;
  while (rdata.position() + 4 <= end) {
    const uint16_t key = rdata.u16();
    ByteReader value = rdata.sub(rdata.u16());
    if (!rdata.ok() || rdata.position() > end) return;
    switch (key) {
      case 1:  // alpn
        while (!value.empty() && service.alpn.size() < kMaxServiceAlpn) {
          const ByteSpan name = value.take(value.u8());
          if (value.ok()) service.alpn.push_back(safe_token(name));
        }
        break;
      case 4:  // ipv4hint
        while (value.remaining() >= 4 && records.addresses.size() < kMaxDnsAddresses) {
          records.addresses.push_back({owner, IpAddress::v4(value.take(4)), ttl, true});
        }
        break;
      case 5:  // ech
        service.ech = true;
        read_ech_configs(value, service);
        break;
      case 6:  // ipv6hint
        while (value.remaining() >= 16 && records.addresses.size() < kMaxDnsAddresses) {
          records.addresses.push_back({owner, IpAddress::v6(value.take(16)), ttl, true});
        }
        break;
      default:
        break;
    }
  }
  // The addresses of another target stand under the target's own name.
  if (!service.target.empty()) records.aliases.push_back({owner, service.target, ttl});
  if (out.services.size() == kMaxDnsServices) {
    out.limited = true;
    return;
  }
  out.services.push_back(std::move(service));
}

// One resource record. False when it does not fit.
bool read_record(ByteSpan message, ByteReader& in, bool wanted, DnsMessage& out, Records& records) {
  std::string owner;
  if (!read_name(message, in, owner)) return false;
  const uint16_t type = in.u16();
  in.skip(2);  // class
  const uint32_t ttl = in.u32();
  const size_t size = in.u16();
  if (!in.ok() || in.remaining() < size) return false;
  ByteReader rdata(message);
  rdata.skip(in.position());
  const size_t end = in.position() + size;
  in.skip(size);
  if (!wanted) return true;
  switch (static_cast<DnsType>(type)) {
    case DnsType::kA:
      if (size == 4 && records.addresses.size() < kMaxDnsAddresses) {
        records.addresses.push_back({std::move(owner), IpAddress::v4(rdata.take(4)), ttl, false});
      } else if (size == 4) {
        out.limited = true;
      }
      break;
    case DnsType::kAaaa:
      if (size == 16 && records.addresses.size() < kMaxDnsAddresses) {
        records.addresses.push_back({std::move(owner), IpAddress::v6(rdata.take(16)), ttl, false});
      } else if (size == 16) {
        out.limited = true;
      }
      break;
    case DnsType::kCname: {
      Alias alias{std::move(owner), {}, ttl};
      if (!read_name(message, rdata, alias.target) || rdata.position() > end) break;
      out.aliases.push_back(alias.target);
      records.aliases.push_back(std::move(alias));
      break;
    }
    case DnsType::kSvcb:
    case DnsType::kHttps:
      read_service(message, rdata, end, owner, ttl, out, records);
      break;
    default:
      break;
  }
  return true;
}

struct Reached {
  std::string name;
  size_t question = 0;
  uint32_t ttl = 0xffffffff;
};

// Gives each address the question that its owner answers, along the aliases; an address that
// answers no question is left out. Without questions (multicast DNS) owners stand for themselves.
void resolve(Records& records, DnsMessage& out) {
  std::vector<Reached> reached;
  for (size_t i = 0; i < out.questions.size(); ++i) reached.push_back({out.questions[i].name, i});
  const auto find = [&reached](const std::string& name) {
    return std::find_if(reached.begin(), reached.end(),
                        [&name](const Reached& r) { return r.name == name; });
  };
  for (bool grew = true; grew && reached.size() < kMaxReached;) {
    grew = false;
    for (const Alias& alias : records.aliases) {
      const auto from = find(alias.owner);
      if (from == reached.end() || find(alias.target) != reached.end()) continue;
      reached.push_back({alias.target, from->question, std::min(from->ttl, alias.ttl)});
      grew = true;
      if (reached.size() == kMaxReached) break;
    }
  }
  for (Found& found : records.addresses) {
    DnsAddress address{std::move(found.owner), found.address, found.ttl, found.hint};
    if (!out.questions.empty()) {
      const auto from = find(address.name);
      if (from == reached.end()) continue;
      address.name = out.questions[from->question].name;
      address.ttl = std::min(address.ttl, from->ttl);
    }
    out.addresses.push_back(std::move(address));
  }
}

struct Header {
  uint16_t id, flags, questions, answers, authorities, additional;
};

Header read_header(ByteReader& in) {
  Header h{};
  h.id = in.u16();
  h.flags = in.u16();
  h.questions = in.u16();
  h.answers = in.u16();
  h.authorities = in.u16();
  h.additional = in.u16();
  return h;
}

// Queries, status, notify, update; no unassigned opcodes, few questions, no unassigned rcodes.
bool plausible(const Header& h) {
  const unsigned opcode = h.flags >> 11 & 0xf;
  const bool response = (h.flags & 0x8000) != 0;
  if (opcode == 3 || opcode > 6 || (h.flags & 0xf) > 11 || h.questions > kMaxDnsQuestions) {
    return false;
  }
  if (!response && (h.answers > 64 || (h.questions == 0 && h.answers == 0))) return false;
  return h.questions + h.answers + h.authorities + h.additional > 0 || response;
}

// `whole`: nothing of the message is missing.
ProbeAnswer probe_message(ByteSpan message, bool whole) {
  ByteReader in(message);
  const Header header = read_header(in);
  if (!in.ok()) return whole ? ProbeAnswer::kNo : ProbeAnswer::kMaybe;
  if (!plausible(header)) return ProbeAnswer::kNo;
  std::string name;
  if (!read_name(message, in, name)) return whole ? ProbeAnswer::kNo : ProbeAnswer::kMaybe;
  const uint16_t type = in.u16();
  const uint16_t klass = in.u16() & 0x7fff;  // multicast DNS uses the top bit
  if (!in.ok()) return whole ? ProbeAnswer::kNo : ProbeAnswer::kMaybe;
  const bool known_class = klass == 1 || klass == 3 || klass == 4 || klass == 254 || klass == 255;
  if (type == 0 || (!known_class && type != 41)) return ProbeAnswer::kNo;
  return header.questions > 0 ? ProbeAnswer::kYes : ProbeAnswer::kMaybe;
}

}  // namespace

bool parse_dns(ByteSpan message, DnsMessage& out) {
  out = DnsMessage{};
  ByteReader in(message);
  const Header header = read_header(in);
  if (!in.ok() || header.questions > kMaxDnsRecords) return false;
  out.id = header.id;
  out.response = (header.flags & 0x8000) != 0;
  out.cut = (header.flags & 0x0200) != 0;
  out.opcode = static_cast<uint8_t>(header.flags >> 11 & 0xf);
  out.rcode = static_cast<uint8_t>(header.flags & 0xf);
  for (size_t i = 0; i < header.questions; ++i) {
    DnsQuestion question;
    if (!read_name(message, in, question.name)) break;
    question.type = in.u16();
    in.skip(2);
    if (!in.ok()) break;
    if (out.questions.size() < kMaxDnsQuestions) {
      out.questions.push_back(std::move(question));
    } else {
      out.limited = true;
    }
  }
  out.damaged = !in.ok();
  if (out.damaged && out.questions.empty()) return false;

  Records records;
  const size_t first_authority = header.answers;
  const size_t first_additional = first_authority + header.authorities;
  const size_t all = first_additional + header.additional;
  for (size_t i = 0; i < all && !out.damaged; ++i) {
    if (i == kMaxDnsRecords) {
      out.limited = true;
      break;
    }
    const bool wanted = i < first_authority || i >= first_additional;
    if (read_record(message, in, wanted && out.response, out, records)) continue;
    out.damaged = true;
    if (i == 0 && out.questions.empty()) return false;
  }
  resolve(records, out);
  return true;
}

ProbeAnswer probe_dns(ByteSpan datagram) noexcept { return probe_message(datagram, true); }

ProbeAnswer probe_dns_tcp(ByteSpan first) noexcept {
  ByteReader in(first);
  const size_t size = in.u16();
  if (!in.ok()) return ProbeAnswer::kMaybe;
  if (size < kHeader + 5) return ProbeAnswer::kNo;
  const ByteSpan rest = in.rest();
  return probe_message(rest.first(std::min(size, rest.size())), rest.size() >= size);
}

DecodeStatus DnsTcpDecoder::on_data(Direction d, ByteSpan data) noexcept {
  Side& side = sides_[d];
  if (side.ended) return DecodeStatus::kContinue;
  while (!data.empty()) {
    std::vector<uint8_t>& held = side.buffer;
    if (held.empty() && data.size() >= 2) {
      const size_t size = static_cast<size_t>(data[0]) << 8 | data[1];
      if (data.size() - 2 >= size) {
        if (!on_message(d, data.subspan(2, size))) return broken(d);
        data = data.subspan(2 + size);
        continue;
      }
    }
    const size_t want = held.size() < 2 ? 2 : 2 + (static_cast<size_t>(held[0]) << 8 | held[1]);
    const ByteSpan part = data.first(std::min(data.size(), want - held.size()));
    held.insert(held.end(), part.begin(), part.end());
    data = data.subspan(part.size());
    if (held.size() < 2) continue;
    const size_t size = static_cast<size_t>(held[0]) << 8 | held[1];
    if (held.size() < 2 + size) continue;
    if (!on_message(d, ByteSpan(held).subspan(2))) return broken(d);
    held.clear();
  }
  return DecodeStatus::kContinue;
}

bool DnsTcpDecoder::on_message(Direction d, ByteSpan message) {
  if (!parse_dns(message, message_)) return false;
  counters_.messages.add();
  if (message_.damaged) counters_.malformed.add();
  if (message_.limited) counters_.record_limit.add();
  sides_[d].seen = true;
  sink_.on_dns(d, message_);
  return true;
}

DecodeStatus DnsTcpDecoder::broken(Direction d) {
  const bool known = sides_[d].seen || sides_[reverse(d)].seen;
  (known ? counters_.malformed : counters_.not_dns).add();
  return known ? DecodeStatus::kMalformed : DecodeStatus::kNotMine;
}

DecodeStatus DnsTcpDecoder::on_gap(Direction d, uint64_t) noexcept {
  // Lengths are lost with the bytes: the rest of this direction cannot be told apart.
  counters_.gaps.add();
  sides_[d].ended = true;
  std::vector<uint8_t>().swap(sides_[d].buffer);
  return sides_[reverse(d)].ended ? DecodeStatus::kDone : DecodeStatus::kContinue;
}

void DnsTcpDecoder::on_end(Direction d, EndReason) noexcept {
  sides_[d].ended = true;
  std::vector<uint8_t>().swap(sides_[d].buffer);
}

}  // namespace weir::inspect

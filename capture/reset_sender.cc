// See reset_sender.h.
#include "capture/reset_sender.h"

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/hash.h"

namespace weir::capture {
namespace {

constexpr Duration kAgain = Duration::millis(100);
constexpr int kEthernet = 1;  // LINKTYPE_ETHERNET
constexpr int kRawIp = 101;   // LINKTYPE_RAW
constexpr size_t kMacs = 12;
constexpr size_t kMaxTags = 3;
constexpr HashKey kConnections = {{0x7765697220637574ULL, 0x7265736574732121ULL}};

// Both directions give the same number.
uint64_t connection_of(const DecodedPacket& packet) noexcept {
  std::array<uint8_t, 36> bytes{};
  const bool order = packet.source < packet.destination;
  const Endpoint& a = order ? packet.source : packet.destination;
  const Endpoint& b = order ? packet.destination : packet.source;
  std::copy(a.ip.bytes.begin(), a.ip.bytes.end(), bytes.begin());
  std::copy(b.ip.bytes.begin(), b.ip.bytes.end(), bytes.begin() + 16);
  bytes[32] = static_cast<uint8_t>(a.port >> 8);
  bytes[33] = static_cast<uint8_t>(a.port);
  bytes[34] = static_cast<uint8_t>(b.port >> 8);
  bytes[35] = static_cast<uint8_t>(b.port);
  return siphash(kConnections, bytes);
}

uint16_t type_at(ByteSpan frame, size_t at) noexcept {
  return static_cast<uint16_t>(frame[at] << 8 | frame[at + 1]);
}

// Bytes before the IP header of a plain or VLAN-tagged frame; 0: something else carries the packet.
size_t link_bytes(ByteSpan frame) noexcept {
  size_t at = kMacs;
  for (size_t tags = 0; tags <= kMaxTags; ++tags, at += 4) {
    if (frame.size() < at + 2) return 0;
    const uint16_t type = type_at(frame, at);
    if (type == ETH_P_IP || type == ETH_P_IPV6) return at + 2;
    if (type != ETH_P_8021Q && type != ETH_P_8021AD) return 0;
  }
  return 0;
}

}  // namespace

bool reaches_nobody(const RawPacket& raw, const DecodedPacket& packet) noexcept {
  const bool plain =
      raw.link_type == kRawIp || (raw.link_type == kEthernet && link_bytes(raw.data) != 0);
  return packet.tunnelled || (!plain && packet.encapsulation != 0);
}

Result<std::unique_ptr<ResetSender>> ResetSender::open(const ResetSenderOptions& options) {
  std::unique_ptr<ResetSender> out(new ResetSender(options));
  if (const Status opened = out->open_sockets(); !opened) return opened.error();
  return out;
}

ResetSender::~ResetSender() {
  for (const int fd : {four_, six_, frames_}) {
    if (fd >= 0) close(fd);
  }
}

Status ResetSender::open_sockets() {
  const auto wrong = [](const std::string& what) {
    return Error{"resets: " + what + ": " + std::strerror(errno), {}, 0, 0};
  };
  if (!options_.interface.empty()) {
    interface_ = static_cast<int>(if_nametoindex(options_.interface.c_str()));
    if (interface_ == 0) return wrong("interface " + options_.interface);
    frames_ = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (frames_ < 0) return wrong("no right to send frames (CAP_NET_RAW)");
    return ok_status();
  }
  const int kind = SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK;
  four_ = socket(AF_INET, kind, IPPROTO_RAW);
  six_ = socket(AF_INET6, kind, IPPROTO_RAW);
  if (four_ < 0) return wrong("no right to send packets (CAP_NET_RAW)");
  for (const int fd : {four_, six_}) {
    if (fd < 0 || options_.mark == 0) continue;
    if (setsockopt(fd, SOL_SOCKET, SO_MARK, &options_.mark, sizeof options_.mark) != 0) {
      return wrong("no right to mark packets (CAP_NET_ADMIN)");
    }
  }
  return ok_status();
}

bool ResetSender::may_send(const DecodedPacket& packet) noexcept {
  const uint64_t connection = connection_of(packet);
  Recent& recent = recent_[connection % recent_.size()];
  if (recent.connection == connection && packet.time < recent.time + kAgain) return false;
  if (packet.time > filled_) {
    const double rate = options_.per_second;
    tokens_ = filled_.ns == 0
                  ? rate
                  : std::min(rate, tokens_ + (packet.time - filled_).as_seconds() * rate);
    filled_ = packet.time;
  }
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  recent = {connection, packet.time};
  return true;
}

void ResetSender::cut(const RawPacket& raw, const DecodedPacket& packet) noexcept {
  const bool as_frame = frames_ >= 0;
  const bool frame_known =
      raw.link_type == kEthernet && link_bytes(raw.data) != 0 && raw.data.size() > kMacs;
  // Inside a tunnel the two ends cannot be reached with what is outside of it.
  if (packet.protocol != static_cast<uint8_t>(IpProtocol::kTcp) || (as_frame && !frame_known) ||
      reaches_nobody(raw, packet)) {
    return counters_.unsupported.add();
  }
  if (packet.flags.rst) return;
  if (!may_send(packet)) return counters_.limited.add();
  ResetOptions options;
  options.passed = !options_.in_path;
  options.spread = options_.in_path ? 1 : options_.spread;
  const ResetSegments resets = make_resets(packet, options);
  for (size_t i = 0; i < resets.count; ++i) {
    if (as_frame) {
      send_frame(resets.segments[i], raw.data);
    } else {
      send_routed(resets.segments[i], packet);
    }
  }
}

void ResetSender::send_routed(const ResetSegment& segment, const DecodedPacket& packet) noexcept {
  const Endpoint& to = segment.to_sender ? packet.source : packet.destination;
  ssize_t sent = -1;
  if (to.ip.is_v4()) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    std::memcpy(&address.sin_addr, to.ip.bytes.data() + 12, 4);
    sent = sendto(four_, segment.bytes.data(), segment.length, 0,
                  reinterpret_cast<const sockaddr*>(&address), sizeof address);
  } else if (six_ >= 0) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    std::memcpy(&address.sin6_addr, to.ip.bytes.data(), 16);
    sent = sendto(six_, segment.bytes.data(), segment.length, 0,
                  reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  (sent < 0 ? counters_.failed : counters_.sent).add();
}

void ResetSender::send_frame(const ResetSegment& segment, ByteSpan frame) noexcept {
  std::array<uint8_t, kMacs + 4 * kMaxTags + 2 + kResetBytes> bytes{};
  const size_t link = link_bytes(frame);
  std::copy_n(frame.data(), link, bytes.data());
  if (segment.to_sender) std::swap_ranges(bytes.data(), bytes.data() + 6, bytes.data() + 6);
  std::copy_n(segment.bytes.data(), segment.length, bytes.data() + link);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = interface_;
  const ssize_t sent = sendto(frames_, bytes.data(), link + segment.length, 0,
                              reinterpret_cast<const sockaddr*>(&address), sizeof address);
  (sent < 0 ? counters_.failed : counters_.sent).add();
}

void count_resets(LiveCounters& into, const ResetSender* resets) noexcept {
  if (resets == nullptr) return;
  const ResetSenderCounters& from = resets->counters();
  into.resets_sent = from.sent;
  into.resets_limited = from.limited;
  into.resets_failed = from.failed;
  into.resets_unsupported = from.unsupported;
}

}  // namespace weir::capture

// See small_packets.h.
#include "inspect/engine/small_packets.h"

#include <algorithm>

namespace weir::inspect {

namespace {

constexpr size_t kMinimumFrame = 60;  // Ethernet without checksum
constexpr size_t kMostPadding = 6;    // 60 - 14 - 20 - 20

bool starts_with_ignoring_case(std::string_view text, std::string_view lower) noexcept {
  return text.size() >= lower.size() &&
         std::equal(lower.begin(), lower.end(), text.begin(), [](char a, char b) {
           return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b);
         });
}

}  // namespace

std::optional<std::string_view> ssdp_host(ByteSpan datagram) noexcept {
  std::string_view text = as_chars(datagram);
  if (!text.starts_with("M-SEARCH * HTTP/1.") && !text.starts_with("NOTIFY * HTTP/1.")) {
    return std::nullopt;
  }
  while (true) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    text.remove_prefix(end + 1);
    if (!starts_with_ignoring_case(text, "host:")) continue;
    text.remove_prefix(5);
    std::string_view value = text.substr(0, text.find_first_of("\r\n"));
    while (value.starts_with(' ')) value.remove_prefix(1);
    while (value.ends_with(' ')) value.remove_suffix(1);
    return value;
  }
}

bool is_ack_with_padding(const DecodedPacket& packet) noexcept {
  if (packet.payload.empty() || packet.payload.size() > kMostPadding) return false;
  const TcpFlags& flags = packet.flags;
  return packet.protocol == static_cast<uint8_t>(IpProtocol::kTcp) && flags.ack && !flags.psh &&
         !flags.syn && !flags.fin && !flags.rst && packet.wire_length <= kMinimumFrame &&
         std::all_of(packet.payload.begin(), packet.payload.end(),
                     [](uint8_t byte) { return byte == 0; });
}

}  // namespace weir::inspect

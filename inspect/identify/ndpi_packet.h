// Writes the IP packet that a DecodedPacket may have been, for libraries that want one. Lengths,
// addresses, ports, sequence numbers and flags are right; checksums, options and identification are
// not. IPv4 when both addresses are, else IPv6.
#pragma once

#include <array>
#include <cstdint>

#include "core/bytes.h"
#include "core/packet.h"

namespace weir::inspect {

// A public IPv4 address becomes one in 10.0.0.0/8 (always the same one), so that built-in lists of
// address owners say nothing about it; others stay as they are.
[[nodiscard]] IpAddress private_stand_in(const IpAddress& ip) noexcept;

class IpPacketWriter {
 public:
  static constexpr size_t kMostPayload = 1460;

  // Valid until the next call. Payload beyond kMostPayload is left out.
  ByteSpan write(const DecodedPacket& packet) noexcept;

 private:
  void put8(uint8_t value) noexcept { buffer_[size_++] = value; }
  void put16(uint32_t value) noexcept;
  void put32(uint32_t value) noexcept;
  void put(ByteSpan bytes) noexcept;

  // Zeros behind the packet, for readers that look a little too far.
  std::array<uint8_t, 40 + 20 + kMostPayload + 64> buffer_{};
  size_t size_ = 0;
};

}  // namespace weir::inspect

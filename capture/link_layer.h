// The link layer of one frame: from its link type to the IP header in it.
#pragma once

#include <cstdint>

#include "core/byte_reader.h"

namespace weir::capture {

// Most VLAN tags and SNAP headers that are taken off one frame.
inline constexpr int kMaxVlanTags = 8;
inline constexpr int kMaxMplsLabels = 8;

enum class LinkOutcome : uint8_t {
  kIp,           // the reader stands at an IP header; its first nibble says which version
  kNotIp,        // a frame that carries something else
  kTunnel,       // MPLS pseudowire, MACsec …: known, but not entered
  kBad,          // a field that cannot be
  kShort,        // the frame ends inside the link-layer header
  kUnknownType,  // link type that is not read
};

// Moves `in`, which stands at the start of the frame, to the IP header. VLAN ids and PPPoE sessions
// are folded into `encapsulation`: 0 without any, the id of a single tag, outer << 12 | inner of
// two tags.
[[nodiscard]] LinkOutcome read_link_layer(int link_type, ByteReader& in,
                                          uint32_t& encapsulation) noexcept;

// What follows an EtherType, which was just read; also takes VLAN tags, MPLS labels and PPPoE off.
[[nodiscard]] LinkOutcome read_ether_type(uint16_t type, ByteReader& in,
                                          uint32_t& encapsulation) noexcept;

// An IEEE 802.2 header (RFC 1042 SNAP, or IP directly).
[[nodiscard]] LinkOutcome read_llc(ByteReader& in, uint32_t& encapsulation) noexcept;

// IEEE 802.11 with and without a radiotap header: unencrypted data frames.
[[nodiscard]] LinkOutcome read_radiotap(ByteReader& in, uint32_t& encapsulation) noexcept;
[[nodiscard]] LinkOutcome read_wifi(ByteReader& in, uint32_t& encapsulation) noexcept;

}  // namespace weir::capture

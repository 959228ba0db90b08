// The link layer of one frame: from its link type to the IP header in it.
#pragma once

#include <cstdint>

#include "core/byte_reader.h"

namespace weir::capture {

// Most tags and headers between the frame and IP (VLAN, SNAP, MPLS stacks, PPPoE, 802.1BR, VN-tag,
// 802.1ah, NSH) that are taken off one frame.
inline constexpr int kMaxVlanTags = 8;
inline constexpr int kMaxMplsLabels = 8;

// LINKTYPE_* numbers that tunnels carry.
inline constexpr int kLinkEthernet = 1;
inline constexpr int kLinkPpp = 9;
inline constexpr int kLinkWifi = 105;
// EtherTypes that tunnels name or carry.
inline constexpr uint16_t kEtherTypeIpv4 = 0x0800;
inline constexpr uint16_t kEtherTypeIpv6 = 0x86dd;
inline constexpr uint16_t kEtherTypeMpls = 0x8847;
inline constexpr uint16_t kEtherTypeNsh = 0x894f;
inline constexpr uint16_t kEtherTypeBridged = 0x6558;  // a whole Ethernet frame

enum class LinkOutcome : uint8_t {
  kIp,           // the reader stands at an IP header; its first nibble says which version
  kNotIp,        // a frame that carries something else
  kTunnel,       // MACsec, a pseudowire of no known content …: known, but not entered
  kBad,          // a field that cannot be
  kShort,        // the frame ends inside the link-layer header
  kUnknownType,  // link type that is not read
};

// Wrappers with a number of their own that is the same for both ways of a flow.
enum class Wrapper : uint8_t { kVxlan = 1, kGeneve, kErspan, kBackbone };

// The encapsulation inside one more wrapper; `id` has at most 24 bits. Never 0.
[[nodiscard]] uint32_t fold_wrapper(uint32_t encapsulation, Wrapper wrapper, uint32_t id) noexcept;

// Moves `in`, which stands at the start of the frame, to the IP header. VLAN ids, PPPoE sessions
// and 802.1ah service ids are folded into `encapsulation`: 0 without any, the id of a single tag,
// outer << 12 | inner of two tags, a hash beyond. MPLS labels, 802.1BR and VN-tag ports and NSH
// paths differ between the two ways of a flow and are left out.
[[nodiscard]] LinkOutcome read_link_layer(int link_type, ByteReader& in,
                                          uint32_t& encapsulation) noexcept;

// What follows an EtherType, which was just read; takes off what stands before IP.
[[nodiscard]] LinkOutcome read_ether_type(uint16_t type, ByteReader& in,
                                          uint32_t& encapsulation) noexcept;

// An IEEE 802.2 header (RFC 1042 SNAP, or IP directly).
[[nodiscard]] LinkOutcome read_llc(ByteReader& in, uint32_t& encapsulation) noexcept;

// IEEE 802.11 with and without a radiotap header: unencrypted data frames.
[[nodiscard]] LinkOutcome read_radiotap(ByteReader& in, uint32_t& encapsulation) noexcept;
[[nodiscard]] LinkOutcome read_wifi(ByteReader& in, uint32_t& encapsulation) noexcept;

}  // namespace weir::capture

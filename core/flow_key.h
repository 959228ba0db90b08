// The identity of a flow: both endpoints in a fixed order, protocol and encapsulation. No padding,
// so that its bytes can be hashed and compared as they are.
#pragma once

#include <cstdint>
#include <type_traits>

#include "core/bytes.h"
#include "core/ip.h"

namespace weir {

struct FlowKey {
  IpAddress lo_ip;
  IpAddress hi_ip;
  uint16_t lo_port = 0;
  uint16_t hi_port = 0;
  // What wrapped the packet (VLAN, VNI, session id), folded into one number; 0 is none. A mirror
  // can show the same five-tuple encrypted in one VLAN and decrypted in another.
  uint32_t encapsulation = 0;
  uint32_t protocol = 0;  // IpProtocol; 32 bits wide so that no padding arises

  // The key of a packet from `source` to `destination`; `swapped` says that source is the hi side.
  static FlowKey make(const Endpoint& source, const Endpoint& destination, uint8_t protocol,
                      uint32_t encapsulation, bool* swapped) noexcept {
    *swapped = destination < source;
    const Endpoint& lo = *swapped ? destination : source;
    const Endpoint& hi = *swapped ? source : destination;
    return {lo.ip, hi.ip, lo.port, hi.port, encapsulation, protocol};
  }
  [[nodiscard]] ByteSpan bytes() const noexcept {
    return {reinterpret_cast<const uint8_t*>(this), sizeof(*this)};
  }
  friend bool operator==(const FlowKey&, const FlowKey&) noexcept = default;
};

static_assert(std::has_unique_object_representations_v<FlowKey>);
static_assert(sizeof(FlowKey) == 44);

}  // namespace weir

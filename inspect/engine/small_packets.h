// Two oddities of single packets, told before streams and flows are looked at.
#pragma once

#include <optional>
#include <string_view>

#include "core/bytes.h"
#include "core/packet.h"

namespace weir::inspect {

// The HOST of an SSDP datagram (UPnP Device Architecture 2.0, section 1.3): HTTP header syntax over
// UDP. Empty when the datagram is something else.
[[nodiscard]] std::optional<std::string_view> ssdp_host(ByteSpan datagram) noexcept;

// A bare ACK in a frame of minimum size, whose IP length counts the zero padding of the frame as
// payload, as some middleboxes send it. Taken for data, the zeros would stand where the peer's real
// next bytes belong. Real data of a few zero bytes comes with PSH.
[[nodiscard]] bool is_ack_with_padding(const DecodedPacket& packet) noexcept;

}  // namespace weir::inspect

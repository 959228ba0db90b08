// IPv4 (RFC 791) and IPv6 (RFC 8200) headers with options and extension headers, down to the
// transport header. Checksums are not verified: network cards fill them in after a capture.
#pragma once

#include <cstdint>

#include "core/byte_reader.h"
#include "core/ip.h"

namespace weir::capture {

// Most extension headers (and AH) that are stepped over in one packet.
inline constexpr int kMaxExtensionHeaders = 16;

enum class NetworkOutcome : uint8_t {
  kTransport,  // payload stands at a transport header
  kFragment,   // payload is a piece of what `protocol` names; the fragment fields are set
  kBad,        // a field that cannot be
  kShort,      // the capture ends inside the headers
};

struct NetworkPacket {
  IpAddress source;
  IpAddress destination;
  uint8_t protocol = 0;  // of the transport
  bool more_fragments = false;
  bool length_known = true;  // false: a header without length (segmentation offload)
  uint32_t fragment_id = 0;
  uint32_t fragment_offset = 0;  // in bytes
  ByteSpan payload;              // captured bytes above the IP headers, without padding
  uint32_t payload_length = 0;   // as the IP header promises; at least payload.size()
};

// `frame` begins at the IP header and may have padding behind it. `wire_length` counts its bytes
// on the wire, for headers that do not tell their length.
[[nodiscard]] NetworkOutcome read_network_layer(ByteSpan frame, uint32_t wire_length,
                                                NetworkPacket& out) noexcept;

// Goes on in a datagram that was put together from fragments, of which `packet` was one: what
// extension headers the fragmented part begins with. Fragments inside fragments are kBad.
[[nodiscard]] NetworkOutcome resume_network_layer(ByteSpan payload, uint32_t length,
                                                  uint8_t protocol, NetworkPacket& packet) noexcept;

}  // namespace weir::capture

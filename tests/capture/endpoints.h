// The two ends of the packets that the capture tests make.
#pragma once

#include "bench/lab/frames.h"
#include "capture/packet_decoder.h"

namespace weir::capture {

inline const Endpoint kClient{IpAddress::v4(0x0a000001), 40000};
inline const Endpoint kServer{IpAddress::v4(0xc0a80102), 443};
inline const Endpoint kClient6{*IpAddress::parse("2001:db8::1"), 40001};
inline const Endpoint kServer6{*IpAddress::parse("2001:db8::2"), 443};

// The same request over IPv4 and IPv6.
inline lab::Bytes ip4() { return lab::tcp_packet(kClient, kServer, {}, as_bytes("inside")); }
inline lab::Bytes ip6() { return lab::tcp_packet(kClient6, kServer6, {}, as_bytes("inside")); }

}  // namespace weir::capture

// The first flight of a QUIC v1 client (RFC 9000, RFC 9001): Initial packets whose CRYPTO frames
// carry a ClientHello, protected with the keys that anybody can derive.
#pragma once

#include <vector>

#include "bench/lab/byte_writer.h"
#include "bench/lab/lab_random.h"
#include "bench/lab/tls_messages.h"

namespace weir::lab {

// One UDP payload of 1200 bytes or more for each packet. A post-quantum hello takes two. With
// `scattered`, CRYPTO frames are cut small and out of order, as browsers send them.
std::vector<Bytes> quic_client_flight(LabRandom& random, ClientHelloPlan plan, bool scattered);

// A short-header packet: opaque.
Bytes quic_opaque(LabRandom& random, size_t size);

}  // namespace weir::lab

#include "bench/lab/quic_initial.h"

#include <algorithm>

#include "bench/lab/quic_crypto.h"

namespace weir::lab {
namespace {

constexpr size_t kDatagram = 1200;
constexpr size_t kTag = 16;
constexpr size_t kCryptoPerPacket = 1080;

void put_crypto(ByteWriter& out, ByteSpan hello, size_t from, size_t to) {
  out.u8(0x06);
  put_quic_varint(out, from);
  put_quic_varint(out, to - from);
  out.bytes(hello.subspan(from, to - from));
}

Bytes initial_packet(const QuicKeys& keys, ByteSpan destination_id, ByteSpan source_id,
                     uint64_t number, ByteSpan frames) {
  ByteWriter header;
  header.u8(0xc3).u32(1).vector(1, destination_id).vector(1, source_id).u8(0);  // no token
  const size_t padded =
      std::max(frames.size(), kDatagram - header.size() - 2 - 4 - kTag);  // length, number, tag
  put_quic_varint(header, 4 + padded + kTag);
  header.u32(number);
  Bytes plain(frames.begin(), frames.end());
  plain.resize(padded);
  return quic_protect(keys, header.span(), 4, number, plain);
}

}  // namespace

std::vector<Bytes> quic_client_flight(LabRandom& random, ClientHelloPlan plan, bool scattered) {
  const Bytes destination_id = random.bytes(8);
  const Bytes source_id = random.bytes(8);
  plan.alpn = {"h3"};
  // initial_source_connection_id and initial_max_data.
  plan.quic_parameters =
      ByteWriter().u8(0x0f).vector(1, source_id).u8(0x04).u8(4).u32(0x80100000).take();
  const Bytes hello = client_hello(random, plan);
  const QuicKeys keys = quic_initial_keys(kQuicV1, destination_id, true);
  std::vector<Bytes> out;
  for (size_t from = 0; from < hello.size(); from += kCryptoPerPacket) {
    const size_t to = std::min(hello.size(), from + kCryptoPerPacket);
    ByteWriter frames;
    if (scattered) {
      const size_t third = from + (to - from) / 3;
      const size_t half = from + (to - from) / 2;
      put_crypto(frames, hello, half, to);
      frames.u8(0x01).zeros(3);  // PING, PADDING
      put_crypto(frames, hello, from, third);
      put_crypto(frames, hello, third, half);
    } else {
      put_crypto(frames, hello, from, to);
    }
    out.push_back(initial_packet(keys, destination_id, source_id, out.size(), frames.span()));
  }
  if (scattered) std::reverse(out.begin(), out.end());
  return out;
}

Bytes quic_opaque(LabRandom& random, size_t size) {
  Bytes out = random.bytes(std::max<size_t>(size, 24));
  out[0] = static_cast<uint8_t>(0x40 | (out[0] & 0x3f));
  return out;
}

}  // namespace weir::lab

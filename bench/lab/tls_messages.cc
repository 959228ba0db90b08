#include "bench/lab/tls_messages.h"

#include <algorithm>

namespace weir::lab {
namespace {

constexpr unsigned kChangeCipherSpec = 20;
constexpr unsigned kHandshake = 22;
constexpr unsigned kApplicationData = 23;
constexpr unsigned kX25519 = 0x001d;
constexpr unsigned kX25519MlKem768 = 0x11ec;

void put_record(ByteWriter& out, unsigned type, unsigned version, ByteSpan body) {
  out.u8(type).u16(version).vector(2, body);
}

void put_extension(ByteWriter& out, unsigned type, ByteSpan body) { out.u16(type).vector(2, body); }

void put_opaque(LabRandom& random, ByteWriter& out, size_t size) {
  put_record(out, kApplicationData, 0x0303, random.bytes(size));
}

Bytes handshake_message(unsigned type, ByteSpan body) {
  return ByteWriter().u8(type).vector(3, body).take();
}

Bytes list16(std::initializer_list<unsigned> values) {
  ByteWriter items;
  for (const unsigned value : values) items.u16(value);
  return ByteWriter().vector(2, items.span()).take();
}

Bytes client_extensions(LabRandom& random, const ClientHelloPlan& plan) {
  ByteWriter out;
  const Bytes name = ByteWriter().u8(0).vector(2, as_bytes(plan.host)).take();
  put_extension(out, 0, ByteWriter().vector(2, name).span());
  put_extension(out, 23, {});
  put_extension(out, 0xff01, ByteWriter().u8(0).span());
  put_extension(
      out, 10,
      plan.post_quantum ? list16({kX25519MlKem768, kX25519, 23, 24}) : list16({kX25519, 23, 24}));
  put_extension(out, 11, ByteWriter().u8(1).u8(0).span());
  const bool bun = plan.kind == HelloKind::kBun;
  if (bun) put_extension(out, 35, {});
  ByteWriter protocols;
  for (const std::string& protocol : plan.alpn) protocols.vector(1, as_bytes(protocol));
  put_extension(out, 16, ByteWriter().vector(2, protocols.span()).span());
  put_extension(out, 5, ByteWriter().u8(1).u16(0).u16(0).span());
  put_extension(
      out, 13,
      bun ? list16({0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601, 0x0201})
          : list16({0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601}));
  put_extension(out, 18, {});
  ByteWriter shares;
  if (plan.post_quantum) shares.u16(kX25519MlKem768).vector(2, random.bytes(1216));
  shares.u16(kX25519).vector(2, random.bytes(32));
  put_extension(out, 51, ByteWriter().vector(2, shares.span()).span());
  put_extension(out, 45, ByteWriter().u8(1).u8(1).span());
  put_extension(out, 43, ByteWriter().u8(4).u16(0x0304).u16(0x0303).span());
  if (bun) put_extension(out, 21, Bytes(9, 0));
  if (!plan.quic_parameters.empty()) put_extension(out, 57, plan.quic_parameters);
  return out.take();
}

}  // namespace

Bytes client_hello(LabRandom& random, const ClientHelloPlan& plan) {
  const bool quic = !plan.quic_parameters.empty();
  ByteWriter out;
  out.u16(0x0303).bytes(random.bytes(32)).vector(1, random.bytes(quic ? 0 : 32));
  out.bytes(quic ? list16({0x1301, 0x1302, 0x1303})
            : plan.kind == HelloKind::kBun
                ? list16({0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8,
                          0xc009, 0xc013, 0xc00a, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035})
                : list16({0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8,
                          0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035}));
  out.u8(1).u8(0).vector(2, client_extensions(random, plan));
  return handshake_message(1, out.span());
}

Bytes client_hello_record(LabRandom& random, const ClientHelloPlan& plan) {
  ByteWriter out;
  put_record(out, kHandshake, 0x0301, client_hello(random, plan));
  return out.take();
}

Bytes server_flight(LabRandom& random) {
  ByteWriter extensions;
  put_extension(extensions, 43, ByteWriter().u16(0x0304).span());
  put_extension(extensions, 51, ByteWriter().u16(kX25519).vector(2, random.bytes(32)).span());
  ByteWriter hello;
  hello.u16(0x0303).bytes(random.bytes(32)).vector(1, random.bytes(32)).u16(0x1301).u8(0);
  hello.vector(2, extensions.span());
  ByteWriter out;
  put_record(out, kHandshake, 0x0303, handshake_message(2, hello.span()));
  put_record(out, kChangeCipherSpec, 0x0303, ByteWriter().u8(1).span());
  put_opaque(random, out, random.between(2500, 4500));  // certificate and the rest
  return out.take();
}

Bytes client_finished(LabRandom& random) {
  ByteWriter out;
  put_record(out, kChangeCipherSpec, 0x0303, ByteWriter().u8(1).span());
  put_opaque(random, out, 53);
  return out.take();
}

Bytes application_data(LabRandom& random, size_t size) {
  ByteWriter out;
  while (size > 0) {
    const size_t part = std::min<size_t>(size, 16'384);
    put_opaque(random, out, part + 17);
    size -= part;
  }
  return out.take();
}

}  // namespace weir::lab

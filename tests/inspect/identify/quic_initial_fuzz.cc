// QUIC Initials. Datagrams: one byte of kind, two of length, the bytes. Kind bit 0 is the
// direction; kind bit 1 says that the bytes are frames, which are sealed first, so that mutations
// get past the encryption.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/byte_reader.h"
#include "core/check.h"
#include "inspect/identify/quic_initial.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::inspect;
  using weir::ByteSpan;
  const weir::Limits limits;
  QuicCounters counters;
  QuicInitialDecoder decoder(limits, counters);
  weir::ByteReader in(ByteSpan(data, size));
  constexpr uint8_t kId[] = {1, 2, 3, 4, 5, 6, 7, 8};
  static const auto keys =
      derive_quic_initial_keys(*quic_version_traits(1), kId, QuicSide::kClient);
  DecodeStatus status = DecodeStatus::kContinue;
  for (int i = 0; i < 64 && !in.empty() && status == DecodeStatus::kContinue; ++i) {
    const uint8_t kind = in.u8();
    const size_t count = std::min<size_t>(in.u16() & 0x7ff, in.remaining());
    const ByteSpan bytes = in.take(count);
    const auto direction = static_cast<weir::Direction>(kind & 1);
    if ((kind & 2) == 0) {
      status = decoder.on_datagram(direction, bytes);
      continue;
    }
    std::vector<uint8_t> header{0xc3, 0, 0, 0, 1, sizeof(kId)};
    header.insert(header.end(), std::begin(kId), std::end(kId));
    const auto length = static_cast<uint16_t>(bytes.size() + 4 + 16);
    header.insert(header.end(), {0, 0, static_cast<uint8_t>(0x40 | length >> 8),
                                 static_cast<uint8_t>(length), 0, 0, 0, static_cast<uint8_t>(i)});
    std::vector<uint8_t> packet;
    if (!seal_quic_packet(*keys, header, 4, bytes, packet)) continue;
    const uint64_t before = counters.initials_opened.get();
    status = decoder.on_datagram(weir::Direction::kToServer, packet);
    WEIR_CHECK(counters.initials_opened.get() == before + 1 ||
               decoder.info().client == weir::Direction::kToClient);
  }
  decoder.on_end();
  WEIR_CHECK(decoder.info().alpn_offered.size() <= kMaxAlpn);
  return 0;
}

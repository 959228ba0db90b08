// Records of a header (flags and id, offset, time step, length) and as many bytes are fragments.
// Limits hold after each, and what is put together has the length that it claims.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "capture/defragmenter.h"
#include "core/byte_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weir::Limits limits;
  limits.fragment_bytes = 16'384;
  limits.fragmented_datagrams = 4;
  limits.fragments_per_datagram = 16;
  weir::capture::Defragmenter defragmenter(limits);
  weir::capture::DecodeCounters counters;
  weir::ByteReader in(weir::ByteSpan(data, size));
  weir::Timestamp now;
  while (in.remaining() >= 5) {
    weir::capture::Fragment fragment;
    const uint8_t head = in.u8();
    fragment.more = (head & 1) != 0;
    fragment.id = head >> 1U & 3U;
    fragment.protocol = head >> 3U;
    fragment.source = (head & 0x80) != 0 ? weir::IpAddress() : weir::IpAddress::v4(1);
    fragment.offset = in.u16() & 0xfff8U;
    now = now + weir::Duration::seconds(in.u8() % 4);
    fragment.payload = in.take(std::min<size_t>(in.u8(), in.remaining()));
    fragment.length = static_cast<uint32_t>(fragment.payload.size()) + ((head & 0x40) != 0 ? 8 : 0);
    const auto whole = defragmenter.add(fragment, now, counters);
    if (defragmenter.held_datagrams() > 4 || defragmenter.held_bytes() > 16'384) std::abort();
    if (whole && (whole->payload.size() > whole->length || whole->length > 65'535)) std::abort();
    defragmenter.release();
  }
  return 0;
}

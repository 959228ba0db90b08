// IEEE 802.11 data frames that are not encrypted, with or without a radiotap header. Aggregated
// frames (A-MSDU) are not taken apart.
#include "capture/link_layer.h"

namespace weir::capture {
namespace {

// Bits of the frame control field, which goes over the air low byte first.
constexpr uint16_t kTypeMask = 0x000c;
constexpr uint16_t kTypeData = 0x0008;
constexpr uint16_t kSubtypeNoData = 0x0040;
constexpr uint16_t kSubtypeQos = 0x0080;
constexpr uint16_t kToAndFromDs = 0x0300;
constexpr uint16_t kProtected = 0x4000;
constexpr uint16_t kOrder = 0x8000;
constexpr uint16_t kQosAggregated = 0x0080;

constexpr uint32_t kRadiotapTsft = 1U << 0;
constexpr uint32_t kRadiotapFlags = 1U << 1;
constexpr uint32_t kRadiotapExtended = 1U << 31;
constexpr uint8_t kFlagPadded = 0x20;  // the 802.11 header is padded to 32 bits

LinkOutcome read_data_frame(ByteReader& in, bool padded, uint32_t& encapsulation) noexcept {
  const size_t begin = in.position();
  const uint16_t control = in.le16();
  in.skip(22);  // duration, three addresses, sequence control
  if (!in.ok()) return LinkOutcome::kShort;
  if ((control & kTypeMask) != kTypeData || (control & kSubtypeNoData) != 0 ||
      (control & kProtected) != 0) {
    return LinkOutcome::kNotIp;
  }
  if ((control & kToAndFromDs) == kToAndFromDs) in.skip(6);
  if ((control & kSubtypeQos) != 0) {
    if ((in.le16() & kQosAggregated) != 0) return LinkOutcome::kNotIp;
    if ((control & kOrder) != 0) in.skip(4);
  }
  if (padded) in.skip((4 - (in.position() - begin) % 4) % 4);
  return in.ok() ? read_llc(in, encapsulation) : LinkOutcome::kShort;
}

}  // namespace

LinkOutcome read_wifi(ByteReader& in, uint32_t& encapsulation) noexcept {
  return read_data_frame(in, false, encapsulation);
}

LinkOutcome read_radiotap(ByteReader& in, uint32_t& encapsulation) noexcept {
  const ByteSpan frame = in.peek();
  ByteReader header(frame);
  header.skip(2);  // version, padding
  const uint16_t length = header.le16();
  uint32_t present = header.le32();
  const uint32_t first = present;
  while (header.ok() && (present & kRadiotapExtended) != 0) present = header.le32();
  uint8_t flags = 0;
  if ((first & kRadiotapFlags) != 0) {
    if ((first & kRadiotapTsft) != 0) header.skip((8 - header.position() % 8) % 8 + 8);
    flags = header.u8();
  }
  if (!header.ok()) return LinkOutcome::kShort;
  if (header.position() > length) return LinkOutcome::kBad;
  in.skip(length);
  return in.ok() ? read_data_frame(in, (flags & kFlagPadded) != 0, encapsulation)
                 : LinkOutcome::kShort;
}

}  // namespace weir::capture

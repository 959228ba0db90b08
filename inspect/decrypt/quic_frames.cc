#include "inspect/decrypt/quic_frames.h"

#include <algorithm>

#include "inspect/identify/quic_header.h"

namespace weir::inspect {
namespace {

constexpr uint64_t kMaxOffset = (uint64_t{1} << 62) - 1;

}  // namespace

void QuicFrameReader::skip_ack(bool ecn) noexcept {
  (void)read_quic_varint(in_);  // largest
  (void)read_quic_varint(in_);  // delay
  const uint64_t ranges = read_quic_varint(in_);
  (void)read_quic_varint(in_);  // first range
  for (uint64_t i = 0; i < ranges && in_.ok(); ++i) {
    (void)read_quic_varint(in_);
    (void)read_quic_varint(in_);
  }
  for (int i = 0; ecn && i < 3; ++i) (void)read_quic_varint(in_);
}

bool QuicFrameReader::next(QuicFrame& out) noexcept {
  using Kind = QuicFrame::Kind;
  const auto sized = [this]() noexcept {
    const uint64_t size = read_quic_varint(in_);
    if (size > in_.remaining()) in_.fail();
    return in_.take(static_cast<size_t>(std::min<uint64_t>(size, in_.remaining())));
  };
  const auto skip = [this](int count) noexcept {
    for (int i = 0; i < count; ++i) (void)read_quic_varint(in_);
  };
  while (!in_.empty()) {
    out = QuicFrame{};
    const uint64_t type = read_quic_varint(in_);
    bool give = true;
    switch (type) {
      case 0x00: {  // PADDING, often to the end of the packet
        const ByteSpan rest = in_.peek();
        const auto end = std::find_if(rest.begin(), rest.end(), [](uint8_t b) { return b != 0; });
        in_.skip(static_cast<size_t>(end - rest.begin()));
        give = false;
        break;
      }
      case 0x01:  // PING
        give = false;
        break;
      case 0x02:
      case 0x03:
        skip_ack(type == 0x03);
        give = false;
        break;
      case 0x04:
        out.kind = Kind::kReset;
        out.stream = read_quic_varint(in_);
        skip(1);  // error code
        out.offset = read_quic_varint(in_);
        break;
      case 0x05:
        out.kind = Kind::kStop;
        out.stream = read_quic_varint(in_);
        skip(1);
        break;
      case 0x06:
        out.kind = Kind::kCrypto;
        out.offset = read_quic_varint(in_);
        out.data = sized();
        break;
      case 0x07:  // NEW_TOKEN
        (void)sized();
        give = false;
        break;
      case 0x10:  // MAX_DATA
      case 0x12:  // MAX_STREAMS
      case 0x13:
      case 0x14:  // DATA_BLOCKED
      case 0x16:  // STREAMS_BLOCKED
      case 0x17:
      case 0x19:  // RETIRE_CONNECTION_ID
        skip(1);
        give = false;
        break;
      case 0x11:  // MAX_STREAM_DATA
      case 0x15:  // STREAM_DATA_BLOCKED
        skip(2);
        give = false;
        break;
      case 0x18:
        out.kind = Kind::kNewId;
        skip(2);
        out.data = in_.take(in_.u8());
        in_.skip(16);  // stateless reset token
        break;
      case 0x1a:  // PATH_CHALLENGE
      case 0x1b:  // PATH_RESPONSE
        in_.skip(8);
        give = false;
        break;
      case 0x1c:
      case 0x1d:
        out.kind = Kind::kClose;
        skip(type == 0x1c ? 2 : 1);
        (void)sized();
        break;
      case 0x1e:  // HANDSHAKE_DONE
      case 0x1f:  // IMMEDIATE_ACK (draft-ietf-quic-ack-frequency)
      case 0xac:  // the same in earlier drafts
        give = false;
        break;
      case 0x24:  // RESET_STREAM_AT (draft-ietf-quic-reliable-stream-reset)
        out.kind = Kind::kReset;
        out.stream = read_quic_varint(in_);
        skip(1);
        out.offset = read_quic_varint(in_);
        out.reliable = read_quic_varint(in_);
        break;
      case 0x2f5:  // TIME_STAMP (draft-huitema-quic-ts)
        skip(1);
        give = false;
        break;
      case 0xaf:  // ACK_FREQUENCY
        skip(4);
        give = false;
        break;
      case 0x30:
        out.kind = Kind::kDatagram;
        out.data = in_.rest();
        break;
      case 0x31:
        out.kind = Kind::kDatagram;
        out.data = sized();
        break;
      default:
        if (type < 0x08 || type > 0x0f) {
          unknown_ = true;
          return false;
        }
        out.kind = Kind::kStream;
        out.stream = read_quic_varint(in_);
        out.offset = (type & 4) != 0 ? read_quic_varint(in_) : 0;
        out.data = (type & 2) != 0 ? sized() : in_.rest();
        out.fin = (type & 1) != 0;
        break;
    }
    if (!in_.ok()) return false;
    if (out.offset > kMaxOffset - out.data.size()) {
      in_.fail();
      return false;
    }
    if (give) return true;
  }
  return false;
}

}  // namespace weir::inspect

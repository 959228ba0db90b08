#include "inspect/identify/quic_initial.h"

#include <algorithm>
#include <optional>

#include "core/byte_reader.h"
#include "inspect/identify/quic_header.h"

namespace weir::inspect {
namespace {

constexpr size_t kMaxRanges = 256;     // pieces of the CRYPTO stream that do not touch
constexpr uint32_t kMaxAttempts = 64;  // Initials tried before a flow is given up
constexpr uint8_t kClientHelloType = 1;
constexpr size_t kMessageHeader = 4;

enum FrameType : uint64_t {
  kPadding = 0x00,
  kPing = 0x01,
  kAck = 0x02,
  kAckEcn = 0x03,
  kClose = 0x1c,
};

}  // namespace

ProbeAnswer probe_quic(ByteSpan datagram) noexcept {
  const std::optional<QuicLongHeader> header = read_quic_long_header(datagram);
  if (!header) return ProbeAnswer::kNo;
  if (header->traits != nullptr) {
    const bool fixed = (datagram[0] & kQuicFixedBit) != 0;
    return fixed || header->type == QuicPacketType::kRetry ? ProbeAnswer::kYes : ProbeAnswer::kNo;
  }
  const bool negotiation = header->version == 0 && header->dcid.size() <= kMaxQuicId;
  return negotiation ? ProbeAnswer::kMaybe : ProbeAnswer::kNo;
}

DecodeStatus QuicInitialDecoder::on_datagram(Direction d, ByteSpan datagram) noexcept {
  if (finished_) return DecodeStatus::kDone;
  if (first_ && probe_quic(datagram) == ProbeAnswer::kNo) return DecodeStatus::kNotMine;
  first_ = false;
  counters_.datagrams.add();
  // Short headers and padding outside packets end the datagram.
  while (!datagram.empty() && (datagram[0] & kQuicLongHeader) != 0 && !finished_) {
    const std::optional<QuicLongHeader> header = read_quic_long_header(datagram);
    if (!header) {
      counters_.malformed.add();
      break;
    }
    if (header->version == 0) {
      counters_.version_negotiations.add();
    } else if (header->traits == nullptr) {
      counters_.unknown_versions.add();
    } else if (header->type == QuicPacketType::kRetry) {
      counters_.retries.add();
      retry_ = true;
    } else if (header->type == QuicPacketType::kInitial) {
      counters_.initials.add();
      version_ = header->version;
      if (open_initial(d, header->version, header->dcid, datagram.first(header->size),
                       header->pn_offset)) {
        counters_.initials_opened.add();
        if (!read_frames(scratch_)) counters_.malformed.add();
        finished_ = try_client_hello(false);
      } else {
        counters_.initials_not_opened.add();
      }
    }
    datagram = datagram.subspan(header->size);
  }
  if (!finished_ && attempts_ >= kMaxAttempts) {
    counters_.attempts_limit.add();
    finished_ = true;
  }
  return finished_ ? DecodeStatus::kDone : DecodeStatus::kContinue;
}

// The client's keys come from the connection id of its first Initial and stay, although it then
// addresses the server by another id; after a Retry, or in a new attempt, they come from the new
// one.
bool QuicInitialDecoder::open_initial(Direction d, uint32_t version, ByteSpan dcid, ByteSpan packet,
                                      size_t pn_offset) {
  const bool known = key_version_ != 0;
  if (known && d != info_.client) return false;  // the server's, under keys of its own
  ++attempts_;
  if (known && key_version_ == version && open_quic_packet(keys_, packet, pn_offset, scratch_)) {
    return true;
  }
  ConnectionId id;
  id.size = static_cast<uint8_t>(dcid.size());
  std::copy(dcid.begin(), dcid.end(), id.bytes.begin());
  if (known && key_version_ == version && id == key_id_) return false;
  const QuicVersionTraits* traits = nullptr;
  for (size_t i = 0; (traits = quic_version_traits(version, i)) != nullptr; ++i) {
    const auto keys = derive_quic_initial_keys(*traits, dcid, QuicSide::kClient);
    if (!keys || !open_quic_packet(*keys, packet, pn_offset, scratch_)) continue;
    if (known) forget_crypto();
    keys_ = *keys;
    key_id_ = id;
    key_version_ = version;
    crypto_frame_ = traits->crypto_frame;
    info_.client = d;
    return true;
  }
  return false;
}

bool QuicInitialDecoder::read_frames(ByteSpan payload) {
  ByteReader in(payload);
  while (!in.empty()) {
    const uint64_t type = read_quic_varint(in);
    if (type == crypto_frame_) {
      const uint64_t offset = read_quic_varint(in);
      const uint64_t size = read_quic_varint(in);
      if (size > in.remaining()) return false;
      add_crypto(offset, in.take(static_cast<size_t>(size)));
      continue;
    }
    switch (type) {
      case kPadding:
      case kPing:
        break;
      case kAck:
      case kAckEcn: {
        (void)read_quic_varint(in);  // largest
        (void)read_quic_varint(in);  // delay
        const uint64_t ranges = read_quic_varint(in);
        (void)read_quic_varint(in);  // first range
        for (uint64_t i = 0; i < ranges && in.ok(); ++i) {
          (void)read_quic_varint(in);
          (void)read_quic_varint(in);
        }
        for (int i = 0; type == kAckEcn && i < 3; ++i) (void)read_quic_varint(in);
        break;
      }
      case kClose:
        return true;
      default:
        return false;
    }
  }
  return in.ok();
}

// Keeps what is new of `data`; what was there first stays.
void QuicInitialDecoder::add_crypto(uint64_t offset, ByteSpan data) {
  if (data.empty()) return;
  const size_t limit = limits_.quic_crypto_bytes;
  if (offset >= limit || data.size() > limit - offset) {
    counters_.crypto_limit.add();
    if (offset >= limit) return;
    data = data.first(limit - static_cast<size_t>(offset));
  }
  const auto begin = static_cast<uint32_t>(offset);
  const auto end = static_cast<uint32_t>(begin + data.size());
  // The ranges that touch the new one: [first, last).
  auto first = std::find_if(ranges_.begin(), ranges_.end(),
                            [begin](const Range& r) { return r.end >= begin; });
  auto last = first;
  if (crypto_.size() < end && !crypto_.resize(end)) {
    counters_.crypto_limit.add();
    return;
  }
  uint32_t at = begin;
  const auto copy_until = [&](uint32_t stop) {
    if (at < stop) {
      std::copy_n(data.begin() + (at - begin), stop - at, crypto_.data() + at);
    }
  };
  for (; last != ranges_.end() && last->begin <= end; ++last) {
    copy_until(std::min(last->begin, end));
    at = std::max(at, last->end);
  }
  if (first == last && ranges_.size() >= kMaxRanges) {
    counters_.crypto_limit.add();
    return;
  }
  copy_until(end);
  if (first == last) {
    ranges_.insert(first, Range{begin, end});
    return;
  }
  first->begin = std::min(first->begin, begin);
  first->end = std::max(end, (last - 1)->end);
  ranges_.erase(first + 1, last);
}

size_t QuicInitialDecoder::contiguous() const noexcept {
  return ranges_.empty() || ranges_[0].begin != 0 ? 0 : ranges_[0].end;
}

// True when the ClientHello was read, or will not come. `last`: no more data will come.
bool QuicInitialDecoder::try_client_hello(bool last) {
  const size_t there = contiguous();
  if (there < kMessageHeader) return false;
  if (crypto_[0] != kClientHelloType) {
    counters_.client_hellos_malformed.add();
    return true;
  }
  const size_t size =
      static_cast<size_t>(crypto_[1]) << 16 | static_cast<size_t>(crypto_[2]) << 8 | crypto_[3];
  const size_t whole = kMessageHeader + size;
  const bool cut = there < whole;
  if (cut && !last && there < limits_.quic_crypto_bytes) return false;
  const ByteSpan body = crypto_.bytes().first(std::min(there, whole)).subspan(kMessageHeader);
  const std::optional<ClientHello> hello = parse_client_hello(body, cut);
  if (!hello) {
    counters_.client_hellos_malformed.add();
    return true;
  }
  counters_.client_hellos.add();
  if (hello->cut) counters_.client_hellos_cut.add();
  if (hello->malformed) counters_.client_hellos_malformed.add();
  fill_client_hello(*hello, HelloTransport::kQuic, info_);
  info_.version = hello->highest_version();
  ++changes_;
  forget_crypto();
  return true;
}

void QuicInitialDecoder::on_end() noexcept {
  if (!finished_) (void)try_client_hello(true);
  finished_ = true;
  forget_crypto();
}

void QuicInitialDecoder::forget_crypto() noexcept {
  crypto_.free();
  std::vector<Range>().swap(ranges_);
}

}  // namespace weir::inspect

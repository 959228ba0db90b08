#include "inspect/identify/starttls_decoder.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace weir::inspect {
namespace {

// Record header of a handshake record, then the header and version of a hello, whose lengths agree
// with one another: 16 03 0x LL LL | 01/02 00 LL LL | 03 0x. About one in 2^60 by chance.
bool hello_at(const uint8_t* p) {
  const unsigned record = static_cast<unsigned>(p[3]) << 8 | p[4];
  return p[0] == 0x16 && p[1] == 3 && p[2] <= 4 && (p[5] == 1 || p[5] == 2) && p[6] == 0 &&
         record >= 42 && record <= (1U << 14) && p[9] == 3 && p[10] <= 4;
}

}  // namespace

DecodeStatus StarttlsDecoder::on_data(Direction d, ByteSpan data) noexcept {
  Side& side = sides_[d];
  if (side.found) return tls_.on_data(d, data);
  if (side.given_up) return DecodeStatus::kContinue;

  // Starts inside the kept tail: at most ten positions over a small joined copy.
  std::optional<size_t> at;  // in tail + data
  const size_t tail = side.tail_size;
  std::array<uint8_t, 2 * (kPattern - 1)> joined{};
  std::copy_n(side.tail.begin(), tail, joined.begin());
  const size_t head = std::min(data.size(), kPattern - 1);
  std::copy_n(data.begin(), head, joined.begin() + static_cast<ptrdiff_t>(tail));
  for (size_t i = 0; i < tail && i + kPattern <= tail + head && !at; ++i) {
    if (hello_at(joined.data() + i)) at = i;
  }
  for (size_t from = 0; !at && from + kPattern <= data.size();) {
    const void* hit = std::memchr(data.data() + from, 0x16, data.size() - kPattern + 1 - from);
    if (hit == nullptr) break;
    from = static_cast<size_t>(static_cast<const uint8_t*>(hit) - data.data());
    if (hello_at(data.data() + from)) at = tail + from;
    ++from;
  }
  if (at) {
    side.found = true;
    if (!found_) counters_.starttls_found.add();
    found_ = true;
    if (*at >= tail) return tls_.on_data(d, data.subspan(*at - tail));
    const DecodeStatus status = tls_.on_data(d, ByteSpan(side.tail).subspan(*at, tail - *at));
    return status == DecodeStatus::kContinue ? tls_.on_data(d, data) : status;
  }

  side.searched += data.size();
  // The last bytes of tail + data.
  const size_t keep = std::min(kPattern - 1, tail + data.size());
  if (data.size() >= keep) {
    std::copy_n(data.end() - static_cast<ptrdiff_t>(keep), keep, side.tail.begin());
  } else {
    std::copy_n(joined.begin() + static_cast<ptrdiff_t>(tail + data.size() - keep), keep,
                side.tail.begin());
  }
  side.tail_size = static_cast<uint8_t>(keep);
  if (side.searched < kSearchBytes) return DecodeStatus::kContinue;
  side.given_up = true;
  if (found_ || !sides_[reverse(d)].given_up) return DecodeStatus::kContinue;
  counters_.starttls_given_up.add();
  return DecodeStatus::kDone;
}

DecodeStatus StarttlsDecoder::on_gap(Direction d, uint64_t bytes) noexcept {
  Side& side = sides_[d];
  if (side.found) return tls_.on_gap(d, bytes);
  side.tail_size = 0;
  return DecodeStatus::kContinue;
}

void StarttlsDecoder::on_end(Direction d, EndReason reason) noexcept { tls_.on_end(d, reason); }

}  // namespace weir::inspect

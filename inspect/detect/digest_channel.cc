// Text is classified 64 bytes at a time. Digits of all alphabets together (letters, figures, + / -
// _) form runs; only runs of 22 and more are looked at, which code and prose hardly have. A run
// that reaches the end of a block is read again in the bytes that stand before the next block.
#include "inspect/detect/digest_channel.h"

#include <emmintrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <utility>
#include <vector>

#include "signatures/fingerprint/index_probe.h"

namespace weir::inspect {
namespace {

using signatures::DigestMatch;

constexpr size_t kShortestRun = 22;  // an MD5 in base64
constexpr size_t kCarried = 256;     // of a run that reaches the end of a block
static_assert(kCarried <= kLookBehind);
constexpr uint8_t kNone = 0xff;

constexpr std::array<uint8_t, 256> make_values(char c62, char c63) {
  std::array<uint8_t, 256> out{};
  for (auto& value : out) value = kNone;
  uint8_t next = 0;
  for (char c = 'A'; c <= 'Z'; ++c) out[static_cast<uint8_t>(c)] = next++;
  for (char c = 'a'; c <= 'z'; ++c) out[static_cast<uint8_t>(c)] = next++;
  for (char c = '0'; c <= '9'; ++c) out[static_cast<uint8_t>(c)] = next++;
  out[static_cast<uint8_t>(c62)] = 62;
  out[static_cast<uint8_t>(c63)] = 63;
  return out;
}
constexpr std::array<std::array<uint8_t, 256>, 2> kBase64{make_values('+', '/'),
                                                          make_values('-', '_')};

constexpr uint8_t hex_value(uint8_t c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<uint8_t>(c - '0');
  const auto lower = static_cast<uint8_t>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? static_cast<uint8_t>(lower - 'a' + 10) : kNone;
}

constexpr size_t base64_length(size_t bytes) noexcept { return (bytes * 8 + 5) / 6; }
constexpr bool is_base64_length(size_t size) noexcept {
  return size == base64_length(16) || size == base64_length(20) || size == base64_length(32);
}

// Of a run of kShortestRun digits or more: whether some are of one alphabet only (+ / - _).
bool has_marks(ByteSpan run) noexcept {
  static_assert(kShortestRun >= 16);
  __m128i found = _mm_setzero_si128();
  for (size_t at = 0; at < run.size(); at += 16) {
    // The last sixteen again where they are fewer.
    const uint8_t* const from = run.data() + std::min(at, run.size() - 16);
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    // Digits below '0' are + - and /; there is no other digit than '_' between 'Z' and 'a'.
    found = _mm_or_si128(found, _mm_cmplt_epi8(bytes, _mm_set1_epi8('0')));
    found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('_')));
  }
  return _mm_movemask_epi8(found) != 0;
}

// One bit for each of 64 bytes: whether it is a digit of any alphabet.
uint64_t digits(const uint8_t* at) noexcept {
  const auto within = [](__m128i bytes, char first, char count) {
    const __m128i from_first = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
    return _mm_cmpeq_epi8(_mm_min_epu8(from_first, _mm_set1_epi8(static_cast<char>(count - 1))),
                          from_first);
  };
  const auto equal = [](__m128i bytes, char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); };
  uint64_t out = 0;
  for (size_t i = 0; i < 4; ++i) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 16 * i));
    __m128i found = within(_mm_or_si128(block, _mm_set1_epi8(0x20)), 'a', 26);
    found = _mm_or_si128(found, within(block, '/', 11));  // '/' and the figures
    found = _mm_or_si128(found, _mm_or_si128(equal(block, '+'), equal(block, '-')));
    found = _mm_or_si128(found, equal(block, '_'));
    out |= static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(found))) << (16 * i);
  }
  return out;
}

// Calls each(begin, end) for every run of kShortestRun digits and more, in order.
template <typename Each>
void each_run(ByteSpan text, Each&& each) noexcept {
  constexpr size_t kClosed = SIZE_MAX;
  size_t open = kClosed;  // where the run that reaches `at` began
  std::array<uint8_t, 64> rest;
  for (size_t at = 0; at < text.size(); at += 64) {
    const uint8_t* bytes = text.data() + at;
    if (const size_t left = text.size() - at; left < 64) {
      rest.fill(0);
      std::copy_n(bytes, left, rest.begin());
      bytes = rest.data();
    }
    const uint64_t mask = digits(bytes);
    if (mask == ~uint64_t{0}) {
      if (open == kClosed) open = at;
      continue;
    }
    if (open != kClosed) {
      const size_t end = at + static_cast<size_t>(std::countr_one(mask));
      if (end - open >= kShortestRun) each(open, end);
    }
    const auto trailing = static_cast<size_t>(std::countl_one(mask));
    // Runs of 22 that begin and end here.
    uint64_t inner = trailing == 0 ? mask : mask << trailing >> trailing;
    if (open != kClosed) inner &= ~uint64_t{0} << std::countr_one(mask);
    uint64_t starts = inner & inner >> 1;
    starts &= starts >> 2;
    starts &= starts >> 4;
    starts &= starts >> 8;
    starts &= starts >> 6;
    while (starts != 0) {
      const auto first = static_cast<size_t>(std::countr_zero(starts));
      const auto length = static_cast<size_t>(std::countr_one(inner >> first));
      each(at + first, at + first + length);
      starts &= ~uint64_t{0} << (first + length);  // less than 64: a bit after each run is clear
    }
    open = trailing > 0 ? at + 64 - trailing : kClosed;
  }
  if (open != kClosed && text.size() - open >= kShortestRun) each(open, text.size());
}

class DigestChannel final : public DetectionChannel {
 public:
  DigestChannel(std::shared_ptr<const signatures::CodeIndex> index, const Limits& limits,
                DetectCounters& counters)
      : index_(std::move(index)),
        probe_(*index_),
        most_(limits.evidence_per_request),
        max_excerpt_(limits.excerpt_bytes),
        counters_(counters) {}

  void on_block(const TextBlock& block) noexcept override;
  void on_end() noexcept override;
  [[nodiscard]] bool has_news() const noexcept override { return news_; }
  void collect(std::vector<Evidence>& out) override;
  void reset() noexcept override {
    found_.clear();
    carried_.clear();
    carried_cut_ = false;
    path_.clear();
    offset_ = 0;
    news_ = false;
  }

 private:
  struct Found {
    DigestMatch match;
    std::string excerpt;
    std::string where;
    uint64_t offset;
  };
  // A run in `text`; `cut` when it began before `text` and `open` when it may go on behind it.
  struct Run {
    ByteSpan text;
    size_t begin;
    size_t end;
    bool cut;
    bool open;
  };
  void read(const Run& run) noexcept;
  void hexadecimal(const Run& run) noexcept;
  void base64(const Run& run, size_t alphabet) noexcept;
  void look_up(ByteSpan digest, ByteSpan written) noexcept;

  std::shared_ptr<const signatures::CodeIndex> index_;
  signatures::IndexProbe probe_;
  size_t most_;
  size_t max_excerpt_;
  DetectCounters& counters_;
  std::vector<Found> found_;
  bool news_ = false;
  std::string carried_;  // the end of the run that reaches the end of what was read
  bool carried_cut_ = false;
  // The piece that was read last, for a run that ends with the text.
  std::string path_;
  uint64_t offset_ = 0;
  const TextBlock* block_ = nullptr;  // while one is read
};

void DigestChannel::on_block(const TextBlock& block) noexcept {
  block_ = &block;
  const size_t back = std::min(carried_.size(), block.look_behind);
  const ByteSpan text(block.text.data() - back, block.text.size() + back);
  const bool cut = carried_cut_;
  each_run(text, [&](size_t begin, size_t end) {
    const bool open = end == text.size();
    // Will be read when it is closed, from its start if that can be carried.
    if (open && end - begin <= kCarried) return;
    read({text, begin, end, cut && begin == 0, open});
  });
  size_t begin = text.size();
  while (begin > 0 && text.size() - begin < kCarried &&
         (kBase64[0][text[begin - 1]] & kBase64[1][text[begin - 1]]) != kNone) {
    --begin;
  }
  carried_.assign(as_chars(text.subspan(begin)));
  carried_cut_ = carried_.size() == kCarried || (begin == 0 && cut);
  if (!carried_.empty() && !block.pieces.empty()) {
    path_ = block.pieces.back().path;
    offset_ = block.pieces.back().offset;
  }
  block_ = nullptr;
}

void DigestChannel::on_end() noexcept {
  read({as_bytes(carried_), 0, carried_.size(), carried_cut_, false});
  carried_.clear();
  carried_cut_ = false;
}

void DigestChannel::read(const Run& run) noexcept {
  if (run.end - run.begin < kShortestRun) return;
  hexadecimal(run);
  if (run.cut || run.open || run.end - run.begin > kCarried) return;
  const ByteSpan bytes = run.text.subspan(run.begin, run.end - run.begin);
  if (!has_marks(bytes)) {
    // Letters and figures alone are one digest or none: most are long words or other data.
    const bool padded = run.end < run.text.size() && run.text[run.end] == '=';
    if (padded || is_base64_length(bytes.size())) base64(run, 0);
    return;
  }
  base64(run, 0);
  base64(run, 1);
}

void DigestChannel::hexadecimal(const Run& run) noexcept {
  const ByteSpan text = run.text;
  const auto is_hex = [&](size_t i) { return hex_value(text[i]) != kNone; };
  for (size_t i = run.begin; run.end - i >= 32;) {
    size_t begin = i + 32;
    while (begin > i && is_hex(begin - 1)) --begin;
    if (begin > i) {
      i = begin;
      continue;
    }
    size_t end = begin + 32;
    while (end < run.end && is_hex(end)) ++end;
    i = end;
    const size_t size = end - begin;
    if (size != 32 && size != 40 && size != 64) continue;
    if ((run.cut && begin == run.begin) || (run.open && end == run.end)) continue;
    std::array<uint8_t, 32> digest;
    for (size_t k = 0; k < size / 2; ++k) {
      digest[k] = static_cast<uint8_t>(hex_value(text[begin + 2 * k]) << 4 |
                                       hex_value(text[begin + 2 * k + 1]));
    }
    look_up(ByteSpan(digest).first(size / 2), text.subspan(begin, size));
  }
}

void DigestChannel::base64(const Run& run, size_t alphabet) noexcept {
  const std::array<uint8_t, 256>& values = kBase64[alphabet];
  const ByteSpan text = run.text;
  size_t padding = 0;
  while (run.end + padding < text.size() && padding < 3 && text[run.end + padding] == '=') {
    ++padding;
  }
  for (size_t begin = run.begin; begin < run.end;) {
    size_t end = begin;
    while (end < run.end && values[text[end]] != kNone) ++end;
    const size_t size = end - begin;
    for (const size_t bytes : {size_t{16}, size_t{20}, size_t{32}}) {
      const size_t length = base64_length(bytes);
      // Padding shows where a digest ends, whatever stands before it ("sha256/...=").
      const bool padded = end == run.end && padding == 3 - bytes % 3;
      if (size != length && !(padded && size > length)) continue;
      std::array<uint8_t, 33> digest{};
      uint32_t bits = 0;
      size_t count = 0;
      size_t written = 0;
      for (size_t i = end - length; i < end; ++i) {
        bits = bits << 6 | values[text[i]];
        count += 6;
        if (count >= 8) digest[written++] = static_cast<uint8_t>(bits >> (count -= 8));
      }
      if ((bits & ((1U << count) - 1)) != 0) continue;  // no encoder leaves bits there
      look_up(ByteSpan(digest).first(bytes), text.subspan(end - length, length));
    }
    begin = end + 1;
  }
}

void DigestChannel::look_up(ByteSpan digest, ByteSpan written) noexcept {
  counters_.digest_lookups.add();
  const auto match = index_->digests().find(digest);
  if (!match) return;
  for (const Found& known : found_) {
    if (known.match.kind == match->kind && known.match.file == match->file) return;
  }
  counters_.digest_hits.add();
  if (found_.size() >= most_) {
    counters_.digest_dropped.add();
    return;
  }
  Found found{*match, std::string(as_chars(written.first(8))), path_, offset_};
  found.excerpt += "...";
  if (found.excerpt.size() > max_excerpt_) found.excerpt.resize(max_excerpt_);
  if (block_ != nullptr && written.data() + written.size() > block_->text.data()) {
    // The piece that it stands in; a label belongs to the piece that follows.
    const auto end = static_cast<size_t>(written.data() + written.size() - block_->text.data());
    const auto piece = std::find_if(block_->pieces.begin(), block_->pieces.end(),
                                    [&](const PieceMark& mark) { return mark.end >= end; });
    if (piece != block_->pieces.end()) {
      found.where = piece->path;
      found.offset = piece->offset;
    }
  }
  found_.push_back(std::move(found));
  news_ = true;
}

void DigestChannel::collect(std::vector<Evidence>& out) {
  for (const Found& found : found_) {
    const auto file = probe_.file(found.match.file);
    if (!file) continue;
    Evidence evidence;
    evidence.kind = EvidenceKind::kHash;
    evidence.rule = signatures::to_string(found.match.kind);
    evidence.title = "digest of a protected file";
    evidence.repository = file->repository;
    evidence.path = file->path;
    evidence.score = 1;
    evidence.where = found.where;
    evidence.offset = found.offset;
    evidence.excerpt = found.excerpt;
    out.push_back(std::move(evidence));
  }
  news_ = false;
}

}  // namespace

std::unique_ptr<DetectionChannel> make_digest_channel(
    std::shared_ptr<const signatures::CodeIndex> index, const Limits& limits,
    DetectCounters& counters) {
  if (index->digests().size() == 0) return nullptr;
  return std::make_unique<DigestChannel>(std::move(index), limits, counters);
}

}  // namespace weir::inspect

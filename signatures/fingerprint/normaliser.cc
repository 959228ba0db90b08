// Two stages per line: line_prefix() looks at the head and says what to leave out, squeeze() copies
// the rest without white space. squeeze has three forms: a look-up loop, 8 bytes a step by SSSE3
// shuffles (every machine that Weir runs on has them), and 64 a step where AVX-512 VBMI2 is there.
#include "signatures/fingerprint/normaliser.h"

#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "signatures/fingerprint/line_scan.h"

namespace weir::signatures {
namespace {

enum CharClass : uint8_t { kBlank = 1, kDigit = 2, kMark = 4, kPath = 8 };

constexpr std::array<uint8_t, 256> make_classes() {
  std::array<uint8_t, 256> out{};
  for (const char c : {' ', '\t', '\r', '\v', '\f', '\n'}) out[static_cast<uint8_t>(c)] = kBlank;
  for (const char c : {'+', '-', '>'}) out[static_cast<uint8_t>(c)] = kMark;
  for (int c = '0'; c <= '9'; ++c) out[static_cast<size_t>(c)] = kDigit | kPath;
  for (int c = 'a'; c <= 'z'; ++c) out[static_cast<size_t>(c)] |= kPath;
  for (int c = 'A'; c <= 'Z'; ++c) out[static_cast<size_t>(c)] |= kPath;
  for (const char c : {'.', '/', '_', '-', '+', '@', '\\'}) out[static_cast<uint8_t>(c)] |= kPath;
  return out;
}
constexpr std::array<uint8_t, 256> kClasses = make_classes();

constexpr std::array<uint8_t, 256> make_folded() {
  std::array<uint8_t, 256> out{};
  for (size_t c = 0; c < 256; ++c) {
    out[c] = static_cast<uint8_t>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  }
  return out;
}
constexpr std::array<uint8_t, 256> kFolded = make_folded();

bool is(uint8_t c, CharClass what) noexcept { return (kClasses[c] & what) != 0; }

constexpr size_t kMaxNumberDigits = 7;
// Shorter runs of whole lines are not worth a scan.
constexpr std::ptrdiff_t kLeastScan = 32;

// One past a run of 1 to 7 digits at `at`; `at` itself when there is none.
size_t digits_end(ByteSpan s, size_t at) noexcept {
  size_t i = at;
  while (i < s.size() && i - at <= kMaxNumberDigits && is(s[i], kDigit)) ++i;
  return i - at > kMaxNumberDigits ? at : i;
}

// One past the separator that may stand after a line number: blanks and then → or │ or | or :, or
// one blank alone. `at` itself when there is none.
size_t separator_end(ByteSpan s, size_t at) noexcept {
  size_t i = at;
  while (i < s.size() && (s[i] == ' ' || s[i] == '\t')) ++i;
  if (i < s.size() && (s[i] == '|' || s[i] == ':')) return i + 1;
  if (i + 3 <= s.size() && s[i] == 0xe2 &&
      ((s[i + 1] == 0x86 && s[i + 2] == 0x92) || (s[i + 1] == 0x94 && s[i + 2] == 0x82))) {
    return i + 3;
  }
  return i;
}

bool starts_with(ByteSpan s, size_t at, std::string_view what) noexcept {
  return s.size() - at >= what.size() && std::memcmp(s.data() + at, what.data(), what.size()) == 0;
}

// "path:12:" and "path-12-" as grep writes them. The path has a dot or a slash in it.
size_t grep_prefix_end(ByteSpan s) noexcept {
  bool path_like = false;
  for (size_t i = 0; i < s.size(); ++i) {
    const uint8_t c = s[i];
    if ((c == ':' || c == '-') && path_like) {
      const size_t end = digits_end(s, i + 1);
      if (end > i + 1 && end < s.size() && s[end] == c) return end + 1;
    }
    if (!is(c, kPath)) return 0;
    path_like = path_like || c == '.' || c == '/';
  }
  return 0;
}

// "L41: " and "Line 41: ".
size_t named_number_end(ByteSpan s, size_t at) noexcept {
  size_t i = at + 1;
  if (starts_with(s, at, "Line ")) i = at + 5;
  const size_t end = digits_end(s, i);
  return end > i && end < s.size() && s[end] == ':' ? end + 1 : at;
}

}  // namespace

size_t line_prefix(ByteSpan s) noexcept {
  size_t at = 0;
  // Most lines are indented code: skip the indentation 16 bytes at once and be done.
  if (s.size() >= 16) {
    const __m128i head = _mm_loadu_si128(reinterpret_cast<const __m128i*>(s.data()));
    const __m128i blank = _mm_or_si128(_mm_cmpeq_epi8(head, _mm_set1_epi8(' ')),
                                       _mm_cmpeq_epi8(head, _mm_set1_epi8('\t')));
    const uint32_t other = ~static_cast<uint32_t>(_mm_movemask_epi8(blank)) & 0xffffU;
    if (other != 0) {
      const auto indent = static_cast<size_t>(__builtin_ctz(other));
      const uint8_t c = s[indent];
      const bool plain = (kClasses[c] & (kBlank | kMark | kDigit)) == 0 && c != 'L';
      if (plain && (indent > 0 || ((kClasses[c] & kPath) == 0 && c != '@'))) return indent;
    }
  }
  if (!s.empty() && is(s[0], kPath)) at = grep_prefix_end(s);
  if (at == 0 && starts_with(s, 0, "@@ -")) {
    const size_t end = as_chars(s).find("@@", 4);
    if (end != std::string_view::npos) return end + 2;
  }
  // A mark before a number (a numbered diff) and one after it, and a number within a number.
  for (int round = 0; round < 3; ++round) {
    while (at < s.size() && (kClasses[s[at]] & (kBlank | kMark)) != 0) ++at;
    if (at == s.size()) return at;
    size_t end = at;
    if (is(s[at], kDigit)) {
      const size_t after = digits_end(s, at);
      end = after == at ? at : separator_end(s, after);
      if (end == after) return at;
    } else if (s[at] == 'L') {
      end = named_number_end(s, at);
    }
    if (end == at) return at;
    at = end;
  }
  return at;
}

size_t NormalText::drop_front(size_t count) noexcept {
  count = std::min(count, size_);
  std::memmove(buffer_.data(), buffer_.data() + count, size_ - count);
  size_ -= count;
  const auto kept = std::upper_bound(ends_.begin(), ends_.end(), count);
  const auto dropped = static_cast<size_t>(kept - ends_.begin());
  ends_.erase(ends_.begin(), kept);
  for (uint32_t& end : ends_) end -= static_cast<uint32_t>(count);
  return dropped;
}

Normaliser::Normaliser(bool scan) noexcept : scan_(scan && has_line_scan()) {}

void Normaliser::feed(ByteSpan text, NormalText& out, NormalText* shape) {
  // Room for all of it at once, so that no step has to ask.
  out.make_room(held_size_ + text.size() + kSqueezeSlack);
  if (shape != nullptr) shape->make_room(held_size_ + text.size() + kSqueezeSlack);
  const uint8_t* at = text.data();
  const uint8_t* const end = at + text.size();
  // Lines that have nothing but white space before them are given to the shape together.
  const uint8_t* shape_from = at;
  while (at != end) {
    if (!in_line_ && held_size_ == 0 && scan_) {
      const auto* const last =
          static_cast<const uint8_t*>(::memrchr(at, '\n', static_cast<size_t>(end - at)));
      if (last != nullptr && last - at >= kLeastScan) {
        take_shape({shape_from, at}, shape);
        scan_lines_into({at, last + 1}, out, shape);
        shape_from = at = last + 1;
        continue;
      }
    }
    const auto* newline =
        static_cast<const uint8_t*>(std::memchr(at, '\n', static_cast<size_t>(end - at)));
    const uint8_t* stop = newline == nullptr ? end : newline;
    if (!in_line_) {
      const auto here = static_cast<size_t>(stop - at);
      if (held_size_ == 0 && (newline != nullptr || here >= kPrefixWindow)) {
        const size_t skip = line_prefix({at, std::min(here, kPrefixWindow)});
        if (shape != nullptr && skip > 0 && !is_blank({at, skip})) {
          take_shape({shape_from, at}, shape);
          shape_from = at + skip;
        }
        squeeze_into({at + skip, here - skip}, out);
      } else {
        take_shape({shape_from, at}, shape);
        shape_from = end;
        const size_t moved = std::min(here, kPrefixWindow - held_size_);
        std::memcpy(held_.data() + held_size_, at, moved);
        held_size_ += moved;
        line_open_ = line_open_ || here > 0;
        if (newline == nullptr && held_size_ < kPrefixWindow) return;
        begin_held(out, shape);
        squeeze_into({at + moved, here - moved}, out);
        shape_from = at + moved;
      }
      in_line_ = true;
    } else {
      squeeze_into({at, static_cast<size_t>(stop - at)}, out);
    }
    line_open_ = true;
    at = stop;
    if (newline != nullptr) {
      out.ends_.push_back(static_cast<uint32_t>(out.size_));
      in_line_ = false;
      line_open_ = false;
      ++at;
    }
  }
  take_shape({shape_from, end}, shape);
}

bool Normaliser::is_blank(ByteSpan text) noexcept {
  return std::all_of(text.begin(), text.end(),
                     [](uint8_t c) { return (kClasses[c] & kBlank) != 0; });
}

void Normaliser::squeeze_into(ByteSpan text, NormalText& out) {
  out.size_ += squeeze(text, out.buffer_.data() + out.size_);
}

void Normaliser::scan_lines_into(ByteSpan lines, NormalText& out, NormalText* shape) {
  const LineScanOutput normal{out.buffer_.data() + out.size_, static_cast<uint32_t>(out.size_),
                              out.ends_};
  if (shape == nullptr) {
    out.size_ += scan_lines(lines, normal);
    return;
  }
  const LineScanOutput tokens{shape->buffer_.data() + shape->size_,
                              static_cast<uint32_t>(shape->size_), shape->ends_};
  size_t size = 0;
  out.size_ += scan_lines(lines, normal, tokens, shape_reader_.last_token(), size);
  shape->size_ += size;
}

void Normaliser::take_shape(ByteSpan text, NormalText* shape) {
  if (shape == nullptr || text.empty()) return;
  shape->size_ += shape_reader_.feed(text, shape->buffer_.data() + shape->size_,
                                     static_cast<uint32_t>(shape->size_), shape->ends_);
}

void Normaliser::begin_held(NormalText& out, NormalText* shape) {
  const ByteSpan line(held_.data(), held_size_);
  const ByteSpan rest = line.subspan(line_prefix(line));
  squeeze_into(rest, out);
  take_shape(rest, shape);
  held_size_ = 0;
}

void Normaliser::finish(NormalText& out, NormalText* shape) {
  out.make_room(held_size_ + kSqueezeSlack);
  if (shape != nullptr) shape->make_room(held_size_ + kSqueezeSlack);
  if (held_size_ > 0) begin_held(out, shape);
  if (shape != nullptr) {
    shape->size_ += shape_reader_.finish(shape->buffer_.data() + shape->size_);
    if (line_open_) shape->ends_.push_back(static_cast<uint32_t>(shape->size_));
  }
  if (line_open_) out.ends_.push_back(static_cast<uint32_t>(out.size_));
  reset();
}

void Normaliser::reset() noexcept {
  held_size_ = 0;
  in_line_ = false;
  line_open_ = false;
  shape_reader_.reset();
}

size_t squeeze_plain(ByteSpan text, uint8_t* out) noexcept {
  size_t size = 0;
  for (const uint8_t c : text) {
    out[size] = kFolded[c];
    size += is(c, kBlank) ? 0 : 1;
  }
  return size;
}

namespace {

// For each set of 8 kept bytes, the shuffle that moves them together.
constexpr std::array<std::array<uint8_t, 8>, 256> make_shuffles() {
  std::array<std::array<uint8_t, 8>, 256> out{};
  for (size_t kept = 0; kept < 256; ++kept) {
    size_t to = 0;
    for (size_t from = 0; from < 8; ++from) {
      if ((kept >> from & 1) != 0) out[kept][to++] = static_cast<uint8_t>(from);
    }
    while (to < 8) out[kept][to++] = 0x80;
  }
  return out;
}
alignas(64) constexpr std::array<std::array<uint8_t, 8>, 256> kShuffles = make_shuffles();

__m128i load16(const uint8_t* from) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

// Blank: 0x20, or 0x09 to 0x0d. `folded` has letters in lower case.
uint32_t fold16(__m128i raw, __m128i& folded) noexcept {
  const __m128i control = _mm_sub_epi8(raw, _mm_set1_epi8(9));
  const __m128i in_control = _mm_cmpeq_epi8(_mm_min_epu8(control, _mm_set1_epi8(4)), control);
  const __m128i blank = _mm_or_si128(in_control, _mm_cmpeq_epi8(raw, _mm_set1_epi8(' ')));
  const __m128i letter = _mm_sub_epi8(raw, _mm_set1_epi8('A'));
  const __m128i upper = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(25)), letter);
  folded = _mm_or_si128(raw, _mm_and_si128(upper, _mm_set1_epi8(0x20)));
  return ~static_cast<uint32_t>(_mm_movemask_epi8(blank)) & 0xffffU;
}

size_t store8(__m128i eight, uint32_t kept, uint8_t* out) noexcept {
  const __m128i shuffle = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(kShuffles[kept].data()));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(out), _mm_shuffle_epi8(eight, shuffle));
  return static_cast<size_t>(__builtin_popcount(kept));
}

size_t squeeze_ssse3(ByteSpan text, uint8_t* out) noexcept {
  const uint8_t* in = text.data();
  size_t left = text.size();
  uint8_t* to = out;
  alignas(16) std::array<uint8_t, 16> tail;
  while (left > 0) {
    if (left < 16) {
      tail.fill(' ');
      std::memcpy(tail.data(), in, left);
      in = tail.data();
      left = 16;
    }
    __m128i folded;
    const uint32_t kept = fold16(load16(in), folded);
    if (kept == 0xffffU) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to), folded);
      to += 16;
    } else {
      to += store8(folded, kept & 0xffU, to);
      to += store8(_mm_srli_si128(folded, 8), kept >> 8, to);
    }
    in += 16;
    left -= 16;
  }
  return static_cast<size_t>(to - out);
}

__attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,bmi2"))) size_t squeeze_avx512(
    ByteSpan text, uint8_t* out) noexcept {
  const uint8_t* in = text.data();
  size_t left = text.size();
  uint8_t* to = out;
  while (left > 0) {
    const size_t step = std::min<size_t>(left, 64);
    const __mmask64 there = step == 64 ? ~0ULL : (1ULL << step) - 1;
    const __m512i raw = _mm512_maskz_loadu_epi8(there, in);
    const __mmask64 control =
        _mm512_cmple_epu8_mask(_mm512_sub_epi8(raw, _mm512_set1_epi8(9)), _mm512_set1_epi8(4));
    const __mmask64 blank = control | _mm512_cmpeq_epi8_mask(raw, _mm512_set1_epi8(' '));
    const __mmask64 upper =
        _mm512_cmple_epu8_mask(_mm512_sub_epi8(raw, _mm512_set1_epi8('A')), _mm512_set1_epi8(25));
    const __m512i folded = _mm512_mask_add_epi8(raw, upper, raw, _mm512_set1_epi8(32));
    const __mmask64 kept = there & ~blank;
    // Compressed in a register and stored whole: compressing stores are slow on some machines.
    _mm512_storeu_si512(to, _mm512_maskz_compress_epi8(kept, folded));
    to += __builtin_popcountll(kept);
    in += step;
    left -= step;
  }
  return static_cast<size_t>(to - out);
}

bool has_avx512() noexcept {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl");
}
const SqueezePath kSqueeze = has_avx512() ? squeeze_avx512 : squeeze_ssse3;

}  // namespace

size_t squeeze(ByteSpan text, uint8_t* out) noexcept { return kSqueeze(text, out); }

std::vector<SqueezePath> squeeze_paths() {
  std::vector<SqueezePath> out{squeeze_plain, squeeze_ssse3};
  if (has_avx512()) out.push_back(squeeze_avx512);
  return out;
}

}  // namespace weir::signatures

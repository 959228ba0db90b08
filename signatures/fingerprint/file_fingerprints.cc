#include "signatures/fingerprint/file_fingerprints.h"

#include <algorithm>
#include <array>

#include "core/bytes.h"

namespace weir::signatures {
namespace {

// From letters in words that are not everyone's, of a line or window. 0 is for files that say
// little.
constexpr std::array<uint32_t, kMostRarity> kLetters{1, 5, 9, 14, 21, 33, ~0U};
uint32_t rarity(uint32_t letters) noexcept {
  uint32_t i = 0;
  while (letters >= kLetters[i]) ++i;
  return i + 1;
}

// Rows of tables: no word in them, but numbers that hardly anyone else has in this order.
constexpr size_t kNumberRow = 24;
constexpr size_t kNumberBytes = 7;
bool is_number_row(ByteSpan line) noexcept {
  return line.size() >= kNumberRow && has_different_bytes(line, kNumberBytes + 1);
}

}  // namespace

// Marks the distinctive words of a line of code, whose content begins at `prefix` and stands at
// [begin, end) of the normalised text; returns how many letters they have, the prefix's too.
uint32_t FileReader::mark_words(size_t line, size_t prefix, uint32_t begin, uint32_t end) {
  const std::vector<LineFilter::Word>& words = filter_.distinctive();
  const uint32_t line_end = filter_.line(line).end;
  const auto start = static_cast<uint32_t>(filter_.line(line).begin + prefix);
  const uint32_t dense = filter_.dense_before(start);
  uint32_t letters = 0;
  for (; next_word_ < words.size() && words[next_word_].begin < line_end; ++next_word_) {
    const LineFilter::Word word = words[next_word_];
    letters += word.end - word.begin;
    if (word.end <= start) continue;
    const uint32_t from = std::max(word.begin, start);
    uint32_t at = begin + filter_.dense_before(from) - dense;
    const uint32_t stop = std::min(end, at + (word.end - from));
    while (at < stop) {
      const uint32_t step = std::min(stop - at, 64 - at % 64);
      marks_[at / 64] |= (~uint64_t{0} >> (64 - step)) << (at % 64);
      at += step;
    }
  }
  return letters;
}

uint32_t FileReader::letters_in_window(size_t at) const noexcept {
  static_assert(kWindow == 32);
  uint64_t bits = marks_[at / 64] >> (at % 64);
  if (at % 64 > 32) bits |= marks_[at / 64 + 1] << (64 - at % 64);
  return static_cast<uint32_t>(__builtin_popcountll(bits & 0xffffffff));
}

void FileReader::read(std::string_view content, bool critical, bool weak, FileFingerprints& out) {
  out.placed.clear();
  out.tags.clear();
  out.shapes.clear();
  out.critical.clear();
  out.dropped = 0;
  text_.clear();
  normaliser_.reset();
  shape_.clear();
  normaliser_.feed(as_bytes(content), text_, &shape_);
  normaliser_.finish(text_, &shape_);
  const ByteSpan bytes = text_.bytes();
  const std::vector<uint32_t>& ends = text_.line_ends();
  filter_.read(content);
  std::vector<LineKind> kinds = filter_.kinds();
  kinds.resize(ends.size());  // they are as many
  marks_.assign(bytes.size() / 64 + 2, 0);
  next_word_ = 0;
  // A licence in a file of its own, whatever its name.
  const auto licence = std::count(kinds.begin(), kinds.end(), LineKind::kLicence);
  if (weak && licence >= 4 && static_cast<size_t>(licence) * 8 > kinds.size()) {
    std::fill(kinds.begin(), kinds.end(), LineKind::kLicence);
  }

  LineHash before;  // the last line that is not blank
  size_t before_begin = 0;
  uint32_t before_at = 0;
  uint32_t before_letters = 0;
  for (uint32_t i = 0; i < ends.size() && i < filter_.lines(); ++i) {
    const uint32_t begin = i == 0 ? 0 : ends[i - 1];
    const ByteSpan line = bytes.subspan(begin, ends[i] - begin);
    const uint64_t hash = fingerprinter_.line(line);
    const LineFilter::Word place = filter_.line(i);
    uint32_t distinctive = 0;
    if (kinds[i] == LineKind::kCode) {
      const std::string_view head =
          content.substr(place.begin, std::min<size_t>(kPrefixWindow, place.end - place.begin));
      distinctive = mark_words(i, line_prefix(as_bytes(head)), begin, ends[i]);
    } else {
      const std::vector<LineFilter::Word>& words = filter_.distinctive();
      while (next_word_ < words.size() && words[next_word_].begin < place.end) ++next_word_;
    }
    out.tags.push_back(Fingerprinter::tag(line.size(), hash));
    const LineHash whole{hash, line.size() <= kLineMax ? line.size() : 0};
    const bool fit = kinds[i] != LineKind::kLicence;
    if (fit && makes_couple(before, whole) &&
        has_different_bytes(bytes.subspan(before_begin, ends[i] - before_begin), kNumberBytes)) {
      out.placed.push_back({couple_hash(fingerprinter_, before, whole), before_at,
                            weak ? 0 : rarity(before_letters + distinctive)});
    }
    if (!line.empty()) {
      before = fit ? whole : LineHash{};
      before_begin = begin;
      before_at = i;
      before_letters = distinctive;
    }
    if (line.size() < kLineMin || line.size() > kLineMax) continue;
    if (!fit || (low_in_entropy(line) && !is_number_row(line))) {
      ++out.dropped;
      continue;
    }
    out.placed.push_back({hash, i, weak ? 0 : rarity(distinctive)});
    if (critical && line.size() >= kCriticalMin && distinctive >= kCriticalLetters) {
      out.critical.push_back({hash, i, distinctive, std::string(as_chars(line))});
    }
    uint32_t letters = 0;
    const size_t masked = mask_literals(line, masked_, {marks_.data(), begin}, &letters);
    const ByteSpan rest = ByteSpan(masked_).first(masked);
    if (masked < kLineMin || low_in_entropy(rest)) continue;
    out.placed.push_back({masked_hash(fingerprinter_, rest), i, weak ? 0 : rarity(letters)});
  }

  anchors_.clear();
  fingerprinter_.anchors(bytes, 0, anchors_);
  uint32_t line = 0;
  for (const uint32_t at : anchors_) {
    // A window belongs to the line that its middle stands in.
    while (line < ends.size() && ends[line] <= at + kWindow / 2) ++line;
    if (line >= kinds.size()) break;
    const ByteSpan window = bytes.subspan(at, kWindow);
    if (kinds[line] == LineKind::kLicence || (low_in_entropy(window) && !is_number_row(window))) {
      ++out.dropped;
      continue;
    }
    out.placed.push_back(
        {fingerprinter_.window(bytes.data() + at), line, weak ? 0 : rarity(letters_in_window(at))});
  }

  read_shapes(kinds, weak, out);
}

void FileReader::read_shapes(const std::vector<LineKind>& kinds, bool weak, FileFingerprints& out) {
  const std::vector<uint32_t>& ends = shape_.line_ends();
  LineShape before;
  uint32_t before_at = 0;
  for (uint32_t i = 0; i < ends.size() && i < kinds.size(); ++i) {
    const size_t begin = i == 0 ? 0 : ends[i - 1];
    const ByteSpan bytes = shape_.bytes().subspan(begin, ends[i] - begin);
    const LineShape line = line_shape(fingerprinter_, bytes);
    out.shapes.push_back(line.tag);
    if (line.tokens == 0) continue;
    if (!weak && kinds[i] != LineKind::kLicence && makes_pair(before, line)) {
      const size_t from = before_at == 0 ? 0 : ends[before_at - 1];
      uint32_t variety = 0;
      if (!pair_says_little(shape_.bytes().subspan(from, ends[i] - from), variety)) {
        out.placed.push_back({pair_hash(fingerprinter_, before, line), before_at, variety});
      }
    }
    before = line;
    before_at = i;
  }
  out.shapes.resize(out.tags.size());

  if (weak) return;
  anchors_.clear();
  fingerprinter_.anchors(shape_.bytes(), 0, anchors_, kShapeAnchorBits);
  uint32_t line = 0;
  for (const uint32_t at : anchors_) {
    while (line < shape_.line_ends().size() && shape_.line_ends()[line] <= at + kWindow / 2) ++line;
    if (line >= kinds.size()) break;
    const uint8_t* const window = shape_.bytes().data() + at;
    uint32_t variety = 0;
    if (kinds[line] == LineKind::kLicence || shape_says_little(window, variety)) {
      ++out.dropped;
      continue;
    }
    out.placed.push_back({fingerprinter_.shape(window), line, variety});
  }
}

}  // namespace weir::signatures

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
  filter_.read(content);
  kinds_ = filter_.kinds();
  kinds_.resize(text_.line_ends().size());  // they are as many
  marks_.assign(text_.size() / 64 + 2, 0);
  next_word_ = 0;
  // A licence in a file of its own, whatever its name.
  const auto licence = std::count(kinds_.begin(), kinds_.end(), LineKind::kLicence);
  if (weak && licence >= 4 && static_cast<size_t>(licence) * 8 > kinds_.size()) {
    std::fill(kinds_.begin(), kinds_.end(), LineKind::kLicence);
  }
  read_lines(content, critical, weak, out);
  read_windows(weak, out);
  read_shapes(weak, out);
}

// Of the first `count` lines: begins_, ends_ and hashes_.
void FileReader::hash_lines(const NormalText& text, size_t count, bool without_first_word) {
  const uint8_t* const bytes = text.bytes().data();
  ends_.assign(text.line_ends().begin(),
               text.line_ends().begin() + static_cast<std::ptrdiff_t>(count));
  begins_.resize(count);
  hashes_.resize(count);
  uint32_t begin = 0;
  for (size_t i = 0; i < count; ++i) {
    const bool word = without_first_word && begin < ends_[i] && bytes[begin] == kShapeWord;
    begins_[i] = begin + (word ? 1 : 0);
    begin = ends_[i];
  }
  fingerprinter_.lines(bytes, begins_.data(), ends_.data(), count, hashes_.data());
}

// What waits gets the hashes made of firsts_ and seconds_.
void FileReader::put_combined(uint64_t flip, FileFingerprints& out) {
  hashes_.resize(waiting_.size());
  fingerprinter_.combine_each(firsts_.data(), seconds_.data(), flip, waiting_.size(),
                              hashes_.data());
  for (size_t i = 0; i < waiting_.size(); ++i) waiting_[i].hash = hashes_[i];
  out.placed.insert(out.placed.end(), waiting_.begin(), waiting_.end());
}

// The same of the windows at begins_.
void FileReader::put_windows(ByteSpan bytes, bool of_shape, FileFingerprints& out) {
  hashes_.resize(waiting_.size());
  fingerprinter_.windows(bytes.data(), begins_.data(), waiting_.size(), of_shape, hashes_.data());
  for (size_t i = 0; i < waiting_.size(); ++i) waiting_[i].hash = hashes_[i];
  out.placed.insert(out.placed.end(), waiting_.begin(), waiting_.end());
}

void FileReader::read_lines(std::string_view content, bool critical, bool weak,
                            FileFingerprints& out) {
  const ByteSpan bytes = text_.bytes();
  const size_t count = std::min(text_.line_ends().size(), filter_.lines());
  hash_lines(text_, count, false);
  firsts_.clear();
  seconds_.clear();
  waiting_.clear();
  LineHash before;  // the last line that is not blank
  size_t before_begin = 0;
  uint32_t before_at = 0;
  uint32_t before_letters = 0;
  size_t quote = 0;  // the first one that is not behind us
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t begin = begins_[i];
    const uint32_t end = ends_[i];
    const ByteSpan line = bytes.subspan(begin, end - begin);
    const uint64_t hash = hashes_[i];
    const LineFilter::Word place = filter_.line(i);
    uint32_t distinctive = 0;
    if (kinds_[i] == LineKind::kCode) {
      const std::string_view head =
          content.substr(place.begin, std::min<size_t>(kPrefixWindow, place.end - place.begin));
      distinctive = mark_words(i, line_prefix(as_bytes(head)), begin, end);
    } else {
      const std::vector<LineFilter::Word>& words = filter_.distinctive();
      while (next_word_ < words.size() && words[next_word_].begin < place.end) ++next_word_;
    }
    out.tags.push_back(Fingerprinter::tag(line.size(), hash));
    const LineHash whole{hash, line.size() <= kLineMax ? line.size() : 0};
    const bool fit = kinds_[i] != LineKind::kLicence;
    if (fit && makes_couple(before, whole) &&
        has_different_bytes(bytes.subspan(before_begin, end - before_begin), kNumberBytes)) {
      firsts_.push_back(before.hash);
      seconds_.push_back(hash);
      waiting_.push_back({0, before_at, weak ? 0 : rarity(before_letters + distinctive)});
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
    if (quote < begin) quote = begin;
    if (quote < end) quote += first_quote(bytes.subspan(quote, end - quote));
    if (quote >= end) continue;
    uint32_t letters = 0;
    const size_t masked = mask_literals(line, masked_, {marks_.data(), begin}, &letters);
    const ByteSpan rest = ByteSpan(masked_).first(masked);
    if (masked < kLineMin || low_in_entropy(rest)) continue;
    out.placed.push_back({masked_hash(fingerprinter_, rest), i, weak ? 0 : rarity(letters)});
  }
  put_combined(kCoupleFlip, out);
}

void FileReader::read_windows(bool weak, FileFingerprints& out) {
  const ByteSpan bytes = text_.bytes();
  const std::vector<uint32_t>& ends = text_.line_ends();
  anchors_.clear();
  fingerprinter_.anchors(bytes, 0, anchors_);
  begins_.clear();
  waiting_.clear();
  uint32_t line = 0;
  for (const uint32_t at : anchors_) {
    // A window belongs to the line that its middle stands in.
    while (line < ends.size() && ends[line] <= at + kWindow / 2) ++line;
    if (line >= kinds_.size()) break;
    const ByteSpan window = bytes.subspan(at, kWindow);
    if (kinds_[line] == LineKind::kLicence || (low_in_entropy(window) && !is_number_row(window))) {
      ++out.dropped;
      continue;
    }
    begins_.push_back(at);
    waiting_.push_back({0, line, weak ? 0 : rarity(letters_in_window(at))});
  }
  put_windows(bytes, false, out);
}

void FileReader::read_shapes(bool weak, FileFingerprints& out) {
  const std::vector<uint32_t>& ends = shape_.line_ends();
  const ByteSpan bytes = shape_.bytes();
  const size_t count = std::min(ends.size(), kinds_.size());
  hash_lines(shape_, count, true);
  if (!weak) variety_.read(bytes);
  firsts_.clear();
  seconds_.clear();
  waiting_.clear();
  LineShape before;
  uint32_t before_at = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const LineShape line = line_shape(ends_[i] - begins_[i], hashes_[i]);
    out.shapes.push_back(line.tag);
    if (line.tokens == 0) continue;
    if (!weak && kinds_[i] != LineKind::kLicence && makes_pair(before, line)) {
      const size_t from = before_at == 0 ? 0 : ends[before_at - 1];
      uint32_t variety = 0;
      if (!variety_.pair_says_little(from, ends[i] - from, variety)) {
        firsts_.push_back(before.hash);
        seconds_.push_back(line.hash);
        waiting_.push_back({0, before_at, variety});
      }
    }
    before = line;
    before_at = i;
  }
  out.shapes.resize(out.tags.size());
  put_combined(0, out);

  if (weak) return;
  anchors_.clear();
  fingerprinter_.anchors(bytes, 0, anchors_, kShapeAnchorBits);
  begins_.clear();
  waiting_.clear();
  uint32_t line = 0;
  for (const uint32_t at : anchors_) {
    while (line < ends.size() && ends[line] <= at + kWindow / 2) ++line;
    if (line >= kinds_.size()) break;
    uint32_t variety = 0;
    if (kinds_[line] == LineKind::kLicence || variety_.window_says_little(at, variety)) {
      ++out.dropped;
      continue;
    }
    begins_.push_back(at);
    waiting_.push_back({0, line, variety});
  }
  put_windows(bytes, true, out);
}

}  // namespace weir::signatures

#include "signatures/fingerprint/file_fingerprints.h"

#include <algorithm>

#include "core/bytes.h"
#include "signatures/fingerprint/line_filter.h"

namespace weir::signatures {
namespace {

// From letters in words that are not everyone's. 0 is for files that say little.
uint32_t rarity(uint32_t letters) noexcept { return letters < 5 ? 1 : letters < 14 ? 2 : 3; }
uint32_t window_rarity(uint32_t letters) noexcept { return letters < 5 ? 1 : letters < 12 ? 2 : 3; }

bool is_blank(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

void FileReader::read(std::string_view content, bool critical, bool weak, FileFingerprints& out) {
  out.placed.clear();
  out.tags.clear();
  out.critical.clear();
  out.dropped = 0;
  marks_.clear();
  text_.clear();
  normaliser_.reset();
  shape_.clear();
  normaliser_.feed(as_bytes(content), text_, &shape_);
  normaliser_.finish(text_, &shape_);
  const ByteSpan bytes = text_.bytes();
  const std::vector<uint32_t>& ends = text_.line_ends();
  std::vector<LineKind> kinds = line_kinds(content);
  // A licence in a file of its own, whatever its name.
  const auto licence = std::count(kinds.begin(), kinds.end(), LineKind::kLicence);
  if (weak && licence >= 4 && static_cast<size_t>(licence) * 8 > kinds.size()) {
    std::fill(kinds.begin(), kinds.end(), LineKind::kLicence);
  }

  size_t raw = 0;  // where the line begins in `content`
  for (uint32_t i = 0; i < ends.size(); ++i) {
    const size_t begin = i == 0 ? 0 : ends[i - 1];
    const ByteSpan line = bytes.subspan(begin, ends[i] - begin);
    const size_t newline = content.find('\n', raw);
    const std::string_view raw_line =
        content.substr(raw, newline == std::string_view::npos ? newline : newline - raw);
    raw = newline == std::string_view::npos ? content.size() : newline + 1;
    const uint64_t hash = fingerprinter_.line(line);
    uint32_t distinctive = 0;
    if (kinds[i] == LineKind::kCode) {
      distinctive = mark_distinctive(raw_line, line_marks_);
      const size_t prefix = line_prefix(as_bytes(raw_line.substr(0, kPrefixWindow)));
      for (size_t at = prefix; at < raw_line.size(); ++at) {
        if (!is_blank(raw_line[at])) marks_.push_back(line_marks_[at]);
      }
    }
    marks_.resize(ends[i]);
    out.tags.push_back(Fingerprinter::tag(line.size(), hash));
    if (line.size() < kLineMin || line.size() > kLineMax) continue;
    if (kinds[i] == LineKind::kLicence || low_in_entropy(line)) {
      ++out.dropped;
      continue;
    }
    out.placed.push_back({hash, i, weak ? 0 : rarity(distinctive)});
    if (critical && line.size() >= kCriticalMin && distinctive >= kCriticalLetters) {
      out.critical.push_back({hash, i, distinctive, std::string(as_chars(line))});
    }
  }

  anchors_.clear();
  fingerprinter_.anchors(bytes, 0, anchors_);
  uint32_t line = 0;
  for (const uint32_t at : anchors_) {
    // A window belongs to the line that its middle stands in.
    while (line < ends.size() && ends[line] <= at + kWindow / 2) ++line;
    if (line >= kinds.size()) break;
    if (kinds[line] == LineKind::kLicence || low_in_entropy(bytes.subspan(at, kWindow))) {
      ++out.dropped;
      continue;
    }
    uint32_t letters = 0;
    for (size_t i = at; i < at + kWindow; ++i) letters += marks_[i];
    out.placed.push_back(
        {fingerprinter_.window(bytes.data() + at), line, weak ? 0 : window_rarity(letters)});
  }

  if (weak) return;
  anchors_.clear();
  fingerprinter_.anchors(shape_.bytes(), 0, anchors_, kShapeAnchorBits);
  line = 0;
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

#include "signatures/fingerprint/file_fingerprints.h"

#include "core/bytes.h"
#include "signatures/fingerprint/line_filter.h"

namespace weir::signatures {
namespace {

// From letters in words that are not everyone's.
uint32_t rarity(uint32_t letters) noexcept {
  return letters < 5 ? 0 : letters < 10 ? 1 : letters < 18 ? 2 : 3;
}

}  // namespace

void FileReader::read(std::string_view content, bool critical, FileFingerprints& out) {
  out.placed.clear();
  out.tags.clear();
  out.critical.clear();
  out.dropped = 0;
  rarities_.clear();
  text_.clear();
  normaliser_.reset();
  normaliser_.feed(as_bytes(content), text_);
  normaliser_.finish(text_);
  const ByteSpan bytes = text_.bytes();
  const std::vector<uint32_t>& ends = text_.line_ends();
  const std::vector<LineKind> kinds = line_kinds(content);

  size_t raw = 0;  // where the line begins in `content`
  for (uint32_t i = 0; i < ends.size(); ++i) {
    const size_t begin = i == 0 ? 0 : ends[i - 1];
    const ByteSpan line = bytes.subspan(begin, ends[i] - begin);
    const size_t newline = content.find('\n', raw);
    const std::string_view raw_line =
        content.substr(raw, newline == std::string_view::npos ? newline : newline - raw);
    raw = newline == std::string_view::npos ? content.size() : newline + 1;
    const uint64_t hash = fingerprinter_.line(line);
    const uint32_t distinctive = kinds[i] == LineKind::kCode ? distinctive_letters(raw_line) : 0;
    rarities_.push_back(static_cast<uint8_t>(rarity(distinctive)));
    out.tags.push_back(Fingerprinter::tag(line.size(), hash));
    if (line.size() < kLineMin || line.size() > kLineMax) continue;
    if (kinds[i] == LineKind::kLicence || low_in_entropy(line)) {
      ++out.dropped;
      continue;
    }
    out.placed.push_back({hash, i, rarity(distinctive)});
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
    out.placed.push_back({fingerprinter_.window(bytes.data() + at), line, rarities_[line]});
  }
}

}  // namespace weir::signatures

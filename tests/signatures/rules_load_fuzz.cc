// The loader of content rules, and a scan with what it made. The input is a rule file; after a line
// "---TEXT" follows text to scan. Properties: no crash, an error has a message, the hits of the
// text in one piece are those of the text in two.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <vector>

#include "core/bytes.h"
#include "core/check.h"
#include "signatures/content_rules.h"
#include "signatures/rule_scanner.h"

namespace {

using weir::ByteSpan;
using weir::signatures::RuleHit;

std::vector<RuleHit> hits_of(weir::signatures::RuleScanner& scanner,
                             weir::signatures::PatternScratch& scratch, ByteSpan text, size_t cut) {
  std::vector<RuleHit> hits;
  scanner.reset();
  WEIR_CHECK(scanner.scan(scratch, text.first(cut), 0, hits) == weir::signatures::ScanStatus::kOk);
  WEIR_CHECK(scanner.scan(scratch, text.subspan(cut), cut, hits) ==
             weir::signatures::ScanStatus::kOk);
  WEIR_CHECK(scanner.finish(scratch, hits) == weir::signatures::ScanStatus::kOk);
  std::sort(hits.begin(), hits.end(), [](const RuleHit& a, const RuleHit& b) {
    return std::tie(a.end, a.rule) < std::tie(b.end, b.rule);
  });
  return hits;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input = weir::as_chars({data, size});
  constexpr std::string_view kMark = "\n---TEXT\n";
  const size_t mark = input.find(kMark);
  const std::string_view yaml = input.substr(0, mark);
  const auto rules = weir::signatures::RuleSet::parse(yaml, "fuzz.yaml");
  if (!rules) {
    WEIR_CHECK(!rules.error().message.empty());
    return 0;
  }
  if ((*rules)->size() == 0 || mark == std::string_view::npos) return 0;
  const ByteSpan text = weir::as_bytes(input.substr(mark + kMark.size()));
  weir::signatures::PatternScratch scratch;
  weir::signatures::RuleScanner scanner(**rules, 1U << 16);
  WEIR_CHECK((*rules)->prepare(scratch).has_value());
  WEIR_CHECK(scanner.open().has_value());
  const auto whole = hits_of(scanner, scratch, text, text.size());
  const auto halves = hits_of(scanner, scratch, text, text.size() / 2);
  WEIR_CHECK(whole.size() == halves.size());
  for (size_t i = 0; i < whole.size(); ++i) {
    WEIR_CHECK(whole[i].rule == halves[i].rule && whole[i].end == halves[i].end &&
               whole[i].begin == halves[i].begin && whole[i].value == halves[i].value);
  }
  return 0;
}

// Values that two blocks share are looked at whole, wherever the border falls.
#include "inspect/detect/environment_channel.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace weir::inspect {
namespace {

std::shared_ptr<const signatures::RuleSet> shipped_rules() {
  static const auto rules =
      signatures::RuleSet::load({WEIR_SOURCE_DIR "/signatures/rules/environment.yaml"});
  EXPECT_TRUE(rules.has_value());
  return rules ? *rules : nullptr;
}

// One field whose value is cut after `cut` bytes by the end of a block.
size_t found_in(const std::string& value, size_t cut, DetectCounters& counters) {
  const Limits limits;
  const auto channel = make_environment_channel(shipped_rules(), limits, counters);
  PieceMark mark;
  mark.path = "http/body>json:zzz_unheard_of";
  mark.label = "zzz_unheard_of";
  const auto give = [&](std::string_view part, bool continues) {
    mark.begin = 4;
    mark.end = static_cast<uint32_t>(4 + part.size());
    mark.continues = continues;
    const std::vector<PieceMark> pieces = {mark};
    const std::string text = "\nz: " + std::string(part);
    channel->on_block({0, as_bytes(text), 0, pieces});
  };
  give(std::string_view(value).substr(0, cut), false);
  if (cut < value.size()) give(std::string_view(value).substr(cut), true);
  channel->on_end();
  std::vector<Evidence> out;
  channel->collect(out);
  return out.size();
}

TEST(EnvironmentChannel, AnOpaqueValueIsFoundWhereverABlockEndsInIt) {
  std::mt19937 random(1);
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string value;
  for (int i = 0; i < 400; ++i) value += kDigits[random() % kDigits.size()];
  DetectCounters counters;
  for (const size_t cut : {400U, 399U, 200U, 80U, 79U, 20U, 1U}) {
    EXPECT_EQ(found_in(value, cut, counters), 1U) << cut;
  }
}

TEST(EnvironmentChannel, AShortValueOfAnUnknownNameIsNotLookedAt) {
  DetectCounters counters;
  EXPECT_EQ(found_in(std::string(79, 'x'), 79, counters), 0U);
  EXPECT_EQ(found_in(std::string(79, 'x'), 10, counters), 0U);
  EXPECT_EQ(counters.environment_fields.get(), 0U);
}

}  // namespace
}  // namespace weir::inspect

// What is told of marks and drifts: a character and little around it, nothing of another client;
// and that many writings of one line do not silence it.
#include "inspect/detect/marks_channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir::inspect {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class MarksChannelTest : public testing::Test {
 protected:
  // One request with one system block.
  std::vector<Evidence> send(const std::string& text, const std::string& client = "10.0.0.1",
                             const std::string& host = "api.example") {
    const auto channel = make_marks_channel(memory_, limits_, counters_);
    channel->on_request({host, "", "tool/1.0", *IpAddress::parse(client)});
    const std::vector<PieceMark> pieces = {{0, static_cast<uint32_t>(text.size()), 0, false, false,
                                            0, "http/body>json:system[0].text", "text"}};
    channel->on_block({0, as_bytes(text), 0, pieces});
    channel->on_end();
    std::vector<Evidence> out;
    channel->collect(out);
    return out;
  }

  Limits limits_;
  DetectCounters counters_;
  std::shared_ptr<TemplateMemory> memory_ = std::make_shared<TemplateMemory>(64);
};

TEST_F(MarksChannelTest, AMarkShowsThreeCharactersOfItsWordOnEachSide) {
  const auto found = send("the parole is swordfish for plan\u0435tarium visits");
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].excerpt, "…lan\u0435tar…");
  EXPECT_EQ(found[0].detail,
            "U+0435 CYRILLIC SMALL LETTER IE in \"…lan\u0435tar…\", where U+0065 'e' belongs");
}

// Whatever stands before the block of an agent's, and wherever the text is cut.
TEST_F(MarksChannelTest, BlocksInMessagesAreFoundWhereverTextIsCut) {
  const std::string block =
      "<env>\nYou \u0430re a coding agent\n</env>\nYou \u043ere a coding agent\n";
  for (const char* before : {"", "a\n", "if (a < b)\n", "vector<int> x;\n\n<x>\n", "<\n",
                             "<<env>\n\n", "a < b <env>\nYou \u03bfre a coding agent\n",
                             "</env>\n<exec>\nYou \u03bfre a coding agent\n"}) {
    const std::string text = before + block;
    for (size_t cut = 0; cut <= text.size(); ++cut) {
      const auto channel = make_marks_channel(nullptr, limits_, counters_);
      for (const bool second : {false, true}) {
        const std::string part = second ? text.substr(cut) : text.substr(0, cut);
        const std::vector<PieceMark> pieces = {{0, static_cast<uint32_t>(part.size()), 0, second,
                                                false, 0, "http/body>json:messages[0].content",
                                                "content"}};
        channel->on_block({0, as_bytes(part), 0, pieces});
      }
      channel->on_end();
      std::vector<Evidence> found;
      channel->collect(found);
      ASSERT_THAT(found, SizeIs(1)) << text << "cut at " << cut;
      EXPECT_EQ(found[0].field, "message:U+0430");
    }
  }
}

TEST_F(MarksChannelTest, ADriftShowsBothWritingsButNothingOfTheOtherClient) {
  EXPECT_THAT(send("swordfish opens today's vault of wonders", "10.9.8.7", "one.example"),
              IsEmpty());
  const auto found =
      send("swordfish opens today\u2019s vault of wonders", "10.0.0.1", "two.example");
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].data_class, "drift");
  EXPECT_EQ(found[0].excerpt, "…day\u2019s");
  EXPECT_EQ(found[0].detail,
            "tool/1.0: \"…day\u2019s\" with U+2019 RIGHT SINGLE QUOTATION MARK to two.example; "
            "\"…day's\" with U+0027 APOSTROPHE to one.example from another client");
}

TEST_F(MarksChannelTest, ALineWrittenInManyWaysIsStillTold) {
  const auto written = [](size_t way) {
    static constexpr const char* kBetween[] = {"-", "/", ".", ":", ","};
    return std::string("The date of the build is 2026") + kBetween[way % 5] + "06" +
           kBetween[way / 5] + "10";
  };
  for (size_t way = 0; way < 8; ++way) (void)send(written(way), "10.0.0.2");
  for (int i = 3; i < 9; ++i) (void)send(written(0), "10.0.0." + std::to_string(i));
  EXPECT_EQ(counters_.template_writings_replaced.get(), 0U);
  for (size_t way = 8; way < 25; ++way) {
    const auto found = send(written(way), "10.0.0.2");
    ASSERT_THAT(found, SizeIs(1)) << way;
    EXPECT_THAT(found[0].detail, Not(HasSubstr("10.0.0")));
    EXPECT_EQ(counters_.template_writings_replaced.get(), way - 7);
  }
  EXPECT_THAT(send(written(0), "10.0.0.10"), IsEmpty()) << "the plain one stayed";
}

// Nine writings, each seen once: the ninth tells nothing yet, and is not taken for quiet.
TEST_F(MarksChannelTest, ANinthWritingIsNotTakenForQuiet) {
  const auto written = [](char between) {
    return std::string("The date of the build is 2026") + between + "06";
  };
  std::vector<std::string> all;
  for (const char c : {'-', '/', '.', ':', ',', '\''}) all.push_back(written(c));
  for (const char* tail : {" ", "  ", "   "}) all.push_back(written('-') + tail);
  for (const std::string& text : all) (void)send(text);
  EXPECT_EQ(counters_.template_writings_replaced.get(), 1U);
  // Seen elsewhere, another writing is the common one now.
  for (int i = 2; i < 6; ++i) (void)send(all[7], "10.0.0." + std::to_string(i));
  EXPECT_THAT(send(all[8]), SizeIs(1));
}

}  // namespace
}  // namespace weir::inspect

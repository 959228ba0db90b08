// TextBlocks against a transcript that is built without blocks: same text, same marks, whatever the
// cuts, flushes and earlier requests.
#include "inspect/detect/text_blocks.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "tests/support/split_check.h"

namespace weir::inspect {
namespace {

// Puts blocks together again and checks each against all that came before.
class Recorder final : public BlockSink {
 public:
  void on_block(const TextBlock& block) noexcept override {
    ASSERT_FALSE(block.text.empty());
    ASSERT_LE(block.text.size(), kBlockBytes);
    EXPECT_EQ(block.position, text.size());
    EXPECT_EQ(block.look_behind, std::min(kLookBehind, text.size()));
    const std::string_view behind =
        as_chars(ByteSpan(block.text.data() - block.look_behind, block.look_behind));
    EXPECT_EQ(behind, std::string_view(text).substr(text.size() - block.look_behind));
    size_t last = 0;
    for (const PieceMark& mark : block.pieces) {
      ASSERT_LE(last, mark.begin);
      ASSERT_LT(mark.begin, mark.end);
      ASSERT_LE(mark.end, block.text.size());
      last = mark.end;
      const std::string_view part = as_chars(block.text.subspan(mark.begin, mark.end - mark.begin));
      if (mark.continues) {
        EXPECT_EQ(mark.begin, 0U);
        EXPECT_FALSE(mark.gap_before);
        EXPECT_NE(pieces.find("#" + std::to_string(mark.number) + " "), std::string::npos);
        pieces.append(part);
      } else {
        pieces += "\n#" + std::to_string(mark.number) + " " + mark.path + " " + mark.label + " " +
                  std::to_string(mark.offset) + (mark.gap_before ? " gap " : " ");
        pieces.append(part);
      }
    }
    text.append(as_chars(block.text));
    ++blocks;
  }
  std::string text;
  std::string pieces;
  size_t blocks = 0;
};

void piece(TextBlocks& blocks, std::string_view path, std::string_view label, uint64_t offset,
           std::string_view text, EndReason reason = EndReason::kComplete) {
  blocks.on_piece({path, label, offset});
  blocks.on_text(as_bytes(text));
  blocks.on_piece_end(reason);
}

TEST(TextBlocks, GlueGivesAValueItsLabel) {
  Recorder out;
  TextBlocks blocks(Limits{}, out);
  blocks.begin();
  piece(blocks, "json:password", "password", 11, "hunter2");
  piece(blocks, "json:x", "", 40, "plain");
  blocks.flush();
  EXPECT_EQ(out.text, "\npassword: hunter2\nplain");
  EXPECT_EQ(out.pieces, "\n#0 json:password password 11 hunter2\n#1 json:x  40 plain");
  EXPECT_EQ(blocks.text_bytes(), 12U);
  EXPECT_EQ(blocks.pieces(), 2U);
}

TEST(TextBlocks, PiecesWithoutTextLeaveNoTraceButTheirNumber) {
  Recorder out;
  TextBlocks blocks(Limits{}, out);
  blocks.begin();
  piece(blocks, "a", "a", 0, "");
  piece(blocks, "b", "b", 1, "x");
  blocks.flush();
  blocks.flush();
  EXPECT_EQ(out.blocks, 1U);
  EXPECT_EQ(out.pieces, "\n#1 b b 1 x");
}

TEST(TextBlocks, ALostPartIsMarkedOnThePieceThatFollows) {
  Recorder out;
  TextBlocks blocks(Limits{}, out);
  blocks.begin();
  piece(blocks, "a", "", 0, "one", EndReason::kGap);
  piece(blocks, "b", "", 9, "", EndReason::kComplete);
  piece(blocks, "c", "", 9, std::string(3 * kBlockBytes, 'y'));
  piece(blocks, "d", "", 99, "two");
  blocks.flush();
  EXPECT_NE(out.pieces.find("#2 c  9 gap yyy"), std::string::npos);
  EXPECT_NE(out.pieces.find("#3 d  99 two"), std::string::npos);
}

TEST(TextBlocks, AnyCutGivesTheSameTextAndMarks) {
  std::string text;
  for (size_t i = 0; text.size() < 2 * kBlockBytes + 500; ++i) text += std::to_string(i) + ";";
  // The first two thirds are one piece, what follows are pieces of 97 bytes.
  const size_t large = text.size() * 2 / 3;
  const auto feed = [&](const std::vector<ByteSpan>& chunks) {
    Recorder out;
    TextBlocks blocks(Limits{}, out);
    blocks.begin();
    size_t at = 0;
    for (ByteSpan chunk : chunks) {
      while (!chunk.empty()) {
        const bool first = at < large;
        const size_t begin = first ? 0 : large + (at - large) / 97 * 97;
        const size_t end = first ? large : std::min(text.size(), begin + 97);
        if (at == begin) blocks.on_piece({"p", "key", begin});
        const size_t count = std::min(chunk.size(), end - at);
        blocks.on_text(chunk.first(count));
        chunk = chunk.subspan(count);
        at += count;
        if (at == end) blocks.on_piece_end(EndReason::kComplete);
      }
    }
    blocks.flush();
    EXPECT_GE(out.blocks, 3U);
    return out.text + "\n--\n" + out.pieces;
  };
  test::split_check(as_bytes(text), feed, 400);
}

TEST(TextBlocks, FlushesChooseOnlyTheBlocks) {
  const std::string text(5 * kLookBehind, 'q');
  std::string expected;
  for (const size_t every : {size_t{1} << 30, size_t{1}, size_t{7}, kLookBehind, kLookBehind + 1}) {
    Recorder out;
    TextBlocks blocks(Limits{}, out);
    blocks.begin();
    blocks.on_piece({"p", "l", 5});
    for (size_t i = 0; i < text.size(); ++i) {
      blocks.on_text(as_bytes(text).subspan(i, 1));
      if (i % every == 0) blocks.flush();
    }
    blocks.on_piece_end(EndReason::kComplete);
    blocks.flush();
    if (expected.empty()) expected = out.text + out.pieces;
    EXPECT_EQ(out.text + out.pieces, expected) << every;
  }
}

TEST(TextBlocks, ManySmallPiecesEndABlockEarly) {
  Recorder out;
  TextBlocks blocks(Limits{}, out);
  blocks.begin();
  for (size_t i = 0; i < 3 * TextBlocks::kMaxMarks; ++i) piece(blocks, "p", "", i, "z");
  blocks.flush();
  EXPECT_EQ(out.blocks, 3U);
  EXPECT_EQ(out.text.size(), 6 * TextBlocks::kMaxMarks);
}

TEST(TextBlocks, PathsAndLabelsAreBounded) {
  Recorder out;
  Limits limits;
  limits.content_path_bytes = 8;
  TextBlocks blocks(limits, out);
  blocks.begin();
  piece(blocks, std::string(100, 'p'), std::string(1000, 'l'), 0, "v");
  blocks.flush();
  EXPECT_EQ(out.text.size(), 1 + TextBlocks::kMaxLabel + 2 + 1);
  EXPECT_NE(out.pieces.find("#0 pppppppp l"), std::string::npos);
}

TEST(TextBlocks, ANewRequestKnowsNothingOfTheLast) {
  std::string expected;
  TextBlocks* reused = nullptr;
  Recorder sink;
  TextBlocks blocks(Limits{}, sink);
  reused = &blocks;
  for (int round = 0; round < 3; ++round) {
    sink.text.clear();
    sink.pieces.clear();
    reused->begin();
    piece(*reused, "p", "l", 1, std::string(kBlockBytes, 'a'));
    reused->on_piece({"q", "m", 2});
    reused->on_text(as_bytes("cut off in the middle"));
    reused->flush();
    if (round == 0) expected = sink.text + sink.pieces;
    EXPECT_EQ(sink.text + sink.pieces, expected);
    reused->on_text(as_bytes("never read"));
  }
}

}  // namespace
}  // namespace weir::inspect

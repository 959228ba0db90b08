// The shape of code against a reference tokeniser that reads whole lines byte by byte, whole and in
// any cut; what renaming, re-wrapping and other literals leave alone.
#include "signatures/fingerprint/shape.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "signatures/fingerprint/fingerprint.h"
#include "signatures/fingerprint/normaliser.h"
#include "signatures/fingerprint/shape_variety.h"

namespace weir::signatures {
namespace {

bool is_word(char c) {
  const auto u = static_cast<uint8_t>(c);
  return (u >= '0' && u <= '9') || (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || u == '_' ||
         u == '$' || u >= 0x80;
}

// `text` holds no prefixes of tools.
std::string slow_shape(const std::string& text) {
  std::string out;
  const auto put = [&out](uint8_t code) {
    if (code == kShapeWord && !out.empty() && out.back() == static_cast<char>(kShapeWord)) return;
    out += static_cast<char>(code);
  };
  for (size_t i = 0; i < text.size();) {
    if (!is_word(text[i])) {
      if (static_cast<uint8_t>(text[i]) > 0x20) put(static_cast<uint8_t>(text[i]));
      ++i;
      continue;
    }
    std::string word;
    while (i < text.size() && is_word(text[i])) word += text[i++];
    uint64_t head = 0;
    for (size_t k = 0; k < std::min<size_t>(8, word.size()); ++k) {
      head |= uint64_t{static_cast<uint8_t>(word[k])} << (8 * k);
    }
    put(shape_of_word(head, word.size()));
  }
  return out;
}

struct Shape {
  std::string bytes;
  std::vector<uint32_t> ends;
};
Shape shape_of(const std::string& text, std::mt19937* cuts = nullptr) {
  Normaliser normaliser;
  NormalText normal;
  NormalText shape;
  for (size_t at = 0; at < text.size();) {
    const size_t size = cuts == nullptr ? text.size() : 1 + (*cuts)() % 90;
    const std::string part = text.substr(at, size);
    const std::vector<uint8_t> exact(part.begin(), part.end());
    normaliser.feed(exact, normal, &shape);
    at += part.size();
  }
  normaliser.finish(normal, &shape);
  EXPECT_EQ(shape.line_ends().size(), normal.line_ends().size());
  return {std::string(as_chars(shape.bytes())), shape.line_ends()};
}

TEST(Shape, KeywordsNumbersWordsAndPunctuation) {
  EXPECT_EQ(shape_of("foo(bar, 12);").bytes, "w(w,n);");
  EXPECT_EQ(shape_of("// words that come\n  after another").bytes, "//w");
  const std::string loop = shape_of("while (x9 != 0x1F) RETURN y;").bytes;
  ASSERT_EQ(loop.size(), 10U);
  EXPECT_GE(static_cast<uint8_t>(loop[0]), kShapeKeywords);
  EXPECT_EQ(loop.substr(1, 6), "(w!=n)");
  EXPECT_EQ(loop[7], shape_of("return").bytes[0]);
  EXPECT_NE(loop[0], loop[7]);
  EXPECT_EQ(shape_of("implements").bytes.size(), 1U);
  EXPECT_GE(static_cast<uint8_t>(shape_of("implements").bytes[0]), kShapeKeywords);
  EXPECT_EQ(shape_of("implementz").bytes,
            shape_of("implements").bytes);  // eight bytes and a length
  EXPECT_EQ(shape_of("implement").bytes, "w");
  EXPECT_EQ(shape_of("returns").bytes, "w");
}

TEST(Shape, SurvivesRenamingWrappingAndLiterals) {
  const std::string code =
      "for (int item = 0; item < list.size(); ++item) {\n"
      "  if (list[item]->name == \"the first\") return item;\n}\n";
  const std::string renamed =
      "for (int GoldenRiver = 7;\n    GoldenRiver < amber_2.mesa(); ++GoldenRiver)\n{\n"
      "    if (amber_2[GoldenRiver]->Pebble == \"other words here\")\n\treturn GoldenRiver; }";
  EXPECT_EQ(shape_of(code).bytes, shape_of(renamed).bytes);
  EXPECT_EQ(shape_of("  12→\tif (x) y();\n  13→\tz();").bytes, shape_of("if (x) y();\nz();").bytes);
}

TEST(Shape, AgreesWithTheReferenceInAnyCut) {
  std::mt19937 random(4);
  const std::vector<std::string> parts{"if",
                                       "else",
                                       " ",
                                       "\t",
                                       "\n",
                                       "(",
                                       ")",
                                       "x",
                                       "foo_bar",
                                       "protected",
                                       "123",
                                       "0x7f",
                                       "$",
                                       "\xc3\xa9",
                                       "=",
                                       "\"",
                                       "'",
                                       ";",
                                       "\r\n",
                                       "unsigned",
                                       std::string(70, 'q'),
                                       std::string(64, 'z'),
                                       "instanceof",
                                       "->",
                                       "\x01",
                                       "~",
                                       "\x7f"};
  for (int round = 0; round < 400; ++round) {
    std::string text;
    // Lines begin with a parenthesis: no prefix is taken off.
    for (size_t n = random() % 60; n > 0; --n) {
      const std::string& part = parts[random() % parts.size()];
      text += part;
      if (part.back() == '\n') text += "(";
    }
    text = "(" + text;
    const Shape whole = shape_of(text);
    ASSERT_EQ(whole.bytes, slow_shape(text));
    const Shape cut = shape_of(text, &random);
    ASSERT_EQ(cut.bytes, whole.bytes);
    ASSERT_EQ(cut.ends, whole.ends);
  }
}

TEST(Shape, TablesAndProseSayLittle) {
  uint32_t variety = 0;
  std::string table;
  while (table.size() < kWindow) table += "n,";
  EXPECT_TRUE(shape_says_little(as_bytes(table).data(), variety));
  std::string calls;
  while (calls.size() < kWindow) calls += "w.w(w,w);";
  EXPECT_TRUE(shape_says_little(as_bytes(calls).data(), variety));
  const std::string code =
      shape_of(
          "if (a->b[2] != c && !d(e, f)) { return g::h<i>(j) + 1; } else while (k) --l[m % 7];")
          .bytes;
  ASSERT_GE(code.size(), kWindow);
  EXPECT_FALSE(shape_says_little(as_bytes(code).data(), variety));
  EXPECT_GE(variety, 2U);
  EXPECT_LE(variety, kMostRarity);
}

// A whole text at once against the same bytes alone.
TEST(ShapeVariety, SaysWhatOneWindowAfterTheOtherDoes) {
  std::mt19937 random(9);
  ShapeVariety variety;
  for (int round = 0; round < 60; ++round) {
    std::string shape;
    const size_t size = random() % 3000;
    const auto symbols = 1 + random() % (round % 4 == 0 ? 256 : 12);
    while (shape.size() < size) shape += static_cast<char>(random() % symbols);
    variety.read(as_bytes(shape));
    for (int i = 0; i < 200 && size > kWindow; ++i) {
      uint32_t expected = 99;
      uint32_t got = 99;
      const size_t at = random() % (size - kWindow + 1);
      ASSERT_EQ(variety.window_says_little(at, got),
                shape_says_little(as_bytes(shape).data() + at, expected));
      ASSERT_EQ(got, expected);
      const size_t length = random() % std::min<size_t>(size - at, i % 8 == 0 ? 600 : 40);
      ASSERT_EQ(variety.pair_says_little(at, length, got),
                pair_says_little(as_bytes(shape).subspan(at, length), expected));
      ASSERT_EQ(got, expected);
    }
  }
}

}  // namespace
}  // namespace weir::signatures

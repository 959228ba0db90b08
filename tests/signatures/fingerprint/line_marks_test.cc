// Whole lines: literals masked, shapes without their first word, couples and pairs.
#include "signatures/fingerprint/line_marks.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "tests/signatures/fingerprint/temp_dir.h"

namespace weir::signatures {
namespace {

std::string masked(const std::string& line) {
  MaskedLine out;
  const size_t size = mask_literals(as_bytes(line), out);
  return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)};
}

TEST(LineMarks, LiteralsAreMasked) {
  EXPECT_EQ(masked("f(\"abc\",x)"), "f(\"\",x)");
  EXPECT_EQ(masked("a='b'+`c`+\"d\\\"e\";"), "a=''+``+\"\";");
  EXPECT_EQ(masked("plain(line);"), "");
  EXPECT_EQ(masked("empty(\"\")"), "");  // nothing to mask
  EXPECT_EQ(masked("//don'tsay\"no\""), "//don'tsay\"\"");
  EXPECT_EQ(masked("open(\"abc"), "");
  EXPECT_EQ(masked("\\\"x\\\"y"), "");  // escaped outside of a literal
  EXPECT_EQ(masked("\""), "");
  const std::string longest = "\"" + std::string(kLineMax - 2, 'x') + "\"";
  EXPECT_EQ(masked(longest), "\"\"");
  EXPECT_EQ(masked(longest + "y"), "");
}

// Quotes are searched for 16 bytes at once, wherever they stand.
TEST(LineMarks, LiteralsAreFoundAtEveryPlace) {
  for (size_t size = 3; size < 70; ++size) {
    for (size_t at = 0; at + 3 <= size; ++at) {
      for (const char quote : {'"', '\'', '`'}) {
        std::string line(size, 'x');
        line[at] = line[at + 2] = quote;
        std::string expected = line;
        expected.erase(at + 1, 1);
        EXPECT_EQ(masked(line), expected);
      }
    }
  }
}

TEST(LineMarks, LettersAreThoseThatStay) {
  const std::string line = "ab(\"cd\")e";
  const std::array<uint64_t, 2> marks{~uint64_t{0} << 60, ~uint64_t{0}};
  MaskedLine out;
  uint32_t sum = 0;
  const size_t size = mask_literals(as_bytes(line), out, {marks.data(), 60}, &sum);
  EXPECT_EQ(sum, size);
  EXPECT_EQ(size, line.size() - 2);
}

// Each quote is looked at once for each kind, whatever stands between.
TEST(LineMarks, ManyOpenQuotesAreNoTrouble) {
  for (const std::string part : {"'", "\\'", "\"'`", "'\"", "\\"}) {
    std::string line;
    while (line.size() + part.size() <= kLineMax) line += part;
    EXPECT_LE(masked(line).size(), line.size());
  }
}

TEST(LineMarks, ShapesLeaveOutTheirFirstWord) {
  const Fingerprinter fingerprinter(test::test_key());
  const auto shape = [&](const std::string& bytes) {
    return line_shape(fingerprinter, as_bytes(bytes));
  };
  EXPECT_EQ(shape("w=w(w,w);").hash, shape("=w(w,w);").hash);
  EXPECT_EQ(shape("w=w(w,w);").tokens, 8U);
  EXPECT_NE(shape("w=w(w);").hash, shape("w=w[w];").hash);
  EXPECT_EQ(shape("").tag, 0);
  EXPECT_EQ(shape("w").tag, 0);
  EXPECT_EQ(shape(std::string(kLineMax + 1, '(')).tag, kTagUnknown);
}

TEST(LineMarks, ShapesInARoomyBufferAreTheSame) {
  const Fingerprinter fingerprinter(test::test_key());
  std::string buffer;
  for (size_t i = 0; i < 8 + kLineMax + 1 + Fingerprinter::kLineReach; ++i) {
    buffer += "w=(n);{}"[i * i % 7];
  }
  for (size_t size = 0; size <= kLineMax + 1; ++size) {
    const ByteSpan bytes = as_bytes(buffer).subspan(8, size);
    const LineShape plain = line_shape(fingerprinter, bytes);
    const LineShape roomy = line_shape_within(fingerprinter, bytes.data(), size);
    EXPECT_EQ(roomy.hash, plain.hash) << size;
    EXPECT_EQ(roomy.tokens, plain.tokens) << size;
    EXPECT_EQ(roomy.tag, plain.tag) << size;
  }
}

TEST(LineMarks, PairsAndCouplesHaveAnOrder) {
  const Fingerprinter fingerprinter(test::test_key());
  const LineShape a = line_shape(fingerprinter, as_bytes("if(w==n){"));
  const LineShape b = line_shape(fingerprinter, as_bytes("w.w(w);"));
  EXPECT_TRUE(makes_pair(a, b));
  EXPECT_FALSE(makes_pair(b, b));  // too few tokens
  EXPECT_FALSE(makes_pair(a, {}));
  EXPECT_NE(pair_hash(fingerprinter, a, b), pair_hash(fingerprinter, b, a));
  const LineHash c{11, 12};
  const LineHash d{13, 4};
  EXPECT_TRUE(makes_couple(c, d));
  EXPECT_FALSE(makes_couple(d, d));
  EXPECT_FALSE(makes_couple(c, {}));
  EXPECT_NE(couple_hash(fingerprinter, c, d), couple_hash(fingerprinter, d, c));
  EXPECT_NE(couple_hash(fingerprinter, c, d), fingerprinter.combine(11, 13));
}

}  // namespace
}  // namespace weir::signatures

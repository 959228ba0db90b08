// Whole lines at a time against line by line: normalised text, shape and line ends, over generated
// lines with everything that prefixes are made of, in any cut.
#include "signatures/fingerprint/line_scan.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "signatures/fingerprint/normaliser.h"

namespace weir::signatures {
namespace {

struct Result {
  std::string text;
  std::vector<uint32_t> ends;
  std::string shape;
  std::vector<uint32_t> shape_ends;
  friend bool operator==(const Result&, const Result&) = default;
};

Result read(const std::string& text, bool scan, bool with_shape, std::mt19937* cuts = nullptr) {
  Normaliser normaliser(scan);
  NormalText normal;
  NormalText shape;
  NormalText* const wanted = with_shape ? &shape : nullptr;
  for (size_t at = 0; at < text.size();) {
    const size_t size = cuts == nullptr ? text.size() : 1 + (*cuts)() % 700;
    const std::string part = text.substr(at, size);
    const std::vector<uint8_t> exact(part.begin(), part.end());
    normaliser.feed(exact, normal, wanted);
    at += part.size();
  }
  normaliser.finish(normal, wanted);
  return {std::string(as_chars(normal.bytes())), normal.line_ends(),
          std::string(as_chars(shape.bytes())), shape.line_ends()};
}

std::string lines(std::mt19937& random, size_t count) {
  static const std::vector<std::string> heads{"",
                                              " ",
                                              "\t",
                                              "    ",
                                              "+",
                                              "-",
                                              "> ",
                                              "  12\t",
                                              "7: ",
                                              "1234567",
                                              "12345678 ",
                                              "L41: ",
                                              "Line 9: ",
                                              "  L3:",
                                              "a/b.c:12:",
                                              "a.c-7-",
                                              "a.c-",
                                              "abc:1:",
                                              "@@ -1,2 +3 @@",
                                              "@@ -",
                                              "12 | ",
                                              "3\xe2\x86\x92",
                                              "3\xe2\x94\x82",
                                              "+ 4 |",
                                              "\r",
                                              "\v\f",
                                              "./x:3:",
                                              "\\q.h:1:x",
                                              "_a.b:2:",
                                              "$a.b:2:",
                                              "\xc3\xa9.c:1:",
                                              "-12-",
                                              std::string(62, ' '),
                                              std::string(63, 'p') + ".c:1:",
                                              std::string(70, ' ') + "8 ",
                                              std::string(158, '+') + "12 "};
  static const std::vector<std::string> parts{"if",
                                              "else",
                                              " ",
                                              "\t",
                                              "(",
                                              ")",
                                              "x",
                                              "foo_bar",
                                              "Protected",
                                              "123",
                                              "0x7f",
                                              "$",
                                              ";",
                                              "\xc3\xa9",
                                              "=",
                                              "\"",
                                              "unsigned",
                                              "continue",
                                              "functional",
                                              "function",
                                              "instanceof",
                                              "instanceofs",
                                              "constexpr",
                                              "constexpo",
                                              "implements",
                                              "->",
                                              "\x01",
                                              "~",
                                              "\x7f",
                                              "L",
                                              "\r",
                                              "\x8fonstexpr",
                                              "DO",
                                              "do_",
                                              "9if",
                                              "return",
                                              "interfaces",
                                              "interface",
                                              std::string(64, 'z'),
                                              std::string(130, '-'),
                                              std::string("\0", 1),
                                              "@"};
  std::string out;
  for (size_t i = 0; i < count; ++i) {
    out += heads[random() % heads.size()];
    for (size_t n = random() % 12; n > 0; --n) out += parts[random() % parts.size()];
    out += '\n';
  }
  return out;
}

TEST(LineScan, AgreesWithLineByLine) {
  if (!has_line_scan()) GTEST_SKIP() << "this machine has no AVX-512 VBMI2";
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    const std::string text = lines(random, random() % 40);
    const Result expected = read(text, false, true);
    ASSERT_EQ(expected.ends.size(), expected.shape_ends.size());
    ASSERT_EQ(read(text, true, true), expected) << text;
    const Result cut = read(text, true, true, &random);
    ASSERT_EQ(cut, expected) << text;
    ASSERT_EQ(read(text, false, true, &random), expected) << text;
    const Result plain = read(text, true, false, &random);
    ASSERT_EQ(plain.text, expected.text);
    ASSERT_EQ(plain.ends, expected.ends);
  }
}

TEST(LineScan, ManyLineEndsAndOddBytes) {
  if (!has_line_scan()) GTEST_SKIP() << "this machine has no AVX-512 VBMI2";
  std::mt19937 random(12);
  for (const unsigned lines_in : {1U, 2U, 5U, 40U}) {
    std::string text;
    while (text.size() < 4000) {
      text += random() % lines_in == 0 ? '\n' : static_cast<char>(random());
    }
    ASSERT_EQ(read(text, true, true), read(text, false, true));
  }
}

}  // namespace
}  // namespace weir::signatures

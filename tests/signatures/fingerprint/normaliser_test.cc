// The normaliser against a slow one written from the rules, over generated lines and every cut; and
// the prefixes that tools add, one by one.
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes temporaries of its own <regex> for uninitialised when sanitizers are on.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include "signatures/fingerprint/normaliser.h"

#include <gtest/gtest.h>

#include <random>
#include <regex>
#include <string>
#include <vector>

namespace weir::signatures {
namespace {

std::string squeezed(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ' ' || (c >= '\t' && c <= '\r')) continue;
    out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
  }
  return out;
}

// line_prefix as regular expressions tell it.
size_t slow_prefix(const std::string& head) {
  static const std::regex grep(R"(^[A-Za-z0-9./_+@\\-]*?[./][A-Za-z0-9./_+@\\-]*?([:-])\d{1,7}\1)");
  static const std::regex hunk(R"(^@@ -[\s\S]*?@@)");
  static const std::regex marks(R"(^[ \t\r\v\f\n+>-]*)");
  static const std::regex number(
      "^\\d{1,7}(?!\\d)([ \t]*(\\||:|\xe2\x86\x92|\xe2\x94\x82)|[ \t]+)");
  static const std::regex named(R"(^(Line |L)\d{1,7}:)");
  std::smatch match;
  std::string rest = head;
  const auto take = [&](const std::regex& what) {
    if (!std::regex_search(rest, match, what)) return false;
    rest = match.suffix().str();
    return true;
  };
  if (!take(grep) && take(hunk)) return head.size() - rest.size();
  for (int round = 0; round < 3; ++round) {
    take(marks);
    if (!take(number) && !take(named)) break;
  }
  return head.size() - rest.size();
}

// Lines joined by '\n'.
std::string reference(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    const std::string_view line = text.substr(0, newline);
    const size_t skip = slow_prefix(std::string(line.substr(0, kPrefixWindow)));
    out += squeezed(line.substr(skip)) + "\n";
    if (newline == std::string_view::npos) break;
    text.remove_prefix(newline + 1);
  }
  return out;
}

std::string joined(const NormalText& text) {
  std::string out;
  size_t begin = 0;
  for (const uint32_t end : text.line_ends()) {
    out += std::string(as_chars(text.bytes().subspan(begin, end - begin))) + "\n";
    begin = end;
  }
  if (begin < text.size()) out += std::string(as_chars(text.bytes().subspan(begin))) + "(open)";
  return out;
}

std::string normalised(const std::vector<std::string_view>& chunks) {
  Normaliser normaliser;
  NormalText out;
  for (const std::string_view chunk : chunks) {
    const std::vector<uint8_t> exact(chunk.begin(), chunk.end());
    normaliser.feed(exact, out);
  }
  normaliser.finish(out);
  return joined(out);
}

TEST(Normaliser, DropsWhatToolsPutBeforeLines) {
  const std::string code = "if (Total > 7) return x1;";
  const std::string plain = "if(total>7)returnx1;\n";
  for (const char* before : {"",
                             "    ",
                             "\t",
                             "     1\t",
                             "   123\xe2\x86\x92",
                             "9999999\xe2\x86\x92\t",
                             "12 | ",
                             "12|",
                             "12: ",
                             "12:",
                             " 7  ",
                             "L41: ",
                             "Line 41: ",
                             "  Line 41: ",
                             "src/a/b-c.cc:41:",
                             "b.cc:41: ",
                             "src/a.cc-41-",
                             "+",
                             "-",
                             "+\t",
                             " ",
                             "> ",
                             "> > ",
                             "+   12\t",
                             "12\t+ ",
                             "@@ -1,2 +3,4 @@ ",
                             "@@ -1 +1 @@",
                             "  12 \xe2\x94\x82 "}) {
    EXPECT_EQ(normalised({before + code}), plain) << before;
    EXPECT_EQ(normalised({before + code + "\r\n"}), plain) << before;
  }
}

TEST(Normaliser, KeepsWhatIsNoPrefix) {
  for (const char* line :
       {"12345678\tx", "12x: y", "0x10, 0x20", "1.5 x", "// c", "* c", "a:12", "std::x",
        "Line x:", "2026-11-24 x", "L: x", "#include <a.h>", "abc:12:"}) {
    EXPECT_EQ(normalised({line}), squeezed(line) + "\n") << line;
  }
}

TEST(Normaliser, FoldsAsciiAloneAndKeepsOtherBytes) {
  EXPECT_EQ(normalised({"\xc3\x84 Z\x01\x7f\xff[@`{"}), "\xc3\x84z\x01\x7f\xff[@`{\n");
}

TEST(Normaliser, CountsLinesAsAFileDoes) {
  EXPECT_EQ(normalised({""}), "");
  EXPECT_EQ(normalised({"\n"}), "\n");
  EXPECT_EQ(normalised({"\n\na"}), "\n\na\n");
  EXPECT_EQ(normalised({"a\n"}), "a\n");
  EXPECT_EQ(normalised({"  "}), "\n");
}

std::string random_text(std::mt19937& random) {
  static const std::vector<std::string> parts{" ",
                                              "\t",
                                              "\n",
                                              "\r\n",
                                              "1",
                                              "23",
                                              "\xe2\x86\x92",
                                              "|",
                                              ":",
                                              "+",
                                              "-",
                                              ">",
                                              "@@ -1 +1 @@",
                                              "L",
                                              "Line ",
                                              "a.c",
                                              "/",
                                              "B",
                                              "xyz",
                                              "=",
                                              std::string(170, ' '),
                                              std::string(200, 'q'),
                                              "MixedCase(",
                                              "\xe2",
                                              "\x86",
                                              "\xff",
                                              std::string(1, '\0')};
  std::string out;
  for (size_t n = random() % 40; n > 0; --n) out += parts[random() % parts.size()];
  return out;
}

TEST(Normaliser, DoesNotDependOnTheCut) {
  std::mt19937 random(1);
  for (int round = 0; round < 150; ++round) {
    const std::string text = random_text(random);
    const std::string expected = reference(text);
    ASSERT_EQ(normalised({text}), expected);
    std::vector<std::string_view> bytes;
    for (size_t i = 0; i < text.size(); ++i) bytes.push_back(std::string_view(text).substr(i, 1));
    ASSERT_EQ(normalised(bytes), expected);
    for (size_t cut = 0; cut <= text.size(); ++cut) {
      const std::string_view view = text;
      ASSERT_EQ(normalised({view.substr(0, cut), view.substr(cut)}), expected) << cut;
    }
  }
}

TEST(LinePrefix, AgreesWithRegularExpressionsOnGeneratedLines) {
  std::mt19937 random(3);
  static const std::vector<std::string> parts{" ",
                                              "  ",
                                              "\t",
                                              "\r",
                                              "1",
                                              "23",
                                              "4567890",
                                              "\xe2\x86\x92",
                                              "\xe2\x94\x82",
                                              "|",
                                              ":",
                                              "+",
                                              "-",
                                              ">",
                                              "@@",
                                              "@@ -",
                                              "L",
                                              "Line ",
                                              "a",
                                              ".",
                                              "/",
                                              "\\",
                                              "int x = y;",
                                              "//",
                                              "*",
                                              "\xe2"};
  for (int round = 0; round < 20'000; ++round) {
    std::string line;
    for (size_t n = random() % 9; n > 0; --n) line += parts[random() % parts.size()];
    if (round % 2 == 0) line += "return something(else);";
    ASSERT_EQ(line_prefix(as_bytes(line)), slow_prefix(line)) << line;
  }
}

TEST(Squeeze, FastPathsAgreeWithThePlainOne) {
  std::mt19937 random(2);
  for (size_t size = 0; size < 400; ++size) {
    std::vector<uint8_t> text(size);
    for (uint8_t& c : text) {
      c = static_cast<uint8_t>(random() % 3 == 0 ? random() % 33 : random() % 256);
    }
    std::vector<uint8_t> fast(size + kSqueezeSlack);
    std::vector<uint8_t> plain(size + kSqueezeSlack);
    const size_t plain_size = squeeze_plain(text, plain.data());
    plain.resize(plain_size);
    for (const auto path : squeeze_paths()) {
      fast.assign(size + kSqueezeSlack, 0);
      fast.resize(path(text, fast.data()));
      ASSERT_EQ(fast, plain) << size;
    }
    ASSERT_EQ(std::string(as_chars(plain)), squeezed(as_chars(text)));
  }
}

TEST(NormalText, DropsBytesAndTheLinesThatEndThere) {
  Normaliser normaliser;
  NormalText text;
  normaliser.feed(as_bytes("ab\ncd\n\nef"), text);
  ASSERT_EQ(text.line_ends(), (std::vector<uint32_t>{2, 4, 4}));
  EXPECT_EQ(text.drop_front(3), 1U);
  EXPECT_EQ(text.line_ends(), (std::vector<uint32_t>{1, 1}));
  EXPECT_EQ(as_chars(text.bytes()), "d");
  normaliser.finish(text);
  EXPECT_EQ(as_chars(text.bytes()), "def");
  EXPECT_EQ(text.line_ends(), (std::vector<uint32_t>{1, 1, 3}));
}

}  // namespace
}  // namespace weir::signatures

// LineFilter looks at 64 bytes at once; line_filter_reference.h says the same slowly.
#include "signatures/fingerprint/line_filter.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/signatures/fingerprint/line_filter_reference.h"

namespace weir::signatures {
namespace {

std::vector<std::string> words_of(const LineFilter& filter, std::string_view content) {
  std::vector<std::string> out;
  for (const LineFilter::Word& word : filter.distinctive()) {
    out.emplace_back(content.substr(word.begin, word.end - word.begin));
  }
  return out;
}

void expect_same(LineFilter& filter, const std::string& content) {
  filter.read(content);
  EXPECT_TRUE(filter.kinds() == reference::line_kinds(content)) << content;
  std::vector<std::string> expected;
  size_t dense = 0;
  size_t line = 0;
  size_t begin = 0;
  for (size_t i = 0; i <= content.size(); ++i) {
    EXPECT_EQ(filter.dense_before(i), dense);
    if (i < content.size() && content[i] != ' ' && (content[i] < '\t' || content[i] > '\r'))
      ++dense;
    if (i < content.size() ? content[i] != '\n' : begin == i) continue;
    ASSERT_LT(line, filter.lines());
    EXPECT_EQ(filter.line(line).begin, begin);
    EXPECT_EQ(filter.line(line).end, i);
    const std::string text = content.substr(begin, i - begin);
    uint32_t letters = 0;
    reference::each_distinctive(text, [&](size_t from, size_t to) {
      expected.push_back(text.substr(from, to - from));
      letters += static_cast<uint32_t>(to - from);
    });
    EXPECT_EQ(distinctive_letters(text), letters) << text;
    begin = i + 1;
    ++line;
  }
  EXPECT_EQ(filter.lines(), line);
  EXPECT_EQ(words_of(filter, content), expected) << content;
}

TEST(LineFilter, SplitsWordsAndLeavesOutEveryonesOwn) {
  LineFilter filter;
  const std::string code =
      "int walrusLength(HTTPServer* the_quokka) {\n\n  return the; // Über x7y\n";
  filter.read(code);
  EXPECT_EQ(words_of(filter, code),
            (std::vector<std::string>{"walrus", "HTTPServer", "quokka", "ber"}));
  EXPECT_EQ(filter.lines(), 3U);
  EXPECT_EQ(filter.line(2).begin, 44U);
}

TEST(LineFilter, ListsOfImportsAreImports) {
  LineFilter filter;
  filter.read(
      "import (\n\t\"sort\"\n)\nx = y\nfrom a import (\n  b,\n  c)\nimport {\n d } from e;\n{\n");
  using enum LineKind;
  EXPECT_EQ(filter.kinds(), (std::vector<LineKind>{kImport, kImport, kImport, kCode, kImport,
                                                   kImport, kImport, kImport, kImport, kCode}));
}

TEST(LineFilter, AgreesWithTheReference) {
  std::mt19937 random(7);
  // Pieces that meet at borders of blocks, words cut in the middle, licences in comments or not.
  const std::vector<std::string> pieces{"copyright",
                                        "Copyright (c)",
                                        "licensed",
                                        "LICENCE",
                                        "warranty",
                                        "permission is hereby granted",
                                        "in no event shall",
                                        "SPDX-License",
                                        "all rights reserved",
                                        "redistribution and use in source",
                                        "redistribut",
                                        "//",
                                        "/*",
                                        "*/",
                                        "*",
                                        "#",
                                        "#include <x>",
                                        "import os",
                                        "from a import b",
                                        "const x = require('y')",
                                        "use std::io",
                                        "\n",
                                        "\n",
                                        "\n",
                                        "\n\n",
                                        "\r\n",
                                        " ",
                                        "\t",
                                        "    ",
                                        "\v",
                                        "walrus",
                                        "Walrus",
                                        "WALRUS",
                                        "theWalrus",
                                        "the",
                                        "return",
                                        "parse",
                                        "aB",
                                        "ABc",
                                        "x1",
                                        "averyveryverylongwordthatnobodyknows",
                                        "(",
                                        "{",
                                        ";",
                                        "\xc3\xbc",
                                        "\x80",
                                        "_",
                                        "<!--",
                                        "--",
                                        "implied warranties",
                                        "without specific prior written permission",
                                        "gnu",
                                        "apache"};
  LineFilter filter;
  for (int round = 0; round < 300; ++round) {
    std::string content;
    for (size_t n = random() % 120; n > 0; --n) {
      content += pieces[random() % pieces.size()];
      if (random() % 3 == 0) content += ' ';
    }
    expect_same(filter, content);
  }
  for (size_t size = 0; size < 200; ++size) expect_same(filter, std::string(size, 'q'));
}

}  // namespace
}  // namespace weir::signatures

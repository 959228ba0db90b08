#include <gtest/gtest.h>

#include <random>
#include <string>

#include "inspect/unwrap/entity_finder.h"
#include "inspect/unwrap/line_breaker.h"
#include "tests/inspect/unwrap/compress.h"
#include "tests/inspect/unwrap/transcript.h"
#include "tests/support/split_check.h"

namespace weir::test {
namespace {

using inspect::EntityFinder;

void expect_pieces(const std::string& bytes, const std::string& expected, const Body& body = {}) {
  EXPECT_EQ(unwrap(bytes, body).transcript, expected);
  split_check(as_bytes(bytes),
              [&](const std::vector<ByteSpan>& chunks) { return unwrap(chunks, body).transcript; });
}

TEST(EntityUnwrap, WhatReferencesStandForComesBehindTheText) {
  expect_pieces(
      "one\nif (a &lt; b &amp;&amp; c-&gt;d == &quot;x&#39;y&#x27;&quot;) {\n  two &# &foo; &a;\n",
      "[b>text|@100] one\n"
      "if (a &lt; b &amp;&amp; c-&gt;d == &quot;x&#39;y&#x27;&quot;) {\n  two &# &foo; &a;\n\n"
      "[b>text>html|@100] if (a < b && c->d == \"x'y'\") {\n  two &# &foo; &a;\n\n");
}

TEST(EntityUnwrap, InJsonStringsAndTwice) {
  expect_pieces(R"({"messages":[{"content":"say\nif (a &amp;lt; b)\n"}],"model":"m","n":"a && b"})",
                "[b>json:messages[0].content|content@125] say\nif (a &amp;lt; b)\n\n"
                "[b>json:messages[0].content>html|content@125] if (a &lt; b)\n\n"
                "[b>json:messages[0].content>html>html|content@125] if (a < b)\n\n"
                "[b>json:model|model@162] m\n[b>json:n|n@170] a && b\n");
}

TEST(EntityUnwrap, CopyEndsWithALineBehindTheLastReference) {
  std::string text = "x &lt; y\n";
  for (int i = 0; i < 100; ++i)
    text += "a line of code that has no reference " + std::to_string(i) + '\n';
  text += "p &gt; q";
  const Unwrapped got = unwrap(text);
  EXPECT_EQ(got.counters.html.get(), 1U);
  const std::string copy = got.text.substr(text.size());
  EXPECT_EQ(copy.substr(0, 6), "x < y\n");
  EXPECT_EQ(copy.substr(copy.size() - 6), "\np > q");
  EXPECT_LT(copy.size(), text.size() / 2);
  EXPECT_GT(copy.size(), EntityFinder::kQuiet);
  split_check(as_bytes(text),
              [&](const std::vector<ByteSpan>& chunks) { return unwrap(chunks, {}).transcript; });
}

TEST(EntityUnwrap, NamesAndNumbers) {
  EXPECT_EQ(inspect::resolve_reference("lt"), '<');
  EXPECT_EQ(inspect::resolve_reference("#60"), '<');
  EXPECT_EQ(inspect::resolve_reference("#x3C"), '<');
  EXPECT_EQ(inspect::resolve_reference("#160"), ' ');
  EXPECT_EQ(inspect::resolve_reference("#x1F600"), 0x1F600U);
  for (const char* wrong :
       {"", "#", "#x", "#xD800", "#x110000", "#0", "#12a", "Lt", "#999999999"}) {
    EXPECT_EQ(inspect::resolve_reference(wrong), 0U) << wrong;
  }
}

// However long the text: copies are bounded, complete, and the same for every cut.
TEST(EntityUnwrap, LongTextInCopiesOfBoundedSize) {
  std::string text;
  std::string resolved;
  for (int i = 0; i < 9000; ++i) {
    const std::string number = std::to_string(i);
    text += "if (value&lt;" + number + ") call(" + number + ");\n";
    resolved += "if (value<" + number + ") call(" + number + ");\n";
  }
  const auto copies = [](const Unwrapped& got) {
    std::string all;
    for (size_t at = 0; (at = got.transcript.find("[b>text>html|@", at)) != std::string::npos;) {
      at = got.transcript.find("] ", at) + 2;
      const size_t end = std::min(got.transcript.find("\n[b>text", at), got.transcript.size() - 1);
      EXPECT_LE(end - at, EntityFinder::kCopyBytes + 64);
      all += got.transcript.substr(at, end - at);
      at = end;
    }
    return all;
  };
  const Unwrapped whole = unwrap(text);
  EXPECT_EQ(copies(whole), resolved);
  EXPECT_GT(whole.counters.html.get(), 2U);
  std::mt19937 random(1);
  std::vector<ByteSpan> chunks;
  for (size_t at = 0; at < text.size();) {
    const size_t count = std::min<size_t>(text.size() - at, random() % 5000);
    chunks.push_back(as_bytes(text).subspan(at, count));
    at += count;
  }
  EXPECT_EQ(unwrap(chunks, {}).transcript, whole.transcript);
}

TEST(EntityUnwrap, NoReferenceIsFoundAcrossAGap) {
  const std::string text = "a piece of text that is long enough & x &l";
  const std::string rest = "t; y\n";
  const Unwrapped got = unwrap({as_bytes(text), as_bytes(rest)}, {}, 2);
  EXPECT_EQ(got.counters.html.get(), 0U);
  EXPECT_TRUE(got.well_formed);
}

TEST(MarkUnwrap, LinesBreakAtMarksOfCompletionRequests) {
  expect_pieces("<|fim_prefix|>int a;\nint b<|fim_suffix|>;\nint c;<|fim_middle|>",
                "[b>text|@100] <|fim_prefix|>\nint a;\nint b\n<|fim_suffix|>\n;\nint c;\n"
                "<|fim_middle|>\n");
  expect_pieces("<PRE> a <SUF> b <MID>", "[b>text|@100] <PRE>\n a \n<SUF>\n b \n<MID>\n");
  expect_pieces("<fim_prefix>a\n<fim_suffix>\nb<fim_middle>",
                "[b>text|@100] <fim_prefix>\na\n<fim_suffix>\nb\n<fim_middle>\n");
  expect_pieces("[SUFFIX]b[PREFIX]a", "[b>text|@100] [SUFFIX]\nb\n[PREFIX]\na\n");
  expect_pieces(
      "<\xEF\xBD\x9C"
      "fim\xE2\x96\x81"
      "begin\xEF\xBD\x9C>x",
      "[b>text|@100] <\xEF\xBD\x9C"
      "fim\xE2\x96\x81"
      "begin\xEF\xBD\x9C>\nx\n");
}

TEST(MarkUnwrap, FencesStuckToText) {
  expect_pieces("see:```c\nint a;```\nmore", "[b>text|@100] see:\n```c\nint a;\n```\nmore\n");
}

// Code that has such marks, or looks as if, stays as it is.
TEST(MarkUnwrap, CodeIsLeftAlone) {
  for (const std::string code :
       {"p = \"<|fim_prefix|>\" + a + '<fim_suffix>'", "a <|> b <|> c |> d", "x <| f\ny |> g",
        "std::vector<size_t> x; m[P]; m[PREFIX_]; List<String> s; a << b; `x`; ``y``",
        "<|this is prose, not a mark|>", "<|", "<|a", "<", "``", "[SUFFI"}) {
    expect_pieces(code, "[b>text|@100] " + code + "\n");
  }
}

const std::string kCode =
    "int add(int a, int b) {\n  return a + b;\n}\n// a comment that makes it longer than a line\n";

TEST(RunUnwrap, Base64BehindAPathAndOverLines) {
  std::string lines;
  const std::string digits = base64_encoded(kCode + kCode + kCode);
  for (size_t at = 0; at < digits.size(); at += 76) lines += digits.substr(at, 76) + "\r\n";
  const std::string bytes =
      "see " + std::string("some/path/of/a/file/") + digits + " and\n" + lines;
  const Unwrapped got = unwrap(bytes);
  EXPECT_EQ(got.counters.base64.get(), 2U);
  EXPECT_NE(got.text.find(kCode + kCode + kCode), std::string::npos) << got.transcript;
  EXPECT_NE(got.text.find("return a + b;\n}\n// a comment that makes it longer than a line\n"),
            std::string::npos);
  split_check(as_bytes(bytes),
              [&](const std::vector<ByteSpan>& chunks) { return unwrap(chunks, {}).transcript; });
}

TEST(RunUnwrap, HexInsideText) {
  std::string digits;
  for (const char c : kCode) {
    digits += "0123456789abcdef"[c >> 4];
    digits += "0123456789abcdef"[c & 15];
  }
  const std::string bytes = "blob: " + digits + "\nend";
  expect_pieces(bytes, "[b>text|@100] " + bytes + "\n[b>text>hex|@106] " + kCode + "\n");
}

TEST(RunUnwrap, WholeStringsWhoseFrontWasCutOff) {
  const std::string digits = base64_encoded(std::string(60, ' ') + kCode);
  const std::string bytes = "{\"data\":\"" + digits.substr(3) + "\",\"model\":\"m\"}";
  const Unwrapped got = unwrap(bytes, {"application/json", "", {}});
  EXPECT_NE(got.transcript.find("[b>json:data>base64|data@"), std::string::npos) << got.transcript;
  EXPECT_NE(got.text.find(kCode), std::string::npos);
}

}  // namespace
}  // namespace weir::test

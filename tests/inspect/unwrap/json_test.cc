#include <gtest/gtest.h>

#include <string>

#include "tests/inspect/unwrap/transcript.h"
#include "tests/support/split_check.h"

namespace weir::test {
namespace {

// The same for every cut, and as expected.
void expect_pieces(const std::string& bytes, const std::string& expected, const Body& body = {}) {
  EXPECT_EQ(unwrap(bytes, body).transcript, expected);
  split_check(as_bytes(bytes),
              [&](const std::vector<ByteSpan>& chunks) { return unwrap(chunks, body).transcript; });
}

TEST(JsonUnwrap, StringValuesArePiecesWithPathAndKey) {
  expect_pieces(
      R"({"model":"m1","messages":[{"role":"user","content":[{"type":"text","text":"a\nb"}]}],"n":1})",
      "[b>json:model|model@110] m1\n"
      "[b>json:messages[0].role|role@135] user\n"
      "[b>json:messages[0].content[0].type|type@161] text\n"
      "[b>json:messages[0].content[0].text|text@175] a\nb\n");
}

TEST(JsonUnwrap, EscapesAreResolved) {
  expect_pieces(R"({"a":"\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83d\ude00"})",
                "[b>json:a|a@106] \"\\/\b\f\n\r\tA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\n");
}

TEST(JsonUnwrap, BadEscapesArePassedThrough) {
  expect_pieces(R"({"a":"\x \u12g4 \ud83d \ud83d\n \ud83d\u0041 \ude00 \ud83d\ud83d\ude00 \u"})",
                "[b>json:a|a@106] \\x \\u12g4 \\ud83d \\ud83d\n \\ud83dA \\ude00 "
                "\\ud83d\xF0\x9F\x98\x80 \\u\n");
}

TEST(JsonUnwrap, JsonInAStringIsOpened) {
  expect_pieces(R"({"arguments":"{\"command\":\"cat \\\"x\\\"\\n\",\"n\":[1,\"two\"]}"})",
                "[b>json:arguments>json:command|command@114] cat \"x\"\n\n"
                "[b>json:arguments>json:n[1]|n@114] two\n");
}

TEST(JsonUnwrap, CodeInBracketsIsNoJson) {
  expect_pieces(R"({"a":"[test] x","b":"{ return 1; }","c":"[[ -f x ]]","d":"{\"a\" b}"})",
                "[b>json:a|a@106] [test] x\n[b>json:b|b@121] { return 1; }\n"
                "[b>json:c|c@141] [[ -f x ]]\n[b>json:d|d@158] {\"a\" b}\n");
}

TEST(JsonUnwrap, NestedJsonThatBreaksGoesOnAsText) {
  const std::string key(70, 'k');
  expect_pieces("{\"a\":\"{\\\"" + key + "\\\": foo(), \\\\n}\"}",
                "[b>json:a>json:.{key}|@106] " + key + "\n[b>json:a>json:" + key + "|" + key +
                    "@106] foo(), \\n}\n");
}

// What an agent read from a JSON file: it must be found as the file it is, and code in it too.
TEST(JsonUnwrap, LaidOutJsonInAStringStaysWhole) {
  expect_pieces(R"({"a":"{\n  \"name\": \"x\",\n  \"script\": \"a\\n\\tb\"\n}\n"})",
                "[b>json:a>json|a@106] {\n  \"name\": \"x\",\n  \"script\": \"a\n\tb\"\n}\n\n");
  expect_pieces("--B\r\nContent-Disposition: form-data; name=f\r\n\r\n{\n \"k\": \"v\"\n}\r\n--B--",
                "[b>multipart:f>json|f@147] {\n \"k\": \"v\"\n}\n",
                {"multipart/form-data; boundary=B", "", {}});
}

TEST(JsonUnwrap, AfterAGapAllIsTakenForTheInsideOfAString) {
  inspect::UnwrapCounters counters;
  const Limits limits;
  inspect::Unwrapper unwrapper(limits, counters);
  TranscriptSink sink;
  unwrapper.begin({"b", "", ""}, sink);
  unwrapper.on_data(as_bytes(R"({"a":"one\ntwo \u00)"), 0);
  unwrapper.on_gap(5);
  unwrapper.on_data(as_bytes(R"(three\nfour","b":"\tx"})"), 25);
  unwrapper.end(inspect::EndReason::kComplete);
  EXPECT_EQ(sink.transcript(),
            "[b>json:a|a@6] one\ntwo \\u00 !1\n[b>json:|@25] three\nfour\",\"b\":\"\tx\"}\n");
  EXPECT_EQ(counters.json_gaps.get(), 1U);
}

TEST(JsonUnwrap, DeepNestingStillGivesItsStrings) {
  Body body;
  body.limits.json_depth = 3;
  expect_pieces(R"([[[[["x"],{"k":"y"}]],"z"]])",
                "[b>json:[0][0][0]|@106] x\n[b>json:[0][0][0]|@112] k\n[b>json:[0][0][0]|@116] y\n"
                "[b>json:[0][1]|@123] z\n",
                body);
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "{\"k\":[";
  const Unwrapped got = unwrap(deep + "\"end\"");
  EXPECT_EQ(got.counters.json_depth_limit.get(), 1U);
  EXPECT_EQ(got.text.substr(got.text.size() - 3), "end");
}

TEST(JsonUnwrap, BrokenJsonGoesOnAsText) {
  const std::string fill(300, '.');
  const std::string bytes = "{\"a\":\"" + fill + R"(","b":print("y\n"),"c":"z"})";
  const std::string before = "[b>json:a|a@106] " + fill + "\n[b>json:b|b@412] print(\"y";
  expect_pieces(bytes, before + "\\n\"),\"c\":\"z\"}\n");
  expect_pieces(bytes, before + "\n\"),\"c\":\"z\"}\n", {"application/json", "", {}});
  EXPECT_EQ(unwrap(bytes).counters.json_errors.get(), 1U);
  // Within the bytes that are looked at first, it is no JSON at all.
  expect_pieces(R"({"b":print("y\n")})", "[b>text|@100] {\"b\":print(\"y\\n\")}\n");
}

TEST(JsonUnwrap, LongKeysAreText) {
  const std::string key =
      "int main() { return 0; } // a key can carry code just as well as a value";
  expect_pieces("{\"" + key + "\":1}", "[b>json:.{key}|@102] " + key + "\n");
}

TEST(JsonUnwrap, MissingCommasAndByteOrderMark) {
  expect_pieces("\xEF\xBB\xBF[\"a\" \"b\",,\"c\",]",
                "[b>json:[0]|@105] a\n[b>json:[1]|@109] b\n[b>json:[3]|@114] c\n",
                {"application/json", "", {}});
}

TEST(JsonUnwrap, JsonLines) {
  expect_pieces("{\"a\":\"x\"}\n{\"b\":\"y\"}\n", "[b>json:a|a@106] x\n[b>json:b|b@116] y\n");
}

TEST(JsonUnwrap, TextIsText) {
  expect_pieces("int main() { return 0; }\n", "[b>text|@100] int main() { return 0; }\n\n");
}

TEST(JsonUnwrap, BinaryIsOnePiece) {
  const std::string bytes("\x89PNG\0\1\2\3\4\5\6\7\xff\xfe\x80\x80\x81", 17);
  const Unwrapped got = unwrap(bytes);
  EXPECT_EQ(got.transcript, "[b>binary|binary@100] " + bytes + "\n");
  EXPECT_TRUE(got.opaque);
}

// A key of the kind that programs use is only in the path; a token or a line of code is text, too.
TEST(JsonUnwrap, KeysThatHoldContentAreText) {
  expect_pieces(
      R"({"max_tokens":1,"a_very_long_but_common_key.name":"v","AKIA2E0A8F3B244C9986":"w",)"
      R"("return a[i] + b;":1})",
      "[b>json:a_very_long_but_common_key.name|a_very_long_but_common_key.name@151] v\n"
      "[b>json:.{key}|@155] AKIA2E0A8F3B244C9986\n"
      "[b>json:AKIA2E0A8F3B244C9986|AKIA2E0A8F3B244C9986@178] w\n"
      "[b>json:.{key}|@182] return a[i] + b;\n");
}

// Blanks before or behind the first bracket hide nothing: every JSON reader skips them.
TEST(JsonUnwrap, BlanksBeforeTheContent) {
  for (const size_t count : {60U, 255U, 256U, 257U, 700U, 5000U}) {
    const std::string blanks = std::string(count, ' ');
    const std::string json = R"({"a":"x\ny","b":"{\"c\":\"d\\ne\"}"})";
    for (const std::string type : {"", "application/json", "text/plain"}) {
      const Unwrapped before = unwrap(blanks + json, {type, "", {}});
      EXPECT_EQ(before.text, "x\nyd\ne") << count << type;
      const Unwrapped behind = unwrap("{" + blanks + json.substr(1), {type, "", {}});
      EXPECT_EQ(behind.text, "x\nyd\ne") << count << type;
    }
    const std::string nested = R"({"b":")" + blanks + R"({\"c\":\"d\\ne\"}"})";
    EXPECT_EQ(unwrap(nested).text, "d\ne") << count;
    split_check(as_bytes(blanks + json),
                [&](const std::vector<ByteSpan>& chunks) { return unwrap(chunks, {}).transcript; });
    split_check(as_bytes(nested),
                [&](const std::vector<ByteSpan>& chunks) { return unwrap(chunks, {}).transcript; });
  }
}

}  // namespace
}  // namespace weir::test

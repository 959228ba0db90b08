#include <gtest/gtest.h>

#include <random>
#include <string>

#include "core/hash.h"
#include "tests/inspect/unwrap/compress.h"
#include "tests/inspect/unwrap/transcript.h"
#include "tests/support/split_check.h"

namespace weir::test {
namespace {

void expect_pieces(const std::string& bytes, const std::string& expected, const Body& body = {}) {
  EXPECT_EQ(unwrap(bytes, body).transcript, with_offsets(bytes, expected));
  split_check(as_bytes(bytes),
              [&](const std::vector<ByteSpan>& chunks) { return unwrap(chunks, body).transcript; });
}

const std::string kCode =
    "int add(int a, int b) {\n  return a + b;\n}\n// a comment that makes it longer than a line\n";

std::string form_data(bool header_line_feeds) {
  std::string text =
      "--XyZ\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nassistants\r\n"
      "--XyZ\r\nContent-Disposition: form-data; name=\"file\"; filename=\"add.py\"\r\n"
      "Content-Type: text/x-python\r\n\r\ndef add(a, b):\r\n--not a boundary\r\n  return a+b\r\n"
      "\r\n--XyZ\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n"
      "--XyZ\r\nContent-Disposition: form-data; name=\"meta\"\r\n"
      "Content-Type: application/json\r\n\r\n{\"k\":\"v\\n\"}\r\n--XyZ--\r\n";
  if (header_line_feeds) {
    for (size_t at = 0; (at = text.find('\r', at)) != std::string::npos;) text.erase(at, 1);
  }
  return text;
}

const std::string kFormTranscript =
    "[b>multipart:purpose|purpose@<assistants>] assistants\n"
    "[b>multipart:file(add.py)|file@<def add>] def add(a, b):\r\n--not a boundary\r\n  return "
    "a+b\r\n\n"
    "[b>multipart:meta>json:k|k@<v\\n>] v\n\n";

TEST(MultipartUnwrap, PartsByTheirOwnHeaders) {
  expect_pieces(form_data(false), kFormTranscript, {"multipart/form-data; boundary=XyZ", "", {}});
  expect_pieces(form_data(false), kFormTranscript,
                {"Multipart/Form-Data; charset=utf-8; boundary=\"XyZ\"", "", {}});
}

TEST(MultipartUnwrap, BoundaryIsFoundInTheFirstLine) {
  expect_pieces(form_data(false), kFormTranscript);
  expect_pieces(form_data(false), kFormTranscript, {"multipart/form-data", "", {}});
  expect_pieces(form_data(false), kFormTranscript, {"multipart/form-data; boundary=abc", "", {}});
}

TEST(MultipartUnwrap, BareLineFeeds) {
  const Unwrapped got = unwrap(form_data(true), {"multipart/form-data; boundary=XyZ", "", {}});
  EXPECT_EQ(got.pieces, 3U);
  EXPECT_NE(got.transcript.find("def add(a, b):\n--not a boundary\n  return a+b\n\n["),
            std::string::npos);
}

TEST(MultipartUnwrap, PreambleEpilogueAndMissingEnd) {
  expect_pieces("hello\r\n--B\r\n\r\none\r\n--B  \r\nX: y\r\n\r\ntwo\r\n--B--\r\nbye",
                "[b>multipart:preamble|preamble@<hello>] hello\n[b>multipart:|@<one>] one\n"
                "[b>multipart:|@<two>] two\n[b>multipart:epilogue|epilogue@<bye>] bye\n",
                {"multipart/mixed; boundary=B", "", {}});
  expect_pieces("--B\r\n\r\none\r\n--", "[b>multipart:|@<one>] one\r\n--\n",
                {"multipart/mixed; boundary=B", "", {}});
}

// What only begins like a boundary hides no lines as headers.
TEST(MultipartUnwrap, LongerLinesAreNoBoundaries) {
  const std::string head = "--B\r\nContent-Disposition: form-data; name=f\r\n\r\n";
  const std::string body = "one\r\n--Bx\r\nint secret();\r\n--B-- x\r\n--B  ?\r\nmore\r\n--B-";
  expect_pieces(head + body + "\r\n--B--", "[b>multipart:f|f@<one>] " + body + "\n",
                {"multipart/form-data; boundary=B", "", {}});
}

TEST(MultipartUnwrap, LinesThatAreNoHeadersAreBody) {
  const Body type{"multipart/form-data; boundary=B", "", {}};
  expect_pieces("--B\nX: y\nint a(int b);\nint c;\n--B\nint d;",
                "[b>multipart:|@<int a>] int a(int b);\nint c;\n[b>multipart:|@<int d>] int d;\n",
                type);
  Body small = type;
  small.limits.part_header_bytes = 16;
  expect_pieces("--B\nint a(int b); int c; int d;\n--B--",
                "[b>multipart:|@<int a>] int a(int b); int c; int d;\n", small);
}

TEST(MultipartUnwrap, TransferEncodings) {
  const std::string head = "--B\r\nContent-Disposition: form-data; name=f\r\n";
  expect_pieces(head + "Content-Transfer-Encoding: base64\r\n\r\n" +
                    base64_encoded(kCode, false, 40) + "\r\n--B--\r\n",
                "[b>multipart:f>base64|f@<aW50>] " + kCode + "\n",
                {"multipart/form-data; boundary=B", "", {}});
  expect_pieces(head +
                    "Content-Transfer-Encoding: Quoted-Printable\r\n\r\na=3Db =\r\nc=\nd=C3=A9 =zz"
                    "\r\n--B--\r\n",
                "[b>multipart:f>qp|f@<a=3D>] a=b cd\xC3\xA9 =zz\n",
                {"multipart/form-data; boundary=B", "", {}});
}

TEST(MultipartUnwrap, GzipPart) {
  expect_pieces("--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.gz\"\r\n\r\n" +
                    gzipped(kCode) + "\r\n--B--\r\n",
                "[b>multipart:f(a.gz)>gzip|f@<\x1f\x8b>] " + kCode + "\n",
                {"multipart/form-data; boundary=B", "", {}});
}

TEST(MultipartUnwrap, GapGoesOnInThePart) {
  inspect::UnwrapCounters counters;
  const Limits limits;
  inspect::Unwrapper unwrapper(limits, counters);
  TranscriptSink sink;
  unwrapper.begin({"b", "multipart/form-data; boundary=B", ""}, sink);
  unwrapper.on_data(as_bytes("--B\r\nContent-Disposition: form-data; name=f\r\n\r\nabc"), 0);
  unwrapper.on_gap(10);
  unwrapper.on_data(as_bytes("def\r\n--B\r\n\r\nx\r\n--B--"), 60);
  unwrapper.end(inspect::EndReason::kComplete);
  EXPECT_EQ(sink.transcript(),
            "[b>multipart:f|f@47] abc !1\n[b>multipart:f|f@60] def\n[b>multipart:|@72] x\n");
}

TEST(FormUnwrap, FieldsAreDecoded) {
  expect_pieces("a=x+y%21&code=int%20f%28%29%3B%0a&empty=&c%20d=%zz%4&flag&e=%",
                "[b>form:a|a@<x+y>] x y!\n[b>form:code|code@<int%>] int f();\n\n"
                "[b>form:c d|c d@<%zz>] %zz%4\n[b>form:|@<flag>] flag\n[b>form:e|e@<%>] %\n",
                {"application/x-www-form-urlencoded", "", {}});
}

TEST(FormUnwrap, NamesThatHoldContentAreText) {
  expect_pieces("AKIA2E0A8F3B244C9986=1&return+a%5Bi%5D%2Bb+%2B+c%3B=",
                "[b>form:{name}|@<AKIA>] AKIA2E0A8F3B244C9986\n"
                "[b>form:AKIA2E0A8F3B244C9986|AKIA2E0A8F3B244C9986@<1>] 1\n"
                "[b>form:{name}|@<return>] return a[i]+b + c;\n",
                {"application/x-www-form-urlencoded", "", {}});
}

TEST(FormUnwrap, JsonInJsonInAField) {
  expect_pieces(
      "at=t&f.req=%5Bnull%2C%22%5B%5B%5C%22def%20f():%5C%5Cn%20pass%5C%22%2C0%5D%5D%22%5D&",
      "[b>form:at|at@103] t\n[b>form:f.req>json:[1]>json:[0][0]|f.req@111] def f():\n pass\n",
      {"application/x-www-form-urlencoded;charset=UTF-8", "", {}});
}

TEST(FormUnwrap, JsonDeclaredAsFormIsJson) {
  expect_pieces(R"({"a":"x=y&z"})", "[b>json:a|a@106] x=y&z\n",
                {"application/x-www-form-urlencoded", "", {}});
}

TEST(FormUnwrap, FoundWithoutHeader) {
  expect_pieces("q=int%20main%28%29+%7B%7D", "[b>form:q|q@102] int main() {}\n");
}

TEST(Base64Unwrap, StringValues) {
  expect_pieces(R"({"d":")" + base64_encoded(kCode) + "\"}",
                "[b>json:d>base64|d@106] " + kCode + "\n");
  expect_pieces(R"({"d":")" + base64_encoded(kCode, true) + "\"}",
                "[b>json:d>base64|d@106] " + kCode + "\n");
  expect_pieces(R"({"d":"data:text/plain;charset=utf-8;base64,)" + base64_encoded(kCode) + "\"}",
                "[b>json:d>base64|d@106] " + kCode + "\n");
}

TEST(Base64Unwrap, HoldsJsonOrGzip) {
  const std::string json = R"({"device_id":"abc","email":"someone@example.test","n":12345678})";
  const std::string in_json =
      "device_id|device_id@106] abc\n[b>json:d>base64>json:email|email@106] "
      "someone@example.test\n";
  expect_pieces(R"({"d":")" + base64_encoded(json) + "\"}",
                "[b>json:d|d@106] " + base64_encoded(json) + "\n[b>json:d>base64>json:" + in_json);
  expect_pieces(R"({"d":")" + base64_encoded(gzipped(kCode)) + "\"}",
                "[b>json:d>base64>gzip|d@106] " + kCode + "\n");
}

TEST(Base64Unwrap, WholeBody) {
  expect_pieces(base64_encoded(kCode, false, 76), "[b>base64|@100] " + kCode + "\n");
}

TEST(Base64Unwrap, OfNoTextStaysAsItIs) {
  std::string random(90, '\0');
  std::mt19937 engine(3);
  for (char& c : random) c = static_cast<char>(engine());
  const std::string run = base64_encoded(random);
  expect_pieces(R"({"d":")" + run + "\"}", "[b>json:d|d@106] " + run + "\n");
  const Unwrapped got = unwrap(R"({"d":")" + run + "\"}");
  EXPECT_TRUE(got.opaque);
  EXPECT_EQ(got.counters.undecoded.get(), 1U);
  const std::string digests = to_hex(as_bytes(random));
  expect_pieces(R"({"d":")" + digests + "\"}", "[b>json:d|d@106] " + digests + "\n");
  const std::string sha256 = digests.substr(0, 64);
  expect_pieces(R"({"d":")" + sha256 + "\"}", "[b>json:d|d@106] " + sha256 + "\n");
}

TEST(Base64Unwrap, WhatFollowsTheRunIsText) {
  const std::string run = base64_encoded(kCode.substr(0, 84));
  expect_pieces(
      R"({"d":")" + run + " and words\"}",
      "[b>json:d>base64|d@106] " + kCode.substr(0, 84) + "\n[b>json:d|d@106]  and words\n");
}

TEST(Base64Unwrap, RunInsideTextComesBehindIt) {
  const std::string run = base64_encoded(kCode);
  const std::string wrapped = base64_encoded(kCode, false, 76);
  const std::string text = "see: " + run + " and more\n" + wrapped + "\n--\n";
  expect_pieces(text, "[b>text|@<see>] " + text + "\n[b>text>base64|@<aW50IGFk>] " + kCode +
                          "\n[b>text>base64|@<aW50IGFk>] " + kCode + "\n");
  expect_pieces(R"({"t":"x )" + run + "\"}",
                "[b>json:t|t@106] x " + run + "\n[b>json:t>base64|t@106] " + kCode + "\n");
}

TEST(Base64Unwrap, LinesOfSixtyDigits) {
  const std::string wrapped = base64_encoded(kCode, false, 60);
  expect_pieces("see:\n" + wrapped + "\n",
                "[b>text|@<see>] see:\n" + wrapped + "\n\n[b>text>base64|@<aW50>] " + kCode + "\n");
}

TEST(Base64Unwrap, TokensStayWholeAndAreOpened) {
  const std::string head = base64_encoded(
      R"({"alg":"RS256","typ":"JWT","kid":"a key id that makes the header long","x":"y"})", true);
  const std::string claims = base64_encoded(
      R"({"sub":"someone@example.test","iss":"https://issuer.example.test/","aud":"us"})", true);
  const std::string token = head + "." + claims + ".c2lnbmF0dXJlLW9mLXNvbWUtc29ydA";
  const Unwrapped got = unwrap(R"({"token":")" + token + "\"}");
  EXPECT_EQ(got.transcript.substr(0, 24 + token.size()),
            "[b>json:token|token@110] " + token.substr(0, token.size() - 1));
  EXPECT_NE(got.transcript.find("[b>json:token>base64>json:sub|sub@110] someone@example.test\n"),
            std::string::npos);
}

TEST(Base64Unwrap, LongRunInsideTextComesInParts) {
  std::string file;
  while (file.size() < 150'000) file += "line " + std::to_string(file.size()) + " of the file\n";
  const std::string text = "file: " + base64_encoded(file, false, 76) + "# end\n";
  const Unwrapped got = unwrap(text);
  std::string raw;
  std::string decoded;
  for (size_t at = 0; (at = got.transcript.find("[b>text", at)) != std::string::npos;) {
    const size_t from = got.transcript.find("] ", at) + 2;
    const size_t to = std::min(got.transcript.find("\n[b>text", from), got.transcript.size() - 1);
    (got.transcript[at + 7] == '>' ? decoded : raw) += got.transcript.substr(from, to - from);
    at = to;
  }
  EXPECT_TRUE(raw == text);  // too long to print
  EXPECT_TRUE(decoded == file);
  EXPECT_GT(got.counters.base64.get(), 2U);
  for (const size_t size : {1000U, 1448U}) {
    std::vector<size_t> cuts;
    for (size_t at = size; at < text.size(); at += size) cuts.push_back(at);
    EXPECT_EQ(unwrap(Chunks(as_bytes(text), cuts).spans(), {}).transcript, got.transcript);
  }
}

// Neither may hide a run, nor be taken for one.
TEST(Base64Unwrap, LongWordsInTextAreLeftAlone) {
  std::string text = "rule " + std::string(200, '-') + "\n//" + std::string(90, '/') + " path /";
  for (int i = 0; i < 30; ++i) text += "usr/local/lib/";
  text += " " + std::string(300, 'A') + "\n" + std::string(59, 'x') + " end\n";
  expect_pieces(text, "[b>text|@100] " + text + "\n");
  expect_pieces(text + base64_encoded(kCode), "[b>text|@100] " + text + base64_encoded(kCode) +
                                                  "\n[b>text>base64|@<aW50>] " + kCode + "\n");
}

TEST(HexUnwrap, StringValue) {
  std::string message = "\x0a\x58";
  message += kCode;
  expect_pieces(R"({"data":")" + to_hex(as_bytes(message)) + R"(","n":1})",
                "[b>json:data>hex|data@109] " + message + "\n");
}

TEST(Utf16Unwrap, BothOrders) {
  std::string le;
  std::string be;
  for (const char c : kCode) {
    le += std::string{c, '\0'};
    be += std::string{'\0', c};
  }
  const std::string grin_le("\x3d\xd8\x00\xde\x3d\xd8\x41\x00\x00\xde", 10);
  expect_pieces("\xff\xfe" + le + grin_le,
                "[b>utf16|@100] " + kCode + "\xF0\x9F\x98\x80\xEF\xBF\xBD" + "A\xEF\xBF\xBD\n");
  expect_pieces("\xfe\xff" + be, "[b>utf16|@100] " + kCode + "\n");
  expect_pieces(le, "[b>utf16|@100] " + kCode + "\n");
  expect_pieces(be, "[b>utf16|@100] " + kCode + "\n");
}

// JSON readers detect these without a mark (RFC 4627 section 3), whatever text follows.
TEST(Utf16Unwrap, JsonWithoutAMark) {
  const std::string json = R"({"a":")" + kCode.substr(0, 20) + R"(\n"})";
  const std::string expected = kCode.substr(0, 20) + "\n\n";
  for (const size_t width : {2U, 4U}) {
    for (const bool big : {false, true}) {
      std::string wide;
      for (const char c : json) {
        const std::string zeros(width - 1, '\0');
        wide += big ? zeros + c : c + zeros;
      }
      const std::string name = width == 2 ? "utf16" : "utf32";
      expect_pieces(wide, "[b>" + name + ">json:a|a@100] " + expected);
    }
  }
  std::string wide{'{', '\0', '"', '\0'};
  for (int i = 0; i < 60; ++i) wide += "\x2d\x4e";
  wide += std::string("\"\0:\0\"\0x\0\"\0}\0", 12);
  EXPECT_NE(unwrap(wide).transcript.find(">utf16>json:"), std::string::npos);
}

TEST(Utf16Unwrap, Utf32ByMarkAndByZeros) {
  std::string le;
  std::string be;
  for (const char c : kCode) {
    le += std::string{c, '\0', '\0', '\0'};
    be += std::string{'\0', '\0', '\0', c};
  }
  const std::string grin(std::string("\x00\xF6\x01\x00\x00\xD8\x00\x00", 8));
  const std::string mark("\xff\xfe\0\0", 4);
  expect_pieces(mark + le + grin, "[b>utf32|@100] " + kCode + "\xF0\x9F\x98\x80\xEF\xBF\xBD\n");
  expect_pieces(std::string("\0\0\xfe\xff", 4) + be, "[b>utf32|@100] " + kCode + "\n");
  expect_pieces(le, "[b>utf32|@100] " + kCode + "\n");
  expect_pieces(be, "[b>utf32|@100] " + kCode + "\n");
}

std::string envelope(char flags, const std::string& message) {
  std::string out(1, flags);
  for (int shift = 24; shift >= 0; shift -= 8) {
    out += static_cast<char>(message.size() >> shift & 0xFF);
  }
  return out + message;
}

TEST(EnvelopeUnwrap, WhereTheFramingIsLostOffsetsStayExact) {
  const std::string text =
      R"(")" + kCode.substr(0, 22) + R"(" 207d[{ and more)" + std::string(300, 'x');
  expect_pieces(envelope(0, "{}") + text,
                "[b>message[1]>json:|@108] " + kCode.substr(0, 22) +
                    "\n[b>message[1]>json:|@<207d>] 207d[{ and more" + std::string(300, 'x') + "\n",
                {"application/connect+json", "", {}});
}

TEST(EnvelopeUnwrap, CompressedAndPlainMessages) {
  const std::string proto = "\x0a\x55" + kCode;
  const std::string bytes = envelope(1, gzipped(kCode)) + envelope(0, "") + envelope(0, proto) +
                            envelope(2, R"({"k":"v"})");
  const std::string at = std::to_string(100 + 5 + gzipped(kCode).size() + 10);
  const std::string end = std::to_string(100 + 15 + gzipped(kCode).size() + proto.size() + 5 + 6);
  expect_pieces(bytes,
                "[b>message[0]>gzip|@105] " + kCode + "\n[b>message[1]|@" + at + "] " + proto +
                    "\n[b>message[2]>json:k|k@" + end + "] v\n",
                {"application/connect+proto", "", {}});
}

TEST(QoderUnwrap, TestVector) {
  expect_pieces("*PSQwBH.iPSIncxtWBE.Jep$$,ByBEF^DxB*GoKMu(QwDSQwBMnmYKtDxj^#SJLNYBySkr*NOWrD",
                "[b>qoder>json:messages[0].role|role@100] user\n"
                "[b>qoder>json:messages[0].content|content@100] int main(){}\n");
}

TEST(QoderUnwrap, TooLargeIsRawAndOpaque) {
  Body body;
  body.limits.qoder_body_bytes = 300;
  std::string bytes;
  while (bytes.size() < 1000) bytes += "*PSQwBH.iPSIncxtWBE.Jep,ByBEF^DxB*GoKMu(QwDSQwBMnmY";
  const Unwrapped got = unwrap(bytes, body);
  EXPECT_EQ(got.text, bytes);
  EXPECT_TRUE(got.opaque);
  EXPECT_EQ(got.counters.qoder_limit.get(), 1U);
}

TEST(Opaque, ProtobufWithStringsIsReadable) {
  std::string message;
  std::mt19937 random(5);
  for (int i = 0; i < 20; ++i) {
    message += "\x0a\x18";
    message += "a string of some length";
    message += '\0';
    for (int k = 0; k < 4; ++k) message += static_cast<char>(0x80 | (random() & 0x7f));
  }
  EXPECT_FALSE(unwrap(message, {"application/proto", "", {}}).opaque);
  EXPECT_FALSE(unwrap("").opaque);
}

}  // namespace
}  // namespace weir::test

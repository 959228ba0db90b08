#include <gtest/gtest.h>

#include <string>

#include "tests/inspect/unwrap/compress.h"
#include "tests/inspect/unwrap/transcript.h"
#include "tests/support/split_check.h"

namespace weir::test {
namespace {

const Body kProto{"application/proto", "", {}};

std::string varint(uint64_t value) {
  std::string out;
  for (; value > 127; value >>= 7) out += static_cast<char>((value & 127) | 128);
  return out + static_cast<char>(value);
}

std::string field(unsigned number, const std::string& bytes) {
  return varint(number << 3 | 2) + varint(bytes.size()) + bytes;
}

std::string number(unsigned field, uint64_t value) { return varint(field << 3) + varint(value); }

std::string code(size_t bytes) {
  std::string out;
  for (int i = 0; out.size() < bytes; ++i) {
    out += "int f" + std::to_string(i) + "(int a) {\n  return a;\n}\n";
  }
  return out;
}

void expect_pieces(const std::string& bytes, const std::string& expected,
                   const Body& body = kProto) {
  EXPECT_EQ(unwrap(bytes, body).transcript, with_offsets(bytes, expected));
  split_check(as_bytes(bytes),
              [&](const std::vector<ByteSpan>& chunks) { return unwrap(chunks, body).transcript; });
}

// A request as completion services send it: an id, messages with a role and text, files.
std::string request(const std::string& text) {
  return field(1, "0123456789abcdef") + field(2, number(1, 1) + field(2, "hello there")) +
         field(2, number(1, 2) + field(4, field(1, "src/a.c") + field(2, text) + number(3, 17))) +
         field(5, "model") + varint(9 << 3 | 1) + std::string("\1\2\3\4\5\6\7\x88", 8);
}

std::string request_pieces(const std::string& root, const std::string& text) {
  const std::string piece = "[" + root + ">protobuf:";
  return piece + "1|@<0123>] 0123456789abcdef\n" + piece + "2.2|@<hello>] hello there\n" + piece +
         "2.4.1|@<src>] src/a.c\n" + piece + "2.4.2|@<int f0>] " + text + "\n" + piece +
         "5|@<model>] model\n";
}

TEST(ProtobufUnwrap, StringsStandAlone) {
  expect_pieces(request(code(80)), request_pieces("b", code(80)));
  expect_pieces(request(code(700)), request_pieces("b", code(700)));
}

TEST(ProtobufUnwrap, FoundByContent) {
  expect_pieces(request(code(300)), request_pieces("b", code(300)), {});
  expect_pieces(request(code(300)), request_pieces("b", code(300)), {"text/plain", "", {}});
}

TEST(ProtobufUnwrap, InEnvelopes) {
  const auto envelope = [](char flag, const std::string& message) {
    std::string out{flag, '\0', '\0'};
    out += static_cast<char>(message.size() >> 8);
    out += static_cast<char>(message.size() & 255);
    return out + message;
  };
  const std::string bytes =
      envelope(0, request(code(300))) + envelope(1, gzipped(request(code(300))));
  const Body type{"application/connect+proto", "", {}};
  const Unwrapped got = unwrap(bytes, type);
  EXPECT_EQ(got.counters.protobuf.get(), 2U);
  EXPECT_NE(got.transcript.find("[b>message[0]>protobuf:2.4.2|@160] int f0"), std::string::npos)
      << got.transcript;
  EXPECT_NE(got.transcript.find("[b>message[1]>gzip>protobuf:2.4.2|"), std::string::npos);
  split_check(as_bytes(bytes),
              [&](const std::vector<ByteSpan>& chunks) { return unwrap(chunks, type).transcript; });
}

TEST(ProtobufUnwrap, TextLongerThanAnyBufferStreams) {
  const std::string text = code(3'000'000);
  const std::string bytes = field(7, field(3, text));
  std::vector<ByteSpan> chunks;
  for (size_t at = 0; at < bytes.size(); at += 1000) {
    chunks.push_back(as_bytes(bytes).subspan(at, std::min<size_t>(1000, bytes.size() - at)));
  }
  const Unwrapped got = unwrap(chunks, kProto);
  EXPECT_EQ(got.pieces, 1U);
  EXPECT_TRUE(got.text == text);
}

// "\n" and a length below 127 are white space and a letter: a message all the same.
TEST(ProtobufUnwrap, MessagesThatLookLikeText) {
  expect_pieces(field(3, field(1, code(60))), "[b>protobuf:3.1|@<int f0>] " + code(60) + "\n");
  expect_pieces(field(3, "\n  int a;\n  int b;\n"),
                "[b>protobuf:3|@<\n  int>] \n  int a;\n  int b;\n\n");
  expect_pieces(field(3, "rzJ: a text whose first letters could be tags of fields"),
                "[b>protobuf:3|@<rzJ>] rzJ: a text whose first letters could be tags of fields\n");
}

TEST(ProtobufUnwrap, JsonInAString) {
  const std::string json =
      R"({"old_string":"int a;\nint b;\n","new_string":"int c;\n","path":"/w/src/main.c"})";
  const Unwrapped got = unwrap(field(3, json), kProto);
  EXPECT_NE(got.transcript.find("[b>protobuf:3>json:old_string|old_string@"), std::string::npos);
  EXPECT_NE(got.transcript.find("int a;\nint b;\n"), std::string::npos);
}

TEST(ProtobufUnwrap, DeepNestingIsBounded) {
  std::string bytes = "int deep;\n";
  for (int i = 0; i < 200; ++i) bytes = field(2, number(1, 1) + bytes);
  const Unwrapped got = unwrap(bytes, kProto);
  EXPECT_TRUE(got.well_formed);
  EXPECT_NE(got.text.find("int deep;"), std::string::npos);
  split_check(as_bytes(bytes), [](const std::vector<ByteSpan>& chunks) {
    return unwrap(chunks, kProto).transcript;
  });
}

TEST(ProtobufUnwrap, WhatStopsBeingProtobufStaysWhole) {
  const std::string bytes = field(1, code(300)) + "\x7F" + code(100) + std::string("\0\xFE", 2);
  const Unwrapped got = unwrap(bytes, kProto);
  EXPECT_EQ(got.counters.protobuf_errors.get(), 1U);
  EXPECT_NE(got.text.find(code(100)), std::string::npos);
  split_check(as_bytes(bytes), [](const std::vector<ByteSpan>& chunks) {
    return unwrap(chunks, kProto).transcript;
  });
}

TEST(ProtobufUnwrap, CutMessagesAndGaps) {
  const std::string bytes = request(code(700));
  for (size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_TRUE(unwrap(bytes.substr(0, size), kProto).well_formed) << size;
  }
  // 500 bytes in, the text is long; 10 bytes of it are missing, and what follows is still found.
  const Unwrapped got =
      unwrap({as_bytes(bytes).first(500), as_bytes(bytes).subspan(510)}, kProto, 2);
  EXPECT_NE(got.transcript.find("[b>protobuf:5|"), std::string::npos) << got.transcript;
  EXPECT_NE(got.transcript.find("] model\n"), std::string::npos);
}

}  // namespace
}  // namespace weir::test

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>
#include <utility>

#include "tests/inspect/unwrap/compress.h"
#include "tests/inspect/unwrap/transcript.h"
#include "tests/support/split_check.h"

namespace weir::test {
namespace {

using inspect::UnwrapCounters;

const std::string kJson =
    R"({"messages":[{"role":"user","content":"int main() {\n\treturn 0;\n}\n"}],)"
    R"("arguments":"{\"command\":\"echo \\\"hi\\\"\"}"})";

std::string json_transcript(const std::string& path) {
  return "[" + path + ">json:messages[0].role|role@100] user\n" + "[" + path +
         ">json:messages[0].content|content@100] int main() {\n\treturn 0;\n}\n\n" + "[" + path +
         ">json:arguments>json:command|command@100] echo \"hi\"\n";
}

void check_splits(const std::string& bytes, const Body& body) {
  split_check(as_bytes(bytes),
              [&](const std::vector<ByteSpan>& chunks) { return unwrap(chunks, body).transcript; });
}

struct Case {
  const char* name;
  std::string bytes;
  const char* encoding;
  const char* path;
};

TEST(CodingUnwrap, EveryCodingHoldsJson) {
  const Case cases[] = {
      {"gzip", gzipped(kJson), "gzip", "b>gzip"},
      {"gzip, x-gzip", gzipped(kJson), "x-gzip", "b>gzip"},
      {"gzip, no header", gzipped(kJson), "", "b>gzip"},
      {"gzip, stored", gzipped(kJson, 0), "gzip", "b>gzip"},
      {"gzip, wrong header", gzipped(kJson), "br", "b>gzip"},
      {"two members", gzipped(kJson.substr(0, 50)) + gzipped(kJson.substr(50)), "gzip", "b>gzip"},
      {"padded", gzipped(kJson) + std::string(7, '\0'), "gzip", "b>gzip"},
      {"zlib", deflated(kJson, 15), "deflate", "b>deflate"},
      {"raw deflate", deflated(kJson, -15), "deflate", "b>deflate"},
      {"brotli", brotli_compressed(kJson), "br", "b>br"},
      {"zstd", zstd_compressed(kJson), "zstd", "b>zstd"},
      {"zstd, no header", zstd_compressed(kJson), "", "b>zstd"},
      {"two frames", zstd_compressed(kJson.substr(0, 33)) + zstd_compressed(kJson.substr(33)),
       "zstd", "b>zstd"},
      {"list", brotli_compressed(gzipped(kJson)), "gzip, br", "b>br>gzip"},
      {"list of three", zstd_compressed(deflated(gzipped(kJson), 15)),
       "gzip , identity,Deflate,\tZSTD", "b>zstd>deflate>gzip"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Body body{"application/json", c.encoding, {}};
    EXPECT_EQ(unwrap(c.bytes, body).transcript, json_transcript(c.path));
    check_splits(c.bytes, body);
  }
}

TEST(CodingUnwrap, WrongHeaderIsOverruledByTheContent) {
  for (const char* encoding : {"gzip", "deflate", "br", "zstd", "gzip, br"}) {
    const Unwrapped got = unwrap("plain words, not coded at all", {"", encoding, {}});
    EXPECT_EQ(got.transcript, "[b>text|@100] plain words, not coded at all\n");
    EXPECT_EQ(got.counters.wrong_coding.get(), 1U);
    EXPECT_FALSE(got.opaque);
  }
}

TEST(CodingUnwrap, UnknownCodingIsScannedRawAndOpaque) {
  std::string bytes(300, '\0');
  std::mt19937 random(1);
  for (char& c : bytes) c = static_cast<char>(random());
  const Unwrapped got = unwrap(bytes, {"", "exi", {}});
  EXPECT_EQ(got.text, bytes);
  EXPECT_TRUE(got.opaque);
  EXPECT_EQ(got.counters.unknown_coding.get(), 1U);
  EXPECT_EQ(got.counters.opaque_bodies.get(), 1U);
}

std::string words(size_t bytes) {
  std::mt19937 random(7);
  std::string out;
  while (out.size() < bytes) out += "word" + std::to_string(random() % 10000) + " ";
  return out;
}

TEST(CodingUnwrap, TruncatedStreamGivesWhatWasDecoded) {
  const std::string text = words(20000);
  for (const auto& [bytes, encoding] :
       {std::pair{gzipped(text), "gzip"}, std::pair{brotli_compressed(text), "br"},
        std::pair{zstd_compressed(text, 1), "zstd"}}) {
    const Unwrapped whole = unwrap(bytes, {"", encoding, {}});
    EXPECT_EQ(whole.text, text) << encoding;
    EXPECT_EQ(whole.counters.truncated.get(), 0U) << encoding;
    const Unwrapped cut = unwrap(bytes.substr(0, bytes.size() - 5), {"", encoding, {}});
    EXPECT_EQ(cut.counters.truncated.get(), 1U) << encoding;
    if (std::string_view(encoding) == "zstd") continue;  // all is in its one block
    EXPECT_EQ(text.substr(0, cut.text.size()), cut.text) << encoding;
    EXPECT_GT(cut.text.size(), 15000U) << encoding;
  }
}

TEST(CodingUnwrap, CorruptStreamGoesOnRaw) {
  const std::string text = words(200000);
  std::string bytes = gzipped(text, 0);
  // The header of the second stored block: its length and complement no longer agree.
  const size_t first = static_cast<uint8_t>(bytes[11]) | static_cast<uint8_t>(bytes[12]) << 8;
  bytes[10 + 5 + first + 1] ^= 1;
  const Unwrapped got = unwrap(bytes, {"", "gzip", {}});
  EXPECT_EQ(got.counters.corrupt.get(), 1U);
  EXPECT_GT(got.counters.raw_bytes.get(), 1000U);
  EXPECT_EQ(got.pieces, 2U);
  EXPECT_EQ(got.text.substr(0, 10000), text.substr(0, 10000));
  EXPECT_EQ(got.text.substr(got.text.size() - 100), bytes.substr(bytes.size() - 100));
  EXPECT_FALSE(got.opaque);
}

TEST(CodingUnwrap, NothingDecodableIsRawFromItsFirstByte) {
  std::string bytes = "\x1f\x8b\x08";
  bytes += std::string(200, '\xe7');
  const Unwrapped got = unwrap(bytes);
  EXPECT_EQ(got.text, bytes);
  EXPECT_TRUE(got.opaque);
  EXPECT_EQ(got.counters.corrupt.get(), 1U);
  check_splits(bytes, {});
}

TEST(CodingUnwrap, TrailingBytesAreRaw) {
  const std::string bytes = gzipped("some text") + "\x1f and more";
  EXPECT_EQ(unwrap(bytes).transcript,
            "[b>gzip>text|@100] some text\n[b>gzip>raw|binary@100] \x1f and more\n");
  check_splits(bytes, {});
}

TEST(CodingUnwrap, GapEndsDecoding) {
  const std::string text = words(20000);
  const std::string bytes = gzipped(text);
  UnwrapCounters counters;
  const Limits limits;
  inspect::Unwrapper unwrapper(limits, counters);
  TranscriptSink sink;
  unwrapper.begin({"b", "", "gzip"}, sink);
  unwrapper.on_data(as_bytes(bytes).first(3000), 0);
  unwrapper.on_gap(100);
  unwrapper.on_data(as_bytes(bytes).subspan(3100), 3100);
  unwrapper.end(inspect::EndReason::kComplete);
  EXPECT_EQ(counters.coded_gaps.get(), 1U);
  EXPECT_EQ(sink.pieces(), 2U);
  EXPECT_EQ(text.substr(0, 4000), sink.text().substr(0, 4000));
  EXPECT_EQ(sink.text().substr(sink.text().size() - 50), bytes.substr(bytes.size() - 50));
}

TEST(CodingUnwrap, BombEndsAtTheRatio) {
  Body body;
  body.limits.inflate_floor = 1U << 20;
  body.limits.inflate_ratio = 100;
  std::string zeros(64U << 20, 'a');
  for (size_t i = 0; i < zeros.size(); i += 8) zeros[i] = ' ';
  for (const std::string& bytes :
       {gzipped(zeros), zstd_compressed(zeros), gzipped(gzipped(zeros))}) {
    const Unwrapped got = unwrap(bytes, body);
    EXPECT_EQ(got.counters.inflate_limit.get(), 1U);
    EXPECT_GE(got.text.size(), 1U << 20);
    EXPECT_LT(got.text.size(), 9U << 20);
    EXPECT_NE(got.transcript.find(" !4\n"), std::string::npos);
    EXPECT_FALSE(got.opaque);
  }
}

TEST(CodingUnwrap, MuchDecodedWithLittleTextIsABombToo) {
  Body body;
  body.limits.body_text_bytes = 1U << 20;
  std::string numbers = "[\"first\"";
  while (numbers.size() < 4U << 20) numbers += ",1";
  const Unwrapped got = unwrap(gzipped(numbers), body);
  EXPECT_EQ(got.counters.inflate_limit.get(), 1U);
  EXPECT_EQ(got.text, "first");
}

TEST(CodingUnwrap, TextLimitIsExact) {
  Body body;
  body.limits.body_text_bytes = 5000;
  const std::string bytes = gzipped(words(20000));
  const Unwrapped got = unwrap(bytes, body);
  EXPECT_EQ(got.text, words(20000).substr(0, 5000));
  EXPECT_EQ(got.counters.text_limit.get(), 1U);
  check_splits(bytes, body);
}

TEST(CodingUnwrap, DepthIsBounded) {
  std::string bytes = "the innermost text";
  for (int i = 0; i < 10; ++i) bytes = gzipped(bytes);
  const Unwrapped got = unwrap(bytes);
  EXPECT_EQ(got.counters.depth_limit.get(), 1U);
  EXPECT_EQ(got.counters.gzip.get(), Limits{}.unwrap_depth);
  EXPECT_EQ(got.transcript.substr(0, 37), "[b>gzip>gzip>gzip>gzip>gzip>gzip>bina");
}

TEST(CodingUnwrap, IsReusable) {
  UnwrapCounters counters;
  const Limits limits;
  inspect::Unwrapper unwrapper(limits, counters);
  const std::string bodies[] = {
      gzipped(kJson), kJson, brotli_compressed(kJson), "text", zstd_compressed(kJson).substr(0, 40),
      gzipped(kJson)};
  const char* encodings[] = {"gzip", "", "br", "", "zstd", ""};
  std::deque<TranscriptSink> sinks;
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i < 6; ++i) {
      sinks.emplace_back();
      TranscriptSink& sink = sinks.back();
      unwrapper.begin({"b", "", encodings[i]}, sink);
      unwrapper.on_data(as_bytes(bodies[i]), 100);
      if (i != 3) unwrapper.end(inspect::EndReason::kComplete);
      if (i == 3) continue;  // begin() ends it
      EXPECT_EQ(sink.transcript(), unwrap(bodies[i], {"", encodings[i], {}}).transcript);
    }
  }
  EXPECT_EQ(counters.bodies.get(), 18U);
}

}  // namespace
}  // namespace weir::test

// WebSocket messages: frames, masks, permessage-deflate, gaps; and generated traffic against what
// the generator put in.
#include <gmock/gmock.h>
#include <zlib.h>

#include <random>

#include "inspect/http/websocket_decoder.h"
#include "tests/inspect/http/decode.h"

namespace weir::test {
namespace {

using inspect::WebSocketFrame;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kText = 0x81;
constexpr int kBinary = 0x82;
constexpr int kDeflated = 0x40;  // RSV1

// `first`: the first byte; `form`: 0 the shortest length, else 126 or 127.
std::string ws(int first, std::string_view payload, uint32_t mask = 0x1234abcd, int form = 0) {
  const size_t size = payload.size();
  if (form == 0) form = size < 126 ? 0 : size < 0x10000 ? 126 : 127;
  std::string out(1, static_cast<char>(first));
  out += static_cast<char>(0x80 | (form == 0 ? static_cast<int>(size) : form));
  for (int shift = form == 126 ? 8 : form == 127 ? 56 : -8; shift >= 0; shift -= 8) {
    out += static_cast<char>(size >> shift);
  }
  std::string key;
  for (const int shift : {24, 16, 8, 0}) key += static_cast<char>(mask >> shift);
  out += key;
  for (size_t i = 0; i < size; ++i) out += static_cast<char>(payload[i] ^ key[i % 4]);
  return out;
}

// A sender's compressor: each message ends with a sync flush whose tail is left out.
class Deflater {
 public:
  explicit Deflater(bool takeover = true, int window = -15) : takeover_(takeover) {
    EXPECT_EQ(deflateInit2(&stream_, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
  }
  ~Deflater() { deflateEnd(&stream_); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  std::string message(std::string_view text, int flush = Z_SYNC_FLUSH) {
    std::string out(text.size() + 1000, '\0');
    stream_.next_in = const_cast<Bytef*>(as_bytes(text).data());
    stream_.avail_in = static_cast<uInt>(text.size());
    stream_.next_out = const_cast<Bytef*>(as_bytes(out).data());
    stream_.avail_out = static_cast<uInt>(out.size());
    deflate(&stream_, flush);
    out.resize(out.size() - stream_.avail_out);
    if (flush == Z_SYNC_FLUSH) {
      EXPECT_THAT(out, EndsWith(std::string("\0\0\xff\xff", 4)));
      out.resize(out.size() - 4);
    }
    if (!takeover_ || flush == Z_FINISH) deflateReset(&stream_);
    return out;
  }

 private:
  bool takeover_;
  z_stream stream_{};
};

struct DecodedWs {
  std::string transcript;
  inspect::WebSocketCounters counters;
};

struct Options {
  Limits limits;
  bool mid_stream = false;
  bool offsets = true;
  std::string extensions;
};

DecodedWs play_ws(const std::vector<Turn>& turns, size_t piece = 0, const Options& options = {}) {
  DecodedWs out;
  MessageTranscript sink;
  sink.offsets = options.offsets;
  inspect::WebSocketDecoder decoder(options.limits, out.counters, sink,
                                    {"/chat", "ws.example", "cli/1", options.extensions});
  if (options.mid_stream) decoder.set_mid_stream();
  for (const Turn& turn : turns) {
    if (turn.gap) {
      EXPECT_EQ(decoder.on_gap(turn.direction, *turn.gap), inspect::DecodeStatus::kContinue);
    }
    for (size_t at = 0; at < turn.bytes.size();) {
      const size_t size = std::min(piece == 0 ? turn.bytes.size() : piece, turn.bytes.size() - at);
      const auto copy = std::make_unique<uint8_t[]>(size);
      std::copy_n(as_bytes(turn.bytes).begin() + static_cast<ptrdiff_t>(at), size, copy.get());
      EXPECT_EQ(decoder.on_data(turn.direction, ByteSpan(copy.get(), size)),
                inspect::DecodeStatus::kContinue);
      at += size;
    }
  }
  decoder.on_end(Direction::kToServer, inspect::EndReason::kComplete);
  EXPECT_TRUE(sink.all_ended());
  out.transcript = sink.take();
  return out;
}

// At every cut. Offsets of inflated bytes depend on the cut, so they are left out.
DecodedWs check_ws(const std::string& text, Options options = {}) {
  options.offsets = false;
  split_check(as_bytes(text), [&](const std::vector<ByteSpan>& chunks) {
    std::vector<Turn> turns;
    for (const ByteSpan chunk : chunks) turns.push_back(up(std::string(as_chars(chunk))));
    return play_ws(turns, 0, options).transcript;
  });
  return play_ws({up(text)}, 0, options);
}

std::string message(int id, size_t offset, std::string_view text, std::string_view end) {
  return "request " + std::to_string(id) + " @" + std::to_string(offset) +
         " [ws] MESSAGE /chat at ws.example agent cli/1\nbody " + std::to_string(id) + " " +
         std::string(text) + "\nend " + std::to_string(id) + " " + std::string(end) + "\n";
}

TEST(WebSocketDecoder, MessagesAreRequests) {
  const DecodedWs run = check_ws(ws(kText, "{\"a\":1}") + ws(kBinary, "bin") + ws(kText, ""));
  EXPECT_THAT(run.transcript, HasSubstr(message(0, 0, "{\"a\":1}", "complete")));
  EXPECT_THAT(run.transcript, HasSubstr(message(1, 13, "bin", "complete")));
  EXPECT_EQ(run.counters.messages.get(), 3U);
  const DecodedWs exact = play_ws({up(ws(kText, "{\"a\":1}"))});
  EXPECT_THAT(exact.transcript, HasSubstr("body 0 @6 {\"a\":1}\n"));
}

TEST(WebSocketDecoder, FragmentsWithControlFramesBetween) {
  const std::string long_ping(100, 'p');
  const DecodedWs run = check_ws(ws(0x01, "one ") + ws(0x89, "ping") + ws(0x00, "two ") +
                                 ws(0x89, long_ping) + ws(0x80, "three") + ws(0x88, "\x03\xe8"));
  EXPECT_THAT(run.transcript, HasSubstr("body 0 one two \nrequest 1 @"));
  EXPECT_THAT(run.transcript, HasSubstr("[ws] PING /chat at ws.example agent cli/1\nbody 1 " +
                                        long_ping + "\nend 1 complete\nbody 0 three\nend 0 compl"));
  EXPECT_EQ(run.counters.control_frames.get(), 3U);
  EXPECT_EQ(run.counters.messages.get(), 1U);
}

TEST(WebSocketDecoder, AllFormsOfLength) {
  for (const size_t size : {125U, 126U, 65'535U, 65'536U, 100'000U}) {
    const std::string text(size, 't');
    const DecodedWs run = play_ws({up(ws(kText, text) + ws(kText, "next"))}, 1448, {});
    EXPECT_THAT(run.transcript, HasSubstr(" " + text + "\nend 0 complete\n"));
    EXPECT_THAT(run.transcript, HasSubstr(" next\nend 1 complete\n"));
  }
  EXPECT_THAT(check_ws(ws(kText, "long form", 1, 127)).transcript, HasSubstr(" long form\nend"));
}

TEST(WebSocketDecoder, UnmaskedFramesAreRead) {
  const DecodedWs run = check_ws(
      "\x81\x05"
      "hello");
  EXPECT_THAT(run.transcript, HasSubstr(" hello\nend 0 complete"));
  EXPECT_EQ(run.counters.unmasked_frames.get(), 1U);
}

TEST(WebSocketDecoder, OddFragmentsAreReadAllTheSame) {
  const DecodedWs run =
      check_ws(ws(0x80, "no begin") + ws(0x01, "no end") + ws(kText, "next") + ws(0x01, "cut"));
  EXPECT_THAT(run.transcript, HasSubstr(" no begin\nend 0 complete\n"));
  EXPECT_THAT(run.transcript, HasSubstr(" no end\nend 1 malformed\n"));
  EXPECT_THAT(run.transcript, HasSubstr(" cut\nend 3 reset\n"));
  EXPECT_EQ(run.counters.odd_frames.get(), 2U);
  EXPECT_EQ(run.counters.ended_in_message.get(), 1U);
}

TEST(WebSocketDeflate, WithAndWithoutContextTakeoverAndSmallWindows) {
  const std::string text = "the same words again, the same words again";
  for (const bool takeover : {true, false}) {
    for (const int window : {-15, -9}) {
      for (const char* extensions : {"", "permessage-deflate; client_no_context_takeover"}) {
        if (takeover && *extensions != '\0') continue;
        Deflater deflater(takeover, window);
        std::string bytes;
        for (int i = 0; i < 3; ++i) {
          const std::string packed = deflater.message(text + std::to_string(i));
          bytes +=
              ws(0x01 | kDeflated, packed.substr(0, 5)) + ws(0x89, "") + ws(0x80, packed.substr(5));
        }
        bytes += ws(kText, "not compressed") + ws(kText | kDeflated, deflater.message("last"));
        Options options;
        options.extensions = extensions;
        const DecodedWs run = check_ws(bytes, options);
        for (int i = 0; i < 3; ++i) {
          EXPECT_THAT(run.transcript, HasSubstr(" " + text + std::to_string(i) + "\nend "));
        }
        EXPECT_THAT(run.transcript, HasSubstr(" not compressed\nend 3 complete\n"));
        EXPECT_THAT(run.transcript, HasSubstr(" last\nend 4 complete\n"));
        EXPECT_EQ(run.counters.inflate_corrupt.get(), 0U);
      }
    }
  }
}

TEST(WebSocketDeflate, BlocksMarkedAsLastAreFollowedByMore) {
  Deflater deflater;
  const std::string first = deflater.message("first message", Z_FINISH) + std::string(1, '\0');
  const std::string bytes =
      ws(kText | kDeflated, first) + ws(kText | kDeflated, deflater.message("second message"));
  const DecodedWs run = check_ws(bytes);
  EXPECT_THAT(run.transcript, HasSubstr(" first message\nend 0 complete\n"));
  EXPECT_THAT(run.transcript, HasSubstr(" second message\nend 1 complete\n"));
}

TEST(WebSocketDeflate, WhatIsNoDeflateComesAsItIs) {
  const DecodedWs run = check_ws(ws(kText | kDeflated, "plain \xff\xff text") + ws(kText, "next"));
  EXPECT_THAT(run.transcript, HasSubstr("body 0 plain \xff\xff text\nend 0 malformed\n"));
  EXPECT_THAT(run.transcript, HasSubstr(" next\nend 1 complete\n"));
  EXPECT_EQ(run.counters.inflate_corrupt.get(), 1U);
}

TEST(WebSocketDeflate, ABombIsCut) {
  Options options;
  options.limits.inflate_floor = 100'000;
  options.limits.inflate_ratio = 100;
  Deflater deflater;
  const DecodedWs run =
      play_ws({up(ws(kText | kDeflated, deflater.message(std::string(5'000'000, 'b'))) +
                  ws(kText, "next"))},
              0, options);
  EXPECT_EQ(run.counters.inflate_limit.get(), 1U);
  EXPECT_LT(run.transcript.size(), 700'000U);
  EXPECT_THAT(run.transcript, HasSubstr("\nend 0 limit\n"));
  EXPECT_THAT(run.transcript, HasSubstr(" next\nend 1 complete\n"));
}

TEST(WebSocketGap, InsideAFrameItIsExactAndTheMaskGoesOn) {
  const std::string frame = ws(kText, "0123456789");
  for (size_t lost = 1; lost <= 7; ++lost) {
    const DecodedWs run = play_ws(
        {up(frame.substr(0, 9)), up_gap(lost), up(frame.substr(9 + lost)), up(ws(kText, "next"))});
    const std::string rest = std::string("0123456789").substr(3 + lost);
    EXPECT_THAT(
        run.transcript,
        HasSubstr(" 012\ngap 0 " + std::to_string(lost) + "\n" +
                  (rest.empty() ? "" : "body 0 @" + std::to_string(9 + lost) + " " + rest + "\n") +
                  "end 0 complete\n"));
    EXPECT_THAT(run.transcript, HasSubstr(" next\nend 1 complete\n"));
  }
}

TEST(WebSocketGap, BehindALossInDeflateTheNextMessageHasSpaces) {
  Deflater deflater;
  const std::string first = ws(kText | kDeflated, deflater.message("some words, then more words"));
  const std::string second = ws(kText | kDeflated, deflater.message("new: some words, then done"));
  const DecodedWs run =
      play_ws({up(first.substr(0, 10)), up_gap(3), up(first.substr(13)), up(second)});
  EXPECT_THAT(run.transcript, HasSubstr("gap 0 0\nend 0 gap\n"));
  EXPECT_THAT(run.transcript, HasSubstr(" new: "));
  EXPECT_THAT(run.transcript, HasSubstr("done\nend 1 complete\n"));
  EXPECT_EQ(run.counters.windows_lost.get(), 1U);
  Options fresh;
  fresh.extensions = "permessage-deflate; client_no_context_takeover";
  Deflater without(false);
  const std::string a = ws(kText | kDeflated, without.message("some words, then more words"));
  const std::string b = ws(kText | kDeflated, without.message("new: some words, then done"));
  const DecodedWs whole =
      play_ws({up(a.substr(0, 10)), up_gap(3), up(a.substr(13)), up(b)}, 0, fresh);
  EXPECT_THAT(whole.transcript, HasSubstr(" new: some words, then done\nend 1 complete\n"));
  EXPECT_EQ(whole.counters.windows_lost.get(), 0U);
}

TEST(WebSocketGap, OverFramesTextIsFoundAgain) {
  const std::string rest = ws(kText, "a text of more than sixteen bytes") + ws(kText, "next");
  for (const uint64_t bytes : {uint64_t{0}, uint64_t{500}}) {
    const DecodedWs run = play_ws({up(ws(0x01, "part")), up_gap(bytes), up("tail" + rest)});
    EXPECT_THAT(run.transcript, HasSubstr(" part\ngap 0 0\nend 0 gap\nrequest 1 @"));
    EXPECT_THAT(run.transcript, HasSubstr(" tail\nend 1 gap\n"));
    EXPECT_THAT(run.transcript, HasSubstr(" a text of more than sixteen bytes\nend 2 complete\n"));
    EXPECT_THAT(run.transcript, HasSubstr(" next\nend 3 complete\n"));
    EXPECT_EQ(run.counters.sync_found.get(), 1U);
  }
}

TEST(WebSocketMidStream, FramesInARowAreFound) {
  Deflater deflater;
  std::string bytes = "garbage";
  for (int i = 0; i < 4; ++i) bytes += ws(kBinary, std::string(1, static_cast<char>('a' + i)));
  Options options;
  options.mid_stream = true;
  const DecodedWs run = check_ws(bytes, options);
  EXPECT_THAT(run.transcript, HasSubstr("[ws]  /chat at ws.example agent cli/1\nbody 0 garbage"));
  EXPECT_THAT(run.transcript, HasSubstr(" d\nend 4 complete\n"));
}

TEST(WebSocketMalformed, BrokenFramesAreReadAsTheyAre) {
  const DecodedWs run = check_ws(ws(kText, "good") + "\x83 broken " +
                                 ws(kText, "found again, being long enough") + ws(kText, "next"));
  EXPECT_THAT(run.transcript, HasSubstr("\x83 broken \nend 1 malformed\n"));
  EXPECT_THAT(run.transcript, HasSubstr(" found again, being long enough\nend 2 complete\n"));
  EXPECT_EQ(run.counters.sync_lost.get(), 1U);
}

TEST(Unmask, EqualsTheRuleByteByByte) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 500; ++i) {
    std::vector<uint8_t> in(random() % 100);
    for (uint8_t& byte : in) byte = static_cast<uint8_t>(random());
    inspect::WebSocketMask mask;
    for (uint8_t& byte : mask) byte = static_cast<uint8_t>(random());
    const size_t phase = random() % 4;
    std::vector<uint8_t> out(in.size());
    inspect::unmask(in, mask, phase, out);
    for (size_t k = 0; k < in.size(); ++k) ASSERT_EQ(out[k], in[k] ^ mask[(phase + k) % 4]);
  }
}

TEST(WebSocketReference, GeneratedTraffic) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    std::mt19937_64 random(seed);
    const auto below = [&](uint64_t n) { return random() % n; };
    Deflater deflater(below(2) == 0);
    std::string bytes;
    std::string expected;
    int id = 0;
    for (int i = 0; i < 30; ++i) {
      std::string text;
      while (text.size() < below(3000)) text += "word" + std::to_string(below(50)) + ' ';
      const bool packed = below(2) == 0;
      std::string payload = packed ? deflater.message(text) : text;
      bool first = true;
      do {
        const std::string part = payload.substr(0, below(3) == 0 ? below(200) : 5000);
        payload.erase(0, part.size());
        const int opcode =
            (first ? (packed ? kDeflated : 0) | 1 : 0) | (payload.empty() ? 0x80 : 0);
        bytes += ws(opcode, part, static_cast<uint32_t>(random()));
        if (below(4) == 0) bytes += ws(0x8a, std::string(below(64), 'c'));
        first = false;
      } while (!payload.empty());
      expected += "request " + std::to_string(id) + "\n" + text + "\n";
      ++id;
    }
    for (const size_t piece : {size_t{1}, 1 + below(40), size_t{1448}, bytes.size()}) {
      Options options;
      options.offsets = false;
      const DecodedWs run = play_ws({up(bytes)}, piece, options);
      std::string got;
      for (size_t at = 0; at < run.transcript.size();) {
        const size_t end = run.transcript.find('\n', at);
        const std::string line = run.transcript.substr(at, end - at);
        at = end + 1;
        if (line.starts_with("request ")) {
          got += (got.empty() || got.back() == '\n' ? "" : "\n") +
                 line.substr(0, line.find(' ', 8)) + "\n";
        } else if (line.starts_with("body ")) {
          got += line.substr(line.find(' ', 5) + 1);
        } else {
          got += "\n";
        }
      }
      ASSERT_EQ(got, expected) << "seed " << seed << " pieces of " << piece;
    }
  }
}

}  // namespace
}  // namespace weir::test

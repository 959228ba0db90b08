// Generated connections against a slow reference: what the generator put into each stream is what
// must come out, in any cutting. And a grpc stream through the unwrapper; and real captures.
#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <random>

#include "inspect/unwrap/unwrapper.h"
#include "tests/inspect/http/http2_traffic.h"

namespace weir::test {
namespace {

struct Expected {
  std::string path;
  std::string body;
  bool ended = false;
};

class CollectingSink final : public inspect::MessageSink {
 public:
  std::map<uint64_t, Expected> streams;
  inspect::BodyChoice on_request(const inspect::MessageHead& head) noexcept override {
    EXPECT_TRUE(
        streams.emplace(head.stream_id, Expected{std::string(head.target), {}, false}).second);
    return inspect::BodyChoice::kInspect;
  }
  void on_body(uint64_t id, ByteSpan data, uint64_t offset) noexcept override {
    streams[id].body += as_chars(data);
    EXPECT_EQ(as_chars(data), std::string_view(given).substr(offset, data.size()));
  }
  void on_body_gap(uint64_t, uint64_t) noexcept override { ADD_FAILURE(); }
  void on_request_end(uint64_t id, inspect::EndReason reason) noexcept override {
    streams[id].ended = reason == inspect::EndReason::kComplete;
  }
  void on_tunnel(const inspect::TunnelInfo&) noexcept override { ADD_FAILURE(); }
  void on_tunnel_data(uint64_t, Direction, ByteSpan) noexcept override {}
  void on_tunnel_gap(uint64_t, Direction, uint64_t) noexcept override {}
  void on_tunnel_end(uint64_t, inspect::EndReason) noexcept override {}
  std::string given;
};

TEST(Http2Reference, GeneratedConnections) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    std::mt19937_64 random(seed);
    const auto below = [&](uint64_t n) { return random() % n; };
    Hpack hpack;
    std::map<uint64_t, Expected> expected;
    std::vector<uint32_t> open;
    std::string text = hello();
    uint32_t next = 1;
    for (int step = 0; step < 200; ++step) {
      if (below(4) == 0 && open.size() < 20) {
        const uint32_t id = next;
        next += 2;
        const std::string path = "/r" + std::to_string(below(5)) + "/" + std::to_string(id);
        Fields fields = post(path);
        for (uint64_t i = below(6); i > 0; --i) {
          fields.emplace_back("x-" + std::to_string(below(9)), std::string(below(200), 'h'));
        }
        std::string block = hpack.encode(fields);
        const bool end = below(4) == 0;
        std::string rest = block.substr(std::min<size_t>(block.size(), below(40)));
        block.resize(block.size() - rest.size());
        int flags = end ? kEndStream : 0;
        if (below(3) == 0) {
          flags |= kPriority;
          block.insert(0, std::string("\0\0\0\0\x10", 5));
        }
        if (below(3) == 0) {
          flags |= kPadded;
          block = padded(block, below(256));
        }
        text += headers(id, block, rest.empty() ? flags | kEndHeaders : flags);
        while (!rest.empty()) {
          const std::string part = rest.substr(0, below(60));
          rest.erase(0, part.size());
          text += frame(9, rest.empty() ? kEndHeaders : 0, id, part);
        }
        expected[id] = {path, {}, end};
        if (!end) open.push_back(id);
      } else if (!open.empty() && below(8) != 0) {
        const size_t at = below(open.size());
        const uint32_t id = open[at];
        std::string part(below(300), static_cast<char>('a' + below(26)));
        expected[id].body += part;
        int flags = 0;
        if (below(4) == 0) {
          flags |= kPadded;
          part = padded(part, below(256));
        }
        if (below(6) == 0) {
          flags |= kEndStream;
          expected[id].ended = true;
          open.erase(open.begin() + static_cast<ptrdiff_t>(at));
        }
        text += data(id, part, flags);
      } else {
        text += below(2) == 0 ? ping() : frame(8, 0, 0, std::string("\0\0\1\0", 4));
      }
    }
    for (const size_t piece : {size_t{1}, 1 + below(50), size_t{1448}, text.size()}) {
      const Limits limits;
      inspect::Http2Counters counters;
      inspect::WebSocketCounters websocket;
      CollectingSink sink;
      sink.given = text;
      inspect::Http2Decoder decoder(limits, counters, websocket, sink);
      for (size_t at = 0; at < text.size(); at += piece) {
        EXPECT_EQ(decoder.on_data(Direction::kToServer,
                                  as_bytes(std::string_view(text).substr(at, piece))),
                  inspect::DecodeStatus::kContinue);
      }
      decoder.on_end(Direction::kToServer, inspect::EndReason::kComplete);
      ASSERT_EQ(sink.streams.size(), expected.size()) << "seed " << seed;
      for (const auto& [id, stream] : expected) {
        ASSERT_EQ(sink.streams[id].path, stream.path) << "seed " << seed;
        ASSERT_EQ(sink.streams[id].body, stream.body) << "seed " << seed;
        ASSERT_EQ(sink.streams[id].ended, stream.ended) << "seed " << seed;
      }
      EXPECT_EQ(counters.odd_frames.get() + counters.hpack_errors.get(), 0U);
    }
  }
}

// Hands the bodies of one request at a time to an unwrapper.
class UnwrappingSink final : public inspect::MessageSink, public inspect::TextSink {
 public:
  std::string text;
  inspect::BodyChoice on_request(const inspect::MessageHead& head) noexcept override {
    unwrapper_.begin({"http/body", head.content_type, head.content_encoding}, *this);
    return inspect::BodyChoice::kInspect;
  }
  void on_body(uint64_t, ByteSpan data, uint64_t offset) noexcept override {
    unwrapper_.on_data(data, offset);
  }
  void on_body_gap(uint64_t, uint64_t bytes) noexcept override { unwrapper_.on_gap(bytes); }
  void on_request_end(uint64_t, inspect::EndReason reason) noexcept override {
    unwrapper_.end(reason);
  }
  void on_tunnel(const inspect::TunnelInfo&) noexcept override {}
  void on_tunnel_data(uint64_t, Direction, ByteSpan) noexcept override {}
  void on_tunnel_gap(uint64_t, Direction, uint64_t) noexcept override {}
  void on_tunnel_end(uint64_t, inspect::EndReason) noexcept override {}
  void on_piece(const inspect::PieceStart& start) noexcept override {
    text.append("[").append(start.path).append("] ");
  }
  void on_text(ByteSpan part) noexcept override { text += as_chars(part); }
  void on_piece_end(inspect::EndReason) noexcept override { text += "\n"; }

 private:
  const Limits limits_;
  inspect::UnwrapCounters counters_;
  inspect::Unwrapper unwrapper_{limits_, counters_};
};

std::string envelope(std::string_view message, int flags = 0) {
  std::string out(1, static_cast<char>(flags));
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>(message.size() >> shift));
  return out.append(message);
}

// gRPC messages do not keep to the bounds of DATA frames.
TEST(Http2Reference, ManyGrpcMessagesInAnyFrames) {
  const std::string stream = envelope("\x0a\x10public class Aaa") + envelope("") +
                             envelope("\x0a\x10private void bbb") + envelope("the last message");
  for (size_t size = 1; size <= stream.size(); ++size) {
    std::string text =
        hello() + headers(1, literals(post("/pkg.Service/Call",
                                           {{"content-type", "application/grpc+proto"}})));
    for (size_t at = 0; at < stream.size(); at += size) {
      text += data(1, stream.substr(at, size)) + ping();
    }
    text += data(1, "", kEndStream);
    UnwrappingSink sink;
    const Limits limits;
    inspect::Http2Counters counters;
    inspect::WebSocketCounters websocket;
    inspect::Http2Decoder decoder(limits, counters, websocket, sink);
    EXPECT_EQ(decoder.on_data(Direction::kToServer, as_bytes(text)),
              inspect::DecodeStatus::kContinue);
    for (const char* part : {"message[0]", "public class Aaa", "message[1]", "private void bbb",
                             "message[2]", "the last message"}) {
      ASSERT_THAT(sink.text, ::testing::HasSubstr(part)) << "frames of " << size;
    }
  }
}

}  // namespace
}  // namespace weir::test

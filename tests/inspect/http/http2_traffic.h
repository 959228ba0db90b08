// Makes HTTP/2 traffic for tests: frames, header blocks (with nghttp2's deflater, or of literals
// only), and runs Http2Decoder over it.
#pragma once

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inspect/http/http2_decoder.h"
#include "tests/inspect/http/decode.h"

namespace weir::test {

using Fields = std::vector<std::pair<std::string, std::string>>;
using inspect::FrameType;

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
inline constexpr uint8_t kEndStream = 1;
inline constexpr uint8_t kEndHeaders = 4;
inline constexpr uint8_t kPadded = 8;
inline constexpr uint8_t kPriority = 32;

inline std::string frame(int type, int flags, uint32_t stream, std::string_view payload = {}) {
  std::string out;
  for (const int shift : {16, 8, 0}) out.push_back(static_cast<char>(payload.size() >> shift));
  out.push_back(static_cast<char>(type));
  out.push_back(static_cast<char>(flags));
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>(stream >> shift));
  return out.append(payload);
}
inline std::string data(uint32_t stream, std::string_view payload, int flags = 0) {
  return frame(0, flags, stream, payload);
}
inline std::string headers(uint32_t stream, std::string_view block, int flags = kEndHeaders) {
  return frame(1, flags, stream, block);
}
inline std::string padded(std::string_view payload, size_t pad) {
  return std::string(1, static_cast<char>(pad)).append(payload).append(pad, 'P');
}
inline std::string hello() {
  return std::string(kPreface) + frame(4, 0, 0, std::string("\0\3\0\0\0\x64", 6)) +
         frame(8, 0, 0, std::string("\0\x0f\0\1", 4));
}
// A PING, as any frame may follow.
inline std::string ping() { return frame(6, 0, 0, "pingpong"); }

inline Fields post(std::string path, Fields more = {}) {
  Fields fields = {
      {":method", "POST"}, {":scheme", "https"}, {":authority", "api.example"}, {":path", path}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

// Literal fields without indexing, without Huffman (RFC 7541 section 6.2.2); texts below 127 bytes.
inline std::string literals(const Fields& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    out += '\0';
    out += static_cast<char>(name.size());
    out += name;
    out += static_cast<char>(value.size());
    out += value;
  }
  return out;
}

// A client's encoder, with its dynamic table.
class Hpack {
 public:
  explicit Hpack(size_t table = 4096) { EXPECT_EQ(nghttp2_hd_deflate_new(&deflater_, table), 0); }
  ~Hpack() { nghttp2_hd_deflate_del(deflater_); }
  Hpack(const Hpack&) = delete;
  Hpack& operator=(const Hpack&) = delete;
  void set_table(size_t size) {
    EXPECT_EQ(nghttp2_hd_deflate_change_table_size(deflater_, size), 0);
  }

  std::string encode(const Fields& fields) {
    std::vector<nghttp2_nv> list;
    for (const auto& [name, value] : fields) {
      list.push_back({const_cast<uint8_t*>(as_bytes(name).data()),
                      const_cast<uint8_t*>(as_bytes(value).data()), name.size(), value.size(), 0});
    }
    std::string out(nghttp2_hd_deflate_bound(deflater_, list.data(), list.size()), '\0');
    const auto size = nghttp2_hd_deflate_hd(deflater_, const_cast<uint8_t*>(as_bytes(out).data()),
                                            out.size(), list.data(), list.size());
    EXPECT_GE(size, 0);
    out.resize(static_cast<size_t>(size));
    return out;
  }

 private:
  nghttp2_hd_deflater* deflater_ = nullptr;
};

struct Decoded2 {
  std::string transcript;
  inspect::Http2Counters counters;
  inspect::WebSocketCounters websocket;
};

// `piece`: bytes given at once; 0 for whole turns.
inline Decoded2 play2(const std::vector<Turn>& turns, size_t piece = 0, const Limits& limits = {},
                      bool mid_stream = false, bool offsets = true) {
  Decoded2 out;
  MessageTranscript sink;
  sink.offsets = offsets;
  inspect::Http2Decoder decoder(limits, out.counters, out.websocket, sink);
  if (mid_stream) decoder.set_mid_stream();
  for (const Turn& turn : turns) {
    if (turn.gap) {
      EXPECT_EQ(decoder.on_gap(turn.direction, *turn.gap), inspect::DecodeStatus::kContinue);
    }
    for (size_t at = 0; at < turn.bytes.size();) {
      const size_t size = std::min(piece == 0 ? turn.bytes.size() : piece, turn.bytes.size() - at);
      // An exact-size copy, so that a sanitizer sees one byte too far.
      const auto copy = std::make_unique<uint8_t[]>(size);
      std::copy_n(as_bytes(turn.bytes).begin() + static_cast<ptrdiff_t>(at), size, copy.get());
      EXPECT_EQ(decoder.on_data(turn.direction, ByteSpan(copy.get(), size)),
                inspect::DecodeStatus::kContinue);
      at += size;
    }
  }
  decoder.on_end(Direction::kToServer, inspect::EndReason::kComplete);
  decoder.on_end(Direction::kToClient, inspect::EndReason::kComplete);
  EXPECT_TRUE(sink.all_ended());
  out.transcript = sink.take();
  return out;
}

// The script in pieces of several sizes must give one transcript.
inline Decoded2 check_play2(const std::vector<Turn>& turns, const Limits& limits = {},
                            bool mid_stream = false) {
  Decoded2 whole = play2(turns, 0, limits, mid_stream);
  for (const size_t piece : {1U, 2U, 3U, 7U, 16U, 100U}) {
    EXPECT_EQ(whole.transcript, play2(turns, piece, limits, mid_stream).transcript)
        << "in pieces of " << piece;
  }
  return whole;
}

// Client bytes alone, at every cut.
inline Decoded2 check2(const std::string& text, const Limits& limits = {},
                       bool mid_stream = false) {
  split_check(as_bytes(text), [&](const std::vector<ByteSpan>& chunks) {
    std::vector<Turn> turns;
    for (const ByteSpan chunk : chunks) turns.push_back(up(std::string(as_chars(chunk))));
    return play2(turns, 0, limits, mid_stream).transcript;
  });
  return play2({up(text)}, 0, limits, mid_stream);
}

}  // namespace weir::test

// Prints what an unwrapper emits, and runs one over chunks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "inspect/unwrap/unwrapper.h"

namespace weir::test {

class TranscriptSink final : public inspect::TextSink {
 public:
  void on_piece(const inspect::PieceStart& start) noexcept override {
    if (open_) bad_ = true;
    longest_path_ = std::max(longest_path_, start.path.size());
    open_ = true;
    ++pieces_;
    out_ += '[' + std::string(start.path) + '|' + std::string(start.label) + '@' +
            std::to_string(start.offset) + "] ";
  }
  void on_text(ByteSpan text) noexcept override {
    if (!open_ || text.empty()) bad_ = true;
    out_ += as_chars(text);
    text_ += as_chars(text);
  }
  void on_piece_end(inspect::EndReason reason) noexcept override {
    if (!open_) bad_ = true;
    open_ = false;
    if (reason != inspect::EndReason::kComplete) {
      out_ += " !" + std::to_string(static_cast<int>(reason));
    }
    out_ += '\n';
  }
  [[nodiscard]] const std::string& transcript() const { return out_; }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] size_t pieces() const { return pieces_; }
  // Pieces did not nest, all text was in one, and none is open.
  [[nodiscard]] bool well_formed() const { return !bad_ && !open_; }
  [[nodiscard]] size_t longest_path() const { return longest_path_; }

 private:
  std::string out_;
  std::string text_;
  size_t pieces_ = 0;
  size_t longest_path_ = 0;
  bool open_ = false;
  bool bad_ = false;
};

struct Body {
  std::string type;
  std::string encoding;
  Limits limits{};
};

// What came of one body, cut into `chunks`.
struct Unwrapped {
  std::string transcript;
  std::string text;
  size_t pieces = 0;
  size_t longest_path = 0;
  bool well_formed = false;
  bool opaque = false;
  inspect::UnwrapCounters counters;
};

// `gap_every`: so many chunks come between gaps.
inline Unwrapped unwrap(const std::vector<ByteSpan>& chunks, const Body& body,
                        size_t gap_every = 0) {
  Unwrapped out;
  inspect::Unwrapper unwrapper(body.limits, out.counters);
  TranscriptSink sink;
  unwrapper.begin({"b", body.type, body.encoding}, sink);
  uint64_t offset = 100;
  size_t number = 0;
  for (const ByteSpan chunk : chunks) {
    if (gap_every > 0 && ++number % gap_every == 0) {
      unwrapper.on_gap(10);
      offset += 10;
    }
    unwrapper.on_data(chunk, offset);
    offset += chunk.size();
  }
  unwrapper.end(inspect::EndReason::kComplete);
  out.transcript = sink.transcript();
  out.text = sink.text();
  out.pieces = sink.pieces();
  out.longest_path = sink.longest_path();
  out.well_formed = sink.well_formed();
  out.opaque = unwrapper.opaque();
  return out;
}

// Expected transcripts name offsets by what stands there: "@<text>" becomes the offset of the next
// `text` in `bytes` behind the one before.
inline std::string with_offsets(std::string_view bytes, std::string_view expected) {
  std::string out;
  size_t from = 0;
  for (size_t at = 0; at < expected.size();) {
    if (expected.substr(at, 2) != "@<") {
      out += expected[at++];
      continue;
    }
    const size_t end = expected.find('>', at);
    from = bytes.find(expected.substr(at + 2, end - at - 2), from);
    out += '@' + std::to_string(from++ + 100);
    at = end + 1;
  }
  return out;
}

inline Unwrapped unwrap(std::string_view bytes, const Body& body = {}) {
  return unwrap(std::vector<ByteSpan>{as_bytes(bytes)}, body);
}

}  // namespace weir::test

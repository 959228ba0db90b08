#include "inspect/http/chunked.h"

#include <algorithm>
#include <cstring>

namespace weir::inspect {
namespace {

int hex_digit(uint8_t c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

void ChunkReader::begin(size_t line_limit, size_t trailer_limit) noexcept {
  *this = ChunkReader{};
  line_limit_ = line_limit;
  trailer_limit_ = trailer_limit;
}

ChunkReader::Step ChunkReader::next(ByteSpan& data, ByteSpan& body) noexcept {
  body = {};
  while (!data.empty()) {
    const uint8_t c = data.front();
    switch (state_) {
      case State::kSize: {
        const int digit = hex_digit(c);
        if (digit >= 0) {
          if (left_ >> 58 != 0) return Step::kMalformed;  // would pass 2^62
          left_ = left_ << 4 | static_cast<uint64_t>(digit);
          digits_ = true;
          data = data.subspan(1);
          break;
        }
        if (!digits_ || (c != ';' && c != ' ' && c != '\t' && c != '\r' && c != '\n')) {
          return Step::kMalformed;
        }
        line_ = 0;
        extension_ = c != '\r' && c != '\n';
        state_ = State::kExtension;
        break;
      }
      case State::kExtension: {
        const ByteSpan window = data.first(std::min(data.size(), line_limit_ - line_));
        const void* found =
            std::memchr(data.data(), '\n', std::min(data.size(), window.size() + 1));
        if (found == nullptr) {
          line_ += window.size();
          if (extension_) extensions_ += window.size();
          data = data.subspan(window.size());
          if (!data.empty()) return Step::kLimit;
          break;
        }
        const size_t size = static_cast<size_t>(static_cast<const uint8_t*>(found) - data.data());
        if (extension_) extensions_ += size;
        data = data.subspan(size + 1);
        digits_ = false;
        if (left_ == 0) {
          trailer_end_.reset_at_line_start();
          state_ = State::kTrailers;
        } else {
          state_ = State::kData;
        }
        break;
      }
      case State::kData: {
        const size_t size = static_cast<size_t>(std::min<uint64_t>(left_, data.size()));
        body = data.first(size);
        data = data.subspan(size);
        left_ -= size;
        if (left_ == 0) state_ = State::kDataEnd;
        return Step::kContinue;
      }
      case State::kDataEnd:
      case State::kDataEndLf:
        if (c == '\n') {
          state_ = State::kSize;
        } else if (c == '\r' && state_ == State::kDataEnd) {
          state_ = State::kDataEndLf;
        } else {
          return Step::kMalformed;
        }
        data = data.subspan(1);
        break;
      case State::kTrailers: {
        const ByteSpan window = data.first(std::min(data.size(), trailer_limit_ - trailers_));
        const size_t end = trailer_end_.find(window);
        const size_t size = end == kNotFound ? window.size() : end;
        trailers_ += size;
        data = data.subspan(size);
        if (end != kNotFound) return Step::kDone;
        if (!data.empty()) return Step::kLimit;
        break;
      }
    }
  }
  return Step::kContinue;
}

bool ChunkReader::skip(uint64_t bytes) noexcept {
  if (state_ != State::kData || bytes > left_) return false;
  left_ -= bytes;
  if (left_ == 0) state_ = State::kDataEnd;
  return true;
}

}  // namespace weir::inspect

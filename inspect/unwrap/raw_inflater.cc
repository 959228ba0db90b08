#include "inspect/unwrap/raw_inflater.h"

#include <zlib.h>

#include <algorithm>
#include <array>

#include "core/check.h"

namespace weir::inspect {
namespace {

constexpr size_t kWindowBytes = 32U << 10;

constexpr std::array<uint8_t, kWindowBytes> make_unknown_window() noexcept {
  std::array<uint8_t, kWindowBytes> window{};
  for (uint8_t& byte : window) byte = ' ';
  return window;
}
constexpr auto kUnknownWindow = make_unknown_window();

}  // namespace

struct RawInflater::Library {
  Library() noexcept { WEIR_CHECK(inflateInit2(&stream, -15) == Z_OK); }
  ~Library() { inflateEnd(&stream); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  z_stream stream{};
};

RawInflater::RawInflater() noexcept : library_(std::make_unique<Library>()) {}
RawInflater::~RawInflater() = default;
RawInflater::RawInflater(RawInflater&&) noexcept = default;
RawInflater& RawInflater::operator=(RawInflater&&) noexcept = default;

size_t RawInflater::inflate(ByteSpan& in, std::span<uint8_t> room) noexcept {
  z_stream& z = library_->stream;
  size_t written = 0;
  while (!corrupt_ && written < room.size()) {
    // zlib counts in 32 bits.
    const size_t available = std::min<size_t>(in.size(), 1U << 30);
    const size_t space = std::min<size_t>(room.size() - written, 1U << 30);
    z.next_in = const_cast<Bytef*>(in.data());  // zlib does not write to it
    z.avail_in = static_cast<uInt>(available);
    z.next_out = room.data() + written;
    z.avail_out = static_cast<uInt>(space);
    const int status = ::inflate(&z, Z_SYNC_FLUSH);
    const size_t taken = available - z.avail_in;
    const size_t made = space - z.avail_out;
    in = in.subspan(taken);
    written += made;
    if (status == Z_STREAM_END) {
      // A block marked as the last one: the next begins at a byte boundary, with the same window.
      std::array<uint8_t, kWindowBytes> window;
      uInt size = kWindowBytes;
      WEIR_CHECK(inflateGetDictionary(&z, window.data(), &size) == Z_OK);
      restart(ByteSpan(window).first(size));
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      corrupt_ = true;
    } else if (taken == 0 && made == 0) {
      break;
    }
    if (in.empty() && written < room.size()) break;
  }
  return written;
}

void RawInflater::restart(ByteSpan window) noexcept {
  z_stream& z = library_->stream;
  WEIR_CHECK(inflateReset(&z) == Z_OK);
  if (window.empty()) return;
  WEIR_CHECK(inflateSetDictionary(&z, window.data(), static_cast<uInt>(window.size())) == Z_OK);
}

void RawInflater::reset() noexcept {
  corrupt_ = false;
  restart({});
}

void RawInflater::reset_unknown_window() noexcept {
  corrupt_ = false;
  restart(kUnknownWindow);
}

}  // namespace weir::inspect

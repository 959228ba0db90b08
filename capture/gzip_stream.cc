#include "capture/gzip_stream.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

namespace weir::capture {
namespace {

class GzipReader {
 public:
  GzipReader(std::FILE* source, StreamFault fault) : source_(source), fault_(std::move(fault)) {}
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;
  ~GzipReader() {
    if (begun_) ::inflateEnd(&zlib_);
    std::fclose(source_);
  }

  bool begin() {
    constexpr int kGzipOnly = 16 + MAX_WBITS;
    zlib_.next_in = input_.data();
    begun_ = ::inflateInit2(&zlib_, kGzipOnly) == Z_OK;
    return begun_;
  }
  // As fopencookie wants it: bytes, 0 at the end, -1 on failure.
  ssize_t read(char* out, size_t size) {
    if (ended_) return 0;
    if (!fault_->empty()) return failed();
    zlib_.next_out = reinterpret_cast<Bytef*>(out);
    const auto room = static_cast<uInt>(std::min<size_t>(size, std::numeric_limits<uInt>::max()));
    zlib_.avail_out = room;
    while (zlib_.avail_out == room) {
      if (zlib_.avail_in == 0 && !refill()) return fail("is cut short", nullptr);
      const int result = ::inflate(&zlib_, Z_NO_FLUSH);
      if (result == Z_STREAM_END) {
        if (!begin_next_member()) break;
      } else if (result != Z_OK) {
        // What was inflated before the damage is delivered first.
        const char* why = zlib_.msg != nullptr ? zlib_.msg : "unexpected data";
        (void)fail("is damaged", why);
        break;
      }
    }
    const uInt given = room - zlib_.avail_out;
    if (given == 0 && !fault_->empty()) return failed();
    return static_cast<ssize_t>(given);
  }

 private:
  // Adds to the input that is left. False when there is no more.
  bool refill() {
    std::memmove(input_.data(), zlib_.next_in, zlib_.avail_in);
    const size_t room = input_.size() - zlib_.avail_in;
    const size_t got = std::fread(input_.data() + zlib_.avail_in, 1, room, source_);
    zlib_.next_in = input_.data();
    zlib_.avail_in += static_cast<uInt>(got);
    read_ += got;
    return got > 0;
  }
  bool begin_next_member() {
    if (zlib_.avail_in < 2) (void)refill();
    if (zlib_.avail_in < 2 || zlib_.next_in[0] != 0x1f || zlib_.next_in[1] != 0x8b) {
      ended_ = true;
      return false;
    }
    return ::inflateReset(&zlib_) == Z_OK;
  }
  ssize_t fail(const char* what, const char* why) {
    *fault_ =
        std::string("the gzip data ") + what + " at byte " + std::to_string(read_ - zlib_.avail_in);
    if (std::ferror(source_) != 0) why = "the file cannot be read";
    if (why != nullptr) *fault_ += std::string(": ") + why;
    return failed();
  }
  static ssize_t failed() {
    errno = EIO;
    return -1;
  }

  std::FILE* source_;
  StreamFault fault_;
  z_stream zlib_{};
  std::array<Bytef, size_t{64} << 10> input_{};
  uint64_t read_ = 0;
  bool begun_ = false;
  bool ended_ = false;
};

ssize_t read_cookie(void* cookie, char* out, size_t size) {
  return static_cast<GzipReader*>(cookie)->read(out, size);
}

int close_cookie(void* cookie) {
  delete static_cast<GzipReader*>(cookie);
  return 0;
}

}  // namespace

std::FILE* open_gzip_stream(std::FILE* source, StreamFault fault) {
  auto reader = std::make_unique<GzipReader>(source, std::move(fault));
  if (!reader->begin()) return nullptr;
  cookie_io_functions_t io{};
  io.read = read_cookie;
  io.close = close_cookie;
  std::FILE* stream = ::fopencookie(reader.get(), "rb", io);
  if (stream != nullptr) (void)reader.release();  // now the stream's
  return stream;
}

}  // namespace weir::capture

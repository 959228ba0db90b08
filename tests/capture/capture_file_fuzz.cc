// The input is a capture file. It goes through a memory file, as CaptureFile reads paths.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "capture/packet_source.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using weir::capture::CaptureFile;
  static const int fd = ::memfd_create("capture", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(fd);
  if (fd < 0 || ::ftruncate(fd, 0) != 0 ||
      ::pwrite(fd, data, size, 0) != static_cast<ssize_t>(size)) {
    std::abort();
  }
  auto opened = CaptureFile::open(path);
  if (!opened) {
    if (opened.error().message.empty()) std::abort();
    return 0;
  }
  CaptureFile& file = **opened;
  uint64_t secret_bytes = 0;
  file.set_secrets_sink([&](weir::ByteSpan key_log) { secret_bytes += key_log.size(); });
  weir::RawPacket raw;
  uint64_t delivered = 0;
  unsigned sum = 0;
  CaptureFile::Next next = CaptureFile::Next::kEnd;
  while ((next = file.next(raw)) == CaptureFile::Next::kPacket) {
    delivered += raw.data.size();
    for (const uint8_t byte : raw.data) sum += byte;
  }
  const bool gzip = size >= 2 && data[0] == 0x1f && data[1] == 0x8b;
  if ((delivered + secret_bytes > size && !gzip) || (delivered == 0 && sum != 0)) std::abort();
  if (next == CaptureFile::Next::kError && file.error().message.empty()) std::abort();
  return 0;
}

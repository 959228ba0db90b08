#include <utility>

#include "capture/input_file.h"
#include "capture/packet_source.h"
#include "capture/pcap_file.h"
#include "capture/pcapng_file.h"
#include "core/byte_reader.h"

namespace weir::capture {
namespace {

// What the first bytes say a file is, when it is something that people try to replay.
const char* other_format(uint32_t magic) noexcept {
  if (magic >> 16 == 0x1f8b) return "gzip-compressed twice; decompress it first";
  if (magic == 0x28b52ffd) return "zstd-compressed; decompress it first";
  if (magic == 0xfd377a58) return "xz-compressed; decompress it first";
  if (magic == 0x736e6f6f) return "a snoop file; convert it to pcap first";
  return nullptr;
}

}  // namespace

Result<std::unique_ptr<CaptureFile>> CaptureFile::open(const std::string& path) {
  Result<InputFile> opened = InputFile::open(path);
  if (!opened) return opened.error();
  InputFile file = std::move(opened).value();
  ByteReader in(file.head());
  const uint32_t magic = in.u32();
  if (file.head().empty()) {
    return Error{"is empty; expected a pcap or pcapng capture", file.name()};
  }
  if (in.ok() && magic == 0x0A0D0D0A) return open_pcapng(std::move(file));
  if (const char* format = other_format(magic); format != nullptr) {
    return Error{std::string("is ") + format, file.name()};
  }
  return open_pcap(std::move(file));
}

}  // namespace weir::capture

// Where packets come from, and how a frame becomes a decoded packet.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/counters.h"
#include "core/packet.h"
#include "core/result.h"

namespace weir::capture {

// Reads a capture (pcap or pcapng by content) from a file, or from standard input ("-"), through
// libpcap.
class CaptureFile {
 public:
  static Result<std::unique_ptr<CaptureFile>> open(const std::string& path);
  virtual ~CaptureFile() = default;

  enum class Next : uint8_t { kPacket, kEnd, kError };
  // After kError, error() says what is wrong with file and byte offset; what came before was good.
  [[nodiscard]] virtual Next next(RawPacket& out) noexcept = 0;
  [[nodiscard]] virtual const Error& error() const noexcept = 0;
  // Bytes read so far and in all (0: not known), for progress.
  [[nodiscard]] virtual uint64_t bytes_read() const noexcept = 0;
  [[nodiscard]] virtual uint64_t bytes_total() const noexcept = 0;
};

}  // namespace weir::capture

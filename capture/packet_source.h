// Where packets come from.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "core/packet.h"
#include "core/result.h"

namespace weir::capture {

// Reads a capture (pcap or pcapng by content, each also gzip-compressed) from a file, or from
// standard input ("-"). pcap goes through libpcap. pcapng has a reader of its own: libpcap 1.10
// ends a file at the first interface whose link type or snaplen differs from the first one's, and
// does not tell interfaces apart.
class CaptureFile {
 public:
  // Fails on what is no capture at all: absent, empty, compressed otherwise, of an unknown format.
  static Result<std::unique_ptr<CaptureFile>> open(const std::string& path);
  CaptureFile() = default;
  CaptureFile(const CaptureFile&) = delete;
  CaptureFile& operator=(const CaptureFile&) = delete;
  virtual ~CaptureFile() = default;

  enum class Next : uint8_t { kPacket, kEnd, kError };
  // After kError, error() says what is wrong with file and byte offset; what came before was good.
  // Once kEnd or kError was returned, it is returned for good.
  [[nodiscard]] virtual Next next(RawPacket& out) noexcept = 0;
  [[nodiscard]] virtual const Error& error() const noexcept = 0;
  // Bytes read so far and in all (0: not known), for progress.
  [[nodiscard]] virtual uint64_t bytes_read() const noexcept = 0;
  [[nodiscard]] virtual uint64_t bytes_total() const noexcept = 0;

  // Takes TLS key logs that stand in the capture (Decryption Secrets Blocks of pcapng), as they are
  // met by next(): each a text in NSS format, valid during the call. Without a sink they are
  // stepped over.
  using SecretsSink = std::function<void(ByteSpan key_log)>;
  void set_secrets_sink(SecretsSink sink) { secrets_sink_ = std::move(sink); }

 protected:
  SecretsSink secrets_sink_;
};

}  // namespace weir::capture

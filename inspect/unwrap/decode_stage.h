// Text that stands for other bytes: base64 and base64url (RFC 4648), hexadecimal, quoted-printable
// (RFC 2045 section 6.7), UTF-16 to UTF-8. What turns out to be no such text goes on as it is.
#pragma once

#include <array>
#include <cstdint>

#include "inspect/unwrap/stage.h"

namespace weir::inspect {

class Level;

enum class Alphabet : uint8_t {
  kBase64,
  kHex,
  kQuotedPrintable,
  kUtf16Le,
  kUtf16Be,
  kUtf32Le,
  kUtf32Be
};

class DecodeStage final : public Stage {
 public:
  DecodeStage(Chain& chain, Level& next) : chain_(chain), next_(next) {}
  // `skip` bytes come before the text. `lenient`: bytes that are none of the alphabet are left out
  // (RFC 2045) instead of ending it.
  void begin(const StreamInfo& info, Alphabet alphabet, size_t skip, bool lenient) noexcept;
  void on_data(ByteSpan data, uint64_t offset) noexcept override;
  void on_gap(uint64_t bytes) noexcept override;
  void end(EndReason reason) noexcept override;

 private:
  void base64(const uint8_t* p, const uint8_t* end) noexcept;
  void hex(const uint8_t* p, const uint8_t* end) noexcept;
  void quoted_printable(const uint8_t* p, const uint8_t* end) noexcept;
  void wide(const uint8_t* p, const uint8_t* end) noexcept;
  void utf16_unit(uint32_t unit) noexcept;
  [[nodiscard]] unsigned wide_bytes() const noexcept {
    return alphabet_ == Alphabet::kUtf32Le || alphabet_ == Alphabet::kUtf32Be ? 4 : 2;
  }
  void finish() noexcept;
  void put(uint8_t byte) noexcept;
  void flush() noexcept;
  // No such text any more: the rest is passed as it is.
  void stop(const uint8_t* p, const uint8_t* end) noexcept;

  static constexpr size_t kOutBytes = 4096;
  static constexpr size_t kOutSlack = 8;

  Chain& chain_;
  Level& next_;
  StreamInfo info_;
  Alphabet alphabet_ = Alphabet::kBase64;
  bool lenient_ = false;
  bool plain_ = false;
  bool plain_open_ = false;
  size_t skip_ = 0;
  uint32_t bits_ = 0;    // of an unfinished group
  unsigned have_ = 0;    // digits (base64, hex), or bytes (UTF-16, -32) in bits_
  bool padded_ = false;  // base64 ended with '='
  uint32_t surrogate_ = 0;
  uint8_t state_ = 0;  // quoted-printable: 0 text, 1 behind '=', 2 behind '=' and a digit, 3 CR
  uint8_t held_ = 0;
  size_t base_path_ = 0;
  size_t out_size_ = 0;
  std::array<uint8_t, kOutBytes + kOutSlack> out_;
};

}  // namespace weir::inspect

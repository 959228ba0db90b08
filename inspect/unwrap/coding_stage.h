// Content codings (RFC 9110 section 8.4): gzip with several members (RFC 1952), zlib or raw
// deflate, brotli (RFC 7932), zstd with several frames (RFC 8878). What cannot be decoded is
// emitted raw.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "inspect/unwrap/sniff.h"
#include "inspect/unwrap/stage.h"

namespace weir::inspect {

class Level;

class CodingStage final : public Stage {
 public:
  CodingStage(Chain& chain, Level& next);
  ~CodingStage() override;
  // `inner` describes what is inside.
  void begin(const StreamInfo& inner, Coding coding) noexcept;
  void on_data(ByteSpan data, uint64_t offset) noexcept override;
  void on_gap(uint64_t bytes) noexcept override;
  void end(EndReason reason) noexcept override;

 private:
  enum class State : uint8_t {
    kDecode,
    kBetween,  // behind a gzip member or zstd frame: another may follow
    kRaw,
    kDrop,  // after a limit
  };
  enum class Step : uint8_t { kInput, kOutput, kEnd, kError };
  struct Libraries;  // the decoders, each made when first needed and then kept

  void reset_decoder() noexcept;
  Step step(const uint8_t*& in, const uint8_t* in_end, size_t& produced) noexcept;
  const uint8_t* decode(const uint8_t* in, const uint8_t* in_end) noexcept;
  const uint8_t* between(const uint8_t* in, const uint8_t* in_end) noexcept;
  void go_raw(EndReason inner_end) noexcept;
  void raw(ByteSpan data) noexcept;
  void end_inner(EndReason reason) noexcept;

  static constexpr size_t kOutBytes = 32 * 1024;

  Chain& chain_;
  Level& next_;
  std::unique_ptr<Libraries> libraries_;
  StreamInfo inner_;
  Coding coding_ = Coding::kGzip;
  State state_ = State::kDecode;
  bool inner_open_ = false;
  bool raw_open_ = false;
  uint64_t in_bytes_ = 0;
  uint64_t out_bytes_ = 0;
  std::array<uint8_t, kSniffBytes> head_;  // the first bytes, until something was decoded
  size_t head_size_ = 0;
  std::array<uint8_t, 4> magic_;  // in kBetween
  size_t magic_size_ = 0;
  std::vector<uint8_t> out_;
};

}  // namespace weir::inspect

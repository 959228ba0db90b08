// One level of the chain: gathers the first bytes of a stream until it is clear what they are
// (sniff.h), then passes all of it on.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "inspect/unwrap/entity_finder.h"
#include "inspect/unwrap/line_breaker.h"
#include "inspect/unwrap/run_finder.h"
#include "inspect/unwrap/sniff.h"
#include "inspect/unwrap/stage.h"

namespace weir::inspect {

class CodingStage;
class DecodeStage;
class EnvelopeStage;
class FormStage;
class JsonStage;
class MultipartStage;
class ProtobufStage;
class QoderStage;
enum class Alphabet : uint8_t;

class Level {
 public:
  Level(Chain& chain, size_t depth);
  ~Level();

  void begin(const StreamInfo& info) noexcept;
  void on_data(ByteSpan data, uint64_t offset) noexcept;
  void on_gap(uint64_t bytes) noexcept;
  void end(EndReason reason) noexcept;

  // The level below, made when first asked for. Never called at the last level.
  [[nodiscard]] Level& next() noexcept;
  [[nodiscard]] size_t depth() const noexcept { return depth_; }

 private:
  enum class Route : uint8_t { kIdle, kSniff, kText, kTextPaused, kStage };

  // Decides with what is known (`final`: there will be no more); true when decided.
  bool decide(ByteSpan first, bool final) noexcept;
  void drop_blanks(size_t count, ByteSpan& data, uint64_t& offset) noexcept;
  void take(const Guess& guess, ByteSpan first) noexcept;
  void open_stage(const Guess& guess, ByteSpan first) noexcept;
  void open_decode(Alphabet alphabet, size_t skip, bool lenient) noexcept;
  void decide_now() noexcept;
  void open_text(bool binary) noexcept;
  void text(ByteSpan data, uint64_t offset) noexcept;
  void text_with_runs(ByteSpan data, uint64_t offset) noexcept;
  void close_text(EndReason reason) noexcept;
  void finish_text(EndReason reason) noexcept;
  void resume_text(uint64_t offset) noexcept;
  void run_digit(uint8_t value) noexcept;
  void end_run() noexcept;
  void emit_runs() noexcept;
  void emit_copy() noexcept;
  void look_for_strings(ByteSpan data) noexcept;
  void pass(ByteSpan data, uint64_t offset) noexcept;

  Chain& chain_;
  const size_t depth_;
  StreamInfo info_;
  Route route_ = Route::kIdle;
  bool binary_ = false;
  bool unreadable_ = false;
  bool started_ = false;
  // Base64 runs inside the text in hand, and what character references in it stand for: emitted
  // behind it.
  struct DecodedRun {
    size_t end = 0;  // of its bytes in decoded_
    uint64_t offset = 0;
    bool hex = false;
  };
  EntityFinder entities_;
  LineBreaker breaker_;
  RunFinder finder_;
  std::vector<uint8_t> decoded_;
  std::vector<DecodedRun> runs_;
  bool in_run_ = false;
  bool run_hex_ = false;
  uint32_t run_bits_ = 0;
  unsigned run_have_ = 0;
  uint64_t run_offset_ = 0;
  // Of a binary piece: what of its start is strings.
  size_t looked_at_ = 0;
  size_t printable_run_ = 0;
  size_t in_strings_ = 0;
  size_t base_path_ = 0;
  size_t text_path_ = 0;
  size_t sniffed_ = 0;
  std::array<uint8_t, kSniffBytes> sniff_;
  Stage* stage_ = nullptr;
  std::unique_ptr<Level> next_;
  // Each is made when first needed and then kept.
  std::unique_ptr<CodingStage> coding_;
  std::unique_ptr<DecodeStage> decode_;
  std::unique_ptr<EnvelopeStage> envelope_;
  std::unique_ptr<FormStage> form_;
  std::unique_ptr<JsonStage> json_;
  std::unique_ptr<MultipartStage> multipart_;
  std::unique_ptr<ProtobufStage> protobuf_;
  std::unique_ptr<QoderStage> qoder_;
};

}  // namespace weir::inspect

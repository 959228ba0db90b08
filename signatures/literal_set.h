// A few thousand byte strings searched for in a stream at once, such as the distinctive normalised
// lines of critical files. Compiling takes a second, so a set can be kept as bytes (beside an
// index) and is refused when another version of the matcher, or a damaged file, stands behind them.
// Matching is exact: any folding of case or white space is the caller's, before both sides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"
#include "signatures/pattern_database.h"

namespace weir::signatures {

struct Literal {
  uint32_t id = 0;  // given back with each match; ids should differ, equal bytes may not repeat
  std::string_view bytes;
};

class LiteralSet {
 public:
  // Shorter strings match everywhere and cost speed; longer ones cost memory.
  static constexpr size_t kMinBytes = 4;
  static constexpr size_t kMaxBytes = 1024;
  static constexpr size_t kMaxLiterals = 20'000;

  static Result<LiteralSet> compile(std::span<const Literal> literals);
  static Result<LiteralSet> deserialise(ByteSpan bytes);
  [[nodiscard]] Result<std::vector<uint8_t>> serialise() const;

  [[nodiscard]] size_t size() const noexcept { return count_; }
  [[nodiscard]] const PatternDatabase& database() const noexcept { return database_; }

 private:
  LiteralSet(PatternDatabase database, size_t count) noexcept
      : database_(std::move(database)), count_(count) {}
  PatternDatabase database_;
  size_t count_ = 0;
};

// One stream over a set, reused by reset(). The set must outlive it; the scratch must have been
// prepared for the set's database.
class LiteralStream {
 public:
  [[nodiscard]] Status open(const LiteralSet& set) { return stream_.open(set.database()); }
  void reset() noexcept { stream_.reset(); }

  // on_hit(uint32_t id, uint64_t end) noexcept for each match; `end` is one past its last byte,
  // counted from the last reset. A literal is reported at every place where it ends, overlapping
  // ones too; matches that end at one place come in no particular order.
  template <typename OnHit>
  [[nodiscard]] ScanStatus scan(PatternScratch& scratch, ByteSpan data, OnHit&& on_hit) noexcept {
    using Target = std::remove_reference_t<OnHit>;
    return stream_.scan(
        scratch, data,
        [](void* context, uint32_t id, uint64_t /*from*/, uint64_t end) noexcept {
          (*static_cast<Target*>(context))(id, end);
          return false;
        },
        &on_hit);
  }

 private:
  PatternStream stream_;
};

}  // namespace weir::signatures

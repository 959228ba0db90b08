// Owning handles around the matcher (Hyperscan): database, per-worker scratch, stream. They exist
// so that no other header names the library and no call site frees anything by hand. A stream
// belongs to the database that opened it: the database must outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>

#include "core/bytes.h"
#include "core/result.h"

struct hs_database;
struct hs_scratch;
struct hs_stream;

namespace weir::signatures {

struct PatternDeleter {
  void operator()(hs_database* database) const noexcept;
  void operator()(hs_scratch* scratch) const noexcept;
  void operator()(hs_stream* stream) const noexcept;
};

// Immutable once made; shared by all workers.
class PatternDatabase {
 public:
  PatternDatabase() = default;
  explicit PatternDatabase(hs_database* owned) noexcept : handle_(owned) {}

  [[nodiscard]] const hs_database* get() const noexcept { return handle_.get(); }
  [[nodiscard]] bool empty() const noexcept { return handle_ == nullptr; }
  // Memory of the database, and of each stream over it.
  [[nodiscard]] size_t bytes() const noexcept;
  [[nodiscard]] size_t stream_bytes() const noexcept;

 private:
  std::unique_ptr<hs_database, PatternDeleter> handle_;
};

// Working memory of one worker. One scratch serves any number of databases, one scan at a time.
class PatternScratch {
 public:
  // Grows the scratch to what `database` needs. Called at start and reload, never while scanning.
  [[nodiscard]] Status prepare(const PatternDatabase& database);
  [[nodiscard]] hs_scratch* get() const noexcept { return handle_.get(); }
  [[nodiscard]] size_t bytes() const noexcept;

 private:
  std::unique_ptr<hs_scratch, PatternDeleter> handle_;
};

// kStopped: the callback asked to stop. kFailed: the matcher refused the call, which only a broken
// invariant can cause (a scratch that was not prepared, or is in use); the caller counts it.
enum class ScanStatus : uint8_t { kOk, kStopped, kFailed };

// True stops the scan. `end` is the offset one past the match, from the start of the stream.
using PatternCallback = bool (*)(void* context, uint32_t id, uint64_t from, uint64_t end) noexcept;

class PatternStream {
 public:
  [[nodiscard]] Status open(const PatternDatabase& database);
  [[nodiscard]] bool is_open() const noexcept { return handle_ != nullptr; }
  [[nodiscard]] ScanStatus scan(PatternScratch& scratch, ByteSpan data, PatternCallback callback,
                                void* context) noexcept;
  // Reports the matches that only the end of the data completes, and begins again at offset 0.
  [[nodiscard]] ScanStatus finish(PatternScratch& scratch, PatternCallback callback,
                                  void* context) noexcept;
  // Begins again at offset 0; allocates nothing.
  void reset() noexcept;

 private:
  std::unique_ptr<hs_stream, PatternDeleter> handle_;
};

// A whole buffer against a database that was compiled for blocks.
[[nodiscard]] ScanStatus scan_block(const PatternDatabase& database, PatternScratch& scratch,
                                    ByteSpan data, PatternCallback callback,
                                    void* context) noexcept;

// Name and version of the matcher that made a database, as it stands in caches.
[[nodiscard]] std::string matcher_version();

}  // namespace weir::signatures

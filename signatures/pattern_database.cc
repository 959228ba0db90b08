// See pattern_database.h.
#include "signatures/pattern_database.h"

#include <hs/hs.h>

#include <algorithm>
#include <limits>

namespace weir::signatures {

namespace {

struct Call {
  PatternCallback callback;
  void* context;
};

int on_match(unsigned int id, unsigned long long from, unsigned long long to,
             unsigned int /*flags*/, void* context) noexcept {
  const Call& call = *static_cast<const Call*>(context);
  return call.callback(call.context, id, from, to) ? 1 : 0;
}

ScanStatus status_of(hs_error_t error) noexcept {
  if (error == HS_SUCCESS) return ScanStatus::kOk;
  return error == HS_SCAN_TERMINATED ? ScanStatus::kStopped : ScanStatus::kFailed;
}

// The library takes 32-bit lengths.
constexpr size_t kMaxScan = std::numeric_limits<unsigned int>::max() / 2;

}  // namespace

void PatternDeleter::operator()(hs_database* database) const noexcept {
  hs_free_database(database);
}
void PatternDeleter::operator()(hs_scratch* scratch) const noexcept { hs_free_scratch(scratch); }
void PatternDeleter::operator()(hs_stream* stream) const noexcept {
  hs_close_stream(stream, nullptr, nullptr, nullptr);
}

size_t PatternDatabase::bytes() const noexcept {
  size_t size = 0;
  if (handle_ == nullptr || hs_database_size(handle_.get(), &size) != HS_SUCCESS) return 0;
  return size;
}

size_t PatternDatabase::stream_bytes() const noexcept {
  size_t size = 0;
  if (handle_ == nullptr || hs_stream_size(handle_.get(), &size) != HS_SUCCESS) return 0;
  return size;
}

Status PatternScratch::prepare(const PatternDatabase& database) {
  hs_scratch_t* raw = handle_.release();
  const hs_error_t error = hs_alloc_scratch(database.get(), &raw);
  handle_.reset(raw);
  if (error != HS_SUCCESS) {
    return Error{"no scratch memory for the pattern database (code " + std::to_string(error) + ")",
                 {},
                 0,
                 0};
  }
  return ok_status();
}

size_t PatternScratch::bytes() const noexcept {
  size_t size = 0;
  if (handle_ == nullptr || hs_scratch_size(handle_.get(), &size) != HS_SUCCESS) return 0;
  return size;
}

Status PatternStream::open(const PatternDatabase& database) {
  handle_.reset();
  hs_stream_t* raw = nullptr;
  const hs_error_t error = hs_open_stream(database.get(), 0, &raw);
  if (error != HS_SUCCESS) {
    return Error{
        "no stream over the pattern database (code " + std::to_string(error) + ")", {}, 0, 0};
  }
  handle_.reset(raw);
  return ok_status();
}

ScanStatus PatternStream::scan(PatternScratch& scratch, ByteSpan data, PatternCallback callback,
                               void* context) noexcept {
  Call call{callback, context};
  while (!data.empty()) {
    const ByteSpan part = data.first(std::min(data.size(), kMaxScan));
    data = data.subspan(part.size());
    const ScanStatus status = status_of(hs_scan_stream(handle_.get(), as_chars(part).data(),
                                                       static_cast<unsigned int>(part.size()), 0,
                                                       scratch.get(), on_match, &call));
    if (status != ScanStatus::kOk) return status;
  }
  return ScanStatus::kOk;
}

ScanStatus PatternStream::finish(PatternScratch& scratch, PatternCallback callback,
                                 void* context) noexcept {
  Call call{callback, context};
  return status_of(hs_reset_stream(handle_.get(), 0, scratch.get(), on_match, &call));
}

void PatternStream::reset() noexcept {
  if (handle_ != nullptr) hs_reset_stream(handle_.get(), 0, nullptr, nullptr, nullptr);
}

ScanStatus scan_block(const PatternDatabase& database, PatternScratch& scratch, ByteSpan data,
                      PatternCallback callback, void* context) noexcept {
  if (data.empty()) return ScanStatus::kOk;
  if (data.size() > kMaxScan) return ScanStatus::kFailed;
  Call call{callback, context};
  return status_of(hs_scan(database.get(), as_chars(data).data(),
                           static_cast<unsigned int>(data.size()), 0, scratch.get(), on_match,
                           &call));
}

std::string matcher_version() { return std::string("hyperscan ") + hs_version(); }

}  // namespace weir::signatures

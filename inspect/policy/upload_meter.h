// How a client's upload is spread over time: the most within some seconds (a burst), the most at
// one go. Measured against the marks of policy, so that it is asked again exactly when a rule may
// begin to hold. Times are packet times, in quarters of a second; a window takes in up to one
// quarter more than it says, and never less. The first 4 KiB of a flow count as sent together, so
// that small flows need no memory for it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/time.h"
#include "inspect/policy/policy.h"

namespace weir::inspect {

// At one go: without a pause of two seconds, and without an answer of any size in between. Small
// answers (acknowledgements of HTTP/2, window updates) go on during an upload.
class UploadMeter {
 public:
  // `marks` must outlive the meter.
  explicit UploadMeter(const VolumeMarks& marks);

  // Payload of the client. True when a mark was reached: ask policy.
  [[nodiscard]] bool sent(uint64_t bytes, Timestamp now) noexcept;
  // Payload of the server.
  void answered(uint64_t bytes) noexcept { answered_ += bytes; }

  [[nodiscard]] uint64_t total() const noexcept { return total_; }
  [[nodiscard]] uint64_t one_upload() const noexcept { return longest_; }
  [[nodiscard]] std::span<const BurstPeak> bursts() const noexcept { return peaks_; }

 private:
  static constexpr int64_t kQuarter = 250'000'000;

  [[nodiscard]] bool count_burst(uint64_t bytes, Timestamp now) noexcept;
  void begin_slots(int64_t quarter);
  void roll_to(int64_t quarter) noexcept;

  const VolumeMarks& marks_;
  uint64_t total_ = 0;
  uint64_t run_ = 0;  // sent at one go so far
  uint64_t longest_ = 0;
  uint64_t answered_ = 0;  // since the run began
  Timestamp last_;
  int64_t quarter_ = 0;  // that of the newest slot
  // Empty where no rule speaks of bursts, and while little was sent.
  std::vector<uint32_t> slots_;   // bytes of a quarter, a ring
  std::vector<uint64_t> within_;  // sum of each window
  std::vector<BurstPeak> peaks_;
};

}  // namespace weir::inspect

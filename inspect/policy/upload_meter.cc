#include "inspect/policy/upload_meter.h"

#include <algorithm>
#include <limits>

namespace weir::inspect {
namespace {

constexpr Duration kPause = Duration::seconds(2);
// An answer ends a run when it is larger than this and a share of what was sent.
constexpr uint64_t kSmallAnswer = 1024;
constexpr uint64_t kAnswerShare = 16;
constexpr uint64_t kUnmeasured = 4096;

// Whether a mark lies in (before, now].
bool reached(const std::vector<uint64_t>& marks, uint64_t before, uint64_t now) noexcept {
  const auto next = std::upper_bound(marks.begin(), marks.end(), before);
  return next != marks.end() && *next <= now;
}

constexpr size_t slots_of(uint32_t seconds) noexcept { return size_t{4} * seconds + 1; }

}  // namespace

UploadMeter::UploadMeter(const VolumeMarks& marks) : marks_(marks) {}

void UploadMeter::begin_slots(int64_t quarter) {
  size_t longest = 0;
  for (const VolumeMarks::Window& window : marks_.bursts) {
    longest = std::max(longest, slots_of(window.seconds));
    peaks_.push_back({window.seconds, 0});
  }
  slots_.resize(longest);
  within_.resize(peaks_.size());
  quarter_ = quarter;
}

// Packets that come out of order count as of now.
void UploadMeter::roll_to(int64_t quarter) noexcept {
  const auto size = static_cast<int64_t>(slots_.size());
  if (quarter - quarter_ >= size) {
    std::fill(slots_.begin(), slots_.end(), 0U);
    std::fill(within_.begin(), within_.end(), uint64_t{0});
    quarter_ = quarter;
    return;
  }
  while (quarter_ < quarter) {
    ++quarter_;
    for (size_t i = 0; i < peaks_.size(); ++i) {
      const auto leaves = quarter_ - static_cast<int64_t>(slots_of(peaks_[i].seconds));
      if (leaves >= 0) within_[i] -= slots_[static_cast<size_t>(leaves % size)];
    }
    slots_[static_cast<size_t>(quarter_ % size)] = 0;
  }
}

bool UploadMeter::sent(uint64_t bytes, Timestamp now) noexcept {
  if (bytes == 0) return false;
  bool ask = reached(marks_.up, total_, total_ + bytes);
  total_ += bytes;

  const bool answer = answered_ > kSmallAnswer && answered_ > run_ / kAnswerShare;
  if (answer || now - last_ >= kPause) {
    run_ = 0;
    answered_ = 0;
  }
  last_ = std::max(last_, now);
  run_ += bytes;
  if (run_ > longest_) {
    ask = reached(marks_.one_upload, longest_, run_) || ask;
    longest_ = run_;
  }

  if (marks_.bursts.empty() || now.ns < 0) return ask;
  if (!slots_.empty()) return count_burst(bytes, now) || ask;
  if (total_ < kUnmeasured) return ask;
  begin_slots(now.ns / kQuarter);
  return count_burst(total_, now) || ask;
}

bool UploadMeter::count_burst(uint64_t bytes, Timestamp now) noexcept {
  bool ask = false;
  roll_to(now.ns / kQuarter);
  uint32_t& slot = slots_[static_cast<size_t>(quarter_) % slots_.size()];
  const auto fits = std::min<uint64_t>(bytes, std::numeric_limits<uint32_t>::max() - slot);
  slot += static_cast<uint32_t>(fits);
  for (size_t i = 0; i < peaks_.size(); ++i) {
    within_[i] += fits;
    if (within_[i] <= peaks_[i].bytes) continue;
    ask = reached(marks_.bursts[i].bytes, peaks_[i].bytes, within_[i]) || ask;
    peaks_[i].bytes = within_[i];
  }
  return ask;
}

}  // namespace weir::inspect

#include "inspect/unwrap/qoder_stage.h"

#include <algorithm>

#include "inspect/unwrap/level.h"
#include "inspect/unwrap/sniff.h"

namespace weir::inspect {

QoderStage::QoderStage(Chain& chain, Level& next) : chain_(chain), next_(next) {
  values_.fill(255);
  for (size_t i = 0; i < kQoderAlphabet.size(); ++i) {
    values_[static_cast<uint8_t>(kQoderAlphabet[i])] = static_cast<uint8_t>(i);
  }
}

void QoderStage::begin(const StreamInfo& info) noexcept {
  info_ = info;
  held_.clear();
  plain_ = paused_ = false;
}

void QoderStage::on_data(ByteSpan data, uint64_t) noexcept {
  if (!plain_ && held_.size() + data.size() > chain_.limits.qoder_body_bytes) {
    chain_.counters.qoder_limit.add();
    give_up();
  }
  if (plain_) {
    if (paused_) chain_.emitter.open(info_.label, info_.offset, false);
    paused_ = false;
    chain_.emitter.text(data);
    return;
  }
  held_.insert(held_.end(), data.begin(), data.end());
}

void QoderStage::give_up() noexcept {
  plain_ = true;
  chain_.emitter.path().append(">text");
  chain_.emitter.open(info_.label, info_.offset, false);
  chain_.emitter.text(held_);
  held_.clear();
}

bool QoderStage::decode() noexcept {
  while (!held_.empty() && (held_.back() == '\n' || held_.back() == '\r')) held_.pop_back();
  const size_t size = held_.size();
  const size_t third = size / 3;
  decoded_.clear();
  decoded_.reserve(size);
  // Character i of the base64 text, which the transform moved.
  const auto at = [&](size_t i) {
    if (i < third) return held_[size - third + i];
    if (i < size - third) return held_[i];
    return held_[i - (size - third)];
  };
  uint32_t bits = 0;
  unsigned have = 0;
  for (size_t i = 0; i < size; ++i) {
    const uint8_t value = values_[at(i)];
    if (value == 255) return false;
    if (value == 64) {
      if (size - i > 2) return false;  // padding stands at the end only
      continue;
    }
    bits = bits << 6 | value;
    if (++have == 4) {
      decoded_.push_back(static_cast<uint8_t>(bits >> 16));
      decoded_.push_back(static_cast<uint8_t>(bits >> 8));
      decoded_.push_back(static_cast<uint8_t>(bits));
      bits = 0;
      have = 0;
    }
  }
  if (have >= 2) {
    bits <<= 6 * (4 - have);
    decoded_.push_back(static_cast<uint8_t>(bits >> 16));
    if (have == 3) decoded_.push_back(static_cast<uint8_t>(bits >> 8));
  }
  return looks_like_text({decoded_.data(), std::min(decoded_.size(), kSniffBytes)});
}

void QoderStage::on_gap(uint64_t) noexcept {
  // The order of what is left is not known.
  if (!plain_) give_up();
  chain_.emitter.close(EndReason::kGap);
  paused_ = true;
}

void QoderStage::end(EndReason reason) noexcept {
  if (!plain_ && decode()) {
    chain_.counters.qoder.add();
    chain_.emitter.path().append(">qoder");
    StreamInfo inner;
    inner.origin = Origin::kDecoded;
    inner.label = info_.label;
    inner.offset = info_.offset;
    inner.fixed = true;
    next_.begin(inner);
    next_.on_data(decoded_, info_.offset);
    next_.end(reason);
    return;
  }
  if (!plain_) give_up();
  chain_.emitter.close(reason);
}

}  // namespace weir::inspect

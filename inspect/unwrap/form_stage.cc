#include "inspect/unwrap/form_stage.h"

#include <algorithm>

#include "inspect/unwrap/json_unescape.h"
#include "inspect/unwrap/level.h"
#include "inspect/unwrap/sniff.h"

namespace weir::inspect {

FormStage::FormStage(Chain& chain, Level& next) : chain_(chain), next_(next) {
  name_.reserve(std::max(chain.limits.json_key_bytes, kLongName));
}

void FormStage::begin(const StreamInfo& info) noexcept {
  chain_.counters.form.add();
  info_ = info;
  in_value_ = value_open_ = name_open_ = false;
  name_.clear();
  field_offset_ = info.offset;
  percent_size_ = out_size_ = 0;
  chain_.emitter.path().append(">form:");
  base_path_ = chain_.emitter.path().size();
}

void FormStage::on_data(ByteSpan data, uint64_t offset) noexcept {
  for (size_t i = 0; i < data.size() && !chain_.emitter.stopped(); ++i) {
    const uint8_t c = data[i];
    if (percent_size_ > 0) {
      if (hex_value(c) <= 15) {
        percent_[percent_size_++] = c;
        if (percent_size_ < 3) continue;
        out_[out_size_++] =
            static_cast<uint8_t>(hex_value(percent_[1]) << 4 | hex_value(percent_[2]));
        percent_size_ = 0;
        if (out_size_ >= kOutBytes) flush();
        continue;
      }
      percent_raw();
    }
    if (c == '%') {
      percent_[0] = c;
      percent_size_ = 1;
    } else if (c == '&') {
      end_field(EndReason::kComplete);
      field_offset_ = info_.fixed ? info_.offset : offset + i + 1;
    } else if (c == '=' && !in_value_) {
      flush();
      if (!name_open_ && holds_content(name_)) open_name();
      if (name_open_) chain_.emitter.close(EndReason::kComplete);
      begin_value(info_.fixed ? info_.offset : offset + i + 1);
    } else {
      out_[out_size_++] = c == '+' ? ' ' : c;
      if (out_size_ >= kOutBytes) flush();
    }
  }
  flush();
}

void FormStage::percent_raw() noexcept {
  std::copy_n(percent_.begin(), percent_size_, out_.begin() + static_cast<ptrdiff_t>(out_size_));
  out_size_ += percent_size_;
  percent_size_ = 0;
  if (out_size_ >= kOutBytes) flush();
}

void FormStage::flush() noexcept {
  const ByteSpan bytes(out_.data(), out_size_);
  out_size_ = 0;
  if (bytes.empty()) return;
  if (in_value_) {
    next_.on_data(bytes, field_offset_);
    return;
  }
  if (!name_open_ && name_.size() + bytes.size() > kLongName) open_name();
  if (name_open_) chain_.emitter.text(bytes);
  const size_t limit = std::max(chain_.limits.json_key_bytes, kLongName);
  name_.append(as_chars(bytes).substr(0, limit - std::min(limit, name_.size())));
}

void FormStage::open_name() noexcept {
  name_open_ = true;
  PathBuffer& path = chain_.emitter.path();
  path.truncate(base_path_);
  path.append("{name}");
  chain_.emitter.open({}, field_offset_, true);
  chain_.emitter.text(as_bytes(name_));
}

void FormStage::begin_value(uint64_t offset) noexcept {
  PathBuffer& path = chain_.emitter.path();
  path.truncate(base_path_);
  path.append(name_);
  in_value_ = value_open_ = true;
  name_open_ = false;
  field_offset_ = offset;
  StreamInfo value;
  value.origin = Origin::kString;
  value.label = name_;
  value.offset = offset;
  value.fixed = true;
  next_.begin(value);
}

void FormStage::end_field(EndReason reason) noexcept {
  if (percent_size_ > 0) percent_raw();
  flush();
  if (value_open_) {
    next_.end(reason);
  } else if (name_open_) {
    chain_.emitter.close(reason);
  } else if (!name_.empty()) {
    chain_.emitter.path().truncate(base_path_);
    chain_.emitter.open({}, field_offset_, true);
    chain_.emitter.text(as_bytes(name_));
    chain_.emitter.close(reason);
  }
  in_value_ = value_open_ = name_open_ = false;
  name_.clear();
}

// What comes behind the gap is taken for the rest of the field that was cut.
void FormStage::on_gap(uint64_t bytes) noexcept {
  if (percent_size_ > 0) percent_raw();
  flush();
  if (value_open_) {
    next_.on_gap(bytes);
    return;
  }
  end_field(EndReason::kGap);
  begin_value(field_offset_);
}

void FormStage::end(EndReason reason) noexcept { end_field(reason); }

}  // namespace weir::inspect

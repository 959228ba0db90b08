#include "inspect/unwrap/level.h"

#include <algorithm>

#include "inspect/unwrap/json_stage.h"

namespace weir::inspect {

Level::Level(Chain& chain, size_t depth) : chain_(chain), depth_(depth) {}
Level::~Level() = default;

Level& Level::next() noexcept {
  if (!next_) next_ = std::make_unique<Level>(chain_, depth_ + 1);
  return *next_;
}

void Level::begin(const StreamInfo& info) noexcept {
  info_ = info;
  route_ = Route::kSniff;
  started_ = false;
  sniffed_ = 0;
  base_path_ = chain_.emitter.path().size();
}

void Level::on_data(ByteSpan data, uint64_t offset) noexcept {
  if (data.empty()) return;
  if (route_ != Route::kSniff) {
    pass(data, offset);
    return;
  }
  if (!started_) {
    started_ = true;
    if (!info_.fixed) info_.offset = offset;
  }
  if (sniffed_ == 0 && decide(data, false)) {
    pass(data, offset);
    return;
  }
  const size_t before = sniffed_;
  const size_t count = std::min(data.size(), sniff_.size() - sniffed_);
  std::copy_n(data.begin(), count, sniff_.begin() + static_cast<ptrdiff_t>(sniffed_));
  sniffed_ += count;
  if (!decide({sniff_.data(), sniffed_}, sniffed_ == sniff_.size())) return;
  pass({sniff_.data(), before}, info_.offset);
  pass(data, offset);
}

bool Level::decide(ByteSpan first, bool final) noexcept {
  const Guess guess = info_.origin == Origin::kString ? guess_string(first, final)
                                                      : guess_body(first, final, info_);
  if (guess.kind == Kind::kMore) return false;
  take(guess);
  return true;
}

void Level::take(const Guess& guess) noexcept {
  unreadable_ = guess.unreadable;
  switch (guess.kind) {
    case Kind::kJson:
      if (depth_ >= chain_.limits.unwrap_depth) {
        chain_.counters.depth_limit.add();
        break;
      }
      if (!json_) json_ = std::make_unique<JsonStage>(chain_, next());
      json_->begin(info_, guess.declared);
      stage_ = json_.get();
      route_ = Route::kStage;
      return;
    default:
      break;
  }
  open_text(guess.kind == Kind::kBinary);
}

void Level::open_text(bool binary) noexcept {
  binary_ = binary;
  if (binary) chain_.counters.binary_pieces.add();
  if (info_.origin == Origin::kBody) chain_.emitter.path().append(binary ? ">binary" : ">text");
  chain_.emitter.open(binary ? "binary" : info_.label, info_.offset, !binary && !unreadable_);
  route_ = Route::kText;
}

void Level::pass(ByteSpan data, uint64_t offset) noexcept {
  switch (route_) {
    case Route::kTextPaused:
      if (!info_.fixed) info_.offset = offset;
      chain_.emitter.open(binary_ ? "binary" : info_.label, info_.offset, !binary_ && !unreadable_);
      route_ = Route::kText;
      [[fallthrough]];
    case Route::kText:
      chain_.emitter.text(data);
      break;
    case Route::kStage:
      stage_->on_data(data, offset);
      break;
    default:
      break;
  }
}

void Level::on_gap(uint64_t bytes) noexcept {
  if (route_ == Route::kSniff && sniffed_ > 0) {
    decide({sniff_.data(), sniffed_}, true);
    pass({sniff_.data(), sniffed_}, info_.offset);
  }
  if (route_ == Route::kText) {
    chain_.emitter.close(EndReason::kGap);
    route_ = Route::kTextPaused;
  } else if (route_ == Route::kStage) {
    stage_->on_gap(bytes);
  }
}

void Level::end(EndReason reason) noexcept {
  if (route_ == Route::kSniff && sniffed_ > 0) {
    decide({sniff_.data(), sniffed_}, true);
    pass({sniff_.data(), sniffed_}, info_.offset);
  }
  if (route_ == Route::kText) {
    chain_.emitter.close(reason);
  } else if (route_ == Route::kStage) {
    stage_->end(reason);
  }
  route_ = Route::kIdle;
  chain_.emitter.path().truncate(base_path_);
}

}  // namespace weir::inspect

#include "inspect/unwrap/level.h"

#include <algorithm>

#include "inspect/unwrap/coding_stage.h"
#include "inspect/unwrap/decode_stage.h"
#include "inspect/unwrap/envelope_stage.h"
#include "inspect/unwrap/form_stage.h"
#include "inspect/unwrap/json_stage.h"
#include "inspect/unwrap/json_unescape.h"
#include "inspect/unwrap/multipart_stage.h"
#include "inspect/unwrap/protobuf_stage.h"
#include "inspect/unwrap/qoder_stage.h"

namespace weir::inspect {
namespace {

// Of a binary piece, how much is looked at to tell whether strings lie in it, how long a run of
// printable bytes counts as one, and which share makes the piece readable.
constexpr size_t kLookBytes = 4096;
constexpr size_t kStringRun = 8;
constexpr size_t kStringShare = 4;  // one in
// Held of what base64 runs inside a text decode to.
constexpr size_t kRunBytes = 64 * 1024;

bool is_blank(ByteSpan bytes) noexcept {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](uint8_t c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; });
}

template <typename T>
T& made(std::unique_ptr<T>& slot, Chain& chain, Level& next) {
  if (!slot) slot = std::make_unique<T>(chain, next);
  return *slot;
}

}  // namespace

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
  binary_ = unreadable_ = false;
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
    if (info_.transfer != Transfer::kNone) {
      Guess guess;
      guess.kind = Kind::kBase64;
      take(guess, data);
      pass(data, offset);
      return;
    }
  }
  // Blanks before the content tell nothing: what they hide is looked at behind them.
  const size_t window = (info_.origin == Origin::kString ? kJsonSniffBytes : kSniffBytes) / 2;
  for (;;) {
    if (sniffed_ == 0) {
      size_t blank = 0;
      while (data.size() - blank >= window && is_blank(data.subspan(blank, window))) {
        blank += window;
      }
      drop_blanks(blank, data, offset);
      if (data.empty()) return;
      if (decide(data, false)) {
        pass(data, offset);
        return;
      }
    }
    const size_t before = sniffed_;
    const size_t count = std::min(data.size(), sniff_.size() - sniffed_);
    std::copy_n(data.begin(), count, sniff_.begin() + static_cast<ptrdiff_t>(sniffed_));
    sniffed_ += count;
    if (sniffed_ >= window && is_blank(ByteSpan(sniff_).first(window))) {
      sniffed_ = 0;
      chain_.counters.leading_blanks.add(before);
      drop_blanks(window - before, data, offset);
      if (data.empty()) return;
      continue;
    }
    if (!decide({sniff_.data(), sniffed_}, sniffed_ == sniff_.size())) return;
    pass({sniff_.data(), before}, info_.offset);
    pass(data, offset);
    return;
  }
}

void Level::drop_blanks(size_t count, ByteSpan& data, uint64_t& offset) noexcept {
  if (count == 0) return;
  chain_.counters.leading_blanks.add(count);
  data = data.subspan(count);
  offset += count;
  if (!info_.fixed) info_.offset = offset;
}

bool Level::decide(ByteSpan first, bool final) noexcept {
  const Guess guess = info_.origin == Origin::kString ? guess_string(first, final)
                                                      : guess_body(first, final, info_);
  if (guess.kind == Kind::kMore) return false;
  take(guess, first);
  return true;
}

void Level::take(const Guess& guess, ByteSpan first) noexcept {
  unreadable_ = guess.unreadable;
  if (guess.unreadable) chain_.counters.undecoded.add();
  if (guess.wrong_coding) chain_.counters.wrong_coding.add();
  if (guess.unknown_coding) chain_.counters.unknown_coding.add();
  if (guess.kind != Kind::kText && guess.kind != Kind::kBinary) {
    if (depth_ < chain_.limits.unwrap_depth) {
      route_ = Route::kStage;
      open_stage(guess, first);
      return;
    }
    chain_.counters.depth_limit.add();
  }
  open_text(guess.kind == Kind::kBinary || guess.kind == Kind::kCoding);
}

void Level::open_stage(const Guess& guess, ByteSpan first) noexcept {
  switch (guess.kind) {
    case Kind::kCoding: {
      StreamInfo inner = info_;
      inner.content_encoding = info_.content_encoding.substr(0, guess.codings_left);
      made(coding_, chain_, next()).begin(inner, guess.coding);
      stage_ = coding_.get();
      break;
    }
    case Kind::kMultipart:
      made(multipart_, chain_, next())
          .begin(info_, multipart_boundary(first.first(std::min(first.size(), kSniffBytes)),
                                           info_.content_type));
      stage_ = multipart_.get();
      break;
    case Kind::kForm:
      made(form_, chain_, next()).begin(info_);
      stage_ = form_.get();
      break;
    case Kind::kEnvelope:
      made(envelope_, chain_, next()).begin(info_);
      stage_ = envelope_.get();
      break;
    case Kind::kProtobuf:
      made(protobuf_, chain_, next()).begin(info_);
      stage_ = protobuf_.get();
      break;
    case Kind::kQoder:
      made(qoder_, chain_, next()).begin(info_);
      stage_ = qoder_.get();
      break;
    case Kind::kHex:
      open_decode(Alphabet::kHex, guess.skip, false);
      break;
    case Kind::kUtf16Le:
      open_decode(Alphabet::kUtf16Le, guess.skip, false);
      break;
    case Kind::kUtf16Be:
      open_decode(Alphabet::kUtf16Be, guess.skip, false);
      break;
    case Kind::kUtf32Le:
      open_decode(Alphabet::kUtf32Le, guess.skip, false);
      break;
    case Kind::kUtf32Be:
      open_decode(Alphabet::kUtf32Be, guess.skip, false);
      break;
    case Kind::kBase64:
      open_decode(info_.transfer == Transfer::kQuotedPrintable ? Alphabet::kQuotedPrintable
                                                               : Alphabet::kBase64,
                  guess.skip, info_.transfer != Transfer::kNone);
      break;
    default:
      made(json_, chain_, next()).begin(info_, guess.declared, guess.document);
      stage_ = json_.get();
  }
}

void Level::open_decode(Alphabet alphabet, size_t skip, bool lenient) noexcept {
  made(decode_, chain_, next()).begin(info_, alphabet, skip, lenient);
  stage_ = decode_.get();
}

// No more bytes will help.
void Level::decide_now() noexcept {
  if (route_ != Route::kSniff || sniffed_ == 0) return;
  decide({sniff_.data(), sniffed_}, true);
  pass({sniff_.data(), sniffed_}, info_.offset);
}

// Binary messages (protobuf) hold their strings as they are; an image or cipher text holds none.
void Level::look_for_strings(ByteSpan data) noexcept {
  for (const uint8_t c : data.first(std::min(data.size(), kLookBytes - looked_at_))) {
    ++looked_at_;
    if ((c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t' || c == '\r') {
      ++printable_run_;
      if (printable_run_ == kStringRun) in_strings_ += kStringRun;
      if (printable_run_ > kStringRun) ++in_strings_;
    } else {
      printable_run_ = 0;
    }
  }
}

void Level::open_text(bool binary) noexcept {
  binary_ = binary;
  if (binary) chain_.counters.binary_pieces.add();
  looked_at_ = printable_run_ = in_strings_ = 0;
  finder_.reset();
  entities_.reset();
  breaker_.reset();
  in_run_ = false;
  decoded_.clear();
  runs_.clear();
  if (info_.origin == Origin::kBody) chain_.emitter.path().append(binary ? ">binary" : ">text");
  text_path_ = chain_.emitter.path().size();
  chain_.emitter.open(binary ? "binary" : info_.label, info_.offset, !binary && !unreadable_);
  route_ = Route::kText;
}

void Level::resume_text(uint64_t offset) noexcept {
  if (!info_.fixed) info_.offset = offset;
  chain_.emitter.open(binary_ ? "binary" : info_.label, info_.offset, !binary_ && !unreadable_);
  route_ = Route::kText;
}

void Level::pass(ByteSpan data, uint64_t offset) noexcept {
  switch (route_) {
    case Route::kText:
    case Route::kTextPaused:
      text(data, offset);
      break;
    case Route::kStage:
      stage_->on_data(data, offset);
      break;
    default:
      break;
  }
}

void Level::text(ByteSpan data, uint64_t offset) noexcept {
  if (route_ == Route::kTextPaused) resume_text(offset);
  if (binary_ || depth_ >= chain_.limits.unwrap_depth) {
    chain_.emitter.text(data);
    if (binary_ && looked_at_ < kLookBytes) look_for_strings(data);
    return;
  }
  while (!data.empty()) {
    const size_t taken = entities_.take(data);
    text_with_runs(data.first(taken), offset);
    data = data.subspan(taken);
    offset += taken;
    if (entities_.full()) {
      close_text(EndReason::kComplete);
      route_ = Route::kTextPaused;
    }
  }
}

// Text in which base64 may stand. The run stays in the text, as it may be a token that a rule looks
// for; what it holds is emitted behind the text, or when there is much of it.
void Level::text_with_runs(ByteSpan data, uint64_t offset) noexcept {
  size_t emitted = 0;
  for (size_t i = 0; i < data.size();) {
    if (!in_run_) {
      const size_t found = finder_.find(data.subspan(i));
      if (found == RunFinder::kNone) break;
      i += found;
      in_run_ = true;
      run_bits_ = run_have_ = 0;
      run_offset_ = info_.fixed ? info_.offset : offset + i - kBase64Run;
      run_hex_ = finder_.found().kind == Run::Kind::kHex;
      for (const uint8_t digit : finder_.run().subspan(finder_.found().skip)) {
        run_digit(run_hex_ ? hex_value(digit) : base64_value(digit));
      }
      finder_.reset();
    }
    while (i < data.size() && in_run_ && decoded_.size() < kRunBytes) {
      const uint8_t value = run_hex_ ? hex_value(data[i]) : base64_value(data[i]);
      if (value > 63 && data[i] != '\r' && data[i] != '\n') {
        end_run();
      } else {
        if (value <= 63) run_digit(value);
        ++i;
      }
    }
    if (decoded_.size() >= kRunBytes) {
      if (route_ == Route::kTextPaused) resume_text(offset + emitted);
      breaker_.text(data.subspan(emitted, i - emitted), chain_.emitter);
      emitted = i;
      close_text(EndReason::kComplete);
      route_ = Route::kTextPaused;
    }
  }
  if (emitted == data.size()) return;
  if (route_ == Route::kTextPaused) resume_text(offset + emitted);
  breaker_.text(data.subspan(emitted), chain_.emitter);
}

// Closes the piece and emits what was found in it.
void Level::close_text(EndReason reason) noexcept {
  breaker_.flush(chain_.emitter);
  chain_.emitter.close(reason);
  emit_runs();
  emit_copy();
}

void Level::run_digit(uint8_t value) noexcept {
  if (run_hex_) {
    run_bits_ = run_bits_ << 4 | value;
    if (++run_have_ < 2) return;
    decoded_.push_back(static_cast<uint8_t>(run_bits_));
    run_bits_ = run_have_ = 0;
    return;
  }
  run_bits_ = run_bits_ << 6 | value;
  if (++run_have_ < 4) return;
  decoded_.push_back(static_cast<uint8_t>(run_bits_ >> 16));
  decoded_.push_back(static_cast<uint8_t>(run_bits_ >> 8));
  decoded_.push_back(static_cast<uint8_t>(run_bits_));
  run_bits_ = run_have_ = 0;
}

void Level::end_run() noexcept {
  if (run_have_ == 2) decoded_.push_back(static_cast<uint8_t>(run_bits_ >> 4));
  if (run_have_ == 3) {
    decoded_.push_back(static_cast<uint8_t>(run_bits_ >> 10));
    decoded_.push_back(static_cast<uint8_t>(run_bits_ >> 2));
  }
  in_run_ = false;
  runs_.push_back({decoded_.size(), run_offset_, run_hex_});
}

// No piece may be open.
void Level::emit_runs() noexcept {
  if (in_run_) runs_.push_back({decoded_.size(), run_offset_, run_hex_});  // of what there is of it
  size_t from = 0;
  for (const DecodedRun& run : runs_) {
    (run.hex ? chain_.counters.hex : chain_.counters.base64).add();
    PathBuffer& path = chain_.emitter.path();
    path.append(run.hex ? ">hex" : ">base64");
    StreamInfo inner;
    inner.origin = Origin::kDecoded;
    inner.label = info_.label;
    inner.offset = run.offset;
    inner.fixed = true;
    next().begin(inner);
    next().on_data(ByteSpan(decoded_).subspan(from, run.end - from), run.offset);
    next().end(EndReason::kComplete);
    from = run.end;
    path.truncate(text_path_);
  }
  runs_.clear();
  decoded_.clear();
}

void Level::emit_copy() noexcept {
  if (entities_.copy().empty()) return;
  chain_.counters.html.add();
  chain_.emitter.path().append(">html");
  StreamInfo inner;
  inner.origin = Origin::kString;
  inner.label = info_.label;
  inner.offset = info_.offset;
  inner.fixed = true;
  next().begin(inner);
  next().on_data(entities_.copy(), info_.offset);
  next().end(EndReason::kComplete);
  entities_.empty_copy();
  chain_.emitter.path().truncate(text_path_);
}

void Level::on_gap(uint64_t bytes) noexcept {
  decide_now();
  if (route_ == Route::kText || route_ == Route::kTextPaused) {
    finish_text(EndReason::kGap);
    route_ = Route::kTextPaused;
    finder_.reset();
    entities_.reset();
    breaker_.reset();
  } else if (route_ == Route::kStage) {
    stage_->on_gap(bytes);
  }
}

void Level::end(EndReason reason) noexcept {
  decide_now();
  if (route_ == Route::kText || route_ == Route::kTextPaused) {
    finish_text(reason);
  } else if (route_ == Route::kStage) {
    stage_->end(reason);
  }
  if (binary_ && in_strings_ * kStringShare > looked_at_) chain_.emitter.mark_readable();
  route_ = Route::kIdle;
  chain_.emitter.path().truncate(base_path_);
}

void Level::finish_text(EndReason reason) noexcept {
  entities_.finish();
  if (in_run_) end_run();
  close_text(reason);
}

}  // namespace weir::inspect

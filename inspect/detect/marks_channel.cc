// See marks_channel.h.
#include "inspect/detect/marks_channel.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inspect/detect/content_path.h"
#include "inspect/detect/prompt_line.h"
#include "signatures/confusables.h"

namespace weir::inspect {

namespace {

constexpr uint32_t kFewLetters = 8;  // a shorter line reads like too many others
constexpr uint32_t kHouseStyle = 2;  // so many plain apostrophes make a typographic one odd
constexpr size_t kMaxDetail = 400;

// Blocks that agents put into messages; before_block() knows their first letters.
constexpr std::array<std::string_view, 5> kBlocks = {
    "system-reminder", "environment_context", "environment_info", "environment_details", "env"};

// Beginning of the first line that may begin a block, or is not whole: its first '<' says so.
size_t before_block(std::string_view text) noexcept {
  size_t at = 0;  // begins a line
  const auto find = [text](char c, size_t from) {
    const void* found = std::memchr(text.data() + from, c, text.size() - from);
    return found == nullptr ? text.size()
                            : static_cast<size_t>(static_cast<const char*>(found) - text.data());
  };
  while (at < text.size()) {
    const size_t open = find('<', at);
    const char next = open + 1 < text.size() ? text[open + 1] : '/';
    const size_t end = next == '/' || next == 's' || next == 'e' ? text.size() : find('\n', open);
    if (end == text.size()) {
      const size_t before = text.substr(at, open - at).rfind('\n');
      return before == std::string_view::npos ? at : at + before + 1;
    }
    at = end + 1;
  }
  return at;
}

class MarksChannel final : public DetectionChannel {
 public:
  MarksChannel(std::shared_ptr<TemplateMemory> memory, const Limits& limits,
               DetectCounters& counters)
      : memory_(std::move(memory)), limits_(limits), counters_(counters) {
    line_.reserve(kPromptLine);
  }

  void on_request(const RequestContext& context) noexcept override;
  void on_block(const TextBlock& block) noexcept override;
  void on_end() noexcept override { end_piece(); }
  [[nodiscard]] bool has_news() const noexcept override { return news_; }
  void collect(std::vector<Evidence>& out) override {
    out.insert(out.end(), found_.begin(), found_.end());
    news_ = false;
  }
  void reset() noexcept override;

 private:
  enum class Source : uint8_t { kNone, kInstruction, kMessage };

  void begin_piece(const PieceMark& mark, std::string_view text) noexcept;
  void end_piece() noexcept;
  void take(std::string_view text) noexcept;
  void end_line(std::string_view line) noexcept;
  void follow_blocks(std::string_view line) noexcept;
  void look_at(std::string_view line) noexcept;
  void look_for_marks(std::string_view line) noexcept;
  // Whether the line may have something to tell, now or the next time.
  bool look_for_drift(std::string_view line) noexcept;
  void tell(Evidence&& evidence) noexcept;
  void tell_mark(const LineMark& mark, std::string_view line) noexcept;

  std::shared_ptr<TemplateMemory> memory_;
  const Limits& limits_;
  DetectCounters& counters_;
  // Of the request.
  bool described_ = false;
  std::string version_;
  std::string host_;
  IpAddress client_{};
  std::string role_path_;  // of the message whose role was read last, when it is a system one
  // Of the piece.
  Source source_ = Source::kNone;
  bool inside_ = false;  // a block in a message
  std::string path_;
  std::string place_;
  uint64_t offset_ = 0;
  uint64_t sight_ = 0;  // 0: not asked for yet
  std::string line_;    // begun in an earlier block of text
  bool line_open_ = false;
  uint32_t apostrophes_ = 0;
  uint32_t quotes_ = 0;
  uint32_t spaces_ = 0;
  // Marks only where the rest of the piece is written otherwise.
  std::vector<std::pair<LineMark, std::string>> doubtful_;
  // Scratch.
  FoldedLine folded_;
  std::vector<LineMark> marks_;

  std::vector<Evidence> found_;
  bool news_ = false;
};

void MarksChannel::reset() noexcept {
  described_ = false;
  version_.clear();
  host_.clear();
  role_path_.clear();
  source_ = Source::kNone;
  line_open_ = false;
  found_.clear();
  news_ = false;
}

// "claude-cli/2.1.330 (external, cli)" is a version, and so is an SDK's with what follows it.
void MarksChannel::on_request(const RequestContext& context) noexcept {
  std::string_view version = context.user_agent.substr(0, context.user_agent.find('('));
  version = version.substr(0, 64);
  while (version.ends_with(' ')) version.remove_suffix(1);
  if (version.empty()) return;
  described_ = true;
  version_ = version;
  host_ = context.host;
  client_ = context.client;
}

void MarksChannel::on_block(const TextBlock& block) noexcept {
  for (const PieceMark& mark : block.pieces) {
    const std::string_view text = as_chars(block.text.subspan(mark.begin, mark.end - mark.begin));
    if (!mark.continues) {
      end_piece();
      begin_piece(mark, text);
    }
    if (source_ != Source::kNone) take(text);
  }
}

void MarksChannel::begin_piece(const PieceMark& mark, std::string_view text) noexcept {
  source_ = Source::kNone;
  if (mark.label == "role") {
    role_path_.clear();
    if ((text == "system" || text == "developer") && mark.path.ends_with("role")) {
      role_path_ = mark.path.substr(0, mark.path.size() - 4);
    }
    return;
  }
  const PlaceKind kind = place_of(mark.path);
  if (kind == PlaceKind::kInstruction) {
    source_ = Source::kInstruction;
  } else if (kind == PlaceKind::kMessage) {
    const bool system = !role_path_.empty() && mark.path.starts_with(role_path_);
    source_ = system ? Source::kInstruction : Source::kMessage;
  } else {
    return;
  }
  inside_ = false;
  path_ = mark.path;
  offset_ = mark.offset;
  place_ = source_ == Source::kInstruction ? "system" : "message";
  apostrophes_ = quotes_ = spaces_ = 0;
  doubtful_.clear();
  line_.clear();
  line_open_ = false;
  sight_ = 0;
}

void MarksChannel::end_piece() noexcept {
  if (source_ == Source::kNone) return;
  if (line_open_) end_line(line_);
  line_open_ = false;
  source_ = Source::kNone;
  for (const auto& [mark, line] : doubtful_) {
    const bool odd = mark.kind == MarkKind::kQuote
                         ? apostrophes_ >= kHouseStyle && quotes_ <= 1 + apostrophes_ / 8
                         : spaces_ <= 2;
    if (odd) tell_mark(mark, line);
  }
  doubtful_.clear();
}

// A message without a block of an agent's holds nothing to look at: memchr and no more.
void MarksChannel::take(std::string_view text) noexcept {
  while (!text.empty()) {
    if (source_ == Source::kMessage && !inside_ && !line_open_) {
      text.remove_prefix(before_block(text));
      if (text.empty()) return;
    }
    const void* found = std::memchr(text.data(), '\n', text.size());
    const size_t end = found == nullptr
                           ? text.size()
                           : static_cast<size_t>(static_cast<const char*>(found) - text.data());
    const std::string_view part = text.substr(0, end);
    if (found == nullptr || line_open_) {
      if (!line_open_) line_.clear();
      line_open_ = true;
      line_.append(part.substr(0, kPromptLine - std::min(kPromptLine, line_.size())));
    }
    if (found == nullptr) return;
    if (line_open_) {
      end_line(line_);
      line_open_ = false;
    } else {
      end_line(part);
    }
    text.remove_prefix(end + 1);
  }
}

void MarksChannel::end_line(std::string_view line) noexcept {
  line = line.substr(0, kPromptLine);
  if (source_ == Source::kMessage) {
    follow_blocks(line);
    if (!inside_) return;
  }
  if (line.size() < kFewLetters) return;
  look_at(line);
}

void MarksChannel::follow_blocks(std::string_view line) noexcept {
  const size_t open = line.find('<');
  if (open == std::string_view::npos) return;
  const bool closes = line.substr(open + 1).starts_with('/');
  const std::string_view name = line.substr(open + 1 + (closes ? 1 : 0));
  for (const std::string_view block : kBlocks) {
    if (!name.starts_with(block) || !name.substr(block.size()).starts_with('>')) continue;
    inside_ = !closes;
  }
}

void MarksChannel::look_at(std::string_view line) noexcept {
  const bool remembers = memory_ != nullptr && described_;
  uint64_t id = 0;
  if (remembers) {
    // The plain apostrophes of a known line count for the others of its piece.
    if (sight_ == 0) sight_ = memory_->sight_id({version_, place_, host_, client_});
    id = memory_->line_id({}, sight_, line);
    if (memory_->known(id)) {
      apostrophes_ += plain_apostrophes(line);
      return;
    }
  }
  counters_.marks_lines.add();
  const size_t doubtful = doubtful_.size();
  const size_t before = found_.size();
  look_for_marks(line);
  const bool drifts = remembers && look_for_drift(line);
  if (remembers && !drifts && marks_.empty() && doubtful == doubtful_.size() &&
      before == found_.size()) {
    memory_->note_quiet(id);
  }
}

void MarksChannel::look_for_marks(std::string_view line) noexcept {
  find_marks(line, marks_);
  apostrophes_ += plain_apostrophes(line);
  for (const LineMark& mark : marks_) {
    switch (mark.kind) {
      case MarkKind::kLookAlike:
      case MarkKind::kInvisible:
        tell_mark(mark, line);
        break;
      case MarkKind::kQuote:
      case MarkKind::kSpace:
        ++(mark.kind == MarkKind::kQuote ? quotes_ : spaces_);
        if (source_ == Source::kInstruction && doubtful_.size() < 16) {
          doubtful_.emplace_back(mark, std::string(line));
        }
    }
  }
}

bool MarksChannel::look_for_drift(std::string_view line) noexcept {
  fold_line(line, folded_);
  if (folded_.letters < kFewLetters) return false;
  const auto [drift, crowded] =
      memory_->observe({version_, place_, host_, client_}, folded_.reading, folded_.writing,
                       {counters_.templates_kept, counters_.templates_replaced,
                        counters_.template_writings_replaced});
  if (!drift) return crowded;
  const Difference where = first_difference(folded_.writing, drift->other);
  const auto named = [](uint32_t c) {
    return c == 0 ? std::string("the end of the line") : signatures::name_of_character(c);
  };
  Evidence evidence;
  evidence.kind = EvidenceKind::kAnomaly;
  evidence.rule = "template-drift";
  evidence.title = "prompt text of one client version that is written in two ways";
  evidence.data_class = "drift";
  evidence.field =
      place_ + ":" + to_hex(mix64(siphash({}, as_bytes(folded_.reading)))).substr(0, 8);
  evidence.score = 0.8;
  evidence.where = path_;
  evidence.offset = offset_;
  evidence.excerpt = shown_around(folded_.writing, where.left_at);
  evidence.detail = version_ + ": \"" + evidence.excerpt + "\" with " + named(where.left) + " to " +
                    host_ + "; \"" + shown_around(drift->other, where.right_at) + "\" with " +
                    named(where.right) + " to " + drift->other_host + " from " +
                    (drift->other_client ? "another client" : "the same client");
  tell(std::move(evidence));
  return true;
}

void MarksChannel::tell_mark(const LineMark& mark, std::string_view line) noexcept {
  static constexpr std::array<std::string_view, 4> kRules = {"mark-look-alike", "mark-invisible",
                                                             "mark-quote", "mark-space"};
  static constexpr std::array<std::string_view, 4> kTitles = {
      "a character that looks like ASCII in prompt text", "an invisible character in prompt text",
      "an odd apostrophe in prompt text", "an odd blank in prompt text"};
  static constexpr std::array<double, 4> kScores = {0.8, 0.8, 0.6, 0.55};
  const auto kind = static_cast<size_t>(mark.kind);
  const std::string name = signatures::name_of_character(mark.code_point);
  Evidence evidence;
  evidence.kind = EvidenceKind::kAnomaly;
  evidence.rule = kRules[kind];
  evidence.title = kTitles[kind];
  evidence.data_class = "mark";
  evidence.field = place_ + ":" + name.substr(0, name.find(' '));
  evidence.score = kScores[kind];
  evidence.where = path_;
  evidence.offset = offset_;
  evidence.excerpt = shown_around(line, mark.at);
  evidence.detail = name + " in \"" + evidence.excerpt + "\"";
  if (mark.kind != MarkKind::kInvisible) {
    const auto looks = signatures::confusable(mark.code_point);
    if (looks && looks->ascii != '\0') {
      evidence.detail += ", where " +
                         signatures::name_of_character(static_cast<uint8_t>(looks->ascii)) +
                         " belongs";
    }
  }
  tell(std::move(evidence));
}

void MarksChannel::tell(Evidence&& evidence) noexcept {
  const auto same = [&](const Evidence& e) {
    return e.rule == evidence.rule && e.field == evidence.field;
  };
  if (std::any_of(found_.begin(), found_.end(), same)) return;
  if (found_.size() >= std::min<size_t>(16, limits_.evidence_per_request)) {
    return counters_.marks_dropped.add();
  }
  // Cut between characters.
  const auto cut = [](std::string& text, size_t most) {
    if (text.size() <= most) return;
    while (most > 0 && (static_cast<uint8_t>(text[most]) & 0xC0U) == 0x80) --most;
    text.resize(most);
  };
  cut(evidence.excerpt, limits_.excerpt_bytes);
  cut(evidence.detail, kMaxDetail);
  counters_.marks_found.add();
  found_.push_back(std::move(evidence));
  news_ = true;
}

}  // namespace

std::unique_ptr<DetectionChannel> make_marks_channel(std::shared_ptr<TemplateMemory> memory,
                                                     const Limits& limits,
                                                     DetectCounters& counters) {
  return std::make_unique<MarksChannel>(std::move(memory), limits, counters);
}

}  // namespace weir::inspect

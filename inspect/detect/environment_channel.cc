// See environment_channel.h.
#include "inspect/detect/environment_channel.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "inspect/detect/content_path.h"
#include "signatures/rule_validators.h"

namespace weir::inspect {

namespace {

// More of a value is not needed to say what it is.
constexpr size_t kMaxValue = 2048;

class EnvironmentChannel final : public DetectionChannel {
 public:
  EnvironmentChannel(std::shared_ptr<const signatures::RuleSet> rules, const Limits& limits,
                     DetectCounters& counters, CompanyAccounts accounts)
      : rules_(std::move(rules)),
        limits_(limits),
        counters_(counters),
        accounts_(std::move(accounts)) {
    value_.reserve(kMaxValue);
  }

  void on_block(const TextBlock& block) noexcept override;
  void on_end() noexcept override { settle(); }
  [[nodiscard]] bool has_news() const noexcept override { return news_; }
  void collect(std::vector<Evidence>& out) override;
  void reset() noexcept override {
    taking_ = false;
    news_ = false;
    found_.clear();
    opaque_ = kNoIndex;
  }

 private:
  void begin(const PieceMark& mark, bool may_go_on) noexcept;
  void settle() noexcept;
  void drop_decoded(std::string_view path) noexcept;
  void keep(uint32_t rule) noexcept;
  [[nodiscard]] Account account_of(const Evidence& evidence) const noexcept;

  std::shared_ptr<const signatures::RuleSet> rules_;
  const Limits& limits_;
  DetectCounters& counters_;
  CompanyAccounts accounts_;
  bool taking_ = false;  // value_ is that of a field, and perhaps not whole yet
  bool known_ = false;   // its name is one that rules know
  PlaceKind place_ = PlaceKind::kOther;
  std::string name_;
  std::string value_;
  std::string path_;
  uint64_t offset_ = 0;
  std::vector<Evidence> found_;
  static constexpr size_t kNoIndex = SIZE_MAX;
  size_t opaque_ = kNoIndex;  // in found_: of the piece before, and opaque
  bool news_ = false;
};

void EnvironmentChannel::on_block(const TextBlock& block) noexcept {
  for (const PieceMark& mark : block.pieces) {
    if (!mark.continues) {
      settle();
      drop_decoded(mark.path);
      begin(mark, mark.end == block.text.size());
    }
    if (!taking_) continue;
    const size_t room = kMaxValue - value_.size();
    value_.append(
        as_chars(block.text.subspan(mark.begin, std::min<size_t>(room, mark.end - mark.begin))));
  }
}

// A value that turned out to decode to text is not opaque: what it holds follows it.
void EnvironmentChannel::drop_decoded(std::string_view path) noexcept {
  if (opaque_ == kNoIndex) return;
  const std::string& where = found_[opaque_].where;
  if (path.size() > where.size() && path.starts_with(where) && path[where.size()] == '>') {
    found_.erase(found_.begin() + static_cast<ptrdiff_t>(opaque_));
  }
  opaque_ = kNoIndex;
}

// A short value under a name that nobody knows is not looked at further; at the end of a block
// settle() sees whether it was short.
void EnvironmentChannel::begin(const PieceMark& mark, bool may_go_on) noexcept {
  known_ = !mark.label.empty() && rules_->knows_field(mark.label);
  if (!known_ && !may_go_on && mark.end - mark.begin < signatures::RuleSet::kAnyFieldBytes) return;
  place_ = place_of(mark.path);
  if (place_ != PlaceKind::kField && place_ != PlaceKind::kArgument) return;
  taking_ = true;
  name_ = mark.label;
  path_ = mark.path;
  offset_ = mark.offset;
  value_.clear();
}

void EnvironmentChannel::settle() noexcept {
  if (!taking_) return;
  taking_ = false;
  if (!known_ && value_.size() < signatures::RuleSet::kAnyFieldBytes) return;
  counters_.environment_fields.add();
  std::string_view value = value_;
  while (!value.empty() && (value.back() == '\n' || value.back() == ' ')) value.remove_suffix(1);
  if (known_) {
    const auto rule = rules_->field_rule(name_, parent_in(path_), value);
    if (rule) return keep(*rule);
  }
  if (place_ != PlaceKind::kField) return;
  const auto rule = rules_->any_field_rule(value);
  if (!rule) return;
  const size_t before = found_.size();
  keep(*rule);
  if (found_.size() > before) opaque_ = before;
}

// An organisation that is not the company's is somebody else's; ids of persons say nothing.
Account EnvironmentChannel::account_of(const Evidence& evidence) const noexcept {
  if (evidence.data_class != "account" || accounts_.empty()) return Account::kUnknown;
  if (accounts_.stand_in(value_)) return Account::kCompany;
  return evidence.field.find("org") == std::string::npos ? Account::kUnknown : Account::kPersonal;
}

void EnvironmentChannel::keep(uint32_t index) noexcept {
  const signatures::ContentRule& rule = rules_->rule(index);
  if (place_ == PlaceKind::kArgument && !rule.in_messages) return;
  counters_.environment_values.add();
  Evidence evidence;
  evidence.field = shown_field(name_);
  const auto same = [&](const Evidence& e) {
    return e.data_class == rule.data_class && e.field == evidence.field;
  };
  if (std::any_of(found_.begin(), found_.end(), same)) return;
  if (found_.size() >= limits_.evidence_per_request) return counters_.environment_dropped.add();
  evidence.kind = EvidenceKind::kEnvironment;
  evidence.rule = rule.id;
  evidence.title = rule.title;
  evidence.data_class = rule.data_class;
  evidence.account = account_of(evidence);
  evidence.documented = rule.documented;
  evidence.score = rule.score;
  evidence.where = path_;
  evidence.offset = offset_;
  evidence.excerpt = signatures::mask(std::string_view(value_).substr(0, 256));
  evidence.excerpt.resize(std::min(evidence.excerpt.size(), limits_.excerpt_bytes));
  found_.push_back(std::move(evidence));
  news_ = true;
}

void EnvironmentChannel::collect(std::vector<Evidence>& out) {
  out.insert(out.end(), found_.begin(), found_.end());
  news_ = false;
}

}  // namespace

std::unique_ptr<DetectionChannel> make_environment_channel(
    std::shared_ptr<const signatures::RuleSet> rules, const Limits& limits,
    DetectCounters& counters, const CompanyAccounts& accounts) {
  return std::make_unique<EnvironmentChannel>(std::move(rules), limits, counters, accounts);
}

std::string shown_field(std::string_view name) {
  constexpr size_t kMaxName = 48;
  if (name.find_first_of("/\\@ ") != std::string_view::npos) return "***";
  std::string out(name.substr(0, kMaxName));
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c <= ' ' || c > '~') c = '?';
  }
  return out;
}

void merge_environment(std::vector<Evidence>& out, size_t first) {
  for (size_t i = first; i < out.size(); ++i) {
    if (out[i].kind != EvidenceKind::kEnvironment) continue;
    for (size_t j = i + 1; j < out.size();) {
      if (out[j].kind == EvidenceKind::kEnvironment && out[j].data_class == out[i].data_class &&
          out[j].field == out[i].field) {
        if (out[j].score > out[i].score) std::swap(out[i], out[j]);
        out.erase(out.begin() + static_cast<ptrdiff_t>(j));
      } else {
        ++j;
      }
    }
  }
}

}  // namespace weir::inspect

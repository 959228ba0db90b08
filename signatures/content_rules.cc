// See content_rules.h. The rules are compiled twice: for streams and for whole buffers. Only ends
// of matches are told: the matcher refuses a quarter of our patterns where it shall tell starts
// too. So confirm() searches for the start in the second database, by halving the text before the
// end.
#include "signatures/content_rules.h"

#include <hs/hs.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <map>
#include <utility>

#include "signatures/rule_set_impl.h"
#include "signatures/wildcard.h"

namespace weir::signatures {

namespace {

// A match is located with some bytes around it, so that word boundaries at its edges hold.
constexpr size_t kContext = 8;

unsigned int flags_of(const RuleSource& source) noexcept {
  // Never HS_FLAG_UTF8: it is undefined over text that is not UTF-8.
  return (source.caseless ? HS_FLAG_CASELESS : 0U) | (source.dotall ? HS_FLAG_DOTALL : 0U) |
         (source.multiline ? HS_FLAG_MULTILINE : 0U);
}

Error at_pattern(const RuleSource& source, const std::string& message) {
  return Error{"rule " + source.rule.id + ": pattern: " + message, source.rule.file,
               source.pattern_line, source.pattern_column};
}

std::string take_message(hs_compile_error_t* problem) {
  std::string message = "does not compile";
  if (problem != nullptr) {
    message = problem->message;
    hs_free_compile_error(problem);
  }
  return message;
}

// Widths decide how much is read back; a pattern that matches nothing, or without end, is refused.
Status measure(RuleSource& source) {
  hs_expr_info_t* raw = nullptr;
  hs_compile_error_t* problem = nullptr;
  if (hs_expression_info(source.pattern.c_str(), flags_of(source), &raw, &problem) != HS_SUCCESS) {
    return at_pattern(source, take_message(problem));
  }
  const std::unique_ptr<hs_expr_info_t, void (*)(void*)> info(raw, std::free);
  if (info->min_width == 0) return at_pattern(source, "matches the empty text");
  const bool endless = info->max_width == std::numeric_limits<unsigned int>::max();
  if (source.rule.max_length == 0) {
    if (endless || info->max_width > kRuleMaxLength) {
      return at_pattern(source, "matches more than " + std::to_string(kRuleMaxLength) +
                                    " bytes: bound its repetitions, or set max_length");
    }
    source.rule.max_length = info->max_width;
  }
  if (source.rule.max_length < info->min_width) {
    return at_pattern(source, "needs at least " + std::to_string(info->min_width) +
                                  " bytes, max_length is " +
                                  std::to_string(source.rule.max_length));
  }
  return ok_status();
}

Result<std::shared_ptr<const RuleSet>> none(const Error& error) { return error; }

Result<std::vector<std::string>> files_of(const std::string& path) {
  std::error_code failed;
  if (!std::filesystem::is_directory(path, failed)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(path, failed)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path().string());
  }
  if (failed) return Error{"cannot be read: " + failed.message(), path, 0, 0};
  std::sort(files.begin(), files.end());
  return files;
}

Status read_document(const config::YamlNode& root, const std::string& file,
                     std::vector<RuleSource>& sources) {
  config::YamlErrors errors(file);
  read_rules(root, errors, sources);
  if (!errors.empty()) return errors.to_error();
  return ok_status();
}

bool is_optional(const config::YamlNode& root) {
  const config::YamlNode* mark = root.find("optional");
  return mark != nullptr && mark->scalar == "true" && !mark->quoted;
}

Status check_ids(const std::vector<RuleSource>& sources) {
  std::map<std::string_view, const RuleSource*> known;
  for (const RuleSource& source : sources) {
    const auto [at, fresh] = known.emplace(source.rule.id, &source);
    if (fresh) continue;
    return Error{"rule id \"" + source.rule.id + "\" is taken by " + at->second->rule.file + ":" +
                     std::to_string(at->second->rule.line),
                 source.rule.file, source.rule.line, 0};
  }
  return ok_status();
}

bool holds(const RuleSource& source, std::string_view value) noexcept {
  return source.kinds.empty() ||
         std::any_of(source.kinds.begin(), source.kinds.end(),
                     [value](ValueKind kind) { return is_value(kind, value); });
}

bool accepts(const RuleSource& source, std::string_view value) noexcept {
  return holds(source, value) && validate(source.validators, source.rule.score, value, {}, {});
}

// Longer names are nobody's.
constexpr size_t kMaxField = 64;

// normal_field() without memory of its own.
std::string_view normalise(std::string_view name, std::array<char, kMaxField>& out) noexcept {
  size_t size = 0;
  for (char c : name) {
    c = ascii_lower(c);
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) continue;
    if (size == out.size()) return {};
    out[size++] = c;
  }
  return {out.data(), size};
}

}  // namespace

std::string normal_field(std::string_view name) {
  std::array<char, kMaxField> buffer;
  return std::string(normalise(name, buffer));
}

Result<PatternDatabase> compile_rules(const std::vector<RuleSource>& sources,
                                      const std::vector<uint32_t>& indexes, RuleUse use) {
  if (indexes.empty()) return PatternDatabase();
  std::vector<const char*> patterns;
  std::vector<unsigned int> flags;
  for (const uint32_t index : indexes) {
    patterns.push_back(sources[index].pattern.c_str());
    flags.push_back(flags_of(sources[index]));
  }
  hs_database_t* database = nullptr;
  hs_compile_error_t* problem = nullptr;
  if (hs_compile_multi(patterns.data(), flags.data(), indexes.data(),
                       static_cast<unsigned int>(patterns.size()),
                       use == RuleUse::kStream ? HS_MODE_STREAM : HS_MODE_BLOCK, nullptr, &database,
                       &problem) == HS_SUCCESS) {
    return PatternDatabase(database);
  }
  const int bad = problem != nullptr ? problem->expression : -1;
  std::string message = take_message(problem);
  if (bad >= 0 && static_cast<size_t>(bad) < indexes.size()) {
    return at_pattern(sources[indexes[static_cast<size_t>(bad)]], message);
  }
  return Error{"rules do not compile together: " + message, {}, 0, 0};
}

// All bad patterns in one error, as one edit of a rule file seldom breaks only one.
Status RuleSet::Impl::compile() {
  if (const Status ids = check_ids(sources); !ids) return ids.error();
  std::vector<uint32_t> indexes;
  std::vector<Error> errors;
  for (uint32_t i = 0; i < sources.size(); ++i) {
    add_fields(i);
    if (sources[i].pattern.empty()) continue;
    if (const Status measured = measure(sources[i]); !measured) {
      errors.push_back(measured.error());
      continue;
    }
    indexes.push_back(i);
  }
  if (!errors.empty()) {
    Error first = errors.front();
    for (size_t i = 1; i < errors.size(); ++i) first.message += "\n" + errors[i].to_string();
    return first;
  }
  auto streaming = compile_rules(sources, indexes, RuleUse::kStream);
  if (!streaming) return streaming.error();
  stream = std::move(streaming).value();
  auto buffers = compile_rules(sources, indexes, RuleUse::kWholeBuffer);
  if (!buffers) return buffers.error();
  locate = std::move(buffers).value();
  return ok_status();
}

void RuleSet::Impl::add_fields(uint32_t rule) {
  for (const std::string& name : sources[rule].fields) {
    if (name == "*") {
      any_field.push_back(rule);
      continue;
    }
    const size_t dot = name.rfind('.');
    Field field{rule, dot == std::string::npos ? "" : normal_field(name.substr(0, dot))};
    fields[normal_field(dot == std::string::npos ? name : name.substr(dot + 1))].push_back(
        std::move(field));
  }
}

RuleSet::RuleSet(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RuleSet::~RuleSet() = default;

Result<std::shared_ptr<const RuleSet>> RuleSet::load(const std::vector<std::string>& paths,
                                                     const config::EnvironmentSettings& company) {
  auto impl = std::make_unique<Impl>();
  for (const std::string& path : paths) {
    const auto files = files_of(path);
    if (!files) return none(files.error());
    for (const std::string& file : *files) {
      const auto root = config::load_yaml(file);
      if (!root) return none(root.error());
      if (file != path && is_optional(*root)) continue;
      if (const Status read = read_document(*root, file, impl->sources); !read) {
        return none(read.error());
      }
    }
  }
  add_company_rules(company, impl->sources);
  if (const Status compiled = impl->compile(); !compiled) return none(compiled.error());
  return std::shared_ptr<const RuleSet>(new RuleSet(std::move(impl)));
}

Result<std::shared_ptr<const RuleSet>> RuleSet::parse(std::string_view text,
                                                      const std::string& file) {
  auto impl = std::make_unique<Impl>();
  const auto root = config::parse_yaml(text, file);
  if (!root) return none(root.error());
  if (const Status read = read_document(*root, file, impl->sources); !read) {
    return none(read.error());
  }
  if (const Status compiled = impl->compile(); !compiled) return none(compiled.error());
  return std::shared_ptr<const RuleSet>(new RuleSet(std::move(impl)));
}

size_t RuleSet::size() const noexcept { return impl_->sources.size(); }
const ContentRule& RuleSet::rule(uint32_t index) const noexcept {
  return impl_->sources[index].rule;
}
const PatternDatabase& RuleSet::database() const noexcept { return impl_->stream; }

size_t RuleSet::bytes() const noexcept { return impl_->stream.bytes() + impl_->locate.bytes(); }

Status RuleSet::prepare(PatternScratch& scratch) const {
  if (impl_->stream.empty()) return ok_status();
  if (Status status = scratch.prepare(impl_->stream); !status) return status;
  return scratch.prepare(impl_->locate);
}

bool RuleSet::knows_field(std::string_view name) const noexcept {
  std::array<char, kMaxField> buffer;
  const std::string_view normal = normalise(name, buffer);
  return !normal.empty() && impl_->fields.find(normal) != impl_->fields.end();
}

std::optional<uint32_t> RuleSet::field_rule(std::string_view name, std::string_view parent,
                                            std::string_view value) const noexcept {
  std::array<char, kMaxField> buffer;
  const auto found = impl_->fields.find(normalise(name, buffer));
  if (found == impl_->fields.end()) return std::nullopt;
  std::array<char, kMaxField> around;
  const std::string_view normal_parent = normalise(parent, around);
  for (const Impl::Field& field : found->second) {
    if (!field.parent.empty() && field.parent != normal_parent) continue;
    if (accepts(impl_->sources[field.rule], value)) return field.rule;
  }
  return std::nullopt;
}

std::optional<uint32_t> RuleSet::any_field_rule(std::string_view value) const noexcept {
  if (value.size() < kAnyFieldBytes) return std::nullopt;
  for (const uint32_t rule : impl_->any_field) {
    if (accepts(impl_->sources[rule], value)) return rule;
  }
  return std::nullopt;
}

namespace {

struct Wanted {
  uint32_t rule;
  uint64_t end;
  bool found = false;
};

bool ends_there(void* context, uint32_t id, uint64_t /*from*/, uint64_t end) noexcept {
  Wanted& wanted = *static_cast<Wanted*>(context);
  if (id == wanted.rule && end == wanted.end) wanted.found = true;
  return wanted.found;  // ends of different rules come in no order
}

// Whether a match of the rule that begins at or after `begin` ends at `end`.
bool matches_from(const PatternDatabase& database, PatternScratch& scratch, uint32_t rule,
                  ByteSpan text, size_t begin, size_t end) noexcept {
  Wanted wanted{rule, end - begin};
  const ScanStatus status = scan_block(database, scratch, text.subspan(begin), ends_there, &wanted);
  return status != ScanStatus::kFailed && wanted.found;
}

}  // namespace

bool RuleSet::confirm(uint32_t index, ByteSpan text, size_t end, PatternScratch& scratch,
                      Confirmed& out) const {
  if (index >= impl_->sources.size() || end == 0 || end > text.size()) return false;
  const RuleSource& source = impl_->sources[index];
  const size_t length = std::min<size_t>(end, source.rule.max_length);
  const size_t from = end - std::min(end, length + kContext);
  const size_t to = std::min(text.size(), end + kContext);
  // A match begins at or after `begin`, none at or after `beyond`: the shortest one is found.
  const ByteSpan near = text.first(to);
  size_t begin = from;
  size_t beyond = end;
  if (!matches_from(impl_->locate, scratch, index, near, begin, end)) return false;
  while (beyond - begin > 1) {
    const size_t middle = begin + (beyond - begin) / 2;
    const bool later = matches_from(impl_->locate, scratch, index, near, middle, end);
    (later ? begin : beyond) = middle;
  }
  out.begin = std::max(begin, end - length);
  out.end = end;

  const std::string_view chars = as_chars(text);
  const std::string_view match = chars.substr(out.begin, out.end - out.begin);
  std::string_view value = source.value.find(match);
  if (source.length_prefixed) {
    const size_t size = out.begin > 0 ? text[out.begin - 1] : 0;
    if (size < 3 || size > value.size()) return false;
    // Before the length stands the field's number with the wire type of a string.
    if (out.begin < 2 || (text[out.begin - 2] & 7U) != 2) return false;
    value = value.substr(0, size);
  }
  if (!holds(source, value)) return false;
  out.value_begin = static_cast<size_t>(value.data() - chars.data());
  out.value_end = out.value_begin + value.size();
  const auto score =
      validate(source.validators, source.rule.score, value, chars.substr(0, out.begin),
               chars.substr(out.end).substr(0, kRuleLookAhead));
  if (!score) return false;
  out.score = *score;
  out.excerpt = mask(value);
  return true;
}

}  // namespace weir::signatures

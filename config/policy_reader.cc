// Rules and their conditions. A condition on words takes one ("x"), none of one ("!x"), a list of
// which one must hold ([x, y]) or of which none may (["!x", "!y"]); mixing both is an error, as
// nobody could say what it means.
#include "config/policy_reader.h"

#include <functional>
#include <limits>
#include <unordered_map>

#include "config/host_pattern.h"
#include "config/scalars.h"

namespace weir::config {
namespace {

constexpr size_t kMaxRules = 10'000;
constexpr std::string_view kStatuses = "unknown, sanctioned, tolerated, unsanctioned or internal";
constexpr std::string_view kAccounts = "company, personal or unknown";
constexpr std::string_view kVisibilities = "metadata, partly, decrypted or clear";
constexpr std::string_view kReasons =
    "none, no_data, no_key, keys_late, ech, quic, unsupported_cipher, decrypt_failed, opaque_body, "
    "not_inspected, unknown_protocol, lost_packets or mid_stream";
constexpr std::string_view kEvidenceKinds =
    "code, hash, secret, marker, name, environment or anomaly";
constexpr std::string_view kClasses =
    "chat, coding_agent, api, code_completion, model_hub, gateway or telemetry";

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::optional<uint64_t> parse_count(std::string_view text) noexcept {
  const std::optional<int64_t> value = parse_integer(text);
  if (!value || *value < 0) return std::nullopt;
  return static_cast<uint64_t>(*value);
}

std::optional<std::string> parse_word(std::string_view text) {
  if (text.empty()) return std::nullopt;
  return std::string(text);
}

std::optional<std::string> parse_lower_word(std::string_view text) {
  if (text.empty()) return std::nullopt;
  for (const char c : text) {
    if (c >= 'A' && c <= 'Z') return std::nullopt;
  }
  return std::string(text);
}

std::optional<std::string> parse_class(std::string_view text) {
  for (const std::string_view known : kServiceClasses) {
    if (text == known) return std::string(text);
  }
  return std::nullopt;
}

// A scalar, or the scalars of a list; an error and nothing when it is neither, or empty.
std::vector<const YamlNode*> scalars_of(const YamlNode& node, const std::string& path,
                                        std::string_view expected, YamlErrors& errors) {
  std::vector<const YamlNode*> out;
  if (node.kind == YamlNode::Kind::kScalar) return {&node};
  if (node.kind != YamlNode::Kind::kList || node.items.empty()) {
    errors.add(node, path + ": expected " + std::string(expected) + ", or a list of these");
    return {};
  }
  for (const YamlNode& item : node.items) {
    if (item.kind != YamlNode::Kind::kScalar) {
      errors.add(item, path + ": expected " + std::string(expected));
      return {};
    }
    out.push_back(&item);
  }
  return out;
}

class ConditionReader {
 public:
  ConditionReader(const YamlNode& node, const std::string& prefix, YamlErrors& errors)
      : map_(node, prefix, errors), errors_(errors) {}

  template <typename T, typename Parse>
  void one_of(std::string_view key, std::optional<OneOf<T>>& out, Parse parse,
              std::string_view expected) {
    const YamlNode* node = map_.child(key);
    if (node == nullptr) return;
    OneOf<T> read;
    bool first = true;
    bool good = true;
    const std::vector<const YamlNode*> items = scalars_of(*node, map_.path(key), expected, errors_);
    for (const YamlNode* item : items) {
      std::string_view word = item->scalar;
      const bool negated = !word.empty() && word.front() == '!';
      if (negated) word = trimmed(word.substr(1));
      if (first) read.negated = negated;
      if (negated != read.negated) {
        errors_.add(*item, map_.path(key) + ": values with and without \"!\" in one list");
        good = false;
      }
      first = false;
      const std::optional<T> value = parse(word);
      if (value) {
        read.values.push_back(*value);
      } else {
        errors_.add(*item, map_.path(key) + ": \"" + std::string(word) + "\", expected " +
                               std::string(expected));
        good = false;
      }
    }
    if (good && !items.empty()) out = std::move(read);
  }

  void networks(std::string_view key, std::optional<std::vector<IpNetwork>>& out) {
    constexpr std::string_view kExpected = "a network such as 10.0.0.0/8 or 2001:db8::/32";
    const YamlNode* node = map_.child(key);
    if (node == nullptr) return;
    std::vector<IpNetwork> read;
    const std::vector<const YamlNode*> items =
        scalars_of(*node, map_.path(key), kExpected, errors_);
    for (const YamlNode* item : items) {
      const std::optional<IpNetwork> network = IpNetwork::parse(item->scalar);
      if (network) {
        read.push_back(*network);
      } else {
        errors_.add(*item, map_.path(key) + ": \"" + item->scalar + "\", expected " +
                               std::string(kExpected));
      }
    }
    if (!items.empty() && read.size() == items.size()) out = std::move(read);
  }

  void range(std::string_view key, std::optional<Range>& out, ParseAmount parse,
             std::string_view expected) {
    const YamlNode* node = map_.child(key);
    if (node == nullptr) return;
    if (node->kind == YamlNode::Kind::kScalar) out = parse_range(node->scalar, parse);
    if (!out) map_.bad(key, quoted(*node) + "expected " + std::string(expected));
  }

  void burst(std::string_view key, std::optional<Burst>& out) {
    const YamlNode* node = map_.child(key);
    if (node == nullptr) return;
    if (node->kind == YamlNode::Kind::kScalar) out = parse_burst(node->scalar);
    if (!out) {
      map_.bad(key, quoted(*node) + R"(expected a size and 1s to 60s, such as ">1MiB in 10s")");
    }
  }

  void score(std::string_view key, std::optional<double>& out) {
    const YamlNode* node = map_.child(key);
    if (node == nullptr) return;
    if (node->kind == YamlNode::Kind::kScalar) {
      std::string_view text = trimmed(node->scalar);
      if (text.substr(0, 2) == ">=") text = trimmed(text.substr(2));
      out = parse_number(text);
    }
    if (out && *out >= 0 && *out <= 1) return;
    out.reset();
    map_.bad(key, quoted(*node) + "expected a least score from 0 to 1 such as \">=0.7\"");
  }

  void boolean(std::string_view key, std::optional<bool>& out) {
    bool value = false;
    if (map_.boolean(key, value)) out = value;
  }

  void finish() { map_.finish(); }

 private:
  static std::string quoted(const YamlNode& node) {
    return node.kind == YamlNode::Kind::kScalar ? "\"" + node.scalar + "\", " : "";
  }

  MapReader map_;
  YamlErrors& errors_;
};

void read_conditions(const YamlNode& node, const std::string& prefix, YamlErrors& errors,
                     RuleConditions& out) {
  constexpr std::string_view kCount = R"(a count: ">=8", "<5", "3..10" or 8)";
  constexpr std::string_view kSize = R"(a size: ">1MiB", "<=64KiB" or "1KiB..1MiB")";
  ConditionReader when(node, prefix, errors);
  when.one_of("status", out.status, parse_service_status, kStatuses);
  when.one_of("service", out.service, parse_word, "the id of a service");
  when.one_of("class", out.service_class, parse_class, kClasses);
  when.one_of("tool", out.tool, parse_word, "the id of a tool");
  when.one_of("protocol", out.protocol, parse_lower_word, "a protocol in lower case such as tls");
  when.one_of("host", out.host, normalise_host_pattern, "a host name or *.suffix");
  when.one_of("user", out.user, parse_word, "the name of a user");
  when.one_of("account", out.account, parse_account, kAccounts);
  when.one_of("visibility", out.visibility, parse_visibility, kVisibilities);
  when.one_of("visibility_reason", out.visibility_reason, parse_visibility_reason, kReasons);
  when.networks("source", out.source);
  when.range("up", out.up, parse_bytes, kSize);
  when.burst("burst", out.burst);
  when.range("one_upload", out.one_upload, parse_bytes, kSize);
  when.range("telemetry", out.telemetry, parse_bytes, kSize);
  when.one_of("evidence", out.evidence, parse_evidence_kind, kEvidenceKinds);
  when.one_of("repository", out.repository, parse_word, "the name of a repository");
  when.one_of("rule", out.content_rule, parse_word, "the id of a content rule");
  when.range("lines", out.lines, parse_count, kCount);
  when.score("strength", out.min_score);
  when.boolean("documented", out.documented);
  when.finish();
}

PolicyRule read_rule(const YamlNode& node, const std::string& prefix, YamlErrors& errors) {
  PolicyRule rule;
  rule.line = node.line;
  MapReader map(node, prefix, errors);
  map.require("name");
  map.text("name", rule.name);
  if (const YamlNode* when = map.map("when")) {
    read_conditions(*when, map.path("when"), errors, rule.when);
  }
  map.require("then");
  map.choice("then", rule.then, parse_action, "allow, alert, reset or drop");
  if (rule.then == Action::kAllow) rule.severity = Severity::kNone;
  map.choice("severity", rule.severity, parse_severity,
             "none, info, low, medium, high or critical");
  if (rule.then != Action::kAllow && rule.severity == Severity::kNone) {
    map.bad("severity", "none goes with allow only");
  }
  map.finish();
  return rule;
}

}  // namespace

std::optional<Range> parse_range(std::string_view text, ParseAmount parse) noexcept {
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  text = trimmed(text);
  Range range;
  if (const size_t dots = text.find(".."); dots != std::string_view::npos) {
    range.min = parse(trimmed(text.substr(0, dots)));
    range.max = parse(trimmed(text.substr(dots + 2)));
    if (!range.min || !range.max || *range.min > *range.max) return std::nullopt;
    return range;
  }
  const char first = text.empty() ? '\0' : text.front();
  const bool bound = first == '>' || first == '<';
  const bool inclusive = bound && text.size() > 1 && text[1] == '=';
  const std::optional<uint64_t> value =
      parse(trimmed(text.substr(bound ? (inclusive ? 2 : 1) : 0)));
  if (!value) return std::nullopt;
  if (first == '>') {
    if (!inclusive && *value == kMost) return std::nullopt;
    range.min = inclusive ? *value : *value + 1;
  } else if (first == '<') {
    if (!inclusive && *value == 0) return std::nullopt;
    range.max = inclusive ? *value : *value - 1;
  } else {
    range.min = range.max = *value;
  }
  return range;
}

std::optional<Burst> parse_burst(std::string_view text) noexcept {
  constexpr std::string_view kIn = " in ";
  const size_t in = text.find(kIn);
  if (in == std::string_view::npos) return std::nullopt;
  const auto bytes = parse_range(text.substr(0, in), parse_bytes);
  const auto time = parse_duration(trimmed(text.substr(in + kIn.size())));
  constexpr int64_t kSecond = Duration::seconds(1).ns;
  if (!bytes || !time || time->ns % kSecond != 0) return std::nullopt;
  const int64_t seconds = time->ns / kSecond;
  if (seconds < 1 || seconds > int64_t{kMaxBurstSeconds}) return std::nullopt;
  return Burst{*bytes, static_cast<uint32_t>(seconds)};
}

void read_policy(const YamlNode& list, YamlErrors& errors, std::vector<PolicyRule>& out) {
  if (list.items.size() > kMaxRules) {
    errors.add(list, "policy: more than " + std::to_string(kMaxRules) + " rules");
    return;
  }
  std::vector<PolicyRule> rules;
  std::unordered_map<std::string, int> lines;  // of the names
  for (size_t i = 0; i < list.items.size(); ++i) {
    const YamlNode& item = list.items[i];
    const std::string prefix = "policy[" + std::to_string(i) + "]";
    rules.push_back(read_rule(item, prefix, errors));
    const YamlNode* name = item.find("name");
    if (name == nullptr || name->kind != YamlNode::Kind::kScalar) continue;
    if (name->scalar.empty()) errors.add(*name, prefix + ".name: empty");
    const auto [first, added] = lines.emplace(name->scalar, name->line);
    if (!added) {
      errors.add(*name, prefix + ".name: \"" + name->scalar + "\" again, first in line " +
                            std::to_string(first->second));
    }
  }
  out = std::move(rules);
}

}  // namespace weir::config

// Policy against a slow and obvious reference over generated rules and facts. The reference turns
// every condition into a list of accepted values and looks at all rules, then sorts.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "inspect/policy/policy.h"

namespace weir::inspect {
namespace {

using config::OneOf;
using config::PolicyRule;
using config::Range;
using config::RuleConditions;

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  uint64_t below(uint64_t n) { return random_() % n; }
  bool chance(uint64_t one_in) { return below(one_in) == 0; }

  std::string word() {
    static const std::vector<std::string> kWords = {"", "a", "b", "c"};
    return kWords[below(kWords.size())];
  }
  std::string host() {
    static const std::vector<std::string> kHosts = {"",        "x.test",     "a.x.test",
                                                    "ax.test", "b.a.x.test", "test"};
    return kHosts[below(kHosts.size())];
  }
  std::string pattern() { return chance(2) ? host() : "*." + std::string("x.test"); }
  IpAddress address() { return IpAddress::v4(static_cast<uint32_t>(below(8) << 28 | below(4))); }

  template <typename E>
  E value(uint64_t count) {
    return static_cast<E>(below(count));
  }
  template <typename T, typename Make>
  std::optional<OneOf<T>> maybe(Make make) {
    if (!chance(5)) return std::nullopt;
    OneOf<T> out;
    out.negated = chance(2);
    do out.values.push_back(make());
    while (chance(2));
    return out;
  }
  std::optional<Range> range() {
    if (!chance(5)) return std::nullopt;
    Range out;
    if (chance(2)) out.min = below(10);
    if (chance(2)) out.max = below(12);
    return out;
  }

  PolicyRule rule(size_t index) {
    const auto make_word = [this] { return word(); };
    PolicyRule out;
    out.name = std::to_string(index);
    out.then = value<Action>(4);
    out.severity = value<Severity>(6);
    RuleConditions& when = out.when;
    when.status = maybe<ServiceStatus>([this] { return value<ServiceStatus>(5); });
    when.service = maybe<std::string>(make_word);
    when.service_class = maybe<std::string>(make_word);
    when.tool = maybe<std::string>(make_word);
    when.protocol = maybe<std::string>(make_word);
    when.host = maybe<std::string>([this] { return pattern(); });
    when.user = maybe<std::string>(make_word);
    when.visibility = maybe<Visibility>([this] { return value<Visibility>(4); });
    when.visibility_reason =
        maybe<VisibilityReason>([this] { return value<VisibilityReason>(kVisibilityReasons); });
    if (chance(5)) {
      std::vector<IpNetwork> networks;
      do networks.push_back({address(), static_cast<uint8_t>(90 + below(39))});
      while (chance(2));
      when.source = networks;
    }
    when.up = range();
    when.one_upload = range();
    if (const auto bytes = range()) {
      when.burst = config::Burst{*bytes, static_cast<uint32_t>(1 + below(3))};
    }
    when.evidence = maybe<EvidenceKind>([this] { return value<EvidenceKind>(7); });
    when.repository = maybe<std::string>(make_word);
    when.content_rule = maybe<std::string>(make_word);
    when.lines = range();
    if (chance(5)) when.min_score = static_cast<double>(below(5)) / 4;
    if (chance(8)) when.documented = chance(2);
    return out;
  }

  FlowIdentity flow() {
    FlowIdentity out;
    out.client.ip = address();
    out.protocol = word();
    out.service = word();
    out.service_class = word();
    out.status = value<ServiceStatus>(5);
    out.host = host();
    out.tool = word();
    out.visibility = value<Visibility>(4);
    out.visibility_reason = value<VisibilityReason>(kVisibilityReasons);
    return out;
  }

  Evidence evidence() {
    Evidence out;
    out.kind = value<EvidenceKind>(7);
    out.rule = word();
    out.repository = word();
    out.lines = static_cast<uint32_t>(below(12));
    out.score = static_cast<double>(below(5)) / 4;
    out.documented = chance(2);
    return out;
  }

 private:
  std::mt19937_64 random_;
};

template <typename T>
bool accepts(const OneOf<T>& condition, const T& value) {
  const std::set<T> values(condition.values.begin(), condition.values.end());
  return (values.count(value) == 1) == !condition.negated;
}

std::vector<std::string> labels(std::string_view host) {
  std::vector<std::string> out(1);
  for (const char c : host) {
    if (c == '.') {
      out.emplace_back();
    } else {
      out.back().push_back(c);
    }
  }
  std::reverse(out.begin(), out.end());
  return out;
}

bool host_accepts(const OneOf<std::string>& condition, const std::string& host) {
  bool any = false;
  for (const std::string& pattern : condition.values) {
    if (pattern.rfind("*.", 0) != 0) {
      any = any || pattern == host;
      continue;
    }
    const std::vector<std::string> suffix = labels(pattern.substr(2));
    const std::vector<std::string> name = labels(host);
    bool all = name.size() >= suffix.size();
    for (size_t i = 0; all && i < suffix.size(); ++i) all = suffix[i] == name[i];
    any = any || all;
  }
  return any != condition.negated;
}

bool in_network(const IpNetwork& network, const IpAddress& ip) {
  for (size_t bit = 0; bit < network.prefix; ++bit) {
    const auto mask = static_cast<uint8_t>(0x80U >> bit % 8);
    if ((network.address.bytes[bit / 8] & mask) != (ip.bytes[bit / 8] & mask)) return false;
  }
  return true;
}

bool range_accepts(const Range& range, uint64_t value) {
  if (range.min && value < *range.min) return false;
  return !(range.max && value > *range.max);
}

bool piece_fits(const RuleConditions& when, const Evidence& e) {
  std::vector<bool> all;
  if (when.evidence) all.push_back(accepts(*when.evidence, e.kind));
  if (when.repository) all.push_back(accepts(*when.repository, e.repository));
  if (when.content_rule) all.push_back(accepts(*when.content_rule, e.rule));
  if (when.lines) all.push_back(range_accepts(*when.lines, e.lines));
  if (when.min_score) all.push_back(e.score >= *when.min_score);
  if (when.documented) {
    all.push_back(e.kind == EvidenceKind::kEnvironment && e.documented == *when.documented);
  }
  return std::find(all.begin(), all.end(), false) == all.end();
}

bool fits(const RuleConditions& when, const PolicyFacts& facts) {
  const FlowIdentity& flow = *facts.flow;
  std::vector<bool> all;
  if (when.status) all.push_back(accepts(*when.status, flow.status));
  if (when.service) all.push_back(accepts(*when.service, flow.service));
  if (when.service_class) all.push_back(accepts(*when.service_class, flow.service_class));
  if (when.tool) all.push_back(accepts(*when.tool, flow.tool));
  if (when.protocol) all.push_back(accepts(*when.protocol, flow.protocol));
  if (when.host) all.push_back(host_accepts(*when.host, flow.host));
  if (when.user) all.push_back(accepts(*when.user, std::string(facts.user)));
  if (when.visibility) all.push_back(accepts(*when.visibility, flow.visibility));
  if (when.visibility) all.push_back(!facts.sight_pending);
  if (when.visibility_reason) {
    all.push_back(!facts.sight_pending && accepts(*when.visibility_reason, flow.visibility_reason));
  }
  if (when.one_upload) all.push_back(range_accepts(*when.one_upload, facts.one_upload));
  if (when.burst) {
    uint64_t most = 0;  // of a window that nobody measured
    for (const BurstPeak& peak : facts.bursts) {
      if (peak.seconds == when.burst->seconds) most = peak.bytes;
    }
    all.push_back(range_accepts(when.burst->bytes, most));
  }
  if (when.source) {
    all.push_back(std::any_of(when.source->begin(), when.source->end(),
                              [&flow](const auto& n) { return in_network(n, flow.client.ip); }));
  }
  if (when.up) all.push_back(range_accepts(*when.up, facts.upload_bytes));
  if (when.evidence || when.repository || when.content_rule || when.lines || when.min_score ||
      when.documented) {
    all.push_back(std::any_of(facts.evidence.begin(), facts.evidence.end(),
                              [&when](const Evidence& e) { return piece_fits(when, e); }));
  }
  return std::find(all.begin(), all.end(), false) == all.end();
}

std::vector<const PolicyRule*> matching(const std::vector<PolicyRule>& rules,
                                        const PolicyFacts& facts) {
  std::vector<const PolicyRule*> out;
  for (const PolicyRule& rule : rules) {
    if (fits(rule.when, facts)) out.push_back(&rule);
  }
  std::stable_sort(out.begin(), out.end(), [](const PolicyRule* a, const PolicyRule* b) {
    return std::pair(a->then, a->severity) > std::pair(b->then, b->severity);
  });
  return out;
}

TEST(PolicyReference, AgreesOverGeneratedRulesAndFacts) {
  Generator make(20240229);
  size_t decided = 0;
  size_t undecided = 0;
  for (size_t round = 0; round < 1'000; ++round) {
    std::vector<PolicyRule> rules;
    for (size_t i = make.below(12); i > 0; --i) rules.push_back(make.rule(i));
    const Policy policy(rules);
    for (size_t i = 0; i < 20; ++i) {
      const FlowIdentity flow = make.flow();
      std::vector<Evidence> evidence;
      for (size_t n = make.below(4); n > 0; --n) evidence.push_back(make.evidence());
      const std::string user = make.word();
      PolicyFacts facts;
      facts.flow = &flow;
      facts.user = user;
      facts.upload_bytes = make.below(14);
      facts.evidence = evidence;
      facts.one_upload = make.below(14);
      const std::array<BurstPeak, 2> bursts = {BurstPeak{1, make.below(14)},
                                               BurstPeak{2, make.below(14)}};
      facts.bursts = bursts;
      facts.sight_pending = make.chance(4);

      const std::vector<const PolicyRule*> expected = matching(rules, facts);
      const Decision decision = policy.decide(facts);
      const std::string explained = policy.explain(facts);
      size_t matches = 0;
      for (size_t at = explained.find(": matches: "); at != std::string::npos;
           at = explained.find(": matches: ", at + 1)) {
        ++matches;
      }
      ASSERT_EQ(matches, expected.size()) << explained;
      if (expected.empty()) {
        ++undecided;
        ASSERT_EQ(decision.rule, nullptr);
        ASSERT_EQ(decision.action, Action::kAllow);
        continue;
      }
      ++decided;
      ASSERT_NE(decision.rule, nullptr) << explained;
      ASSERT_EQ(decision.rule->name, expected.front()->name) << explained;
      ASSERT_EQ(decision.action, expected.front()->then);
      ASSERT_EQ(decision.severity, expected.front()->severity);
    }
  }
  // Both happen often, or the comparison would say little.
  EXPECT_GT(decided, 5'000U);
  EXPECT_GT(undecided, 2'000U);
}

}  // namespace
}  // namespace weir::inspect

// Policy over rules written as users write them: which rule decides, and what explain() says.
#include "inspect/policy/policy.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/inspect/policy/allocation_count.h"

namespace weir::inspect {
namespace {

Policy policy_of(const std::string& rules) {
  Result<config::Settings> settings = config::parse_settings(rules, "f.yaml");
  if (!settings) {
    ADD_FAILURE() << settings.error().to_string();
    return Policy({});
  }
  return Policy(settings->policy);
}

Evidence code(uint32_t lines, double score = 1.0, std::string repository = "core") {
  Evidence e;
  e.kind = EvidenceKind::kCode;
  e.rule = "text";
  e.repository = std::move(repository);
  e.lines = lines;
  e.score = score;
  return e;
}

Evidence other(EvidenceKind kind, std::string rule = "r", double score = 1.0) {
  Evidence e;
  e.kind = kind;
  e.rule = std::move(rule);
  e.score = score;
  return e;
}

std::string_view name_of(const Decision& decision) {
  return decision.rule == nullptr ? "" : std::string_view(decision.rule->name);
}

// A coding agent that is not allowed, seen from outside.
FlowIdentity agent() {
  FlowIdentity flow;
  flow.client.ip = *IpAddress::parse("10.1.2.3");
  flow.protocol = "tls";
  flow.service = "claude-code";
  flow.service_class = "coding_agent";
  flow.status = ServiceStatus::kUnsanctioned;
  flow.host = "api.anthropic.com";
  flow.tool = "claude-code";
  flow.visibility = Visibility::kMetadata;
  return flow;
}

PolicyFacts facts_of(const FlowIdentity& flow, std::span<const Evidence> evidence = {}) {
  PolicyFacts facts;
  facts.flow = &flow;
  facts.evidence = evidence;
  return facts;
}

TEST(Policy, TheDefaultPolicyOverTheMainCases) {
  const Policy policy(config::default_policy());
  FlowIdentity flow = agent();
  EXPECT_EQ(name_of(policy.decide(facts_of(flow))), "banned agents");
  EXPECT_EQ(policy.decide(facts_of(flow)).action, Action::kDrop);

  flow.service_class = "chat";
  EXPECT_EQ(policy.decide(facts_of(flow)).rule, nullptr);
  PolicyFacts upload = facts_of(flow);
  upload.upload_bytes = 1U << 20;
  EXPECT_EQ(name_of(policy.decide(upload)), "");
  ++upload.upload_bytes;
  EXPECT_EQ(name_of(policy.decide(upload)), "blind upload");

  const std::vector<Evidence> few = {code(7)};
  const std::vector<Evidence> many = {code(8)};
  EXPECT_EQ(name_of(policy.decide(facts_of(flow, few))), "some code");
  EXPECT_EQ(name_of(policy.decide(facts_of(flow, many))), "code leaves");
  flow.status = ServiceStatus::kInternal;
  EXPECT_EQ(name_of(policy.decide(facts_of(flow, many))), "some code");
  flow.status = ServiceStatus::kUnknown;
  EXPECT_EQ(name_of(policy.decide(facts_of(flow, many))), "code leaves");

  const std::vector<Evidence> secret = {other(EvidenceKind::kSecret)};
  EXPECT_EQ(policy.decide(facts_of(flow, secret)).severity, Severity::kCritical);
  const std::vector<Evidence> marker = {other(EvidenceKind::kMarker)};
  EXPECT_EQ(name_of(policy.decide(facts_of(flow, marker))), "markers");
}

TEST(Policy, NoRuleAllows) {
  const FlowIdentity flow = agent();
  const Decision decision = Policy({}).decide(facts_of(flow));
  EXPECT_EQ(decision.action, Action::kAllow);
  EXPECT_EQ(decision.severity, Severity::kNone);
  EXPECT_EQ(decision.rule, nullptr);
}

TEST(Policy, TheStrictestWinsThenTheSevererThenTheFirst) {
  const Policy policy = policy_of(R"(
policy:
  - {name: allowed,  when: {class: coding_agent}, then: allow, severity: critical}
  - {name: first,    when: {class: coding_agent}, then: alert, severity: low}
  - {name: severer,  when: {class: coding_agent}, then: alert, severity: high}
  - {name: same,     when: {class: coding_agent}, then: alert, severity: high}
  - {name: reset,    when: {protocol: tls, tool: claude-code}, then: reset, severity: info}
  - {name: drop,     when: {evidence: code}, then: drop, severity: info}
)");
  FlowIdentity flow = agent();
  const std::vector<Evidence> evidence = {code(1)};
  EXPECT_EQ(name_of(policy.decide(facts_of(flow, evidence))), "drop");
  EXPECT_EQ(name_of(policy.decide(facts_of(flow))), "reset");
  flow.tool.clear();
  EXPECT_EQ(name_of(policy.decide(facts_of(flow))), "severer");
}

TEST(Policy, AnAllowThatMatchesIsNamed) {
  const Policy policy = policy_of("policy: [{name: fine, when: {protocol: tls}, then: allow}]");
  const FlowIdentity flow = agent();
  EXPECT_EQ(name_of(policy.decide(facts_of(flow))), "fine");
}

TEST(Policy, EvidenceConditionsHoldTogetherForOnePiece) {
  const Policy policy = policy_of(
      R"(policy: [{name: x, when: {evidence: code, repository: core, lines: ">=8", strength: 0.5}, then: alert}])");
  const FlowIdentity flow = agent();
  const auto hit = [&](std::vector<Evidence> evidence) {
    return policy.decide(facts_of(flow, evidence)).rule != nullptr;
  };
  EXPECT_TRUE(hit({code(8, 0.5)}));
  EXPECT_TRUE(hit({code(1), other(EvidenceKind::kSecret), code(9)}));
  EXPECT_FALSE(hit({}));
  // Each condition holds for some piece, none for all.
  EXPECT_FALSE(hit({code(8, 0.4), code(7, 0.9), code(20, 1.0, "docs")}));
  EXPECT_FALSE(hit({code(8, std::numeric_limits<double>::quiet_NaN())}));
}

TEST(Policy, NegatedConditions) {
  const Policy policy = policy_of(
      R"(policy: [{name: x, when: {evidence: ["!code", "!hash"], status: ["!internal", "!sanctioned"]}, then: alert}])");
  FlowIdentity flow = agent();
  const auto hit = [&](std::vector<Evidence> evidence) {
    return policy.decide(facts_of(flow, evidence)).rule != nullptr;
  };
  EXPECT_FALSE(hit({code(8)}));
  EXPECT_FALSE(hit({}));
  EXPECT_TRUE(hit({code(8), other(EvidenceKind::kName)}));
  flow.status = ServiceStatus::kSanctioned;
  EXPECT_FALSE(hit({other(EvidenceKind::kName)}));
}

TEST(Policy, DocumentedIsOfEnvironmentOnly) {
  const Policy policy =
      policy_of("policy: [{name: x, when: {documented: false}, then: alert, severity: low}]");
  const FlowIdentity flow = agent();
  std::vector<Evidence> evidence = {other(EvidenceKind::kSecret)};
  EXPECT_EQ(name_of(policy.decide(facts_of(flow, evidence))), "");
  evidence.push_back(other(EvidenceKind::kEnvironment));
  EXPECT_EQ(name_of(policy.decide(facts_of(flow, evidence))), "x");
  evidence.back().documented = true;
  EXPECT_EQ(name_of(policy.decide(facts_of(flow, evidence))), "");
}

TEST(Policy, EachConditionOfAFlow) {
  const FlowIdentity flow = agent();
  PolicyFacts facts = facts_of(flow);
  facts.user = "alice";
  facts.upload_bytes = 100;
  const std::vector<Evidence> evidence = {other(EvidenceKind::kSecret, "aws-key")};
  facts.evidence = evidence;
  const std::pair<const char*, bool> cases[] = {
      {"status: unsanctioned", true},
      {"status: [internal, sanctioned]", false},
      {"service: [x, claude-code]", true},
      {"service: \"!claude-code\"", false},
      {"class: coding_agent", true},
      {"class: chat", false},
      {"tool: claude-code", true},
      {"tool: codex", false},
      {"protocol: tls", true},
      {"protocol: quic", false},
      {"host: \"*.anthropic.com\"", true},
      {"host: anthropic.com", false},
      {"host: \"!*.anthropic.com\"", false},
      {"host: [\"!a.example\"]", true},
      {"user: alice", true},
      {"user: \"!alice\"", false},
      {"visibility: metadata", true},
      {"visibility: [clear, decrypted]", false},
      {"source: 10.0.0.0/8", true},
      {"source: [\"::/64\", 10.1.2.3]", true},
      {"source: 192.168.0.0/16", false},
      {"up: \"<=100\"", true},
      {"up: \">100\"", false},
      {"rule: aws-key", true},
      {"rule: \"!aws-key\"", false},
      {"strength: \">=1\"", true},
      {"repository: core", false},
      {"lines: 0", true},
  };
  for (const auto& [condition, expected] : cases) {
    const Policy policy =
        policy_of(std::string("policy: [{name: x, when: {") + condition + "}, then: alert}]");
    EXPECT_EQ(policy.decide(facts).rule != nullptr, expected) << condition;
  }
}

TEST(Policy, TheUserOfTheFlowCountsUnlessTheFactsNameOne) {
  const Policy policy = policy_of("policy: [{name: x, when: {user: bob}, then: alert}]");
  FlowIdentity flow = agent();
  flow.user = "bob";
  PolicyFacts facts = facts_of(flow);
  EXPECT_EQ(name_of(policy.decide(facts)), "x");
  facts.user = "alice";
  EXPECT_EQ(name_of(policy.decide(facts)), "");
}

TEST(Policy, NothingKnownOfTheFlow) {
  const Policy policy = policy_of(R"(
policy:
  - {name: known,   when: {status: unsanctioned}, then: drop, severity: high}
  - {name: unknown, when: {status: unknown, service: "!x"}, then: alert, severity: low}
)");
  EXPECT_EQ(name_of(policy.decide(PolicyFacts())), "unknown");
}

TEST(Policy, DecidingAllocatesNothing) {
  const Policy policy(config::default_policy());
  const FlowIdentity flow = agent();
  const std::vector<Evidence> evidence = {code(3), other(EvidenceKind::kSecret), code(30)};
  const PolicyFacts facts = facts_of(flow, evidence);
  (void)policy.decide(PolicyFacts());
  const uint64_t before = test::allocation_count();
  const Decision with = policy.decide(facts);
  const Decision without = policy.decide(PolicyFacts());
  const uint64_t after = test::allocation_count();
  EXPECT_EQ(after, before);
  EXPECT_EQ(name_of(with), "code leaves");
  EXPECT_EQ(without.rule, nullptr);
  (void)policy.explain(facts);
  EXPECT_GT(test::allocation_count(), after);  // the counter counts
}

TEST(Policy, ExplainSaysWhatFailsFirst) {
  const Policy policy = policy_of(R"(policy:
  - {name: other class,  when: {class: [chat, api], status: internal}, then: drop}
  - {name: other status, when: {class: coding_agent, status: "!unsanctioned"}, then: drop}
  - {name: who,          when: {user: bob}, then: drop}
  - {name: from,         when: {source: [10.2.0.0/16, "2001:db8::/32"]}, then: drop}
  - {name: much,         when: {up: ">1KiB"}, then: drop}
  - {name: furthest,     when: {evidence: code, lines: ">=8", strength: 0.5}, then: drop}
  - {name: secret,       when: {evidence: secret}, then: drop}
  - {name: openly,       when: {documented: true}, then: drop}
  - {name: some code,    when: {evidence: code}, then: alert, severity: medium}
  - {name: agents,       when: {class: coding_agent}, then: reset, severity: high}
)");
  const FlowIdentity flow = agent();
  const std::vector<Evidence> evidence = {code(3, 0.9), code(9, 0.25), code(2)};
  EXPECT_EQ(
      policy.explain(facts_of(flow, evidence)),
      "other class (line 2): does not match: status is unsanctioned, wants internal\n"
      "other status (line 3): does not match: status is unsanctioned, wants not unsanctioned\n"
      "who (line 4): does not match: user is not known, wants bob\n"
      "from (line 5): does not match: source is 10.1.2.3, wants one of 10.2.0.0/16, "
      "2001:db8::/32\n"
      "much (line 6): does not match: up is 0, wants at least 1025\n"
      "furthest (line 7): does not match: strength is 0.25, wants at least 0.5\n"
      "secret (line 8): does not match: evidence is code, wants secret\n"
      "openly (line 9): does not match: documented is not known, wants true\n"
      "some code (line 10): matches: alert, medium\n"
      "agents (line 11): matches: reset, high (decides)\n");
  const std::string without = policy.explain(facts_of(flow));
  EXPECT_NE(without.find("some code (line 10): does not match: there is no evidence\n"),
            std::string::npos)
      << without;
}

TEST(Policy, WhyNoMoreWasSeenAndHowMuchWentUpAtOnce) {
  const Policy policy = policy_of(R"(policy:
  - {name: hidden name, when: {visibility_reason: ech, up: ">1KiB"}, then: alert, severity: low}
  - {name: file,        when: {visibility: metadata, one_upload: ">=100KiB"}, then: reset}
  - {name: burst,       when: {visibility_reason: [no_key, quic], burst: ">1MiB in 10s"}, then: drop}
)");
  FlowIdentity flow = agent();
  flow.visibility_reason = VisibilityReason::kNoKey;
  PolicyFacts facts = facts_of(flow);
  facts.upload_bytes = 5U << 20;
  EXPECT_EQ(name_of(policy.decide(facts)), "");
  facts.one_upload = 100 << 10;
  EXPECT_EQ(name_of(policy.decide(facts)), "file");
  const std::array<BurstPeak, 2> bursts = {BurstPeak{5, 1U << 20}, BurstPeak{10, 2U << 20}};
  facts.bursts = bursts;
  EXPECT_EQ(name_of(policy.decide(facts)), "burst");
  // While keys may still come, nothing is said of what could not be seen.
  facts.sight_pending = true;
  EXPECT_EQ(name_of(policy.decide(facts)), "");
  EXPECT_EQ(policy.explain(facts),
            "hidden name (line 2): does not match: visibility_reason is not known, wants ech\n"
            "file (line 3): does not match: visibility is not known, wants metadata\n"
            "burst (line 4): does not match: visibility_reason is not known, wants one of no_key, "
            "quic\n");
  facts.sight_pending = false;
  flow.visibility_reason = VisibilityReason::kEch;
  facts.one_upload = 7;
  EXPECT_EQ(
      policy.explain(facts),
      "hidden name (line 2): matches: alert, low (decides)\n"
      "file (line 3): does not match: one_upload is 7, wants at least 102400\n"
      "burst (line 4): does not match: visibility_reason is ech, wants one of no_key, quic\n");
  flow.visibility_reason = VisibilityReason::kQuic;
  facts.bursts = std::span(bursts).first(1);
  EXPECT_NE(policy.explain(facts).find("burst is 0, wants at least 1048577 in 10s"),
            std::string::npos);
}

TEST(Policy, VolumesFromWhichRulesMayHold) {
  const Policy policy = policy_of(R"(policy:
  - {name: a, when: {up: ">=3000"}, then: alert}
  - {name: b, when: {up: ">=1000"}, then: alert}
  - {name: c, when: {up: "<5000", one_upload: 20..30}, then: alert}
  - {name: d, when: {up: ">=3000", burst: ">=7 in 2s"}, then: alert}
  - {name: e, when: {burst: ">=5 in 2s"}, then: alert}
  - {name: f, when: {burst: ">=9 in 3s"}, then: alert}
)");
  const VolumeMarks& marks = policy.volumes();
  EXPECT_EQ(marks.up, (std::vector<uint64_t>{1000, 3000}));
  EXPECT_EQ(marks.one_upload, (std::vector<uint64_t>{20}));
  ASSERT_EQ(marks.bursts.size(), 2U);
  EXPECT_EQ(marks.bursts[0].seconds, 2U);
  EXPECT_EQ(marks.bursts[0].bytes, (std::vector<uint64_t>{5, 7}));
  EXPECT_EQ(marks.bursts[1].bytes, (std::vector<uint64_t>{9}));
}

}  // namespace
}  // namespace weir::inspect

// weir.yaml as a whole: the shape of it, defaults, relative paths, warnings, every shipped file,
// and every bad file with the exact words that it must produce.
#include "config/settings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "config/limits_table.h"

namespace weir::config {
namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::filesystem::path> yaml_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

Settings parsed(std::string_view text) {
  Result<Settings> result = parse_settings(text, "/etc/weir/weir.yaml");
  if (!result) {
    ADD_FAILURE() << result.error().to_string();
    return {};
  }
  return std::move(result).value();
}

constexpr std::string_view kWhole = R"(
capture:  {mode: inline, interfaces: [eth1, eth2], workers: 6, ring: 64MiB}
services:
  status: {qoder: sanctioned, github-copilot: tolerated, claude-code: unsanctioned, default: tolerated}
  own: [{id: acme-gateway, product: "ACME LLM gateway", hosts: ["LLM.acme.example."], status: internal},
        {id: lab, vendor: ACME, class: api, networks: [10.1.0.0/16, "2001:db8::/32"], status: tolerated}]
protect:  {indexes: [/var/lib/weir/acme.wfi, more/b.wfi], key: ../site.key, min_lines: 3}
signatures: {directory: sig, rules: /opt/rules.yaml}
policy:
  - {name: code leaves,     when: {evidence: code, lines: ">=8", status: "!internal"},  then: drop,  severity: critical}
  - name: everything
    when:
      status: [sanctioned, internal]
      service: ["!acme-gateway", "!lab"]
      class: api
      tool: [claude-code, codex]
      protocol: "!tls"
      host: ["*.Example.COM", llm.example]
      user: alice
      visibility: [clear, decrypted]
      source: [10.0.0.0/8, 192.168.1.7]
      up: 1KiB..1MiB
      evidence: [code, hash]
      repository: acme/core
      rule: text
      lines: 3..10
      strength: ">=0.7"
      documented: false
    then: reset
  - {name: quiet, then: allow}
fail: closed
alerts:
  sinks: [{type: zmq, bind: "tcp://127.0.0.1:5556"}, {type: jsonl, path: alerts.jsonl}]
  window: 10m
limits: {flows: 1000, tcp_idle: 60, excerpt_bytes: 32, inflate_floor: 1MiB}
)";

TEST(Settings, TheWholeShape) {
  const Settings s = parsed(kWhole);
  EXPECT_EQ(s.file, "/etc/weir/weir.yaml");
  EXPECT_EQ(s.capture.mode, CaptureMode::kInline);
  EXPECT_EQ(s.capture.interfaces, (std::vector<std::string>{"eth1", "eth2"}));
  EXPECT_EQ(s.capture.workers, 6U);
  EXPECT_EQ(s.capture.ring_bytes, 64U << 20);
  ASSERT_EQ(s.services.status.size(), 3U);
  EXPECT_EQ(s.services.status[1].first, "github-copilot");
  EXPECT_EQ(s.services.status[1].second, ServiceStatus::kTolerated);
  ASSERT_EQ(s.services.status_places.size(), 3U);
  EXPECT_EQ(s.services.status_places[1], (std::pair<int, int>{4, 31}));
  EXPECT_EQ(s.services.default_status, ServiceStatus::kTolerated);
  ASSERT_EQ(s.services.own.size(), 2U);
  EXPECT_EQ(s.services.own[0].id, "acme-gateway");
  EXPECT_EQ(s.services.own[0].service_class, "gateway");
  EXPECT_EQ(s.services.own[0].hosts, std::vector<std::string>{"llm.acme.example"});
  EXPECT_EQ(s.services.own[0].line, 5);
  EXPECT_EQ(s.services.own[0].column, 14);
  EXPECT_EQ(s.services.file, "/etc/weir/weir.yaml");
  EXPECT_EQ(s.services.own[1].vendor, "ACME");
  ASSERT_EQ(s.services.own[1].networks.size(), 2U);
  EXPECT_EQ(s.services.own[1].networks[0], *IpNetwork::parse("10.1.0.0/16"));
  EXPECT_EQ(s.services.own[1].status, ServiceStatus::kTolerated);
  EXPECT_EQ(s.protect.indexes,
            (std::vector<std::string>{"/var/lib/weir/acme.wfi", "/etc/weir/more/b.wfi"}));
  EXPECT_EQ(s.protect.key, "/etc/site.key");
  EXPECT_EQ(s.protect.min_lines, 3U);
  EXPECT_EQ(s.signatures.directory, "/etc/weir/sig");
  EXPECT_EQ(s.signatures.rules, std::vector<std::string>{"/opt/rules.yaml"});
  EXPECT_EQ(s.fail, FailMode::kClosed);
  ASSERT_EQ(s.alerts.sinks.size(), 2U);
  EXPECT_EQ(s.alerts.sinks[0].type, SinkSettings::Type::kZmq);
  EXPECT_EQ(s.alerts.sinks[0].bind, "tcp://127.0.0.1:5556");
  EXPECT_EQ(s.alerts.sinks[1].path, "/etc/weir/alerts.jsonl");
  EXPECT_EQ(s.alerts.window, Duration::seconds(600));
  EXPECT_EQ(s.limits.flows, 1000U);
  EXPECT_EQ(s.limits.tcp_idle, Duration::seconds(60));
  EXPECT_EQ(s.limits.excerpt_bytes, 32U);
  EXPECT_EQ(s.limits.inflate_floor, 1U << 20);
  EXPECT_EQ(s.limits.headers, Limits().headers);
  EXPECT_TRUE(s.warnings.empty());
}

TEST(Settings, CaptureOfASensor) {
  const CaptureSettings c = parsed(R"(
capture: {snaplen: 9000, promiscuous: false, filter: "not port 22", cpus: [2, 3]})")
                                .capture;
  EXPECT_EQ(c.snaplen, 9000U);
  EXPECT_FALSE(c.promiscuous);
  EXPECT_EQ(c.filter, "not port 22");
  EXPECT_EQ(c.cpus, (std::vector<uint32_t>{2, 3}));
}

TEST(Settings, RulesAndTheirConditions) {
  const Settings s = parsed(kWhole);
  ASSERT_EQ(s.policy.size(), 3U);
  const PolicyRule& code = s.policy[0];
  EXPECT_EQ(code.name, "code leaves");
  EXPECT_EQ(code.line, 10);
  EXPECT_EQ(code.then, Action::kDrop);
  EXPECT_EQ(code.severity, Severity::kCritical);
  EXPECT_EQ(code.when.lines, (Range{8, std::nullopt}));
  EXPECT_EQ(code.when.status, (OneOf<ServiceStatus>{{ServiceStatus::kInternal}, true}));
  EXPECT_FALSE(code.when.service);

  using Words = OneOf<std::string>;
  const RuleConditions& c = s.policy[1].when;
  EXPECT_EQ(c.status,
            (OneOf<ServiceStatus>{{ServiceStatus::kSanctioned, ServiceStatus::kInternal}, false}));
  EXPECT_EQ(c.service, (Words{{"acme-gateway", "lab"}, true}));
  EXPECT_EQ(c.service_class, (Words{{"api"}, false}));
  EXPECT_EQ(c.tool, (Words{{"claude-code", "codex"}, false}));
  EXPECT_EQ(c.protocol, (Words{{"tls"}, true}));
  EXPECT_EQ(c.host, (Words{{"*.example.com", "llm.example"}, false}));
  EXPECT_EQ(c.user, (Words{{"alice"}, false}));
  EXPECT_EQ(c.visibility, (OneOf<Visibility>{{Visibility::kClear, Visibility::kDecrypted}, false}));
  ASSERT_TRUE(c.source);
  EXPECT_EQ(c.source->at(1), *IpNetwork::parse("192.168.1.7"));
  EXPECT_EQ(c.up, (Range{1024, 1U << 20}));
  EXPECT_EQ(c.evidence, (OneOf<EvidenceKind>{{EvidenceKind::kCode, EvidenceKind::kHash}, false}));
  EXPECT_EQ(c.repository, (Words{{"acme/core"}, false}));
  EXPECT_EQ(c.content_rule, (Words{{"text"}, false}));
  EXPECT_EQ(c.lines, (Range{3, 10}));
  EXPECT_EQ(c.min_score, 0.7);
  EXPECT_EQ(c.documented, false);
  EXPECT_EQ(s.policy[1].then, Action::kReset);
  EXPECT_EQ(s.policy[1].severity, Severity::kMedium);
  EXPECT_EQ(s.policy[2].severity, Severity::kNone);
  EXPECT_EQ(s.policy[2].when, RuleConditions());
}

TEST(Settings, NothingMeansAllDefaults) {
  for (const std::string_view text : {"", "# nothing\n", "capture:\npolicy:\nlimits: {}\n"}) {
    const Settings s = parsed(text);
    EXPECT_EQ(s.policy.size(), default_policy().size());
    EXPECT_EQ(s.capture.mode, CaptureMode::kMirror);
    EXPECT_EQ(s.services.default_status, ServiceStatus::kUnsanctioned);
    EXPECT_EQ(s.protect.min_lines, 5U);
  }
  EXPECT_TRUE(parsed("policy: []").policy.empty());
  EXPECT_EQ(Settings{}.policy.size(), default_policy().size()) << "without a file";
}

TEST(Settings, TheDefaultPolicyIsTheOneThatIsDocumented) {
  const Settings s = parsed(R"(
policy:
  - {name: banned agents,   when: {class: coding_agent, status: unsanctioned},                then: drop,  severity: high}
  - {name: code leaves,     when: {evidence: code, lines: ">=8", status: "!internal"},        then: drop,  severity: critical}
  - {name: some code,       when: {evidence: code},                                           then: alert, severity: medium}
  - {name: secrets,         when: {evidence: secret, status: "!internal"},                    then: drop,  severity: critical}
  - {name: who we are,      when: {evidence: environment, documented: false},                 then: alert, severity: low}
  - {name: covert marks,    when: {evidence: anomaly, rule: ["!domain_fronting", "!connect_mismatch", "!host_not_in_dns", "!undocumented_host", "!telemetry_host"]}, then: alert, severity: medium}
  - {name: undocumented hosts, when: {evidence: anomaly, rule: undocumented_host},           then: alert, severity: low}
  - {name: blind upload,    when: {visibility: metadata, status: unsanctioned, up: ">1MiB"},  then: alert, severity: medium}
  - {name: markers,         when: {evidence: [marker, hash], status: "!internal"},            then: alert, severity: medium}
  - {name: names that contradict, when: {evidence: anomaly, rule: [domain_fronting, connect_mismatch], strength: 0.7}, then: alert, severity: medium}
)");
  const std::vector<PolicyRule> defaults = default_policy();
  ASSERT_EQ(s.policy.size(), defaults.size());
  for (size_t i = 0; i < defaults.size(); ++i) {
    EXPECT_EQ(s.policy[i].name, defaults[i].name);
    EXPECT_EQ(s.policy[i].when, defaults[i].when) << defaults[i].name;
    EXPECT_EQ(s.policy[i].then, defaults[i].then) << defaults[i].name;
    EXPECT_EQ(s.policy[i].severity, defaults[i].severity) << defaults[i].name;
  }
}

TEST(Settings, WorkersMayBeAuto) {
  EXPECT_EQ(parsed("capture: {workers: auto}").capture.workers, 0U);
}

TEST(Settings, TheIncidentDatabaseHasABudget) {
  const Settings s = parsed("alerts: {store: /var/lib/weir/incidents.db, budget: 64MiB}\n");
  EXPECT_TRUE(s.warnings.empty());
  EXPECT_EQ(s.alerts.store, "/var/lib/weir/incidents.db");
  EXPECT_EQ(s.alerts.store_budget, 64ULL << 20);
  EXPECT_EQ(parsed("alerts: {}\n").alerts.store, "");
}

TEST(Settings, KeyLogsAndWhatWaitsForThem) {
  const Settings s =
      parsed("see_inside: {key_logs: [/run/keys.log], hold: {bytes: 1MiB, seconds: 7}}\n");
  EXPECT_EQ(s.see_inside.key_logs, std::vector<std::string>{"/run/keys.log"});
  EXPECT_EQ(s.limits.hold_bytes, 1U << 20);
  EXPECT_EQ(s.limits.hold_age, Duration::seconds(7));
  EXPECT_TRUE(s.warnings.empty());
}

TEST(Settings, KeySocketsAndHowLongSecretsAreKept) {
  const Settings s = parsed(
      "see_inside: {key_logs: [\"unix:/run/keys\", \"unix:keys\", log], forget: 90s, sessions: "
      "128}\n");
  EXPECT_EQ(s.see_inside.key_logs,
            (std::vector<std::string>{"unix:/run/keys", "unix:/etc/weir/keys", "/etc/weir/log"}));
  EXPECT_EQ(s.see_inside.forget, Duration::seconds(90));
  EXPECT_EQ(s.see_inside.sessions, 128U);
}

TEST(Settings, RelativePathsOfAFileInTheCurrentFolderStayRelative) {
  const Result<Settings> s = parse_settings("protect: {key: keys/site.key}", "weir.yaml");
  ASSERT_TRUE(s);
  EXPECT_EQ(s->protect.key, "keys/site.key");
}

TEST(Settings, AMissingFileIsAnError) {
  const Result<Settings> s = load_settings("/nonexistent/weir.yaml");
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().to_string(),
            "/nonexistent/weir.yaml: cannot be read: No such file or directory");
}

TEST(Settings, EveryShippedFileLoads) {
  const std::filesystem::path folder = std::filesystem::path(WEIR_SOURCE_DIR) / "config";
  std::vector<std::filesystem::path> files = yaml_files(folder);
  ASSERT_EQ(files.size(), 1U);
  const std::vector<std::filesystem::path> examples = yaml_files(folder / "examples");
  ASSERT_GE(examples.size(), 2U);
  files.insert(files.end(), examples.begin(), examples.end());
  for (const std::filesystem::path& file : files) {
    const Result<Settings> s = load_settings(file.string());
    EXPECT_TRUE(s) << s.error().to_string();
  }
}

// Each line "# expect: NAME.yaml:LINE:COLUMN: MESSAGE" at the head of a bad file is one error.
std::string expected_of(const std::string& text) {
  constexpr std::string_view kPrefix = "# expect: ";
  std::string out;
  size_t at = 0;
  while (text.compare(at, kPrefix.size(), kPrefix) == 0) {
    const size_t end = text.find('\n', at);
    if (!out.empty()) out += '\n';
    out += text.substr(at + kPrefix.size(), end - at - kPrefix.size());
    at = end + 1;
  }
  return out;
}

TEST(Settings, BadFilesSayWhatIsWrongAndWhere) {
  const std::vector<std::filesystem::path> files =
      yaml_files(std::filesystem::path(WEIR_SOURCE_DIR) / "tests/config/bad");
  EXPECT_GE(files.size(), 40U);
  for (const std::filesystem::path& file : files) {
    const std::string text = read_file(file);
    const std::string expected = expected_of(text);
    EXPECT_FALSE(expected.empty()) << file;
    const Result<Settings> s = parse_settings(text, file.filename().string());
    if (s) {
      ADD_FAILURE() << file << " was accepted";
      continue;
    }
    EXPECT_EQ(s.error().to_string(), expected);
  }
}

// A row for each field of Limits, each of them different: every field is 8 bytes.
TEST(LimitsTable, NamesEveryField) {
  EXPECT_EQ(limit_rows().size() * 8, sizeof(Limits))
      << "a field of core/limits.h has no row in config/limits_table.cc, or one too many";
  std::string yaml = "limits:\n";
  for (const LimitRow& row : limit_rows()) {
    const std::string range = limit_range(row);
    yaml += "  " + std::string(row.name) + ": " + range.substr(range.find("..") + 2) + "\n";
  }
  const Limits most = parsed(yaml).limits;
  const Limits defaults;
  for (const LimitRow& row : limit_rows()) {
    EXPECT_NE(limit_value(row, most), limit_value(row, defaults)) << row.name;
    const uint64_t value = limit_amount(row, defaults);
    EXPECT_TRUE(value >= row.min && value <= row.max) << row.name;
  }
}

}  // namespace
}  // namespace weir::config

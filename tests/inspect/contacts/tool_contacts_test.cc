// Contacts of tools with undocumented hosts, out of made-up flow records and the shipped catalogue:
// what is told, and all that must stay silent.
#include "inspect/contacts/tool_contacts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace weir::inspect {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kBun = "t13d1714h1_5b57614c22b0_43ade6aba3df";
constexpr const char* kBrowser = "t13d1516h2_8daaf6152771_02713d6af862";
constexpr const char* kOther = "t13d1111h1_aaaaaaaaaaaa_bbbbbbbbbbbb";

std::shared_ptr<Snapshot> snapshot_of(Duration learn = {}, std::vector<std::string> allow = {}) {
  static const auto kCatalogue =
      signatures::Catalogue::load(WEIR_SOURCE_DIR "/signatures", config::ServiceSettings{});
  EXPECT_TRUE(kCatalogue);
  auto out = std::make_shared<Snapshot>();
  out->catalogue = *kCatalogue;
  out->policy = Policy(config::default_policy());
  out->contacts.learn = learn;
  out->contacts.allow = std::move(allow);
  return out;
}

constexpr int64_t kStart = 1'780'000'000;

class Harness {
 public:
  explicit Harness(std::shared_ptr<const Snapshot> snapshot = snapshot_of())
      : snapshot_(std::move(snapshot)), contacts_(snapshot_) {}

  FlowRecord record(int client, const std::string& host, int64_t from, int64_t seconds = 1) const {
    FlowRecord out;
    out.flow.client = {IpAddress::v4(0x0a000000U + static_cast<uint32_t>(client)), 40'000};
    out.flow.server = {IpAddress::v4(0xc0000201), 443};
    out.flow.host = host;
    out.flow.host_source = HostSource::kSni;
    out.flow.protocol = "tls";
    out.first = {(kStart + from) * 1'000'000'000};
    out.last = {(kStart + from + seconds) * 1'000'000'000};
    out.bytes[Direction::kToServer] = 1'000;
    out.bytes[Direction::kToClient] = 300;
    return out;
  }
  // As the engine would name it.
  void sealed(int client, const std::string& host, const char* ja4, int64_t from,
              int64_t seconds = 1) {
    FlowRecord out = record(client, host, from, seconds);
    out.flow.ja4 = ja4;
    if (const auto* tool = snapshot_->catalogue->tool_by_ja4(ja4)) out.flow.tool = tool->id;
    classify(out, snapshot_->catalogue->match_request(host, "", out.flow.tool));
    observe(std::move(out));
  }
  void open(int client, const std::string& host, const std::string& tool,
            const std::string& version, int64_t from, const char* ja4 = "",
            uint64_t telemetry = 0) {
    FlowRecord out = record(client, host, from);
    out.flow.tool = tool;
    out.flow.tool_version = version;
    out.flow.ja4 = ja4;
    out.requests = 1;
    out.telemetry_bytes = telemetry;
    classify(out, snapshot_->catalogue->match_request(host, "/", tool));
    observe(std::move(out));
  }
  void observe(FlowRecord&& made) {
    last_ = std::move(made);
    contacts_.observe(last_, found_);
  }
  static void classify(FlowRecord& out, const signatures::ServiceMatch& match) {
    if (!match.classifies()) return;
    out.flow.service = match.face->service;
    out.flow.service_class = match.face->service_class;
    out.flow.status = match.face->status;
  }
  // What has been told, the rest judged: "tool version host".
  std::vector<std::string> told() {
    contacts_.finish(found_);
    std::vector<std::string> out;
    for (const Finding& finding : found_) {
      if (finding.evidence.at(0).rule != "undocumented_host") continue;
      out.push_back(finding.flow.tool + " " + finding.flow.tool_version + " " + finding.flow.host);
    }
    return out;
  }
  [[nodiscard]] const ContactCounters& counters() const { return contacts_.counters(); }
  ToolContacts& contacts() { return contacts_; }
  [[nodiscard]] const std::vector<Finding>& found() const { return found_; }
  [[nodiscard]] const FlowRecord& last() const { return last_; }

 private:
  std::shared_ptr<const Snapshot> snapshot_;
  ToolContacts contacts_;
  std::vector<Finding> found_;
  FlowRecord last_;
};

TEST(ToolContacts, AUserAgentTiesAHostToItsTool) {
  Harness harness;
  harness.open(1, "api.anthropic.com", "claude-code", "2.1.330", 0);
  harness.open(1, "collector.unlisted.example", "claude-code", "2.1.330", 5);
  harness.open(2, "collector.unlisted.example", "claude-code", "2.1.330", 60);
  EXPECT_THAT(harness.told(), ElementsAre("claude-code 2.1.330 collector.unlisted.example",
                                          "claude-code 2.1.330 collector.unlisted.example"));
  const Finding& second = harness.found().at(1);
  EXPECT_EQ(second.action, Action::kAlert);
  EXPECT_EQ(second.severity, Severity::kLow);
  EXPECT_EQ(second.rule, "undocumented hosts");
  EXPECT_EQ(second.upload_bytes, 2'000U);
  EXPECT_THAT(second.evidence.at(0).detail,
              HasSubstr("2 connections, 2000 bytes up, 600 down, by 2 clients"));
}

TEST(ToolContacts, DocumentedHostsToolsWithoutAListAndAddressesAreSilent) {
  Harness harness(snapshot_of({}, {"*.acme.example"}));
  harness.open(1, "code.claude.com", "claude-code", "2.1.330", 0);
  harness.open(1, "x.livepreview.claude.ai", "claude-code", "2.1.330", 0);
  harness.open(1, "anywhere.example", "aider", "0.8", 0);
  harness.open(1, "192.0.2.7", "claude-code", "2.1.330", 0);
  harness.open(1, "llm.acme.example", "claude-code", "2.1.330", 0);
  harness.open(1, "buildhost", "claude-code", "2.1.330", 0);
  EXPECT_THAT(harness.told(), IsEmpty());
  EXPECT_EQ(harness.counters().allowed.get(), 2U);
}

TEST(ToolContacts, AFingerprintTiesNearASessionOnly) {
  for (const bool session_ends_last : {false, true}) {
    Harness harness;
    const auto session = [&] { harness.sealed(1, "api.anthropic.com", kBun, 0, 600); };
    if (!session_ends_last) session();
    harness.sealed(1, "ingest.unheard.example", kBun, 30);
    if (session_ends_last) session();
    harness.sealed(1, "later.unheard.example", kBun, 2'000);
    EXPECT_THAT(harness.told(), ElementsAre("claude-code  ingest.unheard.example"));
    EXPECT_EQ(harness.found().at(0).evidence.at(0).score, 0.5);
  }
}

TEST(ToolContacts, ASessionThatSaysItsVersionGivesItToTheContact) {
  Harness harness;
  harness.open(1, "api.anthropic.com", "claude-code", "2.1.330", 0, kBun);
  harness.sealed(1, "ingest.unheard.example", kBun, 30);
  EXPECT_THAT(harness.told(), ElementsAre("claude-code 2.1.330 ingest.unheard.example"));
}

TEST(ToolContacts, BrowsersAndOtherProgramsOfTheClientDoNotCount) {
  Harness harness;
  harness.sealed(1, "api.anthropic.com", kBun, 0, 100);
  for (int i = 0; i < 200; ++i) {
    const std::string host = "www.site" + std::to_string(i) + ".example";
    harness.sealed(1, host, kBrowser, i);
    harness.sealed(1, host, kOther, i);
  }
  // A cursor window has the fingerprint of every browser.
  harness.sealed(1, "api2.cursor.sh", kBrowser, 50, 50);
  harness.sealed(1, "www.news.example", kBrowser, 60);
  EXPECT_THAT(harness.told(), IsEmpty());
}

TEST(ToolContacts, AHostThatOthersGoToIsNobodysSecret) {
  Harness harness;
  // Another fingerprint.
  harness.sealed(3, "registry.example", kOther, 0);
  // The same one, by a client without the tool.
  harness.sealed(4, "build.example", kBun, 0);
  harness.contacts().advance({(kStart + 4'000) * 1'000'000'000},
                             *std::make_unique<std::vector<Finding>>());
  harness.sealed(1, "api.anthropic.com", kBun, 5'000, 10);
  harness.sealed(1, "registry.example", kBun, 5'001);
  harness.sealed(1, "build.example", kBun, 5'002);
  EXPECT_THAT(harness.told(), IsEmpty());
  EXPECT_EQ(harness.counters().common.get(), 2U);
}

TEST(ToolContacts, AFingerprintThatGoesEverywhereSaysNothing) {
  Harness harness;
  harness.sealed(1, "api.anthropic.com", kBun, 0, 100);
  for (int i = 0; i < 30; ++i) {
    harness.sealed(1, "feed" + std::to_string(i) + ".example", kBun, i);
  }
  EXPECT_THAT(harness.told(), IsEmpty());
  EXPECT_EQ(harness.counters().wide.get(), 30U);
}

TEST(ToolContacts, OncePerVersionAndHost) {
  Harness harness;
  constexpr int64_t kDay = 86'400;
  for (int64_t day = 0; day < 5; ++day) {
    harness.open(1, "c.unlisted.example", "claude-code", "2.1.330", day * kDay + day);
  }
  harness.open(1, "c.unlisted.example", "claude-code", "2.1.331", 5 * kDay);
  EXPECT_THAT(harness.told(), ElementsAre("claude-code 2.1.330 c.unlisted.example",
                                          "claude-code 2.1.331 c.unlisted.example"));
  EXPECT_EQ(harness.counters().told_before.get(), 4U);
}

TEST(ToolContacts, WhatIsLearntIsNotToldEver) {
  Harness harness(snapshot_of(Duration::seconds(1'000)));
  harness.open(1, "early.unlisted.example", "claude-code", "2.1.330", 0);
  harness.open(1, "early.unlisted.example", "claude-code", "2.1.340", 5'000);
  harness.open(1, "late.unlisted.example", "claude-code", "2.1.330", 5'000);
  EXPECT_THAT(harness.told(), ElementsAre("claude-code 2.1.330 late.unlisted.example"));
  EXPECT_EQ(harness.counters().learnt.get(), 1U);
  EXPECT_EQ(harness.counters().known.get(), 1U);
}

// The learning period began with the first contact ever, not with the last start.
TEST(ToolContacts, LearningGoesOnWhereARestartCutIt) {
  const std::string file = testing::TempDir() + "/weir-contacts-" + std::to_string(::getpid());
  const auto snapshot = snapshot_of(Duration::seconds(10'000));
  {
    Harness before(snapshot);
    before.open(1, "first.unlisted.example", "claude-code", "2.1.330", 0);
    EXPECT_THAT(before.told(), IsEmpty());
    ASSERT_TRUE(before.contacts().memory().save(file));
  }
  {
    Harness within(snapshot);
    ASSERT_TRUE(within.contacts().memory().load(file));
    within.open(1, "second.unlisted.example", "claude-code", "2.1.330", 9'000);
    EXPECT_THAT(within.told(), IsEmpty());
    EXPECT_EQ(within.counters().learnt.get(), 1U);
    ASSERT_TRUE(within.contacts().memory().save(file));
  }
  {
    Harness after(snapshot);
    ASSERT_TRUE(after.contacts().memory().load(file));
    after.open(1, "first.unlisted.example", "claude-code", "2.1.331", 11'000);
    after.open(1, "second.unlisted.example", "claude-code", "2.1.331", 11'001);
    after.open(1, "third.unlisted.example", "claude-code", "2.1.331", 11'002);
    EXPECT_THAT(after.told(), ElementsAre("claude-code 2.1.331 third.unlisted.example"));
    ASSERT_TRUE(after.contacts().memory().save(file));
  }
  // What was told is not told again, two days later and after another start.
  Harness again(snapshot);
  ASSERT_TRUE(again.contacts().memory().load(file));
  again.open(1, "third.unlisted.example", "claude-code", "2.1.331", 200'000);
  EXPECT_THAT(again.told(), IsEmpty());
  EXPECT_EQ(again.counters().told_before.get(), 1U);
  std::remove(file.c_str());
}

TEST(ToolContacts, AReloadTakesEffectAndForgetsNothing) {
  Harness harness(snapshot_of(Duration::seconds(1'000)));
  harness.open(1, "learnt.unlisted.example", "claude-code", "2.1.330", 0);
  // Allowed from here on; the rest is told, what was learnt is not.
  harness.contacts().set_snapshot(snapshot_of(Duration::seconds(1'000), {"*.allowed.example"}));
  harness.open(1, "learnt.unlisted.example", "claude-code", "2.1.330", 2'000);
  harness.open(1, "a.allowed.example", "claude-code", "2.1.330", 2'001);
  harness.open(1, "other.unlisted.example", "claude-code", "2.1.330", 2'002);
  EXPECT_THAT(harness.told(), ElementsAre("claude-code 2.1.330 other.unlisted.example"));
  EXPECT_EQ(harness.counters().allowed.get(), 1U);
  // Another catalogue, in which the host is the company's own.
  config::ServiceSettings own;
  own.own.push_back({});
  own.own.back().id = "acme-gateway";
  own.own.back().product = "Gateway";
  own.own.back().service_class = "gateway";
  own.own.back().hosts = {"llm.unlisted.example"};
  auto with = snapshot_of(Duration::seconds(1'000));
  with->catalogue = *signatures::Catalogue::load(WEIR_SOURCE_DIR "/signatures", own);
  harness.contacts().set_snapshot(with);
  FlowRecord record = harness.record(1, "llm.unlisted.example", 2'100);
  record.flow.tool = "claude-code";
  record.flow.tool_version = "2.1.330";
  record.requests = 1;
  Harness::classify(record, with->catalogue->match_request("llm.unlisted.example", "/", ""));
  harness.observe(std::move(record));
  // And the allow list of before is gone.
  harness.open(1, "a.allowed.example", "claude-code", "2.1.330", 2'200);
  EXPECT_THAT(harness.told(), ElementsAre("claude-code 2.1.330 other.unlisted.example",
                                          "claude-code 2.1.330 a.allowed.example"));
}

TEST(ToolContacts, TelemetryIsAClassOfItsOwnWithVolumeADay) {
  auto snapshot = snapshot_of();
  std::vector<config::PolicyRule> rules(1);
  rules[0].name = "opted out";
  rules[0].when.evidence = config::OneOf<EvidenceKind>{{EvidenceKind::kAnomaly}, false};
  rules[0].when.content_rule = config::OneOf<std::string>{{"telemetry_host"}, false};
  rules[0].when.telemetry = config::Range{1'500, std::nullopt};
  snapshot->policy = Policy(rules);
  Harness harness(snapshot);
  // A shared host is the tool's telemetry where its vendor says so.
  harness.open(1, "http-intake.logs.us5.datadoghq.com", "claude-code", "2.1.330", 0);
  EXPECT_EQ(harness.last().flow.service, "anthropic-telemetry");
  EXPECT_EQ(harness.last().flow.service_class, "telemetry");
  ASSERT_EQ(harness.found().size(), 1U);
  EXPECT_EQ(harness.found()[0].action, Action::kAllow);
  // Beside other requests: the bodies alone.
  harness.open(1, "api.anthropic.com", "claude-code", "2.1.330", 5, "", 700);
  ASSERT_EQ(harness.found().size(), 2U);
  EXPECT_EQ(harness.found()[1].rule, "opted out");
  EXPECT_EQ(harness.found()[1].upload_bytes, 1'700U);
  EXPECT_THAT(harness.found()[1].evidence[0].detail,
              HasSubstr("700 bytes up; to all telemetry hosts 1700"));
  // The next day begins at nothing; another client has a day of its own.
  harness.open(1, "api.anthropic.com", "claude-code", "2.1.330", 86'400, "", 10);
  EXPECT_EQ(harness.found()[2].upload_bytes, 10U);
  harness.open(2, "api.anthropic.com", "claude-code", "2.1.330", 86'400, "", 20);
  EXPECT_EQ(harness.found()[3].upload_bytes, 20U);
  EXPECT_THAT(harness.told(), IsEmpty());
}

TEST(ToolContacts, WithoutARuleTelemetryIsAllowed) {
  Harness harness;
  harness.open(1, "api.anthropic.com", "claude-code", "2.1.330", 5, "", 700);
  ASSERT_EQ(harness.found().size(), 1U);
  EXPECT_EQ(harness.found()[0].action, Action::kAllow);
}

TEST(ToolContacts, StateIsBoundedAndCounted) {
  auto snapshot = snapshot_of();
  snapshot->limits.contact_clients = 8;
  snapshot->limits.contact_flows = 40;
  snapshot->limits.contact_hosts = 16;
  Harness harness(snapshot);
  for (int i = 0; i < 500; ++i) {
    harness.sealed(i % 50, "h" + std::to_string(i) + ".example", kOther, i / 10);
    harness.open(1'000, "t" + std::to_string(i) + ".example", "claude-code", "1.0", i / 10);
  }
  EXPECT_GT(harness.counters().clients_dropped.get(), 0U);
  EXPECT_GT(harness.counters().flows_dropped.get(), 0U);
  EXPECT_GT(harness.counters().hosts_dropped.get(), 0U);
  EXPECT_EQ(harness.told().size(), 500U);
}

TEST(ToolContacts, TurnedOffNothingIsToldAndNothingKept) {
  auto snapshot = snapshot_of();
  snapshot->contacts.watch = false;
  Harness harness(snapshot);
  harness.open(1, "collector.unlisted.example", "claude-code", "2.1.330", 5);
  EXPECT_THAT(harness.told(), IsEmpty());
  EXPECT_FALSE(harness.contacts().memory().changed());
}

}  // namespace
}  // namespace weir::inspect

#include "alert/incident_maker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "alert/native_json.h"
#include "tests/alert/make.h"

namespace weir::alert {
namespace {

using test::at;
using test::code;
using test::finding;
using test::secret;
using ::testing::ElementsAre;

class Recorder final : public IncidentSink {
 public:
  std::vector<std::pair<IncidentActivity, Incident>> told;
  void on_incident(const Incident& incident, IncidentActivity activity) override {
    told.emplace_back(activity, incident);
  }
  [[nodiscard]] std::vector<Incident> of(IncidentActivity activity) const {
    std::vector<Incident> out;
    for (const auto& entry : told) {
      if (entry.first == activity) out.push_back(entry.second);
    }
    return out;
  }
};

class IncidentMakerTest : public ::testing::Test {
 protected:
  IncidentMakerTest() : maker_(limits_, Duration::seconds(100), counters_) {
    maker_.add_sink(recorder_);
  }
  std::vector<Incident> closed() {
    maker_.close_all();
    return recorder_.of(IncidentActivity::kClose);
  }
  Limits limits_;
  IncidentCounters counters_;
  Recorder recorder_;
  IncidentMaker maker_;
};

TEST_F(IncidentMakerTest, TheSameSpanAgainIsOneIncidentThatGrows) {
  for (int turn = 0; turn < 5; ++turn) maker_.on_finding(finding(turn, {code("a.cc", 10, 20, 8)}));
  maker_.on_finding(finding(6, {code("a.cc", 15, 30, 12), secret("aws-key")}));
  const auto incidents = closed();
  ASSERT_EQ(incidents.size(), 1U);
  EXPECT_EQ(incidents[0].count, 6U);
  EXPECT_EQ(incidents[0].first_seen, at(0));
  EXPECT_EQ(incidents[0].last_seen, at(6));
  ASSERT_EQ(incidents[0].evidence.size(), 2U);
  EXPECT_EQ(incidents[0].evidence[0].first_line, 10U);
  EXPECT_EQ(incidents[0].evidence[0].last_line, 30U);
  EXPECT_EQ(incidents[0].evidence[0].lines, 12U);
  // Told at counts 1, 2, 4 and when it grew.
  EXPECT_EQ(recorder_.of(IncidentActivity::kCreate).size(), 1U);
  EXPECT_EQ(recorder_.of(IncidentActivity::kUpdate).size(), 3U);
}

TEST_F(IncidentMakerTest, DifferentThingsAreDifferentIncidents) {
  std::vector<Finding> different;
  different.push_back(finding(0, {code("a.cc", 1, 9, 9)}));
  different.push_back(finding(0, {code("b.cc", 1, 9, 9)}));
  different.push_back(finding(0, {secret("aws-key")}));
  different.push_back(finding(0));
  different.push_back(finding(0, {code("a.cc", 1, 9, 9)}));
  different.back().rule = "another rule";
  different.push_back(finding(0, {code("a.cc", 1, 9, 9)}));
  different.back().flow.client.ip = IpAddress::v4(0x0a000002);
  different.push_back(finding(0, {code("a.cc", 1, 9, 9)}));
  different.back().flow.user = "ada";
  different.push_back(finding(0, {code("a.cc", 1, 9, 9)}));
  different.back().flow.service = "codex";
  different.push_back(finding(0, {code("a.cc", 1, 9, 9)}));
  different.back().flow.service = "";
  different.push_back(finding(0, {code("a.cc", 1, 9, 9)}));
  different.back().flow.service = "";
  different.back().flow.host = "other.example";
  std::vector<Finding> again = different;
  for (Finding& f : different) maker_.on_finding(std::move(f));
  EXPECT_EQ(maker_.open(), 10U);
  for (Finding& f : again) {
    f.flow.client.port = 40'001;
    f.flow.server.ip = IpAddress::v4(0xc0000299);
    maker_.on_finding(std::move(f));
  }
  const auto incidents = closed();
  EXPECT_EQ(incidents.size(), 10U);
  std::set<std::string> ids;
  for (const auto& incident : incidents) {
    EXPECT_EQ(incident.count, 2U);
    ids.insert(incident.id);
  }
  EXPECT_EQ(ids.size(), 10U);
}

TEST_F(IncidentMakerTest, StrictestActionAndHighestSeverityStay) {
  Finding f = finding(0, {secret("k")});
  f.action = Action::kDrop;
  f.severity = Severity::kLow;
  maker_.on_finding(std::move(f));
  f = finding(1, {secret("k")});
  f.action = Action::kReset;
  f.severity = Severity::kCritical;
  f.upload_bytes = 5;
  maker_.on_finding(std::move(f));
  const auto incidents = closed();
  ASSERT_EQ(incidents.size(), 1U);
  EXPECT_EQ(incidents[0].action, Action::kDrop);
  EXPECT_EQ(incidents[0].severity, Severity::kCritical);
  EXPECT_EQ(incidents[0].upload_bytes, 1000U);
}

TEST_F(IncidentMakerTest, AWordOnHowACutEndedIsAnUpdateAndNoFinding) {
  Finding f = finding(0, {secret("k")});
  f.action = Action::kReset;
  f.passed = {true, 3, 500, CutEnding::kUnknown};
  maker_.on_finding(Finding(f));
  f.passed = {true, 2, 900, CutEnding::kWentOn};
  f.only_ending = true;
  maker_.on_finding(Finding(f));
  maker_.on_finding(Finding(f));  // nothing new
  EXPECT_EQ(counters_.updates_told.get(), 1U);
  const auto incidents = closed();
  ASSERT_EQ(incidents.size(), 1U);
  EXPECT_EQ(incidents[0].count, 1U);
  EXPECT_EQ(incidents[0].passed.lines, 3U);
  EXPECT_EQ(incidents[0].passed.bytes, 900U);
  EXPECT_EQ(incidents[0].passed.ending, CutEnding::kWentOn);
  maker_.on_finding(std::move(f));
  EXPECT_EQ(counters_.endings_unmatched.get(), 1U);
}

TEST_F(IncidentMakerTest, AllowedFindingsAreCountedNotTold) {
  Finding f = finding(0, {secret("k")});
  f.action = Action::kAllow;
  maker_.on_finding(std::move(f));
  EXPECT_TRUE(recorder_.told.empty());
  EXPECT_EQ(counters_.findings_allowed.get(), 1U);
}

TEST_F(IncidentMakerTest, TheWindowRunsFromTheLastFinding) {
  maker_.on_finding(finding(0, {secret("k")}));
  maker_.on_finding(finding(100, {secret("k")}));
  maker_.on_finding(finding(200, {secret("k")}));
  maker_.expire(at(300));
  EXPECT_EQ(maker_.open(), 1U);
  maker_.on_finding(finding(301, {secret("k")}));
  const auto incidents = closed();
  ASSERT_EQ(incidents.size(), 2U);
  EXPECT_EQ(incidents[0].count, 3U);
  EXPECT_EQ(incidents[1].count, 1U);
  EXPECT_NE(incidents[0].id, incidents[1].id);
}

TEST_F(IncidentMakerTest, AnyTimesAtAll) {
  Finding f = finding(0, {secret("k")});
  f.time = Timestamp{std::numeric_limits<int64_t>::min()};
  maker_.on_finding(std::move(f));
  f = finding(0, {secret("k")});
  f.time = Timestamp{std::numeric_limits<int64_t>::max()};
  maker_.on_finding(std::move(f));
  maker_.expire(Timestamp{std::numeric_limits<int64_t>::min()});
  EXPECT_EQ(closed().size(), 2U);
}

TEST_F(IncidentMakerTest, TheIdlestIsClosedAtTheLimit) {
  limits_.open_incidents = 2;
  maker_.on_finding(finding(0, {secret("a")}));
  maker_.on_finding(finding(1, {secret("b")}));
  maker_.on_finding(finding(2, {secret("a")}));
  maker_.on_finding(finding(3, {secret("c")}));
  const auto early = recorder_.of(IncidentActivity::kClose);
  ASSERT_EQ(early.size(), 1U);
  EXPECT_EQ(early[0].evidence[0].rule, "b");
  EXPECT_EQ(counters_.closed_at_limit.get(), 1U);
  EXPECT_EQ(maker_.open(), 2U);
}

TEST_F(IncidentMakerTest, WeakestEvidenceGoesAtTheLimit) {
  limits_.incident_evidence = 2;
  maker_.on_finding(finding(0, {code("a", 1, 5, 5, 0.5), code("b", 1, 5, 5, 0.3)}));
  maker_.on_finding(finding(1, {code("a", 1, 5, 5, 0.5), code("c", 1, 5, 5, 0.9)}));
  maker_.on_finding(finding(2, {code("a", 1, 5, 5, 0.5), code("d", 1, 5, 5, 0.1)}));
  const auto incidents = closed();
  ASSERT_EQ(incidents.size(), 1U);
  EXPECT_EQ(incidents[0].evidence_dropped, 2U);
  std::vector<std::string> paths;
  for (const auto& e : incidents[0].evidence) paths.push_back(e.path);
  EXPECT_THAT(paths, ElementsAre("a", "c"));
}

TEST_F(IncidentMakerTest, RangesThatTouchBecomeOne) {
  maker_.on_finding(finding(0, {code("a", 1, 5, 5), code("a", 20, 25, 6), code("a", 7, 9, 3)}));
  EXPECT_EQ(recorder_.told.back().second.evidence.size(), 3U);
  maker_.on_finding(finding(1, {code("a", 6, 6, 1)}));
  EXPECT_EQ(recorder_.told.back().second.evidence.size(), 2U);
  maker_.on_finding(finding(2, {code("a", 8, 19, 7)}));
  const auto incidents = closed();
  ASSERT_EQ(incidents[0].evidence.size(), 1U);
  EXPECT_EQ(incidents[0].evidence[0].first_line, 1U);
  EXPECT_EQ(incidents[0].evidence[0].last_line, 25U);
  EXPECT_EQ(incidents[0].evidence[0].lines, 7U);
}

// What a person would write to say what merging means: every finding against every incident.
class Reference {
 public:
  explicit Reference(int64_t window) : window_(window) {}
  void add(const Finding& f) {
    expire(f.time);
    for (Entry& e : open_) {
      if (e.key == key(f) && shares(e, f)) {
        e.subjects.merge(subjects(f));
        ++e.count;
        e.first = std::min(e.first, f.time);
        e.last = std::max(e.last, f.time);
        for (const Evidence& x : f.evidence) add_lines(e, x);
        return;
      }
    }
    Entry e{key(f), subjects(f), 1, f.time, f.time, {}};
    for (const Evidence& x : f.evidence) add_lines(e, x);
    open_.push_back(e);
  }
  std::multiset<std::string> finish() {
    for (const Entry& e : open_) close(e);
    open_.clear();
    return closed_;
  }
  static std::string describe(const std::string& rule, uint64_t count, Timestamp first,
                              Timestamp last, const std::string& lines) {
    return rule + " x" + std::to_string(count) + " " + iso_time(first) + " " + iso_time(last) +
           " " + lines;
  }
  static std::string lines_of(const std::set<std::pair<std::string, uint32_t>>& lines) {
    std::string out;
    for (const auto& line : lines) out += line.first + ":" + std::to_string(line.second) + " ";
    return out;
  }

 private:
  struct Entry {
    std::string key;
    std::set<std::string> subjects;
    uint64_t count;
    Timestamp first;
    Timestamp last;
    std::set<std::pair<std::string, uint32_t>> lines;
  };
  static std::string key(const Finding& f) {
    return f.flow.client.ip.to_string() + "|" + f.flow.service + "|" + f.rule;
  }
  static std::set<std::string> subjects(const Finding& f) {
    std::set<std::string> out;
    for (const Evidence& e : f.evidence) {
      out.insert(e.kind == EvidenceKind::kCode ? "file " + e.path : "rule " + e.rule);
    }
    if (out.empty()) out.insert("none");
    return out;
  }
  static bool shares(const Entry& e, const Finding& f) {
    for (const auto& s : subjects(f)) {
      if (e.subjects.contains(s)) return true;
    }
    return false;
  }
  static void add_lines(Entry& e, const Evidence& x) {
    if (x.kind != EvidenceKind::kCode) return;
    for (uint32_t line = x.first_line; line <= x.last_line; ++line) e.lines.emplace(x.path, line);
  }
  void close(const Entry& e) {
    closed_.insert(
        describe(e.key.substr(e.key.rfind('|') + 1), e.count, e.first, e.last, lines_of(e.lines)));
  }
  void expire(Timestamp now) {
    std::vector<Entry> rest;
    for (const Entry& e : open_) {
      if (now.ns - e.last.ns > window_) {
        close(e);
      } else {
        rest.push_back(e);
      }
    }
    open_ = rest;
  }
  int64_t window_;
  std::vector<Entry> open_;
  std::multiset<std::string> closed_;
};

std::vector<Finding> generate(uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto pick = [&random](uint64_t below) { return random() % below; };
  std::vector<Finding> out;
  int64_t second = 0;
  for (int i = 0; i < 200; ++i) {
    second += static_cast<int64_t>(pick(20)) - 2;
    std::vector<Evidence> evidence;
    for (uint64_t n = pick(4); n > 0; --n) {
      if (pick(4) == 0) {
        evidence.push_back(secret("rule" + std::to_string(pick(3))));
      } else {
        const auto first = static_cast<uint32_t>(1 + pick(60));
        const auto size = static_cast<uint32_t>(1 + pick(9));
        evidence.push_back(code("file" + std::to_string(pick(6)), first, first + size - 1, size));
      }
    }
    Finding f = finding(second, std::move(evidence));
    f.flow.client.ip = IpAddress::v4(static_cast<uint32_t>(0x0a000000 + pick(2)));
    f.flow.service = "service" + std::to_string(pick(2));
    f.rule = "rule" + std::to_string(pick(2));
    out.push_back(std::move(f));
  }
  return out;
}

TEST(IncidentMakerReference, AgreesOnGeneratedFindings) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Limits limits;
    IncidentCounters counters;
    Recorder recorder;
    IncidentMaker maker(limits, Duration::seconds(100), counters);
    maker.add_sink(recorder);
    Reference reference(Duration::seconds(100).ns);
    for (Finding& f : generate(seed)) {
      reference.add(f);
      maker.on_finding(std::move(f));
    }
    maker.close_all();
    EXPECT_EQ(maker.open(), 0U);
    std::multiset<std::string> got;
    for (const Incident& incident : recorder.of(IncidentActivity::kClose)) {
      std::set<std::pair<std::string, uint32_t>> lines;
      for (const Evidence& e : incident.evidence) {
        if (e.kind != EvidenceKind::kCode) continue;
        for (uint32_t n = e.first_line; n <= e.last_line; ++n) {
          EXPECT_TRUE(lines.emplace(e.path, n).second) << "ranges of one file overlap";
        }
      }
      got.insert(Reference::describe(incident.rule, incident.count, incident.first_seen,
                                     incident.last_seen, Reference::lines_of(lines)));
    }
    const std::multiset<std::string> expected = reference.finish();
    std::vector<std::string> differ;
    std::set_symmetric_difference(got.begin(), got.end(), expected.begin(), expected.end(),
                                  std::back_inserter(differ));
    ASSERT_THAT(differ, ::testing::IsEmpty()) << "seed " << seed;
  }
}

TEST(IncidentMakerReference, AReplayRepeatsItselfToTheByte) {
  std::vector<std::string> runs;
  for (int run = 0; run < 2; ++run) {
    Limits limits;
    limits.open_incidents = 12;
    IncidentCounters counters;
    Recorder recorder;
    IncidentMaker maker(limits, Duration::seconds(100), counters);
    maker.add_sink(recorder);
    for (Finding& f : generate(7)) maker.on_finding(std::move(f));
    maker.close_all();
    std::string text;
    for (const auto& entry : recorder.told) text += alert_json(entry.second, entry.first) + "\n";
    runs.push_back(text);
  }
  EXPECT_GT(runs[0].size(), 10'000U);
  EXPECT_EQ(runs[0], runs[1]);
}

}  // namespace
}  // namespace weir::alert

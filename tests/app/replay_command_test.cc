// `weir replay` over lab captures with known answers: what leaked is found, what did not stays
// silent, and the outputs are what docs/ promises, again and again.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "tests/app/weir_cli.h"
#include "tests/support/json_schema.h"

namespace weir::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Outputs {
  std::string alerts;
  std::string flows;
  std::string stats;
};

Outputs replay(const TempFolder& folder, const std::vector<std::string>& captures,
               const std::vector<std::string>& more = {}, const ProgramStreams& streams = {}) {
  const std::string alerts = folder / "alerts.jsonl";
  const std::string flows = folder / "flows.jsonl";
  const std::string stats = folder / "stats.json";
  std::vector<std::string> all = {"replay", "--alerts", alerts, "--flows",
                                  flows,    "--stats",  stats,  "-q"};
  all.insert(all.end(), more.begin(), more.end());
  all = lab_files().with_index(std::move(all));
  all.insert(all.end(), captures.begin(), captures.end());
  const ProgramResult result = weir(std::move(all), streams);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err, "");
  return {read_text(alerts), read_text(flows), read_text(stats)};
}

// Client and server, as labels, alerts and flows all write them.
using Session = std::tuple<std::string, int, std::string>;
Session session_of(const Json& line) {
  return {line.at("client").at("ip"), line.at("client").at("port"), line.at("server").at("ip")};
}

bool holds_content(const Json& alert) {
  return std::any_of(alert["evidence"].begin(), alert["evidence"].end(), [](const Json& piece) {
    const std::string kind = piece["kind"];
    return kind == "code" || kind == "hash" || kind == "secret" || kind == "marker" ||
           kind == "name";
  });
}

bool names(const Json& alert, const Json& label) {
  return std::any_of(alert["evidence"].begin(), alert["evidence"].end(), [&](const Json& piece) {
    return piece["kind"] == "code" && piece["repository"] == label["repository"] &&
           piece["path"] == label["path"] && piece["first_line"] <= label["last_line"] &&
           piece["last_line"] >= label["first_line"];
  });
}

// Every leak is one incident with the right file and overlapping lines, and there is no other.
void expect_answers(const std::string& alerts_text, const std::string& labels_text) {
  const std::vector<Json> alerts = json_lines(alerts_text);
  size_t leaks = 0;
  for (const Json& label : json_lines(labels_text)) {
    if (label["kind"] != "leak") continue;
    ++leaks;
    size_t found = 0;
    for (const Json& alert : alerts) {
      if (session_of(alert) != session_of(label) || !holds_content(alert)) continue;
      ++found;
      EXPECT_TRUE(names(alert, label)) << label << "\n" << alert;
      EXPECT_EQ(alert["host"], label["host"]);
      EXPECT_LE(alert["count"], label["requests"]);
      EXPECT_EQ(alert["activity"], "close");
    }
    EXPECT_EQ(found, 1U) << label;
  }
  EXPECT_GT(leaks, 5U);
  EXPECT_EQ(std::count_if(alerts.begin(), alerts.end(), holds_content), leaks);
}

std::string without_timing(const std::string& stats) {
  Json out = Json::parse(stats);
  EXPECT_TRUE(out["timing"]["seconds"].is_number());
  EXPECT_TRUE(out["timing"]["workers"].is_number_unsigned());
  out.erase("timing");
  return out.dump(1);
}

std::string sorted(const std::string& text) {
  std::vector<std::string> lines = lines_of(text);
  std::sort(lines.begin(), lines.end());
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

TEST(ReplayCommand, FindsEveryLeakOnceAndNothingElse) {
  const TempFolder folder;
  const Outputs out = replay(folder, {lab_files().capture});
  expect_answers(out.alerts, read_text(lab_files().labels));
}

// Which fingerprints are chosen hangs on the key; what is found must not.
TEST(ReplayCommand, FindsTheSameUnderAnyKey) {
  const LeanSignatures lean;
  const TempFolder folder;
  for (uint8_t number = 2; number < 10; ++number) {
    const std::string key = write_key(folder, "k" + std::to_string(number), number);
    const std::string index = folder / ("i" + std::to_string(number));
    const std::string alerts = folder / "alerts.jsonl";
    ASSERT_EQ(weir({"index", "build", "--repo", kOrchard, "--out", index, "--key", key}).exit_code,
              0);
    ASSERT_EQ(weir({"replay", "-q", "--alerts", alerts, "--index", index, "--key", key,
                    lab_files().capture})
                  .exit_code,
              0);
    SCOPED_TRACE(int{number});
    expect_answers(read_text(alerts), read_text(lab_files().labels));
  }
}

TEST(ReplayCommand, OutputsFollowTheirSchemas) {
  const TempFolder folder;
  const Outputs out = replay(folder, {lab_files().capture});
  for (const std::string& line : lines_of(out.alerts)) {
    EXPECT_THAT(problems("alert.schema.json", line), IsEmpty()) << line;
  }
  const std::vector<std::string> flows = lines_of(out.flows);
  for (const std::string& line : flows) {
    EXPECT_THAT(problems("flow.schema.json", line), IsEmpty()) << line;
  }
  const Json stats = Json::parse(out.stats);
  EXPECT_EQ(stats["flows"], flows.size());
  EXPECT_EQ(stats["incidents"], lines_of(out.alerts).size());
  EXPECT_EQ(stats["files"], Json::array({lab_files().capture}));
  EXPECT_THAT(stats["errors"], IsEmpty());
  size_t requests = 0;
  size_t up = 0;
  std::set<std::string> services;
  for (const std::string& line : flows) {
    const Json flow = Json::parse(line);
    requests += flow["requests"].get<size_t>();
    up += flow["bytes"]["up"].get<size_t>();
    if (flow["service"] != "") services.insert(flow["service"]);
  }
  EXPECT_EQ(stats["requests"], requests);
  EXPECT_EQ(stats["bytes_up"], up);
  EXPECT_EQ(stats["services"].size(), services.size());
  for (const Json& service : stats["services"]) {
    EXPECT_TRUE(services.contains(service["service"].get<std::string>()));
    for (const char* key : {"product", "vendor", "class", "status", "clients", "flows", "requests",
                            "bytes_up", "bytes_down", "visibility", "hosts"}) {
      EXPECT_TRUE(service.contains(key)) << key;
    }
  }
  for (const char* key :
       {"schema_version", "weir_version", "packets", "packet_bytes", "capture_seconds", "ai_flows",
        "bytes_down", "inspected_bytes", "visibility", "protocols", "leaks", "counters"}) {
    EXPECT_TRUE(stats.contains(key)) << key;
  }
}

TEST(ReplayCommand, EveryLabelledSessionIsAFlowWithItsName) {
  const TempFolder folder;
  const Outputs out = replay(folder, {lab_files().capture});
  std::map<Session, Json> flows;
  for (const Json& flow : json_lines(out.flows)) flows.emplace(session_of(flow), flow);
  for (const Json& label : json_lines(read_text(lab_files().labels))) {
    const auto flow = flows.find(session_of(label));
    ASSERT_NE(flow, flows.end()) << label;
    if (label["protocol"] == "http" && label["kind"] != "background") {
      EXPECT_EQ(flow->second["requests"], label["requests"]) << label;
      // The gateway is the company's own: no public catalogue knows it.
      EXPECT_EQ(flow->second["service"] == "", label["host"] == "llm.acme.example") << label;
      EXPECT_EQ(flow->second["visibility"], "clear");
    }
    if (label["protocol"] == "dns" || label["host"] == "") continue;
    EXPECT_EQ(flow->second["host"], label["host"]) << label;
  }
}

TEST(ReplayCommand, TheSameCaptureGivesTheSameBytes) {
  const LeanSignatures lean;
  const TempFolder folder;
  for (const char* workers : {"1", "3"}) {
    const Outputs first = replay(folder, {lab_files().capture}, {"--workers", workers});
    const Outputs second = replay(folder, {lab_files().capture}, {"--workers", workers});
    EXPECT_EQ(first.alerts, second.alerts);
    EXPECT_EQ(first.flows, second.flows);
    EXPECT_EQ(without_timing(first.stats), without_timing(second.stats));
  }
}

TEST(ReplayCommand, AnyNumberOfWorkersFindsTheSame) {
  const LeanSignatures lean;
  const TempFolder folder;
  const Outputs one = replay(folder, {lab_files().capture});
  Json one_stats = Json::parse(without_timing(one.stats));
  // The greatest number of flows at once is counted by each worker for itself.
  one_stats["counters"].erase("flow.active_peak");
  for (const char* workers : {"2", "5"}) {
    const Outputs many = replay(folder, {lab_files().capture}, {"--workers", workers});
    EXPECT_EQ(one.alerts, many.alerts);
    EXPECT_EQ(sorted(one.flows), sorted(many.flows));
    Json stats = Json::parse(without_timing(many.stats));
    stats["counters"].erase("flow.active_peak");
    EXPECT_EQ(Json::diff(one_stats, stats), Json::array()) << workers;
  }
}

TEST(ReplayCommand, ReadsStandardInput) {
  const LeanSignatures lean;
  const TempFolder folder;
  const Outputs file = replay(folder, {lab_files().capture});
  const Outputs input = replay(folder, {"-"}, {}, {lab_files().capture, ""});
  EXPECT_EQ(file.alerts, input.alerts);
  EXPECT_EQ(file.flows, input.flows);
}

TEST(ReplayCommand, SeveralFilesAreOneStreamOfPackets) {
  const LeanSignatures lean;
  const TempFolder folder;
  const Outputs whole = replay(folder, {lab_files().capture});
  // The capture cut in two at a packet: a header of 24 bytes, then records of 16 bytes and more.
  const std::string bytes = read_text(lab_files().capture);
  const auto captured = [&](size_t at) {
    size_t value = 0;
    for (size_t i = 4; i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[at + 8 + i]);
    return value;
  };
  size_t at = 24;
  while (at < bytes.size() / 2) at += 16 + captured(at);
  const std::string first = folder.write("1.pcap", bytes.substr(0, at));
  const std::string second = folder.write("2.pcap", bytes.substr(0, 24) + bytes.substr(at));
  const Outputs parts = replay(folder, {first, second});
  EXPECT_EQ(whole.alerts, parts.alerts);
  EXPECT_EQ(whole.flows, parts.flows);
  EXPECT_EQ(Json::parse(parts.stats)["files"].size(), 2U);
}

TEST(ReplayCommand, FindsTheSameBehindEveryLinkLayer) {
  const LeanSignatures lean;
  const TempFolder folder;
  lab::LabOptions options;
  options.code_directory = kOrchard;
  options.sessions = 20;
  options.background_bytes = 1U << 18;
  std::set<std::string> leaks;
  for (const uint32_t type : {1U, 0U, 9U, 101U, 108U, 113U, 276U, 12345U}) {
    options.pcapng = type == 12345U;
    options.link_type = options.pcapng ? 1 : type;
    const std::string capture = folder / "link.pcap";
    const std::string labels = folder / "link.jsonl";
    const auto made = lab::generate_lab(options, capture, labels);
    ASSERT_TRUE(made) << made.error().to_string();
    const Outputs out = replay(folder, {capture});
    SCOPED_TRACE(type);
    expect_answers(out.alerts, read_text(labels));
    EXPECT_EQ(Json::parse(out.stats)["packets"], made->packets);
    leaks.insert(Json::parse(out.stats)["leaks"].dump());
  }
  EXPECT_EQ(leaks.size(), 1U);
}

TEST(ReplayCommand, TellsAPersonWhatItFound) {
  const ProgramResult result = weir(lab_files().with_index({"replay", lab_files().capture}));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "");
  for (const char* text :
       {"AI services", "Incidents", "code leaves", "orchard/", "unsanctioned", "Gbit/s"}) {
    EXPECT_THAT(result.out, HasSubstr(text));
  }
  EXPECT_EQ(result.out.find('\x1b'), std::string::npos) << "colours where no terminal is";
}

// Options that can be given again take one value each time: what follows is a capture.
TEST(ReplayCommand, CapturesMayStandBehindOptions) {
  const ProgramResult result = weir({"replay", "-q", "--key", lab_files().key, "--index",
                                     lab_files().index, lab_files().capture, "--fail-on-leak"});
  EXPECT_EQ(result.exit_code, 3) << result.err;
}

TEST(ReplayCommand, TakesIndexAndKeyFromTheConfiguration) {
  const TempFolder folder;
  const std::string config = folder.write(
      "weir.yaml", "protect: {indexes: [" + lab_files().index + "], key: " + lab_files().key +
                       "}\nalerts: {sinks: [{type: jsonl, path: live.jsonl}]}\n");
  const ProgramResult result =
      weir({"replay", lab_files().capture, "-c", config, "--fail-on-leak", "-q"});
  EXPECT_EQ(result.exit_code, 3) << result.err;
  // The sink of the configuration gets each step of an incident.
  std::map<std::string, std::vector<std::string>> steps;
  for (const Json& line : json_lines(read_text(folder / "live.jsonl"))) {
    EXPECT_THAT(problems("alert.schema.json", line.dump()), IsEmpty());
    steps[line["id"]].push_back(line["activity"]);
  }
  EXPECT_GT(steps.size(), 5U);
  for (const auto& [id, activities] : steps) EXPECT_EQ(activities.front(), "create") << id;
}

}  // namespace
}  // namespace weir::test

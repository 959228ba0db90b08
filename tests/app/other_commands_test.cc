// `weir rules`, `weir policy explain`, `weir tail` and `weir lab generate`.
#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <map>

#include "tests/app/weir_cli.h"
#include "tests/support/json_schema.h"

namespace weir::test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(RulesCommand, ShippedRulesPass) {
  const ProgramResult checked = weir({"rules", "check"});
  EXPECT_EQ(checked.exit_code, 0) << checked.err;
  EXPECT_THAT(checked.out, HasSubstr("content rules load and compile"));
  EXPECT_THAT(checked.out, HasSubstr("AI services"));
  const ProgramResult tested = weir({"rules", "test"});
  EXPECT_EQ(tested.exit_code, 0) << tested.err;
  EXPECT_EQ(tested.err, "");
  EXPECT_THAT(tested.out, HasSubstr(" counter-examples tried, 0 wrong"));
}

TEST(RulesCommand, AWrongExampleNamesItsRule) {
  const TempFolder folder;
  const std::string head =
      "rules:\n  - id: project-falcon\n    title: project name\n    kind: marker\n    score: 0.9\n"
      "    pattern: 'ProjectFalcon'\n";
  const std::string good = folder.write(
      "good.yaml", head + "    examples: [ProjectFalcon]\n    counter_examples: [falcon]\n");
  EXPECT_EQ(weir({"rules", "test", good}).exit_code, 0);
  const std::string bad = folder.write(
      "bad.yaml", head + "    examples: [a falcon]\n    counter_examples: [the ProjectFalcon]\n");
  EXPECT_EQ(weir({"rules", "check", bad}).exit_code, 0);
  const ProgramResult tested = weir({"rules", "test", bad});
  EXPECT_EQ(tested.exit_code, 1);
  EXPECT_THAT(tested.err, HasSubstr(bad + ":7:"));
  EXPECT_THAT(tested.err, HasSubstr(bad + ":8:"));
  EXPECT_THAT(tested.err, HasSubstr("project-falcon"));
  EXPECT_THAT(tested.out, HasSubstr("2 wrong"));
  // Rules of a configuration stand beside the shipped ones.
  const std::string config = folder.write("weir.yaml", "signatures: {rules: [bad.yaml]}\n");
  const ProgramResult all = weir({"rules", "test", "-c", config});
  EXPECT_EQ(all.exit_code, 1);
  EXPECT_THAT(all.out, HasSubstr("2 wrong"));
}

TEST(PolicyCommand, ExplainsWhichRuleDecides) {
  const ProgramResult code = weir(
      {"policy", "explain", "--host", "api.anthropic.com", "--evidence", "code", "--lines", "9"});
  EXPECT_EQ(code.exit_code, 0) << code.err;
  EXPECT_THAT(code.out, HasSubstr("Claude API"));
  EXPECT_THAT(code.out, HasSubstr("=> drop, severity critical, by \"code leaves\""));
  const ProgramResult agent = weir({"policy", "explain", "--host", "api.anthropic.com", "--path",
                                    "/v1/messages", "--tool", "claude-code"});
  EXPECT_THAT(agent.out, HasSubstr("=> drop, severity high, by \"banned agents\""));
  const ProgramResult none = weir({"policy", "explain", "--host", "shop.example"});
  EXPECT_THAT(none.out, HasSubstr("no AI service of the catalogue"));
  EXPECT_THAT(none.out, HasSubstr("=> allow, as no rule matches"));
}

TEST(PolicyCommand, ExplainsTheConfiguredPolicy) {
  const TempFolder folder;
  const std::string config = folder.write(
      "weir.yaml",
      "services: {own: [{id: gate, product: Our gate, hosts: [llm.acme.example]}]}\n"
      "policy:\n"
      "  - {name: from build, when: {source: 10.9.0.0/16, status: internal}, then: reset,"
      " severity: low}\n"
      "  - {name: much, when: {up: '>1MiB', visibility: metadata}, then: alert}\n");
  const auto explain = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"policy", "explain", "-c", config, "--host", "llm.acme.example"});
    return weir(more).out;
  };
  EXPECT_THAT(explain({"--client", "10.9.1.1"}), HasSubstr("=> reset, severity low, by \"from"));
  EXPECT_THAT(explain({"--client", "10.8.1.1"}), HasSubstr("=> allow"));
  EXPECT_THAT(explain({"--up", "2000000", "--visibility", "metadata"}),
              HasSubstr("=> alert, severity medium, by \"much\""));
  EXPECT_THAT(explain({}), HasSubstr("Our gate (gate, gateway), internal"));
}

class TailCommand : public ::testing::Test {
 protected:
  // `weir tail` and then a replay that publishes to it, which waits for it.
  ProgramResult tail(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"tail", "-c", config_});
    RunningProgram tail(weir_arguments(arguments));
    EXPECT_TRUE(tail.wait_for_error_text("waiting for " + endpoint_, std::chrono::seconds(30)));
    std::vector<std::string> replay = {
        "replay", "-q",       lab_files().capture,      "-c",
        config_,  "--alerts", folder_ / "alerts.jsonl", "--wait-for-subscriber",
        "30"};
    const ProgramResult replayed = weir(lab_files().with_index(replay));
    EXPECT_EQ(replayed.exit_code, 0) << replayed.err;
    EXPECT_EQ(replayed.err, "");
    return tail.wait(std::chrono::seconds(60));
  }
  [[nodiscard]] std::map<std::string, Json> closed() const {
    std::map<std::string, Json> out;
    for (const Json& line : json_lines(read_text(folder_ / "alerts.jsonl"))) {
      out.emplace(line["id"], line);
    }
    return out;
  }

  TempFolder folder_;
  const std::string endpoint_ = "ipc://" + (folder_ / "bus");
  const std::string config_ =
      folder_.write("weir.yaml", "alerts: {sinks: [{type: zmq, bind: \"" + endpoint_ + "\"}]}\n");
};

TEST_F(TailCommand, ReceivesWhatAnotherProcessPublishes) {
  const ProgramResult shown = tail({"--json", "--count", "10"});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_THAT(shown.err, HasSubstr("connected to " + endpoint_));
  const std::vector<Json> lines = json_lines(shown.out);
  EXPECT_EQ(lines.size(), 10U);
  const std::map<std::string, Json> final = closed();
  for (const Json& line : lines) {
    EXPECT_THAT(problems("alert.schema.json", line.dump()), IsEmpty());
    ASSERT_TRUE(final.contains(line["id"])) << line;
    EXPECT_EQ(line["rule"], final.at(line["id"])["rule"]);
    EXPECT_LE(line["count"], final.at(line["id"])["count"]);
  }
  EXPECT_EQ(lines.front()["activity"], "create") << "the first message is not lost";
}

TEST_F(TailCommand, ShowsPeopleWhatIsSevereEnough) {
  const ProgramResult shown = tail({"--severity", "critical", "--count", "3"});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  size_t incidents = 0;
  for (const std::string& line : lines_of(shown.out)) {
    if (line.rfind("    ", 0) == 0) {
      EXPECT_THAT(line, AnyOf(HasSubstr("orchard/"), HasSubstr("cut after ")));
      continue;
    }
    ++incidents;
    EXPECT_THAT(line, HasSubstr("  critical  drop  "));
  }
  EXPECT_EQ(incidents, 3U);
}

TEST_F(TailCommand, EndsByTimeAndBySignal) {
  EXPECT_EQ(weir({"tail", endpoint_, "--seconds", "0.3"}).exit_code, 0);
  for (const int signal : {SIGINT, SIGTERM}) {
    RunningProgram tail(weir_arguments({"tail", endpoint_}));
    ASSERT_TRUE(tail.wait_for_error_text("waiting for", std::chrono::seconds(30)));
    tail.send_signal(signal);
    EXPECT_EQ(tail.wait().exit_code, 0);
  }
  EXPECT_EQ(weir({"tail", "bogus://x", "--seconds", "1"}).exit_code, 1);
  const std::string without = folder_.write("none.yaml", "alerts: {sinks: []}\n");
  EXPECT_EQ(weir({"tail", "-c", without}).exit_code, 2);
}

TEST_F(TailCommand, AReplayThatNobodyListensToGoesOn) {
  const ProgramResult alone =
      weir({"replay", "-q", lab_files().capture, "-c", config_, "--wait-for-subscriber", "0.2"});
  EXPECT_EQ(alone.exit_code, 0) << alone.err;
  EXPECT_THAT(alone.err, HasSubstr(endpoint_ + ": nobody has subscribed"));
}

TEST(LabCommand, TheSameSeedGivesTheSameCapture) {
  const TempFolder folder;
  const auto make = [&](const char* seed, const char* name) {
    const ProgramResult made =
        weir({"lab", "generate", "--code", kOrchard, "--out", folder / name, "--labels",
              folder / (std::string(name) + ".jsonl"), "--sessions", "6", "--leak-share", "0.5",
              "--background", "0", "--seed", seed});
    EXPECT_EQ(made.exit_code, 0) << made.err;
    EXPECT_THAT(made.out, HasSubstr("3 AI sessions that leak, 3 that do not"));
    return read_text(folder / name);
  };
  const std::string first = make("5", "a.pcap");
  EXPECT_EQ(first, make("5", "b.pcap"));
  EXPECT_NE(first, make("6", "c.pcap"));
  EXPECT_EQ(read_text(folder / "a.pcap.jsonl"), read_text(folder / "b.pcap.jsonl"));
  for (const char* code : {"nowhere", "."}) {
    const ProgramResult wrong =
        weir({"lab", "generate", "--code", folder / (std::string("code/") + code), "--out",
              folder / "d.pcap"});
    EXPECT_EQ(wrong.exit_code, 1);
    EXPECT_THAT(wrong.err, HasSubstr("code"));
  }
}

}  // namespace
}  // namespace weir::test

// What each exit code stands for, and that errors name the file and the place in it.
#include <gmock/gmock.h>

#include <chrono>

#include "tests/app/weir_cli.h"

namespace weir::test {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

TEST(ExitCodes, ZeroUnlessLeaksAreToFail) {
  const std::string capture = lab_files().capture;
  EXPECT_EQ(weir(lab_files().with_index({"replay", "-q", capture})).exit_code, 0);
  EXPECT_EQ(weir(lab_files().with_index({"replay", "-q", capture, "--fail-on-leak"})).exit_code, 3);
  // Without an index nothing is known to be protected: use of a banned service is no leak.
  EXPECT_EQ(weir({"replay", "-q", capture, "--fail-on-leak"}).exit_code, 0);
  for (const char* argument : {"--help", "--version"}) {
    const ProgramResult result = weir({argument});
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_THAT(result.out, HasSubstr("eir"));
  }
}

TEST(ExitCodes, FourForADamagedCaptureOfWhichAllThatCanBeIsInspected) {
  const LeanSignatures lean;
  const TempFolder folder;
  const std::string whole = read_text(lab_files().capture);
  const std::string cut = folder.write("cut.pcap", whole.substr(0, whole.size() - 7));
  const std::string stats = folder / "stats.json";
  const ProgramResult result =
      weir(lab_files().with_index({"replay", cut, "--stats", stats, "--fail-on-leak"}));
  EXPECT_EQ(result.exit_code, 4) << "damage goes before leaks";
  EXPECT_THAT(result.err, HasSubstr(cut + ": the packet record at byte "));
  EXPECT_THAT(result.out, HasSubstr("code leaves"));
  const Json told = Json::parse(read_text(stats));
  EXPECT_EQ(told["errors"].size(), 1U);
  const ProgramResult good = weir(
      lab_files().with_index({"replay", lab_files().capture, "-q", "--stats", folder / "all"}));
  EXPECT_EQ(good.exit_code, 0);
  EXPECT_EQ(told["packets"].get<int>() + 1, Json::parse(read_text(folder / "all"))["packets"]);
  // A damaged file does not keep the others from being read.
  EXPECT_EQ(weir({"replay", cut, lab_files().capture, "-q", "--stats", stats}).exit_code, 4);
  EXPECT_GT(Json::parse(read_text(stats))["packets"].get<int>(), told["packets"].get<int>() + 1);
}

TEST(ExitCodes, FourForWhatIsNoCapture) {
  const LeanSignatures lean;
  const TempFolder folder;
  std::string noise;
  for (uint32_t i = 1; i < 5000; ++i) noise += static_cast<char>((i * 2654435761U) >> 24);
  for (const std::string& path :
       {folder.write("noise.pcap", noise), folder.write("empty.pcap", ""),
        folder.write("short.pcap", read_text(lab_files().capture).substr(0, 20)),
        folder / "missing.pcap", kOrchard}) {
    const ProgramResult result = weir({"replay", "-q", path});
    EXPECT_EQ(result.exit_code, 4) << path;
    EXPECT_THAT(result.err, HasSubstr(path));
  }
  EXPECT_EQ(weir({"replay", "-q", "-"}).exit_code, 4) << "nothing on standard input";
}

// Packets of random bytes, of every link layer that is known and of one that is not.
TEST(ExitCodes, RandomPacketsAreCounted) {
  const LeanSignatures lean;
  const TempFolder folder;
  uint64_t state = 88172645463325252U;
  const auto random = [&state] {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  };
  const auto put32 = [](std::string& out, uint64_t value) {
    for (int i = 0; i < 4; ++i) out += static_cast<char>(value >> (8 * i));
  };
  for (const uint32_t link : {0U, 1U, 9U, 101U, 108U, 113U, 147U, 276U}) {
    std::string file("\xd4\xc3\xb2\xa1\x02\x00\x04\x00\0\0\0\0\0\0\0\0\xff\xff\0\0", 20);
    put32(file, link);
    for (uint32_t i = 0; i < 300; ++i) {
      const size_t size = random() % 200;
      put32(file, 1'700'000'000 + i);
      put32(file, random() % 1'000'000);
      put32(file, size);
      put32(file, size);
      for (size_t j = 0; j < size; ++j) file += static_cast<char>(random());
    }
    const ProgramResult result =
        weir({"replay", "-q", "--stats", "-", folder.write("random.pcap", file)});
    ASSERT_EQ(result.exit_code, 0) << link << result.err;
    const Json stats = Json::parse(result.out);
    EXPECT_EQ(stats["packets"], 300) << link;
    EXPECT_EQ(stats["incidents"], 0) << link;
    EXPECT_LT(stats["counters"]["engine.packets"], 300) << link;
  }
}

TEST(ExitCodes, TwoForAWrongCommandLine) {
  const LeanSignatures lean;
  const std::string capture = lab_files().capture;
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {},
           {"nonsense"},
           {"replay"},
           {"replay", capture, "--nonsense"},
           {"replay", capture, "--workers", "many"},
           {"replay", capture, "--workers", "257"},
           {"replay", capture, "--index", lab_files().index},
           {"replay", capture, "--index", "/no/such/missing.wfi", "--key", lab_files().key},
           {"replay", capture, "--wait-for-subscriber", "1"},
           {"replay", capture, "--keys-late", "2", "--workers", "2"},
           {"scan", "--manifest", "/no/such/missing.jsonl"},
           {"scan", "--manifest", capture, kOrchard},
           {"index"},
           {"index", "build"},
           {"policy", "explain"},
           {"policy", "explain", "--host", "x.example", "--evidence", "rumour"},
           {"policy", "explain", "--host", "x.example", "--client", "nobody"},
           {"tail", "--severity", "huge"},
           {"lab", "generate", "--code", kOrchard}}) {
    const ProgramResult result = weir(arguments);
    EXPECT_EQ(result.exit_code, 2) << ::testing::PrintToString(arguments);
    EXPECT_NE(result.err, "") << ::testing::PrintToString(arguments);
    EXPECT_EQ(result.out, "") << ::testing::PrintToString(arguments);
  }
}

TEST(ExitCodes, TwoForAWrongConfigurationWithItsPlace) {
  const TempFolder folder;
  struct Case {
    const char* text;
    const char* place;
  };
  for (const Case& wrong :
       {Case{"capture:\n  mode: mirror\n  snoop: 3\n", ":3:3: "},
        Case{"fail: open\nfail: closed\n", ":2:1: "}, Case{"protect:\n  min_lines: 0\n", ":2:14: "},
        Case{"policy:\n  - {name: x, then: explode}\n", ":2:21: "}, Case{"a: [1\n", ":2:1: "}}) {
    const std::string config = folder.write("weir.yaml", wrong.text);
    const ProgramResult result = weir({"replay", "-q", lab_files().capture, "-c", config});
    EXPECT_EQ(result.exit_code, 2) << wrong.text;
    EXPECT_THAT(result.err, HasSubstr(config + wrong.place)) << wrong.text;
  }
  // The same reader stands behind every command.
  const std::string config = folder.write("weir.yaml", "nonsense: 1\n");
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"scan", kOrchard, "-c", config},
           {"rules", "check", "-c", config},
           {"policy", "explain", "--host", "x.example", "-c", config},
           {"tail", "-c", config}}) {
    const ProgramResult result = weir(arguments);
    EXPECT_EQ(result.exit_code, 2) << arguments[0];
    EXPECT_THAT(result.err, HasSubstr(config + ":1:1: ")) << arguments[0];
  }
  EXPECT_EQ(weir({"replay", lab_files().capture, "-c", folder / "missing.yaml"}).exit_code, 2);
}

TEST(ExitCodes, TwoForARuleFileThatDoesNotLoad) {
  const TempFolder folder;
  folder.write("mine/bad.yaml",
               "rules:\n  - id: mine\n    title: t\n    kind: marker\n    score: 0.9\n"
               "    pattern: 'ProjectFalcon(('\n    examples: [ProjectFalcon]\n"
               "    counter_examples: [falcon]\n");
  const std::string config = folder.write("weir.yaml", "signatures: {rules: [mine]}\n");
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"replay", "-q", lab_files().capture, "-c", config}, {"rules", "check", "-c", config}}) {
    const ProgramResult result = weir(arguments);
    EXPECT_EQ(result.exit_code, 2) << arguments[0];
    EXPECT_THAT(result.err, HasSubstr("mine/bad.yaml:6:14: ")) << arguments[0];
  }
}

TEST(ExitCodes, OneForWhatCannotBeWritten) {
  const LeanSignatures lean;
  const TempFolder folder;
  const std::string capture = lab_files().capture;
  for (const char* option : {"--alerts", "--flows", "--stats"}) {
    for (const std::string& path : {folder / ".", folder / "no/such/folder", folder.full()}) {
      const ProgramResult result =
          weir(lab_files().with_index({"replay", "-q", capture, option, path}));
      EXPECT_EQ(result.exit_code, 1) << option << " " << path;
      EXPECT_THAT(result.err, HasSubstr(path)) << option;
    }
  }
  const std::string config = folder.write(
      "weir.yaml", "alerts: {sinks: [{type: jsonl, path: " + (folder / "no/such/folder") + "}]}\n");
  EXPECT_EQ(weir({"replay", "-q", capture, "-c", config}).exit_code, 1);
  const std::string zmq = folder.write(
      "zmq.yaml", "alerts: {sinks: [{type: zmq, bind: \"ipc:///no/such/folder/alerts\"}]}\n");
  EXPECT_EQ(weir({"replay", "-q", capture, "-c", zmq}).exit_code, 1);
  for (const std::string& path : {folder / ".", folder / "no/such/folder", folder.full()}) {
    for (const char* option : {"--out", "--labels"}) {
      const std::string other =
          std::string_view(option) == "--out" ? folder / "lab.jsonl" : folder / "lab.pcap";
      const ProgramResult result =
          weir({"lab", "generate", "--code", kOrchard, "--sessions", "2", "--background", "0",
                option, path, std::string_view(option) == "--out" ? "--labels" : "--out", other});
      EXPECT_EQ(result.exit_code, 1) << option << " " << path;
      EXPECT_THAT(result.err, HasSubstr(path));
    }
  }
}

TEST(ExitCodes, OneWhenStandardOutputIsFull) {
  const LeanSignatures lean;
  const TempFolder folder;
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"--help"},
           {"rules", "check"},
           {"policy", "explain", "--host", "x.example"},
           {"scan", kOrchard, "--jsonl"},
           {"index", "info", lab_files().index, "--key", lab_files().key},
           {"index", "verify", lab_files().index},
           {"replay", lab_files().capture},
           {"replay", "-q", lab_files().capture, "--stats", "-"}}) {
    const ProgramResult result = weir(arguments, {"/dev/null", folder.full()});
    EXPECT_EQ(result.exit_code, 1) << ::testing::PrintToString(arguments);
    EXPECT_THAT(result.err, HasSubstr("cannot be written")) << ::testing::PrintToString(arguments);
  }
}

TEST(ExitCodes, AReaderThatGoesAwayIsNoNews) {
  const LeanSignatures lean;
  RunningProgram program(weir_arguments({"scan", kOrchard, "--jsonl"}));
  program.close_output();
  const ProgramResult result = program.wait();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.err, "");
}

}  // namespace
}  // namespace weir::test

// `weir replay --state`, `weir incidents` and `weir usage`.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/app/weir_cli.h"

namespace weir::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class StoreCommands : public ::testing::Test {
 protected:
  StoreCommands() {
    const std::string source = std::string(WEIR_SOURCE_DIR) + "/samples/orchard";
    key_ = folder_ / "site.key";
    EXPECT_EQ(weir({"index", "build", "--repo", "orchard=" + source, "--out", folder_ / "o.wfi",
                    "--key", key_, "--make-key"})
                  .exit_code,
              0);
    EXPECT_EQ(weir({"lab", "generate", "--code", source, "--out", folder_ / "lab.pcap", "--labels",
                    folder_ / "labels.jsonl", "--sessions", "12", "--background", "4"})
                  .exit_code,
              0);
    const ProgramResult replay =
        weir({"replay", folder_ / "lab.pcap", "--index", folder_ / "o.wfi", "--key", key_,
              "--state", state(), "--alerts", folder_ / "alerts.jsonl", "-q"});
    EXPECT_EQ(replay.exit_code, 0) << replay.err;
  }
  [[nodiscard]] std::string state() const { return folder_ / "state"; }

  TempFolder folder_;
  std::string key_;
};

TEST_F(StoreCommands, TheStoreHoldsWhatTheReplayTold) {
  const ProgramResult stored = weir({"incidents", "--state", state(), "--json", "--limit", "0"});
  EXPECT_EQ(stored.exit_code, 0) << stored.err;
  std::vector<std::string> told = lines_of(read_text(folder_ / "alerts.jsonl"));
  std::vector<std::string> held = lines_of(stored.out);
  std::sort(told.begin(), told.end());
  std::sort(held.begin(), held.end());
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(held, told);
  const std::string id = nlohmann::json::parse(told[0])["id"];
  const ProgramResult one = weir({"incidents", id, "--state", state()});
  EXPECT_EQ(one.out.rfind(id, 0), 0U);
  EXPECT_EQ(weir({"incidents", "--state", state(), "--last", "1m"}).out, "No incidents.\n");
}

TEST_F(StoreCommands, UsageAnswersInTablesCsvAndJson) {
  const ProgramResult report = weir({"usage", "--state", state()});
  EXPECT_EQ(report.exit_code, 0) << report.err;
  EXPECT_THAT(report.out, HasSubstr("Top uploads"));
  EXPECT_THAT(report.out, HasSubstr("10.20.1."));
  const ProgramResult csv =
      weir({"usage", "--state", state(), "--by", "service,status", "--format", "csv"});
  EXPECT_EQ(csv.out.rfind("service,status,clients,flows,", 0), 0U);
  const ProgramResult json = weir({"usage", "--state", state(), "--by", "client,user", "--order",
                                   "lines", "--format", "json", "--anonymise", key_});
  EXPECT_THAT(json.out, Not(HasSubstr("10.20.1.")));
  const auto rows = nlohmann::json::parse(json.out);
  ASSERT_FALSE(rows.empty());
  EXPECT_EQ(rows[0]["client"].get<std::string>().rfind("client-", 0), 0U);
  EXPECT_GT(rows[0]["protected_lines"].get<int>(), 0);
  const ProgramResult again = weir({"usage", "--state", state(), "--by", "client,user", "--order",
                                    "lines", "--format", "json", "--anonymise", key_});
  EXPECT_EQ(again.out, json.out);
}

TEST_F(StoreCommands, BadInputIsSaidClearly) {
  EXPECT_THAT(weir({"usage"}).err, HasSubstr("no database is named"));
  EXPECT_EQ(weir({"usage"}).exit_code, 2);
  EXPECT_THAT(weir({"usage", "--state", state(), "--by", "colour"}).err,
              HasSubstr("\"colour\" is no column"));
  EXPECT_THAT(weir({"usage", "--state", state(), "--from", "2026-13-01"}).err,
              HasSubstr("is no time"));
  EXPECT_THAT(weir({"usage", "--state", state(), "--from", "2026-11-01x"}).err,
              HasSubstr("is no time"));
  EXPECT_THAT(weir({"usage", "--state", state(), "--last", "7d", "--until", "2026-11-02"}).err,
              HasSubstr("--last goes with neither"));
  EXPECT_THAT(weir({"usage", "--state", state(), "--only", "client"}).err,
              HasSubstr("expected COLUMN=VALUE"));
  const ProgramResult missing = weir({"incidents", "--state", folder_ / "nowhere"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.err, HasSubstr("nowhere/weir.db"));
  // Damaged: said, and left as it is.
  std::ofstream(state() + "/weir.db", std::ios::in | std::ios::out).write("garbage!", 8);
  EXPECT_EQ(weir({"usage", "--state", state()}).exit_code, 1);
  const ProgramResult replay = weir({"replay", folder_ / "lab.pcap", "--state", state(), "-q"});
  EXPECT_EQ(replay.exit_code, 1);
  EXPECT_THAT(replay.err, HasSubstr("weir.db"));
}

}  // namespace
}  // namespace weir::test

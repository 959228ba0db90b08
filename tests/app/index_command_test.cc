// `weir index build|info|verify`, run as a user runs it.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cctype>
#include <utility>

#include "tests/app/weir_cli.h"

namespace weir::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class IndexCommand : public ::testing::Test {
 protected:
  ProgramResult build(std::vector<std::string> more = {}) const {
    std::vector<std::string> all = {"index", "build", "--out", index_, "--key", key_, "--make-key"};
    if (more.empty()) more = {"--repo", kOrchard};
    all.insert(all.end(), more.begin(), more.end());
    return weir(std::move(all));
  }
  ProgramResult info() const { return weir({"index", "info", index_, "--key", key_, "--json"}); }

  TempFolder folder_;
  const std::string index_ = folder_ / "a.wfi";
  const std::string key_ = folder_ / "site.key";
};

TEST_F(IndexCommand, MakesAKeyThatOnlyItsOwnerReads) {
  const ProgramResult built = build();
  EXPECT_EQ(built.exit_code, 0) << built.err;
  EXPECT_THAT(built.out, HasSubstr("6 files"));
  struct stat status = {};
  ASSERT_EQ(::stat(key_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  const std::string key = read_text(key_);
  EXPECT_EQ(key.size(), 65U);
  for (const char c : key.substr(0, 64)) EXPECT_TRUE(std::isxdigit(static_cast<unsigned char>(c)));
  // Made once: another build keeps it, and gives the same index.
  const std::string first = read_text(index_);
  EXPECT_EQ(build().exit_code, 0);
  EXPECT_EQ(read_text(key_), key);
  EXPECT_EQ(read_text(index_), first);
}

TEST_F(IndexCommand, RefusesAKeyThatOthersCanRead) {
  const LeanSignatures lean;
  ASSERT_EQ(build().exit_code, 0);
  ASSERT_EQ(::chmod(key_.c_str(), 0640), 0);
  for (const ProgramResult& result :
       {info(), build(),
        weir({"replay", lab_files().capture, "--index", index_, "--key", key_, "-q"}),
        weir({"scan", kOrchard, "--index", index_, "--key", key_})}) {
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr(key_));
    EXPECT_THAT(result.err, HasSubstr("chmod 600"));
  }
}

TEST_F(IndexCommand, RefusesOtherAndMissingKeys) {
  const LeanSignatures lean;
  ASSERT_EQ(build().exit_code, 0);
  const ProgramResult other = weir({"index", "info", index_, "--key", lab_files().key});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("another site key"));
  EXPECT_EQ(weir({"replay", lab_files().capture, "--index", index_, "--key", lab_files().key, "-q"})
                .exit_code,
            2);
  EXPECT_EQ(weir({"scan", kOrchard, "--index", index_}).exit_code, 2);
  const ProgramResult none =
      weir({"index", "build", "--repo", kOrchard, "--out", index_, "--key", folder_ / "none.key"});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("none.key"));
  const ProgramResult bad = weir({"index", "info", index_, "--key", kOrchard + "/tools"});
  EXPECT_EQ(bad.exit_code, 2);
}

TEST_F(IndexCommand, RefusesADamagedIndexWithTheReason) {
  const LeanSignatures lean;
  ASSERT_EQ(build().exit_code, 0);
  const std::string whole = read_text(index_);
  EXPECT_EQ(weir({"index", "verify", index_}).exit_code, 0);

  for (const size_t left : {whole.size() - 1, whole.size() / 2, size_t{100}, size_t{0}}) {
    folder_.write("a.wfi", whole.substr(0, left));
    for (const ProgramResult& result : {info(), weir({"index", "verify", index_})}) {
      EXPECT_EQ(result.exit_code, 2) << left;
      EXPECT_THAT(result.err, HasSubstr(index_));
      EXPECT_EQ(result.out, "");
    }
  }
  folder_.write("a.wfi", whole.substr(0, whole.size() / 2));
  EXPECT_THAT(info().err, HasSubstr("cut short"));

  // A flipped bit anywhere is found by verify; at the front already when it is opened.
  for (size_t at = 3; at < whole.size(); at += whole.size() / 20) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    folder_.write("a.wfi", flipped);
    const ProgramResult result = weir({"index", "verify", index_});
    EXPECT_EQ(result.exit_code, 2) << at;
    EXPECT_THAT(result.err, HasSubstr(index_));
  }
  std::string flipped = whole;
  flipped[20] = static_cast<char>(flipped[20] ^ 0x10);
  folder_.write("a.wfi", flipped);
  for (const ProgramResult& result :
       {info(), weir({"replay", lab_files().capture, "--index", index_, "--key", key_})}) {
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.out, "");
  }
  const ProgramResult foreign = weir({"index", "info", lab_files().capture, "--key", key_});
  EXPECT_EQ(foreign.exit_code, 2);
  EXPECT_THAT(foreign.err, HasSubstr("not a fingerprint index"));
}

TEST_F(IndexCommand, NamesRepositoriesByFolderOrAsTold) {
  ASSERT_EQ(
      build({"--repo", kOrchard + "/planner/", "--repo", "shed=" + kOrchard + "/tools"}).exit_code,
      0);
  const Json told = Json::parse(info().out);
  EXPECT_THAT(told["repositories"], ElementsAre("planner", "shed"));
  EXPECT_EQ(told["files"], 5);
  EXPECT_GE(told["format"], 1);
  for (const char* key : {"lines", "fingerprints", "bytes", "critical_lines"}) {
    EXPECT_TRUE(told[key].is_number_unsigned()) << key;
  }
  const ProgramResult text = weir({"index", "info", index_, "--key", key_});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_THAT(text.out, HasSubstr("shed"));
  // Evidence carries that name, and paths below its folder.
  const ProgramResult scanned = weir(
      {"scan", kOrchard + "/tools/bin_tracker.c", "--index", index_, "--key", key_, "--jsonl"});
  const Json line = Json::parse(scanned.out);
  EXPECT_EQ(line["repository"], "shed");
  EXPECT_EQ(line["path"], "bin_tracker.c");
}

TEST_F(IndexCommand, BuildTellsWhatItMadeAsJson) {
  const ProgramResult built = build({"--repo", kOrchard, "--json"});
  // The line about the new key is no JSON and so must not stand on stdout.
  const Json told = Json::parse(built.out, nullptr, false);
  ASSERT_TRUE(told.is_object()) << built.out;
  EXPECT_EQ(told["out"], index_);
  EXPECT_EQ(told["files"], 6);
  EXPECT_EQ(told["critical_lines"], 0);
  for (const char* key : {"bytes", "lines", "fingerprints", "dropped_common", "skipped"}) {
    EXPECT_TRUE(told[key].is_number_unsigned()) << key;
  }
}

TEST_F(IndexCommand, OneLineOfACriticalFileIsFound) {
  ASSERT_EQ(build({"--repo", kOrchard, "--critical", "planner/*.cc"}).exit_code, 0);
  EXPECT_GT(Json::parse(info().out)["critical_lines"], 20);
  size_t distinctive = 0;
  const auto file = lines_of(read_text(kOrchard + "/planner/crew_schedule.cc"));
  const auto longest = std::max_element(
      file.begin(), file.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
  distinctive = static_cast<size_t>(longest - file.begin()) + 1;
  const std::string body =
      Json({{"messages", {{{"role", "user"}, {"content", "Why is this slow?\n" + *longest}}}}})
          .dump();
  const std::string request = folder_.write("request.json", body);
  const auto scan = [&](const std::string& index, const std::string& key) {
    return Json::parse(weir({"scan", request, "--index", index, "--key", key, "--jsonl",
                             "--content-type", "application/json"})
                           .out);
  };
  const Json found = scan(index_, key_);
  EXPECT_EQ(found["leak"], true);
  EXPECT_EQ(found["path"], "planner/crew_schedule.cc");
  EXPECT_EQ(found["first_line"], distinctive);
  EXPECT_EQ(found["last_line"], distinctive);
  // As a critical line, and perhaps as rare text: the surer one first.
  ASSERT_FALSE(found["findings"].empty()) << found;
  for (const Json& finding : found["findings"]) EXPECT_EQ(finding["first_line"], distinctive);
  EXPECT_EQ(found["findings"][0]["rule"], "critical");
  EXPECT_THAT(found["findings"][0]["where"].get<std::string>(), HasSubstr("messages[0].content"));
}

TEST_F(IndexCommand, SaysWhatCannotBeReadOrWritten) {
  const ProgramResult missing = build({"--repo", folder_ / "nowhere"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.err, HasSubstr(folder_ / "nowhere"));
  EXPECT_EQ(build({"--repo", kOrchard + "/planner/crew_schedule.cc"}).exit_code, 1);
  EXPECT_FALSE(fs::exists(index_));
  for (const std::string& out : {folder_ / "no/such/folder.wfi", folder_ / "."}) {
    const ProgramResult result =
        weir({"index", "build", "--repo", kOrchard, "--out", out, "--key", key_});
    EXPECT_EQ(result.exit_code, 1) << out;
    EXPECT_THAT(result.err, HasSubstr(out));
  }
  EXPECT_EQ(weir({"index", "info", index_, "--key", key_}).exit_code, 2);
  EXPECT_EQ(weir({"index", "verify", index_}).exit_code, 2);
  const ProgramResult memory = build({"--repo", kOrchard, "--memory", "12X"});
  EXPECT_EQ(memory.exit_code, 2);
  EXPECT_THAT(memory.err, HasSubstr("12X"));
}

// The finished index takes the place of what stands at --out by a rename, which as root would make
// away with a device.
TEST_F(IndexCommand, DoesNotReplaceWhatIsNoRegularFile) {
  const std::string pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const std::string key = lab_files().key;
  const ProgramResult result =
      weir({"index", "build", "--repo", kOrchard, "--out", pipe, "--key", key});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("no regular file"));
  EXPECT_TRUE(fs::is_fifo(pipe));
  const ProgramResult device =
      weir({"index", "build", "--repo", kOrchard, "--out", folder_.full(), "--key", key});
  EXPECT_EQ(device.exit_code, 1);
  EXPECT_TRUE(fs::is_symlink(folder_.full()));
}

TEST_F(IndexCommand, SealsNamesToAKeyThatTheSensorHasNot) {
  const std::string secret = folder_ / "soc.key";
  const std::string open = folder_ / "soc.pub";
  const ProgramResult made = weir({"index", "seal-key", "--private", secret, "--public", open});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  struct stat status = {};
  ASSERT_EQ(::stat(secret.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  EXPECT_EQ(weir({"index", "seal-key", "--private", secret, "--public", open}).exit_code, 2);
  ASSERT_EQ(build({"--repo", kOrchard, "--seal-names", open}).exit_code, 0);
  EXPECT_THAT(info().out, HasSubstr("\"sealed\":true"));
  EXPECT_THAT(info().out, HasSubstr("[\"sealed-"));
  EXPECT_EQ(read_text(index_).find("orchard"), std::string::npos);
  const ProgramResult all = weir({"index", "names", index_, "--private", secret});
  EXPECT_EQ(all.exit_code, 0) << all.err;
  EXPECT_THAT(all.out, HasSubstr("  orchard\n"));
  const std::string first = all.out.substr(0, all.out.find(' '));
  const ProgramResult one = weir({"index", "names", index_, first, "--private", secret, "--json"});
  EXPECT_EQ(one.out, "{\"name\":\"orchard\",\"sealed\":\"" + first + "\"}\n");
  EXPECT_EQ(weir({"index", "names", index_, "sealed-0", "--private", secret}).exit_code, 1);
  ASSERT_EQ(::chmod(secret.c_str(), 0644), 0);
  const ProgramResult refused = weir({"index", "names", index_, "--private", secret});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("chmod 600"));
}

// What changed since the base is found through the base's name, in the file's newest version.
TEST_F(IndexCommand, ALayerTellsWhatChangedSince) {
  const LeanSignatures lean;
  std::string code;
  for (int i = 0; i < 30; ++i) {
    code += "  walrusTusk[" + std::to_string(i) + "] = quokkaFactor(brine, gherkin" +
            std::to_string(i * 7919) + ");\n";
  }
  folder_.write("repo/old.cc", code);
  const std::string repository = folder_ / "repo";
  ASSERT_EQ(build({"--repo", repository}).exit_code, 0);
  std::vector<std::string> layer{"index",      "build", "--repo", repository,
                                 "--delta-of", index_,  "--key",  key_};
  ProgramResult made = weir(layer);
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("nothing changed"));
  fs::rename(folder_ / "repo/old.cc", folder_ / "repo/renamed.cc");
  made = weir(layer);
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr(index_ + ".delta-1: 1 files"));
  EXPECT_THAT(made.out, HasSubstr("1 are replaced or gone"));
  EXPECT_THAT(info().out, HasSubstr("\"hidden_files\":1"));
  EXPECT_THAT(info().out, HasSubstr("\"layers\":1"));
  EXPECT_THAT(weir({"index", "verify", index_}).out, HasSubstr("and 1 layers: every checksum"));
  const std::string leak = folder_.write("leak.txt", "see here:\n" + code);
  const ProgramResult found = weir({"scan", leak, "--index", index_, "--key", key_});
  EXPECT_EQ(found.exit_code, 0) << found.err;
  EXPECT_THAT(found.out, HasSubstr("renamed.cc"));
  EXPECT_EQ(found.out.find("old.cc"), std::string::npos);
  layer.insert(layer.end(), {"--out", folder_ / "b.wfi"});
  EXPECT_EQ(weir(layer).exit_code, 2);
  EXPECT_EQ(weir({"index", "merge", index_, "--out", folder_ / "b.wfi"}).exit_code, 1);
  EXPECT_EQ(weir({"index", "build", "--repo", repository, "--key", key_}).exit_code, 2);
}

}  // namespace
}  // namespace weir::test

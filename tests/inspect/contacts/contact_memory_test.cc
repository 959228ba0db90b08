// What is kept of contacts over a restart, and what becomes of a file that is no such thing.
#include "inspect/contacts/contact_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace weir::inspect {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ContactMemoryTest : public ::testing::Test {
 protected:
  ContactMemoryTest() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "weir-contacts-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    path_ = folder_ + "/weir.db.contacts";
  }
  ~ContactMemoryTest() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string text() const {
    std::ifstream in(path_);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& text) const { std::ofstream(path_) << text; }

  std::string folder_;
  std::string path_;
  ContactCounters counters_;
};

TEST_F(ContactMemoryTest, ARestartKnowsAllThatWasKnown) {
  const Timestamp begin{1'780'000'000'000'000'000};
  ContactMemory memory(64, counters_);
  EXPECT_TRUE(memory.learning(begin, Duration::seconds(100)));
  memory.learn("claude-code", "early.example");
  memory.add({"codex", "", "late.example"}, {begin, begin, 1, 20, 30, 4});
  memory.meet("www.private.example", "a");
  memory.meet("www.private.example", "b");
  memory.meet("alone.example", "a");
  ASSERT_TRUE(memory.save(path_));
  EXPECT_FALSE(memory.changed());
  // Where people went is not written down.
  EXPECT_THAT(text(), Not(HasSubstr("private")));
  EXPECT_THAT(text(), Not(HasSubstr("alone")));
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);

  ContactMemory again(64, counters_);
  const Status loaded = again.load(path_);
  ASSERT_TRUE(loaded) << loaded.error().to_string();
  EXPECT_FALSE(again.learning(begin + Duration::seconds(101), Duration::seconds(100)));
  EXPECT_TRUE(again.learnt("claude-code", "early.example"));
  EXPECT_FALSE(again.learnt("codex", "early.example"));
  EXPECT_TRUE(again.common("www.private.example"));
  EXPECT_FALSE(again.common("alone.example"));
  const ContactSum sum = again.add({"codex", "", "late.example"}, {begin, begin, 1, 1, 1, 1});
  EXPECT_EQ(sum.flows, 2U);
  EXPECT_EQ(sum.bytes_up, 21U);
  EXPECT_EQ(sum.clients, 5U);
  ASSERT_TRUE(again.save(path_));
  const std::string written = text();
  ContactMemory third(64, counters_);
  ASSERT_TRUE(third.load(path_));
  ASSERT_TRUE(third.save(path_));
  EXPECT_EQ(text(), written);
}

TEST_F(ContactMemoryTest, NoFileIsNoTrouble) {
  ContactMemory memory(64, counters_);
  EXPECT_TRUE(memory.load(path_));
  const Status nowhere = memory.save(folder_ + "/nowhere/file");
  ASSERT_FALSE(nowhere);
  EXPECT_THAT(nowhere.error().to_string(), HasSubstr("nowhere/file.new"));
}

TEST_F(ContactMemoryTest, BadFilesAreErrorsWithTheirLineAndChangeNothing) {
  const std::string head = "weir-contacts 1\n";
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"", "cut off"},
      {"something else\n", ":1:1: expected \"weir-contacts 1\""},
      {head + "begin 1\n", "cut off"},
      {head + "begin x\nend\n", ":2:1: begin: expected nanoseconds"},
      {head + "learnt a b\ntold a b c 1 2 3 4 x 6\nend\n", ":3:1: told: expected two times"},
      {head + "told a b c 1 2 3 4 -5 6\nend\n", ":2:1: told: expected"},
      {head + "common xyz\nend\n", ":2:1: common: expected a hash"},
      {head + "\nend\n", ":2:1: an empty line"},
      {head + "learnt a\nend\n", ":2:1: expected begin, learnt, told or common"},
  };
  for (const auto& [content, message] : bad) {
    write(content);
    ContactMemory memory(64, counters_);
    memory.learn("claude-code", "kept.example");
    const Status loaded = memory.load(path_);
    ASSERT_FALSE(loaded) << content;
    EXPECT_THAT(loaded.error().to_string(), HasSubstr(message)) << content;
    EXPECT_TRUE(memory.learnt("claude-code", "kept.example"));
  }
}

TEST_F(ContactMemoryTest, ItsSizeIsBounded) {
  ContactMemory memory(16, counters_);
  for (int i = 0; i < 100; ++i) {
    const std::string host = "h" + std::to_string(i) + ".example";
    memory.learn("codex", host);
    memory.add({"codex", "1", host}, {{i + 1}, {i + 1}, 1, 1, 1, 1});
    memory.meet(host, "a");
  }
  EXPECT_TRUE(memory.learnt("codex", "h0.example"));
  EXPECT_FALSE(memory.learnt("codex", "h99.example"));
  // The oldest of what is told went; it is told anew.
  EXPECT_EQ(memory.add({"codex", "1", "h0.example"}, {{200}, {200}, 1, 1, 1, 1}).flows, 1U);
  EXPECT_EQ(memory.add({"codex", "1", "h99.example"}, {{200}, {200}, 1, 1, 1, 1}).flows, 2U);
  EXPECT_GT(counters_.hosts_dropped.get(), 150U);
}

}  // namespace
}  // namespace weir::inspect

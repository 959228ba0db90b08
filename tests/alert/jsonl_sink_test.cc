#include "alert/jsonl_sink.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/alert/make.h"

namespace weir::alert {
namespace {

namespace fs = std::filesystem;

class JsonlTest : public ::testing::Test {
 protected:
  JsonlTest() {
    std::string pattern = (fs::temp_directory_path() / "weir-jsonl-XXXXXX").string();
    dir_ = ::mkdtemp(pattern.data());
    path_ = (dir_ / "alerts.jsonl").string();
  }
  ~JsonlTest() override { fs::remove_all(dir_); }
  [[nodiscard]] std::string content() const {
    std::ifstream in(path_);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] long lines() const {
    const std::string text = content();
    return std::count(text.begin(), text.end(), '\n');
  }
  fs::path dir_;
  std::string path_;
};

Incident incident() {
  Incident out;
  out.id = "0123456789abcdef";
  out.flow = test::finding(0).flow;
  return out;
}

TEST_F(JsonlTest, MadeForTheOwnerAndAppendedOrCutOff) {
  for (const auto& [start, expected] :
       {std::pair(FileStart::kAppend, "one\n"), std::pair(FileStart::kAppend, "one\none\n"),
        std::pair(FileStart::kTruncate, "one\n")}) {
    auto file = JsonlFile::open(path_, start, true);
    ASSERT_TRUE(file);
    (*file)->write_line("one");
    EXPECT_TRUE((*file)->close());
    EXPECT_EQ(content(), expected);
  }
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(JsonlTest, FinalWritesOnCloseLiveAtOnce) {
  auto final_sink = JsonlSink::open(path_, JsonlSink::Mode::kFinal, FileStart::kTruncate);
  ASSERT_TRUE(final_sink);
  (*final_sink)->on_incident(incident(), IncidentActivity::kCreate);
  (*final_sink)->on_incident(incident(), IncidentActivity::kUpdate);
  (*final_sink)->on_incident(incident(), IncidentActivity::kClose);
  EXPECT_TRUE((*final_sink)->close());
  EXPECT_EQ(lines(), 1);
  EXPECT_THAT(content(), ::testing::HasSubstr("\"activity\":\"close\""));

  auto live = JsonlSink::open(path_, JsonlSink::Mode::kLive, FileStart::kTruncate);
  ASSERT_TRUE(live);
  (*live)->on_incident(incident(), IncidentActivity::kCreate);
  EXPECT_EQ(lines(), 1);
  (*live)->on_incident(incident(), IncidentActivity::kUpdate);
  (*live)->on_incident(incident(), IncidentActivity::kClose);
  EXPECT_EQ(lines(), 2);
  EXPECT_TRUE((*live)->close());
  EXPECT_EQ((*live)->counters().lines.get(), 2U);
}

TEST_F(JsonlTest, AFileThatCannotBeOpenedIsNamed) {
  const auto file = JsonlFile::open((dir_ / "none" / "x").string(), FileStart::kAppend, true);
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().to_string(), ::testing::HasSubstr("none/x: cannot open for writing"));
}

TEST_F(JsonlTest, AFullDiskIsToldOnClose) {
  for (const bool buffered : {false, true}) {
    auto file = JsonlFile::open("/dev/full", FileStart::kAppend, buffered);
    if (!file) GTEST_SKIP() << "no /dev/full";
    for (int i = 0; i < 3; ++i) (*file)->write_line("x");
    const Status status = (*file)->close();
    ASSERT_FALSE(status);
    EXPECT_THAT(status.error().to_string(),
                ::testing::AllOf(::testing::HasSubstr("/dev/full: write failed: No space"),
                                 ::testing::HasSubstr("3 lines were lost")));
    EXPECT_EQ((*file)->counters().lines_lost.get(), 3U);
    (*file)->write_line("after the end");
    EXPECT_EQ((*file)->counters().lines_lost.get(), 4U);
  }
}

// A pipe that takes only part of a line: the next line that can be written starts on its own.
TEST_F(JsonlTest, ATornLineIsEndedBeforeTheNext) {
  int ends[2] = {};
  ASSERT_EQ(::pipe2(ends, O_NONBLOCK), 0);
  ASSERT_GT(::fcntl(ends[1], F_SETPIPE_SZ, 4096), 0);
  JsonlFile file(ends[1], "pipe", false);
  file.write_line(std::string(100'000, 'a'));
  EXPECT_EQ(file.counters().lines_lost.get(), 1U);
  file.write_line("full still");
  EXPECT_EQ(file.counters().lines_lost.get(), 2U);
  std::string got(200'000, '\0');
  ssize_t count = ::read(ends[0], got.data(), got.size());
  ASSERT_GT(count, 0);
  EXPECT_EQ(got.substr(0, static_cast<size_t>(count)),
            std::string(static_cast<size_t>(count), 'a'));
  file.write_line("whole");
  count = ::read(ends[0], got.data(), got.size());
  ASSERT_GT(count, 0);
  EXPECT_EQ(got.substr(0, static_cast<size_t>(count)), "\nwhole\n");
  EXPECT_FALSE(file.close());
  ::close(ends[0]);
}

}  // namespace
}  // namespace weir::alert

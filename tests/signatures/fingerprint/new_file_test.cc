// A file that appears whole or not at all; what a killed writer leaves behind, with and without a
// file system that keeps files without names.
#include "signatures/fingerprint/new_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "signatures/fingerprint/index_builder.h"
#include "tests/signatures/fingerprint/temp_dir.h"

namespace weir::signatures {
namespace {

std::set<std::string> names_in(const test::TempDir& folder) {
  std::set<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "")) {
    out.insert(entry.path().filename().string());
  }
  return out;
}

class NewFileOf : public ::testing::TestWithParam<bool> {};

TEST_P(NewFileOf, AppearsWhenItIsPublished) {
  const test::TempDir folder;
  folder.write("a", "old");
  Result<NewFile> file = NewFile::create(folder / "a", "index", GetParam());
  ASSERT_TRUE(file.has_value());
  ASSERT_TRUE(file->write_at(4, as_bytes("time")).has_value());
  ASSERT_TRUE(file->write_at(0, as_bytes("new ")).has_value());
  EXPECT_EQ(test::TempDir::read(folder / "a"), "old");
  ASSERT_TRUE(file->publish().has_value());
  EXPECT_EQ(test::TempDir::read(folder / "a"), "new time");
  EXPECT_EQ(names_in(folder), std::set<std::string>{"a"});
  struct stat about = {};
  ASSERT_EQ(::stat((folder / "a").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600U);
}

TEST_P(NewFileOf, LeavesNothingWithoutPublish) {
  const test::TempDir folder;
  { ASSERT_TRUE(NewFile::create(folder / "a", "index", GetParam()).has_value()); }
  EXPECT_TRUE(names_in(folder).empty());
}

// The child writes, tells so, and waits to be killed.
TEST_P(NewFileOf, WhatAKilledWriterLeftIsGoneWithTheNext) {
  const test::TempDir folder;
  folder.write("a", "old");
  folder.write("a.backup", "kept");
  folder.write("a.new-folders", "kept, as another file's name");
  std::filesystem::create_directories(folder / "a.new-abcdef");
  const std::set<std::string> before = names_in(folder);
  const Result<NewFile> living = NewFile::create(folder / "a", "index", false);
  ASSERT_TRUE(living.has_value());
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Result<NewFile> file = NewFile::create(folder / "a", "index", GetParam());
    const bool wrote = file && file->write_at(0, as_bytes("half")).has_value();
    (void)!::write(ready[1], wrote ? "y" : "n", 1);
    for (;;) ::pause();
  }
  char told = 0;
  ASSERT_EQ(::read(ready[0], &told, 1), 1);
  EXPECT_EQ(told, 'y');
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  ::close(ready[0]);
  ::close(ready[1]);
  EXPECT_EQ(test::TempDir::read(folder / "a"), "old");
  EXPECT_EQ(names_in(folder).size(), before.size() + (GetParam() ? 1 : 2));
  Result<NewFile> next = NewFile::create(folder / "a", "index", GetParam());
  ASSERT_TRUE(next.has_value());
  ASSERT_TRUE(next->publish().has_value());
  // The one in the making stays.
  EXPECT_EQ(names_in(folder).size(), before.size() + 1);
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutName, NewFileOf, ::testing::Bool());

TEST(NewFile, TakesNoPlaceButThatOfAFile) {
  const test::TempDir folder;
  std::filesystem::create_directories(folder / "a");
  const Result<NewFile> file = NewFile::create(folder / "a", "cache");
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().message,
            "cache cannot be written: there is something here that is no regular file");
  EXPECT_FALSE(NewFile::create(folder / "missing/a", "index").has_value());
}

// Killed at any time, whatever stage it was in: the old index, and nothing beside it after a build.
TEST(NewFile, AKilledBuildLeavesTheOldIndexAndNoLitterAfterTheNext) {
  const test::TempDir folder;
  std::string code;
  for (int i = 0; i < 400; ++i) {
    code += "  auto total" + std::to_string(i) + " = quokkaFactor(walrus[" + std::to_string(i) +
            "]) + brine;\n";
  }
  folder.write("one/a.cc", code);
  const std::string out = folder / "out.wfi";
  IndexBuildOptions options;
  options.repositories = {{"one", folder / "one"}};
  options.incremental = true;
  ASSERT_TRUE(build_index(options, test::test_key(), out, {}).has_value());
  const std::string before = test::TempDir::read(out);
  const std::set<std::string> files = names_in(folder);
  for (useconds_t wait = 0; wait < 16'000; wait += 2000) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (;;) static_cast<void>(build_index(options, test::test_key(), out, {}));
    }
    ::usleep(wait);
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    EXPECT_TRUE(test::TempDir::read(out) == before) << wait;
  }
  ASSERT_TRUE(build_index(options, test::test_key(), out, {}).has_value());
  EXPECT_EQ(names_in(folder), files);
}

}  // namespace
}  // namespace weir::signatures

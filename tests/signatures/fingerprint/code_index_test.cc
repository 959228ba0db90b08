// Building and opening: what is found again, determinism, damage of every kind, other keys.
#include "signatures/fingerprint/code_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/hash.h"
#include "signatures/fingerprint/file_fingerprints.h"
#include "signatures/fingerprint/index_builder.h"
#include "signatures/fingerprint/index_probe.h"
#include "tests/signatures/fingerprint/temp_dir.h"

namespace weir::signatures {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A file of invented code, different for each seed.
std::string source(unsigned seed, size_t lines = 40) {
  std::mt19937 random(seed);
  std::string out;
  const auto word = [&random] {
    std::string name;
    for (size_t k = 4 + random() % 6; k > 0; --k) name += static_cast<char>('a' + random() % 26);
    return name;
  };
  const std::vector<std::string> marks{" = ", "(", ")", ", ", "[", "] ", "->", " + ", " * ", " < "};
  for (size_t i = 0; i < lines; ++i) {
    if (i % 7 == 6) {
      out += i % 2 == 0 ? "}\n" : "\n";
    } else {
      out += "  auto " + word();
      for (int k = 0; k < 6; ++k) out += marks[random() % marks.size()] + word();
      out += ";\n";
    }
  }
  return out;
}

struct Site {
  test::TempDir folder;
  IndexBuildOptions options;
  SiteKey key = test::test_key();
  std::string out = folder / "out.wfi";

  Site() {
    folder.write("one/src/a.cc", source(1));
    folder.write("one/src/b.cc", source(2));
    folder.write("two/main.py", source(3));
    options.repositories = {{"one", folder / "one"}, {"two", folder / "two"}};
  }
  IndexBuildReport build() const {
    Result<IndexBuildReport> report = build_index(options, key, out, {});
    EXPECT_TRUE(report.has_value()) << report.error().to_string();
    return report ? *report : IndexBuildReport{};
  }
  [[nodiscard]] std::shared_ptr<const CodeIndex> open() const {
    auto index = CodeIndex::open(out, key);
    EXPECT_TRUE(index.has_value()) << index.error().to_string();
    return index ? *index : nullptr;
  }
};

std::string place(const IndexProbe& probe, uint32_t global_line) {
  const auto number = probe.file_of(global_line);
  if (!number) return "nowhere";
  const auto file = probe.file(*number);
  return std::string(file->repository) + "/" + std::string(file->path) + ":" +
         std::to_string(global_line - file->first_line + 1);
}

TEST(CodeIndex, FindsEveryFingerprintWhereItStands) {
  Site site;
  const IndexBuildReport report = site.build();
  EXPECT_EQ(report.files, 3U);
  EXPECT_EQ(report.lines, 120U);
  const auto index = site.open();
  EXPECT_THAT(index->info().repositories, ElementsAre("one", "two"));
  EXPECT_EQ(index->info().fingerprints, report.fingerprints);
  EXPECT_TRUE(CodeIndex::verify(site.out).has_value());
  struct stat about {};
  ASSERT_EQ(::stat(site.out.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600U);
  const IndexProbe probe(*index);
  FileReader reader(site.key);
  FileFingerprints found;
  uint64_t total = 0;
  for (const auto& file_and_seed : std::vector<std::pair<std::string, unsigned>>{
           {"one/src/a.cc", 1}, {"one/src/b.cc", 2}, {"two/main.py", 3}}) {
    const std::string& name = file_and_seed.first;
    reader.read(source(file_and_seed.second), false, false, found);
    std::vector<uint64_t> hashes;
    for (const auto& placed : found.placed) hashes.push_back(placed.hash);
    size_t hits = 0;
    probe.probe(hashes, [&](size_t i, const Postings& at) {
      EXPECT_EQ(place(probe, at.line(0)), name + ":" + std::to_string(found.placed[i].line + 1));
      ++hits;
    });
    EXPECT_EQ(hits, hashes.size());
    total += hits;
    // Nor does it matter whether they were sifted before.
    std::vector<size_t> confirmed;
    hashes.insert(hashes.begin() + 1, mix64(file_and_seed.second));
    probe.confirm(hashes, [&](size_t i, const Postings& at) {
      confirmed.push_back(i);
      EXPECT_EQ(at.line(0), probe.find(hashes[i]).line(0));
    });
    EXPECT_EQ(confirmed.size(), hits);
    EXPECT_EQ(std::count(confirmed.begin(), confirmed.end(), size_t{1}), 0);
    const auto file = probe.file(*probe.file_of(probe.find(hashes[0]).line(0)));
    for (uint32_t i = 0; i < file->lines; ++i) {
      EXPECT_EQ(probe.tag(file->first_line + i), found.tags[i]);
    }
  }
  EXPECT_EQ(total, report.fingerprints);
  // What is not there is not found.
  reader.read(source(99), false, false, found);
  for (const auto& placed : found.placed) EXPECT_EQ(probe.find(placed.hash).count(), 0U);
}

TEST(CodeIndex, CommonAndPublicLinesAreLeftOut) {
  Site site;
  const std::string shared = source(50, 6);
  for (int i = 0; i < 20; ++i) {
    site.folder.write("two/copy" + std::to_string(i) + ".cc",
                      shared + source(100 + static_cast<unsigned>(i), 12));
  }
  site.folder.write("two/twice.cc", source(60, 6) + source(61, 20));
  site.folder.write("one/twice.cc", source(60, 6) + source(62, 20));
  site.folder.write("public/known.cc", source(2));
  site.options.public_directories = {site.folder / "public"};
  EXPECT_GT(site.build().dropped_common, 0U);
  const auto index = site.open();
  const IndexProbe probe(*index);
  FileReader reader(site.key);
  FileFingerprints found;
  reader.read(shared, false, false, found);
  for (const auto& placed : found.placed) EXPECT_EQ(probe.find(placed.hash).count(), 0U);
  reader.read(source(2), false, false, found);
  for (const auto& placed : found.placed) EXPECT_EQ(probe.find(placed.hash).count(), 0U);
  reader.read(source(60, 6), false, false, found);
  ASSERT_FALSE(found.placed.empty());
  const Postings both = probe.find(found.placed[0].hash);
  EXPECT_EQ(both.count(), 2U);
  EXPECT_EQ(both.files(), 2U);
}

TEST(IndexBuilder, SameInputGivesTheSameBytesWhateverTheMemory) {
  Site site;
  for (unsigned i = 0; i < 40; ++i) {
    site.folder.write("two/more" + std::to_string(i) + ".cc", source(200 + i, 300));
  }
  site.options.critical = {"src/*.cc"};
  site.build();
  const std::string first = test::TempDir::read(site.out);
  site.build();
  EXPECT_EQ(test::TempDir::read(site.out), first);
  site.options.memory = 1;  // the least: several runs
  site.build();
  EXPECT_EQ(test::TempDir::read(site.out), first);
  for (const uint32_t threads : {2U, 5U}) {
    site.options.threads = threads;
    for (const uint64_t memory : {uint64_t{1}, uint64_t{1} << 24}) {
      site.options.memory = memory;
      site.build();
      EXPECT_EQ(test::TempDir::read(site.out), first) << threads << " threads, " << memory;
    }
  }
}

TEST(IndexBuilder, WhatIsLeftOutIsToldByReason) {
  Site site;
  site.folder.write("one/min.js", std::string(4000, 'x'));
  site.folder.write("one/a.bin", std::string("\0\1", 2));
  site.folder.write("one/b.bin", std::string("\0\1", 2));
  site.folder.write("one/gen.go", "// Code generated by hand. DO NOT EDIT.\n");
  site.folder.write("one/docs/manual.cc", source(7));
  site.folder.write("one/vendor/lib.cc", source(8));
  site.folder.write("one/.git/config", source(9));
  site.folder.write("two/.git", "gitdir: elsewhere\n");
  std::filesystem::create_symlink("a.bin", site.folder / "one/link");
  site.options.exclude = {"docs", "src/b.*"};
  IndexBuildReport report = site.build();
  EXPECT_THAT(
      report.skipped_reasons,
      ::testing::UnorderedElementsAre(
          ::testing::Pair("minified: very long lines", 1U), ::testing::Pair("binary", 2U),
          ::testing::Pair("generated, as its head says", 1U), ::testing::Pair("excluded", 2U),
          ::testing::Pair("folder of foreign code by its name", 1U),
          ::testing::Pair("symbolic link", 1U)));
  EXPECT_EQ(report.skipped_count, 8U);
  EXPECT_EQ(report.files, 2U);
  site.options.exclude.clear();
  site.options.include_vendored = true;
  report = site.build();
  EXPECT_EQ(report.files, 5U);
  EXPECT_EQ(report.skipped_count, 5U);
}

TEST(IndexBuilder, TellsWhatWasSkippedAndHowFarItIs) {
  Site site;
  site.folder.write("one/data.bin", std::string("\0\1\2", 3));
  IndexProgress last;
  const auto report = build_index(site.options, site.key, site.out,
                                  [&last](const IndexProgress& now) { last = now; });
  ASSERT_TRUE(report.has_value());
  EXPECT_THAT(report->skipped, ElementsAre("one/data.bin: binary"));
  EXPECT_EQ(report->skipped_count, 1U);
  EXPECT_EQ(last.files_done, 4U);
  EXPECT_EQ(last.files_total, 4U);
}

// Every hash of the content that the index knows, by the path it is said to stand in.
std::set<std::string> places_of(const Site& site, const std::string& content) {
  const auto index = CodeIndex::open(site.out, site.key);
  std::set<std::string> out;
  if (!index) return {"none"};
  const IndexProbe probe(**index);
  FileReader reader(site.key);
  FileFingerprints found;
  reader.read(content, false, false, found);
  for (const auto& placed : found.placed) {
    const Postings postings = probe.find(placed.hash);
    for (uint32_t i = 0; i < postings.count(); ++i) {
      const auto file = probe.file_of(postings.line(i));
      if (!file) continue;
      out.insert(std::string(probe.file(*file)->repository) + "/" +
                 std::string(probe.file(*file)->path));
    }
  }
  return out;
}

TEST(IndexBuilder, TakesVendoredCodeOffItsOwnRepositoryAlone) {
  Site site;
  const std::string copied = source(50);
  // One repository keeps the other's code among its vendored, and a copy of that outside.
  site.folder.write("one/lib/deep.cc", copied);
  site.folder.write("two/vendor/one/deep.cc", copied);
  site.folder.write("two/src/copy.cc", copied);
  site.folder.write("two/src/mine.cc", source(51) + copied);
  // What tools fill may hold copies of the owner's code.
  site.folder.write("two/venv/lib/mine.cc", source(51));
  site.build();
  EXPECT_THAT(places_of(site, copied), ::testing::ElementsAre("one/lib/deep.cc"));
  EXPECT_THAT(places_of(site, source(51)), ::testing::ElementsAre("two/src/mine.cc"));
  const std::string first = test::TempDir::read(site.out);
  site.options.threads = 3;
  site.options.memory = 1;
  site.build();
  EXPECT_TRUE(test::TempDir::read(site.out) == first);
  site.options.incremental = true;
  site.build();
  site.build();
  EXPECT_TRUE(test::TempDir::read(site.out) == first);
  site.options.subtract_vendored = false;
  site.build();
  EXPECT_THAT(places_of(site, copied),
              ::testing::ElementsAre("one/lib/deep.cc", "two/src/copy.cc", "two/src/mine.cc"));
}

// Killed at any moment, a build leaves the old index as it was.
TEST(IndexBuilder, AKilledBuildLeavesTheOldIndex) {
  Site site;
  for (unsigned i = 0; i < 40; ++i) {
    site.folder.write("one/more" + std::to_string(i) + ".cc", source(200 + i));
  }
  site.build();
  const std::string before = test::TempDir::read(site.out);
  site.folder.write("one/new.cc", source(99));
  ASSERT_TRUE(build_index(site.options, site.key, site.folder / "other.wfi", {}).has_value());
  const std::string after = test::TempDir::read(site.folder / "other.wfi");
  int killed = 0;
  for (int wait_us = 0; wait_us < 20'000; wait_us += 1000) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (;;) static_cast<void>(build_index(site.options, site.key, site.out, {}));
    }
    ::usleep(static_cast<useconds_t>(wait_us));
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    const std::string now = test::TempDir::read(site.out);
    ASSERT_TRUE(now == before || now == after) << wait_us;
    killed += now == before ? 1 : 0;
  }
  EXPECT_GT(killed, 0);
}

TEST(IndexBuilder, AFailureLeavesTheOldIndexAndNoLitter) {
  Site site;
  site.build();
  const std::string before = test::TempDir::read(site.out);
  site.options.repositories.push_back({"three", site.folder / "missing"});
  EXPECT_FALSE(build_index(site.options, site.key, site.out, {}).has_value());
  EXPECT_EQ(test::TempDir::read(site.out), before);
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(site.folder / "")) {
    files += entry.is_regular_file() ? 1 : 0;
  }
  EXPECT_EQ(files, 1U);
}

TEST(CodeIndex, CriticalLinesAreThoseThatNoOtherFileHas) {
  Site site;
  site.folder.write("one/src/a.cc",
                    "auto unusualGherkinTotal = brineFactor(pickleCount);\n"
                    "auto sharedWalrusValue = tuskLength(walrusHerd);\n"
                    "for (int i = 0; i < size; ++i) { return value; }\n"
                    "short;\n");
  site.folder.write("two/b.cc", "auto sharedWalrusValue = tuskLength(walrusHerd);\n");
  site.options.critical = {"src/a.cc"};
  EXPECT_EQ(site.build().critical_lines, 1U);
  const auto index = site.open();
  EXPECT_EQ(index->info().critical_lines, 1U);
  const IndexProbe probe(*index);
  ASSERT_NE(probe.critical(), nullptr);
  EXPECT_EQ(place(probe, probe.critical_line(0)->global_line), "one/src/a.cc:1");
  EXPECT_EQ(probe.critical_line(1), nullptr);
}

std::string refused(const std::string& path, const SiteKey& key) {
  const auto index = CodeIndex::open(path, key);
  return index ? "opened" : index.error().message;
}

TEST(CodeIndex, OtherKeysFormatsAndFilesAreRefusedWithTheReason) {
  Site site;
  site.build();
  EXPECT_EQ(refused(site.out, site.key), "opened");
  EXPECT_EQ(refused(site.out, test::test_key(9)), "index was made with another site key");
  EXPECT_THAT(refused(site.folder / "none", site.key), HasSubstr("cannot be read"));
  EXPECT_THAT(refused(site.folder / "one", site.key), HasSubstr("not a regular file"));
  EXPECT_THAT(refused(site.folder.write("empty", ""), site.key), HasSubstr("empty file"));
  EXPECT_THAT(refused(site.folder.write("text", std::string(1000, 'x')), site.key),
              HasSubstr("not a fingerprint index"));
  std::string bytes = test::TempDir::read(site.out);
  bytes[8] = 99;
  EXPECT_THAT(refused(site.folder.write("newer", bytes), site.key), HasSubstr("format 99"));
}

TEST(CodeIndex, CutAtAnyLengthIsRefused) {
  Site site;
  site.build();
  const std::string bytes = test::TempDir::read(site.out);
  const std::string cut = site.folder / "cut.wfi";
  for (size_t size = 0; size < bytes.size(); size += size < 1100 ? 1 : 97) {
    site.folder.write("cut.wfi", std::string_view(bytes).substr(0, size));
    EXPECT_NE(refused(cut, site.key), "opened") << size;
    EXPECT_FALSE(CodeIndex::verify(cut).has_value()) << size;
  }
  site.folder.write("cut.wfi", bytes + "x");
  EXPECT_NE(refused(cut, site.key), "opened");
  EXPECT_FALSE(CodeIndex::verify(cut).has_value());
}

TEST(CodeIndex, EveryFlippedByteIsFoundAndNoneCrashes) {
  Site site;
  site.folder.write("one/src/a.cc", source(1, 12));
  site.folder.write("one/src/b.cc", source(1, 9));
  std::filesystem::remove_all(site.folder / "two");
  site.options.repositories.pop_back();
  site.build();
  std::string bytes = test::TempDir::read(site.out);
  ASSERT_LT(bytes.size(), 6000U);
  FileReader reader(site.key);
  FileFingerprints found;
  reader.read(source(1, 12), false, false, found);
  std::vector<uint64_t> hashes;
  for (const auto& placed : found.placed) hashes.push_back(placed.hash);
  const std::string path = site.folder / "flipped.wfi";
  for (size_t i = 0; i < bytes.size(); ++i) {
    const char before = bytes[i];
    bytes[i] = static_cast<char>(before ^ static_cast<char>(1 << i % 8));
    site.folder.write("flipped.wfi", bytes);
    EXPECT_FALSE(CodeIndex::verify(path).has_value()) << i;
    if (const auto index = CodeIndex::open(path, site.key)) {
      const IndexProbe probe(**index);
      probe.probe(hashes, [&probe](size_t, const Postings& at) {
        for (uint32_t k = 0; k < at.count(); ++k) (void)place(probe, at.line(k));
      });
    }
    bytes[i] = before;
  }
}

}  // namespace
}  // namespace weir::signatures

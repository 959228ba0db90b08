// A merged index has the bytes of one that was built of all repositories at once; what cannot be
// merged is refused.
#include "signatures/fingerprint/index_merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "signatures/fingerprint/code_index.h"
#include "signatures/fingerprint/index_builder.h"
#include "tests/signatures/fingerprint/temp_dir.h"

namespace weir::signatures {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

std::string source(unsigned seed, size_t lines = 40) {
  std::mt19937 random(seed);
  std::string out;
  const auto word = [&random] {
    std::string name;
    for (size_t k = 4 + random() % 6; k > 0; --k) name += static_cast<char>('a' + random() % 26);
    return name;
  };
  for (size_t i = 0; i < lines; ++i) {
    out += "  auto " + word() + " = " + word() + "(" + word() + ", " + word() + ");\n";
  }
  return out;
}

struct Site {
  test::TempDir folder;
  IndexBuildOptions options;

  std::string build(const std::string& name, const std::vector<std::string>& repositories,
                    uint8_t key = 1) {
    options.repositories.clear();
    for (const std::string& one : repositories) {
      options.repositories.push_back({one, folder / one});
    }
    EXPECT_TRUE(build_index(options, test::test_key(key), folder / name, {}).has_value());
    return folder / name;
  }
  std::string merge(const std::vector<std::string>& files) {
    const auto merged = merge_indexes(files, folder / "merged.wfi");
    if (!merged) return merged.error().message;
    EXPECT_TRUE(CodeIndex::verify(folder / "merged.wfi").has_value());
    return test::TempDir::read(folder / "merged.wfi");
  }
};

TEST(IndexMerge, EqualsAnIndexOfAllRepositories) {
  // Few and many fingerprints: buckets by less and by more than eight bits.
  for (const size_t size : {30U, 600U}) {
    Site site;
    for (unsigned repository = 0; repository < 3; ++repository) {
      for (unsigned i = 0; i < 3; ++i) {
        site.folder.write("r" + std::to_string(repository) + "/f" + std::to_string(i) + ".cc",
                          source(10 * repository + i, size) + source(7, 12) + source(i, 3));
      }
    }
    site.options.critical = {"f1.cc"};
    const std::string all = site.build("all.wfi", {"r0", "r1", "r2"});
    const std::string a = site.build("a.wfi", {"r0"});
    const std::string b = site.build("b.wfi", {"r1", "r2"});
    site.options.critical.clear();
    EXPECT_NE(site.merge({a, b}), "");
    const auto merged = CodeIndex::open(site.folder / "merged.wfi", test::test_key());
    ASSERT_TRUE(merged.has_value());
    EXPECT_EQ((*merged)->info().repositories, (std::vector<std::string>{"r0", "r1", "r2"}));
    EXPECT_GT((*merged)->info().critical_lines, 0U);
    // Which lines are critical hangs on all files; without them nothing does.
    const std::string plain = test::TempDir::read(site.build("all.wfi", {"r0", "r1", "r2"}));
    site.build("a.wfi", {"r0"});
    site.build("b.wfi", {"r1", "r2"});
    EXPECT_TRUE(site.merge({a, b}) == plain) << size;
    EXPECT_TRUE(site.merge({a}) == test::TempDir::read(a));
  }
}

TEST(IndexMerge, WhatIsInTooManyFilesTogetherIsLeftOut) {
  Site site;
  for (int i = 0; i < 9; ++i) {
    for (const char* name : {"one/f", "two/f"}) {
      site.folder.write(
          name + std::to_string(i) + ".cc",
          source(5, 8) + source(static_cast<unsigned>(i) + (name[0] == 'o' ? 20 : 40)));
    }
  }
  const std::string all = test::TempDir::read(site.build("all.wfi", {"one", "two"}));
  const std::string a = site.build("a.wfi", {"one"});
  const std::string b = site.build("b.wfi", {"two"});
  const auto report = merge_indexes({a, b}, site.folder / "merged.wfi");
  ASSERT_TRUE(report.has_value());
  EXPECT_GT(report->dropped_common, 7U);
  EXPECT_TRUE(test::TempDir::read(site.folder / "merged.wfi") == all);
}

TEST(IndexMerge, NamesOfTwoIndexesAreNoOnesAlone) {
  Site site;
  site.folder.write("one/a.c", "int pickleFactor(int x) { }\nint walrusLength(int x) { }\n");
  site.folder.write("two/b.c", "int walrusLength(int x) { }\nint quokkaLength(int x) { }\n");
  const std::string a = site.build("a.wfi", {"one"});
  const std::string b = site.build("b.wfi", {"two"});
  site.merge({a, b});
  const auto merged = CodeIndex::open(site.folder / "merged.wfi", test::test_key());
  ASSERT_TRUE(merged.has_value());
  std::vector<std::string> names;
  for (const DistinctName& name : (*merged)->names().names) {
    names.push_back(std::to_string(name.repository) + std::to_string(name.file) + name.text);
  }
  EXPECT_THAT(names, UnorderedElementsAre("00pickleFactor", "11quokkaLength"));
}

TEST(IndexMerge, OtherKeysAndDamageAreRefused) {
  Site site;
  site.folder.write("one/a.cc", source(1));
  const std::string a = site.build("a.wfi", {"one"});
  const std::string other = site.build("other.wfi", {"one"}, 9);
  EXPECT_THAT(site.merge({a, other}), HasSubstr("another site key"));
  std::string bytes = test::TempDir::read(a);
  bytes[bytes.size() / 2] ^= 1;
  EXPECT_THAT(site.merge({a, site.folder.write("bad.wfi", bytes)}), HasSubstr("damaged"));
  EXPECT_THAT(site.merge({a, site.folder / "none.wfi"}), HasSubstr("cannot be read"));
  EXPECT_THAT(site.merge({}), HasSubstr("no index"));
}

}  // namespace
}  // namespace weir::signatures

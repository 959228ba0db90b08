// A build that reuses a cache writes the same bytes as one without; what changed is read again, and
// a cache that does not fit is not used.
#include "signatures/fingerprint/index_cache.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <random>
#include <string>

#include "signatures/fingerprint/index_builder.h"
#include "tests/signatures/fingerprint/temp_dir.h"

namespace weir::signatures {
namespace {

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
  SiteKey key = test::test_key();
  std::string out = folder / "out.wfi";

  Site() {
    for (unsigned i = 0; i < 12; ++i) {
      folder.write("one/src/f" + std::to_string(i) + ".cc", source(i));
      folder.write("two/g" + std::to_string(i) + ".py", source(20 + i) + source(i, 5));
    }
    folder.write("open/x.py", source(3));
    options.repositories = {{"one", folder / "one"}, {"two", folder / "two"}};
    options.public_directories = {folder / "open"};
    options.critical = {"src/f4.cc", "src/f5.cc"};
  }
  // Files reused by an incremental build, whose bytes must be those of a build from nothing.
  uint64_t build() {
    options.incremental = false;
    const std::string fresh = folder / "fresh.wfi";
    EXPECT_TRUE(build_index(options, key, fresh, {}).has_value());
    options.incremental = true;
    const auto report = build_index(options, key, out, {});
    EXPECT_TRUE(report.has_value());
    EXPECT_TRUE(test::TempDir::read(out) == test::TempDir::read(fresh));
    return report ? report->reused : 0;
  }
};

TEST(IndexCache, AnIncrementalBuildWritesTheSameBytes) {
  Site site;
  EXPECT_EQ(site.build(), 0U);
  struct stat about {};
  ASSERT_EQ(::stat((site.out + ".cache").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600U);
  EXPECT_EQ(site.build(), 25U);
  site.options.threads = 3;
  site.options.memory = 1;
  EXPECT_EQ(site.build(), 25U);
  // Changed, new, gone, no longer fit, public.
  site.folder.write("one/src/f3.cc", source(99));
  EXPECT_EQ(site.build(), 24U);
  site.folder.write("one/aaa.cc", source(77));
  site.folder.write("two/zzz.cc", source(78));
  std::filesystem::remove(site.folder / "one/src/f7.cc");
  EXPECT_EQ(site.build(), 24U);
  site.folder.write("two/g2.py", std::string("\0\1", 2));
  site.folder.write("open/y.py", source(8));
  EXPECT_EQ(site.build(), 25U);
  site.folder.write("two/g2.py", source(22));
  EXPECT_EQ(site.build(), 26U);
  EXPECT_EQ(site.build(), 27U);
}

TEST(IndexCache, OtherOptionsReadWhatTheyConcern) {
  Site site;
  site.build();
  site.options.critical = {"src/f5.cc", "src/f6.cc"};
  EXPECT_EQ(site.build(), 23U);
  // In another order only what still ascends is reused.
  std::swap(site.options.repositories[0], site.options.repositories[1]);
  EXPECT_EQ(site.build(), 13U);
  EXPECT_EQ(site.build(), 25U);
  site.key = test::test_key(9);
  EXPECT_EQ(site.build(), 0U);
}

TEST(IndexCache, ADamagedCacheIsNotUsed) {
  Site site;
  site.build();
  const std::string path = site.out + ".cache";
  const std::string whole = test::TempDir::read(path);
  for (size_t i = 0; i < whole.size(); i += whole.size() / 5) {
    std::string bytes = whole;
    bytes[i] = static_cast<char>(bytes[i] ^ 4);
    site.folder.write("out.wfi.cache", bytes);
    EXPECT_EQ(site.build(), 0U) << i;
    site.folder.write("out.wfi.cache", whole.substr(0, i));
    EXPECT_EQ(site.build(), 0U) << i;
  }
}

}  // namespace
}  // namespace weir::signatures

// Digests of whole files in an index: which files have them, and what a damaged section does.
#include "signatures/fingerprint/digests.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "signatures/fingerprint/code_index.h"
#include "signatures/fingerprint/index_builder.h"
#include "signatures/fingerprint/index_format.h"
#include "tests/signatures/fingerprint/temp_dir.h"

namespace weir::signatures {
namespace {

std::string content(unsigned seed) {
  std::mt19937 random(seed);
  std::string out;
  for (int line = 0; line < 12; ++line) {
    out += "  value = ";
    for (int k = 0; k < 12; ++k) out += static_cast<char>('a' + random() % 26);
    out += "(first, second);\n";
  }
  return out;
}

TEST(Digests, FilesThatAreEveryonesHaveNone) {
  const test::TempDir folder;
  folder.write("r/own.cc", content(1));
  folder.write("r/twin.cc", content(1));  // named by the first
  folder.write("r/__init__.py", "");
  folder.write("r/short.py", "from .ledger import total\n");
  folder.write("r/known.cc", content(2));
  folder.write("r/LICENSE", content(3));
  folder.write("public/x/other_name.cc", content(2));
  for (int i = 0; i < 17; ++i) folder.write("r/copies/" + std::to_string(i) + ".cc", content(4));
  IndexBuildOptions options;
  options.repositories = {{"r", folder / "r"}};
  options.public_directories = {folder / "public"};
  const auto report = build_index(options, test::test_key(), folder / "i.wfi", {});
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->digests, kDigestKinds);
  const auto index = CodeIndex::open(folder / "i.wfi", test::test_key());
  ASSERT_TRUE(index.has_value());
  EXPECT_EQ((*index)->info().digests, kDigestKinds);
}

TEST(Digests, EveryDigestOfManyIsFoundAndNoOther) {
  const HashKey key = digest_key(test::test_key());
  DigestList list;
  std::mt19937_64 random(3);
  std::vector<std::array<uint8_t, 32>> digests(3000);
  for (size_t file = 0; file < digests.size(); ++file) {
    for (uint8_t& byte : digests[file]) byte = static_cast<uint8_t>(random());
    list.add({keyed_digest(key, digests[file]), 0, 0,
              keyed_digest(key, ByteSpan(digests[file]).first(20))},
             static_cast<uint32_t>(file));
  }
  std::vector<uint8_t> section = list.section(16);
  ASSERT_EQ(section.size(), 2 * digests.size() * kDigestEntry);
  const DigestTable table(key, section);
  for (size_t file = 0; file < digests.size(); ++file) {
    const auto sha256 = table.find(digests[file]);
    const auto git = table.find(ByteSpan(digests[file]).first(20));
    ASSERT_TRUE(sha256 && git);
    EXPECT_EQ(sha256->kind, DigestKind::kSha256);
    EXPECT_EQ(git->kind, DigestKind::kGitBlob);
    EXPECT_EQ(sha256->file, file);
    EXPECT_EQ(git->file, file);
    digests[file][0] ^= 1;
    EXPECT_FALSE(table.find(digests[file]).has_value());
  }
  EXPECT_FALSE(DigestTable().find(digests[0]).has_value());
  // Not ascending any more: no hit is promised, but each search ends.
  std::shuffle(section.begin(), section.end(), random);
  for (const auto& digest : digests) (void)table.find(digest);
}

}  // namespace
}  // namespace weir::signatures

// Delta layers: an index with layers answers as one built anew would, for files that stayed,
// changed, came, went and moved; layers that do not belong together are refused.
#include "signatures/fingerprint/index_layers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "signatures/fingerprint/code_index.h"
#include "signatures/fingerprint/file_fingerprints.h"
#include "signatures/fingerprint/index_builder.h"
#include "signatures/fingerprint/index_probe.h"
#include "tests/signatures/fingerprint/temp_dir.h"

namespace weir::signatures {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string source(unsigned seed, size_t lines = 40) {
  std::mt19937 random(seed);
  std::string out;
  for (size_t i = 0; i < lines; ++i) {
    out += "  auto ";
    for (int k = 0; k < 6; ++k) {
      for (int n = 0; n < 6; ++n) out += static_cast<char>('a' + random() % 26);
      out += k % 2 == 0 ? "->" : "(";
    }
    out += ");\n";
  }
  return out;
}

struct Site {
  test::TempDir folder;
  IndexBuildOptions options;
  std::string base = folder / "base.wfi";
  std::map<std::string, std::string> files;  // by "repository/path"

  Site() {
    for (unsigned i = 0; i < 6; ++i) put("one/f" + std::to_string(i) + ".cc", source(i));
    put("one/tiny.cc", "int quokkaTotal;\n");
    put("one/copy.cc", source(2));
    put("two/main.py", source(20));
    options.repositories = {{"one", folder / "one"}, {"two", folder / "two"}};
    build();
  }
  void put(const std::string& name, const std::string& content) {
    folder.write(name, content);
    files[name] = content;
  }
  void remove(const std::string& name) {
    std::filesystem::remove(folder / name);
    files.erase(name);
  }
  void build() const {
    const auto report = build_index(options, test::test_key(), base, {});
    ASSERT_TRUE(report.has_value()) << report.error().to_string();
  }
  [[nodiscard]] Result<IndexBuildReport> layer() const {
    IndexBuildOptions delta = options;
    delta.delta_of = base;
    const auto layers = count_layers(base);
    EXPECT_TRUE(layers.has_value());
    return build_index(delta, test::test_key(), layer_path(base, *layers + 1), {});
  }
  [[nodiscard]] std::shared_ptr<const CodeIndex> open() const {
    auto index = CodeIndex::open(base, test::test_key());
    EXPECT_TRUE(index.has_value()) << index.error().to_string();
    return index ? *index : nullptr;
  }
};

using Places = std::set<std::string>;

// Where each hash of all contents, old and new, is said to stand.
std::map<uint64_t, Places> ask(const CodeIndex& index, const std::vector<std::string>& contents) {
  const IndexProbe probe(index);
  FileReader reader(test::test_key());
  FileFingerprints found;
  std::map<uint64_t, Places> out;
  for (const std::string& content : contents) {
    reader.read(content, false, false, found);
    std::vector<uint64_t> hashes;
    for (const auto& placed : found.placed) hashes.push_back(placed.hash);
    probe.probe(hashes, [&](size_t i, const Postings& at) {
      for (uint32_t k = 0; k < at.count(); ++k) {
        const auto number = probe.file_of(at.line(k));
        if (!number) continue;
        const auto file = probe.file(*number);
        ASSERT_TRUE(file.has_value());
        const uint32_t line = at.line(k) - file->first_line;
        out[hashes[i]].insert(std::string(file->repository) + "/" + std::string(file->path) + ":" +
                              std::to_string(line) + " " + std::to_string(probe.tag(at.line(k))) +
                              " " + std::to_string(probe.shape_tag(at.line(k))));
      }
    });
  }
  return out;
}

// The same as an index of all that is there now.
void expect_as_anew(const Site& site, const std::vector<std::string>& contents) {
  const auto layered = site.open();
  ASSERT_NE(layered, nullptr);
  const std::string path = site.folder / "anew.wfi";
  ASSERT_TRUE(build_index(site.options, test::test_key(), path, {}).has_value());
  const auto anew = CodeIndex::open(path, test::test_key());
  ASSERT_TRUE(anew.has_value());
  const auto expected = ask(**anew, contents);
  EXPECT_GT(expected.size(), 300U);
  EXPECT_EQ(ask(*layered, contents), expected);
  EXPECT_EQ(layered->info().files - layered->info().hidden_files, (*anew)->info().files);
}

TEST(IndexLayers, AnswerAsAnIndexBuiltAnew) {
  Site site;
  std::vector<std::string> contents;
  for (const auto& [name, content] : site.files) contents.push_back(content);
  const std::string before = test::TempDir::read(site.base);

  site.put("one/f1.cc", source(1, 20) + source(50, 10) + source(3, 5));  // changed, takes of f3
  site.put("one/new.cc", source(51));
  site.remove("one/f4.cc");
  contents.push_back(site.files["one/f1.cc"]);
  contents.push_back(site.files["one/new.cc"]);
  auto report = site.layer();
  ASSERT_TRUE(report.has_value()) << report.error().to_string();
  EXPECT_EQ(report->files, 2U);
  EXPECT_EQ(report->hidden, 2U);
  EXPECT_EQ(report->reused, 7U);
  expect_as_anew(site, contents);

  // On top of that: changed again, changed from the base, moved, back again.
  site.put("one/f1.cc", source(52));
  site.put("two/main.py", source(20, 30) + "last = zebra(walrus)\n");
  site.remove("one/f0.cc");
  site.put("one/moved.cc", source(0));
  site.put("one/f4.cc", source(4));
  contents.push_back(site.files["one/f1.cc"]);
  report = site.layer();
  ASSERT_TRUE(report.has_value()) << report.error().to_string();
  EXPECT_EQ(report->files, 4U);
  EXPECT_EQ(report->hidden, 3U);
  expect_as_anew(site, contents);
  EXPECT_EQ(site.open()->info().layers, 2U);
  EXPECT_THAT(site.open()->info().repositories, ElementsAre("one", "two"));
  EXPECT_TRUE(CodeIndex::verify(site.base).has_value());
  EXPECT_EQ(test::TempDir::read(site.base), before);

  // Nothing changed: no layer. Built anew: no layers.
  report = site.layer();
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->files + report->hidden, 0U);
  EXPECT_EQ(*count_layers(site.base), 2U);
  site.build();
  EXPECT_EQ(*count_layers(site.base), 0U);
  expect_as_anew(site, contents);
}

TEST(IndexLayers, OneRepositoryLeavesTheOthersAlone) {
  Site site;
  IndexBuildOptions delta = site.options;
  delta.delta_of = site.base;
  delta.repositories = {{"three", site.folder / "two"}};
  site.folder.write("two/main.py", source(60));
  const auto report = build_index(delta, test::test_key(), layer_path(site.base, 1), {});
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->files, 1U);
  EXPECT_EQ(report->hidden, 0U);
  EXPECT_THAT(site.open()->info().repositories, ElementsAre("one", "two", "three"));
}

TEST(IndexLayers, DigestsOfHiddenFilesAreNotTold) {
  DigestList list;
  const SiteKey key = test::test_key();
  const std::vector<uint8_t> digest(32, 7);
  const std::array<uint64_t, kDigestKinds> keyed{keyed_digest(digest_key(key), digest), 0, 0, 0};
  list.add(keyed, 3);
  const std::vector<uint8_t> below = list.section(kMostFiles);
  DigestList newer;
  newer.add(keyed, 9);
  const std::vector<uint8_t> above = newer.section(kMostFiles);
  std::vector<bool> hidden(10, false);
  DigestStack stack;
  stack.add(DigestTable(digest_key(key), below));
  stack.hide(&hidden);
  ASSERT_TRUE(stack.find(digest).has_value());
  EXPECT_EQ(stack.find(digest)->file, 3U);
  EXPECT_EQ(stack.by_file(DigestKind::kSha256, 10)[3], keyed[0]);
  hidden[3] = true;
  EXPECT_FALSE(stack.find(digest).has_value());
  stack.add(DigestTable(digest_key(key), above));
  ASSERT_TRUE(stack.find(digest).has_value());
  EXPECT_EQ(stack.find(digest)->file, 9U);
  hidden[9] = true;
  hidden[3] = false;
  EXPECT_EQ(stack.find(digest)->file, 3U);
}

TEST(IndexLayers, ThatDoNotBelongTogetherAreRefused) {
  Site site;
  site.put("one/new.cc", source(80));
  ASSERT_TRUE(site.layer().has_value());
  const std::string first = test::TempDir::read(layer_path(site.base, 1));
  // A layer is no index.
  const auto alone = CodeIndex::open(layer_path(site.base, 1), test::test_key());
  ASSERT_FALSE(alone.has_value());
  EXPECT_THAT(alone.error().message, HasSubstr("layer of another index"));
  // Twice the same, another base, a whole index in its place, damage.
  site.folder.write("base.wfi.delta-2", first);
  auto index = CodeIndex::open(site.base, test::test_key());
  ASSERT_FALSE(index.has_value());
  EXPECT_THAT(index.error().message, HasSubstr("made for another index"));
  std::filesystem::remove(layer_path(site.base, 2));
  site.build();
  site.folder.write("base.wfi.delta-1", first);
  index = CodeIndex::open(site.base, test::test_key());
  ASSERT_FALSE(index.has_value());
  EXPECT_THAT(index.error().message, HasSubstr("made for another index"));
  site.folder.write("base.wfi.delta-1", test::TempDir::read(site.base));
  index = CodeIndex::open(site.base, test::test_key());
  ASSERT_FALSE(index.has_value());
  EXPECT_THAT(index.error().message, HasSubstr("no layer"));
}

TEST(IndexLayers, EveryCutAndDamagedByteIsRefusedOrHarmless) {
  Site site;
  site.put("one/f2.cc", source(90, 6));
  ASSERT_TRUE(site.layer().has_value());
  const std::string good = test::TempDir::read(layer_path(site.base, 1));
  for (size_t at = 0; at < good.size(); at += at < 600 ? 7 : 61) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x41);
    site.folder.write("base.wfi.delta-1", bad);
    EXPECT_FALSE(CodeIndex::verify(site.base).has_value()) << at;
    if (const auto index = CodeIndex::open(site.base, test::test_key())) {
      (void)ask(**index, {source(90, 6), source(2)});
    }
    site.folder.write("base.wfi.delta-1", good.substr(0, at));
    EXPECT_FALSE(CodeIndex::open(site.base, test::test_key()).has_value()) << at;
  }
}

TEST(IndexLayers, TooManyAreRefused) {
  Site site;
  for (uint32_t i = 0; i < kMostLayers; ++i) {
    site.put("one/new.cc", source(100 + i, 5));
    ASSERT_TRUE(site.layer().has_value()) << i;
  }
  site.put("one/new.cc", source(200, 5));
  const auto report = site.layer();
  ASSERT_FALSE(report.has_value());
  EXPECT_THAT(report.error().message, HasSubstr("as many as there may be"));
  EXPECT_NE(site.open(), nullptr);
  site.folder.write("base.wfi.delta-9", "another");
  EXPECT_THAT(CodeIndex::open(site.base, test::test_key()).error().message,
              HasSubstr("more than 8 layers"));
}

}  // namespace
}  // namespace weir::signatures

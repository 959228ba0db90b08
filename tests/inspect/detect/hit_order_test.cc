// The tables and the order that spans are made with, against obvious ones.
#include "inspect/detect/hit_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "inspect/detect/flat_table.h"
#include "signatures/fingerprint/code_index.h"
#include "signatures/fingerprint/index_builder.h"
#include "signatures/fingerprint/index_probe.h"
#include "tests/signatures/fingerprint/temp_dir.h"

namespace weir::inspect {
namespace {

TEST(FlatTable, IsAMapThatKeepsItsOrder) {
  std::mt19937 random(1);
  FlatTable<uint64_t> table;
  for (const uint32_t spread : {0xffffffffU, 0xffU, 0x10000U, 1U}) {
    std::map<uint32_t, uint64_t> reference;
    std::vector<uint32_t> order;
    table.clear();
    EXPECT_EQ(table.find(0), nullptr);
    for (uint64_t i = 0; i < 5000; ++i) {
      const uint32_t key = spread == 0x10000U ? static_cast<uint32_t>(i % 700) * spread
                                              : static_cast<uint32_t>(random()) & spread;
      table.prefetch(key);
      const auto [value, fresh] = table.insert(key);
      EXPECT_EQ(fresh, reference.count(key) == 0);
      if (fresh) order.push_back(key);
      value += i;
      reference[key] += i;
    }
    ASSERT_EQ(table.size(), reference.size());
    for (size_t i = 0; i < order.size(); ++i) {
      EXPECT_EQ(table.entries()[i].key, order[i]);
      EXPECT_EQ(table.entries()[i].value, reference[order[i]]);
      ASSERT_NE(table.find(order[i]), nullptr);
    }
    for (uint32_t key = 0; key < 300; ++key) {
      EXPECT_EQ(table.find(key) != nullptr, reference.count(key) > 0);
    }
  }
}

TEST(LineSet, IsASetInOrder) {
  std::mt19937 random(2);
  LineSet lines;
  for (const uint32_t most : {100U, 5000U, 0xffffffffU}) {
    lines.clear();
    std::set<uint32_t> reference;
    for (int i = 0; i < 2000; ++i) {
      const uint32_t line = most == 0xffffffffU ? most - static_cast<uint32_t>(random()) % 5000
                                                : static_cast<uint32_t>(random()) % most;
      EXPECT_EQ(lines.insert(line), reference.insert(line).second);
    }
    std::vector<uint32_t> seen;
    lines.each([&](uint32_t line) { seen.push_back(line); });
    EXPECT_EQ(seen, std::vector<uint32_t>(reference.begin(), reference.end()));
    for (uint32_t line = 0; line < 200; ++line) {
      EXPECT_EQ(lines.contains(line), reference.count(line) > 0);
    }
  }
}

auto all_of(const CodeHit& hit) {
  return std::tie(hit.text_line, hit.global_line, hit.kind, hit.id, hit.head);
}

TEST(HitOrder, IsByFileAndTextLine) {
  test::TempDir folder;
  std::mt19937 random(3);
  for (int file = 0; file < 5; ++file) {
    std::string text;
    for (int i = 0; i < 40; ++i) text += "value_" + std::to_string(random()) + " = compute();\n";
    folder.write("shop/" + std::to_string(file) + ".cc", text);
  }
  signatures::IndexBuildOptions options;
  options.repositories = {{"shop", folder / "shop"}};
  ASSERT_TRUE(signatures::build_index(options, test::test_key(), folder / "i.wfi", {}));
  const auto index = signatures::CodeIndex::open(folder / "i.wfi", test::test_key());
  ASSERT_TRUE(index.has_value());
  const signatures::IndexProbe probe(**index);
  for (const uint32_t text_lines : {3U, 500U, 0xffffffffU}) {
    std::vector<CodeHit> hits(400);
    for (CodeHit& hit : hits) {
      hit.text_line = static_cast<uint32_t>(random()) % text_lines;
      hit.global_line = static_cast<uint32_t>(random()) % 220;  // 200 there are
      hit.kind = static_cast<HitKind>(random() % 6);
      hit.id = static_cast<uint32_t>(random()) % 4;
      hit.head = {static_cast<char>('a' + random() % 2), 'b', 'c'};
    }
    std::vector<std::pair<uint32_t, CodeHit>> reference;
    for (const CodeHit& hit : hits) {
      if (const auto file = probe.file_of(hit.global_line)) reference.emplace_back(*file, hit);
    }
    ASSERT_LT(reference.size(), hits.size());
    std::sort(reference.begin(), reference.end(), [](const auto& a, const auto& b) {
      if (a.first != b.first) return a.first < b.first;
      return all_of(a.second) < all_of(b.second);
    });
    const std::vector<HitsOfFile> files = order_hits(probe, hits);
    ASSERT_EQ(hits.size(), reference.size());
    for (size_t i = 0; i < hits.size(); ++i) {
      EXPECT_EQ(all_of(hits[i]), all_of(reference[i].second)) << i;
    }
    ASSERT_EQ(files.size(), 5U);
    size_t at = 0;
    for (const HitsOfFile& part : files) {
      EXPECT_EQ(part.begin, at);
      for (; at < part.end; ++at) EXPECT_EQ(reference[at].first, part.file);
    }
    EXPECT_EQ(at, hits.size());
  }
}

}  // namespace
}  // namespace weir::inspect

// Code that leaves drop by drop: what is added up over requests, what is not, and the bounds.
#include "inspect/detect/drip_memory.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace weir::inspect {
namespace {

struct Memory {
  Limits limits;
  Counter kept, replaced, lines_dropped;
  DripMemory drips;

  explicit Memory(Limits given = {}) : limits(given), drips(limits) {}
  std::optional<Drip> add(const std::vector<uint32_t>& lines, int64_t second = 1, uint32_t file = 0,
                          uint8_t client = 1, std::string_view host = "a", double foreign = 0,
                          double density = 1) {
    WeakFile found;
    found.file = file;
    found.signs.foreign = foreign;
    found.signs.density = density;
    for (const uint32_t line : lines) {
      CodeHit hit;
      hit.global_line = line;
      hit.id = 1000 + line;
      hit.size = 30;
      hit.rarity = 4;
      hit.kind = HitKind::kLine;
      found.hits.push_back(hit);
    }
    IpAddress address;
    address.bytes[15] = client;
    return drips.add(drips.sender_id(address, host), 0, Timestamp{} + Duration::seconds(second),
                     found, DripCounters{kept, replaced, lines_dropped});
  }
};

TEST(DripMemory, TellsLinesOfManyRequestsTogether) {
  Memory memory;
  std::optional<Drip> drip;
  uint32_t requests = 0;
  while (!drip && requests < 20) drip = memory.add({100 + 2 * requests++}, requests);
  ASSERT_TRUE(drip);
  EXPECT_GE(requests, 5U);
  EXPECT_EQ(drip->requests, requests);
  EXPECT_EQ(drip->lines, requests);
  EXPECT_EQ(drip->first_line, 100U);
  EXPECT_EQ(drip->last_line, 100 + 2 * (requests - 1));
  EXPECT_GE(drip->score, 0.9);
  // It grows with what is new, and says nothing of what is not.
  const auto more = memory.add({200 - 60}, 30);
  ASSERT_TRUE(more);
  EXPECT_EQ(more->requests, requests + 1);
  EXPECT_FALSE(memory.add({100, 102, 140}, 31));
}

TEST(DripMemory, ConversationThatIsSentAgainCountsOnce) {
  Memory memory;
  for (int64_t turn = 1; turn < 200; ++turn) EXPECT_FALSE(memory.add({100, 101, 102}, turn));
  // All at once, or in two requests, is what one request is judged by.
  EXPECT_FALSE(memory.add({103, 104, 105, 106, 107, 108}, 200));
  EXPECT_TRUE(memory.add({109}, 201));
}

TEST(DripMemory, KeepsClientsHostsAndFilesApart) {
  Memory memory;
  for (uint32_t i = 0; i < 40; ++i) {
    EXPECT_FALSE(memory.add({100 + i}, 1, 0, static_cast<uint8_t>(i + 1)));
    EXPECT_FALSE(memory.add({100 + i}, 1, 0, 99, "host" + std::to_string(i)));
    EXPECT_FALSE(memory.add({100 + i}, 1, 1 + i, 98));
  }
}

TEST(DripMemory, ScatteredAndForeignLinesAreNoDrip) {
  Memory memory;
  for (uint32_t i = 0; i < 60; ++i) EXPECT_FALSE(memory.add({100 + 100 * i}, 1)) << i;
  for (uint32_t i = 0; i < 8; ++i) {
    EXPECT_FALSE(memory.add({100 + i}, 1, 1, 1, "a", 120, 0.1)) << i;
  }
}

TEST(DripMemory, ForgetsAfterATime) {
  Memory memory;
  const int64_t age = memory.limits.drip_age.ns / 1'000'000'000;
  for (uint32_t i = 0; i < 40; ++i) EXPECT_FALSE(memory.add({100 + i}, 1 + i * (age + 1))) << i;
  bool told = false;
  for (uint32_t i = 0; i < 40; ++i) told |= memory.add({500 + i}, 1000 * (age + 1) + i).has_value();
  EXPECT_TRUE(told);
}

TEST(DripMemory, IsBoundedAndCounts) {
  Limits limits;
  limits.drip_files = 64;
  limits.drip_lines = 8;
  Memory memory(limits);
  for (uint32_t file = 0; file < 1000; ++file) memory.add({1}, 1 + file, file);
  EXPECT_EQ(memory.kept.get(), 1000U);
  EXPECT_GE(memory.replaced.get(), 1000U - 64U);
  EXPECT_LT(memory.replaced.get(), 1000U);
  for (uint32_t i = 0; i < 20; ++i) memory.add({i}, 2000 + i, 5000);
  EXPECT_EQ(memory.lines_dropped.get(), 12U);
  limits.drip_files = 0;
  Memory none(limits);
  for (uint32_t i = 0; i < 40; ++i) EXPECT_FALSE(none.add({100 + i}));
  EXPECT_EQ(none.kept.get(), 0U);
}

// The obvious reference: all lines of a client's requests in one list, judged anew each time.
TEST(DripMemory, AgreesWithAListOfAllLines) {
  Memory memory;
  std::set<uint32_t> lines;
  uint32_t requests = 0;
  uint32_t state = 7;
  for (uint32_t i = 0; i < 300 && lines.size() < 100; ++i) {
    state = state * 1664525 + 1013904223;
    const uint32_t line = 100 + (state >> 16) % 60;
    const bool fresh = lines.insert(line).second;
    requests += fresh ? 1 : 0;
    const auto drip = memory.add({line}, i + 1);
    CodeSigns signs;
    signs.lines = 0.8 * 0.8 * static_cast<double>(lines.size());
    signs.strong = signs.different = static_cast<uint32_t>(lines.size());
    const bool enough = fresh && requests >= 3 && lines.size() >= 5 && score_of(signs) >= 0.9 &&
                        *lines.rbegin() - *lines.begin() < 60;
    if (lines.size() >= 12) {
      ASSERT_EQ(drip.has_value(), enough) << i;
    }
    if (drip) {
      EXPECT_EQ(drip->requests, requests);
      EXPECT_LE(drip->lines, lines.size());
      EXPECT_EQ(drip->first_line, *lines.begin());
      EXPECT_NEAR(drip->score, score_of(signs), 1e-9);
    }
  }
  EXPECT_EQ(lines.size(), 60U);
}

}  // namespace
}  // namespace weir::inspect

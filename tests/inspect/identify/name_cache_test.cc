#include "inspect/identify/name_cache.h"

#include <gtest/gtest.h>

#include <list>
#include <map>
#include <random>

#include "tests/inspect/identify/dns_maker.h"

namespace weir::inspect {
namespace {

constexpr Timestamp kStart{1'700'000'000'000'000'000};
IpAddress ip(uint32_t n) { return IpAddress::v4(0x0a000000 + n); }
Timestamp after(int64_t seconds) { return kStart + Duration::seconds(seconds); }

struct Cache {
  Limits limits;
  NameCacheCounters counters;
  explicit Cache(size_t names = 100) { limits.dns_names = names; }
  NameCache make() { return NameCache(limits, counters, HashKey{{1, 2}}); }
};

TEST(NameCache, TheClientsOwnAnswerComesFirst) {
  Cache c;
  NameCache cache = c.make();
  cache.add(ip(1), ip(9), "mine.example", 60, kStart);
  cache.add(ip(2), ip(9), "theirs.example", 60, after(1));
  const auto own = cache.find(ip(1), ip(9), after(2));
  ASSERT_TRUE(own);
  EXPECT_EQ(own->name, "mine.example");
  EXPECT_TRUE(own->own);
  EXPECT_FALSE(own->shared);
  const auto other = cache.find(ip(3), ip(9), after(2));
  ASSERT_TRUE(other);
  EXPECT_EQ(other->name, "theirs.example");  // the latest
  EXPECT_FALSE(other->own);
  EXPECT_TRUE(other->shared);
  EXPECT_FALSE(cache.find(ip(1), ip(8), after(2)));
  EXPECT_EQ(c.counters.hits.get(), 1U);
  EXPECT_EQ(c.counters.hits_of_others.get(), 1U);
  EXPECT_EQ(c.counters.misses.get(), 1U);
}

TEST(NameCache, EntriesExpireNotBeforeTheFloor) {
  Cache c;
  NameCache cache = c.make();
  cache.add(ip(1), ip(9), "short.example", 5, kStart);
  cache.add(ip(1), ip(8), "long.example", 4000, kStart);
  EXPECT_TRUE(cache.find(ip(1), ip(9), after(300)));
  EXPECT_FALSE(cache.find(ip(1), ip(9), after(301)));
  EXPECT_TRUE(cache.find(ip(1), ip(8), after(4000)));
  EXPECT_FALSE(cache.find(ip(2), ip(8), after(4001)));
}

TEST(NameCache, AnAddressOfSeveralNamesIsMarked) {
  Cache c;
  NameCache cache = c.make();
  cache.add(ip(1), ip(9), "a.example", 60, kStart);
  cache.add(ip(1), ip(9), "a.example", 60, after(1));
  EXPECT_FALSE(cache.find(ip(1), ip(9), after(1))->shared);
  cache.add(ip(1), ip(9), "b.example", 60, after(2));
  EXPECT_EQ(cache.find(ip(1), ip(9), after(2))->name, "b.example");
  EXPECT_TRUE(cache.find(ip(1), ip(9), after(2))->shared);
  cache.add(ip(1), ip(9), "c.example", 60, after(1000));  // the others are forgotten by now
  EXPECT_FALSE(cache.find(ip(1), ip(9), after(1000))->shared);
  EXPECT_EQ(cache.size(), 1U);
}

TEST(NameCache, TakesWholeAnswers) {
  Cache c;
  NameCache cache = c.make();
  DnsMessage message;
  ASSERT_TRUE(parse_dns(test::dns_answer_with_alias(), message));
  cache.add(ip(1), message, kStart);
  EXPECT_EQ(cache.size(), 2U);
  EXPECT_EQ(cache.find(ip(1), *IpAddress::parse("2001:db8::7"), kStart)->name, "chat.example");
  message.rcode = 3;
  NameCache empty = c.make();
  empty.add(ip(1), message, kStart);
  EXPECT_EQ(empty.size(), 0U);
}

// Against a list that is searched from its newest entry on.
TEST(NameCache, AgreesWithASimpleModelUnderEviction) {
  struct Row {
    IpAddress client, server;
    std::string name;
    Timestamp expires;
    uint64_t told;
  };
  constexpr size_t kCapacity = 50;
  Cache c(kCapacity);
  NameCache cache = c.make();
  std::list<Row> model;  // most recently used first
  uint64_t told = 0;
  std::mt19937 engine(11);
  const auto random = [&engine] { return static_cast<uint32_t>(engine()); };
  for (int step = 0; step < 20000; ++step) {
    const Timestamp now = after(step / 10);
    const IpAddress client = ip(random() % 12);
    const IpAddress server = ip(100 + random() % 12);
    const auto own = std::find_if(model.begin(), model.end(), [&](const Row& r) {
      return r.client == client && r.server == server;
    });
    if (random() % 2 == 0) {
      const std::string name = "n" + std::to_string(random() % 5);
      cache.add(client, server, name, random() % 600, now);
      const auto& entry = cache.find(client, server, now);
      ASSERT_TRUE(entry);
      ASSERT_EQ(entry->name, name);
      if (own != model.end()) model.erase(own);
      model.push_front({client, server, name, Timestamp{}, ++told});
      if (model.size() > kCapacity) model.pop_back();
      continue;
    }
    const auto got = cache.find(client, server, now);
    if (own != model.end() && got && got->own) {
      ASSERT_EQ(got->name, own->name);
      model.splice(model.begin(), model, own);
    } else if (own == model.end()) {
      ASSERT_TRUE(!got || !got->own);
    }
    ASSERT_LE(cache.size(), kCapacity);
  }
  EXPECT_GT(c.counters.evicted.get(), 1000U);
  // What the model still holds must be there, unless it expired.
  size_t there = 0;
  for (const Row& row : model) {
    const auto got = cache.find(row.client, row.server, after(2000));
    if (got && got->own) {
      EXPECT_EQ(got->name, row.name);
      ++there;
    }
  }
  EXPECT_GT(there, 20U);
}

}  // namespace
}  // namespace weir::inspect

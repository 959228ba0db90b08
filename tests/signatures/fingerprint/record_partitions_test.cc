// Sorting by parts agrees with std::sort, whatever the memory, the threads and the hashes.
#include "signatures/fingerprint/record_partitions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <thread>
#include <vector>

#include "tests/signatures/fingerprint/temp_dir.h"

namespace weir::signatures {
namespace {

std::vector<PlacedHash> records(size_t count, uint64_t hashes, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<PlacedHash> out;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t hash = hashes == 0 ? random() : mix64(random() % hashes);
    out.push_back(
        {hash, static_cast<uint32_t>(random() % 50), static_cast<uint32_t>(random() % 9)});
  }
  return out;
}

void check(const std::vector<PlacedHash>& input, uint64_t memory, uint32_t threads,
           bool must_spill) {
  const test::TempDir folder;
  RecordPartitions parts(folder / "", memory, threads);
  std::vector<std::thread> writers;
  for (uint32_t w = 0; w < threads; ++w) {
    writers.emplace_back([&, w] {
      for (size_t i = w; i < input.size(); i += threads) {
        ASSERT_TRUE(parts.add(w, input[i]).has_value());
      }
    });
  }
  for (std::thread& one : writers) one.join();
  EXPECT_EQ(parts.spills() > 0, must_spill);
  std::vector<PlacedHash> sorted = input;
  std::sort(sorted.begin(), sorted.end());
  std::vector<PlacedHash> got;
  const Status drained = parts.drain(threads, [&got](std::span<const PlacedHash> some) {
    got.insert(got.end(), some.begin(), some.end());
    return ok_status();
  });
  ASSERT_TRUE(drained.has_value());
  EXPECT_TRUE(got == sorted);
}

TEST(RecordPartitions, SortsInMemory) {
  for (const uint32_t threads : {1U, 2U, 4U}) {
    check({}, 1 << 20, threads, false);
    check(records(1, 0, 1), 1 << 20, threads, false);
    check(records(20'000, 0, 2), 16 << 20, threads, false);
    check(records(20'000, 300, 3), 16 << 20, threads, false);
    check(records(20'000, 1, 4), 16 << 20, threads, false);
  }
}

TEST(RecordPartitions, SortsWhatDoesNotFitInMemory) {
  for (const uint32_t threads : {1U, 3U}) {
    check(records(150'000, 0, 5), 1, threads, true);
    check(records(150'000, 20, 6), 1, threads, true);  // parts larger than the memory
    check(records(150'000, 1, 7), 1, threads, true);
  }
}

TEST(RecordPartitions, ARefusalEndsIt) {
  const test::TempDir folder;
  for (const uint32_t threads : {1U, 3U}) {
    RecordPartitions parts(folder / "", 1 << 20, 1);
    for (const PlacedHash& record : records(10'000, 0, 8)) {
      ASSERT_TRUE(parts.add(0, record).has_value());
    }
    int calls = 0;
    const Status drained = parts.drain(threads, [&calls](std::span<const PlacedHash>) -> Status {
      if (++calls == 3) return Error{"enough", {}};
      return ok_status();
    });
    EXPECT_FALSE(drained.has_value());
    EXPECT_EQ(calls, 3);
  }
}

}  // namespace
}  // namespace weir::signatures

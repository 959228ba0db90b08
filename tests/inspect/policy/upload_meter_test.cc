// Volumes over time, against a reference that keeps every packet.
#include "inspect/policy/upload_meter.h"

#include <gtest/gtest.h>

#include <random>

namespace weir::inspect {
namespace {

constexpr Timestamp kBegin{1'700'000'000'000'000'000};

Timestamp after(double seconds) { return kBegin + Duration{static_cast<int64_t>(seconds * 1e9)}; }

VolumeMarks marks_of(std::vector<uint64_t> up, std::vector<uint64_t> one) {
  VolumeMarks marks;
  marks.up = std::move(up);
  marks.one_upload = std::move(one);
  return marks;
}

TEST(UploadMeter, AsksExactlyWhereAMarkIsReached) {
  const VolumeMarks marks = marks_of({1000, 3000}, {});
  UploadMeter meter(marks);
  EXPECT_FALSE(meter.sent(999, after(0)));
  EXPECT_TRUE(meter.sent(1, after(0)));
  EXPECT_FALSE(meter.sent(1999, after(100)));
  EXPECT_TRUE(meter.sent(5000, after(100)));
  EXPECT_FALSE(meter.sent(5000, after(100)));
  EXPECT_EQ(meter.total(), 13'000U - 1);
}

TEST(UploadMeter, OneUploadEndsWithAPauseOrAnAnswer) {
  const VolumeMarks marks = marks_of({}, {50'000});
  UploadMeter meter(marks);
  EXPECT_FALSE(meter.sent(30'000, after(0)));
  EXPECT_FALSE(meter.sent(30'000, after(2)));  // a pause
  EXPECT_EQ(meter.one_upload(), 30'000U);
  meter.answered(1024);  // window updates and the like
  EXPECT_FALSE(meter.sent(10'000, after(3)));
  EXPECT_EQ(meter.one_upload(), 40'000U);
  meter.answered(3000);  // an answer
  EXPECT_FALSE(meter.sent(30'000, after(4)));
  EXPECT_EQ(meter.one_upload(), 40'000U);
  EXPECT_TRUE(meter.sent(20'000, after(5.9)));
  EXPECT_EQ(meter.one_upload(), 50'000U);
  meter.answered(3000);  // a small share of what is being sent
  EXPECT_FALSE(meter.sent(20'000, after(6)));
  EXPECT_EQ(meter.one_upload(), 70'000U);
}

TEST(UploadMeter, ABurstIsMeasuredWithinItsTime) {
  VolumeMarks marks;
  marks.bursts.push_back({10, {100'000}});
  UploadMeter meter(marks);
  // Ten kilobytes a second and a half: 70 KB at most within ten seconds.
  for (int i = 0; i < 40; ++i) EXPECT_FALSE(meter.sent(10'000, after(1.5 * i))) << i;
  ASSERT_EQ(meter.bursts().size(), 1U);
  EXPECT_EQ(meter.bursts()[0].bytes, 70'000U);
  // Long after, much at once.
  EXPECT_FALSE(meter.sent(99'999, after(600)));
  EXPECT_TRUE(meter.sent(1, after(609.5)));
  EXPECT_EQ(meter.bursts()[0].bytes, 100'000U);
  EXPECT_FALSE(meter.sent(1, after(1e6)));
}

TEST(UploadMeter, AgreesWithAReference) {
  std::mt19937 random(20240301);
  for (int round = 0; round < 30; ++round) {
    VolumeMarks marks;
    marks.bursts = {{1, {}}, {7, {}}, {60, {}}};
    UploadMeter meter(marks);
    struct Packet {
      int64_t quarter;
      uint64_t bytes;
    };
    std::vector<Packet> packets;
    std::vector<uint64_t> most(3, 0);
    Timestamp now = kBegin;
    for (int i = 0; i < 400; ++i) {
      const bool pause = random() % 50 == 0;
      now = now + Duration::millis(static_cast<int64_t>(random() % (pause ? 90'000 : 700)));
      // The first is large enough for nothing to be put together.
      const uint64_t bytes = i == 0 ? 4096 : 1 + random() % 1500;
      (void)meter.sent(bytes, now);
      packets.push_back({now.ns / 250'000'000, bytes});
      for (size_t w = 0; w < most.size(); ++w) {
        const auto quarters = static_cast<int64_t>(4 * marks.bursts[w].seconds);
        uint64_t sum = 0;
        for (const Packet& packet : packets) {
          if (packet.quarter >= packets.back().quarter - quarters) sum += packet.bytes;
        }
        most[w] = std::max(most[w], sum);
        ASSERT_EQ(meter.bursts()[w].bytes, most[w]) << round << ' ' << i << ' ' << w;
      }
    }
  }
}

}  // namespace
}  // namespace weir::inspect

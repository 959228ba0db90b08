// TcpStream against a byte map: generated sequences of segments (any cuts, reordering, duplicates,
// overlaps with other content, cut payloads, losses, ACKs of what was lost, wrap-around), with the
// slow obvious answer to what must come out.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "inspect/stream/tcp_stream.h"

namespace weir::inspect {
namespace {

constexpr int kCut = -1;  // in the map: known to be missing

// What has arrived first for each offset, and a check of all that the stream says against it.
class Reference final : public TcpSink {
 public:
  void arrive(int64_t offset, ByteSpan data, uint32_t missing) {
    for (const uint8_t byte : data) add(offset++, byte);
    for (uint32_t i = 0; i < missing; ++i) add(offset++, kCut);
  }
  void on_tcp_data(Direction, ByteSpan data) noexcept override {
    for (const uint8_t byte : data) {
      const auto found = arrived_.find(position);
      if (found == arrived_.end() || found->second != byte) ++wrong;
      ++position;
    }
    text += as_chars(data);
  }
  void on_tcp_gap(Direction, uint64_t bytes) noexcept override {
    if (bytes == 0) ++wrong;
    for (uint64_t i = 0; i < bytes; ++i, ++position) {
      const auto found = arrived_.find(position);
      if (found != arrived_.end() && found->second != kCut) ++wrong;
      if (found == arrived_.end() && position >= believed_lost) ++wrong;
      text += '\0';
    }
    gaps += bytes;
  }
  void on_tcp_end(Direction, EndReason) noexcept override { ++ends; }

  // The whole stream as it had to come, with zeros for gaps, when nothing was given up early.
  [[nodiscard]] std::string expected() const {
    std::string out;
    if (arrived_.empty()) return out;
    out.resize(static_cast<size_t>(arrived_.rbegin()->first + 1), '\0');
    for (const auto& [offset, byte] : arrived_) {
      if (byte != kCut) out[static_cast<size_t>(offset)] = static_cast<char>(byte);
    }
    return out;
  }
  // The first offset at or above `from` that has not arrived.
  [[nodiscard]] int64_t hole(int64_t from) const {
    while (arrived_.count(from) != 0) ++from;
    return from;
  }
  [[nodiscard]] int64_t highest() const {
    return arrived_.empty() ? 0 : arrived_.rbegin()->first + 1;
  }

  int64_t position = 0;
  // Holes at or above this may not be given up yet.
  int64_t believed_lost = std::numeric_limits<int64_t>::max();
  uint64_t gaps = 0;
  int wrong = 0;
  int ends = 0;
  std::string text;

 private:
  void add(int64_t offset, int byte) {
    if (offset >= position) arrived_.emplace(offset, byte);  // else: given or given up
  }
  std::map<int64_t, int> arrived_;
};

struct Segment {
  int64_t offset;
  std::vector<uint8_t> data;
  uint32_t missing = 0;
};

class Script {
 public:
  explicit Script(uint64_t seed) : random_(seed) {}

  size_t below(size_t n) { return random_() % n; }
  bool chance(size_t percent) { return below(100) < percent; }

  // `length` bytes cut into segments, some twice, some with other content, some lost.
  std::vector<Segment> segments(size_t length, size_t most, bool cuts, size_t loss) {
    std::vector<Segment> out;
    for (size_t at = 0; at < length;) {
      const size_t size = std::min(length - at, 1 + below(most));
      add(out, at, size, cuts, loss);
      // An overlap around here.
      if (chance(20)) {
        const size_t from = at - std::min(at, below(most));
        add(out, from, 1 + below(std::min(length - from, 2 * most)), cuts, loss);
      }
      at += size;
    }
    return out;
  }
  // Each segment moves by less than `distance` places.
  void reorder(std::vector<Segment>& segments, size_t distance) {
    std::vector<std::pair<size_t, size_t>> order;
    for (size_t i = 0; i < segments.size(); ++i) order.emplace_back(i + below(distance), i);
    std::sort(order.begin(), order.end());
    std::vector<Segment> out;
    for (const auto& [key, i] : order) out.push_back(segments[i]);
    segments = std::move(out);
  }

 private:
  void add(std::vector<Segment>& out, size_t at, size_t size, bool cuts, size_t loss) {
    Segment segment{static_cast<int64_t>(at), {}, 0};
    const auto version = static_cast<uint8_t>(chance(10) ? 1 + below(3) : 0);
    for (size_t i = at; i < at + size; ++i) {
      segment.data.push_back(static_cast<uint8_t>(1 + (i * 7 + version) % 250));
    }
    if (cuts && chance(10)) {
      segment.missing = static_cast<uint32_t>(below(size + 1));
      segment.data.resize(size - segment.missing);
    }
    if (chance(loss)) return;
    out.push_back(std::move(segment));
  }
  std::mt19937_64 random_;
};

class Driver {
 public:
  Driver(const Limits& limits, uint32_t base) : pool(limits), stream(pool), base_(base) {
    send(Direction::kToServer, base - 1, 0, {.syn = true}, {}, 0);
  }
  void segment(const Segment& s) {
    reference.arrive(s.offset, s.data, s.missing);
    send(Direction::kToServer, base_ + static_cast<uint32_t>(s.offset), 0, {.ack = true}, s.data,
         s.missing);
  }
  void ack(int64_t offset) {
    send(Direction::kToClient, 1, base_ + static_cast<uint32_t>(offset), {.ack = true}, {}, 0);
  }
  void fin(int64_t offset) {
    send(Direction::kToServer, base_ + static_cast<uint32_t>(offset), 0, {.fin = true, .ack = true},
         {}, 0);
  }
  void finish() {
    reference.believed_lost = std::numeric_limits<int64_t>::max();
    stream.finish(EndReason::kTimeout, reference);
    EXPECT_EQ(reference.wrong, 0);
    EXPECT_EQ(reference.ends, 2);
    EXPECT_EQ(stream.delivered(Direction::kToServer) + stream.gap_bytes(Direction::kToServer),
              static_cast<uint64_t>(reference.position));
    EXPECT_EQ(stream.gap_bytes(Direction::kToServer), reference.gaps);
    EXPECT_EQ(pool.bytes_in_use(), 0U);
  }

  TcpPool pool;
  TcpStream stream;
  Reference reference;
  Timestamp now{1};

 private:
  void send(Direction d, uint32_t seq, uint32_t ack, TcpFlags flags, ByteSpan data,
            uint32_t missing) {
    DecodedPacket packet;
    packet.time = now;
    packet.seq = seq;
    packet.ack = ack;
    packet.flags = flags;
    packet.payload = data;
    packet.missing = missing;
    stream.on_segment(d, packet, reference);
    now.ns += 1000;
  }
  uint32_t base_;
};

// Nobody acknowledges and nothing times out, so every hole stays open to the end: the stream must
// be exactly what arrived first.
TEST(TcpStreamReference, EverythingThatArrivedComesOut) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    Script script(seed);
    const size_t length = 1 + script.below(6000);
    const size_t most = 1 + script.below(200);
    auto segments = script.segments(length, most, seed % 3 == 0, seed % 4 == 0 ? 10 : 0);
    script.reorder(segments, 1 + script.below(seed % 2 == 0 ? 8 : 300));
    Driver driver(Limits{.out_of_order_segments = 4096},
                  seed % 5 == 0 ? static_cast<uint32_t>(0 - script.below(length)) : 12345);
    for (const Segment& segment : segments) driver.segment(segment);
    const std::string expected = driver.reference.expected();
    if (seed % 2 == 0) driver.fin(driver.reference.highest());
    driver.finish();
    ASSERT_EQ(driver.reference.text, expected) << "seed " << seed;
    ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed;
  }
}

// The receiver acknowledges what was lost to the capture. Every byte and gap is checked against the
// map as it comes; and no acknowledged hole stays open for long.
TEST(TcpStreamReference, AckedLossesBecomeGapsInTime) {
  uint64_t gaps = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Script script(seed + 1000);
    auto segments = script.segments(20'000, 100, seed % 3 == 0, 1 + seed % 20);
    script.reorder(segments, 1 + script.below(6));
    Driver driver(Limits{}, static_cast<uint32_t>(0 - script.below(20'000)));
    std::vector<int64_t> highest_then;  // by packets sent
    int64_t acked = 0;
    driver.reference.believed_lost = 0;
    for (const Segment& segment : segments) {
      driver.segment(segment);
      highest_then.push_back(acked);
      if (script.chance(seed % 2 == 0 ? 50 : 6)) {
        acked = driver.reference.highest();
        driver.reference.believed_lost = acked;
        driver.ack(acked);
      }
      // What was acknowledged 40 own packets ago is behind us, as far as it can be.
      if (highest_then.size() > 40) {
        const int64_t due = highest_then[highest_then.size() - 40];
        ASSERT_GE(driver.reference.position, std::min(due, driver.reference.highest()))
            << "seed " << seed;
      }
    }
    driver.finish();
    gaps += driver.reference.gaps;
    ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed;
  }
  EXPECT_GT(gaps, 10'000U);
}

TEST(TcpStreamReference, TightLimitsHold) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Script script(seed + 5000);
    Limits limits;
    limits.out_of_order_segments = 1 + script.below(20);
    limits.out_of_order_bytes = script.below(8000);
    limits.reassembly_bytes_total = script.below(8000);
    auto segments = script.segments(8000, 1 + script.below(700), seed % 3 == 0, seed % 10);
    script.reorder(segments, 1 + script.below(60));
    Driver driver(limits, 7);
    for (const Segment& segment : segments) {
      driver.segment(segment);
      ASSERT_LE(driver.pool.bytes_allocated(), limits.reassembly_bytes_total);
    }
    driver.finish();
    ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed;
  }
}

// Ten thousand one-byte segments with holes between them, then one segment over all: bounded work.
TEST(TcpStreamReference, ManyTinyPiecesStayBounded) {
  Driver driver(Limits{}, 1);
  const uint8_t byte = 5;
  for (int64_t i = 0; i < 10'000; ++i) {
    driver.segment({20'000 - 2 * (i % 1000) + i / 1000 * 2000, {byte}, 0});
  }
  driver.segment({0, std::vector<uint8_t>(60'000, byte), 0});
  EXPECT_LE(driver.pool.bytes_in_use(), size_t{2} << 20);
  driver.finish();
}

}  // namespace
}  // namespace weir::inspect

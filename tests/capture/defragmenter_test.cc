// Fragments put together, against a slow map of bytes and case by case.
#include "capture/defragmenter.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace weir::capture {
namespace {

using Bytes = std::vector<uint8_t>;

const IpAddress kA = IpAddress::v4(0x0a000001);
const IpAddress kB = IpAddress::v4(0x0a000002);
const IpAddress kA6 = *IpAddress::parse("2001:db8::1");
const IpAddress kB6 = *IpAddress::parse("2001:db8::2");

Fragment piece(std::string_view payload, uint32_t offset, bool more, uint32_t id = 1) {
  Fragment f;
  f.source = kA;
  f.destination = kB;
  f.id = id;
  f.protocol = 17;
  f.offset = offset;
  f.more = more;
  f.payload = as_bytes(payload);
  f.length = static_cast<uint32_t>(payload.size());
  return f;
}

class DefragmenterTest : public ::testing::Test {
 protected:
  // The datagram, or "-" while it is not whole.
  std::string add(const Fragment& f, int64_t seconds = 0) {
    const auto whole = defragmenter_.add(f, {Duration::seconds(seconds).ns}, counters_);
    if (!whole) return "-";
    length_ = whole->length;
    protocol_ = whole->protocol;
    return std::string(as_chars(whole->payload));
  }
  void limit(const Limits& limits) { defragmenter_ = Defragmenter(limits); }

  Defragmenter defragmenter_{Limits{}};
  DecodeCounters counters_;
  uint32_t length_ = 0;
  uint8_t protocol_ = 0;
};

TEST_F(DefragmenterTest, AnyOrderGivesTheDatagram) {
  const std::array<Fragment, 3> pieces{piece("01234567", 0, true), piece("89abcdef", 8, true),
                                       piece("tail", 16, false)};
  std::array<int, 3> order{0, 1, 2};
  uint32_t id = 0;
  do {
    ++id;
    std::string got;
    for (const int i : order) {
      EXPECT_TRUE(got.empty() || got == "-");
      Fragment f = pieces[static_cast<size_t>(i)];
      f.id = id;
      got = add(f);
    }
    EXPECT_EQ(got, "0123456789abcdeftail");
    EXPECT_EQ(length_, 20U);
    EXPECT_EQ(protocol_, 17);
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(counters_.reassembled.get(), 6U);
  EXPECT_EQ(counters_.fragment_overlaps.get(), 0U);
  EXPECT_EQ(defragmenter_.held_datagrams(), 0U);
  EXPECT_EQ(defragmenter_.held_bytes(), 0U);
}

TEST_F(DefragmenterTest, KeyTellsDatagramsApart) {
  const Fragment first = piece("01234567", 0, true);
  std::vector<Fragment> others(5, piece("tail", 8, false));
  others[0].id = 2;
  others[1].source = kB;
  others[2].destination = kA;
  others[3].protocol = 6;
  others[4].encapsulation = 7;
  EXPECT_EQ(add(first), "-");
  for (const Fragment& other : others) EXPECT_EQ(add(other), "-");
  EXPECT_EQ(defragmenter_.held_datagrams(), 6U);
  EXPECT_EQ(add(piece("tail", 8, false)), "01234567tail");
}

TEST_F(DefragmenterTest, Ipv6TakesTheProtocolOfTheFirst) {
  Fragment last = piece("tail", 8, false);
  last.source = kA6;
  last.destination = kB6;
  last.protocol = 99;
  Fragment first = piece("01234567", 0, true);
  first.source = kA6;
  first.destination = kB6;
  first.protocol = 60;
  EXPECT_EQ(add(last), "-");
  EXPECT_EQ(add(first), "01234567tail");
  EXPECT_EQ(protocol_, 60);
}

TEST_F(DefragmenterTest, FirstBytesWinAndConflictsAreCounted) {
  EXPECT_EQ(add(piece("AAAAAAAA", 8, true)), "-");
  EXPECT_EQ(add(piece("bbbbbbbbbbbbbbbbbbbbbbbb", 0, true)), "-");
  EXPECT_EQ(counters_.fragment_overlaps.get(), 1U);
  EXPECT_EQ(counters_.fragment_conflicts.get(), 1U);
  EXPECT_EQ(add(piece("bbbbbbbb", 16, true)), "-") << "the same again";
  EXPECT_EQ(counters_.fragment_overlaps.get(), 2U);
  EXPECT_EQ(counters_.fragment_conflicts.get(), 1U);
  EXPECT_EQ(add(piece("end", 24, false)), "bbbbbbbbAAAAAAAAbbbbbbbbend");
}

TEST_F(DefragmenterTest, TheFirstClaimOfTheEndStands) {
  EXPECT_EQ(add(piece("end", 16, false)), "-");
  EXPECT_EQ(add(piece("another end", 16, false)), "-") << "longer";
  EXPECT_EQ(add(piece("e", 8, false)), "-") << "shorter";
  EXPECT_EQ(add(piece("behind it", 24, true)), "-");
  EXPECT_EQ(counters_.fragment_conflicts.get(), 4U) << "the longer end also has other bytes";
  EXPECT_EQ(add(piece("0123456789abcdef", 0, true)), "0123456789abcdefend");
  EXPECT_EQ(add(piece("89abcdef", 8, true, 2)), "-");
  EXPECT_EQ(add(piece("teardrop", 4, false, 2)), "-") << "an end inside what is known";
  EXPECT_EQ(add(piece("01234567", 0, true, 2)), "-");
  EXPECT_EQ(add(piece("!", 16, false, 2)), "0123456789abcdef!");
}

TEST_F(DefragmenterTest, ImpossibleFragmentsAreDropped) {
  EXPECT_EQ(add(piece("", 8, false)), "-");
  EXPECT_EQ(add(piece("seven b", 0, true)), "-") << "nothing is left of eight";
  EXPECT_EQ(add(piece("01234567", 65'528, false)), "-") << "ping of death";
  EXPECT_EQ(counters_.bad_fragments.get(), 3U);
  EXPECT_EQ(defragmenter_.held_datagrams(), 0U);
  EXPECT_EQ(add(piece("01234567odd", 0, true)), "-");
  EXPECT_EQ(add(piece("tail", 8, false)), "01234567tail") << "cut to a multiple of eight";
}

TEST_F(DefragmenterTest, LargestDatagramIsPutTogether) {
  const std::string most(65'528, 'x');
  EXPECT_EQ(add(piece("seven b", 65'528, false)), "-");
  EXPECT_EQ(add(piece(most, 0, true)), most + "seven b");
}

TEST_F(DefragmenterTest, ACutFragmentEndsThePayload) {
  Fragment cut = piece("8", 8, true);
  cut.length = 8;
  EXPECT_EQ(add(piece("01234567", 0, true)), "-");
  EXPECT_EQ(add(cut), "-");
  EXPECT_EQ(add(piece("tail", 16, false)), "012345678");
  EXPECT_EQ(length_, 20U);
}

TEST_F(DefragmenterTest, TimeEndsAWait) {
  EXPECT_EQ(add(piece("01234567", 0, true), 100), "-");
  EXPECT_EQ(add(piece("89abcdef", 8, true), 130), "-") << "still waits after 30 s";
  EXPECT_EQ(add(piece("tail", 16, false), 131), "-");
  EXPECT_EQ(counters_.fragment_timeouts.get(), 1U);
  EXPECT_EQ(defragmenter_.held_datagrams(), 1U) << "the tail began anew";
  EXPECT_EQ(add(piece("0123456789abcdef", 0, true), 90), "0123456789abcdeftail")
      << "a clock that steps back ends nothing";
}

TEST_F(DefragmenterTest, LimitsHold) {
  Limits limits;
  limits.fragmented_datagrams = 3;
  limits.fragment_bytes = 200'000;
  limits.fragments_per_datagram = 4;
  limit(limits);
  for (uint32_t id = 1; id <= 4; ++id) EXPECT_EQ(add(piece("01234567", 0, true, id)), "-");
  EXPECT_EQ(defragmenter_.held_datagrams(), 3U);
  EXPECT_EQ(counters_.fragment_evictions.get(), 1U);
  EXPECT_EQ(add(piece("tail", 8, false, 2)), "01234567tail") << "the oldest went, not this one";

  for (uint32_t offset = 16; offset <= 32; offset += 8) {
    EXPECT_EQ(add(piece("01234567", offset, true, 3)), "-");
  }
  EXPECT_EQ(counters_.fragment_limit.get(), 0U);
  EXPECT_EQ(add(piece("89abcdef", 8, true, 3)), "-");
  EXPECT_EQ(counters_.fragment_limit.get(), 1U);

  const std::string large(60'000, 'x');
  for (uint32_t id = 10; id < 30; ++id) {
    EXPECT_EQ(add(piece(large, 0, true, id)), "-");
    EXPECT_LE(defragmenter_.held_bytes(), 200'000U);
  }
  EXPECT_GT(counters_.fragment_evictions.get(), 10U);
  EXPECT_EQ(add(piece("tail", 60'000, false, 29)), large + "tail") << "the newest stays";
}

TEST_F(DefragmenterTest, ClaimedOffsetsCostNoMemory) {
  for (uint32_t id = 0; id < 1000; ++id) (void)add(piece("01234567", 65'520, true, id));
  EXPECT_LT(defragmenter_.held_bytes(), 1000U * 512);
}

TEST_F(DefragmenterTest, ViewsLastUntilTheyAreReleased) {
  std::vector<Datagram> given;
  for (uint32_t id = 1; id <= 3; ++id) {
    const std::string text(8000, static_cast<char>('a' + id));
    EXPECT_FALSE(defragmenter_.add(piece(text, 0, true, id), {}, counters_));
    given.push_back(*defragmenter_.add(piece("end", 8000, false, id), {}, counters_));
  }
  for (uint32_t id = 1; id <= 3; ++id) {
    EXPECT_EQ(as_chars(given[id - 1].payload),
              std::string(8000, static_cast<char>('a' + id)) + "end");
  }
}

// A datagram as a map from offset to byte: what came first stands.
struct SlowDatagram {
  std::map<uint32_t, uint8_t> bytes;
  uint32_t total = 0;

  // True when it is whole.
  bool add(uint32_t offset, bool more, const std::string& payload) {
    const auto length = static_cast<uint32_t>(more ? payload.size() / 8 * 8 : payload.size());
    if (length == 0) return false;
    const uint32_t end = offset + length;
    if (!more) {
      const bool longer = total != 0 && end > total;
      const bool known_behind = !bytes.empty() && bytes.rbegin()->first >= end;
      if (total == 0 && !known_behind)
        total = end;
      else if (total != end && !longer)
        return false;
    }
    for (uint32_t i = 0; i < length; ++i) {
      if (total != 0 && offset + i >= total) break;
      bytes.emplace(offset + i, static_cast<uint8_t>(payload[i]));
    }
    return total != 0 && bytes.size() == total;
  }
  [[nodiscard]] std::string text() const {
    std::string out;
    for (const auto& [at, byte] : bytes) out.push_back(static_cast<char>(byte));
    return out;
  }
};

TEST_F(DefragmenterTest, AgreesWithTheSlowMapOnRandomFragments) {
  Limits limits;
  limits.fragments_per_datagram = 8192;
  limit(limits);
  std::mt19937 random(7);
  const auto below = [&](uint32_t n) { return static_cast<uint32_t>(random() % n); };
  uint64_t whole = 0;
  for (uint32_t round = 0; round < 3000; ++round) {
    const uint32_t units = 1 + below(12);
    const bool liar = below(3) == 0;  // offsets, ends and bytes that contradict
    std::array<SlowDatagram, 2> slow;
    for (int step = 0; step < 60; ++step) {
      const uint32_t which = below(2);
      const uint32_t begin = below(units);
      uint32_t size = 8 * (1 + below(units - begin));
      bool more = begin * 8 + size < units * 8;
      if (!more) size -= 3;
      if (liar && below(4) == 0) more = !more;
      if (liar && below(4) == 0) size = 1 + below(40);
      std::string payload(size, ' ');
      for (uint32_t i = 0; i < size; ++i) {
        const bool lie = liar && below(8) == 0;
        payload[i] = static_cast<char>('a' + (lie ? below(26) : (begin * 8 + i + which) % 26));
      }
      const std::string got = add(piece(payload, begin * 8, more, round * 2 + which));
      const bool expected = slow[which].add(begin * 8, more, payload);
      ASSERT_EQ(got != "-", expected) << "round " << round << " step " << step;
      if (!expected) continue;
      ASSERT_EQ(got, slow[which].text()) << "round " << round << " step " << step;
      ++whole;
      slow[which] = {};
    }
  }
  EXPECT_GT(whole, 10'000U);
  EXPECT_GT(counters_.fragment_conflicts.get(), 1000U);
}

}  // namespace
}  // namespace weir::capture

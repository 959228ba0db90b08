// The selection of windows against its definition, over any cut; properties of the hashes; what is
// taken for low in entropy; kinds of lines; the sorter against std::sort.
#include "signatures/fingerprint/fingerprint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "signatures/fingerprint/bloom_sift.h"
#include "signatures/fingerprint/index_format.h"
#include "signatures/fingerprint/line_filter.h"
#include "signatures/fingerprint/record_sorter.h"
#include "tests/signatures/fingerprint/temp_dir.h"

namespace weir::signatures {
namespace {

std::vector<LineKind> kinds_of(std::string_view content) {
  LineFilter filter;
  filter.read(content);
  return filter.kinds();
}

std::vector<uint8_t> random_bytes(size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<uint8_t> out(size);
  for (uint8_t& c : out) c = static_cast<uint8_t>('a' + random() % 26);
  return out;
}

TEST(Fingerprinter, AnchorsAreWhereTheDefinitionSaysAndNotTwice) {
  const Fingerprinter fingerprinter(test::test_key());
  for (const size_t size : {0UL, 1UL, kWindow - 1, kWindow, kWindow + 1, 20'000UL}) {
    const std::vector<uint8_t> bytes = random_bytes(size, static_cast<unsigned>(size));
    std::vector<uint32_t> expected;
    for (size_t i = 0; i + kWindow <= size; ++i) {
      if (fingerprinter.is_anchor(bytes.data() + i)) expected.push_back(static_cast<uint32_t>(i));
    }
    std::vector<uint32_t> whole;
    fingerprinter.anchors(bytes, 0, whole);
    EXPECT_EQ(whole, expected);
    whole.clear();
    fingerprinter.anchors_one_by_one(bytes, 0, whole);
    EXPECT_EQ(whole, expected);
    std::mt19937 random(3);
    std::vector<uint32_t> parts;
    size_t next = 0;
    for (size_t have = 0; have < size;) {
      have = std::min(size, have + 1 + random() % 900);
      fingerprinter.anchors(ByteSpan(bytes).first(have), next, parts);
      if (have >= kWindow) next = have - kWindow + 1;
    }
    EXPECT_EQ(parts, expected);
  }
  // About as many as wanted.
  const std::vector<uint8_t> bytes = random_bytes(100'000, 9);
  std::vector<uint32_t> many;
  fingerprinter.anchors(bytes, 0, many);
  EXPECT_NEAR(static_cast<double>(many.size()), 1e5 / kAnchorEvery, 600);
}

TEST(Fingerprinter, HashesHangOnEveryByteAndOnTheKey) {
  const Fingerprinter one(test::test_key(1));
  const Fingerprinter other(test::test_key(2));
  for (size_t size = 1; size < 200; size += size < 90 ? 1 : 7) {
    std::vector<uint8_t> bytes = random_bytes(std::max(size, kWindow), 5);
    const ByteSpan line = ByteSpan(bytes).first(size);
    const uint64_t hash = one.line(line);
    EXPECT_NE(hash, other.line(line));
    std::set<uint64_t> seen{hash, one.line(line.first(size - 1))};
    EXPECT_EQ(seen.size(), 2U);
    for (size_t i = 0; i < size; ++i) {
      bytes[i] ^= 0x40;
      EXPECT_TRUE(seen.insert(one.line(line)).second) << size << " " << i;
      bytes[i] ^= 0x40;
    }
    if (size != kWindow) continue;
    const uint64_t window = one.window(bytes.data());
    EXPECT_NE(window, other.window(bytes.data()));
    for (size_t i = 0; i < kWindow; ++i) {
      bytes[i] ^= 1;
      EXPECT_NE(one.window(bytes.data()), window);
      bytes[i] ^= 1;
    }
  }
}

TEST(Fingerprinter, LinesInABufferHashAsLinesAlone) {
  const Fingerprinter fingerprinter(test::test_key());
  for (size_t size = 0; size < 120; ++size) {
    const std::vector<uint8_t> buffer =
        random_bytes(8 + size + Fingerprinter::kLineReach, static_cast<unsigned>(size));
    const std::vector<uint8_t> alone(buffer.begin() + 8,
                                     buffer.begin() + 8 + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(fingerprinter.line_within(buffer.data() + 8, size), fingerprinter.line(alone))
        << size;
  }
}

// Eight at a time, and what is left: lines of all sizes, in any order.
TEST(Fingerprinter, ManyAtOnceAreAsEachAlone) {
  const Fingerprinter fingerprinter(test::test_key());
  std::mt19937 random(11);
  for (const size_t count : {0U, 1U, 7U, 8U, 9U, 300U}) {
    const size_t size = 4000;
    const std::vector<uint8_t> buffer = random_bytes(size + Fingerprinter::kLinesReach, 12);
    std::vector<uint32_t> begins(count);
    std::vector<uint32_t> ends(count);
    for (size_t i = 0; i < count; ++i) {
      begins[i] = static_cast<uint32_t>(i == 3 ? 0 : random() % (size - 150));
      ends[i] = begins[i] + static_cast<uint32_t>(i < 130 ? i : random() % 70);
    }
    std::vector<uint64_t> lines(count);
    fingerprinter.lines(buffer.data(), begins.data(), ends.data(), count, lines.data());
    std::vector<uint64_t> windows(count);
    std::vector<uint64_t> shapes(count);
    fingerprinter.windows(buffer.data(), begins.data(), count, false, windows.data());
    fingerprinter.windows(buffer.data(), begins.data(), count, true, shapes.data());
    std::vector<uint64_t> both(count);
    fingerprinter.combine_each(lines.data(), windows.data(), ~uint64_t{0}, count, both.data());
    for (size_t i = 0; i < count; ++i) {
      const ByteSpan line = ByteSpan(buffer).subspan(begins[i], ends[i] - begins[i]);
      EXPECT_EQ(lines[i], fingerprinter.line(line)) << line.size();
      EXPECT_EQ(windows[i], fingerprinter.window(buffer.data() + begins[i]));
      EXPECT_EQ(shapes[i], fingerprinter.shape(buffer.data() + begins[i]));
      EXPECT_EQ(both[i], fingerprinter.combine(lines[i], ~windows[i]));
    }
  }
}

TEST(BloomSift, EveryPathKeepsToTheDefinition) {
  std::mt19937_64 random(6);
  const uint64_t blocks = 37;
  std::vector<uint8_t> bloom(blocks * kBloomBlock);
  std::vector<uint64_t> there(400);
  for (uint64_t& hash : there) {
    hash = random();
    const std::array<uint64_t, 4> bits = bloom_bits(hash);
    for (size_t i = 0; i < 4; ++i) {
      for (size_t bit = 0; bit < 64; ++bit) {
        if ((bits[i] >> bit & 1) == 0) continue;
        bloom[bloom_block(hash, blocks) * kBloomBlock + 8 * i + bit / 8] |=
            static_cast<uint8_t>(1U << bit % 8);
      }
    }
  }
  for (const SiftPath path : sift_paths()) {
    size_t passes = 0;
    for (int round = 0; round < 300; ++round) {
      std::vector<uint64_t> hashes(random() % (kSiftMost + 1));
      std::vector<uint32_t> expected;
      for (uint32_t i = 0; i < hashes.size(); ++i) {
        hashes[i] = random() % 2 == 0 ? there[random() % there.size()] : random();
        const std::array<uint64_t, 4> bits = bloom_bits(hashes[i]);
        std::array<uint64_t, 4> have;
        std::memcpy(have.data(), bloom.data() + bloom_block(hashes[i], blocks) * kBloomBlock,
                    sizeof(have));
        bool all = true;
        for (size_t k = 0; k < 4; ++k) all = all && (have[k] & bits[k]) == bits[k];
        if (all) expected.push_back(i);
      }
      std::vector<uint32_t> passed(kSiftMost);
      passed.resize(path({bloom.data(), blocks}, hashes, passed.data()));
      ASSERT_EQ(passed, expected);
      passes += passed.size();
    }
    EXPECT_GT(passes, 1000U);
  }
}

TEST(Fingerprinter, TagsTellBlankAndVeryLongLinesApart) {
  EXPECT_EQ(Fingerprinter::tag(0, 77), 0);
  EXPECT_EQ(Fingerprinter::tag(kLineMax + 1, 77), kTagUnknown);
  std::set<uint8_t> seen;
  for (uint64_t i = 0; i < 20'000; ++i) seen.insert(Fingerprinter::tag(5, mix64(i)));
  EXPECT_EQ(seen.size(), 254U);
  EXPECT_EQ(seen.count(0), 0U);
  EXPECT_EQ(seen.count(kTagUnknown), 0U);
}

TEST(LowInEntropy, RulersNumbersAndRepeatsAre) {
  for (const std::string_view low :
       {"------------------------", "0,0,0,0,0,0,0,0,0,0,0,0,", "0x12,0x34,0x56,0x78,0x9a",
        "abababababababababababab", "1234567890+-*/=(){}[];:,", "}}}}}}}}"}) {
    EXPECT_TRUE(low_in_entropy(as_bytes(low))) << low;
  }
  for (const std::string_view good : {"returnprice*quantity;", "if(total>7)returnx1;"}) {
    EXPECT_FALSE(low_in_entropy(as_bytes(good))) << good;
  }
}

std::string kinds(std::string_view text) {
  std::string out;
  for (const LineKind kind : kinds_of(text)) {
    out += kind == LineKind::kCode ? 'c' : kind == LineKind::kImport ? 'i' : 'L';
  }
  return out;
}

TEST(LineKinds, LicencesAndImportsAreFound) {
  EXPECT_EQ(kinds(""), "");
  EXPECT_EQ(kinds("int x;\n"), "c");
  EXPECT_EQ(kinds("#include <a>\nimport os\nfrom a import b\nconst a = require('a');\nx;"),
            "iiiic");
  EXPECT_EQ(kinds("// Copyright 2020 A\n// Licensed under B\nint x;\n"), "LLc");
  EXPECT_EQ(kinds("/* Copyright 2020\n   SPDX-License-Identifier: X\n*/\nint x;\nint y;\n"),
            "LLLcc");
  // One mention is no licence.
  EXPECT_EQ(kinds("// checks the licence\nint x;\n"), "cc");
  // Licence texts stand in strings, too; a few lines around the phrase go with it.
  EXPECT_EQ(kinds("a\nb\nc\nd\nTHE WARRANTIES OF MERCHANTABILITY\ne\nf\ng\nh\n"), "cLLLLLLLc");
}

TEST(DistinctiveLetters, CommonWordsDoNotCount) {
  EXPECT_EQ(distinctive_letters("for (int i = 0; i < size; ++i) {"), 0U);
  EXPECT_EQ(distinctive_letters("return NULL;  // getValue set_name"), 0U);
  EXPECT_EQ(distinctive_letters("harvestQuota"), 12U);  // harvest, quota
  EXPECT_EQ(distinctive_letters("get_harvest(zz)"), 7U);
  // The third word of a name does, whatever it is.
  EXPECT_EQ(distinctive_letters("get_harvestSize(zz)"), 11U);
  EXPECT_EQ(distinctive_letters("insert copy_before"), 0U);
  EXPECT_EQ(distinctive_letters("insert_copy_before"), 6U);
  EXPECT_EQ(distinctive_letters(std::string(5000, 'q')), 5000U);
}

TEST(RecordSorter, SpilledAndInMemoryGiveTheSame) {
  const test::TempDir folder;
  std::mt19937_64 random(4);
  std::vector<PlacedHash> all(30'000);
  for (PlacedHash& record : all) {
    record = {random() % 5000, static_cast<uint32_t>(random() % 3),
              static_cast<uint32_t>(random() % 4)};
  }
  std::vector<PlacedHash> expected = all;
  std::sort(expected.begin(), expected.end());
  for (const uint64_t memory : {uint64_t{1} << 30, uint64_t{1} << 16}) {
    RecordSorter sorter(folder / "", memory);
    for (const PlacedHash& record : all) ASSERT_TRUE(sorter.add(record).has_value());
    EXPECT_EQ(sorter.size(), all.size());
    EXPECT_EQ(sorter.runs() > 0, memory == uint64_t{1} << 16);
    std::vector<PlacedHash> got;
    ASSERT_TRUE(sorter
                    .drain([&got](const PlacedHash& record) {
                      got.push_back(record);
                      return ok_status();
                    })
                    .has_value());
    EXPECT_EQ(got, expected);
  }
  RecordSorter nowhere(folder / "missing", 1 << 16);
  Status added = ok_status();
  for (size_t i = 0; i < 10'000 && added; ++i) added = nowhere.add({i, 0, 0});
  EXPECT_FALSE(added.has_value());
}

}  // namespace
}  // namespace weir::signatures

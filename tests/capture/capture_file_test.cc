#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/lab/capture_writer.h"
#include "bench/lab/codings.h"
#include "capture/packet_source.h"

namespace weir::capture {
namespace {

using lab::Bytes;

// A file of its own for each test, removed at the end.
class CaptureFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    path_ = (std::filesystem::temp_directory_path() /
             ("weir_capture_" + std::to_string(::getpid()) + "_" + info->name()))
                .string();
  }
  void TearDown() override { std::filesystem::remove(path_); }

  struct Read {
    std::vector<Timestamp> times;
    std::vector<uint32_t> wire_lengths;
    std::vector<std::string> data;
    std::vector<int> link_types;
    std::vector<uint32_t> interfaces;
    std::string error;  // empty: a clean end
    uint64_t bytes_read = 0;
    uint64_t bytes_total = 0;
  };

  Read read_as(const std::string& name) {
    Read out;
    auto opened = CaptureFile::open(name);
    if (!opened) {
      out.error = "open: " + opened.error().to_string();
      return out;
    }
    CaptureFile& file = **opened;
    RawPacket raw;
    CaptureFile::Next next = CaptureFile::Next::kEnd;
    while ((next = file.next(raw)) == CaptureFile::Next::kPacket) {
      out.times.push_back(raw.time);
      out.wire_lengths.push_back(raw.wire_length);
      out.data.emplace_back(as_chars(raw.data));
      out.link_types.push_back(raw.link_type);
      out.interfaces.push_back(raw.interface_id);
    }
    EXPECT_EQ(file.next(raw), next) << "the end is for good";
    if (next == CaptureFile::Next::kError) out.error = file.error().to_string();
    out.bytes_read = file.bytes_read();
    out.bytes_total = file.bytes_total();
    return out;
  }
  Read read(ByteSpan bytes) {
    EXPECT_TRUE(lab::write_file(path_, bytes));
    return read_as(path_);
  }

  std::string path_;
};

Bytes text(std::string_view s) { return {s.begin(), s.end()}; }

TEST_F(CaptureFileTest, PcapInBothOrdersAndResolutions) {
  for (const bool big : {false, true}) {
    for (const bool nano : {false, true}) {
      lab::PcapWriter out({big, nano, 100, 113});
      out.add({1'700'000'000'123'456'789}, text("first"));
      out.add({1'700'000'001'000'000'000}, Bytes(150, 'x'));
      const Read got = read(out.bytes());
      EXPECT_EQ(got.error, "");
      ASSERT_EQ(got.data.size(), 2U);
      EXPECT_EQ(got.times[0].ns, nano ? 1'700'000'000'123'456'789 : 1'700'000'000'123'456'000);
      EXPECT_EQ(got.data[0], "first");
      EXPECT_EQ(got.link_types[0], 113);
      EXPECT_EQ(got.data[1].size(), 100U);
      EXPECT_EQ(got.wire_lengths[1], 150U);
      EXPECT_EQ(got.bytes_read, out.bytes().size());
      EXPECT_EQ(got.bytes_total, out.bytes().size());
    }
  }
}

TEST_F(CaptureFileTest, PcapTruncatedInTheLastPacketGivesTheRestAndTheOffset) {
  lab::PcapWriter out;
  out.add({1}, text("whole"));
  const size_t second = out.bytes().size();
  out.add({2}, text("cut off"));
  for (const size_t keep : {second + 1, second + 15, second + 16, second + 22}) {
    const Read got = read(out.bytes().first(keep));
    ASSERT_EQ(got.data.size(), 1U) << keep;
    EXPECT_EQ(got.data[0], "whole");
    EXPECT_NE(got.error.find(path_ + ": the packet record at byte " + std::to_string(second)),
              std::string::npos)
        << got.error;
  }
}

TEST_F(CaptureFileTest, ReadsStandardInput) {
  lab::PcapngWriter ng;
  ng.interface({});
  ng.packet(0, 1, text("pcapng"));
  lab::PcapWriter old;
  old.add({1}, text("pcap"));
  const int saved = ::dup(STDIN_FILENO);
  const auto piped = [&](ByteSpan bytes) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    EXPECT_EQ(::write(ends[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    ::close(ends[1]);
    ::dup2(ends[0], STDIN_FILENO);
    ::close(ends[0]);
    return read_as("-");
  };
  const Read from_ng = piped(ng.bytes());
  const Read from_old = piped(old.bytes());
  const Read cut = piped(old.bytes().first(old.bytes().size() - 1));
  const Read inflated = piped(lab::encode_content("gzip", ng.bytes()));
  ::dup2(saved, STDIN_FILENO);
  ::close(saved);
  EXPECT_EQ(from_ng.data, std::vector<std::string>{"pcapng"});
  EXPECT_EQ(from_old.data, std::vector<std::string>{"pcap"});
  EXPECT_EQ(from_old.bytes_total, 0U);
  EXPECT_EQ(inflated.data, std::vector<std::string>{"pcapng"});
  EXPECT_NE(cut.error.find("standard input: the packet record at byte 24"), std::string::npos)
      << cut.error;
}

// Packets that hardly compress, so that cuts fall among them.
Bytes noise(size_t size, uint32_t seed) {
  Bytes out(size);
  for (uint8_t& byte : out) {
    seed = seed * 1'664'525 + 1'013'904'223;
    byte = static_cast<uint8_t>(seed >> 24);
  }
  return out;
}

TEST_F(CaptureFileTest, GzipIsUndone) {
  lab::PcapngWriter ng;
  ng.interface({});
  lab::PcapWriter old;
  for (uint32_t i = 0; i < 300; ++i) {
    ng.packet(0, i, noise(1000, i));
    old.add({i}, noise(1000, i));
  }
  for (const ByteSpan plain : {ng.bytes(), old.bytes()}) {
    const Read expected = read(plain);
    ASSERT_EQ(expected.data.size(), 300U);
    const Read got = read(lab::encode_content("gzip", plain));
    EXPECT_EQ(got.error, "");
    EXPECT_EQ(got.data, expected.data);
    EXPECT_EQ(got.bytes_read, plain.size());
    EXPECT_EQ(got.bytes_total, 0U);
    // As members, and with something else behind them.
    Bytes members = lab::encode_content("gzip", plain.first(70'000));
    const Bytes second = lab::encode_content("gzip", plain.subspan(70'000));
    members.insert(members.end(), second.begin(), second.end());
    EXPECT_EQ(read(members).data, expected.data);
    members.insert(members.end(), 100, 0);
    const Read padded = read(members);
    EXPECT_EQ(padded.error, "");
    EXPECT_EQ(padded.data, expected.data);
  }
}

TEST_F(CaptureFileTest, GzipThatIsCutOrDamagedGivesWhatCameBefore) {
  lab::PcapngWriter ng;
  ng.interface({});
  lab::PcapWriter old;
  for (uint32_t i = 0; i < 300; ++i) {
    ng.packet(0, i, noise(1000, i));
    old.add({i}, noise(1000, i));
  }
  for (const ByteSpan plain : {ng.bytes(), old.bytes()}) {
    const Read expected = read(plain);
    const Bytes whole = lab::encode_content("gzip", plain);
    const auto is_head_of_expected = [&](const Read& got) {
      return got.data.size() <= expected.data.size() &&
             std::equal(got.data.begin(), got.data.end(), expected.data.begin());
    };
    for (size_t keep : {whole.size() / 3, whole.size() / 2, whole.size() - 1}) {
      const Read cut = read(ByteSpan(whole).first(keep));
      EXPECT_TRUE(is_head_of_expected(cut)) << keep;
      EXPECT_GE(cut.data.size() + 70, 300 * keep / whole.size());
      EXPECT_NE(cut.error.find("the gzip data is cut short at byte " + std::to_string(keep)),
                std::string::npos)
          << cut.error;
      EXPECT_EQ(cut.error.rfind(path_ + ": the ", 0), 0U) << cut.error;
    }
    Bytes damaged = whole;
    damaged[damaged.size() - 6] ^= 1;  // of the checksum
    const Read got = read(damaged);
    EXPECT_TRUE(is_head_of_expected(got));
    EXPECT_EQ(got.data.size(), 300U);
    EXPECT_NE(got.error.find("the gzip data is damaged at byte "), std::string::npos) << got.error;
  }
}

TEST_F(CaptureFileTest, WhatIsNoCaptureIsRefusedWithTheReason) {
  EXPECT_EQ(read({}).error, "open: " + path_ + ": is empty; expected a pcap or pcapng capture");
  EXPECT_NE(read(text("GET / HTTP/1.1 and some more bytes")).error.find("not a readable pcap file"),
            std::string::npos);
  EXPECT_NE(read(text("\xd4\xc3")).error.find("open: "), std::string::npos);
  EXPECT_EQ(read(text("\x1f\x8b\x08 rest and something more")).error,
            "open: " + path_ +
                ": cannot be read: the gzip data is damaged at byte 4: unknown header flags set");
  EXPECT_NE(read(lab::encode_content("gzip", lab::encode_content("gzip", text("twice"))))
                .error.find("is gzip-compressed twice"),
            std::string::npos);
  EXPECT_EQ(read(lab::encode_content("gzip", {})).error,
            "open: " + path_ + ": is empty; expected a pcap or pcapng capture");
  EXPECT_EQ(read_as("/nonexistent/x").error, "open: /nonexistent/x: No such file or directory");
  EXPECT_EQ(read_as("/tmp").error.rfind("open: /tmp: ", 0), 0U);
}

TEST_F(CaptureFileTest, FilesOfNoPacketsEndCleanly) {
  for (const Read& got : {read(lab::PcapWriter().bytes()), read(lab::PcapngWriter().bytes())}) {
    EXPECT_EQ(got.error, "");
    EXPECT_TRUE(got.data.empty());
  }
}

TEST_F(CaptureFileTest, PcapngInterfacesOfDifferentKindsAreAllRead) {
  for (const bool big : {false, true}) {
    lab::PcapngWriter out(big);
    out.interface({1, 65535, 9, 0});
    out.packet(0, 1'700'000'000'123'456'789, text("ethernet"));
    out.interface({101, 128, 6, 0});
    out.packet(1, 1'700'000'000'123'456, text("raw"), 900);
    out.interface({113, 0, -1, 3600});
    out.packet(2, 1'700'000'000'123'456, text("cooked, an hour later"));
    out.interface({1, 0, 0x8a, 0});  // 2^-10 seconds
    out.packet(3, 1024 + 512, text("binary clock"));
    out.block(0x0A, Bytes(300'000, 's'));  // stepped over
    out.obsolete_packet(0, 5, text("old block"));
    out.section();
    out.interface({228, 4, 0, 0});
    out.packet(0, 12, text("second section"));
    out.simple_packet(text("simp"), 99);
    const Read got = read(out.bytes());
    EXPECT_EQ(got.error, "");
    ASSERT_EQ(got.data.size(), 7U);
    EXPECT_EQ(got.link_types, (std::vector<int>{1, 101, 113, 1, 1, 228, 228}));
    EXPECT_EQ(got.interfaces, (std::vector<uint32_t>{0, 1, 2, 3, 0, 0, 0}));
    EXPECT_EQ(got.times[0].ns, 1'700'000'000'123'456'789);
    EXPECT_EQ(got.times[1].ns, 1'700'000'000'123'456'000);
    EXPECT_EQ(got.times[2].ns, 1'700'003'600'123'456'000);
    EXPECT_EQ(got.times[3].ns, 1'500'000'000);
    EXPECT_EQ(got.times[5].ns, 12'000'000'000);
    EXPECT_EQ(got.times[6].ns, 12'000'000'000) << "a simple packet has the time before it";
    EXPECT_EQ(got.wire_lengths[1], 900U);
    EXPECT_EQ(got.data[6], "simp");
    EXPECT_EQ(got.wire_lengths[6], 99U);
    EXPECT_EQ(got.bytes_read, out.bytes().size());
  }
}

TEST_F(CaptureFileTest, PcapngSecretsOfTlsGoToWhoAsksForThem) {
  const auto secrets_block = [](bool big, uint32_t kind, uint32_t size, std::string_view key_log) {
    Bytes out;
    for (const uint32_t word : {kind, size}) {
      for (int i = 0; i < 4; ++i) {
        out.push_back(static_cast<uint8_t>(word >> 8 * (big ? 3 - i : i)));
      }
    }
    out.insert(out.end(), key_log.begin(), key_log.end());
    out.resize((out.size() + 3) / 4 * 4);
    return out;
  };
  constexpr uint32_t kTls = 0x544c534b;
  for (const bool big : {false, true}) {
    lab::PcapngWriter out(big);
    out.interface({});
    out.block(0x0A, secrets_block(big, kTls, 5, "first"));
    out.packet(0, 1, text("one"));
    out.block(0x0A, secrets_block(big, 0x57474b4c, 9, "wireguard"));
    out.block(0x0A, secrets_block(big, kTls, 6, "second"));
    const size_t bad = out.bytes().size();
    out.block(0x0A, secrets_block(big, kTls, 100, "short"));
    ASSERT_TRUE(lab::write_file(path_, out.bytes()));
    auto file = CaptureFile::open(path_);
    ASSERT_TRUE(file.has_value());
    std::vector<std::string> got;
    (*file)->set_secrets_sink([&got](ByteSpan key_log) { got.emplace_back(as_chars(key_log)); });
    RawPacket raw;
    ASSERT_EQ((*file)->next(raw), CaptureFile::Next::kPacket);
    EXPECT_EQ(got, std::vector<std::string>{"first"});
    EXPECT_EQ((*file)->next(raw), CaptureFile::Next::kError);
    EXPECT_EQ(got, (std::vector<std::string>{"first", "second"}));
    EXPECT_EQ((*file)->error().to_string(), path_ + ": the block at byte " + std::to_string(bad) +
                                                " promises more bytes of secrets than it has");
  }
}

TEST_F(CaptureFileTest, PcapngCutAnywhereGivesWhatCameBefore) {
  lab::PcapngWriter out;
  out.interface({});
  const size_t first = out.bytes().size();
  out.packet(0, 1, text("one"));
  const size_t second = out.bytes().size();
  out.packet(0, 2, text("two"));
  for (size_t keep = 1; keep < out.bytes().size(); ++keep) {
    const Read got = read(out.bytes().first(keep));
    EXPECT_EQ(got.data.size(), keep >= second ? 1U : 0U) << keep;
    const bool clean = keep == 28 || keep == first || keep == second;
    EXPECT_EQ(got.error.empty(), clean) << keep << got.error;
    if (keep > second) {
      EXPECT_EQ(got.error, path_ + ": the block at byte " + std::to_string(second) +
                               " is cut short by the end of the file");
    }
  }
}

TEST_F(CaptureFileTest, PcapngDamageIsNamed) {
  lab::PcapngWriter base;
  base.interface({});
  base.packet(0, 1, text("good"));
  const auto damaged = [&](auto&& change) {
    Bytes bytes(base.bytes().begin(), base.bytes().end());
    const size_t at = bytes.size();
    lab::PcapngWriter more;
    more.interface({});
    more.packet(0, 1, text("data"));
    const size_t skip = 28 + 24;  // section and interface of `more`
    bytes.insert(bytes.end(), more.bytes().begin() + skip, more.bytes().end());
    change(bytes, at);
    const Read got = read(bytes);
    EXPECT_EQ(got.data, std::vector<std::string>{"good"});
    return got.error;
  };
  EXPECT_NE(damaged([](Bytes& b, size_t at) { b[at + 8] = 9; }).find("belongs to interface 9"),
            std::string::npos);
  EXPECT_NE(damaged([](Bytes& b, size_t at) { b[at + 20] = 99; }).find("promises 99"),
            std::string::npos);
  EXPECT_NE(damaged([](Bytes& b, size_t at) { b[at + 4] = 2; }).find("impossible length of 2"),
            std::string::npos);
  EXPECT_NE(damaged([](Bytes& b, size_t at) { b[at + 7] = 0x7f; }).find("at most"),
            std::string::npos);
  EXPECT_NE(damaged([](Bytes& b, size_t) { b[b.size() - 4] ^= 4; }).find("at the end"),
            std::string::npos);
}

}  // namespace
}  // namespace weir::capture

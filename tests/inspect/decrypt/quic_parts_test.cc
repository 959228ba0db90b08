// Packets against the vectors of RFC 9001 and RFC 9369, frames, packet numbers, streams in order.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "bench/lab/quic_crypto.h"
#include "core/hash.h"
#include "inspect/decrypt/quic_frames.h"
#include "inspect/decrypt/quic_opener.h"
#include "inspect/decrypt/quic_reassembly.h"
#include "tests/inspect/identify/hello_maker.h"

namespace weir::inspect {
namespace {

using test::Bytes;
using test::from_hex;

struct ChaChaVector {
  bool v2;
  const char* key;
  const char* iv;
  const char* hp;
  const char* next;
  const char* packet;
};

// RFC 9001 appendix A.5 and RFC 9369 appendix A.5.
TEST(QuicOpener, ChaChaShortHeaderOfTheRfcs) {
  const Bytes secret = from_hex("9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b");
  const TlsSuite& suite = *find_tls_suite(0x1303);
  for (const ChaChaVector& row :
       {ChaChaVector{false, "c6d98ff3441c3fe1b2182094f69caa2ed4b716b65488960a7a984979fb23e1c8",
                     "e0459b3474bdd0e44a41c144",
                     "25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4",
                     "1223504755036d556342ee9361d253421a826c9ecdf3c7148684b36b714881f9",
                     "4cfe4189655e5cd55c41f69080575d7999c25a5bfb"},
        ChaChaVector{true, "3bfcddd72bcf02541d7fa0dd1f5f9eeea817e09a6963a0e6c7df0f9a1bab90f2",
                     "a6b5bc6ab7dafce30ffff5dd",
                     "d659760d2ba434a226fd37b35c69e2da8211d10c4f12538787d65645d5d1b8e2",
                     "c69374c49e3d2a9466fa689e49d476db5d0dfbc87d32ceeaa6343fd0ae4c7d88",
                     "5558b1c60ae7b6b932bc27d786f4bc2bb20f2162ba"}}) {
    QuicKeys keys;
    ASSERT_TRUE(derive_quic_keys(suite, row.v2, secret, keys));
    EXPECT_EQ(to_hex(keys.key), row.key);
    EXPECT_EQ(to_hex(keys.iv), row.iv);
    EXPECT_EQ(to_hex(keys.hp), row.hp);
    Secret next;
    next.assign(secret);
    ASSERT_TRUE(update_quic_secret(suite, row.v2, next));
    EXPECT_EQ(to_hex(next.bytes()), row.next);

    const Bytes packet = from_hex(row.packet);
    QuicMask mask;
    QuicAead aead;
    ASSERT_TRUE(mask.begin(suite, keys));
    ASSERT_TRUE(aead.begin(suite, keys));
    const auto unmasked = mask.unmask(packet, 1);
    ASSERT_TRUE(unmasked);
    EXPECT_EQ(unmasked->first, 0x42);
    EXPECT_EQ(unmasked->truncated_pn, 0xbff4U);
    const uint64_t pn = expand_packet_number(654'360'564, 0xbff4, 3);
    EXPECT_EQ(pn, 654'360'564U);
    Bytes plain(packet.size());
    const auto frames = aead.open(packet, 1, *unmasked, pn, plain.data());
    ASSERT_TRUE(frames);
    EXPECT_EQ(to_hex(*frames), "01");
    EXPECT_FALSE(aead.open(packet, 1, *unmasked, pn + 1, plain.data()));
  }
}

TEST(QuicOpener, OpensWhatTheLabSeals) {
  const Bytes payload = from_hex("0100000000000000000000000000000000000000000000000000");
  for (const uint16_t suite_id : {uint16_t{0x1301}, uint16_t{0x1302}, uint16_t{0x1303}}) {
    for (const uint32_t version : {lab::kQuicV1, lab::kQuicV2}) {
      const TlsSuite& suite = *find_tls_suite(suite_id);
      const Bytes secret(lab::quic_secret_bytes(suite_id), 0x5a);
      const Bytes header = from_hex("410102030405060708abcd");
      const Bytes packet = lab::quic_protect(lab::quic_keys(suite_id, version, secret), header, 2,
                                             0x1234abcd, payload);
      QuicKeys keys;
      QuicMask mask;
      QuicAead aead;
      ASSERT_TRUE(derive_quic_keys(suite, version == lab::kQuicV2, secret, keys));
      ASSERT_TRUE(mask.begin(suite, keys) && aead.begin(suite, keys));
      const auto unmasked = mask.unmask(packet, 9);
      ASSERT_TRUE(unmasked);
      EXPECT_EQ(unmasked->truncated_pn, 0xabcdU);
      Bytes plain(packet.size());
      const auto frames = aead.open(packet, 9, *unmasked, 0x1234abcd, plain.data());
      ASSERT_TRUE(frames);
      EXPECT_EQ(to_hex(*frames), to_hex(payload));
      for (size_t size = 0; size < packet.size(); ++size) {
        const auto cut = mask.unmask(ByteSpan(packet).first(size), 9);
        if (cut) {
          EXPECT_FALSE(aead.open(ByteSpan(packet).first(size), 9, *cut, 0x1234abcd, plain.data()));
        }
      }
    }
  }
}

TEST(QuicPacketNumber, IsFoundNearTheExpectedOne) {
  EXPECT_EQ(expand_packet_number(0xa82f30eb, 0x9b32, 2), 0xa82f9b32U);  // RFC 9000 appendix A.3
  EXPECT_EQ(expand_packet_number(0, 0, 1), 0U);
  EXPECT_EQ(expand_packet_number(0, 0xff, 1), 0xffU);  // nothing below is possible
  EXPECT_EQ(expand_packet_number(0x100, 0xff, 1), 0xffU);
  EXPECT_EQ(expand_packet_number(0x1ff, 0x01, 1), 0x201U);
  // Every number within half a window of the expected one is found.
  for (uint64_t next = 1000; next < 2000; next += 37) {
    for (uint64_t pn = next - 127; pn <= next + 127; ++pn) {
      ASSERT_EQ(expand_packet_number(next, static_cast<uint32_t>(pn & 0xff), 1), pn);
    }
  }
}

std::string frames_of(const Bytes& payload) {
  QuicFrameReader reader(payload);
  QuicFrame frame;
  std::string out;
  while (reader.next(frame)) {
    out += std::to_string(static_cast<int>(frame.kind)) + ":" + std::to_string(frame.stream) + "@" +
           std::to_string(frame.offset) + "=" + to_hex(frame.data) + (frame.fin ? "!" : "") + " ";
  }
  return out + (reader.ok() ? "ok" : "bad");
}

TEST(QuicFrames, EveryFrameIsReadOrSteppedOver) {
  // PADDING, PING, ACK with a range, ACK_ECN, NEW_TOKEN, MAX_*, *_BLOCKED, RETIRE, PATH_*, DONE …
  EXPECT_EQ(frames_of(from_hex("000000 01 02 05 00 01 01 00 00 03 05 00 00 01 01 01 01"
                               "0702aabb 1001 110102 1201 1301 1401 150102 1601 1701 1901"
                               "1a0102030405060708 1b0102030405060708 1e 1f 42f505 40af01020304")),
            "ok");
  EXPECT_EQ(frames_of(from_hex("06 4100 02 aabb")), "0:0@256=aabb ok");
  EXPECT_EQ(frames_of(from_hex("0f 04 05 01 cc 08 08 dd")), "1:4@5=cc! 1:8@0=dd ok");
  EXPECT_EQ(frames_of(from_hex("04 04 01 09 05 04 01")), "2:4@9= 3:4@0= ok");
  EXPECT_EQ(frames_of(from_hex("18 01 00 02 abcd 00112233445566778899aabbccddeeff")),
            "4:0@0=abcd ok");
  EXPECT_EQ(frames_of(from_hex("31 02 aabb 30 cc")), "5:0@0=aabb 5:0@0=cc ok");
  EXPECT_EQ(frames_of(from_hex("1c 01 00 01 41 1d 01 00")), "6:0@0= 6:0@0= ok");
}

TEST(QuicFrames, WhatDoesNotFitIsBad) {
  EXPECT_EQ(frames_of(from_hex("21")), "bad");                            // no such frame
  EXPECT_EQ(frames_of(from_hex("0a 04 05 aa")), "bad");                   // longer than the packet
  EXPECT_EQ(frames_of(from_hex("0a 04 ffffffffffffffff aa")), "bad");     // of 2^62 bytes
  EXPECT_EQ(frames_of(from_hex("0c 04 ffffffffffffffff aa")), "bad");     // past the last offset
  EXPECT_EQ(frames_of(from_hex("02 05 00 ffffffffffffffff 01")), "bad");  // 2^62 ranges
  EXPECT_EQ(frames_of(from_hex("06")), "bad");
  EXPECT_EQ(frames_of(from_hex("18 01 00 14 ab")), "bad");
}

// Pieces of a known text in random order, overlapping and repeated: against a plain map of bytes.
TEST(QuicReassembly, AnyOrderGivesTheBytesInOrder) {
  std::mt19937 random(7);
  std::string text;
  for (int i = 0; i < 2000; ++i) text += static_cast<char>('a' + random() % 26);
  for (int round = 0; round < 50; ++round) {
    QuicReassembly stream;
    std::string got;
    const auto give = [&got](ByteSpan data, uint64_t offset) {
      ASSERT_EQ(offset, got.size());
      got += as_chars(data);
    };
    std::string seen(text.size(), '\0');
    while (got.size() < text.size()) {
      const size_t from = random() % text.size();
      const size_t size = 1 + random() % std::min<size_t>(text.size() - from, 300);
      ASSERT_TRUE(stream.add(from, as_bytes(text).subspan(from, size), {1U << 20, 4096}, give));
      std::fill_n(seen.begin() + static_cast<ptrdiff_t>(from), size, 'x');
      ASSERT_EQ(got.size(), std::min(seen.find('\0'), seen.size()));
    }
    EXPECT_EQ(got, text);
    EXPECT_EQ(stream.held(), 0U);
  }
}

TEST(QuicReassembly, WhatCameFirstStays) {
  QuicReassembly stream;
  std::string got;
  const auto give = [&got](ByteSpan data, uint64_t) { got += as_chars(data); };
  ASSERT_TRUE(stream.add(2, as_bytes("CD"), {100, 10}, give));
  ASSERT_TRUE(stream.add(0, as_bytes("abcdef"), {100, 10}, give));
  EXPECT_EQ(got, "abCDef");
}

TEST(QuicReassembly, BoundsHoldAndASkippedHoleMakesRoom) {
  QuicReassembly stream;
  std::string got;
  const auto give = [&got](ByteSpan data, uint64_t) { got += as_chars(data); };
  ASSERT_TRUE(stream.add(10, as_bytes("0123456789"), {100, 10}, give));
  EXPECT_FALSE(stream.add(30, as_bytes("x"), {100, 10}, give));
  EXPECT_GE(stream.held(), 10U + QuicReassembly::kPieceBytes);
  EXPECT_LE(stream.held(), 100U);
  EXPECT_EQ(stream.skip_to(stream.hole_end(), give), 10U);
  EXPECT_EQ(got, "0123456789");
  EXPECT_TRUE(stream.add(30, as_bytes("x"), {100, 10}, give));
  EXPECT_FALSE(stream.add(40, as_bytes("y"), {1000, 1}, give));
}

// What is counted is never less than what the allocator gives.
TEST(QuicReassembly, ManySmallPiecesCostWhatTheyTake) {
  QuicReassembly stream;
  const auto give = [](ByteSpan, uint64_t) {};
  size_t pieces = 0;
  while (stream.add(2 * pieces + 2, as_bytes("x"), {8192, 4096}, give)) ++pieces;
  EXPECT_LE(stream.held(), 8192U);
  // 32 bytes of list and 32 of heap a piece; the list doubles.
  EXPECT_GE(pieces, 8192U / 128);
  EXPECT_LE(pieces, 8192U / 64);
  while (stream.has_hole()) (void)stream.skip_to(stream.hole_end(), give);
  EXPECT_EQ(stream.held(), 0U);
}

}  // namespace
}  // namespace weir::inspect

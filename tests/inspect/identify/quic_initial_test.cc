#include "inspect/identify/quic_initial.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "core/hash.h"
#include "tests/inspect/identify/hello_maker.h"
#include "tests/inspect/identify/quic_maker.h"

namespace weir::inspect {
namespace {

using test::Bytes;
using test::crypto_frame;
using test::from_hex;
using test::initial;
using test::operator+;

constexpr Direction kUp = Direction::kToServer;
constexpr Direction kDown = Direction::kToClient;
const Bytes kDcid = from_hex("8394c8f03e515708");

// The CRYPTO frame of RFC 9001 appendix A.2 and RFC 9369 appendix A.2.
const Bytes kRfcFrame = from_hex(
    "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413"
    "011302010000c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d001700180010"
    "0007000504616c706e000500050100000000003300260024001d00209370b2c9caa47fbabaf4559fedba753de171"
    "fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e0403050306030203080408050806002d000201"
    "01001c00024001003900320408ffffffffffffffff05048000ffff07048000ffff0801100104800075300901100f"
    "088394c8f03e51570806048000ffff");

struct Session {
  Limits limits;
  QuicCounters counters;
  QuicInitialDecoder decoder{limits, counters};
  DecodeStatus feed(Direction d, const Bytes& bytes) { return decoder.on_datagram(d, bytes); }
};

std::string hex(ByteSpan bytes) { return to_hex(bytes); }

TEST(QuicKeys, Rfc9001AppendixA) {
  const QuicVersionTraits& v1 = *quic_version_traits(1);
  const auto client = derive_quic_initial_keys(v1, kDcid, QuicSide::kClient);
  ASSERT_TRUE(client);
  EXPECT_EQ(hex(client->key), "1f369613dd76d5467730efcbe3b1a22d");
  EXPECT_EQ(hex(client->iv), "fa044b2f42a3fd3b46fb255c");
  EXPECT_EQ(hex(client->hp), "9f50449e04a0e810283a1e9933adedd2");
  const auto server = derive_quic_initial_keys(v1, kDcid, QuicSide::kServer);
  ASSERT_TRUE(server);
  EXPECT_EQ(hex(server->key), "cf3a5331653c364c88f0f379b6067e37");
  EXPECT_EQ(hex(server->iv), "0ac1493ca1905853b0bba03e");
  EXPECT_EQ(hex(server->hp), "c206b8d9b9f0f37644430b490eeaa314");

  Bytes frames = kRfcFrame;
  frames.resize(1162);
  const Bytes header = from_hex("c300000001088394c8f03e5157080000449e00000002");
  Bytes packet;
  ASSERT_TRUE(seal_quic_packet(*client, header, 4, frames, packet));
  ASSERT_EQ(packet.size(), 1200U);
  EXPECT_EQ(hex(ByteSpan(packet).first(32)),
            "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11");
  EXPECT_EQ(hex(ByteSpan(packet).last(16)), "e221af44860018ab0856972e194cd934");
  Bytes opened;
  ASSERT_TRUE(open_quic_packet(*client, packet, header.size() - 4, opened));
  EXPECT_EQ(opened, frames);
  packet[700] ^= 1;
  EXPECT_FALSE(open_quic_packet(*client, packet, header.size() - 4, opened));
  EXPECT_TRUE(opened.empty());
}

TEST(QuicKeys, Rfc9369AppendixA) {
  const auto client =
      derive_quic_initial_keys(*quic_version_traits(0x6b3343cf), kDcid, QuicSide::kClient);
  ASSERT_TRUE(client);
  EXPECT_EQ(hex(client->key), "8b1a0bc121284290a29e0971b5cd045d");
  EXPECT_EQ(hex(client->iv), "91f73e2351d8fa91660e909f");
  EXPECT_EQ(hex(client->hp), "45b95e15235d6f45a6b19cbcb0294ba9");
  Bytes frames = kRfcFrame;
  frames.resize(1162);
  Bytes packet;
  ASSERT_TRUE(seal_quic_packet(*client, from_hex("d36b3343cf088394c8f03e5157080000449e00000002"), 4,
                               frames, packet));
  EXPECT_EQ(hex(ByteSpan(packet).first(32)),
            "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485");
}

TEST(QuicInitial, OneDatagramOfEachVersion) {
  const Bytes hello = test::handshake(1, test::bun_hello("chatgpt.com").body());
  for (const uint32_t version : {0x1U, 0x6b3343cfU, 0x709a50c4U, 0xff000016U, 0xff000017U,
                                 0xff00001bU, 0xff00001dU, 0xff000020U, 0xff000022U, 0xfaceb001U,
                                 0xfaceb002U, 0x54303530U, 0x54303531U, 0x1a2a3a4aU}) {
    Session s;
    const Bytes datagram = initial(
        version, kDcid, 0, crypto_frame(0, hello, quic_version_traits(version)->crypto_frame));
    EXPECT_EQ(probe_quic(datagram), ProbeAnswer::kYes);
    EXPECT_EQ(s.feed(kUp, datagram), DecodeStatus::kDone) << std::hex << version;
    EXPECT_EQ(s.decoder.info().sni, "chatgpt.com");
    EXPECT_EQ(s.decoder.quic_version(), version);
    EXPECT_EQ(s.decoder.info().ja4, "q13d1714h1_5b57614c22b0_43ade6aba3df");
    EXPECT_EQ(s.decoder.changes(), 1U);
    EXPECT_EQ(s.counters.client_hellos.get(), 1U);
  }
}

// Pieces of a large hello in a random order, over packets, some coalesced, some sent twice.
TEST(QuicInitial, SplitReorderedRepeatedAndCoalesced) {
  test::HelloSpec spec = test::bun_hello("gemini.google.com");
  spec.add(0x1234, Bytes(1800, 0x5a));
  const Bytes hello = test::handshake(1, spec.body());
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    std::vector<Bytes> frames;
    for (size_t at = 0; at < hello.size();) {
      const size_t size = std::min<size_t>(hello.size() - at, 1 + random() % 300);
      const size_t back = std::min<size_t>(at, random() % 3 == 0 ? random() % 40 : 0);
      frames.push_back(
          crypto_frame(at - back, Bytes(hello.begin() + static_cast<ptrdiff_t>(at - back),
                                        hello.begin() + static_cast<ptrdiff_t>(at + size))));
      if (random() % 4 == 0) frames.push_back(frames.back());
      at += size;
    }
    std::shuffle(frames.begin(), frames.end(), random);
    Session s;
    DecodeStatus status = DecodeStatus::kContinue;
    uint32_t number = 0;
    Bytes datagram;
    for (const Bytes& frame : frames) {
      const Bytes fill = random() % 2 == 0 ? Bytes{1} : Bytes(random() % 20);  // PING or PADDING
      datagram = datagram + initial(1, kDcid, number++, fill + frame, 40);
      if (random() % 2 == 0) continue;
      if (status == DecodeStatus::kContinue) status = s.feed(kUp, datagram);
      datagram.clear();
    }
    if (status == DecodeStatus::kContinue && !datagram.empty()) status = s.feed(kUp, datagram);
    EXPECT_EQ(status, DecodeStatus::kDone) << round;
    EXPECT_EQ(s.decoder.info().sni, "gemini.google.com") << round;
    EXPECT_FALSE(s.decoder.info().client_hello_cut);
    EXPECT_EQ(s.counters.malformed.get(), 0U);
  }
}

TEST(QuicInitial, AfterRetryTheKeysComeFromTheNewId) {
  const Bytes hello = test::handshake(1, test::bun_hello("claude.ai").body());
  const Bytes half(hello.begin(), hello.begin() + 100);
  const Bytes other = from_hex("0011223344556677");
  Session s;
  EXPECT_EQ(s.feed(kUp, initial(1, kDcid, 0, crypto_frame(0, half))), DecodeStatus::kContinue);
  EXPECT_EQ(s.feed(kDown, from_hex("f0000000010008") + other + Bytes(40, 1)),
            DecodeStatus::kContinue);
  EXPECT_TRUE(s.decoder.retry_seen());
  EXPECT_EQ(s.feed(kUp, initial(1, other, 1, crypto_frame(0, hello))), DecodeStatus::kDone);
  EXPECT_EQ(s.decoder.info().sni, "claude.ai");
}

// The rest of the hello goes to the server's own id, but under the first id's keys.
TEST(QuicInitial, KeysStayWhenTheServerChoseItsId) {
  const Bytes hello = test::handshake(1, test::bun_hello("claude.ai").body());
  const auto cut = hello.begin() + 100;
  Session s;
  EXPECT_EQ(s.feed(kUp, initial(1, kDcid, 0, crypto_frame(0, Bytes(hello.begin(), cut)))),
            DecodeStatus::kContinue);
  EXPECT_EQ(s.feed(kDown, initial(1, from_hex("aabb"), 0, Bytes{2, 0, 0, 0, 0}, 1200,
                                  QuicSide::kServer, kDcid)),
            DecodeStatus::kContinue);
  EXPECT_EQ(s.feed(kUp, initial(1, from_hex("0102030405"), 1,
                                Bytes{3, 0, 0, 0, 0, 1, 1, 1} +
                                    crypto_frame(100, Bytes(cut, hello.end())),
                                1200, QuicSide::kClient, kDcid)),
            DecodeStatus::kDone);
  EXPECT_EQ(s.decoder.info().sni, "claude.ai");
}

TEST(QuicInitial, AnUnfinishedHelloGivesItsNameAtTheEnd) {
  const Bytes hello = test::handshake(1, test::bun_hello("claude.ai").body());
  Session s;
  EXPECT_EQ(
      s.feed(kUp, initial(1, kDcid, 0, crypto_frame(0, Bytes(hello.begin(), hello.begin() + 180)))),
      DecodeStatus::kContinue);
  EXPECT_EQ(s.decoder.changes(), 0U);
  s.decoder.on_end();
  EXPECT_EQ(s.decoder.info().sni, "claude.ai");
  EXPECT_TRUE(s.decoder.info().client_hello_cut);
  EXPECT_EQ(s.counters.client_hellos_cut.get(), 1U);
}

TEST(QuicInitial, LimitsHoldAndAreCounted) {
  Session far;
  far.limits.quic_crypto_bytes = 2048;
  (void)far.feed(kUp, initial(1, kDcid, 0, crypto_frame(5000, Bytes(100, 1))));
  EXPECT_EQ(far.counters.crypto_limit.get(), 1U);
  Session holes;
  DecodeStatus status = DecodeStatus::kContinue;
  for (uint32_t i = 0; i < 63 && status == DecodeStatus::kContinue; ++i) {
    Bytes frames;
    for (uint32_t k = 0; k < 10; ++k)
      frames = frames + crypto_frame(1 + (i * 10 + k) * 4, Bytes{7});
    status = holes.feed(kUp, initial(1, kDcid, i, frames));
  }
  EXPECT_GT(holes.counters.crypto_limit.get(), 100U);
  EXPECT_EQ(status, DecodeStatus::kContinue);
  EXPECT_EQ(holes.feed(kUp, initial(1, kDcid, 99, Bytes{1})), DecodeStatus::kDone);
  EXPECT_EQ(holes.counters.attempts_limit.get(), 1U);
}

TEST(QuicInitial, DamageIsCounted) {
  const Bytes hello = test::handshake(1, test::bun_hello("claude.ai").body());
  Bytes datagram = initial(1, kDcid, 0, crypto_frame(0, hello));
  datagram[600] ^= 1;
  Session flipped;
  EXPECT_EQ(flipped.feed(kUp, datagram), DecodeStatus::kContinue);
  EXPECT_EQ(flipped.counters.initials_not_opened.get(), 1U);
  Session frame;  // a STREAM frame may not stand in an Initial
  EXPECT_EQ(frame.feed(kUp, initial(1, kDcid, 0, Bytes{8, 0, 0, 0})), DecodeStatus::kContinue);
  EXPECT_EQ(frame.counters.malformed.get(), 1U);
  Session other;  // the stream begins with another message
  EXPECT_EQ(other.feed(kUp, initial(1, kDcid, 0, crypto_frame(0, Bytes(40, 2)))),
            DecodeStatus::kDone);
  EXPECT_EQ(other.counters.client_hellos_malformed.get(), 1U);
}

TEST(QuicInitial, Probe) {
  EXPECT_EQ(probe_quic({}), ProbeAnswer::kNo);
  EXPECT_EQ(probe_quic(as_bytes("\x40 short header, or anything")), ProbeAnswer::kNo);
  EXPECT_EQ(probe_quic(from_hex("c0513034360850aabbccddeeff0000")), ProbeAnswer::kNo);  // Q046
  EXPECT_EQ(probe_quic(from_hex("80000000000008aabbccddeeff0011 00000001")), ProbeAnswer::kMaybe);
  const Bytes datagram = initial(1, kDcid, 0, Bytes{1});
  for (size_t size = 0; size < datagram.size(); ++size) {
    EXPECT_EQ(probe_quic(ByteSpan(datagram).first(size)), ProbeAnswer::kNo) << size;
  }
  Session s;
  EXPECT_EQ(s.feed(kUp, Bytes{'h', 'i'}), DecodeStatus::kNotMine);
}

}  // namespace
}  // namespace weir::inspect

#include "inspect/decrypt/quic_connection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/inspect/decrypt/quic_run.h"
#include "tests/inspect/identify/quic_maker.h"

namespace weir::inspect {
namespace {

using lab::Bytes;
using lab::QuicDatagram;
using lab::QuicPlan;
using lab::QuicSession;
using test::QuicRun;

constexpr Direction kUp = Direction::kToServer;
constexpr Direction kDown = Direction::kToClient;

QuicPlan plan(uint16_t suite = 0x1301, uint32_t version = lab::kQuicV1) {
  QuicPlan out;
  out.host = "api.example.com";
  out.suite = suite;
  out.version = version;
  return out;
}

Bytes text_frame(uint64_t stream, uint64_t offset, std::string_view text, bool fin = false) {
  return lab::quic_stream_frame(stream, offset, as_bytes(text), fin);
}

TEST(QuicConnection, EveryCipherAndVersion) {
  for (const uint16_t suite : {uint16_t{0x1301}, uint16_t{0x1302}, uint16_t{0x1303}}) {
    for (const uint32_t version : {lab::kQuicV1, lab::kQuicV2}) {
      lab::LabRandom random(suite + version);
      QuicSession session(random, plan(suite, version));
      QuicRun run;
      const auto handshake = session.handshake();
      run.learn(session.key_log());
      run.feed(handshake);
      EXPECT_EQ(run.connection.alpn(), "h3");
      run.feed(kUp, session.packet(kUp, text_frame(0, 0, "hello ")));
      run.feed(kDown, session.packet(kDown, text_frame(3, 0, "server")));
      run.feed(kUp, session.packet(kUp, text_frame(0, 6, "world", true)));
      EXPECT_EQ(run.sink.text(0), "hello world<end>");
      EXPECT_EQ(run.sink.streams["down 3"].text, "server");
      run.connection.finish(EndReason::kTimeout);
      EXPECT_EQ(run.connection.sight(), TlsSight::kDecrypted);
      EXPECT_EQ(run.counters.packets_not_opened.get(), 0U);
      EXPECT_TRUE(run.sink.in_order);
      EXPECT_TRUE(run.sink.ids.empty());
    }
  }
}

TEST(QuicConnection, KeysThatComeLateAreCaughtUpWith) {
  lab::LabRandom random(5);
  QuicSession session(random, plan());
  QuicRun run;
  run.feed(session.handshake());
  run.feed(kUp, session.packet(kUp, text_frame(0, 0, "before ")));
  EXPECT_TRUE(run.connection.waiting());
  EXPECT_EQ(run.connection.sight(), TlsSight::kWaiting);
  EXPECT_EQ(run.sink.text(0), "");
  // Line by line, as a key log is written.
  std::string log = session.key_log();
  while (!log.empty()) {
    const size_t line = log.find('\n') + 1;
    run.learn(log.substr(0, line));
    run.connection.poll(run.now);
    log.erase(0, line);
  }
  EXPECT_FALSE(run.connection.waiting());
  EXPECT_EQ(run.connection.alpn(), "h3");
  run.feed(kUp, session.packet(kUp, text_frame(0, 7, "after", true)));
  EXPECT_EQ(run.sink.text(0), "before after<end>");
  EXPECT_EQ(run.connection.sight(), TlsSight::kDecrypted);
  EXPECT_EQ(run.counters.connections_keyed_late.get(), 1U);
  EXPECT_EQ(run.shared.held_bytes, 0U);
}

TEST(QuicConnection, HeldPacketsAreDroppedAfterATimeAndLaterOnesRead) {
  lab::LabRandom random(6);
  QuicSession session(random, plan());
  QuicRun run;
  run.feed(session.handshake());
  run.feed(kUp, session.packet(kUp, text_frame(0, 0, "lost")));
  run.now = run.now + Duration::seconds(60);
  run.feed(kUp, session.packet(kUp, text_frame(0, 4, "lost too")));
  EXPECT_FALSE(run.connection.waiting());
  EXPECT_EQ(run.shared.held_bytes, 0U);
  EXPECT_EQ(run.connection.sight(), TlsSight::kNoKey);
  EXPECT_EQ(run.counters.hold_expired.get(), 1U);
  run.learn(session.key_log());
  run.feed(kUp, session.packet(kUp, text_frame(0, 12, "there", true)));
  run.connection.finish(EndReason::kTimeout);
  EXPECT_EQ(run.sink.text(0), "<12 lost>there<end>");
  EXPECT_EQ(run.connection.sight(), TlsSight::kPartly);
  EXPECT_EQ(run.connection.fault(), DecryptFault::kNoKey);
}

TEST(QuicConnection, TheHoldIsBounded) {
  lab::LabRandom random(7);
  QuicSession session(random, plan());
  QuicRun run;
  run.limits.hold_bytes = 4000;
  run.feed(session.handshake());
  for (int i = 0; i < 40; ++i) {
    const std::string part(500, static_cast<char>('a' + i % 26));
    run.feed(kUp,
             session.packet(kUp, text_frame(0, uint64_t{500} * static_cast<uint64_t>(i), part)));
    EXPECT_LE(run.shared.held_bytes, 4000U);
  }
  EXPECT_GT(run.counters.hold_limit.get(), 0U);
  run.learn(session.key_log());
  run.feed(kUp, session.packet(kUp, text_frame(0, 20'000, "end", true)));
  run.connection.finish(EndReason::kTimeout);
  EXPECT_NE(run.sink.text(0).find("lost>end<end>"), std::string::npos);
  EXPECT_EQ(run.connection.sight(), TlsSight::kPartly);
}

TEST(QuicConnection, WrongKeysEndInAReasonNotInContent) {
  lab::LabRandom random(8);
  QuicSession session(random, plan());
  QuicRun run;
  run.feed(session.handshake());
  std::string log = session.key_log();
  // The last digit of each secret.
  for (size_t at = log.find('\n'); at != std::string::npos; at = log.find('\n', at + 1)) {
    log[at - 1] = log[at - 1] == '0' ? '1' : '0';
  }
  run.learn(log);
  for (int i = 0; i < 50; ++i) run.feed(kUp, session.packet(kUp, text_frame(0, 0, "sealed")));
  run.connection.finish(EndReason::kTimeout);
  EXPECT_TRUE(run.sink.streams.empty());
  EXPECT_EQ(run.connection.sight(), TlsSight::kFailed);
  EXPECT_EQ(run.connection.fault(), DecryptFault::kWrongKey);
  EXPECT_GT(run.connection.sealed_bytes(), 0U);
}

TEST(QuicConnection, KeyUpdatesAreFollowedAndThePhaseBeforeIsKept) {
  lab::LabRandom random(9);
  QuicSession session(random, plan(0x1302));
  QuicRun run;
  const auto handshake = session.handshake();
  run.learn(session.key_log());
  run.feed(handshake);
  run.feed(kUp, session.packet(kUp, text_frame(0, 0, "a")));
  const Bytes late = session.packet(kUp, text_frame(0, 1, "b"));
  session.update_keys(kUp);
  run.feed(kUp, session.packet(kUp, text_frame(0, 2, "c")));
  run.feed(kUp, late);
  for (const char c : {'d', 'e', 'f'}) {
    session.update_keys(kUp);
    session.update_keys(kDown);
    run.feed(kDown, session.packet(kDown, Bytes{0x01}));
    const uint64_t offset = static_cast<uint64_t>(c - 'a');
    run.feed(kUp, session.packet(kUp, text_frame(0, offset, std::string(1, c))));
  }
  EXPECT_EQ(run.sink.text(0), "abcdef");
  EXPECT_EQ(run.counters.key_updates.get(), 7U);
  EXPECT_EQ(run.counters.packets_not_opened.get(), 0U);
}

TEST(QuicConnection, LossDuplicatesAndDisorderOfPackets) {
  lab::LabRandom random(10);
  QuicSession session(random, plan());
  QuicRun run;
  const auto handshake = session.handshake();
  run.learn(session.key_log());
  run.feed(handshake);
  std::vector<Bytes> packets;
  std::string text;
  for (uint64_t i = 0; i < 60; ++i) {
    const std::string part = "part " + std::to_string(i) + ";";
    packets.push_back(session.packet(kUp, text_frame(4, text.size(), part, i == 59)));
    text += part;
  }
  packets.insert(packets.end(), packets.begin(), packets.begin() + 30);
  for (size_t i = packets.size(); i > 1; --i) std::swap(packets[i - 1], packets[random.below(i)]);
  for (const Bytes& packet : packets) run.feed(kUp, packet);
  EXPECT_EQ(run.sink.text(4), text + "<end>");
  EXPECT_TRUE(run.sink.in_order);
}

TEST(QuicConnection, WhatAMirrorLostIsGivenUpAfterATime) {
  lab::LabRandom random(11);
  QuicSession session(random, plan());
  QuicRun run;
  const auto handshake = session.handshake();
  run.learn(session.key_log());
  run.feed(handshake);
  run.feed(kUp, session.packet(kUp, text_frame(0, 0, "one ")));
  // Numbers go on far ahead: more than a window of two bytes was not seen.
  session.set_number(kUp, 150'000);
  run.feed(kUp, session.packet(kUp, text_frame(8, 0, "other")));  // fails: no number fits
  run.feed(kUp, session.packet(kUp, text_frame(0, 10, " three", true)));
  EXPECT_EQ(run.sink.text(0), "one ");
  run.now = run.now + run.limits.quic_hole_age + Duration::seconds(1);
  run.connection.poll(run.now);
  EXPECT_EQ(run.sink.text(0), "one <6 lost> three<end>");
  EXPECT_EQ(run.counters.stream_holes.get(), 1U);
  EXPECT_EQ(run.connection.sight(), TlsSight::kPartly);
}

TEST(QuicConnection, ZeroRttOfTheClient) {
  lab::LabRandom random(12);
  QuicSession session(random, plan());
  QuicRun run;
  const auto handshake = session.handshake();
  run.learn(session.key_log());
  // The 0-RTT packet stands behind the Initial, to the id that the client made up.
  QuicSession& same = session;
  run.feed(handshake.front().direction, handshake.front().bytes);
  const Bytes server_id = same.id(kUp);
  same.use_id(kUp,
              Bytes(handshake.front().bytes.begin() + 6, handshake.front().bytes.begin() + 14));
  run.feed(kUp, same.early_packet(text_frame(0, 0, "early ")));
  same.use_id(kUp, server_id);
  for (size_t i = 1; i < handshake.size(); ++i)
    run.feed(handshake[i].direction, handshake[i].bytes);
  run.feed(kUp, same.packet(kUp, text_frame(0, 6, "late", true)));
  EXPECT_EQ(run.sink.text(0), "early late<end>");
  EXPECT_EQ(run.counters.early_packets.get(), 1U);
}

TEST(QuicConnection, OnlyTheClientsSideIsSeen) {
  for (const uint16_t suite : {uint16_t{0x1301}, uint16_t{0x1302}, uint16_t{0x1303}}) {
    lab::LabRandom random(suite);
    QuicSession session(random, plan(suite));
    QuicRun run;
    const auto handshake = session.handshake();
    run.learn(session.key_log());
    for (const QuicDatagram& datagram : handshake) {
      if (datagram.direction == kUp) run.feed(kUp, datagram.bytes);
    }
    run.feed(kUp, session.packet(kUp, text_frame(0, 0, "alone", true)));
    EXPECT_EQ(run.sink.text(0), "alone<end>");
    EXPECT_EQ(run.connection.sight(), TlsSight::kDecrypted);
  }
}

TEST(QuicConnection, IdsAreLearntAndTellTheWay) {
  lab::LabRandom random(13);
  QuicSession session(random, plan());
  QuicRun run;
  run.limits.quic_connection_ids = 4;
  const auto handshake = session.handshake();
  run.learn(session.key_log());
  run.feed(handshake);
  const Bytes next_id{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  run.feed(kDown, session.packet(kDown, lab::quic_new_id_frame(1, next_id)));
  EXPECT_TRUE(run.sink.ids.contains(to_hex(next_id)));
  session.use_id(kUp, next_id);
  // The hint is wrong, as where a new path was seen from its answer first.
  const Bytes moved = session.packet(kUp, text_frame(0, 0, "moved", true));
  EXPECT_EQ(run.connection.direction_of(kDown, moved), kUp);
  run.feed(kDown, moved);
  EXPECT_EQ(run.sink.text(0), "moved<end>");
  for (uint8_t i = 0; i < 50; ++i) {
    const Bytes id{0xee, i, 0, 0, 0, 0, 0, 0};
    run.feed(kDown, session.packet(kDown, lab::quic_new_id_frame(2, id)));
  }
  EXPECT_LE(run.sink.ids.size(), 8U);
  EXPECT_GT(run.counters.connection_ids_dropped.get(), 0U);
}

TEST(QuicConnection, AClientWithoutAnId) {
  lab::LabRandom random(14);
  QuicPlan shape = plan();
  shape.client_id_bytes = 0;
  shape.server_id_bytes = 18;
  QuicSession session(random, shape);
  QuicRun run;
  const auto handshake = session.handshake();
  run.learn(session.key_log());
  run.feed(handshake);
  run.feed(kDown, session.packet(kDown, text_frame(3, 0, "settings")));
  run.feed(kUp, session.packet(kUp, text_frame(0, 0, "request", true)));
  EXPECT_EQ(run.sink.text(0), "request<end>");
  EXPECT_EQ(run.sink.streams["down 3"].text, "settings");
}

TEST(QuicConnection, ResetsEvictionsAndRepeatsOfStreams) {
  lab::LabRandom random(15);
  QuicSession session(random, plan());
  QuicRun run;
  run.limits.quic_streams = 4;
  const auto handshake = session.handshake();
  run.learn(session.key_log());
  run.feed(handshake);
  run.feed(kUp, session.packet(kUp, text_frame(0, 0, "cut short")));
  run.feed(kUp, session.packet(kUp, Bytes{0x04, 0x00, 0x01, 0x09}));
  EXPECT_EQ(run.sink.text(0), "cut short<cut>");
  run.feed(kUp, session.packet(kUp, text_frame(0, 0, "cut short")));  // sent again
  EXPECT_EQ(run.sink.text(0), "cut short<cut>");
  run.feed(kUp, session.packet(kUp, text_frame(2, 0, "control")));
  for (uint64_t id = 4; id < 400; id += 4) {
    run.feed(kUp, session.packet(kUp, text_frame(id, 0, "open")));
  }
  EXPECT_EQ(run.counters.streams_evicted.get(), 96U);
  EXPECT_EQ(run.sink.text(2), "control");  // the idlest, but not of its kind
  run.connection.finish(EndReason::kTimeout);
  EXPECT_TRUE(run.sink.in_order);
  for (const auto& stream : run.sink.streams) EXPECT_TRUE(stream.second.ended) << stream.first;
}

TEST(QuicConnection, BytesOutOfOrderAreBoundedOverAllConnections) {
  lab::LabRandom random(26);
  QuicSession session(random, plan());
  const std::string part(1000, 'x');
  QuicRun run;
  run.limits.quic_bytes_total = 4200;
  run.services.stream_held = 3000;  // by others
  const auto handshake = session.handshake();
  run.learn(session.key_log());
  run.feed(handshake);
  run.feed(kUp, session.packet(kUp, text_frame(0, 1000, part)));
  EXPECT_GT(run.services.stream_held, 4000U);
  EXPECT_LE(run.services.stream_held, run.limits.quic_bytes_total);
  EXPECT_TRUE(run.connection.has_holes());
  run.feed(kUp, session.packet(kUp, text_frame(4, 1000, part)));
  EXPECT_EQ(run.counters.stream_limit.get(), 1U);
  EXPECT_EQ(run.sink.text(4), "<1000 lost>" + part);
  EXPECT_EQ(run.sink.text(0), "");
  // Time alone gives the other hole up.
  run.connection.poll(run.now + run.limits.quic_hole_age + Duration::seconds(1));
  EXPECT_EQ(run.sink.text(0), "<1000 lost>" + part);
  EXPECT_FALSE(run.connection.has_holes());
  EXPECT_EQ(run.services.stream_held, 3000U);
}

// Frames of one byte, none of which touch: memory is counted, not bytes of content.
TEST(QuicConnection, ManySmallPiecesStayWithinTheBound) {
  lab::LabRandom random(27);
  QuicSession session(random, plan());
  QuicRun run;
  run.limits.quic_bytes_total = 64U << 10;
  const auto handshake = session.handshake();
  run.learn(session.key_log());
  run.feed(handshake);
  uint64_t most = 0;
  for (uint64_t stream = 0; stream < 16; ++stream) {
    for (uint64_t i = 1; i <= 100; ++i) {
      run.feed(kUp, session.packet(kUp, text_frame(4 * stream, 2 * i, "x")));
      most = std::max(most, run.services.stream_held);
    }
  }
  EXPECT_LE(most, run.limits.quic_bytes_total);
  EXPECT_GT(most, run.limits.quic_bytes_total / 2);
  EXPECT_GT(run.counters.stream_limit.get(), 0U);
  run.connection.finish(EndReason::kTimeout);
  EXPECT_EQ(run.services.stream_held, 0U);
  // Each byte came, and holes before each.
  std::string got;
  for (uint64_t i = 1; i <= 100; ++i) got += (i == 1 ? "<2 lost>x" : "<1 lost>x");
  for (uint64_t stream = 0; stream < 16; ++stream) {
    EXPECT_TRUE(run.sink.text(4 * stream).starts_with(got)) << run.sink.text(4 * stream);
  }
}

TEST(QuicConnection, TooMuchOutOfOrderGivesUpTheHole) {
  lab::LabRandom random(16);
  QuicSession session(random, plan());
  QuicRun run;
  run.limits.quic_stream_bytes = 4096;
  run.limits.quic_connection_bytes = 6000;
  const auto handshake = session.handshake();
  run.learn(session.key_log());
  run.feed(handshake);
  const std::string part(1000, 'x');
  for (uint64_t i = 1; i < 12; ++i) {
    run.feed(kUp, session.packet(kUp, text_frame(0, i * 1000, part)));
    run.feed(kUp, session.packet(kUp, text_frame(4, (uint64_t{1} << 40) + 2000 * i, part)));
  }
  run.feed(kUp, session.packet(kUp, text_frame(0, 0, part)));
  EXPECT_GT(run.counters.stream_limit.get(), 0U);
  EXPECT_EQ(run.sink.text(0).substr(0, 11), "<1000 lost>");
  run.connection.finish(EndReason::kTimeout);
  EXPECT_TRUE(run.sink.in_order);
}

TEST(QuicConnection, DamagedDatagramsDoNoHarm) {
  lab::LabRandom random(17);
  QuicSession session(random, plan());
  const auto handshake = session.handshake();
  std::vector<QuicDatagram> all = handshake;
  for (uint64_t i = 0; i < 8; ++i) {
    all.push_back({kUp, session.packet(kUp, text_frame(0, i * 4, "text", i == 7))});
  }
  QuicRun run;
  run.learn(session.key_log());
  for (const QuicDatagram& datagram : all) {
    run.feed(datagram.direction, datagram.bytes);
    for (int i = 0; i < 20 && run.begun; ++i) {
      Bytes damaged = datagram.bytes;
      damaged[random.below(damaged.size())] ^= static_cast<uint8_t>(1U << random.below(8));
      if (random.chance(0.5)) damaged.resize(random.below(damaged.size()) + 1);
      run.feed(random.chance(0.5) ? kUp : kDown, damaged);
    }
  }
  EXPECT_EQ(run.sink.text(0), "texttexttexttexttexttexttexttext<end>");
  EXPECT_TRUE(run.sink.in_order);
}

TEST(QuicConnection, WhatIsNoClientInitialBeginsNothing) {
  lab::LabRandom random(18);
  QuicSession session(random, plan());
  const auto handshake = session.handshake();
  QuicRun run;
  for (size_t i = 1; i < handshake.size(); ++i) {
    if (handshake[i].direction == kUp) continue;
    EXPECT_FALSE(run.connection.begin(handshake[i].bytes));
  }
  EXPECT_FALSE(run.connection.begin(session.packet(kUp, Bytes{0x01})));
  for (size_t size = 0; size < 1200; size += 7) {
    EXPECT_FALSE(run.connection.begin(ByteSpan(handshake[0].bytes).first(size)));
  }
  EXPECT_TRUE(run.connection.begin(handshake[0].bytes));
}

// Anybody can make an Initial of any version; what follows is still of the connection's own.
TEST(QuicConnection, AnInitialOfAnotherVersionAfterTheHandshakeChangesNothing) {
  constexpr uint32_t kGoogle = 0x54303531;  // T051: frames of another form
  for (const uint32_t version : {kGoogle, lab::kQuicV2}) {
    SCOPED_TRACE(version);
    lab::LabRandom random(19);
    QuicSession session(random, plan());
    QuicRun run;
    const auto handshake = session.handshake();
    run.learn(session.key_log());
    run.feed(handshake);
    run.feed(kUp, session.packet(kUp, text_frame(0, 0, "before ")));
    const ByteSpan first = handshake.front().bytes;
    const Bytes id(first.begin() + 6, first.begin() + 14);
    const auto before = run.counters.packets_not_opened.get();
    run.feed(kUp, test::initial(version, id, 9, Bytes{0x01}));
    EXPECT_EQ(run.counters.packets_not_opened.get(), before + 1);
    session.update_keys(kUp);
    run.feed(kUp, session.packet(kUp, text_frame(0, 7, "after", true)));
    EXPECT_EQ(run.sink.text(0), "before after<end>");
    EXPECT_EQ(run.connection.sight(), TlsSight::kDecrypted);
  }
}

TEST(QuicConnection, AForgedHandshakePacketOfAnotherVersionChangesNothing) {
  for (const bool keys_first : {true, false}) {
    lab::LabRandom random(20);
    QuicSession session(random, plan());
    QuicRun run;
    const auto handshake = session.handshake();
    if (keys_first) run.learn(session.key_log());
    // The client's side alone is seen, and what somebody sends in the server's name.
    for (const QuicDatagram& datagram : handshake) {
      if (datagram.direction == kUp) run.feed(kUp, datagram.bytes);
    }
    Bytes forged{0xf1, 0x6b, 0x33, 0x43, 0xcf};  // Handshake of version 2
    const Bytes& id = session.id(kDown);
    forged.push_back(static_cast<uint8_t>(id.size()));
    forged.insert(forged.end(), id.begin(), id.end());
    forged.insert(forged.end(), {0, 0x40, 60});
    forged.resize(forged.size() + 60, 0x5a);
    run.feed(kDown, forged);
    run.feed(kUp, session.packet(kUp, text_frame(0, 0, "text", true)));
    run.learn(session.key_log());
    run.connection.poll(run.now);
    EXPECT_EQ(run.sink.text(0), "text<end>") << keys_first;
    EXPECT_EQ(run.connection.sight(), TlsSight::kDecrypted);
  }
}

// A client may choose for itself the id that it made up for the server.
TEST(QuicConnection, AnIdThatLeadsToBothSidesLeavesTheHint) {
  lab::LabRandom random(22);
  QuicSession session(random, plan());
  QuicRun run;
  const auto handshake = session.handshake();
  run.learn(session.key_log());
  run.feed(handshake);
  const Bytes id(session.id(kUp));
  run.feed(kUp, session.packet(kUp, lab::quic_new_id_frame(1, id)));  // of the client, the same
  session.use_id(kDown, id);
  EXPECT_EQ(run.connection.direction_of(kDown, session.packet(kDown, Bytes{0x01})), kDown);
  EXPECT_EQ(run.connection.direction_of(kUp, session.packet(kUp, Bytes{0x01})), kUp);
}

// draft-ietf-quic-reliable-stream-reset: what lies before the reliable size is still delivered.
TEST(QuicConnection, AResetAtASizeEndsThere) {
  lab::LabRandom random(23);
  QuicSession session(random, plan());
  QuicRun run;
  const auto handshake = session.handshake();
  run.learn(session.key_log());
  run.feed(handshake);
  run.feed(kUp, session.packet(kUp, text_frame(0, 0, "one ")));
  run.feed(kUp, session.packet(kUp, Bytes{0x24, 0x00, 0x01, 0x10, 0x07}));  // 7 of 16 bytes
  EXPECT_EQ(run.sink.text(0), "one ");
  run.feed(kUp, session.packet(kUp, text_frame(0, 4, "two")));
  EXPECT_EQ(run.sink.text(0), "one two<cut>");
}

TEST(QuicConnection, IdsThatWereJoinedToThoseThatAreOverMakeTheSightPartly) {
  lab::LabRandom random(24);
  QuicSession session(random, plan());
  QuicRun run;
  const auto handshake = session.handshake();
  run.learn(session.key_log());
  run.feed(handshake);
  // Every other id, more of them than ranges are kept.
  for (uint64_t i = 0; i < 80; ++i) {
    run.feed(kUp, session.packet(kUp, text_frame(8 * i, 0, "short", true)));
  }
  run.feed(kUp, session.packet(kUp, text_frame(8 * 79, 0, "short", true)));  // a repeat
  EXPECT_EQ(run.connection.sight(), TlsSight::kDecrypted);
  run.feed(kUp, session.packet(kUp, text_frame(4, 0, "never seen", true)));
  EXPECT_EQ(run.connection.sight(), TlsSight::kPartly);
  EXPECT_EQ(run.connection.sealed_bytes(), 10U);
}

TEST(QuicConnection, TheLastQuarterOfTheHoldIsForAiServices) {
  for (const bool priority : {false, true}) {
    lab::LabRandom random(25);
    QuicSession session(random, plan());
    QuicRun run;
    run.limits.hold_bytes_total = 40'000;
    run.connection.set_priority(priority);
    run.feed(session.handshake());
    for (int i = 0; i < 60; ++i) run.feed(kUp, session.packet(kUp, Bytes(1000)));
    EXPECT_EQ(run.shared.held_bytes > 30'000, priority);
    EXPECT_LE(run.shared.held_bytes, 40'000U);
    EXPECT_GT(run.shared.held_bytes, 25'000U);
  }
}

TEST(QuicConnection, FramesThatCannotBeReadMakeTheSightPartly) {
  lab::LabRandom random(21);
  QuicSession session(random, plan());
  QuicRun run;
  const auto handshake = session.handshake();
  run.learn(session.key_log());
  run.feed(handshake);
  run.feed(kUp, session.packet(kUp, text_frame(0, 0, "read", true)));
  EXPECT_EQ(run.connection.sight(), TlsSight::kDecrypted);
  Bytes odd{0x3f};  // no frame that is known
  const Bytes behind = text_frame(4, 0, "not read", true);
  odd.insert(odd.end(), behind.begin(), behind.end());
  run.feed(kUp, session.packet(kUp, odd));
  EXPECT_EQ(run.connection.sight(), TlsSight::kPartly);
  EXPECT_EQ(run.connection.fault(), DecryptFault::kBadRecord);
}

}  // namespace
}  // namespace weir::inspect

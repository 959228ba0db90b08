// The parts of the lab generator whose output others must be able to read.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "bench/lab/code_forms.h"
#include "bench/lab/code_pool.h"
#include "bench/lab/dns_messages.h"
#include "bench/lab/http_messages.h"
#include "bench/lab/tcp_conversation.h"
#include "bench/lab/tls_messages.h"
#include "capture/packet_decoder.h"
#include "core/byte_reader.h"

namespace weir::lab {
namespace {

TEST(LabJson, EscapesByStyle) {
  const std::string text = "a\t\"<b>\\\u2192\U0001F600\n";
  EXPECT_EQ(json_string(text), "\"a\\t\\\"<b>\\\\\u2192\U0001F600\\n\"");
  EXPECT_EQ(json_string("<&>", JsonStyle::kGo), "\"\\u003c\\u0026\\u003e\"");
  EXPECT_EQ(json_string("\u2192\U0001F600", JsonStyle::kPython), "\"\\u2192\\ud83d\\ude00\"");
  EXPECT_EQ(json_string("\x01"), "\"\\u0001\"");
}

TEST(LabForms, RenderLineNumbers) {
  const CodeExcerpt code{"r", "a/b.py", 9, {"x = 1", "y"}, false};
  EXPECT_EQ(numbered_tab(code), "9\tx = 1\n10\ty\n");
  EXPECT_EQ(numbered_arrow(code), "     9\u2192x = 1\n    10\u2192y\n");
  EXPECT_EQ(numbered_bar(code), " 9 | x = 1\n10 | y\n");
  EXPECT_EQ(raw_text(code), "x = 1\ny\n");
  EXPECT_NE(diff_added(code).find("@@ -9,0 +9,2 @@\n+x = 1\n+y\n"), std::string::npos);
}

// Reads what a capture shows of a conversation in order of sequence numbers.
std::string reassemble(const std::vector<LabPacket>& packets, uint16_t server_port) {
  capture::PacketDecoder decoder;
  std::string stream;
  bool begun = false;
  uint32_t base = 0;
  for (const LabPacket& made : packets) {
    RawPacket raw;
    raw.link_type = 1;
    raw.data = made.frame;
    raw.wire_length = static_cast<uint32_t>(made.frame.size());
    DecodedPacket packet;
    EXPECT_EQ(decoder.decode(raw, packet), capture::DecodeOutcome::kDecoded);
    if (packet.destination.port != server_port) continue;
    if (packet.flags.syn) {
      base = packet.seq + 1;
      begun = true;
    }
    EXPECT_TRUE(begun);
    const size_t at = packet.seq - base;
    if (packet.payload.empty()) continue;
    if (stream.size() < at + packet.payload.size()) stream.resize(at + packet.payload.size(), '?');
    std::copy(packet.payload.begin(), packet.payload.end(),
              stream.begin() + static_cast<ptrdiff_t>(at));
  }
  return stream;
}

TEST(LabTcp, StreamIsWholeThroughDisorderRepeatsAndWrap) {
  const Endpoint client{IpAddress::v4(1), 4000};
  const Endpoint server{IpAddress::v4(2), 443};
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    LabRandom random(seed);
    LinkPlan plan;
    plan.segment_bytes = random.between(50, 3000);
    plan.disorder = 0.4;
    plan.repeat = 0.3;
    plan.near_wrap = seed % 2 == 0;
    const Bytes sent = random.bytes(20'000);
    std::vector<LabPacket> packets;
    TcpConversation tcp(random, packets, client, server, plan, {1'000'000'000});
    tcp.open();
    tcp.send(Direction::kToServer, ByteSpan(sent).first(7000));
    tcp.send(Direction::kToClient, Bytes(5000, 1));
    tcp.send(Direction::kToServer, ByteSpan(sent).subspan(7000));
    tcp.close();
    EXPECT_EQ(reassemble(packets, 443), as_chars(sent)) << "seed " << seed;
  }
}

TEST(LabTcp, LostSegmentIsMissingOnce) {
  LabRandom random(5);
  LinkPlan plan;
  plan.segment_bytes = 100;
  plan.lose_one = true;
  std::vector<LabPacket> packets;
  TcpConversation tcp(random, packets, {IpAddress::v4(1), 4000}, {IpAddress::v4(2), 80}, plan,
                      {1'000'000'000});
  tcp.open();
  tcp.send(Direction::kToServer, Bytes(1000, 'a'));
  tcp.send(Direction::kToServer, Bytes(1000, 'a'));
  const std::string got = reassemble(packets, 80);
  EXPECT_EQ(got.size(), 2000U);
  EXPECT_EQ(std::count(got.begin(), got.end(), '?'), 100);
}

TEST(LabTls, ClientHelloLengthsAddUpAndTheNameIsThere) {
  for (const bool post_quantum : {false, true}) {
    LabRandom random(7);
    ClientHelloPlan plan;
    plan.host = "api.anthropic.com";
    plan.post_quantum = post_quantum;
    const Bytes record = client_hello_record(random, plan);
    EXPECT_EQ(record.size() > 1448, post_quantum);
    ByteReader in(record);
    EXPECT_EQ(in.u8(), 22);
    in.skip(2);
    ByteReader handshake = in.sub(in.u16());
    EXPECT_TRUE(in.ok() && in.empty());
    EXPECT_EQ(handshake.u8(), 1);
    ByteReader hello = handshake.sub(handshake.u24());
    EXPECT_TRUE(handshake.ok() && handshake.empty());
    hello.skip(34);
    hello.skip(hello.u8());
    hello.skip(hello.u16());
    hello.skip(hello.u8());
    ByteReader extensions = hello.sub(hello.u16());
    EXPECT_TRUE(hello.ok() && hello.empty());
    std::set<uint16_t> types;
    std::string name;
    while (!extensions.empty()) {
      const uint16_t type = extensions.u16();
      EXPECT_TRUE(types.insert(type).second) << "extension twice";
      ByteReader body = extensions.sub(extensions.u16());
      if (type != 0) continue;
      body.skip(3);
      name = as_chars(body.take(body.u16()));
    }
    EXPECT_TRUE(extensions.ok());
    EXPECT_EQ(name, "api.anthropic.com");
  }
}

TEST(LabDns, AnswerNamesAliasAndAddress) {
  const DnsExchange exchange{77, "a.example", "b.example", *IpAddress::parse("192.0.2.7")};
  const Bytes answer = dns_answer(exchange);
  ByteReader in(answer);
  EXPECT_EQ(in.u16(), 77);
  in.skip(4);
  EXPECT_EQ(in.u16(), 2) << "answers";
  EXPECT_EQ(as_chars(ByteSpan(answer).last(4)), std::string("\xc0\x00\x02\x07", 4));
  EXPECT_LT(dns_query(exchange).size(), answer.size());
}

// Made-up code must not be told from protected code by luck: no line of it that says something may
// stand in the sample repository.
TEST(LabCode, MadeUpCodeSharesNoLineWithTheSamples) {
  const auto squeeze = [](const std::string& line) {
    std::string out;
    std::copy_if(line.begin(), line.end(), std::back_inserter(out),
                 [](char c) { return c != ' ' && c != '\t'; });
    return out;
  };
  std::set<std::string> protected_lines;
  const std::filesystem::path samples = std::filesystem::path(WEIR_SOURCE_DIR) / "samples/orchard";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(samples)) {
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) protected_lines.insert(squeeze(line));
  }
  ASSERT_GT(protected_lines.size(), 300U);
  LabRandom random(3);
  for (int i = 0; i < 300; ++i) {
    for (const std::string& line : made_up_code(random).lines) {
      const std::string squeezed = squeeze(line);
      if (squeezed.size() < 16) continue;
      EXPECT_EQ(protected_lines.count(squeezed), 0U) << line;
    }
  }
}

TEST(LabCode, DrawnExcerptsAreInTheFile) {
  auto pool = CodePool::load(std::string(WEIR_SOURCE_DIR) + "/samples/orchard");
  ASSERT_TRUE(pool);
  LabRandom random(11);
  for (int i = 0; i < 200; ++i) {
    const CodeExcerpt code = pool->draw(random);
    std::ifstream in(std::string(WEIR_SOURCE_DIR) + "/samples/orchard/" + code.path);
    std::string line;
    for (uint32_t n = 1; n < code.first_line; ++n) std::getline(in, line);
    for (const std::string& expected : code.lines) {
      ASSERT_TRUE(std::getline(in, line));
      EXPECT_EQ(line, expected);
    }
    EXPECT_GE(code.lines.size(), 5U);
  }
}

}  // namespace
}  // namespace weir::lab

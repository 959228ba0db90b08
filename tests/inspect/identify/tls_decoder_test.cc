#include "inspect/identify/tls_decoder.h"

#include <gtest/gtest.h>

#include <sstream>

#include "inspect/identify/starttls_decoder.h"
#include "tests/inspect/identify/hello_maker.h"
#include "tests/support/split_check.h"

namespace weir::inspect {
namespace {

using test::Bytes;
using test::handshake;
using test::HelloSpec;
using test::record;
using test::server_hello_body;
using test::operator+;

constexpr Direction kUp = Direction::kToServer;
constexpr Direction kDown = Direction::kToClient;

// A leaf with common name cn.example and alternative names a.example, *.B.example.
Bytes certificate_message() {
  const auto tlv = [](uint8_t tag, const Bytes& content) {
    Bytes out{tag};
    if (content.size() >= 128) out.push_back(0x81);
    test::put_sized(out, content, 1);
    return out;
  };
  const auto text = [](std::string_view s) { return Bytes(s.begin(), s.end()); };
  const Bytes name =
      tlv(0x30, tlv(0x31, tlv(0x30, tlv(6, Bytes{0x55, 4, 3}) + tlv(0x0c, text("cn.example")))));
  const Bytes alternatives =
      tlv(0x30, tlv(0x82, text("a.example")) + tlv(0x87, Bytes{10, 0, 0, 1}) +
                    tlv(0x82, text("*.B.example")) + tlv(0x82, text("a.example")));
  const Bytes extensions =
      tlv(0xa3, tlv(0x30, tlv(0x30, tlv(6, Bytes{0x55, 0x1d, 0x0f}) + tlv(1, Bytes{0xff}) +
                                        tlv(4, Bytes{3, 2, 5, 0xa0})) +
                              tlv(0x30, tlv(6, Bytes{0x55, 0x1d, 0x11}) + tlv(4, alternatives))));
  const Bytes tbs =
      tlv(0x30, tlv(0xa0, tlv(2, Bytes{2})) + tlv(2, Bytes{7}) + tlv(0x30, {}) + tlv(0x30, {}) +
                    tlv(0x30, {}) + name + tlv(0x30, {}) + extensions);
  const Bytes der = tlv(0x30, tbs + tlv(0x30, {}) + tlv(3, Bytes{0}));
  Bytes chain;
  test::put_sized(chain, der, 3);
  test::put_sized(chain, Bytes(300, 1), 3);  // an issuer, never read
  Bytes body;
  test::put_sized(body, chain, 3);
  return handshake(11, body);
}

std::string show(const TlsInfo& info) {
  std::ostringstream out;
  out << "hello=" << info.client_hello_seen << info.client_hello_cut << " sni=" << info.sni
      << " offered=" << std::hex << info.offered_version << " ja4=" << info.ja4
      << " server=" << info.server_hello_seen << info.hello_retry << " version=" << info.version
      << " cipher=" << info.cipher << " alpn=" << info.alpn << " ssl2=" << info.ssl2_hello
      << " client=" << static_cast<int>(info.client) << " names=";
  for (const auto& name : info.certificate_names) out << name << ';';
  return out.str();
}

struct Session {
  Limits limits;
  TlsCounters counters;
  TlsDecoder decoder{limits, counters};
  DecodeStatus feed(Direction d, const Bytes& bytes) { return decoder.on_data(d, bytes); }
};

// Both directions, client first, in the given chunks of the client's and then the server's bytes.
void expect_same_at_every_split(const Bytes& up, const Bytes& down) {
  const auto feeder = [&](bool split_up) {
    return [&, split_up](const std::vector<ByteSpan>& chunks) {
      Session run;
      DecodeStatus status = DecodeStatus::kContinue;
      const auto give = [&](Direction d, ByteSpan data) {
        if (status == DecodeStatus::kContinue) status = run.decoder.on_data(d, data);
      };
      const std::vector<ByteSpan> all_up = split_up ? chunks : std::vector<ByteSpan>{up};
      const std::vector<ByteSpan> all_down = split_up ? std::vector<ByteSpan>{down} : chunks;
      for (const ByteSpan chunk : all_up) give(kUp, chunk);
      for (const ByteSpan chunk : all_down) give(kDown, chunk);
      return show(run.decoder.info()) + " status=" + std::to_string(static_cast<int>(status));
    };
  };
  test::split_check(up, feeder(true));
  test::split_check(down, feeder(false));
}

const Bytes kHello = handshake(1, test::bun_hello("api.anthropic.com").body());

TEST(TlsDecoder, Tls13IsDoneAfterServerHello) {
  Session run;
  EXPECT_EQ(run.feed(kUp, record(22, kHello)), DecodeStatus::kContinue);
  EXPECT_EQ(run.decoder.changes(), 1U);
  EXPECT_EQ(run.decoder.info().sni, "api.anthropic.com");
  EXPECT_EQ(run.decoder.info().ja4, "t13d1714h1_5b57614c22b0_43ade6aba3df");
  EXPECT_EQ(run.feed(kDown, record(22, handshake(2, server_hello_body(0x303, 0x304, 0x1301, "")))),
            DecodeStatus::kDone);
  EXPECT_EQ(run.decoder.info().version, 0x0304);
  EXPECT_EQ(run.decoder.info().cipher, 0x1301);
  EXPECT_EQ(run.counters.client_hellos.get(), 1U);
  EXPECT_EQ(run.counters.server_hellos.get(), 1U);
}

TEST(TlsDecoder, Tls12IsDoneAfterTheCertificate) {
  Session run;
  EXPECT_EQ(run.feed(kUp, record(22, kHello)), DecodeStatus::kContinue);
  const Bytes server =
      record(22, handshake(2, server_hello_body(0x303, 0, 0xc02f, "h2")) + certificate_message());
  EXPECT_EQ(run.feed(kDown, server), DecodeStatus::kDone);
  EXPECT_EQ(run.decoder.info().version, 0x0303);
  EXPECT_EQ(run.decoder.info().alpn, "h2");
  EXPECT_EQ(run.decoder.info().certificate_names,
            (std::vector<std::string>{"a.example", "*.b.example", "cn.example"}));
  EXPECT_EQ(run.counters.certificates.get(), 1U);
  EXPECT_EQ(run.counters.certificates_malformed.get(), 0U);
}

TEST(TlsDecoder, EverySplitGivesTheSame) {
  // The ClientHello over records of 50 bytes with an alert between the first two.
  Bytes up;
  for (size_t at = 0; at < kHello.size(); at += 50) {
    const size_t end = std::min(kHello.size(), at + 50);
    up = up + record(22, Bytes(kHello.begin() + static_cast<ptrdiff_t>(at),
                               kHello.begin() + static_cast<ptrdiff_t>(end)));
    if (at == 0) up = up + record(21, Bytes{1, 0});
  }
  up = up + record(20, Bytes{1}) + record(23, Bytes(100, 7));
  const Bytes down = record(22, handshake(2, server_hello_body(0x303, 0, 0xc02f, "http/1.1"))) +
                     record(22, certificate_message()) + record(22, handshake(14, {})) +
                     record(20, Bytes{1}) + record(22, Bytes(40, 0xee));
  expect_same_at_every_split(up, down);
  Session run;
  EXPECT_EQ(run.feed(kUp, up), DecodeStatus::kContinue);
  EXPECT_EQ(run.decoder.info().sni, "api.anthropic.com");
  EXPECT_EQ(run.counters.alerts.get(), 1U);
  // Other protocols, garbage after a hello.
  expect_same_at_every_split(Bytes{'G', 'E', 'T', ' ', '/', ' ', 'H', 'T'}, down);
  expect_same_at_every_split(record(22, kHello), Bytes{'H', 'T', 'T', 'P', '/', '1', '.', '1'});
}

TEST(TlsDecoder, HelloRetryKeepsTheFirstHelloAndWaitsForTheServerHello) {
  Session run;
  (void)run.feed(kUp, record(22, kHello));
  const Bytes retry = record(22, handshake(2, server_hello_body(0x303, 0x304, 0x1301, "", true))) +
                      record(20, Bytes{1});
  EXPECT_EQ(run.feed(kDown, retry), DecodeStatus::kContinue);
  EXPECT_EQ(run.feed(kUp, record(20, Bytes{1}) +
                              record(22, handshake(1, test::bun_hello("other").body()))),
            DecodeStatus::kContinue);
  EXPECT_EQ(run.feed(kDown, record(22, handshake(2, server_hello_body(0x303, 0x304, 0x1302, "")))),
            DecodeStatus::kDone);
  EXPECT_TRUE(run.decoder.info().hello_retry);
  EXPECT_EQ(run.decoder.info().cipher, 0x1302);
  EXPECT_EQ(run.decoder.info().sni, "api.anthropic.com");
}

TEST(TlsDecoder, ReversedDirectionsAreReported) {
  Session run;
  (void)run.feed(kDown, record(22, kHello));
  EXPECT_EQ(run.decoder.info().client, kDown);
  EXPECT_EQ(run.feed(kUp, record(22, handshake(2, server_hello_body(0x303, 0x304, 0x1301, "")))),
            DecodeStatus::kDone);
}

TEST(TlsDecoder, OneSideAloneEndsAfterSomeData) {
  Session run;
  EXPECT_EQ(run.feed(kUp, record(22, kHello)), DecodeStatus::kContinue);
  DecodeStatus status = DecodeStatus::kContinue;
  int records = 0;
  while (status == DecodeStatus::kContinue && records < 100) {
    status = run.feed(kUp, record(23, Bytes(16000, 1)));
    ++records;
  }
  EXPECT_EQ(status, DecodeStatus::kDone);
  EXPECT_EQ(records, 5);
}

TEST(TlsDecoder, AGapOrAnEndInsideTheHelloStillGivesTheName) {
  const Bytes whole = record(22, kHello);
  const Bytes part(whole.begin(), whole.begin() + 180);
  Session gap;
  EXPECT_EQ(gap.feed(kUp, part), DecodeStatus::kContinue);
  EXPECT_EQ(gap.decoder.on_gap(kUp, 40), DecodeStatus::kContinue);
  EXPECT_EQ(gap.decoder.info().sni, "api.anthropic.com");
  EXPECT_TRUE(gap.decoder.info().client_hello_cut);
  EXPECT_EQ(gap.decoder.info().ja4, "");
  EXPECT_EQ(gap.counters.gaps.get(), 1U);
  EXPECT_EQ(gap.counters.client_hellos_cut.get(), 1U);
  Session end;
  EXPECT_EQ(end.feed(kUp, part), DecodeStatus::kContinue);
  end.decoder.on_end(kUp, EndReason::kReset);
  EXPECT_EQ(end.decoder.info().sni, "api.anthropic.com");
}

TEST(TlsDecoder, AHelloOverTheLimitIsCountedAndReadAsFarAsItGoes) {
  Session run;
  run.limits.client_hello_bytes = 600;
  HelloSpec spec = test::bun_hello("api.anthropic.com");
  spec.add(0x1234, Bytes(3000, 5));
  (void)run.feed(kUp, record(22, handshake(1, spec.body())));
  EXPECT_EQ(run.counters.client_hello_limit.get(), 1U);
  EXPECT_EQ(run.decoder.info().sni, "api.anthropic.com");
  EXPECT_TRUE(run.decoder.info().client_hello_cut);
}

TEST(TlsDecoder, ALargePostQuantumHelloOverManyRecords) {
  HelloSpec spec = test::bun_hello("chatgpt.com");
  spec.add(0x1234, Bytes(40000, 5));
  const Bytes hello = handshake(1, spec.body());
  Bytes up;
  for (size_t at = 0; at < hello.size(); at += 16000) {
    up = up + record(22, Bytes(hello.begin() + static_cast<ptrdiff_t>(at),
                               hello.begin() +
                                   static_cast<ptrdiff_t>(std::min(hello.size(), at + 16000))));
  }
  Session run;
  (void)run.feed(kUp, up);
  EXPECT_EQ(run.decoder.info().sni, "chatgpt.com");
  EXPECT_FALSE(run.decoder.info().client_hello_cut);
  EXPECT_EQ(run.counters.client_hello_limit.get(), 0U);
}

TEST(TlsDecoder, Ssl2Hello) {
  Bytes message{1, 3, 1, 0, 6, 0, 0, 0, 16, 0, 0, 0x2f, 7, 0, 0xc0};
  message.resize(message.size() + 16, 0x33);
  Bytes up{0x80, static_cast<uint8_t>(message.size())};
  up = up + message;
  EXPECT_EQ(probe_tls(up), ProbeAnswer::kYes);
  const Bytes down =
      record(22, handshake(2, server_hello_body(0x301, 0, 0x2f, "")) + certificate_message());
  expect_same_at_every_split(up, down);
  Session run;
  EXPECT_EQ(run.feed(kUp, up), DecodeStatus::kContinue);
  EXPECT_EQ(run.feed(kDown, down), DecodeStatus::kDone);
  EXPECT_TRUE(run.decoder.info().ssl2_hello);
  EXPECT_EQ(run.decoder.info().offered_version, 0x0301);
  EXPECT_EQ(run.decoder.info().certificate_names.size(), 3U);
  EXPECT_EQ(run.counters.ssl2_hellos.get(), 1U);
}

TEST(TlsDecoder, OtherProtocolsAreNotMine) {
  Session run;
  EXPECT_EQ(run.feed(kUp, Bytes{'G', 'E', 'T', ' ', '/'}), DecodeStatus::kNotMine);
  EXPECT_EQ(run.counters.not_tls.get(), 1U);
  Session broken;
  (void)broken.feed(kUp, record(22, Bytes(kHello.begin(), kHello.begin() + 60)));
  EXPECT_EQ(broken.feed(kUp, Bytes{1, 2, 3, 4, 5}), DecodeStatus::kMalformed);
  EXPECT_EQ(broken.counters.malformed.get(), 1U);
}

TEST(TlsDecoder, Probe) {
  const Bytes hello = record(22, kHello);
  EXPECT_EQ(probe_tls({}), ProbeAnswer::kMaybe);
  for (size_t size = 1; size <= 5; ++size) {
    EXPECT_EQ(probe_tls(ByteSpan(hello).first(size)), ProbeAnswer::kMaybe) << size;
  }
  EXPECT_EQ(probe_tls(hello), ProbeAnswer::kYes);
  EXPECT_EQ(probe_tls(as_bytes("GET / HTTP/1.1\r\n")), ProbeAnswer::kNo);
  Bytes other_minor = hello;
  other_minor[2] = 0x7f;
  EXPECT_EQ(probe_tls(other_minor), ProbeAnswer::kYes);
  EXPECT_EQ(probe_tls(as_bytes("\x16\x04\x01")), ProbeAnswer::kNo);
  EXPECT_EQ(probe_tls(record(23, Bytes(30, 1))), ProbeAnswer::kNo);
}

TEST(StarttlsDecoder, FindsTheHelloAfterSmtpAtEverySplit) {
  const std::string talk = "EHLO mail.example\r\nSTARTTLS\r\n";
  const Bytes up = Bytes(talk.begin(), talk.end()) + record(22, kHello);
  const std::string answer = "220 ready\r\n250-STARTTLS\r\n220 go\r\n";
  const Bytes down =
      Bytes(answer.begin(), answer.end()) +
      record(22, handshake(2, server_hello_body(0x303, 0, 0xc02f, "")) + certificate_message());
  const auto feed = [&](const std::vector<ByteSpan>& chunks, bool up_split) {
    Limits limits;
    TlsCounters counters;
    StarttlsDecoder decoder(limits, counters);
    DecodeStatus status = DecodeStatus::kContinue;
    for (const ByteSpan c : up_split ? chunks : std::vector<ByteSpan>{up}) {
      status = decoder.on_data(kUp, c);
    }
    for (const ByteSpan c : up_split ? std::vector<ByteSpan>{down} : chunks) {
      if (status == DecodeStatus::kContinue) status = decoder.on_data(kDown, c);
    }
    EXPECT_TRUE(decoder.found());
    EXPECT_EQ(decoder.info().sni, "api.anthropic.com");
    EXPECT_EQ(decoder.info().certificate_names.size(), 3U);
    EXPECT_EQ(counters.starttls_found.get(), 1U);
    return show(decoder.info()) + std::to_string(static_cast<int>(status));
  };
  test::split_check(up, [&](const auto& chunks) { return feed(chunks, true); });
  test::split_check(down, [&](const auto& chunks) { return feed(chunks, false); });
}

TEST(StarttlsDecoder, GivesUpAtTheLimit) {
  Limits limits;
  TlsCounters counters;
  StarttlsDecoder decoder(limits, counters);
  const Bytes noise(StarttlsDecoder::kSearchBytes, 0x16);
  EXPECT_EQ(decoder.on_data(kUp, noise), DecodeStatus::kContinue);
  EXPECT_EQ(decoder.on_data(kDown, noise), DecodeStatus::kDone);
  EXPECT_FALSE(decoder.found());
  EXPECT_EQ(counters.starttls_given_up.get(), 1U);
}

}  // namespace
}  // namespace weir::inspect

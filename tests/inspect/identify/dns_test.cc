#include "inspect/identify/dns.h"

#include <gtest/gtest.h>

#include <sstream>

#include "inspect/identify/name_cache.h"
#include "tests/inspect/identify/dns_maker.h"
#include "tests/support/split_check.h"

namespace weir::inspect {
namespace {

using test::Bytes;
using test::dns_header;
using test::dns_name;
using test::dns_pointer;
using test::dns_question;
using test::dns_record;
using test::operator+;

std::string show(const DnsMessage& m) {
  std::ostringstream out;
  out << (m.response ? "answer" : "query") << (m.damaged ? " damaged" : "");
  for (const auto& q : m.questions) out << " ?" << q.name << '/' << q.type;
  for (const auto& a : m.addresses) {
    out << ' ' << a.name << '=' << a.address.to_string() << '/' << a.ttl << (a.hint ? "h" : "");
  }
  for (const auto& s : m.services) {
    out << ' ' << s.name << "->" << s.target << ':' << s.priority << (s.ech ? " ech" : "");
    for (const auto& alpn : s.alpn) out << ' ' << alpn;
  }
  return out.str();
}

std::string parse(const Bytes& message) {
  DnsMessage out;
  return parse_dns(message, out) ? show(out) : "not dns";
}

TEST(Dns, Query) {
  EXPECT_EQ(parse(dns_header(0x0100, 1, 0) + dns_question("API.OpenAI.com", 28)),
            "query ?api.openai.com/28");
  EXPECT_EQ(parse(dns_header(0x0100, 1, 0) + dns_question("", 2)), "query ?/2");
}

TEST(Dns, AddressesAlongAnAliasBelongToTheQuestion) {
  EXPECT_EQ(parse(test::dns_answer_with_alias()),
            "answer ?chat.example/1 chat.example=192.0.2.7/30 chat.example=2001:db8::7/60");
}

TEST(Dns, AliasesMayStandInAnyOrderAndLoop) {
  const Bytes message = dns_header(0x8180, 1, 4) + dns_question("a.example", 1) +
                        dns_record(dns_name("c.example"), 1, 5, Bytes{10, 0, 0, 1}) +
                        dns_record(dns_name("b.example"), 5, 5, dns_name("c.example")) +
                        dns_record(dns_name("a.example"), 5, 5, dns_name("b.example")) +
                        dns_record(dns_name("c.example"), 5, 5, dns_name("a.example"));
  EXPECT_EQ(parse(message), "answer ?a.example/1 a.example=10.0.0.1/5");
}

TEST(Dns, AddressesThatWereNotAskedForAreLeftOut) {
  const Bytes message = dns_header(0x8180, 1, 1, 1, 1) + dns_question("a.example", 1) +
                        dns_record(dns_name("bank.example"), 1, 5, Bytes{10, 6, 6, 6}) +
                        dns_record(dns_name("example"), 2, 5, dns_name("ns.example")) +
                        dns_record(dns_name("ns.example"), 1, 5, Bytes{10, 6, 6, 7});
  EXPECT_EQ(parse(message), "answer ?a.example/1");
}

TEST(Dns, MulticastAnswersStandForThemselves) {
  EXPECT_EQ(parse(dns_header(0x8400, 0, 1) +
                  dns_record(dns_name("printer.local"), 1, 120, Bytes{10, 0, 0, 9})),
            "answer printer.local=10.0.0.9/120");
}

TEST(Dns, HttpsRecord) {
  Bytes rdata = test::u16s({1}) + dns_name("");
  const auto param = [&rdata](uint16_t key, const Bytes& value) {
    test::put_uint(rdata, key, 2);
    test::put_sized(rdata, value, 2);
  };
  param(1, Bytes{2, 'h', '3', 2, 'h', '2'});
  param(4, Bytes{192, 0, 2, 1, 192, 0, 2, 2});
  param(5, Bytes(40, 7));
  param(6, test::from_hex("20010db8000000000000000000000001"));
  EXPECT_EQ(parse(dns_header(0x8180, 1, 1) + dns_question("chatgpt.com", 65) +
                  dns_record(dns_pointer(12), 65, 300, rdata)),
            "answer ?chatgpt.com/65 chatgpt.com=192.0.2.1/300h chatgpt.com=192.0.2.2/300h "
            "chatgpt.com=2001:db8::1/300h chatgpt.com->:1 ech h3 h2");
  // Alias form: the target's addresses answer the question.
  EXPECT_EQ(parse(dns_header(0x8180, 1, 1, 0, 1) + dns_question("a.example", 65) +
                  dns_record(dns_pointer(12), 65, 9, test::u16s({0}) + dns_name("pool.example")) +
                  dns_record(dns_name("pool.example"), 1, 8, Bytes{10, 1, 1, 1})),
            "answer ?a.example/65 a.example=10.1.1.1/8 a.example->pool.example:0");
}

// An ECHConfigList: one configuration of an unknown version, then one that names its public name.
Bytes ech_configs(uint8_t id, std::string_view public_name) {
  Bytes config{id};
  test::put(config, ByteSpan(test::u16s({0x0020})));  // KEM: X25519
  test::put_sized(config, Bytes(32, 9), 2);
  test::put_sized(config, test::u16s({1, 1}), 2);
  config.push_back(64);
  test::put_sized(config, Bytes(public_name.begin(), public_name.end()), 1);
  test::put_sized(config, Bytes{}, 2);  // extensions
  Bytes list = test::u16s({0xfe0a});
  test::put_sized(list, Bytes(5, 1), 2);
  test::put(list, ByteSpan(test::u16s({0xfe0d})));
  test::put_sized(list, config, 2);
  Bytes out;
  test::put_sized(out, list, 2);
  return out;
}

Bytes https_answer(const Bytes& configs) {
  Bytes rdata = test::u16s({1}) + dns_name("") + test::u16s({5});
  test::put_sized(rdata, configs, 2);
  return dns_header(0x8180, 1, 1) + dns_question("chat.example", 65) +
         dns_record(dns_pointer(12), 65, 300, rdata);
}

TEST(Dns, ThePublicNameOfAnEchConfiguration) {
  const Bytes configs = ech_configs(77, "Front.Example");
  DnsMessage out;
  ASSERT_TRUE(parse_dns(https_answer(configs), out));
  ASSERT_EQ(out.services.size(), 1U);
  EXPECT_TRUE(out.services[0].ech);
  EXPECT_EQ(out.services[0].ech_public_name, "front.example");
  EXPECT_EQ(out.services[0].ech_config_id, 77);
  // Cut anywhere, it is an offer all the same, and never half a name.
  for (size_t size = 0; size < configs.size(); ++size) {
    ASSERT_TRUE(parse_dns(
        https_answer(Bytes(configs.begin(), configs.begin() + static_cast<ptrdiff_t>(size))), out));
    ASSERT_EQ(out.services.size(), 1U);
    EXPECT_TRUE(out.services[0].ech);
    const std::string& name = out.services[0].ech_public_name;
    EXPECT_TRUE(name.empty() || name == "front.example") << size;
  }

  // A hello that shows this name hides another.
  const Limits limits;
  NameCacheCounters counters;
  NameCache cache(limits, counters);
  EXPECT_FALSE(cache.is_ech_public_name("front.example"));
  ASSERT_TRUE(parse_dns(https_answer(configs), out));
  cache.add(*IpAddress::parse("10.0.0.1"), out, Timestamp{1});
  EXPECT_TRUE(cache.is_ech_public_name("front.example"));
  EXPECT_FALSE(cache.is_ech_public_name("chat.example"));
  EXPECT_FALSE(cache.is_ech_public_name(""));
  // Bounded: the oldest goes first.
  for (int i = 0; i < 256; ++i) {
    ASSERT_TRUE(parse_dns(https_answer(ech_configs(1, "n" + std::to_string(i))), out));
    cache.add(*IpAddress::parse("10.0.0.1"), out, Timestamp{1});
  }
  EXPECT_FALSE(cache.is_ech_public_name("front.example"));
  EXPECT_TRUE(cache.is_ech_public_name("n255"));
}

TEST(Dns, PointersGoBackOnlyAndLabelsAreMadeSafe) {
  const Bytes self = dns_header(0x0100, 1, 0) + dns_pointer(12) + test::u16s({1, 1});
  EXPECT_EQ(parse(self), "not dns");
  const Bytes forward =
      dns_header(0x0100, 1, 0) + dns_pointer(18) + test::u16s({1, 1}) + dns_name("x");
  EXPECT_EQ(parse(forward), "not dns");
  // Two names that point into each other.
  const Bytes loop = dns_header(0x0100, 1, 0) + Bytes{1, 'a'} + dns_pointer(12);
  EXPECT_EQ(parse(loop + test::u16s({1, 1})), "not dns");
  const Bytes odd =
      dns_header(0x0100, 1, 0) + Bytes{3, 'A', '.', 0x07, 2, 0xc3, ' ', 0} + test::u16s({1, 1});
  EXPECT_EQ(parse(odd),
            "query ?a?"
            "?.?"
            "?/1");
  Bytes deep = dns_header(0x0100, 1, 0);
  for (int i = 0; i < 130; ++i) deep = deep + Bytes{1, 'a'};
  EXPECT_EQ(parse(deep + Bytes{0, 0, 1, 0, 1}), "not dns");  // over 255 bytes
}

TEST(Dns, WhatIsCutIsReadAsFarAsItGoes) {
  const Bytes whole = test::dns_answer_with_alias();
  size_t with_address = 0;
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto exact = std::make_unique<uint8_t[]>(size);
    std::copy_n(whole.begin(), size, exact.get());
    DnsMessage out;
    if (!parse_dns({exact.get(), size}, out)) continue;
    EXPECT_TRUE(out.damaged) << size;
    EXPECT_EQ(out.questions.at(0).name, "chat.example");
    with_address += out.addresses.empty() ? 0 : 1;
  }
  EXPECT_GT(with_address, 20U);
}

TEST(Dns, RecordsAreBounded) {
  Bytes message = dns_header(0x8180, 1, 1000) + dns_question("a.example", 1);
  for (int i = 0; i < 1000; ++i) {
    message =
        message + dns_record(dns_pointer(12), 1, 5,
                             Bytes{10, 0, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)});
  }
  DnsMessage out;
  ASSERT_TRUE(parse_dns(message, out));
  EXPECT_TRUE(out.limited);
  EXPECT_EQ(out.addresses.size(), kMaxDnsAddresses);
}

TEST(Dns, Probe) {
  const Bytes query = dns_header(0x0100, 1, 0) + dns_question("api.openai.com", 1);
  EXPECT_EQ(probe_dns(query), ProbeAnswer::kYes);
  EXPECT_EQ(probe_dns(test::dns_answer_with_alias()), ProbeAnswer::kYes);
  EXPECT_EQ(probe_dns(ByteSpan(query).first(20)), ProbeAnswer::kNo);
  EXPECT_EQ(probe_dns(as_bytes("\x16\xfe\xff just some other datagram, not DNS")),
            ProbeAnswer::kNo);
  Bytes tcp;
  test::put_sized(tcp, query, 2);
  EXPECT_EQ(probe_dns_tcp(tcp), ProbeAnswer::kYes);
  for (size_t size = 0; size < tcp.size(); ++size) {
    EXPECT_EQ(probe_dns_tcp(ByteSpan(tcp).first(size)), ProbeAnswer::kMaybe) << size;
  }
  EXPECT_EQ(probe_dns_tcp(as_bytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n")), ProbeAnswer::kNo);
}

struct Transcript final : DnsSink {
  std::string text;
  void on_dns(Direction, const DnsMessage& m) noexcept override { text += show(m) + '\n'; }
};

TEST(DnsTcpDecoder, EverySplitGivesTheSame) {
  Bytes stream;
  test::put_sized(stream, dns_header(0x0100, 1, 0) + dns_question("one.example", 1), 2);
  test::put_sized(stream, test::dns_answer_with_alias(), 2);
  test::put_sized(stream, dns_header(0x0100, 1, 0) + dns_question("three.example", 28), 2);
  std::string last;
  test::split_check(stream, [&last](const std::vector<ByteSpan>& chunks) {
    DnsCounters counters;
    Transcript sink;
    DnsTcpDecoder decoder(counters, sink);
    for (const ByteSpan chunk : chunks) {
      EXPECT_EQ(decoder.on_data(Direction::kToServer, chunk), DecodeStatus::kContinue);
    }
    EXPECT_EQ(counters.messages.get(), 3U);
    return last = sink.text;
  });
  EXPECT_NE(last.find("?three.example/28"), std::string::npos);
}

TEST(DnsTcpDecoder, EndsOnGarbageAndOnGaps) {
  DnsCounters counters;
  Transcript sink;
  DnsTcpDecoder other(counters, sink);
  EXPECT_EQ(other.on_data(Direction::kToServer, as_bytes(std::string_view("\0\4abcd", 6))),
            DecodeStatus::kNotMine);
  EXPECT_EQ(counters.not_dns.get(), 1U);
  DnsTcpDecoder broken(counters, sink);
  Bytes stream;
  test::put_sized(stream, dns_header(0x0100, 1, 0) + dns_question("one.example", 1), 2);
  EXPECT_EQ(broken.on_data(Direction::kToServer, stream + Bytes{0, 2, 1, 1}),
            DecodeStatus::kMalformed);
  EXPECT_EQ(counters.malformed.get(), 1U);
  DnsTcpDecoder gaps(counters, sink);
  EXPECT_EQ(gaps.on_gap(Direction::kToServer, 7), DecodeStatus::kContinue);
  EXPECT_EQ(gaps.on_data(Direction::kToServer, Bytes(100, 1)), DecodeStatus::kContinue);
  EXPECT_EQ(gaps.on_gap(Direction::kToClient, 7), DecodeStatus::kDone);
  EXPECT_EQ(counters.gaps.get(), 2U);
}

}  // namespace
}  // namespace weir::inspect

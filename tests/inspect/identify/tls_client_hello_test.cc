#include "inspect/identify/tls_client_hello.h"

#include <gtest/gtest.h>

#include <memory>

#include "inspect/identify/tls_fingerprint.h"
#include "inspect/identify/tls_info.h"
#include "tests/inspect/identify/hello_maker.h"

namespace weir::inspect {
namespace {

using test::Bytes;
using test::HelloSpec;

// The views in a hello point into the body, which must therefore live on.
struct Parsed {
  Bytes body;
  std::optional<ClientHello> hello;
  explicit Parsed(const HelloSpec& spec) : body(spec.body()), hello(parse_client_hello(body)) {}
};

TEST(ClientHello, ReadsWhatClientsSend) {
  const Parsed p(test::bun_hello("API.Anthropic.com"));
  ASSERT_TRUE(p.hello);
  const ClientHello& h = *p.hello;
  EXPECT_EQ(h.sni, "api.anthropic.com");
  EXPECT_TRUE(h.has_sni);
  EXPECT_EQ(h.legacy_version, 0x0303);
  EXPECT_EQ(h.highest_version(), 0x0304);
  ASSERT_EQ(h.ciphers.size(), 17U);
  EXPECT_EQ(h.ciphers[3], 0xc02b);
  EXPECT_EQ(as_chars(h.alpn_name(0)), "http/1.1");
  EXPECT_TRUE(h.alpn_name(1).empty());
  EXPECT_EQ(h.groups.size(), 3U);
  EXPECT_EQ(h.signature_algorithms.size(), 9U);
  EXPECT_EQ(h.point_formats.size(), 1U);
  EXPECT_EQ(h.extension_types.size(), 14U);
  EXPECT_EQ(h.ech, EchSeen::kNone);
  EXPECT_FALSE(h.cut);
  EXPECT_FALSE(h.malformed);
}

// Published fingerprints of the same lists.
TEST(ClientHello, FingerprintsOfTheBunRuntime) {
  const Parsed p(test::bun_hello("api.anthropic.com"));
  ASSERT_TRUE(p.hello);
  EXPECT_EQ(ja3_text(*p.hello),
            "771,4865-4866-4867-49195-49199-49196-49200-52393-52392-49161-49171-49162-49172-156-157"
            "-47-53,0-23-65281-10-11-35-16-5-13-18-51-45-43-21,29-23-24,0");
  EXPECT_EQ(ja3(*p.hello), "d871d02cecbde59abbf8f4806134addf");
  EXPECT_EQ(ja4(*p.hello, HelloTransport::kTcp), "t13d1714h1_5b57614c22b0_43ade6aba3df");
}

// The worked example of the JA4 specification: a Chrome hello with GREASE.
TEST(ClientHello, Ja4IgnoresGreaseAndSorts) {
  HelloSpec spec;
  spec.ciphers = {0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030,
                  0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035};
  spec.add(0x3a3a).add(0x001b, Bytes{2, 0, 2}).sni("example.com").add(0x0033, Bytes{0, 0});
  spec.alpn({"h2", "http/1.1"}).add(0x4469, Bytes{0, 0}).add(0x0017).add(0x002d, Bytes{1, 1});
  spec.list16(0x000d, {0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601});
  spec.add(0x0005).add(0x0023).add(0x0012).versions({0xdada, 0x0304, 0x0303});
  spec.add(0xff01, Bytes{0}).point_formats({0}).list16(0x000a, {0x6a6a, 0x001d}).add(0x0015);
  spec.add(0x8a8a, Bytes{0});
  const Parsed p(spec);
  ASSERT_TRUE(p.hello);
  EXPECT_EQ(ja4(*p.hello, HelloTransport::kTcp), "t13d1516h2_8daaf6152771_e5627efa2ab1");
  EXPECT_EQ(ja4(*p.hello, HelloTransport::kQuic), "q13d1516h2_8daaf6152771_e5627efa2ab1");
}

TEST(ClientHello, Ja4WithoutNameAlpnOrExtensions) {
  HelloSpec spec;
  spec.legacy_version = 0x0301;
  spec.ciphers = {};
  const Parsed bare(spec);
  ASSERT_TRUE(bare.hello);
  EXPECT_EQ(ja4(*bare.hello, HelloTransport::kTcp), "t10i000000_000000000000_000000000000");
  spec.ciphers.assign(120, 0x1301);
  const Parsed many(spec);
  ASSERT_TRUE(many.hello);
  EXPECT_EQ(ja4(*many.hello, HelloTransport::kTcp).substr(0, 10), "t10i990000");
}

TEST(ClientHello, Ja4AlpnThatIsNotAlphanumericIsShownInHex) {
  const auto alpn_part = [](std::string_view name) {
    HelloSpec spec;
    spec.alpn({name});
    const Parsed p(spec);
    return ja4(*p.hello, HelloTransport::kTcp).substr(8, 2);
  };
  EXPECT_EQ(alpn_part("h2"), "h2");
  EXPECT_EQ(alpn_part("x"), "xx");
  EXPECT_EQ(alpn_part("\xab"), "ab");
  EXPECT_EQ(alpn_part("\xab\xcd"), "ad");
  EXPECT_EQ(alpn_part("\x30\xab"), "3b");
  EXPECT_EQ(alpn_part("\x30\x31\xab\xcd"), "3d");
  EXPECT_EQ(alpn_part("\x30\xab\xcd\x31"), "01");
}

TEST(ClientHello, OddNamesAreMadeSafe) {
  EXPECT_EQ(safe_host(as_bytes("Ex\xc3\xa4mple.COM.")), "ex??mple.com");
  EXPECT_EQ(safe_host(as_bytes(std::string_view("a\nb\0", 4))), "a?b");
  EXPECT_EQ(safe_host({}), "");
  EXPECT_EQ(safe_host(as_bytes(".")), ".");
  EXPECT_EQ(safe_host(as_bytes(std::string(400, 'A'))).size(), 255U);
  HelloSpec spec;
  spec.add(0);  // an empty server_name extension, as servers send it
  const Parsed p(spec);
  ASSERT_TRUE(p.hello);
  EXPECT_TRUE(p.hello->has_sni);
  EXPECT_EQ(p.hello->sni, "");
}

TEST(ClientHello, EncryptedClientHello) {
  Bytes outer{0, 0, 1, 0, 1, 0x42};
  test::put_sized(outer, Bytes(32, 9), 2);
  test::put_sized(outer, Bytes(176, 8), 2);
  HelloSpec grease;
  grease.sni("chat.example").add(0xfe0d, outer);
  const Parsed possible(grease);
  ASSERT_TRUE(possible.hello);
  EXPECT_EQ(possible.hello->ech, EchSeen::kPossible);
  EXPECT_EQ(possible.hello->ech_config_id, 0x42);
  EXPECT_EQ(possible.hello->ech_payload_bytes, 176);
  HelloSpec real;
  real.sni("cloudflare-ech.com").add(0xfe0d, outer);
  EXPECT_EQ(Parsed(real).hello->ech, EchSeen::kLikely);
  HelloSpec inner;
  inner.sni("secret.example").add(0xfe0d, Bytes{1});
  EXPECT_EQ(Parsed(inner).hello->ech, EchSeen::kInner);
}

// Every prefix is read without harm; the name is there as soon as its extension is complete.
TEST(ClientHello, EveryPrefix) {
  const Bytes body = test::bun_hello("api.anthropic.com").body();
  const std::string whole = ja4(*parse_client_hello(body), HelloTransport::kTcp);
  size_t with_name = 0;
  for (size_t size = 0; size < body.size(); ++size) {
    const auto exact = std::make_unique<uint8_t[]>(size);
    std::copy_n(body.begin(), size, exact.get());
    const auto cut = parse_client_hello({exact.get(), size}, true);
    if (!cut) continue;
    EXPECT_TRUE(cut->cut) << size;
    EXPECT_FALSE(cut->malformed) << size;
    EXPECT_EQ(ja4(*cut, HelloTransport::kTcp), "") << size;
    if (cut->sni == "api.anthropic.com") ++with_name;
    const auto broken = parse_client_hello({exact.get(), size}, false);
    ASSERT_TRUE(broken);
    EXPECT_TRUE(broken->malformed || broken->extension_types.empty()) << size;
  }
  EXPECT_GT(with_name, 200U);
}

TEST(ClientHello, ContradictionsAreMarked) {
  HelloSpec spec;
  spec.sni("a.example").add(10, Bytes{0, 9, 0, 29});  // a list longer than its extension
  const Parsed p(spec);
  ASSERT_TRUE(p.hello);
  EXPECT_TRUE(p.hello->malformed);
  EXPECT_EQ(p.hello->sni, "a.example");
  EXPECT_TRUE(p.hello->groups.empty());
  EXPECT_FALSE(parse_client_hello(Bytes(20, 0)));
  Bytes other = HelloSpec().body();
  other[0] = 9;
  EXPECT_FALSE(parse_client_hello(other));
}

TEST(ClientHello, ExtensionsAreBounded) {
  HelloSpec spec;
  for (size_t i = 0; i < kMaxExtensions + 10; ++i) spec.add(static_cast<uint16_t>(1000 + i));
  const Parsed p(spec);
  ASSERT_TRUE(p.hello);
  EXPECT_TRUE(p.hello->malformed);
  EXPECT_EQ(p.hello->extension_types.size(), kMaxExtensions);
}

TEST(TlsInfo, VersionNames) {
  EXPECT_EQ(tls_version_name(0x0304), "TLS 1.3");
  EXPECT_EQ(tls_version_name(0x7f1c), "0x7f1c");
}

}  // namespace
}  // namespace weir::inspect

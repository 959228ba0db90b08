// Cost of learning a name: per ClientHello, per QUIC Initial, per DNS answer, per look-up. Bytes
// are those of the message or datagram.
#include <benchmark/benchmark.h>

#include "inspect/identify/name_cache.h"
#include "inspect/identify/quic_initial.h"
#include "inspect/identify/starttls_decoder.h"
#include "tests/inspect/identify/dns_maker.h"
#include "tests/inspect/identify/quic_maker.h"

namespace {

using namespace weir::inspect;
using weir::Direction;
using weir::test::Bytes;
using weir::test::operator+;

constexpr char kName[] = "api.anthropic.com";
constexpr char kJa4[] = "t13d1714h1_5b57614c22b0_43ade6aba3df";

void set_rates(benchmark::State& state, size_t bytes) {
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes));
}

void ParseClientHello(benchmark::State& state) {
  const Bytes body = weir::test::bun_hello(kName).body();
  for (auto _ : state) {
    const auto hello = parse_client_hello(body);
    if (!hello || hello->sni != kName) {
      state.SkipWithError("wrong name");
      break;
    }
  }
  set_rates(state, body.size());
}
BENCHMARK(ParseClientHello);

void ParseClientHelloAndFingerprints(benchmark::State& state) {
  const Bytes body = weir::test::bun_hello(kName).body();
  for (auto _ : state) {
    const auto hello = parse_client_hello(body);
    TlsInfo info;
    if (hello) fill_client_hello(*hello, HelloTransport::kTcp, info);
    if (info.ja4 != kJa4) {
      state.SkipWithError("wrong fingerprint");
      break;
    }
  }
  set_rates(state, body.size());
}
BENCHMARK(ParseClientHelloAndFingerprints);

// A whole TLS 1.3 handshake as the engine sees it: a new decoder, both directions.
void TlsHandshake(benchmark::State& state) {
  const Bytes up =
      weir::test::record(22, weir::test::handshake(1, weir::test::bun_hello(kName).body()));
  const Bytes down = weir::test::record(
      22, weir::test::handshake(2, weir::test::server_hello_body(0x303, 0x304, 0x1301, "")));
  const weir::Limits limits;
  TlsCounters counters;
  for (auto _ : state) {
    TlsDecoder decoder(limits, counters);
    (void)decoder.on_data(Direction::kToServer, up);
    if (decoder.on_data(Direction::kToClient, down) != DecodeStatus::kDone ||
        decoder.info().sni != kName || decoder.info().version != 0x0304) {
      state.SkipWithError("wrong handshake");
      break;
    }
  }
  set_rates(state, up.size() + down.size());
}
BENCHMARK(TlsHandshake);

// Text of another protocol, searched for a hello in pieces of 1,400 bytes.
void StarttlsSearch(benchmark::State& state) {
  const Bytes text(1400, 'a');
  const weir::Limits limits;
  TlsCounters counters;
  for (auto _ : state) {
    StarttlsDecoder decoder(limits, counters);
    for (int i = 0; i < 40; ++i) (void)decoder.on_data(Direction::kToServer, text);
    if (decoder.found()) {
      state.SkipWithError("found what is not there");
      break;
    }
  }
  set_rates(state, 40 * text.size());
}
BENCHMARK(StarttlsSearch);

void QuicKeys(benchmark::State& state) {
  const Bytes id = weir::test::from_hex("8394c8f03e515708");
  const QuicVersionTraits& v1 = *quic_version_traits(1);
  for (auto _ : state) {
    const auto keys = derive_quic_initial_keys(v1, id, QuicSide::kClient);
    if (!keys || keys->key[0] != 0x1f || keys->hp[15] != 0xd2) {
      state.SkipWithError("wrong keys");
      break;
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(QuicKeys);

// First datagram to server name: keys, decryption, ClientHello, fingerprints.
void QuicInitial(benchmark::State& state) {
  const Bytes hello = weir::test::handshake(1, weir::test::bun_hello(kName).body());
  const Bytes datagram = weir::test::initial(1, weir::test::from_hex("8394c8f03e515708"), 0,
                                             weir::test::crypto_frame(0, hello));
  const weir::Limits limits;
  QuicCounters counters;
  for (auto _ : state) {
    QuicInitialDecoder decoder(limits, counters);
    if (decoder.on_datagram(Direction::kToServer, datagram) != DecodeStatus::kDone ||
        decoder.info().sni != kName) {
      state.SkipWithError("wrong name");
      break;
    }
  }
  set_rates(state, datagram.size());
}
BENCHMARK(QuicInitial);

void DnsAnswerIntoCache(benchmark::State& state) {
  const Bytes message = weir::test::dns_answer_with_alias();
  const weir::Limits limits;
  NameCacheCounters counters;
  NameCache cache(limits, counters);
  DnsMessage parsed;
  uint32_t client = 0;
  for (auto _ : state) {
    if (!parse_dns(message, parsed) || parsed.addresses.size() != 2) {
      state.SkipWithError("wrong answer");
      break;
    }
    cache.add(weir::IpAddress::v4(++client & 0xffff), parsed, weir::Timestamp{1});
  }
  set_rates(state, message.size());
}
BENCHMARK(DnsAnswerIntoCache);

void NameLookup(benchmark::State& state) {
  constexpr uint32_t kAddresses = 50'000;
  const weir::Limits limits;
  NameCacheCounters counters;
  NameCache cache(limits, counters);
  for (uint32_t i = 0; i < kAddresses; ++i) {
    cache.add(weir::IpAddress::v4(i % 1000), weir::IpAddress::v4(0x08000000 + i),
              "host" + std::to_string(i) + ".example", 60, weir::Timestamp{1});
  }
  uint32_t i = 0;
  for (auto _ : state) {
    i = (i + 7919) % kAddresses;
    const auto found = cache.find(weir::IpAddress::v4(i % 1000),
                                  weir::IpAddress::v4(0x08000000 + i), weir::Timestamp{2});
    if (!found || !found->own) {
      state.SkipWithError("not found");
      break;
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(NameLookup);

}  // namespace

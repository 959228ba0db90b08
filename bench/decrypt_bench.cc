// Decryption: the record layer alone, and the whole decryptor from the bytes of TCP to cleartext.
// Bytes are those of the ciphertext.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <array>
#include <string>
#include <vector>

#include "inspect/decrypt/key_log.h"
#include "inspect/decrypt/tls_decryptor.h"
#include "tests/inspect/decrypt/tls_session.h"

namespace {

using namespace weir::inspect;
using weir::ByteSpan;
using weir::Direction;

struct Sealed {
  RecordHeader header{};
  std::vector<uint8_t> body;
};

// A TLS 1.3 record with number 0 whose content is `size` bytes 'a'.
Sealed seal(const TlsSuite& suite, const RecordKeys& keys, size_t size) {
  Sealed out;
  const size_t sealed = size + 1 + suite.bulk->tag_bytes;
  out.header = {23, 3, 3, static_cast<uint8_t>(sealed >> 8), static_cast<uint8_t>(sealed & 0xff)};
  std::vector<uint8_t> plain(size, 'a');
  plain.push_back(23);
  out.body.resize(sealed);
  EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, suite.bulk->name, nullptr);
  EVP_CIPHER_CTX* ctx = EVP_CIPHER_CTX_new();
  int done = 0;
  EVP_EncryptInit_ex2(ctx, cipher, keys.key.data(), keys.iv.data(), nullptr);
  EVP_EncryptUpdate(ctx, nullptr, &done, out.header.data(), 5);
  EVP_EncryptUpdate(ctx, out.body.data(), &done, plain.data(), static_cast<int>(plain.size()));
  EVP_EncryptFinal_ex(ctx, out.body.data() + done, &done);
  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, out.body.data() + plain.size());
  EVP_CIPHER_CTX_free(ctx);
  EVP_CIPHER_free(cipher);
  return out;
}

void OpenRecord(benchmark::State& state) {
  const TlsSuite& suite = *find_tls_suite(static_cast<uint16_t>(state.range(0)));
  const auto size = static_cast<size_t>(state.range(1));
  RecordKeys keys;
  keys.key.fill(3);
  const Sealed sealed = seal(suite, keys, size);
  RecordOpener opener;
  std::vector<uint8_t> out(sealed.body.size());
  if (!opener.begin(suite, kTls13, false, keys)) state.SkipWithError("no cipher");
  for (auto _ : state) {
    const auto plain = opener.open(0, sealed.header, sealed.body, out.data());
    if (!plain || plain->size() != size + 1 || (*plain)[size - 1] != 'a') {
      state.SkipWithError("wrong plaintext");
      break;
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(sealed.body.size() + 5));
}
BENCHMARK(OpenRecord)
    ->ArgNames({"suite", "bytes"})
    ->Args({0x1301, 16384})
    ->Args({0x1301, 1400})
    ->Args({0x1302, 16384})
    ->Args({0x1302, 1400})
    ->Args({0x1303, 16384})
    ->Args({0x1303, 1400});

struct CountingSink final : ClearSink {
  void on_clear_data(Direction, ByteSpan data) noexcept override { bytes += data.size(); }
  void on_clear_gap(Direction, uint64_t) noexcept override { ++gaps; }
  void on_clear_end(Direction, EndReason) noexcept override {}
  uint64_t bytes = 0;
  uint64_t gaps = 0;
};

// One connection with a request of 100 KB (handshake and key derivation included) in segments of
// 1,460 bytes, or in one piece; keys there first, or after all of it.
void Connection(benchmark::State& state, int version, const char* suites, bool late) {
  weir::test::TlsChoice choice;
  choice.version = version;
  choice.suites = suites;
  weir::test::TlsSession session(choice);
  const auto requests = static_cast<int>(state.range(1));
  const std::string request(100'000, 'r');
  bool good = session.handshake();
  for (int i = 0; i < requests; ++i) good = good && session.write(Direction::kToServer, request);
  if (!good) state.SkipWithError("no session");
  const auto most = static_cast<size_t>(state.range(0));
  const weir::Limits limits;
  KeyStore store;
  KeyStore empty;
  KeyLogCounters log_counters;
  const auto give_keys = [&](KeyStore& to) {
    KeyLogParser parser(to, log_counters);
    parser.feed(weir::as_bytes(session.key_log()), weir::Timestamp{1});
  };
  if (!late) give_keys(store);
  TlsCounters tls_counters;
  DecryptCounters counters;
  DecryptServices services{limits, store, tls_counters, counters};
  size_t wire = 0;
  for (const auto& flight : session.flights()) wire += flight.bytes.size();
  for (auto _ : state) {
    CountingSink sink;
    TlsDecryptor tls(services, sink, true);
    for (const auto& flight : session.flights()) {
      ByteSpan left = flight.bytes;
      while (!left.empty()) {
        const ByteSpan part = left.first(std::min(left.size(), most));
        left = left.subspan(part.size());
        if (tls.on_data(flight.direction, part) != DecodeStatus::kContinue) break;
      }
    }
    if (late) {
      give_keys(store);
      (void)tls.poll_keys(weir::Timestamp{2});
      state.PauseTiming();
      store.clear();
      state.ResumeTiming();
    }
    if (sink.bytes != static_cast<uint64_t>(requests) * request.size() || sink.gaps != 0) {
      state.SkipWithError("wrong cleartext");
      break;
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(wire));
}
void connection_sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"segment", "requests"})->Args({1460, 1})->Args({1460, 20})->Args({65'536, 20});
}
BENCHMARK_CAPTURE(Connection, aes128, 0x304, "TLS_AES_128_GCM_SHA256", false)
    ->Apply(connection_sizes);
BENCHMARK_CAPTURE(Connection, chacha20, 0x304, "TLS_CHACHA20_POLY1305_SHA256", false)
    ->Apply(connection_sizes);
BENCHMARK_CAPTURE(Connection, tls12_aes128_cbc, 0x303, "ECDHE-ECDSA-AES128-SHA", false)
    ->Apply(connection_sizes);
BENCHMARK_CAPTURE(Connection, aes128_late_keys, 0x304, "TLS_AES_128_GCM_SHA256", true)
    ->ArgNames({"segment", "requests"})
    ->Args({1460, 20});

}  // namespace

#include "inspect/decrypt/tls_keys.h"

#include <algorithm>

namespace weir::inspect {
namespace {

// A(i) and blocks of P_hash (RFC 5246 section 5), combined into `out` by exclusive or.
bool xor_p_hash(HashKind hash, ByteSpan secret, std::span<const ByteSpan> seed,
                std::span<uint8_t> out) noexcept {
  Hmac hmac;
  if (!hmac.set_key(hash, secret)) return false;
  const size_t size = hash_bytes(hash);
  std::array<uint8_t, kMaxHashBytes> a{};
  std::array<uint8_t, kMaxHashBytes> block{};
  const auto add_seed = [&] {
    for (const ByteSpan part : seed) hmac.add(part);
  };
  hmac.begin();
  add_seed();
  if (!hmac.end(a.data())) return false;
  size_t done = 0;
  while (done < out.size()) {
    hmac.begin();
    hmac.add(ByteSpan(a).first(size));
    add_seed();
    if (!hmac.end(block.data())) return false;
    const size_t count = std::min(size, out.size() - done);
    for (size_t i = 0; i < count; ++i) out[done + i] ^= block[i];
    done += count;
    hmac.begin();
    hmac.add(ByteSpan(a).first(size));
    if (!hmac.end(a.data())) return false;
  }
  wipe_memory(block.data(), block.size());
  return true;
}

// "A", "BB", "CCC" ... before the secret.
bool ssl3_expand(ByteSpan secret, ByteSpan seed_a, ByteSpan seed_b,
                 std::span<uint8_t> out) noexcept {
  constexpr size_t kMostRounds = 16;
  std::array<uint8_t, kMostRounds> letters{};
  std::array<uint8_t, kMaxHashBytes> inner{};
  std::array<uint8_t, kMaxHashBytes> block{};
  const size_t size = hash_bytes(HashKind::kMd5);
  size_t done = 0;
  for (size_t round = 1; done < out.size(); ++round) {
    if (round > kMostRounds) return false;
    letters.fill(static_cast<uint8_t>('A' + round - 1));
    const std::array<ByteSpan, 4> parts{ByteSpan(letters).first(round), secret, seed_a, seed_b};
    const std::array<ByteSpan, 2> outer{secret, ByteSpan(inner).first(hash_bytes(HashKind::kSha1))};
    if (!hash_of(HashKind::kSha1, parts, inner.data()) ||
        !hash_of(HashKind::kMd5, outer, block.data())) {
      return false;
    }
    const size_t count = std::min(size, out.size() - done);
    std::copy_n(block.begin(), count, out.begin() + static_cast<ptrdiff_t>(done));
    done += count;
  }
  wipe_memory(block.data(), block.size());
  return true;
}

}  // namespace

bool hkdf_expand_label(HashKind hash, ByteSpan secret, std::string_view label, ByteSpan context,
                       std::span<uint8_t> out) noexcept {
  constexpr std::string_view kPrefix = "tls13 ";
  const size_t label_size = kPrefix.size() + label.size();
  if (out.size() > hash_bytes(hash) || label_size > 255 || context.size() > 255) return false;
  const auto out_size = static_cast<uint16_t>(out.size());
  const std::array<uint8_t, 3> head{static_cast<uint8_t>(out_size >> 8),
                                    static_cast<uint8_t>(out_size & 0xff),
                                    static_cast<uint8_t>(label_size)};
  const auto context_size = static_cast<uint8_t>(context.size());
  constexpr uint8_t kFirstBlock = 1;
  std::array<uint8_t, kMaxHashBytes> block{};
  Hmac hmac;
  if (!hmac.set_key(hash, secret)) return false;
  hmac.begin();
  hmac.add(head);
  hmac.add(as_bytes(kPrefix));
  hmac.add(as_bytes(label));
  hmac.add(ByteSpan(&context_size, 1));
  hmac.add(context);
  hmac.add(ByteSpan(&kFirstBlock, 1));
  if (!hmac.end(block.data())) return false;
  std::copy_n(block.begin(), out.size(), out.begin());
  wipe_memory(block.data(), block.size());
  return true;
}

bool derive_traffic_keys(const TlsSuite& suite, ByteSpan traffic_secret, RecordKeys& out) noexcept {
  constexpr size_t kIvBytes = 12;
  return hkdf_expand_label(suite.prf, traffic_secret, "key", {},
                           std::span(out.key).first(suite.bulk->key_bytes)) &&
         hkdf_expand_label(suite.prf, traffic_secret, "iv", {}, std::span(out.iv).first(kIvBytes));
}

bool update_traffic_secret(const TlsSuite& suite, Secret& secret) noexcept {
  std::array<uint8_t, kMaxHashBytes> next{};
  const std::span<uint8_t> out = std::span(next).first(hash_bytes(suite.prf));
  const bool good = hkdf_expand_label(suite.prf, secret.bytes(), "traffic upd", {}, out);
  if (good) secret.assign(out);
  wipe_memory(next.data(), next.size());
  return good;
}

bool tls_prf(uint16_t version, HashKind hash, ByteSpan secret, std::string_view label,
             ByteSpan seed_a, ByteSpan seed_b, std::span<uint8_t> out) noexcept {
  if (version == kSsl30) return ssl3_expand(secret, seed_a, seed_b, out);
  const std::array<ByteSpan, 3> seed{as_bytes(label), seed_a, seed_b};
  std::fill(out.begin(), out.end(), uint8_t{0});
  if (version >= kTls12) return xor_p_hash(hash, secret, seed, out);
  const size_t half = (secret.size() + 1) / 2;
  return xor_p_hash(HashKind::kMd5, secret.first(half), seed, out) &&
         xor_p_hash(HashKind::kSha1, secret.last(half), seed, out);
}

namespace {

// Keys of 40 bits, as laws once demanded (RFC 2246 section 6.3.1): what the key block holds is
// stretched with what anybody can see. With such keys TLS 1.1 and later were never meant to be
// used; those who do so do it in the same way.
bool stretch_export_keys(uint16_t version, const TlsSuite& suite, const TlsRandom& client_random,
                         const TlsRandom& server_random, PerDirection<RecordKeys>& keys) noexcept {
  const BulkCipher& bulk = *suite.bulk;
  std::array<uint8_t, 2 * 16> ivs{};
  const size_t iv_bytes = bulk.block_bytes;
  bool good = tls_prf(version, suite.prf, {}, "IV block", client_random, server_random,
                      std::span(ivs).first(2 * iv_bytes));
  size_t at = 0;
  for (const Direction d : {Direction::kToServer, Direction::kToClient}) {
    const std::string_view label =
        d == Direction::kToServer ? "client write key" : "server write key";
    std::array<uint8_t, 32> key{};
    good =
        good && tls_prf(version, suite.prf, ByteSpan(keys[d].key).first(bulk.export_bytes), label,
                        client_random, server_random, std::span(key).first(bulk.key_bytes));
    keys[d].key = key;
    wipe_memory(key.data(), key.size());
    std::copy_n(ivs.begin() + static_cast<ptrdiff_t>(at), iv_bytes, keys[d].iv.begin());
    at += iv_bytes;
  }
  return good;
}

}  // namespace

bool derive_key_block(uint16_t version, const TlsSuite& suite, ByteSpan master,
                      const TlsRandom& client_random, const TlsRandom& server_random,
                      PerDirection<RecordKeys>& out) noexcept {
  const BulkCipher& bulk = *suite.bulk;
  if (version == kSsl30 && bulk.export_bytes > 0) return false;
  const size_t mac_bytes = hash_bytes(suite.mac);
  size_t iv_bytes = 0;
  switch (bulk.mode) {
    case RecordMode::kGcm:
    case RecordMode::kCcm:
      iv_bytes = 4;
      break;
    case RecordMode::kChaCha:
      iv_bytes = 12;
      break;
    case RecordMode::kCbc:
      // From TLS 1.1 on each record brings its own.
      iv_bytes = version <= kTls10 && bulk.export_bytes == 0 ? bulk.block_bytes : 0;
      break;
    case RecordMode::kStream:
    case RecordMode::kPlain:
      break;
  }
  std::array<uint8_t, 2 * (kMaxHashBytes + 32 + 16)> block{};
  const size_t key_bytes = bulk.export_bytes > 0 ? bulk.export_bytes : bulk.key_bytes;
  const size_t total = 2 * (mac_bytes + key_bytes + iv_bytes);
  const std::span<uint8_t> used = std::span(block).first(total);
  const bool good =
      tls_prf(version, suite.prf, master, "key expansion", server_random, client_random, used);
  size_t at = 0;
  const auto take = [&](size_t count, std::span<uint8_t> to) {
    std::copy_n(block.begin() + static_cast<ptrdiff_t>(at), count, to.begin());
    at += count;
  };
  for (const Direction d : {Direction::kToServer, Direction::kToClient}) {
    take(mac_bytes, out[d].mac);
  }
  for (const Direction d : {Direction::kToServer, Direction::kToClient}) {
    take(key_bytes, out[d].key);
  }
  for (const Direction d : {Direction::kToServer, Direction::kToClient}) {
    take(iv_bytes, out[d].iv);
  }
  wipe_memory(block.data(), block.size());
  if (bulk.export_bytes == 0) return good;
  return good && stretch_export_keys(version, suite, client_random, server_random, out);
}

}  // namespace weir::inspect

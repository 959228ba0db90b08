// Key derivation against published vectors and against OpenSSL's own.
#include "inspect/decrypt/tls_keys.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <random>
#include <string>

#include "core/hash.h"
#include "inspect/decrypt/idea.h"
#include "inspect/decrypt/record_opener.h"

namespace weir::inspect {
namespace {

std::vector<uint8_t> unhex(std::string_view text) {
  std::vector<uint8_t> out;
  int high = -1;
  for (const char c : text) {
    if (c == ' ') continue;
    const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      out.push_back(static_cast<uint8_t>(high << 4 | digit));
      high = -1;
    }
  }
  return out;
}

struct Rfc8448Keys {
  const char* secret;
  const char* key;
  const char* iv;
};

// RFC 8448 section 3: traffic secrets of the simple handshake and what is derived from them.
TEST(TlsKeys, TrafficKeysOfRfc8448) {
  const TlsSuite& suite = *find_tls_suite(0x1301);
  for (const Rfc8448Keys& row :
       {Rfc8448Keys{"b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21",
                    "dbfaa693d1762c5b666af5d950258d01", "5bd3c71b836e0b76bb73265f"},
        Rfc8448Keys{"b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38",
                    "3fce516009c21727d0f2e4e86ee403bc", "5d313eb2671276ee13000b30"},
        Rfc8448Keys{"9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
                    "17422dda596ed5d9acd890e3c63f5051", "5b78923dee08579033e523d9"},
        Rfc8448Keys{"a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643",
                    "9f02283b6c9c07efc26bb9f2ac92e356", "cf782b88dd83549aadf1e984"}}) {
    RecordKeys keys;
    ASSERT_TRUE(derive_traffic_keys(suite, unhex(row.secret), keys));
    EXPECT_EQ(to_hex(ByteSpan(keys.key).first(16)), row.key);
    EXPECT_EQ(to_hex(ByteSpan(keys.iv).first(12)), row.iv);
  }
}

// The client's first record of application data there: the bytes 0 to 49.
TEST(RecordOpener, ApplicationDataOfRfc8448) {
  const TlsSuite& suite = *find_tls_suite(0x1301);
  RecordKeys keys;
  ASSERT_TRUE(derive_traffic_keys(
      suite, unhex("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5"), keys));
  const std::vector<uint8_t> record = unhex(
      "17 03 03 00 43 a2 3f 70 54 b6 2c 94 d0 af fa fe 82 28 ba 55 cb ef ac ea 42 f9 14 aa 66 bc ab"
      "3f 2b 98 19 a8 a5 b4 6b 39 5b d5 4a 9a 20 44 1e 2b 62 97 4e 1f 5a 62 92 a2 97 70 14 bd 1e 3d"
      "ea e6 3a ee bb 21 69 49 15 e4");
  ASSERT_EQ(record.size(), 5U + 0x43);
  RecordHeader header{};
  std::copy_n(record.begin(), header.size(), header.begin());
  RecordOpener opener;
  ASSERT_TRUE(opener.begin(suite, kTls13, false, keys));
  const ByteSpan body = ByteSpan(record).subspan(5);
  std::vector<uint8_t> out(body.size());
  const auto plain = opener.open(0, header, body, out.data());
  ASSERT_TRUE(plain.has_value());
  ASSERT_EQ(plain->size(), 51U);
  for (size_t i = 0; i < 50; ++i) EXPECT_EQ((*plain)[i], i);
  EXPECT_EQ((*plain)[50], 23);
  EXPECT_FALSE(opener.open(1, header, body, out.data()).has_value());
  // In place, as records that came in pieces are opened.
  std::vector<uint8_t> own(body.begin(), body.end());
  const auto again = opener.open(0, header, own, own.data());
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ((*again)[49], 49);
}

// The vector that the TLS working group published for the PRF with SHA-256.
TEST(TlsKeys, PrfWithSha256) {
  std::array<uint8_t, 100> out{};
  ASSERT_TRUE(tls_prf(kTls12, HashKind::kSha256, unhex("9bbe436ba940f017b17652849a71db35"),
                      "test label", unhex("a0ba9f936cda3118"), unhex("27a6f796ffd5198c"), out));
  EXPECT_EQ(
      to_hex(out),
      "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e"
      "14baf9af0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5"
      "a72e5a5110fff70187347b66");
}

// OpenSSL's TLS1-PRF as the slow and independent reference.
std::vector<uint8_t> reference_prf(std::string digest, std::vector<uint8_t> secret,
                                   std::vector<uint8_t> seed, size_t size) {
  EVP_KDF* kdf = EVP_KDF_fetch(nullptr, "TLS1-PRF", nullptr);
  EVP_KDF_CTX* ctx = EVP_KDF_CTX_new(kdf);
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret.data(), secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed.data(), seed.size()),
      OSSL_PARAM_construct_end()};
  std::vector<uint8_t> out(size);
  EXPECT_EQ(EVP_KDF_derive(ctx, out.data(), out.size(), params), 1);
  EVP_KDF_CTX_free(ctx);
  EVP_KDF_free(kdf);
  return out;
}

TEST(TlsKeys, PrfIsThatOfOpenSsl) {
  std::mt19937 random(5);
  const auto bytes = [&](size_t size) {
    std::vector<uint8_t> out(size);
    for (uint8_t& byte : out) byte = static_cast<uint8_t>(random());
    return out;
  };
  for (int i = 0; i < 60; ++i) {
    const std::vector<uint8_t> secret = bytes(1 + random() % 64);
    const std::vector<uint8_t> a = bytes(random() % 40);
    const std::vector<uint8_t> b = bytes(random() % 40);
    std::string seed = "key expansion";
    seed += as_chars(a);
    seed += as_chars(b);
    std::vector<uint8_t> out(1 + random() % 200);
    const std::vector<uint8_t> seed_bytes(seed.begin(), seed.end());
    ASSERT_TRUE(tls_prf(kTls12, HashKind::kSha256, secret, "key expansion", a, b, out));
    EXPECT_EQ(out, reference_prf("SHA256", secret, seed_bytes, out.size()));
    ASSERT_TRUE(tls_prf(kTls12, HashKind::kSha384, secret, "key expansion", a, b, out));
    EXPECT_EQ(out, reference_prf("SHA384", secret, seed_bytes, out.size()));
    ASSERT_TRUE(tls_prf(kTls11, HashKind::kSha256, secret, "key expansion", a, b, out));
    EXPECT_EQ(out, reference_prf("MD5-SHA1", secret, seed_bytes, out.size()));
  }
}

TEST(TlsSuites, AreFoundByNumber) {
  EXPECT_EQ(find_tls_suite(0x0000), nullptr);
  EXPECT_EQ(find_tls_suite(0x0003)->bulk->export_bytes, 5);
  EXPECT_EQ(find_tls_suite(0x0062), nullptr);  // of export, with 56 bits
  EXPECT_EQ(find_tls_suite(0x0005)->bulk->mode, RecordMode::kStream);
  EXPECT_EQ(find_tls_suite(0x0009)->bulk->block_bytes, 8);
  EXPECT_EQ(find_tls_suite(0xffff), nullptr);
  EXPECT_EQ(find_tls_suite(0x1302)->prf, HashKind::kSha384);
  EXPECT_EQ(find_tls_suite(0xc02f)->bulk->mode, RecordMode::kGcm);
  EXPECT_EQ(find_tls_suite(0xc014)->mac, HashKind::kSha1);
  EXPECT_EQ(find_tls_suite(0xcca8)->bulk->mode, RecordMode::kChaCha);
  EXPECT_EQ(find_tls_suite(0xc0a3)->bulk->tag_bytes, 8);
}

struct IdeaVector {
  const char* key;
  const char* plain;
  const char* sealed;
};

// The first is from Lai's thesis; the others are from the NESSIE project's set of vectors.
TEST(Idea, PublishedVectors) {
  for (const IdeaVector& row :
       {IdeaVector{"00010002000300040005000600070008", "0000000100020003", "11fbed2b01986de5"},
        IdeaVector{"80000000000000000000000000000000", "0000000000000000", "b1f5f7f87901370f"},
        IdeaVector{"00000000000000000000000000000000", "8000000000000000", "8001000180008000"},
        IdeaVector{"00010203040506070809 0a0b0c0d0e0f", "db2d4a92aa68273f", "0011223344556677"}}) {
    IdeaDecryptor idea;
    idea.set_key(unhex(row.key));
    std::array<uint8_t, 8> out{};
    idea.decrypt_cbc(std::array<uint8_t, 8>{}, unhex(row.sealed), out.data());
    EXPECT_EQ(to_hex(out), row.plain);
  }
}

// Blocks are chained by what was sealed, also where the plaintext overwrites it.
TEST(Idea, BlocksAreChainedInPlaceToo) {
  IdeaDecryptor idea;
  idea.set_key(unhex("00010002000300040005000600070008"));
  std::vector<uint8_t> text = unhex("11fbed2b01986de5 11fbed2b01986de5 11fbed2b01986de5");
  std::vector<uint8_t> out(text.size());
  const std::vector<uint8_t> iv = unhex("0000000100020003");
  idea.decrypt_cbc(iv, text, out.data());
  EXPECT_EQ(to_hex(out), "000000000000000011fbed2a019a6de611fbed2a019a6de6");
  idea.decrypt_cbc(iv, text, text.data());
  EXPECT_EQ(text, out);
}

// Hostile lengths: nothing shorter than its own parts is opened, and nothing is read beyond it.
TEST(RecordOpener, ShortRecordsOfEverySuiteAreRefused) {
  std::array<uint8_t, 48> master{};
  for (const int id : {0x1301, 0x1303, 0x1305, 0xc02f, 0xc013, 0xc028, 0xcca8, 0xc09c, 0x0002,
                       0x0005, 0x0009, 0x0096, 0x0003, 0x0006, 0x0007, 0x0008}) {
    const TlsSuite& suite = *find_tls_suite(static_cast<uint16_t>(id));
    PerDirection<RecordKeys> keys;
    ASSERT_TRUE(derive_key_block(kTls12, suite, master, {}, {}, keys));
    for (const bool encrypt_then_mac : {false, true}) {
      RecordOpener opener;
      ASSERT_TRUE(opener.begin(suite, kTls12, encrypt_then_mac, keys[Direction::kToServer]));
      for (size_t size = 0; size < 100; ++size) {
        const auto body = std::make_unique<uint8_t[]>(size);
        const auto out = std::make_unique<uint8_t[]>(size);
        EXPECT_FALSE(
            opener.open(0, {23, 3, 3, 0, 0}, ByteSpan(body.get(), size), out.get()).has_value());
      }
    }
  }
}

}  // namespace
}  // namespace weir::inspect

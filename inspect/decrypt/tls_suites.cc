#include "inspect/decrypt/tls_suites.h"

#include <algorithm>
#include <array>

namespace weir::inspect {
namespace {

constexpr BulkCipher kAes128Gcm{RecordMode::kGcm, 0, "AES-128-GCM", false, 16, 0, 16};
constexpr BulkCipher kAes256Gcm{RecordMode::kGcm, 1, "AES-256-GCM", false, 32, 0, 16};
constexpr BulkCipher kChaCha{RecordMode::kChaCha, 2, "ChaCha20-Poly1305", false, 32, 0, 16};
constexpr BulkCipher kAes128Ccm{RecordMode::kCcm, 3, "AES-128-CCM", false, 16, 0, 16};
constexpr BulkCipher kAes256Ccm{RecordMode::kCcm, 4, "AES-256-CCM", false, 32, 0, 16};
constexpr BulkCipher kAes128Ccm8{RecordMode::kCcm, 3, "AES-128-CCM", false, 16, 0, 8};
constexpr BulkCipher kAes256Ccm8{RecordMode::kCcm, 4, "AES-256-CCM", false, 32, 0, 8};
constexpr BulkCipher kAria128Gcm{RecordMode::kGcm, 5, "ARIA-128-GCM", false, 16, 0, 16};
constexpr BulkCipher kAria256Gcm{RecordMode::kGcm, 6, "ARIA-256-GCM", false, 32, 0, 16};
constexpr BulkCipher kAes128Cbc{RecordMode::kCbc, 7, "AES-128-CBC", false, 16, 16, 0};
constexpr BulkCipher kAes256Cbc{RecordMode::kCbc, 8, "AES-256-CBC", false, 32, 16, 0};
constexpr BulkCipher kCamellia128Cbc{RecordMode::kCbc, 9, "CAMELLIA-128-CBC", false, 16, 16, 0};
constexpr BulkCipher kCamellia256Cbc{RecordMode::kCbc, 10, "CAMELLIA-256-CBC", false, 32, 16, 0};
constexpr BulkCipher kTripleDes{RecordMode::kCbc, 11, "DES-EDE3-CBC", false, 24, 8, 0};
constexpr BulkCipher kRc4{RecordMode::kStream, 12, "RC4", true, 16, 0, 0};
constexpr BulkCipher kDes{RecordMode::kCbc, 13, "DES-CBC", true, 8, 8, 0};
constexpr BulkCipher kRc2Export{RecordMode::kCbc, 14, "RC2-CBC", true, 16, 8, 0, 5};
constexpr BulkCipher kRc4Export{RecordMode::kStream, 12, "RC4", true, 16, 0, 0, 5};
constexpr BulkCipher kDesExport{RecordMode::kCbc, 13, "DES-CBC", true, 8, 8, 0, 5};
constexpr BulkCipher kIdea{RecordMode::kCbc, 0, nullptr, false, 16, 8, 0};
constexpr BulkCipher kSeed{RecordMode::kCbc, 15, "SEED-CBC", true, 16, 16, 0};
constexpr BulkCipher kNull{};

// Suites with the numbers first, first + step ... last, which differ in their key exchange only.
struct SuiteRange {
  uint16_t first;
  uint16_t last;
  uint16_t step;
  const BulkCipher* bulk;
  HashKind mac;
  HashKind prf;
};

constexpr HashKind kAead = HashKind::kNone;
constexpr HashKind kSha1 = HashKind::kSha1;
constexpr HashKind kSha256 = HashKind::kSha256;
constexpr HashKind kSha384 = HashKind::kSha384;

constexpr std::array kRanges = {
    SuiteRange{0x0001, 0x0001, 1, &kNull, HashKind::kMd5, kSha256},
    SuiteRange{0x0002, 0x0002, 1, &kNull, kSha1, kSha256},
    SuiteRange{0x0003, 0x0003, 1, &kRc4Export, HashKind::kMd5, kSha256},
    SuiteRange{0x0004, 0x0004, 1, &kRc4, HashKind::kMd5, kSha256},
    SuiteRange{0x0005, 0x0005, 1, &kRc4, kSha1, kSha256},
    SuiteRange{0x0006, 0x0006, 1, &kRc2Export, HashKind::kMd5, kSha256},
    SuiteRange{0x0007, 0x0007, 1, &kIdea, kSha1, kSha256},
    SuiteRange{0x0008, 0x0014, 3, &kDesExport, kSha1, kSha256},
    SuiteRange{0x0009, 0x0015, 3, &kDes, kSha1, kSha256},
    SuiteRange{0x000a, 0x000a, 1, &kTripleDes, kSha1, kSha256},
    SuiteRange{0x000d, 0x000d, 1, &kTripleDes, kSha1, kSha256},
    SuiteRange{0x0010, 0x0016, 3, &kTripleDes, kSha1, kSha256},
    SuiteRange{0x0017, 0x0017, 1, &kRc4Export, HashKind::kMd5, kSha256},
    SuiteRange{0x0018, 0x0018, 1, &kRc4, HashKind::kMd5, kSha256},
    SuiteRange{0x0019, 0x0019, 1, &kDesExport, kSha1, kSha256},
    SuiteRange{0x001a, 0x001a, 1, &kDes, kSha1, kSha256},
    SuiteRange{0x001b, 0x001b, 1, &kTripleDes, kSha1, kSha256},
    SuiteRange{0x002f, 0x0034, 1, &kAes128Cbc, kSha1, kSha256},
    SuiteRange{0x0035, 0x003a, 1, &kAes256Cbc, kSha1, kSha256},
    SuiteRange{0x003b, 0x003b, 1, &kNull, kSha256, kSha256},
    SuiteRange{0x003c, 0x003c, 1, &kAes128Cbc, kSha256, kSha256},
    SuiteRange{0x003d, 0x003d, 1, &kAes256Cbc, kSha256, kSha256},
    SuiteRange{0x003e, 0x0040, 1, &kAes128Cbc, kSha256, kSha256},
    SuiteRange{0x0041, 0x0046, 1, &kCamellia128Cbc, kSha1, kSha256},
    SuiteRange{0x0067, 0x0067, 1, &kAes128Cbc, kSha256, kSha256},
    SuiteRange{0x0068, 0x006b, 1, &kAes256Cbc, kSha256, kSha256},
    SuiteRange{0x006c, 0x006c, 1, &kAes128Cbc, kSha256, kSha256},
    SuiteRange{0x006d, 0x006d, 1, &kAes256Cbc, kSha256, kSha256},
    SuiteRange{0x0084, 0x0089, 1, &kCamellia256Cbc, kSha1, kSha256},
    SuiteRange{0x008a, 0x0092, 4, &kRc4, kSha1, kSha256},        // PSK
    SuiteRange{0x008c, 0x008c, 1, &kAes128Cbc, kSha1, kSha256},  // PSK
    SuiteRange{0x008d, 0x008d, 1, &kAes256Cbc, kSha1, kSha256},
    SuiteRange{0x0090, 0x0090, 1, &kAes128Cbc, kSha1, kSha256},
    SuiteRange{0x0091, 0x0091, 1, &kAes256Cbc, kSha1, kSha256},
    SuiteRange{0x0094, 0x0094, 1, &kAes128Cbc, kSha1, kSha256},
    SuiteRange{0x0095, 0x0095, 1, &kAes256Cbc, kSha1, kSha256},
    SuiteRange{0x0096, 0x009b, 1, &kSeed, kSha1, kSha256},
    // AES-GCM: even numbers with 128 bits and SHA-256, odd ones with 256 bits and SHA-384.
    SuiteRange{0x009c, 0x00ac, 2, &kAes128Gcm, kAead, kSha256},
    SuiteRange{0x009d, 0x00ad, 2, &kAes256Gcm, kAead, kSha384},
    SuiteRange{0x00ae, 0x00ae, 1, &kAes128Cbc, kSha256, kSha256},
    SuiteRange{0x00af, 0x00af, 1, &kAes256Cbc, kSha384, kSha384},
    SuiteRange{0x00b2, 0x00b2, 1, &kAes128Cbc, kSha256, kSha256},
    SuiteRange{0x00b3, 0x00b3, 1, &kAes256Cbc, kSha384, kSha384},
    SuiteRange{0x00b6, 0x00b6, 1, &kAes128Cbc, kSha256, kSha256},
    SuiteRange{0x00b7, 0x00b7, 1, &kAes256Cbc, kSha384, kSha384},
    SuiteRange{0x00ba, 0x00bf, 1, &kCamellia128Cbc, kSha256, kSha256},
    SuiteRange{0x00c0, 0x00c5, 1, &kCamellia256Cbc, kSha256, kSha256},
    SuiteRange{0x1301, 0x1301, 1, &kAes128Gcm, kAead, kSha256},
    SuiteRange{0x1302, 0x1302, 1, &kAes256Gcm, kAead, kSha384},
    SuiteRange{0x1303, 0x1303, 1, &kChaCha, kAead, kSha256},
    SuiteRange{0x1304, 0x1304, 1, &kAes128Ccm, kAead, kSha256},
    SuiteRange{0x1305, 0x1305, 1, &kAes128Ccm8, kAead, kSha256},
    // Elliptic curves: NULL, RC4, 3DES, AES-128, AES-256, five times over.
    SuiteRange{0xc001, 0xc015, 5, &kNull, kSha1, kSha256},
    SuiteRange{0xc002, 0xc016, 5, &kRc4, kSha1, kSha256},
    SuiteRange{0xc003, 0xc017, 5, &kTripleDes, kSha1, kSha256},
    SuiteRange{0xc004, 0xc018, 5, &kAes128Cbc, kSha1, kSha256},
    SuiteRange{0xc005, 0xc019, 5, &kAes256Cbc, kSha1, kSha256},
    SuiteRange{0xc01a, 0xc01c, 1, &kTripleDes, kSha1, kSha256},  // SRP
    SuiteRange{0xc01d, 0xc01f, 1, &kAes128Cbc, kSha1, kSha256},
    SuiteRange{0xc020, 0xc022, 1, &kAes256Cbc, kSha1, kSha256},
    SuiteRange{0xc023, 0xc029, 2, &kAes128Cbc, kSha256, kSha256},
    SuiteRange{0xc024, 0xc02a, 2, &kAes256Cbc, kSha384, kSha384},
    SuiteRange{0xc02b, 0xc031, 2, &kAes128Gcm, kAead, kSha256},
    SuiteRange{0xc02c, 0xc032, 2, &kAes256Gcm, kAead, kSha384},
    SuiteRange{0xc033, 0xc033, 1, &kRc4, kSha1, kSha256},
    SuiteRange{0xc034, 0xc034, 1, &kTripleDes, kSha1, kSha256},  // ECDHE_PSK
    SuiteRange{0xc035, 0xc035, 1, &kAes128Cbc, kSha1, kSha256},
    SuiteRange{0xc036, 0xc036, 1, &kAes256Cbc, kSha1, kSha256},
    SuiteRange{0xc037, 0xc037, 1, &kAes128Cbc, kSha256, kSha256},
    SuiteRange{0xc038, 0xc038, 1, &kAes256Cbc, kSha384, kSha384},
    SuiteRange{0xc050, 0xc062, 2, &kAria128Gcm, kAead, kSha256},
    SuiteRange{0xc051, 0xc063, 2, &kAria256Gcm, kAead, kSha384},
    SuiteRange{0xc072, 0xc078, 2, &kCamellia128Cbc, kSha256, kSha256},
    SuiteRange{0xc073, 0xc079, 2, &kCamellia256Cbc, kSha384, kSha384},
    SuiteRange{0xc09c, 0xc09e, 2, &kAes128Ccm, kAead, kSha256},
    SuiteRange{0xc09d, 0xc09f, 2, &kAes256Ccm, kAead, kSha256},
    SuiteRange{0xc0a0, 0xc0a2, 2, &kAes128Ccm8, kAead, kSha256},
    SuiteRange{0xc0a1, 0xc0a3, 2, &kAes256Ccm8, kAead, kSha256},
    SuiteRange{0xc0a4, 0xc0a6, 2, &kAes128Ccm, kAead, kSha256},
    SuiteRange{0xc0a5, 0xc0a7, 2, &kAes256Ccm, kAead, kSha256},
    SuiteRange{0xc0a8, 0xc0aa, 2, &kAes128Ccm8, kAead, kSha256},
    SuiteRange{0xc0a9, 0xc0ab, 2, &kAes256Ccm8, kAead, kSha256},
    SuiteRange{0xc0ac, 0xc0ac, 1, &kAes128Ccm, kAead, kSha256},
    SuiteRange{0xc0ad, 0xc0ad, 1, &kAes256Ccm, kAead, kSha256},
    SuiteRange{0xc0ae, 0xc0ae, 1, &kAes128Ccm8, kAead, kSha256},
    SuiteRange{0xc0af, 0xc0af, 1, &kAes256Ccm8, kAead, kSha256},
    SuiteRange{0xcca8, 0xccae, 1, &kChaCha, kAead, kSha256},
    SuiteRange{0xd001, 0xd001, 1, &kAes128Gcm, kAead, kSha256},  // ECDHE_PSK
    SuiteRange{0xd002, 0xd002, 1, &kAes256Gcm, kAead, kSha384},
    SuiteRange{0xd003, 0xd003, 1, &kAes128Ccm8, kAead, kSha256},
    SuiteRange{0xd005, 0xd005, 1, &kAes128Ccm, kAead, kSha256},
};

constexpr size_t suite_count() {
  size_t count = 0;
  for (const SuiteRange& range : kRanges) {
    count += static_cast<size_t>((range.last - range.first) / range.step) + 1;
  }
  return count;
}

constexpr auto make_suites() {
  std::array<TlsSuite, suite_count()> suites{};
  size_t n = 0;
  for (const SuiteRange& range : kRanges) {
    for (uint32_t id = range.first; id <= range.last; id += range.step) {
      suites[n++] = {static_cast<uint16_t>(id), range.bulk, range.mac, range.prf};
    }
  }
  std::sort(suites.begin(), suites.end(),
            [](const TlsSuite& a, const TlsSuite& b) { return a.id < b.id; });
  return suites;
}

constexpr auto kSuites = make_suites();

constexpr bool ids_are_unique() {
  for (size_t i = 1; i < kSuites.size(); ++i) {
    if (kSuites[i - 1].id == kSuites[i].id) return false;
  }
  return true;
}
static_assert(ids_are_unique());

}  // namespace

const TlsSuite* find_tls_suite(uint16_t id) noexcept {
  const auto* const found =
      std::lower_bound(kSuites.begin(), kSuites.end(), id,
                       [](const TlsSuite& suite, uint16_t wanted) { return suite.id < wanted; });
  return found != kSuites.end() && found->id == id ? &*found : nullptr;
}

}  // namespace weir::inspect

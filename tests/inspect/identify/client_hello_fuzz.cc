// ClientHello parser and fingerprints. The first byte says whether the message may be cut.
#include <cstddef>
#include <cstdint>

#include "core/check.h"
#include "inspect/identify/certificate_names.h"
#include "inspect/identify/tls_info.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::inspect;
  if (size == 0) return 0;
  const weir::ByteSpan body(data + 1, size - 1);
  const auto hello = parse_client_hello(body, (data[0] & 1) != 0);
  if (hello) {
    TlsInfo info;
    fill_client_hello(*hello, HelloTransport::kTcp, info);
    WEIR_CHECK(info.client_hello_seen && info.alpn_offered.size() <= kMaxAlpn);
    WEIR_CHECK(hello->extension_types.size() <= kMaxExtensions);
    WEIR_CHECK(hello->cut ? info.ja4.empty() : info.ja4.size() == 36 && info.ja3.size() == 32);
    for (const char c : info.sni) WEIR_CHECK(c >= 0x20 && c < 0x7f && (c < 'A' || c > 'Z'));
  }
  const CertificateNames found = certificate_names(body, kMaxCertificateNames);
  WEIR_CHECK(found.names.size() <= kMaxCertificateNames);
  return 0;
}

#include "inspect/identify/tls_info.h"

#include <array>

#include "core/hash.h"

namespace weir::inspect {

void fill_client_hello(const ClientHello& hello, HelloTransport transport, TlsInfo& info) {
  info.client_hello_seen = true;
  info.client_hello_cut = hello.cut;
  info.has_sni = hello.has_sni;
  info.sni = hello.sni;
  info.alpn_offered.clear();
  for (size_t i = 0; i < kMaxAlpn; ++i) {
    const ByteSpan name = hello.alpn_name(i);
    if (name.empty()) break;
    info.alpn_offered.push_back(safe_token(name));
  }
  info.offered_version = hello.highest_version();
  info.ja3 = ja3(hello);
  info.ja4 = ja4(hello, transport);
  info.ech = hello.ech;
  info.ech_config_id = hello.ech_config_id;
  info.early_data = hello.early_data;
}

std::string tls_version_name(uint16_t version) {
  switch (version) {
    case 0x0304:
      return "TLS 1.3";
    case 0x0303:
      return "TLS 1.2";
    case 0x0302:
      return "TLS 1.1";
    case 0x0301:
      return "TLS 1.0";
    case 0x0300:
      return "SSL 3.0";
    case 0x0002:
      return "SSL 2.0";
    default: {
      const std::array<uint8_t, 2> bytes{static_cast<uint8_t>(version >> 8),
                                         static_cast<uint8_t>(version)};
      return "0x" + to_hex(ByteSpan(bytes));
    }
  }
}

}  // namespace weir::inspect

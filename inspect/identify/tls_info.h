// What the handshake of a flow told, over TCP or QUIC.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/direction.h"
#include "inspect/identify/tls_client_hello.h"
#include "inspect/identify/tls_fingerprint.h"

namespace weir::inspect {

struct TlsInfo {
  // ClientHello.
  bool client_hello_seen = false;
  bool client_hello_cut = false;  // only its beginning was seen: no fingerprints
  bool has_sni = false;
  std::string sni;                        // empty when absent
  std::vector<std::string> alpn_offered;  // at most kMaxAlpn
  uint16_t offered_version = 0;           // highest, 0x0304 is TLS 1.3
  std::string ja3;
  std::string ja4;
  EchSeen ech = EchSeen::kNone;
  uint8_t ech_config_id = 0;
  bool early_data = false;
  bool ssl2_hello = false;
  // The side that sent the ClientHello. kToClient means that the flow's directions are reversed.
  Direction client = Direction::kToServer;
  // ServerHello.
  bool server_hello_seen = false;
  bool hello_retry = false;
  uint16_t version = 0;  // negotiated
  uint16_t cipher = 0;
  std::string alpn;  // negotiated, where it is clear (TLS <= 1.2)
  // Names of the server's own certificate, subjectAltName first, then the common name.
  bool certificate_seen = false;
  std::vector<std::string> certificate_names;  // at most kMaxCertificateNames
};

inline constexpr size_t kMaxAlpn = 16;
inline constexpr size_t kMaxCertificateNames = 128;

// Fills the ClientHello part of `info`.
void fill_client_hello(const ClientHello& hello, HelloTransport transport, TlsInfo& info);

// "TLS 1.3", "SSL 3.0" …; "0x7f1c" for others.
[[nodiscard]] std::string tls_version_name(uint16_t version);

}  // namespace weir::inspect

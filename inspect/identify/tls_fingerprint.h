// JA3 (Salesforce) and JA4 (FoxIO; the BSD-licensed TLS client part only) of a ClientHello.
#pragma once

#include <cstdint>
#include <string>

#include "inspect/identify/tls_client_hello.h"

namespace weir::inspect {

enum class HelloTransport : uint8_t { kTcp, kQuic };

// "771,4865-4866,0-23,29-23,0": what is hashed.
[[nodiscard]] std::string ja3_text(const ClientHello& hello);
// MD5 of it, 32 hex digits. Empty for a cut hello.
[[nodiscard]] std::string ja3(const ClientHello& hello);
// "t13d1516h2_8daaf6152771_02713d6af862". Empty for a cut hello.
[[nodiscard]] std::string ja4(const ClientHello& hello, HelloTransport transport);

}  // namespace weir::inspect

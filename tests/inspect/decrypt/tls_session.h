// Real TLS sessions between an OpenSSL client and server in memory, with their key log and the
// bytes that went each way, in order.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/direction.h"

namespace weir::test {

struct TlsChoice {
  int version = 0x0304;
  const char* suites = nullptr;  // OpenSSL's names; TLS 1.3's when the version is 1.3
  const char* alpn = nullptr;    // one name
  bool rsa_certificate = false;  // for RSA key exchange
  bool retry = false;            // the server wants another group: HelloRetryRequest
  bool encrypt_then_mac = true;
  bool extended_master_secret = true;
  bool tickets = true;
  bool ask_client_certificate = false;
  size_t padding = 0;                        // records are padded to multiples of this
  size_t most_fragment = 0;                  // content of a record
  const char* server_name = "test.example";  // in the hello; the certificate is for test.example
};

struct Flight {
  Direction direction;
  std::vector<uint8_t> bytes;
};

class TlsSession {
 public:
  explicit TlsSession(const TlsChoice& choice);
  // Resumes: with the ticket or session id of `before`. `forgetful`: the server has lost its keys.
  TlsSession(const TlsChoice& choice, TlsSession& before, bool forgetful = false);
  ~TlsSession();

  // Client data that goes with the ClientHello; before handshake().
  bool early_data(std::string_view text);
  bool handshake();
  bool write(Direction d, std::string_view text);
  bool key_update(Direction d, bool ask_back = false);
  bool renegotiate();
  void close(Direction d);

  [[nodiscard]] const std::vector<Flight>& flights() const { return flights_; }
  [[nodiscard]] const std::string& key_log() const;
  // The private key of servers with rsa_certificate, as a file holds it; encrypted with `password`.
  [[nodiscard]] static std::string rsa_key(const char* password = nullptr);
  // All bytes of a direction.
  [[nodiscard]] std::vector<uint8_t> bytes(Direction d) const;
  // Application data written so far, early data included.
  [[nodiscard]] const std::string& text(Direction d) const { return text_[d]; }
  [[nodiscard]] bool resumed() const;
  [[nodiscard]] bool early_accepted() const;

 private:
  struct Impl;
  void pump(Direction from);
  bool pump_all();

  std::unique_ptr<Impl> impl_;
  std::vector<Flight> flights_;
  PerDirection<std::string> text_;
};

}  // namespace weir::test

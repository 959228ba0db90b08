// The ClientHello message (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2) as views into its
// bytes: what the server name, ALPN, version and fingerprints are read from. Also takes a message
// of which only the beginning was captured: then `cut` is set and what lies in front of the cut is
// there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/bytes.h"

namespace weir::inspect {

// A list of 16-bit numbers in network order; a view. An odd last byte is not part of it.
class U16List {
 public:
  U16List() noexcept = default;
  explicit U16List(ByteSpan bytes) noexcept : bytes_(bytes) {}
  [[nodiscard]] size_t size() const noexcept { return bytes_.size() / 2; }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  uint16_t operator[](size_t i) const noexcept {
    return static_cast<uint16_t>(bytes_[2 * i] << 8 | bytes_[2 * i + 1]);
  }

 private:
  ByteSpan bytes_;
};

// Values reserved by RFC 8701 so that servers stay tolerant: 0x0a0a, 0x1a1a … 0xfafa.
constexpr bool is_grease(uint16_t value) noexcept {
  return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

// Encrypted Client Hello. A GREASE extension is made to look like a real one, so kPossible is as
// much as most hellos say; kLikely: the visible name is a known public name of an ECH provider.
// kInner: the hello is the inner one (seen only where something was decrypted).
enum class EchSeen : uint8_t { kNone, kPossible, kLikely, kInner };

struct ClientHello {
  uint16_t legacy_version = 0;
  ByteSpan random;  // 32 bytes
  ByteSpan session_id;
  U16List ciphers;
  // Extension types in order, GREASE included; at most kMaxExtensions.
  std::vector<uint16_t> extension_types;
  bool has_sni = false;
  std::string sni;  // lower case; bytes that are not printable ASCII are '?'; may be empty
  ByteSpan alpn;    // the list: one length byte before each name
  U16List supported_versions;
  U16List groups;
  U16List signature_algorithms;
  ByteSpan point_formats;
  ByteSpan session_ticket;  // that the client would resume with, up to TLS 1.2
  ByteSpan quic_transport_parameters;
  EchSeen ech = EchSeen::kNone;
  uint8_t ech_config_id = 0;  // of an outer ECH extension
  uint16_t ech_payload_bytes = 0;
  bool pre_shared_key = false;
  bool early_data = false;
  bool cut = false;        // the message ended early
  bool malformed = false;  // an extension contradicts itself; what was read before it stands

  // Highest version offered, from supported_versions where present.
  [[nodiscard]] uint16_t highest_version() const noexcept;
  // The n-th ALPN name, empty when there is none.
  [[nodiscard]] ByteSpan alpn_name(size_t n) const noexcept;
};

inline constexpr size_t kMaxExtensions = 512;

// `body`: the message without its four-byte handshake header. Views in the result point into it.
// Nothing when not even the cipher list is there. `may_be_cut`: more bytes belong to the message.
[[nodiscard]] std::optional<ClientHello> parse_client_hello(ByteSpan body, bool may_be_cut = false);

// A host name from the network made safe to print and compare: lower case, bytes outside printable
// ASCII as '?', one trailing dot and trailing NULs removed, at most 255 bytes.
[[nodiscard]] std::string safe_host(ByteSpan raw);
// Any short token (an ALPN name) made safe to print; case is kept.
[[nodiscard]] std::string safe_token(ByteSpan raw);

}  // namespace weir::inspect

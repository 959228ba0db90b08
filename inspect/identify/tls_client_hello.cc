#include "inspect/identify/tls_client_hello.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "core/byte_reader.h"

namespace weir::inspect {
namespace {

enum class ExtensionType : uint16_t {
  kServerName = 0,
  kSupportedGroups = 10,
  kPointFormats = 11,
  kSignatureAlgorithms = 13,
  kAlpn = 16,
  kSessionTicket = 35,
  kPreSharedKey = 41,
  kEarlyData = 42,
  kSupportedVersions = 43,
  kQuicTransportParameters = 57,
  kEncryptedClientHello = 0xfe0d,
  kQuicTransportParametersDraft = 0xffa5,
};

constexpr size_t kRandomBytes = 32;
constexpr size_t kMaxHostBytes = 255;
constexpr size_t kMaxTokenBytes = 255;

// Names under which ECH providers let the outer hello appear.
constexpr std::array<std::string_view, 3> kEchPublicNames{"cloudflare-ech.com", "encryptedsni.com",
                                                          "crypto.cloudflare.com"};

bool printable(uint8_t byte) { return byte >= 0x20 && byte < 0x7f; }

// The first host_name entry of a server_name extension (RFC 6066 section 3).
void read_server_name(ByteReader body, ClientHello& hello) {
  ByteReader list = body.sub(body.u16());
  while (!list.empty()) {
    const uint8_t type = list.u8();
    const ByteSpan name = list.take(list.u16());
    if (!list.ok()) break;
    if (type == 0) {
      hello.sni = safe_host(name);
      return;
    }
  }
  hello.malformed = hello.malformed || !body.ok() || !list.ok();
}

// draft-ietf-tls-esni section 5: outer form is type 0, cipher suite, config id, enc, payload.
void read_ech(ByteReader body, ClientHello& hello) {
  if (body.u8() == 1) {
    hello.ech = EchSeen::kInner;
    return;
  }
  hello.ech = EchSeen::kPossible;
  body.skip(4);
  hello.ech_config_id = body.u8();
  body.skip(body.u16());
  hello.ech_payload_bytes = body.u16();
  hello.malformed = hello.malformed || !body.ok();
}

// A list behind a 16-bit length in bytes.
ByteSpan list16(ByteReader body, ClientHello& hello) {
  const ByteSpan list = body.take(body.u16());
  hello.malformed = hello.malformed || !body.ok();
  return list;
}

ByteSpan list8(ByteReader body, ClientHello& hello) {
  const ByteSpan list = body.take(body.u8());
  hello.malformed = hello.malformed || !body.ok();
  return list;
}

void read_extension(uint16_t type, ByteSpan bytes, ClientHello& hello) {
  const ByteReader body(bytes);
  switch (static_cast<ExtensionType>(type)) {
    case ExtensionType::kServerName:
      if (hello.has_sni) return;
      hello.has_sni = true;
      if (!bytes.empty()) read_server_name(body, hello);
      return;
    case ExtensionType::kSupportedGroups:
      hello.groups = U16List(list16(body, hello));
      return;
    case ExtensionType::kPointFormats:
      hello.point_formats = list8(body, hello);
      return;
    case ExtensionType::kSignatureAlgorithms:
      hello.signature_algorithms = U16List(list16(body, hello));
      return;
    case ExtensionType::kAlpn:
      hello.alpn = list16(body, hello);
      return;
    case ExtensionType::kSessionTicket:
      hello.session_ticket = bytes;
      return;
    case ExtensionType::kPreSharedKey:
      hello.pre_shared_key = true;
      return;
    case ExtensionType::kEarlyData:
      hello.early_data = true;
      return;
    case ExtensionType::kSupportedVersions:
      hello.supported_versions = U16List(list8(body, hello));
      return;
    case ExtensionType::kEncryptedClientHello:
      read_ech(body, hello);
      return;
    case ExtensionType::kQuicTransportParameters:
    case ExtensionType::kQuicTransportParametersDraft:
      hello.quic_transport_parameters = bytes;
      return;
  }
}

}  // namespace

uint16_t ClientHello::highest_version() const noexcept {
  uint16_t best = 0;
  for (size_t i = 0; i < supported_versions.size(); ++i) {
    if (!is_grease(supported_versions[i])) best = std::max(best, supported_versions[i]);
  }
  return best != 0 ? best : legacy_version;
}

ByteSpan ClientHello::alpn_name(size_t n) const noexcept {
  ByteReader list(alpn);
  while (!list.empty()) {
    const ByteSpan name = list.take(list.u8());
    if (!list.ok()) return {};
    if (n-- == 0) return name;
  }
  return {};
}

std::optional<ClientHello> parse_client_hello(ByteSpan body, bool may_be_cut) {
  ByteReader in(body);
  ClientHello hello;
  hello.legacy_version = in.u16();
  hello.random = in.take(kRandomBytes);
  hello.session_id = in.take(in.u8());
  hello.ciphers = U16List(in.take(in.u16()));
  in.skip(in.u8());  // compression methods
  if (!in.ok() || hello.session_id.size() > kRandomBytes) return std::nullopt;
  const uint8_t major = static_cast<uint8_t>(hello.legacy_version >> 8);
  if (major != 3 && hello.legacy_version != 0x0002 && major != 0x7f) return std::nullopt;
  if (in.remaining() < 2) {  // no extensions: allowed up to TLS 1.2
    hello.cut = may_be_cut;
    hello.malformed = !may_be_cut && !in.empty();
    return hello;
  }
  const size_t promised = in.u16();
  ByteReader extensions(in.remaining() >= promised ? in.take(promised) : in.rest());
  if (extensions.remaining() < promised) {
    hello.cut = may_be_cut;
    hello.malformed = !may_be_cut;
  }
  while (!extensions.empty()) {
    const uint16_t type = extensions.u16();
    const size_t size = extensions.u16();
    if (!extensions.ok()) break;
    if (hello.extension_types.size() == kMaxExtensions) {
      hello.malformed = true;
      break;
    }
    if (extensions.remaining() < size) {
      // The name is worth having even when the extension after it is cut.
      extensions.fail();
      break;
    }
    hello.extension_types.push_back(type);
    read_extension(type, extensions.take(size), hello);
  }
  if (!extensions.ok() && !hello.cut) hello.malformed = true;
  if (hello.ech == EchSeen::kPossible && std::find(kEchPublicNames.begin(), kEchPublicNames.end(),
                                                   hello.sni) != kEchPublicNames.end()) {
    hello.ech = EchSeen::kLikely;
  }
  return hello;
}

std::string safe_host(ByteSpan raw) {
  while (!raw.empty() && raw.back() == 0) raw = raw.first(raw.size() - 1);
  if (raw.size() > 1 && raw.back() == '.') raw = raw.first(raw.size() - 1);
  std::string out;
  out.reserve(std::min(raw.size(), kMaxHostBytes));
  for (const uint8_t byte : raw.first(std::min(raw.size(), kMaxHostBytes))) {
    const bool upper = byte >= 'A' && byte <= 'Z';
    out += !printable(byte) ? '?' : static_cast<char>(upper ? byte + ('a' - 'A') : byte);
  }
  return out;
}

std::string safe_token(ByteSpan raw) {
  std::string out;
  out.reserve(std::min(raw.size(), kMaxTokenBytes));
  for (const uint8_t byte : raw.first(std::min(raw.size(), kMaxTokenBytes))) {
    out += printable(byte) ? static_cast<char>(byte) : '?';
  }
  return out;
}

}  // namespace weir::inspect

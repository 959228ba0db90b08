#include "inspect/identify/tls_fingerprint.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "core/hash.h"

namespace weir::inspect {
namespace {

constexpr uint16_t kServerName = 0;
constexpr uint16_t kAlpn = 16;
constexpr size_t kJa4Digits = 12;
constexpr std::string_view kJa4Empty = "000000000000";

std::string digest(const EVP_MD* kind, std::string_view text) {
  std::array<uint8_t, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), out.data(), &size, kind, nullptr) != 1) return {};
  return to_hex(ByteSpan(out.data(), size));
}

void append_decimal(std::string& out, const U16List& values) {
  bool first = true;
  for (size_t i = 0; i < values.size(); ++i) {
    if (is_grease(values[i])) continue;
    if (!first) out += '-';
    out += std::to_string(values[i]);
    first = false;
  }
}

void append_hex4(std::string& out, uint16_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (int shift = 12; shift >= 0; shift -= 4) out += kDigits[value >> shift & 0xf];
}

// "1301,1302" in the order given.
std::string hex_list(const std::vector<uint16_t>& values) {
  std::string out;
  for (const uint16_t value : values) {
    if (!out.empty()) out += ',';
    append_hex4(out, value);
  }
  return out;
}

std::string_view ja4_version(uint16_t version) {
  switch (version) {
    case 0x0304:
      return "13";
    case 0x0303:
      return "12";
    case 0x0302:
      return "11";
    case 0x0301:
      return "10";
    case 0x0300:
      return "s3";
    case 0x0002:
      return "s2";
    default:
      return "00";
  }
}

std::string two_digits(size_t count) {
  const size_t capped = std::min<size_t>(count, 99);
  return {static_cast<char>('0' + capped / 10), static_cast<char>('0' + capped % 10)};
}

bool alphanumeric(uint8_t byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
         (byte >= 'A' && byte <= 'Z');
}

// First and last character of the first ALPN name; of its hexadecimal form when either of the two
// is not alphanumeric.
std::string ja4_alpn(ByteSpan name) {
  if (name.empty()) return "00";
  if (alphanumeric(name.front()) && alphanumeric(name.back())) {
    return {static_cast<char>(name.front()), static_cast<char>(name.back())};
  }
  return {to_hex(name.first(1)).front(), to_hex(name.last(1)).back()};
}

std::vector<uint16_t> without_grease(const U16List& values) {
  std::vector<uint16_t> out;
  out.reserve(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (!is_grease(values[i])) out.push_back(values[i]);
  }
  return out;
}

}  // namespace

std::string ja3_text(const ClientHello& hello) {
  std::string out = std::to_string(hello.legacy_version) + ",";
  append_decimal(out, hello.ciphers);
  out += ',';
  bool first = true;
  for (const uint16_t type : hello.extension_types) {
    if (is_grease(type)) continue;
    if (!first) out += '-';
    out += std::to_string(type);
    first = false;
  }
  out += ',';
  append_decimal(out, hello.groups);
  out += ',';
  for (size_t i = 0; i < hello.point_formats.size(); ++i) {
    if (i > 0) out += '-';
    out += std::to_string(hello.point_formats[i]);
  }
  return out;
}

std::string ja3(const ClientHello& hello) {
  return hello.cut ? std::string() : digest(EVP_md5(), ja3_text(hello));
}

std::string ja4(const ClientHello& hello, HelloTransport transport) {
  if (hello.cut) return {};
  std::vector<uint16_t> ciphers = without_grease(hello.ciphers);
  std::vector<uint16_t> extensions;
  size_t extension_count = 0;
  for (const uint16_t type : hello.extension_types) {
    if (is_grease(type)) continue;
    ++extension_count;
    if (type != kServerName && type != kAlpn) extensions.push_back(type);
  }
  std::string out(1, transport == HelloTransport::kQuic ? 'q' : 't');
  out += ja4_version(hello.highest_version());
  out += hello.has_sni ? 'd' : 'i';
  out += two_digits(ciphers.size()) + two_digits(extension_count) + ja4_alpn(hello.alpn_name(0));
  std::sort(ciphers.begin(), ciphers.end());
  std::sort(extensions.begin(), extensions.end());
  out += '_';
  out += ciphers.empty() ? std::string(kJa4Empty)
                         : digest(EVP_sha256(), hex_list(ciphers)).substr(0, kJa4Digits);
  out += '_';
  std::string rest = hex_list(extensions);
  const std::vector<uint16_t> algorithms = without_grease(hello.signature_algorithms);
  if (!algorithms.empty()) rest += "_" + hex_list(algorithms);
  out += extension_count == 0 ? std::string(kJa4Empty)
                              : digest(EVP_sha256(), rest).substr(0, kJa4Digits);
  return out;
}

}  // namespace weir::inspect

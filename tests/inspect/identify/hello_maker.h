// Builds TLS messages byte by byte for tests: what is built here is what the parsers must read
// back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/bytes.h"

namespace weir::test {

using Bytes = std::vector<uint8_t>;

inline void put(Bytes& out, ByteSpan bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }
inline void put(Bytes& out, std::string_view text) { put(out, as_bytes(text)); }
inline void put_uint(Bytes& out, uint64_t value, size_t bytes) {
  for (size_t i = bytes; i-- > 0;) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
}
// `body` behind its length in `bytes` bytes.
inline void put_sized(Bytes& out, const Bytes& body, size_t bytes) {
  put_uint(out, body.size(), bytes);
  put(out, ByteSpan(body));
}
inline Bytes u16s(const std::vector<uint16_t>& values) {
  Bytes out;
  for (const uint16_t value : values) put_uint(out, value, 2);
  return out;
}

inline Bytes from_hex(std::string_view text) {
  Bytes out;
  int half = -1;
  for (const char c : text) {
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) continue;
    if (half < 0) {
      half = digit;
    } else {
      out.push_back(static_cast<uint8_t>(half << 4 | digit));
      half = -1;
    }
  }
  return out;
}

struct HelloSpec {
  uint16_t legacy_version = 0x0303;
  std::vector<uint16_t> ciphers{0x1301, 0x1302, 0xc02b};
  std::vector<std::pair<uint16_t, Bytes>> extensions;

  HelloSpec& add(uint16_t type, Bytes body = {}) {
    extensions.emplace_back(type, std::move(body));
    return *this;
  }
  HelloSpec& sni(std::string_view name) {
    Bytes entry{0};
    put_sized(entry, Bytes(name.begin(), name.end()), 2);
    Bytes body;
    put_sized(body, entry, 2);
    return add(0, body);
  }
  HelloSpec& alpn(const std::vector<std::string_view>& names) {
    Bytes list;
    for (const auto name : names) put_sized(list, Bytes(name.begin(), name.end()), 1);
    Bytes body;
    put_sized(body, list, 2);
    return add(16, body);
  }
  HelloSpec& list16(uint16_t type, const std::vector<uint16_t>& values) {
    Bytes body;
    put_sized(body, u16s(values), 2);
    return add(type, body);
  }
  HelloSpec& versions(const std::vector<uint16_t>& values) {
    Bytes body;
    put_sized(body, u16s(values), 1);
    return add(43, body);
  }
  HelloSpec& point_formats(const Bytes& values) {
    Bytes body;
    put_sized(body, values, 1);
    return add(11, body);
  }

  // The message without its handshake header.
  [[nodiscard]] Bytes body() const {
    Bytes out;
    put_uint(out, legacy_version, 2);
    for (int i = 0; i < 32; ++i) out.push_back(static_cast<uint8_t>(i));
    put_sized(out, Bytes(32, 0x5e), 1);
    put_sized(out, u16s(ciphers), 2);
    put_sized(out, Bytes{0}, 1);
    if (extensions.empty()) return out;
    Bytes all;
    for (const auto& [type, bytes] : extensions) {
      put_uint(all, type, 2);
      put_sized(all, bytes, 2);
    }
    put_sized(out, all, 2);
    return out;
  }
};

inline Bytes handshake(uint8_t type, const Bytes& body) {
  Bytes out{type};
  put_sized(out, body, 3);
  return out;
}

inline Bytes record(uint8_t type, const Bytes& fragment, uint16_t version = 0x0301) {
  Bytes out{type};
  put_uint(out, version, 2);
  put_sized(out, fragment, 2);
  return out;
}

inline Bytes operator+(Bytes a, const Bytes& b) {
  put(a, ByteSpan(b));
  return a;
}

// A ServerHello body. `selected`: supported_versions value, 0 for none.
inline Bytes server_hello_body(uint16_t legacy, uint16_t selected, uint16_t cipher,
                               std::string_view alpn, bool retry = false) {
  Bytes out;
  put_uint(out, legacy, 2);
  if (retry) {
    put(out,
        ByteSpan(from_hex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")));
  } else {
    for (int i = 0; i < 32; ++i) out.push_back(static_cast<uint8_t>(0xa0 + i));
  }
  put_sized(out, Bytes{1, 2, 3}, 1);
  put_uint(out, cipher, 2);
  out.push_back(0);
  Bytes extensions;
  if (selected != 0) {
    put_uint(extensions, 43, 2);
    put_sized(extensions, u16s({selected}), 2);
  }
  if (!alpn.empty()) {
    Bytes list;
    put_sized(list, Bytes(alpn.begin(), alpn.end()), 1);
    Bytes body;
    put_sized(body, list, 2);
    put_uint(extensions, 16, 2);
    put_sized(extensions, body, 2);
  }
  put_sized(out, extensions, 2);
  return out;
}

// The ClientHello that Claude Code's runtime sends (BoringSSL, no GREASE).
inline HelloSpec bun_hello(std::string_view name) {
  HelloSpec hello;
  hello.ciphers = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8,
                   0xc009, 0xc013, 0xc00a, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035};
  hello.sni(name).add(23).add(65281, Bytes{0}).list16(10, {29, 23, 24}).point_formats({0}).add(35);
  hello.alpn({"http/1.1"}).add(5, Bytes{1, 0, 0, 0, 0});
  hello.list16(13, {0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601, 0x0201});
  Bytes share;
  put_uint(share, 29, 2);
  put_sized(share, Bytes(32, 0x77), 2);
  Bytes shares;
  put_sized(shares, share, 2);
  hello.add(18).add(51, shares).add(45, Bytes{1, 1}).versions({0x0304, 0x0303}).add(21, Bytes(64));
  return hello;
}

}  // namespace weir::test

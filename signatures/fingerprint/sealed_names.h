// Names of repositories and files, sealed to a key that the sensor has not: it reports opaque names
// that stay the same from build to build, and whoever holds the private key turns them back.
// Sealing: X25519 with a key made for the occasion, SHA-256 of the shared secret and both public
// keys, and ChaCha20-Poly1305 under that. Who has the site key can still try out names that they
// guess, as they can lines of code.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"
#include "signatures/fingerprint/site_key.h"

namespace weir::signatures {

using SealKey = std::array<uint8_t, 32>;  // the public half

// 64 hexadecimal digits, as `weir index seal-key` writes them.
Result<SealKey> load_seal_key(const std::string& path);
[[nodiscard]] std::string to_hex(const SealKey& key);
// The private half is a file like that of a site key: 64 digits, mode 0600.
Result<SealKey> public_half(const SiteKey& private_key);

Result<std::vector<uint8_t>> seal(const SealKey& to, ByteSpan text);
Result<std::vector<uint8_t>> unseal(const SiteKey& private_key, ByteSpan sealed);

// "sealed-" and 16 hexadecimal digits.
[[nodiscard]] std::string opaque_name(const SiteKey& site, std::string_view name);

// Section kSealedNames: any number of {u32 size, sealed}, so that indexes can be merged; in each
// {u32 size, opaque name, u32 size, name}.
class SealedNames {
 public:
  // Remembers the name; returns the opaque one.
  std::string add(const SiteKey& site, std::string_view name);
  Result<std::vector<uint8_t>> section(const SealKey& to) const;

 private:
  std::vector<uint8_t> text_;
};

// Pairs of opaque name and name. Parts that were sealed to other keys are an error.
Result<std::vector<std::pair<std::string, std::string>>> open_names(const SiteKey& private_key,
                                                                    ByteSpan section);

}  // namespace weir::signatures

#include "inspect/decrypt/key_log.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace weir::inspect {
namespace {

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Bytes written, or nothing when `text` is not hexadecimal or longer than `out`.
std::optional<size_t> unhex(std::string_view text, std::span<uint8_t> out) noexcept {
  if (text.empty() || text.size() % 2 != 0 || text.size() / 2 > out.size()) return std::nullopt;
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]);
    const int low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out[i / 2] = static_cast<uint8_t>(high << 4 | low);
  }
  return text.size() / 2;
}

std::string_view next_word(std::string_view& line) noexcept {
  const size_t begin = std::min(line.find_first_not_of(" \t"), line.size());
  line.remove_prefix(begin);
  const size_t end = std::min(line.find_first_of(" \t"), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

std::optional<SecretKind> kind_of(std::string_view label) noexcept {
  // Before TLS 1.3 in QUIC was final, its labels had a prefix.
  if (label.starts_with("QUIC_")) label.remove_prefix(5);
  if (label == "CLIENT_RANDOM") return SecretKind::kMaster;
  if (label == "CLIENT_EARLY_TRAFFIC_SECRET") return SecretKind::kClientEarly;
  if (label == "CLIENT_HANDSHAKE_TRAFFIC_SECRET") return SecretKind::kClientHandshake;
  if (label == "SERVER_HANDSHAKE_TRAFFIC_SECRET") return SecretKind::kServerHandshake;
  if (label == "CLIENT_TRAFFIC_SECRET_0") return SecretKind::kClientTraffic;
  if (label == "SERVER_TRAFFIC_SECRET_0") return SecretKind::kServerTraffic;
  return std::nullopt;
}

constexpr size_t kMasterBytes = 48;

bool fits(SecretKind kind, size_t size) noexcept {
  if (kind == SecretKind::kMaster) return size == kMasterBytes;
  return size == 32 || size == 48;  // SHA-256, SHA-384
}

}  // namespace

void KeyLogParser::feed(ByteSpan bytes, Timestamp now) noexcept {
  while (!bytes.empty()) {
    const auto end = std::find(bytes.begin(), bytes.end(), uint8_t{'\n'});
    const ByteSpan part = bytes.first(static_cast<size_t>(end - bytes.begin()));
    const size_t kept = std::min(part.size(), line_.size() - fill_);
    std::copy_n(part.begin(), kept, line_.begin() + static_cast<ptrdiff_t>(fill_));
    fill_ += kept;
    if (kept < part.size()) too_long_ = true;
    if (end == bytes.end()) return;
    end_line(now);
    bytes = bytes.subspan(part.size() + 1);
  }
}

void KeyLogParser::finish(Timestamp now) noexcept {
  if (fill_ > 0 || too_long_) end_line(now);
}

void KeyLogParser::reset() noexcept {
  wipe_memory(line_.data(), line_.size());
  fill_ = 0;
  too_long_ = false;
}

void KeyLogParser::end_line(Timestamp now) noexcept {
  std::string_view line = as_chars(ByteSpan(line_).first(fill_));
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
  const std::string_view label = next_word(line);
  if (too_long_) {
    // A comment may be as long as it likes.
    if (!label.starts_with('#')) {
      counters_.lines.add();
      counters_.long_lines.add();
    }
  } else if (!label.empty() && !label.starts_with('#')) {
    counters_.lines.add();
    const std::string_view random_text = next_word(line);
    const std::string_view secret_text = next_word(line);
    TlsRandom random{};
    std::array<uint8_t, 64> secret{};
    const auto random_size = unhex(random_text, random);
    const auto secret_size = unhex(secret_text, secret);
    const auto kind = kind_of(label);
    const bool shaped =
        random_size == kRandomBytes && !secret_text.empty() && next_word(line).empty();
    if (label == "RSA" || label == "PMS_CLIENT_RANDOM") {
      counters_.rsa_lines.add();
    } else if (!kind && shaped) {
      counters_.other_labels.add();
    } else if (!kind || !shaped || !secret_size || !fits(*kind, *secret_size)) {
      counters_.bad_lines.add();
    } else {
      counters_.secrets.add();
      store_.add(*kind, random, ByteSpan(secret).first(*secret_size), now);
    }
    wipe_memory(secret.data(), secret.size());
  }
  wipe_memory(line_.data(), fill_);
  fill_ = 0;
  too_long_ = false;
}

}  // namespace weir::inspect

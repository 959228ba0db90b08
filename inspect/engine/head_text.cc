// See head_text.h.
#include "inspect/engine/head_text.h"

#include <algorithm>
#include <array>
#include <string>

namespace weir::inspect {

namespace {

// Shorter values say nothing; time zones and names of systems are short.
constexpr size_t kMinValue = 2;

constexpr std::array<std::string_view, 14> kCredentialHeaders = {"authorization",
                                                                 "proxy-authorization",
                                                                 "cookie",
                                                                 "cookie2",
                                                                 "x-api-key",
                                                                 "api-key",
                                                                 "x-goog-api-key",
                                                                 "ocp-apim-subscription-key",
                                                                 "x-amz-security-token",
                                                                 "x-auth-token",
                                                                 "x-csrf-token",
                                                                 "sec-websocket-key",
                                                                 "cosy-key",
                                                                 "cosy-machinetoken"};

// Sent by every client; nothing of the user's stands in them.
constexpr std::array<std::string_view, 18> kPlainHeaders = {"host",
                                                            "accept",
                                                            "accept-encoding",
                                                            "connection",
                                                            "user-agent",
                                                            "content-type",
                                                            "content-length",
                                                            "cache-control",
                                                            "pragma",
                                                            "te",
                                                            "transfer-encoding",
                                                            "content-encoding",
                                                            "expect",
                                                            "upgrade",
                                                            "if-none-match",
                                                            "if-modified-since",
                                                            "range",
                                                            "upgrade-insecure-requests"};

constexpr std::array<std::string_view, 16> kCredentialParameters = {"key",
                                                                    "api_key",
                                                                    "apikey",
                                                                    "api-key",
                                                                    "access_token",
                                                                    "token",
                                                                    "auth",
                                                                    "sig",
                                                                    "signature",
                                                                    "code",
                                                                    "client_secret",
                                                                    "x-amz-signature",
                                                                    "x-amz-credential",
                                                                    "x-amz-security-token",
                                                                    "subscription-key",
                                                                    "id_token"};

template <size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) noexcept {
  return std::find(names.begin(), names.end(), name) != names.end();
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Decodes %XX and '+' in blocks, so that no buffer grows with the input.
void emit_decoded(std::string_view text, TextSink& sink) noexcept {
  std::array<uint8_t, 512> block;
  size_t used = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+') c = ' ';
    if (c == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
        hex_digit(text[i + 2]) >= 0) {
      c = static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    }
    block[used++] = static_cast<uint8_t>(c);
    if (used == block.size()) {
      sink.on_text(block);
      used = 0;
    }
  }
  sink.on_text(ByteSpan(block).first(used));
}

void emit_piece(std::string_view where, std::string_view name, std::string_view value,
                uint64_t offset, TextSink& sink) noexcept {
  const std::string path = std::string(where) + std::string(name.substr(0, 64));
  sink.on_piece({path, name, offset});
  emit_decoded(value, sink);
  sink.on_piece_end(EndReason::kComplete);
}

}  // namespace

bool is_credential_header(std::string_view lower_name) noexcept {
  return is_one_of(kCredentialHeaders, lower_name);
}

bool is_credential_parameter(std::string_view name) noexcept {
  std::string lower(name.substr(0, 64));
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return is_one_of(kCredentialParameters, lower);
}

void emit_head_text(const MessageHead& head, TextSink& sink) noexcept {
  const size_t mark = head.target.find('?');
  const std::string_view path = head.target.substr(0, mark);
  if (path.size() > kUnreadPath) emit_piece("http/path", "", path, head.offset, sink);
  std::string_view query =
      mark == std::string_view::npos ? std::string_view{} : head.target.substr(mark + 1);
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view field = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
    const size_t equals = field.find('=');
    // A query without '=' is text as a whole.
    const std::string_view name =
        equals == std::string_view::npos ? std::string_view{} : field.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? field : field.substr(equals + 1);
    if (value.size() < kMinValue || is_credential_parameter(name)) continue;
    emit_piece("http/query:", name, value, head.offset, sink);
  }
  for (const HeaderField& field : head.fields) {
    if (field.value.size() < kMinValue || is_one_of(kPlainHeaders, field.name) ||
        is_credential_header(field.name)) {
      continue;
    }
    const std::string where = "http/header:" + std::string(field.name.substr(0, 64));
    sink.on_piece({where, field.name, head.offset});
    sink.on_text(as_bytes(field.value));
    sink.on_piece_end(EndReason::kComplete);
  }
}

}  // namespace weir::inspect

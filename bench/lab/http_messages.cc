#include "bench/lab/http_messages.h"

#include <algorithm>

#include "bench/lab/codings.h"
#include "bench/lab/prose.h"

namespace weir::lab {
namespace {

std::string hexadecimal(size_t value) {
  std::string out = to_hex(uint64_t{value});
  out.erase(0, std::min(out.find_first_not_of('0'), out.size() - 1));
  return out;
}

void put_chunk(ByteWriter& out, ByteSpan part) {
  out.text(hexadecimal(part.size())).text("\r\n").bytes(part).text("\r\n");
}

void put_unicode_escape(std::string& out, uint32_t unit) {
  const std::string digits = to_hex(uint64_t{unit});
  out += "\\u" + digits.substr(digits.size() - 4);
}

// The code point at `at` of valid UTF-8, and the bytes it takes.
std::pair<uint32_t, size_t> code_point(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(as_bytes(text)[at + i]); };
  const uint32_t lead = byte(0);
  const size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc0 || at + size > text.size()) return {0xfffd, 1};
  uint32_t value = lead & (0xffU >> (size + 1));
  for (size_t i = 1; i < size; ++i) value = value << 6 | (byte(i) & 0x3f);
  return {value, size};
}

}  // namespace

Bytes encode_request(LabRandom& random, const HttpRequest& request) {
  ByteWriter out;
  out.text(request.method + ' ' + request.target + " HTTP/1.1\r\nHost: " + request.host + "\r\n");
  for (const auto& [name, value] : request.headers) {
    out.text(name).text(": ").text(value).text("\r\n");
  }
  if (request.method == "GET") return out.text("\r\n").take();
  const Bytes body = encode_content(request.coding, as_bytes(request.body));
  out.text("Content-Type: " + request.content_type + "\r\n");
  if (request.coding != "identity") out.text("Content-Encoding: " + request.coding + "\r\n");
  if (!request.chunked) {
    out.text("Content-Length: " + std::to_string(body.size()) + "\r\n\r\n").bytes(body);
    return out.take();
  }
  out.text("Transfer-Encoding: chunked\r\n\r\n");
  ByteSpan rest = body;
  while (!rest.empty()) {
    const size_t size = std::min(rest.size(), random.between(200, 9000));
    put_chunk(out, rest.first(size));
    rest = rest.subspan(size);
  }
  return out.text("0\r\n\r\n").take();
}

Bytes plain_response(std::string_view content_type, ByteSpan body) {
  ByteWriter out;
  out.text("HTTP/1.1 200 OK\r\nContent-Type: ").text(content_type);
  out.text("\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n").bytes(body);
  return out.take();
}

Bytes event_stream_response(LabRandom& random, size_t events) {
  ByteWriter out;
  out.text("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n");
  out.text("Transfer-Encoding: chunked\r\n\r\n");
  for (size_t i = 0; i < events; ++i) {
    const std::string event =
        "event: delta\ndata: {\"delta\":" + json_string(random_sentence(random) + ' ') + "}\n\n";
    put_chunk(out, as_bytes(event));
  }
  put_chunk(out, as_bytes("data: [DONE]\n\n"));
  return out.text("0\r\n\r\n").take();
}

std::string json_string(std::string_view text, JsonStyle style) {
  std::string out = "\"";
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    const auto code = static_cast<uint32_t>(as_bytes(text)[i]);
    if (code >= 0x80 && style == JsonStyle::kPython) {
      const auto [point, size] = code_point(text, i);
      if (point >= 0x10000) {
        put_unicode_escape(out, 0xd800 + ((point - 0x10000) >> 10));
        put_unicode_escape(out, 0xdc00 + ((point - 0x10000) & 0x3ff));
      } else {
        put_unicode_escape(out, point);
      }
      i += size;
      continue;
    }
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (code < 0x20 || (style == JsonStyle::kGo && (c == '<' || c == '>' || c == '&'))) {
      put_unicode_escape(out, code);
    } else {
      out += c;
    }
    ++i;
  }
  return out + '"';
}

}  // namespace weir::lab

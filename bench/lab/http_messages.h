// HTTP/1.1 requests and responses as bytes.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/lab/byte_writer.h"
#include "bench/lab/lab_random.h"

namespace weir::lab {

struct HttpRequest {
  std::string method = "POST";
  std::string target;
  std::string host;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string content_type;
  std::string coding = "identity";
  bool chunked = false;
  std::string body;
};

// Applies the coding, then the framing. No body and no content headers for GET.
Bytes encode_request(LabRandom& random, const HttpRequest& request);

Bytes plain_response(std::string_view content_type, ByteSpan body);
// Server-sent events, chunked: the prose word by word in `events` deltas.
Bytes event_stream_response(LabRandom& random, size_t events);

// `text` as a JSON string with its quotes.
enum class JsonStyle : uint8_t {
  kJavaScript,  // UTF-8 as it is
  kGo,          // also < > & as \u003c …
  kPython       // everything beyond ASCII as \uXXXX
};
std::string json_string(std::string_view text, JsonStyle style = JsonStyle::kJavaScript);

}  // namespace weir::lab

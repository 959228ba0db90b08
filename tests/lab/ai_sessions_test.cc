#include "bench/lab/ai_sessions.h"

#include <brotli/decode.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <charconv>
#include <set>
#include <string>

#include "bench/lab/codings.h"

namespace weir::lab {
namespace {

std::string inflate_all(ByteSpan in, int window_bits) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, window_bits), Z_OK);
  Bytes input(in.begin(), in.end());
  std::string out(1U << 20, '\0');
  Bytes buffer(out.size());
  stream.next_in = input.data();
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = buffer.data();
  stream.avail_out = static_cast<uInt>(buffer.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out = as_chars(ByteSpan(buffer).first(stream.total_out));
  inflateEnd(&stream);
  return out;
}

std::string decode(const std::string& coding, ByteSpan in) {
  if (coding == "gzip") return inflate_all(in, 15 + 16);
  if (coding == "deflate") return inflate_all(in, 15);
  Bytes buffer(1U << 20);
  size_t size = buffer.size();
  if (coding == "br") {
    EXPECT_EQ(BrotliDecoderDecompress(in.size(), in.data(), &size, buffer.data()),
              BROTLI_DECODER_RESULT_SUCCESS);
  } else if (coding == "zstd") {
    size = ZSTD_decompress(buffer.data(), buffer.size(), in.data(), in.size());
    EXPECT_EQ(ZSTD_isError(size), 0U);
  } else {
    return std::string(as_chars(in));
  }
  return std::string(as_chars(ByteSpan(buffer).first(size)));
}

TEST(LabCodings, RoundTrip) {
  const std::string text(5000, 'x');
  for (const std::string coding : {"identity", "gzip", "deflate", "br", "zstd"}) {
    for (const std::string& content : {text, std::string()}) {
      const Bytes coded = encode_content(coding, as_bytes(content));
      EXPECT_EQ(decode(coding, coded), content) << coding;
      if (coding != "identity" && !content.empty()) {
        EXPECT_LT(coded.size(), 200U);
      }
    }
  }
}

// The body behind the header, without chunk framing.
std::string body_of(const Bytes& message, bool chunked) {
  const std::string_view text = as_chars(message);
  std::string_view rest = text.substr(text.find("\r\n\r\n") + 4);
  if (!chunked) return std::string(rest);
  std::string out;
  while (true) {
    size_t size = 0;
    const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), size, 16);
    EXPECT_EQ(parsed.ec, std::errc());
    rest.remove_prefix(static_cast<size_t>(parsed.ptr - rest.data()) + 2);
    if (size == 0) break;
    out += rest.substr(0, size);
    rest.remove_prefix(size + 2);
  }
  EXPECT_EQ(rest, "\r\n");
  return out;
}

TEST(LabHttp, FramingAndCodingCarryTheBody) {
  LabRandom random(4);
  HttpRequest request;
  request.target = "/x";
  request.host = "h.example";
  request.content_type = "text/plain";
  request.body = std::string(30'000, 'b') + "end";
  for (const std::string coding : {"identity", "gzip", "br"}) {
    for (const bool chunked : {false, true}) {
      request.coding = coding;
      request.chunked = chunked;
      const std::string body = body_of(encode_request(random, request), chunked);
      EXPECT_EQ(decode(coding, as_bytes(body)), request.body) << coding << chunked;
    }
  }
}

TEST(LabAiSessions, EveryClientCarriesEveryLineAndRepeatsItsHistory) {
  CodeExcerpt code{"repo", "dir/file.py", 40, {}, false};
  for (int i = 0; i < 12; ++i) code.lines.push_back("line number " + std::to_string(i) + " stands");
  std::set<std::string> forms;
  for (size_t client = 0; client < kAiClients; ++client) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      LabRandom random(seed);
      const AiSession session = make_ai_session(client, random, &code);
      forms.insert(session.form);
      ASSERT_FALSE(session.requests.empty());
      EXPECT_FALSE(session.form.empty());
      for (const std::string& line : code.lines) {
        EXPECT_NE(session.requests.back().body.find(line), std::string::npos)
            << session.api << ' ' << session.form << ": " << line;
      }
      for (size_t i = 1; i < session.requests.size(); ++i) {
        EXPECT_GT(session.requests[i].body.size(), session.requests[i - 1].body.size());
      }
      LabRandom again(seed);
      const AiSession prose = make_ai_session(client, again, nullptr);
      EXPECT_TRUE(prose.form.empty());
      for (const HttpRequest& request : prose.requests) {
        EXPECT_EQ(request.body.find("line number"), std::string::npos);
      }
    }
  }
  EXPECT_EQ(forms,
            (std::set<std::string>{"diff", "fenced", "function_response", "multipart",
                                   "numbered_arrow", "numbered_bar", "numbered_tab", "old_string",
                                   "pasted", "patch_in_json", "prefix_suffix", "shell_output"}));
}

}  // namespace
}  // namespace weir::lab

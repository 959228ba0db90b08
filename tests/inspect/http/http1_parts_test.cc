// The pure parts: probes, the chunk reader, the search for a request line.
#include <gtest/gtest.h>

#include <string>

#include "inspect/http/chunked.h"
#include "inspect/http/http1_decoder.h"
#include "inspect/http/http1_resync.h"

namespace weir::inspect {
namespace {

using namespace std::string_view_literals;

// The answer to the whole, with every shorter beginning answering kMaybe or the same.
ProbeAnswer probe(ProbeAnswer (*ask)(ByteSpan) noexcept, std::string_view text) {
  const ProbeAnswer whole = ask(as_bytes(text));
  bool decided = false;
  for (size_t n = 0; n <= text.size(); ++n) {
    const ProbeAnswer part = ask(as_bytes(text.substr(0, n)));
    if (decided || part != ProbeAnswer::kMaybe) {
      decided = true;
      EXPECT_EQ(part, whole) << text.substr(0, n);
    }
  }
  return whole;
}

TEST(Http1Probe, Requests) {
  for (const auto text :
       {"GET /"sv, "POST /v1/messages"sv, "GET http://x"sv, "PUT HTTPS://x"sv, "\r\n\nHEAD /"sv,
        "OPTIONS * HTTP/1.1\r\n"sv, "CONNECT h:443 HTTP/1.0\n"sv, "PROPFIND /x HTTP/1.1\r\n"sv,
        "M-SEARCH * HTTP/1.1\r\n"sv, "get / HTTP/1.1\r\n"sv, "GET x HTTP/1.1\r\n"sv,
        "QUERY /x HTTP/2.0\r\n"sv, "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\nGET /"sv}) {
    EXPECT_EQ(probe(probe_http1_request, text), ProbeAnswer::kYes) << text;
  }
  for (const auto text : {""sv, "G"sv, "GET"sv, "GET "sv, "GET h"sv, "GET https:/"sv,
                          "PROPFIND /x HTTP/1.1"sv, "\r\n"sv, "SSH-2.0-x"sv, "CONNECT h:443"sv}) {
    EXPECT_EQ(probe(probe_http1_request, text), ProbeAnswer::kMaybe) << text;
  }
  for (const auto text : {"\x16\x03\x01"sv, "PRI * HTTP/2.0\r\n"sv, "SSH-2.0-x\r\n"sv,
                          "EHLO a\r\n"sv, "OPTIONS sip:x SIP/2.0\r\n"sv, "GET\t/"sv, " GET /"sv,
                          "{\"a\":1}"sv, "HTTP/1.1 200 OK\r\n"sv,
                          "AVERYLONGMETHODNAMETHATNOBODYUSES / HTTP/1.1\r\n"sv, "A \x01"sv}) {
    EXPECT_EQ(probe(probe_http1_request, text), ProbeAnswer::kNo) << text;
  }
  EXPECT_EQ(probe(probe_http1_request, "X " + std::string(20'000, 'y')), ProbeAnswer::kNo);
}

TEST(Http1Probe, Answers) {
  EXPECT_EQ(probe(probe_http1_response, "HTTP/1.1 200 OK\r\n"), ProbeAnswer::kYes);
  EXPECT_EQ(probe(probe_http1_response, "HTTP/1.0 "), ProbeAnswer::kYes);
  EXPECT_EQ(probe(probe_http1_response, "HTTP/1.1"), ProbeAnswer::kMaybe);
  EXPECT_EQ(probe(probe_http1_response, ""), ProbeAnswer::kMaybe);
  EXPECT_EQ(probe(probe_http1_response, "HTTP/2 200"), ProbeAnswer::kNo);
  EXPECT_EQ(probe(probe_http1_response, "HTTP/1.x 2"), ProbeAnswer::kNo);
  EXPECT_EQ(probe(probe_http1_response, "GET / HTTP/1.1"), ProbeAnswer::kNo);
}

TEST(Http1Resync, FindsALineBehindAnyByte) {
  const auto found = [](std::string_view text) {
    const Resync r = find_request_line(as_bytes(text));
    return std::pair(r.plain, r.found);
  };
  EXPECT_EQ(found("GET / HTTP/1.1\r\n"), std::pair(size_t{0}, true));
  EXPECT_EQ(found("}POST /x HTTP/1.0\n"), std::pair(size_t{1}, true));
  EXPECT_EQ(found("wordGET / HTTP/1.1\r\n"), std::pair(size_t{4}, true));
  EXPECT_EQ(found("a PUT b, POST /x HTTP/1.1\r\n"), std::pair(size_t{9}, true));
  EXPECT_EQ(found("CONNECT h:1 HTTP/1.1\r\n"), std::pair(size_t{0}, true));
  EXPECT_EQ(found("OPTIONS * HTTP/1.1\r\n"), std::pair(size_t{0}, true));
  // May become one.
  EXPECT_EQ(found("ab GET"), std::pair(size_t{3}, false));
  EXPECT_EQ(found("ab GE"), std::pair(size_t{3}, false));
  EXPECT_EQ(found("ab GET "), std::pair(size_t{3}, false));
  EXPECT_EQ(found("ab GET /long"), std::pair(size_t{3}, false));
  EXPECT_EQ(found("ab GET / HTTP/1.1\r"), std::pair(size_t{3}, false));
  // Never.
  EXPECT_EQ(found("ab GET /x HTTP/2 "), std::pair(size_t{17}, false));
  EXPECT_EQ(found("ab GET /x\nHTTP/1.1 "), std::pair(size_t{19}, false));
  EXPECT_EQ(found("GET  HTTP/1.1\r\n"), std::pair(size_t{15}, false));
  EXPECT_EQ(found(" / HTTP/1.1\r\n"), std::pair(size_t{13}, false));
  const std::string far = "GET " + std::string(9'000, 'x');
  EXPECT_EQ(found(far), std::pair(far.size(), false));
}

TEST(ChunkReader, LimitsOnExtensionsAndTrailersAreExact) {
  for (const bool trailers : {false, true}) {
    const std::string start = trailers ? "0\r\n" : "5";
    const std::string filler(100, trailers ? 'T' : ';');
    for (const size_t piece : {1U, 3U, 1000U}) {
      ChunkReader reader;
      reader.begin(trailers ? 1000 : 64, 64);
      const std::string text = start + filler + "\r\n\r\n";
      size_t taken = 0;
      ChunkReader::Step step = ChunkReader::Step::kContinue;
      while (step == ChunkReader::Step::kContinue && taken < text.size()) {
        ByteSpan data = as_bytes(text).subspan(taken, std::min(piece, text.size() - taken));
        const size_t before = data.size();
        ByteSpan body;
        step = reader.next(data, body);
        taken += before - data.size();
      }
      EXPECT_EQ(step, ChunkReader::Step::kLimit);
      EXPECT_EQ(taken, start.size() + 64);
    }
  }
}

TEST(ChunkReader, GapsOnlyInsideAChunk) {
  ChunkReader reader;
  reader.begin(100, 100);
  EXPECT_FALSE(reader.skip(1));
  ByteSpan data = as_bytes("a\r\n0"sv);
  ByteSpan body;
  EXPECT_EQ(reader.next(data, body), ChunkReader::Step::kContinue);
  EXPECT_EQ(as_chars(body), "0");
  EXPECT_FALSE(reader.skip(10));
  EXPECT_TRUE(reader.skip(9));
  EXPECT_FALSE(reader.skip(1));
  data = as_bytes("\r\n0\r\n\r\n"sv);
  EXPECT_EQ(reader.next(data, body), ChunkReader::Step::kDone);
  EXPECT_TRUE(data.empty());
}

}  // namespace
}  // namespace weir::inspect

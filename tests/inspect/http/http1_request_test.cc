// Requests alone (a half flow): heads, bodies, framing, limits; each in every cut.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "inspect/http/http1_decoder.h"
#include "tests/inspect/http/message_transcript.h"
#include "tests/support/split_check.h"

namespace weir::inspect {
namespace {

using test::MessageTranscript;

struct Decoded {
  std::string transcript;
  Http1Counters counters;
  DecodeStatus status = DecodeStatus::kContinue;
};

Decoded feed(const std::vector<ByteSpan>& chunks, const Limits& limits = {},
             bool mid_stream = false, EndReason end = EndReason::kComplete) {
  Decoded run;
  MessageTranscript sink;
  Http1Decoder decoder(limits, run.counters, sink);
  if (mid_stream) decoder.set_mid_stream();
  for (const ByteSpan chunk : chunks) {
    run.status = decoder.on_data(Direction::kToServer, chunk);
    if (run.status != DecodeStatus::kContinue) break;
  }
  if (run.status == DecodeStatus::kContinue) {
    decoder.on_end(Direction::kToServer, end);
    EXPECT_TRUE(sink.all_ended());
  }
  run.transcript = sink.take();
  return run;
}

// The transcript of `text`, which every cut of it must give.
Decoded check(std::string_view text, const Limits& limits = {}, bool mid_stream = false) {
  const ByteSpan bytes = as_bytes(text);
  test::split_check(bytes, [&](const std::vector<ByteSpan>& chunks) {
    return feed(chunks, limits, mid_stream).transcript;
  });
  return feed(test::Chunks(bytes, {}).spans(), limits, mid_stream);
}

TEST(Http1Decoder, RequestWithoutBody) {
  const Decoded run = check("GET /a?b=c HTTP/1.1\r\nHost: x.example\r\nUser-Agent: t/1\r\n\r\n");
  EXPECT_EQ(run.transcript,
            "request 0 @0 [http/1.1] GET /a?b=c at x.example agent t/1\n"
            "  host=x.example\n"
            "  user-agent=t/1\n"
            "end 0 complete\n");
  EXPECT_EQ(run.counters.requests.get(), 1U);
}

TEST(Http1Decoder, PipelinedBodiesOfKnownLength) {
  const Decoded run = check(
      "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
      "PUT /2 HTTP/1.0\r\nhost:h\r\ncontent-length:3\r\n\r\nabc"
      "GET /3 HTTP/1.1\r\n\r\n");
  EXPECT_EQ(run.transcript,
            "request 0 @0 [http/1.1] POST /1 at h length 5\n"
            "  host=h\n  content-length=5\n"
            "body 0 @48 hello\nend 0 complete\n"
            "request 1 @53 [http/1.0] PUT /2 at h length 3\n"
            "  host=h\n  content-length=3\n"
            "body 1 @98 abc\nend 1 complete\n"
            "request 2 @101 [http/1.1] GET /3 at \n"
            "end 2 complete\n");
  EXPECT_EQ(run.counters.body_bytes.get(), 8U);
  EXPECT_EQ(run.counters.bodies_with_length.get(), 2U);
}

}  // namespace
}  // namespace weir::inspect

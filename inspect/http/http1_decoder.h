// HTTP/1.x requests and the framing of their answers (RFC 9112), as a stream decoder over both
// directions of a connection. Emits to a MessageSink. Lenient where real clients are, strict where
// a difference could hide a body (RFC 9112 section 6.3, request smuggling).
#pragma once

#include <cstdint>
#include <memory>

#include "core/counters.h"
#include "core/limits.h"
#include "inspect/message_sink.h"
#include "inspect/stream_decoder.h"

namespace weir::inspect {

// kYes: certainly the first bytes of an HTTP/1 request line. kMaybe: more bytes are needed.
[[nodiscard]] ProbeAnswer probe_http1_request(ByteSpan first) noexcept;
[[nodiscard]] ProbeAnswer probe_http1_response(ByteSpan first) noexcept;

// class Http1Decoder final : public StreamDecoder
//   Http1Decoder(const Limits&, Http1Counters&, MessageSink&)
//   void set_mid_stream() noexcept  // the first bytes may lie inside a message: find the next head

}  // namespace weir::inspect

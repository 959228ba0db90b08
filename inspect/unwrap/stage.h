// The links of the chain. A Level looks at the first bytes of a stream and passes it on: as text to
// the emitter, or to a Stage (a coding or container) that opens streams one level deeper. At any
// moment one stage a level is at work, so each level keeps its stages and uses them again.
// Calls go at most Limits::unwrap_depth deep.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/bytes.h"
#include "core/limits.h"
#include "inspect/stream_decoder.h"
#include "inspect/unwrap/emitter.h"
#include "inspect/unwrap/unwrap_counters.h"

namespace weir::inspect {

class Level;

enum class Origin : uint8_t {
  kBody,    // the body itself, or what a content coding held
  kPart,    // a part of a multipart body, a gRPC message
  kString,  // a JSON string or form value
  kDecoded  // out of base64, hex, UTF-16, Qoder's alphabet
};

enum class Transfer : uint8_t { kNone, kBase64, kQuotedPrintable };

// What is known of a stream when it begins. Views must stay valid until the stream ends.
struct StreamInfo {
  Origin origin = Origin::kBody;
  Transfer transfer = Transfer::kNone;
  std::string_view content_type;
  std::string_view content_encoding;
  std::string_view label;
  // Of the first byte in the client-to-server stream. `fixed`: the bytes of the stream do not stand
  // there as they are, so all pieces in it are given this offset.
  uint64_t offset = 0;
  bool fixed = false;
};

struct Chain {
  const Limits& limits;
  UnwrapCounters& counters;
  Emitter emitter;
  uint64_t decoded_bytes = 0;  // that came out of codings in this body, at every depth
};

// begin (on_data | on_gap)* end, again and again.
class Stage {
 public:
  virtual ~Stage() = default;
  virtual void on_data(ByteSpan data, uint64_t offset) noexcept = 0;
  virtual void on_gap(uint64_t bytes) noexcept = 0;
  virtual void end(EndReason reason) noexcept = 0;
};

}  // namespace weir::inspect

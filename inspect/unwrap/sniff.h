// Guesses what a stream holds from its first bytes. Pure functions: the answer depends on the first
// kSniffBytes bytes (or all, when there are fewer) and never on how they were cut.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/bytes.h"
#include "inspect/unwrap/stage.h"

namespace weir::inspect {

inline constexpr size_t kSniffBytes = 256;
inline constexpr size_t kJsonSniffBytes = 64;
inline constexpr size_t kBase64Run = 60;  // shortest run that is decoded: a line of Ruby's encoder
inline constexpr size_t kHexRun = 128;
inline constexpr size_t kBoundaryBytes = 70;  // RFC 2046

enum class Kind : uint8_t {
  kMore,  // cannot be told yet
  kText,
  kBinary,
  kJson,
  kCoding,
  kMultipart,
  kForm,
  kBase64,
  kHex,
  kUtf16Le,
  kUtf16Be,
  kUtf32Le,
  kUtf32Be,
  kEnvelope,
  kProtobuf,
  kQoder,
};

enum class Coding : uint8_t { kGzip, kZlib, kDeflate, kBrotli, kZstd };

struct Guess {
  Kind kind = Kind::kMore;
  bool declared = false;        // JSON: the header says so too
  bool document = false;        // JSON laid out for people, as files are: to be kept as one text
  bool unreadable = false;      // kText, but of no use to a reader: base64 of what is no text
  bool wrong_coding = false;    // the header names a coding that it is not
  bool unknown_coding = false;  // the header names a coding that is not known
  Coding coding = Coding::kGzip;
  size_t codings_left = 0;  // bytes of StreamInfo::content_encoding that are for the inside
  size_t skip = 0;          // bytes before the content: a data: URL's head, a byte order mark
};

// `final`: `first` is all there is.
[[nodiscard]] Guess guess_body(ByteSpan first, bool final, const StreamInfo& info) noexcept;
[[nodiscard]] Guess guess_string(ByteSpan first, bool final) noexcept;

// `prefix` could begin a JSON text and holds a string. Strict, so that source code that starts with
// a bracket is not taken for JSON; but nothing except blanks behind the bracket will do.
[[nodiscard]] bool begins_json(ByteSpan prefix) noexcept;
// Mostly printable UTF-8.
[[nodiscard]] bool looks_like_text(ByteSpan bytes) noexcept;

// Valid UTF-8 without control characters but white space; a sequence may be cut off at the end.
[[nodiscard]] bool is_plain_text(ByteSpan bytes) noexcept;

// Of the name of a field: it may be content itself (a line of code, a token), not just a name.
[[nodiscard]] bool holds_content(std::string_view name) noexcept;

enum class Member : uint8_t { kNo, kMaybe, kYes };
// Do these bytes begin a gzip member, a zstd frame (skippable ones too)?
[[nodiscard]] Member gzip_member(ByteSpan bytes) noexcept;
[[nodiscard]] Member zstd_frame(ByteSpan bytes) noexcept;

// 0-63, or 255: both alphabets of RFC 4648.
[[nodiscard]] uint8_t base64_value(uint8_t c) noexcept;
// What a run of kBase64Run digits holds.
struct Run {
  enum class Kind : uint8_t { kNothing, kBase64, kHex } kind = Kind::kNothing;
  size_t skip = 0;  // digits before the first whole group: the front of the run was cut off
};
// Does it decode to what could be text, or to something that may hold some? Hex must be text.
[[nodiscard]] Run look_at_run(ByteSpan digits) noexcept;
// What base64's alphabet and '=' become in Qoder's transform, by value.
inline constexpr std::string_view kQoderAlphabet =
    "_doRTgHZBKcGVjlvpC,@aFSx#DPuNJme&i*MzLOEn)sUrthbf%Y^w.(kIQyXqWA!$";
[[nodiscard]] bool is_qoder_byte(uint8_t c) noexcept;

// The boundary of a multipart body, without the two dashes; empty when it is none. A view of
// `content_type` or of `first`.
[[nodiscard]] std::string_view multipart_boundary(ByteSpan first,
                                                  std::string_view content_type) noexcept;
// The value of a parameter of a header field ("boundary" of a Content-Type), quotes removed.
[[nodiscard]] std::string_view header_parameter(std::string_view field,
                                                std::string_view name) noexcept;
// Case-insensitive; `lower` must be lower case.
[[nodiscard]] bool contains_word(std::string_view text, std::string_view lower) noexcept;
[[nodiscard]] bool starts_with_word(std::string_view text, std::string_view lower) noexcept;

}  // namespace weir::inspect

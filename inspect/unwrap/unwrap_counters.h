// What unwrapping counts. Every limit and every way out of a decoder has one.
#pragma once

#include "core/counters.h"

namespace weir::inspect {

struct UnwrapCounters {
  Counter bodies, body_bytes, body_gaps, opaque_bodies;
  Counter pieces, text_bytes, binary_pieces;
  Counter gzip, deflate, brotli, zstd, unknown_coding, wrong_coding;
  Counter corrupt, truncated, coded_gaps, raw_bytes;
  Counter json, json_nested, json_errors, json_gaps;
  Counter multipart, form, base64, hex, quoted_printable, undecoded, utf16, html, envelopes,
      protobuf, protobuf_errors, qoder;
  Counter inflate_limit, text_limit, depth_limit, json_depth_limit, header_limit, qoder_limit;
  Counter path_limit, dropped_bytes, leading_blanks, odd_part_headers;
};

inline constexpr CounterTable<UnwrapCounters, 43> kUnwrapCounterTable{{
    {"bodies", &UnwrapCounters::bodies, "bodies begun"},
    {"body_bytes", &UnwrapCounters::body_bytes, "bytes of bodies, as sent"},
    {"body_gaps", &UnwrapCounters::body_gaps, "gaps inside bodies"},
    {"opaque_bodies", &UnwrapCounters::opaque_bodies, "bodies in which nothing was readable"},
    {"pieces", &UnwrapCounters::pieces, "pieces of text emitted"},
    {"text_bytes", &UnwrapCounters::text_bytes, "bytes of text emitted"},
    {"binary_pieces", &UnwrapCounters::binary_pieces, "pieces that are no text, emitted raw"},
    {"gzip", &UnwrapCounters::gzip, "gzip streams"},
    {"deflate", &UnwrapCounters::deflate, "zlib and raw deflate streams"},
    {"brotli", &UnwrapCounters::brotli, "brotli streams"},
    {"zstd", &UnwrapCounters::zstd, "zstd streams"},
    {"unknown_coding", &UnwrapCounters::unknown_coding, "content codings that are not known"},
    {"wrong_coding", &UnwrapCounters::wrong_coding, "bodies not coded as the header says"},
    {"corrupt", &UnwrapCounters::corrupt, "coded streams that stopped being decodable"},
    {"truncated", &UnwrapCounters::truncated, "coded streams that ended before their end"},
    {"coded_gaps", &UnwrapCounters::coded_gaps, "coded streams given up at a gap"},
    {"raw_bytes", &UnwrapCounters::raw_bytes, "bytes of coded streams emitted undecoded"},
    {"json", &UnwrapCounters::json, "JSON texts, nested ones included"},
    {"json_nested", &UnwrapCounters::json_nested, "JSON texts inside JSON strings"},
    {"json_errors", &UnwrapCounters::json_errors, "JSON texts that stopped being JSON"},
    {"json_gaps", &UnwrapCounters::json_gaps, "JSON texts with a gap inside"},
    {"multipart", &UnwrapCounters::multipart, "multipart bodies"},
    {"form", &UnwrapCounters::form, "urlencoded forms"},
    {"base64", &UnwrapCounters::base64, "base64 runs decoded"},
    {"hex", &UnwrapCounters::hex, "hexadecimal runs decoded"},
    {"quoted_printable", &UnwrapCounters::quoted_printable, "quoted-printable parts decoded"},
    {"undecoded", &UnwrapCounters::undecoded, "base64 and hex of no text, emitted as they are"},
    {"utf16", &UnwrapCounters::utf16, "UTF-16 and UTF-32 texts converted"},
    {"html", &UnwrapCounters::html, "copies of text with character references resolved"},
    {"envelopes", &UnwrapCounters::envelopes, "gRPC and Connect messages"},
    {"protobuf", &UnwrapCounters::protobuf, "protobuf messages walked"},
    {"protobuf_errors", &UnwrapCounters::protobuf_errors,
     "protobuf messages that stopped being it"},
    {"qoder", &UnwrapCounters::qoder, "bodies in Qoder's alphabet decoded"},
    {"inflate_limit", &UnwrapCounters::inflate_limit, "coded streams cut at the ratio limit"},
    {"text_limit", &UnwrapCounters::text_limit, "bodies cut at the limit of text"},
    {"depth_limit", &UnwrapCounters::depth_limit, "contents not opened: nested too deep"},
    {"json_depth_limit", &UnwrapCounters::json_depth_limit, "JSON texts nested too deep"},
    {"header_limit", &UnwrapCounters::header_limit, "multipart part headers cut"},
    {"qoder_limit", &UnwrapCounters::qoder_limit, "bodies too large to reorder"},
    {"path_limit", &UnwrapCounters::path_limit, "content paths cut"},
    {"dropped_bytes", &UnwrapCounters::dropped_bytes, "input bytes after a limit, not decoded"},
    {"leading_blanks", &UnwrapCounters::leading_blanks, "blanks left out before a content"},
    {"odd_part_headers", &UnwrapCounters::odd_part_headers,
     "multipart parts without an empty line before their body"},
}};
static_assert(describes_all(kUnwrapCounterTable));

}  // namespace weir::inspect

#include "inspect/http/hpack_reader.h"

#include <nghttp2/nghttp2.h>

#include <array>

#include "core/check.h"
#include "inspect/http/http1_syntax.h"

namespace weir::inspect {
namespace {

// More entries than a table of 4096 bytes can hold (an entry takes 32 bytes and its text).
constexpr size_t kUnknownEntries = 256;
constexpr std::string_view kUnknownName("\0", 1);

// Literal fields with incremental indexing: a new name of one NUL byte, an empty value.
constexpr std::array<uint8_t, kUnknownEntries * 4> make_unknown_entries() noexcept {
  std::array<uint8_t, kUnknownEntries * 4> block{};
  for (size_t i = 0; i < kUnknownEntries; ++i) {
    block[4 * i] = 0x40;
    block[4 * i + 1] = 1;
  }
  return block;
}
constexpr auto kUnknownBlock = make_unknown_entries();

// Dynamic table size update (RFC 7541 section 6.3).
size_t write_size_update(size_t size, std::array<uint8_t, 8>& out) noexcept {
  size_t at = 0;
  out[at++] = 0x3f;
  size -= 31;
  for (; size >= 0x80; size >>= 7) out[at++] = static_cast<uint8_t>(0x80 | (size & 0x7f));
  out[at++] = static_cast<uint8_t>(size);
  return at;
}

}  // namespace

void HpackReader::Deleter::operator()(nghttp2_hd_inflater* inflater) const noexcept {
  nghttp2_hd_inflate_del(inflater);
}

// False when a block is begun that nothing can be read of.
bool HpackReader::prepare() noexcept {
  if (inflater_) return true;
  nghttp2_hd_inflater* made = nullptr;
  WEIR_CHECK(nghttp2_hd_inflate_new(&made) == 0);  // fails for want of memory only
  inflater_.reset(made);
  WEIR_CHECK(nghttp2_hd_inflate_change_table_size(made, limits_.hpack_table_bytes) == 0);
  if (!unknown_) return true;
  unknown_ = false;
  std::array<uint8_t, 8> update{};
  const size_t size = write_size_update(limits_.hpack_table_bytes, update);
  filling_ = true;
  run(ByteSpan(update).first(size), false);
  run(kUnknownBlock, true);
  filling_ = false;
  return !broken_;
}

void HpackReader::begin() noexcept {
  fields_.clear();
  broken_ = false;
  if (!prepare()) broken_ = true;
}

void HpackReader::add(ByteSpan fragment) noexcept {
  if (!broken_ && !fragment.empty()) run(fragment, false);
}

bool HpackReader::end() noexcept {
  if (!broken_) run({}, true);
  return !broken_;
}

void HpackReader::forget() noexcept {
  counters_.hpack_state_lost.add();
  broken_ = true;
  unknown_ = true;
  inflater_.reset();
}

void HpackReader::run(ByteSpan fragment, bool last) noexcept {
  for (;;) {
    nghttp2_nv field;
    int flags = 0;
    const auto used = nghttp2_hd_inflate_hd2(inflater_.get(), &field, &flags, fragment.data(),
                                             fragment.size(), last ? 1 : 0);
    if (used < 0) {
      counters_.hpack_errors.add();
      forget();
      return;
    }
    fragment = fragment.subspan(static_cast<size_t>(used));
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      keep(as_chars({field.name, field.namelen}), as_chars({field.value, field.valuelen}));
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
      nghttp2_hd_inflate_end_headers(inflater_.get());
      return;
    }
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 && fragment.empty()) return;
  }
}

void HpackReader::keep(std::string_view name, std::string_view value) noexcept {
  if (filling_) return;
  if (name == kUnknownName) {
    counters_.unknown_fields.add();
    if (value.empty()) return;
    name = "?";
  }
  fields_.keep(name, value);
}

}  // namespace weir::inspect

#include "inspect/http/qpack_reader.h"

#include <nghttp3/nghttp3.h>

#include <algorithm>
#include <array>
#include <optional>

#include "core/byte_reader.h"
#include "core/check.h"
#include "inspect/http/http1_syntax.h"

namespace weir::inspect {
namespace {

constexpr size_t kEarlyBytes = 16;  // more than the encoder's first instruction takes

// An integer with a prefix of `bits` (RFC 7541 section 5.1); fails the reader when it is not there.
uint64_t prefix_int(ByteReader& in, unsigned bits) noexcept {
  const auto most = static_cast<uint8_t>((1U << bits) - 1);
  uint64_t value = in.u8() & most;
  if (value < most) return value;
  for (unsigned shift = 0; shift < 56; shift += 7) {
    const uint8_t byte = in.u8();
    value += static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  in.fail();
  return 0;
}

void skip_string(ByteReader& in, unsigned bits) noexcept {
  const uint64_t size = prefix_int(in, bits);
  if (size > in.remaining()) in.fail();
  in.skip(static_cast<size_t>(size));
}

struct Rewritten {
  bool whole = false;
  size_t unknown = 0;
};

// Copies a block without its references to the dynamic table (RFC 9204 section 4.5).
Rewritten without_references(ByteSpan block, std::vector<uint8_t>& out) {
  Rewritten result;
  out.assign({0, 0});  // no entries are required; base 0
  ByteReader in(block);
  (void)prefix_int(in, 8);
  (void)prefix_int(in, 7);
  const auto copy = [&](size_t from) {
    const ByteSpan part = block.subspan(from, in.position() - from);
    out.insert(out.end(), part.begin(), part.end());
  };
  while (in.ok() && !in.empty()) {
    const size_t begin = in.position();
    const uint8_t first = in.peek()[0];
    if ((first & 0x80) != 0) {  // an indexed field
      (void)prefix_int(in, 6);
      if (!in.ok()) break;
      if ((first & 0x40) != 0) {
        copy(begin);
      } else {
        ++result.unknown;
      }
      continue;
    }
    if ((first & 0xf0) == 0x10) {  // an indexed field behind the base
      (void)prefix_int(in, 4);
      ++result.unknown;
      continue;
    }
    if ((first & 0xe0) == 0x20) {  // a literal with a literal name
      skip_string(in, 3);
      skip_string(in, 7);
      if (in.ok()) copy(begin);
      continue;
    }
    const bool name_reference = (first & 0x40) != 0;
    (void)prefix_int(in, name_reference ? 4 : 3);
    const size_t value = in.position();
    skip_string(in, 7);
    if (!in.ok()) break;
    if (name_reference && (first & 0x10) != 0) {
      copy(begin);
    } else {
      ++result.unknown;
      out.push_back(0x21);  // a literal name of one byte
      out.push_back('?');
      copy(value);
    }
  }
  result.whole = in.ok();
  return result;
}

}  // namespace

void QpackReader::Deleter::operator()(nghttp3_qpack_decoder* decoder) const noexcept {
  nghttp3_qpack_decoder_del(decoder);
}

QpackReader::Decoder QpackReader::make(size_t capacity) noexcept {
  nghttp3_qpack_decoder* made = nullptr;
  // Fails for want of memory only.
  WEIR_CHECK(nghttp3_qpack_decoder_new(&made, capacity, 1024, nghttp3_mem_default()) == 0);
  return Decoder(made);
}

// True when there is a table.
bool QpackReader::prepare() noexcept {
  if (table_) return true;
  if (lost_) return false;
  if (!capacity_known_) {
    if (early_.empty()) return false;
    ByteReader in(early_);
    const uint64_t capacity = prefix_int(in, 5);
    if ((early_[0] & 0xe0) != 0x20) {
      // No table size first: this is not the beginning.
      lose_table();
      return false;
    }
    if (!in.ok()) {
      if (early_.size() > kEarlyBytes) lose_table();
      return false;
    }
    set_capacity(capacity);
  }
  if (capacity_ > limits_.hpack_table_bytes) {
    lose_table();
    return false;
  }
  table_ = make(static_cast<size_t>(capacity_));
  return true;
}

void QpackReader::on_encoder_data(ByteSpan data) noexcept {
  if (lost_ || data.empty()) return;
  if (!table_) {
    early_.insert(early_.end(), data.begin(), data.end());
    if (!prepare()) return;
    data = early_;
  }
  const auto used = nghttp3_qpack_decoder_read_encoder(table_.get(), data.data(), data.size());
  if (used < 0) {
    counters_.qpack_errors.add();
    lose_table();
    return;
  }
  std::vector<uint8_t>().swap(early_);
  inserted_ = nghttp3_qpack_decoder_get_icnt(table_.get());
}

void QpackReader::lose_table() noexcept {
  if (lost_) return;
  counters_.qpack_table_lost.add();
  lost_ = true;
  inserted_ = ~uint64_t{0};  // who waits needs not wait any longer
  table_.reset();
  std::vector<uint8_t>().swap(early_);
}

void QpackReader::clear() noexcept { fields_.clear(); }

QpackReader::Answer QpackReader::read(uint64_t stream, ByteSpan block) noexcept {
  if (!block.empty() && block[0] != 0 && lost_) {
    read_without_table(stream, block);
    return Answer::kRead;
  }
  clear();
  if (block.empty() || block[0] == 0) {
    if (!plain_) plain_ = make(0);
    return run(plain_, stream, block);
  }
  if (!prepare()) {
    awaited_ = 1;
    return lost_ ? read(stream, block) : Answer::kBlocked;
  }
  const Answer answer = run(table_, stream, block);
  if (answer == Answer::kBroken && fields_.empty()) {
    // The reference was not understood: the largest table was another one than assumed, perhaps.
    read_without_table(stream, block);
  }
  return answer;
}

void QpackReader::read_without_table(uint64_t stream, ByteSpan block) noexcept {
  clear();
  const Rewritten done = without_references(block, rewritten_);
  counters_.unknown_fields.add(done.unknown);
  if (!done.whole) counters_.qpack_errors.add();
  if (!plain_) plain_ = make(0);
  (void)run(plain_, stream, rewritten_);
}

QpackReader::Answer QpackReader::run(Decoder& decoder, uint64_t stream, ByteSpan block) noexcept {
  nghttp3_qpack_stream_context* context = nullptr;
  WEIR_CHECK(nghttp3_qpack_stream_context_new(&context, static_cast<int64_t>(stream),
                                              nghttp3_mem_default()) == 0);
  Answer answer = Answer::kBroken;
  for (;;) {
    nghttp3_qpack_nv field;
    uint8_t flags = 0;
    const auto used = nghttp3_qpack_decoder_read_request(decoder.get(), context, &field, &flags,
                                                         block.data(), block.size(), 1);
    if (used < 0) break;
    block = block.subspan(static_cast<size_t>(used));
    if ((flags & NGHTTP3_QPACK_DECODE_FLAG_BLOCKED) != 0) {
      answer = Answer::kBlocked;
      awaited_ = nghttp3_qpack_stream_context_get_ricnt(context);
      break;
    }
    if ((flags & NGHTTP3_QPACK_DECODE_FLAG_EMIT) != 0) {
      const nghttp3_vec name = nghttp3_rcbuf_get_buf(field.name);
      const nghttp3_vec value = nghttp3_rcbuf_get_buf(field.value);
      fields_.keep(as_chars({name.base, name.len}), as_chars({value.base, value.len}));
      nghttp3_rcbuf_decref(field.name);
      nghttp3_rcbuf_decref(field.value);
    }
    if ((flags & NGHTTP3_QPACK_DECODE_FLAG_FINAL) != 0) {
      answer = Answer::kRead;
      break;
    }
    if (used == 0 && (flags & NGHTTP3_QPACK_DECODE_FLAG_EMIT) == 0) break;
  }
  nghttp3_qpack_stream_context_del(context);
  if (answer == Answer::kBroken) {
    counters_.qpack_errors.add();
    // An error leaves the decoder unusable; the table goes with it.
    if (&decoder == &table_) lose_table();
    decoder.reset();
  } else {
    // What a real decoder would answer the encoder piles up until it is taken.
    std::array<uint8_t, 512> answers;
    const size_t size = nghttp3_qpack_decoder_get_decoder_streamlen(decoder.get());
    if (size > 0 && size <= answers.size()) {
      nghttp3_buf buffer{answers.data(), answers.data() + answers.size(), answers.data(),
                         answers.data()};
      nghttp3_qpack_decoder_write_decoder(decoder.get(), &buffer);
    }
  }
  return answer;
}

}  // namespace weir::inspect

#include "inspect/unwrap/decode_stage.h"

#include <algorithm>

#include "inspect/unwrap/json_unescape.h"
#include "inspect/unwrap/level.h"
#include "inspect/unwrap/sniff.h"

namespace weir::inspect {

void DecodeStage::begin(const StreamInfo& info, Alphabet alphabet, size_t skip,
                        bool lenient) noexcept {
  info_ = info;
  alphabet_ = alphabet;
  lenient_ = lenient;
  skip_ = skip;
  plain_ = plain_open_ = padded_ = false;
  bits_ = surrogate_ = 0;
  have_ = 0;
  state_ = 0;
  out_size_ = 0;
  PathBuffer& path = chain_.emitter.path();
  base_path_ = path.size();
  switch (alphabet) {
    case Alphabet::kBase64:
      path.append(">base64");
      chain_.counters.base64.add();
      break;
    case Alphabet::kHex:
      path.append(">hex");
      chain_.counters.hex.add();
      break;
    case Alphabet::kQuotedPrintable:
      path.append(">qp");
      chain_.counters.quoted_printable.add();
      break;
    default:
      path.append(wide_bytes() == 4 ? ">utf32" : ">utf16");
      chain_.counters.utf16.add();
  }
  StreamInfo inner;
  inner.origin = alphabet == Alphabet::kQuotedPrintable ? Origin::kPart : Origin::kDecoded;
  inner.content_type = lenient ? info.content_type : std::string_view{};
  inner.label = info.label;
  inner.offset = info.offset;
  inner.fixed = true;
  next_.begin(inner);
}

void DecodeStage::put(uint8_t byte) noexcept {
  out_[out_size_++] = byte;
  if (out_size_ >= kOutBytes) flush();
}

void DecodeStage::flush() noexcept {
  if (out_size_ > 0) next_.on_data({out_.data(), out_size_}, info_.offset);
  out_size_ = 0;
}

void DecodeStage::on_data(ByteSpan data, uint64_t) noexcept {
  const size_t skipped = std::min(skip_, data.size());
  skip_ -= skipped;
  data = data.subspan(skipped);
  const uint8_t* const p = data.data();
  const uint8_t* const end = p + data.size();
  if (data.empty()) return;
  if (plain_) {
    stop(p, end);
    return;
  }
  switch (alphabet_) {
    case Alphabet::kBase64:
      base64(p, end);
      break;
    case Alphabet::kHex:
      hex(p, end);
      break;
    case Alphabet::kQuotedPrintable:
      quoted_printable(p, end);
      break;
    default:
      wide(p, end);
  }
  flush();
}

void DecodeStage::base64(const uint8_t* p, const uint8_t* end) noexcept {
  while (p < end) {
    // Four digits at a time while nothing unusual comes.
    while (have_ == 0 && !padded_ && end - p >= 4) {
      const uint32_t a = base64_value(p[0]);
      const uint32_t b = base64_value(p[1]);
      const uint32_t c = base64_value(p[2]);
      const uint32_t d = base64_value(p[3]);
      if ((a | b | c | d) > 63) break;
      const uint32_t bits = a << 18 | b << 12 | c << 6 | d;
      out_[out_size_] = static_cast<uint8_t>(bits >> 16);
      out_[out_size_ + 1] = static_cast<uint8_t>(bits >> 8);
      out_[out_size_ + 2] = static_cast<uint8_t>(bits);
      out_size_ += 3;
      if (out_size_ >= kOutBytes) flush();
      p += 4;
    }
    if (p == end) return;
    const uint8_t byte = *p;
    const uint8_t value = base64_value(byte);
    if (value <= 63 && !padded_) {
      bits_ = bits_ << 6 | value;
      if (++have_ == 4) {
        put(static_cast<uint8_t>(bits_ >> 16));
        put(static_cast<uint8_t>(bits_ >> 8));
        put(static_cast<uint8_t>(bits_));
        bits_ = 0;
        have_ = 0;
      }
    } else if (byte == '=') {
      padded_ = true;
    } else if (byte != '\r' && byte != '\n' && !lenient_) {
      stop(p, end);
      return;
    }
    ++p;
  }
}

void DecodeStage::hex(const uint8_t* p, const uint8_t* end) noexcept {
  for (; p < end; ++p) {
    const uint8_t value = hex_value(*p);
    if (value > 15) {
      if (*p == '\r' || *p == '\n') continue;
      stop(p, end);
      return;
    }
    bits_ = bits_ << 4 | value;
    if (++have_ == 2) {
      put(static_cast<uint8_t>(bits_));
      bits_ = 0;
      have_ = 0;
    }
  }
}

void DecodeStage::quoted_printable(const uint8_t* p, const uint8_t* end) noexcept {
  for (; p < end; ++p) {
    const uint8_t c = *p;
    if (state_ == 3) {  // "=\r": a soft line break, the line feed belongs to it
      state_ = 0;
      if (c == '\n') continue;
    }
    if (state_ == 1) {
      if (c == '\r' || c == '\n') {
        state_ = c == '\r' ? 3 : 0;
        continue;
      }
      if (hex_value(c) <= 15) {
        held_ = c;
        state_ = 2;
        continue;
      }
      put('=');
      state_ = 0;
    } else if (state_ == 2) {
      state_ = 0;
      if (hex_value(c) <= 15) {
        put(static_cast<uint8_t>(hex_value(held_) << 4 | hex_value(c)));
        continue;
      }
      put('=');
      put(held_);
    }
    if (c == '=') {
      state_ = 1;
    } else {
      put(c);
    }
  }
}

void DecodeStage::wide(const uint8_t* p, const uint8_t* end) noexcept {
  const bool big = alphabet_ == Alphabet::kUtf16Be || alphabet_ == Alphabet::kUtf32Be;
  const unsigned size = wide_bytes();
  for (; p < end; ++p) {
    bits_ = big ? (bits_ << 8 | *p) : (bits_ | static_cast<uint32_t>(*p) << (8 * have_));
    if (++have_ < size) continue;
    if (size == 2) {
      utf16_unit(bits_);
    } else {
      const bool valid = bits_ <= 0x10FFFF && (bits_ < 0xD800 || bits_ > 0xDFFF);
      out_size_ += put_utf8(valid ? bits_ : 0xFFFD, out_.data() + out_size_);
      if (out_size_ >= kOutBytes) flush();
    }
    bits_ = 0;
    have_ = 0;
  }
}

void DecodeStage::utf16_unit(uint32_t unit) noexcept {
  uint32_t code = unit;
  if (surrogate_ != 0) {
    if (unit >= 0xDC00 && unit <= 0xDFFF) {
      code = 0x10000 + ((surrogate_ - 0xD800) << 10) + (unit - 0xDC00);
    } else {
      out_size_ += put_utf8(0xFFFD, out_.data() + out_size_);
    }
    surrogate_ = 0;
  }
  if (code >= 0xD800 && code <= 0xDBFF) {
    surrogate_ = code;
  } else {
    if (code >= 0xDC00 && code <= 0xDFFF) code = 0xFFFD;
    out_size_ += put_utf8(code, out_.data() + out_size_);
  }
  if (out_size_ >= kOutBytes) flush();
}

// What is left of a group at the end of the text.
void DecodeStage::finish() noexcept {
  if (alphabet_ == Alphabet::kBase64) {
    if (have_ == 2) put(static_cast<uint8_t>(bits_ >> 4));
    if (have_ == 3) {
      put(static_cast<uint8_t>(bits_ >> 10));
      put(static_cast<uint8_t>(bits_ >> 2));
    }
  } else if (alphabet_ == Alphabet::kQuotedPrintable) {
    if (state_ == 1 || state_ == 2) put('=');
    if (state_ == 2) put(held_);
  } else if (surrogate_ != 0) {
    out_size_ += put_utf8(0xFFFD, out_.data() + out_size_);
  }
  have_ = 0;
  state_ = 0;
  surrogate_ = 0;
  flush();
}

void DecodeStage::stop(const uint8_t* p, const uint8_t* end) noexcept {
  if (!plain_) {
    plain_ = true;
    finish();
    next_.end(EndReason::kComplete);
    chain_.emitter.path().truncate(base_path_);
  }
  if (!plain_open_) {
    plain_open_ = true;
    chain_.emitter.open(info_.label, info_.offset, true);
  }
  chain_.emitter.text({p, static_cast<size_t>(end - p)});
}

void DecodeStage::on_gap(uint64_t bytes) noexcept {
  if (plain_) {
    chain_.emitter.close(EndReason::kGap);
    plain_open_ = false;
    return;
  }
  // How the groups lie behind the gap is not known.
  finish();
  next_.on_gap(bytes);
  if (alphabet_ == Alphabet::kBase64 || alphabet_ == Alphabet::kHex) {
    next_.end(EndReason::kGap);
    plain_ = true;
    chain_.emitter.path().truncate(base_path_);
  }
}

void DecodeStage::end(EndReason reason) noexcept {
  if (plain_) {
    chain_.emitter.close(reason);
    return;
  }
  finish();
  next_.end(reason);
}

}  // namespace weir::inspect

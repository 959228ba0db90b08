#include "inspect/unwrap/coding_stage.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>

#include "core/check.h"
#include "inspect/unwrap/level.h"

namespace weir::inspect {

struct CodingStage::Libraries {
  ~Libraries() {
    if (inflate_made) inflateEnd(&inflate_stream);
    ZSTD_freeDCtx(zstd);
    if (brotli != nullptr) BrotliDecoderDestroyInstance(brotli);
  }
  z_stream inflate_stream{};
  bool inflate_made = false;
  ZSTD_DCtx* zstd = nullptr;
  BrotliDecoderState* brotli = nullptr;
};

CodingStage::CodingStage(Chain& chain, Level& next)
    : chain_(chain), next_(next), libraries_(std::make_unique<Libraries>()), out_(kOutBytes) {}
CodingStage::~CodingStage() = default;

void CodingStage::begin(const StreamInfo& inner, Coding coding) noexcept {
  inner_ = inner;
  inner_.offset = inner.offset;
  inner_.fixed = true;
  coding_ = coding;
  state_ = State::kDecode;
  inner_open_ = raw_open_ = false;
  in_bytes_ = out_bytes_ = 0;
  head_size_ = magic_size_ = 0;
  PathBuffer& path = chain_.emitter.path();
  switch (coding) {
    case Coding::kGzip:
      path.append(">gzip");
      chain_.counters.gzip.add();
      break;
    case Coding::kZlib:
    case Coding::kDeflate:
      path.append(">deflate");
      chain_.counters.deflate.add();
      break;
    case Coding::kBrotli:
      path.append(">br");
      chain_.counters.brotli.add();
      break;
    case Coding::kZstd:
      path.append(">zstd");
      chain_.counters.zstd.add();
      break;
  }
  reset_decoder();
}

void CodingStage::reset_decoder() noexcept {
  Libraries& lib = *libraries_;
  switch (coding_) {
    case Coding::kGzip:
    case Coding::kZlib:
    case Coding::kDeflate: {
      const int window = coding_ == Coding::kGzip ? 31 : coding_ == Coding::kZlib ? 15 : -15;
      const int status = lib.inflate_made ? inflateReset2(&lib.inflate_stream, window)
                                          : inflateInit2(&lib.inflate_stream, window);
      WEIR_CHECK(status == Z_OK);  // fails for want of memory only
      lib.inflate_made = true;
      break;
    }
    case Coding::kZstd:
      if (lib.zstd == nullptr) {
        lib.zstd = ZSTD_createDCtx();
        WEIR_CHECK(lib.zstd != nullptr);
        ZSTD_DCtx_setParameter(lib.zstd, ZSTD_d_windowLogMax, chain_.limits.zstd_window_log);
      }
      ZSTD_DCtx_reset(lib.zstd, ZSTD_reset_session_only);
      break;
    case Coding::kBrotli:
      if (lib.brotli != nullptr) BrotliDecoderDestroyInstance(lib.brotli);
      lib.brotli = BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
      WEIR_CHECK(lib.brotli != nullptr);
  }
}

CodingStage::Step CodingStage::step(const uint8_t*& in, const uint8_t* in_end,
                                    size_t& produced) noexcept {
  Libraries& lib = *libraries_;
  // zlib counts in 32 bits.
  const auto available = std::min<size_t>(static_cast<size_t>(in_end - in), 1U << 30);
  switch (coding_) {
    case Coding::kZstd: {
      ZSTD_inBuffer input{in, available, 0};
      ZSTD_outBuffer output{out_.data(), out_.size(), 0};
      const size_t status = ZSTD_decompressStream(lib.zstd, &output, &input);
      in += input.pos;
      produced = output.pos;
      if (ZSTD_isError(status) != 0) return Step::kError;
      if (status == 0) return Step::kEnd;
      return output.pos == out_.size() || input.pos < available ? Step::kOutput : Step::kInput;
    }
    case Coding::kBrotli: {
      size_t left = available;
      size_t room = out_.size();
      uint8_t* out = out_.data();
      const auto status =
          BrotliDecoderDecompressStream(lib.brotli, &left, &in, &room, &out, nullptr);
      produced = out_.size() - room;
      switch (status) {
        case BROTLI_DECODER_RESULT_SUCCESS:
          return Step::kEnd;
        case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT:
          return Step::kInput;
        case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT:
          return Step::kOutput;
        default:
          return Step::kError;
      }
    }
    default: {
      z_stream& z = lib.inflate_stream;
      z.next_in = const_cast<Bytef*>(in);  // zlib does not write to it
      z.avail_in = static_cast<uInt>(available);
      z.next_out = out_.data();
      z.avail_out = static_cast<uInt>(out_.size());
      const int status = inflate(&z, Z_NO_FLUSH);
      in = z.next_in;
      produced = out_.size() - z.avail_out;
      if (status == Z_STREAM_END) return Step::kEnd;
      if (status != Z_OK && status != Z_BUF_ERROR) return Step::kError;
      return z.avail_out == 0 ? Step::kOutput : Step::kInput;
    }
  }
}

// Returns where the input was left.
const uint8_t* CodingStage::decode(const uint8_t* in, const uint8_t* in_end) noexcept {
  const uint8_t* const begin = in;
  for (;;) {
    const uint8_t* const before = in;
    size_t produced = 0;
    const Step outcome = step(in, in_end, produced);
    in_bytes_ += static_cast<uint64_t>(in - before);
    if (produced > 0) {
      out_bytes_ += produced;
      chain_.decoded_bytes += produced;
      if (!inner_open_) {
        inner_open_ = true;
        next_.begin(inner_);
      }
      next_.on_data({out_.data(), produced}, inner_.offset);
      const Limits& limits = chain_.limits;
      // By its ratio, or because much is decoded of which little is text (codings in one another).
      const bool bomb = (out_bytes_ > limits.inflate_floor &&
                         out_bytes_ / limits.inflate_ratio > std::max<uint64_t>(in_bytes_, 1)) ||
                        chain_.decoded_bytes / 2 > limits.body_text_bytes;
      if (bomb) {
        chain_.counters.inflate_limit.add();
        end_inner(EndReason::kLimit);
      }
      if (bomb || chain_.emitter.stopped()) {
        state_ = State::kDrop;
        return in;
      }
    }
    switch (outcome) {
      case Step::kOutput:
        continue;
      case Step::kInput:
        return in;
      case Step::kEnd:
        if (coding_ == Coding::kGzip || coding_ == Coding::kZstd) {
          state_ = State::kBetween;
          magic_size_ = 0;
        } else {
          go_raw(EndReason::kComplete);
        }
        return in;
      case Step::kError: {
        chain_.counters.corrupt.add();
        const bool nothing_yet = out_bytes_ == 0;
        go_raw(EndReason::kMalformed);
        if (!nothing_yet) return in;
        raw({head_.data(), head_size_});  // what came in earlier chunks
        chain_.counters.dropped_bytes.add(in_bytes_ - static_cast<uint64_t>(in - begin) -
                                          head_size_);
        return begin;
      }
    }
  }
}

const uint8_t* CodingStage::between(const uint8_t* in, const uint8_t* in_end) noexcept {
  if (coding_ == Coding::kGzip && magic_size_ == 0 && *in == 0) {  // padding (tar, block devices)
    chain_.counters.dropped_bytes.add();
    return in + 1;
  }
  magic_[magic_size_++] = *in++;
  const ByteSpan magic(magic_.data(), magic_size_);
  const Member member = coding_ == Coding::kGzip ? gzip_member(magic) : zstd_frame(magic);
  if (member == Member::kMaybe) return in;
  magic_size_ = 0;
  if (member == Member::kNo) {
    go_raw(EndReason::kComplete);
    raw(magic);
    return in;
  }
  state_ = State::kDecode;
  reset_decoder();
  decode(magic.data(), magic.data() + magic.size());
  (void)in_end;
  return in;
}

void CodingStage::on_data(ByteSpan data, uint64_t) noexcept {
  const uint8_t* in = data.data();
  const uint8_t* const end = in + data.size();
  while (in < end) {
    switch (state_) {
      case State::kDecode:
        in = decode(in, end);
        break;
      case State::kBetween:
        in = between(in, end);
        break;
      case State::kRaw:
        raw({in, static_cast<size_t>(end - in)});
        return;
      case State::kDrop:
        chain_.counters.dropped_bytes.add(static_cast<uint64_t>(end - in));
        return;
    }
  }
  if (out_bytes_ == 0 && state_ == State::kDecode) {
    const size_t count = std::min(data.size(), head_.size() - head_size_);
    std::copy_n(data.begin(), count, head_.begin() + static_cast<ptrdiff_t>(head_size_));
    head_size_ += count;
  }
}

void CodingStage::end_inner(EndReason reason) noexcept {
  if (inner_open_) next_.end(reason);
  inner_open_ = false;
}

void CodingStage::go_raw(EndReason inner_end) noexcept {
  end_inner(inner_end);
  state_ = State::kRaw;
}

void CodingStage::raw(ByteSpan data) noexcept {
  if (data.empty()) return;
  if (!raw_open_) {
    raw_open_ = true;
    chain_.emitter.path().append(">raw");
    chain_.emitter.open("binary", inner_.offset, false);
    chain_.counters.binary_pieces.add();
  }
  chain_.counters.raw_bytes.add(data.size());
  chain_.emitter.text(data);
}

void CodingStage::on_gap(uint64_t) noexcept {
  if (state_ == State::kDecode || state_ == State::kBetween) {
    chain_.counters.coded_gaps.add();
    go_raw(EndReason::kGap);
  } else if (raw_open_) {
    chain_.emitter.close(EndReason::kGap);
    chain_.emitter.open("binary", inner_.offset, false);
  }
}

void CodingStage::end(EndReason reason) noexcept {
  const bool cut = state_ == State::kDecode && reason == EndReason::kComplete;
  if (state_ == State::kDecode) chain_.counters.truncated.add();
  if (state_ == State::kBetween && magic_size_ > 0) {
    go_raw(reason);
    raw({magic_.data(), magic_size_});
  }
  if (state_ == State::kDecode && out_bytes_ == 0) {
    go_raw(reason);
    raw({head_.data(), head_size_});
    chain_.counters.dropped_bytes.add(in_bytes_ - head_size_);
  }
  end_inner(cut ? EndReason::kMalformed : reason);
  chain_.emitter.close(reason);
  if (libraries_->brotli != nullptr) {
    BrotliDecoderDestroyInstance(libraries_->brotli);
    libraries_->brotli = nullptr;
  }
}

}  // namespace weir::inspect

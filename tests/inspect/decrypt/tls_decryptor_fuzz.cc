// The decryptor over chunks: one byte of kind (bit 0: direction; 0x0e: gap of that many bytes;
// 0x10: the keys come now; 0x20: time passes), two of length, the bytes. The keys stand at the
// front: two bytes of length and a key log. What comes out must not depend on how the bytes of a
// chunk are cut, and what is held must stay in its bounds.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/byte_reader.h"
#include "core/check.h"
#include "inspect/decrypt/key_log.h"
#include "inspect/decrypt/tls_decryptor.h"

namespace {

using weir::ByteSpan;
using weir::Direction;
using namespace weir::inspect;

constexpr size_t kHold = 12'000;

struct Transcript final : ClearSink {
  void on_clear_data(Direction d, ByteSpan data) noexcept override {
    WEIR_CHECK(!ended[d] && !data.empty() && data.size() <= kMaxRecordBody);
    text[d] += weir::as_chars(data);
  }
  void on_clear_gap(Direction d, uint64_t bytes) noexcept override {
    WEIR_CHECK(!ended[d]);
    text[d] += "[gap " + std::to_string(bytes) + "]";
  }
  void on_clear_end(Direction d, EndReason reason) noexcept override {
    WEIR_CHECK(!ended[d]);
    ended[d] = true;
    text[d] += "[end " + std::to_string(static_cast<int>(reason)) + "]";
  }
  weir::PerDirection<std::string> text;
  weir::PerDirection<bool> ended;
};

struct Chunk {
  uint8_t kind;
  size_t count;
  ByteSpan bytes;
};

std::string run(ByteSpan key_log, const std::vector<Chunk>& chunks, size_t most) {
  weir::Limits limits;
  limits.hold_bytes = kHold;
  limits.hold_bytes_total = kHold;
  KeyStore store({.sessions = 16});
  KeyLogCounters log_counters;
  TlsCounters tls_counters;
  DecryptCounters counters;
  DecryptServices services{limits, store, tls_counters, counters};
  Transcript out;
  weir::Timestamp now{1'000'000'000};
  const auto give_keys = [&] {
    KeyLogParser parser(store, log_counters);
    parser.feed(key_log, now);
    parser.finish(now);
  };
  std::string end;
  {
    TlsDecryptor tls(services, out, true);
    DecodeStatus status = DecodeStatus::kContinue;
    for (const Chunk& chunk : chunks) {
      const auto d = static_cast<Direction>(chunk.kind & 1);
      if ((chunk.kind & 0x10) != 0) give_keys();
      if ((chunk.kind & 0x20) != 0) now = now + weir::Duration::seconds(3);
      if (status == DecodeStatus::kContinue) status = tls.poll_keys(now);
      if ((chunk.kind & 0x0e) == 0x0e) {
        if (status == DecodeStatus::kContinue) status = tls.on_gap(d, chunk.count);
        continue;
      }
      ByteSpan left = chunk.bytes;
      while (!left.empty() && status == DecodeStatus::kContinue) {
        const ByteSpan part = left.first(std::min(left.size(), most));
        left = left.subspan(part.size());
        status = tls.on_data(d, part);
      }
      WEIR_CHECK(services.held_bytes <= limits.hold_bytes_total);
    }
    if (status != DecodeStatus::kNotMine) {
      tls.on_end(Direction::kToServer, EndReason::kComplete);
      tls.on_end(Direction::kToClient, EndReason::kComplete);
      tls.finish(EndReason::kTimeout);
    }
    end = std::string(tls_sight_name(tls.sight())) + "/" +
          std::string(decrypt_fault_name(tls.fault()));
  }
  WEIR_CHECK(services.held_bytes == 0);
  return out.text[Direction::kToServer] + "|" + out.text[Direction::kToClient] + "|" + end;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weir::ByteReader in(ByteSpan(data, size));
  const size_t log_size = in.u16();
  const ByteSpan key_log = in.take(std::min(log_size, in.remaining()));
  std::vector<Chunk> chunks;
  while (!in.empty() && chunks.size() < 64) {
    const uint8_t kind = in.u8();
    const size_t count = in.u16();
    const bool gap = (kind & 0x0e) == 0x0e;
    chunks.push_back({kind, count, gap ? ByteSpan{} : in.take(std::min(count, in.remaining()))});
  }
  const std::string whole = run(key_log, chunks, SIZE_MAX);
  const std::string bytes = run(key_log, chunks, 1);
  // What fits into the hold depends on how the bytes come; otherwise nothing may.
  size_t total = 0;
  for (const Chunk& chunk : chunks) total += chunk.bytes.size();
  if (total <= kHold / 4) WEIR_CHECK(whole == bytes);
  return 0;
}

// A decryptor with all that it needs, fed with the flights of a session.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "inspect/decrypt/key_log.h"
#include "inspect/decrypt/tls_decryptor.h"
#include "tests/inspect/decrypt/tls_session.h"

namespace weir::test {

// What a gap of known size leaves out is shown as so many of these bytes.
inline constexpr char kMissing = '\x01';
// A gap of unknown size is shown as one of these.
inline constexpr char kUnknownHole = '\x02';

struct ClearRecord final : inspect::ClearSink {
  void on_clear_data(Direction d, ByteSpan data) noexcept override {
    EXPECT_FALSE(ended[d]);
    text[d] += as_chars(data);
    order += d == Direction::kToServer ? '>' : '<';
    order += as_chars(data.first(std::min<size_t>(8, data.size())));
  }
  void on_clear_gap(Direction d, uint64_t bytes) noexcept override {
    EXPECT_FALSE(ended[d]);
    text[d].append(static_cast<size_t>(bytes), kMissing);
    if (bytes == 0) text[d] += kUnknownHole;
    unknown_gaps[d] += bytes == 0 ? 1 : 0;
    ++gaps[d];
  }
  void on_clear_end(Direction d, inspect::EndReason r) noexcept override {
    EXPECT_FALSE(ended[d]);
    ended[d] = true;
    reason[d] = r;
  }
  PerDirection<std::string> text;
  PerDirection<int> gaps;
  PerDirection<int> unknown_gaps;
  PerDirection<bool> ended;
  PerDirection<inspect::EndReason> reason;
  std::string order;  // direction and first bytes of each piece
};

struct DecryptRun {
  explicit DecryptRun(Limits l = {}, bool of_interest = true)
      : limits(l), tls(std::make_unique<inspect::TlsDecryptor>(services, clear, of_interest)) {}

  void keys_from(std::string_view log) {
    inspect::KeyLogCounters ignored;
    inspect::KeyLogParser parser(keys, ignored);
    parser.feed(as_bytes(log), now);
    parser.finish(now);
  }
  // Copies of exact size.
  void data(Direction d, ByteSpan bytes) {
    if (done) return;
    const auto copy = std::make_unique<uint8_t[]>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), copy.get());
    done = tls->on_data(d, ByteSpan(copy.get(), bytes.size())) != inspect::DecodeStatus::kContinue;
  }
  void gap(Direction d, uint64_t bytes) {
    if (!done) done = tls->on_gap(d, bytes) != inspect::DecodeStatus::kContinue;
  }
  void feed(const std::vector<Flight>& flights, size_t most = SIZE_MAX) {
    for (const Flight& flight : flights) {
      ByteSpan left = flight.bytes;
      while (!left.empty()) {
        const ByteSpan part = left.first(std::min(most, left.size()));
        data(flight.direction, part);
        left = left.subspan(part.size());
      }
    }
  }
  void end() {
    tls->on_end(Direction::kToServer, inspect::EndReason::kComplete);
    tls->on_end(Direction::kToClient, inspect::EndReason::kComplete);
  }
  void tick(int64_t ms) {
    now = now + Duration::millis(ms);
    if (!done) done = tls->poll_keys(now) != inspect::DecodeStatus::kContinue;
  }
  [[nodiscard]] const std::string& up() const { return clear.text.slot[0]; }
  [[nodiscard]] const std::string& down() const { return clear.text.slot[1]; }

  Limits limits;
  inspect::KeyStore keys;
  inspect::TlsCounters tls_counters;
  inspect::DecryptCounters counters;
  inspect::DecryptServices services{limits, keys, tls_counters, counters};
  ClearRecord clear;
  Timestamp now{1'000'000'000};
  bool done = false;
  std::unique_ptr<inspect::TlsDecryptor> tls;
};

// Text in which every 8 bytes say where they stand.
inline std::string numbered_text(size_t size) {
  std::string out;
  out.reserve(size + 8);
  for (size_t i = 0; out.size() < size; ++i) {
    const std::string number = std::to_string(i);
    out += std::string(7 - std::min<size_t>(7, number.size()), '0') + number + ' ';
  }
  out.resize(size);
  return out;
}

}  // namespace weir::test

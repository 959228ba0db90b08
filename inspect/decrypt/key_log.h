// Reads key logs (NSS format, RFC 9850) as a stream of bytes cut anywhere: lines of a label, the
// client random and a secret, both in hexadecimal. Comments, empty lines and labels of no use are
// stepped over; what is no line of that shape is counted and skipped. A line is held in one small
// buffer that is wiped after it.
#pragma once

#include <array>
#include <cstdint>

#include "core/bytes.h"
#include "core/counters.h"
#include "inspect/decrypt/key_store.h"

namespace weir::inspect {

struct KeyLogCounters {
  Counter lines;
  Counter secrets;
  Counter other_labels;
  Counter rsa_lines;
  Counter bad_lines;
  Counter long_lines;
};

inline constexpr CounterTable<KeyLogCounters, 6> kKeyLogCounterTable{{
    {"lines", &KeyLogCounters::lines, "lines that are neither empty nor comments"},
    {"secrets", &KeyLogCounters::secrets, "lines with a secret that can be used"},
    {"other_labels", &KeyLogCounters::other_labels,
     "lines with a secret of no use here (exporter, ECH, unknown labels)"},
    {"rsa_lines", &KeyLogCounters::rsa_lines, "lines of the old RSA forms, which are not read"},
    {"bad_lines", &KeyLogCounters::bad_lines, "lines that are not of the key log format"},
    {"long_lines", &KeyLogCounters::long_lines, "lines longer than any of the format"},
}};
static_assert(describes_all(kKeyLogCounterTable));

class KeyLogParser {
 public:
  // Secrets go to `store`. Both must outlive the parser.
  KeyLogParser(KeyStore& store, KeyLogCounters& counters) noexcept
      : store_(store), counters_(counters) {}
  ~KeyLogParser() { reset(); }
  KeyLogParser(const KeyLogParser&) = delete;
  KeyLogParser& operator=(const KeyLogParser&) = delete;

  // `now` is what the store remembers as the time of the secrets.
  void feed(ByteSpan bytes, Timestamp now) noexcept;
  // The log ends: a last line without a line feed is read.
  void finish(Timestamp now) noexcept;
  // Forgets a line that has only begun.
  void reset() noexcept;

 private:
  // The longest line of use: label, random and a secret of 48 bytes, with room.
  static constexpr size_t kMaxLine = 320;

  void end_line(Timestamp now) noexcept;

  KeyStore& store_;
  KeyLogCounters& counters_;
  std::array<uint8_t, kMaxLine> line_{};
  size_t fill_ = 0;
  bool too_long_ = false;
};

}  // namespace weir::inspect

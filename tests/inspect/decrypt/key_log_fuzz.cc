// Key logs of any bytes: whatever stands in them, the same is read however they are cut, and the
// store stays in its bounds.
#include <cstddef>
#include <cstdint>

#include "core/check.h"
#include "inspect/decrypt/key_log.h"

namespace {

using weir::ByteSpan;
using namespace weir::inspect;

struct Reading {
  KeyStore store{{.sessions = 8}};
  KeyLogCounters counters;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteSpan bytes(data, size);
  Reading whole;
  Reading cut;
  {
    KeyLogParser parser(whole.store, whole.counters);
    parser.feed(bytes, weir::Timestamp{1});
    parser.finish(weir::Timestamp{1});
  }
  {
    KeyLogParser parser(cut.store, cut.counters);
    for (size_t i = 0; i < size; ++i) parser.feed(bytes.subspan(i, 1), weir::Timestamp{1});
    parser.finish(weir::Timestamp{1});
  }
  for (const auto& row : kKeyLogCounterTable) {
    WEIR_CHECK((whole.counters.*row.member).get() == (cut.counters.*row.member).get());
  }
  WEIR_CHECK(whole.store.sessions() == cut.store.sessions() && whole.store.sessions() <= 8);
  return 0;
}

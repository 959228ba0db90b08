// Normalised text, and the shape of it, is the same whole and cut in two at a place that the input
// chooses; line ends ascend and stay inside; nothing of a line is longer than it was.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "core/check.h"
#include "signatures/fingerprint/normaliser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  using namespace weir::signatures;
  if (size == 0) return 0;
  const ByteSpan text(data + 1, size - 1);
  const size_t cut = text.empty() ? 0 : data[0] * text.size() / 256;
  Normaliser normaliser;
  NormalText whole;
  NormalText whole_shape;
  normaliser.feed(text, whole, &whole_shape);
  normaliser.finish(whole, &whole_shape);
  NormalText parts;
  NormalText parts_shape;
  normaliser.feed(text.first(cut), parts, &parts_shape);
  normaliser.feed(text.subspan(cut), parts, &parts_shape);
  normaliser.finish(parts, &parts_shape);
  WEIR_CHECK(as_chars(whole_shape.bytes()) == as_chars(parts_shape.bytes()));
  WEIR_CHECK(whole_shape.line_ends() == parts_shape.line_ends());
  WEIR_CHECK(whole_shape.line_ends().size() == whole.line_ends().size());
  WEIR_CHECK(as_chars(whole.bytes()) == as_chars(parts.bytes()));
  WEIR_CHECK(whole.line_ends() == parts.line_ends());
  WEIR_CHECK(whole.size() <= text.size());
  uint32_t before = 0;
  for (const uint32_t end : whole.line_ends()) {
    WEIR_CHECK(end >= before && end <= whole.size());
    before = end;
  }
  return 0;
}

// The skipping search for base64 runs against one that looks at every byte.
#include "inspect/unwrap/run_finder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/inspect/unwrap/compress.h"

namespace weir::test {
namespace {

using inspect::base64_holds_text;
using inspect::base64_value;
using inspect::kBase64Run;
using inspect::RunFinder;

size_t slow_find(const std::string& text) {
  size_t run = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    run = base64_value(static_cast<uint8_t>(text[i])) <= 63 ? run + 1 : 0;
    if (run == kBase64Run && base64_holds_text(as_bytes(text).subspan(i + 1 - run, run))) {
      return i + 1;
    }
  }
  return RunFinder::kNone;
}

size_t find_in_chunks(const std::string& text, std::mt19937& random, size_t most) {
  RunFinder finder;
  for (size_t at = 0; at < text.size();) {
    const size_t count = std::min(text.size() - at, 1 + random() % most);
    const size_t found = finder.find(as_bytes(text).subspan(at, count));
    if (found != RunFinder::kNone) return at + found;
    at += count;
  }
  return RunFinder::kNone;
}

TEST(RunFinder, AgreesWithASlowSearchForAnyChunks) {
  std::mt19937 random(17);
  const std::string code = "int add(int a, int b) { return a + b; } // and a comment behind it\n";
  size_t found = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string text;
    for (size_t parts = random() % 8; parts > 0; --parts) {
      switch (random() % 5) {
        case 0:
          text += base64_encoded(code, random() % 2 == 0).substr(0, 50 + random() % 40);
          break;
        case 1:
          text.append(random() % 150, static_cast<char>(random()));
          break;
        case 2:
          for (size_t n = random() % 130; n > 0; --n)
            text += static_cast<char>('A' + random() % 26);
          break;
        default:
          for (size_t n = random() % 100; n > 0; --n)
            text += static_cast<char>(' ' + random() % 95);
      }
      if (random() % 2 == 0) text += static_cast<char>(random());
    }
    const size_t expected = slow_find(text);
    found += expected != RunFinder::kNone;
    ASSERT_EQ(find_in_chunks(text, random, 1), expected);
    ASSERT_EQ(find_in_chunks(text, random, 90), expected);
    ASSERT_EQ(find_in_chunks(text, random, 5000), expected);
  }
  EXPECT_GT(found, 500U);
  EXPECT_LT(found, 3500U);
}

}  // namespace
}  // namespace weir::test

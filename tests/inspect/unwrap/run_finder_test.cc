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

using inspect::base64_value;
using inspect::kBase64Run;
using inspect::look_at_run;

using inspect::RunFinder;

size_t slow_find(const std::string& text) {
  size_t run = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    run = base64_value(static_cast<uint8_t>(text[i])) <= 63 ? run + 1 : 0;
    if (run > 0 && run % kBase64Run == 0 && run / kBase64Run <= RunFinder::kTries &&
        look_at_run(as_bytes(text).subspan(i + 1 - kBase64Run, kBase64Run)).kind !=
            inspect::Run::Kind::kNothing) {
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
      switch (random() % 6) {
        case 4:
          for (const char c : code.substr(random() % 9, 20 + random() % 40)) {
            text += "0123456789abcdef"[c >> 4];
            text += "0123456789abcdef"[c & 15];
          }
          break;
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

std::string hex_encoded(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out += "0123456789ABCDEF"[c >> 4];
    out += "0123456789ABCDEF"[c & 15];
  }
  return out;
}

inspect::Run look_at(const std::string& digits) {
  return look_at_run(as_bytes(digits).first(kBase64Run));
}

TEST(LookAtRun, TextThatBeginsWithBlanksOrARule) {
  const std::string code = "int add(int a, int b) { return a + b; } // and a comment behind it\n";
  for (const std::string& text :
       {std::string(50, ' ') + code, "/*" + std::string(70, '*') + code,
        std::string(60, '#') + code, "// " + std::string(60, '-') + code, "\t\t\t\t" + code}) {
    EXPECT_EQ(look_at(base64_encoded(text)).kind, inspect::Run::Kind::kBase64) << text;
  }
}

TEST(LookAtRun, RunsWhoseFrontWasCutOff) {
  const std::string code = "int add(int a, int b) { return a + b; } // and a comment behind it\n";
  for (size_t cut = 0; cut < 8; ++cut) {
    const inspect::Run run = look_at(base64_encoded(code).substr(cut));
    EXPECT_EQ(run.kind, inspect::Run::Kind::kBase64);
    EXPECT_EQ(run.skip, (8 - cut) % 4);
  }
  EXPECT_EQ(look_at(hex_encoded(code)).kind, inspect::Run::Kind::kHex);
  EXPECT_EQ(look_at(hex_encoded(code).substr(1)).skip, 1U);
}

TEST(LookAtRun, FillersHashesAndWordsHoldNothing) {
  for (const std::string& digits :
       {std::string(60, 'a'), std::string(60, 'I'), std::string(60, '4'), std::string(60, '-'),
        std::string("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
        std::string("TheLongestNameOfAClassThatAnyoneEverWroteInJavaIsNotBase64AtAllFactory"),
        std::string("/usr/share/doc/packages/of/some/length/that/is/a/path/and/nothing/else")}) {
    EXPECT_EQ(look_at(digits).kind, inspect::Run::Kind::kNothing) << digits;
  }
}

}  // namespace
}  // namespace weir::test

// The score of sums that grow: what the weights were fitted to ends long before the largest leaks.
#include "inspect/detect/code_score.h"

#include <gtest/gtest.h>

namespace weir::inspect {
namespace {

CodeSigns grown(CodeSigns each, double lines) {
  CodeSigns out = each;
  for (double* sum : {&out.lines, &out.masked, &out.windows, &out.couples, &out.shapes, &out.pairs,
                      &out.same_tags, &out.same_shapes}) {
    *sum *= lines;
  }
  out.strong = static_cast<uint32_t>(lines);
  out.different = static_cast<uint32_t>(lines);
  return out;
}

// Of one line: as it is; renamed; without its line ends, and so without whole lines.
TEST(CodeScore, LargeLeaksAreSure) {
  CodeSigns verbatim;
  verbatim.lines = 0.5;
  verbatim.couples = 1;
  verbatim.shapes = 0.6;
  verbatim.pairs = 0.3;
  verbatim.windows = 0.1;
  CodeSigns joined;
  joined.windows = 0.9;
  joined.shapes = 0.6;
  CodeSigns renamed;
  renamed.shapes = 0.6;
  renamed.pairs = 0.6;
  renamed.same_shapes = 0.1;
  for (double lines = 40; lines < 1e7; lines *= 1.5) {
    EXPECT_GT(score_of(grown(verbatim, lines)), 0.9) << lines;
    EXPECT_GT(score_of(grown(joined, lines)), 0.9) << lines;
    CodeSigns signs = grown(renamed, lines);
    signs.strong = 0;
    EXPECT_GT(score_of(signs), 0.5) << lines;
    // What else of the file's shape is known says nothing against its text.
    CodeSigns more = grown(verbatim, lines);
    more.shapes *= 100;
    EXPECT_GT(score_of(more), 0.9) << lines;
  }
}

// Single lines of a file, ten lines of something else around each: as many as 1 MB of it was seen
// to have.
TEST(CodeScore, WhatIsMetByChanceInMuchTextSaysLittle) {
  for (double lines = 3; lines < 80; lines *= 1.5) {
    CodeSigns signs;
    signs.lines = 0.08 * lines;
    signs.same_tags = 0.02 * lines;
    signs.density = 0.06;
    signs.foreign = 70 * lines;
    signs.strong = signs.different = static_cast<uint32_t>(lines);
    EXPECT_LT(score_of(signs), 0.5) << lines;
    // Sixty lines together, beside that, do.
    signs.lines += 30;
    signs.couples += 60;
    signs.shapes += 36;
    signs.different += 60;
    EXPECT_GT(score_of(signs), 0.9) << lines;
  }
}

TEST(CodeScore, NothingIsNothing) { EXPECT_LT(score_of({}), 0.1); }

}  // namespace
}  // namespace weir::inspect

// The check every stream decoder must pass: the same bytes whole, byte by byte and at every cut
// give one transcript. Chunks are heap copies of exact size, so that a sanitizer sees one byte too
// far.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/bytes.h"

namespace weir::test {

// Feeds one sequence of chunks to a fresh decoder and returns what it emitted, as text.
// The feeder is called once per run with the chunks in order.
using Feeder = std::function<std::string(const std::vector<ByteSpan>& chunks)>;

// Copies of `bytes` cut at the ascending positions `cuts`.
class Chunks {
 public:
  Chunks(ByteSpan bytes, const std::vector<size_t>& cuts) {
    size_t from = 0;
    for (const size_t cut : cuts) {
      add(bytes.subspan(from, cut - from));
      from = cut;
    }
    add(bytes.subspan(from));
  }
  [[nodiscard]] const std::vector<ByteSpan>& spans() const { return spans_; }

 private:
  void add(ByteSpan part) {
    auto copy = std::make_unique<uint8_t[]>(part.size());
    std::copy(part.begin(), part.end(), copy.get());
    spans_.emplace_back(copy.get(), part.size());
    owned_.push_back(std::move(copy));
  }
  std::vector<std::unique_ptr<uint8_t[]>> owned_;
  std::vector<ByteSpan> spans_;
};

// `every_cut_up_to`: inputs longer than this are cut at a stride instead of at every position.
inline void split_check(ByteSpan bytes, const Feeder& feed, size_t every_cut_up_to = 4096) {
  const std::string whole = feed(Chunks(bytes, {}).spans());
  std::vector<size_t> each;
  for (size_t i = 1; i < bytes.size(); ++i) each.push_back(i);
  EXPECT_EQ(whole, feed(Chunks(bytes, each).spans())) << "byte by byte";
  const size_t stride = std::max<size_t>(1, bytes.size() / every_cut_up_to);
  for (size_t cut = 1; cut < bytes.size(); cut += stride) {
    const std::string got = feed(Chunks(bytes, {cut}).spans());
    ASSERT_EQ(whole, got) << "cut at " << cut << " of " << bytes.size();
  }
}

}  // namespace weir::test

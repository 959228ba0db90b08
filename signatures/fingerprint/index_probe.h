// Looks hashes up in an open CodeIndex. A batch goes through the Bloom filter with its cache lines
// fetched ahead; what passes is confirmed in the sorted table. The mapped file may be damaged:
// every number read from it is checked before it is used, and a wrong one only means no hit.
// An IndexProbe is a view; the index must outlive it. One per worker or one for all: it is const.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "signatures/fingerprint/bloom_sift.h"
#include "signatures/fingerprint/code_index.h"
#include "signatures/fingerprint/fingerprint.h"
#include "signatures/fingerprint/index_format.h"
#include "signatures/literal_set.h"

namespace weir::signatures {

// Where a fingerprint stands: global line numbers, in how many files.
class Postings {
 public:
  Postings() = default;
  Postings(uint32_t single, uint32_t rarity) noexcept
      : count_(1), files_(1), rarity_(rarity), single_(single) {}
  Postings(const uint8_t* lines, uint32_t count, uint32_t files, uint32_t rarity) noexcept
      : lines_(lines), count_(count), files_(files), rarity_(rarity) {}
  [[nodiscard]] uint32_t count() const noexcept { return count_; }
  [[nodiscard]] uint32_t files() const noexcept { return files_; }
  // 0: words of everyone; kMostRarity: names that hardly anyone else has.
  [[nodiscard]] uint32_t rarity() const noexcept { return rarity_; }
  [[nodiscard]] uint32_t line(uint32_t i) const noexcept {
    return lines_ == nullptr ? single_ : read32(lines_ + size_t{4} * i);
  }

 private:
  const uint8_t* lines_ = nullptr;
  uint32_t count_ = 0;
  uint32_t files_ = 0;
  uint32_t rarity_ = 0;
  uint32_t single_ = 0;
};

struct IndexedFile {
  std::string_view repository;
  std::string_view path;
  uint32_t first_line = 0;  // global number of its line 1
  uint32_t lines = 0;
};

struct CriticalLine {
  uint32_t global_line = 0;
  uint32_t size = 0;              // normalised bytes
  std::array<uint8_t, 3> head{};  // the first of them
};

// The sections of a mapped index.
struct IndexView {
  const Fingerprinter* fingerprinter = nullptr;
  ByteSpan bloom, buckets, entries, postings, tags, shapes, files, repositories, names;
  uint32_t bucket_bits = 0;
  const LiteralSet* critical = nullptr;  // null: no critical lines
  std::span<const CriticalLine> critical_lines;
};

// What stands on the base, oldest first (index_layers.h).
struct IndexLayers {
  struct Layer {
    IndexView view;
    uint32_t first_line = 0;
    uint32_t first_file = 0;
  };
  std::vector<Layer> layers;
  std::vector<bool> hidden;  // a bit for each file
  size_t files = 0;          // of the base, too

  // Where a file's record is; `number` becomes its number there.
  [[nodiscard]] const IndexView& view_of(size_t& number, const IndexView& base) const noexcept {
    for (size_t i = layers.size(); i > 0; --i) {
      if (number < layers[i - 1].first_file) continue;
      number -= layers[i - 1].first_file;
      return layers[i - 1].view;
    }
    return base;
  }
};

class IndexProbe {
 public:
  explicit IndexProbe(const CodeIndex& index) noexcept;

  // Appends the numbers of those of `hashes` that may be indexed: all that are, and of the others
  // one in 200.
  void sift(std::span<const uint64_t> hashes, std::vector<uint32_t>& out) const {
    std::array<uint32_t, kSiftMost> passed;
    for (size_t base = 0; base < hashes.size(); base += kSiftMost) {
      const size_t passes = sift_some(hashes, base, passed);
      for (size_t j = 0; j < passes; ++j) out.push_back(static_cast<uint32_t>(base + passed[j]));
    }
  }
  // on_hit(size_t i, const Postings&) for each of `hashes` that is indexed.
  template <typename OnHit>
  void probe(std::span<const uint64_t> hashes, OnHit&& on_hit) const noexcept {
    std::array<uint32_t, kSiftMost> passed;
    for (size_t base = 0; base < hashes.size(); base += kSiftMost) {
      const size_t passes = sift_some(hashes, base, passed);
      for (size_t j = 0; j < passes; ++j) prefetch_bucket(hashes[base + passed[j]]);
      for (size_t j = 0; j < passes; ++j) prefetch_entries(hashes[base + passed[j]]);
      for (size_t j = 0; j < passes; ++j) {
        const size_t i = base + passed[j];
        const Postings found = find(hashes[i]);
        if (found.count() > 0) on_hit(i, found);
      }
    }
  }
  // The same for hashes that were sifted: the table alone, fetched ahead.
  template <typename OnHit>
  void confirm(std::span<const uint64_t> hashes, OnHit&& on_hit) const noexcept {
    for (size_t base = 0; base < hashes.size(); base += kSiftMost) {
      const size_t end = std::min(base + kSiftMost, hashes.size());
      for (size_t i = base; i < end; ++i) prefetch_bucket(hashes[i]);
      for (size_t i = base; i < end; ++i) prefetch_entries(hashes[i]);
      for (size_t i = base; i < end; ++i) {
        const Postings found = find(hashes[i]);
        if (found.count() > 0) on_hit(i, found);
      }
    }
  }
  // The table alone; count() is 0 when it is not there.
  [[nodiscard]] Postings find(uint64_t hash) const noexcept;

  [[nodiscard]] const Fingerprinter& fingerprinter() const noexcept { return *view_.fingerprinter; }
  // Number of the file that a global line stands in.
  [[nodiscard]] std::optional<uint32_t> file_of(uint32_t global_line) const noexcept;
  [[nodiscard]] std::optional<IndexedFile> file(uint32_t number) const noexcept;
  // Tag of a line (Fingerprinter::tag); 0 outside the index too.
  [[nodiscard]] uint8_t tag(uint64_t global_line) const noexcept {
    if (global_line < view_.tags.size()) return view_.tags[global_line];
    return layers_ == nullptr ? uint8_t{0} : layer_byte(global_line, false);
  }
  // The same of its shape (line_shape).
  [[nodiscard]] uint8_t shape_tag(uint64_t global_line) const noexcept {
    if (global_line < view_.shapes.size()) return view_.shapes[global_line];
    return layers_ == nullptr ? uint8_t{0} : layer_byte(global_line, true);
  }
  // A newer layer has another version of this file, or none.
  [[nodiscard]] bool is_hidden(uint32_t file) const noexcept {
    return layers_ != nullptr && file < layers_->hidden.size() && layers_->hidden[file];
  }
  [[nodiscard]] const LiteralSet* critical() const noexcept { return view_.critical; }
  [[nodiscard]] const CriticalLine* critical_line(uint32_t id) const noexcept {
    return id < view_.critical_lines.size() ? &view_.critical_lines[id] : nullptr;
  }

 private:
  // Of the kSiftMost hashes from `base` on; how many pass.
  size_t sift_some(std::span<const uint64_t> hashes, size_t base,
                   std::array<uint32_t, kSiftMost>& passed) const noexcept {
    const std::span<const uint64_t> some =
        hashes.subspan(base, std::min(kSiftMost, hashes.size() - base));
    const size_t passes = bloom_sift({view_.bloom.data(), blocks_}, some, passed.data());
    return layers_ == nullptr ? passes : sift_layers(some, passes, passed);
  }
  // Adds those that pass the filter of a layer.
  size_t sift_layers(std::span<const uint64_t> hashes, size_t passes,
                     std::array<uint32_t, kSiftMost>& passed) const noexcept;
  [[nodiscard]] uint8_t layer_byte(uint64_t global_line, bool shape) const noexcept;
  static Postings find_in(const IndexView& view, uint64_t hash) noexcept;
  [[nodiscard]] size_t bucket_of(uint64_t hash) const noexcept {
    return view_.bucket_bits == 0 ? 0 : static_cast<size_t>(hash >> (64 - view_.bucket_bits));
  }
  void prefetch_bucket(uint64_t hash) const noexcept {
    __builtin_prefetch(view_.buckets.data() + 4 * bucket_of(hash));
  }
  void prefetch_entries(uint64_t hash) const noexcept {
    // A hint only: a wrong address does no harm.
    const size_t at = kEntryBytes * size_t{read32(view_.buckets.data() + 4 * bucket_of(hash))};
    if (at < view_.entries.size()) __builtin_prefetch(view_.entries.data() + at);
  }
  [[nodiscard]] static Postings postings_of(const IndexView& view, const uint8_t* entry) noexcept;
  [[nodiscard]] FileRecord record(size_t number) const noexcept;

  IndexView view_;
  const IndexLayers* layers_ = nullptr;  // null: none
  uint64_t blocks_ = 0;                  // of the Bloom filter; at least 1
  size_t file_count_ = 0;
};

}  // namespace weir::signatures

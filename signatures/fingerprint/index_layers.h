// Delta layers: small index files that stand on a base and tell of what changed since. A layer
// holds the files that are new or changed and the numbers of those below that it hides. Lines and
// files are numbered through from the base up, and what a layer says of a fingerprint includes what
// still holds below: so the newest layer that knows a fingerprint has the whole answer, and text is
// read once however many layers there are. BASE.delta-1 stands on BASE, BASE.delta-2 on that, and
// so on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"
#include "signatures/fingerprint/index_format.h"

namespace weir::signatures {

// Each costs a look into one more filter for every hash of a text.
inline constexpr uint32_t kMostLayers = 8;

// "BASE.delta-N", from 1.
[[nodiscard]] std::string layer_path(const std::string& base, uint32_t number);
// How many there are: up to the first that is missing. More than kMostLayers are an error.
Result<uint32_t> count_layers(const std::string& base);
// Those of an index that was built anew and holds all of it.
void remove_layers(const std::string& base);

// Section kLayer: u64 stamp of the file below, u32 first line, u32 first file, then u32 numbers of
// hidden files, ascending.
struct LayerPlace {
  uint64_t below = 0;
  uint32_t first_line = 0;
  uint32_t first_file = 0;
  std::vector<uint32_t> hidden;

  [[nodiscard]] std::vector<uint8_t> encode() const;
  static Result<LayerPlace> decode(ByteSpan section);
};
// Of a whole index file: tells it from every other.
[[nodiscard]] uint64_t index_stamp(ByteSpan file) noexcept;

}  // namespace weir::signatures

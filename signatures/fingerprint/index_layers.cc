#include "signatures/fingerprint/index_layers.h"

#include <sys/stat.h>
#include <unistd.h>

#include "core/byte_reader.h"

namespace weir::signatures {

std::string layer_path(const std::string& base, uint32_t number) {
  return base + ".delta-" + std::to_string(number);
}

Result<uint32_t> count_layers(const std::string& base) {
  struct stat about = {};
  uint32_t count = 0;
  while (::stat(layer_path(base, count + 1).c_str(), &about) == 0) {
    if (++count > kMostLayers) {
      return Error{"more than " + std::to_string(kMostLayers) +
                       " layers: build the index anew, which takes them in",
                   layer_path(base, count)};
    }
  }
  return count;
}

// The last first, so that those left by a crash still stand on one another.
void remove_layers(const std::string& base) {
  struct stat about = {};
  uint32_t count = 0;
  while (::stat(layer_path(base, count + 1).c_str(), &about) == 0) ++count;
  for (; count > 0; --count) ::unlink(layer_path(base, count).c_str());
}

std::vector<uint8_t> LayerPlace::encode() const {
  std::vector<uint8_t> out;
  put64(out, below);
  put32(out, first_line);
  put32(out, first_file);
  for (const uint32_t number : hidden) put32(out, number);
  return out;
}

Result<LayerPlace> LayerPlace::decode(ByteSpan section) {
  ByteReader reader(section);
  LayerPlace out;
  out.below = reader.le64();
  out.first_line = reader.le32();
  out.first_file = reader.le32();
  while (reader.ok() && !reader.empty()) {
    const uint32_t number = reader.le32();
    if (number >= out.first_file) return Error{"index is damaged: hidden files", {}};
    out.hidden.push_back(number);
  }
  if (!reader.ok()) return Error{"index is damaged: place of the layer", {}};
  return out;
}

// The checksum of all checksums, and the header, where the site key and the counts are.
uint64_t index_stamp(ByteSpan file) noexcept {
  if (file.size() < kHeaderBytes) return 0;
  std::vector<uint8_t> both(file.begin(), file.begin() + kHeaderBytes);
  both.insert(both.end(), file.end() - 8, file.end());
  return block_checksum(both);
}

}  // namespace weir::signatures

// A damaged index that passes its checksums, which whoever writes the file can arrange: opened,
// probed, told about, and never out of bounds. The input replaces bytes of a small valid index
// (pairs of a position and a byte), then checksum and length of the header are put right.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/check.h"
#include "signatures/fingerprint/file_fingerprints.h"
#include "signatures/fingerprint/index_builder.h"
#include "signatures/fingerprint/index_probe.h"

namespace {

using namespace weir;
using namespace weir::signatures;

struct Valid {
  std::string folder;
  std::string bytes;
  std::vector<uint64_t> hashes;
  SiteKey key;

  Valid() {
    std::string name = (std::filesystem::temp_directory_path() / "weir-fuzz-XXXXXX").string();
    WEIR_CHECK(::mkdtemp(name.data()) != nullptr);
    folder = name;
    std::string text;
    for (int i = 0; i < 12; ++i) {
      text += "auto quokka" + std::string(static_cast<size_t>(i + 1), 'z') +
              "Total = wombatWeight(numbatCount, bilbyAge);\n";
    }
    std::filesystem::create_directories(folder + "/r");
    std::ofstream(folder + "/r/a.cc") << text;
    std::ofstream(folder + "/r/b.cc") << text << "auto echidnaSpines = platypusBill(dugong);\n";
    IndexBuildOptions options;
    options.repositories = {{"r", folder + "/r"}};
    WEIR_CHECK(build_index(options, key, folder + "/i.wfi", {}).has_value());
    std::ifstream in(folder + "/i.wfi", std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
    FileReader reader(key);
    FileFingerprints found;
    reader.read(text, false, false, found);
    for (const auto& placed : found.placed) hashes.push_back(placed.hash);
  }
  ~Valid() { std::filesystem::remove_all(folder); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Valid valid;
  std::string bytes = valid.bytes;
  for (size_t i = 0; i + 3 <= size; i += 3) {
    const size_t at = (size_t{data[i]} << 8 | data[i + 1]) % bytes.size();
    bytes[at] = static_cast<char>(data[i + 2]);
  }
  const uint64_t sum = block_checksum(as_bytes(bytes).first(kHeaderBytes - 8));
  for (size_t i = 0; i < 8; ++i) {
    bytes[kHeaderBytes - 8 + i] = static_cast<char>(sum >> (8 * i));
  }
  const std::string path = valid.folder + "/f.wfi";
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary) << bytes;
  (void)CodeIndex::verify(path);
  const auto index = CodeIndex::open(path, valid.key);
  if (!index) return 0;
  const IndexProbe probe(**index);
  uint64_t sum_of_all = 0;
  probe.probe(valid.hashes, [&](size_t, const Postings& at) {
    for (uint32_t k = 0; k < at.count(); ++k) {
      const auto number = probe.file_of(at.line(k));
      if (!number) continue;
      const auto file = probe.file(*number);
      WEIR_CHECK(file.has_value());
      for (const char c : file->path) sum_of_all += static_cast<unsigned char>(c);
      for (const char c : file->repository) sum_of_all += static_cast<unsigned char>(c);
      sum_of_all += probe.tag(at.line(k));
    }
  });
  WEIR_CHECK(sum_of_all < ~0ULL);
  return 0;
}

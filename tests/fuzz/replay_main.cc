// Main of a fuzz target in ordinary builds: runs every file of a corpus folder, then a fixed number
// of mutations of each with a fixed seed, so that the targets never rot and ctest exercises them.
// Usage: TARGET CORPUS_DIR [MUTATIONS]. An absent or empty folder means random inputs only.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

// An exact-size heap copy, so that a sanitizer sees the first byte over.
void run(const std::vector<uint8_t>& input) {
  const auto copy = std::make_unique<uint8_t[]>(input.size());
  std::copy(input.begin(), input.end(), copy.get());
  LLVMFuzzerTestOneInput(copy.get(), input.size());
}

std::vector<uint8_t> mutate(std::vector<uint8_t> input, std::mt19937_64& random) {
  const size_t edits = 1 + random() % 8;
  for (size_t i = 0; i < edits; ++i) {
    const size_t at = input.empty() ? 0 : random() % input.size();
    switch (random() % 5) {
      case 0:
        if (!input.empty()) input[at] = static_cast<uint8_t>(random());
        break;
      case 1:
        if (!input.empty()) input[at] ^= static_cast<uint8_t>(1U << random() % 8);
        break;
      case 2:
        input.resize(at);
        break;
      case 3:
        input.insert(input.begin() + static_cast<ptrdiff_t>(at), 1 + random() % 4,
                     static_cast<uint8_t>(random()));
        break;
      default:
        if (!input.empty()) {
          const size_t from = random() % input.size();
          const size_t count = std::min(input.size() - from, 1 + random() % 64);
          const std::vector<uint8_t> part(input.begin() + static_cast<ptrdiff_t>(from),
                                          input.begin() + static_cast<ptrdiff_t>(from + count));
          input.insert(input.begin() + static_cast<ptrdiff_t>(at), part.begin(), part.end());
        }
    }
  }
  return input;
}

}  // namespace

int main(int argc, char** argv) {
  size_t mutations = 200;
  if (argc > 2) {
    const std::string_view text = argv[2];
    std::from_chars(text.data(), text.data() + text.size(), mutations);
  }
  std::vector<std::filesystem::path> files;
  std::error_code ignored;
  if (argc > 1) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[1], ignored)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  std::mt19937_64 random(20240229);
  size_t runs = 0;
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    const std::vector<uint8_t> input((std::istreambuf_iterator<char>(in)), {});
    run(input);
    for (size_t i = 0; i < mutations; ++i) run(mutate(input, random));
    runs += 1 + mutations;
  }
  for (size_t i = 0; i < mutations; ++i) {
    std::vector<uint8_t> input(random() % 512);
    for (auto& byte : input) byte = static_cast<uint8_t>(random());
    run(input);
  }
  runs += mutations;
  std::printf("%zu inputs from %zu corpus files\n", runs, files.size());
  return 0;
}

// Building and opening fingerprint indexes, and the parts that a build spends its time on. Sources
// are generated unless WEIR_BENCH_SOURCES names a folder; WEIR_BENCH_FINGERPRINTS asks for an index
// of that many random fingerprints to be built and opened as well (100000000: 1.5 GB of disk).
// Rates are of source bytes.
#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/hash.h"
#include "signatures/fingerprint/code_index.h"
#include "signatures/fingerprint/digests.h"
#include "signatures/fingerprint/file_fingerprints.h"
#include "signatures/fingerprint/index_builder.h"
#include "signatures/fingerprint/index_format.h"
#include "signatures/fingerprint/index_layers.h"
#include "signatures/fingerprint/index_probe.h"
#include "signatures/fingerprint/index_writer.h"
#include "signatures/fingerprint/names_reader.h"
#include "signatures/fingerprint/record_partitions.h"

namespace {

using namespace weir;
using namespace weir::signatures;

SiteKey site_key() {
  SiteKey key;
  for (size_t i = 0; i < key.bytes.size(); ++i) key.bytes[i] = static_cast<uint8_t>(7 * i + 1);
  return key;
}

// A folder that goes away with the program.
class Scratch {
 public:
  Scratch() {
    const char* folder = std::getenv("TMPDIR");
    path_ = std::string(folder == nullptr ? "/tmp" : folder) + "/weir-index-bench-" +
            std::to_string(::getpid());
    std::filesystem::create_directories(path_);
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};
const Scratch& scratch() {
  static const Scratch folder;
  return folder;
}

// Functions with names of a vocabulary of their own, comments, calls; about 30 bytes a line.
std::string code(size_t bytes, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::string> words{"size", "index", "value", "result", "buffer", "count", "name"};
  for (int i = 0; i < 300; ++i) {
    std::string word;
    for (size_t k = 3 + random() % 7; k > 0; --k) word += static_cast<char>('a' + random() % 26);
    if (i % 4 == 0) word += "_" + words[random() % words.size()];
    words.push_back(word);
  }
  const auto word = [&]() -> const std::string& { return words[random() % words.size()]; };
  std::string out;
  while (out.size() < bytes) {
    out += "// The " + word() + " of each " + word() + ", as " + word() + " has it.\n";
    out += "static int " + word() + "_" + word() + "(struct " + word() + "* " + word() + ") {\n";
    for (size_t n = 4 + random() % 12; n > 0; --n) {
      out.append(2 + 2 * (random() % 4), ' ');
      switch (random() % 3) {
        case 0:
          out += word() + "->" + word() + " = " + word() + "(" + word() + ", " +
                 std::to_string(random() % 1000) + ");\n";
          break;
        case 1:
          out += "if (" + word() + " < " + word() + "[" + word() + "]) return -1;\n";
          break;
        default:
          out += word() + "." + word() + "(\"" + word() + " " + word() + "\");\n";
      }
    }
    out += "}\n\n";
  }
  return out;
}

// The folder that is indexed: 24 MB in 1,200 files.
const std::string& sources() {
  static const std::string folder = [] {
    if (const char* given = std::getenv("WEIR_BENCH_SOURCES"); given != nullptr) {
      return std::string(given);
    }
    const std::string path = scratch().file("sources");
    std::filesystem::create_directories(path);
    for (unsigned i = 0; i < 1200; ++i) {
      std::ofstream(path + "/f" + std::to_string(i) + ".cc") << code(20000, i);
    }
    return path;
  }();
  return folder;
}

void BM_BuildIndex(benchmark::State& state) {
  IndexBuildOptions options;
  options.repositories = {{"bench", sources()}};
  options.threads = static_cast<uint32_t>(state.range(0));
  uint64_t bytes = 0;
  for (auto _ : state) {
    const auto report = build_index(options, site_key(), scratch().file("out.wfi"), {});
    if (!report || report->fingerprints < report->lines / 4) {
      return state.SkipWithError("no index");
    }
    bytes += report->bytes;
    state.counters["fingerprints"] = static_cast<double>(report->fingerprints);
    state.counters["B/fingerprint"] =
        static_cast<double>(std::filesystem::file_size(scratch().file("out.wfi"))) /
        static_cast<double>(report->fingerprints);
  }
  if (!CodeIndex::verify(scratch().file("out.wfi"))) state.SkipWithError("damaged");
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
}
BENCHMARK(BM_BuildIndex)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();

// Parts of a build, over one file.
const std::string& one_file() {
  static const std::string text = code(1 << 20, 5);
  return text;
}

void BM_FileFingerprints(benchmark::State& state) {
  FileReader reader(site_key());
  FileFingerprints found;
  for (auto _ : state) reader.read(one_file(), false, false, found);
  if (found.placed.size() < 10000) state.SkipWithError("too few");
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(one_file().size()));
}
BENCHMARK(BM_FileFingerprints);

void BM_FileDigests(benchmark::State& state) {
  DigestMaker maker(site_key());
  for (auto _ : state) {
    if (maker.of(as_bytes(one_file()))[0] == 0) state.SkipWithError("none");
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(one_file().size()));
}
BENCHMARK(BM_FileDigests);

void BM_FileNames(benchmark::State& state) {
  NameReader reader(site_key());
  std::vector<NameReader::Name> names;
  for (auto _ : state) reader.read(one_file(), names);
  if (names.empty()) state.SkipWithError("none");
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(one_file().size()));
}
BENCHMARK(BM_FileNames);

// Looking hashes up that are not there, with so many delta layers on an index of 100 files.
void BM_ProbeLayers(benchmark::State& state) {
  const auto layers = static_cast<uint32_t>(state.range(0));
  const std::string folder = scratch().file("layered");
  const std::string base = scratch().file("layered.wfi");
  std::filesystem::create_directories(folder);
  for (unsigned i = 0; i < 100; ++i) {
    std::ofstream(folder + "/f" + std::to_string(i) + ".cc") << code(20000, i);
  }
  IndexBuildOptions options;
  options.repositories = {{"bench", folder}};
  if (!build_index(options, site_key(), base, {})) return state.SkipWithError("no index");
  options.delta_of = base;
  for (uint32_t i = 1; i <= layers; ++i) {
    std::ofstream(folder + "/f" + std::to_string(i) + ".cc") << code(20000, 1000 + i);
    if (!build_index(options, site_key(), layer_path(base, i), {})) {
      return state.SkipWithError("no layer");
    }
  }
  const auto index = CodeIndex::open(base, site_key());
  if (!index || (*index)->info().layers != layers) return state.SkipWithError("not opened");
  const IndexProbe probe(**index);
  std::vector<uint64_t> hashes;
  for (uint64_t i = 0; i < 65536; ++i) hashes.push_back(mix64(i));
  size_t hits = 0;
  for (auto _ : state) probe.probe(hashes, [&hits](size_t, const Postings&) { ++hits; });
  if (hits > 0) state.SkipWithError("found what is not there");
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(hashes.size()));
}
BENCHMARK(BM_ProbeLayers)->Arg(0)->Arg(1)->Arg(2)->Arg(4)->Arg(8);

uint64_t random_fingerprints() {
  const char* asked = std::getenv("WEIR_BENCH_FINGERPRINTS");
  return asked == nullptr ? 1'000'000 : std::strtoull(asked, nullptr, 10);
}

// Sorting and writing an index of random fingerprints, as a build does after reading; then opening
// it. Peak memory is the process's: run this one alone to see it.
void BM_SortWriteOpen(benchmark::State& state) {
  const uint64_t count = random_fingerprints();
  const char* kept = std::getenv("WEIR_BENCH_INDEX");  // where it is to stay, for other benches
  const std::string path = kept == nullptr ? scratch().file("random.wfi") : kept;
  constexpr uint64_t kLines = 100'000'000;
  for (auto _ : state) {
    RecordPartitions records(scratch().file(""), uint64_t{1} << 30, 1);
    for (uint64_t i = 0; i < count; ++i) {
      const auto line = static_cast<uint32_t>(i % kLines);
      if (!records.add(0, {mix64(i), line >> 10, (line & 1023) << 2 | 3})) {
        return state.SkipWithError("no room");
      }
    }
    Result<IndexWriter> opened = IndexWriter::create(path);
    if (!opened) return state.SkipWithError("cannot write");
    IndexWriter& out = opened.value();
    TableWriter table(out, scratch().file(""));
    std::vector<uint32_t> line(1);
    const Status drained = records.drain(1, [&](std::span<const PlacedHash> some) -> Status {
      for (const PlacedHash& one : some) {
        line[0] = one.file << 10 | one.place >> 2;
        if (Status put = table.add(one.hash, line, 1, 3); !put) return put;
      }
      return ok_status();
    });
    if (!drained || !table.finish()) return state.SkipWithError("not written");
    out.header.key_check = key_check(site_key());
    out.header.window = kWindow;
    out.header.anchor_bits = kAnchorBits;
    if (!out.publish()) return state.SkipWithError("not published");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(count));
  const auto before = std::chrono::steady_clock::now();
  const auto index = CodeIndex::open(path, site_key());
  const auto after = std::chrono::steady_clock::now();
  if (!index || IndexProbe(**index).find(mix64(count / 2)).count() != 1) {
    return state.SkipWithError("not found");
  }
  state.counters["open_ms"] = std::chrono::duration<double, std::milli>(after - before).count();
  state.counters["B/fingerprint"] =
      static_cast<double>(std::filesystem::file_size(path)) / static_cast<double>(count);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  state.counters["peak_MiB"] = static_cast<double>(usage.ru_maxrss) / 1024;
}
BENCHMARK(BM_SortWriteOpen)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

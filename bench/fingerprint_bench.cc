// Stages of the code channel, and the whole channel, over generated code. "Clean" text holds
// nothing of the index; in "protected" text every line stands in it. Rates are of raw text.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "inspect/detect/code_channel.h"
#include "signatures/fingerprint/fingerprint.h"
#include "signatures/fingerprint/index_builder.h"
#include "signatures/fingerprint/index_probe.h"
#include "signatures/fingerprint/index_writer.h"
#include "signatures/fingerprint/normaliser.h"

namespace {

using namespace weir;
using namespace weir::signatures;

// Lines that look like code: keywords, invented names, indentation; about 35 bytes each.
std::string code(size_t bytes, unsigned seed) {
  static const std::vector<std::string> words{
      "if (", "return ", "auto ", "for (",  " = ",  " + ",    "->",  "(",  ") {",
      ");",   ", ",      "::",    "const ", "size", "result", "&& ", "[i]"};
  std::mt19937 random(seed);
  std::string out;
  out.reserve(bytes + 128);
  while (out.size() < bytes) {
    out.append(2 * (random() % 5), ' ');
    for (size_t n = 2 + random() % 5; n > 0; --n) {
      if (random() % 2 == 0) {
        out += words[random() % words.size()];
      } else {
        for (size_t k = 3 + random() % 8; k > 0; --k) out += static_cast<char>('a' + random() % 26);
      }
    }
    out += '\n';
  }
  return out;
}

SiteKey site_key() {
  SiteKey key;
  for (size_t i = 0; i < key.bytes.size(); ++i) key.bytes[i] = static_cast<uint8_t>(7 * i + 1);
  return key;
}

// A folder that goes away with the program.
class Scratch {
 public:
  Scratch() : path_("/tmp/weir-bench-" + std::to_string(::getpid())) {
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

// An index of `count` random fingerprints.
std::shared_ptr<const CodeIndex> synthetic(uint64_t count) {
  const std::string path = scratch().file("synthetic" + std::to_string(count) + ".wfi");
  Result<IndexWriter> opened = IndexWriter::create(path);
  if (!opened) return nullptr;
  IndexWriter& out = opened.value();
  TableWriter table(out, scratch().file(""));
  std::vector<uint32_t> line(1);
  const uint64_t step = ~0ULL / count;
  for (uint64_t i = 0; i < count; ++i) {
    line[0] = static_cast<uint32_t>(i);
    if (!table.add(i * step + mix64(i) % step, line, 1, 3)) return nullptr;
  }
  if (!table.finish()) return nullptr;
  for (const Section empty : {Section::kRepositories, Section::kFiles, Section::kNames,
                              Section::kLineTags, Section::kLineShapes, Section::kCritical}) {
    if (!out.section(empty, {})) return nullptr;
  }
  out.header.key_check = key_check(site_key());
  out.header.window = kWindow;
  out.header.anchor_bits = kAnchorBits;
  if (!out.publish()) return nullptr;
  Result<std::shared_ptr<const CodeIndex>> index = CodeIndex::open(path, site_key());
  return index ? *index : nullptr;
}

// An index of `text`, as one file.
std::shared_ptr<const CodeIndex> index_of(const std::string& text, bool critical) {
  const std::string folder = scratch().file(critical ? "critical" : "plain");
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/code.cc") << text;
  IndexBuildOptions options;
  options.repositories = {{"bench", folder}};
  if (critical) options.critical = {"**"};
  const std::string path = folder + ".wfi";
  if (!build_index(options, site_key(), path, {})) return nullptr;
  Result<std::shared_ptr<const CodeIndex>> index = CodeIndex::open(path, site_key());
  return index ? *index : nullptr;
}

void count_bytes(benchmark::State& state, size_t bytes) {
  state.SetBytesProcessed(static_cast<int64_t>(static_cast<size_t>(state.iterations()) * bytes));
  state.counters["Gbit/s"] = benchmark::Counter(
      static_cast<double>(static_cast<size_t>(state.iterations()) * bytes) * 8e-9,
      benchmark::Counter::kIsRate);
}

void BM_Normalise(benchmark::State& state) {
  const std::string text = code(1 << 20, 1);
  std::vector<uint8_t> expected(text.size() + kSqueezeSlack);
  Normaliser normaliser;
  NormalText out;
  for (auto _ : state) {
    out.clear();
    for (size_t at = 0; at < text.size(); at += inspect::kBlockBytes) {
      normaliser.feed(as_bytes(std::string_view(text).substr(at, inspect::kBlockBytes)), out);
    }
    normaliser.finish(out);
    benchmark::DoNotOptimize(out.bytes().data());
  }
  if (squeeze_plain(as_bytes(text), expected.data()) < out.size()) state.SkipWithError("too long");
  if (out.line_ends().size() != static_cast<size_t>(std::count(text.begin(), text.end(), '\n'))) {
    state.SkipWithError("lines lost");
  }
  count_bytes(state, text.size());
}
BENCHMARK(BM_Normalise);

void BM_Select(benchmark::State& state) {
  const std::string text = code(1 << 20, 1);
  Normaliser normaliser;
  NormalText normal;
  normaliser.feed(as_bytes(text), normal);
  normaliser.finish(normal);
  const Fingerprinter fingerprinter(site_key());
  std::vector<uint32_t> anchors;
  for (auto _ : state) {
    anchors.clear();
    // As the channel does it, block by block.
    const ByteSpan all = normal.bytes();
    for (size_t at = 0; at < all.size(); at += 8192) {
      fingerprinter.anchors(all.first(std::min(all.size(), at + 8192)),
                            at < kWindow - 1 ? 0 : at - (kWindow - 1), anchors);
    }
    benchmark::DoNotOptimize(anchors.data());
  }
  size_t wrong = 0;
  size_t expected = 0;
  for (size_t i = 0; i + kWindow <= normal.size(); ++i) {
    const bool is = fingerprinter.is_anchor(normal.bytes().data() + i);
    wrong += is && (expected >= anchors.size() || anchors[expected] != i) ? 1 : 0;
    expected += is ? 1 : 0;
  }
  if (wrong != 0 || expected != anchors.size()) state.SkipWithError("anchors differ");
  count_bytes(state, text.size());
}
BENCHMARK(BM_Select);

void BM_Hash(benchmark::State& state) {
  const std::string text = code(1 << 20, 1);
  Normaliser normaliser;
  NormalText normal;
  normaliser.feed(as_bytes(text), normal);
  normaliser.finish(normal);
  const Fingerprinter fingerprinter(site_key());
  std::vector<uint32_t> anchors;
  fingerprinter.anchors(normal.bytes(), 0, anchors);
  uint64_t sum = 0;
  for (auto _ : state) {
    sum = 0;
    for (const uint32_t at : anchors) sum += fingerprinter.window(normal.bytes().data() + at);
    uint32_t begin = 0;
    for (const uint32_t end : normal.line_ends()) {
      sum += fingerprinter.line(normal.bytes().subspan(begin, end - begin));
      begin = end;
    }
    benchmark::DoNotOptimize(sum);
  }
  if (sum == 0) state.SkipWithError("nothing was hashed");
  count_bytes(state, text.size());
}
BENCHMARK(BM_Hash);

// Look-ups a second of hashes that are not there (a thousandth is).
void BM_Probe(benchmark::State& state) {
  const auto count = static_cast<uint64_t>(state.range(0));
  const auto index = synthetic(count);
  if (index == nullptr) return state.SkipWithError("no index");
  const IndexProbe probe(*index);
  const uint64_t step = ~0ULL / count;
  std::vector<uint64_t> hashes(1 << 16);
  size_t there = 0;
  for (size_t i = 0; i < hashes.size(); ++i) {
    hashes[i] = mix64(i + 12345);
    if (i % 1000 == 0) {
      const uint64_t one = mix64(i) % count;
      hashes[i] = one * step + mix64(one) % step;
      ++there;
    }
  }
  size_t found = 0;
  for (auto _ : state) {
    found = 0;
    probe.probe(hashes, [&found](size_t i, const Postings&) { found += i % 1000 == 0 ? 1 : 2; });
  }
  if (found != there) state.SkipWithError("wrong look-ups");
  state.SetItemsProcessed(
      static_cast<int64_t>(static_cast<size_t>(state.iterations()) * hashes.size()));
}
BENCHMARK(BM_Probe)->Arg(1'000'000);

void channel(benchmark::State& state, const std::shared_ptr<const CodeIndex>& index,
             const std::string& text, bool leak) {
  if (index == nullptr) return state.SkipWithError("no index");
  const Limits limits;
  PatternScratch pattern_scratch;
  inspect::CodeCounters counters;
  const auto channel = inspect::make_code_channel(index, limits, pattern_scratch, counters);
  std::vector<Evidence> evidence;
  inspect::PieceMark piece;
  for (auto _ : state) {
    channel->reset();
    for (size_t at = 0; at < text.size(); at += inspect::kBlockBytes) {
      inspect::TextBlock block;
      block.text = as_bytes(std::string_view(text).substr(at, inspect::kBlockBytes));
      piece.end = static_cast<uint32_t>(block.text.size());
      piece.continues = at > 0;
      block.pieces = {&piece, 1};
      channel->on_block(block);
    }
    channel->on_end();
    evidence.clear();
    channel->collect(evidence);
  }
  if (evidence.empty() == leak) state.SkipWithError("wrong evidence");
  if (leak && counters.hits_dropped.get() != 0) state.SkipWithError("beyond the limit of hits");
  count_bytes(state, text.size());
}

// The code of Weir itself, as far as it makes a megabyte: lines as people write them.
std::string own_code() {
  std::vector<std::string> paths;
  for (const char* folder : {"/inspect", "/signatures", "/capture", "/app"}) {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(std::string(WEIR_SOURCE_DIR) + folder)) {
      const std::string path = entry.path().string();
      if (path.ends_with(".cc") || path.ends_with(".h")) paths.push_back(path);
    }
  }
  std::sort(paths.begin(), paths.end());
  std::string out;
  for (const std::string& path : paths) {
    std::ifstream in(path);
    out.append(std::istreambuf_iterator<char>(in), {});
    if (out.size() >= 1 << 20) break;
  }
  return out;
}

// As many indexes as there were benches would not fit in small memories.
std::shared_ptr<const CodeIndex> synthetic_once(uint64_t count) {
  static std::pair<uint64_t, std::shared_ptr<const CodeIndex>> last;
  if (last.first != count) last = {count, synthetic(count)};
  return last.second;
}

void BM_ChannelClean(benchmark::State& state) {
  const auto count = static_cast<uint64_t>(state.range(0));
  // So much text that its part of a large index's filter is in no cache.
  const size_t bytes = count > 10'000'000 ? 1 << 24 : 1 << 20;
  channel(state, synthetic_once(count), code(bytes, 2), false);
}
void BM_ChannelCleanOwn(benchmark::State& state) {
  channel(state, synthetic_once(static_cast<uint64_t>(state.range(0))), own_code(), false);
}
// WEIR_BENCH_FINGERPRINTS=100000000: a larger index, too; it takes 1.4 GB under /tmp and a minute.
void counts(benchmark::internal::Benchmark* bench) {
  bench->Arg(1'000'000);
  if (const char* more = std::getenv("WEIR_BENCH_FINGERPRINTS"); more != nullptr) {
    bench->Arg(static_cast<int64_t>(std::strtoull(more, nullptr, 10)));
  }
}
BENCHMARK(BM_ChannelClean)->Apply(counts);
BENCHMARK(BM_ChannelCleanOwn)->Arg(1'000'000);

void BM_ChannelProtected(benchmark::State& state) {
  const std::string text = code(1 << 18, 3);  // stays under Limits::fingerprint_hits
  channel(state, index_of(text, false), text, true);
}
BENCHMARK(BM_ChannelProtected);

void BM_ChannelCriticalClean(benchmark::State& state) {
  channel(state, index_of(code(1 << 20, 3), true), code(1 << 20, 4), false);
}
BENCHMARK(BM_ChannelCriticalClean);

// A new index for each round: bytes of source a second.
void BM_Build(benchmark::State& state) {
  const std::string text = code(1 << 20, 5);
  for (auto _ : state) {
    if (index_of(text, false) == nullptr) state.SkipWithError("no index");
  }
  count_bytes(state, text.size());
}
BENCHMARK(BM_Build);

}  // namespace

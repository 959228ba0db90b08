// What the score of code is made of, to fit its weights and gates with: reads a manifest as
// `weir scan` does and prints a JSON line for each request: every file that anything was found of,
// the signs that the score sums up, and the hits of its runs.
//   code_signs INDEX KEY MANIFEST
#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "inspect/detect/code_runs.h"
#include "inspect/detect/code_score.h"
#include "inspect/engine/request_pool.h"
#include "signatures/fingerprint/code_index.h"
#include "signatures/fingerprint/index_probe.h"

namespace {

using namespace weir;

class Printer final : public inspect::JudgeWatch {
 public:
  explicit Printer(const signatures::CodeIndex& index) : probe_(index) {}

  void on_file(uint32_t file, const inspect::FileRuns& runs, const inspect::CodeSigns& signs,
               std::span<const inspect::CodeSpan> spans, double score) override {
    const auto about = probe_.file(file);
    if (!about) return;
    nlohmann::json hits = nlohmann::json::array();
    nlohmann::json map = nlohmann::json::array();
    size_t number = 0;
    for (const inspect::Run& run : runs.runs()) {
      for (const inspect::CodeHit* hit : run.hits) {
        hits.push_back({number, static_cast<int>(hit->kind), hit->text_line,
                        hit->global_line - about->first_line + 1, hit->size, hit->files,
                        hit->rarity, hit->id});
      }
      for (const auto& [line, known] : run.lines) {
        if (known.text_line == inspect::kNoTextLine) continue;
        map.push_back({number, known.text_line, line - about->first_line + 1, known.same_tag,
                       known.same_shape, known.text, known.shape});
      }
      ++number;
    }
    uint32_t lines = 0;
    bool shape = true;
    for (const inspect::CodeSpan& span : spans) {
      lines += span.lines;
      shape = shape && span.shape;
    }
    files_.push_back({{"repository", about->repository},
                      {"path", about->path},
                      {"lines", lines},
                      {"shape", shape},
                      {"score", score},
                      {"hits", std::move(hits)},
                      {"map", std::move(map)},
                      {"signs",
                       {signs.lines, signs.masked, signs.windows, signs.couples, signs.shapes,
                        signs.pairs, signs.same_tags, signs.same_shapes, signs.density,
                        signs.foreign, signs.strong, signs.different}}});
  }
  nlohmann::json take() { return std::exchange(files_, nlohmann::json::array()); }

 private:
  signatures::IndexProbe probe_;
  nlohmann::json files_ = nlohmann::json::array();
};

int run(const char* index_path, const char* key_path, const char* manifest_path) {
  const auto key = signatures::SiteKey::load(key_path);
  if (!key) return 1;
  auto index = signatures::CodeIndex::open(index_path, *key);
  if (!index) return 1;
  Printer printer(**index);
  auto set = std::make_shared<inspect::DetectorSet>();
  set->indexes.push_back(*index);
  set->environment = false;
  set->min_lines = 1;
  set->code.watch = &printer;
  const Limits limits;
  inspect::RequestPool pool(set, limits);
  std::ifstream manifest(manifest_path);
  std::string line;
  std::vector<Evidence> evidence;
  while (std::getline(manifest, line)) {
    const auto row = nlohmann::json::parse(line);
    inspect::SlotLease slot(pool);
    if (!slot) return 1;
    const std::string type = row.value("content_type", "");
    const std::string coding = row.value("content_encoding", "");
    slot->detector->begin();
    slot->unwrapper->begin({"body", type, coding}, *slot->detector);
    std::ifstream body(row["file"].get<std::string>(), std::ios::binary);
    std::array<char, 64 * 1024> block{};
    uint64_t offset = 0;
    while (body.read(block.data(), block.size()) || body.gcount() > 0) {
      const auto count = static_cast<size_t>(body.gcount());
      slot->unwrapper->on_data(as_bytes({block.data(), count}), offset);
      offset += count;
    }
    slot->unwrapper->end(inspect::EndReason::kComplete);
    slot->detector->finish();
    evidence.clear();
    (void)printer.take();
    slot->detector->collect(evidence);
    std::puts(
        printer.take().dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4) return run(argv[1], argv[2], argv[3]);
  std::fputs("code_signs INDEX KEY MANIFEST\n", stderr);
  return 2;
}

// Content rules over the text of source files as a coding agent sends it, with and without secrets
// in it; look-ups in the catalogue. Each run checks what was found.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "inspect/detect/request_detector.h"
#include "signatures/catalogue.h"
#include "signatures/content_rules.h"
#include "signatures/fingerprint/code_index.h"
#include "signatures/fingerprint/index_builder.h"
#include "signatures/fingerprint/site_key.h"

namespace weir {
namespace {

constexpr size_t kTextBytes = 2U << 20;
constexpr size_t kPieceBytes = 6000;  // a tool result of a few hundred lines

// The sample repository, again and again, to kTextBytes.
std::string code_text() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(WEIR_SOURCE_DIR "/samples")) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::string once;
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    once.append(std::istreambuf_iterator<char>(in), {});
  }
  std::string text;
  while (!once.empty() && text.size() < kTextBytes) text += once;
  text.resize(std::min(text.size(), kTextBytes));
  return text;
}

std::shared_ptr<const signatures::RuleSet> rules() {
  static const auto loaded = signatures::RuleSet::load({WEIR_SOURCE_DIR "/signatures/rules"});
  return loaded ? *loaded : nullptr;
}

// The shipped rules without those of environment data.
std::shared_ptr<const signatures::RuleSet> rules_without_data() {
  static const auto loaded = [] {
    std::vector<std::string> files;
    for (const auto& entry :
         std::filesystem::directory_iterator(WEIR_SOURCE_DIR "/signatures/rules")) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with("environment") && !name.starts_with("optional")) {
        files.push_back(entry.path().string());
      }
    }
    std::sort(files.begin(), files.end());
    return signatures::RuleSet::load(files);
  }();
  return loaded ? *loaded : nullptr;
}

// Runs one request; the number of hits.
size_t inspect_text(inspect::RequestDetector& detector, const std::vector<std::string>& pieces,
                    std::vector<Evidence>& out) {
  detector.begin();
  for (const std::string& piece : pieces) {
    detector.on_piece({"http/body>json:messages[0].content", "content", 0});
    detector.on_text(as_bytes(piece));
    detector.on_piece_end(inspect::EndReason::kComplete);
  }
  detector.finish();
  out.clear();
  detector.collect(out);
  return out.size();
}

// Of some files that are not part of the text.
std::shared_ptr<const signatures::CodeIndex> other_index() {
  static const auto index = []() -> std::shared_ptr<const signatures::CodeIndex> {
    signatures::SiteKey key;
    key.bytes.fill(7);
    const auto path = std::filesystem::temp_directory_path() /
                      ("weir-rules-bench-" + std::to_string(::getpid()) + ".wfi");
    signatures::IndexBuildOptions options;
    options.repositories.push_back({"bench", WEIR_SOURCE_DIR "/cmake"});
    if (!signatures::build_index(options, key, path.string(), {})) return nullptr;
    auto opened = signatures::CodeIndex::open(path.string(), key);
    std::filesystem::remove(path);
    return opened ? *opened : nullptr;
  }();
  return index;
}

void scan(benchmark::State& state, size_t secrets, bool data = true, bool code = false) {
  auto set = std::make_shared<inspect::DetectorSet>();
  if (code) {
    if (other_index() == nullptr) return state.SkipWithError("no index");
    set->indexes.push_back(other_index());
  }
  set->rules = data ? rules() : rules_without_data();
  set->environment = data;
  if (data) set->templates = std::make_shared<inspect::TemplateMemory>(Limits().template_lines);
  signatures::PatternScratch scratch;
  Limits limits;
  limits.evidence_per_request = 4096;
  if (set->rules == nullptr) return state.SkipWithError("the rules do not load");
  auto detector = inspect::RequestDetector::make(set, limits, scratch);
  if (!detector) return state.SkipWithError("no detector");
  const std::string text = code_text();
  if (text.size() < kTextBytes) return state.SkipWithError("no sample repository");
  std::vector<std::string> pieces;
  size_t bytes = 0;
  for (size_t at = 0; at < text.size(); at += kPieceBytes) {
    pieces.push_back(text.substr(at, kPieceBytes));
  }
  for (size_t i = 0; i < secrets; ++i) {
    const std::string number = std::to_string(1000 + i);
    pieces[i * pieces.size() / secrets] +=
        "\nkey = gl" + std::string("pat-WeirLab0Filler7Not") + number + "\n";
  }
  for (const std::string& piece : pieces) bytes += piece.size();
  std::vector<Evidence> found;
  for (auto _ : state) {
    if (inspect_text(**detector, pieces, found) != secrets) {
      return state.SkipWithError("not the secrets that were planted");
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes));
}

void CleanText(benchmark::State& state) { scan(state, 0); }
void CleanTextWithoutDataRules(benchmark::State& state) { scan(state, 0, false); }
void TextWithSecrets(benchmark::State& state) { scan(state, 100); }
// With the code channel on in both.
void CleanTextAndCode(benchmark::State& state) { scan(state, 0, true, true); }
void CleanTextAndCodeWithoutDataRules(benchmark::State& state) { scan(state, 0, false, true); }
BENCHMARK(CleanText)->Unit(benchmark::kMillisecond);
BENCHMARK(CleanTextWithoutDataRules)->Unit(benchmark::kMillisecond);
BENCHMARK(CleanTextAndCode)->Unit(benchmark::kMillisecond);
BENCHMARK(CleanTextAndCodeWithoutDataRules)->Unit(benchmark::kMillisecond);
BENCHMARK(TextWithSecrets)->Unit(benchmark::kMillisecond);

struct Lookup {
  const char* host;
  const char* target;
  const char* service;  // "" when none
};
constexpr Lookup kLookups[] = {
    {"api.anthropic.com", "/v1/messages?beta=true", "anthropic-api"},
    {"www.debian.org", "/", ""},
    {"bedrock-runtime.eu-central-1.amazonaws.com", "/model/x/invoke", "aws-bedrock"},
    {"chatgpt.com", "/backend-api/codex/responses", "codex"},
    {"static.cdn.shop.acme.example", "/assets/app.js", ""},
    {"api.business.githubcopilot.com", "/chat/completions", "github-copilot"},
    {"s3.eu-central-1.amazonaws.com", "/bucket/key", ""},
    {"api2.cursor.sh", "/aiserver.v1.AiService/StreamChat", "cursor"},
};

void lookups(benchmark::State& state, bool requests) {
  static const auto catalogue = signatures::Catalogue::load(WEIR_SOURCE_DIR "/signatures", {});
  if (!catalogue) return state.SkipWithError("the catalogue does not load");
  size_t next = 0;
  for (auto _ : state) {
    const Lookup& lookup = kLookups[next++ % std::size(kLookups)];
    const signatures::ServiceMatch match =
        requests ? (*catalogue)->match_request(lookup.host, lookup.target, "claude-sdk")
                 : (*catalogue)->match_host(lookup.host);
    benchmark::DoNotOptimize(match);
    const bool known = match.classifies();
    if (known != (lookup.service[0] != '\0') ||
        (requests && known && match.face->service != lookup.service)) {
      return state.SkipWithError("a wrong service");
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}

void HostLookup(benchmark::State& state) { lookups(state, false); }
void RequestLookup(benchmark::State& state) { lookups(state, true); }
BENCHMARK(HostLookup);
BENCHMARK(RequestLookup);

}  // namespace
}  // namespace weir

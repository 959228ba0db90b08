// `weir scan`: the detector alone, over files or standard input as if each were the body of a
// request. For hooks, tests and evaluation.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "alert/native_json.h"
#include "app/commands/commands.h"
#include "app/exit_codes.h"
#include "app/runtime/load_snapshot.h"
#include "app/terminal.h"
#include "inspect/engine/request_pool.h"

namespace weir::app {

namespace {

namespace fs = std::filesystem;

struct Options {
  std::vector<std::string> paths;
  std::string config;
  std::vector<std::string> indexes;
  std::string key;
  std::string content_type;
  std::string content_encoding;
  std::string manifest;
  uint32_t min_lines = 1;
  double min_score = inspect::kLeastScore;
  size_t workers = 1;
  bool together = false;
  bool jsonl = false;
  bool fail_on_leak = false;
};

struct Item {
  std::string name;  // as given
  std::string path;  // to open; "-" is standard input
  std::string content_type;
  std::string content_encoding;
};

struct Scanned {
  std::vector<Evidence> evidence;
  std::string error;  // could not be read
};

Result<std::vector<Item>> items_of_manifest(const std::string& manifest) {
  std::ifstream in(manifest);
  if (!in) return Error{"cannot be opened", manifest, 0, 0};
  const fs::path folder = fs::path(manifest).parent_path();
  std::vector<Item> out;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto row = nlohmann::json::parse(line, nullptr, false);
    if (!row.is_object() || !row.contains("file") || !row["file"].is_string()) {
      return Error{
          "expected an object with \"file\", and perhaps \"content_type\" and "
          "\"content_encoding\"",
          manifest, number, 0};
    }
    Item item;
    item.name = row["file"];
    const auto text = [&row](const char* key) {
      const auto found = row.find(key);
      return found != row.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    item.content_type = text("content_type");
    item.content_encoding = text("content_encoding");
    std::error_code error;
    item.path = fs::exists(item.name, error) ? item.name : (folder / item.name).string();
    out.push_back(std::move(item));
  }
  return out;
}

Result<std::vector<Item>> items_of(const Options& options) {
  if (!options.manifest.empty()) return items_of_manifest(options.manifest);
  std::vector<Item> out;
  std::vector<std::string> paths = options.paths;
  if (paths.empty()) paths.emplace_back("-");
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      out.push_back({path, path, options.content_type, options.content_encoding});
      continue;
    }
    std::vector<std::string> found;
    fs::recursive_directory_iterator it(path, fs::directory_options::skip_permission_denied, error);
    for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
      if (it->is_regular_file(error)) found.push_back(it->path().string());
    }
    if (error) return Error{"cannot be read: " + error.message(), path, 0, 0};
    std::sort(found.begin(), found.end());
    for (const std::string& file : found) {
      out.push_back({file, file, options.content_type, options.content_encoding});
    }
  }
  return out;
}

Scanned scan_item(const Item& item, inspect::RequestPool& pool, bool together) {
  Scanned out;
  std::ifstream file;
  std::istream* in = &std::cin;
  if (item.path != "-") {
    file.open(item.path, std::ios::binary);
    in = &file;
    if (!file) {
      out.error = item.name + ": cannot be opened";
      return out;
    }
  }
  inspect::SlotLease slot(pool);
  if (!slot) {
    out.error = item.name + ": no working memory";
    return out;
  }
  slot->detector->begin();
  if (together) slot->detector->describe({});
  slot->unwrapper->begin({"body", item.content_type, item.content_encoding}, *slot->detector);
  std::array<char, 64 * 1024> block{};
  uint64_t offset = 0;
  while (in->read(block.data(), block.size()) || in->gcount() > 0) {
    const auto count = static_cast<size_t>(in->gcount());
    slot->unwrapper->on_data(as_bytes({block.data(), count}), offset);
    offset += count;
  }
  if (in->bad()) out.error = item.name + ": read error";
  slot->unwrapper->end(inspect::EndReason::kComplete);
  slot->detector->finish();
  slot->detector->collect(out.evidence);
  return out;
}

bool is_code(const Evidence& piece) noexcept {
  return piece.kind == EvidenceKind::kCode || piece.kind == EvidenceKind::kHash;
}

// The code evidence that is surest, then longest; null when there is none.
const Evidence* main_evidence(const Scanned& scanned) noexcept {
  const Evidence* best = nullptr;
  for (const Evidence& piece : scanned.evidence) {
    if (!is_code(piece)) continue;
    if (best == nullptr || piece.score > best->score ||
        (piece.score == best->score && piece.lines > best->lines)) {
      best = &piece;
    }
  }
  return best;
}

std::string json_line(const Item& item, const Scanned& scanned) {
  const Evidence* main = main_evidence(scanned);
  nlohmann::json line = {{"file", item.name},
                         {"leak", main != nullptr},
                         {"score", main != nullptr ? main->score : 0.0},
                         {"repository", main != nullptr ? main->repository : ""},
                         {"path", main != nullptr ? main->path : ""},
                         {"first_line", main != nullptr ? main->first_line : 0},
                         {"last_line", main != nullptr ? main->last_line : 0},
                         {"lines", main != nullptr ? main->lines : 0}};
  nlohmann::json findings = nlohmann::json::array();
  for (const Evidence& piece : scanned.evidence) {
    findings.push_back(nlohmann::json::parse(alert::evidence_json(piece)));
  }
  line["findings"] = std::move(findings);
  if (!scanned.error.empty()) line["error"] = scanned.error;
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void print_table(const std::vector<Item>& items, const std::vector<Scanned>& results) {
  Table table(
      {{"FILE"}, {"FOUND"}, {"WHAT", false, true}, {"LINES", true}, {"SURE", true}, {"WHERE"}});
  for (size_t i = 0; i < items.size(); ++i) {
    for (const Evidence& piece : results[i].evidence) {
      std::string what = piece.path.empty()
                             ? piece.title + (piece.excerpt.empty() ? "" : " " + piece.excerpt)
                             : piece.repository + "/" + piece.path + ":" +
                                   std::to_string(piece.first_line) + "-" +
                                   std::to_string(piece.last_line);
      table.add({items[i].name, std::string(to_string(piece.kind)), std::move(what),
                 piece.lines > 0 ? std::to_string(piece.lines) : "",
                 std::to_string(static_cast<int>(piece.score * 100 + 0.5)) + " %", piece.where},
                is_code(piece) ? Ink::kRed : Ink::kYellow);
    }
  }
  if (!table.empty()) std::fputs(table.to_string().c_str(), stdout);
}

int run(const Options& options) {
  config::Settings settings;
  if (!options.config.empty()) {
    auto loaded = config::load_settings(options.config);
    if (!loaded) {
      complain(loaded.error());
      return kExitUsage;
    }
    settings = std::move(*loaded);
  }
  if (!options.indexes.empty()) settings.protect.indexes = options.indexes;
  if (!options.key.empty()) settings.protect.key = options.key;
  settings.protect.min_lines = options.min_lines;
  const auto detectors = load_detectors(settings, options.min_score);
  if (!detectors) {
    complain(detectors.error());
    return kExitUsage;
  }
  const auto items = items_of(options);
  if (!items) {
    complain(items.error());
    return kExitUsage;
  }

  // Lines leave in the order of the items, as soon as all before them are done.
  std::vector<Scanned> results(items->size());
  std::vector<bool> ready(items->size(), false);
  std::mutex mutex;
  size_t printed = 0;
  std::atomic<size_t> next{0};
  Progress progress("Scanning");
  const auto work = [&] {
    inspect::RequestPool pool(*detectors, settings.limits);
    for (size_t i = next++; i < items->size(); i = next++) {
      Scanned scanned = scan_item((*items)[i], pool, options.together);
      const std::lock_guard lock(mutex);
      results[i] = std::move(scanned);
      ready[i] = true;
      for (; printed < ready.size() && ready[printed]; ++printed) {
        if (options.jsonl) std::puts(json_line((*items)[printed], results[printed]).c_str());
      }
      if (items->size() > 1) progress.update(printed, items->size());
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < std::min(options.together ? 1 : options.workers, items->size()); ++i)
    threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  progress.clear();

  size_t leaks = 0;
  size_t other = 0;
  bool all_read = true;
  for (const Scanned& scanned : results) {
    leaks += main_evidence(scanned) != nullptr ? 1 : 0;
    other += main_evidence(scanned) == nullptr && !scanned.evidence.empty() ? 1 : 0;
    if (!scanned.error.empty()) {
      complain(scanned.error);
      all_read = false;
    }
  }
  if (!options.jsonl) {
    print_table(*items, results);
    std::printf("%s of %s hold protected code, %s something else\n", human_count(leaks).c_str(),
                human_count(items->size()).c_str(), human_count(other).c_str());
  }
  if (!all_read) return kExitBadInput;
  return options.fail_on_leak && leaks + other > 0 ? kExitLeak : kExitOk;
}

}  // namespace

void add_scan_command(CLI::App& app, int& exit_code) {
  auto o = std::make_shared<Options>();
  CLI::App* scan = app.add_subcommand("scan", "Run the detector over files or standard input");
  CLI::Option* paths =
      scan->add_option("paths", o->paths, "files or folders; - (the default) is standard input");
  scan->add_option("-c,--config", o->config, "weir.yaml");
  scan->add_option("--index", o->indexes, "fingerprint index; again for more")
      ->allow_extra_args(false);
  scan->add_option("--key", o->key, "site key file of the indexes");
  scan->add_option("--content-type", o->content_type, "as in HTTP; found by content without");
  scan->add_option("--content-encoding", o->content_encoding, "as in HTTP, such as gzip");
  scan->add_option("--manifest", o->manifest,
                   "JSON lines of {file, content_type, content_encoding} instead of paths")
      ->excludes(paths);
  scan->add_option("--min-lines", o->min_lines, "fewer lines of code are not told")
      ->capture_default_str();
  scan->add_option("--min-score", o->min_score, "code less sure than this is not told")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  scan->add_option("--workers", o->workers, "threads")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
  scan->add_flag("--together", o->together,
                 "the files are requests of one client, in this order; one worker reads them");
  scan->add_flag("--jsonl", o->jsonl, "one JSON line a file");
  scan->add_flag("--fail-on-leak", o->fail_on_leak, "exit with 3 when anything was found");
  scan->callback([o, &exit_code] { exit_code = run(*o); });
}

}  // namespace weir::app

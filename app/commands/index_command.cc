// `weir index build|info|verify`: the fingerprint index of a company's own code.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/commands/commands.h"
#include "app/exit_codes.h"
#include "app/terminal.h"
#include "signatures/fingerprint/code_index.h"
#include "signatures/fingerprint/index_builder.h"
#include "signatures/fingerprint/index_layers.h"
#include "signatures/fingerprint/index_merge.h"
#include "signatures/fingerprint/site_key.h"

namespace weir::app {

namespace {

struct BuildOptions {
  std::vector<std::string> repositories;
  std::string out;
  std::string key;
  bool make_key = false;
  bool verbose = false;
  bool json = false;
  std::string seal_names;
  std::string memory = "1GiB";
  signatures::IndexBuildOptions build;
};

// "NAME=DIR" or "DIR", whose last part is then the name.
signatures::IndexSource source_of(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals != std::string::npos && equals > 0 && text.find('/') > equals) {
    return {text.substr(0, equals), text.substr(equals + 1)};
  }
  std::error_code error;
  std::filesystem::path path = std::filesystem::weakly_canonical(text, error);
  if (error) path = text;
  if (path.filename().empty()) path = path.parent_path();
  return {path.filename().string(), text};
}

Result<uint64_t> parse_memory(const std::string& text) {
  size_t used = 0;
  uint64_t value = 0;
  try {
    value = std::stoull(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  const std::string unit = text.substr(used);
  unsigned shift = 64;
  if (unit == "MiB" || unit == "M") shift = 20;
  if (unit == "GiB" || unit == "G") shift = 30;
  if (unit.empty()) shift = 0;
  if (used == 0 || shift == 64 || value == 0 || value > (UINT64_MAX >> shift)) {
    return Error{"--memory " + text + ": expected a size such as 512MiB or 2GiB", {}, 0, 0};
  }
  return value << shift;
}

// "120 MB, 84 MB/s, 12 s left": what is left goes by bytes, as files differ.
std::string speed_note(const signatures::IndexProgress& p,
                       std::chrono::steady_clock::time_point began) {
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - began;
  std::string note = human_bytes(p.bytes_done);
  if (spent.count() < 0.5 || p.bytes_done == 0) return note;
  const double rate = static_cast<double>(p.bytes_done) / spent.count();
  note += ", " + human_bytes(static_cast<uint64_t>(rate)) + "/s";
  if (p.bytes_total > p.bytes_done) {
    const auto left =
        static_cast<uint64_t>(static_cast<double>(p.bytes_total - p.bytes_done) / rate);
    note += ", " + std::to_string(left + 1) + " s left";
  }
  return note;
}

int run_build(BuildOptions& options) {
  const auto memory = parse_memory(options.memory);
  if (!memory) {
    complain(memory.error());
    return kExitUsage;
  }
  options.build.memory = *memory;
  if (!options.seal_names.empty()) {
    const auto to = signatures::load_seal_key(options.seal_names);
    if (!to) {
      complain(to.error());
      return kExitUsage;
    }
    options.build.seal_names = *to;
  }
  for (const std::string& repository : options.repositories) {
    options.build.repositories.push_back(source_of(repository));
  }
  if (options.make_key && !std::filesystem::exists(options.key)) {
    const Status made = signatures::SiteKey::create(options.key);
    if (!made) {
      complain(made.error());
      return kExitFailure;
    }
    complain("new site key in " + options.key + ": keep it as secret as the code itself");
  }
  const auto key = signatures::SiteKey::load(options.key);
  if (!key) {
    complain(key.error());
    return kExitUsage;
  }
  const std::string& base = options.build.delta_of;
  if (!base.empty()) {
    const auto layers = signatures::count_layers(base);
    if (!layers) {
      complain(layers.error());
      return kExitUsage;
    }
    options.out = signatures::layer_path(base, *layers + 1);
  }
  Progress progress("Indexing");
  const auto began = std::chrono::steady_clock::now();
  const auto report = signatures::build_index(
      options.build, *key, options.out, [&](const signatures::IndexProgress& p) {
        progress.update(p.files_done, p.files_total, speed_note(p, began));
      });
  progress.clear();
  if (!report) {
    complain(report.error());
    return kExitFailure;
  }
  if (options.json) {
    const nlohmann::json line = {{"out", options.out},
                                 {"files", report->files},
                                 {"bytes", report->bytes},
                                 {"lines", report->lines},
                                 {"fingerprints", report->fingerprints},
                                 {"critical_lines", report->critical_lines},
                                 {"names", report->names},
                                 {"digests", report->digests},
                                 {"reused", report->reused},
                                 {"hidden", report->hidden},
                                 {"dropped_common", report->dropped_common},
                                 {"skipped", report->skipped_count},
                                 {"skipped_reasons", report->skipped_reasons}};
    std::printf("%s\n", line.dump().c_str());
  } else if (!base.empty() && report->files == 0 && report->hidden == 0) {
    std::printf("%s: nothing changed, no layer was made\n", base.c_str());
  } else {
    std::printf("%s: %s files, %s lines, %s of source; %s fingerprints", options.out.c_str(),
                human_count(report->files).c_str(), human_count(report->lines).c_str(),
                human_bytes(report->bytes).c_str(), human_count(report->fingerprints).c_str());
    if (report->critical_lines > 0) {
      std::printf(", %s critical lines", human_count(report->critical_lines).c_str());
    }
    if (report->names > 0) {
      std::printf(", %s distinctive names", human_count(report->names).c_str());
    }
    std::printf(" (%s left out as common)\n", human_count(report->dropped_common).c_str());
    if (!base.empty()) {
      std::printf("%s files had not changed, %s are replaced or gone\n",
                  human_count(report->reused).c_str(), human_count(report->hidden).c_str());
    }
    if (options.build.incremental) {
      std::printf("%s files had not changed\n", human_count(report->reused).c_str());
    }
    if (report->skipped_count > 0) {
      std::printf("%s files or folders skipped%s\n", human_count(report->skipped_count).c_str(),
                  options.verbose ? ":" : " (--verbose names them):");
      for (const auto& [reason, count] : report->skipped_reasons) {
        std::printf("  %s: %s\n", printable(reason).c_str(), human_count(count).c_str());
      }
    }
  }
  if (options.verbose) {
    for (const std::string& skipped : report->skipped) {
      std::fprintf(stderr, "  %s\n", printable(skipped).c_str());
    }
  }
  return kExitOk;
}

int run_info(const std::string& file, const std::string& key_file, bool json) {
  const auto key = signatures::SiteKey::load(key_file);
  if (!key) {
    complain(key.error());
    return kExitUsage;
  }
  const auto index = signatures::CodeIndex::open(file, *key);
  if (!index) {
    complain(index.error());
    return kExitUsage;
  }
  const signatures::IndexInfo& info = (*index)->info();
  if (json) {
    const nlohmann::json line = {{"format", info.format}, {"files", info.files},
                                 {"lines", info.lines},   {"fingerprints", info.fingerprints},
                                 {"bytes", info.bytes},   {"critical_lines", info.critical_lines},
                                 {"names", info.names},   {"digests", info.digests},
                                 {"layers", info.layers}, {"hidden_files", info.hidden_files},
                                 {"sealed", info.sealed}, {"repositories", info.repositories}};
    std::printf("%s\n",
                line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    return kExitOk;
  }
  Table table({{"", false}, {"", true}});
  table.add({"format", std::to_string(info.format)});
  table.add({"files", human_count(info.files)});
  table.add({"lines", human_count(info.lines)});
  table.add({"fingerprints", human_count(info.fingerprints)});
  table.add({"critical lines", human_count(info.critical_lines)});
  table.add({"distinctive names", human_count(info.names)});
  table.add({"digests of files", human_count(info.digests)});
  table.add({"size", human_bytes(info.bytes)});
  if (info.layers > 0) {
    table.add({"delta layers, in all of this", std::to_string(info.layers)});
    table.add({"files replaced or gone since", human_count(info.hidden_files)});
  }
  for (const std::string& name : info.repositories) table.add({"repository", name});
  std::printf("%s\n%s", file.c_str(), table.to_string().c_str());
  return kExitOk;
}

struct MergeOptions {
  std::vector<std::string> files;
  std::string out;
  bool json = false;
};

int run_merge(const MergeOptions& options) {
  const auto report = signatures::merge_indexes(options.files, options.out);
  if (!report) {
    complain(report.error());
    return kExitFailure;
  }
  if (options.json) {
    const nlohmann::json line = {{"out", options.out},
                                 {"files", report->files},
                                 {"lines", report->lines},
                                 {"fingerprints", report->fingerprints},
                                 {"critical_lines", report->critical_lines},
                                 {"names", report->names},
                                 {"digests", report->digests},
                                 {"dropped_common", report->dropped_common}};
    std::printf("%s\n", line.dump().c_str());
    return kExitOk;
  }
  std::printf("%s: %s files, %s lines; %s fingerprints (%s left out as common)\n",
              options.out.c_str(), human_count(report->files).c_str(),
              human_count(report->lines).c_str(), human_count(report->fingerprints).c_str(),
              human_count(report->dropped_common).c_str());
  return kExitOk;
}

int run_seal_key(const std::string& private_file, const std::string& public_file) {
  const Status made = signatures::SiteKey::create(private_file);
  if (!made) {
    complain(made.error());
    return kExitUsage;
  }
  const auto key = signatures::SiteKey::load(private_file);
  const auto half = key ? signatures::public_half(*key) : Result<signatures::SealKey>(key.error());
  if (!half) {
    complain(half.error());
    return kExitFailure;
  }
  std::ofstream out(public_file);
  out << signatures::to_hex(*half) << '\n';
  if (!out.flush()) {
    complain("public key cannot be written: " + public_file);
    return kExitFailure;
  }
  return kExitOk;
}

// Of all names, or of those that `wanted` lists.
int run_names(const std::string& file, const std::string& private_file,
              const std::vector<std::string>& wanted, bool json) {
  const auto key = signatures::SiteKey::load(private_file);
  if (!key) {
    complain(key.error());
    return kExitUsage;
  }
  const auto names = signatures::CodeIndex::sealed_names(file, *key);
  if (!names) {
    complain(names.error());
    return kExitUsage;
  }
  size_t found = 0;
  for (const auto& [opaque, name] : *names) {
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), opaque) == wanted.end())
      continue;
    ++found;
    if (json) {
      const nlohmann::json line = {{"sealed", opaque}, {"name", name}};
      std::printf("%s\n",
                  line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    } else {
      std::printf("%s  %s\n", opaque.c_str(), printable(name).c_str());
    }
  }
  if (found > 0) return kExitOk;
  complain(file + (names->empty() ? ": no names are sealed in it" : ": none of these names"));
  return kExitFailure;
}

int run_verify(const std::string& file) {
  const Status status = signatures::CodeIndex::verify(file);
  if (!status) {
    complain(status.error());
    return kExitUsage;
  }
  const auto layers = signatures::count_layers(file);
  if (layers && *layers > 0) {
    std::printf("%s and %u layers: every checksum holds\n", file.c_str(), *layers);
    return kExitOk;
  }
  std::printf("%s: every checksum holds\n", file.c_str());
  return kExitOk;
}

}  // namespace

void add_index_command(CLI::App& app, int& exit_code) {
  CLI::App* index = app.add_subcommand("index", "Build and inspect fingerprint indexes");
  index->require_subcommand(1);

  auto options = std::make_shared<BuildOptions>();
  CLI::App* build = index->add_subcommand("build", "Fingerprint repositories");
  build->add_option("--repo", options->repositories, "folder, or NAME=FOLDER; again for more")
      ->allow_extra_args(false)
      ->required();
  CLI::Option* const out =
      build->add_option("--out,-o", options->out, "index file to write (.wfi)");
  CLI::Option* const delta =
      build->add_option("--delta-of", options->build.delta_of,
                        "index that stays as it is: write beside it (FILE.delta-1 and so on) what "
                        "is new, changed or gone in these repositories since");
  delta->excludes(out);
  build->add_option("--key,-k", options->key, "site key file (64 hexadecimal digits, mode 0600)")
      ->required();
  build->add_flag("--make-key", options->make_key, "make the key file when there is none");
  build
      ->add_option("--public", options->build.public_directories,
                   "folder of public code: what stands there too is left out; again for more")
      ->allow_extra_args(false);
  build
      ->add_option("--critical", options->build.critical,
                   "glob of files whose single lines are guarded; again for more")
      ->allow_extra_args(false);
  build
      ->add_option("--exclude", options->build.exclude,
                   "glob of files or folders left out; again for more")
      ->allow_extra_args(false);
  build->add_flag("--hashes-only", options->build.hashes_only,
                  "no critical lines and no distinctive names: the index holds them in clear");
  build->add_option("--seal-names", options->seal_names,
                    "public key (weir index seal-key): names of repositories and files are opaque "
                    "but to who has the private key; as --hashes-only");
  build->add_flag("--incremental", options->build.incremental,
                  "keep fingerprints in OUT.cache and reuse those of files that did not change");
  build->add_flag("--include-vendored", options->build.include_vendored,
                  "take folders of foreign code (vendor, node_modules, ...) too");
  build->add_flag("!--keep-vendored-lines", options->build.subtract_vendored,
                  "do not leave out of a repository what its folders of foreign code hold, too");
  build->add_option("--memory", options->memory, "memory for sorting")->capture_default_str();
  build->add_option("--threads", options->build.threads, "threads that read files")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
  build->add_flag("--verbose,-v", options->verbose, "name the files that were skipped");
  build->add_flag("--json", options->json, "one JSON line instead of text");
  build->callback([options, &exit_code] {
    if (options->out.empty() && options->build.delta_of.empty()) {
      throw CLI::RequiredError("--out or --delta-of");
    }
    exit_code = run_build(*options);
  });

  auto file = std::make_shared<std::string>();
  auto key = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  CLI::App* info = index->add_subcommand("info", "What an index holds");
  info->add_option("file", *file, "index file")->required();
  info->add_option("--key,-k", *key, "site key file")->required();
  info->add_flag("--json", *json, "one JSON line instead of text");
  info->callback([file, key, json, &exit_code] { exit_code = run_info(*file, *key, *json); });

  auto merging = std::make_shared<MergeOptions>();
  CLI::App* merge = index->add_subcommand("merge", "Make one index of several of the same key");
  merge->add_option("files", merging->files, "index files")->required();
  merge->add_option("--out,-o", merging->out, "index file to write (.wfi)")->required();
  merge->add_flag("--json", merging->json, "one JSON line instead of text");
  merge->callback([merging, &exit_code] { exit_code = run_merge(*merging); });

  auto private_key = std::make_shared<std::string>();
  auto public_key = std::make_shared<std::string>();
  CLI::App* seal = index->add_subcommand("seal-key", "Make the keys for sealed names");
  seal->add_option("--private", *private_key, "private key file to write, mode 0600")->required();
  seal->add_option("--public", *public_key, "public key file to write")->required();
  seal->callback([private_key, public_key, &exit_code] {
    exit_code = run_seal_key(*private_key, *public_key);
  });

  auto sealed = std::make_shared<std::string>();
  auto wanted = std::make_shared<std::vector<std::string>>();
  auto names_json = std::make_shared<bool>(false);
  CLI::App* names = index->add_subcommand("names", "What opaque names stand for");
  names->add_option("file", *sealed, "index file")->required();
  names->add_option("name", *wanted, "opaque names as alerts have them; all without");
  names->add_option("--private", *private_key, "private key file")->required();
  names->add_flag("--json", *names_json, "JSON lines instead of text");
  names->callback([sealed, private_key, wanted, names_json, &exit_code] {
    exit_code = run_names(*sealed, *private_key, *wanted, *names_json);
  });

  auto verified = std::make_shared<std::string>();
  CLI::App* verify = index->add_subcommand("verify", "Compare every checksum of an index");
  verify->add_option("file", *verified, "index file")->required();
  verify->callback([verified, &exit_code] { exit_code = run_verify(*verified); });
}

}  // namespace weir::app

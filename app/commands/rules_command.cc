// `weir rules check|test`: do the content rules and the catalogue load, and does every rule find
// its examples and nothing of its counter-examples?
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "app/commands/commands.h"
#include "app/exit_codes.h"
#include "app/runtime/data_files.h"
#include "app/terminal.h"
#include "config/settings.h"
#include "signatures/catalogue.h"
#include "signatures/content_rules.h"

namespace weir::app {

namespace {

struct Options {
  std::string config;
  std::vector<std::string> paths;
};

int run(const Options& options, bool test) {
  config::Settings settings;
  if (!options.config.empty()) {
    auto loaded = config::load_settings(options.config);
    if (!loaded) {
      complain(loaded.error());
      return kExitUsage;
    }
    settings = std::move(*loaded);
  }
  const auto paths = options.paths.empty() ? rule_paths(settings) : options.paths;
  const auto rules = signatures::RuleSet::load(paths, settings.environment);
  if (!rules) {
    complain(rules.error());
    return kExitUsage;
  }
  std::printf("%s content rules load and compile (%s of patterns, %s a stream)\n",
              human_count((*rules)->size()).c_str(),
              human_bytes((*rules)->database().bytes()).c_str(),
              human_bytes((*rules)->database().stream_bytes()).c_str());
  const auto catalogue =
      signatures::Catalogue::load(signatures_directory(settings), settings.services);
  if (!catalogue) {
    complain(catalogue.error());
    return kExitUsage;
  }
  std::printf("%s AI services, %s host patterns\n", human_count((*catalogue)->services()).c_str(),
              human_count((*catalogue)->host_patterns()).c_str());
  if (!test) return kExitOk;
  const signatures::RuleCheck check = (*rules)->check();
  // An example is tried alone and with all rules: it can fail twice and is wrong once.
  std::set<std::tuple<std::string, int, int>> wrong;
  for (const Error& failure : check.failures) {
    complain(failure);
    wrong.emplace(failure.file, failure.line, failure.column);
  }
  std::printf("%s examples and %s counter-examples tried, %s wrong\n",
              human_count(check.examples).c_str(), human_count(check.counter_examples).c_str(),
              human_count(wrong.size()).c_str());
  return check.failures.empty() ? kExitOk : kExitFailure;
}

}  // namespace

void add_rules_command(CLI::App& app, int& exit_code) {
  CLI::App* rules = app.add_subcommand("rules", "Check and test content rules");
  rules->require_subcommand(1);
  for (const bool test : {false, true}) {
    auto options = std::make_shared<Options>();
    CLI::App* command =
        rules->add_subcommand(test ? "test" : "check", test ? "Also run every example and "
                                                              "counter-example"
                                                            : "Load and compile everything");
    command->add_option("-c,--config", options->config, "weir.yaml whose rules are meant");
    command->add_option("paths", options->paths,
                        "rule files or folders instead of the shipped ones");
    command->callback([options, test, &exit_code] { exit_code = run(*options, test); });
  }
}

}  // namespace weir::app

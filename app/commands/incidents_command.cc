// `weir incidents`: what the incident store holds, newest first.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "alert/store_reader.h"
#include "app/commands/commands.h"
#include "app/exit_codes.h"
#include "app/report/incident_text.h"
#include "app/runtime/state_folder.h"
#include "app/runtime/time_range.h"
#include "app/terminal.h"

namespace weir::app {
namespace {

struct Options {
  std::string id;
  std::string state;
  std::string store;
  std::string config;
  std::string severity;
  std::string from;
  std::string until;
  std::string last;
  uint64_t limit = 100;
  bool open_only = false;
  bool json = false;
};

int run(const Options& options) {
  const auto path = named_database(options.state, options.store, options.config);
  const auto range = time_range(options.from, options.until, options.last, now_us());
  if (!path || !range) {
    complain(path ? range.error() : path.error());
    return kExitUsage;
  }
  alert::IncidentQuery query;
  if (!options.severity.empty()) {
    const auto severity = parse_severity(options.severity);
    if (!severity) {
      complain("--severity " + options.severity + ": expected info, low, medium, high or critical");
      return kExitUsage;
    }
    query.least = *severity;
  }
  query.id = options.id;
  query.from_us = range->from_us;
  query.until_us = range->until_us;
  query.open_only = options.open_only;
  query.limit = options.limit;
  auto reader = alert::StoreReader::open(*path);
  if (!reader) {
    complain(reader.error());
    return kExitFailure;
  }
  const auto incidents = (*reader)->incidents(query);
  if (!incidents) {
    complain(incidents.error());
    return kExitFailure;
  }
  for (const std::string& json : *incidents) {
    if (options.json) {
      std::printf("%s\n", json.c_str());
      continue;
    }
    const auto alert = nlohmann::json::parse(json, nullptr, false);
    if (!alert.is_object()) {
      complain(*path + ": holds an incident that is no JSON");
      return kExitFailure;
    }
    std::printf("%s  %s", paint(text_of(alert, "id"), Ink::kDim).c_str(),
                incident_text(alert).c_str());
  }
  if (incidents->empty() && !options.json) std::puts("No incidents.");
  if (query.limit != 0 && incidents->size() == query.limit && !options.json) {
    std::printf("The newest %s; --limit 0 shows all.\n", human_count(query.limit).c_str());
  }
  return kExitOk;
}

}  // namespace

void add_incidents_command(CLI::App& app, int& exit_code) {
  auto o = std::make_shared<Options>();
  CLI::App* incidents = app.add_subcommand("incidents", "Show stored incidents");
  incidents->add_option("id", o->id, "only those whose id begins so");
  incidents->add_option("--state", o->state, "state folder of a replay or sensor");
  incidents->add_option("--store", o->store, "database file");
  incidents->add_option("-c,--config", o->config, "weir.yaml whose alerts.store is meant");
  incidents->add_option("--severity", o->severity, "only this severe or severer");
  incidents->add_option("--from", o->from, "seen at or after: 2026-11-01 or 2026-11-01T13:30 UTC");
  incidents->add_option("--until", o->until, "seen before");
  incidents->add_option("--last", o->last, "seen in the last 24h, 7d …");
  incidents->add_option("--limit", o->limit, "at most so many; 0: all")->capture_default_str();
  incidents->add_flag("--open", o->open_only, "only those that may still grow");
  incidents->add_flag("--json", o->json, "the alerts as they are, one line each");
  incidents->callback([o, &exit_code] { exit_code = run(*o); });
}

}  // namespace weir::app

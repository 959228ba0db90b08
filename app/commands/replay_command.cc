// `weir replay`: inspects captures as the live sensor would inspect the packets, and tells what was
// found. The same captures give the same output, byte for byte.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alert/incident_maker.h"
#include "alert/jsonl_sink.h"
#include "alert/native_json.h"
#include "app/commands/commands.h"
#include "app/commands/replay_input.h"
#include "app/exit_codes.h"
#include "app/report/replay_report.h"
#include "app/report/usage_totals.h"
#include "app/runtime/alert_sinks.h"
#include "app/runtime/contact_watch.h"
#include "app/runtime/load_snapshot.h"
#include "app/runtime/replay_run.h"
#include "app/runtime/state_folder.h"
#include "app/terminal.h"

namespace weir::app {

namespace {

struct Options {
  ReplayInput input;
  std::string alerts;
  std::string flows;
  std::string stats;
  std::string state;
  bool learn_contacts = false;
  bool fail_on_leak = false;
  bool quiet = false;
  double wait_for_subscriber = 0;  // seconds
};

// From the inspection to incidents, usage and flow lines.
class ReplaySink final : public EvidenceSink {
 public:
  ReplaySink(alert::IncidentMaker& incidents, UsageTotals& usage, AlertSinks& sinks,
             alert::JsonlFile* flows)
      : incidents_(incidents), usage_(usage), sinks_(sinks), flows_(flows) {}

  void on_finding(Finding&& finding) override {
    incidents_.expire(finding.time);
    incidents_.on_finding(std::move(finding));
    commit_when_due();
  }
  void on_flow_end(FlowRecord&& record) override {
    usage_.add(record);
    sinks_.on_flow_end(record);
    commit_when_due();
    if (flows_ != nullptr) flows_->write_line(alert::flow_json(record));
  }

 private:
  void commit_when_due() {
    // An error is kept by the store and told at the end.
    if (sinks_.due()) static_cast<void>(sinks_.commit());
  }

  alert::IncidentMaker& incidents_;
  UsageTotals& usage_;
  AlertSinks& sinks_;
  alert::JsonlFile* flows_;
};

int run(const Options& options) {
  if (options.input.keys_late >= 0 && options.input.workers != 1) {
    complain("--keys-late works with one worker only");
    return kExitUsage;
  }
  auto settings = replay_settings(options.input);
  if (!settings) {
    complain(settings.error());
    return kExitUsage;
  }
  auto snapshot = load_snapshot(*settings);
  if (!snapshot) {
    complain(snapshot.error());
    return kExitUsage;
  }

  KeyLogs key_logs;
  if (const Status read = key_logs.read(settings->see_inside); !read) {
    complain(read.error());
    return kExitUsage;
  }

  ReplayFacts facts;
  UsageTotals usage;
  IncidentSummary summary;
  alert::IncidentCounters incident_counters;
  alert::IncidentMaker incidents(settings->limits, settings->alerts.window, incident_counters);
  incidents.add_sink(summary);
  std::unique_ptr<alert::JsonlSink> alerts;
  if (!options.alerts.empty()) {
    auto opened = alert::JsonlSink::open(options.alerts, alert::JsonlSink::Mode::kFinal,
                                         alert::FileStart::kTruncate);
    if (!opened) {
      complain(opened.error());
      return kExitFailure;
    }
    alerts = std::move(*opened);
    incidents.add_sink(*alerts);
  }
  // The sensor's own store is no place for what an analyst replays, nor twice for the same capture.
  settings->alerts.store.clear();
  if (!options.state.empty()) {
    auto store = state_database(options.state);
    if (!store) {
      complain(store.error());
      return kExitFailure;
    }
    settings->alerts.store = std::move(*store);
  }
  auto live = AlertSinks::open(settings->alerts);
  if (!live) {
    complain(live.error());
    return kExitFailure;
  }
  (*live)->attach(incidents);
  if (options.wait_for_subscriber > 0) {
    if (!(*live)->publishes()) {
      complain("--wait-for-subscriber: no alert sink of type zmq is configured");
      return kExitUsage;
    }
    const Duration longest{static_cast<int64_t>(options.wait_for_subscriber * 1e9)};
    for (const std::string& endpoint : (*live)->wait_for_subscribers(longest)) {
      complain(endpoint + ": nobody has subscribed; going on");
    }
  }
  std::unique_ptr<alert::JsonlFile> flows;
  if (!options.flows.empty()) {
    auto opened = alert::JsonlFile::open(options.flows, alert::FileStart::kTruncate, true);
    if (!opened) {
      complain(opened.error());
      return kExitFailure;
    }
    flows = std::move(*opened);
  }

  ReplaySink sink(incidents, usage, **live, flows.get());
  inspect::ToolContacts contacts(*snapshot,
                                 options.learn_contacts ? std::optional<Duration>() : Duration{});
  const std::string known_contacts = contacts_file(settings->alerts.store);
  if (!known_contacts.empty()) {
    if (const Status loaded = contacts.memory().load(known_contacts); !loaded) {
      complain(loaded.error());
      return kExitFailure;
    }
  }
  ContactWatch watch(contacts, sink);
  ReplayRun replay(options.input, *settings, *snapshot, key_logs, watch);
  const auto began = std::chrono::steady_clock::now();
  const bool all_good = replay.run(facts, !options.quiet);
  watch.finish();
  incidents.close_all();
  static_cast<void>((*live)->commit());  // close() below tells an error
  facts.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  for (const auto& row : alert::kIncidentCounters) {
    facts.counters.emplace_back("incident." + std::string(row.name),
                                (incident_counters.*row.member).get());
  }

  for (auto& counter : contact_counters(contacts)) facts.counters.push_back(std::move(counter));
  if (const alert::Store* store = (*live)->store(); store != nullptr) {
    for (const auto& row : alert::kStoreCounters) {
      facts.counters.emplace_back("store." + std::string(row.name),
                                  (store->counters().*row.member).get());
    }
  }

  bool written = true;
  const auto note = [&written](const Status& status) {
    if (status) return;
    complain(status.error());
    written = false;
  };
  if (!known_contacts.empty()) note(contacts.memory().save(known_contacts));
  if (alerts) note(alerts->close());
  if (flows) note(flows->close());
  note((*live)->close());
  if (!options.quiet) std::fputs(replay_text(facts, usage, summary).c_str(), stdout);
  if (!options.stats.empty()) {
    written = write_whole_file(options.stats, replay_stats_json(facts, usage, summary)) && written;
  }
  for (const std::string& error : facts.errors) complain(error);
  if (!written) return kExitFailure;
  if (!all_good) return kExitBadInput;
  if (options.fail_on_leak && summary.leaks() > 0) return kExitLeak;
  return kExitOk;
}

}  // namespace

void add_replay_command(CLI::App& app, int& exit_code) {
  auto o = std::make_shared<Options>();
  CLI::App* replay = app.add_subcommand("replay", "Inspect captures (pcap, pcapng)");
  add_replay_input(*replay, o->input);
  replay
      ->add_option("--keys-late", o->input.keys_late,
                   "let the keys of each connection come so many seconds after its first packet")
      ->check(CLI::Range(0.0, 3600.0));
  replay->add_option("--alerts", o->alerts, "write incidents as JSON lines");
  replay->add_option("--flows", o->flows, "write flows as JSON lines");
  replay->add_option("--stats", o->stats, "write totals and counters as JSON");
  replay->add_option("--state", o->state,
                     "folder whose incident and usage database is added to (weir.db)");
  replay->add_flag("--learn-contacts", o->learn_contacts,
                   "learn what hosts tools contact for the time of contacts.learn, instead of "
                   "telling of them; goes with --state");
  replay->add_option("--workers", o->input.workers, "worker threads; 0: one a core")
      ->capture_default_str()
      ->check(CLI::Range(0, 256));
  replay->add_flag("--fail-on-leak", o->fail_on_leak, "exit with 3 when something leaked");
  replay
      ->add_option("--wait-for-subscriber", o->wait_for_subscriber,
                   "seconds to wait at most, before the first packet, for a subscriber of each zmq "
                   "sink")
      ->check(CLI::Range(0.0, 3600.0));
  replay->add_flag("--quiet,-q", o->quiet, "no table and no progress");
  replay->callback([o, &exit_code] { exit_code = run(*o); });
}

}  // namespace weir::app

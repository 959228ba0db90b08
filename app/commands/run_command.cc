// `weir run`: the live sensor. Watches interfaces until it is told to stop.
#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "alert/jsonl_sink.h"
#include "app/commands/commands.h"
#include "app/exit_codes.h"
#include "app/report/replay_report.h"
#include "app/runtime/alert_desk.h"
#include "app/runtime/alert_sinks.h"
#include "app/runtime/key_watch.h"
#include "app/runtime/live_service.h"
#include "app/runtime/live_sources.h"
#include "app/runtime/load_snapshot.h"
#include "app/runtime/sensor.h"
#include "app/runtime/sensor_check.h"
#include "app/runtime/service_notify.h"
#include "app/runtime/wall_clock.h"
#include "app/terminal.h"

namespace weir::app {

namespace {

struct Options {
  std::string config;
  std::vector<std::string> interfaces;
  std::vector<std::string> indexes;
  std::string key;
  std::vector<std::string> key_logs;
  std::string alerts;
  std::string flows;
  std::string stats;
  size_t workers = 0;
  bool check = false;
  bool quiet = false;
};

constexpr std::array<int, 3> kSignals = {SIGINT, SIGTERM, SIGHUP};

sigset_t our_signals() noexcept {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : kSignals) sigaddset(&set, number);
  return set;
}

Result<config::Settings> settings_of(const Options& options) {
  config::Settings settings;
  if (!options.config.empty()) {
    auto loaded = config::load_settings(options.config);
    if (!loaded) return loaded.error();
    settings = std::move(*loaded);
  }
  if (!options.interfaces.empty()) settings.capture.interfaces = options.interfaces;
  if (options.workers != 0) settings.capture.workers = static_cast<uint32_t>(options.workers);
  if (!options.indexes.empty()) settings.protect.indexes = options.indexes;
  if (!options.key.empty()) settings.protect.key = options.key;
  if (!options.key_logs.empty()) settings.see_inside.key_logs = options.key_logs;
  return settings;
}

bool write_file(const std::string& path, const std::string& text) {
  if (path == "-") return std::fputs(text.c_str(), stdout) >= 0;
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) complain(path + ": cannot be written");
  return static_cast<bool>(out);
}

// Gives systemd its signs of life, as long as every worker and the alert thread go on.
class Watchdog {
 public:
  Watchdog(ServiceNotify& notify, const Sensor& sensor, const AlertDesk& desk)
      : notify_(notify), sensor_(sensor), desk_(desk), seen_(sensor.workers() + 1) {}

  void turn() {
    const auto limit = notify_.watchdog();
    const auto now = std::chrono::steady_clock::now();
    if (!limit || now - last_ < std::chrono::nanoseconds(limit->ns / 4)) return;
    for (size_t i = 0; i < seen_.size(); ++i) {
      if (progress_of(i) == seen_[i]) return;
    }
    for (size_t i = 0; i < seen_.size(); ++i) seen_[i] = progress_of(i);
    last_ = now;
    notify_.alive();
  }

 private:
  [[nodiscard]] uint64_t progress_of(size_t i) const {
    return i < sensor_.workers() ? sensor_.turns(i) : desk_.rounds();
  }

  ServiceNotify& notify_;
  const Sensor& sensor_;
  const AlertDesk& desk_;
  std::vector<uint64_t> seen_;
  std::chrono::steady_clock::time_point last_{};
};

uint64_t value_of(const inspect::CounterList& counters, std::string_view name) {
  for (const auto& [key, value] : counters) {
    if (key == name) return value;
  }
  return 0;
}

int run(const Options& options) {
  // Before any thread begins, so that all have them blocked: the main thread waits for them.
  const sigset_t signals = our_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  ServiceNotify notify;
  auto settings = settings_of(options);
  if (!settings) {
    complain(settings.error());
    return kExitUsage;
  }
  for (const std::string& warning : settings->warnings) complain(warning);
  if (const Status usable = check_capture(*settings); !usable) {
    complain(usable.error());
    return kExitUsage;
  }
  auto snapshot = load_snapshot(*settings);
  if (!snapshot) {
    complain(snapshot.error());
    return kExitUsage;
  }
  if (options.check) {
    if (auto loaded = inspect::ServerKeys::load(settings->see_inside.server_keys); !loaded) {
      complain(loaded.error());
      return kExitUsage;
    }
    std::fputs(check_text(*settings, **snapshot).c_str(), stdout);
    return kExitOk;
  }

  std::unique_ptr<alert::JsonlFile> flows;
  if (!options.flows.empty()) {
    auto opened = alert::JsonlFile::open(options.flows, alert::FileStart::kAppend, false);
    if (!opened) {
      complain(opened.error());
      return kExitFailure;
    }
    flows = std::move(*opened);
  }
  std::unique_ptr<alert::JsonlSink> alerts;
  if (!options.alerts.empty()) {
    auto opened = alert::JsonlSink::open(options.alerts, alert::JsonlSink::Mode::kLive,
                                         alert::FileStart::kAppend);
    if (!opened) {
      complain(opened.error());
      return kExitFailure;
    }
    alerts = std::move(*opened);
  }
  auto sinks = AlertSinks::open(settings->alerts, AlertSinks::Damaged::kSetAside);
  if (!sinks) {
    complain(sinks.error());
    return kExitFailure;
  }
  for (const std::string& warning : (*sinks)->warnings()) complain(warning);

  std::unique_ptr<KeyWatch> keys;
  if (!settings->see_inside.key_logs.empty() || !settings->see_inside.server_keys.empty()) {
    auto watched = KeyWatch::start(settings->see_inside);
    if (!watched) {
      complain(watched.error());
      return kExitFailure;
    }
    keys = std::move(*watched);
  }
  // Last: from here on packets are held in the path, and nobody reads yet.
  auto sources = open_live_sources(*settings);
  if (!sources) {
    complain(sources.error());
    return kExitFailure;
  }
  inspect::ToolContacts contacts(*snapshot);
  const std::string known_contacts = contacts_file(settings->alerts.store);
  if (!known_contacts.empty()) {
    if (const Status loaded = contacts.memory().load(known_contacts); !loaded) {
      const auto aside = set_contacts_aside(known_contacts);
      complain(loaded.error().to_string() +
               (aside ? "; it was set aside as " + *aside + ", and hosts are learnt anew"
                      : "; " + aside.error().to_string()));
      if (!aside) return kExitFailure;
    }
  }
  AlertDesk desk(settings->limits, settings->alerts.window, **sinks, flows.get());
  if (alerts) desk.incidents().add_sink(*alerts);
  desk.watch_contacts(contacts, known_contacts);
  Sensor sensor(std::move(*snapshot), keys ? keys->access() : inspect::KeyAccess{});
  for (size_t i = 0; i < sources->size(); ++i) {
    const auto& cpus = settings->capture.cpus;
    sensor.add_worker(std::move((*sources)[i]), desk.add_queue(),
                      cpus.empty() ? -1 : static_cast<int>(cpus[i % cpus.size()]));
  }

  // After those of the workers, so that they have the workers' numbers.
  LiveService service(
      *settings, [&options] { return settings_of(options); }, sensor, desk, desk.add_queue(),
      keys.get(), [](const std::string& message) { complain(message); });
  ReplayFacts facts;
  facts.workers = sensor.workers();
  facts.first = wall_clock();
  const auto began = std::chrono::steady_clock::now();
  desk.start();
  sensor.start();
  // After the workers: it asks them.
  if (const Status started = service.start(); !started) {
    complain(started.error());
    sensor.stop();
    desk.stop();
    return kExitFailure;
  }
  if (!options.quiet) complain("watching " + capture_text(settings->capture));

  notify.ready("watching " + capture_text(settings->capture));
  Watchdog watchdog(notify, sensor, desk);
  bool reloading = false;

  while (true) {
    constexpr timespec kTurn{0, 100'000'000};
    const int signal = sigtimedwait(&signals, nullptr, &kTurn);
    if (signal == SIGINT || signal == SIGTERM) break;
    if (signal == SIGHUP) service.request_reload();
    service.turn();
    watchdog.turn();
    if (service.reloading() != reloading) {
      reloading = !reloading;
      if (reloading) notify.reloading();
      if (!reloading) notify.ready(service.reload_state().message);
    }
    if (!keys) continue;
    for (const std::string& message : keys->take_messages()) complain(message);
  }

  notify.stopping();
  service.stop();
  sensor.stop();
  desk.stop();
  facts.last = wall_clock();
  facts.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  facts.counters = sensor.counters();
  for (auto& counter : desk.counters()) facts.counters.push_back(std::move(counter));
  if (keys) {
    for (auto& counter : keys->counters()) facts.counters.push_back(std::move(counter));
  }
  facts.packets = value_of(facts.counters, "live.packets");
  facts.packet_bytes = value_of(facts.counters, "live.bytes");

  bool written = true;
  const auto note = [&written](const Status& status) {
    if (status) return;
    complain(status.error());
    written = false;
  };
  if (alerts) note(alerts->close());
  if (flows) note(flows->close());
  note((*sinks)->close());
  const IncidentSummary summary = desk.summary();
  if (!options.stats.empty()) {
    written = write_file(options.stats, replay_stats_json(facts, desk.usage(), summary)) && written;
  }
  if (!options.quiet) {
    complain("stopped after " + human_count(facts.packets) + " packets (" +
             human_count(value_of(facts.counters, "live.kernel_dropped")) +
             " dropped by the kernel), " + human_count(desk.usage().flows) + " flows, " +
             human_count(summary.incidents()) + " incidents");
  }
  return written ? kExitOk : kExitFailure;
}

}  // namespace

void add_run_command(CLI::App& app, int& exit_code) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("run", "The live sensor");
  command->add_option("-c,--config", o->config, "weir.yaml");
  command
      ->add_option("--interface,-i", o->interfaces,
                   "interface to watch, instead of those of the configuration; again for more")
      ->allow_extra_args(false);
  command->add_option("--index", o->indexes, "fingerprint index; again for more")
      ->allow_extra_args(false);
  command->add_option("--key", o->key, "site key file of the indexes");
  command
      ->add_option("--keylog", o->key_logs,
                   "TLS key log that grows, or a folder of them; again for more")
      ->allow_extra_args(false);
  command->add_option("--alerts", o->alerts,
                      "append each incident, when it begins and when it grows, as a JSON line");
  command->add_option("--flows", o->flows, "append each flow, when it ends, as a JSON line");
  command->add_option("--stats", o->stats, "write totals and counters as JSON when stopped");
  command->add_option("--workers", o->workers, "worker threads, instead of capture.workers")
      ->check(CLI::Range(1, 256));
  command->add_flag("--check", o->check, "check the configuration, print what it needs, and end");
  command->add_flag("--quiet,-q", o->quiet, "no messages but errors");
  command->callback([o, &exit_code] { exit_code = run(*o); });
}

}  // namespace weir::app

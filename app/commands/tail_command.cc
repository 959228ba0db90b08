// `weir tail`: incidents as they happen, from another process that publishes them on ZeroMQ.
#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "alert/zmq_subscriber.h"
#include "app/commands/commands.h"
#include "app/exit_codes.h"
#include "app/report/incident_text.h"
#include "app/terminal.h"
#include "config/settings.h"
#include "core/verdict.h"

namespace weir::app {

namespace {

volatile std::sig_atomic_t stop_requested = 0;
void request_stop(int /*signal*/) { stop_requested = 1; }

struct Options {
  std::string config;
  std::string endpoint;
  std::string severity;
  uint64_t count = 0;
  double seconds = 0;
  bool json = false;
};

Result<std::string> endpoint_of(const Options& options) {
  if (!options.endpoint.empty()) return options.endpoint;
  if (options.config.empty()) return std::string("tcp://127.0.0.1:5556");
  const auto settings = config::load_settings(options.config);
  if (!settings) return settings.error();
  for (const config::SinkSettings& sink : settings->alerts.sinks) {
    if (sink.type == config::SinkSettings::Type::kZmq) return sink.bind;
  }
  return Error{"no alert sink of type zmq in it to listen to", options.config, 0, 0};
}

int run(const Options& options) {
  const auto endpoint = endpoint_of(options);
  if (!endpoint) {
    complain(endpoint.error());
    return kExitUsage;
  }
  if (!options.severity.empty() && !parse_severity(options.severity)) {
    complain("--severity " + options.severity + ": expected info, low, medium, high or critical");
    return kExitUsage;
  }
  auto subscriber = alert::ZmqSubscriber::connect(*endpoint);
  if (!subscriber) {
    complain(subscriber.error());
    return kExitFailure;
  }
  struct sigaction action = {};
  action.sa_handler = request_stop;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);

  const Severity least =
      options.severity.empty() ? Severity::kNone : *parse_severity(options.severity);
  const auto began = std::chrono::steady_clock::now();
  bool was_connected = true;  // so that the first "waiting" is told
  uint64_t shown = 0;
  while (stop_requested == 0 && (options.count == 0 || shown < options.count)) {
    if (options.seconds > 0 &&
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count() >=
            options.seconds) {
      break;
    }
    auto message = (*subscriber)->receive(Duration::millis(200));
    if (!message) {
      complain(message.error());
      return kExitFailure;
    }
    if ((*subscriber)->connected() != was_connected) {
      was_connected = (*subscriber)->connected();
      complain((was_connected ? "connected to " : "waiting for ") + *endpoint);
    }
    if (!message->has_value()) continue;
    const auto alert = nlohmann::json::parse((*message)->body, nullptr, false);
    if (!alert.is_object()) {
      complain("a message from " + *endpoint + " is no alert");
      continue;
    }
    const auto severity = parse_severity(text_of(alert, "severity"));
    if (severity && *severity < least) continue;
    // The close of an incident says nothing new to a person.
    if (!options.json && text_of(alert, "activity") == "close") continue;
    ++shown;
    if (options.json) {
      std::printf("%s\n", (*message)->body.c_str());
    } else {
      std::fputs(incident_text(alert).c_str(), stdout);
    }
    if (!flush_output()) return kExitFailure;
  }
  return kExitOk;
}

}  // namespace

void add_tail_command(CLI::App& app, int& exit_code) {
  auto o = std::make_shared<Options>();
  CLI::App* tail = app.add_subcommand("tail", "Show incidents as they happen");
  tail->add_option("endpoint", o->endpoint, "ZeroMQ endpoint (tcp://127.0.0.1:5556)");
  tail->add_option("-c,--config", o->config, "weir.yaml whose zmq sink is meant");
  tail->add_option("--severity", o->severity, "only this severe or severer");
  tail->add_option("--count,-n", o->count, "end after so many");
  tail->add_option("--seconds", o->seconds, "end after so long");
  tail->add_flag("--json", o->json, "the alerts as they are, one line each");
  tail->callback([o, &exit_code] { exit_code = run(*o); });
}

}  // namespace weir::app

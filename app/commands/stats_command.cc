// `weir stats`: what a running sensor says of itself.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "app/commands/commands.h"
#include "app/commands/control_client.h"
#include "app/exit_codes.h"
#include "app/terminal.h"

namespace weir::app {

namespace {

using Json = nlohmann::json;

struct Options {
  bool json = false;
  uint64_t flows = 0;
};

uint64_t number(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<uint64_t>() : 0;
}

void print_flows(const Json& answer) {
  Table table({{"CLIENT"},
               {"SERVER", false, true},
               {"PROTOCOL"},
               {"SERVICE"},
               {"UP", true},
               {"DOWN", true}});
  for (const Json& flow : answer.at("flows")) {
    if (!flow.is_object()) continue;
    const auto endpoint = [&](const char* side) {
      const Json& end = flow.value(side, Json::object());
      return end.value("ip", "") + " " + std::to_string(number(end, "port"));
    };
    const std::string host = flow.value("host", "");
    const Json& bytes = flow.value("bytes", Json::object());
    table.add({endpoint("client"), printable(host.empty() ? endpoint("server") : host),
               printable(flow.value("protocol", "")), flow.value("service", ""),
               human_bytes(number(bytes, "up")), human_bytes(number(bytes, "down"))});
  }
  std::fputs(table.to_string().c_str(), stdout);
}

void print_stats(const Json& stats) {
  const Json traffic = stats.value("traffic", Json::object());
  const Json incidents = stats.value("incidents", Json::object());
  std::string interfaces;
  for (const Json& one : stats.value("interfaces", Json::array())) {
    interfaces += (interfaces.empty() ? "" : ", ") + one.get<std::string>();
  }
  std::printf("%s on %s for %s s, generation %s\n", stats.value("mode", "").c_str(),
              printable(interfaces).c_str(), human_count(number(stats, "uptime_seconds")).c_str(),
              human_count(number(stats, "generation")).c_str());
  if (!stats.value("last_reload", Json::object()).value("good", true)) {
    std::printf("%s\n", paint("The last reload failed: " +
                                  printable(stats["last_reload"].value("message", "")),
                              Ink::kYellow)
                            .c_str());
  }
  const uint64_t generation = number(stats, "generation");
  const Json all_workers = stats.value("workers", Json::array());
  for (size_t i = 0; i < all_workers.size(); ++i) {
    const uint64_t has = number(all_workers[i], "generation");
    if (has == 0 || has == generation) continue;
    const std::string text = "Worker " + std::to_string(i) + " has not taken generation " +
                             std::to_string(generation) + " yet: it stays on " +
                             std::to_string(has);
    std::printf("%s\n", paint(text, Ink::kYellow).c_str());
  }
  Table table({{"WORKER"},
               {"PACKETS", true},
               {"BYTES", true},
               {"DROPPED", true},
               {"FLOWS", true},
               {"QUEUED", true}});
  const auto row = [&](const std::string& name, const Json& one, bool answers) {
    const uint64_t dropped = number(one, "kernel_dropped") + number(one, "interface_dropped");
    table.add({answers ? name : name + " (stalled)", human_count(number(one, "packets")),
               human_bytes(number(one, "bytes")), human_count(dropped),
               human_count(number(one, "flows_active")),
               one.contains("queued") ? human_count(number(one, "queued")) : ""},
              !answers || dropped > 0 ? Ink::kYellow : Ink::kPlain);
  };
  size_t i = 0;
  for (const Json& worker : stats.value("workers", Json::array())) {
    row(std::to_string(i++), worker, worker.value("answers", false));
  }
  row("all", traffic, true);
  std::fputs(table.to_string().c_str(), stdout);
  std::printf("%s flows ended, %s of AI services; %s incidents\n",
              human_count(number(stats, "flows")).c_str(),
              human_count(number(stats, "ai_flows")).c_str(),
              human_count(number(incidents, "begun")).c_str());
}

int run(const ControlOptions& control, const Options& options) {
  const auto socket = control_socket(control);
  if (!socket) {
    complain(socket.error());
    return kExitUsage;
  }
  const Json question =
      options.flows > 0 ? Json{{"do", "flows"}, {"number", options.flows}} : Json{{"do", "stats"}};
  const auto answer = ask_sensor(*socket, question);
  if (!answer) {
    complain(answer.error());
    return kExitFailure;
  }
  if (options.json) {
    std::printf("%s\n", answer->dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
  } else if (options.flows > 0) {
    print_flows(*answer);
  } else {
    print_stats(*answer);
  }
  return kExitOk;
}

}  // namespace

void add_stats_command(CLI::App& app, int& exit_code) {
  auto control = std::make_shared<ControlOptions>();
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("stats", "What a running sensor says of itself");
  add_control_options(*command, control);
  command->add_option("--flows", options->flows, "the largest open flows instead, so many at most")
      ->check(CLI::Range(1, 1000));
  command->add_flag("--json", options->json, "one line of JSON");
  command->callback([control, options, &exit_code] { exit_code = run(*control, *options); });
}

}  // namespace weir::app

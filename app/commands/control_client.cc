// See control_client.h.
#include "app/commands/control_client.h"

#include "alert/zmq_control.h"
#include "config/settings.h"

namespace weir::app {

void add_control_options(CLI::App& command, const std::shared_ptr<ControlOptions>& options) {
  command.add_option("-c,--config", options->config, "weir.yaml that names the control socket");
  command.add_option("--socket", options->socket, "control socket of the sensor");
}

Result<std::string> control_socket(const ControlOptions& options) {
  if (!options.socket.empty()) return options.socket;
  config::Settings settings;
  if (!options.config.empty()) {
    auto loaded = config::load_settings(options.config);
    if (!loaded) return loaded.error();
    settings = std::move(*loaded);
  }
  if (settings.control.socket.empty()) {
    return Error{"control.socket is empty: the sensor answers nowhere", options.config, 0, 0};
  }
  return settings.control.socket;
}

Result<nlohmann::json> ask_sensor(const std::string& socket, const nlohmann::json& question,
                                  Duration timeout) {
  const auto answer = alert::ask(socket, question.dump(), timeout);
  if (!answer) return answer.error();
  auto json = nlohmann::json::parse(*answer, nullptr, false);
  if (!json.is_object() || !json.contains("ok")) {
    return Error{"the answer is no answer of a sensor", socket, 0, 0};
  }
  if (!json.value("ok", false)) return Error{json.value("error", "refused"), socket, 0, 0};
  return json;
}

}  // namespace weir::app

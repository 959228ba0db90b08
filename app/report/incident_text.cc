// See incident_text.h.
#include "app/report/incident_text.h"

#include <nlohmann/json.hpp>

#include "app/terminal.h"

namespace weir::app {
namespace {

Ink ink_of(const std::string& severity) noexcept {
  if (severity == "critical" || severity == "high") return Ink::kRed;
  return severity == "medium" ? Ink::kYellow : Ink::kPlain;
}

}  // namespace

std::string text_of(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return {};
  if (found->is_string()) return found->get<std::string>();
  return found->is_number() ? found->dump() : std::string();
}

std::string incident_text(const nlohmann::json& alert) {
  const std::string severity = text_of(alert, "severity");
  const std::string activity = text_of(alert, "activity");
  const auto client = alert.value("client", nlohmann::json::object());
  const auto server = alert.value("server", nlohmann::json::object());
  const std::string host = text_of(alert, "host");
  const std::string user = text_of(client, "user");
  std::string line = text_of(alert, "last_seen") + "  " + severity + "  " +
                     text_of(alert, "action") + "  " + text_of(client, "ip") +
                     (user.empty() ? "" : " (" + user + ")") + " -> " +
                     (host.empty() ? text_of(server, "ip") : host) + "  " + text_of(alert, "rule") +
                     "  x" + text_of(alert, "count");
  if (activity != "create") line += "  [" + activity + "]";
  std::string out = paint(printable(line), ink_of(severity)) + "\n";
  const auto passed = alert.find("passed");
  if (passed != alert.end() && passed->is_object()) {
    out += "    cut after " + printable(text_of(*passed, "lines")) + " protected lines and " +
           printable(text_of(*passed, "bytes")) + " bytes had passed";
    const std::string connection = text_of(*passed, "connection");
    if (connection == "ended") out += "; the connection ended";
    if (connection == "went_on") out += "; the connection went on in spite of the resets";
    if (connection == "stopped") out += "; nothing was acknowledged after the resets";
    if (connection == "no_reset_udp") out += "; not reset: UDP has no resets";
    if (connection == "no_reset_tunnel") {
      out += "; not reset: a reset would go to the outside of the tunnel that carries it";
    }
    if (connection == "unknown") out += "; whether the connection ended was not seen";
    out += "\n";
  }
  const auto evidence = alert.find("evidence");
  if (evidence != alert.end() && evidence->is_array()) {
    for (const auto& piece : *evidence) {
      if (!piece.is_object()) continue;
      const std::string path = text_of(piece, "path");
      std::string what = text_of(piece, "kind") + "  ";
      if (path.empty()) {
        what += text_of(piece, "title") + "  " + text_of(piece, "excerpt");
      } else {
        what += text_of(piece, "repository") + "/" + path;
        if (text_of(piece, "first_line") != "0" && !text_of(piece, "first_line").empty()) {
          what += ":" + text_of(piece, "first_line") + "-" + text_of(piece, "last_line") + "  " +
                  text_of(piece, "lines") + " lines";
        }
      }
      out += "    " + printable(what) + "  " +
             paint(printable(text_of(piece, "where")), Ink::kDim) + "\n";
    }
  }
  return out;
}

}  // namespace weir::app

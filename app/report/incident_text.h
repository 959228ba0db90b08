// An incident for a person who reads a terminal.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace weir::app {

// A string or number of a JSON object as text; empty when it is not there.
[[nodiscard]] std::string text_of(const nlohmann::json& object, const char* key);
// `alert`: native JSON, perhaps from elsewhere. One line for the incident, one for each piece of
// evidence.
[[nodiscard]] std::string incident_text(const nlohmann::json& alert);

}  // namespace weir::app

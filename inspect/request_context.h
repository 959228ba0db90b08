// What detection may know of the request that a text belongs to, beyond the text.
#pragma once

#include <string_view>

#include "core/ip.h"
#include "core/time.h"

namespace weir::inspect {

// Views are valid during the call that passes it.
struct RequestContext {
  std::string_view host;        // where it goes; empty when not known
  std::string_view tool;        // catalogue id
  std::string_view user_agent;  // as sent
  IpAddress client{};
  Timestamp time{};  // when it began
};

}  // namespace weir::inspect

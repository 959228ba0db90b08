// A full snapshot over the sample repository, and traffic to try it with.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/ip.h"
#include "inspect/engine/snapshot.h"

namespace weir::test {

// Shipped catalogue and rules, default policy, an index of samples/orchard. Made once.
std::shared_ptr<const inspect::Snapshot> sample_snapshot();

// Lines `first` to `last` (1-based) of a file of samples/orchard.
std::string sample_lines(const std::string& path, size_t first, size_t last);

std::string json_escape(std::string_view text);

// A made-up token that a shipped secret rule finds.
std::string sample_secret();

// A TLS record with a ClientHello for `name`.
std::string client_hello(std::string_view name);

// A DNS response: one A record.
std::string dns_answer(std::string_view name, const IpAddress& address);

}  // namespace weir::test

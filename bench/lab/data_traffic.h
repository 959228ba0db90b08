// Sessions about what else leaves: data about machine and person, covert marks in prompts, contacts
// of tools with hosts that nobody documents; and beside each what looks like it and is innocent.
#pragma once

#include <cstdint>

#include "bench/lab/lab_random.h"
#include "bench/lab/traffic.h"
#include "core/time.h"

namespace weir::lab {

// `rounds` of each, one after the other from `start` on, by clients that nothing else is made of.
void add_data_traffic(uint32_t rounds, Timestamp start, LabRandom& random, Traffic& traffic);

// Hosts of the contacts, which no catalogue knows.
inline constexpr const char* kAgentContact = "collector.unlisted.example";
inline constexpr const char* kFingerprintContact = "ingest.unheard.example";
inline constexpr const char* kSharedRegistry = "packages.registry.example";
inline constexpr const char* kLonelyHost = "builds.intranet.example";

}  // namespace weir::lab

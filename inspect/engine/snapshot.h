// Everything that inspection reads and nobody changes: one generation of configuration, shared by
// all workers and swapped as a whole on reload.
#pragma once

#include <cstdint>
#include <memory>

#include "config/user_map.h"
#include "core/limits.h"
#include "inspect/detect/request_detector.h"
#include "inspect/engine/account.h"
#include "inspect/policy/policy.h"
#include "signatures/catalogue.h"

namespace weir::inspect {

// What becomes of a connection that policy cuts: nothing (a replay), resets from beside the path,
// or no more packets, beginning with the one that completed the evidence.
enum class Enforcement : uint8_t { kNothing, kResets, kInPath };

struct Snapshot {
  std::shared_ptr<const signatures::Catalogue> catalogue;  // never null
  std::shared_ptr<const DetectorSet> detectors;            // never null
  Policy policy{{}};
  config::UserMap users;
  CompanyAccounts accounts;
  config::ContactSettings contacts;
  Limits limits;
  uint64_t generation = 1;
};

}  // namespace weir::inspect

// Company policy: ordered rules over what is known of a flow and what was found in it. The
// strictest matching rule wins; among equals the severer, then the first.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "core/evidence.h"
#include "core/finding.h"
#include "core/verdict.h"

namespace weir::inspect {

// The most that a client sent within so many seconds.
struct BurstPeak {
  uint32_t seconds = 0;
  uint64_t bytes = 0;
};

struct PolicyFacts {
  const FlowIdentity* flow = nullptr;  // null: nothing is known of the flow
  std::string_view user;               // empty: the flow's
  uint64_t upload_bytes = 0;
  uint64_t one_upload = 0;  // the most that was sent at one go
  std::span<const BurstPeak> bursts;
  // Ciphertext waits for keys that may still come: no condition on visibility holds yet.
  bool sight_pending = false;
  bool request_read = true;  // of the flow; else no condition on the account holds
  // Sent to telemetry hosts by this client's tool on this day (UTC), where that is what is asked
  // about.
  std::optional<uint64_t> telemetry_day;
  std::span<const Evidence> evidence;  // of one request; empty for the flow as such
};

struct Decision {
  Action action = Action::kAllow;
  Severity severity = Severity::kNone;
  const config::PolicyRule* rule = nullptr;  // null: no rule matched; lives as long as the Policy
};

// The volumes from which on some rule may hold that did not before, each ascending: who measures a
// flow asks again when one is reached.
struct VolumeMarks {
  struct Window {
    uint32_t seconds = 0;
    std::vector<uint64_t> bytes;
  };
  std::vector<uint64_t> up;
  std::vector<uint64_t> one_upload;
  std::vector<Window> bursts;
};

class Policy {
 public:
  explicit Policy(std::vector<config::PolicyRule> rules);
  // Allocates nothing. Decisions point into the policy: keep it until they are read.
  [[nodiscard]] Decision decide(const PolicyFacts& facts) const noexcept;
  // What each rule says of the facts, a line a rule, for `weir policy explain`.
  [[nodiscard]] std::string explain(const PolicyFacts& facts) const;
  [[nodiscard]] const std::vector<config::PolicyRule>& rules() const noexcept { return rules_; }
  [[nodiscard]] const VolumeMarks& volumes() const noexcept { return volumes_; }

 private:
  VolumeMarks volumes_;
  std::vector<config::PolicyRule> rules_;
};

}  // namespace weir::inspect

#include <gtest/gtest.h>

#include "core/counters.h"
#include "core/evidence.h"
#include "core/finding.h"
#include "core/result.h"
#include "core/verdict.h"

namespace weir {
namespace {

struct Sample {
  Counter first;
  Counter second;
};
constexpr CounterTable<Sample, 2> kSampleTable = {{
    {"first", &Sample::first, "one"},
    {"second", &Sample::second, "two"},
}};
static_assert(describes_all(kSampleTable));

TEST(Counters, SumByTable) {
  Sample sum;
  Sample part;
  part.first.add(2);
  part.second.add(3);
  add_counters(sum, part, kSampleTable);
  add_counters(sum, part, kSampleTable);
  EXPECT_EQ(sum.first.get(), 4U);
  EXPECT_EQ(sum.second.get(), 6U);
}

TEST(Verdict, NamesRoundTrip) {
  for (const Action a : {Action::kAllow, Action::kAlert, Action::kReset, Action::kDrop}) {
    EXPECT_EQ(parse_action(to_string(a)), a);
  }
  EXPECT_EQ(parse_severity("critical"), Severity::kCritical);
  EXPECT_EQ(parse_service_status("internal"), ServiceStatus::kInternal);
  EXPECT_EQ(parse_visibility("clear"), Visibility::kClear);
  EXPECT_FALSE(parse_action("Drop"));
  EXPECT_EQ(parse_evidence_kind("anomaly"), EvidenceKind::kAnomaly);
  EXPECT_EQ(to_string(HostSource::kQuicSni), "quic_sni");
}

TEST(Error, NamesThePlaceAsFarAsKnown) {
  EXPECT_EQ((Error{"bad", "f.yaml", 3, 7}.to_string()), "f.yaml:3:7: bad");
  EXPECT_EQ((Error{"bad", "f.yaml", 3, 0}.to_string()), "f.yaml:3: bad");
  EXPECT_EQ((Error{"bad", "f.yaml", 0, 0}.to_string()), "f.yaml: bad");
  EXPECT_EQ((Error{"bad", "", 0, 0}.to_string()), "bad");
}

}  // namespace
}  // namespace weir

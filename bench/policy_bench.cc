// Policy decisions: the default rules, and a policy of 200 rules of which the last decides.
#include <benchmark/benchmark.h>

#include "inspect/policy/policy.h"

namespace weir::inspect {
namespace {

FlowIdentity some_flow() {
  FlowIdentity flow;
  flow.client.ip = IpAddress::v4(0x0A010203);
  flow.protocol = "http";
  flow.service = "acme-chat";
  flow.service_class = "chat";
  flow.status = ServiceStatus::kUnsanctioned;
  flow.host = "chat.acme.example";
  flow.visibility = Visibility::kClear;
  return flow;
}

std::vector<Evidence> some_evidence() {
  std::vector<Evidence> out(3);
  out[0].kind = EvidenceKind::kCode;
  out[0].lines = 3;
  out[1].kind = EvidenceKind::kMarker;
  out[2].kind = EvidenceKind::kCode;
  out[2].lines = 20;
  return out;
}

void run(benchmark::State& state, const Policy& policy, std::string_view winner) {
  const FlowIdentity flow = some_flow();
  const std::vector<Evidence> evidence = some_evidence();
  PolicyFacts facts;
  facts.flow = &flow;
  facts.evidence = evidence;
  for (auto _ : state) {
    const Decision decision = policy.decide(facts);
    benchmark::DoNotOptimize(decision);
    if (decision.rule == nullptr || decision.rule->name != winner) {
      state.SkipWithError("another rule won");
      return;
    }
  }
  state.SetItemsProcessed(state.iterations());
}

void default_rules(benchmark::State& state) {
  run(state, Policy(config::default_policy()), "code leaves");
}
BENCHMARK(default_rules);

void two_hundred_rules(benchmark::State& state) {
  std::vector<config::PolicyRule> rules(200);
  for (size_t i = 0; i < rules.size(); ++i) {
    rules[i].name = std::to_string(i);
    rules[i].then = Action::kAlert;
    rules[i].when.status = config::OneOf<ServiceStatus>{{ServiceStatus::kInternal}, true};
    rules[i].when.host = config::OneOf<std::string>{{"*.other.example", "x.example"}, false};
    rules[i].when.evidence = config::OneOf<EvidenceKind>{{EvidenceKind::kCode}, false};
  }
  rules.back().when.host->values.push_back("*.acme.example");
  run(state, Policy(rules), "199");
}
BENCHMARK(two_hundred_rules);

}  // namespace
}  // namespace weir::inspect

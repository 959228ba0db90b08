// See live_stats.h.
#include "app/report/live_stats.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "alert/native_json.h"

namespace weir::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kMostFlows = 1000;
constexpr size_t kMostServices = 32;

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json good() { return Json{{"ok", true}}; }

uint64_t value_of(const inspect::CounterList& counters, std::string_view name) {
  for (const auto& [key, value] : counters) {
    if (key == name) return value;
  }
  return 0;
}

Json object_of(const inspect::CounterList& counters) {
  Json out = Json::object();
  for (const auto& [name, value] : counters) out[name] = value;
  return out;
}

Json traffic(const inspect::CounterList& counters) {
  Json out;
  for (const char* name : {"packets", "bytes", "kernel_dropped", "interface_dropped"}) {
    out[name] = value_of(counters, std::string("live.") + name);
  }
  out["flows_active"] = value_of(counters, "flow.active");
  return out;
}

Json services_of(const UsageTotals& usage) {
  std::vector<const std::pair<const std::string, ServiceUsage>*> order;
  for (const auto& entry : usage.services) order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return a->second.bytes_up > b->second.bytes_up;
  });
  if (order.size() > kMostServices) order.resize(kMostServices);
  Json out = Json::array();
  for (const auto* entry : order) {
    const ServiceUsage& use = entry->second;
    out.push_back({{"service", entry->first},
                   {"product", use.product},
                   {"class", use.service_class},
                   {"status", std::string(to_string(use.status))},
                   {"clients", use.clients.size()},
                   {"flows", use.flows},
                   {"requests", use.requests},
                   {"bytes_up", use.bytes_up},
                   {"bytes_down", use.bytes_down}});
  }
  return out;
}

Json incidents_of(const AlertDesk& desk) {
  const RecentIncidents recent = desk.recent();
  Json out;
  Json begun;
  uint64_t all = 0;
  for (size_t i = 0; i < recent.begun().size(); ++i) {
    begun[std::string(to_string(static_cast<Severity>(i)))] = recent.begun()[i];
    all += recent.begun()[i];
  }
  out["begun"] = all;
  out["by_severity"] = std::move(begun);
  Json latest = Json::array();
  for (const RecentIncident& one : recent.latest()) {
    latest.push_back({{"id", one.id},
                      {"last_seen", one.last_seen.ns / 1'000'000'000},
                      {"severity", std::string(to_string(one.severity))},
                      {"action", std::string(to_string(one.action))},
                      {"client", one.client},
                      {"user", one.user},
                      {"where", one.where},
                      {"rule", one.rule},
                      {"what", one.what},
                      {"count", one.count},
                      {"generation", one.generation}});
  }
  out["latest"] = std::move(latest);
  return out;
}

}  // namespace

LiveQuestion parse_question(std::string_view text) {
  LiveQuestion out;
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return out;
  const auto what = json.find("do");
  if (what == json.end() || !what->is_string()) return out;
  const auto& word = what->get_ref<const std::string&>();
  using What = LiveQuestion::What;
  if (word == "stats") out.what = What::kStats;
  if (word == "flows") out.what = What::kFlows;
  if (word == "keys") out.what = What::kKeys;
  if (word == "reload") out.what = What::kReload;
  if (word == "reload_state") out.what = What::kReloadState;
  const auto number = json.find("number");
  if (number != json.end() && number->is_number_unsigned()) out.number = number->get<uint64_t>();
  return out;
}

std::string stats_answer(Sensor& sensor, const AlertDesk& desk, const LiveFacts& facts) {
  Json out = good();
  out["version"] = WEIR_VERSION;
  out["uptime_seconds"] = (facts.now.ns - facts.began.ns) / 1'000'000'000;
  out["time_ns"] = facts.now.ns;
  out["generation"] = facts.generation;
  out["reloads"] = facts.reloads;
  out["last_reload"] = {{"good", facts.last_reload_good}, {"message", facts.last_reload}};
  out["snapshots"] = facts.snapshots;
  out["late_workers"] = facts.late_workers;
  out["mode"] = sensor.in_path() ? "inline" : "mirror";
  out["interfaces"] =
      facts.capture != nullptr ? facts.capture->interfaces : std::vector<std::string>{};

  const std::vector<inspect::CounterList> each = sensor.worker_counters();
  inspect::CounterList sum = sum_of(each);
  Json workers = Json::array();
  for (size_t i = 0; i < each.size(); ++i) {
    Json one = each[i].empty() ? Json::object() : traffic(each[i]);
    one["answers"] = !each[i].empty();
    one["queued"] = desk.waiting(i);
    if (i < facts.worker_generations.size()) one["generation"] = facts.worker_generations[i];
    workers.push_back(std::move(one));
  }
  out["traffic"] = traffic(sum);
  out["traffic"]["flows_on_older_snapshots"] = value_of(sum, "flow.on_older_snapshots");
  out["workers"] = std::move(workers);
  const UsageTotals usage = desk.usage();
  out["flows"] = usage.flows;
  out["ai_flows"] = usage.ai_flows;
  out["services"] = services_of(usage);
  out["incidents"] = incidents_of(desk);
  for (const auto& counter : desk.counters()) sum.push_back(counter);
  for (const auto& counter : facts.keys) sum.push_back(counter);
  out["counters"] = object_of(sum);
  return text_of(out);
}

std::string flows_answer(Sensor& sensor, uint64_t count) {
  count = std::min(count == 0 ? 20 : count, kMostFlows);
  struct Found {
    std::mutex mutex;
    std::vector<FlowRecord> flows;
  };
  const auto found = std::make_shared<Found>();
  sensor.on_each_worker([found, count](Sensor::WorkerView& view) {
    std::vector<FlowRecord> part = view.engine.largest_flows(count);
    const std::lock_guard lock(found->mutex);
    std::move(part.begin(), part.end(), std::back_inserter(found->flows));
  });
  const std::lock_guard lock(found->mutex);
  const auto bytes = [](const FlowRecord& r) {
    return r.bytes[Direction::kToServer] + r.bytes[Direction::kToClient];
  };
  std::sort(found->flows.begin(), found->flows.end(),
            [&](const FlowRecord& a, const FlowRecord& b) { return bytes(a) > bytes(b); });
  if (found->flows.size() > count) found->flows.resize(count);
  Json out = good();
  Json list = Json::array();
  for (FlowRecord& flow : found->flows) {
    flow.end = "open";
    list.push_back(Json::parse(alert::flow_json(flow), nullptr, false));
  }
  out["flows"] = std::move(list);
  return text_of(out);
}

std::string counters_answer(std::string_view name, const inspect::CounterList& counters) {
  Json out = good();
  out[std::string(name)] = object_of(counters);
  return text_of(out);
}

std::string reload_answer(uint64_t number) {
  Json out = good();
  out["number"] = number;
  return text_of(out);
}

std::string reload_state_answer(bool done, bool good_one, const std::string& message,
                                uint64_t generation, double seconds) {
  Json out = good();
  out["done"] = done;
  out["good"] = good_one;
  out["message"] = message;
  out["generation"] = generation;
  out["seconds"] = seconds;
  return text_of(out);
}

std::string error_answer(const std::string& message) {
  return text_of(Json{{"ok", false}, {"error", message}});
}

}  // namespace weir::app

// See reload_effect.h.
#include "app/runtime/reload_effect.h"

#include <algorithm>
#include <array>

#include "config/limits_table.h"

namespace weir::app {
namespace {

using config::Settings;

template <auto Section, auto Member>
bool differ(const Settings& a, const Settings& b) {
  return a.*Section.*Member != b.*Section.*Member;
}
template <auto Member>
constexpr auto kCapture = &differ<&Settings::capture, Member>;
template <auto Member>
constexpr auto kSeeInside = &differ<&Settings::see_inside, Member>;
template <auto Member>
constexpr auto kAlerts = &differ<&Settings::alerts, Member>;
template <auto Member>
constexpr auto kHealth = &differ<&Settings::health, Member>;

template <auto Member>
bool resets_differ(const Settings& a, const Settings& b) {
  return a.capture.resets.*Member != b.capture.resets.*Member;
}

bool sinks_differ(const Settings& a, const Settings& b) {
  return !std::equal(a.alerts.sinks.begin(), a.alerts.sinks.end(), b.alerts.sinks.begin(),
                     b.alerts.sinks.end(),
                     [](const config::SinkSettings& x, const config::SinkSettings& y) {
                       return x.type == y.type && x.bind == y.bind && x.path == y.path;
                     });
}

using C = config::CaptureSettings;
using R = config::ResetSettings;

constexpr auto kRows = std::to_array<ReloadRow>({
    {"capture.mode", kCapture<&C::mode>},
    {"capture.interfaces", kCapture<&C::interfaces>},
    {"capture.workers", kCapture<&C::workers>},
    {"capture.ring", kCapture<&C::ring_bytes>},
    {"capture.snaplen", kCapture<&C::snaplen>},
    {"capture.promiscuous", kCapture<&C::promiscuous>},
    {"capture.filter", kCapture<&C::filter>},
    {"capture.cpus", kCapture<&C::cpus>},
    {"capture.queue", kCapture<&C::queue>},
    {"capture.queue_length", kCapture<&C::queue_length>},
    {"capture.mark_bit", kCapture<&C::mark_bit>},
    {"capture.resets.send", &resets_differ<&R::send>},
    {"capture.resets.interface", &resets_differ<&R::interface>},
    {"capture.resets.per_second", &resets_differ<&R::per_second>},
    {"capture.resets.spread", &resets_differ<&R::spread>},
    {"services.status", nullptr},
    {"services.own", nullptr},
    {"protect.indexes", nullptr},
    {"protect.key", nullptr},
    {"protect.min_lines", nullptr},
    {"protect.shapes", nullptr},
    {"signatures.directory", nullptr},
    {"signatures.rules", nullptr},
    {"environment.users", nullptr},
    {"environment.hosts", nullptr},
    {"environment.domains", nullptr},
    {"environment.remotes", nullptr},
    {"accounts.company", nullptr},
    {"contacts.watch", nullptr},
    {"contacts.learn", nullptr},
    {"contacts.near", nullptr},
    {"contacts.allow", nullptr},
    {"see_inside.key_logs", kSeeInside<&config::SeeInsideSettings::key_logs>},
    {"see_inside.server_keys", kSeeInside<&config::SeeInsideSettings::server_keys>},
    {"see_inside.forget",
     [](const Settings& a, const Settings& b) {
       return a.see_inside.forget.ns != b.see_inside.forget.ns;
     }},
    {"see_inside.sessions", kSeeInside<&config::SeeInsideSettings::sessions>},
    {"see_inside.hold",
     [](const Settings& a, const Settings& b) {
       return a.limits.hold_bytes != b.limits.hold_bytes ||
              a.limits.hold_age.ns != b.limits.hold_age.ns;
     }},
    {"policy", nullptr},
    {"fail", [](const Settings& a, const Settings& b) { return a.fail != b.fail; }},
    {"users", nullptr},
    {"alerts.store", kAlerts<&config::AlertSettings::store>},
    {"alerts.budget", kAlerts<&config::AlertSettings::store_budget>},
    {"alerts.sinks", &sinks_differ},
    {"alerts.window",
     [](const Settings& a, const Settings& b) { return a.alerts.window.ns != b.alerts.window.ns; }},
    {"control.socket",
     [](const Settings& a, const Settings& b) { return a.control.socket != b.control.socket; }},
    {"health.dropped", kHealth<&config::HealthSettings::dropped>},
    {"health.unseen", kHealth<&config::HealthSettings::unseen>},
    {"health.every",
     [](const Settings& a, const Settings& b) { return a.health.every.ns != b.health.every.ns; }},
});

}  // namespace

std::span<const ReloadRow> reload_rows() noexcept { return kRows; }

std::vector<std::string> needs_restart(const Settings& running, const Settings& wanted) {
  std::vector<std::string> out;
  for (const ReloadRow& row : kRows) {
    if (row.differs != nullptr && row.differs(running, wanted)) out.emplace_back(row.key);
  }
  for (const config::LimitRow& row : config::limit_rows()) {
    if (config::limit_value(row, running.limits) != config::limit_value(row, wanted.limits)) {
      out.push_back("limits." + std::string(row.name));
    }
  }
  return out;
}

}  // namespace weir::app

// See recent_incidents.h.
#include "app/report/recent_incidents.h"

#include <algorithm>
#include <utility>

namespace weir::app {
namespace {

std::string what_of(const alert::Incident& incident) {
  if (incident.evidence.empty()) return {};
  const Evidence& piece = incident.evidence.front();
  if (piece.path.empty()) return piece.title.empty() ? piece.rule : piece.title;
  return piece.repository + "/" + piece.path;
}

std::string where_of(const FlowIdentity& flow) {
  if (!flow.product.empty()) return flow.product;
  return flow.host.empty() ? flow.server.ip.to_string() : flow.host;
}

}  // namespace

void RecentIncidents::on_incident(const alert::Incident& incident,
                                  alert::IncidentActivity activity) {
  if (activity == alert::IncidentActivity::kClose) return;
  if (activity == alert::IncidentActivity::kCreate) {
    ++begun_[static_cast<size_t>(incident.severity)];
  }
  std::erase_if(latest_, [&](const RecentIncident& one) { return one.id == incident.id; });
  RecentIncident out;
  out.id = incident.id;
  out.last_seen = incident.last_seen;
  out.severity = incident.severity;
  out.action = incident.action;
  out.client = incident.flow.client.ip.to_string();
  out.user = incident.flow.user;
  out.where = where_of(incident.flow);
  out.rule = incident.rule;
  out.what = what_of(incident);
  out.count = incident.count;
  out.generation = incident.generation;
  latest_.push_front(std::move(out));
  if (latest_.size() > kKept) latest_.pop_back();
}

}  // namespace weir::app

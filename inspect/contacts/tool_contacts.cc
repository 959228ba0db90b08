// See tool_contacts.h.
#include "inspect/contacts/tool_contacts.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "config/host_pattern.h"
#include "core/hash.h"
#include "inspect/engine/related_names.h"

namespace weir::inspect {
namespace {

constexpr Duration kHold = Duration::seconds(3'600);      // for a session that may end later
constexpr Duration kTellFor = Duration::seconds(86'400);  // after the first contact
constexpr Duration kSweep = Duration::seconds(10);
constexpr size_t kSessions = 16;  // of a client
constexpr size_t kFlows = 64;     // that wait, of a client
constexpr size_t kWide = 8;       // registered domains, beyond which a fingerprint is anyone's
constexpr int64_t kDay = 86'400'000'000'000;

std::string key_of(const IpAddress& ip) { return std::string(as_chars(ByteSpan(ip.bytes))); }

uint64_t client_bit(const IpAddress& ip) noexcept {
  constexpr HashKey kKey = {{0x636c69656e742062ULL, 0x6974206f66206970ULL}};
  return uint64_t{1} << (siphash(kKey, ByteSpan(ip.bytes)) & 63U);
}

bool one_of(std::string_view word, std::initializer_list<std::string_view> words) noexcept {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string counted(uint64_t n, const char* what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

std::string date_of(int64_t day) {
  // Civil date of a day since 1970, in eras of 400 years that begin on 1 March.
  const int64_t shifted = day + 719'468;
  const int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
  const int64_t of_era = shifted - era * 146'097;
  const int64_t year = (of_era - of_era / 1'460 + of_era / 36'524 - of_era / 146'096) / 365;
  const int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
  const int64_t month = (5 * of_year + 2) / 153;
  const auto two = [](int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  const int64_t number = month < 10 ? month + 3 : month - 9;
  return std::to_string(year + era * 400 + (number <= 2 ? 1 : 0)) + "-" + two(number) + "-" +
         two(of_year - (153 * month + 2) / 5 + 1);
}

}  // namespace

ToolContacts::ToolContacts(std::shared_ptr<const Snapshot> snapshot, std::optional<Duration> learn)
    : snapshot_(std::move(snapshot)),
      learn_(learn),
      max_clients_(snapshot_->limits.contact_clients),
      max_flows_(snapshot_->limits.contact_flows),
      memory_(snapshot_->limits.contact_hosts, counters_) {
  set_snapshot(snapshot_);
}

void ToolContacts::set_snapshot(std::shared_ptr<const Snapshot> snapshot) {
  snapshot_ = std::move(snapshot);
  std::vector<config::PolicyRule> rules = snapshot_->policy.rules();
  std::erase_if(rules, [](const config::PolicyRule& rule) {
    return !rule.when.evidence && !rule.when.content_rule && !rule.when.telemetry;
  });
  policy_ = Policy(std::move(rules));
}

// A fingerprint alone names a library: it needs a host that the tool's vendor documents.
ToolContacts::Recognised ToolContacts::recognise(const FlowRecord& record) const {
  const FlowIdentity& flow = record.flow;
  const signatures::Catalogue& catalogue = *snapshot_->catalogue;
  const signatures::Tool* by_ja4 = flow.ja4.empty() ? nullptr : catalogue.tool_by_ja4(flow.ja4);
  const bool ai_client = !flow.tool.empty() && catalogue.is_ai_client(flow.tool);
  if (ai_client && (!flow.tool_version.empty() || by_ja4 == nullptr || by_ja4->id != flow.tool)) {
    return {flow.tool, true};
  }
  if (by_ja4 == nullptr || catalogue.is_browser(by_ja4->id)) return {};
  if (ai_client) {
    return catalogue.documents(flow.tool, flow.host).value_or(false) ? Recognised{flow.tool, false}
                                                                     : Recognised{};
  }
  // What host and fingerprint say together, where a name alone could be anyone's: of the API, say.
  const signatures::ServiceMatch match = catalogue.match_request(flow.host, "", by_ja4->id);
  if (match.face == nullptr ||
      !one_of(match.face->service_class, {"coding_agent", "code_completion"})) {
    return {};
  }
  const signatures::Tool* tool = catalogue.documented_by(flow.host);
  return tool == nullptr ? Recognised{} : Recognised{tool->id, false};
}

ToolContacts::Client& ToolContacts::client_of(const IpAddress& ip) {
  std::string key = key_of(ip);
  if (const auto found = clients_.find(key); found != clients_.end()) {
    ages_.splice(ages_.begin(), ages_, found->second.age);
    return found->second;
  }
  if (clients_.size() >= max_clients_ && !ages_.empty()) {
    const auto oldest = clients_.find(key_of(ages_.back()));
    waiting_ -= oldest->second.waiting.size();
    counters_.flows_dropped.add(oldest->second.waiting.size());
    counters_.clients_dropped.add();
    clients_.erase(oldest);
    ages_.pop_back();
  }
  ages_.push_front(ip);
  Client& made = clients_[std::move(key)];
  made.age = ages_.begin();
  return made;
}

void ToolContacts::add_session(Client& client, const Recognised& tool, const FlowRecord& record) {
  // Of the others nothing would follow.
  if (!snapshot_->catalogue->documents(tool.tool, record.flow.host)) return;
  counters_.sessions.add();
  const FlowIdentity& flow = record.flow;
  const Duration near = snapshot_->contacts.near;
  for (Session& known : client.sessions) {
    if (known.tool != tool.tool || known.ja4 != flow.ja4) continue;
    if (!tool.by_agent || known.version == flow.tool_version || known.version.empty()) {
      const bool together = record.first <= known.last + near && known.first <= record.last + near;
      if (!together) continue;
      known.first = std::min(known.first, record.first);
      known.last = std::max(known.last, record.last);
      if (known.version.empty()) known.version = flow.tool_version;
      return;
    }
  }
  if (client.sessions.size() >= kSessions) {
    client.sessions.erase(
        std::min_element(client.sessions.begin(), client.sessions.end(),
                         [](const Session& a, const Session& b) { return a.last < b.last; }));
  }
  client.sessions.push_back({tool.tool, flow.tool_version, flow.ja4, record.first, record.last});
}

bool ToolContacts::wide(const Client& client, const std::string& ja4, Timestamp at) const noexcept {
  return std::any_of(client.wide.begin(), client.wide.end(),
                     [&](const auto& entry) { return entry.first == ja4 && at <= entry.second; });
}

void ToolContacts::wait(Client& client, const FlowRecord& record) {
  const std::string& ja4 = record.flow.ja4;
  if (wide(client, ja4, record.first)) return counters_.wide.add();
  const auto drop_fingerprint = [&](const std::string& which, Counter& reason) {
    const size_t before = client.waiting.size();
    std::erase_if(client.waiting, [&](const Waiting& w) { return w.flow.ja4 == which; });
    waiting_ -= before - client.waiting.size();
    reason.add(before - client.waiting.size());
  };
  std::set<std::string_view> domains = {registered_domain(record.flow.host)};
  for (const Waiting& other : client.waiting) {
    if (other.flow.ja4 == ja4) domains.insert(registered_domain(other.flow.host));
  }
  if (domains.size() > kWide) {
    constexpr size_t kWideKept = 16;
    if (client.wide.size() >= kWideKept) client.wide.erase(client.wide.begin());
    client.wide.emplace_back(ja4, record.last + kHold);
    counters_.wide.add();
    return drop_fingerprint(ja4, counters_.wide);
  }
  if (waiting_ >= max_flows_) return counters_.flows_dropped.add();
  if (client.waiting.size() >= kFlows) {
    // The fingerprint that has the most of them makes room: it is not the tool that is looked for.
    std::map<std::string_view, size_t> sizes;
    for (const Waiting& w : client.waiting) ++sizes[w.flow.ja4];
    const auto most =
        std::max_element(sizes.begin(), sizes.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    const auto oldest = std::find_if(client.waiting.begin(), client.waiting.end(),
                                     [&](const Waiting& w) { return w.flow.ja4 == most->first; });
    client.waiting.erase(oldest);
    --waiting_;
    counters_.flows_dropped.add();
  }
  Waiting made{record.flow, record.first, record.last, record.bytes[Direction::kToServer],
               record.bytes[Direction::kToClient]};
  made.flow.names.clear();
  client.waiting.push_back(std::move(made));
  ++waiting_;
}

const ToolContacts::Session* ToolContacts::near(const Client& client,
                                                const Waiting& flow) const noexcept {
  const Duration near = snapshot_->contacts.near;
  const Session* best = nullptr;
  for (const Session& session : client.sessions) {
    if (session.ja4 != flow.flow.ja4 || session.first > flow.first + near ||
        flow.first > session.last + near) {
      continue;
    }
    // One that knows its version says more.
    if (best == nullptr || (best->version.empty() && !session.version.empty())) best = &session;
  }
  return best;
}

bool ToolContacts::allowed(const FlowIdentity& flow) const noexcept {
  if (flow.status == ServiceStatus::kInternal || flow.host.find('.') == std::string::npos ||
      flow.host.ends_with(".local")) {
    return true;
  }
  return std::any_of(
      snapshot_->contacts.allow.begin(), snapshot_->contacts.allow.end(),
      [&](const std::string& pattern) { return config::host_matches(pattern, flow.host); });
}

// A host that many share is telemetry of the tool whose vendor says that it sends there.
bool ToolContacts::is_telemetry_of(const std::string& tool, FlowIdentity& flow) const {
  if (flow.service_class == "telemetry") return true;
  if (!flow.service.empty()) return false;
  const signatures::Catalogue& catalogue = *snapshot_->catalogue;
  const signatures::ServiceMatch match = catalogue.match_host(flow.host);
  if (match.face == nullptr || match.face->service_class != "telemetry" ||
      !catalogue.documents(tool, flow.host).value_or(false)) {
    return false;
  }
  flow.service = match.face->service;
  flow.product = match.face->product;
  flow.vendor = match.face->vendor;
  flow.service_class = match.face->service_class;
  flow.status = match.face->status;
  return true;
}

void ToolContacts::tell(Finding&& finding, const PolicyFacts& facts,
                        std::vector<Finding>& out) const {
  PolicyFacts all = facts;
  all.flow = &finding.flow;
  all.upload_bytes = finding.upload_bytes;
  all.evidence = finding.evidence;
  const Decision decision = policy_.decide(all);
  finding.action = decision.action;
  finding.severity = decision.severity;
  if (decision.rule != nullptr) finding.rule = decision.rule->name;
  finding.generation = snapshot_->generation;
  out.push_back(std::move(finding));
}

void ToolContacts::contact(const Session& tool, Waiting&& flow, bool by_agent,
                           std::vector<Finding>& out) {
  if (allowed(flow.flow)) return counters_.allowed.add();
  const Duration period = learn_.value_or(snapshot_->contacts.learn);
  if (memory_.learning(flow.last, period)) return memory_.learn(tool.tool, flow.flow.host);
  if (memory_.learnt(tool.tool, flow.flow.host)) return counters_.known.add();
  (by_agent ? counters_.by_agent : counters_.by_fingerprint).add();
  const ContactSum sum = memory_.add(
      {tool.tool, tool.version, flow.flow.host},
      {flow.first, flow.last, 1, flow.bytes_up, flow.bytes_down, client_bit(flow.flow.client.ip)});
  if (flow.first - sum.first > kTellFor) return counters_.told_before.add();
  Finding finding;
  finding.time = flow.last;
  finding.upload_bytes = sum.bytes_up;
  finding.flow = std::move(flow.flow);
  finding.flow.tool = tool.tool;
  finding.flow.tool_version = tool.version;
  Evidence piece;
  piece.kind = EvidenceKind::kAnomaly;
  piece.rule = "undocumented_host";
  piece.title = "a host that the vendor of the tool does not document";
  piece.data_class = "undocumented_host";
  piece.field = finding.flow.host;
  piece.score = by_agent ? 0.9 : 0.5;
  piece.where = by_agent ? "user agent" : "TLS fingerprint and time";
  piece.detail = tool.tool + (tool.version.empty() ? "" : " " + tool.version) + " to " +
                 finding.flow.host + ": " + counted(sum.flows, "connection") + ", " +
                 std::to_string(sum.bytes_up) + " bytes up, " + std::to_string(sum.bytes_down) +
                 " down, by " +
                 counted(static_cast<uint64_t>(__builtin_popcountll(sum.clients)), "client");
  finding.evidence.push_back(std::move(piece));
  counters_.told.add();
  tell(std::move(finding), {}, out);
}

void ToolContacts::telemetry(const std::string& tool, const FlowIdentity& flow, Timestamp last,
                             uint64_t bytes, std::vector<Finding>& out) {
  if (bytes == 0) return;
  counters_.telemetry.add();
  const int64_t today = last.ns / kDay;
  if (days_.size() >= max_clients_) {
    // Days that are over; if that is not enough, sums begin anew.
    std::erase_if(days_, [today](const auto& entry) { return entry.second.day < today; });
    if (days_.size() >= max_clients_) {
      counters_.hosts_dropped.add(days_.size());
      days_.clear();
    }
  }
  Day& day = days_[{flow.client.ip, tool, flow.host}];
  if (day.day != today) day = {today, 0};
  day.bytes += bytes;
  uint64_t of_tool = 0;
  for (auto it = days_.lower_bound({flow.client.ip, tool, ""});
       it != days_.end() && it->first.client == flow.client.ip && it->first.tool == tool; ++it) {
    if (it->second.day == today) of_tool += it->second.bytes;
  }
  Finding finding;
  finding.flow = flow;
  finding.flow.tool = tool;
  finding.time = last;
  finding.upload_bytes = of_tool;
  Evidence piece;
  piece.kind = EvidenceKind::kAnomaly;
  piece.rule = "telemetry_host";
  piece.title = "telemetry of a tool";
  piece.data_class = "telemetry";
  piece.field = flow.host;
  piece.score = 0.9;
  piece.where = "flow";
  piece.detail = tool + " to " + flow.host + " on " + date_of(today) + ": " +
                 std::to_string(day.bytes) + " bytes up; to all telemetry hosts " +
                 std::to_string(of_tool);
  finding.evidence.push_back(std::move(piece));
  PolicyFacts facts;
  facts.telemetry_day = of_tool;
  tell(std::move(finding), facts, out);
}

void ToolContacts::judge(Client& client, bool all, std::vector<Finding>& out) {
  const Duration near_by = snapshot_->contacts.near;
  for (size_t i = 0; i < client.waiting.size();) {
    Waiting& flow = client.waiting[i];
    const Session* session = near(client, flow);
    const bool due = all || now_ - flow.last > (session != nullptr ? near_by : kHold);
    if (!due) {
      ++i;
      continue;
    }
    if (session == nullptr) {
      // A client without the tool goes there with the tool's fingerprint, too.
      memory_.mark_common(flow.flow.host);
    } else if (is_telemetry_of(session->tool, flow.flow)) {
      telemetry(session->tool, flow.flow, flow.last, flow.bytes_up, out);
    } else if (snapshot_->catalogue->documents(session->tool, flow.flow.host) == false) {
      if (memory_.common(flow.flow.host)) {
        counters_.common.add();
      } else {
        const Session tool = *session;
        contact(tool, std::move(flow), false, out);
      }
    }
    client.waiting.erase(client.waiting.begin() + static_cast<ptrdiff_t>(i));
    --waiting_;
  }
}

void ToolContacts::observe(FlowRecord& record, std::vector<Finding>& out) {
  if (!snapshot_->contacts.watch) return;
  FlowIdentity& flow = record.flow;
  advance(record.last, out);
  if (flow.host.empty() || flow.host_source == HostSource::kIp || flow.protocol == "dns" ||
      IpAddress::parse(flow.host)) {
    return;
  }
  if (!flow.ja4.empty()) memory_.meet(flow.host, flow.ja4);
  const Recognised tool = recognise(record);
  const signatures::Catalogue& catalogue = *snapshot_->catalogue;
  if (tool.tool.empty()) {
    const signatures::Tool* by_ja4 = flow.ja4.empty() ? nullptr : catalogue.tool_by_ja4(flow.ja4);
    const bool browser = by_ja4 != nullptr && catalogue.is_browser(by_ja4->id);
    if (flow.ja4.empty() || browser || allowed(flow)) return;
    Client& client = client_of(flow.client.ip);
    wait(client, record);
    return judge(client, false, out);
  }
  Client& client = client_of(flow.client.ip);
  add_session(client, tool, record);
  // Requests to telemetry paths beside others, or a whole flow of it.
  const bool all_telemetry = is_telemetry_of(tool.tool, flow);
  telemetry(tool.tool, flow, record.last,
            all_telemetry ? record.bytes[Direction::kToServer] : record.telemetry_bytes, out);
  if (tool.by_agent && !all_telemetry && catalogue.documents(tool.tool, flow.host) == false) {
    Waiting direct{flow, record.first, record.last, record.bytes[Direction::kToServer],
                   record.bytes[Direction::kToClient]};
    direct.flow.names.clear();
    contact({tool.tool, flow.tool_version, flow.ja4, record.first, record.last}, std::move(direct),
            true, out);
  }
  judge(client, false, out);
}

void ToolContacts::advance(Timestamp now, std::vector<Finding>& out) {
  now_ = std::max(now_, now);
  if (now_ - swept_ < kSweep) return;
  swept_ = now_;
  for (auto it = ages_.begin(); it != ages_.end();) {
    const auto entry = clients_.find(key_of(*it));
    Client& client = entry->second;
    judge(client, false, out);
    const auto over = [this](Timestamp last) { return now_ - last > kHold; };
    std::erase_if(client.sessions, [&](const Session& s) { return over(s.last); });
    std::erase_if(client.wide, [&](const auto& w) { return w.second < now_; });
    if (client.sessions.empty() && client.waiting.empty() && client.wide.empty()) {
      clients_.erase(entry);
      it = ages_.erase(it);
    } else {
      ++it;
    }
  }
}

void ToolContacts::finish(std::vector<Finding>& out) {
  for (const IpAddress& ip : ages_) judge(clients_[key_of(ip)], true, out);
  clients_.clear();
  ages_.clear();
  waiting_ = 0;
}

}  // namespace weir::inspect

// See flow_dossier.h.
#include "inspect/engine/flow_dossier.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "inspect/engine/head_text.h"
#include "inspect/engine/related_names.h"
#include "inspect/engine/shown_head.h"

namespace weir::inspect {

namespace {

constexpr size_t kMaxNames = 16;  // kept of one flow
constexpr size_t kMaxTold = 32;
constexpr size_t kMaxHostBytes = 255;

// Lower case, without port and final dot; bytes that no host name holds become '?'.
std::string clean_host(std::string_view host) {
  if (host.starts_with('[')) {
    const size_t close = host.find(']');
    host = host.substr(1, close == std::string_view::npos ? close : close - 1);
  } else if (const size_t colon = host.find(':');
             colon != std::string_view::npos &&
             host.find(':', colon + 1) == std::string_view::npos) {
    host = host.substr(0, colon);
  }
  if (host.ends_with('.')) host.remove_suffix(1);
  std::string out(host);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c <= ' ' || c > '~') c = '?';
  }
  return out;
}

bool is_data(const Evidence& e) noexcept {
  return e.kind == EvidenceKind::kEnvironment || e.kind == EvidenceKind::kAnomaly;
}

}  // namespace

FlowDossier::FlowDossier(EngineServices& services, const Endpoint& client, const Endpoint& server,
                         uint8_t ip_protocol, uint32_t encapsulation)
    : services_(services), meter_(services.snapshot->policy.volumes()) {
  id_.client = client;
  id_.server = server;
  id_.ip_protocol = ip_protocol;
  id_.encapsulation = encapsulation;
  id_.protocol = "unknown";
  id_.user = services.snapshot->users.user_of(client.ip);
}

void FlowDossier::classify(const signatures::ServiceMatch& match) noexcept {
  match_ = match;
  if (match.face == nullptr) {
    id_.service.clear();
    id_.product.clear();
    id_.vendor.clear();
    id_.service_class.clear();
    id_.status = ServiceStatus::kUnknown;
    return;
  }
  const auto weight = [](const signatures::ServiceMatch& m) {
    // Telemetry and warm-up calls on a connection do not say what the connection is for.
    return static_cast<int>(m.strength) * 2 +
           (m.face != nullptr && m.face->service_class != "telemetry" ? 1 : 0);
  };
  if (flow_match_.face == nullptr || weight(match) > weight(flow_match_)) flow_match_ = match;
  id_.service = match.face->service;
  id_.product = match.face->product;
  id_.vendor = match.face->vendor;
  id_.service_class = match.face->service_class;
  id_.status = match.face->status;
}

void FlowDossier::learn_name(HostSource source, std::string_view host) noexcept {
  if (host.empty() || host.size() > kMaxHostBytes + 6) return;
  std::string name = clean_host(host);
  if (name.empty()) return;
  keep_announced(source, name);
  const std::pair<HostSource, std::string> entry(source, name);
  const bool known = std::find(id_.names.begin(), id_.names.end(), entry) != id_.names.end();
  if (!known) keep_name(entry);
  if (source == id_.host_source && name == id_.host) return;
  if (source < id_.host_source && !says_more_than_tunnel(source, name)) return;
  // The first name of a certificate stands for all, unless a later one is an AI service's.
  if (source == HostSource::kCertificate && id_.host_source == source &&
      (!id_.service.empty() || !services_.snapshot->catalogue->match_host(name).classifies())) {
    return;
  }
  in_tunnel_ = false;
  id_.host = std::move(name);
  id_.host_source = source;
  if (source == HostSource::kHttp) return;  // learn_request says which service
  // A stronger name overrules what a weaker one said, also when it is no AI service's: addresses
  // are shared by many names.
  flow_match_ = {};
  const signatures::ServiceMatch match = services_.snapshot->catalogue->match_host(id_.host);
  classify(match.classifies() ? match : signatures::ServiceMatch{});
}

// By themselves: the list of names has an end, and names that come early could fill it.
void FlowDossier::keep_announced(HostSource source, const std::string& name) {
  if (source == HostSource::kSni || source == HostSource::kQuicSni) sni_ = name;
  if (source == HostSource::kDns) dns_name_ = name;
}

void FlowDossier::keep_name(const std::pair<HostSource, std::string>& entry) {
  if (id_.names.size() < kMaxNames) {
    id_.names.push_back(entry);
  } else {
    services_.counters.names_dropped.add();
  }
}

void FlowDossier::enter_tunnel(std::string_view connected_to) noexcept {
  in_tunnel_ = true;
  connected_to_ =
      connected_to.size() <= kMaxHostBytes + 6 ? clean_host(connected_to) : std::string();
}

void FlowDossier::note_outer_name(HostSource source, std::string_view name) noexcept {
  if (name.empty() || name.size() > kMaxHostBytes) return;
  const std::pair<HostSource, std::string> entry(source, clean_host(name));
  keep_announced(source, entry.second);
  if (std::find(id_.names.begin(), id_.names.end(), entry) != id_.names.end()) return;
  if (id_.host_source < HostSource::kDns) {
    id_.host = entry.second;
    id_.host_source = source;
  }
  keep_name(entry);
}

void FlowDossier::learn_certificate(const std::vector<std::string>& names) noexcept {
  if (names.empty()) return;
  certificate_ = names;
  for (const std::string& name : names) learn_name(HostSource::kCertificate, name);
}

bool FlowDossier::belong_together(std::string_view a, std::string_view b) const noexcept {
  if (a == b || registered_domain(a) == registered_domain(b)) return true;
  const signatures::Catalogue& catalogue = *services_.snapshot->catalogue;
  const signatures::ServiceMatch of_a = catalogue.match_host(a);
  const signatures::ServiceMatch of_b = catalogue.match_host(b);
  // Nobody here minds where a connection goes that touches no AI service.
  if (!of_a.classifies() && !of_b.classifies()) return true;
  if (of_a.face == nullptr || of_b.face == nullptr) return false;
  return of_a.face->service == of_b.face->service ||
         (!of_a.face->vendor.empty() && of_a.face->vendor == of_b.face->vendor);
}

void FlowDossier::tell_conflict(const Conflict& conflict) noexcept {
  constexpr size_t kMaxConflicts = 8;
  std::pair<std::string, std::string> told(conflict.rule, conflict.asked_for);
  if (std::find(conflicts_.begin(), conflicts_.end(), told) != conflicts_.end()) return;
  if (conflicts_.size() >= kMaxConflicts) return services_.counters.conflicts_dropped.add();
  conflicts_.push_back(std::move(told));
  Evidence piece;
  piece.kind = EvidenceKind::kAnomaly;
  piece.rule = conflict.rule;
  piece.title = "a request for another host than " + std::string(conflict.announced_by) + " names";
  piece.score = conflict.score;
  piece.where = "names";
  piece.detail = std::string(conflict.announced_by) + ": " + std::string(conflict.announced) +
                 ", asked for: " + std::string(conflict.asked_for);
  piece.excerpt = piece.detail.substr(0, services_.limits.excerpt_bytes);
  std::vector<Evidence> evidence;
  evidence.push_back(std::move(piece));
  tell({}, std::move(evidence));
}

void FlowDossier::check_host(std::string_view host, bool inside_tls) noexcept {
  if (host.empty() || host.size() > kMaxHostBytes + 6) return;
  const std::string asked = clean_host(host);
  if (IpAddress::parse(asked)) return;
  // Where ECH was accepted the visible name is not the one that was meant.
  if (inside_tls && !sni_.empty() && !hidden_name_) {
    if (certificate_covers(certificate_, asked) || belong_together(sni_, asked)) return;
    // Whether the certificate is for both names decides; after a resumption nobody saw it.
    constexpr double kSurely = 0.9;
    constexpr double kPerhaps = 0.4;
    tell_conflict(
        {"domain_fronting", "SNI", sni_, asked, certificate_.empty() ? kPerhaps : kSurely});
  } else if (!inside_tls && sni_.empty() && !dns_name_.empty() &&
             id_.protocol.starts_with("http") && connected_to_.empty() &&
             !belong_together(dns_name_, asked)) {
    tell_conflict({"host_not_in_dns", "DNS", dns_name_, asked, 0.4});
  }
}

void FlowDossier::check_tunnel(std::string_view sni) noexcept {
  if (connected_to_.empty() || sni.empty() || hidden_name_ || IpAddress::parse(connected_to_))
    return;
  if (belong_together(connected_to_, sni)) return;
  tell_conflict({"connect_mismatch", "CONNECT", connected_to_, sni, 0.8});
}

bool FlowDossier::says_more_than_tunnel(HostSource source, std::string_view name) const noexcept {
  if (!in_tunnel_ || source < HostSource::kCertificate) return false;
  if (IpAddress::parse(id_.host)) return true;
  return id_.service.empty() && services_.snapshot->catalogue->match_host(name).classifies();
}

void FlowDossier::note_question(std::string_view name) noexcept {
  if (name.empty() || name.size() > kMaxHostBytes) return;
  const std::pair<HostSource, std::string> entry(HostSource::kDns, clean_host(name));
  if (std::find(id_.names.begin(), id_.names.end(), entry) != id_.names.end()) return;
  if (id_.host.empty() || id_.host_source < HostSource::kDns) {
    id_.host = entry.second;
    id_.host_source = HostSource::kDns;
  }
  keep_name(entry);
}

void FlowDossier::learn_ja(std::string_view ja3, std::string_view ja4) noexcept {
  id_.ja3 = ja3;
  id_.ja4 = ja4;
  if (!id_.tool.empty()) return;
  if (const signatures::Tool* tool = services_.snapshot->catalogue->tool_by_ja4(ja4)) {
    id_.tool = tool->id;
    const signatures::ServiceMatch match =
        services_.snapshot->catalogue->match_request(id_.host, "", id_.tool);
    if (match.strength == signatures::MatchStrength::kRequest) classify(match);
  }
}

void FlowDossier::not_seen(VisibilityReason reason) noexcept {
  if (id_.visibility != Visibility::kMetadata) return;
  const bool sealed = reason == VisibilityReason::kNoKey || reason == VisibilityReason::kQuic;
  id_.visibility_reason = sealed && hidden_name_ ? VisibilityReason::kEch : reason;
}

void FlowDossier::nothing_sent(Visibility v) noexcept {
  if (v <= id_.visibility) return;
  raise_visibility(v);
  if (id_.visibility_reason == VisibilityReason::kNone) {
    id_.visibility_reason = VisibilityReason::kNoData;
  }
}

void FlowDossier::only_partly_seen(VisibilityReason reason) noexcept {
  if (partly_ == VisibilityReason::kNone) partly_ = reason;
  if (id_.visibility == Visibility::kMetadata) return;
  id_.visibility = Visibility::kPartly;
  id_.visibility_reason = partly_;
}

void FlowDossier::set_sight_pending(bool pending) noexcept {
  if (pending) {
    ++sight_pending_;
  } else if (sight_pending_ > 0 && --sight_pending_ == 0) {
    judge_flow();
  }
}

void FlowDossier::note_hidden_name() noexcept {
  hidden_name_ = true;
  not_seen(id_.visibility_reason);
}

void FlowDossier::note_sight(std::string_view sight, std::string_view fault) noexcept {
  id_.sight = sight;
  if (!fault.empty() && fault != "none") id_.sight += ": " + std::string(fault);
}

void FlowDossier::continue_from(const FlowDossier& other) {
  FlowIdentity id = other.id_;
  id.client = id_.client;
  id.server = id_.server;
  id.encapsulation = id_.encapsulation;
  id_ = std::move(id);
  sni_ = other.sni_;
  dns_name_ = other.dns_name_;
  certificate_ = other.certificate_;
  hidden_name_ = other.hidden_name_;
  // By the own generation: the other's may be an older one.
  const signatures::ServiceMatch match = services_.snapshot->catalogue->match_host(id_.host);
  if (match.classifies()) classify(match);
}

void FlowDossier::learn_user_agent(std::string_view user_agent) noexcept {
  if (user_agent.empty()) return;
  const signatures::Tool* tool = services_.snapshot->catalogue->tool_by_user_agent(user_agent);
  if (tool == nullptr) return;
  id_.tool = tool->id;
  const std::string_view version = services_.snapshot->catalogue->tool_version(user_agent);
  if (!version.empty()) id_.tool_version = version;
}

void FlowDossier::learn_account(const MessageHead& head) {
  note_account(account_of(head, services_.snapshot->accounts, *services_.snapshot->catalogue));
}

void FlowDossier::note_account(const AccountSight& sight) {
  if (!sight.credential.empty()) id_.credential = sight.credential;
  if (!sight.organization.empty()) id_.organization = sight.organization;
  if (sight.account == Account::kUnknown) return;
  id_.account = sight.account;
  account_ = std::max(account_, sight.account);
}

void FlowDossier::learn_request(std::string_view host, std::string_view target) noexcept {
  const signatures::ServiceMatch match = services_.snapshot->catalogue->match_request(
      host.empty() ? id_.host : host, target, id_.tool);
  if (match.classifies()) {
    classify(match);
  } else if (!host.empty()) {
    classify({});  // another host on the same connection (a proxy), which is no AI service
  }
}

void FlowDossier::judge_flow(const RequestInfo& request) noexcept {
  if (id_.service.empty() && id_.names.empty()) {
    // No name at all: the address is all there is.
    const auto match = services_.snapshot->catalogue->match_address(id_.server.ip);
    if (match.face != nullptr) {
      classify(match);
      id_.host_source = HostSource::kIp;
    }
  }
  const Decision decision = services_.snapshot->policy.decide(facts());
  raise_action(decision.action);
  if (decision.action == Action::kAllow || decision.rule == nullptr) return;
  const std::pair told(decision.rule, match_.face);
  if (std::find(told_.begin(), told_.end(), told) != told_.end() || told_.size() >= kMaxTold)
    return;
  told_.push_back(told);
  emit(decision, RequestInfo(request), {});
}

// Data about machine and person, and marks, matter where an AI service or a known agent is at work,
// through a gateway that nobody knows too; the vendor's word on them stands in the catalogue.
void FlowDossier::weigh_data(std::vector<Evidence>& evidence) const {
  const signatures::Catalogue& catalogue = *services_.snapshot->catalogue;
  const bool matters = !id_.service.empty() || catalogue.is_ai_client(id_.tool);
  std::erase_if(evidence, [&](const Evidence& e) { return is_data(e) && !matters; });
  for (Evidence& e : evidence) {
    if (e.kind != EvidenceKind::kEnvironment) continue;
    e.documented =
        e.documented || catalogue.documents_data(id_.service, id_.tool, e.data_class, e.field);
  }
}

void FlowDossier::judge_so_far(std::vector<Evidence>& evidence) noexcept {
  weigh_data(evidence);
  note_lines(evidence);
  PolicyFacts facts = this->facts();
  facts.evidence = evidence;
  raise_action(services_.snapshot->policy.decide(facts).action);
}

void FlowDossier::report(RequestInfo&& request, std::vector<Evidence>&& evidence) noexcept {
  weigh_data(evidence);
  if (evidence.empty()) return;
  note_lines(evidence);
  told_lines_ = lines_;
  for (const Evidence& e : evidence) note_account({e.account, "", ""});
  // Data and marks are findings of their own, each class and field, so that they join incidents by
  // themselves and a leak of code is about the code alone.
  const auto data = std::stable_partition(evidence.begin(), evidence.end(),
                                          [](const Evidence& e) { return !is_data(e); });
  std::vector<Evidence> apart(std::make_move_iterator(data),
                              std::make_move_iterator(evidence.end()));
  evidence.erase(data, evidence.end());
  for (Evidence& piece : apart) {
    RequestInfo shown = request;
    if (shown.path.size() > kUnreadPath) mask_long_parts(shown.path);
    std::vector<Evidence> one;
    one.push_back(std::move(piece));
    tell(std::move(shown), std::move(one));
  }
  if (evidence.empty()) return;
  // What was found in the path is shown masked, and so is the path.
  const auto in_path = [](const Evidence& e) { return e.where.starts_with("http/path"); };
  if (std::any_of(evidence.begin(), evidence.end(), in_path)) mask_long_parts(request.path);
  tell(std::move(request), std::move(evidence));
}

// What had gone out when the flow is cut: in the path without the packet that is held, from a
// mirror with it.
void FlowDossier::raise_action(Action action) noexcept {
  const Action before = std::exchange(action_, std::max(action_, action));
  if (before >= Action::kReset || action_ < Action::kReset) return;
  const uint64_t packet = services_.counters.packets.get();
  const bool held = services_.enforcement == Enforcement::kInPath;
  passed_.cut = true;
  passed_.bytes = upload_bytes_ - (held && last_upload_packet_ == packet ? last_upload_ : 0);
  passed_.lines = held && lines_packet_ == packet ? lines_before_ : lines_;
  if (services_.enforcement != Enforcement::kResets) return;
  const bool tcp = id_.ip_protocol == static_cast<uint8_t>(IpProtocol::kTcp);
  passed_.ending = tunnelled_ ? CutEnding::kNoResetTunnel
                   : tcp      ? CutEnding::kUnknown
                              : CutEnding::kNoResetUdp;
  cut_at_ = services_.now;
}

void FlowDossier::not_judged() noexcept {
  if (!services_.fail_closed || services_.enforcement != Enforcement::kInPath) return;
  if (action_ >= Action::kReset) return;
  services_.counters.cut_unjudged.add();
  raise_action(Action::kDrop);
}

void FlowDossier::stopped_after_cut() noexcept {
  passed_.ending = CutEnding::kStopped;
  tell_ending();
}

// For a while packets are still on their way. A FIN or RST may be our own reset, seen again: when
// acknowledgements grow after it, the connection went on. Data alone proves nothing: it is sent
// again to an end that is gone.
void FlowDossier::after_cut(Direction direction, const DecodedPacket& packet) noexcept {
  constexpr Duration kOnTheirWay = Duration::millis(500);
  const CutEnding before = passed_.ending;
  if (packet.flags.rst || packet.flags.fin) {
    passed_.ending = CutEnding::kEnded;
  } else if (packet.flags.ack) {
    const bool further =
        has_acked_[direction] && static_cast<int32_t>(packet.ack - acked_[direction]) > 0;
    if (further && services_.now - cut_at_ > kOnTheirWay) passed_.ending = CutEnding::kWentOn;
    if (further || !has_acked_[direction]) acked_[direction] = packet.ack;
    has_acked_[direction] = true;
  }
  if (passed_.ending != before) tell_ending();
}

// Once its finding was told: until then it goes with it.
void FlowDossier::tell_ending() noexcept {
  if (told_cut_ == nullptr) return;
  Finding finding = *told_cut_;
  finding.time = services_.now;
  finding.passed = passed_;
  finding.only_ending = true;
  services_.sink.on_finding(std::move(finding));
}

void FlowDossier::note_lines(const std::vector<Evidence>& evidence) noexcept {
  const uint64_t packet = services_.counters.packets.get();
  if (lines_packet_ != packet) {
    lines_packet_ = packet;
    lines_before_ = lines_;
  }
  uint64_t lines = told_lines_;
  for (const Evidence& piece : evidence) {
    if (piece.kind == EvidenceKind::kCode) lines += piece.lines;
  }
  lines_ = std::max(lines_, lines);
}

void FlowDossier::tell(RequestInfo&& request, std::vector<Evidence>&& evidence) noexcept {
  PolicyFacts facts = this->facts();
  facts.evidence = evidence;
  const Decision decision = services_.snapshot->policy.decide(facts);
  raise_action(decision.action);
  emit(decision, std::move(request), std::move(evidence));
}

void FlowDossier::emit(const Decision& decision, RequestInfo&& request,
                       std::vector<Evidence>&& evidence) {
  Finding finding;
  finding.flow = id_;
  finding.request = std::move(request);
  finding.time = services_.now;
  finding.generation = services_.snapshot->generation;
  finding.evidence = std::move(evidence);
  finding.action = decision.action;
  finding.severity = decision.severity;
  if (decision.rule != nullptr) finding.rule = decision.rule->name;
  finding.upload_bytes = upload_bytes_;
  if (decision.action >= Action::kReset) {
    finding.passed = passed_;
    if (watches_ending()) told_cut_ = std::make_unique<Finding>(finding);
  }
  services_.counters.findings.add();
  services_.counters.evidence.add(finding.evidence.size());
  services_.sink.on_finding(std::move(finding));
}

void FlowDossier::check_upload() noexcept {
  while (next_upload_check_ <= upload_bytes_) next_upload_check_ *= 2;
  judge_flow();
}

PolicyFacts FlowDossier::facts() const noexcept {
  PolicyFacts out;
  out.flow = &id_;
  out.upload_bytes = upload_bytes_;
  out.one_upload = meter_.one_upload();
  out.bursts = meter_.bursts();
  out.sight_pending = sight_pending_ > 0;
  out.request_read = requests > 0;
  return out;
}

FlowIdentity FlowDossier::final_identity(uint64_t gap_bytes) const {
  FlowIdentity out = id_;
  out.account = std::max(id_.account, account_);
  if (flow_match_.face != nullptr) {
    out.service = flow_match_.face->service;
    out.product = flow_match_.face->product;
    out.vendor = flow_match_.face->vendor;
    out.service_class = flow_match_.face->service_class;
    out.status = flow_match_.face->status;
  }
  if (out.visibility > Visibility::kPartly) {
    VisibilityReason missing = VisibilityReason::kNone;
    if (opaque_bytes_ > upload_bytes_ / 2) missing = VisibilityReason::kOpaque;
    if (gap_bytes > 0) missing = VisibilityReason::kLost;
    if (left_out_ > gap_bytes) missing = VisibilityReason::kNotInspected;
    if (missing != VisibilityReason::kNone) {
      out.visibility = Visibility::kPartly;
      out.visibility_reason = missing;
    }
  }
  return out;
}

}  // namespace weir::inspect

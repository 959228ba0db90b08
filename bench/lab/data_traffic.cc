// See data_traffic.h.
#include "bench/lab/data_traffic.h"

#include <string>

#include "bench/lab/data_sessions.h"
#include "bench/lab/prose.h"

namespace weir::lab {
namespace {

constexpr uint64_t kFirstClient = 300;  // those of other sessions are below
constexpr const char* kAgent = "claude-cli/2.1.330 (external, cli)";

HttpRequest telemetry_like(const std::string& host, const std::string& body) {
  HttpRequest out;
  out.host = host;
  out.target = "/v1/collect";
  out.content_type = "application/json";
  out.headers = {{"User-Agent", kAgent}};
  out.body = body;
  return out;
}

class DataTraffic {
 public:
  DataTraffic(Timestamp start, LabRandom& random, Traffic& traffic)
      : now_(start), random_(random), traffic_(traffic) {}

  void round() {
    for (size_t tool = 0; tool < kDataTools; ++tool) clear(make_data_session(tool, random_));
    for (size_t talk = 0; talk < kTalks; ++talk) clear(make_talk_session(talk, random_));
    for (size_t kind = 0; kind < kOrdinaryKinds; ++kind)
      clear(make_ordinary_session(kind, random_));
    // The plain one is the one that is seen from more places.
    for (const size_t variant : {size_t{0}, size_t{5}, size_t{1}, size_t{2}, size_t{3}, size_t{4}})
      clear(make_marked_session(variant, random_));
    for (size_t kind = 0; kind < kHiddenKinds; ++kind) clear(make_hidden_session(kind, random_));
    contacts();
  }

 private:
  void clear(const DataSession& session, uint64_t client = 0) {
    LabLabel& label = traffic_.clear_requests(client != 0 ? client : next_client_++, session.host,
                                              session.requests, now_);
    label.kind = !session.mark.empty()      ? LabKind::kMark
                 : !session.planted.empty() ? LabKind::kData
                                            : LabKind::kInnocent;
    label.tool = session.tool;
    label.mark = session.mark;
    for (const PlantedData& planted : session.planted) {
      label.planted.emplace_back(planted.data_class, planted.field);
    }
    later(20);
  }

  LabLabel& tls(uint64_t client, const std::string& host, HelloKind hello) {
    later(2);
    LabLabel& label = traffic_.sealed_session(client, host, hello, now_);
    label.kind = LabKind::kInnocent;
    return label;
  }

  void contacts() {
    // One that says who it is.
    const uint64_t open = next_client_++;
    clear(make_talk_session(kTalks, random_), open);
    DataSession contact;
    contact.tool = "claude-code";
    contact.host = kAgentContact;
    contact.requests = {telemetry_like(kAgentContact, "{\"events\":[\"start\",\"stop\"]}")};
    clear(contact, open);
    traffic_.labels().back().kind = LabKind::kContact;
    // Documented hosts are none.
    later(400);

    // A browser and a package manager are at work beside the tool, which stays encrypted.
    const uint64_t sealed = next_client_++;
    tls(sealed, "api.anthropic.com", HelloKind::kBun).tool = "claude-code";
    LabLabel& told = tls(sealed, kFingerprintContact, HelloKind::kBun);
    told.kind = LabKind::kContact;
    told.tool = "claude-code";
    tls(sealed, "http-intake.logs.us5.datadoghq.com", HelloKind::kBun);
    tls(sealed, kSharedRegistry, HelloKind::kBun);
    tls(sealed, "www.bakery.example", HelloKind::kLab);
    tls(sealed, kSharedRegistry, HelloKind::kLab);
    later(400);

    // The same fingerprint without the tool, and long after it.
    const uint64_t other = next_client_++;
    tls(other, kLonelyHost, HelloKind::kBun);
    later(30);

    // A program that goes everywhere has a fingerprint that says nothing.
    const uint64_t wide = next_client_++;
    tls(wide, "api.anthropic.com", HelloKind::kBun).tool = "claude-code";
    for (int i = 0; i < 12; ++i) {
      tls(wide, "feed." + random_word(random_) + random_.hex(4) + ".example", HelloKind::kBun);
    }
    later(400);
  }

  void later(int64_t seconds) { now_ = now_ + Duration::seconds(seconds); }

  Timestamp now_;
  LabRandom& random_;
  Traffic& traffic_;
  uint64_t next_client_ = kFirstClient;
};

}  // namespace

void add_data_traffic(uint32_t rounds, Timestamp start, LabRandom& random, Traffic& traffic) {
  DataTraffic data(start, random, traffic);
  for (uint32_t i = 0; i < rounds; ++i) data.round();
}

}  // namespace weir::lab

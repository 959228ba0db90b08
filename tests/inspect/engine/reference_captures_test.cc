// Every capture of the reference collection goes through decoder and engine; where independent
// tools say which server names and hosts it shows, the share of them that is reported must not
// fall.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "signatures/catalogue.h"
#include "tests/inspect/engine/engine_run.h"
#include "tests/support/shared_data.h"

namespace weir::inspect {
namespace {

std::shared_ptr<const Snapshot> bare_snapshot() {
  auto snapshot = std::make_shared<Snapshot>();
  auto catalogue = signatures::Catalogue::load(test::signatures_folder(), {});
  if (!catalogue) {
    ADD_FAILURE() << catalogue.error().to_string();
    return nullptr;
  }
  snapshot->catalogue = std::move(*catalogue);
  snapshot->detectors = std::make_shared<DetectorSet>();
  snapshot->policy = Policy(config::default_policy());
  return snapshot;
}

// Names without port, lower case, as reported.
std::string plain(std::string host) {
  if (!host.empty() && host.front() == '[') {
    host = host.substr(1, host.find(']') - 1);
  } else if (std::count(host.begin(), host.end(), ':') == 1) {
    host = host.substr(0, host.find(':'));
  }
  if (!host.empty() && host.back() == '.') host.pop_back();
  for (char& c : host) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c <= ' ' || c > '~') c = '?';
  }
  return host;
}

struct Reported {
  std::set<std::string> sni;
  std::set<std::string> quic;
  std::set<std::string> http;
  std::set<std::string> all;
};

Reported report(const std::filesystem::path& path,
                const std::shared_ptr<const Snapshot>& snapshot) {
  test::CollectingSink sink;
  (void)test::run_capture(path, snapshot, sink);  // what cannot be opened has no names
  Reported out;
  for (const FlowRecord& record : sink.records) {
    for (const auto& [source, name] : record.flow.names) {
      out.all.insert(name);
      if (source == HostSource::kSni) out.sni.insert(name);
      if (source == HostSource::kQuicSni) out.quic.insert(name);
      if (source == HostSource::kHttp) out.http.insert(name);
    }
  }
  return out;
}

struct Tally {
  size_t expected = 0;
  std::vector<std::string> missed;

  void check(const std::string& capture, const std::string& kind, const std::string& name,
             const std::set<std::string>& reported) {
    ++expected;
    const std::string want = plain(name);
    if (reported.contains(want)) return;
    // nDPI cuts names at 80 bytes.
    for (const std::string& have : reported) {
      if (want.size() >= 79 && have.starts_with(want.substr(0, 79))) return;
    }
    missed.push_back(capture + ": " + kind + " " + name);
  }
  void finish(double least) const {
    std::string list;
    for (const std::string& line : missed) list += "  " + line + "\n";
    const double share =
        expected == 0 ? 0
                      : 1.0 - static_cast<double>(missed.size()) / static_cast<double>(expected);
    std::cout << expected << " names expected, " << missed.size() << " missed (" << share * 100
              << " % reported)\n"
              << list;
    EXPECT_GE(share, least);
  }
};

nlohmann::json load(const std::filesystem::path& path) {
  std::ifstream in(path);
  return nlohmann::json::parse(in);
}

TEST(ReferenceCaptures, NamesThatNdpiShows) {
  WEIR_SHARED_OR_SKIP(shared);
  const auto snapshot = bare_snapshot();
  ASSERT_NE(snapshot, nullptr);
  Tally tally;
  const nlohmann::json expected = load(shared / "captures/expected/ndpi_hosts.json");
  for (const auto& [capture, rows] : expected.items()) {
    if (rows.empty()) continue;
    const Reported reported = report(shared / "captures" / capture, snapshot);
    for (const auto& row : rows) {
      const std::string kind = row[0];
      const std::string name = row[1];
      if (kind == "GQUIC" || kind == "DNS") continue;
      tally.check(capture, kind, name,
                  kind == "TLS"    ? reported.sni
                  : kind == "QUIC" ? reported.quic
                                   : reported.http);
    }
  }
  tally.finish(0.994);
}

TEST(ReferenceCaptures, NamesThatTsharkShows) {
  WEIR_SHARED_OR_SKIP(shared);
  const auto snapshot = bare_snapshot();
  ASSERT_NE(snapshot, nullptr);
  Tally tally;
  const nlohmann::json expected = load(shared / "captures/expected/tshark_names.json");
  for (const auto& [capture, kinds] : expected.items()) {
    const Reported reported = report(shared / "captures" / capture, snapshot);
    for (const auto& [kind, names] : kinds.items()) {
      for (const auto& name : names) {
        if (kind == "tls") tally.check(capture, kind, name, reported.sni);
        if (kind == "quic") tally.check(capture, kind, name, reported.quic);
        if (kind == "http") tally.check(capture, kind, name, reported.http);
      }
    }
  }
  tally.finish(0.994);
}

TEST(ReferenceCaptures, EveryCaptureIsInspectedToItsEnd) {
  WEIR_SHARED_OR_SKIP(shared);
  const auto snapshot = bare_snapshot();
  ASSERT_NE(snapshot, nullptr);
  std::ifstream index(shared / "captures/index.csv");
  std::string line;
  std::getline(index, line);
  size_t captures = 0;
  size_t refused = 0;
  while (std::getline(index, line)) {
    const size_t first = line.find(',');
    const std::string path = line.substr(first + 1, line.find(',', first + 1) - first - 1);
    test::CollectingSink once;
    ++captures;
    if (!test::run_capture(shared / "captures" / path, snapshot, once)) ++refused;
    for (const FlowRecord& record : once.records) EXPECT_FALSE(record.end.empty()) << path;
  }
  std::cout << captures << " captures, " << refused << " refused at opening\n";
  EXPECT_GT(captures, 1000U);
  EXPECT_LT(refused * 20, captures);
}

}  // namespace
}  // namespace weir::inspect

// Real clients that sent protected files over HTTP/1.x, in clear or over TLS with their key logs:
// every leak must be found with the right file and overlapping lines, and the innocent captures
// must stay silent. Without the key logs, names, JA4 and upload bytes must still be right.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "inspect/decrypt/key_log_source.h"
#include "signatures/catalogue.h"
#include "signatures/content_rules.h"
#include "signatures/fingerprint/code_index.h"
#include "signatures/fingerprint/index_builder.h"
#include "tests/inspect/engine/engine_run.h"
#include "tests/support/shared_data.h"

namespace weir::inspect {
namespace {

std::shared_ptr<const Snapshot> snapshot_over(const std::filesystem::path& code) {
  auto snapshot = std::make_shared<Snapshot>();
  auto detectors = std::make_shared<DetectorSet>();
  snapshot->catalogue = *signatures::Catalogue::load(test::signatures_folder(), {});
  detectors->rules = *signatures::RuleSet::load({test::signatures_folder() + "/rules"});
  signatures::SiteKey key;
  key.bytes.fill(9);
  const auto out = std::filesystem::temp_directory_path() /
                   ("weir-clients-test-" + std::to_string(getpid()) + ".wfi");
  signatures::IndexBuildOptions options;
  options.repositories.push_back({"src", code.string()});
  (void)*signatures::build_index(options, key, out.string(), {});
  detectors->indexes.push_back(*signatures::CodeIndex::open(out.string(), key));
  std::filesystem::remove(out);
  snapshot->detectors = detectors;
  snapshot->policy = Policy(config::default_policy());
  return snapshot;
}

TEST(ClientCaptures, LeaksAreFoundAndInnocentOnesAreSilent) {
  WEIR_SHARED_OR_SKIP(shared);
  const auto snapshot = snapshot_over(shared / "clients/src");
  std::ifstream index(shared / "clients/index.jsonl");
  std::string line;
  size_t captures = 0;
  size_t leaks = 0;
  while (std::getline(index, line)) {
    const auto row = nlohmann::json::parse(line);
    const bool sealed = row["tls"] != "none";
    const std::string pcap = row["pcap"];
    SCOPED_TRACE(pcap);
    ++captures;
    test::CollectingSink sink;
    KeyStore keys;
    if (sealed) {
      KeyLogCounters counters;
      const std::string key_log = row["keylog"];
      ASSERT_TRUE(read_key_log((shared / "clients" / key_log).string(), keys, counters, {1}));
    }
    // Of every other capture the keys come two seconds after the hello.
    KeyAccess access;
    access.store = &keys;
    access.may_come_late = captures % 2 == 0;
    if (access.may_come_late) access.delay = Duration::seconds(2);
    ASSERT_TRUE(test::run_capture(shared / "clients" / pcap, snapshot, sink, access));
    std::vector<Evidence> found;
    for (const Finding& finding : sink.findings) {
      for (const Evidence& piece : finding.evidence) {
        if (piece.kind == EvidenceKind::kCode) found.push_back(piece);
      }
    }
    for (const auto& leak : row["leaked"]) {
      ++leaks;
      bool hit = false;
      for (const Evidence& piece : found) {
        hit = hit || (piece.path == leak["file"].get<std::string>() &&
                      piece.first_line <= leak["end_line"].get<uint32_t>() &&
                      piece.last_line >= leak["start_line"].get<uint32_t>());
      }
      EXPECT_TRUE(hit) << "missed " << leak.dump();
    }
    for (const Evidence& piece : found) {
      bool right = false;
      for (const auto& leak : row["leaked"]) {
        right = right || piece.path == leak["file"].get<std::string>();
      }
      EXPECT_TRUE(right) << "found " << piece.path << ":" << piece.first_line << "-"
                         << piece.last_line << ", which was not sent";
    }
    for (const Finding& finding : sink.findings) {
      for (const Evidence& piece : finding.evidence) {
        EXPECT_FALSE(piece.rule == "domain_fronting" || piece.rule == "connect_mismatch")
            << piece.detail;
      }
    }
    bool seen = false;
    for (const FlowRecord& record : sink.records) {
      if (!record.flow.service.empty()) {
        EXPECT_GE(record.flow.visibility, Visibility::kDecrypted)
            << record.flow.host << ' ' << to_string(record.flow.visibility_reason);
      }
      seen =
          seen || record.flow.visibility == (sealed ? Visibility::kDecrypted : Visibility::kClear);
    }
    EXPECT_TRUE(seen);
  }
  std::cout << captures << " captures, " << leaks << " leaks\n";
  EXPECT_GT(captures, 70U);
}

TEST(ClientCaptures, WithoutKeysNamesAndVolumesAreStillRight) {
  WEIR_SHARED_OR_SKIP(shared);
  const auto snapshot = snapshot_over(shared / "clients/src");
  std::ifstream index(shared / "clients/index.jsonl");
  std::string line;
  size_t captures = 0;
  while (std::getline(index, line)) {
    const auto row = nlohmann::json::parse(line);
    if (row["tls"] == "none" || !row["sni"].is_string()) continue;
    const std::string pcap = row["pcap"];
    SCOPED_TRACE(pcap);
    ++captures;
    test::CollectingSink sink;
    ASSERT_TRUE(test::run_capture(shared / "clients" / pcap, snapshot, sink));
    uint64_t body = 0;
    for (const auto& request : row["requests"]) {
      if (request.contains("body_len")) body += request["body_len"].get<uint64_t>();
    }
    bool named = false;
    uint64_t up = 0;
    for (const FlowRecord& record : sink.records) {
      up += record.bytes[Direction::kToServer];
      for (const auto& [source, name] : record.flow.names) {
        named = named || (source == HostSource::kSni && name == row["sni"].get<std::string>() &&
                          record.flow.visibility == Visibility::kMetadata &&
                          record.flow.ja4.starts_with("t1"));
      }
    }
    EXPECT_TRUE(named);
    // The index gives the length of bodies once decoded.
    const bool coded = !row["content_encoding"].empty() || !row["websocket_extensions"].empty();
    if (!coded) {
      EXPECT_GE(up, body);
    }
  }
  EXPECT_GT(captures, 40U);
}

}  // namespace
}  // namespace weir::inspect

// `weir policy explain`: what policy would say of a flow that is described on the command line.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/commands/commands.h"
#include "app/exit_codes.h"
#include "app/runtime/data_files.h"
#include "app/terminal.h"
#include "config/settings.h"
#include "inspect/policy/policy.h"
#include "signatures/catalogue.h"

namespace weir::app {

namespace {

struct Options {
  std::string config;
  std::string host;
  std::string path = "/";
  std::string client = "10.0.0.1";
  std::string tool;
  std::string user;
  std::string protocol = "http";
  std::string visibility = "clear";
  std::string visibility_reason = "none";
  std::string account = "unknown";
  std::optional<uint64_t> telemetry;
  uint64_t up = 0;
  uint64_t one_upload = 0;
  uint64_t burst = 0;
  std::string evidence;
  std::string repository;
  std::string content_rule;
  uint32_t lines = 0;
  double score = 1;
};

int run(const Options& options) {
  config::Settings settings;
  if (!options.config.empty()) {
    auto loaded = config::load_settings(options.config);
    if (!loaded) {
      complain(loaded.error());
      return kExitUsage;
    }
    settings = std::move(*loaded);
  }
  const auto catalogue =
      signatures::Catalogue::load(signatures_directory(settings), settings.services);
  if (!catalogue) {
    complain(catalogue.error());
    return kExitUsage;
  }
  FlowIdentity flow;
  const auto client = IpAddress::parse(options.client);
  const auto visibility = parse_visibility(options.visibility);
  if (!client || !visibility) {
    complain(!client ? "--client " + options.client + ": expected an IP address"
                     : "--visibility " + options.visibility +
                           ": expected metadata, partly, decrypted or clear");
    return kExitUsage;
  }
  flow.client.ip = *client;
  flow.visibility = *visibility;
  const auto reason = parse_visibility_reason(options.visibility_reason);
  if (!reason) {
    complain("--visibility-reason " + options.visibility_reason +
             ": expected one of those in docs/alerts.md, such as no_key");
    return kExitUsage;
  }
  flow.visibility_reason = *reason;
  const auto account = parse_account(options.account);
  if (!account) {
    complain("--account " + options.account + ": expected company, personal or unknown");
    return kExitUsage;
  }
  flow.account = *account;
  flow.host = options.host;
  flow.host_source = HostSource::kHttp;
  flow.tool = options.tool;
  flow.protocol = options.protocol;
  const auto match = (*catalogue)->match_request(options.host, options.path, options.tool);
  if (match.classifies()) {
    flow.service = match.face->service;
    flow.service_class = match.face->service_class;
    flow.product = match.face->product;
    flow.status = match.face->status;
  }
  std::vector<Evidence> evidence;
  if (!options.evidence.empty()) {
    const auto kind = parse_evidence_kind(options.evidence);
    if (!kind) {
      complain("--evidence " + options.evidence +
               ": expected code, hash, secret, marker, name, environment or anomaly");
      return kExitUsage;
    }
    Evidence piece;
    piece.kind = *kind;
    piece.repository = options.repository;
    piece.rule = options.content_rule;
    piece.lines = options.lines;
    piece.score = options.score;
    evidence.push_back(std::move(piece));
  }
  const inspect::Policy policy(settings.policy);
  inspect::PolicyFacts facts;
  facts.flow = &flow;
  facts.user = options.user;
  facts.upload_bytes = options.up;
  facts.one_upload = options.one_upload;
  // So much within any time that a rule asks for.
  std::vector<inspect::BurstPeak> bursts;
  for (const auto& window : policy.volumes().bursts) {
    bursts.push_back({window.seconds, options.burst});
  }
  facts.bursts = bursts;
  facts.telemetry_day = options.telemetry;
  facts.evidence = evidence;
  std::printf("%s: %s\n", options.host.c_str(),
              flow.service.empty()
                  ? "no AI service of the catalogue"
                  : (flow.product + " (" + flow.service + ", " + flow.service_class + "), " +
                     std::string(to_string(flow.status)))
                        .c_str());
  std::printf("%s", policy.explain(facts).c_str());
  const inspect::Decision decision = policy.decide(facts);
  std::printf("=> %s%s\n", paint(to_string(decision.action), Ink::kBold).c_str(),
              decision.rule == nullptr
                  ? ", as no rule matches"
                  : (", severity " + std::string(to_string(decision.severity)) + ", by \"" +
                     decision.rule->name + "\"")
                        .c_str());
  return kExitOk;
}

}  // namespace

void add_policy_command(CLI::App& app, int& exit_code) {
  CLI::App* policy = app.add_subcommand("policy", "Ask the policy");
  policy->require_subcommand(1);
  auto o = std::make_shared<Options>();
  CLI::App* explain = policy->add_subcommand("explain", "What would happen to a flow");
  explain->add_option("-c,--config", o->config, "weir.yaml");
  explain->add_option("--host", o->host, "server name")->required();
  explain->add_option("--path", o->path, "path of the request")->capture_default_str();
  explain->add_option("--client", o->client, "client address")->capture_default_str();
  explain->add_option("--tool", o->tool, "tool id of the catalogue, such as claude-code");
  explain->add_option("--user", o->user, "user name");
  explain->add_option("--protocol", o->protocol, "protocol")->capture_default_str();
  explain->add_option("--visibility", o->visibility, "metadata, partly, decrypted or clear")
      ->capture_default_str();
  explain->add_option("--visibility-reason", o->visibility_reason, "why no more was seen")
      ->capture_default_str();
  explain->add_option("--account", o->account, "company, personal or unknown")
      ->capture_default_str();
  explain->add_option("--telemetry", o->telemetry,
                      "bytes that the tool has sent to telemetry hosts on this day");
  explain->add_option("--up", o->up, "bytes uploaded")->capture_default_str();
  explain->add_option("--one-upload", o->one_upload, "bytes uploaded at one go")
      ->capture_default_str();
  explain->add_option("--burst", o->burst, "bytes uploaded within the time of a burst condition")
      ->capture_default_str();
  explain->add_option("--evidence", o->evidence, "kind of evidence found");
  explain->add_option("--repository", o->repository, "repository of the evidence");
  explain->add_option("--rule", o->content_rule, "content rule of the evidence");
  explain->add_option("--lines", o->lines, "protected lines found");
  explain->add_option("--score", o->score, "how sure, 0 to 1")->capture_default_str();
  explain->callback([o, &exit_code] { exit_code = run(*o); });
}

}  // namespace weir::app

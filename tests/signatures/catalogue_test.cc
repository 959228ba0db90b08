// The shipped catalogue against the facts it was written from; the rules of precedence, statuses
// and errors on small catalogues of the test's own.
#include "signatures/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/signatures/allocation_counter.h"
#include "tests/support/shared_data.h"

namespace weir::signatures {
namespace {

using testing::HasSubstr;

const std::string kDirectory = WEIR_SOURCE_DIR "/signatures";

std::shared_ptr<const Catalogue> shipped(const config::ServiceSettings& company = {}) {
  auto catalogue = Catalogue::load(kDirectory, company);
  EXPECT_TRUE(catalogue.has_value()) << catalogue.error().to_string();
  return catalogue ? *catalogue : nullptr;
}

std::string service(const ServiceMatch& match) {
  return match.face == nullptr ? "-" : match.face->service;
}

// Fields of one line; quotes as in RFC 4180, no line breaks inside.
std::vector<std::string> fields(const std::string& line) {
  std::vector<std::string> out(1);
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') {
      if (quoted && i + 1 < line.size() && line[i + 1] == '"') {
        out.back() += line[++i];
      } else {
        quoted = !quoted;
      }
    } else if (line[i] == ',' && !quoted) {
      out.emplace_back();
    } else if (line[i] != '\r') {
      out.back() += line[i];
    }
  }
  return out;
}

TEST(Catalogue, AnswersEveryRowOfTheFactsItWasWrittenFrom) {
  WEIR_SHARED_OR_SKIP(shared);
  const auto catalogue = shipped();
  ASSERT_NE(catalogue, nullptr);
  std::ifstream csv(shared / "data" / "ai-services.csv");
  std::string line;
  std::getline(csv, line);
  size_t rows = 0;
  while (std::getline(csv, line)) {
    const auto row = fields(line);
    ASSERT_EQ(row.size(), 7U) << line;
    ++rows;
    const bool below = row[4].starts_with("*.");
    const std::string name = below ? row[4].substr(2) : row[4];
    const bool is_shared = row[6].starts_with("shared:");
    const bool is_low = row[6].find("low:") != std::string::npos;
    const std::vector<std::string> hosts =
        below ? std::vector<std::string>{"zz9-made-up." + name} : std::vector<std::string>{name};
    for (const std::string& host : hosts) {
      const ServiceMatch match = catalogue->match_host(host);
      EXPECT_EQ(service(match), row[0]) << host;
      if (match.face == nullptr) continue;
      EXPECT_EQ(match.face->vendor, row[1]) << host;
      EXPECT_EQ(match.face->product, row[2]) << host;
      EXPECT_EQ(match.face->service_class, row[3]) << host;
      EXPECT_EQ(match.classifies(), !is_shared) << host;
      if (is_low && !is_shared) {
        EXPECT_EQ(match.strength, MatchStrength::kLow) << host;
      }
    }
  }
  EXPECT_GE(rows, 900U);
}

TEST(Catalogue, PathsTellServicesOfOneHostApart) {
  const auto catalogue = shipped();
  ASSERT_NE(catalogue, nullptr);
  struct Case {
    const char* host;
    const char* target;
    const char* tool;
    const char* service;
    const char* service_class;
  };
  const Case cases[] = {
      {"chatgpt.com", "/backend-api/codex/responses", "", "codex", "coding_agent"},
      {"chatgpt.com", "/backend-api/conversation", "", "chatgpt", "chat"},
      {"chatgpt.com", "/backend-api/f/conversation", "", "chatgpt", "chat"},
      {"chatgpt.com", "/backend-api/files/file-1/uploaded", "", "chatgpt", "chat"},
      {"api.anthropic.com", "/v1/messages?beta=true", "", "anthropic-api", "api"},
      {"api.anthropic.com", "/v1/messages?beta=true", "claude-code", "claude-code", "coding_agent"},
      {"api.anthropic.com", "/v1/messages", "anthropic-sdk", "anthropic-api", "api"},
      {"api.anthropic.com", "/api/event_logging/v2/batch", "claude-code", "anthropic-telemetry",
       "telemetry"},
      {"api.anthropic.com", "/api/claude_code/metrics", "", "anthropic-telemetry", "telemetry"},
      {"api.anthropic.com", "/api/hello", "", "anthropic-telemetry", "telemetry"},
      {"claude.ai", "/api/organizations/5eed/chat_conversations/f00d/completion", "", "claude-web",
       "chat"},
      {"claude.ai", "/api/organizations/5eed/upload", "", "claude-web", "chat"},
      {"claude.ai", "/api/5eed/convert_document", "", "claude-web", "chat"},
      {"api.github.com", "/copilot_internal/v2/token", "", "github-copilot", "coding_agent"},
      {"api.github.com", "/external/code/ingest", "", "github-copilot", "coding_agent"},
      {"api.business.githubcopilot.com", "/chat/completions", "", "github-copilot", "coding_agent"},
      {"proxy.business.githubcopilot.com", "/v1/engines/gpt-41/completions", "", "github-copilot",
       "code_completion"},
      {"copilot-proxy.githubusercontent.com", "/v1/engines/x/completions", "", "github-copilot",
       "code_completion"},
      {"gemini.google.com", "/_/BardChatUi/data/assistant.lamda.BardFrontendService/StreamGenerate",
       "", "gemini-web", "chat"},
      {"play.googleapis.com", "/log?format=json&hasfast=true", "", "gemini-telemetry", "telemetry"},
      {"sourcegraph.acme.example", "/.api/completions/stream?v=2", "", "sourcegraph",
       "coding_agent"},
      {"sourcegraph.acme.example", "/.api/completions/code", "", "sourcegraph", "code_completion"},
  };
  for (const Case& c : cases) {
    const ServiceMatch match = catalogue->match_request(c.host, c.target, c.tool);
    EXPECT_TRUE(match.classifies()) << c.host << c.target;
    EXPECT_EQ(service(match), c.service) << c.host << c.target;
    if (match.face == nullptr) continue;
    EXPECT_EQ(match.face->service_class, c.service_class) << c.host << c.target;
  }
  EXPECT_FALSE(catalogue->match_request("api.github.com", "/repos/acme/core", "").classifies());
  EXPECT_FALSE(
      catalogue->match_request("play.googleapis.com", "/log?format=json", "").classifies());
  EXPECT_EQ(service(catalogue->match_request("www.acme.example", "/", "")), "-");
}

// What vendors say openly, by service or tool; what only others found out is not documented.
TEST(Catalogue, KnowsWhatDataVendorsDocument) {
  const auto catalogue = shipped();
  EXPECT_TRUE(catalogue->documents_data("", "codex", "time_zone", "timezone"));
  EXPECT_TRUE(catalogue->documents_data("", "cline", "time_zone", "current_time"));
  EXPECT_TRUE(catalogue->documents_data("anthropic-api", "cline", "path", "working_directory"));
  EXPECT_TRUE(catalogue->documents_data("", "claude-code", "user", "user.email"));
  EXPECT_TRUE(catalogue->documents_data("github-copilot", "", "repository", "nwo"));
  EXPECT_TRUE(catalogue->documents_data("amazon-q", "", "path", "currentworkingdirectory"));
  EXPECT_TRUE(catalogue->documents_data("openai-api", "openai-sdk", "machine", "x-stainless-os"));
  EXPECT_TRUE(catalogue->documents_data("", "opencode", "path", "working_directory"));
  EXPECT_TRUE(catalogue->documents_data("", "roo-code", "time_zone", "timezone"));
  EXPECT_TRUE(catalogue->documents_data("qwen-telemetry", "", "gateway", "base_url"));
  EXPECT_TRUE(catalogue->documents_data("github-copilot-telemetry", "", "machine", "common_cpu"));
  EXPECT_TRUE(catalogue->documents_data("aider-telemetry", "", "machine", "distinct_id"));
  EXPECT_FALSE(catalogue->documents_data("", "opencode", "repository", "git_remote"));
  EXPECT_FALSE(catalogue->documents_data("amazon-q", "", "host", "hostname"));
  EXPECT_FALSE(catalogue->documents_data("", "cline", "repository", "git_remote"));
  EXPECT_FALSE(catalogue->documents_data("", "cursor", "time_zone", "x-cursor-timezone"));
  EXPECT_FALSE(catalogue->documents_data("", "claude-code", "gateway", "apibaseurlhost"));
}

TEST(Catalogue, NamesWithRegionsAndTenantsAreNotListedOneByOne) {
  const auto catalogue = shipped();
  ASSERT_NE(catalogue, nullptr);
  for (const char* host :
       {"bedrock-runtime.eu-made-up-9.amazonaws.com", "moon-west7-aiplatform.googleapis.com",
        "acme.openai.azure.com", "acme.services.ai.azure.com",
        "aws-external-anthropic.xx-north-3.api.aws",
        "chatgpt-async-webps-prod-southcentralus-21.webpubsub.azure.com"}) {
    EXPECT_TRUE(catalogue->match_host(host).classifies()) << host;
  }
  EXPECT_FALSE(catalogue->match_host("s3.eu-central-1.amazonaws.com").classifies());
  EXPECT_FALSE(catalogue->match_host("storage.googleapis.com").classifies());
}

TEST(Catalogue, HostsAreComparedWithoutCasePortAndFinalDot) {
  const auto catalogue = shipped();
  ASSERT_NE(catalogue, nullptr);
  EXPECT_EQ(service(catalogue->match_host("API.Anthropic.COM:443")), "anthropic-api");
  EXPECT_EQ(service(catalogue->match_host("api.anthropic.com.")), "anthropic-api");
  EXPECT_EQ(service(catalogue->match_host("")), "-");
  EXPECT_EQ(service(catalogue->match_host("notanthropic.com")), "-");
  EXPECT_EQ(service(catalogue->match_host(std::string(300, 'a') + ".anthropic.com")), "-");
  EXPECT_EQ(service(catalogue->match_request(
                "chatgpt.com", "https://chatgpt.com/backend-api/codex/responses", "")),
            "codex");
}

TEST(Catalogue, AddressesOnlySupport) {
  const auto catalogue = shipped();
  ASSERT_NE(catalogue, nullptr);
  const ServiceMatch match = catalogue->match_address(*IpAddress::parse("160.79.104.10"));
  EXPECT_EQ(service(match), "anthropic-api");
  EXPECT_FALSE(match.classifies());
  EXPECT_EQ(service(catalogue->match_address(*IpAddress::parse("2607:6bc0::1"))), "anthropic-api");
  EXPECT_EQ(service(catalogue->match_address(*IpAddress::parse("192.0.2.1"))), "-");
}

TEST(Catalogue, UserAgentsAndFingerprintsNameTools) {
  const auto catalogue = shipped();
  ASSERT_NE(catalogue, nullptr);
  const auto by_agent = [&](std::string_view agent) {
    const Tool* tool = catalogue->tool_by_user_agent(agent);
    return tool == nullptr ? std::string("-") : tool->id;
  };
  EXPECT_EQ(by_agent("claude-cli/2.1.330 (external, cli)"), "claude-code");
  EXPECT_EQ(by_agent("codex_cli_rs/0.169.0 (Debian 12; x86_64) xterm"), "codex");
  EXPECT_EQ(by_agent("GeminiCLI/0.61.0 (linux; x64)"), "gemini-cli");
  EXPECT_EQ(by_agent("QwenCode/0.24.0 (linux; x64)"), "qwen-code");
  EXPECT_EQ(by_agent("GitHubCopilotChat/0.30"), "github-copilot");
  EXPECT_EQ(by_agent("opencode/1.18.1"), "opencode");
  EXPECT_EQ(by_agent("Go-http-client/2.0"), "go-http");
  EXPECT_EQ(by_agent("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0"), "-");
  EXPECT_EQ(by_agent(""), "-");
  const Tool* bun = catalogue->tool_by_ja4("t13d1714h1_5b57614c22b0_43ade6aba3df");
  ASSERT_NE(bun, nullptr);
  EXPECT_EQ(bun->id, "bun-fetch");
  EXPECT_EQ(catalogue->tool_by_ja4("t13d0000h1_000000000000_000000000000"), nullptr);
  EXPECT_EQ(catalogue->documents("claude-code", "api.anthropic.com"), std::optional(true));
  EXPECT_EQ(catalogue->documents("claude-code", "tracker.example"), std::optional(false));
  EXPECT_EQ(catalogue->documents("curl", "tracker.example"), std::nullopt);
  EXPECT_EQ(catalogue->tenant_header_vendor("OpenAI-Allowed-Organization-Ids"), "OpenAI");
  EXPECT_EQ(catalogue->tenant_header_vendor("host"), "");
}

TEST(Catalogue, LookUpsAllocateNothing) {
  config::ServiceSettings company;
  company.own.push_back({"acme-gateway",
                         "ACME",
                         "gateway",
                         "gateway",
                         {"*.llm.acme.example"},
                         {*IpNetwork::parse("10.0.0.0/8")},
                         ServiceStatus::kInternal});
  const auto catalogue = shipped(company);
  ASSERT_NE(catalogue, nullptr);
  const IpAddress address = *IpAddress::parse("10.1.2.3");
  const size_t before = test::allocations();
  size_t found = 0;
  for (const char* host : {"api.anthropic.com:443", "a.b.c.d.e.f.chatgpt.com", "x.llm.acme.example",
                           "www.debian.org", "bedrock-runtime.eu-west-9.amazonaws.com"}) {
    found += catalogue->match_host(host).face != nullptr ? 1 : 0;
    found += catalogue->match_request(host, "/v1/messages?x=1", "claude-code").face != nullptr;
  }
  found += catalogue->match_address(address).face != nullptr ? 1 : 0;
  found += catalogue->tool_by_user_agent("Mozilla/5.0 Cursor/1.0") != nullptr ? 1 : 0;
  found += catalogue->tool_by_ja4("t13d190900_9dc949149365_97f8aa674fd9") != nullptr ? 1 : 0;
  EXPECT_EQ(test::allocations(), before);
  EXPECT_EQ(found, 11U);
}

TEST(Catalogue, TheCompanySetsStatusesAndItsOwnServices) {
  config::ServiceSettings company;
  company.status = {{"qoder", ServiceStatus::kSanctioned},
                    {"github-copilot", ServiceStatus::kTolerated}};
  company.own.push_back({"acme-gateway",
                         "ACME",
                         "ACME LLM gateway",
                         "gateway",
                         {"llm.acme.example", "*.openai.com"},
                         {*IpNetwork::parse("10.8.0.0/16")},
                         ServiceStatus::kInternal});
  const auto catalogue = shipped(company);
  ASSERT_NE(catalogue, nullptr);
  const auto status = [&](const char* host) { return catalogue->match_host(host).face->status; };
  EXPECT_EQ(status("api1.qoder.sh"), ServiceStatus::kSanctioned);
  EXPECT_EQ(status("api.githubcopilot.com"), ServiceStatus::kTolerated);
  EXPECT_EQ(status("claude.ai"), ServiceStatus::kUnsanctioned);
  EXPECT_EQ(status("llm.acme.example"), ServiceStatus::kInternal);
  EXPECT_EQ(service(catalogue->match_host("api.openai.com")), "acme-gateway") << "own comes first";
  EXPECT_EQ(service(catalogue->match_request("llm.acme.example", "/.api/completions/code", "")),
            "acme-gateway");
  const ServiceMatch local = catalogue->match_address(*IpAddress::parse("10.8.1.2"));
  EXPECT_EQ(service(local), "acme-gateway");
  EXPECT_TRUE(local.classifies()) << "the company's own networks classify";
}

TEST(Catalogue, KnowsTheIdsThatRulesMayName) {
  config::ServiceSettings company;
  company.own.push_back({});
  company.own.back().id = "acme-gateway";
  company.own.back().hosts = {"llm.acme.example"};
  const auto catalogue = shipped(company);
  ASSERT_NE(catalogue, nullptr);
  EXPECT_TRUE(catalogue->has_service("claude-code"));
  EXPECT_TRUE(catalogue->has_service("acme-gateway"));
  EXPECT_FALSE(catalogue->has_service("claude"));
  EXPECT_FALSE(catalogue->has_service(""));
  EXPECT_TRUE(catalogue->has_tool("claude-code"));
  EXPECT_FALSE(catalogue->has_tool("acme-gateway"));
}

TEST(Catalogue, UnknownOrTakenIdsOfTheCompanyAreErrors) {
  const auto error = [](config::ServiceSettings company) {
    const auto made = Catalogue::load(kDirectory, company);
    return made ? std::string("loaded") : made.error().to_string();
  };
  config::ServiceSettings company;
  company.status = {{"claude-cod", ServiceStatus::kSanctioned}};
  EXPECT_THAT(error(company), HasSubstr("no service has the id \"claude-cod\"; near: claude-code"));
  company.status = {{"zzzzzzzzzzzz", ServiceStatus::kSanctioned}};
  EXPECT_THAT(error(company), testing::EndsWith("no service has the id \"zzzzzzzzzzzz\""));
  company.file = "weir.yaml";
  company.status_places = {{7, 12}};
  EXPECT_THAT(error(company), testing::StartsWith("weir.yaml:7:12: services.status: no service"));
  company.status.clear();
  company.status_places.clear();
  company.own = {{"cursor", "", "", "gateway", {"x.example"}, {}, ServiceStatus::kInternal}};
  EXPECT_THAT(error(company), HasSubstr("own service \"cursor\": the catalogue"));
  company.own = {{"a", "", "", "gateway", {"x.example"}, {}, ServiceStatus::kInternal},
                 {"b", "", "", "gateway", {"x.example"}, {}, ServiceStatus::kInternal}};
  EXPECT_THAT(error(company), HasSubstr("own service \"b\": host \"x.example\""));
  company.own = {{"a", "", "", "gateway", {"X.example"}, {}, ServiceStatus::kInternal}};
  EXPECT_THAT(error(company), HasSubstr("expected lower-case"));
  company.own.clear();
  company.status = {};
  EXPECT_EQ(error(company), "loaded");
}

std::string parse_error(const std::string& services) {
  const auto made =
      Catalogue::parse("sources: {s: somewhere}\nservices:\n" + services,
                       "sources: {s: somewhere}\ntools:\n  - {id: t, product: T, source: s}\n", {});
  return made ? "loaded" : made.error().to_string();
}

TEST(Catalogue, SaysWhereAFileIsWrong) {
  const std::string head = "  - {id: a, vendor: V, product: P, class: api, source: s, ";
  EXPECT_EQ(parse_error(head + "hosts: [a.example]}\n"), "loaded");
  EXPECT_THAT(parse_error(head + "hosts: [A.example]}\n"),
              HasSubstr("ai_services.yaml:3:67: services[0].hosts[0]: host \"A.example\""));
  EXPECT_THAT(parse_error(head + "hosts: [{host: a.example, low: 3}]}\n"), HasSubstr("low"));
  EXPECT_THAT(parse_error(head + "colour: red}\n"), HasSubstr("colour"));
  EXPECT_THAT(parse_error(head + "requests: [{host: a.example}]}\n"),
              HasSubstr("expected path or tools"));
  EXPECT_THAT(parse_error(head + "requests: [{host: a.example, tools: [x]}]}\n"),
              HasSubstr("tool \"x\" is not in tools.yaml"));
  EXPECT_THAT(parse_error(head + "requests: [{host: a.example, path: v1}]}\n"),
              HasSubstr("expected to begin with"));
  EXPECT_THAT(parse_error(head + "addresses: [300.1.1.1]}\n"), HasSubstr("300.1.1.1"));
  EXPECT_THAT(parse_error(head + "hosts: [a.example]}\n" + head + "hosts: [a.example]}\n"),
              testing::AllOf(HasSubstr("\"a\" is taken in line 3"),
                             HasSubstr("\"a.example\" is named by the service in line 3")));
  EXPECT_THAT(parse_error("  - {id: a, vendor: V, product: P, class: apy, source: s}\n"),
              HasSubstr("expected one of chat, coding_agent"));
  EXPECT_THAT(parse_error("  - {id: a, vendor: V, product: P, class: api, source: q}\n"),
              HasSubstr("\"q\" is no key of sources"));
}

}  // namespace
}  // namespace weir::signatures

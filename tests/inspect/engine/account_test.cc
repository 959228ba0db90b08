// Whose account a request shows; and that no part of a credential comes out.
#include "inspect/engine/account.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace weir::inspect {
namespace {

const signatures::Catalogue& catalogue() {
  static const auto kCatalogue =
      signatures::Catalogue::load(WEIR_SOURCE_DIR "/signatures", config::ServiceSettings{});
  return **kCatalogue;
}

struct Request {
  std::string host;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;
};

AccountSight sight(const Request& request, const std::vector<std::string>& company = {}) {
  std::vector<HeaderField> fields;
  for (const auto& [name, value] : request.headers) fields.push_back({name, value});
  MessageHead head;
  head.authority = request.host;
  head.target = request.target;
  head.fields = fields;
  return account_of(head, CompanyAccounts(company), catalogue());
}

TEST(Accounts, IdsOfTheCompanyAndOfOthers) {
  const std::vector<std::string> ours = {"org-acme1234", "0f8fad5b-d9cb-469f-a165-70867728950e",
                                         "acme-*", "copilot-business"};
  struct Case {
    Request request;
    Account account;
    std::string organization;
  };
  const std::vector<Case> cases = {
      {{"api.openai.com", "/v1/responses", {{"openai-organization", "org-ACME1234"}}},
       Account::kCompany,
       "org-ACME1234"},
      {{"api.openai.com", "/v1/responses", {{"openai-organization", "org-other567"}}},
       Account::kPersonal,
       "org-other567"},
      {{"api.openai.com",
        "/v1/responses",
        {{"openai-project", "acme-planner"}, {"openai-organization", "org-x12345"}}},
       Account::kCompany,
       "acme-planner"},
      {{"chatgpt.com",
        "/backend-api/codex/responses",
        {{"chatgpt-account-id", "0F8FAD5B-D9CB-469F-A165-70867728950E"}}},
       Account::kCompany,
       "0F8FAD5B-D9CB-469F-A165-70867728950E"},
      {{"claude.ai",
        "/api/organizations/0f8fad5b-d9cb-469f-a165-70867728950e/chat_conversations",
        {}},
       Account::kCompany,
       "0f8fad5b-d9cb-469f-a165-70867728950e"},
      {{"claude.ai", "/api/organizations/7c9e6679-7425-40de-944b-e07fc1f90ae7/upload", {}},
       Account::kPersonal,
       "7c9e6679-7425-40de-944b-e07fc1f90ae7"},
      {{"api.anthropic.com",
        "/v1/messages",
        {{"anthropic-organization-id", "7c9e6679-7425-40de-944b-e07fc1f90ae7"}}},
       Account::kPersonal,
       "7c9e6679-7425-40de-944b-e07fc1f90ae7"},
      {{"acme-gpt.openai.azure.com", "/openai/deployments/x/chat/completions", {}},
       Account::kCompany,
       "acme-gpt"},
      {{"someone.openai.azure.com:443", "/openai/deployments/x/chat/completions", {}},
       Account::kPersonal,
       "someone"},
      {{"europe-west1-aiplatform.googleapis.com",
        "/v1/projects/acme-ml/locations/europe-west1/publishers/google/models/g:generateContent",
        {}},
       Account::kCompany,
       "acme-ml"},
      {{"api.business.githubcopilot.com", "/chat/completions", {}},
       Account::kCompany,
       "copilot-business"},
      {{"api.individual.githubcopilot.com", "/chat/completions", {}},
       Account::kPersonal,
       "copilot-individual"},
      {{"api.githubcopilot.com", "/chat/completions", {}}, Account::kUnknown, ""},
      {{"api1.qoder.sh", "/algo", {{"cosy-organization-id", "acme-rd"}}},
       Account::kCompany,
       "acme-rd"},
      // A proxy lets no other account through.
      {{"claude.ai", "/", {{"anthropic-allowed-org-ids", "11111111-2222-3333-4444-555555555555"}}},
       Account::kCompany,
       "11111111-2222-3333-4444-555555555555"},
      {{"api.openai.com", "/v1/responses", {}}, Account::kUnknown, ""},
  };
  for (const Case& c : cases) {
    const AccountSight found = sight(c.request, ours);
    EXPECT_EQ(found.account, c.account) << c.request.host << c.request.target;
    EXPECT_EQ(found.organization, c.organization) << c.request.host << c.request.target;
  }
}

TEST(Accounts, WithoutAListOnlyAPlanForOnePersonIsPersonal) {
  EXPECT_EQ(sight({"api.openai.com", "/", {{"openai-organization", "org-a1"}}}).account,
            Account::kUnknown);
  EXPECT_EQ(sight({"api.individual.githubcopilot.com", "/", {}}).account, Account::kPersonal);
}

TEST(Accounts, CredentialsAreKindsAndNothingElse) {
  const std::string tail = "XyZsecret0123456789abcdefSECRET";
  const std::vector<std::pair<std::string, std::string>> kinds = {
      {"sk-ant-api03-", "anthropic_api_key"},
      {"sk-ant-oat01-", "anthropic_sign_in"},
      {"sk-proj-", "openai_project_key"},
      {"sk-svcacct-", "openai_service_key"},
      {"sk-", "api_key"},
      {"AIza", "google_api_key"},
      {"ghu_", "github_sign_in"},
      {"eyJ", "sign_in_token"},
      {"tid=", "copilot_token"},
      {"", "other"}};
  for (const auto& [prefix, kind] : kinds) {
    for (const auto& [name, scheme] : std::vector<std::pair<std::string, std::string>>{
             {"authorization", "Bearer "}, {"x-api-key", ""}}) {
      const AccountSight found =
          sight({"api.openai.com", "/v1/x", {{name, scheme + prefix + tail}}}, {"org-a1"});
      EXPECT_EQ(found.credential, kind);
      EXPECT_EQ(found.organization, "");
      EXPECT_EQ(found.account, Account::kUnknown);
    }
  }
  EXPECT_EQ(sight({"g.example", "/v1/x?alt=sse&key=AIza" + tail, {}}).credential, "google_api_key");
  EXPECT_EQ(sight({"g.example", "/v1/x?monkey=1", {}}).credential, "");
  // A key where an id belongs is none.
  for (const char* header : {"openai-organization", "chatgpt-account-id", "x-goog-user-project"}) {
    const AccountSight found =
        sight({"api.openai.com", "/", {{header, "sk-proj-" + tail}}}, {"org-a1"});
    EXPECT_EQ(found.organization, "") << header;
  }
  EXPECT_EQ(
      sight({"api.openai.com", "/", {{"openai-organization", std::string(200, 'x')}}}).organization,
      "");
}

TEST(Accounts, IdsInsideAValue) {
  const CompanyAccounts ours({"0f8fad5b-d9cb-469f-a165-70867728950e", "acme-*"});
  EXPECT_TRUE(ours.stand_in("user_ab_account_0F8FAD5B-D9CB-469F-A165-70867728950E_session_x"));
  EXPECT_TRUE(ours.stand_in("acme-rd"));
  EXPECT_FALSE(ours.stand_in("not acme-rd"));
  EXPECT_FALSE(ours.stand_in(""));
}

}  // namespace
}  // namespace weir::inspect

// See account.h. What each vendor's requests carry is publicly documented or seen in published
// source of its clients.
#include "inspect/engine/account.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace weir::inspect {
namespace {

constexpr size_t kMaxId = 64;

struct Prefix {
  std::string_view prefix;
  std::string_view kind;
};
// The longer ones of a family come first.
constexpr std::array<Prefix, 27> kCredentials = {{
    {"sk-ant-oat", "anthropic_sign_in"},
    {"sk-ant-api", "anthropic_api_key"},
    {"sk-ant-admin", "anthropic_admin_key"},
    {"sk-ant-sid", "anthropic_session"},
    {"sk-proj-", "openai_project_key"},
    {"sk-svcacct-", "openai_service_key"},
    {"sk-admin-", "openai_admin_key"},
    {"sk-or-", "openrouter_key"},
    {"sess-", "openai_session"},
    {"AIza", "google_api_key"},
    {"ya29.", "google_sign_in"},
    {"ghu_", "github_sign_in"},
    {"gho_", "github_sign_in"},
    {"ghp_", "github_token"},
    {"ghs_", "github_token"},
    {"github_pat_", "github_token"},
    {"glpat-", "gitlab_token"},
    {"tid=", "copilot_token"},
    {"gsk_", "groq_key"},
    {"hf_", "hugging_face_token"},
    {"pplx-", "perplexity_key"},
    {"xai-", "xai_key"},
    {"fw_", "fireworks_key"},
    {"r8_", "replicate_token"},
    {"COSY.", "qoder_sign_in"},
    {"eyJ", "sign_in_token"},
    {"sk-", "api_key"},
}};

// Headers whose value is the id of an organisation, project, tenant or account, the widest first.
constexpr std::array<std::string_view, 9> kIdHeaders = {
    "anthropic-organization-id", "x-organization-uuid", "openai-organization",
    "cosy-organization-id",      "chatgpt-account-id",  "openai-project",
    "x-goog-user-project",       "x-ms-tenant-id",      "x-github-enterprise"};

constexpr std::array<std::string_view, 6> kCredentialHeaders = {
    "authorization",      "x-api-key", "api-key", "x-goog-api-key", "ocp-apim-subscription-key",
    "proxy-authorization"};

// A word that names an account, and nothing that is one's secret.
std::string_view id_in(std::string_view value) noexcept {
  value = value.substr(0, value.find(','));
  while (!value.empty() && value.back() == ' ') value.remove_suffix(1);
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == ':';
  };
  if (value.size() < 3 || value.size() > kMaxId ||
      !std::all_of(value.begin(), value.end(), plain)) {
    return {};
  }
  return credential_kind(value).empty() ? value : std::string_view{};
}

// The part of `text` between `before` and the next '/' or '?'.
std::string_view part_after(std::string_view text, std::string_view before) noexcept {
  const size_t at = text.find(before);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + before.size());
  return text.substr(0, text.find_first_of("/?"));
}

// A label before one of the suffixes that vendors give to their customers.
std::string_view tenant_of_host(std::string_view host) noexcept {
  constexpr std::array<std::string_view, 6> kTenants = {".openai.azure.com",
                                                        ".services.ai.azure.com",
                                                        ".cognitiveservices.azure.com",
                                                        ".models.ai.azure.com",
                                                        ".ghe.com",
                                                        ".sourcegraphcloud.com"};
  host = host.substr(0, host.find(':'));
  for (const std::string_view suffix : kTenants) {
    if (host.size() <= suffix.size() || !host.ends_with(suffix)) continue;
    host.remove_suffix(suffix.size());
    const size_t dot = host.rfind('.');
    return dot == std::string_view::npos ? host : host.substr(dot + 1);
  }
  return {};
}

// The plan that Copilot's host names.
std::string_view copilot_plan(std::string_view host) noexcept {
  for (const std::string_view plan : {"individual", "business", "enterprise"}) {
    const size_t at = host.find(plan);
    if (at == std::string_view::npos || !host.ends_with(".githubcopilot.com")) continue;
    if ((at == 0 || host[at - 1] == '.') && host[at + plan.size()] == '.') return plan;
  }
  return {};
}

std::string_view credential_in(const MessageHead& head) noexcept {
  for (const std::string_view name : kCredentialHeaders) {
    for (const HeaderField& field : head.fields) {
      if (field.name != name || field.value.empty()) continue;
      std::string_view value = field.value;
      // "Bearer TOKEN", "token TOKEN"
      const size_t blank = value.find(' ');
      if (name.ends_with("authorization") && blank != std::string_view::npos) {
        value.remove_prefix(blank + 1);
      }
      const std::string_view kind = credential_kind(value);
      return kind.empty() ? std::string_view("other") : kind;
    }
  }
  const std::string_view target = head.target;
  for (size_t at = target.find('?'); at != std::string_view::npos; at = target.find('&', at + 1)) {
    if (target.substr(at + 1).starts_with("key=")) {
      const std::string_view kind = credential_kind(target.substr(at + 5));
      return kind.empty() ? std::string_view("other") : kind;
    }
  }
  return {};
}

}  // namespace

std::string_view credential_kind(std::string_view value) noexcept {
  for (const Prefix& entry : kCredentials) {
    if (value.starts_with(entry.prefix)) return entry.kind;
  }
  return {};
}

AccountSight account_of(const MessageHead& head, const CompanyAccounts& company,
                        const signatures::Catalogue& catalogue) {
  AccountSight out;
  out.credential = credential_in(head);
  std::string_view first;  // id that was shown, the widest
  std::string_view own;    // the company's
  const auto see = [&](std::string_view id) {
    if (id.empty()) return;
    if (first.empty()) first = id;
    if (own.empty() && company.contains(id)) own = id;
  };
  std::string_view allowed;  // what a proxy lets through: the vendor rejects all others
  for (const std::string_view name : kIdHeaders) {
    for (const HeaderField& field : head.fields) {
      if (field.name == name) see(id_in(field.value));
    }
  }
  for (const HeaderField& field : head.fields) {
    if (!catalogue.tenant_header_vendor(field.name).empty()) allowed = id_in(field.value);
  }
  const std::string_view target = head.target;
  for (const std::string_view before : {"/api/organizations/", "/v1/organizations/"}) {
    see(id_in(part_after(target, before)));
  }
  if (head.authority.find("googleapis.com") != std::string_view::npos) {
    see(id_in(part_after(target, "/projects/")));
  }
  see(id_in(tenant_of_host(head.authority)));
  const std::string_view plan = copilot_plan(head.authority);
  const std::string plan_id = plan.empty() ? std::string() : "copilot-" + std::string(plan);
  if (!plan.empty()) see(plan_id);

  if (!own.empty()) {
    out.account = Account::kCompany;
    out.organization = own;
  } else if (!first.empty()) {
    out.organization = first;
    // Without a list of our own, whose it is stands nowhere; but a plan for one person is nobody's
    // company's.
    if (!company.empty() || plan == "individual") out.account = Account::kPersonal;
  } else if (!allowed.empty()) {
    out.account = Account::kCompany;
    out.organization = allowed;
  }
  return out;
}

}  // namespace weir::inspect

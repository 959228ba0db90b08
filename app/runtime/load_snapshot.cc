// See load_snapshot.h.
#include "app/runtime/load_snapshot.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "app/runtime/data_files.h"
#include "inspect/detect/drip_memory.h"
#include "signatures/catalogue.h"
#include "signatures/content_rules.h"
#include "signatures/fingerprint/code_index.h"
#include "signatures/fingerprint/site_key.h"

namespace weir::app {

namespace {

// What evidence names as its rule where it is no content rule: channels of code evidence, kinds of
// digests, contradictions of names.
constexpr std::array<std::string_view, 13> kBuiltInRules{"text",
                                                         "shape",
                                                         "critical",
                                                         "name",
                                                         "sha256",
                                                         "sha1",
                                                         "md5",
                                                         "git-blob",
                                                         "domain_fronting",
                                                         "connect_mismatch",
                                                         "host_not_in_dns",
                                                         "undocumented_host",
                                                         "telemetry_host"};

Error unknown_name(const config::Settings& settings, const config::PolicyRule& rule,
                   const std::string& what, const std::string& id) {
  return Error{"policy rule \"" + rule.name + "\": when." + what + ": no " +
                   (what == "rule" ? "content rule" : what) + " has the id \"" + id + "\"",
               settings.file, rule.line, 0};
}

bool is_rule(const inspect::DetectorSet& detectors, const std::string& id) {
  if (std::find(kBuiltInRules.begin(), kBuiltInRules.end(), id) != kBuiltInRules.end()) return true;
  for (uint32_t i = 0; detectors.rules && i < detectors.rules->size(); ++i) {
    if (detectors.rules->rule(i).id == id) return true;
  }
  return false;
}

bool is_repository(const inspect::DetectorSet& detectors, const std::string& name) {
  return std::any_of(detectors.indexes.begin(), detectors.indexes.end(), [&](const auto& index) {
    const std::vector<std::string>& known = index->info().repositories;
    return std::find(known.begin(), known.end(), name) != known.end();
  });
}

// The same for what evidence is about. Without any index no repository is known, and none is asked
// for.
Status check_evidence_names(const config::Settings& settings,
                            const inspect::DetectorSet& detectors) {
  for (const config::PolicyRule& rule : settings.policy) {
    if (rule.when.content_rule) {
      for (const std::string& id : rule.when.content_rule->values) {
        if (!is_rule(detectors, id)) return unknown_name(settings, rule, "rule", id);
      }
    }
    if (!rule.when.repository || detectors.indexes.empty()) continue;
    for (const std::string& name : rule.when.repository->values) {
      if (!is_repository(detectors, name)) {
        return unknown_name(settings, rule, "repository", name);
      }
    }
  }
  return ok_status();
}

// A rule that names what the catalogue does not have would never match, or with "!" always.
Status check_names(const config::Settings& settings, const signatures::Catalogue& catalogue) {
  for (const config::PolicyRule& rule : settings.policy) {
    const auto unknown = [&](const std::string& what, const std::string& id) {
      return unknown_name(settings, rule, what, id);
    };
    if (rule.when.service) {
      for (const std::string& id : rule.when.service->values) {
        if (!catalogue.has_service(id)) return unknown("service", id);
      }
    }
    if (rule.when.tool) {
      for (const std::string& id : rule.when.tool->values) {
        if (!catalogue.has_tool(id)) return unknown("tool", id);
      }
    }
  }
  return ok_status();
}

}  // namespace

Result<std::shared_ptr<const inspect::DetectorSet>> load_detectors(const config::Settings& settings,
                                                                   double least_score) {
  auto set = std::make_shared<inspect::DetectorSet>();
  set->templates = std::make_shared<inspect::TemplateMemory>(settings.limits.template_lines);
  set->accounts = inspect::CompanyAccounts(settings.accounts.company);
  set->min_lines = settings.protect.min_lines;
  set->code = {settings.protect.shapes, least_score,
               std::make_shared<inspect::DripMemory>(settings.limits), 0};
  if (!settings.protect.indexes.empty()) {
    if (settings.protect.key.empty()) {
      return Error{"an index needs its site key: give protect.key or --key", settings.file, 0, 0};
    }
    const auto key = signatures::SiteKey::load(settings.protect.key);
    if (!key) return key.error();
    for (const std::string& path : settings.protect.indexes) {
      auto index = signatures::CodeIndex::open(path, *key);
      if (!index) return index.error();
      set->indexes.push_back(std::move(*index));
    }
  }
  // Last, as their compilation takes the longest: a wrong key is told at once.
  auto rules = signatures::RuleSet::load(rule_paths(settings), settings.environment);
  if (!rules) return rules.error();
  set->rules = std::move(*rules);
  return std::shared_ptr<const inspect::DetectorSet>(std::move(set));
}

Result<std::shared_ptr<const inspect::Snapshot>> load_snapshot(const config::Settings& settings,
                                                               uint64_t generation) {
  auto snapshot = std::make_shared<inspect::Snapshot>();
  auto catalogue = signatures::Catalogue::load(signatures_directory(settings), settings.services);
  if (!catalogue) return catalogue.error();
  snapshot->catalogue = std::move(*catalogue);
  if (const Status named = check_names(settings, *snapshot->catalogue); !named) {
    return named.error();
  }
  auto detectors = load_detectors(settings);
  if (!detectors) return detectors.error();
  snapshot->detectors = std::move(*detectors);
  if (const Status named = check_evidence_names(settings, *snapshot->detectors); !named) {
    return named.error();
  }
  snapshot->policy = inspect::Policy(settings.policy);
  snapshot->limits = settings.limits;
  snapshot->contacts = settings.contacts;
  for (const std::string& domain : settings.environment.domains) {
    snapshot->contacts.allow.push_back("*." + domain);
  }
  snapshot->accounts = inspect::CompanyAccounts(settings.accounts.company);
  snapshot->generation = generation;
  if (!settings.users.empty()) {
    auto users = config::UserMap::load(settings.users);
    if (!users) return users.error();
    snapshot->users = std::move(*users);
  }
  return std::shared_ptr<const inspect::Snapshot>(std::move(snapshot));
}

}  // namespace weir::app

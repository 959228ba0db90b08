// The company's own values (environment: in weir.yaml) as rules: each a pattern that counts where a
// value stands under a name, whatever the name.
#include <string>
#include <string_view>
#include <utility>

#include "signatures/rule_set_impl.h"

namespace weir::signatures {

namespace {

bool word_byte(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Literal text, `*` for letters, digits and '-'; whole words where its ends are of words.
std::string pattern_of(std::string_view value) {
  std::string out;
  if (word_byte(value.front())) out += "\\b";
  for (const char c : value) {
    if (c == '*') {
      out += "[A-Za-z0-9-]{0,63}";
    } else if (word_byte(c)) {
      out += c;
    } else {
      out += '\\';
      out += c;
    }
  }
  if (word_byte(value.back())) out += "\\b";
  return out;
}

void add(const std::vector<std::string>& values, std::string_view name, std::string_view title,
         std::string_view data_class, std::vector<RuleSource>& out) {
  size_t number = 0;
  for (const std::string& value : values) {
    RuleSource source;
    source.rule.id = "company-" + std::string(name) + "-" + std::to_string(++number);
    source.rule.title = title;
    source.rule.kind = EvidenceKind::kEnvironment;
    source.rule.data_class = data_class;
    source.rule.scope = RuleScope::kField;
    source.rule.score = 0.9;
    source.pattern = pattern_of(value);
    source.caseless = true;
    out.push_back(std::move(source));
  }
}

}  // namespace

void add_company_rules(const config::EnvironmentSettings& company, std::vector<RuleSource>& out) {
  add(company.users, "user", "user of the company", "user", out);
  add(company.hosts, "host", "host of the company", "host", out);
  add(company.domains, "domain", "internal domain of the company", "host", out);
  add(company.remotes, "remote", "repository of the company", "repository", out);
}

}  // namespace weir::signatures

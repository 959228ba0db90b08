// `weir usage`: who uses which AI services, what is new, what goes up and what could not be seen,
// out of the store that a sensor or `weir replay --state` keeps.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "alert/native_json.h"
#include "alert/store_reader.h"
#include "app/commands/commands.h"
#include "app/exit_codes.h"
#include "app/runtime/state_folder.h"
#include "app/runtime/time_range.h"
#include "app/terminal.h"
#include "signatures/fingerprint/site_key.h"

namespace weir::app {
namespace {

using alert::UsageColumn;
using alert::UsageOrder;
using alert::UsageQuery;
using alert::UsageRow;

struct Options {
  std::string state;
  std::string store;
  std::string config;
  std::vector<std::string> by;
  std::vector<std::string> only;
  std::string order = "uploads";
  std::string from;
  std::string until;
  std::string last;
  std::string format = "table";
  std::string anonymise;
  uint64_t limit = 0;
  bool new_services = false;
};

constexpr int64_t kHourUs = 3'600'000'000;
// Keeps pseudonyms apart from whatever else is made from a site key.
constexpr uint64_t kPseudonymLabel = 0x70736575646f6e79;

// Pseudonyms of one key are the same in every report, and tell nothing without it.
class Anonymiser {
 public:
  explicit Anonymiser(std::optional<HashKey> key) : key_(key) {}

  [[nodiscard]] std::string show(UsageColumn column, const std::string& value) const {
    const bool person = column == UsageColumn::kClient || column == UsageColumn::kUser ||
                        column == UsageColumn::kOrganization;
    if (!key_ || !person || value.empty()) return value;
    const std::string named = std::string(to_string(column)) + " " + value;
    return std::string(to_string(column)) + "-" + to_hex(siphash(*key_, as_bytes(named)));
  }

 private:
  std::optional<HashKey> key_;
};

int64_t hour_at(int64_t us) noexcept {
  if (us == INT64_MIN || us == INT64_MAX) return us;
  return us / kHourUs - (us % kHourUs < 0 ? 1 : 0);
}

std::string hour_text(int64_t hour) {
  return alert::iso_time({hour * 3'600'000'000'000}).substr(0, 13) + ":00Z";
}

Result<UsageQuery> query_of(const Options& options) {
  UsageQuery query;
  const auto range = time_range(options.from, options.until, options.last, now_us());
  if (!range) return range.error();
  query.from_hour = hour_at(range->from_us);
  query.until_hour = hour_at(range->until_us);
  const auto column = [](const std::string& name) -> Result<UsageColumn> {
    const auto found = alert::parse_usage_column(name);
    if (found) return *found;
    return Error{
        "\"" + name +
            "\" is no column: expected hour, day, client, user, service, class, host, tool, "
            "account, organization, credential, visibility, reason or status",
        {},
        0,
        0};
  };
  for (const std::string& name : options.by) {
    const auto found = column(name);
    if (!found) return found.error();
    query.by.push_back(*found);
  }
  for (const std::string& condition : options.only) {
    const size_t equals = condition.find('=');
    const auto found = column(condition.substr(0, equals));
    if (!found) return found.error();
    if (equals == std::string::npos) {
      return Error{"--only " + condition + ": expected COLUMN=VALUE", {}, 0, 0};
    }
    query.only.emplace_back(*found, condition.substr(equals + 1));
  }
  query.order = options.order == "flows"   ? UsageOrder::kFlows
                : options.order == "lines" ? UsageOrder::kLines
                : options.order == "new"   ? UsageOrder::kNewest
                                           : UsageOrder::kUploads;
  query.limit = options.limit;
  query.new_services = options.new_services;
  return query;
}

std::string table_text(const UsageQuery& query, const std::vector<UsageRow>& rows,
                       const Anonymiser& names) {
  std::vector<Table::Column> columns;
  for (const UsageColumn column : query.by) columns.push_back({std::string(to_string(column))});
  // One client each says nothing.
  const bool by_client =
      std::find(query.by.begin(), query.by.end(), UsageColumn::kClient) != query.by.end();
  if (!by_client) columns.push_back({"clients", true});
  for (const char* title : {"flows", "requests", "up", "down", "protected lines"}) {
    columns.push_back({title, true});
  }
  columns.push_back({"first seen"});
  Table table(std::move(columns));
  for (const UsageRow& row : rows) {
    std::vector<std::string> cells;
    for (size_t i = 0; i < row.values.size(); ++i) {
      const std::string value = names.show(query.by[i], row.values[i]);
      cells.push_back(value.empty() ? "-" : printable(value));
    }
    const alert::UsageCounts& c = row.counts;
    if (!by_client) cells.push_back(human_count(row.clients));
    cells.push_back(human_count(c.flows));
    cells.push_back(human_count(c.requests));
    cells.push_back(human_bytes(c.bytes_up));
    cells.push_back(human_bytes(c.bytes_down));
    cells.push_back(human_count(c.protected_lines));
    cells.push_back(hour_text(row.first_hour));
    table.add(std::move(cells), c.protected_lines > 0 ? Ink::kRed : Ink::kPlain);
  }
  return table.to_string();
}

// RFC 4180; a value that a spreadsheet would take for a formula is kept from it by an apostrophe.
std::string csv_cell(const std::string& value) {
  std::string out = value;
  if (!out.empty() && std::string("=+-@\t\r").find(out[0]) != std::string::npos) {
    out.insert(out.begin(), '\'');
  }
  if (out.find_first_of(",\"\r\n") == std::string::npos) return out;
  std::string quoted = "\"";
  for (const char c : out) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string csv_text(const UsageQuery& query, const std::vector<UsageRow>& rows,
                     const Anonymiser& names) {
  std::string out;
  for (const UsageColumn column : query.by) out += std::string(to_string(column)) + ",";
  out += "clients,flows,requests,bytes_up,bytes_down,protected_lines,first_hour,last_hour\r\n";
  for (const UsageRow& row : rows) {
    for (size_t i = 0; i < row.values.size(); ++i) {
      out += csv_cell(names.show(query.by[i], row.values[i])) + ",";
    }
    const alert::UsageCounts& c = row.counts;
    for (const uint64_t count :
         {row.clients, c.flows, c.requests, c.bytes_up, c.bytes_down, c.protected_lines}) {
      out += std::to_string(count) + ",";
    }
    out += hour_text(row.first_hour) + "," + hour_text(row.last_hour) + "\r\n";
  }
  return out;
}

std::string json_text(const UsageQuery& query, const std::vector<UsageRow>& rows,
                      const Anonymiser& names) {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const UsageRow& row : rows) {
    nlohmann::ordered_json object;
    for (size_t i = 0; i < row.values.size(); ++i) {
      object[std::string(to_string(query.by[i]))] = names.show(query.by[i], row.values[i]);
    }
    object["clients"] = row.clients;
    object["flows"] = row.counts.flows;
    object["requests"] = row.counts.requests;
    object["bytes_up"] = row.counts.bytes_up;
    object["bytes_down"] = row.counts.bytes_down;
    object["protected_lines"] = row.counts.protected_lines;
    object["first_hour"] = hour_text(row.first_hour);
    object["last_hour"] = hour_text(row.last_hour);
    out.push_back(std::move(object));
  }
  return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

// Without --by: what a weekly report asks.
int report(alert::StoreReader& reader, const UsageQuery& query, const Anonymiser& names) {
  struct Section {
    const char* title;
    std::vector<UsageColumn> by;
    std::optional<std::pair<UsageColumn, std::string>> only;
    bool new_services;
    uint64_t limit;
  };
  const std::vector<Section> sections = {
      {"Services", {UsageColumn::kService, UsageColumn::kStatus}, std::nullopt, false, 0},
      {"Unsanctioned services, by client",
       {UsageColumn::kClient, UsageColumn::kUser, UsageColumn::kService, UsageColumn::kTool},
       std::pair(UsageColumn::kStatus, std::string("unsanctioned")),
       false,
       20},
      {"Services new in this time",
       {UsageColumn::kService, UsageColumn::kStatus},
       std::nullopt,
       true,
       0},
      {"Top uploads",
       {UsageColumn::kClient, UsageColumn::kUser, UsageColumn::kService},
       std::nullopt,
       false,
       10},
      {"Whose accounts, as far as requests show it",
       {UsageColumn::kService, UsageColumn::kAccount, UsageColumn::kOrganization},
       std::nullopt,
       false,
       20},
      {"Telemetry, by day",
       {UsageColumn::kDay, UsageColumn::kTool, UsageColumn::kHost},
       std::pair(UsageColumn::kClass, std::string("telemetry")),
       false,
       40},
      {"How far it was seen, and why no further",
       {UsageColumn::kVisibility, UsageColumn::kReason},
       std::nullopt,
       false,
       0},
  };
  for (const Section& section : sections) {
    // All that is known is new when there is no time before.
    if (section.new_services && query.from_hour == INT64_MIN) continue;
    UsageQuery part = query;
    part.by = section.by;
    part.new_services = section.new_services;
    part.limit = section.limit;
    if (section.only) part.only.push_back(*section.only);
    const auto rows = reader.usage(part);
    if (!rows) {
      complain(rows.error());
      return kExitFailure;
    }
    std::printf("%s\n%s\n", paint(section.title, Ink::kBold).c_str(),
                rows->empty() ? "  none\n" : table_text(part, *rows, names).c_str());
  }
  return kExitOk;
}

int run(const Options& options) {
  const auto path = named_database(options.state, options.store, options.config);
  const auto query = query_of(options);
  if (!path || !query) {
    complain(path ? query.error() : path.error());
    return kExitUsage;
  }
  std::optional<HashKey> key;
  if (!options.anonymise.empty()) {
    const auto site = signatures::SiteKey::load(options.anonymise);
    if (!site) {
      complain(site.error());
      return kExitUsage;
    }
    key = site->derive(kPseudonymLabel);
  }
  const Anonymiser names(key);
  auto reader = alert::StoreReader::open(*path);
  if (!reader) {
    complain(reader.error());
    return kExitFailure;
  }
  const bool whole = options.by.empty() && !options.new_services && options.format == "table";
  if (whole) return report(**reader, *query, names);
  UsageQuery asked = *query;
  if (asked.by.empty()) asked.by = {UsageColumn::kService, UsageColumn::kStatus};
  const auto rows = (*reader)->usage(asked);
  if (!rows) {
    complain(rows.error());
    return kExitFailure;
  }
  const std::string text = options.format == "csv"    ? csv_text(asked, *rows, names)
                           : options.format == "json" ? json_text(asked, *rows, names)
                           : rows->empty()            ? "  none\n"
                                                      : table_text(asked, *rows, names);
  std::fputs(text.c_str(), stdout);
  return kExitOk;
}

}  // namespace

void add_usage_command(CLI::App& app, int& exit_code) {
  auto o = std::make_shared<Options>();
  CLI::App* usage = app.add_subcommand("usage", "Show who uses which AI services");
  usage->add_option("--state", o->state, "state folder of a replay or sensor");
  usage->add_option("--store", o->store, "database file");
  usage->add_option("-c,--config", o->config, "weir.yaml whose alerts.store is meant");
  usage->add_option("--by", o->by, "columns to sum by, comma between: service,client,tool …")
      ->delimiter(',');
  usage->add_option("--only", o->only, "COLUMN=VALUE; again for more, all must hold")
      ->allow_extra_args(false);
  usage->add_option("--order", o->order, "what stands first: uploads, flows, lines, new")
      ->check(CLI::IsMember({"uploads", "flows", "lines", "new"}))
      ->capture_default_str();
  usage->add_option("--from", o->from, "at or after: 2026-11-01 or 2026-11-01T13:30 UTC");
  usage->add_option("--until", o->until, "before");
  usage->add_option("--last", o->last, "in the last 24h, 7d …");
  usage->add_option("--limit", o->limit, "at most so many rows; 0: all")->capture_default_str();
  usage->add_flag("--new", o->new_services, "only services that nobody used before that time");
  usage->add_option("--format", o->format, "table, csv or json")
      ->check(CLI::IsMember({"table", "csv", "json"}))
      ->capture_default_str();
  usage->add_option("--anonymise", o->anonymise,
                    "key file: show clients, users and organisations by pseudonyms made with it");
  usage->callback([o, &exit_code] { exit_code = run(*o); });
}

}  // namespace weir::app

// See store_reader.h. All text of a query is bound, never put into SQL.
#include "alert/store_reader.h"

#include <array>

namespace weir::alert {
namespace {

struct ColumnName {
  UsageColumn column;
  std::string_view name;
  std::string_view sql;
};
constexpr std::array<ColumnName, 14> kColumns = {{
    {UsageColumn::kHour, "hour", "strftime('%Y-%m-%dT%H:00Z', hour * 3600, 'unixepoch')"},
    {UsageColumn::kDay, "day", "strftime('%Y-%m-%d', hour * 3600, 'unixepoch')"},
    {UsageColumn::kClient, "client", "client"},
    {UsageColumn::kUser, "user", "user"},
    {UsageColumn::kService, "service", "service"},
    {UsageColumn::kClass, "class", "class"},
    {UsageColumn::kHost, "host", "host"},
    {UsageColumn::kTool, "tool", "tool"},
    {UsageColumn::kAccount, "account", "account"},
    {UsageColumn::kOrganization, "organization", "organization"},
    {UsageColumn::kCredential, "credential", "credential"},
    {UsageColumn::kVisibility, "visibility", "visibility"},
    {UsageColumn::kReason, "reason", "reason"},
    {UsageColumn::kStatus, "status", "status"},
}};

std::string sql_of(UsageColumn column) {
  for (const ColumnName& entry : kColumns) {
    if (entry.column == column) return std::string(entry.sql);
  }
  return "''";
}

std::string_view order_of(UsageOrder order) noexcept {
  switch (order) {
    case UsageOrder::kUploads:
      return "bytes_up DESC";
    case UsageOrder::kFlows:
      return "flows DESC";
    case UsageOrder::kLines:
      return "protected_lines DESC";
    case UsageOrder::kNewest:
      return "first_hour DESC";
  }
  return "bytes_up DESC";
}

int64_t limit_of(uint64_t limit) noexcept {
  return limit == 0 || limit > INT64_MAX ? -1 : static_cast<int64_t>(limit);
}

}  // namespace

std::string_view to_string(UsageColumn column) noexcept {
  for (const ColumnName& entry : kColumns) {
    if (entry.column == column) return entry.name;
  }
  return "";
}

std::optional<UsageColumn> parse_usage_column(std::string_view name) noexcept {
  for (const ColumnName& entry : kColumns) {
    if (entry.name == name) return entry.column;
  }
  return std::nullopt;
}

Result<std::unique_ptr<StoreReader>> StoreReader::open(const std::string& path) {
  auto database = Database::open(path, Database::Access::kReadOnly);
  if (!database) return database.error();
  const auto tables = (*database)->number(
      "SELECT count(*) FROM sqlite_schema WHERE name IN ('incidents', 'usage', 'activities')");
  if (!tables) return tables.error();
  if (*tables != 3) return Error{"not an incident database of Weir", path, 0, 0};
  const auto version = (*database)->number("PRAGMA user_version");
  if (!version) return version.error();
  if (*version != kStoreVersion) {
    return Error{"incident database of version " + std::to_string(*version) +
                     ", this program reads " + std::to_string(kStoreVersion) +
                     "; a sensor or `weir replay --state` brings an older one up to it",
                 path, 0, 0};
  }
  return std::unique_ptr<StoreReader>(new StoreReader(std::move(*database)));
}

Result<std::vector<UsageRow>> StoreReader::usage(const UsageQuery& query) {
  std::string columns;
  std::string group;
  for (size_t i = 0; i < query.by.size(); ++i) {
    columns += sql_of(query.by[i]) + ", ";
    group += (i == 0 ? " GROUP BY " : ", ") + std::to_string(i + 1);
  }
  std::string sql = "SELECT " + columns +
                    "sum(flows) AS flows, sum(requests), sum(bytes_up) AS bytes_up, "
                    "sum(bytes_down), sum(protected_lines) AS protected_lines, "
                    "count(DISTINCT client), min(hour) AS first_hour, max(hour) "
                    "FROM usage WHERE hour >= ?1 AND hour < ?2";
  for (size_t i = 0; i < query.only.size(); ++i) {
    sql += " AND " + sql_of(query.only[i].first) + " = ?" + std::to_string(i + 4);
  }
  if (query.new_services) {
    sql += " AND service NOT IN (SELECT service FROM usage WHERE hour < ?1)";
  }
  sql += group + " HAVING count(*) > 0 ORDER BY " + std::string(order_of(query.order));
  for (size_t i = 0; i < query.by.size(); ++i) sql += ", " + std::to_string(i + 1);
  sql += " LIMIT ?3";
  auto statement = database_->prepare(sql);
  if (!statement) return statement.error();
  statement->bind(1, query.from_hour).bind(2, query.until_hour).bind(3, limit_of(query.limit));
  for (size_t i = 0; i < query.only.size(); ++i) {
    statement->bind(static_cast<int>(i) + 4, std::string_view(query.only[i].second));
  }
  std::vector<UsageRow> rows;
  Statement::Step step = statement->step();
  for (; step == Statement::Step::kRow; step = statement->step()) {
    UsageRow& row = rows.emplace_back();
    int column = 0;
    for (size_t i = 0; i < query.by.size(); ++i) row.values.emplace_back(statement->text(column++));
    const auto number = [&] { return static_cast<uint64_t>(statement->integer(column++)); };
    row.counts.flows = number();
    row.counts.requests = number();
    row.counts.bytes_up = number();
    row.counts.bytes_down = number();
    row.counts.protected_lines = number();
    row.clients = number();
    row.first_hour = statement->integer(column++);
    row.last_hour = statement->integer(column++);
  }
  if (step == Statement::Step::kError) return database_->last_error("cannot read usage");
  return rows;
}

Result<std::vector<std::string>> StoreReader::incidents(const IncidentQuery& query) {
  auto statement = database_->prepare(
      "SELECT json FROM incidents WHERE last_seen >= ?1 AND last_seen < ?2 AND severity >= ?3 "
      "AND open >= ?4 AND substr(id, 1, length(?5)) = ?5 ORDER BY last_seen DESC, id LIMIT ?6");
  if (!statement) return statement.error();
  statement->bind(1, query.from_us)
      .bind(2, query.until_us)
      .bind(3, static_cast<int64_t>(query.least))
      .bind(4, int64_t{query.open_only})
      .bind(5, std::string_view(query.id))
      .bind(6, limit_of(query.limit));
  std::vector<std::string> out;
  Statement::Step step = statement->step();
  for (; step == Statement::Step::kRow; step = statement->step()) {
    out.emplace_back(statement->text(0));
  }
  if (step == Statement::Step::kError) return database_->last_error("cannot read incidents");
  return out;
}

}  // namespace weir::alert

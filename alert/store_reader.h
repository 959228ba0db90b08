// Reads the incident store while a sensor may be writing it: usage summed by what is asked for, and
// incidents. Read-only; one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alert/database.h"
#include "alert/usage.h"
#include "core/result.h"
#include "core/verdict.h"

namespace weir::alert {

// A column that usage may be summed by or filtered on.
enum class UsageColumn : uint8_t {
  kHour,
  kDay,
  kClient,
  kUser,
  kService,
  kClass,
  kHost,
  kTool,
  kAccount,
  kOrganization,
  kCredential,
  kVisibility,
  kReason,
  kStatus
};
std::string_view to_string(UsageColumn) noexcept;
std::optional<UsageColumn> parse_usage_column(std::string_view) noexcept;

enum class UsageOrder : uint8_t { kUploads, kFlows, kLines, kNewest };

struct UsageQuery {
  std::vector<UsageColumn> by;  // in this order; empty: one row, the total
  std::vector<std::pair<UsageColumn, std::string>> only;
  int64_t from_hour = INT64_MIN;   // first hour since 1970
  int64_t until_hour = INT64_MAX;  // the first one that does not belong to it
  UsageOrder order = UsageOrder::kUploads;
  uint64_t limit = 0;  // rows; 0: all
  // Services alone that nobody had used before `from_hour`.
  bool new_services = false;
};

struct UsageRow {
  std::vector<std::string> values;  // of the columns asked for
  UsageCounts counts;
  uint64_t clients = 0;  // distinct
  int64_t first_hour = 0;
  int64_t last_hour = 0;
};

struct IncidentQuery {
  std::string id;  // a beginning of it; empty: any
  Severity least = Severity::kNone;
  int64_t from_us = INT64_MIN;  // last seen, microseconds since 1970
  int64_t until_us = INT64_MAX;
  bool open_only = false;
  uint64_t limit = 0;
};

class StoreReader {
 public:
  // A damaged file or one that is no incident store is an error.
  static Result<std::unique_ptr<StoreReader>> open(const std::string& path);

  Result<std::vector<UsageRow>> usage(const UsageQuery& query);
  // Newest first; native JSON as it was told last.
  Result<std::vector<std::string>> incidents(const IncidentQuery& query);

 private:
  explicit StoreReader(std::unique_ptr<Database> database) : database_(std::move(database)) {}

  std::unique_ptr<Database> database_;
};

}  // namespace weir::alert

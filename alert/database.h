// SQLite, as far as the incident store needs it: one connection, prepared statements, errors as
// values. One thread at a time. https://www.sqlite.org/c3ref/intro.html
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace weir::alert {

// Of the incident store's tables.
inline constexpr int64_t kStoreVersion = 2;

class Database;

// A prepared statement. Must not outlive its database. Parameters and columns count from 1 and 0,
// as in SQLite. Bound text is copied.
class Statement {
 public:
  enum class Step : uint8_t { kRow, kDone, kError };

  Statement() noexcept = default;
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(int parameter, int64_t value) noexcept;
  Statement& bind(int parameter, std::string_view value) noexcept;
  // After kDone and kError the statement may be bound anew and run again.
  Step step() noexcept;
  // Ends a run before its last row.
  void reset() noexcept;
  [[nodiscard]] int64_t integer(int column) const noexcept;
  // Empty for NULL. Valid until the next step.
  [[nodiscard]] std::string_view text(int column) const noexcept;

 private:
  friend class Database;
  sqlite3_stmt* handle_ = nullptr;
};

class Database {
 public:
  enum class Access : uint8_t { kReadOnly, kReadWrite };
  // What an error means to the caller.
  enum class Trouble : uint8_t { kNone, kBusy, kFull, kCorrupt, kOther };

  // kReadWrite makes the file, with mode 0600, and its write-ahead log beside it.
  static Result<std::unique_ptr<Database>> open(const std::string& path, Access access);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // One or more statements without parameters.
  Status run(const std::string& sql);
  Result<Statement> prepare(std::string_view sql);
  // The first column of the first row; 0 when there is none.
  Result<int64_t> number(const std::string& sql);
  [[nodiscard]] Trouble trouble() const noexcept;
  // Of the last call that failed.
  [[nodiscard]] Error last_error(const std::string& doing) const;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  Database(sqlite3* handle, std::string path) noexcept : handle_(handle), path_(std::move(path)) {}

  sqlite3* handle_;
  std::string path_;
};

}  // namespace weir::alert

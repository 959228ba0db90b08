// See database.h.
#include "alert/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace weir::alert {
namespace {
// A reader (`weir usage`, `weir incidents`) never holds the write lock; another sensor on the same
// file would.
constexpr int kBusyMilliseconds = 2'000;
}  // namespace

Statement::~Statement() { sqlite3_finalize(handle_); }

Statement::Statement(Statement&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}

Statement& Statement::bind(int parameter, int64_t value) noexcept {
  sqlite3_bind_int64(handle_, parameter, value);
  return *this;
}

Statement& Statement::bind(int parameter, std::string_view value) noexcept {
  sqlite3_bind_text64(handle_, parameter, value.data(), value.size(), SQLITE_TRANSIENT,
                      SQLITE_UTF8);
  return *this;
}

Statement::Step Statement::step() noexcept {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return Step::kRow;
  sqlite3_reset(handle_);
  return code == SQLITE_DONE ? Step::kDone : Step::kError;
}

void Statement::reset() noexcept { sqlite3_reset(handle_); }

int64_t Statement::integer(int column) const noexcept {
  return sqlite3_column_int64(handle_, column);
}

std::string_view Statement::text(int column) const noexcept {
  const unsigned char* text = sqlite3_column_text(handle_, column);
  if (text == nullptr) return {};
  const int bytes = sqlite3_column_bytes(handle_, column);
  return {reinterpret_cast<const char*>(text), static_cast<size_t>(bytes)};
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, Access access) {
  if (access == Access::kReadWrite) {
    // Made here, so that it is never readable for others, whatever the umask.
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) {
      return Error{std::string("cannot open the database: ") + std::strerror(errno), path, 0, 0};
    }
    ::close(descriptor);
  }
  sqlite3* handle = nullptr;
  const int flags = access == Access::kReadWrite ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Database> out(new Database(handle, path));
  if (code != SQLITE_OK) return out->last_error("cannot open the database");
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kBusyMilliseconds);
  return out;
}

Database::~Database() { sqlite3_close_v2(handle_); }

Status Database::run(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return last_error("database");
  }
  return ok_status();
}

Result<Statement> Database::prepare(std::string_view sql) {
  Statement out;
  const auto bytes = static_cast<int>(sql.size());
  if (sqlite3_prepare_v2(handle_, sql.data(), bytes, &out.handle_, nullptr) != SQLITE_OK) {
    return last_error("database");
  }
  return out;
}

Result<int64_t> Database::number(const std::string& sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  switch (statement->step()) {
    case Statement::Step::kRow:
      return statement->integer(0);
    case Statement::Step::kDone:
      return int64_t{0};
    case Statement::Step::kError:
      break;
  }
  return last_error("database");
}

Database::Trouble Database::trouble() const noexcept {
  switch (sqlite3_errcode(handle_) & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
      return Trouble::kNone;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Trouble::kBusy;
    case SQLITE_FULL:
      return Trouble::kFull;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Trouble::kCorrupt;
    default:
      return Trouble::kOther;
  }
}

Error Database::last_error(const std::string& doing) const {
  return Error{doing + ": " + sqlite3_errmsg(handle_), path_, 0, 0};
}

}  // namespace weir::alert

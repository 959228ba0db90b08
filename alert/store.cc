// See store.h. Write-ahead logging with synchronous=NORMAL: a commit survives the process, and a
// loss of power costs at most the last transactions, never the database. With a sink's cursor in
// the same file, what it has taken is known again after a restart.
#include "alert/store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "alert/native_json.h"

namespace weir::alert {
namespace {

constexpr int64_t kApplicationId = 0x57656972;  // "Weir"
constexpr size_t kDeliverAtOnce = 256;
constexpr uint64_t kCommitsBetweenPrunes = 16;
constexpr int64_t kPruneRows = 500;

constexpr const char* kSchema = R"sql(
PRAGMA application_id = 1466263922;
CREATE TABLE incidents(
  id TEXT PRIMARY KEY, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
  open INTEGER NOT NULL, severity INTEGER NOT NULL, code_lines INTEGER NOT NULL,
  json TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX incidents_by_time ON incidents(last_seen);
CREATE TABLE activities(
  sequence INTEGER PRIMARY KEY AUTOINCREMENT, activity INTEGER NOT NULL,
  severity INTEGER NOT NULL, json TEXT NOT NULL);
CREATE TABLE cursors(sink TEXT PRIMARY KEY, taken INTEGER NOT NULL) WITHOUT ROWID;
)sql";

constexpr const char* kUsageTable = R"sql(
PRAGMA user_version = 2;
CREATE TABLE usage(
  hour INTEGER NOT NULL, client TEXT NOT NULL, user TEXT NOT NULL, service TEXT NOT NULL,
  class TEXT NOT NULL, host TEXT NOT NULL, tool TEXT NOT NULL, account TEXT NOT NULL,
  organization TEXT NOT NULL, credential TEXT NOT NULL, visibility TEXT NOT NULL,
  reason TEXT NOT NULL, status TEXT NOT NULL, flows INTEGER NOT NULL, requests INTEGER NOT NULL,
  bytes_up INTEGER NOT NULL, bytes_down INTEGER NOT NULL, protected_lines INTEGER NOT NULL,
  PRIMARY KEY(hour, service, client, user, class, host, tool, account, organization, credential,
              visibility, reason, status)) WITHOUT ROWID;
)sql";

// What version 1 knew of usage goes on: it knew of neither class nor organisation, and told
// "decrypted: …" of TLS as the reason.
constexpr const char* kFromVersion1 = R"sql(
INSERT INTO usage SELECT hour, client, user, service, '', host, tool, 'unknown', '', '', visibility,
  reason, status, flows, requests, bytes_up, bytes_down, protected_lines FROM usage_1;
DROP TABLE usage_1;
)sql";

int64_t microseconds(Timestamp time) noexcept { return time.ns / 1'000; }
int64_t clamp(uint64_t value) noexcept {
  return static_cast<int64_t>(std::min<uint64_t>(value, INT64_MAX));
}

}  // namespace

struct Store::Statements {
  Statement begin, commit, rollback;
  Statement insert_activity, upsert_incident, code_lines, upsert_usage;
  Statement read_activities, set_cursor, last_sequence;
};

Store::Store(std::unique_ptr<Database> database, const StoreOptions& options)
    : database_(std::move(database)),
      statements_(std::make_unique<Statements>()),
      options_(options) {}

Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::string& path, const StoreOptions& options,
                                           bool* damaged) {
  if (damaged != nullptr) *damaged = false;
  auto database = Database::open(path, Database::Access::kReadWrite);
  if (!database) return database.error();
  std::unique_ptr<Store> out(new Store(std::move(*database), options));
  if (const Status status = out->prepare(); !status) {
    if (damaged != nullptr) {
      *damaged = out->damaged_ || out->database_->trouble() == Database::Trouble::kCorrupt;
    }
    return status.error();
  }
  return out;
}

Result<std::string> Store::set_aside(const std::string& path) {
  for (int number = 1; number < 1'000; ++number) {
    const std::string aside = path + ".damaged-" + std::to_string(number);
    struct stat info {};
    if (::lstat(aside.c_str(), &info) == 0) continue;
    if (::rename(path.c_str(), aside.c_str()) != 0) {
      return Error{std::string("cannot be set aside: ") + std::strerror(errno), path, 0, 0};
    }
    // The log belongs to the damaged file: left behind, it would be played into the new one.
    for (const char* suffix : {"-wal", "-shm"}) {
      static_cast<void>(::rename((path + suffix).c_str(), (aside + suffix).c_str()));
    }
    return aside;
  }
  return Error{"cannot be set aside: too many damaged databases lie beside it", path, 0, 0};
}

Status Store::prepare() {
  Database& db = *database_;
  // auto_vacuum must stand before the first page is written; later it changes nothing.
  if (const Status mode = db.run("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; "
                                 "PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF;");
      !mode) {
    return mode;
  }
  const auto version = db.number("PRAGMA user_version");
  if (!version) return version.error();
  const auto tables = db.number("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  if (*tables == 0) {
    if (const Status made = db.run(std::string("BEGIN;") + kSchema + kUsageTable + "COMMIT;");
        !made) {
      return made;
    }
  } else {
    const auto application = db.number("PRAGMA application_id");
    if (!application) return application.error();
    if (*application != kApplicationId) {
      return Error{"not an incident database of Weir", db.path(), 0, 0};
    }
    if (*version == 1) {
      const Status moved = db.run(std::string("BEGIN; ALTER TABLE usage RENAME TO usage_1;") +
                                  kUsageTable + kFromVersion1 + "COMMIT;");
      if (!moved) return moved;
    } else if (*version != kStoreVersion) {
      return Error{"incident database of version " + std::to_string(*version) +
                       ", this program reads " + std::to_string(kStoreVersion),
                   db.path(), 0, 0};
    }
    const auto checked = db.number("SELECT quick_check <> 'ok' FROM pragma_quick_check(1)");
    if (!checked) return checked.error();
    if (*checked != 0) {
      damaged_ = true;
      return Error{"the incident database is damaged", db.path(), 0, 0};
    }
  }
  const auto make = [&db](Statement& into, std::string_view sql) -> Status {
    auto statement = db.prepare(sql);
    if (!statement) return statement.error();
    into = std::move(*statement);
    return ok_status();
  };
  Statements& s = *statements_;
  const std::vector<std::pair<Statement*, std::string_view>> all = {
      {&s.begin, "BEGIN IMMEDIATE"},
      {&s.commit, "COMMIT"},
      {&s.rollback, "ROLLBACK"},
      {&s.insert_activity, "INSERT INTO activities(activity, severity, json) VALUES(?1, ?2, ?3)"},
      {&s.upsert_incident,
       "INSERT INTO incidents VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(id) DO UPDATE SET "
       "first_seen = ?2, last_seen = ?3, open = ?4, severity = ?5, code_lines = ?6, json = ?7"},
      {&s.code_lines, "SELECT code_lines FROM incidents WHERE id = ?1"},
      {&s.upsert_usage,
       "INSERT INTO usage VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, "
       "?15, ?16, ?17, ?18) ON CONFLICT DO UPDATE SET flows = flows + ?14, "
       "requests = requests + ?15, bytes_up = bytes_up + ?16, bytes_down = bytes_down + ?17, "
       "protected_lines = protected_lines + ?18"},
      {&s.read_activities,
       "SELECT sequence, activity, severity, json FROM activities WHERE sequence > ?1 "
       "ORDER BY sequence LIMIT ?2"},
      {&s.set_cursor,
       "INSERT INTO cursors VALUES(?1, ?2) ON CONFLICT(sink) DO UPDATE SET taken = ?2"},
      {&s.last_sequence, "SELECT seq FROM sqlite_sequence WHERE name = 'activities'"},
  };
  for (const auto& entry : all) {
    if (const Status made = make(*entry.first, entry.second); !made) return made;
  }
  // Incidents of a process that ended without closing them grow no more.
  if (const Status closed = db.run("UPDATE incidents SET open = 0 WHERE open = 1"); !closed) {
    return closed;
  }
  if (s.last_sequence.step() == Statement::Step::kRow) {
    last_sequence_ = s.last_sequence.integer(0);
    s.last_sequence.reset();
  }
  return ok_status();
}

Status Store::add_sink(DeliverySink& sink) {
  auto read = database_->prepare("SELECT taken FROM cursors WHERE sink = ?1");
  if (!read) return read.error();
  const std::string name = sink.name();
  read->bind(1, std::string_view(name));
  int64_t taken = last_sequence_;
  switch (read->step()) {
    case Statement::Step::kRow:
      // After an unclean end a sink may have been told of more than was kept.
      taken = std::min(read->integer(0), last_sequence_);
      read->reset();
      break;
    case Statement::Step::kDone:
      if (statements_->set_cursor.bind(1, std::string_view(name)).bind(2, taken).step() !=
          Statement::Step::kDone) {
        return database_->last_error("cannot keep the place of a sink");
      }
      break;
    case Statement::Step::kError:
      return database_->last_error("cannot read the place of a sink");
  }
  cursors_.push_back({&sink, taken});
  return ok_status();
}

void Store::on_incident(const Incident& incident, IncidentActivity activity) {
  uint64_t lines = 0;
  for (const Evidence& piece : incident.evidence) {
    if (piece.kind == EvidenceKind::kCode) lines += piece.lines;
  }
  UsageKey usage = usage_key(incident.flow, incident.last_seen);
  waiting_.push_back({incident.id, activity, incident.severity, microseconds(incident.first_seen),
                      microseconds(incident.last_seen), std::move(usage), lines,
                      alert_json(incident, activity)});
  waiting_bytes_ += waiting_.back().json.size();
  while (waiting_.size() > options_.waiting_activities ||
         (waiting_bytes_ > options_.waiting_bytes && waiting_.size() > 1)) {
    // Only where commits fail, or none is called: told to the sinks rather than forgotten.
    if (!waiting_.front().told) tell_unstored();
    waiting_bytes_ -= waiting_.front().json.size();
    waiting_.pop_front();
    counters_.waiting_dropped.add();
  }
}

void Store::add_usage(const UsageKey& key, const UsageCounts& counts) {
  counters_.usage_updates.add();
  const auto found = usage_.find(key);
  if (found != usage_.end()) {
    found->second += counts;
  } else if (usage_.size() < options_.waiting_usage_rows) {
    usage_.emplace(key, counts);
  } else {
    counters_.usage_dropped.add();
  }
}

bool Store::write_activity(const Waiting& waiting, UsageRows& lines_found) {
  Statements& s = *statements_;
  const bool open = waiting.activity != IncidentActivity::kClose;
  const auto severity = static_cast<int64_t>(waiting.severity);
  uint64_t known = 0;
  switch (s.code_lines.bind(1, std::string_view(waiting.id)).step()) {
    case Statement::Step::kRow:
      known = static_cast<uint64_t>(s.code_lines.integer(0));
      s.code_lines.reset();
      break;
    case Statement::Step::kDone:
      break;
    case Statement::Step::kError:
      return false;
  }
  if (waiting.code_lines > known && !waiting.usage.service.empty()) {
    lines_found[waiting.usage].protected_lines += waiting.code_lines - known;
  }
  s.upsert_incident.bind(1, std::string_view(waiting.id))
      .bind(2, waiting.first_seen_us)
      .bind(3, waiting.last_seen_us)
      .bind(4, int64_t{open})
      .bind(5, severity)
      .bind(6, clamp(std::max(waiting.code_lines, known)))
      .bind(7, std::string_view(waiting.json));
  if (s.upsert_incident.step() != Statement::Step::kDone) return false;
  // What the sinks were told already is kept as an incident, not told again.
  if (waiting.told) return true;
  s.insert_activity.bind(1, static_cast<int64_t>(waiting.activity))
      .bind(2, severity)
      .bind(3, std::string_view(waiting.json));
  return s.insert_activity.step() == Statement::Step::kDone;
}

bool Store::write_usage(const UsageRows& rows) {
  for (const auto& [key, counts] : rows) {
    statements_->upsert_usage.bind(1, key.hour)
        .bind(2, std::string_view(key.client))
        .bind(3, std::string_view(key.user))
        .bind(4, std::string_view(key.service))
        .bind(5, std::string_view(key.service_class))
        .bind(6, std::string_view(key.host))
        .bind(7, std::string_view(key.tool))
        .bind(8, std::string_view(key.account))
        .bind(9, std::string_view(key.organization))
        .bind(10, std::string_view(key.credential))
        .bind(11, std::string_view(key.visibility))
        .bind(12, std::string_view(key.reason))
        .bind(13, std::string_view(key.status))
        .bind(14, clamp(counts.flows))
        .bind(15, clamp(counts.requests))
        .bind(16, clamp(counts.bytes_up))
        .bind(17, clamp(counts.bytes_down))
        .bind(18, clamp(counts.protected_lines));
    if (statements_->upsert_usage.step() != Statement::Step::kDone) return false;
  }
  return true;
}

Status Store::write() {
  if (waiting_.empty() && usage_.empty()) return ok_status();
  Statements& s = *statements_;
  if (s.begin.step() != Statement::Step::kDone) return database_->last_error("cannot store");
  UsageRows lines_found;
  bool good = true;
  for (const Waiting& waiting : waiting_) good = good && write_activity(waiting, lines_found);
  good = good && write_usage(usage_) && write_usage(lines_found) &&
         s.commit.step() == Statement::Step::kDone;
  if (!good) {
    const Error error = database_->last_error("cannot store");
    static_cast<void>(s.rollback.step());
    return error;
  }
  counters_.usage_rows.add(usage_.size() + lines_found.size());
  for (const Waiting& waiting : waiting_) {
    counters_.stored.add();
    if (!waiting.told) ++last_sequence_;
  }
  waiting_.clear();
  waiting_bytes_ = 0;
  usage_.clear();
  return ok_status();
}

void Store::tell_unstored() {
  for (Waiting& waiting : waiting_) {
    if (waiting.told) continue;
    waiting.told = true;
    counters_.told_unstored.add();
    for (Cursor& cursor : cursors_) {
      if (cursor.sink->deliver(waiting.activity, waiting.severity, waiting.json)) {
        counters_.delivered.add();
      } else {
        counters_.deliveries_failed.add();
      }
    }
  }
}

Status Store::commit() {
  const Status written = write();
  if (!written) {
    counters_.commits_failed.add();
    trouble_ = written.error().to_string();
    deliver();
    tell_unstored();
    return written;
  }
  trouble_.clear();
  counters_.commits.add();
  deliver();
  if (commits_until_prune_-- == 0) {
    commits_until_prune_ = kCommitsBetweenPrunes;
    return prune();
  }
  return ok_status();
}

uint64_t Store::undelivered() const noexcept {
  int64_t behind = 0;
  for (const Cursor& cursor : cursors_) behind = std::max(behind, last_sequence_ - cursor.taken);
  return static_cast<uint64_t>(behind);
}

void Store::deliver() {
  for (Cursor& cursor : cursors_) {
    while (cursor.taken < last_sequence_ && deliver_to(cursor)) {
    }
  }
}

// Up to kDeliverAtOnce; false when the sink refused one or the database could not be read.
bool Store::deliver_to(Cursor& cursor) {
  Statements& s = *statements_;
  const int64_t before = cursor.taken;
  s.read_activities.bind(1, cursor.taken).bind(2, static_cast<int64_t>(kDeliverAtOnce));
  bool taken = true;
  Statement::Step step = s.read_activities.step();
  const bool any = step == Statement::Step::kRow;
  while (taken && step == Statement::Step::kRow) {
    const auto activity =
        static_cast<IncidentActivity>(std::clamp<int64_t>(s.read_activities.integer(1), 0, 2));
    const auto severity =
        static_cast<Severity>(std::clamp<int64_t>(s.read_activities.integer(2), 0, 5));
    taken = cursor.sink->deliver(activity, severity, std::string(s.read_activities.text(3)));
    if (taken) {
      cursor.taken = s.read_activities.integer(0);
      counters_.delivered.add();
      step = s.read_activities.step();
    } else {
      counters_.deliveries_failed.add();
    }
  }
  if (step == Statement::Step::kRow) s.read_activities.reset();
  // Nothing left above the cursor although it is behind: it was pruned.
  if (!any && step == Statement::Step::kDone) cursor.taken = last_sequence_;
  if (cursor.taken != before) {
    const std::string name = cursor.sink->name();
    // A place that cannot be kept means a repetition after a restart, no loss.
    static_cast<void>(s.set_cursor.bind(1, std::string_view(name)).bind(2, cursor.taken).step());
  }
  return any && taken && step != Statement::Step::kError;
}

// Oldest first: activities that all sinks have, then closed incidents and usage, then activities
// that some sink has not taken. A part of it each time, so that a commit stays short.
Status Store::prune() {
  Database& db = *database_;
  if (options_.budget == 0) return ok_status();
  const auto size = [&db]() -> Result<int64_t> {
    return db.number(
        "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, "
        "pragma_freelist_count, pragma_page_size");
  };
  const auto in_use = size();
  if (!in_use) return in_use.error();
  int64_t used = *in_use;
  const auto budget = clamp(options_.budget);
  if (used <= budget) return ok_status();
  int64_t slowest = last_sequence_;
  for (const Cursor& cursor : cursors_) slowest = std::min(slowest, cursor.taken);
  const std::string rows = std::to_string(kPruneRows);
  const std::vector<std::pair<bool, std::string>> steps = {
      {false,
       "DELETE FROM activities WHERE sequence IN (SELECT sequence FROM activities WHERE sequence "
       "<= " +
           std::to_string(slowest) + " ORDER BY sequence LIMIT " + rows + ")"},
      {false,
       "DELETE FROM incidents WHERE id IN (SELECT id FROM incidents WHERE open = 0 ORDER BY "
       "last_seen LIMIT " +
           rows + ")"},
      {false,
       "DELETE FROM usage WHERE hour <= (SELECT min(hour) FROM usage) AND hour < (SELECT max(hour) "
       "FROM usage)"},
      {true,
       "DELETE FROM activities WHERE sequence IN (SELECT sequence FROM activities ORDER BY "
       "sequence LIMIT " +
           rows + ")"},
  };
  for (const auto& [undelivered, sql] : steps) {
    for (int round = 0; used > budget && round < 8; ++round) {
      if (const Status done = db.run(sql); !done) return done;
      const auto changed = db.number("SELECT changes()");
      if (!changed) return changed.error();
      if (*changed == 0) break;
      counters_.pruned.add(static_cast<uint64_t>(*changed));
      if (undelivered) counters_.pruned_undelivered.add(static_cast<uint64_t>(*changed));
      const auto now = size();
      if (!now) return now.error();
      used = *now;
    }
  }
  return db.run("PRAGMA incremental_vacuum");
}

}  // namespace weir::alert

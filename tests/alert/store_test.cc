#include "alert/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "alert/incident_maker.h"
#include "alert/store_reader.h"
#include "tests/alert/make.h"

namespace weir::alert {
namespace {

using test::code;
using test::finding;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FakeSink final : public DeliverySink {
 public:
  explicit FakeSink(std::string name = "fake") : name_(std::move(name)) {}
  [[nodiscard]] std::string name() const override { return name_; }
  bool deliver(IncidentActivity activity, Severity /*severity*/, const std::string& json) override {
    if (!up) return false;
    told.push_back(std::string(to_string(activity)) + " " + json.substr(json.find("\"id\""), 23));
    return true;
  }
  bool up = true;
  std::vector<std::string> told;

 private:
  std::string name_;
};

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() : maker_(limits_, Duration::seconds(100), incident_counters_) {
    std::string pattern = (std::filesystem::temp_directory_path() / "weir-store-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    path_ = folder_ + "/weir.db";
  }
  ~StoreTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Store> opened(const StoreOptions& options = {}) {
    auto store = Store::open(path_, options);
    EXPECT_TRUE(store) << (store ? "" : store.error().to_string());
    return store ? std::move(*store) : nullptr;
  }
  // One incident, about a file of its own; it stays open.
  void happen(Store& store, int number, bool ends = false) {
    IncidentMaker maker(limits_, Duration::seconds(100), incident_counters_);
    maker.add_sink(store);
    maker.on_finding(finding(number, {code("f" + std::to_string(number), 1, 9, 9)}));
    if (ends) maker.close_all();
  }
  std::vector<std::string> incidents() {
    auto reader = StoreReader::open(path_);
    EXPECT_TRUE(reader);
    auto all = (*reader)->incidents({});
    EXPECT_TRUE(all);
    return *all;
  }

  Limits limits_;
  IncidentCounters incident_counters_;
  IncidentMaker maker_;
  std::string folder_;
  std::string path_;
};

TEST_F(StoreTest, WhatIsToldIsStoredFirst) {
  const auto store = opened();
  FakeSink sink;
  ASSERT_TRUE(store->add_sink(sink));
  maker_.add_sink(*store);
  maker_.on_finding(finding(1, {code("a.cc", 10, 20, 8)}));
  EXPECT_TRUE(sink.told.empty());
  ASSERT_TRUE(store->commit());
  ASSERT_EQ(sink.told.size(), 1U);
  EXPECT_EQ(sink.told[0].rfind("create ", 0), 0U);
  maker_.close_all();
  ASSERT_TRUE(store->commit());
  ASSERT_EQ(sink.told.size(), 2U);
  EXPECT_EQ(sink.told[1].rfind("close ", 0), 0U);
  const auto all = incidents();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_THAT(all[0], HasSubstr("\"path\":\"a.cc\""));
  EXPECT_EQ(store->undelivered(), 0U);
}

TEST_F(StoreTest, TheFileIsForItsOwnerAlone) {
  const auto store = opened();
  happen(*store, 1);
  ASSERT_TRUE(store->commit());
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat info {};
    ASSERT_EQ(::stat((path_ + suffix).c_str(), &info), 0) << suffix;
    EXPECT_EQ(info.st_mode & 0777U, 0600U) << suffix;
  }
}

TEST_F(StoreTest, ASinkThatWasAwayGetsAllInOrderAfterARestart) {
  FakeSink here("here");
  FakeSink away("away");
  {
    const auto store = opened();
    ASSERT_TRUE(store->add_sink(here));
    ASSERT_TRUE(store->add_sink(away));
    away.up = false;
    for (int i = 0; i < 700; ++i) happen(*store, i);
    ASSERT_TRUE(store->commit());
    EXPECT_EQ(here.told.size(), 700U);
    EXPECT_EQ(store->undelivered(), 700U);
    EXPECT_EQ(store->counters().deliveries_failed.get(), 1U);
  }
  const auto store = opened();
  ASSERT_TRUE(store->add_sink(here));
  ASSERT_TRUE(store->add_sink(away));
  EXPECT_EQ(store->undelivered(), 700U);
  away.up = true;
  happen(*store, 1'000);
  ASSERT_TRUE(store->commit());
  EXPECT_EQ(here.told.size(), 701U);
  EXPECT_EQ(away.told, here.told);
}

TEST_F(StoreTest, ANewSinkIsNotToldOfThePast) {
  {
    const auto store = opened();
    happen(*store, 1);
    ASSERT_TRUE(store->commit());
  }
  const auto store = opened();
  FakeSink sink;
  ASSERT_TRUE(store->add_sink(sink));
  happen(*store, 2);
  ASSERT_TRUE(store->commit());
  EXPECT_EQ(sink.told.size(), 1U);
}

// The write lock of another connection stands for a disk that cannot be written.
TEST_F(StoreTest, WhileItCannotBeWrittenAlertsGoOutAndAreStoredLater) {
  const auto store = opened();
  FakeSink sink;
  ASSERT_TRUE(store->add_sink(sink));
  happen(*store, 1);
  store->add_usage({}, {1, 1, 100, 0, 0});
  ASSERT_TRUE(store->commit());
  {
    auto other = Database::open(path_, Database::Access::kReadWrite);
    ASSERT_TRUE(other);
    ASSERT_TRUE((*other)->run("BEGIN EXCLUSIVE"));
    happen(*store, 2);
    store->add_usage({}, {1, 1, 10, 0, 0});
    EXPECT_FALSE(store->commit());
    EXPECT_THAT(store->trouble(), HasSubstr("locked"));
    EXPECT_EQ(sink.told.size(), 2U);
    EXPECT_EQ(store->counters().told_unstored.get(), 1U);
    ASSERT_TRUE((*other)->run("ROLLBACK"));
  }
  happen(*store, 3);
  ASSERT_TRUE(store->commit());
  EXPECT_TRUE(store->trouble().empty());
  EXPECT_EQ(sink.told.size(), 3U);  // none twice
  EXPECT_EQ(incidents().size(), 3U);
  auto reader = StoreReader::open(path_);
  const auto total = (*reader)->usage({});
  ASSERT_TRUE(total);
  uint64_t up = 0;
  for (const UsageRow& row : *total) up += row.counts.bytes_up;
  EXPECT_EQ(up, 110U);
}

// A limit of the size of files stands for a full disk: writes fail in the same place.
TEST_F(StoreTest, OnAFullDiskNothingStoredIsLostAndAlertsGoOn) {
  const auto store = opened();
  FakeSink sink;
  ASSERT_TRUE(store->add_sink(sink));
  happen(*store, 1, true);
  store->add_usage({}, {1, 1, 100, 0, 0});
  ASSERT_TRUE(store->commit());
  const auto before = incidents();
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit whole{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &whole), 0);
  rlimit full = whole;
  full.rlim_cur = std::filesystem::file_size(path_ + "-wal") + 10'000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 50; ++i) happen(*store, 100 + round * 50 + i);
    store->add_usage({}, {1, 1, 10, 0, 0});
    EXPECT_FALSE(store->commit());
    EXPECT_FALSE(store->trouble().empty());
    EXPECT_EQ(incidents(), before) << "what was stored can be read";
  }
  EXPECT_EQ(sink.told.size(), 152U) << "all were told";
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &whole), 0);
  std::signal(SIGXFSZ, handler);
  ASSERT_TRUE(store->commit());
  EXPECT_TRUE(store->trouble().empty());
  EXPECT_EQ(sink.told.size(), 152U) << "none twice";
  EXPECT_EQ(incidents().size(), 151U);
  const auto total = (*StoreReader::open(path_))->usage({});
  ASSERT_TRUE(total);
  uint64_t up = 0;
  for (const UsageRow& row : *total) up += row.counts.bytes_up;
  EXPECT_EQ(up, 130U);
}

// Flipped bytes and cut ends, found at the start or only later: an error or none, never a crash,
// and sinks are told all the same. What is set aside is what was there.
TEST_F(StoreTest, ADatabaseThatIsDamagedAnyhowStopsNothing) {
  {
    const auto store = opened();
    for (int i = 0; i < 120; ++i) happen(*store, i, true);
    for (int64_t hour = 0; hour < 200; ++hour) {
      UsageKey key;
      key.hour = hour;
      store->add_usage(key, {1, 1, 1, 1, 1});
    }
    ASSERT_TRUE(store->commit());
  }
  const auto read = [](const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const auto write = [](const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  };
  const std::string whole = read(path_);
  ASSERT_GT(whole.size(), 40'000U);
  std::mt19937_64 random(20261125);
  size_t found = 0;
  for (int round = 0; round < 40; ++round) {
    std::string bytes = whole;
    const bool later = round % 4 == 3;
    if (round % 4 == 1) {
      bytes.resize(bytes.size() - 1 - random() % (bytes.size() - 1));
    } else {
      // The heads of some pages, or anything anywhere.
      for (int i = 0; i < 24; ++i) {
        const size_t page = random() % (bytes.size() / 4096);
        bytes[page * 4096 + random() % (round % 4 == 0 ? 4096 : 16)] = static_cast<char>(random());
      }
    }
    const std::string path = folder_ + "/damaged.db";
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
    write(path, later ? whole : bytes);
    bool damaged = false;
    auto store = Store::open(path, {}, &damaged);
    if (later) {
      ASSERT_TRUE(store);
      write(path, bytes);
    }
    if (!store) {
      ++found;
      EXPECT_FALSE(store.error().message.empty());
      if (damaged) {
        const auto aside = Store::set_aside(path);
        ASSERT_TRUE(aside);
        // Opening it may count itself in the first page.
        EXPECT_TRUE(read(*aside).substr(std::min<size_t>(100, bytes.size())) ==
                    bytes.substr(std::min<size_t>(100, bytes.size())));
        std::filesystem::remove(*aside);
        store = Store::open(path);
        ASSERT_TRUE(store) << store.error().to_string();
      }
    }
    if (!store) continue;
    FakeSink sink;
    if (!(*store)->add_sink(sink)) continue;
    happen(**store, 1'000 + round);
    const Status committed = (*store)->commit();
    if (!committed) ++found;
    EXPECT_EQ(sink.told.size(), 1U) << round << ": " << (*store)->trouble();
    EXPECT_EQ((*store)->trouble().empty(), static_cast<bool>(committed));
    // A reader of it says what it can, or why not.
    if (const auto reader = StoreReader::open(path)) {
      static_cast<void>((*reader)->incidents({}));
      static_cast<void>((*reader)->usage({}));
    }
  }
  EXPECT_GT(found, 20U) << "rounds in which the damage was met";
}

TEST_F(StoreTest, WhatWaitsIsBoundedAndToldBeforeItIsGivenUp) {
  StoreOptions options;
  options.waiting_activities = 5;
  options.waiting_usage_rows = 2;
  const auto store = opened(options);
  FakeSink sink;
  ASSERT_TRUE(store->add_sink(sink));
  for (int i = 0; i < 8; ++i) happen(*store, i);
  for (int64_t hour = 0; hour < 4; ++hour) {
    UsageKey key;
    key.hour = hour;
    store->add_usage(key, {1, 0, 0, 0, 0});
  }
  EXPECT_EQ(store->counters().waiting_dropped.get(), 3U);
  EXPECT_EQ(store->counters().usage_dropped.get(), 2U);
  ASSERT_TRUE(store->commit());
  EXPECT_EQ(sink.told.size(), 8U);
  EXPECT_EQ(incidents().size(), 5U);
}

TEST_F(StoreTest, WhatWaitsIsBoundedByItsBytesToo) {
  StoreOptions options;
  options.waiting_bytes = 1;  // less than any: the last one always stays
  const auto store = opened(options);
  FakeSink sink;
  ASSERT_TRUE(store->add_sink(sink));
  for (int i = 0; i < 4; ++i) happen(*store, i);
  EXPECT_EQ(store->counters().waiting_dropped.get(), 3U);
  ASSERT_TRUE(store->commit());
  EXPECT_EQ(sink.told.size(), 4U);
  for (int i = 4; i < 6; ++i) happen(*store, i);
  EXPECT_EQ(store->counters().waiting_dropped.get(), 4U) << "a commit empties the count";
}

TEST_F(StoreTest, ADamagedDatabaseIsAnErrorAndCanBeSetAside) {
  { opened(); }
  std::filesystem::resize_file(path_, 2'000);
  bool damaged = false;
  const auto bad = Store::open(path_, {}, &damaged);
  ASSERT_FALSE(bad);
  EXPECT_TRUE(damaged) << bad.error().to_string();
  const auto aside = Store::set_aside(path_);
  ASSERT_TRUE(aside);
  EXPECT_EQ(*aside, path_ + ".damaged-1");
  EXPECT_EQ(std::filesystem::file_size(*aside), 2'000U);
  EXPECT_NE(opened(), nullptr);
}

TEST_F(StoreTest, ADatabaseOfVersionOneIsBroughtUp) {
  {
    const auto store = opened();
    happen(*store, 1, true);
    ASSERT_TRUE(store->commit());
  }
  {
    auto old = Database::open(path_, Database::Access::kReadWrite);
    ASSERT_TRUE(old);
    const Status made = (*old)->run(R"sql(
DROP TABLE usage;
PRAGMA user_version = 1;
CREATE TABLE usage(
  hour INTEGER NOT NULL, client TEXT NOT NULL, user TEXT NOT NULL, service TEXT NOT NULL,
  host TEXT NOT NULL, tool TEXT NOT NULL, account TEXT NOT NULL, visibility TEXT NOT NULL,
  reason TEXT NOT NULL, status TEXT NOT NULL, flows INTEGER NOT NULL, requests INTEGER NOT NULL,
  bytes_up INTEGER NOT NULL, bytes_down INTEGER NOT NULL, protected_lines INTEGER NOT NULL,
  PRIMARY KEY(hour, service, client, user, host, tool, account, visibility, reason, status))
  WITHOUT ROWID;
INSERT INTO usage VALUES(480000, '10.0.0.1', 'ana', 'qoder', 'q.example', 'qoder-cli', '',
  'metadata', 'no_keys', 'sanctioned', 1, 2, 3, 4, 5);
)sql");
    ASSERT_TRUE(made) << made.error().to_string();
  }
  // A reader changes nothing.
  const auto refused = StoreReader::open(path_);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("of version 1, this program reads 2"));
  for (int again = 0; again < 2; ++again) {
    const auto store = opened();
    ASSERT_NE(store, nullptr);
    happen(*store, 2 + again, true);
    ASSERT_TRUE(store->commit());
    auto reader = StoreReader::open(path_);
    ASSERT_TRUE(reader);
    UsageQuery query;
    query.by = {UsageColumn::kHour,    UsageColumn::kClient,     UsageColumn::kUser,
                UsageColumn::kService, UsageColumn::kHost,       UsageColumn::kTool,
                UsageColumn::kAccount, UsageColumn::kVisibility, UsageColumn::kReason,
                UsageColumn::kStatus};
    query.only = {{UsageColumn::kService, "qoder"}};
    const auto rows = (*reader)->usage(query);
    ASSERT_TRUE(rows);
    ASSERT_EQ(rows->size(), 1U);
    EXPECT_THAT((*rows)[0].values,
                ElementsAre("2024-10-04T00:00Z", "10.0.0.1", "ana", "qoder", "q.example",
                            "qoder-cli", "unknown", "metadata", "no_keys", "sanctioned"));
    EXPECT_EQ((*rows)[0].counts.requests, 2U);
    EXPECT_EQ((*rows)[0].counts.bytes_down, 4U);
    EXPECT_EQ((*rows)[0].counts.protected_lines, 5U);
  }
  EXPECT_EQ(incidents().size(), 3U);
}

TEST_F(StoreTest, OtherFilesAreLeftAlone) {
  std::ofstream(path_) << "not a database, but something that somebody may want to keep";
  bool damaged = false;
  EXPECT_FALSE(Store::open(path_, {}, &damaged));
  EXPECT_TRUE(damaged);
  std::filesystem::remove(path_);
  {
    auto other = Database::open(path_, Database::Access::kReadWrite);
    ASSERT_TRUE(other);
    ASSERT_TRUE((*other)->run("CREATE TABLE theirs(x)"));
  }
  const auto refused = Store::open(path_, {}, &damaged);
  ASSERT_FALSE(refused);
  EXPECT_FALSE(damaged);
  EXPECT_THAT(refused.error().message, HasSubstr("not an incident database"));
  EXPECT_FALSE(StoreReader::open(path_));
}

TEST_F(StoreTest, TheBudgetTakesWhatIsOldestAndDeliveredFirst) {
  StoreOptions options;
  options.budget = 600'000;
  const auto store = opened(options);
  FakeSink sink;
  ASSERT_TRUE(store->add_sink(sink));
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 10; ++i) happen(*store, round * 10 + i, true);
    ASSERT_TRUE(store->commit());
  }
  EXPECT_EQ(sink.told.size(), 4'000U);
  EXPECT_GT(store->counters().pruned.get(), 0U);
  EXPECT_EQ(store->counters().pruned_undelivered.get(), 0U);
  // Sixteen commits may pass between two prunings; 2,000 incidents take more than 7 MB.
  EXPECT_LT(std::filesystem::file_size(path_), 2'000'000U);
  happen(*store, 9'999);
  ASSERT_TRUE(store->commit());
  EXPECT_EQ(sink.told.size(), 4'001U);
}

TEST_F(StoreTest, LinesOfAnIncidentCountOnceIntoUsage) {
  const auto store = opened();
  maker_.add_sink(*store);
  maker_.on_finding(finding(1, {code("a.cc", 10, 20, 8)}));
  ASSERT_TRUE(store->commit());
  maker_.on_finding(finding(2, {code("a.cc", 10, 20, 8)}));
  maker_.on_finding(finding(3, {code("a.cc", 10, 40, 20)}));
  ASSERT_TRUE(store->commit());
  maker_.close_all();
  ASSERT_TRUE(store->commit());
  auto reader = StoreReader::open(path_);
  UsageQuery query;
  query.by = {UsageColumn::kService};
  const auto rows = (*reader)->usage(query);
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_EQ((*rows)[0].values, std::vector<std::string>{"claude-code"});
  EXPECT_EQ((*rows)[0].counts.protected_lines, 20U);
}

TEST_F(StoreTest, UsageIsSummedByWhatIsAskedFor) {
  const auto store = opened();
  const auto use = [&](int64_t hour, const char* client, const char* service, uint64_t up) {
    UsageKey key;
    key.hour = hour;
    key.client = client;
    key.service = service;
    key.status = service[0] == 'q' ? "sanctioned" : "unsanctioned";
    store->add_usage(key, {1, 2, up, 10, 0});
  };
  use(480'000, "10.0.0.1", "qoder", 500);
  use(480'000, "10.0.0.1", "qoder", 1);
  use(480'001, "10.0.0.2", "qoder", 7);
  use(480'030, "10.0.0.2", "claude-code", 9'000);
  ASSERT_TRUE(store->commit());
  use(480'031, "10.0.0.3", "qoder", 3);
  ASSERT_TRUE(store->commit());

  auto reader = StoreReader::open(path_);
  ASSERT_TRUE(reader);
  UsageQuery query;
  query.by = {UsageColumn::kService};
  auto rows = (*reader)->usage(query);
  ASSERT_TRUE(rows) << rows.error().to_string();
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_THAT((*rows)[0].values, ElementsAre("claude-code"));
  EXPECT_EQ((*rows)[1].counts.flows, 4U);
  EXPECT_EQ((*rows)[1].counts.bytes_up, 511U);
  EXPECT_EQ((*rows)[1].clients, 3U);

  query.new_services = true;
  query.from_hour = 480'030;
  rows = (*reader)->usage(query);
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_THAT((*rows)[0].values, ElementsAre("claude-code"));

  UsageQuery mine;
  mine.by = {UsageColumn::kDay, UsageColumn::kClient};
  mine.only = {{UsageColumn::kStatus, "sanctioned"}};
  mine.limit = 1;
  rows = (*reader)->usage(mine);
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_THAT((*rows)[0].values, ElementsAre("2024-10-04", "10.0.0.1"));

  mine.only = {{UsageColumn::kClient, "'; DROP TABLE usage; --"}};
  rows = (*reader)->usage(mine);
  ASSERT_TRUE(rows);
  EXPECT_TRUE(rows->empty());
}

}  // namespace
}  // namespace weir::alert

// The screen of `weir top` fits its terminal, whatever the sensor says.
#include "app/report/top_screen.h"

#include <gmock/gmock.h>

#include "app/terminal.h"

namespace weir::app {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json stats(uint64_t packets, int64_t time_ns) {
  json out = {{"mode", "mirror"},
              {"interfaces", {"eth1"}},
              {"uptime_seconds", 3725},
              {"generation", 3},
              {"time_ns", time_ns},
              {"traffic",
               {{"packets", packets},
                {"bytes", packets * 1000},
                {"kernel_dropped", 5},
                {"flows_active", 12}}},
              {"flows", 99},
              {"counters", {{"tcp.acked_unseen_bytes", 77}}}};
  for (int i = 0; i < 30; ++i) {
    out["workers"].push_back({{"answers", i != 1}, {"packets", packets / 30}, {"bytes", 1}});
    out["services"].push_back(
        {{"service", "s" + std::to_string(i)},
         {"product", "A product with a name that goes on and on and on " + std::to_string(i)},
         {"status", "unsanctioned"},
         {"flows", 1'000'000}});
    out["incidents"]["latest"].push_back({{"severity", "critical"},
                                          {"client", "2001:db8::1234:5678:9abc:def0"},
                                          {"where", "h\x1b[31mé" + std::string(200, 'x')},
                                          {"rule", "code leaves"},
                                          {"count", 4},
                                          {"last_seen", 1'700'000'000}});
  }
  out["incidents"]["begun"] = 30;
  out["incidents"]["by_severity"] = {{"critical", 30}};
  return out;
}

TEST(TopScreen, FitsEveryTerminal) {
  for (const ScreenSize size : {ScreenSize{80, 24}, {40, 8}, {200, 60}}) {
    const auto lines = top_screen(stats(9000, 2'000'000'000), stats(3000, 1'000'000'000), size);
    EXPECT_EQ(lines.size(), size.rows);
    for (const std::string& line : lines) {
      EXPECT_LE(shown_width(line), size.columns) << line;
      EXPECT_EQ(line.find('\x1b'), std::string::npos) << "stdout is no terminal here";
    }
  }
}

TEST(TopScreen, ShowsRatesOfTheTimeBetween) {
  std::string all;
  for (const auto& line :
       top_screen(stats(9000, 3'000'000'000), stats(3000, 1'000'000'000), {80, 24})) {
    all += line + "\n";
  }
  EXPECT_THAT(all, HasSubstr("weir mirror on eth1  up 1:02:05  generation 3"));
  EXPECT_THAT(all, HasSubstr("3.0 kpacket/s  24 Mbit/s  12 flows open, 99 ended"));
  EXPECT_THAT(all, HasSubstr("dropped 5 of 9,005 packets; 77 bytes acknowledged but not seen"));
  EXPECT_THAT(all, HasSubstr("does not answer"));
  EXPECT_THAT(all, HasSubstr("unsanctioned"));
  EXPECT_THAT(all, HasSubstr("INCIDENTS 30: 30 critical"));
}

// Without a moment before there are no rates; fields of other types or none at all do no harm.
TEST(TopScreen, TakesWhateverComes) {
  EXPECT_THAT(top_screen(stats(9000, 1), {}, {80, 24}).at(1), HasSubstr("0 packet/s"));
  EXPECT_FALSE(top_screen(json::object(), json::object(), {80, 24}).empty());
  EXPECT_FALSE(
      top_screen({{"workers", 5}, {"services", "x"}, {"incidents", {1, 2}}, {"traffic", {3}}},
                 {{"workers", {1}}}, {80, 24})
          .empty());
}

}  // namespace
}  // namespace weir::app

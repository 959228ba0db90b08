// See time_range.h.
#include "app/runtime/time_range.h"

#include <chrono>
#include <cstdio>

#include "config/scalars.h"

namespace weir::app {

Result<int64_t> parse_time(const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  int used = 0;
  int used_of_day = 0;
  const int fields = std::sscanf(text.c_str(), "%4d-%2u-%2u%nT%2d:%2d%n", &year, &month, &day,
                                 &used_of_day, &hour, &minute, &used);
  const size_t end = static_cast<size_t>(fields == 5 ? used : used_of_day);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  const bool good = (fields == 3 || fields == 5) && end == text.size() && date.ok() && hour >= 0 &&
                    hour < 24 && minute >= 0 && minute < 60;
  if (!good) {
    return Error{
        "\"" + text + "\" is no time: expected 2026-11-01 or 2026-11-01T13:30 (UTC)", {}, 0, 0};
  }
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24 + hour) * 60 + minute) * 60'000'000;
}

Result<TimeRange> time_range(const std::string& from, const std::string& until,
                             const std::string& last, int64_t now_us) {
  TimeRange range;
  if (!last.empty()) {
    if (!from.empty() || !until.empty()) {
      return Error{"--last goes with neither --from nor --until", {}, 0, 0};
    }
    const auto span = config::parse_duration(last);
    if (!span || span->ns <= 0) {
      return Error{"--last " + last + ": expected a span of time such as 24h or 7d", {}, 0, 0};
    }
    range.from_us = now_us - span->ns / 1'000;
    return range;
  }
  for (const auto& [text, into] : {std::pair(&from, &range.from_us), {&until, &range.until_us}}) {
    if (text->empty()) continue;
    const auto time = parse_time(*text);
    if (!time) return time.error();
    *into = *time;
  }
  if (range.from_us >= range.until_us) return Error{"--from is not before --until", {}, 0, 0};
  return range;
}

int64_t now_us() noexcept {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace weir::app

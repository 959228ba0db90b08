// See top_screen.h.
#include "app/report/top_screen.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

#include "app/terminal.h"

namespace weir::app {
namespace {

using Json = nlohmann::json;

uint64_t number(const Json& object, const char* key) {
  if (!object.is_object()) return 0;
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<uint64_t>() : 0;
}
std::string text(const Json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? printable(found->get<std::string>())
                                                     : std::string();
}
const Json& part(const Json& object, const char* key) {
  static const Json kNone = Json::object();
  if (!object.is_object()) return kNone;
  const auto found = object.find(key);
  return found != object.end() ? *found : kNone;
}
const Json& item(const Json& list, size_t i) {
  static const Json kNone = Json::object();
  return list.is_array() && i < list.size() ? list[i] : kNone;
}

// Cut or filled to `width` characters.
std::string fit(const std::string& value, size_t width, bool right = false) {
  const size_t shown = shown_width(value);
  if (shown <= width) {
    const std::string space(width - shown, ' ');
    return right ? space + value : value + space;
  }
  std::string out;
  size_t kept = 0;
  for (size_t i = 0; i < value.size() && kept + 1 < width;) {
    size_t next = i + 1;
    while (next < value.size() && (static_cast<uint8_t>(value[next]) & 0xc0) == 0x80) ++next;
    out.append(value, i, next - i);
    ++kept;
    i = next;
  }
  return out + "…";
}

std::string rate_of(double per_second, const char* unit) {
  static constexpr std::array<const char*, 4> kScale = {"", "k", "M", "G"};
  size_t scale = 0;
  while (per_second >= 1000 && scale + 1 < kScale.size()) {
    per_second /= 1000;
    ++scale;
  }
  std::array<char, 48> out{};
  std::snprintf(out.data(), out.size(), per_second < 10 && scale > 0 ? "%.1f %s%s" : "%.0f %s%s",
                per_second, kScale[scale], unit);
  return out.data();
}

class Screen {
 public:
  Screen(const Json& now, const Json& before, const ScreenSize& size)
      : now_(now), before_(before), size_(size) {
    seconds_ = static_cast<double>(number(now, "time_ns") - number(before, "time_ns")) * 1e-9;
    if (!before.is_object() || seconds_ <= 0) seconds_ = 0;
  }

  std::vector<std::string> draw() {
    head();
    workers();
    // What is left is shared by services and incidents, the latter first.
    const size_t left = size_.rows > lines_.size() + 3 ? size_.rows - lines_.size() - 3 : 0;
    const Json& services_list = part(now_, "services");
    const size_t wanted = services_list.is_array() ? services_list.size() : 0;
    services(std::min(wanted, std::max(left / 2, size_t{1})));
    incidents();
    if (lines_.size() > size_.rows) lines_.resize(size_.rows);
    return std::move(lines_);
  }

 private:
  void add(const std::string& line, Ink ink = Ink::kPlain) {
    lines_.push_back(paint(fit(line, size_.columns), ink));
  }
  [[nodiscard]] double rate(const Json& now, const Json& before, const char* key) const {
    const uint64_t a = number(now, key);
    const uint64_t b = number(before, key);
    return seconds_ > 0 && a > b ? static_cast<double>(a - b) / seconds_ : 0;
  }

  void head() {
    const uint64_t up = number(now_, "uptime_seconds");
    std::array<char, 64> clock{};
    std::snprintf(clock.data(), clock.size(), "%lu:%02lu:%02lu", up / 3600, up / 60 % 60, up % 60);
    std::string interfaces;
    for (const Json& one : part(now_, "interfaces")) {
      if (!one.is_string()) continue;
      interfaces += (interfaces.empty() ? "" : ",") + printable(one.get<std::string>());
    }
    add("weir " + text(now_, "mode") + " on " + interfaces + "  up " + clock.data() +
            "  generation " + std::to_string(number(now_, "generation")) + "  q quits",
        Ink::kBold);
    const Json& traffic = part(now_, "traffic");
    const Json& old = part(before_, "traffic");
    const uint64_t dropped =
        number(traffic, "kernel_dropped") + number(traffic, "interface_dropped");
    add(rate_of(rate(traffic, old, "packets"), "packet/s") + "  " +
        rate_of(8 * rate(traffic, old, "bytes"), "bit/s") + "  " +
        human_count(number(traffic, "flows_active")) + " flows open, " +
        human_count(number(now_, "flows")) + " ended");
    add("dropped " + human_count(dropped) + " of " +
            human_count(number(traffic, "packets") + dropped) + " packets; " +
            human_count(number(part(now_, "counters"), "tcp.acked_unseen_bytes")) +
            " bytes acknowledged but not seen",
        dropped > 0 ? Ink::kYellow : Ink::kPlain);
    const Json& reload = part(now_, "last_reload");
    if (number(now_, "reloads") > 0 && !reload.value("good", true)) {
      add("The last reload failed: " + text(reload, "message"), Ink::kRed);
    }
  }

  void workers() {
    add(fit("WORKER", 8) + fit("PACKETS/S", 12, true) + fit("BIT/S", 12, true) +
            fit("DROPPED", 12, true) + fit("FLOWS", 12, true) + fit("QUEUED", 10, true),
        Ink::kDim);
    const Json& list = part(now_, "workers");
    const size_t count = list.is_array() ? list.size() : 0;
    const size_t most = std::max<size_t>(2, size_.rows / 4);
    for (size_t i = 0; i < std::min(count, most); ++i) {
      const Json& one = list[i];
      const Json& old = item(part(before_, "workers"), i);
      const uint64_t dropped = number(one, "kernel_dropped") + number(one, "interface_dropped");
      if (!one.value("answers", false)) {
        add(fit(std::to_string(i), 8) + "  does not answer", Ink::kRed);
        continue;
      }
      add(fit(std::to_string(i), 8) + fit(rate_of(rate(one, old, "packets"), ""), 12, true) +
              fit(rate_of(8 * rate(one, old, "bytes"), ""), 12, true) +
              fit(human_count(dropped), 12, true) +
              fit(human_count(number(one, "flows_active")), 12, true) +
              fit(human_count(number(one, "queued")), 10, true),
          dropped > 0 ? Ink::kYellow : Ink::kPlain);
    }
    if (count > most) add("  and " + std::to_string(count - most) + " more", Ink::kDim);
  }

  void services(size_t count) {
    const size_t name = size_.columns > 62 ? std::min<size_t>(size_.columns - 52, 40) : 10;
    add(fit("SERVICE", name) + fit(" STATUS", 15) + fit("CLIENTS", 8, true) +
            fit("FLOWS", 9, true) + fit("UP", 10, true) + fit("DOWN", 10, true),
        Ink::kDim);
    const Json& list = part(now_, "services");
    for (size_t i = 0; i < count; ++i) {
      const Json& one = list[i];
      const std::string status = text(one, "status");
      const std::string product = text(one, "product");
      add(fit(product.empty() ? text(one, "service") : product, name) + fit(" " + status, 15) +
              fit(human_count(number(one, "clients")), 8, true) +
              fit(human_count(number(one, "flows")), 9, true) +
              fit(human_bytes(number(one, "bytes_up")), 10, true) +
              fit(human_bytes(number(one, "bytes_down")), 10, true),
          status == "unsanctioned" ? Ink::kYellow : Ink::kPlain);
    }
  }

  void incidents() {
    const Json& all = part(now_, "incidents");
    const Json& severity = part(all, "by_severity");
    add("INCIDENTS " + human_count(number(all, "begun")) + ": " +
            human_count(number(severity, "critical")) + " critical, " +
            human_count(number(severity, "high")) + " high, " +
            human_count(number(severity, "medium")) + " medium, " +
            human_count(number(severity, "low")) + " low",
        Ink::kDim);
    for (const Json& one : part(all, "latest")) {
      if (lines_.size() >= size_.rows) break;
      if (!one.is_object()) continue;
      const auto seen = static_cast<std::time_t>(number(one, "last_seen"));
      std::tm local{};
      localtime_r(&seen, &local);
      std::array<char, 16> clock{};
      std::strftime(clock.data(), clock.size(), "%H:%M:%S", &local);
      const std::string what = text(one, "what");
      const std::string level = text(one, "severity");
      add(std::string(clock.data()) + " " + fit(level, 8) + " " + text(one, "client") + " > " +
              text(one, "where") + "  " + text(one, "rule") + (what.empty() ? "" : "  " + what) +
              "  x" + std::to_string(number(one, "count")),
          level == "critical" || level == "high" ? Ink::kRed
          : level == "medium"                    ? Ink::kYellow
                                                 : Ink::kPlain);
    }
  }

  const Json& now_;
  const Json& before_;
  const ScreenSize size_;
  double seconds_ = 0;  // between the two; 0: no rates
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> top_screen(const Json& now, const Json& before, const ScreenSize& size) {
  return Screen(now, before, size).draw();
}

}  // namespace weir::app

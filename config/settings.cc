// weir.yaml to Settings, a function a section. Everything is checked in one pass, so that one run
// shows every mistake of the file; a file with any mistake gives no settings at all.
#include "config/settings.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "config/host_pattern.h"
#include "config/limits_table.h"
#include "config/policy_reader.h"
#include "config/yaml.h"

namespace weir::config {
namespace {

constexpr uint32_t kMaxWorkers = 256;
constexpr uint32_t kMaxCpu = 1023;  // of a cpu_set_t
constexpr size_t kMaxOwnServices = 10'000;
constexpr size_t kMaxCompanyValues = 500;  // of a kind; each is a pattern
constexpr size_t kMaxCompanyValue = 128;
constexpr std::string_view kCompanyStatuses = "sanctioned, tolerated, unsanctioned or internal";
constexpr std::string_view kClasses =
    "chat, coding_agent, api, code_completion, model_hub, gateway or telemetry";

// The statuses that a company can give: `unknown` is for flows to no AI service at all.
std::optional<ServiceStatus> parse_company_status(std::string_view text) noexcept {
  const std::optional<ServiceStatus> status = parse_service_status(text);
  return status == ServiceStatus::kUnknown ? std::nullopt : status;
}

std::optional<CaptureMode> parse_capture_mode(std::string_view text) noexcept {
  if (text == "replay") return CaptureMode::kReplay;
  if (text == "mirror") return CaptureMode::kMirror;
  if (text == "inline") return CaptureMode::kInline;
  return std::nullopt;
}

std::optional<FailMode> parse_fail_mode(std::string_view text) noexcept {
  if (text == "open") return FailMode::kOpen;
  if (text == "closed") return FailMode::kClosed;
  return std::nullopt;
}

std::optional<SinkSettings::Type> parse_sink_type(std::string_view text) noexcept {
  if (text == "zmq") return SinkSettings::Type::kZmq;
  if (text == "jsonl") return SinkSettings::Type::kJsonl;
  return std::nullopt;
}

// Ids stand in alerts, file names and topics, so they are kept plain.
bool is_id(std::string_view text) noexcept {
  if (text.empty() || text.size() > 64 || text.front() == '-' || text.front() == '.') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

class Reader {
 public:
  Reader(const std::string& file, YamlErrors& errors)
      : folder_(std::filesystem::path(file).parent_path()), errors_(errors) {}

  void read(const YamlNode& root, Settings& out) {
    MapReader map(root, "", errors_);
    if (const YamlNode* node = map.map("capture")) capture(*node, out.capture);
    if (const YamlNode* node = map.map("services")) services(*node, out.services);
    if (const YamlNode* node = map.map("protect")) protect(*node, out.protect);
    if (const YamlNode* node = map.map("signatures")) signatures(*node, out.signatures);
    if (const YamlNode* node = map.map("environment")) environment(*node, out.environment);
    if (const YamlNode* node = map.map("accounts")) accounts(*node, out.accounts);
    if (const YamlNode* node = map.map("contacts")) contacts(*node, out.contacts);
    if (const YamlNode* node = map.map("see_inside")) see_inside(*node, out);
    if (const YamlNode* node = map.list("policy")) read_policy(*node, errors_, out.policy);
    map.choice("fail", out.fail, parse_fail_mode, "open or closed");
    path(map, "users", out.users);
    if (const YamlNode* node = map.map("alerts")) alerts(*node, out);
    if (const YamlNode* node = map.map("control")) control(*node, out.control);
    if (const YamlNode* node = map.map("health")) health(*node, out.health);
    if (const YamlNode* node = map.map("limits")) read_limits(*node, errors_, out.limits);
    map.finish();
  }

 private:
  void warn(const YamlNode& at, std::string message, Settings& out) const {
    out.warnings.push_back(
        Error{std::move(message), errors_.file(), at.line, at.column}.to_string());
  }

  [[nodiscard]] std::string resolved(const std::string& path) const {
    const std::filesystem::path given(path);
    if (path.empty() || path == "-" || given.is_absolute()) return path;
    return (folder_ / given).lexically_normal().string();
  }
  bool path(MapReader& map, std::string_view key, std::string& out) const {
    std::string read;
    if (!map.text(key, read)) return false;
    if (read.empty()) {
      map.bad(key, "empty, expected a path");
      return false;
    }
    out = resolved(read);
    return true;
  }
  void paths(MapReader& map, std::string_view key, std::vector<std::string>& out) const {
    std::vector<std::string> read;
    if (!map.texts(key, read)) return;
    for (std::string& one : read) {
      if (one.empty()) {
        map.bad(key, "an empty path");
        return;
      }
      one = resolved(one);
    }
    out = std::move(read);
  }

  void capture(const YamlNode& node, CaptureSettings& out) {
    MapReader map(node, "capture", errors_);
    map.choice("mode", out.mode, parse_capture_mode, "replay, mirror or inline");
    map.texts("interfaces", out.interfaces);
    const YamlNode* workers = map.child("workers");
    if (workers != nullptr && workers->kind == YamlNode::Kind::kScalar &&
        workers->scalar == "auto") {
      out.workers = 0;
    } else {
      int64_t count = 0;
      if (map.integer("workers", count, 1, kMaxWorkers)) out.workers = static_cast<uint32_t>(count);
    }
    map.bytes("ring", out.ring_bytes, 1ULL << 20, 64ULL << 30);
    int64_t snaplen = 0;
    if (map.integer("snaplen", snaplen, 64, 262'144)) out.snaplen = static_cast<uint32_t>(snaplen);
    map.boolean("promiscuous", out.promiscuous);
    map.text("filter", out.filter);
    std::vector<std::string> cpus;
    if (map.texts("cpus", cpus)) read_cpus(map, cpus, out.cpus);
    int64_t number = 0;
    if (map.integer("queue", number, 0, 65'535)) out.queue = static_cast<uint16_t>(number);
    if (map.integer("queue_length", number, 16, 1 << 20)) {
      out.queue_length = static_cast<uint32_t>(number);
    }
    if (map.integer("mark_bit", number, 0, 31)) out.mark_bit = static_cast<uint8_t>(number);
    if (const YamlNode* node_of_resets = map.map("resets")) resets(*node_of_resets, out.resets);
    map.finish();
  }

  void resets(const YamlNode& node, ResetSettings& out) {
    MapReader map(node, "capture.resets", errors_);
    out.send = true;
    map.boolean("send", out.send);
    map.text("interface", out.interface);
    int64_t number = 0;
    if (map.integer("per_second", number, 1, 1'000'000)) {
      out.per_second = static_cast<uint32_t>(number);
    }
    if (map.integer("spread", number, 1, 4)) out.spread = static_cast<uint32_t>(number);
    map.finish();
  }

  static void read_cpus(MapReader& map, const std::vector<std::string>& texts,
                        std::vector<uint32_t>& out) {
    for (const std::string& text : texts) {
      uint32_t cpu = 0;
      const char* end = text.data() + text.size();
      const auto [stop, error] = std::from_chars(text.data(), end, cpu);
      if (error != std::errc() || stop != end || cpu > kMaxCpu) {
        map.bad("cpus", "\"" + text + "\", expected numbers of 0.." + std::to_string(kMaxCpu));
        return;
      }
      out.push_back(cpu);
    }
  }

  void services(const YamlNode& node, ServiceSettings& out) {
    out.file = errors_.file();
    MapReader map(node, "services", errors_);
    if (const YamlNode* status = map.map("status")) statuses(*status, out);
    const YamlNode* own = map.list("own");
    if (own != nullptr && own->items.size() > kMaxOwnServices) {
      map.bad("own", "more than " + std::to_string(kMaxOwnServices) + " services");
    } else if (own != nullptr) {
      for (size_t i = 0; i < own->items.size(); ++i) {
        own_service(own->items[i], "services.own[" + std::to_string(i) + "]", out);
      }
    }
    map.finish();
  }

  void statuses(const YamlNode& node, ServiceSettings& out) {
    MapReader map(node, "services.status", errors_);
    map.choice("default", out.default_status, parse_company_status, kCompanyStatuses);
    for (size_t i = 0; i < node.keys.size(); ++i) {
      const std::string& id = node.keys[i];
      if (id == "default") continue;
      ServiceStatus status = ServiceStatus::kUnsanctioned;
      if (!map.choice(id, status, parse_company_status, kCompanyStatuses)) continue;
      out.status.emplace_back(id, status);
      out.status_places.emplace_back(node.key_marks[i].line, node.key_marks[i].column);
    }
  }

  void own_service(const YamlNode& node, const std::string& prefix, ServiceSettings& out) {
    OwnService service;
    MapReader map(node, prefix, errors_);
    map.require("id");
    if (map.text("id", service.id)) {
      service.line = node.find("id")->line;
      service.column = node.find("id")->column;
      const auto same = [&service](const OwnService& other) { return other.id == service.id; };
      if (!is_id(service.id) || service.id == "default") {
        map.bad("id", "\"" + service.id + "\", expected an id of a-z, 0-9, '-', '_' and '.'");
      } else if (std::any_of(out.own.begin(), out.own.end(), same)) {
        map.bad("id", "\"" + service.id + "\" again");
      }
    }
    map.text("vendor", service.vendor);
    map.text("product", service.product);
    if (map.text("class", service.service_class) &&
        std::find(kServiceClasses.begin(), kServiceClasses.end(), service.service_class) ==
            kServiceClasses.end()) {
      map.bad("class", "\"" + service.service_class + "\", expected " + std::string(kClasses));
    }
    hosts(map, "hosts", service.hosts);
    networks(map, service.networks);
    map.choice("status", service.status, parse_company_status, kCompanyStatuses);
    const bool is_map = node.kind == YamlNode::Kind::kMap;
    if (is_map && node.find("hosts") == nullptr && node.find("networks") == nullptr) {
      errors_.add(node, prefix + ": expected hosts or networks, by which it is known");
    }
    map.finish();
    out.own.push_back(std::move(service));
  }

  static void hosts(MapReader& map, std::string_view key, std::vector<std::string>& out) {
    std::vector<std::string> read;
    if (!map.texts(key, read)) return;
    for (const std::string& text : read) {
      std::optional<std::string> pattern = normalise_host_pattern(text);
      if (pattern) {
        out.push_back(std::move(*pattern));
      } else {
        map.bad(key, "\"" + text + "\", expected a host name or *.suffix");
      }
    }
  }

  static void networks(MapReader& map, std::vector<IpNetwork>& out) {
    std::vector<std::string> read;
    if (!map.texts("networks", read)) return;
    for (const std::string& text : read) {
      const std::optional<IpNetwork> network = IpNetwork::parse(text);
      if (network) {
        out.push_back(*network);
      } else {
        map.bad("networks",
                "\"" + text + "\", expected a network such as 10.0.0.0/8 or 2001:db8::/32");
      }
    }
  }

  void protect(const YamlNode& node, ProtectSettings& out) {
    MapReader map(node, "protect", errors_);
    paths(map, "indexes", out.indexes);
    path(map, "key", out.key);
    int64_t lines = 0;
    if (map.integer("min_lines", lines, 1, 10'000)) out.min_lines = static_cast<uint32_t>(lines);
    map.boolean("shapes", out.shapes);
    map.finish();
  }

  void signatures(const YamlNode& node, SignatureSettings& out) {
    MapReader map(node, "signatures", errors_);
    path(map, "directory", out.directory);
    paths(map, "rules", out.rules);
    map.finish();
  }

  // Paths, or "unix:PATH": a socket to listen on.
  void key_logs(MapReader& map, std::vector<std::string>& out) const {
    constexpr std::string_view kSocket = "unix:";
    constexpr size_t kLongestSocketPath = 107;  // sockaddr_un, with its final zero
    std::vector<std::string> read;
    if (!map.texts("key_logs", read)) return;
    for (std::string& one : read) {
      const bool socket = one.rfind(kSocket, 0) == 0;
      const std::string plain = one.substr(socket ? kSocket.size() : 0);
      if (plain.empty()) {
        map.bad("key_logs", "an empty path");
        return;
      }
      one = (socket ? std::string(kSocket) : std::string()) + resolved(plain);
      if (socket && one.size() > kSocket.size() + kLongestSocketPath) {
        map.bad("key_logs", "\"" + one + "\", expected a socket's path of at most 107 bytes");
        return;
      }
    }
    out = std::move(read);
  }

  void environment(const YamlNode& node, EnvironmentSettings& out) {
    MapReader map(node, "environment", errors_);
    company_values(map, "users", out.users);
    company_values(map, "hosts", out.hosts);
    company_values(map, "domains", out.domains);
    company_values(map, "remotes", out.remotes);
    map.finish();
  }

  // Shorter ones stand in every text, and so does what wildcards leave nothing of.
  static void company_values(MapReader& map, std::string_view key, std::vector<std::string>& out) {
    std::vector<std::string> read;
    if (!map.texts(key, read)) return;
    for (std::string& value : read) {
      size_t longest = 0;
      size_t run = 0;
      bool good = value.size() <= kMaxCompanyValue;
      for (const char c : value) {
        run = c == '*' ? 0 : run + 1;
        longest = std::max(longest, run);
        good = good && c > ' ' && c < '\x7f' && (c != '*' || key == "hosts");
      }
      if (!good || longest < 3) {
        map.bad(key, "\"" + value + "\", expected 3 to " + std::to_string(kMaxCompanyValue) +
                         " printable characters without blanks" +
                         (key == "hosts" ? ", three in a row without '*'" : ""));
        return;
      }
    }
    if (read.size() > kMaxCompanyValues) {
      map.bad(key, "more than " + std::to_string(kMaxCompanyValues) + " values");
      return;
    }
    out = std::move(read);
  }

  static std::string lower(std::string text) {
    for (char& c : text) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return text;
  }

  void accounts(const YamlNode& node, AccountSettings& out) {
    MapReader map(node, "accounts", errors_);
    std::vector<std::string> read;
    if (map.texts("company", read)) {
      for (std::string& id : read) {
        const size_t star = id.find('*');
        const bool printable =
            std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < '\x7f'; });
        if (!printable || id.size() > kMaxCompanyValue || std::min(star, id.size()) < 3 ||
            (star != std::string::npos && star + 1 != id.size())) {
          map.bad("company", "\"" + id + "\", expected an id of 3 to " +
                                 std::to_string(kMaxCompanyValue) +
                                 " printable characters; '*' only at its end");
          break;
        }
        out.company.push_back(lower(std::move(id)));
      }
      if (read.size() > kMaxCompanyValues) {
        map.bad("company", "more than " + std::to_string(kMaxCompanyValues) + " values");
      }
    }
    map.finish();
  }

  void contacts(const YamlNode& node, ContactSettings& out) {
    MapReader map(node, "contacts", errors_);
    map.boolean("watch", out.watch);
    map.duration("learn", out.learn, Duration{}, Duration::seconds(90LL * 86'400));
    map.duration("near", out.near, Duration::seconds(1), Duration::seconds(3'600));
    hosts(map, "allow", out.allow);
    map.finish();
  }

  // Before `limits`, whose own keys have the last word.
  void see_inside(const YamlNode& node, Settings& out) {
    MapReader map(node, "see_inside", errors_);
    key_logs(map, out.see_inside.key_logs);
    paths(map, "server_keys", out.see_inside.server_keys);
    map.duration("forget", out.see_inside.forget, Duration::seconds(10),
                 Duration::seconds(7LL * 86'400));
    int64_t sessions = 0;
    if (map.integer("sessions", sessions, 64, 16'777'216)) {
      out.see_inside.sessions = static_cast<size_t>(sessions);
    }
    if (const YamlNode* hold = map.map("hold")) {
      MapReader held(*hold, "see_inside.hold", errors_);
      uint64_t bytes = 0;
      int64_t seconds = 0;
      if (held.bytes("bytes", bytes, 0, 1ULL << 30)) out.limits.hold_bytes = bytes;
      if (held.integer("seconds", seconds, 0, 3600)) {
        out.limits.hold_age = Duration::seconds(seconds);
      }
      held.finish();
    }
    map.finish();
  }

  void control(const YamlNode& node, ControlSettings& out) {
    MapReader map(node, "control", errors_);
    std::string read;
    if (map.text("socket", read)) {
      out.socket = resolved(read);
      out.given = true;
    }
    map.finish();
  }

  void health(const YamlNode& node, HealthSettings& out) {
    MapReader map(node, "health", errors_);
    map.number("dropped", out.dropped, 0, 100);
    map.number("unseen", out.unseen, 0, 100);
    map.duration("every", out.every, Duration::seconds(1), Duration::seconds(86'400));
    map.finish();
  }

  void alerts(const YamlNode& node, Settings& out) {
    MapReader map(node, "alerts", errors_);
    path(map, "store", out.alerts.store);
    map.bytes("budget", out.alerts.store_budget, 16ULL << 20, 1ULL << 44);
    const YamlNode* sinks = map.list("sinks");
    if (sinks != nullptr) {
      for (size_t i = 0; i < sinks->items.size(); ++i) {
        sink(sinks->items[i], "alerts.sinks[" + std::to_string(i) + "]", out.alerts);
      }
    }
    map.duration("window", out.alerts.window, Duration::seconds(1),
                 Duration::seconds(30LL * 86'400));
    map.finish();
  }

  void sink(const YamlNode& node, const std::string& prefix, AlertSettings& out) {
    SinkSettings read;
    MapReader map(node, prefix, errors_);
    map.require("type");
    if (!map.choice("type", read.type, parse_sink_type, "zmq or jsonl")) return;
    if (read.type == SinkSettings::Type::kZmq) {
      map.require("bind");
      if (map.text("bind", read.bind) && read.bind.rfind("tcp://", 0) != 0 &&
          read.bind.rfind("ipc://", 0) != 0) {
        map.bad("bind", "\"" + read.bind + "\", expected tcp://ADDRESS:PORT or ipc://PATH");
      }
    } else {
      map.require("path");
      path(map, "path", read.path);
    }
    map.finish();
    out.sinks.push_back(std::move(read));
  }

  std::filesystem::path folder_;
  YamlErrors& errors_;
};

Result<Settings> settings_of(const Result<YamlNode>& root, const std::string& file) {
  if (!root) return root.error();
  Settings settings;
  settings.file = file;
  YamlErrors errors(file);
  Reader(file, errors).read(*root, settings);
  if (!errors.empty()) return errors.to_error();
  return settings;
}

}  // namespace

Result<Settings> parse_settings(std::string_view text, const std::string& file) {
  return settings_of(parse_yaml(text, file), file);
}

Result<Settings> load_settings(const std::string& path) {
  return settings_of(load_yaml(path), path);
}

}  // namespace weir::config

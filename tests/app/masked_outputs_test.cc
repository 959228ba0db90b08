// What must stand in no output, whatever it is: secrets, tokens and passwords, wherever a request
// carries them, and lines of protected code; as they are, in base 64, percent-encoded, in
// hexadecimal, and escaped for JSON and HTML. Every command that tells of a capture is run over one
// request after the other that is full of them, and each file that comes of it is searched.
#include <gmock/gmock.h>

#include <cctype>
#include <chrono>
#include <csignal>
#include <map>
#include <set>
#include <unordered_map>

#include "bench/lab/capture_writer.h"
#include "bench/lab/http_messages.h"
#include "bench/lab/tcp_conversation.h"
#include "tests/app/weir_cli.h"

namespace weir::test {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

constexpr size_t kShown = 4;   // characters of a secret that an excerpt may show in front,
constexpr size_t kTail = 2;    // and at its end
constexpr size_t kWindow = 8;  // of the rest, so many in a row are too many
constexpr const char* kFile = "planner/ripeness_model.py";

std::string base64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < text.size(); i += 3) {
    uint32_t bits = 0;
    for (size_t j = 0; j < 3; ++j) {
      bits = bits << 8U | (i + j < text.size() ? static_cast<uint8_t>(text[i + j]) : 0U);
    }
    for (size_t j = 0; j < 4; ++j) {
      out += i + j > text.size() ? '=' : kDigits[bits >> (18 - 6 * j) & 63U];
    }
  }
  return out;
}

std::string in_hex(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    out += kHex[static_cast<uint8_t>(c) >> 4U];
    out += kHex[static_cast<uint8_t>(c) & 15U];
  }
  return out;
}

std::string percent(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
    out += plain ? std::string(1, c) : "%" + in_hex({&c, 1});
  }
  return out;
}

std::string for_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += c == '<'   ? "&lt;"
           : c == '>' ? "&gt;"
           : c == '&' ? "&amp;"
           : c == '"' ? "&quot;"
                      : std::string(1, c);
  }
  return out;
}

// All that a reader could read it from. Of base 64 the part that does not hang on what stands
// around it.
std::vector<std::string> forms_of(const std::string& text) {
  const std::string json = lab::json_string(text);
  std::vector<std::string> out = {text, json.substr(1, json.size() - 2), in_hex(text),
                                  percent(text), for_html(text)};
  for (size_t before = 0; before < 3; ++before) {
    const std::string coded = base64(std::string(before, ' ') + text);
    if (coded.size() > 8 + kWindow) out.push_back(coded.substr(4, coded.size() - 8));
  }
  return out;
}

// What may not stand in an output: windows of secrets, and whole lines.
class Forbidden {
 public:
  void secret(const std::string& name, const std::string& value) {
    for (const std::string& form : forms_of(value.substr(kShown, value.size() - kShown - kTail))) {
      for (size_t i = 0; i + kWindow <= form.size(); ++i) {
        windows_.emplace(form.substr(i, kWindow), name);
      }
    }
    names_.insert(name);
  }
  void line(const std::string& text) {
    for (const std::string& form : forms_of(text)) lines_.push_back(form);
  }
  [[nodiscard]] const std::set<std::string>& names() const { return names_; }

  [[nodiscard]] std::set<std::string> secrets_in(const std::string& output) const {
    std::set<std::string> out;
    for (size_t i = 0; i + kWindow <= output.size(); ++i) {
      const auto found = windows_.find(output.substr(i, kWindow));
      if (found != windows_.end()) out.insert(found->second + " (\"" + found->first + "\")");
    }
    return out;
  }
  [[nodiscard]] std::vector<std::string> lines_in(const std::string& output) const {
    std::vector<std::string> out;
    for (const std::string& line : lines_) {
      if (output.find(line) != std::string::npos) out.push_back(line);
    }
    return out;
  }

 private:
  std::unordered_map<std::string, std::string> windows_;
  std::vector<std::string> lines_;
  std::set<std::string> names_;
};

// Made up, of the shape of what is issued.
class Planted {
 public:
  explicit Planted(Forbidden& forbidden) : forbidden_(forbidden) {}
  // The value, which `name` is forbidden by from here on.
  std::string operator()(const std::string& name, const std::string& prefix, size_t length) {
    constexpr std::string_view kLetters =
        "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    std::string body;
    while (body.size() < length) body += kLetters[random_.below(kLetters.size())];
    // Four characters of the made-up part may be shown where no prefix takes that place.
    forbidden_.secret(name, prefix.size() >= kShown ? std::string(kShown, '.') + body : body);
    return prefix + body;
  }
  // Upper case and digits, as Amazon's.
  std::string upper(const std::string& name, const std::string& prefix, size_t length) {
    constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    std::string body;
    while (body.size() < length) body += kLetters[random_.below(kLetters.size())];
    forbidden_.secret(name, prefix + body);
    return prefix + body;
  }

 private:
  Forbidden& forbidden_;
  lab::LabRandom random_{20261125};
};

std::vector<lab::HttpRequest> requests(Planted plant, const std::string& code) {
  const auto pair = [](const std::string& name, const std::string& value) {
    return lab::json_string(name) + ":" + lab::json_string(value);
  };
  std::vector<lab::HttpRequest> out;

  // Headers, cookies and addresses.
  lab::HttpRequest one;
  one.host = "api.anthropic.com";
  one.target = "/v1/messages/" + plant("key in the path", "sk-ant-api03-", 80) +
               "?beta=true&key=" + plant("key in the query", "AIza", 35) +
               "&access_token=" + plant("token in the query", "", 40);
  one.content_type = "application/json";
  const std::string password = plant("password of a proxy", "", 24);
  one.headers = {
      {"User-Agent", "claude-cli/2.1.330 (external, cli) " + plant("key in the agent", "ghp_", 36)},
      {"Authorization", "Bearer " + plant("bearer token", "sk-ant-oat01-", 80)},
      {"X-Api-Key", plant("key in a header", "sk-ant-api03-", 80)},
      {"Proxy-Authorization", "Basic " + base64("jdoe:" + password)},
      {"Cookie", "theme=dark; sessionKey=" + plant("key in a cookie", "sk-ant-sid01-", 60) +
                     "; __Secure-next-auth.session-token=" + plant("session cookie", "", 64)},
      {"X-Goog-Api-Key", plant("another key in a header", "AIza", 35)},
      {"Anthropic-Organization-Id", "0f8fad5b-d9cb-469f-a165-70867728950e"},
      {"X-Codex-Turn-Metadata",
       "{" +
           pair("remote_url", "https://oauth2:" + plant("token in a remote", "glpat-", 20) +
                                  "@git.acme.example/core/planner.git") +
           "}"},
      {"Referer", "https://jdoe:" + plant("password in an address", "", 24) + "@gw.example/"}};
  const std::string env =
      "AWS_ACCESS_KEY_ID=" + plant.upper("access key", "AKIA", 16) +
      "\nAWS_SECRET_ACCESS_KEY=" + plant("secret key", "", 40) +
      "\nDATABASE_URL=postgres://app:" + plant("password of a database", "", 24) +
      "@db.acme.example:5432/plan\nSMTP_PASSWORD='" + plant("password", "", 24) +
      "'\nOPENAI_API_KEY=" + plant("key in a file", "sk-proj-", 60) +
      "\n-----BEGIN RSA PRIVATE KEY-----\n" + plant("private key", "MIIEpAIBAAKCAQEA", 48) + "\n" +
      plant("private key's second line", "", 64) + "\n-----END RSA PRIVATE KEY-----\n";
  const std::string inner = "{" + pair("content", env) + "," + pair("file", code) + "}";
  one.body = "{\"messages\":[{\"role\":\"user\",\"content\":" + lab::json_string(code + env) +
             "},{\"role\":\"assistant\",\"arguments\":" + lab::json_string(inner) + "}]," +
             "\"metadata\":{" +
             pair("user_id", "{" + pair("device_id", plant("device", "", 64)) + "}") + "}," +
             pair("additional_metadata",
                  base64("{" + pair("apiKey", plant("key in base 64", "sk-ant-api03-", 80)) + "," +
                         pair("email", "j.doe4711@acme.example") + "}")) +
             "," + pair("attachment", base64(code)) + "}";
  out.push_back(one);

  // A form, to another service; the target in absolute form, as a proxy gets it.
  lab::HttpRequest two;
  two.host = "api.openai.com";
  two.target = "http://jdoe:" + plant("password in a target", "", 24) +
               "@api.openai.com/v1/files?api_key=" + plant("key in a target", "sk-proj-", 60);
  two.content_type = "application/x-www-form-urlencoded";
  two.headers = {{"User-Agent", "OpenAI/Python 1.2.3"},
                 {"Authorization", "Bearer " + plant("another bearer token", "sk-proj-", 100)},
                 {"OpenAI-Organization", "org-Lab0000000000000000000"},
                 {"Cookie", "a=" + plant("another cookie", "", 64)}};
  two.body = "user=jdoe&password=" + plant("password in a form", "", 24) +
             "&token=" + plant("token in a form", "ghp_", 36) + "&text=" + percent(code);
  out.push_back(two);

  // To a host that no catalogue knows, by a tool that says who it is.
  lab::HttpRequest three = one;
  three.host = "collector.unlisted.example";
  three.target = "/hooks/" + plant("token that no rule knows, in a path", "", 40) + "/" +
                 plant("token in another path", "xoxb-2345678901-2345678901-", 24);
  three.headers = {{"User-Agent", "claude-cli/2.1.330 (external, cli)"},
                   {"X-Auth-Token", plant("token in a header of its own", "", 48)}};
  out.push_back(three);
  return out;
}

std::string capture_of(const std::vector<lab::HttpRequest>& all, const std::string& cookie) {
  lab::LabRandom random(5);
  std::vector<lab::LabPacket> packets;
  uint16_t port = 40'000;
  for (const lab::HttpRequest& request : all) {
    const lab::LinkPlan plan;
    lab::TcpConversation tcp(random, packets, {IpAddress::v4(0x0a000007), ++port},
                             {IpAddress::v4(0xc6120001), 80}, plan,
                             {1'780'000'000'000'000'000 + port * 1'000'000'000LL});
    tcp.open();
    tcp.send(Direction::kToServer, lab::encode_request(random, request));
    const std::string answer =
        "HTTP/1.1 200 OK\r\nSet-Cookie: sid=" + cookie + "\r\nContent-Length: 2\r\n\r\nok";
    tcp.send(Direction::kToClient, lab::Bytes(answer.begin(), answer.end()));
    tcp.close();
  }
  lab::PcapWriter pcap;
  for (const lab::LabPacket& packet : packets) pcap.add(packet.time, packet.frame);
  return std::string(as_chars(pcap.bytes()));
}

TEST(MaskedOutputs, HoldNoSecretNoTokenAndNoLineOfCode) {
  Forbidden forbidden;
  Planted plant(forbidden);
  const std::string cookie = plant("cookie of an answer", "", 48);
  const std::string code = read_text(kOrchard + "/" + kFile);
  size_t lines = 0;
  for (const std::string& line : lines_of(code)) {
    const size_t from = line.find_first_not_of(" \t");
    if (from == std::string::npos || line.size() - from < 12) continue;
    forbidden.line(line.substr(from));
    ++lines;
  }
  ASSERT_GT(lines, 50U);
  const TempFolder folder;
  const std::string bytes = capture_of(requests(plant, code), cookie);
  const std::string capture = folder.write("in/planted.pcap", bytes);
  // That the search finds what it searches for.
  ASSERT_THAT(forbidden.lines_in(bytes), Not(IsEmpty()));
  std::set<std::string> met;
  for (const std::string& found : forbidden.secrets_in(bytes)) {
    met.insert(found.substr(0, found.find(" (\"")));
  }
  ASSERT_EQ(met, forbidden.names());

  fs::create_directories(folder / "out");
  const std::string bus = "ipc://" + (folder / "bus");
  const std::string config = folder.write(
      "weir.yaml",
      "policy:\n  - {name: told, when: {evidence: [code, hash, secret, marker, name, environment, "
      "anomaly]}, then: alert, severity: high}\n"
      "  - {name: sent, when: {telemetry: '>0B'}, then: alert, severity: low}\n"
      "environment: {users: [jdoe], domains: [acme.example]}\n"
      "alerts: {sinks: [{type: jsonl, path: " +
          (folder / "out/sink.jsonl") + "}, {type: zmq, bind: \"" + bus + "\"}]}\n");
  const std::string state = folder / "out/state";
  std::map<std::string, std::string> outputs;
  const auto keep = [&](const std::string& name, const ProgramResult& result) {
    EXPECT_EQ(result.exit_code, 0) << name << "\n" << result.err;
    EXPECT_FALSE(result.out.empty()) << name;
    outputs[name] = result.out;
    outputs[name + " (errors)"] = result.err;
  };
  {
    RunningProgram json(weir_arguments({"tail", bus, "--json"}));
    ASSERT_TRUE(json.wait_for_error_text("waiting for", std::chrono::seconds(30)));
    keep("replay", weir(lab_files().with_index(
                       {"replay", capture, "-c", config, "--state", state, "--alerts",
                        folder / "out/alerts.jsonl", "--flows", folder / "out/flows.jsonl",
                        "--stats", folder / "out/stats.json", "--wait-for-subscriber", "30"})));
    json.send_signal(SIGTERM);
    keep("tail", json.wait(std::chrono::seconds(30)));
  }
  keep("explain", weir(lab_files().with_index({"explain", capture, "-c", config})));
  keep("explain --html",
       weir(lab_files().with_index({"explain", capture, "-c", config, "--html", "-"})));
  keep("incidents", weir({"incidents", "--state", state}));
  keep("incidents --json", weir({"incidents", "--state", state, "--json", "--limit", "0"}));
  for (const char* format : {"table", "csv", "json"}) {
    const std::vector<std::string> usage = {
        "usage",
        "--state",
        state,
        "--format",
        format,
        "--by",
        "client,user,service,class,host,tool,account,organization,credential,visibility,status"};
    keep(std::string("usage as ") + format, weir(usage));
    std::vector<std::string> anonymous = usage;
    anonymous.insert(anonymous.end(), {"--anonymise", lab_files().key});
    keep(std::string("usage anonymised as ") + format, weir(anonymous));
  }
  keep("usage", weir({"usage", "--state", state}));
  folder.write("in/request.json", requests(plant, code)[0].body);
  keep("scan", weir(lab_files().with_index({"scan", folder / "in/request.json", "-c", config})));
  keep("scan --jsonl",
       weir(lab_files().with_index({"scan", "--jsonl", folder / "in/request.json", "-c", config})));
  for (const auto& entry : fs::recursive_directory_iterator(folder / "out")) {
    if (entry.is_regular_file()) outputs[entry.path()] = read_text(entry.path());
  }
  for (const char* file : {"out/state/weir.db", "out/alerts.jsonl", "out/flows.jsonl",
                           "out/stats.json", "out/sink.jsonl"}) {
    EXPECT_TRUE(outputs.contains(folder / file)) << file;
  }

  for (const auto& [name, output] : outputs) {
    std::set<std::string> names;
    for (const std::string& s : forbidden.secrets_in(output))
      names.insert(s.substr(0, s.find(" (\"")));
    EXPECT_THAT(names, IsEmpty()) << name;
    EXPECT_THAT(forbidden.lines_in(output), IsEmpty()) << name;
  }
  // And that there was something to tell.
  std::map<std::string, size_t> kinds;
  for (const Json& alert : json_lines(outputs[folder / "out/alerts.jsonl"])) {
    for (const Json& piece : alert["evidence"]) ++kinds[piece["kind"].get<std::string>()];
  }
  EXPECT_GT(kinds["secret"], 15U);
  EXPECT_GT(kinds["code"], 0U);
  EXPECT_GT(kinds["environment"], 3U);
}

}  // namespace
}  // namespace weir::test

#include "bench/lab/data_sessions.h"

#include <array>

#include "bench/lab/prose.h"

namespace weir::lab {
namespace {

constexpr const char* kZone = "Europe/Berlin";
constexpr const char* kHome = "/home/jdoe4711/src/planner";
constexpr const char* kMail = "j.doe4711@acme.example";
constexpr const char* kRemote = "git@git.acme.example:core/planner.git";
constexpr const char* kRemoteUrl = "https://git.acme.example/core/planner.git";
constexpr const char* kCommit = "3f786850e387550fdab836ed7e6dc881de23001b";
constexpr const char* kAccount = "0f8fad5b-d9cb-469f-a165-70867728950e";
constexpr const char* kMachine = "a5d9f0c37be1422b9f3b2f6c1d7e8a90";
constexpr const char* kDigest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
constexpr const char* kGateway = "llm-gw.acme.example";

std::string base64(const std::string& text) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < text.size(); i += 3) {
    uint32_t bits = 0;
    for (size_t j = 0; j < 3; ++j) {
      bits = bits << 8 | (i + j < text.size() ? static_cast<uint8_t>(text[i + j]) : 0U);
    }
    for (size_t j = 0; j < 4; ++j) {
      out += i + j > text.size() ? '=' : kDigits[bits >> (18 - 6 * j) & 63U];
    }
  }
  return out;
}

std::string field(const std::string& name, const std::string& value) {
  return json_string(name) + ':' + json_string(value);
}

// A field of a protobuf message.
std::string proto(uint32_t number, const std::string& value) {
  return std::string(1, static_cast<char>(number << 3 | 2U)) + static_cast<char>(value.size()) +
         value;
}

// Code and prose that talk of such things and tell nothing.
constexpr std::array<const char*, kTalks> kTalk = {
    "Why does `timezone: Europe/Berlin` in config.yaml not reach the scheduler?\n\n"
    "server:\n  timezone: Europe/Berlin\n  hostname: localhost\n",
    "<event><timezone>Europe/Paris</timezone><user_name>{{ user }}</user_name></event>",
    "const locale = navigator.language; // \"en-GB\" or \"de-DE\"\nmachine_id = uuid4()",
    "Don\xe2\x80\x99t change the caller\xe2\x80\x99s hostname, it is what we\xe2\x80\x99re "
    "logging."};
std::string innocent_talk(LabRandom& random) { return kTalk[random.below(kTalk.size())]; }

HttpRequest post(const std::string& host, const std::string& target, const std::string& agent,
                 std::string body) {
  HttpRequest out;
  out.host = host;
  out.target = target;
  out.content_type = "application/json";
  out.headers = {{"User-Agent", agent}, {"Authorization", "Bearer lab-token-000000000000"}};
  out.body = std::move(body);
  return out;
}

DataSession claude_code(LabRandom& random) {
  DataSession out{"claude-code", "api.anthropic.com", {}, {}, ""};
  const std::string agent = "claude-cli/2.1.330 (external, cli)";
  const std::string system =
      "You are a coding agent.\n\n<env>\nWorking directory: " + std::string(kHome) +
      "\nIs directory a git repo: Yes\nPlatform: linux\nOS Version: Linux 6.1.0-18\n</env>\n\n"
      "gitStatus: This is the git status.\n\nCurrent branch: feature/plan-4711\n";
  out.requests.push_back(post(out.host, "/v1/messages?beta=true", agent,
                              "{\"system\":[{\"type\":\"text\",\"text\":" + json_string(system) +
                                  "}],\"messages\":[{\"role\":\"user\",\"content\":" +
                                  json_string(innocent_talk(random)) + "}],\"metadata\":{" +
                                  field("user_id", "{" + field("device_id", kMachine) + "," +
                                                       field("account_uuid", kAccount) + "," +
                                                       field("session_id", random.uuid()) + "}") +
                                  "}}"));
  HttpRequest telemetry =
      post(out.host, "/api/event_logging/v2/batch", agent,
           "{\"events\":[{\"event_type\":\"ClaudeCodeInternalEvent\",\"event_data\":{" +
               field("email", kMail) + "," +
               field("additional_metadata", base64("{" + field("contentHash", kDigest) + "," +
                                                   field("apiBaseUrlHost", kGateway) + "," +
                                                   field("tool", "Read") + "}")) +
               "}}]}");
  telemetry.coding = "gzip";
  out.requests.push_back(std::move(telemetry));
  out.planted = {{"path", "working_directory", kHome},
                 {"machine", "platform", "linux"},
                 {"machine", "os_version", "Linux 6.1.0-18"},
                 {"repository", "current_branch", "feature/plan-4711"},
                 {"machine", "device_id", kMachine},
                 {"account", "account_uuid", kAccount},
                 {"user", "email", kMail},
                 {"file_digest", "contenthash", kDigest},
                 {"gateway", "apibaseurlhost", kGateway}};
  return out;
}

DataSession codex(LabRandom& random) {
  DataSession out{"codex", "chatgpt.com", {}, {}, ""};
  const std::string context = "<environment_context>\n  <cwd>" + std::string(kHome) +
                              "</cwd>\n  <shell>zsh</shell>\n  <current_date>2026-11-25"
                              "</current_date>\n  <timezone>" +
                              kZone + "</timezone>\n</environment_context>";
  const auto item = [](const std::string& text) {
    return "{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\","
           "\"text\":" +
           json_string(text) + "}]}";
  };
  HttpRequest request = post(out.host, "/backend-api/codex/responses",
                             "codex_cli_rs/0.140.0 (Linux 6.1.0; x86_64) xterm",
                             "{\"model\":\"gpt-5-codex\",\"instructions\":\"You are Codex.\","
                             "\"input\":[" +
                                 item(context) + "," + item(innocent_talk(random)) + "]}");
  request.coding = "zstd";
  request.headers.emplace_back("x-codex-turn-metadata",
                               "{\"workspaces\":{" + json_string(kHome) +
                                   ":{\"associated_remote_urls\":{" + field("origin", kRemoteUrl) +
                                   "}," + field("latest_git_commit_hash", kCommit) + "}}}");
  request.headers.emplace_back("x-codex-installation-id", random.uuid());
  out.requests.push_back(std::move(request));
  out.planted = {{"path", "cwd", kHome},
                 {"machine", "shell", "zsh"},
                 {"time_zone", "timezone", kZone},
                 {"machine", "x-codex-installation-id", ""}};
  return out;
}

DataSession cursor(LabRandom& random) {
  DataSession out{"cursor", "api2.cursor.sh", {}, {}, ""};
  HttpRequest request =
      post(out.host, "/aiserver.v1.ChatService/StreamUnifiedChat", "connect-es/1.6.1",
           proto(1, random_prose(random, 90)) + proto(2, kZone) + proto(3, kHome) +
               proto(4, kRemote) + std::string("\x28\x01\x30\x00\x00", 5));
  request.content_type = "application/proto";
  const std::string checksum = "zH9q4RkP" + random.hex(64) + "Wq/" + random.hex(64);
  request.headers.emplace_back("x-cursor-timezone", "Asia/Tokyo");
  request.headers.emplace_back("x-cursor-client-os", "linux");
  request.headers.emplace_back("x-cursor-checksum", checksum);
  out.requests.push_back(std::move(request));
  out.planted = {{"time_zone", "x-cursor-timezone", "Asia/Tokyo"},
                 {"machine", "x-cursor-client-os", "linux"},
                 {"opaque", "x-cursor-checksum", checksum},
                 {"time_zone", "protobuf", kZone},
                 {"path", "protobuf", kHome},
                 {"repository", "protobuf", kRemote}};
  return out;
}

DataSession gemini(LabRandom& random) {
  DataSession out{"gemini-cli", "cloudcode-pa.googleapis.com", {}, {}, ""};
  const std::string agent = "GeminiCLI/0.61.0 (linux; x64)";
  const std::string context =
      "This is the Gemini CLI. Today's date is Wednesday, November 25, 2026.\n"
      "My operating system is: linux\nThe project's temporary directory is: "
      "/home/jdoe4711/.gemini/tmp/4f\nI'm currently working in the directory: " +
      std::string(kHome) + "\n";
  out.requests.push_back(post(
      out.host, "/v1internal:streamGenerateContent?alt=sse", agent,
      "{\"model\":\"gemini\",\"request\":{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":" +
          json_string(context) + "}]},{\"role\":\"user\",\"parts\":[{\"text\":" +
          json_string(innocent_talk(random)) + "}]}]}}"));
  out.requests.push_back(
      post("play.googleapis.com", "/log?format=json&hasfast=true", agent,
           "[{\"log_event\":[[{" +
               field("source_extension_json",
                     "{" + field("client_email", kMail) + "," + field("git_commit_hash", kCommit) +
                         ",\"event_metadata\":[[{\"key\":1,\"value\":\"x\"}]]}") +
               "}]]}]"));
  out.planted = {{"machine", "os_version", "linux"},
                 {"path", "working_directory", kHome},
                 {"user", "client_email", kMail},
                 {"repository", "git_commit_hash", kCommit}};
  return out;
}

DataSession copilot(LabRandom& random) {
  DataSession out{"github-copilot", "api.business.githubcopilot.com", {}, {}, ""};
  HttpRequest request = post(
      out.host, "/chat/completions", "GitHubCopilotChat/0.29.0",
      "{\"messages\":[{\"role\":\"system\",\"content\":\"You are a helpful assistant.\"},"
      "{\"role\":\"user\",\"content\":" +
          json_string("<environment_info>\nThe user's current OS is: Linux\nThe user's default "
                      "shell is: \"bash\"\n</environment_info>") +
          "},{\"role\":\"user\",\"content\":" + json_string(innocent_talk(random)) + "}]," +
          field("nwo", "acme/planner-4711") + "}");
  request.headers.emplace_back("VScode-MachineId", std::string(kMachine) + kMachine);
  request.headers.emplace_back("Editor-Device-Id", random.uuid());
  out.requests.push_back(std::move(request));
  out.planted = {{"machine", "vscode-machineid", std::string(kMachine) + kMachine},
                 {"machine", "editor-device-id", ""},
                 {"machine", "os_version", "Linux"},
                 {"machine", "shell", "bash"},
                 {"repository", "nwo", "acme/planner-4711"}};
  return out;
}

DataSession cline(LabRandom& random) {
  DataSession out{"cline", "api.anthropic.com", {}, {}, ""};
  const std::string details =
      "<environment_details>\n# Current Time\n11/25/2026, 3:04:05 AM (Europe/Berlin, UTC+1:00)\n\n"
      "# Current Working Directory (" +
      std::string(kHome) + ") Files\nplan.py\n\n# Workspace Configuration\n{\n  \"" +
      "associatedRemoteUrls\": [\n    \"origin: " + kRemoteUrl +
      "\"\n  ],\n  \"latestGitCommitHash\": \"" + kCommit + "\"\n}\n</environment_details>";
  out.requests.push_back(
      post(out.host, "/v1/messages", "Cline/3.2.0",
           "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":" +
               json_string(innocent_talk(random)) +
               "},{\"type\":\"text\",\"text\":" + json_string(details) + "}]}]}"));
  out.planted = {{"time_zone", "current_time", "UTC+1:00"},
                 {"path", "working_directory", kHome},
                 {"repository", "git_remote", kRemoteUrl},
                 {"repository", "latest_git_commit_hash", kCommit}};
  return out;
}

DataSession chat_web(LabRandom& random) {
  DataSession out{"chatgpt-web", "chatgpt.com", {}, {}, ""};
  HttpRequest request = post(
      out.host, "/backend-api/conversation",
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 "
      "Safari/537.36",
      "{\"action\":\"next\",\"messages\":[{\"author\":{\"role\":\"user\"},\"content\":{\"parts\":"
      "[" +
          json_string(innocent_talk(random)) + "]}}]," + field("timezone", kZone) +
          ",\"timezone_offset_min\":-120}");
  request.headers.emplace_back("oai-language", "de-DE");
  request.headers.emplace_back("oai-device-id", random.uuid());
  out.requests.push_back(std::move(request));
  out.planted = {{"time_zone", "timezone", kZone},
                 {"time_zone", "timezone_offset_min", "-120"},
                 {"locale", "oai-language", "de-DE"},
                 {"machine", "oai-device-id", ""}};
  return out;
}

DataSession amazon_q(LabRandom& random) {
  DataSession out{"amazon-q", "q.us-east-1.amazonaws.com", {}, {}, ""};
  HttpRequest request =
      post(out.host, "/", "aws-sdk-rust/1.3.3 ua/2.1 os/linux AmazonQ-For-CLI/1.12.0",
           "{\"conversationState\":{\"currentMessage\":{\"userInputMessage\":{\"content\":" +
               json_string(innocent_talk(random)) + ",\"userInputMessageContext\":{\"envState\":{" +
               field("operatingSystem", "linux") + "," + field("currentWorkingDirectory", kHome) +
               "," + field("hostname", "acme-lt-0417") + "}}}}}}");
  request.content_type = "application/x-amz-json-1.0";
  out.requests.push_back(std::move(request));
  out.planted = {{"machine", "operatingsystem", "linux"},
                 {"path", "currentworkingdirectory", kHome},
                 {"host", "hostname", "acme-lt-0417"}};
  return out;
}

DataSession opencode(LabRandom& random) {
  DataSession out{"opencode", "opencode.ai", {}, {}, ""};
  const std::string system =
      "You are opencode.\n<env>\n  Working directory: " + std::string(kHome) +
      "\n  Is directory a git repo: yes\n  Platform: linux\n</env>";
  out.requests.push_back(
      post(out.host, "/zen/v1/chat/completions", "opencode/1.18.0",
           "{\"messages\":[{\"role\":\"system\",\"content\":" + json_string(system) +
               "},{\"role\":\"user\",\"content\":" + json_string(innocent_talk(random)) +
               "},{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"read\","
               "\"arguments\":" +
               json_string("{" + field("filePath", std::string(kHome) + "/plan.py") +
                           ",\"offset\":0,\"limit\":2000,\"reason\":\"to see it\"}") +
               "}}]}]}"));
  out.planted = {{"path", "working_directory", kHome},
                 {"machine", "platform", "linux"},
                 {"path", "filepath", kHome}};
  return out;
}

DataSession sdk(LabRandom& random) {
  DataSession out{"openai-sdk", "api.openai.com", {}, {}, ""};
  HttpRequest request =
      post(out.host, "/v1/responses", "OpenAI/JS 5.1.0",
           "{\"input\":" + json_string(innocent_talk(random)) +
               ",\"tools\":[],\"web_search_options\":{\"user_location\":{\"type\":\"approximate\","
               "\"approximate\":{" +
               field("country", "DE") + "," + field("city", "Schwerin") + "," +
               field("timezone", kZone) + "}}}," + field("username", "jdoe4711") + "}");
  request.headers.emplace_back("X-Stainless-OS", "Linux");
  request.headers.emplace_back("X-Stainless-Arch", "x64");
  out.requests.push_back(std::move(request));
  out.planted = {{"location", "country", "DE"},          {"location", "city", "Schwerin"},
                 {"time_zone", "timezone", kZone},       {"user", "username", "jdoe4711"},
                 {"machine", "x-stainless-os", "Linux"}, {"machine", "x-stainless-arch", "x64"}};
  return out;
}

}  // namespace

DataSession make_data_session(size_t tool, LabRandom& random) {
  switch (tool % kDataTools) {
    case 0:
      return claude_code(random);
    case 1:
      return codex(random);
    case 2:
      return cursor(random);
    case 3:
      return gemini(random);
    case 4:
      return copilot(random);
    case 5:
      return cline(random);
    case 6:
      return chat_web(random);
    case 7:
      return amazon_q(random);
    case 8:
      return opencode(random);
    default:
      return sdk(random);
  }
}

DataSession make_marked_session(size_t variant, LabRandom& random) {
  variant %= kMarkVariants;
  constexpr std::array<const char*, 6> kApostrophes = {
      "'", "\xe2\x80\x99", "\xca\xbc", "\xca\xb9", "'", "'"};
  constexpr std::array<const char*, 6> kMarks = {"", "U+2019", "U+02BC", "U+02B9", "date", ""};
  const bool gateway = variant >= 1 && variant <= 3;
  DataSession out{"claude-code", gateway ? kGateway : "api.anthropic.com", {}, {}, kMarks[variant]};
  const char separator = variant == 4 ? '/' : '-';
  const std::string day = std::to_string(10 + random.below(18));
  const std::string date = std::string("2026") + separator + "06" + separator + day;
  const std::string system =
      "You are a coding agent that helps with software.\n"
      "Use the user's own words where you can, and don't guess what isn't there.\n"
      "Working directory: /srv/" +
      random_word(random) +
      "\n"
      "Today" +
      kApostrophes[variant] + "s date is " + date +
      ".\n"
      "Tools: Read, Edit, " +
      random_word(random) + "\n";
  for (size_t turn = 0; turn < 2; ++turn) {
    out.requests.push_back(post(
        out.host, "/v1/messages?beta=true", "claude-cli/2.1.169 (external, cli)",
        "{\"system\":[{\"type\":\"text\",\"text\":" + json_string(system) +
            "}],\"messages\":[{\"role\":\"user\",\"content\":" +
            json_string(innocent_talk(random) + random_prose(random, 200 + 100 * turn)) + "}]}"));
  }
  return out;
}

DataSession make_talk_session(size_t talk, LabRandom& random) {
  DataSession out{"claude-code", "api.anthropic.com", {}, {}, ""};
  const std::string text =
      (talk < kTalks ? std::string(kTalk[talk]) + "\n" : std::string()) + random_prose(random, 200);
  out.requests = {post(out.host, "/v1/messages?beta=true", "claude-cli/2.1.330 (external, cli)",
                       "{\"messages\":[{\"role\":\"user\",\"content\":" + json_string(text) +
                           "}],\"stream\":true}")};
  return out;
}

DataSession make_ordinary_session(size_t kind, LabRandom& random) {
  kind %= kOrdinaryKinds;
  DataSession out{"claude-code", "api.anthropic.com", {}, {}, ""};
  std::string version = "2.1.340";
  std::string system =
      "You are a coding agent that helps with software.\n"
      "Use the user's own words where you can, and don't guess what isn't there.\n"
      "Today's date is 2026-06-" +
      std::to_string(10 + random.below(18)) + ".\n";
  std::string user = random_prose(random, 200);
  switch (kind) {
    case 0:  // what a French user writes, and his notes in a block of the agent's
      user =
          "Bonjour,\u00a0voici l\u2019API\u202f: r\u00e9ponds "
          "\u00ab\u00a0oui\u00a0\u00bb\u202f!\n<system-reminder>\nNotes du projet\u00a0: reponds "
          "toujours en fran\u00e7ais\u202f; l\u2019utilisateur pr\u00e9f\u00e8re 20\u00a0% de "
          "d\u00e9tails. Attention\u00a0! Merci\u00a0?\n</system-reminder>\n";
      break;
    case 1:  // a company's own instructions, set by a typographer
      system +=
          "Schreibe kurz, z.\u202fB. 10\u00a0% weniger als Dr.\u00a0Muster auf S.\u00a04.\n"
          "Attention\u00a0: ne pas modifier le fichier\u202f; merci\u202f!\n";
      break;
    case 2:  // symbols that tools use
      system +=
          "Mark each step as \u2705 done or \u274c failed \u2014 see \u2192 below\u2026\n"
          "\u2022 Tools: Read, Edit, \U0001f527 " +
          random_word(random) + "\n";
      break;
    case 3:
      system += "Working directory: /srv/" + random_word(random) + "\n" +
                "Answer in the language of the question, and keep to the task.\n";
      break;
    case 4:  // the next version: reworded, with another date format and typographic apostrophes
      version = "2.1.341";
      system =
          "You\u2019re a coding agent who helps with software.\n"
          "Use the user\u2019s own words where you can; don\u2019t guess.\n"
          "Today\u2019s date is 10/06/2026.\n";
      break;
    case 5:  // the same words as before, but a new version writes them with its own apostrophe
      version = "2.1.342";
      system =
          "You are a coding agent that helps with software.\n"
          "Use the user\u2019s own words where you can, and don\u2019t guess what isn\u2019t "
          "there.\n"
          "Today\u2019s date is 2026/06/11.\n";
      break;
    default:  // an experiment within one version: other words
      system += "Say what you do before you do it, and what you did after it.\n";
      break;
  }
  out.requests = {
      post(out.host, "/v1/messages?beta=true", "claude-cli/" + version + " (external, cli)",
           "{\"system\":[{\"type\":\"text\",\"text\":" + json_string(system) +
               "}],\"messages\":[{\"role\":\"user\",\"content\":" + json_string(user) + "}]}")};
  return out;
}

DataSession make_hidden_session(size_t kind, LabRandom& random) {
  struct Hidden {
    const char* name;
    const char* bytes;
  };
  constexpr std::array<Hidden, kHiddenKinds> kHidden = {{{"U+0430", "\xd0\xb0"},
                                                         {"U+200B", "\xe2\x80\x8b"},
                                                         {"U+200D", "\xe2\x80\x8d"},
                                                         {"U+2060", "\xe2\x81\xa0"},
                                                         {"U+FEFF", "\xef\xbb\xbf"},
                                                         {"U+FE0F", "\xef\xb8\x8f"},
                                                         {"U+E0041", "\xf3\xa0\x81\x81"},
                                                         {"U+00A0", "\xc2\xa0"},
                                                         {"U+202F", "\xe2\x80\xaf"},
                                                         {"U+2032", "\xe2\x80\xb2"}}};
  const Hidden& hidden = kHidden[kind % kHiddenKinds];
  DataSession out{"claude-code", "api.anthropic.com", {}, {}, hidden.name};
  // In the place of a letter, of a blank, or between letters.
  const std::string mark = hidden.bytes;
  const bool letter = kind % kHiddenKinds == 0;
  const bool blank = kind % kHiddenKinds == 7 || kind % kHiddenKinds == 8;
  const std::string line = letter  ? "Answer briefly, " + mark + "nd keep to the task.\n"
                           : blank ? "Answer briefly," + mark + "and keep to the task.\n"
                                   : "Answer brief" + mark + "ly, and keep to the task.\n";
  const std::string system = "You are a coding agent that helps with software.\n" + line +
                             "Never guess what is not there. Ask when in doubt.\n";
  out.requests = {post(out.host, "/v1/messages?beta=true", "claude-cli/2.1.331 (external, cli)",
                       "{\"system\":[{\"type\":\"text\",\"text\":" + json_string(system) +
                           "}],\"messages\":[{\"role\":\"user\",\"content\":" +
                           json_string(random_prose(random, 200)) + "}]}")};
  return out;
}

}  // namespace weir::lab

#include "bench/lab/ai_sessions.h"

#include <array>

#include "bench/lab/code_forms.h"
#include "bench/lab/prose.h"

namespace weir::lab {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

std::string token(LabRandom& random) { return "Bearer lab-" + random.hex(12); }

std::string join(const std::vector<std::string>& items, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) out += ',';
    out += items[i];
  }
  return out;
}

std::string message(std::string_view role, const std::string& text,
                    JsonStyle style = JsonStyle::kJavaScript) {
  return "{\"role\":\"" + std::string(role) + "\",\"content\":" + json_string(text, style) + '}';
}

// Requests whose bodies are `head`, the first n messages, `tail`: the history grows by each turn's
// messages and is sent whole again.
void add_turns(AiSession& session, const HttpRequest& model, const std::string& head,
               const std::vector<std::string>& messages, const std::vector<size_t>& turns,
               const std::string& tail) {
  for (const size_t count : turns) {
    HttpRequest request = model;
    request.host = session.host;
    request.body = head + join(messages, count) + tail;
    session.requests.push_back(std::move(request));
  }
}

// A coding agent on the messages API: it reads a file, then the talk goes on.
AiSession claude_code(LabRandom& random, const CodeExcerpt* code, bool current) {
  AiSession out{"api.anthropic.com", 443, "anthropic-messages", "", {}};
  HttpRequest model;
  model.target = "/v1/messages?beta=true";
  model.content_type = "application/json";
  model.coding = current ? "gzip" : "identity";
  model.headers = {{"User-Agent", current ? "claude-cli/2.1.330 (external, cli)"
                                          : "claude-cli/1.0.128 (external, cli)"},
                   {"Accept", "application/json"},
                   {"Authorization", token(random)},
                   {"anthropic-version", "2023-06-01"},
                   {"x-app", "cli"},
                   {"x-claude-code-session-id", random.uuid()},
                   {"Connection", "keep-alive"}};
  std::vector<std::string> messages{message("user", random_question(random))};
  std::vector<size_t> turns{1};
  const std::string id = "toolu_01" + random.hex(22);
  const bool edit = code != nullptr && random.chance(0.3);
  if (code != nullptr) {
    out.form = edit ? "old_string" : current ? "numbered_tab" : "numbered_arrow";
    const std::string input =
        edit ? "\"name\":\"Edit\",\"input\":{\"file_path\":" + json_string(code->path) +
                   ",\"old_string\":" + json_string(raw_text(*code)) + ",\"new_string\":\"\"}"
             : "\"name\":\"Read\",\"input\":{\"file_path\":" + json_string(code->path) + '}';
    const std::string result = edit      ? "The file has been updated."
                               : current ? numbered_tab(*code)
                                         : numbered_arrow(*code);
    messages.push_back("{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":" +
                       json_string(random_sentence(random)) + "},{\"type\":\"tool_use\",\"id\":\"" +
                       id + "\"," + input + "}]}");
    messages.push_back(
        "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"" + id +
        "\",\"content\":[{\"type\":\"text\",\"text\":" + json_string(result) + "}]}]}");
    turns.push_back(3);
  }
  for (size_t more = random.between(1, 4); more > 0; --more) {
    messages.push_back(message("assistant", random_prose(random, 400)));
    messages.push_back(message("user", random_question(random)));
    turns.push_back(messages.size());
  }
  const std::string head =
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":32000,\"stream\":true,\"system\":[{\"type\":"
      "\"text\",\"text\":" +
      json_string("You are a coding assistant. " + random_prose(random, 3000)) +
      "}],\"tools\":[{\"name\":\"Read\",\"description\":" + json_string(random_prose(random, 600)) +
      "},{\"name\":\"Edit\",\"description\":" + json_string(random_prose(random, 600)) +
      "}],\"messages\":[";
  add_turns(out, model, head, messages, turns, "]}");
  return out;
}

// Codex on the responses API: shell output as raw text, patches as JSON inside a JSON string.
AiSession codex(LabRandom& random, const CodeExcerpt* code) {
  AiSession out{"chatgpt.com", 443, "openai-responses", "", {}};
  HttpRequest model;
  model.target = "/backend-api/codex/responses";
  model.content_type = "application/json";
  model.coding = "zstd";
  model.headers = {{"User-Agent", "codex_cli_rs/0.140.0 (Linux 6.1.0; x86_64) xterm"},
                   {"originator", "codex_cli_rs"},
                   {"Authorization", token(random)},
                   {"session_id", random.uuid()},
                   {"Accept", "text/event-stream"}};
  const auto user = [](const std::string& text) {
    return "{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\","
           "\"text\":" +
           json_string(text) + "}]}";
  };
  std::vector<std::string> items{user(random_question(random))};
  std::vector<size_t> turns{1};
  if (code != nullptr) {
    const bool patch = random.chance(0.4);
    out.form = patch ? "patch_in_json" : "shell_output";
    const std::string call_id = "call_" + random.hex(24);
    const std::string command = patch ? "[\"apply_patch\"," + json_string(codex_patch(*code)) + ']'
                                      : "[\"bash\",\"-lc\",\"sed -n '1,200p' " + code->path + "\"]";
    items.push_back("{\"type\":\"function_call\",\"name\":\"shell\",\"arguments\":" +
                    json_string("{\"command\":" + command + '}') + ",\"call_id\":\"" + call_id +
                    "\"}");
    items.push_back("{\"type\":\"function_call_output\",\"call_id\":\"" + call_id +
                    "\",\"output\":" +
                    json_string("Exit code: 0\nWall time: 0.1 seconds\nOutput:\n" +
                                (patch ? "Success.\n" : raw_text(*code))) +
                    '}');
    turns.push_back(3);
  }
  for (size_t more = random.between(1, 3); more > 0; --more) {
    items.push_back(user(random_question(random)));
    turns.push_back(items.size());
  }
  const std::string head =
      "{\"model\":\"gpt-5-codex\",\"instructions\":" + json_string(random_prose(random, 5000)) +
      ",\"input\":[";
  add_turns(out, model, head, items, turns, "],\"stream\":true,\"store\":false}");
  return out;
}

// Chat completions: the SDK in Python, Copilot in an editor, a gateway reached through Go.
struct ChatShape {
  const char* host;
  const char* target;
  const char* agent;
  const char* model;
  const char* coding;
  JsonStyle style;
  bool chunked;
  uint16_t port;
};

AiSession chat_completions(LabRandom& random, const CodeExcerpt* code, const ChatShape& shape) {
  AiSession out{shape.host, shape.port, "openai-chat", "", {}};
  HttpRequest model;
  model.target = shape.target;
  model.content_type = "application/json";
  model.coding = shape.coding;
  model.chunked = shape.chunked;
  model.headers = {{"User-Agent", shape.agent},
                   {"Accept", "application/json"},
                   {"Authorization", token(random)},
                   {"Connection", "keep-alive"}};
  std::vector<std::string> messages{
      message("system", "You are a helpful assistant. " + random_prose(random, 300), shape.style)};
  std::string question = random_question(random);
  if (code != nullptr) {
    const size_t choice = random.below(3);
    out.form = choice == 0 ? "fenced" : choice == 1 ? "diff" : "numbered_bar";
    question = code_request(random) + "\n\n" +
               (choice == 0   ? fenced(*code)
                : choice == 1 ? diff_added(*code)
                              : numbered_bar(*code));
  }
  messages.push_back(message("user", question, shape.style));
  std::vector<size_t> turns{2};
  for (size_t more = random.below(3); more > 0; --more) {
    messages.push_back(message("assistant", random_prose(random, 500), shape.style));
    messages.push_back(message("user", random_question(random), shape.style));
    turns.push_back(messages.size());
  }
  add_turns(out, model, "{\"model\":\"" + std::string(shape.model) + "\",\"messages\":[", messages,
            turns, "],\"temperature\":0.2,\"stream\":true}");
  return out;
}

// Inline completion: the code before and behind the cursor.
AiSession copilot_completion(LabRandom& random, const CodeExcerpt* code) {
  AiSession out{"copilot-proxy.githubusercontent.com", 443, "fill-in-the-middle", "", {}};
  HttpRequest request;
  request.target = "/v1/engines/gpt-41-copilot/completions";
  request.host = out.host;
  request.content_type = "application/json";
  request.headers = {{"User-Agent", "GitHubCopilot/1.300.0"},
                     {"Authorization", token(random)},
                     {"Editor-Version", "vscode/1.101.0"},
                     {"Openai-Organization", "github-copilot"}};
  std::string prefix = random_prose(random, 120);
  std::string suffix;
  if (code != nullptr) {
    out.form = "prefix_suffix";
    const size_t cursor = random.below(2) == 0 ? code->lines.size() : code->lines.size() * 3 / 4;
    prefix = "// Path: " + code->path + '\n' + part_text(*code, 0, cursor);
    suffix = part_text(*code, cursor, code->lines.size());
  }
  for (size_t turn = random.between(1, 4); turn > 0; --turn) {
    request.body = "{\"prompt\":" + json_string(prefix) + ",\"suffix\":" + json_string(suffix) +
                   ",\"max_tokens\":500,\"temperature\":0,\"stream\":true,\"extra\":{\"language\":"
                   "\"text\",\"next_indent\":0}}";
    out.requests.push_back(request);
    prefix += random_word(random);
  }
  return out;
}

AiSession gemini(LabRandom& random, const CodeExcerpt* code) {
  AiSession out{"generativelanguage.googleapis.com", 443, "gemini", "", {}};
  HttpRequest model;
  model.target = "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse";
  model.content_type = "application/json";
  model.headers = {{"User-Agent", "GeminiCLI/0.61.0 (linux; x64)"},
                   {"x-goog-api-client", "google-genai-sdk/1.9.0 gl-node/v22.0.0"},
                   {"Authorization", token(random)}};
  const auto content = [](std::string_view role, const std::string& part) {
    return "{\"role\":\"" + std::string(role) + "\",\"parts\":[" + part + "]}";
  };
  const auto text = [](const std::string& s) { return "{\"text\":" + json_string(s) + '}'; };
  std::vector<std::string> contents{content("user", text(random_question(random)))};
  std::vector<size_t> turns{1};
  if (code != nullptr) {
    out.form = "function_response";
    contents.push_back(content("model",
                               "{\"functionCall\":{\"name\":\"read_file\",\"args\":{"
                               "\"file_path\":" +
                                   json_string(code->path) + "}}}"));
    contents.push_back(
        content("user", "{\"functionResponse\":{\"name\":\"read_file\",\"response\":{\"output\":" +
                            json_string(raw_text(*code)) + "}}}"));
    turns.push_back(3);
  }
  contents.push_back(content("model", text(random_prose(random, 300))));
  contents.push_back(content("user", text(random_question(random))));
  turns.push_back(contents.size());
  add_turns(out, model, "{\"contents\":[", contents, turns,
            "],\"generationConfig\":{\"temperature\":0}}");
  return out;
}

// A local model behind the company's own gateway, asked by a plain HTTP client.
AiSession ollama(LabRandom& random, const CodeExcerpt* code) {
  AiSession out{"llm.acme.example", 80, "ollama-chat", "", {}};
  HttpRequest request;
  request.target = "/api/chat";
  request.host = out.host;
  request.content_type = "application/json";
  request.headers = {{"User-Agent", "ollama-python/0.5.1 (x86_64 linux) Python/3.11.2"},
                     {"Accept", "*/*"}};
  std::string question = random_question(random);
  if (code != nullptr) {
    out.form = "pasted";
    question = code_request(random) + "\n\n" + raw_text(*code);
  }
  request.body = "{\"model\":\"qwen3-coder:30b\",\"messages\":[" +
                 message("user", question, JsonStyle::kPython) + "],\"tools\":[],\"stream\":true}";
  out.requests.push_back(std::move(request));
  return out;
}

Headers browser_headers(LabRandom& random, const std::string& origin) {
  return {{"User-Agent",
           "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
           "Chrome/138.0.0.0 Safari/537.36"},
          {"Accept", "*/*"},
          {"Accept-Language", "en-GB,en;q=0.9"},
          {"Accept-Encoding", "gzip, deflate, br, zstd"},
          {"Origin", origin},
          {"Referer", origin + "/chat/" + random.uuid()}};
}

// Web chat: a question typed into the page, code pasted below it.
AiSession web_chat(LabRandom& random, const CodeExcerpt* code) {
  AiSession out{"claude.ai", 443, "claude-web", "", {}};
  HttpRequest request;
  request.target = "/api/organizations/" + random.uuid() + "/chat_conversations/" + random.uuid() +
                   "/completion";
  request.host = out.host;
  request.content_type = "application/json";
  request.headers = browser_headers(random, "https://claude.ai");
  request.coding = random.chance(0.5) ? "br" : "identity";
  std::string prompt = random_question(random);
  if (code != nullptr) {
    out.form = "pasted";
    prompt = code_request(random) + '\n' + raw_text(*code);
  }
  request.body = "{\"prompt\":" + json_string(prompt) +
                 ",\"attachments\":[],\"files\":[],\"rendering_mode\":\"messages\"}";
  out.requests.push_back(std::move(request));
  return out;
}

// Web chat: a file handed over as multipart/form-data (RFC 7578).
AiSession web_upload(LabRandom& random, const CodeExcerpt* code) {
  AiSession out{"claude.ai", 443, "multipart-upload", "", {}};
  const std::string boundary = "----WebKitFormBoundary" + random.hex(16);
  HttpRequest request;
  request.target = "/api/" + random.uuid() + "/upload";
  request.host = out.host;
  request.content_type = "multipart/form-data; boundary=" + boundary;
  request.headers = browser_headers(random, "https://claude.ai");
  std::string name = random_word(random) + ".txt";
  std::string content = random_prose(random, 2500);
  if (code != nullptr) {
    out.form = "multipart";
    name = code->path.substr(code->path.rfind('/') + 1);
    content = raw_text(*code);
  }
  request.body = "--" + boundary +
                 "\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nchat\r\n--" +
                 boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" +
                 name + "\"\r\nContent-Type: application/octet-stream\r\n\r\n" + content +
                 "\r\n--" + boundary + "--\r\n";
  out.requests.push_back(std::move(request));
  return out;
}

constexpr ChatShape kPythonSdk{"api.openai.com",
                               "/v1/chat/completions",
                               "OpenAI/Python 1.99.0",
                               "gpt-4.1",
                               "identity",
                               JsonStyle::kPython,
                               false,
                               443};
constexpr ChatShape kCopilotChat{"api.individual.githubcopilot.com",
                                 "/chat/completions",
                                 "GitHubCopilotChat/0.29.0",
                                 "gpt-4.1",
                                 "identity",
                                 JsonStyle::kJavaScript,
                                 true,
                                 443};
constexpr ChatShape kGateway{"llm.acme.example",
                             "/v1/chat/completions",
                             "Go-http-client/1.1",
                             "qwen3-coder",
                             "gzip",
                             JsonStyle::kGo,
                             true,
                             443};
constexpr ChatShape kMistral{"api.mistral.ai",
                             "/v1/chat/completions",
                             "python-httpx/0.27.0",
                             "codestral-latest",
                             "deflate",
                             JsonStyle::kPython,
                             false,
                             443};

}  // namespace

AiSession make_ai_session(size_t client, LabRandom& random, const CodeExcerpt* code) {
  switch (client % kAiClients) {
    case 0:
      return claude_code(random, code, true);
    case 1:
      return codex(random, code);
    case 2:
      return chat_completions(random, code, kPythonSdk);
    case 3:
      return copilot_completion(random, code);
    case 4:
      return gemini(random, code);
    case 5:
      return web_upload(random, code);
    case 6:
      return claude_code(random, code, false);
    case 7:
      return chat_completions(random, code, kCopilotChat);
    case 8:
      return web_chat(random, code);
    case 9:
      return chat_completions(random, code, kGateway);
    case 10:
      return ollama(random, code);
    default:
      return chat_completions(random, code, kMistral);
  }
}

}  // namespace weir::lab

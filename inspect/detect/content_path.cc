// See content_path.h.
#include "inspect/detect/content_path.h"

#include <algorithm>
#include <array>

namespace weir::inspect {

namespace {

template <size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) noexcept {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// What holds the turns of a conversation, in the APIs that are known.
constexpr std::array<std::string_view, 9> kTurns = {
    "messages", "input",       "contents",    "history", "chat_history", "conversation_history",
    "turns",    "chatHistory", "conversation"};
// In a turn, what holds its text or what a tool said.
constexpr std::array<std::string_view, 11> kTexts = {
    "content",           "parts",  "text",       "output", "result", "response", "prompt", "suffix",
    "reasoning_content", "stdout", "toolResults"};
// In a turn, what holds the arguments of a tool call.
constexpr std::array<std::string_view, 6> kArguments = {"arguments", "args",         "tool_calls",
                                                        "toolCalls", "functionCall", "action"};
constexpr std::array<std::string_view, 5> kInstructions = {
    "system", "instructions", "systemInstruction", "system_instruction", "system_prompt"};
// Text of the request outside of turns.
constexpr std::array<std::string_view, 5> kBareTexts = {"prompt", "suffix", "query", "tools",
                                                        "functions"};

// Walks the names of all JSON stages.
struct Walk {
  bool json = false;
  bool turn = false;
  bool text = false;
  bool tool_input = false;
  bool argument = false;
  bool instruction = false;
  bool named = false;

  void name(std::string_view key) noexcept {
    named = true;
    if (is_one_of(kInstructions, key)) {
      instruction = true;
      return;
    }
    if (turn) {
      if (is_one_of(kArguments, key) || (text && key == "input")) {
        argument = true;
      } else if (is_one_of(kTexts, key)) {
        text = true;
      }
      return;
    }
    if (is_one_of(kTurns, key)) {
      turn = true;
    } else if (is_one_of(kBareTexts, key)) {
      text = true;
    }
  }
};

}  // namespace

PlaceKind place_of(std::string_view path) noexcept {
  if (path.starts_with("http/header:") || path.starts_with("http/query:")) return PlaceKind::kField;
  Walk walk;
  bool field = false;
  bool file = false;
  while (!path.empty()) {
    const size_t end = std::min(path.find('>'), path.size());
    std::string_view stage = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (path.empty() && stage == "binary") return PlaceKind::kBytes;
    if (stage.starts_with("form:")) field = true;
    if (stage.starts_with("multipart:")) {
      field = true;
      file = file || stage.ends_with(')');
    }
    if (!stage.starts_with("json:")) continue;
    walk.json = true;
    stage.remove_prefix(5);
    while (!stage.empty()) {
      const size_t dot = std::min(stage.find('.'), stage.size());
      const std::string_view key = stage.substr(0, std::min(stage.find('['), dot));
      if (!key.empty()) walk.name(key);
      stage.remove_prefix(std::min(dot + 1, stage.size()));
    }
  }
  if (walk.argument) return PlaceKind::kArgument;
  if (walk.instruction) return PlaceKind::kInstruction;
  if (walk.text) return PlaceKind::kMessage;
  if (file) return PlaceKind::kOther;
  return field || walk.named ? PlaceKind::kField : PlaceKind::kOther;
}

namespace {

// The name that ends at `end`, without an index; `end` becomes where it begins.
std::string_view name_before(std::string_view path, size_t& end) noexcept {
  while (end > 0 && path[end - 1] == ']') {
    const size_t open = path.rfind('[', end - 1);
    if (open == std::string_view::npos) return {};
    end = open;
  }
  const size_t stop = end == 0 ? std::string_view::npos : path.find_last_of(".:>", end - 1);
  const size_t begin = stop == std::string_view::npos ? 0 : stop + 1;
  const std::string_view name = path.substr(begin, end - begin);
  end = begin;
  return name;
}

// Codings at the end say nothing of the name.
std::string_view without_codings(std::string_view path) noexcept {
  while (true) {
    const size_t stage = path.rfind('>');
    if (stage == std::string_view::npos) return path;
    if (path.find_first_of(":(", stage) != std::string_view::npos) return path;
    path = path.substr(0, stage);
  }
}

}  // namespace

std::string_view name_in(std::string_view path) noexcept {
  path = without_codings(path);
  size_t end = path.size();
  return name_before(path, end);
}

std::string_view parent_in(std::string_view path) noexcept {
  path = without_codings(path);
  size_t end = path.size();
  (void)name_before(path, end);
  // What encloses it may be the name under which its whole JSON text stood.
  while (end > 0 && (path[end - 1] == '.' || path[end - 1] == ':' || path[end - 1] == '>')) {
    const bool stage = path[end - 1] == ':';
    --end;
    if (!stage) continue;
    const size_t before = end == 0 ? std::string_view::npos : path.rfind('>', end - 1);
    if (before == std::string_view::npos) return {};
    path = without_codings(path.substr(0, before));
    end = path.size();
  }
  return name_before(path, end);
}

std::string masked_path(std::string_view path) {
  std::string out;
  bool first = true;
  while (!path.empty()) {
    const size_t end = std::min(path.find('>'), path.size());
    const std::string_view stage = path.substr(0, end);
    const bool last = end == path.size();
    path.remove_prefix(std::min(end + 1, path.size()));
    if (!first) out += '>';
    const size_t from = stage.find(':');
    // "http/body" is no content; keys begin behind the colon.
    if (first || from == std::string_view::npos) {
      out += stage;
      first = false;
      if (last) break;
      continue;
    }
    out += stage.substr(0, from + 1);
    const std::string_view keys = stage.substr(from + 1);
    const size_t odd = keys.find_first_of("/\\@ ");
    if (odd == std::string_view::npos) {
      out += keys;
    } else {
      // From the beginning of the odd key to the last dot, as paths hold dots themselves.
      const size_t dot = keys.rfind('.', odd);
      out += keys.substr(0, dot == std::string_view::npos ? 0 : dot + 1);
      out += "***";
      const size_t tail = keys.rfind('.');
      if (tail != std::string_view::npos && tail > odd &&
          keys.find('@') == std::string_view::npos &&
          keys.find_first_of("/\\@ ", tail) == std::string_view::npos) {
        out += keys.substr(tail);
      }
    }
  }
  return out;
}

}  // namespace weir::inspect

// From bytes to YamlNode through yaml-cpp's events, which keep places and show duplicates, anchors
// and depth before a tree exists. yaml-cpp 0.7 takes byte 0x04 for the end of the input, converts
// UTF-16 by itself and lets a quote run to the end of the file; so the bytes are checked first
// (UTF-8, no control characters) and the end of each quoted scalar after.
#include "config/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unordered_set>

namespace weir::config {
namespace {

constexpr size_t kMaxBytes = 64U << 20;
constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxErrors = 100;  // of one document, before reading stops

// Thrown by the handler after it has put down the error: ends the parse.
struct Stop {};

YamlNode at(const YAML::Mark& mark) {
  YamlNode node;
  node.line = mark.line + 1;
  node.column = mark.column + 1;
  return node;
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, YamlErrors& errors) : text_(text), errors_(errors) {}

  YamlNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) stop(mark, "text after the end of the document, expected only one");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    if (key_expected()) stop(mark, "a key without a name");
    YamlNode node = at(mark);
    if (!open_.empty() && open_.back().node.kind == YamlNode::Kind::kMap) {
      node = open_.back().key_mark;  // yaml-cpp places a missing value at the next token
    }
    add(std::move(node));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    complain(mark, "aliases (*) are not allowed here");
    if (key_expected()) throw Stop{};
    add(at(mark));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    YamlNode node = at(mark);
    node.kind = YamlNode::Kind::kScalar;
    node.quoted = tag == "!";
    node.scalar = value;
    if (node.quoted) check_closed(mark);
    if (!key_expected()) return add(std::move(node));
    Frame& map = open_.back();
    if (!node.quoted && value == "<<") complain(mark, "merge keys (<<) are not allowed here");
    if (!map.seen.insert(value).second) {
      complain(mark, "duplicate key \"" + value + "\", first in line " + first_line(map, value));
    }
    map.key_mark = at(mark);
    map.key = value;
    map.has_key = true;
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlNode::Kind::kList);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlNode::Kind::kMap);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  // A list or map whose end has not come yet.
  struct Frame {
    YamlNode node;
    std::unordered_set<std::string> seen;  // keys
    bool has_key = false;                  // a key came, its value is next
    std::string key;
    YamlNode key_mark;
  };

  void complain(const YAML::Mark& mark, std::string message) {
    errors_.add(at(mark), std::move(message));
    if (errors_.all().size() >= kMaxErrors) throw Stop{};
  }
  [[noreturn]] void stop(const YAML::Mark& mark, std::string message) {
    errors_.add(at(mark), std::move(message));
    throw Stop{};
  }

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) complain(mark, "anchors (&) are not allowed here");
  }
  // yaml-cpp gives "?" (or nothing) to plain values and "!" to quoted ones.
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    const bool written = offset(mark) < text_.size() && text_[offset(mark)] == '!';
    if (written || (!tag.empty() && tag != "?" && tag != "!")) {
      complain(mark, "tags (!) are not allowed here, quote a value that begins with !");
    }
  }

  [[nodiscard]] size_t offset(const YAML::Mark& mark) const {
    return mark.pos < 0 ? text_.size() : static_cast<size_t>(mark.pos);
  }

  void check_closed(const YAML::Mark& mark) {
    size_t i = offset(mark);
    if (i >= text_.size()) return;
    const char quote = text_[i];
    if (quote != '"' && quote != '\'') return;  // a block scalar ends by its indentation
    for (++i; i < text_.size() && text_[i] != quote; ++i) {
      if (quote == '"' && text_[i] == '\\') ++i;
    }
    if (i >= text_.size()) stop(mark, std::string("no end of the quote ") + quote);
  }

  [[nodiscard]] bool key_expected() const {
    return !open_.empty() && open_.back().node.kind == YamlNode::Kind::kMap &&
           !open_.back().has_key;
  }

  static std::string first_line(const Frame& map, const std::string& key) {
    for (size_t i = 0; i < map.node.keys.size(); ++i) {
      if (map.node.keys[i] == key) return std::to_string(map.node.key_marks[i].line);
    }
    return "?";
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YamlNode::Kind kind) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (key_expected()) stop(mark, "a list or map as a key, expected a word");
    if (open_.size() >= kMaxDepth) {
      stop(mark, "nested more than " + std::to_string(kMaxDepth) + " levels deep");
    }
    Frame frame;
    frame.node = at(mark);
    frame.node.kind = kind;
    open_.push_back(std::move(frame));
  }

  void close() {
    YamlNode done = std::move(open_.back().node);
    open_.pop_back();
    add(std::move(done));
  }

  void add(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::kList) {
      parent.node.items.push_back(std::move(node));
      return;
    }
    parent.node.keys.push_back(std::move(parent.key));
    parent.node.key_marks.push_back(std::move(parent.key_mark));
    parent.node.values.push_back(std::move(node));
    parent.has_key = false;
  }

  std::string_view text_;
  YamlErrors& errors_;
  std::vector<Frame> open_;
  YamlNode root_;
  int documents_ = 0;
};

// Length of the UTF-8 sequence at the start of `text`; 0 when there is none (RFC 3629).
size_t utf8_length(std::string_view text) noexcept {
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
      (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) {
    return 0;
  }
  return length;
}

std::string_view bad_character(std::string_view rest, size_t length) noexcept {
  if (length == 0) return "text that is not UTF-8";
  const auto c = static_cast<unsigned char>(rest[0]);
  if (c == '\r' && (rest.size() < 2 || rest[1] != '\n')) return "a carriage return inside a line";
  if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) return "a control character";
  return {};
}

// Adds an error at the first character that YAML text may not hold.
void check_characters(std::string_view text, YamlErrors& errors) {
  YamlNode place;
  place.line = 1;
  size_t line_start = 0;
  for (size_t i = 0; i < text.size();) {
    const size_t length = utf8_length(text.substr(i));
    const std::string_view problem = bad_character(text.substr(i), length);
    if (!problem.empty()) {
      place.column = static_cast<int>(i - line_start) + 1;
      errors.add(place, std::string(problem));
      return;
    }
    if (text[i] == '\n') {
      ++place.line;
      line_start = i + 1;
    }
    i += length;
  }
}

// yaml-cpp's words where a user would not know what to do with them.
std::string readable(const std::string& message) {
  static constexpr std::string_view kWords[][2] = {
      {"illegal map value",
       "a ':' that has no place here (quote the value, or mind the indentation)"},
      {"illegal map key", "a key that has no place here (mind the indentation)"},
      {"illegal block entry", "a '-' that has no place here"},
      {"illegal flow end", "a ']' or '}' that opens nowhere"},
      {"end of sequence flow not found", "a '[' without its ']'"},
      {"end of map flow not found", "a '{' without its '}'"},
      {"end of map not found", "expected a key of the map (mind the indentation)"},
      {"end of sequence not found", "expected '-' or the end of the list (mind the indentation)"},
      {"illegal tab when looking for indentation", "a tab in the indentation, expected spaces"},
      {"unknown token", "a character that no value may begin with (quote the value)"},
      {"the referenced anchor is not defined", "aliases (*) are not allowed here"},
      {"bad file", "cannot be parsed (nested too deep?)"},
  };
  for (const auto& row : kWords) {
    if (message.rfind(row[0], 0) == 0) return std::string(row[1]);
  }
  return message;
}

// What yaml-cpp has to say, as an error of the document. A tab in the indentation leads it to other
// complaints, so the line is looked at first.
void add_syntax_error(const YAML::Exception& e, std::string_view text, YamlErrors& errors) {
  YamlNode place = at(e.mark);
  size_t start = 0;
  for (int line = 0; line < e.mark.line && start != std::string_view::npos; ++line) {
    start = text.find('\n', start);
    if (start != std::string_view::npos) ++start;
  }
  for (size_t i = start; i < text.size() && (text[i] == ' ' || text[i] == '\t'); ++i) {
    if (text[i] != '\t') continue;
    place.column = static_cast<int>(i - start) + 1;
    errors.add(place, "a tab in the indentation, expected spaces");
    return;
  }
  errors.add(place, readable(e.msg));
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const noexcept {
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] == key) return &values[i];
  }
  return nullptr;
}

Result<YamlNode> parse_yaml(std::string_view text, const std::string& file) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    text.remove_prefix(kByteOrderMark.size());
  }
  if (text.size() > kMaxBytes) return Error{"larger than 64 MiB", file, 0, 0};
  YamlErrors errors(file);
  check_characters(text, errors);
  if (!errors.empty()) return errors.to_error();
  TreeBuilder builder(text, errors);
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop&) {
  } catch (const YAML::Exception& e) {
    add_syntax_error(e, text, errors);
  }
  if (!errors.empty()) return errors.to_error();
  return builder.take();
}

Result<YamlNode> load_yaml(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return Error{"is a folder", path, 0, 0};
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{std::string("cannot be read: ") + std::strerror(errno), path, 0, 0};
  std::string text;
  std::string chunk(64U << 10, '\0');
  while (text.size() <= kMaxBytes) {
    in.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    const std::streamsize got = in.gcount();
    if (got <= 0) break;
    text.append(chunk, 0, static_cast<size_t>(got));
  }
  if (in.bad()) return Error{std::string("cannot be read: ") + std::strerror(errno), path, 0, 0};
  return parse_yaml(text, path);
}

}  // namespace weir::config

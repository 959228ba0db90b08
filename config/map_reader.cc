// The strict reader over a map of YamlNode, and the errors of one document. What is wrong is put
// down and reading goes on, so that one run shows every mistake of a file.
#include <algorithm>

#include "config/scalars.h"
#include "config/yaml.h"

namespace weir::config {
namespace {

std::string_view kind_of(const YamlNode& node) noexcept {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kScalar:
      return "a single value";
    case YamlNode::Kind::kList:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a map";
  }
  return "?";
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

// What stands in the file, as errors quote it.
std::string shown(const YamlNode& node) {
  constexpr size_t kLongest = 80;
  if (node.kind != YamlNode::Kind::kScalar) return std::string(kind_of(node));
  const std::string text =
      node.scalar.size() > kLongest ? node.scalar.substr(0, kLongest) + "..." : node.scalar;
  return node.quoted ? "\"" + text + "\" (in quotes)" : "\"" + text + "\"";
}

// A number as it stands; one in quotes is text.
bool is_number(const YamlNode& node) noexcept {
  return node.kind == YamlNode::Kind::kScalar && !node.quoted;
}

// The same, but a quoted one with a unit is no number in quotes.
bool may_have_unit(const YamlNode& node) noexcept {
  return node.kind == YamlNode::Kind::kScalar &&
         !(node.quoted && parse_integer(node.scalar).has_value());
}

// Puts `parsed` (nothing: `value` is not what was `expected`) in `out` where it is in the range.
template <typename T>
bool take(MapReader& reader, std::string_view key, const YamlNode& value,
          const std::optional<T>& parsed, const std::string& expected, const std::string& range,
          T min, T max, T& out) {
  if (!parsed) {
    reader.bad(key, shown(value) + ", expected " + expected + range);
    return false;
  }
  if (*parsed < min || *parsed > max) {
    reader.bad(key, value.scalar + " outside " + range);
    return false;
  }
  out = *parsed;
  return true;
}

}  // namespace

void YamlErrors::add(const YamlNode& at, std::string message) {
  errors_.push_back(Error{std::move(message), file_, at.line, at.column});
}

Error YamlErrors::to_error() const {
  constexpr size_t kMost = 50;
  std::vector<Error> sorted = errors_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Error& a, const Error& b) {
    return a.line != b.line ? a.line < b.line : a.column < b.column;
  });
  Error first = sorted.front();
  for (size_t i = 1; i < sorted.size() && i < kMost; ++i) {
    first.message += "\n" + sorted[i].to_string();
  }
  if (sorted.size() > kMost) {
    first.message += "\nand " + std::to_string(sorted.size() - kMost) + " more errors";
  }
  return first;
}

MapReader::MapReader(const YamlNode& node, std::string prefix, YamlErrors& errors)
    : node_(node), prefix_(std::move(prefix)), errors_(errors) {
  if (node.kind != YamlNode::Kind::kMap && node.kind != YamlNode::Kind::kNull) {
    errors_.add(node, (prefix_.empty() ? std::string() : prefix_ + ": ") +
                          std::string(kind_of(node)) + ", expected a map");
  }
}

std::string MapReader::path(std::string_view key) const {
  return prefix_.empty() ? std::string(key) : prefix_ + "." + std::string(key);
}

const YamlNode* MapReader::child(std::string_view key) {
  known_.emplace_back(key);
  return node_.find(key);
}

void MapReader::bad(std::string_view key, const std::string& message) {
  const YamlNode* value = node_.find(key);
  errors_.add(value != nullptr ? *value : node_, path(key) + ": " + message);
}

bool MapReader::text(std::string_view key, std::string& out) {
  const YamlNode* value = child(key);
  if (value == nullptr) return false;
  if (value->kind != YamlNode::Kind::kScalar) {
    bad(key, shown(*value) + ", expected text");
    return false;
  }
  out = value->scalar;
  return true;
}

bool MapReader::boolean(std::string_view key, bool& out) {
  const YamlNode* value = child(key);
  if (value == nullptr) return false;
  const bool plain = value->kind == YamlNode::Kind::kScalar && !value->quoted;
  if (!plain || (value->scalar != "true" && value->scalar != "false")) {
    bad(key, shown(*value) + ", expected true or false");
    return false;
  }
  out = value->scalar == "true";
  return true;
}

bool MapReader::integer(std::string_view key, int64_t& out, int64_t min, int64_t max) {
  const YamlNode* value = child(key);
  if (value == nullptr) return false;
  return take(*this, key, *value, is_number(*value) ? parse_integer(value->scalar) : std::nullopt,
              "an integer ", std::to_string(min) + ".." + std::to_string(max), min, max, out);
}

bool MapReader::number(std::string_view key, double& out, double min, double max) {
  const YamlNode* value = child(key);
  if (value == nullptr) return false;
  const auto brief = [](double v) {
    std::string s = std::to_string(v);
    s.erase(s.find_last_not_of('0') + 1);
    if (s.back() == '.') s.pop_back();
    return s;
  };
  return take(*this, key, *value, is_number(*value) ? parse_number(value->scalar) : std::nullopt,
              "a number ", brief(min) + ".." + brief(max), min, max, out);
}

bool MapReader::bytes(std::string_view key, uint64_t& out, uint64_t min, uint64_t max) {
  const YamlNode* value = child(key);
  if (value == nullptr) return false;
  return take(*this, key, *value, may_have_unit(*value) ? parse_bytes(value->scalar) : std::nullopt,
              "a size such as 64KiB, ", format_bytes(min) + ".." + format_bytes(max), min, max,
              out);
}

bool MapReader::duration(std::string_view key, Duration& out, Duration min, Duration max) {
  const YamlNode* value = child(key);
  if (value == nullptr) return false;
  return take(*this, key, *value,
              may_have_unit(*value) ? parse_duration(value->scalar) : std::nullopt,
              "a time such as 250ms, 5s, 10m or 2h, ",
              format_duration(min) + ".." + format_duration(max), min, max, out);
}

bool MapReader::texts(std::string_view key, std::vector<std::string>& out) {
  const YamlNode* value = child(key);
  if (value == nullptr || value->kind == YamlNode::Kind::kNull) return false;
  if (value->kind == YamlNode::Kind::kScalar) {
    out.assign(1, value->scalar);
    return true;
  }
  if (value->kind != YamlNode::Kind::kList) {
    bad(key, shown(*value) + ", expected a list of texts");
    return false;
  }
  std::vector<std::string> read;
  bool good = true;
  for (const YamlNode& item : value->items) {
    if (item.kind == YamlNode::Kind::kScalar) {
      read.push_back(item.scalar);
    } else {
      errors_.add(item, path(key) + ": " + shown(item) + " in the list, expected text");
      good = false;
    }
  }
  if (good) out = std::move(read);
  return good;
}

const YamlNode* MapReader::map(std::string_view key) {
  const YamlNode* value = child(key);
  if (value == nullptr || value->kind == YamlNode::Kind::kNull) return nullptr;
  if (value->kind == YamlNode::Kind::kMap) return value;
  bad(key, shown(*value) + ", expected a map");
  return nullptr;
}

const YamlNode* MapReader::list(std::string_view key) {
  const YamlNode* value = child(key);
  if (value == nullptr || value->kind == YamlNode::Kind::kNull) return nullptr;
  if (value->kind == YamlNode::Kind::kList) return value;
  bad(key, shown(*value) + ", expected a list");
  return nullptr;
}

void MapReader::require(std::string_view key) {
  known_.emplace_back(key);
  const bool refused =  // by the constructor
      node_.kind != YamlNode::Kind::kMap && node_.kind != YamlNode::Kind::kNull;
  if (!refused && node_.find(key) == nullptr) errors_.add(node_, path(key) + ": missing");
}

void MapReader::finish() {
  std::vector<std::string> known;  // once each, in the order in which they were asked for
  for (const std::string& word : known_) {
    if (std::find(known.begin(), known.end(), word) == known.end()) known.push_back(word);
  }
  for (size_t i = 0; i < node_.keys.size(); ++i) {
    const std::string& key = node_.keys[i];
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    std::string message = prefix_.empty() ? "" : prefix_ + ": ";
    message += "unknown key \"" + key + "\"";
    const std::string_view near = nearest_word(key, known);
    if (!near.empty()) message += ", did you mean \"" + std::string(near) + "\"?";
    message += " (known: " + joined(known) + ")";
    errors_.add(node_.key_marks[i], std::move(message));
  }
}

}  // namespace weir::config

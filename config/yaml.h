// A YAML document as a plain tree with places, and a strict reader over it. Stricter than YAML: no
// duplicate keys, no anchors or aliases, no `<<`, one document, integers without leading zeros.
// Unknown keys are errors (MapReader::finish). All errors of a document are collected.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "core/time.h"

namespace weir::config {

struct YamlNode {
  enum class Kind : uint8_t { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  bool quoted = false;  // a scalar in quotes or a block scalar: never a number or a truth value
  int line = 0;         // 1-based
  int column = 0;       // 1-based, in bytes
  std::string scalar;
  std::vector<YamlNode> items;      // of a list
  std::vector<std::string> keys;    // of a map, in file order; values[i] belongs to keys[i]
  std::vector<YamlNode> key_marks;  // empty nodes that hold the keys' places
  std::vector<YamlNode> values;

  [[nodiscard]] const YamlNode* find(std::string_view key) const noexcept;
};

// `file` names the document in errors. At most 64 MiB and 64 levels deep.
Result<YamlNode> load_yaml(const std::string& path);
Result<YamlNode> parse_yaml(std::string_view text, const std::string& file);

// Collects errors of one document.
class YamlErrors {
 public:
  explicit YamlErrors(std::string file) : file_(std::move(file)) {}
  void add(const YamlNode& at, std::string message);
  [[nodiscard]] bool empty() const noexcept { return errors_.empty(); }
  [[nodiscard]] const std::vector<Error>& all() const noexcept { return errors_; }
  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  // The first error in file order; the others follow in its message, a line each. Not when empty().
  [[nodiscard]] Error to_error() const;

 private:
  std::string file_;
  std::vector<Error> errors_;
};

// Reads the keys of one map. Each reader leaves `out` as it is where the key is absent, and adds an
// error ("weir.yaml:12:5: capture.snaplen: 70000 outside 64..65535") where the value is bad. They
// return true when the key was there and good. `prefix` is the path of this map ("capture"), empty
// at the root. A node that is no map is one error, then everything is absent. A key with nothing
// after it counts as absent where a map or a list may stand, and is an error elsewhere.
class MapReader {
 public:
  MapReader(const YamlNode& node, std::string prefix, YamlErrors& errors);

  bool text(std::string_view key, std::string& out);
  bool boolean(std::string_view key, bool& out);
  bool integer(std::string_view key, int64_t& out, int64_t min, int64_t max);
  bool number(std::string_view key, double& out, double min, double max);
  // "64KiB", "4MiB", "1GiB", "512B" or a plain count of bytes.
  bool bytes(std::string_view key, uint64_t& out, uint64_t min, uint64_t max);
  // "250ms", "5s", "10m", "2h", "7d", or a plain count of seconds.
  bool duration(std::string_view key, Duration& out, Duration min, Duration max);
  // A list of scalars, or one scalar.
  bool texts(std::string_view key, std::vector<std::string>& out);
  // A scalar that `parse` (string_view -> optional<E>) knows; `expected` is listed in the error.
  template <typename E, typename Parse>
  bool choice(std::string_view key, E& out, Parse parse, std::string_view expected) {
    std::string value;
    if (!text(key, value)) return false;
    const std::optional<E> parsed = parse(value);
    if (!parsed) {
      bad(key, "\"" + value + "\", expected " + std::string(expected));
      return false;
    }
    out = *parsed;
    return true;
  }
  // The value as it is; null when absent.
  const YamlNode* child(std::string_view key);
  const YamlNode* map(std::string_view key);   // error unless a map
  const YamlNode* list(std::string_view key);  // error unless a list

  void require(std::string_view key);                          // error when absent
  void bad(std::string_view key, const std::string& message);  // error at the key's value
  [[nodiscard]] std::string path(std::string_view key) const;
  // Adds an error for each key that no call above asked for, naming the keys that are known.
  void finish();

 private:
  const YamlNode& node_;
  std::string prefix_;
  YamlErrors& errors_;
  std::vector<std::string> known_;
};

}  // namespace weir::config

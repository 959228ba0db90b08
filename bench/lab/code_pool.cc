#include "bench/lab/code_pool.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

#include "bench/lab/prose.h"

namespace weir::lab {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMinLines = 5;
constexpr size_t kMaxLines = 60;
constexpr size_t kMinInk = 240;
constexpr uintmax_t kMaxFile = 1U << 20;

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    lines.emplace_back(line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

size_t ink(const std::vector<std::string>& lines) {
  size_t count = 0;
  for (const std::string& line : lines) {
    count += static_cast<size_t>(std::count_if(
        line.begin(), line.end(), [](char c) { return c != ' ' && c != '\t' && c != '\r'; }));
  }
  return count;
}

bool is_hidden(const fs::path& relative) {
  return std::any_of(relative.begin(), relative.end(),
                     [](const fs::path& part) { return part.string().rfind('.', 0) == 0; });
}

// A language's template: `$F` function, `$A`..`$D` variables; a template is one function.
struct Template {
  std::string_view extension;
  std::string_view text;
};

constexpr std::array<Template, 6> kTemplates{{
    {"py",
     "def $F($A, $B=None):\n    \"\"\"Return the $C of every entry in $A.\"\"\"\n    $D = {}\n"
     "    for $C in $A:\n        if $B is not None and $C == $B:\n            continue\n"
     "        $D[$C] = $D.get($C, 0) + 1\n    return sorted($D.items(), key=lambda $B: -$B[1])\n"},
    {"py",
     "class $FReader:\n    def __init__(self, $A):\n        self.$A = $A\n        self.$B = []\n\n"
     "    def load_$C(self):\n        with open(self.$A) as $D:\n            for $C in $D:\n"
     "                self.$B.append($C.rstrip())\n        return len(self.$B)\n"},
    {"js",
     "export function $F($A, $B) {\n  const $C = new Map();\n  for (const $D of $A) {\n"
     "    const bucket = $C.get($D.$B) ?? [];\n    bucket.push($D);\n    $C.set($D.$B, bucket);\n"
     "  }\n  return [...$C.entries()];\n}\n"},
    {"go",
     "func $F($A []string, $B int) []string {\n\t$C := make([]string, 0, $B)\n"
     "\tfor _, $D := range $A {\n\t\tif len($D) <= $B {\n\t\t\t$C = append($C, $D)\n\t\t}\n\t}\n"
     "\tsort.Strings($C)\n\treturn $C\n}\n"},
    {"c",
     "static int $F(const char *$A, int $B) {\n  int $C = 0;\n  while (*$A != '\\0') {\n"
     "    $C = ($C * 33 + *$A++) %% $B;\n  }\n  return $C < 0 ? -$C : $C;\n}\n"},
    {"sql",
     "SELECT $A.$B, COUNT(*) AS $C_count\nFROM $A\nLEFT JOIN $D ON $D.$A_id = $A.id\n"
     "WHERE $A.$B IS NOT NULL\nGROUP BY $A.$B\nORDER BY $C_count DESC\nLIMIT 25;\n"},
}};

}  // namespace

Result<CodePool> CodePool::load(const std::string& directory) {
  const fs::path root(directory);
  std::error_code failed;
  const fs::path absolute = fs::weakly_canonical(root, failed);
  fs::recursive_directory_iterator walk(root, failed);
  if (failed) return Error{"cannot be read as a folder of code: " + failed.message(), directory};
  std::vector<fs::path> paths;
  for (const auto end = fs::recursive_directory_iterator(); walk != end; walk.increment(failed)) {
    if (failed) return Error{"cannot be read: " + failed.message(), directory};
    const fs::path relative = walk->path().lexically_relative(root);
    if (is_hidden(relative) || !walk->is_regular_file(failed)) continue;
    if (walk->file_size(failed) <= kMaxFile) paths.push_back(relative);
  }
  std::sort(paths.begin(), paths.end());
  CodePool pool;
  for (const fs::path& path : paths) {
    std::ifstream in(root / path, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    if (text.find('\0') != std::string::npos) continue;
    CodeExcerpt file{absolute.filename().string(), path.generic_string(), 1, split_lines(text),
                     true};
    if (file.lines.size() >= kMinLines && ink(file.lines) >= kMinInk) {
      pool.files_.push_back(std::move(file));
    }
  }
  if (pool.files_.empty()) {
    return Error{"holds no text file of five lines or more to draw code from", directory};
  }
  return pool;
}

CodeExcerpt CodePool::draw(LabRandom& random) const {
  const CodeExcerpt& file = random.pick(files_);
  if (file.lines.size() <= 2 * kMinLines || random.chance(0.12)) return file;
  const size_t most = std::min(kMaxLines, file.lines.size());
  for (int attempt = 0; attempt < 50; ++attempt) {
    const size_t count = random.between(kMinLines, most);
    const size_t from = random.below(file.lines.size() - count + 1);
    CodeExcerpt out{file.repository, file.path, static_cast<uint32_t>(from + 1), {}, false};
    const auto begin = file.lines.begin() + static_cast<ptrdiff_t>(from);
    out.lines.assign(begin, begin + static_cast<ptrdiff_t>(count));
    if (ink(out.lines) >= kMinInk && !out.lines.front().empty() && !out.lines.back().empty()) {
      return out;
    }
  }
  return file;
}

CodeExcerpt made_up_code(LabRandom& random) {
  const Template& first = random.pick(kTemplates);
  std::string text;
  for (size_t functions = random.between(1, 3); functions > 0; --functions) {
    std::array<std::string, 5> names;
    for (std::string& name : names) {
      name = random_word(random) + '_' + random_word(random);
    }
    for (size_t i = 0; i < first.text.size(); ++i) {
      const char c = first.text[i];
      if (c == '$' && i + 1 < first.text.size()) {
        const char which = first.text[++i];
        text += names[which == 'F' ? 4 : static_cast<size_t>(which - 'A')];
      } else if (c == '%' && i + 1 < first.text.size() && first.text[i + 1] == '%') {
        text += first.text[++i];
      } else {
        text += c;
      }
    }
    text += '\n';
  }
  CodeExcerpt out{"", random_word(random) + '/' + random_word(random) + '.', 1, split_lines(text),
                  true};
  out.path += first.extension;
  return out;
}

}  // namespace weir::lab

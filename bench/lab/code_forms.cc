#include "bench/lab/code_forms.h"

#include <algorithm>

namespace weir::lab {
namespace {

std::string padded(uint32_t number, size_t width) {
  const std::string digits = std::to_string(number);
  return std::string(width > digits.size() ? width - digits.size() : 0, ' ') + digits;
}

template <typename Prefix>
std::string with_prefix(const CodeExcerpt& code, Prefix prefix) {
  std::string out;
  uint32_t number = code.first_line;
  for (const std::string& line : code.lines) out += prefix(number++) + line + '\n';
  return out;
}

std::string fence_language(const std::string& path) {
  const size_t dot = path.rfind('.');
  return dot == std::string::npos ? "" : path.substr(dot + 1);
}

}  // namespace

std::string part_text(const CodeExcerpt& code, size_t from, size_t to) {
  std::string out;
  for (size_t i = from; i < std::min(to, code.lines.size()); ++i) out += code.lines[i] + '\n';
  return out;
}

std::string raw_text(const CodeExcerpt& code) { return part_text(code, 0, code.lines.size()); }

std::string numbered_tab(const CodeExcerpt& code) {
  return with_prefix(code, [](uint32_t n) { return std::to_string(n) + '\t'; });
}

std::string numbered_arrow(const CodeExcerpt& code) {
  return with_prefix(code, [](uint32_t n) { return padded(n, 6) + "\u2192"; });
}

std::string numbered_bar(const CodeExcerpt& code) {
  const size_t width = std::to_string(code.last_line()).size();
  return with_prefix(code, [width](uint32_t n) { return padded(n, width) + " | "; });
}

std::string fenced(const CodeExcerpt& code) {
  return "File: `" + code.path + "`, lines " + std::to_string(code.first_line) + " to " +
         std::to_string(code.last_line()) + ":\n```" + fence_language(code.path) + '\n' +
         raw_text(code) + "```\n";
}

std::string diff_added(const CodeExcerpt& code) {
  const std::string count = std::to_string(code.lines.size());
  std::string out = "diff --git a/" + code.path + " b/" + code.path + "\n--- a/" + code.path +
                    "\n+++ b/" + code.path + "\n@@ -" + std::to_string(code.first_line) + ",0 +" +
                    std::to_string(code.first_line) + ',' + count + " @@\n";
  return out + with_prefix(code, [](uint32_t) { return std::string("+"); });
}

std::string codex_patch(const CodeExcerpt& code) {
  return "*** Begin Patch\n*** Add File: " + code.path + '\n' +
         with_prefix(code, [](uint32_t) { return std::string("+"); }) + "*** End Patch";
}

}  // namespace weir::lab

#include "signatures/fingerprint/names_definition.h"

#include <algorithm>
#include <array>

#include "signatures/fingerprint/names_reader.h"

namespace weir::signatures {
namespace {

// Words before a name that is defined there, whatever follows.
constexpr std::array<std::string_view, 22> kDefiners{
    "def",   "define", "fn",        "fun",    "func",    "function",  "interface", "let",
    "macro", "module", "namespace", "object", "package", "procedure", "protocol",  "record",
    "sub",   "trait",  "typedef",   "type",   "val",     "var"};
// The same, but C uses types with these words, too: only before a body or a base.
constexpr std::array<std::string_view, 5> kTypeDefiners{"class", "enum", "impl", "struct", "union"};
// Words that stand before calls and uses. All others before "name(" are taken for the type of what
// it returns.
constexpr std::array<std::string_view, 54> kUsers{
    "a",      "an",         "and",     "are",   "as",     "assert", "at",     "await", "by",
    "call",   "calls",      "case",    "catch", "defer",  "delete", "do",     "elif",  "else",
    "except", "extends",    "finally", "for",   "from",   "go",     "goto",   "if",    "import",
    "in",     "instanceof", "into",    "is",    "lambda", "match",  "new",    "not",   "of",
    "on",     "or",         "print",   "raise", "return", "see",    "sizeof", "the",   "then",
    "this",   "throw",      "to",      "try",   "unless", "until",  "use",    "with",  "yield"};

bool is_space(char c) noexcept { return c == ' ' || c == '\t'; }
bool in_name(char c) noexcept { return is_name_byte(static_cast<uint8_t>(c)); }

template <size_t N>
bool holds(const std::array<std::string_view, N>& words, std::string_view word) noexcept {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// After the parentheses that open at `at`: a body, a base, a qualifier; or more lines of them.
bool looks_declared(std::string_view content, size_t at) noexcept {
  int depth = 0;
  const size_t stop = std::min(content.size(), at + 400);
  for (; at < stop; ++at) {
    depth += content[at] == '(' ? 1 : content[at] == ')' ? -1 : 0;
    if (depth == 0) break;
  }
  if (at >= stop) return false;
  ++at;
  while (at < content.size() && (is_space(content[at]) || content[at] == '\n')) ++at;
  const std::string_view rest = content.substr(at, 9);
  if (rest.empty()) return false;
  if (rest[0] == '{' || rest[0] == ';' || rest[0] == ':' || rest.substr(0, 2) == "->" ||
      rest.substr(0, 2) == "=>") {
    return true;
  }
  for (const std::string_view word :
       {"const", "noexcept", "override", "throws", "final", "where"}) {
    if (rest.substr(0, word.size()) == word) return true;
  }
  return false;
}

}  // namespace

bool is_definition(std::string_view content, size_t begin, size_t end) noexcept {
  size_t next = end;
  while (next < content.size() && is_space(content[next])) ++next;
  const char follows = next < content.size() ? content[next] : '\n';
  size_t before = begin;
  while (before > 0 && (is_space(content[before - 1]) || content[before - 1] == '*' ||
                        content[before - 1] == '&')) {
    --before;
  }
  if (before == 0 || content[before - 1] == '\n') {
    // NAME = value, at the left edge.
    return before == begin && follows == '=' && next + 1 < content.size() &&
           content[next + 1] != '=';
  }
  if (content[before - 1] == ')') {  // Go: func (receiver) Name(
    const size_t line = content.rfind('\n', before - 1);
    return follows == '(' &&
           content.substr(line == std::string_view::npos ? 0 : line + 1, 6) == "func (";
  }
  if (before == begin) return false;
  size_t word = before;
  while (word > 0 && before - word < 24 && in_name(content[word - 1])) --word;
  const std::string_view left = content.substr(word, before - word);
  if (left.empty()) {
    // C++ and Java: Type<...> name( … )
    return content[before - 1] == '>' && before > 1 && content[before - 2] != '-' &&
           content[before - 2] != '=' && follows == '(' && looks_declared(content, next);
  }
  if (holds(kDefiners, left)) return true;
  if (left == "const" || left == "static" || left == "final")
    return follows == '=' || follows == ':';
  if (holds(kTypeDefiners, left)) {
    const std::string_view rest = content.substr(next, 7);
    return follows == '{' || follows == ':' || follows == '(' || follows == '<' ||
           follows == '\n' || rest == "extends" || rest.substr(0, 5) == "final" ||
           rest.substr(0, 4) == "impl";
  }
  if (follows != '(' || holds(kUsers, left)) return false;
  return looks_declared(content, next);
}

}  // namespace weir::signatures

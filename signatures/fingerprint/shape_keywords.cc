#include "signatures/fingerprint/shape_keywords.h"

namespace weir::signatures {
namespace {

// Words of the languages themselves, and their basic types; not those of libraries.
constexpr std::array<std::string_view, 118> kKeywords{
    "abstract",   "always",     "and",       "any",      "as",       "assert",    "assign",
    "async",      "auto",       "await",     "begin",    "bool",     "boolean",   "break",
    "byte",       "case",       "catch",     "char",     "class",    "const",     "constexpr",
    "continue",   "crate",      "def",       "default",  "defer",    "define",    "del",
    "delete",     "do",         "double",    "elif",     "else",     "elsif",     "end",
    "endif",      "enum",       "except",    "export",   "extends",  "extern",    "false",
    "final",      "finally",    "float",     "fn",       "for",      "foreach",   "from",
    "func",       "function",   "global",    "go",       "goto",     "if",        "ifdef",
    "impl",       "implements", "import",    "in",       "include",  "inline",    "input",
    "instanceof", "int",        "interface", "internal", "is",       "lambda",    "let",
    "long",       "match",      "mod",       "module",   "mut",      "namespace", "new",
    "nil",        "none",       "not",       "null",     "nullptr",  "operator",  "or",
    "out",        "output",     "override",  "package",  "pass",     "private",   "protected",
    "pub",        "public",     "raise",     "readonly", "reg",      "return",    "self",
    "short",      "signed",     "sizeof",    "static",   "string",   "struct",    "super",
    "switch",     "template",   "this",      "throw",    "throws",   "true",      "try",
    "typedef",    "typename",   "typeof",    "union",    "unsigned", "use"};
constexpr std::array<std::string_view, 8> kMoreKeywords{"using", "var",   "virtual", "void",
                                                        "while", "where", "with",    "yield"};
static_assert(kKeywords.size() + kMoreKeywords.size() <= 0x7f);

}  // namespace

const ShapeKeywords& ShapeKeywords::table() {
  static const ShapeKeywords table;
  return table;
}

// The multiplier is chosen so that no two words share a slot.
ShapeKeywords::ShapeKeywords() {
  while (!fill()) multiplier_ = multiplier_ * 0xd1342543de82ef95ULL | 1;
}

bool ShapeKeywords::fill() noexcept {
  entries_.fill(0);
  uint8_t code = kShapeKeywords;
  const auto add = [&](std::string_view word) {
    uint64_t head = 0;
    std::memcpy(&head, word.data(), std::min<size_t>(8, word.size()));
    uint64_t entry = key(head, word.size());
    const size_t at = static_cast<size_t>(entry * multiplier_ >> kSlotShift);
    if (entries_[at] != 0) return false;
    for (unsigned bit = 0; bit < 8; ++bit) {
      entry |= uint64_t{code >> bit & 1U} << (8 * bit + 7);
    }
    entries_[at] = entry;
    codes_[at] = code++;
    return true;
  };
  return std::all_of(kKeywords.begin(), kKeywords.end(), add) &&
         std::all_of(kMoreKeywords.begin(), kMoreKeywords.end(), add);
}

}  // namespace weir::signatures

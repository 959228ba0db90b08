// See regex_literal.h. A recursive descent over the pattern; its depth is bounded, and patterns
// come from rule files, never from the network.
#include "signatures/regex_literal.h"

#include <algorithm>
#include <cctype>

namespace weir::signatures {

namespace {

constexpr int kMaxDepth = 32;

bool digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

class Walk {
 public:
  explicit Walk(std::string_view pattern) noexcept : p_(pattern) {}

  size_t alternatives(int depth) noexcept {
    if (depth > kMaxDepth) {
      failed_ = true;
      return 0;
    }
    size_t least = sequence(depth);
    while (!failed_ && at_ < p_.size() && p_[at_] == '|') {
      ++at_;
      least = std::min(least, sequence(depth));
    }
    return failed_ ? 0 : least;
  }

 private:
  enum class Atom : unsigned char { kCharacter, kOther, kZeroWidth };

  [[nodiscard]] bool more() const noexcept { return at_ < p_.size(); }
  [[nodiscard]] char next() const noexcept { return at_ < p_.size() ? p_[at_] : '\0'; }

  size_t sequence(int depth) noexcept {
    size_t best = 0;
    size_t run = 0;
    while (!failed_ && more() && next() != '|' && next() != ')') {
      size_t inner = 0;
      const Atom atom = take_atom(depth, inner);
      bool repeats = false;
      const bool required = take_repeat(repeats);
      if (atom == Atom::kZeroWidth) continue;
      if (atom == Atom::kCharacter) {
        if (required) best = std::max(best, ++run);
        if (repeats || !required) run = 0;
      } else {
        run = 0;
        if (required) best = std::max(best, inner);
      }
    }
    return best;
  }

  Atom take_atom(int depth, size_t& inner) noexcept {
    const char c = p_[at_++];
    switch (c) {
      case '(':
        return group(depth, inner);
      case '[':
        return character_class();
      case '\\':
        return escape();
      case '^':
      case '$':
        return Atom::kZeroWidth;
      case '.':
        return Atom::kOther;
      default:
        return Atom::kCharacter;
    }
  }

  Atom group(int depth, size_t& inner) noexcept {
    bool counts = true;  // what stands in it is part of the match
    if (next() == '?') {
      ++at_;
      const char kind = next();
      const char after = at_ + 1 < p_.size() ? p_[at_ + 1] : '\0';
      if (kind == '#') {
        at_ = std::min(p_.size(), p_.find(')', at_));
        if (more()) ++at_;
        return Atom::kZeroWidth;
      }
      if (kind == 'P' || (kind == '<' && after != '=' && after != '!') || kind == '\'') {
        at_ = std::min(p_.size(), p_.find(kind == '\'' ? '\'' : '>', at_ + 1));
        if (more()) ++at_;
      } else {
        counts = kind == ':' || kind == '>' || letter(kind) || kind == '-';
        while (more() && next() != ':' && next() != ')' && next() != '>' && next() != '=' &&
               next() != '!') {
          ++at_;
        }
        if (next() == ')') {  // flags for what follows
          ++at_;
          return Atom::kZeroWidth;
        }
        if (more()) ++at_;
      }
    }
    inner = alternatives(depth + 1);
    if (next() == ')') ++at_;
    if (counts) return Atom::kOther;
    inner = 0;
    return Atom::kZeroWidth;
  }

  // One character, or one letter in both cases, is as good as a literal.
  Atom character_class() noexcept {
    char members[2] = {};
    size_t count = 0;
    bool plain = true;
    if (next() == '^') {
      plain = false;
      ++at_;
    }
    bool first = true;
    while (more() && (first || next() != ']')) {
      first = false;
      char c = p_[at_++];
      if (c == '[' && (next() == ':' || next() == '.' || next() == '=')) {
        plain = false;
        const size_t end = p_.find(']', at_);
        at_ = end == std::string_view::npos ? p_.size() : end + 1;
        continue;
      }
      if (c == '-' && count > 0 && next() != ']') plain = false;
      if (c == '\\' && more()) {
        c = p_[at_++];
        if (letter(c) || digit(c)) plain = false;
      }
      if (count < 2) members[count] = c;
      ++count;
    }
    if (more()) ++at_;
    if (!plain) return Atom::kOther;
    if (count == 1) return Atom::kCharacter;
    const bool both_cases =
        count == 2 && letter(members[0]) && (members[0] ^ members[1]) == ('a' ^ 'A');
    return both_cases ? Atom::kCharacter : Atom::kOther;
  }

  Atom escape() noexcept {
    if (!more()) return Atom::kOther;
    const char c = p_[at_++];
    if (c == 'x') {
      if (next() == '{') {
        at_ = std::min(p_.size(), p_.find('}', at_));
        if (more()) ++at_;
      } else {
        for (int i = 0; i < 2 && std::isxdigit(static_cast<unsigned char>(next())) != 0; ++i) ++at_;
      }
      return Atom::kCharacter;
    }
    if (c == 'Q' || c == 'p' || c == 'P' || c == 'g' || c == 'k' || c == 'c' || digit(c)) {
      failed_ = true;  // quoting, properties, references: rules have no need of them
      return Atom::kOther;
    }
    if (c == 'b' || c == 'B' || c == 'A' || c == 'z' || c == 'Z' || c == 'G') {
      return Atom::kZeroWidth;
    }
    if (c == 'n' || c == 't' || c == 'r' || c == 'f' || c == 'a' || c == 'e') {
      return Atom::kCharacter;
    }
    return letter(c) ? Atom::kOther : Atom::kCharacter;
  }

  // False when what it repeats may be absent.
  bool take_repeat(bool& repeats) noexcept {
    bool required = true;
    const char c = next();
    if (c == '*' || c == '?' || c == '+') {
      required = c == '+';
      repeats = c != '?';
      ++at_;
    } else if (c == '{' && at_ + 1 < p_.size() && (digit(p_[at_ + 1]) || p_[at_ + 1] == ',')) {
      const size_t close = p_.find('}', at_);
      if (close == std::string_view::npos) return true;
      const std::string_view bounds = p_.substr(at_ + 1, close - at_ - 1);
      const std::string_view least = bounds.substr(0, bounds.find(','));
      required = least.find_first_not_of('0') != std::string_view::npos;
      repeats = true;
      at_ = close + 1;
    } else {
      return true;
    }
    if (next() == '?' || next() == '+') ++at_;
    return required;
  }

  std::string_view p_;
  size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace

size_t required_literal(std::string_view pattern) noexcept { return Walk(pattern).alternatives(0); }

}  // namespace weir::signatures

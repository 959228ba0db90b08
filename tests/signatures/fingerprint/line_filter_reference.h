// What LineFilter says, worked out line by line and word by word.
#pragma once

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "signatures/fingerprint/common_words.h"
#include "signatures/fingerprint/line_filter.h"

namespace weir::signatures::reference {

inline bool is_lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
inline bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }

inline std::string_view trimmed(std::string_view line) noexcept {
  const size_t first = line.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

inline bool begins(std::string_view line, std::string_view with) noexcept {
  return line.substr(0, with.size()) == with;
}

inline bool is_import(std::string_view line) noexcept {
  for (const std::string_view word : {"#include", "# include", "#import", "import ", "using ",
                                      "package ", "use ", "extern crate ", "#!/", "`include"}) {
    if (begins(line, word)) return true;
  }
  if (begins(line, "from ") && line.find(" import") != std::string_view::npos) return true;
  return line.find("require(") != std::string_view::npos &&
         (begins(line, "const ") || begins(line, "var ") || begins(line, "let "));
}

// What closes a list of imports that the line opens; 0 when it opens none.
inline char import_list(std::string_view line) noexcept {
  for (const std::string_view word : {"import ", "from ", "use ", "pub use "}) {
    if (begins(line, word) && line.back() == '(') return ')';
    if (begins(line, word) && line.back() == '{') return '}';
  }
  return 0;
}

// What stands in licences and nowhere else, in comments or not. Of the line in lower case.
inline bool is_licence_phrase(const std::string& line) noexcept {
  for (const std::string_view phrase : {"redistributions of source",
                                        "redistributions in binary",
                                        "redistribution and use in source",
                                        "warranties of merchantability",
                                        "implied warranties",
                                        "implied warranty",
                                        "permission is hereby granted",
                                        "substantial portions of the software",
                                        "in no event shall",
                                        "apache license, version",
                                        "gnu general public license",
                                        "gnu lesser general public",
                                        "without specific prior written permission",
                                        "mozilla public license",
                                        "the software is provided \"as is\"",
                                        "to permit persons to whom",
                                        "arising in any way out of the use",
                                        "strict liability, or tort",
                                        "procurement of substitute goods",
                                        "sublicense, and/or sell",
                                        "furnished to do so, subject to the following"}) {
    if (line.find(phrase) != std::string::npos) return true;
  }
  return false;
}

// Of the line in lower case.
inline unsigned licence_words(const std::string& line) noexcept {
  unsigned count = 0;
  for (const std::string_view word :
       {"copyright", "licens", "licenc", "warrant", "spdx-", "redistribut", "permission",
        "merchantab", "all rights reserved"}) {
    count += line.find(word) != std::string::npos ? 1U : 0U;
  }
  return count;
}

inline bool begins_comment(std::string_view line) noexcept {
  for (const std::string_view mark : {"//", "/*", "*", "#", "--", ";", "%", "<!--"}) {
    if (begins(line, mark)) return true;
  }
  return false;
}

inline std::vector<LineKind> line_kinds(std::string_view content) {
  constexpr size_t kAround = 3;  // lines before and after a phrase that belong to it
  std::vector<LineKind> out;
  std::vector<size_t> phrases;
  // The comment block in progress: where licence words stand in it, and how many.
  bool in_block = false;
  bool starred = false;  // between /* and */
  size_t first_word = 0;
  size_t last_word = 0;
  size_t block_begin = 0;
  unsigned words = 0;
  const auto end_block = [&] {
    if (in_block && words >= 2) {
      const size_t from = first_word > block_begin + 2 ? first_word - 2 : block_begin;
      const size_t to = std::min(out.size(), last_word + 4);
      std::fill(out.begin() + static_cast<std::ptrdiff_t>(from),
                out.begin() + static_cast<std::ptrdiff_t>(to), LineKind::kLicence);
    }
    in_block = false;
    words = 0;
  };
  char list_end = 0;
  int list_lines = 0;
  std::string lower;
  for (size_t at = 0; at < content.size();) {
    const size_t newline = content.find('\n', at);
    const size_t stop = newline == std::string_view::npos ? content.size() : newline;
    const std::string_view line = trimmed(content.substr(at, stop - at));
    const bool comment = starred || begins_comment(line);
    if (comment && !in_block) {
      in_block = true;
      block_begin = out.size();
    } else if (!comment) {
      end_block();
    }
    lower.assign(line);
    for (char& c : lower) c = is_upper(c) ? static_cast<char>(c + 32) : c;
    if (is_licence_phrase(lower)) phrases.push_back(out.size());
    if (comment) {
      if (const unsigned here = licence_words(lower); here > 0) {
        if (words == 0) first_word = out.size();
        last_word = out.size();
        words += here;
      }
      const size_t open = line.rfind("/*");
      const size_t close = line.rfind("*/");
      if (close != std::string_view::npos && (open == std::string_view::npos || open < close)) {
        starred = false;
      } else if (open != std::string_view::npos) {
        starred = true;
      }
    }
    bool import = !starred && is_import(line);
    if (list_end != 0) {
      import = true;
      ++list_lines;
      if (line.find(list_end) != std::string_view::npos || list_lines == 200) list_end = 0;
    } else if (!comment && import_list(line) != 0) {
      list_end = import_list(line);
      list_lines = 0;
      import = true;
    }
    out.push_back(import ? LineKind::kImport : LineKind::kCode);
    at = stop + 1;
  }
  end_block();
  for (const size_t at : phrases) {
    const size_t from = at > kAround ? at - kAround : 0;
    const size_t to = std::min(out.size(), at + kAround + 1);
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(from),
              out.begin() + static_cast<std::ptrdiff_t>(to), LineKind::kLicence);
  }
  return out;
}

// Calls found(begin, end) for each word of the line that is not everyone's.
template <typename Found>
void each_distinctive(std::string_view line, Found&& found) {
  static const std::set<std::string_view> common(kCommonWords.begin(), kCommonWords.end());
  std::array<char, 24> word;
  size_t parts = 0;  // of a name: words that follow one another, or stand around one '_'
  size_t last_end = 0;
  for (size_t i = 0; i < line.size();) {
    if (!is_lower(line[i]) && !is_upper(line[i])) {
      ++i;
      continue;
    }
    // A word: capitals, then small letters (split at the next capital after a small letter).
    const size_t begin = i;
    size_t size = 0;
    bool small = false;
    while (i < line.size() && (is_lower(line[i]) || (is_upper(line[i]) && !small))) {
      small = small || is_lower(line[i]);
      const char c = is_upper(line[i]) ? static_cast<char>(line[i] + 32) : line[i];
      if (size < word.size()) word[size] = c;
      ++size;
      ++i;
    }
    const std::string_view between = line.substr(last_end, begin - last_end);
    parts = parts > 0 && (between.empty() || between == "_") ? parts + 1 : 1;
    last_end = i;
    if (size < 3) continue;
    const std::string_view known(word.data(), std::min(size, word.size()));
    if (parts > 2 || size > word.size() || common.count(known) == 0) found(begin, i);
  }
}

inline uint32_t distinctive_letters(std::string_view line) noexcept {
  size_t letters = 0;
  each_distinctive(line, [&letters](size_t begin, size_t end) { letters += end - begin; });
  return static_cast<uint32_t>(letters);
}

}  // namespace weir::signatures::reference

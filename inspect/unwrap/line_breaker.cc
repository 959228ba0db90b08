#include "inspect/unwrap/line_breaker.h"

#include <emmintrin.h>

#include <algorithm>
#include <bit>
#include <string_view>

#include "inspect/unwrap/emitter.h"

namespace weir::inspect {
namespace {

// Without blanks and brackets. The bar may be the full-width one (U+FF5C).
constexpr std::string_view kMarks[] = {
    "```",           "<PRE>",        "<SUF>",        "<MID>",         "<EOT>",
    "[PREFIX]",      "[SUFFIX]",     "[MIDDLE]",     "<fim_prefix>",  "<fim_suffix>",
    "<fim_middle>",  "<fim-prefix>", "<fim-suffix>", "<fim-middle>",  "<fim_pad>",
    "<file_sep>",    "<repo_name>",  "<reponame>",   "<code_prefix>", "<code_suffix>",
    "<code_middle>", "<CODE5711>",   "<fim_begin>",  "<fim_hole>",    "<fim_end>",
};
constexpr std::string_view kWideBar = "\xEF\xBD\x9C";

constexpr bool starts_mark(uint8_t c) noexcept { return c == '<' || c == '[' || c == '`'; }

bool is_quote(uint8_t c) noexcept { return c == '"' || c == '\'' || c == '`'; }

// <|name|>, the name without blanks and brackets.
size_t bar_mark(std::string_view text, bool& more) noexcept {
  const bool wide = text.size() > 1 && text[1] != '|';
  const std::string_view bar = wide ? kWideBar : std::string_view("|");
  const std::string_view open = text.substr(1, bar.size());
  if (open != bar.substr(0, open.size())) return 0;
  const size_t name = 1 + bar.size();
  for (size_t i = name; i < text.size(); ++i) {
    if (i >= LineBreaker::kMarkBytes) return 0;
    const char c = text[i];
    if (c == '>') {
      const bool closed = i > name + bar.size() && text.substr(i - bar.size(), bar.size()) == bar;
      return closed ? i + 1 : 0;
    }
    if (c <= ' ' && c >= 0) return 0;
    if (starts_mark(static_cast<uint8_t>(c)) || c == '"' || c == '\'' || c == '(') return 0;
  }
  more = text.size() < LineBreaker::kMarkBytes;
  return 0;
}

// The next byte that may start a mark, looking at the one behind it as well.
size_t find_start(ByteSpan text, size_t from) noexcept {
  const auto may_be = [&](size_t i) {
    if (!starts_mark(text[i])) return false;
    if (i + 1 == text.size()) return true;
    const uint8_t c = text[i + 1];
    if (text[i] == '`') return c == '`';
    if (text[i] == '[') return c == 'P' || c == 'S' || c == 'M';
    return std::string_view(
               "|\xEF"
               "PSMEfrcC")
               .find(static_cast<char>(c)) != std::string_view::npos;
  };
  size_t i = from;
  for (; i + 16 <= text.size(); i += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + i));
    const __m128i starts = _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('<')),
                                        _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('[')),
                                                     _mm_cmpeq_epi8(block, _mm_set1_epi8('`'))));
    for (auto mask = static_cast<unsigned>(_mm_movemask_epi8(starts)); mask != 0;
         mask &= mask - 1) {
      const size_t at = i + static_cast<size_t>(std::countr_zero(mask));
      if (may_be(at)) return at;
    }
  }
  while (i < text.size() && !may_be(i)) ++i;
  return i;
}

}  // namespace

size_t mark_length(ByteSpan bytes, bool& more) noexcept {
  more = false;
  const std::string_view text = as_chars(bytes);
  if (text.size() > 1 && text[0] == '<' && (text[1] == '|' || text[1] == kWideBar[0])) {
    return bar_mark(text, more);
  }
  for (const std::string_view mark : kMarks) {
    if (mark[0] != text[0] || (text.size() > 1 && mark[1] != text[1])) continue;
    const size_t count = std::min(mark.size(), text.size());
    if (text.substr(0, count) != mark.substr(0, count)) continue;
    if (count == mark.size()) return count;
    more = true;
  }
  if (text == "<") more = true;
  return 0;
}

void LineBreaker::pass(ByteSpan text, Emitter& out) noexcept {
  if (text.empty()) return;
  if (behind_mark_) {
    behind_mark_ = false;
    if (text[0] != '\n' && text[0] != '\r' && !is_quote(text[0])) out.text(as_bytes("\n"));
  }
  out.text(text);
  last_ = text.back();
}

void LineBreaker::mark(ByteSpan mark, Emitter& out) noexcept {
  const bool fence = mark[0] == '`';
  const bool quoted = last_ == '"' || last_ == '\'' || last_ == '`';
  if (!quoted && last_ != '\n' && !behind_mark_) {
    if (fence ? last_ > ' ' : true) out.text(as_bytes("\n"));
  }
  pass(mark, out);
  // What follows a fence on its line is the name of a language.
  behind_mark_ = !fence;
}

void LineBreaker::text(ByteSpan text, Emitter& out) noexcept {
  size_t i = 0;
  while (held_size_ > 0 && i < text.size()) {
    held_[held_size_] = text[i];
    const ByteSpan held(held_.data(), held_size_ + 1);
    bool more = false;
    const size_t length = mark_length(held, more);
    if (length > 0) {
      held_size_ = 0;
      mark(held, out);
      ++i;
    } else if (more && held.size() < held_.size()) {
      held_size_ = held.size();
      ++i;
    } else {
      flush(out);  // the byte that did not fit may start one itself
    }
  }
  size_t from = i;
  while (i < text.size()) {
    i = find_start(text, i);
    if (i == text.size()) break;
    const ByteSpan rest = text.subspan(i);
    bool more = false;
    const size_t length = mark_length(rest, more);
    if (length > 0) {
      pass(text.subspan(from, i - from), out);
      mark(rest.first(length), out);
      i += length;
      from = i;
    } else if (more) {
      pass(text.subspan(from, i - from), out);
      std::copy(rest.begin(), rest.end(), held_.begin());
      held_size_ = rest.size();
      return;
    } else {
      ++i;
    }
  }
  pass(text.subspan(from), out);
}

void LineBreaker::flush(Emitter& out) noexcept {
  const size_t size = held_size_;
  held_size_ = 0;
  pass({held_.data(), size}, out);
}

}  // namespace weir::inspect

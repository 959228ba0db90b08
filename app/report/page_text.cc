// A report page as text. Where a table is wider than the page its cells are broken into lines, as
// what is cut from a report is missing from it.
#include <algorithm>
#include <numeric>
#include <string_view>

#include "app/report/report_page.h"
#include "app/terminal.h"

namespace weir::app {

namespace {

constexpr size_t kNarrowest = 8;

Ink ink_of(Tone tone) noexcept {
  switch (tone) {
    case Tone::kDanger:
      return Ink::kRed;
    case Tone::kWarning:
      return Ink::kYellow;
    case Tone::kGood:
      return Ink::kGreen;
    default:
      return Ink::kPlain;
  }
}

bool continues(char c) noexcept { return (static_cast<uint8_t>(c) & 0xc0) == 0x80; }

// Bytes of the first `width` characters.
size_t bytes_of(std::string_view text, size_t width) noexcept {
  size_t at = 0;
  for (size_t shown = 0; at < text.size() && shown < width; ++shown) {
    ++at;
    while (at < text.size() && continues(text[at])) ++at;
  }
  return at;
}

// Broken at spaces, else behind what separates the parts of names and paths, else anywhere.
std::vector<std::string> wrapped(std::string_view text, size_t width) {
  std::vector<std::string> out;
  while (shown_width(text) > width) {
    const size_t fits = bytes_of(text, width);
    size_t end = text.substr(0, fits + 1).rfind(' ');
    size_t next = end + 1;
    if (end == std::string_view::npos || end == 0) {
      end = text.substr(0, fits).find_last_of("/.:>-_,");
      end = end == std::string_view::npos || end < fits / 2 ? fits : end + 1;
      next = end;
    }
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(next);
  }
  if (!text.empty() || out.empty()) out.emplace_back(text);
  return out;
}

// `prefix` stands before the first line, and as many spaces, or `hanging` ones, before the others.
std::string indented(std::string_view text, size_t indent, size_t width, Ink ink = Ink::kPlain,
                     size_t hanging = 0, const std::string& prefix = {}) {
  std::string out;
  const size_t inner = std::max(hanging, shown_width(prefix));
  std::string before = std::string(indent, ' ') + prefix;
  for (const std::string& line : wrapped(printable(text), width - indent - inner)) {
    out += before + paint(line, ink) + "\n";
    before = std::string(indent + inner, ' ');
  }
  return out;
}

size_t longest_word(std::string_view text) noexcept {
  size_t longest = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    longest = std::max(longest, shown_width(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return longest;
}

std::vector<size_t> widths_of(const PageTable& table, size_t room) {
  std::vector<size_t> widths;
  std::vector<size_t> least;
  for (size_t c = 0; c < table.columns.size(); ++c) {
    least.push_back(std::max(kNarrowest, longest_word(table.columns[c].title)));
    size_t width = shown_width(table.columns[c].title);
    for (const PageTable::Row& row : table.rows) {
      width = std::max(width, shown_width(printable(row.cells[c])));
    }
    widths.push_back(width);
  }
  const auto total = [&] {
    return std::accumulate(widths.begin(), widths.end(), 2 * (widths.size() - 1));
  };
  while (total() > room) {
    size_t widest = widths.size();
    for (size_t c = 0; c < widths.size(); ++c) {
      if (table.columns[c].number || widths[c] <= least[c]) continue;
      if (widest == widths.size() || widths[c] > widths[widest]) widest = c;
    }
    if (widest == widths.size()) break;
    --widths[widest];
  }
  return widths;
}

std::string table_text(const PageTable& table, size_t width) {
  constexpr size_t kIndent = 2;
  const std::vector<size_t> widths = widths_of(table, width - kIndent);
  std::string out;
  if (!table.caption.empty()) out += indented(table.caption, kIndent, width, Ink::kBold, 2);
  const auto add = [&](const std::vector<std::string>& cells, Ink ink) {
    std::vector<std::vector<std::string>> parts;
    size_t lines = 1;
    for (size_t c = 0; c < widths.size(); ++c) {
      parts.push_back(wrapped(printable(cells[c]), widths[c]));
      lines = std::max(lines, parts.back().size());
    }
    for (size_t i = 0; i < lines; ++i) {
      std::string line;
      for (size_t c = 0; c < widths.size(); ++c) {
        const std::string part = i < parts[c].size() ? parts[c][i] : "";
        const std::string pad(widths[c] - std::min(widths[c], shown_width(part)), ' ');
        line += (table.columns[c].number ? pad + part : part + pad) + "  ";
      }
      line.erase(line.find_last_not_of(' ') + 1);
      out += std::string(kIndent, ' ') + paint(line, ink) + "\n";
    }
  };
  std::vector<std::string> titles;
  bool named = false;
  for (const PageTable::Column& column : table.columns) {
    titles.push_back(column.title);
    named = named || !column.title.empty();
  }
  if (named) add(titles, Ink::kDim);
  for (const PageTable::Row& row : table.rows) add(row.cells, ink_of(row.tone));
  if (!table.more.empty()) out += indented(table.more, kIndent, width, Ink::kDim);
  return out;
}

std::string card_text(const PageCard& card, size_t width) {
  std::string out = indented("[" + card.label + "] " + card.title, 2, width, ink_of(card.tone), 4);
  size_t widest = 0;
  for (const auto& [name, value] : card.facts) widest = std::max(widest, shown_width(name));
  for (const auto& [name, value] : card.facts) {
    const std::string pad(widest - shown_width(name) + 2, ' ');
    out += indented(value, 6, width, Ink::kPlain, 0, name + pad);
  }
  for (const PageItem& item : card.items) {
    out += indented(item.title, 6, width, Ink::kBold, 0, "- ");
    if (!item.note.empty()) out += indented(item.note, 8, width, Ink::kDim);
    if (!item.quote.empty()) out += indented(item.quote, 8, width, Ink::kPlain, 0, "| ");
  }
  if (!card.more.empty()) out += indented(card.more, 6, width, Ink::kDim);
  return out;
}

}  // namespace

std::string page_text(const ReportPage& page, size_t width) {
  width = std::max<size_t>(width, 40);
  std::string out = paint(printable(page.title), Ink::kBold) + "\n\n";
  out += indented(page.headline, 0, width, ink_of(page.tone));
  for (const std::string& line : page.lead) out += indented(line, 0, width);
  for (const PageSection& section : page.sections) {
    const std::string title = printable(section.title);
    out += "\n" + paint(title, Ink::kBold) + "\n" + std::string(shown_width(title), '-') + "\n";
    bool open = false;  // a blank line stands between the parts of a section
    const auto part = [&](const std::string& text) {
      if (open) out += "\n";
      out += text;
      open = true;
    };
    for (const std::string& paragraph : section.paragraphs) part(indented(paragraph, 2, width));
    for (const PageTable& table : section.tables) part(table_text(table, width));
    for (const PageCard& card : section.cards) part(card_text(card, width));
  }
  if (!page.footer.empty()) out += "\n" + indented(page.footer, 0, width, Ink::kDim);
  return out;
}

}  // namespace weir::app

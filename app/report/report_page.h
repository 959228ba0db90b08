// A page for a person, before it is text or HTML: sections of paragraphs, tables and cards. It
// holds plain text, also from the wire; making that safe is the work of the two that render it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace weir::app {

enum class Tone : uint8_t { kPlain, kGood, kNote, kWarning, kDanger };

struct PageTable {
  struct Column {
    std::string title;
    bool number = false;
  };
  struct Row {
    std::vector<std::string> cells;
    Tone tone = Tone::kPlain;
  };
  std::string caption;
  std::vector<Column> columns;
  std::vector<Row> rows;
  std::string more;  // what stands below the table
};

// One thing that left: what it is, where it stood, a masked excerpt.
struct PageItem {
  std::string title;
  std::string note;
  std::string quote;
};

struct PageCard {
  Tone tone = Tone::kPlain;
  std::string label;
  std::string title;
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<PageItem> items;
  std::string more;
};

struct PageSection {
  std::string title;
  std::vector<std::string> paragraphs;
  std::vector<PageTable> tables;
  std::vector<PageCard> cards;
};

struct ReportPage {
  std::string title;
  Tone tone = Tone::kPlain;
  std::string headline;
  std::vector<std::string> lead;
  std::vector<PageSection> sections;
  std::string footer;
};

// No line is wider than `width` (at least 40), unless one word of a paragraph is: nothing is cut.
[[nodiscard]] std::string page_text(const ReportPage& page, size_t width = 80);
// One file that needs nothing else: no script, no request to anywhere.
[[nodiscard]] std::string page_html(const ReportPage& page);

}  // namespace weir::app

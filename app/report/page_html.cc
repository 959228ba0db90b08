// A report page as HTML. Everything but the tags and the style passes escaped(), and a policy in
// the head forbids the browser to load or run anything, should something slip through all the same.
#include <string_view>

#include "app/report/report_page.h"
#include "app/terminal.h"

namespace weir::app {

namespace {

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--bg:#fff;--fg:#1c2126;--dim:#5c6670;--line:#d9dee3;--card:#f6f8fa;
--danger:#b3261e;--danger-bg:#fdecea;--warn:#8a5a00;--warn-bg:#fff4dc;--good:#1b6e3c;
--good-bg:#e6f5ec;--note:#1f5c99;--note-bg:#e8f1fb}
@media (prefers-color-scheme:dark){:root{--bg:#14181c;--fg:#e4e8ec;--dim:#98a3ad;--line:#323a42;
--card:#1c2228;--danger:#ff8a80;--danger-bg:#3a1b1a;--warn:#f2c063;--warn-bg:#372a10;--good:#7fd4a0;
--good-bg:#16301f;--note:#8dbdf0;--note-bg:#16283a}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,"Segoe UI",Roboto,
"Helvetica Neue",Arial,sans-serif}
main{max-width:1000px;margin:0 auto;padding:28px 24px 40px}
h1{font-size:17px;font-weight:600;color:var(--dim);margin:0 0 14px;overflow-wrap:anywhere}
h2{font-size:19px;margin:34px 0 10px;padding-bottom:5px;border-bottom:1px solid var(--line)}
h3{font-size:15px;margin:0;overflow-wrap:anywhere}
p{margin:8px 0;overflow-wrap:anywhere}
.headline{font-size:20px;line-height:1.4;font-weight:600;padding:14px 18px;border-radius:8px;
border-left:5px solid var(--note);background:var(--note-bg);margin:0 0 14px}
.headline.danger{border-color:var(--danger);background:var(--danger-bg)}
.headline.warning{border-color:var(--warn);background:var(--warn-bg)}
.headline.good{border-color:var(--good);background:var(--good-bg)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px;margin:8px 0}
th{text-align:left;font-weight:600;color:var(--dim);font-size:12px;text-transform:uppercase;
letter-spacing:.03em}
th,td{padding:6px 10px 6px 0;border-bottom:1px solid var(--line);vertical-align:top;
overflow-wrap:anywhere}
th{overflow-wrap:normal}
th.n,td.n{text-align:right;padding-right:22px;white-space:nowrap;font-variant-numeric:tabular-nums}
tr.danger td:first-child{box-shadow:inset 3px 0 var(--danger);padding-left:10px}
tr.warning td:first-child{box-shadow:inset 3px 0 var(--warn);padding-left:10px}
th:first-child,td:first-child{padding-left:10px}
.wide td{overflow-wrap:break-word}
.even{table-layout:fixed;min-width:560px}.even th.n{width:105px}
caption{text-align:left;font-weight:600;padding:6px 0 2px;overflow-wrap:anywhere}
.card{border:1px solid var(--line);border-left:5px solid var(--line);border-radius:8px;
background:var(--card);padding:12px 16px;margin:12px 0;break-inside:avoid}
.card.danger{border-left-color:var(--danger)}.card.warning{border-left-color:var(--warn)}
.card.note{border-left-color:var(--note)}
.head{display:flex;gap:10px;align-items:baseline}
.label{flex:none;font-size:12px;font-weight:700;padding:1px 9px;border-radius:10px;
background:var(--note-bg);color:var(--note)}
.danger .label{background:var(--danger-bg);color:var(--danger)}
.warning .label{background:var(--warn-bg);color:var(--warn)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 14px;margin:8px 0;font-size:14px}
dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}
.item{margin:10px 0 0;border-top:1px solid var(--line);padding-top:8px}
.item b{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:14px;overflow-wrap:anywhere}
.where,.more,footer{color:var(--dim);font-size:13px;overflow-wrap:anywhere}
pre{margin:6px 0 0;padding:7px 10px;border-radius:5px;border:1px solid var(--line);
background:var(--bg);font:13px/1.45 ui-monospace,Menlo,Consolas,monospace;white-space:pre-wrap;
overflow-wrap:anywhere}
footer{margin-top:34px;border-top:1px solid var(--line);padding-top:10px}
@media (max-width:640px){main{padding:18px 14px 30px}.wide{min-width:540px}
.headline{font-size:18px;padding:12px 14px}}
@media print{:root{color-scheme:light;--bg:#fff;--fg:#000;--dim:#444;--line:#bbb;--card:#fff;
--danger:#a00;--danger-bg:#fff;--warn:#850;--warn-bg:#fff;--good:#060;--good-bg:#fff;--note:#036;
--note-bg:#fff}main{max-width:none;padding:0}body{font-size:11pt}h2{break-after:avoid}
tr{break-inside:avoid}.scroll{overflow:visible}}
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string class_of(Tone tone) {
  switch (tone) {
    case Tone::kGood:
      return "good";
    case Tone::kNote:
      return "note";
    case Tone::kWarning:
      return "warning";
    case Tone::kDanger:
      return "danger";
    case Tone::kPlain:
      break;
  }
  return "plain";
}

std::string paragraph(std::string_view kind, const std::string& text) {
  return "<p class=\"" + std::string(kind) + "\">" + escaped(text) + "</p>\n";
}

std::string table_html(const PageTable& table) {
  // Tables with captions stand below one another: their columns are in line.
  const char* kind = !table.caption.empty() ? "even" : table.columns.size() > 2 ? "wide" : "pair";
  std::string out = "<div class=\"scroll\"><table class=\"" + std::string(kind) + "\">\n";
  if (!table.caption.empty()) out += "<caption>" + escaped(table.caption) + "</caption>\n";
  const auto open = [&](const char* tag, size_t column) {
    return "<" + std::string(tag) + (table.columns[column].number ? " class=\"n\">" : ">");
  };
  bool named = false;
  std::string head;
  for (size_t c = 0; c < table.columns.size(); ++c) {
    head += open("th", c) + escaped(table.columns[c].title) + "</th>";
    named = named || !table.columns[c].title.empty();
  }
  if (named) out += "<thead><tr>" + head + "</tr></thead>\n";
  out += "<tbody>\n";
  for (const PageTable::Row& row : table.rows) {
    out += "<tr class=\"" + class_of(row.tone) + "\">";
    for (size_t c = 0; c < table.columns.size(); ++c) {
      out += open("td", c) + escaped(row.cells[c]) + "</td>";
    }
    out += "</tr>\n";
  }
  out += "</tbody></table></div>\n";
  if (!table.more.empty()) out += paragraph("more", table.more);
  return out;
}

std::string card_html(const PageCard& card) {
  std::string out = "<article class=\"card " + class_of(card.tone) +
                    "\">\n<div class=\"head\"><span class=\"label\">" + escaped(card.label) +
                    "</span><h3>" + escaped(card.title) + "</h3></div>\n<dl>\n";
  for (const auto& [name, value] : card.facts) {
    out += "<dt>" + escaped(name) + "</dt><dd>" + escaped(value) + "</dd>\n";
  }
  out += "</dl>\n";
  for (const PageItem& item : card.items) {
    out += "<div class=\"item\"><b>" + escaped(item.title) + "</b>\n";
    if (!item.note.empty()) out += "<div class=\"where\">" + escaped(item.note) + "</div>\n";
    if (!item.quote.empty()) out += "<pre>" + escaped(item.quote) + "</pre>\n";
    out += "</div>\n";
  }
  if (!card.more.empty()) out += paragraph("more", card.more);
  return out + "</article>\n";
}

}  // namespace

std::string page_html(const ReportPage& page) {
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n<title>" +
      escaped(page.title) + "</title>\n<style>" + std::string(kStyle) +
      "</style>\n</head>\n<body>\n<main>\n<h1>" + escaped(page.title) + "</h1>\n" +
      paragraph("headline " + class_of(page.tone), page.headline);
  for (const std::string& line : page.lead) out += paragraph("lead", line);
  for (const PageSection& section : page.sections) {
    out += "<section>\n<h2>" + escaped(section.title) + "</h2>\n";
    for (const std::string& text : section.paragraphs) out += paragraph("text", text);
    for (const PageTable& table : section.tables) out += table_html(table);
    for (const PageCard& card : section.cards) out += card_html(card);
    out += "</section>\n";
  }
  if (!page.footer.empty()) out += "<footer>" + escaped(page.footer) + "</footer>\n";
  return out + "</main>\n</body>\n</html>\n";
}

}  // namespace weir::app

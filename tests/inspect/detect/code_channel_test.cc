// The code channel: which lines it names for the forms in which code leaves, what stays silent, and
// that evidence does not depend on how text was cut into blocks.
#include "inspect/detect/code_channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "signatures/fingerprint/index_builder.h"
#include "tests/signatures/fingerprint/temp_dir.h"
#include "tests/support/shared_data.h"
#include "tests/support/split_check.h"

namespace weir::inspect {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string invented(unsigned seed, size_t lines) {
  std::mt19937 random(seed);
  std::string out;
  const auto word = [&random] {
    std::string name;
    for (size_t k = 4 + random() % 6; k > 0; --k) name += static_cast<char>('a' + random() % 26);
    return name;
  };
  for (size_t i = 0; i < lines; ++i) {
    if (i % 9 == 8) {
      out += i % 2 == 0 ? "  }\n" : "\n";
    } else {
      out += "    auto " + word() + " = " + word() + "(" + word() + ", " + word() + ");\n";
    }
  }
  return out;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

struct Protected {
  test::TempDir folder;
  std::shared_ptr<const signatures::CodeIndex> index;
  signatures::PatternScratch scratch;
  CodeCounters counters;
  Limits limits;

  explicit Protected(std::vector<std::string> critical = {}) {
    folder.write("shop/src/cart.cc", invented(1, 120));
    folder.write("shop/src/tax.cc", invented(2, 80));
    folder.write("shop/secret.cc", invented(3, 30));
    signatures::IndexBuildOptions options;
    options.repositories = {{"shop", folder / "shop"}};
    options.critical = std::move(critical);
    build(options);
  }
  void build(const signatures::IndexBuildOptions& options,
             const signatures::SiteKey& key = test::test_key()) {
    const auto report = signatures::build_index(options, key, folder / "i.wfi", {});
    EXPECT_TRUE(report.has_value());
    auto opened = signatures::CodeIndex::open(folder / "i.wfi", key);
    EXPECT_TRUE(opened.has_value());
    index = *opened;
  }

  struct Piece {
    std::string path;
    std::string text;
    bool gap_before = false;
  };
  // Pieces in blocks of at most `block` bytes of text each.
  std::vector<Evidence> scan(const std::vector<Piece>& pieces, size_t block = kBlockBytes) {
    const auto channel = make_code_channel(index, limits, scratch, counters);
    // A request before must leave nothing behind.
    scan_into(*channel, {{"before", invented(2, 40)}}, 100);
    channel->reset();
    scan_into(*channel, pieces, block);
    std::vector<Evidence> out;
    channel->collect(out);
    std::vector<Evidence> again;
    channel->collect(again);
    EXPECT_EQ(told(out), told(again));
    EXPECT_FALSE(channel->has_news());
    return out;
  }
  static void scan_into(DetectionChannel& channel, const std::vector<Piece>& pieces, size_t block) {
    std::string text;
    std::vector<PieceMark> marks;
    const auto send = [&] {
      const std::vector<uint8_t> exact(text.begin(), text.end());
      TextBlock out;
      out.text = exact;
      out.pieces = marks;
      channel.on_block(out);
      text.clear();
      marks.clear();
    };
    uint32_t number = 0;
    for (const Piece& piece : pieces) {
      size_t at = 0;
      do {
        if (text.size() >= block) send();
        PieceMark mark;
        mark.number = number;
        mark.continues = at > 0;
        mark.gap_before = piece.gap_before && at == 0;
        mark.offset = 1000 * (number + 1);
        mark.path = piece.path;
        mark.begin = static_cast<uint32_t>(text.size());
        const size_t step = std::min(piece.text.size() - at, block - text.size());
        text += piece.text.substr(at, step);
        mark.end = static_cast<uint32_t>(text.size());
        marks.push_back(mark);
        at += step;
      } while (at < piece.text.size());
      ++number;
    }
    send();
    channel.on_end();
  }
  static std::string told(const std::vector<Evidence>& evidence) {
    std::string out;
    for (const Evidence& e : evidence) {
      out += e.rule + " " + e.repository + "/" + e.path + ":" + std::to_string(e.first_line) + "-" +
             std::to_string(e.last_line) + " " + std::to_string(e.lines) + " " + e.where + "@" +
             std::to_string(e.offset) + " " + e.excerpt + " " + std::to_string(e.score) + "\n";
    }
    return out;
  }
};

std::string excerpt(unsigned seed, size_t first, size_t last, size_t of = 120) {
  std::string out;
  const std::vector<std::string> lines = lines_of(invented(seed, of));
  for (size_t i = first; i <= last; ++i) out += lines[i - 1] + "\n";
  return out;
}

TEST(CodeChannel, NamesFileLinesAndPlace) {
  Protected site;
  const auto found = site.scan({{"json:a", "please explain"},
                                {"json:b", "Look:\n```\n" + excerpt(1, 21, 40) + "```\nthanks\n"}});
  ASSERT_THAT(found, SizeIs(1));
  const Evidence& evidence = found[0];
  EXPECT_EQ(evidence.kind, EvidenceKind::kCode);
  EXPECT_EQ(evidence.rule, "text");
  EXPECT_EQ(evidence.repository, "shop");
  EXPECT_EQ(evidence.path, "src/cart.cc");
  EXPECT_EQ(evidence.first_line, 21U);
  EXPECT_EQ(evidence.last_line, 40U);
  EXPECT_EQ(evidence.lines, 20U);
  EXPECT_GT(evidence.score, 0.99);
  EXPECT_EQ(evidence.where, "json:b");
  EXPECT_EQ(evidence.offset, 2000U);
  EXPECT_EQ(evidence.excerpt, "aut…");
}

TEST(CodeChannel, FindsCodeInTheFormsThatToolsGiveIt) {
  Protected site;
  const std::vector<std::string> lines = lines_of(invented(1, 120));
  const auto form = [&lines](const std::function<std::string(size_t, const std::string&)>& line) {
    std::string out = "some words before\n";
    for (size_t i = 50; i < 62; ++i) out += line(i + 1, lines[i]);
    return out + "and after\n";
  };
  const std::vector<std::string> forms{
      form([](size_t n, const std::string& l) {
        return std::string(6 - std::to_string(n).size(), ' ') + std::to_string(n) + "\t" + l + "\n";
      }),
      form([](size_t n, const std::string& l) { return std::to_string(n) + "→" + l + "\r\n"; }),
      form([](size_t n, const std::string& l) {
        return "  " + std::to_string(n) + " | " + l + "\n";
      }),
      form([](size_t n, const std::string& l) {
        return "src/cart.cc:" + std::to_string(n) + ":" + l + "\n";
      }),
      form(
          [](size_t n, const std::string& l) { return "L" + std::to_string(n) + ": " + l + "\n"; }),
      form([](size_t n, const std::string& l) { return (n % 3 == 0 ? "+" : "-") + l + "\n"; }),
      form([](size_t, const std::string& l) { return "> " + l + "\n"; }),
      form([](size_t, const std::string& l) {
        return l.substr(l.find_first_not_of(' ') == std::string::npos ? 0
                                                                      : l.find_first_not_of(' ')) +
               " \n\n";
      }),
      form([](size_t, std::string l) {
        for (char& c : l) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        return l + "\n";
      }),
  };
  for (const std::string& text : forms) {
    const auto found = site.scan({{"p", text}});
    ASSERT_THAT(found, SizeIs(1)) << text;
    EXPECT_EQ(found[0].path, "src/cart.cc");
    EXPECT_EQ(found[0].first_line, 51U) << text;
    EXPECT_EQ(found[0].last_line, 62U) << text;
  }
}

TEST(CodeChannel, FindsWrappedEditedAndShortCode) {
  Protected site;
  std::string joined;  // all in one line, as a minifier would
  for (const std::string& line : lines_of(excerpt(1, 1, 30))) joined += line;
  EXPECT_THAT(site.scan({{"p", joined}}), SizeIs(1));
  std::string edited;  // each third line is another
  size_t n = 0;
  for (const std::string& line : lines_of(excerpt(1, 60, 80))) {
    edited += ++n % 3 == 0 ? "something = else_entirely();\n" : line + "\n";
  }
  auto found = site.scan({{"p", edited}});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].lines, 13U);  // the 14th is blank and stands next to an edited one
  found = site.scan({{"p", excerpt(2, 20, 24, 80)}});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].path, "src/tax.cc");
  EXPECT_EQ(found[0].lines, 5U);
}

// Code with some structure; names come from `names`, which decides nothing else.
std::string structured(unsigned seed, size_t lines, unsigned names) {
  std::mt19937 random(seed);
  std::mt19937 letters(names);
  const auto word = [&letters] {
    std::string name;
    for (size_t k = 4 + letters() % 6; k > 0; --k) name += static_cast<char>('a' + letters() % 26);
    return name + "_";  // no keyword
  };
  const std::vector<std::string> marks{
      " = ", "(",   ")",    ", ", "[",  "] ",      "->",   " + ",
      " * ", " < ", " && ", "::", "! ", "return ", "if (", "else "};
  std::string out;
  for (size_t i = 0; i < lines; ++i) {
    out += "  " + word();
    for (size_t k = 2 + random() % 4; k > 0; --k) out += marks[random() % marks.size()] + word();
    out += ";\n";
  }
  return out;
}

TEST(CodeChannel, FindsRenamedCodeByItsShape) {
  Protected site;
  site.folder.write("shop/src/shape.cc", structured(5, 150, 1));
  signatures::IndexBuildOptions options;
  options.repositories = {{"shop", site.folder / "shop"}};
  site.build(options);
  const auto all = lines_of(structured(5, 150, 2));
  std::string part = "Please explain this:\n";
  for (size_t i = 60; i < 90; ++i) part += all[i] + "\n";
  const auto found = site.scan({{"p", part}});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].rule, "shape");
  EXPECT_EQ(found[0].path, "src/shape.cc");
  EXPECT_NEAR(found[0].first_line, 61, 4);
  EXPECT_NEAR(found[0].last_line, 90, 4);
  EXPECT_GE(found[0].lines, 20U);
  for (const size_t block : {1UL, 7UL, 100UL}) {
    EXPECT_EQ(Protected::told(site.scan({{"p", part}}, block)), Protected::told(found)) << block;
  }
  // A few lines of equal shape are an idiom, and so is the same in another order.
  EXPECT_THAT(site.scan({{"p", all[60] + "\n" + all[61] + "\n" + all[62] + "\n"}}), IsEmpty());
  EXPECT_THAT(site.scan({{"p", structured(6, 60, 3)}}), IsEmpty());
  // With its names it is text.
  const auto own = lines_of(structured(5, 150, 1));
  std::string verbatim;
  for (size_t i = 60; i < 90; ++i) verbatim += own[i] + "\n";
  const auto text = site.scan({{"p", verbatim}});
  ASSERT_THAT(text, SizeIs(1));
  EXPECT_EQ(text[0].rule, "text");
  EXPECT_EQ(text[0].lines, 30U);
  // Shapes can be left out; text is then found as before.
  CodeOptions no_shapes;
  no_shapes.shapes = false;
  const auto plain =
      make_code_channel(site.index, site.limits, site.scratch, site.counters, no_shapes);
  std::vector<Evidence> out;
  Protected::scan_into(*plain, {{"p", part}}, 1000);
  plain->collect(out);
  EXPECT_THAT(out, IsEmpty());
  plain->reset();
  Protected::scan_into(*plain, {{"p", verbatim}}, 1000);
  plain->collect(out);
  ASSERT_THAT(out, SizeIs(1));
  EXPECT_EQ(out[0].lines, 30U);
}

// Which windows of an idiom are in the index hangs on the key: none may tell it.
TEST(CodeChannel, IdiomsAreNotToldByTheirShapeUnderAnyKey) {
  const std::string innocent =
      "export function groupPoints(points, label) {\n"
      "  const known = new Map();\n"
      "  for (const point of points) {\n"
      "    const bucket = known.get(point.label) ?? [];\n"
      "    bucket.push(point);\n"
      "    known.set(point.label, bucket);\n"
      "  }\n"
      "  return [...known.entries()];\n"
      "}\n";
  Protected site;
  for (uint8_t number = 1; number <= 24; ++number) {
    signatures::IndexBuildOptions options;
    options.repositories = {{"orchard", std::string(WEIR_SOURCE_DIR) + "/samples/orchard"}};
    site.build(options, test::test_key(number));
    EXPECT_THAT(site.scan({{"p", innocent}}), IsEmpty()) << int{number};
  }
}

TEST(CodeChannel, FindsVeryLargeFiles) {
  Protected site;
  const std::string all = structured(5, 15'000, 1);
  site.folder.write("shop/src/large.cc", all);
  signatures::IndexBuildOptions options;
  options.repositories = {{"shop", site.folder / "shop"}};
  site.build(options);
  std::string joined = all;  // as one line
  std::replace(joined.begin(), joined.end(), '\n', ' ');
  for (const std::string& text : {all, joined}) {
    const auto found = site.scan({{"p", text}});
    ASSERT_FALSE(found.empty());
    EXPECT_EQ(found[0].path, "src/large.cc");
    EXPECT_GT(found[0].score, 0.99);
    EXPECT_GT(found[0].lines, 10'000U);
  }
}

TEST(CodeChannel, OtherTextIsSilent) {
  Protected site;
  EXPECT_THAT(site.scan({{"p", invented(77, 400)}}), IsEmpty());
  // One line among others is not enough; where it stands alone it is little, but something.
  const std::string one = excerpt(1, 30, 30);
  EXPECT_THAT(site.scan({{"p", structured(8, 30, 4) + one + structured(9, 30, 4)}}), IsEmpty());
  const auto alone = site.scan({{"p", one}});
  ASSERT_THAT(alone, SizeIs(1));
  EXPECT_EQ(alone[0].lines, 1U);
  EXPECT_LT(alone[0].score, 0.9);
  EXPECT_THAT(site.scan({}), IsEmpty());
  EXPECT_THAT(site.scan({{"p", ""}, {"q", "\n\n\n"}, {"r", std::string(1, '\0')}}), IsEmpty());
  EXPECT_THAT(site.scan({{"p", std::string(100'000, 'x')}}), IsEmpty());
}

TEST(CodeChannel, EvidenceDoesNotDependOnTheCut) {
  Protected site({"secret.cc"});
  const std::vector<Protected::Piece> pieces{
      {"a", "12: " + excerpt(1, 5, 12)},
      {"b", "x"},
      {"c", excerpt(2, 40, 55, 80) + excerpt(3, 7, 7, 30) + std::string(600, 'y') + "\n" +
                excerpt(1, 100, 108) + "no newline at the end"},
      {"d", excerpt(1, 109, 112), true}};
  const std::string whole = Protected::told(site.scan(pieces));
  EXPECT_THAT(whole, HasSubstr("critical shop/secret.cc:7-7"));
  EXPECT_THAT(whole, HasSubstr("src/tax.cc:40-5"));
  size_t total = 0;
  for (const auto& piece : pieces) total += piece.text.size();
  for (size_t block = 1; block < total; block += block < 70 ? 1 : 61) {
    ASSERT_EQ(Protected::told(site.scan(pieces, block)), whole) << block;
  }
}

TEST(CodeChannel, NothingGoesOnAcrossPiecesAndGaps) {
  Protected site;
  const std::string lines = excerpt(1, 30, 33);
  const size_t middle = lines.find("= ") + 10;  // within the first line
  const auto hits = [&site](const std::vector<Protected::Piece>& pieces) {
    const uint64_t before = site.counters.hits.get();
    site.scan(pieces);
    return site.counters.hits.get() - before;
  };
  const std::string one = lines_of(lines)[0];
  const uint64_t none = hits({});
  const uint64_t whole = hits({{"p", one}}) - none;
  EXPECT_GT(whole, 0U);
  EXPECT_LT(hits({{"p", one.substr(0, middle)}, {"p", one.substr(middle)}}) - none, whole);
  EXPECT_EQ(hits({{"p", one.substr(0, middle)}, {"p", one.substr(middle), true}}),
            hits({{"p", one.substr(0, middle)}, {"q", one.substr(middle)}}));
}

// Live: collect() after each block that has news.
TEST(CodeChannel, CriticalLinesDoNotMakeAllHitsBeReadAgain) {
  Protected site({"secret.cc"});
  const auto channel = make_code_channel(site.index, site.limits, site.scratch, site.counters);
  uint32_t number = 0;
  const auto send = [&](const std::string& text) {
    PieceMark mark;
    mark.number = number++;
    mark.path = "p";
    mark.end = static_cast<uint32_t>(text.size());
    const std::vector<PieceMark> marks = {mark};
    TextBlock block;
    block.text = as_bytes(text);
    block.pieces = marks;
    channel->on_block(block);
  };
  const auto collect = [&] {
    std::vector<Evidence> out;
    channel->collect(out);
    return out;
  };
  const auto quoted = [](size_t n) {
    const std::string line = excerpt(3, n, n, 30);
    return "why does " + line.substr(4, line.size() - 5) + " fail?\n\n";
  };
  send(invented(1, 120));
  send(quoted(3));
  ASSERT_TRUE(channel->has_news());
  ASSERT_THAT(collect(), SizeIs(2));
  const uint64_t searches = site.counters.span_searches.get();
  for (int i = 0; i < 20; ++i) {
    send(quoted(3));
    EXPECT_FALSE(channel->has_news()) << "the same line again";
  }
  for (const size_t line : {1U, 2U, 4U, 5U, 6U, 7U}) {
    send(quoted(line));
    EXPECT_TRUE(channel->has_news());
    const auto found = collect();
    ASSERT_THAT(found, SizeIs(2));
    EXPECT_EQ(found[0].rule, "critical");
    EXPECT_EQ(found[1].path, "src/cart.cc") << "kept from before";
  }
  EXPECT_EQ(site.counters.span_searches.get(), searches);
  send(invented(2, 80));
  EXPECT_TRUE(channel->has_news());
  EXPECT_THAT(Protected::told(collect()), HasSubstr("src/tax.cc"));
  EXPECT_EQ(site.counters.span_searches.get(), searches + 1);
  channel->on_end();
  EXPECT_THAT(Protected::told(collect()), HasSubstr("src/tax.cc"));
  EXPECT_FALSE(channel->has_news());
}

TEST(CodeChannel, OneCriticalLineIsEvidence) {
  Protected site({"secret.cc"});
  const std::string line = excerpt(3, 12, 12, 30);
  const auto found = site.scan({{"p", "why does " + line.substr(4, line.size() - 5) + " fail?"}});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].rule, "critical");
  EXPECT_EQ(found[0].path, "secret.cc");
  EXPECT_EQ(found[0].first_line, 12U);
  EXPECT_EQ(found[0].lines, 1U);
  EXPECT_GT(found[0].score, 0.9);
  EXPECT_EQ(site.counters.critical_hits.get(), 1U);
  EXPECT_THAT(site.scan({{"p", excerpt(1, 12, 12)}}), IsEmpty());
}

TEST(CodeChannel, SharedCodeIsToldOfOneFileAlone) {
  Protected site;
  site.folder.write("shop/src/fork.cc", invented(1, 60) + invented(9, 30));
  signatures::IndexBuildOptions options;
  options.repositories = {{"shop", site.folder / "shop"}};
  site.build(options);
  auto found = site.scan({{"p", excerpt(1, 50, 90)}});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].path, "src/cart.cc");  // it explains more
  found = site.scan({{"p", invented(1, 60) + invented(9, 30)}});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].path, "src/fork.cc");
}

TEST(CodeChannel, LimitsHoldAndAreCounted) {
  Protected site;
  site.limits.fingerprint_hits = 200;
  site.limits.fingerprint_lines = 100;
  std::string text;
  for (int i = 0; i < 20; ++i) text += invented(1, 120);
  const auto found = site.scan({{"p", text}});
  EXPECT_FALSE(found.empty());
  EXPECT_EQ(found[0].path, "src/cart.cc");
  EXPECT_GT(site.counters.hits_dropped.get(), 0U);
  EXPECT_GT(site.counters.lines_unfollowed.get(), 0U);
  site.limits.evidence_per_request = 1;
  EXPECT_THAT(site.scan({{"p", excerpt(1, 1, 20)}, {"q", excerpt(2, 1, 20, 80)}}), SizeIs(1));
}

TEST(CodeChannel, NewsComeWithEvidenceAndGoWithCollect) {
  Protected site;
  const auto channel = make_code_channel(site.index, site.limits, site.scratch);
  EXPECT_FALSE(channel->has_news());
  Protected::scan_into(*channel, {{"p", structured(77, 40, 5)}}, 500);
  EXPECT_FALSE(channel->has_news());
  channel->reset();
  Protected::scan_into(*channel, {{"p", excerpt(1, 1, 20)}}, 500);
  EXPECT_TRUE(channel->has_news());
  std::vector<Evidence> out;
  channel->collect(out);
  EXPECT_THAT(out, SizeIs(1));
  EXPECT_FALSE(channel->has_news());
}

// Files that clients in the reference captures sent, in excerpts of five lines and of twenty.
TEST(CodeChannel, FindsExcerptsOfTheReferenceFiles) {
  WEIR_SHARED_OR_SKIP(shared);
  Protected site;
  signatures::IndexBuildOptions options;
  options.repositories = {{"src", (shared / "clients/src").string()}};
  site.build(options);
  for (const auto& [lines, aim] : std::vector<std::pair<size_t, double>>{{5, 0.85}, {20, 0.995}}) {
    size_t asked = 0;
    size_t right = 0;
    for (const char* name : {"go/tabwriter.go", "py/heapq.py", "c/rbtree.c", "ts/streaming.ts",
                             "cc/gtest-printers.cc", "go/search.go", "c/zlib.h"}) {
      const auto text = lines_of(test::TempDir::read((shared / "clients/src" / name).string()));
      for (size_t first = 20; first + lines < text.size(); first += 23) {
        std::string part;
        for (size_t i = first; i < first + lines; ++i) {
          part += std::to_string(i + 1) + "\t" + text[i] + "\n";
        }
        const auto found = site.scan({{"p", part}}, part.size());
        ++asked;
        right += !found.empty() && found[0].path == name && found[0].first_line <= first + lines &&
                         found[0].last_line > first
                     ? 1
                     : 0;
      }
    }
    EXPECT_GE(static_cast<double>(right), aim * static_cast<double>(asked))
        << right << " of " << asked << " excerpts of " << lines << " lines";
  }
}

}  // namespace
}  // namespace weir::inspect

// Marks in single lines, and what is none.
#include "inspect/detect/prompt_line.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "inspect/detect/content_path.h"
#include "signatures/confusables.h"

namespace weir::inspect {
namespace {

std::string marks(std::string_view line) {
  std::vector<LineMark> found;
  find_marks(line, found);
  std::string out;
  for (const LineMark& mark : found) {
    const std::string name = signatures::name_of_character(mark.code_point);
    out += (out.empty() ? "" : " ") + name.substr(0, name.find(' '));
  }
  return out;
}

TEST(PromptLine, NamesLookAlikesAndInvisibleCharacters) {
  EXPECT_EQ(marks("Today\u2019s date is here"), "U+2019");
  EXPECT_EQ(marks("Today\u02bcs date is here"), "U+02BC");
  EXPECT_EQ(marks("Today\u02b9s date is here"), "U+02B9");
  EXPECT_EQ(marks("You \u0430re a c\u043eding agent"), "U+0430 U+043E");
  EXPECT_EQ(marks("You are a c\u03bfding agent"), "U+03BF");
  EXPECT_EQ(marks("You are\u200b a coding agent"), "U+200B");
  EXPECT_EQ(marks("You are a coding\u2060 agent"), "U+2060");
  EXPECT_EQ(marks("You are a coding agent\U000E0041\U000E0042"), "U+E0041");
  EXPECT_EQ(marks("You are a coding\ufe00 agent"), "U+FE00");
  EXPECT_EQ(marks("You are a\u00a0coding agent"), "U+00A0");
  EXPECT_EQ(marks("You are a\u202fcoding agent"), "U+202F");
  EXPECT_EQ(marks("Answer briefly,\u00a0and keep to it"), "U+00A0");
  EXPECT_EQ(marks("Keep to the subject.\u202fNever guess"), "U+202F");
  EXPECT_EQ(marks("Never guess!\u00a0Ask when in doubt"), "U+00A0");
  EXPECT_EQ(marks("You are a \U0001D41Coding agent"), "U+1D41C");
}

TEST(PromptLine, LeavesAloneWhatIsInItsPlace) {
  for (const char* line :
       {"You are a coding agent that doesn't guess", "Use \u2192 and \u2022 and \u2026 in lists",
        "Done \u2705 and \u2764\ufe0f for families \U0001F468\u200d\U0001F469\u200d\U0001F467 here",
        "The flag \U0001F3F4\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F of a "
        "country",
        "Press 1\ufe0f\u20e3 to continue with this",
        "Temp. of 20 \u00b0C and \u03b1 = 0.5 for a run",
        "Ты помощник программиста, don\u2019t guess",
        "D\u00fcsseldorf n\u2019est pas une ville anglaise",
        "let \u03c0 = 3.14159 and \u03bb = 2 in the formula",
        // Typography of other languages than English.
        "Attention\u00a0: ne pas modifier le fichier\u202f; merci\u202f! Non\u00a0?",
        "Reponds \u00ab\u00a0oui\u00a0\u00bb ou \"\u00a0non\u00a0\" avec 20\u00a0% de 1\u202f000 "
        "lignes",
        "Siehe z.\u202fB. Dr.\u00a0Muster, Abb.\u00a04 auf S.\u00a012, Prof.\u00a0Beispiel",
        "\u4f60\u662f assistant\u3000for code and text"}) {
    EXPECT_EQ(marks(line), "") << line;
  }
}

std::pair<std::string, std::string> folded(std::string_view line) {
  FoldedLine out;
  fold_line(line, out);
  return {out.reading, out.writing};
}

TEST(PromptLine, ReadsTheSameWhateverTheWriting) {
  const auto plain = folded("Today's date is 2026-06-10.");
  for (const char* line : {"Today\u2019s date is 2026-06-12.", "Today's date is 2026/06/10.",
                           "Today's date is 2026.6.10.", "Today's date\u00a0is 2026-06-10.",
                           "Today's\u200b date is 2026-06-10.", "Today's date is 2026-06-10. ",
                           "Tod\u0430y's date is 2026-06-10."}) {
    EXPECT_EQ(folded(line).first, plain.first) << line;
    EXPECT_NE(folded(line).second, plain.second) << line;
  }
  EXPECT_EQ(folded("  Today's date is 2027-1-3."), plain);
  EXPECT_NE(folded("Today's date is unknown.").first, plain.first);
}

TEST(PromptLine, ShowsNothingButAFewHarmlessCharacters) {
  EXPECT_EQ(shown_around("Today\u2019s date is 2026-06-10.", 5), "…day\u2019s");
  EXPECT_EQ(shown_around("in /home/jdoe/src it\u2019s so", 20), "it\u2019s");
  EXPECT_EQ(shown_around("in /home/jdo\u0435/src", 12), "…jdo\u0435/sr…");
  EXPECT_EQ(shown_around("the date 2026-06-10", 13), "…000-00-…");
  EXPECT_EQ(shown_around("to be\u200b or", 5), "be\u200b");
  EXPECT_EQ(shown_around("is one", 2), "is one");
  EXPECT_EQ(shown_around("is done", 7), "…one");
  EXPECT_EQ(shown_around("a\u200b\u200b\xE2", 1), "a\u200b…");
  EXPECT_EQ(shown_around("ab\xE2", 2), "ab\xE2");
  EXPECT_EQ(shown_around("", 3), "");
}

TEST(PromptLine, TheFirstDifference) {
  const Difference d = first_difference("it's", "it\u2019s");
  EXPECT_EQ(d.left, U'\'');
  EXPECT_EQ(d.right, 0x2019U);
  EXPECT_EQ(first_difference("same", "same ").right, U' ');
  EXPECT_EQ(first_difference("same", "same").left, 0U);
}

TEST(ContentPath, KnowsMessagesFromFields) {
  EXPECT_EQ(place_of("http/header:x-tz"), PlaceKind::kField);
  EXPECT_EQ(place_of("http/body>json:timezone"), PlaceKind::kField);
  EXPECT_EQ(
      place_of("http/body>gzip>json:events[0].event_data.additional_metadata>base64>json:cwd"),
      PlaceKind::kField);
  EXPECT_EQ(place_of("http/body>json:metadata.user_id>json:device_id"), PlaceKind::kField);
  EXPECT_EQ(place_of("http/body>json:messages[0].content"), PlaceKind::kMessage);
  EXPECT_EQ(place_of("http/body>json:messages[0].content[1].text>json:timezone"),
            PlaceKind::kMessage);
  EXPECT_EQ(place_of("http/body>json:messages[3].content[0].input.file_path"),
            PlaceKind::kArgument);
  EXPECT_EQ(place_of("http/body>json:input[2].arguments>json:path"), PlaceKind::kArgument);
  EXPECT_EQ(place_of("http/body>json:system[0].text"), PlaceKind::kInstruction);
  EXPECT_EQ(place_of("http/body>json:request.contents[0].parts[0].text"), PlaceKind::kMessage);
  EXPECT_EQ(place_of("http/body>text"), PlaceKind::kOther);
  EXPECT_EQ(place_of("http/body>binary"), PlaceKind::kBytes);
  EXPECT_EQ(name_in("http/body>json:a.b[3]"), "b");
  EXPECT_EQ(parent_in("http/body>json:user_location.city"), "user_location");
  EXPECT_EQ(parent_in("http/body>json:a.meta>base64>json:b"), "meta");
}

TEST(ContentPath, MasksNamesThatAreContent) {
  EXPECT_EQ(masked_path("http/body>json:messages[3].content"),
            "http/body>json:messages[3].content");
  EXPECT_EQ(masked_path("http/header:x>json:workspaces./home/jd.oe/p.origin"),
            "http/header:x>json:workspaces.***.origin");
  EXPECT_EQ(masked_path("http/body>json:a@b.example"), "http/body>json:***");
}

}  // namespace
}  // namespace weir::inspect

// The JSON decoder over generated input: strings against a slow reference, documents against what
// they were made from.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "inspect/unwrap/json_unescape.h"
#include "tests/inspect/unwrap/json_reference.h"
#include "tests/inspect/unwrap/transcript.h"
#include "tests/support/split_check.h"

namespace weir::test {
namespace {

using inspect::UnescapeCursor;
using inspect::UnescapeStop;

// The inside of a JSON string, with escapes good and bad and no quote that would end it.
std::string raw_string(std::mt19937& random, size_t parts) {
  static const char* const kParts[] = {"\\n",
                                       "\\t",
                                       "\\\"",
                                       "\\\\",
                                       "\\/",
                                       "\\b",
                                       "\\u0041",
                                       "\\u00e9",
                                       "\\uD83D",
                                       "\\uDE00",
                                       "\\u20ac",
                                       "\\ud83d\\ude00",
                                       "\\uD83D\\n",
                                       "\\uD83D\\u0042",
                                       "\\u12",
                                       "\\u12g4",
                                       "\\x",
                                       "\\u",
                                       "\\ud83d\\ud83d\\ude00",
                                       "\xC3\xA9",
                                       "\x01",
                                       "\\u0000",
                                       "\n"};
  std::string out;
  for (size_t i = 0; i < parts; ++i) {
    if (random() % 3 == 0) {
      out += kParts[random() % std::size(kParts)];
    } else {
      out.append(random() % 45, static_cast<char>('a' + random() % 26));
    }
  }
  return out;
}

TEST(JsonGenerated, StringsAgreeWithTheReference) {
  std::mt19937 random(11);
  for (int round = 0; round < 3000; ++round) {
    const std::string raw = "x " + raw_string(random, 1 + random() % 30);
    const std::string bytes = "{\"k\":\"" + raw + "\"}";
    const std::string expected = "[b>json:k|k@106] " + reference_unescape(raw) + "\n";
    ASSERT_EQ(unwrap(bytes).transcript, expected) << bytes;
    std::vector<size_t> cuts;
    for (size_t at = random() % 20; at < bytes.size(); at += 1 + random() % 20) cuts.push_back(at);
    ASSERT_EQ(unwrap(Chunks(as_bytes(bytes), cuts).spans(), {}).transcript, expected) << bytes;
  }
}

// Output of a loop run to the end of the input, going over what it cannot resolve byte by byte.
std::string run_loop(inspect::UnescapeLoop loop, const std::string& raw, size_t room,
                     bool through_quotes) {
  const auto in = std::make_unique<uint8_t[]>(raw.size());
  std::copy(raw.begin(), raw.end(), in.get());
  std::vector<uint8_t> out(room + inspect::kUnescapeSlack);
  UnescapeCursor cursor{in.get(), in.get() + raw.size(), out.data(), out.data() + room};
  std::string text;
  for (;;) {
    const UnescapeStop stop = loop(cursor, through_quotes);
    text.append(out.begin(), out.begin() + (cursor.out - out.data()));
    cursor.out = out.data();
    if (stop == UnescapeStop::kInput) return text;
    if (stop == UnescapeStop::kQuote || stop == UnescapeStop::kEscape) {
      text += stop == UnescapeStop::kQuote ? "<quote>" : "<escape>";
      ++cursor.in;
    }
  }
}

TEST(JsonGenerated, BothLoopsAgreeOnAnyBytes) {
  std::mt19937 random(12);
  const inspect::UnescapeLoop best = inspect::pick_unescape_loop();
  const std::string alphabet = "\\\\\"nu0dD8abc\x80\xFF\x01 /";
  for (int round = 0; round < 5000; ++round) {
    std::string raw;
    const size_t density = 1 + random() % 60;
    for (size_t i = random() % 300; i > 0; --i) {
      raw += random() % density == 0 ? alphabet[random() % alphabet.size()] : 'z';
    }
    const size_t room = 1 + random() % 100;
    const bool through = random() % 2 == 0;
    ASSERT_EQ(run_loop(best, raw, room, through),
              run_loop(inspect::unescape_sse2, raw, room + 7, through));
  }
}

// A JSON text and the transcript that it must give.
struct Document {
  std::string text;
  std::string transcript;
};

void make_value(std::mt19937& random, const std::string& path, const std::string& label, int depth,
                Document& out) {
  const auto blank = [&] {
    out.text.append(random() % 4 == 0 ? random() % 3 : 0, "\n \t"[random() % 3]);
  };
  const unsigned kind = static_cast<unsigned>(random() % (depth > 0 ? 8 : 5));
  blank();
  if (kind == 0) {
    static const char* const kWords[] = {"true", "false", "null", "0", "-12.5e+3", "123456789"};
    out.text += kWords[random() % std::size(kWords)];
  } else if (kind < 5) {
    const std::string raw = raw_string(random, random() % 6);
    const std::string value = reference_unescape(raw);
    const size_t first = value.find_first_not_of(" \t\r\n");
    const bool plain = first != std::string::npos && value.size() < 64;
    out.text += plain ? '"' + raw + '"' : "\"\"";
    if (plain) {
      out.transcript += "[" + path + "|" + label + "@";
      out.transcript +=
          std::to_string(100 + out.text.size() - raw.size() - 1) + "] " + value + "\n";
    }
  } else {
    const bool object = kind != 5;
    out.text += object ? '{' : '[';
    const size_t count = random() % 5;
    for (size_t i = 0; i < count; ++i) {
      if (i > 0) out.text += ',';
      blank();
      if (object) {
        const std::string key = "k" + std::to_string(random() % 100);
        out.text += '"' + key + "\"";
        blank();
        out.text += ':';
        make_value(random, path + (path.back() == ':' ? "" : ".") + key, key, depth - 1, out);
      } else {
        make_value(random, path + "[" + std::to_string(i) + "]", label, depth - 1, out);
      }
      blank();
    }
    out.text += object ? '}' : ']';
  }
}

TEST(JsonGenerated, DocumentsGiveWhatTheyWereMadeFrom) {
  std::mt19937 random(13);
  for (int round = 0; round < 400; ++round) {
    Document document;
    document.text = "[";
    const size_t count = 1 + random() % 4;
    for (size_t i = 0; i < count; ++i) {
      if (i > 0) document.text += ',';
      make_value(random, "b>json:[" + std::to_string(i) + "]", "", 5, document);
    }
    document.text += "]";
    const Body body{"application/json", "", {}};
    ASSERT_EQ(unwrap(document.text, body).transcript, document.transcript) << document.text;
    std::vector<size_t> each;
    for (size_t i = 1; i < document.text.size(); ++i) each.push_back(i);
    ASSERT_EQ(unwrap(Chunks(as_bytes(document.text), each).spans(), body).transcript,
              document.transcript)
        << document.text;
  }
}

}  // namespace
}  // namespace weir::test

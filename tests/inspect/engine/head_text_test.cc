#include "inspect/engine/head_text.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace weir::inspect {
namespace {

class Printer final : public TextSink {
 public:
  void on_piece(const PieceStart& start) noexcept override {
    text += std::string(start.path) + "=";
  }
  void on_text(ByteSpan bytes) noexcept override { text += as_chars(bytes); }
  void on_piece_end(EndReason) noexcept override { text += ";"; }
  std::string text;
};

std::string read(std::string_view target, std::span<const HeaderField> fields = {}) {
  MessageHead head;
  head.target = target;
  head.fields = fields;
  Printer printer;
  emit_head_text(head, printer);
  return printer.text;
}

TEST(HeadText, DecodesQueryParameters) {
  EXPECT_EQ(read("/s?q=int%20main%28void%29+%7B&n=1"), "http/query:q=int main(void) {;");
  EXPECT_EQ(read("/s?a%20whole%20query%zz"), "http/query:=a whole query%zz;");
}

TEST(HeadText, LeavesOutCredentials) {
  EXPECT_EQ(read("/v1?key=0123456789abcdef&Access_Token=0123456789abcdef&other=0123456789abcdef"),
            "http/query:other=0123456789abcdef;");
  const std::array<HeaderField, 4> fields = {{{"authorization", "Bearer 0123456789"},
                                              {"x-api-key", "0123456789abcdef"},
                                              {"user-agent", "a client of some length"},
                                              {"x-turn-metadata", "{\"cwd\":\"/home/a\"}"}}};
  EXPECT_EQ(read("/", fields), "http/header:x-turn-metadata={\"cwd\":\"/home/a\"};");
}

TEST(HeadText, ReadsLongPathsAndLongValuesWhole) {
  const std::string path = "/" + std::string(100, 'p');
  EXPECT_EQ(read(path), "http/path=" + path + ";");
  const std::string value(5000, 'v');
  EXPECT_EQ(read("/?q=" + value), "http/query:q=" + value + ";");
}

}  // namespace
}  // namespace weir::inspect

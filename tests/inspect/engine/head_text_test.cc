#include "inspect/engine/head_text.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "inspect/engine/shown_head.h"

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

TEST(ShownHead, TokensAreCutAndNamesAreNot) {
  for (const char* plain :
       {"/v1/messages", "/model/anthropic.claude-3-5-sonnet-20241022-v2:0/invoke",
        "/v1beta/models/gemini-2.5-pro-preview-05-06:generateContent",
        "/api/organizations/0f8fad5b-d9cb-469f-a165-70867728950e/chat_conversations",
        "claude-cli/2.1.330 (external, cli)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0",
        "aws-sdk-js/3.556.0 os/linux#6.1.84-99.169.amzn2023.x86_64 md/nodejs#20.11.1", ""}) {
    EXPECT_EQ(without_tokens(plain), plain);
  }
  EXPECT_EQ(without_tokens("/hooks/aB3dEf6hIj9kLm2nOp5q/x"), "/hooks/aB3d***/x");
  EXPECT_EQ(without_tokens("tool/1.0 ghp_aB3dEf6hIj9kLm2nOp5q; x"), "tool/1.0 ghp_***; x");
  EXPECT_EQ(without_tokens("sk-ant-api03-ab-aB3dEf6hIj9kLm2nOp5q-cd"), "sk-a***");
}

}  // namespace
}  // namespace weir::inspect

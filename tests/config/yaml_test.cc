// The strict YAML reader: places, and everything that YAML allows and Weir does not.
#include "config/yaml.h"

#include <gtest/gtest.h>

namespace weir::config {
namespace {

std::string error_of(std::string_view text) {
  const Result<YamlNode> parsed = parse_yaml(text, "f.yaml");
  return parsed ? "no error" : parsed.error().to_string();
}

TEST(Yaml, PlacesAreOneBased) {
  const Result<YamlNode> parsed = parse_yaml("a: 1\nlist:\n  - x\n  - {k: \"v\"}\n", "f.yaml");
  ASSERT_TRUE(parsed);
  const YamlNode& root = *parsed;
  ASSERT_EQ(root.kind, YamlNode::Kind::kMap);
  EXPECT_EQ(root.keys, (std::vector<std::string>{"a", "list"}));
  EXPECT_EQ(root.key_marks[1].line, 2);
  EXPECT_EQ(root.key_marks[1].column, 1);
  EXPECT_EQ(root.find("a")->column, 4);
  EXPECT_FALSE(root.find("a")->quoted);
  const YamlNode& list = *root.find("list");
  ASSERT_EQ(list.items.size(), 2U);
  EXPECT_EQ(list.items[0].line, 3);
  EXPECT_EQ(list.items[0].column, 5);
  const YamlNode& value = *list.items[1].find("k");
  EXPECT_EQ(value.line, 4);
  EXPECT_EQ(value.column, 9);
  EXPECT_TRUE(value.quoted);
  EXPECT_EQ(root.find("absent"), nullptr);
}

TEST(Yaml, NothingIsNull) {
  for (const std::string_view text : {"", "# only a comment\n", "~\n"}) {
    const Result<YamlNode> parsed = parse_yaml(text, "f.yaml");
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(parsed->kind, YamlNode::Kind::kNull) << text;
  }
  const Result<YamlNode> parsed = parse_yaml("a:\nb: null\n", "f.yaml");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->find("a")->kind, YamlNode::Kind::kNull);
  EXPECT_EQ(parsed->find("a")->line, 1);
  EXPECT_EQ(parsed->find("b")->kind, YamlNode::Kind::kNull);
}

TEST(Yaml, BlockScalarsAreQuoted) {
  const Result<YamlNode> parsed = parse_yaml("a: |\n  10\nb: >-\n  x\n  y\n", "f.yaml");
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->find("a")->quoted);
  EXPECT_EQ(parsed->find("a")->scalar, "10\n");
  EXPECT_EQ(parsed->find("b")->scalar, "x y");
}

TEST(Yaml, ByteOrderMarkAndCrLfAreAccepted) {
  const Result<YamlNode> parsed = parse_yaml(
      "\xEF\xBB\xBF"
      "a: 1\r\nb: 'x'\r\n",
      "f.yaml");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->find("a")->scalar, "1");
  EXPECT_EQ(parsed->find("b")->scalar, "x");
  EXPECT_EQ(parsed->find("b")->line, 2);
}

TEST(Yaml, RefusesWhatYamlAllows) {
  EXPECT_EQ(error_of("a: 1\nb: 2\na: 3\n"), "f.yaml:3:1: duplicate key \"a\", first in line 1");
  EXPECT_EQ(error_of("a: 1\n'a': 3\n"), "f.yaml:2:1: duplicate key \"a\", first in line 1");
  EXPECT_EQ(error_of("a: &x 1\n"), "f.yaml:1:4: anchors (&) are not allowed here");
  EXPECT_EQ(error_of("a: *x\n"), "f.yaml:1:4: aliases (*) are not allowed here");
  EXPECT_EQ(error_of("a: &x {b: 1}\nc: *x\n"),
            "f.yaml:1:4: anchors (&) are not allowed here\n"
            "f.yaml:2:4: aliases (*) are not allowed here");
  EXPECT_EQ(error_of("<<: {a: 1}\n"), "f.yaml:1:1: merge keys (<<) are not allowed here");
  EXPECT_EQ(error_of("a: !!int 3\n"),
            "f.yaml:1:4: tags (!) are not allowed here, quote a value that begins with !");
  EXPECT_EQ(error_of("a: ! 3\n"),
            "f.yaml:1:4: tags (!) are not allowed here, quote a value that begins with !");
  EXPECT_EQ(error_of("a: 1\n---\nb: 2\n"),
            "f.yaml:2:1: text after the end of the document, expected only one");
  EXPECT_EQ(error_of("? [a, b]\n: c\n"), "f.yaml:1:3: a list or map as a key, expected a word");
  EXPECT_EQ(error_of("a:\n  : 2\n"), "f.yaml:2:3: a key without a name");
}

TEST(Yaml, SyntaxErrorsHaveAPlace) {
  EXPECT_EQ(error_of("a: [1\nb: 2\n"), "f.yaml:2:2: a '[' without its ']'");
  EXPECT_EQ(error_of("a: b: c\n"),
            "f.yaml:1:5: a ':' that has no place here (quote the value, or mind the indentation)");
  EXPECT_EQ(error_of("x: 1\na: \"b\n"), "f.yaml:2:4: no end of the quote \"");
  EXPECT_EQ(error_of("a: 'b\n"), "f.yaml:1:4: no end of the quote '");
  EXPECT_EQ(error_of("a: @b\n"),
            "f.yaml:1:4: a character that no value may begin with (quote the value)");
}

TEST(Yaml, QuotedScalarsThatEndAreAccepted) {
  const Result<YamlNode> parsed =
      parse_yaml(R"({a: "x\"y", b: 'it''s', c: "", d: '', "e": "\\"})", "f.yaml");
  ASSERT_TRUE(parsed) << parsed.error().to_string();
  EXPECT_EQ(parsed->find("a")->scalar, "x\"y");
  EXPECT_EQ(parsed->find("b")->scalar, "it's");
  EXPECT_EQ(parsed->find("e")->scalar, "\\");
}

TEST(Yaml, BytesThatAreNoTextAreRefused) {
  EXPECT_EQ(error_of(std::string_view("a: 1\nb: \0\n", 10)), "f.yaml:2:4: a control character");
  EXPECT_EQ(error_of("a: \x04 1\n"), "f.yaml:1:4: a control character");
  EXPECT_EQ(error_of("a: \xff\n"), "f.yaml:1:4: text that is not UTF-8");
  EXPECT_EQ(error_of("a: \xc3"), "f.yaml:1:4: text that is not UTF-8");
  EXPECT_EQ(error_of("a: \xed\xa0\x80\n"), "f.yaml:1:4: text that is not UTF-8");
  EXPECT_EQ(error_of("a: 1\rb: 2\n"), "f.yaml:1:5: a carriage return inside a line");
  EXPECT_EQ(error_of("a: \xc3\xa9\n"), "no error");
}

TEST(Yaml, DepthIsBounded) {
  const auto nested = [](size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  EXPECT_EQ(error_of(nested(64)), "no error");
  EXPECT_EQ(error_of(nested(65)), "f.yaml:1:65: nested more than 64 levels deep");
  EXPECT_NE(error_of(std::string(100'000, '[')), "no error");
}

TEST(Yaml, ManyErrorsEndTheReading) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "a: 1\n";
  const std::string error = error_of(text);
  EXPECT_NE(error.find("and 50 more errors"), std::string::npos) << error;
}

TEST(Yaml, FilesThatCannotBeRead) {
  const Result<YamlNode> absent = load_yaml("/nonexistent/weir.yaml");
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().to_string(),
            "/nonexistent/weir.yaml: cannot be read: No such file or directory");
  const Result<YamlNode> folder = load_yaml("/");
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().to_string(), "/: is a folder");
}

}  // namespace
}  // namespace weir::config

// Which identifiers are distinctive, where they count as defined, and which an index keeps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "signatures/fingerprint/code_index.h"
#include "signatures/fingerprint/index_builder.h"
#include "signatures/fingerprint/index_format.h"
#include "signatures/fingerprint/names_common.h"
#include "signatures/fingerprint/names_definition.h"
#include "signatures/fingerprint/names_picker.h"
#include "signatures/fingerprint/names_reader.h"
#include "tests/signatures/fingerprint/temp_dir.h"

namespace weir::signatures {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST(NameScore, DistinctiveIdentifiersAreLongOfSeveralWordsAndNotEveryones) {
  for (const char* name : {"pickleFactor", "walrus_tusk_length", "GherkinLedger", "kQuokkaFactor",
                           "compute_gherkin_total", "HTTPWalrusProxy"}) {
    EXPECT_GT(name_score(name), 0U) << name;
    EXPECT_LE(name_score(name), kNameScoreMax) << name;
  }
  for (const char* name :
       {"walrus", "walruses", "get_value", "isValidUser", "set_file_name", "addEventListener",
        "unordered_map", "xY3kQ9zLp0", "deadbeef00", "iVBORw0KGgoAAAANSUhEUgAA", "0walrusTusk",
        "WALRUS_TUSK_H", "walrus_tusk_HPP_", "________", "a_b_c_d_e_f_g"}) {
    EXPECT_EQ(name_score(name), 0U) << name;
  }
  EXPECT_TRUE(std::is_sorted(kCommonNames.begin(), kCommonNames.end()));
}

TEST(NameDefinition, DefinitionsAreToldFromUses) {
  const auto defined = [](const std::string& line) {
    const size_t at = line.find("pickleFactor");
    return is_definition(line, at, at + 12);
  };
  for (const char* line : {"class pickleFactor {",
                           "class pickleFactor:\n",
                           "struct pickleFactor final {",
                           "def pickleFactor(self, x):",
                           "func pickleFactor(x int) int {",
                           "fn pickleFactor<T>(x: T) {",
                           "func (l *Ledger) pickleFactor(x int) {",
                           "double pickleFactor(int a) const;",
                           "  static int pickleFactor(const char* a,\n    int b) {",
                           "#define pickleFactor 3",
                           "const pickleFactor = 3;",
                           "var pickleFactor int",
                           "type pickleFactor struct {",
                           "std::vector<int> pickleFactor(int a) {",
                           "pickleFactor = 12\n",
                           "public void pickleFactor() throws X {",
                           "function pickleFactor(a) {",
                           "let pickleFactor = 3",
                           "interface pickleFactor {",
                           "char *pickleFactor(void)\n{"}) {
    EXPECT_TRUE(defined(line)) << line;
  }
  for (const char* line :
       {"return pickleFactor(x);", "x = pickleFactor(y);", "new pickleFactor(y);",
        "l.pickleFactor(x)", "if (pickleFactor(x)) {", "struct pickleFactor *p;",
        "struct pickleFactor p;", "calls pickleFactor() when it can", "\"pickleFactor\": {",
        "pickleFactor: 3", "pickleFactor(3)", "a->pickleFactor(3);", "throw pickleFactor(3);",
        "import pickleFactor", "pickleFactor == 3", "see pickleFactor(3) {"}) {
    EXPECT_FALSE(defined(line)) << line;
  }
}

TEST(NameReader, EachNameOnceWithItsFirstPlace) {
  NameReader reader(test::test_key());
  std::vector<NameReader::Name> names;
  const std::string text =
      "x pickleFactor pickleFactorX y.pickleFactor;\nint walrusLength(int a) {}\nint "
      "pickleFactor(int) {";
  reader.read(text, names);
  ASSERT_EQ(names.size(), 3U);
  EXPECT_EQ(names[0].hash, reader.hash("pickleFactor"));
  EXPECT_EQ(names[0].place, kNameDefined | name_score("pickleFactor") << kNameOffsetBits | 2U);
  EXPECT_EQ(names[1].hash, reader.hash("pickleFactorX"));
  EXPECT_EQ(names[2].hash, reader.hash("walrusLength"));
  EXPECT_NE(names[2].place & kNameDefined, 0U);
  reader.read("int walrusLength", names);
  ASSERT_EQ(names.size(), 1U);
  EXPECT_EQ(names[0].place, name_score("walrusLength") << kNameOffsetBits | 4U);
}

struct Site {
  test::TempDir folder;
  IndexBuildOptions options;
  IndexBuildReport report;

  std::vector<std::string> names() {
    const auto built = build_index(options, test::test_key(), folder / "i.wfi", {});
    EXPECT_TRUE(built.has_value());
    report = *built;
    const auto index = CodeIndex::open(folder / "i.wfi", test::test_key());
    EXPECT_TRUE(index.has_value());
    EXPECT_TRUE(CodeIndex::verify(folder / "i.wfi").has_value());
    EXPECT_EQ((*index)->info().names, report.names);
    std::vector<std::string> out;
    for (const DistinctName& name : (*index)->names().names) {
      out.push_back(std::to_string(name.repository) + " " + std::to_string(name.file) + " " +
                    name.text);
    }
    return out;
  }
};

TEST(NamePicker, NamesOfOneRepositoryAloneThatItDefines) {
  Site site;
  site.folder.write("one/a.c",
                    "int pickleFactor(int x) { return sharedWalrus(x); }\n"
                    "int sharedWalrus(int x) { return onlyQuokka(x); }\n"
                    "int publicTapirs(int x) { return x; }\n");
  site.folder.write("one/b.c", "int total = pickleFactor(3);\nint narwhalHerd(int x) { }\n");
  for (int i = 0; i < 5; ++i) {
    site.folder.write("one/many" + std::to_string(i) + ".c", "int everywhereEmus(int x) { }\n");
  }
  site.folder.write("two/c.py", "def sharedWalrus(x): pass\nclass GherkinLedger:\n  pass\n");
  site.folder.write("open/lib.py", "x = publicTapirs(3)\n");
  site.options.repositories = {{"one", site.folder / "one"}, {"two", site.folder / "two"}};
  site.options.public_directories = {site.folder / "open"};
  EXPECT_THAT(site.names(),
              UnorderedElementsAre("0 0 pickleFactor", "0 1 narwhalHerd", "1 7 GherkinLedger"));
  site.options.hashes_only = true;
  site.options.critical = {"**"};
  EXPECT_THAT(site.names(), IsEmpty());
  EXPECT_EQ(site.report.critical_lines, 0U);
  const std::string bytes = test::TempDir::read(site.folder / "i.wfi");
  EXPECT_EQ(bytes.find("pickleFactor"), std::string::npos);
}

TEST(NamePicker, TheBudgetIsSharedFairly) {
  Site site;
  for (int file = 0; file < 200; ++file) {
    std::string text;
    for (int i = 0; i < 20; ++i) {
      std::string name = "walrusQuokka";
      for (int k = file * 20 + i, n = 0; n < 3; ++n, k /= 26)
        name += static_cast<char>('a' + k % 26);
      text += "int " + name + "(int x) { return x; }\n";
    }
    site.folder.write("big/f" + std::to_string(file) + ".c", text);
  }
  site.folder.write("small/a.c", "int pickleFactor(int x) { return 1; }\n");
  site.options.repositories = {{"big", site.folder / "big"}, {"small", site.folder / "small"}};
  const std::vector<std::string> names = site.names();
  EXPECT_EQ(names.size(), 2000U);
  EXPECT_EQ(names.back(), "1 200 pickleFactor");
  const auto of_first = std::count_if(names.begin(), names.end(), [](const std::string& name) {
    return name.substr(0, 4) == "0 0 ";
  });
  EXPECT_EQ(of_first, kNamesOfFile);
}

TEST(Names, ADamagedSectionIsRefusedOrHarmless) {
  std::vector<DistinctName> names{{0, 0, "pickleFactor"}, {1, 3, "walrusTusk"}};
  const auto section = names_section(names);
  ASSERT_TRUE(section.has_value());
  ASSERT_TRUE(read_names(*section).has_value());
  std::vector<uint8_t> bytes = *section;
  for (size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_FALSE(read_names(ByteSpan(bytes).first(i)).has_value() && i > 0) << i;
    bytes[i] ^= 0x81;
    (void)read_names(bytes);
    bytes[i] ^= 0x81;
  }
}

}  // namespace
}  // namespace weir::signatures

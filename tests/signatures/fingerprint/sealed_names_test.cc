// Sealed names: an index shows none of them, and the private key opens all.
#include "signatures/fingerprint/sealed_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "signatures/fingerprint/code_index.h"
#include "signatures/fingerprint/index_builder.h"
#include "signatures/fingerprint/index_merge.h"
#include "tests/signatures/fingerprint/temp_dir.h"

namespace weir::signatures {
namespace {

using ::testing::HasSubstr;

TEST(SealedNames, OpenWithTheirKeyAlone) {
  const SiteKey own = test::test_key(3);
  const Result<SealKey> to = public_half(own);
  ASSERT_TRUE(to.has_value());
  const std::string text = "paths/of/some/kind.cc";
  const Result<std::vector<uint8_t>> sealed = seal(*to, as_bytes(text));
  ASSERT_TRUE(sealed.has_value());
  EXPECT_EQ(std::string(as_chars(*sealed)).find("paths"), std::string::npos);
  const Result<std::vector<uint8_t>> opened = unseal(own, *sealed);
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(as_chars(*opened), text);
  EXPECT_FALSE(unseal(test::test_key(4), *sealed).has_value());
  for (size_t i = 0; i < sealed->size(); ++i) {
    std::vector<uint8_t> changed = *sealed;
    changed[i] ^= 1;
    // The highest bit of the public key is not part of it, but is hashed.
    EXPECT_FALSE(unseal(own, changed).has_value()) << i;
    EXPECT_FALSE(unseal(own, ByteSpan(*sealed).first(i)).has_value()) << i;
  }
}

TEST(SealedNames, AnIndexShowsNoneAndKeepsThemThroughBuildsAndMerges) {
  test::TempDir folder;
  std::string code;
  for (int i = 0; i < 40; ++i) {
    code += "int walrusQuokka" + std::to_string(i) + "(int pickled) { return gherkin[" +
            std::to_string(i * 7919) + "]; }\n";
  }
  folder.write("aaa/secretive/path.cc", code);
  folder.write("bbb/clandestine.cc", code + "void another(int thing);\n");
  const SiteKey own = test::test_key(3);
  IndexBuildOptions options;
  options.seal_names = public_half(own).value();
  options.critical = {"*.cc"};
  options.repositories = {{"hushhush", folder / "aaa"}};
  ASSERT_TRUE(build_index(options, test::test_key(), folder / "a.wfi", {}).has_value());
  options.repositories = {{"quietly", folder / "bbb"}};
  ASSERT_TRUE(build_index(options, test::test_key(), folder / "b.wfi", {}).has_value());
  ASSERT_TRUE(merge_indexes({folder / "a.wfi", folder / "b.wfi"}, folder / "both.wfi").has_value());
  ASSERT_TRUE(CodeIndex::verify(folder / "both.wfi").has_value());
  const std::string bytes = test::TempDir::read(folder / "both.wfi");
  for (const char* clear :
       {"secretive", "clandestine", "hushhush", "quietly", "walrus", "pickled"}) {
    EXPECT_EQ(bytes.find(clear), std::string::npos) << clear;
  }
  const auto index = CodeIndex::open(folder / "both.wfi", test::test_key());
  ASSERT_TRUE(index.has_value());
  EXPECT_TRUE((*index)->info().sealed);
  EXPECT_THAT((*index)->info().repositories[0], HasSubstr("sealed-"));
  const auto names = CodeIndex::sealed_names(folder / "both.wfi", own);
  ASSERT_TRUE(names.has_value());
  const std::map<std::string, std::string> by_name(names->begin(), names->end());
  EXPECT_EQ(by_name.size(), 4U);
  EXPECT_EQ(by_name.at((*index)->info().repositories[1]), "quietly");
  EXPECT_EQ(by_name.at(opaque_name(test::test_key(), "secretive/path.cc")), "secretive/path.cc");
  const auto refused = CodeIndex::sealed_names(folder / "both.wfi", test::test_key(4));
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("another key"));
}

TEST(SealedNames, BadPublicKeysAreRefused) {
  test::TempDir folder;
  for (const std::string text : {"", "12", "zz", "\n"}) {
    EXPECT_FALSE(load_seal_key(folder.write("key", text)).has_value()) << text;
  }
  EXPECT_FALSE(load_seal_key(folder.write("key", std::string(65, 'a'))).has_value());
  EXPECT_FALSE(load_seal_key(folder.write("key", std::string(63, 'a') + "G")).has_value());
  EXPECT_FALSE(load_seal_key(folder / "none").has_value());
  EXPECT_TRUE(load_seal_key(folder.write("key", std::string(64, 'a') + "\n")).has_value());
}

}  // namespace
}  // namespace weir::signatures

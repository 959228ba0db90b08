// Files of keys, good and bad, with the message that each bad one gets.
#include "signatures/fingerprint/site_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "tests/signatures/fingerprint/temp_dir.h"

namespace weir::signatures {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string refused(const std::string& path) {
  const Result<SiteKey> key = SiteKey::load(path);
  return key ? "loaded" : key.error().to_string();
}

TEST(SiteKey, WhatIsMadeIsLoadedAgain) {
  const test::TempDir folder;
  const std::string path = folder / "site.key";
  ASSERT_TRUE(SiteKey::create(path).has_value());
  struct stat about {};
  ASSERT_EQ(::stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600U);
  const Result<SiteKey> key = SiteKey::load(path);
  ASSERT_TRUE(key.has_value()) << key.error().to_string();
  EXPECT_EQ(to_hex(key->bytes) + "\n", test::TempDir::read(path));
}

TEST(SiteKey, AnExistingFileIsNotOverwritten) {
  const test::TempDir folder;
  const std::string path = folder.write("site.key", "precious");
  EXPECT_FALSE(SiteKey::create(path).has_value());
  EXPECT_EQ(test::TempDir::read(path), "precious");
}

TEST(SiteKey, BadFilesAreRefusedWithTheReason) {
  const test::TempDir folder;
  const std::string digits(64, 'a');
  const auto file = [&folder](const std::string& content, mode_t mode = 0600) {
    const std::string path = folder.write("bad.key", content);
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  };
  EXPECT_EQ(refused(file(digits)), "loaded");
  EXPECT_EQ(refused(file(digits + "\n", 0400)), "loaded");
  EXPECT_THAT(refused(file(digits, 0640)), HasSubstr("open to others; run chmod 600"));
  EXPECT_THAT(refused(file(digits + "a")), HasSubstr("64 hexadecimal digits"));
  EXPECT_THAT(refused(file(digits + "\n\n")), HasSubstr("64 hexadecimal digits"));
  EXPECT_THAT(refused(file(digits.substr(1))), HasSubstr("64 hexadecimal digits"));
  EXPECT_THAT(refused(file(digits.substr(1) + "g")), HasSubstr("64 hexadecimal digits"));
  EXPECT_THAT(refused(file("")), HasSubstr("64 hexadecimal digits"));
  EXPECT_THAT(refused(folder / "none"), StartsWith((folder / "none") + ": "));
  std::filesystem::create_directory(folder / "dir");
  ASSERT_EQ(::chmod((folder / "dir").c_str(), 0700), 0);
  EXPECT_THAT(refused(folder / "dir"), HasSubstr("not a regular file"));
  std::filesystem::create_symlink(file(digits), folder / "link");
  EXPECT_THAT(refused(folder / "link"), HasSubstr("cannot be read"));
}

TEST(SiteKey, DerivedKeysHangOnKeyAndLabel) {
  const SiteKey a = test::test_key(1);
  SiteKey b = a;
  b.bytes[31] ^= 1;
  SiteKey c = a;
  c.bytes[0] ^= 1;
  EXPECT_EQ(a.derive(1).words, a.derive(1).words);
  EXPECT_NE(a.derive(1).words, a.derive(2).words);
  EXPECT_NE(a.derive(1).words, b.derive(1).words);
  EXPECT_NE(a.derive(1).words, c.derive(1).words);
  EXPECT_NE(a.derive(1).words[0], a.derive(1).words[1]);
}

}  // namespace
}  // namespace weir::signatures

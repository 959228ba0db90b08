// The hash channel, from text to evidence: every way of writing a digest, whatever stands around
// it and however the text is cut; and what is not looked up.
#include "inspect/detect/digest_channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "inspect/detect/request_detector.h"
#include "signatures/fingerprint/index_builder.h"
#include "tests/signatures/fingerprint/temp_dir.h"
#include "tests/support/split_check.h"

namespace weir::inspect {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The file, and what sha256sum, sha1sum, md5sum and git hash-object say of it.
constexpr const char* kFile =
    "int frobnicate_ledger(struct ledger* l) {\n  return l->total * quokka_factor + walrus;\n}\n";
const std::string kSha256 = "76f0e8baf0ed4bf4e2ddef89701c20a016fc67aa5b1d8b504e85a99e58885ff1";
const std::string kSha1 = "22b86d23d98ebe0ad0451626c7717474aa317251";
const std::string kMd5 = "8bcbd339422e1d362fc6d72c713faebd";
const std::string kGit = "62219a516e29e89d27ed85926c04f6f7eb61161b";
const std::string kSha256Base64 = "dvDouvDtS/Ti3e+JcBwgoBb8Z6pbHYtQToWpnliIX/E=";
const std::string kSha256Url = "dvDouvDtS_Ti3e-JcBwgoBb8Z6pbHYtQToWpnliIX_E";
const std::string kSha1Base64 = "IrhtI9mOvgrQRRYmx3F0dKoxclE=";
const std::string kMd5Base64 = "i8vTOUIuHTYvxtcscT+uvQ==";

PieceStart piece(std::string_view path, uint64_t offset = 0, std::string_view label = {}) {
  PieceStart start;
  start.path = path;
  start.offset = offset;
  start.label = label;
  return start;
}

struct Site {
  test::TempDir folder;
  std::shared_ptr<DetectorSet> set = std::make_shared<DetectorSet>();
  signatures::PatternScratch scratch;
  DetectCounters counters;
  Limits limits;
  std::unique_ptr<RequestDetector> detector;

  Site() {
    folder.write("bank/src/ledger.c", kFile);
    signatures::IndexBuildOptions options;
    options.repositories = {{"bank", folder / "bank"}};
    EXPECT_TRUE(build_index(options, test::test_key(), folder / "i.wfi", {}).has_value());
    const auto opened = signatures::CodeIndex::open(folder / "i.wfi", test::test_key());
    EXPECT_TRUE(opened.has_value());
    set->indexes.push_back(*opened);
    auto made = RequestDetector::make(set, limits, scratch, &counters);
    EXPECT_TRUE(made.has_value());
    detector = std::move(made).value();
  }
  // Rule and place of each piece of evidence.
  std::vector<std::string> scan(const std::vector<ByteSpan>& chunks, bool flush = false) {
    detector->begin();
    detector->on_piece(piece("first"));
    detector->on_text(as_bytes("nothing here"));
    detector->on_piece_end(EndReason::kComplete);
    detector->on_piece(piece("second", 7));
    for (const ByteSpan chunk : chunks) {
      detector->on_text(chunk);
      if (flush) detector->flush();
    }
    detector->on_piece_end(EndReason::kComplete);
    detector->finish();
    std::vector<Evidence> all;
    detector->collect(all);
    std::vector<std::string> out;
    for (const Evidence& e : all) {
      if (e.kind != EvidenceKind::kHash) continue;
      EXPECT_EQ(e.score, 1);
      EXPECT_EQ(e.lines, 0U);
      EXPECT_EQ(e.repository, "bank");
      EXPECT_LE(e.excerpt.size(), 11U);
      out.push_back(e.rule + " " + e.path + " " + e.where + "@" + std::to_string(e.offset));
    }
    return out;
  }
  std::vector<std::string> scan(const std::string& text) { return scan({as_bytes(text)}); }
};

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 32);
  }
  return text;
}

TEST(DigestChannel, EveryDigestInEveryWriting) {
  Site site;
  const std::string sha256 = "sha256 src/ledger.c second@7";
  const std::string sha1 = "sha1 src/ledger.c second@7";
  const std::string md5 = "md5 src/ledger.c second@7";
  EXPECT_THAT(site.scan(kSha256), ElementsAre(sha256));
  EXPECT_THAT(site.scan(kSha1), ElementsAre(sha1));
  EXPECT_THAT(site.scan(kMd5), ElementsAre(md5));
  EXPECT_THAT(site.scan(kGit), ElementsAre("git-blob src/ledger.c second@7"));
  EXPECT_THAT(site.scan(upper(kSha256)), ElementsAre(sha256));
  for (const std::string around : {"sha256:", "sha256_", "/objects/", "sha256-", "\"", "x", "="}) {
    EXPECT_THAT(site.scan(around + kSha256 + "."), ElementsAre(sha256)) << around;
  }
  EXPECT_THAT(site.scan(kSha256Base64), ElementsAre(sha256));
  EXPECT_THAT(site.scan("sha256-" + kSha256Base64), ElementsAre(sha256));
  EXPECT_THAT(site.scan("sha256/" + kSha256Base64), ElementsAre(sha256));
  EXPECT_THAT(site.scan("h=" + kSha256Url + "&x"), ElementsAre(sha256));
  EXPECT_THAT(site.scan(kSha1Base64), ElementsAre(sha1));
  EXPECT_THAT(site.scan("\"" + kSha1Base64.substr(0, 27) + "\""), ElementsAre(sha1));
  EXPECT_THAT(site.scan(kMd5Base64), ElementsAre(md5));
  EXPECT_THAT(site.scan("Content-MD5: " + kMd5Base64.substr(0, 22)), ElementsAre(md5));
  EXPECT_THAT(site.scan(kMd5 + " " + kSha1 + " " + kMd5), ElementsAre(md5, sha1));
}

TEST(DigestChannel, WhatIsPartOfSomethingLongerIsNotADigest) {
  Site site;
  EXPECT_THAT(site.scan("a" + kSha256), IsEmpty());
  EXPECT_THAT(site.scan(kSha256 + "0"), IsEmpty());
  EXPECT_THAT(site.scan(kSha256.substr(0, 63)), IsEmpty());
  EXPECT_THAT(site.scan(kMd5 + kMd5), IsEmpty());
  EXPECT_THAT(site.scan("Q" + kSha256Base64.substr(0, 43) + "Q"), IsEmpty());
  // A run far longer than any digest, cut into blocks anywhere.
  std::string lot(40'000, 'Z');
  EXPECT_THAT(site.scan(lot + kSha256 + lot), ElementsAre("sha256 src/ledger.c second@7"));
  lot.assign(40'000, 'a');
  EXPECT_THAT(site.scan(lot + kSha256 + lot), IsEmpty());
  EXPECT_EQ(site.counters.digest_dropped.get(), 0U);
}

TEST(DigestChannel, HowTheTextIsCutDoesNotMatter) {
  Site site;
  const std::string text = "{\"a\": \"" + kSha256 + "\", \"b\": [\"" + kMd5Base64 + "\"], \"" +
                           kGit + "\": {}} sha256/" + kSha256Base64 + " " + upper(kSha1);
  const auto feed = [&](const std::vector<ByteSpan>& chunks) {
    std::string out;
    for (const std::string& one : site.scan(chunks, true)) out += one + "\n";
    return out;
  };
  test::split_check(as_bytes(text), feed);
  EXPECT_THAT(site.scan(text),
              ElementsAre("sha256 src/ledger.c second@7", "md5 src/ledger.c second@7",
                          "git-blob src/ledger.c second@7", "sha1 src/ledger.c second@7"));
}

TEST(DigestChannel, LabelsAreRead) {
  Site site;
  site.detector->begin();
  const std::string path = "json:" + kSha256;
  site.detector->on_piece(piece(path, 0, kSha256));
  site.detector->on_text(as_bytes("true"));
  site.detector->on_piece_end(EndReason::kComplete);
  site.detector->finish();
  std::vector<Evidence> all;
  site.detector->collect(all);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].where, path);
}

// Runs of digits as they come, each compared with a plain search for the digest.
TEST(DigestChannel, AgreesWithAPlainSearch) {
  Site site;
  std::mt19937 random(5);
  const std::string filler = "0123456789abcdefABCDEFghXYZ+/-_=. \n\",";
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (size_t n = random() % 150; n > 0; --n) text += filler[random() % (round % 2 ? 37 : 22)];
    text += kSha256;
    for (size_t n = random() % 150; n > 0; --n) text += filler[random() % (round % 2 ? 37 : 22)];
    const size_t at = text.find(kSha256);
    const auto hex = [&](size_t i) {
      return i < text.size() && std::isxdigit(static_cast<unsigned char>(text[i])) != 0;
    };
    const bool alone = (at == 0 || !hex(at - 1)) && !hex(at + 64);
    ASSERT_EQ(site.scan(text).size(), alone ? 1U : 0U) << text;
  }
}

TEST(DigestChannel, Base64AgreesWithAPlainSearch) {
  Site site;
  std::mt19937 random(6);
  const std::string digest = kSha1Base64.substr(0, 27);
  for (int round = 0; round < 3000; ++round) {
    // Separators seldom, often, or nothing else.
    const std::string filler = std::array<std::string, 3>{"abXYZ019abXYZ019abXYZ019+/-_=. ",
                                                          "aZ0+/-_=.", "+-=."}[round % 3];
    std::string text;
    const auto add = [&] {
      for (size_t n = random() % 60; n > 0; --n) text += filler[random() % filler.size()];
    };
    add();
    const size_t at = text.size();
    text += digest;
    add();
    const auto is_digit = [&](size_t i, const std::string& marks) {
      return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) != 0 ||
                                 marks.find(text[i]) != std::string::npos);
    };
    const size_t end = at + digest.size();
    bool found =
        end < text.size() && text[end] == '=' && (end + 1 == text.size() || text[end + 1] != '=');
    for (const std::string marks : {"+/", "-_"}) {
      found = found || !((at > 0 && is_digit(at - 1, marks)) || is_digit(end, marks));
    }
    ASSERT_EQ(site.scan(text).size(), found ? 1U : 0U) << text;
  }
}

}  // namespace
}  // namespace weir::inspect

// The names channel, from text to evidence: whole words only, any cut, surer with each name.
#include "inspect/detect/names_channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
using ::testing::SizeIs;

struct Site {
  test::TempDir folder;
  std::shared_ptr<DetectorSet> set = std::make_shared<DetectorSet>();
  signatures::PatternScratch scratch;
  DetectCounters counters;
  Limits limits;
  std::unique_ptr<RequestDetector> detector;

  Site() {
    folder.write("zoo/src/tusk.c",
                 "int walrusTuskLength(int x) { return 1; }\nint pickle_factor_of(int x) { }\n"
                 "int narwhalHerdCount(int x) { }\nint quokkaEnclosure(int x) { }\n");
    folder.write("bank/ledger.py", "class GherkinLedger:\n  pass\n");
    signatures::IndexBuildOptions options;
    options.repositories = {{"zoo", folder / "zoo"}, {"bank", folder / "bank"}};
    EXPECT_TRUE(build_index(options, test::test_key(), folder / "i.wfi", {}).has_value());
    const auto opened = signatures::CodeIndex::open(folder / "i.wfi", test::test_key());
    EXPECT_TRUE(opened.has_value());
    EXPECT_EQ((*opened)->info().names, 5U);
    set->indexes.push_back(*opened);
    auto made = RequestDetector::make(set, limits, scratch, &counters);
    EXPECT_TRUE(made.has_value());
    detector = std::move(made).value();
  }
  std::vector<Evidence> evidence(const std::vector<ByteSpan>& chunks, bool flush = false) {
    detector->begin();
    PieceStart first;
    first.path = "first";
    detector->on_piece(first);
    detector->on_text(as_bytes("nothing"));
    detector->on_piece_end(EndReason::kComplete);
    PieceStart second;
    second.path = "second";
    second.offset = 7;
    detector->on_piece(second);
    for (const ByteSpan chunk : chunks) {
      detector->on_text(chunk);
      if (flush) detector->flush();
    }
    detector->on_piece_end(EndReason::kComplete);
    detector->finish();
    std::vector<Evidence> all;
    detector->collect(all);
    return all;
  }
  std::vector<std::string> scan(const std::vector<ByteSpan>& chunks, bool flush = false) {
    std::vector<std::string> out;
    for (const Evidence& e : evidence(chunks, flush)) {
      EXPECT_EQ(e.kind, EvidenceKind::kName);
      EXPECT_EQ(e.lines, 0U);
      out.push_back(e.repository + " " + e.path + " " + e.title + " " + e.where + "@" +
                    std::to_string(e.offset) + " " + e.excerpt);
    }
    return out;
  }
  std::vector<std::string> scan(const std::string& text) { return scan({as_bytes(text)}); }
  double score(const std::string& text) {
    const auto all = evidence({as_bytes(text)});
    return all.empty() ? 0 : all[0].score;
  }
};

TEST(NamesChannel, WholeWordsAreFound) {
  Site site;
  const std::string one = "zoo src/tusk.c a distinctive name second@7 wal***";
  EXPECT_THAT(site.scan("why does walrusTuskLength fail?"), ElementsAre(one));
  EXPECT_THAT(site.scan("walrusTuskLength"), ElementsAre(one));
  EXPECT_THAT(site.scan("at zoo.walrusTuskLength(tusk.c:3)"), ElementsAre(one));
  EXPECT_THAT(site.scan("walrusTuskLength walrusTuskLength"), ElementsAre(one));
  EXPECT_THAT(site.scan("walrusTuskLengths, my_walrusTuskLength, WalrusTuskLength"), IsEmpty());
  EXPECT_THAT(site.scan("walrusTuskLengthX walrusTuskLength"), ElementsAre(one));
  EXPECT_EQ(site.counters.names_found.get(), 5U);
}

TEST(NamesChannel, SurerWithEachNameOfOneRepository) {
  Site site;
  const double one = site.score("walrusTuskLength");
  const double two = site.score("walrusTuskLength quokkaEnclosure");
  const double three = site.score("walrusTuskLength quokkaEnclosure narwhalHerdCount");
  EXPECT_LE(one, 0.3);
  EXPECT_GT(one, 0.1);
  EXPECT_GT(two, one + 0.1);
  EXPECT_GT(three, 0.6);
  EXPECT_LT(three, 1);
  EXPECT_THAT(site.scan("GherkinLedger and quokkaEnclosure and walrusTuskLength"),
              ElementsAre("bank ledger.py a distinctive name second@7 Ghe***",
                          "zoo src/tusk.c 2 distinctive names second@7 quo***"));
}

TEST(NamesChannel, BesideCodeOfTheSameRepositoryNamesAreNotTold) {
  class Fixed final : public DetectionChannel {
   public:
    void on_block(const TextBlock&) noexcept override {}
    void on_end() noexcept override {}
    [[nodiscard]] bool has_news() const noexcept override { return false; }
    void collect(std::vector<Evidence>& out) override {
      for (const auto& [kind, repository] :
           {std::pair(EvidenceKind::kName, "zoo"), std::pair(EvidenceKind::kCode, "zoo"),
            std::pair(EvidenceKind::kName, "zoo"), std::pair(EvidenceKind::kName, "bank")}) {
        Evidence evidence;
        evidence.kind = kind;
        evidence.repository = repository;
        evidence.lines = 10;
        out.push_back(evidence);
      }
    }
    void reset() noexcept override {}
  };
  std::vector<std::unique_ptr<DetectionChannel>> channels;
  channels.push_back(std::make_unique<Fixed>());
  DetectCounters counters;
  RequestDetector detector(std::move(channels), 5, Limits{}, &counters);
  detector.begin();
  std::vector<Evidence> all;
  detector.collect(all);
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].kind, EvidenceKind::kCode);
  EXPECT_EQ(all[1].repository, "bank");
  EXPECT_EQ(counters.names_beside_code.get(), 2U);
}

TEST(NamesChannel, HowTheTextIsCutDoesNotMatter) {
  Site site;
  const std::string text =
      "walrusTuskLength xpickle_factor_of pickle_factor_of_x GherkinLedger.narwhalHerdCount";
  test::split_check(as_bytes(text), [&](const std::vector<ByteSpan>& chunks) {
    std::string out;
    for (const std::string& one : site.scan(chunks, true)) out += one + "\n";
    return out;
  });
  EXPECT_THAT(site.scan(text), SizeIs(2));
}

}  // namespace
}  // namespace weir::inspect

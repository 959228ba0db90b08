// Connections that policy cuts: what passed before, whether they ended, and where nothing could be
// judged.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/inspect/engine/engine_fixture.h"

namespace weir::inspect {
namespace {

// Sends a leak until it is cut; how many bytes went before the packet that completed the evidence.
uint64_t send_until_cut(Talk& talk, uint64_t& with_it) {
  const std::string code = test::sample_lines("planner/crew_schedule.cc", 1, 102);
  const std::string whole =
      post("api.openai.com", message(code + std::string(60'000, ' ') + "and so on"));
  talk.handshake();
  for (uint64_t at = 0; at < whole.size(); at += 700) {
    const std::string piece = whole.substr(at, 700);
    talk.client(piece);
    if (talk.last() != Action::kDrop) continue;
    with_it = at + piece.size();
    return at;
  }
  ADD_FAILURE() << "not cut";
  return 0;
}

const Finding* cut_of(const std::vector<Finding>& findings, bool only_ending) {
  const Finding* out = nullptr;
  for (const Finding& finding : findings) {
    if (finding.passed.cut && finding.only_ending == only_ending) out = &finding;
  }
  return out;
}

TEST_F(EngineTest, InThePathWhatCompletedTheEvidenceDidNotPass) {
  engine_.set_enforcement(Enforcement::kInPath);
  Talk talk(engine_);
  uint64_t with_it = 0;
  const uint64_t before = send_until_cut(talk, with_it);
  engine_.finish();
  const Finding* cut = cut_of(sink_.findings, false);
  ASSERT_NE(cut, nullptr);
  EXPECT_EQ(cut->passed.bytes, before);
  EXPECT_EQ(cut->upload_bytes, with_it);
  EXPECT_EQ(cut->passed.lines, 0U);
  EXPECT_EQ(cut->passed.ending, CutEnding::kNotWatched);
}

TEST_F(EngineTest, BesideThePathItDidPassAndTheEndIsWatched) {
  engine_.set_enforcement(Enforcement::kResets);
  Talk talk(engine_);
  uint64_t with_it = 0;
  (void)send_until_cut(talk, with_it);
  engine_.finish();
  const Finding* cut = cut_of(sink_.findings, false);
  ASSERT_NE(cut, nullptr);
  EXPECT_EQ(cut->passed.bytes, with_it);
  EXPECT_GE(cut->passed.lines, 8U);
  EXPECT_EQ(cut->passed.ending, CutEnding::kUnknown);
}

TEST_F(EngineTest, AConnectionThatClosesAfterItsResetsEnded) {
  engine_.set_enforcement(Enforcement::kResets);
  Talk talk(engine_);
  uint64_t with_it = 0;
  (void)send_until_cut(talk, with_it);
  talk.close();
  engine_.finish();
  const Finding* cut = cut_of(sink_.findings, false);
  ASSERT_NE(cut, nullptr);
  EXPECT_EQ(cut->passed.ending, CutEnding::kEnded);
}

TEST_F(EngineTest, AConnectionWhoseAcknowledgementsGrowWentOnInSpiteOfItsResets) {
  engine_.set_enforcement(Enforcement::kResets);
  Talk talk(engine_);
  uint64_t with_it = 0;
  (void)send_until_cut(talk, with_it);
  // Still on their way when the resets were sent.
  talk.client("a").server("x").client("b").server("x");
  talk.later(Duration::seconds(1)).client("more").server("x");
  engine_.finish();
  const Finding* cut = cut_of(sink_.findings, false);
  ASSERT_NE(cut, nullptr);
  EXPECT_EQ(cut->passed.ending, CutEnding::kWentOn);
}

TEST_F(EngineTest, AConnectionThatFallsSilentAfterItsResetsStoppedAndIsTold) {
  engine_.set_enforcement(Enforcement::kResets);
  Talk talk(engine_);
  uint64_t with_it = 0;
  (void)send_until_cut(talk, with_it);
  EXPECT_EQ(cut_of(sink_.findings, false), nullptr) << "its request is not over";
  engine_.on_time(Timestamp{1'700'000'000'000'000'000} + Duration::seconds(4));
  EXPECT_EQ(cut_of(sink_.findings, false), nullptr);
  engine_.on_time(Timestamp{1'700'000'000'000'000'000} + Duration::seconds(8));
  const Finding* cut = cut_of(sink_.findings, false);
  ASSERT_NE(cut, nullptr);
  EXPECT_EQ(cut->passed.ending, CutEnding::kStopped);
  // What seemed to have stopped goes on.
  talk.later(Duration::seconds(9)).client("a").server("x").client("b").server("x");
  cut = cut_of(sink_.findings, true);
  ASSERT_NE(cut, nullptr);
  EXPECT_EQ(cut->passed.ending, CutEnding::kWentOn);
}

TEST_F(EngineTest, AWordThatAConnectionStoppedFollowsAFindingThatWasTold) {
  engine_.set_enforcement(Enforcement::kResets);
  Talk talk(engine_);
  talk.handshake().client(
      post("api.openai.com", message(test::sample_lines("planner/crew_schedule.cc", 20, 50))));
  const Finding* cut = cut_of(sink_.findings, false);
  ASSERT_NE(cut, nullptr);
  EXPECT_EQ(cut->passed.ending, CutEnding::kUnknown);
  engine_.on_time(Timestamp{1'700'000'000'000'000'000} + Duration::seconds(8));
  cut = cut_of(sink_.findings, true);
  ASSERT_NE(cut, nullptr);
  EXPECT_EQ(cut->passed.ending, CutEnding::kStopped);
}

TEST_F(EngineTest, InThePathACutIsToldAtOnceAndHoldsForWhatIsSentAgain) {
  engine_.set_enforcement(Enforcement::kInPath);
  Talk talk(engine_);
  uint64_t with_it = 0;
  (void)send_until_cut(talk, with_it);
  ASSERT_NE(cut_of(sink_.findings, false), nullptr);
  const size_t told = sink_.findings.size();
  for (int i = 0; i < 3; ++i) {
    talk.later(Duration::seconds(60)).client("again");
    EXPECT_EQ(talk.last(), Action::kDrop);
  }
  engine_.finish();
  EXPECT_EQ(sink_.findings.size(), told);
}

TEST_F(EngineTest, SaysWhyAConnectionWasNotReset) {
  engine_.set_enforcement(Enforcement::kResets);
  Talk talk(engine_);
  uint64_t with_it = 0;
  (void)send_until_cut(talk.tunnelled(), with_it);
  engine_.on_time(Timestamp{1'700'000'000'000'000'000} + Duration::seconds(8));
  engine_.finish();
  const Finding* cut = cut_of(sink_.findings, false);
  ASSERT_NE(cut, nullptr);
  EXPECT_EQ(cut->passed.ending, CutEnding::kNoResetTunnel);
}

TEST_F(EngineTest, WithoutMemoryForOneMoreRequestItFailsAsItIsTold) {
  for (const bool closed : {false, true}) {
    auto snapshot = std::make_shared<Snapshot>(*test::sample_snapshot());
    snapshot->limits.open_requests = 1;
    test::CollectingSink sink;
    Engine engine(snapshot, sink, HashKey{{1, 2}});
    engine.set_enforcement(Enforcement::kInPath);
    engine.set_fail_closed(closed);
    const Endpoint server{*IpAddress::parse("192.0.2.7"), 443};
    Talk first(engine);
    Talk second(engine);
    first.endpoints({*IpAddress::parse("10.0.0.1"), 4001}, server);
    second.endpoints({*IpAddress::parse("10.0.0.2"), 4002}, server);
    const std::string request = post("api.openai.com", message(std::string(3000, 'a')));
    first.handshake().client(request.substr(0, 2000));
    second.handshake().client(request.substr(0, 2000));
    EXPECT_EQ(second.last(), closed ? Action::kDrop : Action::kAllow);
    EXPECT_EQ(engine.counters().cut_unjudged.get(), closed ? 1U : 0U);
    first.client(request.substr(2000));
    EXPECT_EQ(first.last(), Action::kAllow);
    // A hole that is given up.
    Talk holed(engine);
    holed.endpoints({*IpAddress::parse("10.0.0.3"), 4003}, server);
    holed.handshake().client(request.substr(0, 2000)).lose(200).server("x");
    for (int i = 0; i < 40; ++i) holed.later(Duration::millis(100)).client("more").server("x");
    EXPECT_EQ(holed.last(), closed ? Action::kDrop : Action::kAllow);
    engine.finish();
  }
}

}  // namespace
}  // namespace weir::inspect

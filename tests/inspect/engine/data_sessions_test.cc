// Environment data and covert marks, from generated sessions of ten tools: each class is found
// where it was planted, talk of such things stays silent, and nothing that is told holds a value.
#include "bench/lab/data_sessions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "alert/native_json.h"
#include "inspect/engine/head_text.h"
#include "inspect/engine/request_pool.h"
#include "signatures/catalogue.h"

namespace weir::inspect {
namespace {

std::shared_ptr<const DetectorSet> make_set(bool company = false) {
  auto set = std::make_shared<DetectorSet>();
  config::EnvironmentSettings own;
  if (company) own = {{"jdoe4711"}, {"acme-lt-*"}, {"acme.example"}, {"core/planner"}};
  static const auto kRules =
      signatures::RuleSet::load({WEIR_SOURCE_DIR "/signatures/rules/environment.yaml",
                                 WEIR_SOURCE_DIR "/signatures/rules/environment_prompt.yaml"});
  const auto rules = company
                         ? signatures::RuleSet::load(
                               {WEIR_SOURCE_DIR "/signatures/rules/environment_prompt.yaml"}, own)
                         : kRules;
  EXPECT_TRUE(rules.has_value());
  set->rules = *rules;
  set->templates = std::make_shared<TemplateMemory>(4096);
  return set;
}

class Harness {
 public:
  explicit Harness(std::shared_ptr<const DetectorSet> set) : pool_(std::move(set), limits_) {}

  std::vector<Evidence> run(const lab::HttpRequest& request, const std::string& client) {
    SlotLease slot(pool_);
    std::vector<HeaderField> fields;
    std::vector<std::string> names;
    names.reserve(request.headers.size());
    std::string agent;
    for (const auto& [name, value] : request.headers) {
      names.push_back(name);
      std::transform(name.begin(), name.end(), names.back().begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
      fields.push_back({names.back(), value});
      if (name == "User-Agent") agent = value;
    }
    MessageHead head;
    head.target = request.target;
    head.authority = request.host;
    head.user_agent = agent;
    head.fields = fields;
    slot->detector->begin();
    slot->detector->describe({request.host, "", agent, *IpAddress::parse(client)});
    emit_head_text(head, *slot->detector);
    slot->unwrapper->begin({"http/body", request.content_type, ""}, *slot->detector);
    slot->unwrapper->on_data(as_bytes(request.body), 0);
    slot->unwrapper->end(EndReason::kComplete);
    slot->detector->finish();
    std::vector<Evidence> out;
    slot->detector->collect(out);
    return out;
  }
  std::vector<Evidence> run(const lab::DataSession& session, const std::string& client) {
    std::vector<Evidence> out;
    for (const lab::HttpRequest& request : session.requests) {
      for (Evidence& e : run(request, client)) out.push_back(std::move(e));
    }
    return out;
  }

 private:
  Limits limits_;
  RequestPool pool_;
};

std::string list(const std::vector<Evidence>& evidence) {
  std::string out;
  for (const Evidence& e : evidence) out += "  " + alert::evidence_json(e) + "\n";
  return out;
}

bool has(const std::vector<Evidence>& evidence, const lab::PlantedData& planted) {
  return std::any_of(evidence.begin(), evidence.end(), [&](const Evidence& e) {
    return e.kind == EvidenceKind::kEnvironment && e.data_class == planted.data_class &&
           e.field == planted.field;
  });
}

TEST(DataSessions, EachPlantedFieldIsFoundAndNoneElse) {
  Harness harness(make_set());
  std::set<std::string> classes;
  for (size_t tool = 0; tool < lab::kDataTools; ++tool) {
    for (uint64_t seed = 1; seed <= 4; ++seed) {
      lab::LabRandom random(seed);
      const lab::DataSession session = lab::make_data_session(tool, random);
      const auto found = harness.run(session, "10.0.0.1");
      for (const lab::PlantedData& planted : session.planted) {
        EXPECT_TRUE(has(found, planted))
            << session.tool << ": " << planted.data_class << " " << planted.field << "\n"
            << list(found);
        classes.insert(planted.data_class);
      }
      for (const Evidence& e : found) {
        EXPECT_EQ(e.kind, EvidenceKind::kEnvironment) << session.tool << list({e});
      }
      if (session.tool != "codex") {  // its header adds what stands under the workspace's path
        EXPECT_EQ(found.size(), session.planted.size()) << session.tool << "\n" << list(found);
      }
    }
  }
  EXPECT_EQ(classes.size(), 12U);
}

TEST(DataSessions, NothingThatIsToldHoldsAValue) {
  for (const bool company : {false, true}) {
    Harness harness(make_set(company));
    for (size_t tool = 0; tool < lab::kDataTools; ++tool) {
      lab::LabRandom random(7);
      const lab::DataSession session = lab::make_data_session(tool, random);
      for (const Evidence& e : harness.run(session, "10.0.0.1")) {
        const std::string line = alert::evidence_json(e);
        for (const char* secret : {"jdoe4711", "acme.example", "planner", "4711", "acme-lt-0417",
                                   "Schwerin", "Europe/Berlin", "lab-token"}) {
          EXPECT_EQ(line.find(secret), std::string::npos) << line;
        }
        for (const lab::PlantedData& planted : session.planted) {
          if (planted.value.size() < 8) continue;
          EXPECT_EQ(line.find(planted.value), std::string::npos) << line;
        }
      }
    }
  }
}

TEST(DataSessions, ValuesOfTheCompanyAreFoundUnderAnyName) {
  Harness harness(make_set(true));
  lab::HttpRequest request;
  request.host = "api.example";
  request.target = "/v1/x";
  request.content_type = "application/json";
  request.body =
      R"({"zz":"JDOE4711","a":{"b":"on acme-lt-77"},"c":"https://wiki.acme.example/x",)"
      R"("messages":[{"role":"user","content":"ask jdoe4711 about acme-lt-1"}],"d":"xjdoe4711"})";
  std::vector<std::pair<std::string, std::string>> found;
  for (const Evidence& e : harness.run(request, "10.0.0.1"))
    found.emplace_back(e.data_class, e.field);
  EXPECT_THAT(found,
              testing::UnorderedElementsAre(testing::Pair("user", "zz"), testing::Pair("host", "b"),
                                            testing::Pair("host", "c")));
}

std::vector<Evidence> anomalies(std::vector<Evidence> found) {
  std::erase_if(found, [](const Evidence& e) { return e.kind != EvidenceKind::kAnomaly; });
  return found;
}

// The marks of June 2026 in every order: with no rule for them.
TEST(Marks, ThePubliclyDescribedOnesAreFoundAndOrdinaryVariationIsNot) {
  for (size_t order = 0; order < 4; ++order) {
    Harness harness(make_set());
    lab::LabRandom random(order + 1);
    const auto run = [&](size_t variant, const std::string& client) {
      return anomalies(harness.run(lab::make_marked_session(variant, random), client));
    };
    const auto plain = run(0, "10.0.0.1");
    EXPECT_TRUE(plain.empty()) << list(plain);
    const auto other = run(5, "10.0.0.2");
    EXPECT_TRUE(other.empty()) << list(other);
    for (size_t i = 0; i < 4; ++i) {
      const size_t variant = 1 + (i + order) % 4;
      const auto found = run(variant, "10.0.1." + std::to_string(variant));
      const auto drift = std::find_if(found.begin(), found.end(),
                                      [](const Evidence& e) { return e.data_class == "drift"; });
      ASSERT_NE(drift, found.end()) << variant << "\n" << list(found);
      const char* names[] = {"", "U+2019 RIGHT SINGLE QUOTATION MARK",
                             "U+02BC MODIFIER LETTER APOSTROPHE", "U+02B9 MODIFIER LETTER PRIME",
                             "U+002F SOLIDUS"};
      EXPECT_THAT(drift->detail, testing::HasSubstr(names[variant]));
      EXPECT_THAT(drift->detail, testing::HasSubstr("to api.anthropic.com from another client"));
      EXPECT_THAT(drift->detail, testing::Not(testing::HasSubstr("10.0.")));
      if (variant <= 3) {
        const bool marked = std::any_of(found.begin(), found.end(),
                                        [](const Evidence& e) { return e.data_class == "mark"; });
        EXPECT_TRUE(marked) << list(found);
      }
    }
    // The plain ones stay the plain ones.
    const auto again = run(0, "10.0.0.3");
    EXPECT_TRUE(again.empty()) << list(again);
  }
}

TEST(Marks, EachHiddenCharacterIsFoundAndNamed) {
  Harness harness(make_set());
  for (size_t kind = 0; kind < lab::kHiddenKinds; ++kind) {
    lab::LabRandom random(kind + 1);
    const lab::DataSession session = lab::make_hidden_session(kind, random);
    const auto found = anomalies(harness.run(session, "10.0.0.1"));
    EXPECT_TRUE(std::any_of(found.begin(), found.end(),
                            [&](const Evidence& e) {
                              return e.data_class == "mark" && e.field == "system:" + session.mark;
                            }))
        << session.mark << "\n"
        << list(found);
  }
}

TEST(Marks, OrdinaryVariationAndTalkAreSilentInAnyOrder) {
  for (size_t order = 0; order < 3; ++order) {
    Harness harness(make_set());
    lab::LabRandom random(order + 11);
    for (size_t i = 0; i < 2 * lab::kOrdinaryKinds; ++i) {
      const size_t kind = (i * (order + 1) + order) % lab::kOrdinaryKinds;
      const auto found = anomalies(
          harness.run(lab::make_ordinary_session(kind, random), "10.0.2." + std::to_string(i)));
      EXPECT_TRUE(found.empty()) << kind << "\n" << list(found);
    }
    for (size_t talk = 0; talk <= lab::kTalks; ++talk) {
      const auto found = harness.run(lab::make_talk_session(talk, random), "10.0.3.1");
      EXPECT_TRUE(found.empty()) << talk << "\n" << list(found);
    }
  }
}

TEST(Marks, AnotherVersionOfTheClientIsAnotherTemplate) {
  Harness harness(make_set());
  lab::LabRandom random(3);
  (void)harness.run(lab::make_marked_session(0, random), "10.0.0.1");
  lab::DataSession other = lab::make_marked_session(4, random);
  for (lab::HttpRequest& request : other.requests) {
    request.headers[0].second = "claude-cli/2.1.170 (external, cli)";
  }
  EXPECT_TRUE(anomalies(harness.run(other, "10.0.0.2")).empty());
}

}  // namespace
}  // namespace weir::inspect

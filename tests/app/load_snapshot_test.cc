// What a configuration may name: rules of the policy are checked against rules and repositories.
#include "app/runtime/load_snapshot.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "signatures/fingerprint/index_builder.h"
#include "signatures/fingerprint/site_key.h"

namespace weir::app {
namespace {

class LoadSnapshot : public testing::Test {
 protected:
  LoadSnapshot() {
    folder = std::filesystem::temp_directory_path() / ("weir_snapshot_" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
  }
  ~LoadSnapshot() override { std::filesystem::remove_all(folder); }

  // What loading says; empty when it works.
  std::string loaded(const std::string& when, const std::string& index = {}) {
    auto settings = config::parse_settings(
        "policy:\n  - {name: asked, when: " + when + ", then: alert}\n", "weir.yaml");
    if (!settings) return settings.error().to_string();
    settings->signatures.directory = std::string(WEIR_SOURCE_DIR) + "/signatures";
    if (!index.empty()) {
      settings->protect.indexes = {index};
      settings->protect.key = (folder / "key").string();
    }
    const auto snapshot = load_snapshot(*settings);
    return snapshot ? "" : snapshot.error().to_string();
  }
  std::filesystem::path folder;
};

TEST_F(LoadSnapshot, ARuleThatDoesNotExistIsRefused) {
  EXPECT_EQ(loaded("{rule: [text, critical, name, git-blob, domain_fronting]}"), "");
  EXPECT_EQ(loaded("{rule: \"!no-such-rule\"}"),
            "weir.yaml:2: policy rule \"asked\": when.rule: no content rule has the id "
            "\"no-such-rule\"");
}

TEST_F(LoadSnapshot, ARepositoryThatNoIndexHasIsRefused) {
  ASSERT_TRUE(signatures::SiteKey::create((folder / "key").string()));
  const auto made = signatures::SiteKey::load((folder / "key").string());
  ASSERT_TRUE(made);
  signatures::IndexBuildOptions options;
  options.repositories.push_back({"orchard", std::string(WEIR_SOURCE_DIR) + "/samples/orchard"});
  const std::string index = (folder / "orchard.wfi").string();
  ASSERT_TRUE(signatures::build_index(options, *made, index, {}));
  EXPECT_EQ(loaded("{evidence: code, repository: orchard}", index), "");
  EXPECT_EQ(loaded("{evidence: code, repository: vineyard}", index),
            "weir.yaml:2: policy rule \"asked\": when.repository: no repository has the id "
            "\"vineyard\"");
  // Nobody can say without an index.
  EXPECT_EQ(loaded("{evidence: code, repository: vineyard}"), "");
}

}  // namespace
}  // namespace weir::app

// What the tests of the command line share: the program itself, a folder of their own, and a lab
// capture over the sample repository with its index, made once a process.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "bench/lab/lab_generator.h"
#include "tests/support/run_program.h"

namespace weir::test {

namespace fs = std::filesystem;
using Json = nlohmann::json;

inline const std::string kOrchard = std::string(WEIR_SOURCE_DIR) + "/samples/orchard";

inline std::vector<std::string> weir_arguments(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), WEIR_PROGRAM);
  return arguments;
}

inline ProgramResult weir(std::vector<std::string> arguments, const ProgramStreams& streams = {}) {
  return run_program(weir_arguments(std::move(arguments)), streams);
}

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (fs::temp_directory_path() / "weir-app-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] std::string operator/(std::string_view name) const {
    return (path_ / name).string();
  }
  std::string write(std::string_view name, std::string_view content) const {
    const fs::path path = path_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
    return path.string();
  }
  // A path on which every write fails. Behind a link: a program that replaced what it is told to
  // write would replace the link only.
  [[nodiscard]] std::string full() const {
    const fs::path link = path_ / "full";
    if (!fs::is_symlink(link)) fs::create_symlink("/dev/full", link);
    return link.string();
  }

 private:
  fs::path path_;
};

// While it lives, programs load the catalogue and one small rule instead of all that are shipped,
// which takes the most time of a start. For tests that are about something else.
class LeanSignatures {
 public:
  LeanSignatures() {
    for (const char* file : {"ai_services.yaml", "tools.yaml"}) {
      fs::create_symlink(std::string(WEIR_SOURCE_DIR) + "/signatures/" + file, folder_ / file);
    }
    folder_.write("rules/one.yaml",
                  "rules:\n  - {id: falcon, title: t, kind: marker, score: 0.9, pattern: Falcon9,\n"
                  "     examples: [Falcon9], counter_examples: [falcon]}\n");
    ::setenv("WEIR_SIGNATURES", (folder_ / ".").c_str(), 1);
  }
  ~LeanSignatures() { ::unsetenv("WEIR_SIGNATURES"); }
  LeanSignatures(const LeanSignatures&) = delete;
  LeanSignatures& operator=(const LeanSignatures&) = delete;

 private:
  TempFolder folder_;
};

inline std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

inline std::vector<Json> json_lines(const std::string& text) {
  std::vector<Json> out;
  for (const std::string& line : lines_of(text)) {
    out.push_back(Json::parse(line, nullptr, false));
    EXPECT_TRUE(out.back().is_object()) << line;
  }
  return out;
}

// A key that is the same in every run: what is found by chance must not come and go. Programs take
// keys from files that only their owner may read.
inline std::string write_key(const TempFolder& folder, std::string_view name, uint8_t number) {
  std::string digits;
  for (size_t i = 0; i < 32; ++i) {
    constexpr std::string_view kHex = "0123456789abcdef";
    const auto byte = static_cast<uint8_t>(number * 31U + i * 7U);
    digits += {kHex[byte >> 4U], kHex[byte & 15U]};
  }
  const std::string path = folder.write(name, digits + "\n");
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  return path;
}

// A capture of AI sessions and ordinary traffic, what it holds, an index and its key.
struct LabFiles {
  TempFolder folder;
  std::string capture = folder / "lab.pcap";
  std::string labels = folder / "labels.jsonl";
  std::string index = folder / "orchard.wfi";
  std::string key = write_key(folder, "site.key", 1);

  // The arguments with the index and its key behind them.
  [[nodiscard]] std::vector<std::string> with_index(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--index", index, "--key", key});
    return arguments;
  }
};

inline const LabFiles& lab_files() {
  static const LabFiles files;
  static const bool made = [] {
    const ProgramResult index =
        weir({"index", "build", "--repo", kOrchard, "--out", files.index, "--key", files.key});
    const ProgramResult lab =
        weir({"lab", "generate", "--code", kOrchard, "--out", files.capture, "--labels",
              files.labels, "--sessions", "30", "--background", "2", "--seed", "7"});
    EXPECT_EQ(index.exit_code, 0) << index.err;
    EXPECT_EQ(lab.exit_code, 0) << lab.err;
    return true;
  }();
  EXPECT_TRUE(made);
  return files;
}

}  // namespace weir::test

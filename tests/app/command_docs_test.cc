// docs/commands.md has a section for each command, with each option that the command's help prints.

// GCC 12 takes temporaries of its own <regex> for uninitialised when sanitizers are on.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

#include <gmock/gmock.h>

#include <map>
#include <regex>
#include <set>

#include "tests/app/weir_cli.h"

namespace weir::test {
namespace {

// Section headings "## `weir x y`" and what stands below each.
std::map<std::string, std::string> sections() {
  std::map<std::string, std::string> out;
  std::string* current = nullptr;
  for (const std::string& line :
       lines_of(read_text(std::string(WEIR_SOURCE_DIR) + "/docs/commands.md"))) {
    if (line.rfind("## ", 0) == 0) {
      std::smatch found;
      static const std::regex kHeading("^## `weir ([a-z -]+)`.*");
      current = std::regex_match(line, found, kHeading) ? &out[found[1]] : nullptr;
    } else if (current != nullptr) {
      *current += line + "\n";
    }
  }
  return out;
}

// The leaves of the tree of commands, with their help.
void collect(const std::vector<std::string>& command, std::map<std::string, std::string>& out) {
  std::vector<std::string> arguments = command;
  arguments.emplace_back("--help");
  const ProgramResult help = weir(arguments);
  EXPECT_EQ(help.exit_code, 0);
  std::vector<std::string> below;
  bool listing = false;
  for (const std::string& line : lines_of(help.out)) {
    if (line == "Subcommands:") {
      listing = true;
    } else if (listing && line.rfind("  ", 0) == 0 && line.size() > 2 && line[2] != ' ') {
      below.push_back(line.substr(2, line.find(' ', 2) - 2));
    }
  }
  if (below.empty()) {
    std::string name;
    for (const std::string& word : command) name += (name.empty() ? "" : " ") + word;
    out[name] = help.out;
  }
  for (const std::string& word : below) {
    std::vector<std::string> inner = command;
    inner.push_back(word);
    collect(inner, out);
  }
}

TEST(CommandDocs, HoldEveryCommandAndOption) {
  std::map<std::string, std::string> commands;
  collect({}, commands);
  EXPECT_GE(commands.size(), 10U);
  const std::map<std::string, std::string> documented = sections();
  size_t options = 0;
  for (const auto& [command, help] : commands) {
    const auto section = documented.find(command);
    if (section == documented.end()) {
      ADD_FAILURE() << "docs/commands.md has no section for weir " << command;
      continue;
    }
    static const std::regex kOption("--[a-z][a-z-]*");
    std::set<std::string> seen;
    for (std::sregex_iterator it(help.begin(), help.end(), kOption), end; it != end; ++it) {
      const std::string option = it->str();
      if (option == "--help" || !seen.insert(option).second) continue;
      ++options;
      EXPECT_NE(section->second.find("`" + option), std::string::npos)
          << "weir " << command << " " << option << " is not documented";
    }
    // And the other way round: what is documented exists.
    static const std::regex kDocumented("`(--[a-z][a-z-]*)");
    for (std::sregex_iterator it(section->second.begin(), section->second.end(), kDocumented), end;
         it != end; ++it) {
      EXPECT_TRUE(seen.contains((*it)[1])) << "weir " << command << " has no " << (*it)[1];
    }
  }
  for (const auto& [command, text] : documented) {
    EXPECT_TRUE(commands.contains(command)) << "there is no weir " << command;
  }
  EXPECT_GT(options, 40U);
}

}  // namespace
}  // namespace weir::test

// See sample_snapshot.h.
#include "tests/inspect/engine/sample_snapshot.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "config/settings.h"
#include "signatures/catalogue.h"
#include "signatures/content_rules.h"
#include "signatures/fingerprint/code_index.h"
#include "signatures/fingerprint/index_builder.h"
#include "signatures/fingerprint/site_key.h"

namespace weir::test {

namespace {

const std::string kSource = WEIR_SOURCE_DIR;

void append16(std::string& out, size_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 255);
}

}  // namespace

std::shared_ptr<const inspect::Snapshot> sample_snapshot() {
  static const std::shared_ptr<const inspect::Snapshot> made = [] {
    auto snapshot = std::make_shared<inspect::Snapshot>();
    auto detectors = std::make_shared<inspect::DetectorSet>();
    snapshot->catalogue = *signatures::Catalogue::load(kSource + "/signatures", {});
    detectors->rules = *signatures::RuleSet::load({kSource + "/signatures/rules"});
    signatures::SiteKey key;
    key.bytes.fill(7);
    const auto out = std::filesystem::temp_directory_path() /
                     ("weir-engine-test-" + std::to_string(getpid()) + ".wfi");
    signatures::IndexBuildOptions options;
    options.repositories.push_back({"orchard", kSource + "/samples/orchard"});
    (void)*signatures::build_index(options, key, out.string(), {});
    detectors->indexes.push_back(*signatures::CodeIndex::open(out.string(), key));
    std::filesystem::remove(out);
    snapshot->detectors = detectors;
    snapshot->policy = inspect::Policy(config::default_policy());
    return snapshot;
  }();
  return made;
}

std::string sample_lines(const std::string& path, size_t first, size_t last) {
  std::ifstream in(kSource + "/samples/orchard/" + path);
  EXPECT_TRUE(in) << path;
  std::string out;
  std::string line;
  for (size_t number = 1; std::getline(in, line); ++number) {
    if (number >= first && number <= last) out += line + "\n";
  }
  return out;
}

std::string json_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::array<char, 8> code{};
      std::snprintf(code.data(), code.size(), "\\u%04x", static_cast<unsigned>(c));
      out += code.data();
    } else {
      out += c;
    }
  }
  return out;
}

std::string sample_secret() {
  // Made up, and put together here so that no scanner of repositories takes it for a real one.
  return std::string("AKIA") + "Q4TZW7YKX2MB" + "5RNC";
}

std::string client_hello(std::string_view name) {
  std::string server_name;
  append16(server_name, name.size() + 3);
  server_name += '\0';
  append16(server_name, name.size());
  server_name += name;

  std::string extensions;
  append16(extensions, 0);
  append16(extensions, server_name.size());
  extensions += server_name;
  append16(extensions, 43);  // supported_versions: TLS 1.3
  append16(extensions, 3);
  extensions += std::string("\x02\x03\x04", 3);

  std::string body("\x03\x03", 2);
  body += std::string(32, 'r');
  body += '\0';
  body += std::string("\0\x02\x13\x01", 4);
  body += std::string("\x01\0", 2);
  append16(body, extensions.size());
  body += extensions;

  std::string record("\x16\x03\x01", 3);
  append16(record, body.size() + 4);
  record += '\x01';
  record += '\0';
  append16(record, body.size());
  return record + body;
}

std::string dns_answer(std::string_view name, const IpAddress& address) {
  std::string out("\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00", 12);
  size_t from = 0;
  while (from < name.size()) {
    const size_t dot = std::min(name.find('.', from), name.size());
    out += static_cast<char>(dot - from);
    out += name.substr(from, dot - from);
    from = dot + 1;
  }
  out += '\0';
  out += std::string("\x00\x01\x00\x01", 4);
  out += std::string("\xc0\x0c\x00\x01\x00\x01\x00\x00\x01\x2c\x00\x04", 12);
  out.append(address.bytes.begin() + 12, address.bytes.end());
  return out;
}

}  // namespace weir::test

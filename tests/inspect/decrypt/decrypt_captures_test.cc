// Real captures with their key logs: what independent tools see in clear, the decryptor sees too.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/inspect/decrypt/clear_run.h"
#include "tests/support/shared_data.h"

namespace weir::inspect {
namespace {

using test::ClearRun;

// What OpenSSL and its legacy provider, as Debian builds them, cannot open or Weir does not: RC4,
// RC2 and DES with export keys, and IDEA.
constexpr std::array kNotOpened = {0x0003, 0x0006, 0x0008, 0x0007};
constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

size_t occurrences(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

TEST(DecryptCaptures, ClientsWithKeyLogsAreDecryptedWhole) {
  WEIR_SHARED_OR_SKIP(shared);
  std::ifstream in(shared / "clients" / "index.jsonl");
  size_t captures = 0;
  for (std::string line; std::getline(in, line);) {
    const auto row = nlohmann::json::parse(line);
    if (!row.at("keylog").is_string()) continue;
    const std::string pcap = row.at("pcap");
    SCOPED_TRACE(pcap);
    ClearRun run;
    ASSERT_TRUE(run.add_keys(shared / "clients" / std::string(row.at("keylog"))));
    ASSERT_TRUE(run.run(shared / "clients" / pcap));
    ++captures;
    const std::string up = run.all(Direction::kToServer);
    for (const auto& request : row.at("requests")) {
      if (request.value("tls", "none") == "none") continue;
      const std::string path = request.at("path");
      const std::string method = request.at("method");
      if (row.at("protocol") == "h2") {
        EXPECT_GE(occurrences(up, std::string(kHttp2Preface)), 1U);
      } else {
        EXPECT_GE(occurrences(up, method + " " + path), 1U) << method << " " << path;
      }
    }
    size_t decrypted = 0;
    for (const auto& flow : run.flows) {
      if (!flow->started) continue;
      EXPECT_EQ(flow->tls.sight(), TlsSight::kDecrypted)
          << tls_sight_name(flow->tls.sight()) << ' ' << decrypt_fault_name(flow->tls.fault());
      if (flow->tls.clear_bytes(Direction::kToServer) > 0) ++decrypted;
      EXPECT_EQ(flow->tls.sealed_bytes(Direction::kToServer), 0U);
    }
    EXPECT_GE(decrypted, 1U);
    EXPECT_EQ(run.services.held_bytes, 0U);
  }
  EXPECT_GT(captures, 50U);
}

// The requests and answers that tshark shows; captures whose keys are RSA keys or QUIC are left
// out.
TEST(DecryptCaptures, RequestsThatOtherToolsDecrypt) {
  WEIR_SHARED_OR_SKIP(shared);
  std::ifstream in(shared / "captures" / "expected" / "decrypt.json");
  const auto list = nlohmann::json::parse(in);
  size_t wanted = 0;
  size_t found = 0;
  size_t closed = 0;
  for (const auto& row : list) {
    const std::string keys = row.at("keys");
    const std::string capture = row.at("capture");
    if (keys == "none" || keys.ends_with(".key") || capture.find("quic") != std::string::npos) {
      continue;
    }
    SCOPED_TRACE(capture);
    ClearRun run;
    if (keys != "DSB") {
      ASSERT_TRUE(run.add_keys(shared / "captures" / keys));
    }
    ASSERT_TRUE(run.run(shared / "captures" / capture));
    const std::string up = run.all(Direction::kToServer);
    std::map<std::string, size_t> texts;
    for (const auto& request : row.at("rows")) {
      if (request.contains("h1.request.method")) {
        ++texts[std::string(request.at("h1.request.method")) + " " +
                std::string(request.at("h1.request.uri"))];
      } else if (request.contains("http2.headers.method")) {
        texts[std::string(kHttp2Preface)] = 1;
      }
    }
    size_t unknown = 0;
    for (const auto& flow : run.flows) {
      if (flow->tls.sight() == TlsSight::kUnknownCipher) {
        ++unknown;
        const int cipher = flow->tls.info().cipher;
        EXPECT_NE(std::find(kNotOpened.begin(), kNotOpened.end(), cipher), kNotOpened.end())
            << std::hex << cipher;
      }
      EXPECT_NE(flow->tls.sight(), TlsSight::kFailed)
          << decrypt_fault_name(flow->tls.fault()) << std::hex << flow->tls.info().cipher;
    }
    if (!capture.starts_with("lekensteyn")) {
      EXPECT_EQ(unknown, 0U);
    }
    closed += unknown;
    for (const auto& [text, count] : texts) {
      wanted += count;
      const size_t got = occurrences(up, text);
      found += got;
      EXPECT_GE(got + unknown, count) << text;
    }
  }
  std::printf("%zu of %zu requests\n", found, wanted);
  EXPECT_EQ(wanted, 101U);
  EXPECT_EQ(found, 94U);
  EXPECT_EQ(closed, 7U);
}

}  // namespace
}  // namespace weir::inspect

// Real captures with their key logs: what independent tools see in clear, the decryptor sees too.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <zlib.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "tests/inspect/decrypt/clear_run.h"
#include "tests/support/shared_data.h"

namespace weir::inspect {
namespace {

using test::ClearRun;

constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

size_t occurrences(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

// The index writes bytes as the characters U+0000 to U+00FF.
std::string bytes_of(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<uint8_t>(text[i]);
    if (c < 0x80) {
      out += text[i];
    } else if (++i < text.size()) {
      out += static_cast<char>((c & 0x03U) << 6 | (static_cast<uint8_t>(text[i]) & 0x3fU));
    }
  }
  return out;
}

std::string sha256(std::string_view text) {
  std::array<uint8_t, 32> digest{};
  EXPECT_EQ(EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr), 1);
  return to_hex(digest);
}

// What a gzip stream at the front of `text` holds.
std::string gunzip(std::string_view text) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = const_cast<uint8_t*>(as_bytes(text).data());
  stream.avail_in = static_cast<unsigned>(text.size());
  std::string out;
  std::array<uint8_t, 16'384> part{};
  int status = Z_OK;
  while (status == Z_OK) {
    stream.next_out = part.data();
    stream.avail_out = part.size();
    status = inflate(&stream, Z_NO_FLUSH);
    out += as_chars(ByteSpan(part).first(part.size() - stream.avail_out));
  }
  inflateEnd(&stream);
  return status == Z_STREAM_END ? out : "";
}

// Whether an object that other tools exported stands in what was decrypted, byte by byte.
bool holds_object(const std::string& clear, const nlohmann::json& object) {
  const std::string head = bytes_of(object.at("head"));
  const size_t size = object.at("size");
  for (size_t at = clear.find(head); at != std::string::npos; at = clear.find(head, at + 1)) {
    if (at + size > clear.size()) return false;
    if (sha256(std::string_view(clear).substr(at, size)) == object.at("sha256")) return true;
  }
  constexpr std::string_view kGzip = "\x1f\x8b\x08";
  for (size_t at = clear.find(kGzip); at != std::string::npos; at = clear.find(kGzip, at + 1)) {
    if (sha256(gunzip(std::string_view(clear).substr(at))) == object.at("sha256")) return true;
  }
  return false;
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

// Files of the reference collection are open to all; keys must not be.
std::unique_ptr<ServerKeys> server_key(const std::filesystem::path& file) {
  const std::filesystem::path own = std::filesystem::path(testing::TempDir()) / "captures.key";
  std::filesystem::copy_file(file, own, std::filesystem::copy_options::overwrite_existing);
  std::filesystem::permissions(
      own, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  auto keys = ServerKeys::load({own.string()});
  std::filesystem::remove(own);
  EXPECT_TRUE(keys) << (keys ? "" : keys.error().to_string());
  return keys ? std::move(*keys) : nullptr;
}

// The requests, answers and objects that tshark shows with the same keys: key logs, secrets in the
// captures, RSA keys of servers. QUIC is the matter of QuicCaptures.
TEST(DecryptCaptures, RequestsThatOtherToolsDecrypt) {
  WEIR_SHARED_OR_SKIP(shared);
  std::ifstream in(shared / "captures" / "expected" / "decrypt.json");
  const auto list = nlohmann::json::parse(in);
  size_t captures = 0;
  size_t wanted = 0;
  size_t objects = 0;
  size_t renegotiations = 0;
  for (const auto& row : list) {
    const std::string key_file = row.at("keys");
    const std::string capture = row.at("capture");
    const bool quic = capture.find("quic") != std::string::npos || capture.ends_with("doq.pcapng");
    if (key_file == "none" || quic) continue;
    SCOPED_TRACE(capture);
    ++captures;
    std::unique_ptr<ServerKeys> private_key;
    ClearRun run;
    if (key_file.ends_with(".key")) {
      private_key = server_key(shared / "captures" / key_file);
      run.services.server_keys = private_key.get();
    } else if (key_file != "DSB") {
      ASSERT_TRUE(run.add_keys(shared / "captures" / key_file));
    }
    ASSERT_TRUE(run.run(shared / "captures" / capture));
    const std::string up = run.all(Direction::kToServer);
    const std::string down = run.all(Direction::kToClient);
    std::map<std::string, size_t> texts;
    for (const auto& request : row.at("rows")) {
      if (request.contains("h1.request.method")) {
        ++texts[std::string(request.at("h1.request.method")) + " " +
                std::string(request.at("h1.request.uri"))];
      } else if (request.contains("http2.headers.method")) {
        texts[std::string(kHttp2Preface)] = 1;
      }
    }
    bool renegotiated = false;
    for (const auto& flow : run.flows) {
      const TlsSight sight = flow->tls.sight();
      EXPECT_NE(sight, TlsSight::kUnknownCipher) << std::hex << flow->tls.info().cipher;
      EXPECT_NE(sight, TlsSight::kFailed) << decrypt_fault_name(flow->tls.fault());
      renegotiated = renegotiated || flow->tls.fault() == DecryptFault::kRenegotiation;
    }
    EXPECT_EQ(run.counters.connections_by_rsa.get(), private_key ? 1U : 0U);
    renegotiations += renegotiated ? 1 : 0;
    // What stands behind a renegotiation, which is refused, is not seen.
    if (renegotiated) continue;
    for (const auto& object : row.at("objects")) {
      ++objects;
      EXPECT_TRUE(holds_object(down, object) || holds_object(up, object)) << object.at("name");
    }
    for (const auto& [text, count] : texts) {
      wanted += count;
      EXPECT_GE(occurrences(up, text), count) << text;
    }
  }
  std::printf("%zu captures, %zu requests, %zu objects\n", captures, wanted, objects);
  EXPECT_EQ(captures, 14U);
  EXPECT_EQ(wanted, 102U);
  EXPECT_EQ(objects, 90U);
  EXPECT_EQ(renegotiations, 2U);
}

}  // namespace
}  // namespace weir::inspect

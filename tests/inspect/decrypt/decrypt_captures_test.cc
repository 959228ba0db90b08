// Real captures with their key logs: what independent tools see in clear, the decryptor sees too.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

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

// The requests and answers that tshark shows; captures whose keys are RSA keys or QUIC are left
// out.
TEST(DecryptCaptures, RequestsThatOtherToolsDecrypt) {
  WEIR_SHARED_OR_SKIP(shared);
  std::ifstream in(shared / "captures" / "expected" / "decrypt.json");
  const auto list = nlohmann::json::parse(in);
  size_t wanted = 0;
  size_t found = 0;
  size_t closed = 0;
  size_t objects = 0;
  size_t objects_closed = 0;
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
    const std::string down = run.all(Direction::kToClient);
    size_t missed = 0;
    for (const auto& object : row.at("objects")) {
      ++objects;
      if (holds_object(down, object) || holds_object(up, object)) continue;
      ++missed;
      if (unknown == 0) ADD_FAILURE() << object.at("name");
    }
    EXPECT_LE(missed, unknown);
    objects_closed += missed;
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
  std::printf("%zu of %zu objects\n", objects - objects_closed, objects);
  EXPECT_EQ(objects, 90U);
  EXPECT_EQ(objects_closed, 7U);
}

}  // namespace
}  // namespace weir::inspect

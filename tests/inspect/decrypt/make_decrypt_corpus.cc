// Writes the seed corpus of tls_decryptor_fuzz: sessions of OpenSSL with their key logs, in several
// versions and with what can happen on the way. Usage: make_decrypt_corpus FOLDER
#include <cstdio>
#include <fstream>
#include <string>

#include "tests/inspect/decrypt/tls_session.h"

namespace {

using weir::Direction;
using weir::test::Flight;
using weir::test::TlsChoice;
using weir::test::TlsSession;

void put_u16(std::string& out, size_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 0xff);
}

// `keys_at`: the chunk at which the keys come. `lost`: a chunk that is given as a gap.
std::string input_of(const TlsSession& session, size_t keys_at, size_t lost = SIZE_MAX) {
  std::string out;
  put_u16(out, session.key_log().size());
  out += session.key_log();
  size_t n = 0;
  for (const Flight& flight : session.flights()) {
    for (size_t from = 0; from < flight.bytes.size(); from += 700, ++n) {
      const size_t size = std::min<size_t>(700, flight.bytes.size() - from);
      const unsigned kind = static_cast<unsigned>(flight.direction) | (n == keys_at ? 0x10U : 0U) |
                            (n == lost ? 0x0eU : 0U);
      out += static_cast<char>(kind);
      put_u16(out, size);
      if (n == lost) continue;
      const auto* begin = flight.bytes.data() + from;
      out.append(begin, begin + size);
    }
  }
  if (keys_at > n) {
    out += '\x10';
    put_u16(out, 0);
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto write = [&](const std::string& name, const std::string& bytes) {
    std::ofstream(std::string(argv[1]) + "/" + name, std::ios::binary) << bytes;
  };
  const auto talk = [](TlsSession& session) {
    return session.handshake() && session.write(Direction::kToServer, "GET / HTTP/1.1\r\n\r\n") &&
           session.write(Direction::kToClient, "HTTP/1.1 200 OK\r\n\r\n") &&
           session.write(Direction::kToServer, std::string(900, 'x'));
  };
  bool good = true;
  struct Named {
    const char* name;
    TlsChoice choice;
  };
  TlsChoice retry;
  retry.retry = true;
  TlsChoice cbc;
  cbc.version = 0x303;
  cbc.suites = "ECDHE-ECDSA-AES128-SHA";
  TlsChoice gcm;
  gcm.version = 0x303;
  TlsChoice old = cbc;
  old.version = 0x301;
  old.encrypt_then_mac = false;
  for (const Named& row : {Named{"tls13", {}}, Named{"retry", retry}, Named{"tls12", gcm},
                           Named{"cbc", cbc}, Named{"tls10", old}}) {
    TlsSession session(row.choice);
    good = good && talk(session);
    if (row.choice.version == 0x304) {
      good = good && session.key_update(Direction::kToServer) &&
             session.write(Direction::kToServer, "new keys");
    }
    session.close(Direction::kToServer);
    write(row.name, input_of(session, 0));
    write(std::string(row.name) + "_late", input_of(session, SIZE_MAX));
    write(std::string(row.name) + "_loss", input_of(session, 0, 2));
  }
  TlsSession first{TlsChoice{}};
  good = good && talk(first);
  TlsSession second(TlsChoice{}, first);
  good = good && second.early_data("POST /early HTTP/1.1\r\n\r\n") && talk(second);
  write("early", input_of(second, 0));
  return good ? 0 : 1;
}

#include "tests/inspect/decrypt/tls_session.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <cstring>

#include "core/check.h"

namespace weir::test {
namespace {

struct Certificate {
  EVP_PKEY* key;
  X509* certificate;
};

Certificate make_certificate(EVP_PKEY* key) {
  X509* x = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  X509_gmtime_adj(X509_getm_notBefore(x), 0);
  X509_gmtime_adj(X509_getm_notAfter(x), 3600);
  X509_set_pubkey(x, key);
  X509_NAME* name = X509_get_subject_name(x);
  const std::string host = "test.example";
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, as_bytes(host).data(), -1, -1, 0);
  X509_set_issuer_name(x, name);
  WEIR_CHECK(X509_sign(x, key, EVP_sha256()) > 0);
  return {key, x};
}

const Certificate& certificate(bool rsa) {
  static const Certificate ec_made = make_certificate(EVP_EC_gen("P-256"));
  if (!rsa) return ec_made;
  static const Certificate rsa_made = make_certificate(EVP_RSA_gen(2048));
  return rsa_made;
}

int index_of_log() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

void on_key_log(const SSL* ssl, const char* line) {
  auto* log = static_cast<std::string*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), index_of_log()));
  *log += line;
  *log += '\n';
}

int select_alpn(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_size,
                const unsigned char* in, unsigned in_size, void* /*arg*/) {
  if (in_size < 2) return SSL_TLSEXT_ERR_NOACK;
  *out = in + 1;
  *out_size = in[0];
  return SSL_TLSEXT_ERR_OK;
}

int keep_session(SSL* ssl, SSL_SESSION* session) {
  auto** slot = static_cast<SSL_SESSION**>(SSL_get_ex_data(ssl, 0));
  if (slot == nullptr) return 0;
  SSL_SESSION_free(*slot);
  *slot = session;
  return 1;
}

SSL_CTX* make_context(const TlsChoice& choice, bool server) {
  SSL_CTX* ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
  SSL_CTX_set_security_level(ctx, 0);
  SSL_CTX_set_min_proto_version(ctx, choice.version);
  SSL_CTX_set_max_proto_version(ctx, choice.version);
  if (choice.suites != nullptr) {
    WEIR_CHECK((choice.version == TLS1_3_VERSION
                    ? SSL_CTX_set_ciphersuites(ctx, choice.suites)
                    : SSL_CTX_set_cipher_list(ctx, choice.suites)) == 1);
  }
  // A client that also knows TLS 1.2 is what there is in the wild, but one version is simpler.
  if (!choice.encrypt_then_mac) SSL_CTX_set_options(ctx, SSL_OP_NO_ENCRYPT_THEN_MAC);
  if (!choice.extended_master_secret) SSL_CTX_set_options(ctx, SSL_OP_NO_EXTENDED_MASTER_SECRET);
  if (!choice.tickets) SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
  SSL_CTX_set_options(ctx, SSL_OP_NO_ANTI_REPLAY | SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
  if (choice.padding > 0) SSL_CTX_set_block_padding(ctx, choice.padding);
  if (choice.most_fragment > 0) {
    SSL_CTX_set_max_send_fragment(ctx, static_cast<long>(choice.most_fragment));
  }
  if (choice.retry) SSL_CTX_set1_groups_list(ctx, server ? "P-384" : "X25519:P-384");
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_BOTH);
  if (server) {
    const Certificate& own = certificate(choice.rsa_certificate);
    WEIR_CHECK(SSL_CTX_use_certificate(ctx, own.certificate) == 1);
    WEIR_CHECK(SSL_CTX_use_PrivateKey(ctx, own.key) == 1);
    SSL_CTX_set_dh_auto(ctx, 1);
    SSL_CTX_set_max_early_data(ctx, 16384);
    SSL_CTX_set_session_id_context(ctx, as_bytes("test").data(), 4);
    SSL_CTX_set_alpn_select_cb(ctx, select_alpn, nullptr);
    if (choice.ask_client_certificate) SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
  } else {
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
  }
  return ctx;
}

}  // namespace

struct TlsSession::Impl {
  std::shared_ptr<SSL_CTX> client_context;
  std::shared_ptr<SSL_CTX> server_context;
  SSL* client = nullptr;
  SSL* server = nullptr;
  SSL_SESSION* session = nullptr;  // newest that the client may resume
  std::string key_log;
  bool early_sent = false;

  ~Impl() {
    SSL_free(client);
    SSL_free(server);
    SSL_SESSION_free(session);
  }
  SSL* of(Direction writer) const { return writer == Direction::kToServer ? client : server; }
};

std::string TlsSession::rsa_key(const char* password) {
  BIO* out = BIO_new(BIO_s_mem());
  const EVP_CIPHER* cipher = password == nullptr ? nullptr : EVP_aes_128_cbc();
  std::string secret = password == nullptr ? "" : password;
  WEIR_CHECK(PEM_write_bio_PrivateKey(out, certificate(true).key, cipher,
                                      password == nullptr ? nullptr : as_bytes(secret).data(),
                                      static_cast<int>(secret.size()), nullptr, nullptr) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out, &text);
  std::string pem(text, static_cast<size_t>(size));
  BIO_free(out);
  return pem;
}

TlsSession::TlsSession(const TlsChoice& choice) : impl_(new Impl) {
  impl_->client_context = {make_context(choice, false), SSL_CTX_free};
  impl_->server_context = {make_context(choice, true), SSL_CTX_free};
  SSL_CTX_set_ex_data(impl_->client_context.get(), index_of_log(), &impl_->key_log);
  SSL_CTX_set_keylog_callback(impl_->client_context.get(), on_key_log);
  for (const bool server : {false, true}) {
    SSL_CTX* ctx = server ? impl_->server_context.get() : impl_->client_context.get();
    SSL* ssl = SSL_new(ctx);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    (server ? impl_->server : impl_->client) = ssl;
  }
  SSL_set_connect_state(impl_->client);
  SSL_set_accept_state(impl_->server);
  SSL_set_ex_data(impl_->client, 0, &impl_->session);
  std::string host = choice.server_name;
  SSL_ctrl(impl_->client, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data());
  if (choice.alpn != nullptr) {
    std::string list(1, static_cast<char>(std::strlen(choice.alpn)));
    list += choice.alpn;
    SSL_set_alpn_protos(impl_->client, as_bytes(list).data(), static_cast<unsigned>(list.size()));
  }
}

TlsSession::TlsSession(const TlsChoice& choice, TlsSession& before, bool forgetful)
    : TlsSession(choice) {
  WEIR_CHECK(before.impl_->session != nullptr);
  if (!forgetful) {
    // The server's session cache and ticket keys are its context's.
    impl_->server_context = before.impl_->server_context;
    SSL_free(impl_->server);
    impl_->server = SSL_new(impl_->server_context.get());
    SSL_set_bio(impl_->server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(impl_->server);
  }
  WEIR_CHECK(SSL_set_session(impl_->client, before.impl_->session) == 1);
}

TlsSession::~TlsSession() = default;

const std::string& TlsSession::key_log() const { return impl_->key_log; }
bool TlsSession::resumed() const { return SSL_session_reused(impl_->client) == 1; }
bool TlsSession::early_accepted() const {
  return SSL_get_early_data_status(impl_->client) == SSL_EARLY_DATA_ACCEPTED;
}

void TlsSession::pump(Direction from) {
  std::array<uint8_t, 65536> buffer;
  BIO* out = SSL_get_wbio(impl_->of(from));
  for (int got = 0; (got = BIO_read(out, buffer.data(), sizeof(buffer))) > 0;) {
    const ByteSpan part = ByteSpan(buffer).first(static_cast<size_t>(got));
    if (flights_.empty() || flights_.back().direction != from) flights_.push_back({from, {}});
    auto& bytes = flights_.back().bytes;
    bytes.insert(bytes.end(), part.begin(), part.end());
    BIO_write(SSL_get_rbio(impl_->of(reverse(from))), buffer.data(), got);
  }
}

bool TlsSession::pump_all() {
  std::array<uint8_t, 65536> buffer;
  for (int i = 0; i < 4; ++i) {
    for (const Direction d : {Direction::kToServer, Direction::kToClient}) {
      pump(d);
      SSL* reader = impl_->of(reverse(d));
      while (SSL_read(reader, buffer.data(), sizeof(buffer)) > 0) {
      }
      if (SSL_get_error(reader, -1) == SSL_ERROR_SSL) return false;
    }
  }
  return true;
}

bool TlsSession::early_data(std::string_view text) {
  size_t written = 0;
  if (SSL_write_early_data(impl_->client, text.data(), text.size(), &written) != 1) return false;
  text_[Direction::kToServer] += text;
  impl_->early_sent = true;
  pump(Direction::kToServer);
  std::array<uint8_t, 65536> buffer;
  int state = 0;
  while ((state = SSL_read_early_data(impl_->server, buffer.data(), buffer.size(), &written)) ==
         SSL_READ_EARLY_DATA_SUCCESS) {
  }
  pump(Direction::kToClient);
  return true;
}

bool TlsSession::handshake() {
  std::array<uint8_t, 65536> buffer;
  size_t read = 0;
  for (int i = 0; i < 8; ++i) {
    const int client = SSL_do_handshake(impl_->client);
    pump(Direction::kToServer);
    if (impl_->early_sent) {
      while (SSL_read_early_data(impl_->server, buffer.data(), buffer.size(), &read) ==
             SSL_READ_EARLY_DATA_SUCCESS) {
      }
    }
    const int server = SSL_do_handshake(impl_->server);
    pump(Direction::kToClient);
    if (client == 1 && server == 1) return pump_all();
  }
  return false;
}

bool TlsSession::write(Direction d, std::string_view text) {
  const int wrote = SSL_write(impl_->of(d), text.data(), static_cast<int>(text.size()));
  if (wrote != static_cast<int>(text.size())) return false;
  text_[d] += text;
  return pump_all();
}

bool TlsSession::key_update(Direction d, bool ask_back) {
  return SSL_key_update(impl_->of(d),
                        ask_back ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED) == 1 &&
         SSL_do_handshake(impl_->of(d)) == 1 && pump_all();
}

bool TlsSession::renegotiate() {
  return SSL_renegotiate(impl_->client) == 1 && (SSL_do_handshake(impl_->client), pump_all());
}

void TlsSession::close(Direction d) {
  SSL_shutdown(impl_->of(d));
  pump(d);
}

std::vector<uint8_t> TlsSession::bytes(Direction d) const {
  std::vector<uint8_t> out;
  for (const Flight& flight : flights_) {
    if (flight.direction == d) out.insert(out.end(), flight.bytes.begin(), flight.bytes.end());
  }
  return out;
}

}  // namespace weir::test

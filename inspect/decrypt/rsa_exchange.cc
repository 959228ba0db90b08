#include "inspect/decrypt/rsa_exchange.h"

#include <algorithm>

#include "core/byte_reader.h"
#include "inspect/decrypt/tls_keys.h"

namespace weir::inspect {
namespace {

constexpr size_t kMostTicket = 4096;
constexpr size_t kMasterBytes = 48;

void append_hash(HashKind kind, const std::array<ByteSpan, 3>& parts, std::vector<uint8_t>& out) {
  const size_t at = out.size();
  out.resize(at + hash_bytes(kind));
  (void)hash_of(kind, parts, out.data() + at);
}

}  // namespace

void RsaExchange::add(Direction d, ByteSpan part) noexcept {
  if (over_ || !whole_ || !master_.empty()) return;
  if (hello_ && (!extended_ || resumed_)) return;
  const size_t size = transcript_[d].size() + transcript_[reverse(d)].size() + part.size();
  if (size > kMostTranscript || !transcript_[d].append(part)) {
    whole_ = false;
    forget_transcript();
  }
}

void RsaExchange::forget_transcript() noexcept {
  for (BudgetedBytes& side : transcript_.slot) side.free();
}

void RsaExchange::give_up() noexcept {
  over_ = true;
  forget_transcript();
}

void RsaExchange::on_client_hello(Direction client, ByteSpan session_id, ByteSpan ticket) {
  client_ = client;
  offered_id_.assign(session_id.begin(), session_id.end());
  offered_ticket_.clear();
  if (ticket.size() <= kMostTicket) offered_ticket_.assign(ticket.begin(), ticket.end());
}

void RsaExchange::on_server_hello(ByteSpan session_id, bool extended_master) {
  hello_ = true;
  extended_ = extended_master;
  session_id_.assign(session_id.begin(), session_id.end());
  // A client that resumes by ticket offers an id too, so that it can tell.
  resumed_ = !session_id_.empty() && session_id_ == offered_id_;
  if (!extended_ || resumed_) forget_transcript();
}

void RsaExchange::on_certificate(ByteSpan body) noexcept {
  ByteReader in(body);
  in.skip(3);  // length of the chain
  const ByteSpan leaf = in.take(in.u24());
  if (in.ok()) key_ = keys_.find(leaf);
}

void RsaExchange::on_client_key_exchange(uint16_t version, ByteSpan body, size_t behind) noexcept {
  ByteReader in(body);
  // SSL 3.0 has no length before it.
  const ByteSpan sealed = version == kSsl30 ? in.rest() : in.take(in.u16());
  if (!in.ok() || sealed.size() > ServerKeys::kMaxModulus) return;
  sealed_.assign(sealed.begin(), sealed.end());
  const size_t taken = transcript_[client_].size();
  client_used_ = taken - std::min(taken, behind);
}

bool RsaExchange::ready() const noexcept {
  if (over_ || !hello_ || !master_.empty()) return false;
  if (resumed_) return true;
  return !sealed_.empty() && (!extended_ || answered_);
}

bool RsaExchange::open(uint16_t version, HashKind prf, const TlsRandom& client_random,
                       const TlsRandom& server_random, Timestamp now, Secret& master) noexcept {
  if (resumed_) {
    over_ = !keys_.recall(ServerKeys::Handle::kTicket, offered_ticket_, master_) &&
            !keys_.recall(ServerKeys::Handle::kId, session_id_, master_);
    std::vector<uint8_t>().swap(offered_ticket_);
    master = master_;
    return !over_;
  }
  Secret premaster;
  std::array<uint8_t, kMasterBytes> bytes{};
  bool good = key_ && keys_.open(*key_, sealed_, premaster);
  if (extended_) {
    std::vector<uint8_t> hash;
    good = good && whole_ && hash_of_session(version, prf, hash) &&
           tls_prf(version, prf, premaster.bytes(), "extended master secret", hash, {}, bytes);
  } else {
    good = good && tls_prf(version, prf, premaster.bytes(), "master secret", client_random,
                           server_random, bytes);
  }
  forget_transcript();
  std::vector<uint8_t>().swap(sealed_);
  over_ = !good;
  if (!good) return false;
  master_.assign(bytes);
  wipe_memory(bytes.data(), bytes.size());
  if (!session_id_.empty()) {
    keys_.remember(ServerKeys::Handle::kId, session_id_, master_, now);
  }
  master = master_;
  return true;
}

void RsaExchange::on_ticket(ByteSpan body, Timestamp now) {
  ByteReader in(body);
  in.skip(4);  // lifetime
  const ByteSpan ticket = in.take(in.u16());
  if (!in.ok() || ticket.empty() || ticket.size() > kMostTicket || master_.empty()) return;
  keys_.remember(ServerKeys::Handle::kTicket, ticket, master_, now);
}

// All messages up to the client's key exchange, in the order of the protocol: the client's hello,
// the server's flight, the client's.
bool RsaExchange::hash_of_session(uint16_t version, HashKind prf,
                                  std::vector<uint8_t>& out) const noexcept {
  // A peer that sends its hellos twice may have made the transcript be forgotten in between.
  const ByteSpan all = transcript_[client_].bytes();
  if (client_used_ > all.size()) return false;
  const ByteSpan client = all.first(client_used_);
  ByteReader in(client);
  in.skip(1);
  in.skip(in.u24());
  if (!in.ok()) return false;
  const size_t hello = client.size() - in.remaining();
  const std::array<ByteSpan, 3> parts{client.first(hello), transcript_[reverse(client_)].bytes(),
                                      client.subspan(hello)};
  if (version >= kTls12) {
    append_hash(prf, parts, out);
  } else {
    append_hash(HashKind::kMd5, parts, out);
    append_hash(HashKind::kSha1, parts, out);
  }
  return true;
}

}  // namespace weir::inspect

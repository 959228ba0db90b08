// Decrypts a TLS connection (1.0 to 1.3; RFC 2246, 4346, 5246, 8446; SSL 3.0, RFC 6101) whose
// secrets a key log gave, from the two byte streams of TCP. Keys may come late: ciphertext of flows
// of interest is held for a while. Every record is authenticated; after lost packets the thread is
// searched again by trying record numbers. Not read: SSL 2, compression, what follows a
// renegotiation, the inner name and keys of an accepted Encrypted Client Hello.
//
// Calls: poll_keys(time of the packet) before the packet's bytes; on_data, on_gap, on_end as for
// every decoder; finish() when the flow is forgotten. While waiting(), keep the flow beyond its TCP
// end and poll now and then, as keys may still come.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/limits.h"
#include "inspect/decrypt/cipher_hold.h"
#include "inspect/decrypt/clear_sink.h"
#include "inspect/decrypt/decrypt_counters.h"
#include "inspect/decrypt/handshake_reader.h"
#include "inspect/decrypt/key_store.h"
#include "inspect/decrypt/record_opener.h"
#include "inspect/decrypt/rsa_exchange.h"
#include "inspect/identify/tls_decoder.h"

namespace weir::inspect {

// How much of a connection could be seen.
enum class TlsSight : uint8_t {
  kPending,         // nothing encrypted yet
  kWaiting,         // ciphertext is held until keys come
  kDecrypted,       // all of it so far
  kPartly,          // fault() and the byte counts say what is missing
  kNoKey,           // no key log had this session
  kNoHandshake,     // the hellos were not seen, so no session could be looked up
  kUnknownVersion,  // SSL 2 and the like
  kUnknownCipher,
  kFailed,  // keys were known, but did not open anything
};
// Why a direction was given up; the first reason of the connection.
enum class DecryptFault : uint8_t {
  kNone,
  kNoKey,
  kNoHandshake,
  kUnknownVersion,
  kUnknownCipher,
  kWrongKey,       // the first record was not authentic
  kBadRecord,      // a later one was not
  kBadFraming,     // no record header where one must be
  kLostRecords,    // not found again after a gap
  kRenegotiation,  // new keys, which are not followed
};
[[nodiscard]] std::string_view tls_sight_name(TlsSight sight) noexcept;
[[nodiscard]] std::string_view decrypt_fault_name(DecryptFault fault) noexcept;

// What the decryptors of one worker share. All must outlive them.
struct DecryptServices {
  const Limits& limits;
  const KeyStore& keys;
  TlsCounters& tls;
  DecryptCounters& counters;
  uint64_t held_bytes = 0;  // in all flows
  Duration key_delay{};     // keys count as come only so long after the ClientHello
  const ServerKeys* server_keys = nullptr;
  ByteBudget* handshake_room = nullptr;  // for messages that come in parts

  // Of using a server's key, which takes time: so many a second.
  Timestamp exchange_second{};
  size_t exchanges = 0;
  [[nodiscard]] bool may_exchange(Timestamp now) noexcept {
    if (now - exchange_second >= Duration::seconds(1) || now < exchange_second) {
      exchange_second = now;
      exchanges = 0;
    }
    return ++exchanges <= limits.rsa_exchanges_per_second;
  }

  // Of what all flows may hold, a quarter is kept free for flows to AI services.
  [[nodiscard]] uint64_t may_hold_in_all(bool priority) const noexcept {
    return limits.hold_bytes_total - (priority ? 0 : limits.hold_bytes_total / 4);
  }
};

class TlsDecryptor final : public StreamDecoder {
 public:
  // `of_interest`: hold ciphertext while keys are missing. Both references must outlive this.
  TlsDecryptor(DecryptServices& services, ClearSink& sink, bool of_interest);
  ~TlsDecryptor() override;
  TlsDecryptor(const TlsDecryptor&) = delete;
  TlsDecryptor& operator=(const TlsDecryptor&) = delete;

  // kDone: nothing of use will follow, and the hellos were read as far as they came.
  DecodeStatus on_data(Direction, ByteSpan data) noexcept override;
  DecodeStatus on_gap(Direction, uint64_t bytes) noexcept override;
  void on_end(Direction, EndReason) noexcept override;
  // Gives out what held ciphertext can now be decrypted; drops what was held for too long.
  [[nodiscard]] DecodeStatus poll_keys(Timestamp now) noexcept;
  // The flow is forgotten: drops what is held and ends both directions.
  void finish(EndReason reason) noexcept;
  // Becomes known with the server's name, usually.
  void set_of_interest(bool of_interest) noexcept { of_interest_ = of_interest; }

  // To an AI service: may use what is kept free for such when many flows wait.
  void set_priority(bool priority) noexcept { priority_ = priority; }

  // Ciphertext is held and may still be decrypted.
  [[nodiscard]] bool waiting() const noexcept { return hold_.bytes() > 0; }
  // Hellos, certificate: as TlsDecoder reads them, with the ALPN also where it was encrypted.
  [[nodiscard]] const TlsInfo& info() const noexcept { return names_.info(); }
  [[nodiscard]] std::string_view alpn() const noexcept {
    return alpn_.empty() ? std::string_view(names_.info().alpn) : std::string_view(alpn_);
  }
  // Names of a certificate that was encrypted (TLS 1.3); info() has those in clear.
  [[nodiscard]] const std::vector<std::string>& certificate_names() const noexcept {
    return certificate_names_;
  }
  // Grows whenever info() or alpn() learns something.
  [[nodiscard]] uint32_t changes() const noexcept { return names_.changes() + changes_; }

  [[nodiscard]] TlsSight sight() const noexcept;
  [[nodiscard]] DecryptFault fault() const noexcept { return fault_; }
  // Application data given out, and encrypted bytes that were not decrypted.
  [[nodiscard]] uint64_t clear_bytes(Direction d) const noexcept { return sides_[d].clear_bytes; }
  [[nodiscard]] uint64_t sealed_bytes(Direction d) const noexcept { return sides_[d].sealed_bytes; }

 private:
  enum class Framing : uint8_t {
    kHeader,
    kBody,
    kSkip,  // the rest of a record of which a part was lost
    kScan,  // looking for a record header
  };
  // Which keys records are protected with. kLegacy: of TLS 1.2 and before.
  enum class Epoch : uint8_t { kClear, kEarly, kHandshake, kTraffic, kLegacy };
  struct Side {
    Framing framing = Framing::kHeader;
    Epoch epoch = Epoch::kClear;
    RecordHeader header{};
    uint8_t header_fill = 0;
    uint8_t failed = 0;  // records that no trial opened, since the last one that one did
    bool waiting = false;
    bool dead = false;        // given up, or closed by its peer
    bool ended = false;       // the sink was told so
    bool told = false;        // the sink was told anything
    bool opened = false;      // at least one record
    bool gap = false;         // bytes were lost
    bool resync = false;      // epoch and number of the next record are not certain
    bool scanning = false;    // where records begin is not certain either
    bool loss_sized = false;  // lost_wire is exact
    bool pending_end = false;
    EndReason end_reason = EndReason::kComplete;
    uint32_t left = 0;                  // of the body
    uint32_t fill = 0;                  // of the buffer
    uint32_t room = 0;                  // of the buffer
    std::unique_ptr<uint8_t[]> buffer;  // a record that comes in parts; plaintext
    uint64_t seq = 0;
    uint64_t lost_wire = 0;  // bytes since the last record that was opened, while kScan or resync
    uint64_t seq_hint = 0;   // about how many records passed unseen
    uint64_t clear_bytes = 0;
    uint64_t sealed_bytes = 0;
    uint64_t trial_bytes = 0;  // spent on trials since the loss
    Secret handshake;
    Secret traffic;
    RecordOpener opener;
    HandshakeReader messages;
  };
  struct Trial;

  // tls_decryptor.cc: records.
  void take(Direction d, ByteSpan data);
  void process(Direction d, ByteSpan data);
  void begin_body(Direction d, ByteSpan& data);
  void on_record(Direction d, ByteSpan body);
  void on_clear_record(Direction d, ByteSpan body);
  void on_tls13_record(Direction d, ByteSpan body);
  void on_tls12_record(Direction d, ByteSpan body);
  void on_tls13_plain(Direction d, ByteSpan plain);
  void on_content(Direction d, uint8_t type, ByteSpan content);

  // tls_decryptor_messages.cc: the handshake.
  void read_messages(Direction d, ByteSpan part);
  void on_message(Direction d, const HandshakeMessage& message, size_t behind);
  void on_clear_message(Direction d, const HandshakeMessage& message, size_t behind);
  void on_exchange_message(Direction d, const HandshakeMessage& message, size_t behind);
  void on_client_hello(Direction d, ByteSpan body);
  void on_ssl2_hello(Direction d, ByteSpan body);
  void on_server_hello(ByteSpan body);
  void on_encrypted_extensions(ByteSpan body);
  void on_certificate(ByteSpan body);

  // tls_decryptor.cc: the state of a direction.
  void do_without_server_hello() noexcept;
  void enter(Direction d, Epoch epoch);
  void give_up(Direction d, DecryptFault fault);
  void tell_gap(Direction d, uint64_t bytes);
  void tell_end(Direction d, EndReason reason);
  void count_sealed(Direction d, uint64_t bytes);
  uint8_t* room_for(Side& side, size_t bytes);
  [[nodiscard]] DecodeStatus status() noexcept;
  [[nodiscard]] bool is_client(Direction d) const noexcept { return d == client_; }

  // tls_decryptor_keys.cc: finding keys, and ciphertext that waits for them.
  [[nodiscard]] bool need_keys(Direction d, ByteSpan body);
  [[nodiscard]] bool look_up();
  [[nodiscard]] bool open_exchange();
  [[nodiscard]] bool settle();
  [[nodiscard]] bool take_secrets(const SessionSecrets& found);
  void hold(Direction d, ByteSpan data);
  void hold_gap(Direction d, uint64_t bytes);
  void catch_up();
  void go_on_behind(Direction d, const CipherHold::Dropped& dropped);
  void drop_hold();
  [[nodiscard]] uint64_t may_hold(Direction d) const noexcept;
  [[nodiscard]] bool blocked() const noexcept {
    return sides_[Direction::kToServer].waiting || sides_[Direction::kToClient].waiting;
  }

  // tls_decryptor_loss.cc: after lost bytes.
  void lose(Direction d, uint64_t bytes);
  void lose_record(Direction d, size_t body_bytes);
  void begin_scan(Direction d, uint64_t wire, bool sized);
  void scan(Direction d, ByteSpan& data);
  [[nodiscard]] bool header_fits(Direction d) const noexcept;
  void open_by_trial(Direction d, ByteSpan body);
  [[nodiscard]] bool try_one(Direction d, const Trial& trial, const TlsSuite& suite, ByteSpan body);
  void found_again(Direction d, const Trial& trial, const TlsSuite& suite, uint64_t seq);

  DecryptServices& services_;
  ClearSink& sink_;
  TlsDecoder names_;
  bool names_done_ = false;
  bool of_interest_;
  bool priority_ = false;
  Direction client_ = Direction::kToServer;
  PerDirection<Side> sides_;

  // The handshake.
  bool client_hello_ = false;
  bool server_hello_ = false;
  bool server_hello_lost_ = false;
  bool hello_retry_ = false;
  bool early_offered_ = false;
  bool early_told_ = false;      // decrypted 0-RTT data was given out
  bool early_gap_told_ = false;  // 0-RTT data was passed over
  bool encrypt_then_mac_ = false;
  uint16_t version_ = 0;  // 0: not known yet
  TlsRandom client_random_{};
  TlsRandom server_random_{};
  const TlsSuite* suite_ = nullptr;
  DecryptFault unusable_ = DecryptFault::kNone;  // what the hellos say cannot be decrypted
  std::string alpn_;
  std::vector<std::string> certificate_names_;
  uint32_t changes_ = 0;

  // Keys.
  bool ready_ = false;
  bool settle_ = false;  // waited long enough: what secrets there are must do
  bool expired_ = false;
  uint64_t seen_generation_ = 0;
  Secret early_secret_;
  std::unique_ptr<RsaExchange> exchange_;  // while a server's key may open the handshake
  PerDirection<RecordKeys> keys_;          // TLS 1.2 and before, by the flow's directions
  CipherHold hold_;
  Timestamp now_;
  Timestamp hello_time_;
  Timestamp waiting_since_;

  DecryptFault fault_ = DecryptFault::kNone;
  std::vector<uint8_t> trial_;
};

}  // namespace weir::inspect

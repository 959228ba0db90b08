// Decrypts one QUIC connection (versions 1 and 2: RFC 9000, 9001, 9369, and the drafts that share
// their keys) whose secrets a key log gave, and puts its streams in order. Keys may come late:
// packets are held for a while. Knows the connection's ids, so that its packets are recognised on
// another path. No acknowledgement is followed: what a mirror did not see is a hole, given up after
// a time, at a limit or at the end.
//
// Calls: begin() with the datagram of the first client Initial; on_datagram() with each datagram of
// the connection, that one included; finish() once. poll() when keys may have come.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "inspect/decrypt/handshake_reader.h"
#include "inspect/decrypt/quic_counters.h"
#include "inspect/decrypt/quic_opener.h"
#include "inspect/decrypt/quic_reassembly.h"
#include "inspect/decrypt/quic_sink.h"
#include "inspect/decrypt/tls_decryptor.h"
#include "inspect/identify/quic_header.h"

namespace weir::inspect {

struct QuicFrame;

// What the connections of one worker share. All must outlive them.
struct QuicDecryptServices {
  DecryptServices& shared;  // limits, keys, held bytes
  QuicDecryptCounters& counters;
  uint64_t stream_held = 0;  // memory of what is out of order in all connections
  std::vector<uint8_t> plain = std::vector<uint8_t>(kMaxQuicPacket);
};

class QuicConnection {
 public:
  // `of_interest`: hold packets while keys are missing. Both references must outlive this.
  QuicConnection(QuicDecryptServices& services, QuicSink& sink, bool of_interest) noexcept;
  ~QuicConnection();
  QuicConnection(const QuicConnection&) = delete;
  QuicConnection& operator=(const QuicConnection&) = delete;

  // False when no client Initial that opens stands in front of the datagram: then there is no
  // connection here.
  [[nodiscard]] bool begin(ByteSpan datagram) noexcept;
  // `hint`: the way of the datagram, where its ids do not tell. kToServer: from the client.
  // True when a packet of it opened that only the two peers can make.
  bool on_datagram(Direction hint, ByteSpan datagram, Timestamp now) noexcept;
  // How long the id is that leads to that side and that the datagram is sent to; 0: none is known.
  [[nodiscard]] size_t known_id(Direction to, ByteSpan datagram) const noexcept;
  // Of a flow to an AI service: see hold_bytes_total.
  void set_priority(bool priority) noexcept { priority_ = priority; }
  // A 0-RTT or 1-RTT packet was opened.
  [[nodiscard]] bool proven() const noexcept {
    return sides_[Direction::kToServer].opened + sides_[Direction::kToClient].opened > 0;
  }
  // Which way a datagram goes by its ids; `hint` where they do not tell.
  [[nodiscard]] Direction direction_of(Direction hint, ByteSpan datagram) const noexcept;
  // New keys may have come, or time has passed.
  void poll(Timestamp now) noexcept;
  // The connection is forgotten: what is held is given out or dropped.
  void finish(EndReason reason) noexcept;

  // Packets are held that may still be decrypted.
  [[nodiscard]] bool waiting() const noexcept { return !held_.empty(); }
  // Something is missing in a stream, and poll() gives it up in time.
  [[nodiscard]] bool has_holes() const noexcept { return oldest_hole_.ns != 0; }
  // As the server chose it; empty until it was seen.
  [[nodiscard]] std::string_view alpn() const noexcept { return alpn_; }
  [[nodiscard]] TlsSight sight() const noexcept;
  [[nodiscard]] DecryptFault fault() const noexcept;
  // Of packets of the client that were not decrypted (so far, while waiting).
  [[nodiscard]] uint64_t sealed_bytes() const noexcept { return sealed_bytes_; }

 private:
  enum Level : uint8_t { kInitial, kEarly, kHandshake, kOneRtt };
  static constexpr size_t kLevels = 4;
  struct LevelKeys {
    QuicMask mask;
    std::unique_ptr<QuicAead> aead = std::make_unique<QuicAead>();
    const TlsSuite* suite = nullptr;
  };
  // 1-RTT keys change: the generations before and after that of the level, and the secret of the
  // next.
  struct Phases {
    bool bit = false;
    uint64_t begin = 0;  // lowest packet number seen of the current phase
    Secret secret;       // of `next`, once there is one; else of the current phase, or empty
    std::unique_ptr<QuicAead> previous;
    std::unique_ptr<QuicAead> next;
  };
  struct Side {
    std::array<std::unique_ptr<LevelKeys>, kLevels> keys;
    std::array<uint64_t, 3> next_pn{};  // by packet number space
    Phases phases;
    std::array<QuicReassembly, 2> crypto;  // Initial, Handshake
    std::array<HandshakeReader, 2> messages;
    std::vector<std::pair<std::array<uint8_t, kMaxQuicId>, uint8_t>> ids;  // that lead to this side
    uint8_t id_size = 0;                                                   // of the first of them
    uint32_t failed = 0;  // packets in a row that did not open
    uint64_t opened = 0;  // 0-RTT and 1-RTT
    uint64_t sealed = 0;
    uint64_t not_opened = 0;
  };
  struct HeldPacket {
    Direction direction;
    uint32_t size;
  };
  struct Stream {
    QuicReassembly bytes;
    uint64_t used = 0;
    uint64_t final_size = ~uint64_t{0};
    Timestamp hole_since;
    bool reset = false;  // at final_size
  };
  using StreamMap = std::unordered_map<uint64_t, Stream>;

  // quic_connection.cc: datagrams and packets.
  [[nodiscard]] const QuicVersionTraits* traits() const noexcept;
  void on_long(Direction d, const QuicLongHeader& header, ByteSpan packet);
  void on_initial(Direction d, const QuicLongHeader& header, ByteSpan packet);
  // True when it opened.
  bool on_protected(Direction d, Level level, ByteSpan packet, size_t pn_offset);
  [[nodiscard]] bool version_settled() const noexcept;
  [[nodiscard]] bool set_initial_keys(const QuicVersionTraits& traits, ByteSpan dcid);
  [[nodiscard]] static bool has_id(const Side& side, ByteSpan start) noexcept;
  [[nodiscard]] size_t short_id_size(Direction d, ByteSpan packet) const noexcept;
  void add_id(Direction to, ByteSpan id);
  void read_frames(Direction d, Level level, ByteSpan payload);
  void read_crypto(Direction d, size_t space, uint64_t offset, ByteSpan data);
  void on_message(Direction d, const HandshakeMessage& message);

  // quic_connection_keys.cc: finding keys, packets that wait for them, changing them.
  void look_up();
  [[nodiscard]] const Secret& secret_of(Direction d, Level level) const noexcept;
  [[nodiscard]] std::unique_ptr<LevelKeys> make_keys(Direction d, Level level,
                                                     uint16_t suite) const;
  [[nodiscard]] bool open(Direction d, Level level, ByteSpan packet, size_t pn_offset,
                          ByteSpan& payload);
  [[nodiscard]] bool open_with(LevelKeys& keys, Direction d, Level level, ByteSpan packet,
                               size_t pn_offset, ByteSpan& payload);
  [[nodiscard]] bool open_phase(LevelKeys& keys, Direction d, const QuicUnmasked& unmasked,
                                uint64_t pn, ByteSpan packet, size_t pn_offset, ByteSpan& payload);
  [[nodiscard]] bool prepare_next(const LevelKeys& keys, Direction d);
  void hold(Direction d, ByteSpan packet);
  void catch_up();
  void drop_held() noexcept;
  void count_sealed(Direction d, size_t bytes) noexcept;

  // quic_connection_streams.cc
  void on_stream_frame(Direction d, const QuicFrame& frame);
  void on_server_stream(const QuicFrame& frame);
  void on_reset(Direction d, const QuicFrame& frame);
  [[nodiscard]] Stream* find_or_add(uint64_t id);
  void give_up_hole(uint64_t id, Stream& stream, uint64_t offset);
  void end_stream(StreamMap::iterator at, EndReason reason);
  void skip_old_holes();
  void set_stream_held(uint64_t bytes) noexcept;
  void evict_one();
  [[nodiscard]] bool was_closed(uint64_t id) const noexcept;
  void note_closed(uint64_t id);

  QuicDecryptServices& services_;
  QuicSink& sink_;
  bool of_interest_;
  bool priority_ = false;
  bool finished_ = false;
  bool closed_ = false;

  uint32_t version_ = 0;  // of the last long header that opened until the server has chosen
  const QuicVersionTraits* initial_traits_ = nullptr;
  std::array<uint8_t, kMaxQuicId> initial_id_{};  // what the Initial keys come from
  uint8_t initial_id_size_ = 0;
  PerDirection<Side> sides_;

  bool client_hello_ = false;
  TlsRandom client_random_{};
  uint16_t suite_ = 0;  // of the ServerHello, or found by trial; 0: not known yet
  std::string alpn_;

  bool keyed_ = false;
  uint64_t seen_generation_ = 0;
  SessionSecrets secrets_;

  std::vector<HeldPacket> held_;
  std::vector<uint8_t> held_bytes_;
  PerDirection<uint64_t> held_of_;
  bool expired_ = false;
  bool catching_up_ = false;
  Timestamp waiting_since_;
  Timestamp now_;

  StreamMap streams_;
  uint64_t clock_ = 0;
  // Taken by all streams, and by the handshake; also counted in services_.stream_held.
  uint64_t stream_held_ = 0;
  uint64_t crypto_held_ = 0;
  Timestamp oldest_hole_;
  std::array<QuicReassembly, 4> server_streams_;  // one-way streams 3, 7, 11, 15
  // Ids of streams that are over, without their two type bits, by type: ascending ranges.
  std::array<std::vector<std::pair<uint64_t, uint64_t>>, 4> over_;
  // Up to here ids count as over though their streams may not have been seen; by type.
  std::array<uint64_t, 4> over_joined_{};
  uint64_t authenticated_ = 0;  // packets opened with keys of the handshake
  uint64_t holes_ = 0;
  bool frames_unread_ = false;  // of packets that opened
  uint64_t sealed_bytes_ = 0;
};

}  // namespace weir::inspect

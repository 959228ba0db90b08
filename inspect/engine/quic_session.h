// One decrypted QUIC connection and what it carries: HTTP/3 to a RequestInspector; streams of any
// other protocol are read as they are. Findings name the flow that the connection began in, also
// when it goes on over other paths.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <unordered_map>

#include "inspect/decrypt/quic_connection.h"
#include "inspect/engine/flow_dossier.h"
#include "inspect/engine/request_inspector.h"
#include "inspect/engine/stream_tunnels.h"
#include "inspect/http/http3_decoder.h"

namespace weir::inspect {

// Counters and working memory that the QUIC connections of one worker share.
struct QuicServices {
  // `of_worker` decrypts, and must outlive this.
  explicit QuicServices(DecoderServices& of_worker);
  QuicDecryptCounters counters;
  Http3Counters http3;
  QuicDecryptServices decrypt;
  DecoderServices& decoders;
};

// Where a session's connection ids are looked up.
class QuicIdTable {
 public:
  virtual ~QuicIdTable() = default;
  virtual void add_id(ByteSpan id, class QuicSession& session) noexcept = 0;
  virtual void remove_id(ByteSpan id, class QuicSession& session) noexcept = 0;
};

class QuicSession final : public QuicSink,
                          public TunnelSink,
                          public std::enable_shared_from_this<QuicSession> {
 public:
  QuicSession(QuicServices& services, QuicIdTable& ids, std::shared_ptr<FlowDossier> dossier,
              bool hold_for_keys);
  ~QuicSession() override;
  QuicSession(const QuicSession&) = delete;
  QuicSession& operator=(const QuicSession&) = delete;

  // See QuicConnection.
  [[nodiscard]] bool begin(ByteSpan datagram) noexcept { return connection_.begin(datagram); }
  bool on_datagram(Direction hint, ByteSpan datagram) noexcept;
  void poll() noexcept;
  // Ends its requests, and says in the dossier how much could be seen. What follows is not read.
  void finish(EndReason reason) noexcept;

  [[nodiscard]] bool finished() const noexcept { return finished_; }
  // A packet with content was opened: that is no connection that somebody made up.
  [[nodiscard]] bool proven() const noexcept { return connection_.proven(); }
  [[nodiscard]] size_t known_id(Direction to, ByteSpan datagram) const noexcept {
    return connection_.known_id(to, datagram);
  }
  [[nodiscard]] bool waiting() const noexcept { return connection_.waiting(); }
  // poll() has something to do even when no packet comes.
  [[nodiscard]] bool wants_poll() const noexcept { return waiting() || connection_.has_holes(); }
  [[nodiscard]] FlowDossier& dossier() noexcept { return *dossier_; }
  [[nodiscard]] Direction direction_of(Direction hint, ByteSpan datagram) const noexcept {
    return connection_.direction_of(hint, datagram);
  }
  // Writes how much can be seen into a flow that the connection uses.
  void note_sight(FlowDossier& dossier) const noexcept;

  void on_stream_data(Direction, uint64_t stream, ByteSpan data, uint64_t offset) noexcept override;
  void on_stream_gap(Direction, uint64_t stream, uint64_t bytes) noexcept override;
  void on_stream_end(Direction, uint64_t stream, EndReason reason) noexcept override;
  void on_datagram_frame(ByteSpan data) noexcept override;
  void on_connection_id(ByteSpan id) noexcept override;
  void on_connection_id_gone(ByteSpan id) noexcept override;

  void on_tunnel_open(const TunnelInfo& info) noexcept override;
  void on_tunnel_bytes(uint64_t stream, Direction, ByteSpan data) noexcept override;
  void on_tunnel_hole(uint64_t stream, Direction, uint64_t bytes) noexcept override;
  void on_tunnel_close(uint64_t stream, EndReason reason) noexcept override;

  std::list<QuicSession*>::iterator place;  // in one of the router's lists
  bool among_proven = false;                // in which

 private:
  enum class Carries : uint8_t { kUnknown, kHttp3, kOther };
  void note_waiting(bool waiting) noexcept;
  void check_news() noexcept;
  void choose() noexcept;
  void raw(uint64_t stream, ByteSpan data, uint64_t offset) noexcept;

  QuicServices& services_;
  QuicIdTable& ids_;
  std::shared_ptr<FlowDossier> dossier_;
  QuicConnection connection_;
  RequestInspector requests_;
  StreamTunnels tunnels_;
  Carries carries_ = Carries::kUnknown;
  std::unique_ptr<Http3Decoder> http3_;
  std::unordered_map<uint64_t, BodyChoice> raw_;  // streams of other protocols
  uint64_t raw_bytes_ = 0;
  bool told_waiting_ = false;
  bool finished_ = false;
};

}  // namespace weir::inspect

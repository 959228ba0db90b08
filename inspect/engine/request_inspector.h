// Consumes the requests of one HTTP connection: classifies each, reads its target, headers and body
// through an unwrapper and a detector, and reports the evidence at its end.
#pragma once

#include <cstdint>
#include <vector>

#include "inspect/engine/flow_dossier.h"
#include "inspect/engine/request_pool.h"
#include "inspect/message_sink.h"

namespace weir::inspect {

// Where the bytes of a tunnel (CONNECT, Upgrade) go.
class TunnelSink {
 public:
  virtual ~TunnelSink() = default;
  virtual void on_tunnel_open(const TunnelInfo& info) noexcept = 0;
  virtual void on_tunnel_bytes(uint64_t stream_id, Direction direction, ByteSpan data) noexcept = 0;
  virtual void on_tunnel_hole(uint64_t stream_id, Direction direction, uint64_t bytes) noexcept = 0;
  virtual void on_tunnel_close(uint64_t stream_id, EndReason reason) noexcept = 0;
};

class RequestInspector final : public MessageSink {
 public:
  // `visibility`: what a request that is read here says of its flow.
  RequestInspector(FlowDossier& dossier, TunnelSink& tunnels, Visibility visibility)
      : dossier_(dossier), tunnels_(tunnels), visibility_(visibility) {}

  BodyChoice on_request(const MessageHead& head) noexcept override;
  void on_body(uint64_t stream_id, ByteSpan data, uint64_t offset) noexcept override;
  void on_body_gap(uint64_t stream_id, uint64_t bytes) noexcept override;
  void on_request_end(uint64_t stream_id, EndReason reason) noexcept override;
  void on_tunnel(const TunnelInfo& info) noexcept override;
  void on_tunnel_data(uint64_t stream_id, Direction direction, ByteSpan data) noexcept override;
  void on_tunnel_gap(uint64_t stream_id, Direction direction, uint64_t bytes) noexcept override;
  void on_tunnel_end(uint64_t stream_id, EndReason reason) noexcept override;

  // Between packets: lets policy see evidence before its request is complete.
  void check_news() noexcept;

 private:
  struct Open {
    uint64_t stream_id = 0;
    SlotLease slot;
    RequestInfo info;
    bool body_begun = false;
    bool telemetry = false;  // to a path of telemetry
    uint64_t body_bytes = 0;
    std::string content_type;
    std::string content_encoding;
  };

  Open* find(uint64_t stream_id) noexcept;
  void begin_body(Open& open) noexcept;

  FlowDossier& dossier_;
  TunnelSink& tunnels_;
  Visibility visibility_;
  std::vector<Open> open_;
  std::vector<Evidence> scratch_;
};

}  // namespace weir::inspect

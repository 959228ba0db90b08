// The tunnels of one connection (CONNECT, Upgrade), with an inspector for what runs inside each.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/finding.h"
#include "inspect/message_sink.h"

namespace weir::inspect {

class ContentInspector;
class FlowDossier;
struct DecoderServices;

// What a stream was taken from.
struct StreamOrigin {
  size_t depth = 0;        // of tunnels and TLS around it
  bool tunnelled = false;  // in a tunnel, however deep
  Visibility visibility = Visibility::kClear;
};

class StreamTunnels {
 public:
  // Both must outlive this. `origin`: of the connection.
  StreamTunnels(FlowDossier& dossier, DecoderServices& decoders, const StreamOrigin& origin);
  ~StreamTunnels();
  StreamTunnels(const StreamTunnels&) = delete;
  StreamTunnels& operator=(const StreamTunnels&) = delete;

  // Counts a tunnel and, of CONNECT, learns where it leads. False: too deep, or too many.
  [[nodiscard]] bool admit(const TunnelInfo& info) noexcept;
  // After admit(): what comes of that stream is decoded.
  void add(uint64_t stream_id);
  void on_bytes(uint64_t stream_id, Direction direction, ByteSpan data) noexcept;
  void on_hole(uint64_t stream_id, Direction direction, uint64_t bytes) noexcept;
  void close(uint64_t stream_id, EndReason reason) noexcept;
  // The connection around them ends.
  void on_end(Direction direction, EndReason reason) noexcept;
  void finish(EndReason reason) noexcept;
  void after_packet() noexcept;
  // Of the oldest; null when there is none.
  [[nodiscard]] const ContentInspector* first() const noexcept;

 private:
  struct Tunnel {
    uint64_t stream_id = 0;
    std::unique_ptr<ContentInspector> inspector;
  };
  [[nodiscard]] ContentInspector* find(uint64_t stream_id) noexcept;

  FlowDossier& dossier_;
  DecoderServices& decoders_;
  StreamOrigin origin_;
  std::vector<Tunnel> tunnels_;
};

}  // namespace weir::inspect

// Finds out by content what a TCP stream carries (never by port) and hands it to the decoder for
// it: TLS, HTTP/1, HTTP/2, DNS; anything else is read as it is, and probed again where a new chunk
// begins, which finds TLS after STARTTLS or SOCKS, and HTTP where a capture began in the middle.
// What comes out of TLS or a tunnel is a stream again, with an inspector of its own.
//
// kProbing leads to kTls, kHttp, kHttp2, kDns or kRaw; kRaw to the first three; kTls to kHttp and
// kHttp2 where a hello is all that there is of TLS; all to kDone.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "inspect/decrypt/tls_decryptor.h"
#include "inspect/engine/flow_dossier.h"
#include "inspect/engine/proxy_header.h"
#include "inspect/engine/request_inspector.h"
#include "inspect/engine/stream_tunnels.h"
#include "inspect/http/http1_decoder.h"
#include "inspect/http/http2_decoder.h"
#include "inspect/http/websocket_decoder.h"
#include "inspect/identify/dns.h"
#include "inspect/identify/tls_decoder.h"
#include "inspect/stream/tcp_stream.h"

namespace weir::inspect {

class ContentInspector;

// Decoder counters and hooks that the inspectors of one worker share.
struct DecoderServices {
  DecoderServices(const Limits& limits, const KeyStore* keys, bool may_come_late, Duration delay,
                  const ServerKeys* server_keys)
      : handshake_room(limits.handshake_bytes_total, tls.no_room),
        head_room(limits.header_bytes_total, http.heads_no_room),
        hold_for_keys(may_come_late) {
    if (keys == nullptr) return;
    decrypt.reset(new DecryptServices{limits, *keys, tls, decrypted});
    decrypt->key_delay = delay;
    decrypt->server_keys = server_keys;
    decrypt->handshake_room = &handshake_room;
  }
  Http1Counters http;
  Http2Counters http2;
  WebSocketCounters websocket;
  TlsCounters tls;
  DnsCounters dns;
  DecryptCounters decrypted;
  ByteBudget handshake_room;
  ByteBudget head_room;
  std::unique_ptr<DecryptServices> decrypt;  // null: no key log, nothing is decrypted
  bool hold_for_keys;
  // Whose ciphertext is held until keys come, in order of its beginning.
  std::map<uint64_t, ContentInspector*> waiting;
  uint64_t waits = 0;  // so far: the next key of `waiting`
};

class ContentInspector final : public TcpSink, public TunnelSink, public DnsSink, public ClearSink {
 public:
  // `may_flip`: the handshake was not seen, so content may show that client and server were taken
  // for one another.
  ContentInspector(FlowDossier& dossier, DecoderServices& decoders, uint16_t server_port,
                   bool may_flip, const StreamOrigin& origin = {});
  ~ContentInspector() override;

  void on_tcp_data(Direction direction, ByteSpan data) noexcept override;
  void on_tcp_gap(Direction direction, uint64_t bytes) noexcept override;
  void on_tcp_end(Direction direction, EndReason reason) noexcept override;

  void on_tunnel_open(const TunnelInfo& info) noexcept override;
  void on_tunnel_bytes(uint64_t stream_id, Direction direction, ByteSpan data) noexcept override;
  void on_tunnel_hole(uint64_t stream_id, Direction direction, uint64_t bytes) noexcept override;
  void on_tunnel_close(uint64_t stream_id, EndReason reason) noexcept override;

  void on_dns(Direction direction, const DnsMessage& message) noexcept override;

  void on_clear_data(Direction direction, ByteSpan data) noexcept override;
  void on_clear_gap(Direction direction, uint64_t bytes) noexcept override;
  void on_clear_end(Direction direction, EndReason reason) noexcept override;

  // Between packets: lets policy see what was found so far.
  void after_packet() noexcept;
  // New keys may have come: reads what was held for want of them.
  void poll_keys() noexcept;
  // The flow ends; after the ends of both directions.
  void finish(EndReason reason) noexcept;
  // Nothing more is wanted of this stream.
  [[nodiscard]] bool finished() const noexcept { return state_ == State::kDone && !waiting_; }
  // The protocol is not one that is decoded here; nDPI may name it.
  [[nodiscard]] bool unknown_protocol() const noexcept { return state_ == State::kRaw; }
  // Set when client and server must be exchanged; the caller does so after the packet.
  [[nodiscard]] bool wants_flip() const noexcept { return flip_; }
  void flipped() noexcept;
  // Why what comes after finished() is not read.
  [[nodiscard]] Counter EngineCounters::*unread_reason() const noexcept { return unread_; }

 private:
  enum class State : uint8_t { kProbing, kTls, kHttp, kHttp2, kDns, kRaw, kDone };
  enum class Choice : uint8_t {
    kMoreBytes,
    kNone,
    kTls,
    kHttp,
    kHttpMidStream,
    kHttp2,
    kHttp2MidStream,
    kDns
  };

  static constexpr size_t kProbeBytes = 64;
  struct ProbeBuffer {
    std::array<uint8_t, kProbeBytes> bytes{};
    uint8_t used = 0;
  };

  void probe(Direction direction, ByteSpan data) noexcept;
  void probe_behind_header(Direction direction, ByteSpan data) noexcept;
  [[nodiscard]] Choice choose(ByteSpan first, bool complete) noexcept;
  void start(Choice choice, Direction direction, ByteSpan buffered, ByteSpan rest) noexcept;
  void feed(Direction direction, ByteSpan data) noexcept;
  bool goes_on_in_clear(ByteSpan data) noexcept;
  // The inspector of what TLS holds; null when it lies too deep.
  ContentInspector* inner() noexcept;
  [[nodiscard]] StreamDecoder& tls() noexcept;
  void end_decryption(EndReason reason) noexcept;
  void note_waiting() noexcept;
  void feed_raw(ByteSpan data) noexcept;
  void end_raw(EndReason reason) noexcept;
  void on_status(DecodeStatus status) noexcept;
  void read_tls_info() noexcept;
  void to_raw() noexcept;
  void to_done() noexcept;

  FlowDossier& dossier_;
  DecoderServices& decoders_;
  uint16_t server_port_;
  bool may_flip_;
  StreamOrigin origin_;
  State state_ = State::kProbing;
  bool flip_ = false;
  bool mid_stream_ = false;
  Counter EngineCounters::*unread_ = &EngineCounters::unread_tls_bytes;
  PerDirection<ProbeBuffer> probe_;
  PerDirection<ProxyHeader> proxy_;
  PerDirection<bool> given_up_;  // probing of that direction found nothing

  RequestInspector requests_;
  std::unique_ptr<Http1Decoder> http_;
  std::unique_ptr<Http2Decoder> http2_;
  std::unique_ptr<WebSocketDecoder> websocket_;  // what an upgraded http_ tunnels
  std::unique_ptr<TlsDecoder> tls_;
  uint32_t tls_changes_ = 0;
  std::unique_ptr<DnsTcpDecoder> dns_;
  std::unique_ptr<TlsDecryptor> decryptor_;  // instead of tls_, where there is a key store
  bool waiting_ = false;                     // is in decoders_.waiting
  uint64_t wait_number_ = 0;                 // as this
  std::unique_ptr<ContentInspector> inner_;  // of what TLS holds
  StreamTunnels tunnels_;                    // one in HTTP/1
  SlotLease raw_;
  uint64_t raw_bytes_ = 0;
  uint64_t stream_offset_ = 0;  // client-to-server bytes so far
};

}  // namespace weir::inspect

// See content_inspector.h.
#include "inspect/engine/content_inspector.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "inspect/engine/learn.h"
#include "inspect/http/http2_frames.h"
#include "signatures/wildcard.h"

namespace weir::inspect {

namespace {

constexpr uint16_t kDnsPort = 53;

// The handshake type of a TLS record that begins a stream; 0 when there is none.
uint8_t handshake_type(ByteSpan first) noexcept {
  return first.size() > 5 && first[0] == 0x16 ? first[5] : uint8_t{0};
}
constexpr uint8_t kClientHello = 1;
constexpr uint8_t kServerHello = 2;

bool is_websocket(std::string_view protocol) noexcept {
  constexpr std::string_view kName = "websocket";
  return protocol.size() == kName.size() &&
         std::equal(kName.begin(), kName.end(), protocol.begin(),
                    [](char a, char b) { return a == signatures::ascii_lower(b); });
}

}  // namespace

ContentInspector::ContentInspector(FlowDossier& dossier, DecoderServices& decoders,
                                   uint16_t server_port, bool may_flip, const StreamOrigin& origin)
    : dossier_(dossier),
      decoders_(decoders),
      server_port_(server_port),
      may_flip_(may_flip),
      origin_(origin),
      mid_stream_(may_flip),
      requests_(dossier, *this, origin.visibility),
      tunnels_(dossier, decoders, origin) {}

ContentInspector::~ContentInspector() {
  if (waiting_) decoders_.waiting.erase(wait_number_);
}

void ContentInspector::on_tcp_data(Direction direction, ByteSpan data) noexcept {
  if (data.empty()) return;
  if (flip_) direction = reverse(direction);
  if (origin_.depth == 0 && direction == Direction::kToServer) {
    dossier_.services().counters.tcp_upload_bytes.add(data.size());
  }
  switch (state_) {
    case State::kDone:
      if (direction == Direction::kToServer) dossier_.note_unread(unread_, data.size());
      break;
    case State::kProbing:
      probe(direction, data);
      break;
    default:
      feed(direction, data);
  }
  if (direction == Direction::kToServer) stream_offset_ += data.size();
}

ContentInspector::Choice ContentInspector::choose(ByteSpan first, bool complete) noexcept {
  // Server-side bytes alone decide only what they can: an answer, a ServerHello.
  const ProbeAnswer tls = probe_tls(first);
  const ProbeAnswer request = probe_http1_request(first);
  const ProbeAnswer response = probe_http1_response(first);
  const ProbeAnswer http2 = probe_http2(first);
  const ProbeAnswer proxy = probe_proxy_header(first);
  if (http2 == ProbeAnswer::kYes) return Choice::kHttp2;
  if (tls == ProbeAnswer::kYes) return Choice::kTls;
  if (request == ProbeAnswer::kYes) return Choice::kHttp;
  if (response == ProbeAnswer::kYes) return Choice::kHttpMidStream;
  if (server_port_ == kDnsPort && origin_.depth == 0 && probe_dns_tcp(first) == ProbeAnswer::kYes) {
    return Choice::kDns;
  }
  const bool maybe = tls == ProbeAnswer::kMaybe || request == ProbeAnswer::kMaybe ||
                     response == ProbeAnswer::kMaybe || http2 == ProbeAnswer::kMaybe ||
                     proxy == ProbeAnswer::kMaybe;
  return maybe && !complete ? Choice::kMoreBytes : Choice::kNone;
}

void ContentInspector::probe(Direction direction, ByteSpan data) noexcept {
  ProbeBuffer& buffer = probe_[direction];
  ProxyHeader& header = proxy_[direction];
  if (!header.begun()) {
    std::array<uint8_t, kProbeBytes> joined = buffer.bytes;
    const size_t taken = std::min(kProbeBytes - buffer.used, data.size());
    std::copy_n(data.begin(), taken, joined.begin() + buffer.used);
    if (probe_proxy_header(ByteSpan(joined).first(buffer.used + taken)) == ProbeAnswer::kYes) {
      dossier_.services().counters.proxy_headers.add();
      header.begin();
      // What was held of it is shorter than the header.
      (void)header.skip(ByteSpan(buffer.bytes).first(buffer.used));
      buffer.used = 0;
    }
  }
  probe_behind_header(direction, data.subspan(header.skip(data)));
}

void ContentInspector::probe_behind_header(Direction direction, ByteSpan data) noexcept {
  if (data.empty()) return;
  ProbeBuffer& buffer = probe_[direction];
  ByteSpan first = data;
  ByteSpan rest;
  if (buffer.used > 0) {
    const size_t taken = std::min(kProbeBytes - buffer.used, data.size());
    std::copy_n(data.begin(), taken, buffer.bytes.begin() + buffer.used);
    buffer.used = static_cast<uint8_t>(buffer.used + taken);
    first = ByteSpan(buffer.bytes).first(buffer.used);
    rest = data.subspan(taken);
  }
  if (given_up_[direction]) {
    // The client's first bytes are awaited; what the server said is of no interest.
    if (direction == Direction::kToClient) return;
  }
  const bool complete = first.size() >= kProbeBytes;
  Choice choice = choose(first, complete);
  // A client that sends its request line late, or in pieces, still sends one: the decoder waits for
  // it, and answers kNotMine when it was none.
  if (complete && choice == Choice::kNone && direction == Direction::kToServer &&
      probe_http1_request(first) == ProbeAnswer::kMaybe) {
    choice = Choice::kHttp;
  }
  // Frames without a preface: an HTTP/2 connection that was under way when the capture began.
  if (choice == Choice::kNone && direction == Direction::kToServer && mid_stream_ &&
      probe_http2_frames(first) == ProbeAnswer::kYes) {
    choice = Choice::kHttp2MidStream;
  }
  if (choice == Choice::kMoreBytes) {
    if (buffer.used == 0) {
      std::copy_n(data.begin(), data.size(), buffer.bytes.begin());
      buffer.used = static_cast<uint8_t>(data.size());
    }
    return;
  }
  if (choice == Choice::kNone && direction == Direction::kToClient) {
    given_up_[direction] = true;
    buffer.used = 0;
    return;
  }
  start(choice, direction, first, rest);
}

void ContentInspector::start(Choice choice, Direction direction, ByteSpan buffered,
                             ByteSpan rest) noexcept {
  // A request or ClientHello from the supposed server, or an answer from the supposed client.
  const bool from_server = direction == Direction::kToClient;
  const bool client_speaks = choice == Choice::kHttp || choice == Choice::kHttp2 ||
                             (choice == Choice::kTls && handshake_type(buffered) == kClientHello);
  const bool server_speaks = choice == Choice::kHttpMidStream ||
                             (choice == Choice::kTls && handshake_type(buffered) == kServerHello);
  if (may_flip_ && ((from_server && client_speaks) || (!from_server && server_speaks))) {
    flip_ = true;
    direction = reverse(direction);
    dossier_.flip();  // at once: findings of this very packet name the client
  }
  may_flip_ = false;
  FlowDossier& dossier = dossier_;
  switch (choice) {
    case Choice::kTls:
      state_ = State::kTls;
      if (decoders_.decrypt) {
        decryptor_ =
            std::make_unique<TlsDecryptor>(*decoders_.decrypt, *this, decoders_.hold_for_keys);
      } else {
        tls_ = std::make_unique<TlsDecoder>(dossier.services().limits, decoders_.tls,
                                            &decoders_.handshake_room);
        dossier.only_partly_seen(VisibilityReason::kNoKey);
      }
      dossier.not_seen(VisibilityReason::kNoKey);
      if (origin_.depth == 0) dossier.set_protocol("tls");
      break;
    case Choice::kHttp:
    case Choice::kHttpMidStream:
      state_ = State::kHttp;
      http_ = std::make_unique<Http1Decoder>(dossier.services().limits, decoders_.http, requests_,
                                             &decoders_.head_room);
      if (choice == Choice::kHttpMidStream && mid_stream_) http_->set_mid_stream();
      if (origin_.depth == 0) dossier.set_protocol("http");
      if (choice == Choice::kHttpMidStream) dossier.raise_visibility(origin_.visibility);
      break;
    case Choice::kDns:
      state_ = State::kDns;
      dns_ = std::make_unique<DnsTcpDecoder>(decoders_.dns, *this);
      if (origin_.depth == 0) dossier.set_protocol("dns");
      break;
    case Choice::kHttp2:
    case Choice::kHttp2MidStream:
      state_ = State::kHttp2;
      http2_ = std::make_unique<Http2Decoder>(dossier.services().limits, decoders_.http2,
                                              decoders_.websocket, requests_, &decoders_.head_room);
      if (choice == Choice::kHttp2MidStream) http2_->set_mid_stream();
      if (origin_.depth == 0) dossier.set_protocol("http2");
      break;
    case Choice::kNone:
    case Choice::kMoreBytes:
      to_raw();
      break;
  }
  feed(direction, buffered);
  if (!rest.empty() && state_ != State::kDone) feed(direction, rest);
}

void ContentInspector::feed(Direction direction, ByteSpan data) noexcept {
  switch (state_) {
    case State::kTls:
      if (direction == Direction::kToServer && goes_on_in_clear(data)) break;
      if (decryptor_) {
        (void)decryptor_->poll_keys(dossier_.services().now);
      } else if (direction == Direction::kToServer && tls_->info().client_hello_seen) {
        dossier_.note_unread(unread_, data.size());
      }
      on_status(tls().on_data(direction, data));
      break;
    case State::kHttp: {
      const DecodeStatus status = http_->on_data(direction, data);
      const ContentInspector* inside = tunnels_.first();
      if (inside != nullptr && inside->finished()) {
        unread_ = inside->unread_;
        to_done();
        break;
      }
      if (status != DecodeStatus::kNotMine) {
        on_status(status);
        break;
      }
      // What the decoder took and could not use is read as it is.
      const ByteSpan held = http_->held();
      const std::vector<uint8_t> taken(held.begin(), held.end());
      dossier_.services().counters.http_malformed.add();
      to_raw();
      if (direction == Direction::kToServer) {
        feed_raw(taken);
        feed_raw(data);
      }
      break;
    }
    case State::kHttp2:
      on_status(http2_->on_data(direction, data));
      break;
    case State::kDns:
      on_status(dns_->on_data(direction, data));
      break;
    case State::kRaw: {
      if (direction == Direction::kToClient) break;
      // Where a chunk begins, another protocol may begin: after STARTTLS, a SOCKS or proxy header,
      // or the end of a body that was under way when the capture began.
      const Choice choice = choose(data, true);
      if (choice == Choice::kTls || choice == Choice::kHttp || choice == Choice::kHttp2) {
        end_raw(EndReason::kComplete);
        start(choice, direction, data, {});
      } else {
        feed_raw(data);
      }
      break;
    }
    case State::kProbing:
    case State::kDone:
      break;
  }
}

// A client that said hello and then speaks in clear: there is no TLS, for all that it looks so.
bool ContentInspector::goes_on_in_clear(ByteSpan data) noexcept {
  const TlsInfo& info = decryptor_ ? decryptor_->info() : tls_->info();
  if (!info.client_hello_seen || data[0] < 'A' || data[0] > 'Z') return false;
  const Choice choice = choose(data, true);
  if (choice != Choice::kHttp && choice != Choice::kHttp2) return false;
  dossier_.services().counters.tls_left.add();
  if (decryptor_) end_decryption(EndReason::kComplete);
  tls_.reset();
  start(choice, Direction::kToServer, data, {});
  return true;
}

void ContentInspector::on_status(DecodeStatus status) noexcept {
  if (state_ == State::kTls) read_tls_info();
  if (status == DecodeStatus::kContinue) return;
  if (status == DecodeStatus::kDone) {
    to_done();
    return;
  }
  if (state_ == State::kTls) {
    to_done();
  } else {
    to_raw();
  }
}

void ContentInspector::read_tls_info() noexcept {
  const uint32_t changes = decryptor_ ? decryptor_->changes() : tls_->changes();
  note_waiting();
  if (changes == tls_changes_) return;
  tls_changes_ = changes;
  learn_handshake(dossier_, decryptor_ ? decryptor_->info() : tls_->info(), HostSource::kSni);
  if (!decryptor_) return;
  decryptor_->set_priority(!dossier_.id().service.empty());
  dossier_.learn_certificate(decryptor_->certificate_names());
  if (!decryptor_->alpn().empty()) dossier_.id().alpn = decryptor_->alpn();
}

void ContentInspector::to_raw() noexcept {
  state_ = State::kRaw;
  dossier_.not_seen(mid_stream_                                ? VisibilityReason::kMidStream
                    : origin_.visibility == Visibility::kClear ? VisibilityReason::kUnknownProtocol
                                                               : VisibilityReason::kOpaque);
  http_.reset();
  http2_.reset();
  tls_.reset();
  dns_.reset();
}

void ContentInspector::to_done() noexcept {
  if (state_ == State::kRaw) end_raw(EndReason::kLimit);
  if (decryptor_) end_decryption(EndReason::kComplete);
  state_ = State::kDone;
  http_.reset();
  http2_.reset();
  tls_.reset();
  dns_.reset();
}

StreamDecoder& ContentInspector::tls() noexcept {
  if (decryptor_) return *decryptor_;
  return *tls_;
}

void ContentInspector::note_waiting() noexcept {
  const bool waiting = decryptor_ && decryptor_->waiting();
  if (waiting == waiting_) return;
  waiting_ = waiting;
  if (waiting) {
    wait_number_ = ++decoders_.waits;
    decoders_.waiting.emplace(wait_number_, this);
  } else {
    decoders_.waiting.erase(wait_number_);
  }
  dossier_.set_sight_pending(waiting);
}

void ContentInspector::poll_keys() noexcept {
  if (!decryptor_) return;
  const DecodeStatus status = decryptor_->poll_keys(dossier_.services().now);
  on_status(status);
  after_packet();
}

void ContentInspector::end_decryption(EndReason reason) noexcept {
  decryptor_->finish(reason);
  dossier_.note_unread(&EngineCounters::unread_tls_bytes,
                       decryptor_->sealed_bytes(Direction::kToServer));
  const VisibilityReason missing = missing_of(decryptor_->sight(), decryptor_->fault());
  if (missing != VisibilityReason::kNone) {
    dossier_.not_seen(missing);
    dossier_.only_partly_seen(missing);
  } else {
    const bool opened = decryptor_->sight() == TlsSight::kDecrypted;
    if (decryptor_->clear_bytes(Direction::kToServer) > 0) {
      dossier_.not_seen(VisibilityReason::kOpaque);
    } else if (opened) {
      dossier_.nothing_sent(Visibility::kDecrypted);
    } else {
      dossier_.not_seen(VisibilityReason::kNoData);
    }
  }
  dossier_.note_sight(tls_sight_name(decryptor_->sight()), decrypt_fault_name(decryptor_->fault()));
  decryptor_.reset();
  note_waiting();
}

void ContentInspector::finish(EndReason reason) noexcept {
  if (decryptor_) end_decryption(reason);
  if (inner_) inner_->finish(reason);
  tunnels_.finish(reason);
}

ContentInspector* ContentInspector::inner() noexcept {
  if (!inner_ && origin_.depth < dossier_.services().limits.tunnel_depth) {
    inner_ = std::make_unique<ContentInspector>(
        dossier_, decoders_, uint16_t{0}, false,
        StreamOrigin{origin_.depth + 1, origin_.tunnelled, Visibility::kDecrypted});
  }
  return inner_.get();
}

void ContentInspector::on_clear_data(Direction direction, ByteSpan data) noexcept {
  if (ContentInspector* clear = inner()) {
    clear->on_tcp_data(direction, data);
  } else if (direction == Direction::kToServer) {
    dossier_.note_unread(&EngineCounters::unread_limit_bytes, data.size());
  }
}

void ContentInspector::on_clear_gap(Direction direction, uint64_t bytes) noexcept {
  if (ContentInspector* clear = inner()) clear->on_tcp_gap(direction, bytes);
}

void ContentInspector::on_clear_end(Direction direction, EndReason reason) noexcept {
  if (inner_) inner_->on_tcp_end(direction, reason);
}

void ContentInspector::feed_raw(ByteSpan data) noexcept {
  EngineServices& services = dossier_.services();
  if (raw_bytes_ >= services.limits.raw_stream_bytes) {
    unread_ = &EngineCounters::unread_limit_bytes;
    dossier_.note_unread(unread_, data.size());
    to_done();
    return;
  }
  if (!raw_) {
    raw_ = SlotLease(services.pool);
    if (!raw_) {
      dossier_.note_unread(&EngineCounters::unread_slot_bytes, data.size());
      return;
    }
    services.counters.raw_streams.add();
    raw_->detector->begin();
    raw_->unwrapper->begin({"stream", {}, {}}, *raw_->detector);
  }
  raw_bytes_ += data.size();
  services.counters.raw_bytes.add(data.size());
  raw_->unwrapper->on_data(data, stream_offset_);
}

void ContentInspector::end_raw(EndReason reason) noexcept {
  if (!raw_) return;
  EngineServices& services = dossier_.services();
  raw_->unwrapper->end(reason);
  raw_->detector->finish();
  const bool readable = !raw_->unwrapper->opaque();
  services.counters.text_bytes.add(raw_->detector->text_bytes());
  dossier_.inspected_bytes += raw_->detector->text_bytes();
  std::vector<Evidence> evidence;
  raw_->detector->collect(evidence);
  raw_.reset();
  if (readable) dossier_.raise_visibility(origin_.visibility);
  dossier_.report({}, std::move(evidence));
}

void ContentInspector::on_tcp_gap(Direction direction, uint64_t bytes) noexcept {
  if (flip_) direction = reverse(direction);
  if (direction == Direction::kToServer && state_ != State::kDone) dossier_.not_judged();
  switch (state_) {
    case State::kProbing: {
      mid_stream_ = true;
      proxy_[direction].lose(bytes);
      // Too little to tell what it was: read as it is.
      const ProbeBuffer buffer = probe_[direction];
      probe_[direction].used = 0;
      if (direction == Direction::kToServer && buffer.used > 0) {
        start(Choice::kNone, direction, ByteSpan(buffer.bytes).first(buffer.used), {});
        if (raw_) raw_->unwrapper->on_gap(bytes);
      }
      break;
    }
    case State::kTls:
      on_status(tls().on_gap(direction, bytes));
      break;
    case State::kHttp:
      on_status(http_->on_gap(direction, bytes));
      break;
    case State::kHttp2:
      on_status(http2_->on_gap(direction, bytes));
      break;
    case State::kDns:
      on_status(dns_->on_gap(direction, bytes));
      break;
    case State::kRaw:
      if (raw_ && direction == Direction::kToServer) raw_->unwrapper->on_gap(bytes);
      break;
    case State::kDone:
      break;
  }
  if (direction == Direction::kToServer) stream_offset_ += bytes;
}

void ContentInspector::on_tcp_end(Direction direction, EndReason reason) noexcept {
  if (flip_) direction = reverse(direction);
  switch (state_) {
    case State::kProbing: {
      // Fewer bytes than probing needs: read what there is.
      const ProbeBuffer& buffer = probe_[direction];
      if (direction == Direction::kToServer && buffer.used > 0) {
        const auto bytes = buffer.bytes;
        start(Choice::kNone, direction, ByteSpan(bytes).first(buffer.used), {});
        end_raw(reason);
      }
      break;
    }
    case State::kTls:
      tls().on_end(direction, reason);
      read_tls_info();
      break;
    case State::kHttp:
      http_->on_end(direction, reason);
      break;
    case State::kHttp2:
      http2_->on_end(direction, reason);
      break;
    case State::kDns:
      dns_->on_end(direction, reason);
      break;
    case State::kRaw:
      if (direction == Direction::kToServer) end_raw(reason);
      break;
    case State::kDone:
      break;
  }
  tunnels_.on_end(direction, reason);
  if (websocket_) websocket_->on_end(direction, reason);
}

void ContentInspector::on_tunnel_open(const TunnelInfo& info) noexcept {
  if (!tunnels_.admit(info)) return;
  if (info.kind == TunnelKind::kUpgrade && is_websocket(info.protocol)) {
    websocket_ = std::make_unique<WebSocketDecoder>(
        dossier_.services().limits, decoders_.websocket, requests_,
        WebSocketOrigin{info.target, info.authority, info.user_agent, info.websocket_extensions});
    return;
  }
  tunnels_.add(info.stream_id);
}

void ContentInspector::on_tunnel_bytes(uint64_t stream_id, Direction direction,
                                       ByteSpan data) noexcept {
  if (websocket_) {
    (void)websocket_->on_data(direction, data);
  } else {
    tunnels_.on_bytes(stream_id, direction, data);
  }
}

void ContentInspector::on_tunnel_hole(uint64_t stream_id, Direction direction,
                                      uint64_t bytes) noexcept {
  if (websocket_) (void)websocket_->on_gap(direction, bytes);
  tunnels_.on_hole(stream_id, direction, bytes);
}

void ContentInspector::on_tunnel_close(uint64_t stream_id, EndReason reason) noexcept {
  tunnels_.close(stream_id, reason);
}

void ContentInspector::on_dns(Direction /*direction*/, const DnsMessage& message) noexcept {
  learn_dns(dossier_, message);
}

void ContentInspector::after_packet() noexcept {
  requests_.check_news();
  if (raw_ && raw_->detector->has_news()) {
    std::vector<Evidence> evidence;
    raw_->detector->collect(evidence);
    if (!evidence.empty()) dossier_.judge_so_far(evidence);
  }
  if (raw_ && raw_bytes_ > 0 && !raw_->unwrapper->opaque()) {
    dossier_.raise_visibility(origin_.visibility);
  }
  if (inner_) inner_->after_packet();
  tunnels_.after_packet();
}

void ContentInspector::flipped() noexcept { flip_ = false; }

}  // namespace weir::inspect

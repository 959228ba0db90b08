// See engine.h.
#include "inspect/engine/engine.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <string_view>
#include <utility>

#include "inspect/engine/content_inspector.h"
#include "inspect/engine/flow_dossier.h"
#include "inspect/engine/learn.h"
#include "inspect/engine/quic_router.h"
#include "inspect/engine/small_packets.h"
#include "inspect/flow/flow_table.h"
#include "inspect/identify/quic_initial.h"
#include "inspect/stream/tcp_stream.h"

namespace weir::inspect {

namespace {

// Flows ended at most per packet, so that no packet waits for a crowd of them.
constexpr size_t kExpireBudget = 8;
// Datagrams without a QUIC version or DNS message before a UDP flow counts as something else.
constexpr uint32_t kUdpProbes = 4;
// In packet time, between looks at ciphertext that waits for its keys.
constexpr Duration kLookInterval = Duration::millis(100);

// After resets: a connection of which nothing was acknowledged for so long has stopped.
constexpr Duration kStopsWithin = Duration::seconds(5);
constexpr size_t kMostCuts = 65'536;  // that are waited for

constexpr bool is_dns_port(uint16_t port) noexcept {
  return port == 53 || port == 5353 || port == 5355;
}

struct TcpFlow {
  TcpFlow(TcpPool& pool, FlowDossier& dossier, DecoderServices& decoders, uint16_t server_port,
          bool may_flip)
      : stream(pool), inspector(dossier, decoders, server_port, may_flip) {}
  TcpStream stream;
  ContentInspector inspector;
};

struct UdpFlow {
  enum class State : uint8_t { kProbing, kDns, kQuic };
  State state = State::kProbing;
  uint32_t probes = 0;
  std::unique_ptr<QuicInitialDecoder> quic;
  uint32_t quic_changes = 0;
};

// A dossier that is kept beyond its flow, by a QUIC connection on another path, needs its
// generation.
struct OwnedDossier {
  std::shared_ptr<EngineServices> generation;
  FlowDossier dossier;
};

struct FlowState {
  std::shared_ptr<EngineServices> generation;  // of its beginning; all below points into it
  std::shared_ptr<FlowDossier> dossier;        // QUIC connections outlive the flow they began in
  std::unique_ptr<TcpFlow> tcp;                // null once the flow is shunted
  std::unique_ptr<UdpFlow> udp;                // likewise
  QuicPaths quic;                              // connections that are decrypted
  NdpiFlow ndpi;
  bool ndpi_asked = false;
  PerDirection<uint64_t> packets;
  PerDirection<uint64_t> bytes;
  PerDirection<uint64_t> gap_bytes;
  PerDirection<bool> fin;
  bool closing = false;
  Counter EngineCounters::*unread = &EngineCounters::unread_tls_bytes;  // once shunted
};

using Table = FlowTable<FlowState>;

void read_quic_info(UdpFlow& udp, FlowDossier& dossier) noexcept {
  if (udp.quic->changes() == udp.quic_changes) return;
  udp.quic_changes = udp.quic->changes();
  learn_handshake(dossier, udp.quic->info(), HostSource::kQuicSni);
}

template <typename Group, size_t N>
void append(CounterList& out, std::string_view prefix, const Group& group,
            const CounterTable<Group, N>& table) {
  for (const auto& row : table) {
    out.emplace_back(std::string(prefix) + "." + std::string(row.name), (group.*row.member).get());
  }
}

}  // namespace

struct Engine::Impl {
  Impl(std::shared_ptr<const Snapshot> snapshot, EvidenceSink& sink, const HashKey& flow_key,
       NdpiEngine* classifier, const KeyAccess& access)
      : services(snapshot->limits, sink, flow_key),
        generation(std::make_shared<EngineServices>(std::move(snapshot), services)),
        ndpi(classifier),
        keys(access.store),
        decoders(services.limits, access.store, access.may_come_late, access.delay,
                 access.server_keys),
        tcp_pool(services.limits),
        quic_router(make_router(flow_key, access.may_come_late)),
        flows(services.limits, flow_key) {}

  Action on_packet(const DecodedPacket& packet);
  void on_tcp(Table::Entry& entry, Direction direction, const DecodedPacket& packet);
  void on_udp(Table::Entry& entry, Direction direction, const DecodedPacket& packet);
  void on_quic(FlowState& flow, Direction direction, ByteSpan datagram, size_t missing);
  // Where packets are decrypted: true when the datagram was read.
  bool route_quic(FlowState& flow, Direction direction, ByteSpan datagram, size_t missing);
  std::unique_ptr<QuicRouter> make_router(const HashKey& key, bool hold_for_keys) {
    if (!decoders.decrypt) return nullptr;
    quic_services = std::make_unique<QuicServices>(decoders);
    return std::make_unique<QuicRouter>(*quic_services, key, hold_for_keys);
  }
  void begin_flow(Table::Entry& entry, const DecodedPacket& packet);
  void end_flow(Table::Entry& entry, FlowEnd reason) noexcept;
  // As far as the flow has come, without its end.
  static FlowRecord record_of(const Table::Entry& entry);
  void shunt_tcp(FlowState& flow);
  void finish_tcp(Table::Entry& entry, EndReason reason);
  void on_cut(Table::Entry& entry);
  void settle_cuts();
  void flip(Table::Entry& entry);
  void close_if_over(Table::Entry& entry, Direction direction, const DecodedPacket& packet);

  // Reads what flows hold for want of keys, when new keys have come; now and then lets go of what
  // was held for too long.
  void poll_keys();
  // Shows nDPI a packet of a flow that nothing here knows. True when no more are wanted.
  bool ask_ndpi(FlowState& flow, const DecodedPacket& packet);

  EngineCommon services;
  std::shared_ptr<EngineServices> generation;  // of new flows
  NdpiEngine* ndpi;
  const KeyStore* keys;
  uint64_t keys_seen = 0;    // KeyStore::generation()
  Timestamp next_look;       // at what is held
  bool may_pass_by = false;  // see Engine
  DecoderServices decoders;
  QuicCounters quic;
  TcpPool tcp_pool;  // before the flows: their streams give buffers back to it
  std::unique_ptr<QuicServices> quic_services;  // null: no key log
  std::unique_ptr<QuicRouter> quic_router;      // likewise; before the flows
  Table flows;
  DnsMessage dns_message;
  // Cut beside the path, oldest first. While the dossier lives, its flow stands at `entry`.
  struct Cut {
    Timestamp due;
    std::weak_ptr<FlowDossier> dossier;
    Table::Entry* entry;
  };
  std::deque<Cut> cuts;
};

Engine::Engine(std::shared_ptr<const Snapshot> snapshot, EvidenceSink& sink,
               const HashKey& flow_key, NdpiEngine* ndpi, const KeyAccess& keys)
    : impl_(std::make_unique<Impl>(std::move(snapshot), sink, flow_key, ndpi, keys)) {}

Engine::~Engine() = default;

void Engine::Impl::begin_flow(Table::Entry& entry, const DecodedPacket& packet) {
  FlowState& flow = entry.state;
  flow.generation = generation;
  const auto made = std::make_shared<OwnedDossier>(OwnedDossier{
      generation,
      {*generation, entry.client, entry.server, packet.protocol, packet.encapsulation}});
  flow.dossier = std::shared_ptr<FlowDossier>(made, &made->dossier);
  if (packet.tunnelled) flow.dossier->note_tunnelled();
  const auto named = services.names.find(entry.client.ip, entry.server.ip, packet.time);
  if (named && (named->own || !named->shared)) {
    flow.dossier->learn_name(HostSource::kDns, named->name);
  }
  if (packet.protocol == static_cast<uint8_t>(IpProtocol::kTcp)) {
    flow.tcp = std::make_unique<TcpFlow>(tcp_pool, *flow.dossier, decoders, entry.server.port,
                                         !packet.flags.syn);
  } else if (packet.protocol == static_cast<uint8_t>(IpProtocol::kUdp)) {
    flow.udp = std::make_unique<UdpFlow>();
  }
}

FlowRecord Engine::Impl::record_of(const Table::Entry& entry) {
  const FlowState& flow = entry.state;
  FlowRecord record;
  record.flow = flow.dossier->final_identity(flow.gap_bytes[Direction::kToServer]);
  record.first = entry.first;
  record.last = entry.last;
  record.packets = flow.packets;
  record.bytes = flow.bytes;
  record.gap_bytes = flow.gap_bytes;
  record.inspected_bytes = flow.dossier->inspected_bytes;
  record.requests = flow.dossier->requests;
  record.telemetry_bytes = flow.dossier->telemetry_bytes;
  record.action = flow.dossier->action();
  if (flow.dossier->unread_bytes > 0) {
    record.counters.emplace_back("unread_bytes", flow.dossier->unread_bytes);
  }
  return record;
}

void Engine::Impl::end_flow(Table::Entry& entry, FlowEnd reason) noexcept {
  FlowState& flow = entry.state;
  // What is found only now stood in the flow's packets: theirs is the time, not that of the packet
  // that made the table look for old flows.
  const Timestamp now = std::exchange(services.now, entry.last);
  if (flow.tcp) {
    finish_tcp(entry, reason == FlowEnd::kRst       ? EndReason::kReset
                      : reason == FlowEnd::kEvicted ? EndReason::kEvicted
                      : reason == FlowEnd::kFin     ? EndReason::kComplete
                                                    : EndReason::kTimeout);
  }
  if (flow.udp && flow.udp->quic) {
    flow.udp->quic->on_end();
    read_quic_info(*flow.udp, *flow.dossier);
  }
  if (flow.quic.active()) {
    quic_router->end_flow(flow.quic, *flow.dossier,
                          reason == FlowEnd::kEvicted ? EndReason::kEvicted : EndReason::kTimeout);
  }
  flow.dossier->judge_flow();

  FlowRecord record = record_of(entry);
  record.end = to_string(reason);
  services.sink.on_flow_end(std::move(record));
  services.now = now;
}

// What was found is told; the flow goes on without being read.
void Engine::Impl::finish_tcp(Table::Entry& entry, EndReason reason) {
  FlowState& flow = entry.state;
  // What is missing now cannot be cut any more.
  const bool closed = std::exchange(services.fail_closed, false);
  flow.tcp->stream.finish(reason, flow.tcp->inspector);
  flow.tcp->inspector.finish(reason);
  services.fail_closed = closed;
  if (flow.tcp->inspector.wants_flip()) flip(entry);
  shunt_tcp(flow);
}

// A connection that policy has just cut. In the path no more of it will come. Beside the path it
// may go on, so it is read on until resets have had time to work.
void Engine::Impl::on_cut(Table::Entry& entry) {
  FlowState& flow = entry.state;
  if (services.enforcement == Enforcement::kInPath) {
    if (flow.tcp) finish_tcp(entry, EndReason::kReset);
    return;
  }
  if (!flow.dossier->ending_unknown()) return;
  if (cuts.size() >= kMostCuts) return services.counters.endings_not_watched.add();
  cuts.push_back({services.now + kStopsWithin, flow.dossier, &entry});
}

void Engine::Impl::settle_cuts() {
  while (!cuts.empty() && cuts.front().due <= services.now) {
    const Cut cut = cuts.front();
    cuts.pop_front();
    const auto dossier = cut.dossier.lock();
    if (!dossier || !dossier->ending_unknown()) continue;
    dossier->stopped_after_cut();
    if (cut.entry->state.tcp) finish_tcp(*cut.entry, EndReason::kTimeout);
  }
}

void Engine::Impl::shunt_tcp(FlowState& flow) {
  for (const Direction d : {Direction::kToServer, Direction::kToClient}) {
    flow.gap_bytes[d] = flow.tcp->stream.gap_bytes(d);
  }
  flow.unread = flow.tcp->inspector.unread_reason();
  flow.tcp.reset();
}

void Engine::Impl::flip(Table::Entry& entry) {
  FlowState& flow = entry.state;
  flows.flip(entry);
  services.counters.directions_flipped.add();
  if (flow.tcp) {
    flow.tcp->stream.flip();
    flow.tcp->inspector.flipped();
  }
  std::swap(flow.packets.slot[0], flow.packets.slot[1]);
  std::swap(flow.bytes.slot[0], flow.bytes.slot[1]);
  std::swap(flow.fin.slot[0], flow.fin.slot[1]);
  flow.dossier->set_upload(flow.bytes[Direction::kToServer]);
}

void Engine::Impl::close_if_over(Table::Entry& entry, Direction direction,
                                 const DecodedPacket& packet) {
  FlowState& flow = entry.state;
  if (packet.flags.fin) flow.fin[direction] = true;
  // While the stream is followed it knows which RST and FIN are valid; afterwards flags must do.
  const bool fins = flow.fin[Direction::kToServer] && flow.fin[Direction::kToClient];
  const bool closed = flow.tcp ? flow.tcp->stream.closed() : fins || packet.flags.rst;
  if (!closed || flow.closing) return;
  flow.closing = true;
  // A FIN of the only side that the mirror shows closes a stream, too.
  const bool reset = flow.tcp ? flow.tcp->stream.was_reset() : !fins;
  // Held ciphertext is kept for as long as keys may come.
  flows.set_lifetime(entry,
                     flow.dossier->sight_pending() ? Lifetime::kTcpHeld : Lifetime::kTcpClosing,
                     reset ? FlowEnd::kRst : FlowEnd::kFin);
}

void Engine::Impl::on_tcp(Table::Entry& entry, Direction direction, const DecodedPacket& packet) {
  FlowState& flow = entry.state;
  if (direction == Direction::kToServer) {
    flow.dossier->add_upload(packet.payload.size());
  } else {
    flow.dossier->add_answer(packet.payload.size());
  }
  if (flow.dossier->watches_ending()) flow.dossier->after_cut(direction, packet);
  if (flow.tcp) {
    TcpFlow& tcp = *flow.tcp;
    tcp.stream.on_segment(direction, packet, tcp.inspector);
    tcp.inspector.after_packet();
    if (tcp.inspector.wants_flip()) flip(entry);
    if (tcp.inspector.unknown_protocol()) (void)ask_ndpi(flow, packet);
    close_if_over(entry, direction, packet);
    if (tcp.inspector.finished()) shunt_tcp(flow);
    return;
  }
  services.counters.shunted_bytes.add(packet.payload.size());
  if (direction == Direction::kToServer && flow.dossier->action() < Action::kReset) {
    flow.dossier->note_unread(flow.unread, packet.payload.size());
  }
  if (packet.flags.fin || packet.flags.rst) close_if_over(entry, direction, packet);
}

void Engine::Impl::on_udp(Table::Entry& entry, Direction direction, const DecodedPacket& packet) {
  FlowState& flow = entry.state;
  FlowDossier& dossier = *flow.dossier;
  if (direction == Direction::kToServer) {
    dossier.add_upload(packet.payload.size());
  } else {
    dossier.add_answer(packet.payload.size());
  }
  if (!flow.udp) {
    if (flow.quic.active() && route_quic(flow, direction, packet.payload, packet.missing)) return;
    services.counters.shunted_bytes.add(packet.payload.size());
    if (direction == Direction::kToServer) {
      dossier.note_unread(&EngineCounters::unread_udp_bytes, packet.payload.size());
    }
    return;
  }
  UdpFlow& udp = *flow.udp;
  if (udp.state == UdpFlow::State::kProbing && !packet.payload.empty()) {
    if (is_dns_port(packet.source.port) || is_dns_port(packet.destination.port)) {
      if (probe_dns(packet.payload) == ProbeAnswer::kYes) udp.state = UdpFlow::State::kDns;
    } else if (probe_quic(packet.payload) == ProbeAnswer::kYes) {
      udp.state = UdpFlow::State::kQuic;
      udp.quic =
          std::make_unique<QuicInitialDecoder>(services.limits, quic, &decoders.handshake_room);
      dossier.set_protocol("quic");
      dossier.not_seen(VisibilityReason::kQuic);
    } else if (quic_router && route_quic(flow, direction, packet.payload, packet.missing)) {
      flow.udp.reset();
      return;
    }
    if (udp.state == UdpFlow::State::kProbing) {
      if (direction == Direction::kToServer) {
        dossier.note_unread(&EngineCounters::unread_udp_bytes, packet.payload.size());
      }
      bool enough = ++udp.probes >= kUdpProbes && ndpi == nullptr;
      if (const auto host = ssdp_host(packet.payload)) {
        dossier.set_protocol("ssdp");
        dossier.learn_name(HostSource::kHttp, *host);
        dossier.raise_visibility(Visibility::kClear);
        enough = true;
      } else if (ndpi != nullptr) {
        enough = ask_ndpi(flow, packet);
      }
      if (enough) flow.udp.reset();
      return;
    }
  }
  if (udp.state == UdpFlow::State::kDns) {
    if (!parse_dns(packet.payload, dns_message)) return;
    dossier.set_protocol("dns");
    learn_dns(dossier, dns_message);
  } else if (udp.state == UdpFlow::State::kQuic) {
    on_quic(flow, direction, packet.payload, packet.missing);
  }
}

void Engine::Impl::on_quic(FlowState& flow, Direction direction, ByteSpan datagram,
                           size_t missing) {
  const DecodeStatus status = flow.udp->quic->on_datagram(direction, datagram);
  read_quic_info(*flow.udp, *flow.dossier);
  const bool read = quic_router && route_quic(flow, direction, datagram, missing);
  if (status == DecodeStatus::kContinue) return;
  if (!read && direction == Direction::kToServer && status != DecodeStatus::kDone) {
    flow.dossier->note_unread(&EngineCounters::unread_udp_bytes, datagram.size());
  }
  flow.udp.reset();
}

bool Engine::Impl::route_quic(FlowState& flow, Direction direction, ByteSpan datagram,
                              size_t missing) {
  const bool reading_hello = flow.udp && flow.udp->quic;
  switch (quic_router->on_datagram(flow.quic, flow.dossier, direction, datagram, missing)) {
    case QuicRouter::Answer::kNotMine:
      return false;
    case QuicRouter::Answer::kTaken:
      return true;
    case QuicRouter::Answer::kJoined:
      flow.dossier->judge_flow();
      return true;
    case QuicRouter::Answer::kBegun:
      break;
  }
  if (reading_hello) return true;
  // One more connection between the same ports: it has names of its own.
  flow.udp = std::make_unique<UdpFlow>();
  flow.udp->state = UdpFlow::State::kQuic;
  flow.udp->quic =
      std::make_unique<QuicInitialDecoder>(services.limits, quic, &decoders.handshake_room);
  if (flow.udp->quic->on_datagram(direction, datagram) == DecodeStatus::kContinue) return true;
  read_quic_info(*flow.udp, *flow.dossier);
  flow.udp.reset();
  return true;
}

bool Engine::Impl::ask_ndpi(FlowState& flow, const DecodedPacket& packet) {
  if (ndpi == nullptr) return true;
  if (!flow.ndpi.active()) {
    if (flow.ndpi_asked) return true;
    flow.ndpi_asked = true;
    flow.ndpi = ndpi->begin();
  }
  const auto verdict = ndpi->feed(flow.ndpi, packet);
  if (!verdict) return !flow.ndpi.active();
  if (verdict->known()) {
    flow.dossier->set_protocol(verdict->application.empty() ? verdict->protocol
                                                            : verdict->application);
    flow.dossier->id().protocol_category = verdict->category;
  }
  return true;
}

Action Engine::on_packet(const DecodedPacket& packet) noexcept {
  if (!is_ack_with_padding(packet)) return impl_->on_packet(packet);
  impl_->services.counters.padded_acks.add();
  DecodedPacket trimmed = packet;
  trimmed.payload = {};
  return impl_->on_packet(trimmed);
}

void Engine::Impl::poll_keys() {
  if (keys == nullptr) return;
  const bool news = keys->generation() != keys_seen;
  const bool nobody_waits = decoders.waiting.empty() && !quic_router;
  if (!news && (nobody_waits || services.now < next_look)) return;
  keys_seen = keys->generation();
  next_look = services.now + kLookInterval;
  // One may end the waiting of another.
  const uint64_t last = decoders.waits;
  for (auto at = decoders.waiting.begin(); at != decoders.waiting.end() && at->first <= last;) {
    const uint64_t number = at->first;
    at->second->poll_keys();
    at = decoders.waiting.upper_bound(number);
  }
  if (quic_router) quic_router->poll_keys();
}

Action Engine::Impl::on_packet(const DecodedPacket& packet) {
  services.now = packet.time;
  services.counters.packets.add();
  services.counters.payload_bytes.add(packet.payload.size());
  const bool tcp = packet.protocol == static_cast<uint8_t>(IpProtocol::kTcp);
  const bool udp = packet.protocol == static_cast<uint8_t>(IpProtocol::kUdp);
  if (!tcp && !udp) {
    services.counters.other_protocol_packets.add();
    may_pass_by = false;
    return Action::kAllow;
  }
  const auto on_end = [this](Table::Entry& entry, FlowEnd reason) noexcept {
    end_flow(entry, reason);
  };
  poll_keys();
  settle_cuts();
  flows.expire(packet.time, on_end, kExpireBudget);
  const Table::Found found = flows.find_or_create(packet, on_end);
  FlowState& flow = found.entry->state;
  if (found.created) begin_flow(*found.entry, packet);
  flow.packets[found.direction] += 1;
  flow.bytes[found.direction] += packet.payload.size() + packet.missing;
  const Action before = flow.dossier->action();
  if (tcp) {
    on_tcp(*found.entry, found.direction, packet);
  } else {
    on_udp(*found.entry, found.direction, packet);
  }
  const Action action = QuicRouter::action(flow.quic, flow.dossier->action());
  if (tcp && before < Action::kReset && action >= Action::kReset) on_cut(*found.entry);
  // Flows to AI services are counted to their end.
  may_pass_by = tcp && !flow.tcp && !flow.closing && action == Action::kAllow &&
                flow.dossier->id().service.empty();
  return action;
}

void Engine::on_time(Timestamp now) noexcept {
  Impl& impl = *impl_;
  impl.services.now = std::max(impl.services.now, now);
  impl.poll_keys();
  impl.settle_cuts();
  impl.flows.expire(
      now, [&impl](Table::Entry& entry, FlowEnd reason) noexcept { impl.end_flow(entry, reason); },
      impl.services.limits.flows);
}

void Engine::set_enforcement(Enforcement enforcement) noexcept {
  impl_->services.enforcement = enforcement;
}

void Engine::set_fail_closed(bool closed) noexcept { impl_->services.fail_closed = closed; }

void Engine::set_snapshot(std::shared_ptr<const Snapshot> snapshot) {
  impl_->generation = std::make_shared<EngineServices>(std::move(snapshot), impl_->services);
}

size_t Engine::flows_on_older_snapshots() const noexcept {
  size_t older = 0;
  impl_->flows.for_each([&](const Table::Entry& entry) noexcept {
    older += entry.state.generation != impl_->generation ? 1 : 0;
  });
  return older;
}

std::vector<FlowRecord> Engine::largest_flows(size_t count) const {
  using Sized = std::pair<uint64_t, const Table::Entry*>;
  std::vector<Sized> all;
  all.reserve(impl_->flows.active());
  impl_->flows.for_each([&](const Table::Entry& entry) {
    const FlowState& flow = entry.state;
    all.emplace_back(flow.bytes[Direction::kToServer] + flow.bytes[Direction::kToClient], &entry);
  });
  count = std::min(count, all.size());
  const auto larger = [](const Sized& a, const Sized& b) { return a.first > b.first; };
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count), all.end(),
                    larger);
  std::vector<FlowRecord> out;
  for (size_t i = 0; i < count; ++i) out.push_back(Impl::record_of(*all[i].second));
  return out;
}

void Engine::finish() noexcept {
  Impl& impl = *impl_;
  impl.flows.end_all(
      [&impl](Table::Entry& entry, FlowEnd reason) noexcept { impl.end_flow(entry, reason); });
}

const EngineCounters& Engine::counters() const noexcept { return impl_->services.counters; }

uint64_t Engine::flow_memory(const Limits& limits) noexcept {
  // Names, JA4 and protocol of an ordinary flow; index slots and list nodes.
  constexpr size_t kText = 512;
  constexpr size_t kPlaces = 64;
  return limits.flows *
         (sizeof(Table::Entry) + kPlaces + sizeof(FlowDossier) + sizeof(TcpFlow) + kText);
}

bool Engine::may_pass_by() const noexcept { return impl_->may_pass_by; }

size_t Engine::active_flows() const noexcept { return impl_->flows.active(); }

CounterList Engine::all_counters() const {
  CounterList out;
  const Impl& impl = *impl_;
  append(out, "engine", impl.services.counters, kEngineCounters);
  append(out, "flow", impl.flows.counters(), kFlowCounterTable);
  append(out, "tcp", impl.tcp_pool.counters(), kTcpCounterTable);
  append(out, "http", impl.decoders.http, kHttp1Counters);
  append(out, "http2", impl.decoders.http2, kHttp2Counters);
  append(out, "websocket", impl.decoders.websocket, kWebSocketCounters);
  append(out, "tls", impl.decoders.tls, kTlsCounterTable);
  append(out, "quic", impl.quic, kQuicCounterTable);
  if (impl.ndpi != nullptr) append(out, "ndpi", impl.ndpi->counters(), kNdpiCounterTable);
  if (impl.decoders.decrypt) append(out, "decrypt", impl.decoders.decrypted, kDecryptCounterTable);
  if (impl.quic_services) {
    append(out, "quic_decrypt", impl.quic_services->counters, kQuicDecryptCounterTable);
    append(out, "http3", impl.quic_services->http3, kHttp3Counters);
  }
  append(out, "dns", impl.decoders.dns, kDnsCounterTable);
  append(out, "names", impl.services.name_counters, kNameCacheCounterTable);
  append(out, "unwrap", impl.services.pool_counters.unwrap, kUnwrapCounterTable);
  append(out, "detect", impl.services.pool_counters.detect, kDetectCounters);
  append(out, "detect", impl.services.pool_counters.code, kCodeCounters);
  return out;
}

}  // namespace weir::inspect

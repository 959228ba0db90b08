// Traffic::ai_http3_session: an AI client over HTTP/3.
#include <algorithm>
#include <utility>

#include "bench/lab/prose.h"
#include "bench/lab/quic_session.h"
#include "bench/lab/traffic.h"

namespace weir::lab {
namespace {

constexpr size_t kPartBytes = 1100;  // of a stream, a packet
constexpr uint64_t kServerControl = 3;

}  // namespace

// What a mirror may show of it varies with `serial`: both versions, all ciphers, clients without a
// connection id, packets out of order and twice, key updates, and a change of port in the middle.
void Traffic::ai_http3_session(uint32_t serial, Timestamp start, const CodeExcerpt* code,
                               LabKind kind) {
  const AiSession session = make_ai_session(serial, random_, code);
  Path path = make_path(session.host, 443, serial % 5 == 3);
  const Timestamp begin = resolve(path, session.host, start);
  LabLabel& label = add_label(kind, path, begin, "quic", session.host);
  label.api = session.api;
  label.form = session.form;
  label.coding = session.requests.front().coding;
  label.requests = static_cast<uint32_t>(session.requests.size());
  if (kind == LabKind::kLeak && code != nullptr) {
    label.repository = code->repository;
    label.path = code->path;
    label.first_line = code->first_line;
    label.last_line = code->last_line();
  }

  QuicPlan plan;
  plan.host = session.host;
  plan.suite = static_cast<uint16_t>(0x1301 + serial % 3);
  plan.version = serial % 4 == 3 ? kQuicV2 : kQuicV1;
  plan.client_id_bytes = serial % 2 == 0 ? 0 : 8;
  plan.server_id_bytes = serial % 3 == 0 ? 20 : 8;
  plan.post_quantum = serial % 2 == 1;
  QuicSession quic(random_, plan);
  Timestamp now = begin;
  const auto send = [&](Direction d, ByteSpan bytes) {
    now = now + Duration{static_cast<int64_t>(random_.between(40'000, 2'000'000))};
    const bool up = d == Direction::kToServer;
    datagram(now, up ? path.client : path.server, up ? path.server : path.client, bytes,
             path.link.vlans);
  };
  for (const QuicDatagram& part : quic.handshake()) send(part.direction, part.bytes);
  key_log_ += quic.key_log();
  const Bytes settings{0x00, 0x04, 0x02, 0x01, 0x00};
  send(Direction::kToClient,
       quic.packet(Direction::kToClient, quic_stream_frame(kServerControl, 0, settings)));
  const Bytes next_id = random_.bytes(plan.server_id_bytes);
  send(Direction::kToClient, quic.packet(Direction::kToClient, quic_new_id_frame(1, next_id)));
  uint64_t stream = 2;
  for (const Bytes& opening : http3_client_streams()) {
    send(Direction::kToServer,
         quic.packet(Direction::kToServer, quic_stream_frame(stream, 0, opening)));
    stream += 4;
  }
  stream = 0;
  for (const HttpRequest& request : session.requests) {
    const Bytes bytes = http3_request(request);
    std::vector<Bytes> packets;
    for (size_t from = 0; from < bytes.size(); from += kPartBytes) {
      const size_t size = std::min(bytes.size() - from, kPartBytes);
      packets.push_back(quic.packet(
          Direction::kToServer, quic_stream_frame(stream, from, ByteSpan(bytes).subspan(from, size),
                                                  from + size == bytes.size())));
    }
    for (size_t i = 1; i < packets.size() && serial % 3 != 2; ++i) {
      if (random_.chance(0.15)) std::swap(packets[i - 1], packets[i]);
    }
    for (const Bytes& packet : packets) {
      send(Direction::kToServer, packet);
      if (random_.chance(0.05)) send(Direction::kToServer, packet);
    }
    now = now + Duration::millis(static_cast<int64_t>(random_.between(200, 900)));
    const std::string answer = random_prose(random_, random_.between(200, 1000));
    const Bytes head = http3_frame(1, qpack_literals({{":status", "200"}}));
    const Bytes data = http3_frame(0, as_bytes(answer));
    send(Direction::kToClient,
         quic.packet(
             Direction::kToClient,
             quic_stream_frame(stream, 0, ByteWriter().bytes(head).bytes(data).span(), true)));
    now = now + Duration::millis(static_cast<int64_t>(random_.between(300, 5000)));
    if (serial % 2 == 0) {
      quic.update_keys(Direction::kToServer);
      quic.update_keys(Direction::kToClient);
    }
    if (serial % 3 == 1 && stream == 0) {
      path.client.port = next_port();
      quic.use_id(Direction::kToServer, next_id);
    }
    stream += 4;
  }
}

}  // namespace weir::lab

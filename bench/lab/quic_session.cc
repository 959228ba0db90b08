#include "bench/lab/quic_session.h"

#include <algorithm>

#include "bench/lab/codings.h"
#include "core/hash.h"

namespace weir::lab {
namespace {

constexpr size_t kDatagram = 1200;
constexpr size_t kTag = 16;
constexpr size_t kCryptoPerPacket = 1000;
// Packet types of version 1; version 2 numbers them one higher, modulo four.
constexpr unsigned kInitial = 0;
constexpr unsigned kZeroRtt = 1;
constexpr unsigned kHandshake = 2;
constexpr size_t kRandomAt = 6;  // of the random in a hello message

void put_crypto(ByteWriter& out, uint64_t offset, ByteSpan data) {
  out.u8(0x06);
  put_quic_varint(out, offset);
  put_quic_varint(out, data.size());
  out.bytes(data);
}

void put_ack(ByteWriter& out) { out.u8(0x02).u8(0).u8(0).u8(0).u8(0); }

Bytes message(unsigned type, ByteSpan body) { return ByteWriter().u8(type).vector(3, body).take(); }

Bytes server_hello(LabRandom& random, uint16_t suite) {
  ByteWriter extensions;
  extensions.u16(43).vector(2, ByteWriter().u16(0x0304).span());
  extensions.u16(51).vector(2, ByteWriter().u16(0x001d).vector(2, random.bytes(32)).span());
  ByteWriter hello;
  hello.u16(0x0303).bytes(random.bytes(32)).u8(0).u16(suite).u8(0).vector(2, extensions.span());
  return message(2, hello.span());
}

// EncryptedExtensions with the protocol, an opaque certificate, and the rest.
Bytes server_handshake(LabRandom& random, const QuicPlan& plan, ByteSpan original_id,
                       ByteSpan server_id) {
  ByteWriter extensions;
  const Bytes protocol = ByteWriter().vector(1, as_bytes(plan.alpn)).take();
  extensions.u16(16).vector(2, ByteWriter().vector(2, protocol).span());
  const Bytes parameters =
      ByteWriter().u8(0x00).vector(1, original_id).u8(0x0f).vector(1, server_id).take();
  extensions.u16(57).vector(2, parameters);
  ByteWriter out;
  out.bytes(message(8, ByteWriter().vector(2, extensions.span()).span()));
  const Bytes entry = ByteWriter().vector(3, random.bytes(900)).u16(0).take();
  out.bytes(message(11, ByteWriter().u8(0).vector(3, entry).span()));
  out.bytes(message(15, ByteWriter().u16(0x0403).vector(2, random.bytes(71)).span()));
  out.bytes(message(20, random.bytes(quic_secret_bytes(plan.suite))));
  return out.take();
}

void put_prefix_int(ByteWriter& out, unsigned first, unsigned bits, uint64_t value) {
  const unsigned most = (1U << bits) - 1;
  if (value < most) {
    out.u8(first | static_cast<unsigned>(value));
    return;
  }
  out.u8(first | most);
  for (value -= most; value >= 128; value >>= 7) out.u8(0x80 | static_cast<unsigned>(value & 0x7f));
  out.u8(static_cast<unsigned>(value));
}

}  // namespace

QuicSession::QuicSession(LabRandom& random, const QuicPlan& plan) : random_(random), plan_(plan) {
  original_id_ = random_.bytes(8);
  client_id_ = random_.bytes(plan.client_id_bytes);
  server_id_ = random_.bytes(plan.server_id_bytes);
  early_secret_ = random_.bytes(quic_secret_bytes(plan.suite));
  for (const Direction d : {Direction::kToServer, Direction::kToClient}) {
    Side& s = side(d);
    s.to_id = d == Direction::kToServer ? original_id_ : client_id_;
    s.handshake_secret = random_.bytes(quic_secret_bytes(plan.suite));
    s.first_secret = random_.bytes(quic_secret_bytes(plan.suite));
    s.traffic_secret = s.first_secret;
    s.handshake = quic_keys(plan.suite, plan.version, s.handshake_secret);
    s.traffic = quic_keys(plan.suite, plan.version, s.traffic_secret);
  }
}

Bytes QuicSession::long_packet(unsigned type, Direction d, const QuicKeys& keys, uint64_t number,
                               ByteSpan frames) const {
  const unsigned bits = plan_.version == kQuicV2 ? (type + 1) & 3 : type;
  ByteWriter header;
  header.u8(0xc1 | bits << 4).u32(plan_.version).vector(1, sides_[d].to_id);
  header.vector(1, d == Direction::kToServer ? client_id_ : server_id_);
  if (type == kInitial) header.u8(0);  // no token
  Bytes plain(frames.begin(), frames.end());
  // Datagrams with an Initial are of full size.
  const size_t overhead = header.size() + 2 + 2 + kTag;
  if (type == kInitial && plain.size() + overhead < kDatagram) plain.resize(kDatagram - overhead);
  header.u16(0x4000 | (2 + plain.size() + kTag));
  header.u16(number);
  return quic_protect(keys, header.span(), 2, number, plain);
}

std::vector<QuicDatagram> QuicSession::handshake() {
  std::vector<QuicDatagram> out;
  ClientHelloPlan hello_plan;
  hello_plan.host = plan_.host;
  hello_plan.alpn = {plan_.alpn};
  hello_plan.post_quantum = plan_.post_quantum;
  // initial_source_connection_id and initial_max_data.
  hello_plan.quic_parameters =
      ByteWriter().u8(0x0f).vector(1, client_id_).u8(0x04).u8(4).u32(0x80100000).take();
  const Bytes hello = client_hello(random_, hello_plan);
  client_random_.assign(hello.begin() + kRandomAt, hello.begin() + kRandomAt + 32);
  const QuicKeys client_initial = quic_initial_keys(plan_.version, original_id_, true);
  const QuicKeys server_initial = quic_initial_keys(plan_.version, original_id_, false);
  uint64_t number = 0;
  for (size_t from = 0; from < hello.size(); from += kCryptoPerPacket) {
    ByteWriter frames;
    put_crypto(frames, from,
               ByteSpan(hello).subspan(from, std::min(hello.size() - from, kCryptoPerPacket)));
    out.push_back({Direction::kToServer, long_packet(kInitial, Direction::kToServer, client_initial,
                                                     number++, frames.span())});
  }
  // The server's Initial, padded, and its Handshake packets.
  ByteWriter answer;
  put_ack(answer);
  put_crypto(answer, 0, server_hello(random_, plan_.suite));
  out.push_back({Direction::kToClient,
                 long_packet(kInitial, Direction::kToClient, server_initial, 0, answer.span())});
  const Bytes rest = server_handshake(random_, plan_, original_id_, server_id_);
  number = 0;
  for (size_t from = 0; from < rest.size(); from += kCryptoPerPacket) {
    ByteWriter frames;
    put_crypto(frames, from,
               ByteSpan(rest).subspan(from, std::min(rest.size() - from, kCryptoPerPacket)));
    out.push_back({Direction::kToClient,
                   long_packet(kHandshake, Direction::kToClient,
                               side(Direction::kToClient).handshake, number++, frames.span())});
  }
  // The client's acknowledgement and Finished, in one datagram.
  side(Direction::kToServer).to_id = server_id_;
  ByteWriter ack;
  put_ack(ack);
  Bytes last = long_packet(kInitial, Direction::kToServer, client_initial, 7, ack.span());
  ByteWriter finished;
  put_ack(finished);
  put_crypto(finished, 0, message(20, random_.bytes(quic_secret_bytes(plan_.suite))));
  const Bytes handshake_packet = long_packet(
      kHandshake, Direction::kToServer, side(Direction::kToServer).handshake, 0, finished.span());
  last.insert(last.end(), handshake_packet.begin(), handshake_packet.end());
  out.push_back({Direction::kToServer, std::move(last)});
  return out;
}

Bytes QuicSession::packet(Direction d, ByteSpan frames) {
  return packet(d, side(d).next++, frames);
}

Bytes QuicSession::packet(Direction d, uint64_t number, ByteSpan frames) const {
  const Side& s = sides_[d];
  ByteWriter header;
  header.u8(0x41U | (s.phase ? 0x04U : 0U)).bytes(s.to_id).u16(number & 0xffff);
  return quic_protect(s.traffic, header.span(), 2, number, frames);
}

Bytes QuicSession::early_packet(ByteSpan frames) {
  return long_packet(kZeroRtt, Direction::kToServer,
                     quic_keys(plan_.suite, plan_.version, early_secret_),
                     side(Direction::kToServer).next++, frames);
}

void QuicSession::update_keys(Direction d) {
  Side& s = side(d);
  s.traffic_secret = quic_next_secret(plan_.suite, plan_.version, s.traffic_secret);
  const Bytes header_key = s.traffic.header;  // stays
  s.traffic = quic_keys(plan_.suite, plan_.version, s.traffic_secret);
  s.traffic.header = header_key;
  s.phase = !s.phase;
}

std::string QuicSession::key_log() const {
  const auto line = [this](std::string_view label, ByteSpan secret) {
    return std::string(label) + ' ' + to_hex(client_random_) + ' ' + to_hex(secret) + '\n';
  };
  const Side& client = sides_[Direction::kToServer];
  const Side& server = sides_[Direction::kToClient];
  return line("CLIENT_EARLY_TRAFFIC_SECRET", early_secret_) +
         line("CLIENT_HANDSHAKE_TRAFFIC_SECRET", client.handshake_secret) +
         line("SERVER_HANDSHAKE_TRAFFIC_SECRET", server.handshake_secret) +
         line("CLIENT_TRAFFIC_SECRET_0", client.first_secret) +
         line("SERVER_TRAFFIC_SECRET_0", server.first_secret);
}

Bytes quic_stream_frame(uint64_t stream, uint64_t offset, ByteSpan data, bool fin) {
  ByteWriter out;
  out.u8(0x0eU | (fin ? 1U : 0U));
  put_quic_varint(out, stream);
  put_quic_varint(out, offset);
  put_quic_varint(out, data.size());
  return out.bytes(data).take();
}

Bytes quic_new_id_frame(uint64_t sequence, ByteSpan id) {
  ByteWriter out;
  out.u8(0x18);
  put_quic_varint(out, sequence);
  put_quic_varint(out, 0);
  return out.vector(1, id).zeros(16).take();
}

Bytes http3_frame(uint64_t type, ByteSpan payload) {
  ByteWriter out;
  put_quic_varint(out, type);
  put_quic_varint(out, payload.size());
  return out.bytes(payload).take();
}

Bytes qpack_literals(const std::vector<std::pair<std::string, std::string>>& fields) {
  ByteWriter out;
  out.u8(0).u8(0);
  for (const auto& [name, value] : fields) {
    put_prefix_int(out, 0x20, 3, name.size());
    out.text(name);
    put_prefix_int(out, 0x00, 7, value.size());
    out.text(value);
  }
  return out.take();
}

Bytes http3_request(const HttpRequest& request) {
  const Bytes body = encode_content(request.coding, as_bytes(request.body));
  std::vector<std::pair<std::string, std::string>> fields{{":method", request.method},
                                                          {":scheme", "https"},
                                                          {":authority", request.host},
                                                          {":path", request.target}};
  for (const auto& [name, value] : request.headers) {
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    });
    if (lower == "connection" || lower == "host") continue;
    fields.emplace_back(lower, value);
  }
  const bool has_body = request.method != "GET";
  if (has_body) {
    fields.emplace_back("content-type", request.content_type);
    if (request.coding != "identity") fields.emplace_back("content-encoding", request.coding);
    fields.emplace_back("content-length", std::to_string(body.size()));
  }
  ByteWriter out;
  out.bytes(http3_frame(0x01, qpack_literals(fields)));
  for (size_t from = 0; has_body && from < body.size();) {
    const size_t part = std::min<size_t>(body.size() - from, 4000);
    out.bytes(http3_frame(0x00, ByteSpan(body).subspan(from, part)));
    from += part;
  }
  return out.take();
}

std::array<Bytes, 3> http3_client_streams() {
  const Bytes settings = ByteWriter().u8(0x01).u8(0).u8(0x07).u8(0).take();
  ByteWriter control;
  control.u8(0x00).bytes(http3_frame(0x04, settings));
  return {control.take(), Bytes{0x02}, Bytes{0x03}};
}

}  // namespace weir::lab

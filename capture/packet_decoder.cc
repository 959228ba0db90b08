#include "capture/packet_decoder.h"

#include <algorithm>

#include "capture/link_layer.h"
#include "capture/network_layer.h"
#include "core/byte_reader.h"

namespace weir::capture {
namespace {

enum class TransportOutcome : uint8_t { kRead, kBad, kShort };

constexpr uint32_t kTcpHeader = 20;
constexpr uint32_t kUdpHeader = 8;

// The payload behind `header` bytes of the `promised` ones.
void set_payload(const NetworkPacket& ip, uint32_t header, uint32_t promised,
                 DecodedPacket& out) noexcept {
  const uint32_t length = promised - header;
  const size_t skip = std::min<size_t>(header, ip.payload.size());
  const size_t captured = std::min<size_t>(ip.payload.size() - skip, length);
  out.payload = ip.payload.subspan(skip, captured);
  out.missing = length - static_cast<uint32_t>(captured);
}

TransportOutcome read_tcp(const NetworkPacket& ip, DecodedPacket& out) noexcept {
  ByteReader in(ip.payload);
  out.source.port = in.u16();
  out.destination.port = in.u16();
  out.seq = in.u32();
  out.ack = in.u32();
  const uint32_t header = (in.u8() >> 4U) * 4U;
  const uint8_t flags = in.u8();
  out.window = in.u16();
  in.skip(4);
  if (!in.ok()) return TransportOutcome::kShort;
  if (header < kTcpHeader || header > ip.payload_length) return TransportOutcome::kBad;
  out.flags.fin = (flags & 0x01) != 0;
  out.flags.syn = (flags & 0x02) != 0;
  out.flags.rst = (flags & 0x04) != 0;
  out.flags.psh = (flags & 0x08) != 0;
  out.flags.ack = (flags & 0x10) != 0;
  // Options may be cut by the snaplen: the fields above are good, the payload is empty then.
  set_payload(ip, header, ip.payload_length, out);
  return TransportOutcome::kRead;
}

TransportOutcome read_udp(const NetworkPacket& ip, DecodedPacket& out) noexcept {
  ByteReader in(ip.payload);
  out.source.port = in.u16();
  out.destination.port = in.u16();
  uint32_t length = in.u16();
  in.skip(2);
  if (!in.ok()) return TransportOutcome::kShort;
  if (length == 0) length = ip.payload_length;  // jumbogram, or left to the network card
  if (length < kUdpHeader) return TransportOutcome::kBad;
  if (length > ip.payload_length) {
    if (!ip.first_fragment && ip.length_known) return TransportOutcome::kBad;
    length = ip.payload_length;
  }
  set_payload(ip, kUdpHeader, length, out);
  return TransportOutcome::kRead;
}

bool is_tunnel(const DecodedPacket& packet) noexcept {
  switch (packet.protocol) {
    case 4:    // IP in IP
    case 41:   // IPv6 in IP
    case 47:   // GRE
    case 50:   // ESP
    case 94:   // IP in IP, the old number
    case 97:   // Ethernet in IP
    case 98:   // RFC 1241
    case 115:  // L2TP
    case 137:  // MPLS in IP
      return true;
    case static_cast<uint8_t>(IpProtocol::kUdp):
      break;
    default:
      return false;
  }
  switch (packet.destination.port) {
    case 4789:   // VXLAN
    case 6081:   // Geneve
    case 2152:   // GTP-U
    case 1701:   // L2TP
    case 3544:   // Teredo
    case 37008:  // TZSP
      return true;
    default:
      return false;
  }
}

}  // namespace

DecodeOutcome PacketDecoder::malformed(Counter& layer) noexcept {
  layer.add();
  return DecodeOutcome::kMalformed;
}

// A header that ends too early is the snaplen's doing when there was more on the wire.
DecodeOutcome PacketDecoder::cut_or(const RawPacket& raw, Counter& layer) noexcept {
  return malformed(raw.data.size() < raw.wire_length ? counters_.truncated : layer);
}

DecodeOutcome PacketDecoder::decode(const RawPacket& raw, DecodedPacket& out) noexcept {
  counters_.packets.add();
  ByteReader in(raw.data);
  uint32_t encapsulation = 0;
  switch (read_link_layer(raw.link_type, in, encapsulation)) {
    case LinkOutcome::kIp:
      break;
    case LinkOutcome::kNotIp:
      counters_.not_ip.add();
      return DecodeOutcome::kNotIp;
    case LinkOutcome::kTunnel:
      counters_.unsupported_tunnel.add();
      return DecodeOutcome::kUnsupported;
    case LinkOutcome::kBad:
      return malformed(counters_.bad_link);
    case LinkOutcome::kShort:
      return cut_or(raw, counters_.bad_link);
    case LinkOutcome::kUnknownType:
      counters_.unsupported_link.add();
      return DecodeOutcome::kUnsupported;
  }

  const ByteSpan network = in.peek();
  const auto link_bytes = static_cast<uint32_t>(in.position());
  const uint32_t wire_length = std::max(raw.wire_length, static_cast<uint32_t>(raw.data.size()));
  NetworkPacket ip;
  switch (read_network_layer(network, wire_length - link_bytes, ip)) {
    case NetworkOutcome::kTransport:
      break;
    case NetworkOutcome::kFragment:
      counters_.fragments.add();
      return DecodeOutcome::kFragment;
    case NetworkOutcome::kBad:
      return malformed(counters_.bad_network);
    case NetworkOutcome::kShort:
      return cut_or(raw, counters_.bad_network);
  }

  DecodedPacket packet;
  packet.time = raw.time;
  packet.wire_length = raw.wire_length;
  packet.source.ip = ip.source;
  packet.destination.ip = ip.destination;
  packet.protocol = ip.protocol;
  packet.encapsulation = encapsulation;
  TransportOutcome outcome = TransportOutcome::kRead;
  if (ip.protocol == static_cast<uint8_t>(IpProtocol::kTcp)) {
    outcome = read_tcp(ip, packet);
  } else if (ip.protocol == static_cast<uint8_t>(IpProtocol::kUdp)) {
    outcome = read_udp(ip, packet);
  } else {
    set_payload(ip, 0, ip.payload_length, packet);
    counters_.other_transport.add();
  }
  if (outcome == TransportOutcome::kShort) {
    if (ip.first_fragment) {
      counters_.fragments.add();
      return DecodeOutcome::kFragment;
    }
    const bool whole = ip.payload.size() == ip.payload_length;
    return whole ? malformed(counters_.bad_transport) : cut_or(raw, counters_.bad_transport);
  }
  if (outcome == TransportOutcome::kBad) return malformed(counters_.bad_transport);
  if (is_tunnel(packet)) counters_.tunnels.add();
  if (packet.missing > 0) counters_.cut_payload.add();
  counters_.decoded.add();
  out = packet;
  return DecodeOutcome::kDecoded;
}

}  // namespace weir::capture

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
    if (ip.length_known) return TransportOutcome::kBad;
    length = ip.payload_length;
  }
  set_payload(ip, kUdpHeader, length, out);
  return TransportOutcome::kRead;
}

}  // namespace

PacketDecoder::Exit PacketDecoder::decode_layer(const Layer& layer, DecodedPacket& out) noexcept {
  constexpr Exit kDone{DecodeOutcome::kDecoded, &DecodeCounters::decoded};
  constexpr Exit kHeld{DecodeOutcome::kFragment, &DecodeCounters::fragments};
  const auto malformed = [](Counter DecodeCounters::*by) {
    return Exit{DecodeOutcome::kMalformed, by};
  };
  // A header that ends too early is the snaplen's doing when there was more on the wire.
  const auto cut_or = [&](Counter DecodeCounters::*by) {
    return malformed(layer.bytes.size() < layer.wire_length ? &DecodeCounters::truncated : by);
  };

  ByteReader in(layer.bytes);
  uint32_t encapsulation = layer.encapsulation;
  const LinkOutcome link =
      layer.is_link ? read_link_layer(layer.type, in, encapsulation)
                    : read_ether_type(static_cast<uint16_t>(layer.type), in, encapsulation);
  switch (link) {
    case LinkOutcome::kIp:
      break;
    case LinkOutcome::kNotIp:
      return {DecodeOutcome::kNotIp, &DecodeCounters::not_ip};
    case LinkOutcome::kTunnel:
      return {DecodeOutcome::kUnsupported, &DecodeCounters::unsupported_tunnel};
    case LinkOutcome::kBad:
      return malformed(&DecodeCounters::bad_link);
    case LinkOutcome::kShort:
      return cut_or(&DecodeCounters::bad_link);
    case LinkOutcome::kUnknownType:
      return {DecodeOutcome::kUnsupported, &DecodeCounters::unsupported_link};
  }

  const auto link_bytes = static_cast<uint32_t>(in.position());
  NetworkPacket ip;
  switch (read_network_layer(in.peek(), layer.wire_length - link_bytes, ip)) {
    case NetworkOutcome::kTransport:
      break;
    case NetworkOutcome::kFragment: {
      const auto whole =
          defragmenter_.add({ip.source, ip.destination, ip.fragment_id, ip.protocol, encapsulation,
                             ip.fragment_offset, ip.more_fragments, ip.payload, ip.payload_length},
                            out.time, counters_);
      if (!whole) return kHeld;
      if (resume_network_layer(whole->payload, whole->length, whole->protocol, ip) !=
          NetworkOutcome::kTransport) {
        return malformed(&DecodeCounters::bad_network);
      }
      break;
    }
    case NetworkOutcome::kBad:
      return malformed(&DecodeCounters::bad_network);
    case NetworkOutcome::kShort:
      return cut_or(&DecodeCounters::bad_network);
  }

  out.source.ip = ip.source;
  out.destination.ip = ip.destination;
  out.protocol = ip.protocol;
  out.encapsulation = encapsulation;
  TransportOutcome outcome = TransportOutcome::kRead;
  if (ip.protocol == static_cast<uint8_t>(IpProtocol::kTcp)) {
    outcome = read_tcp(ip, out);
  } else if (ip.protocol == static_cast<uint8_t>(IpProtocol::kUdp)) {
    outcome = read_udp(ip, out);
  } else {
    set_payload(ip, 0, ip.payload_length, out);
  }
  if (outcome == TransportOutcome::kShort) {
    const bool whole = ip.payload.size() == ip.payload_length;
    return whole ? malformed(&DecodeCounters::bad_transport)
                 : cut_or(&DecodeCounters::bad_transport);
  }
  if (outcome == TransportOutcome::kBad) return malformed(&DecodeCounters::bad_transport);
  return kDone;
}

DecodeOutcome PacketDecoder::decode(const RawPacket& raw, DecodedPacket& out) noexcept {
  counters_.packets.add();
  defragmenter_.release();
  Layer layer;
  layer.type = raw.link_type;
  layer.bytes = raw.data;
  layer.wire_length = std::max(raw.wire_length, static_cast<uint32_t>(raw.data.size()));
  DecodedPacket packet;
  packet.time = raw.time;
  packet.wire_length = raw.wire_length;
  Exit exit = decode_layer(layer, packet);
  for (size_t depth = 0; exit.outcome == DecodeOutcome::kDecoded; ++depth) {
    const TunnelOutcome tunnel = enter_tunnel(packet, layer);
    if (tunnel == TunnelOutcome::kNone) break;
    if (depth == max_depth_) {
      counters_.tunnel_depth.add();
      break;
    }
    DecodedPacket inner;
    inner.time = raw.time;
    inner.wire_length = raw.wire_length;
    inner.tunnelled = true;
    const Exit inside = tunnel == TunnelOutcome::kEntered
                            ? decode_layer(layer, inner)
                            : Exit{DecodeOutcome::kUnsupported, nullptr};
    if (inside.outcome != DecodeOutcome::kDecoded && inside.outcome != DecodeOutcome::kFragment) {
      counters_.tunnels.add();
      break;
    }
    counters_.tunnels_entered.add();
    exit = inside;
    packet = inner;
  }
  (counters_.*exit.counter).add();
  if (exit.outcome != DecodeOutcome::kDecoded) return exit.outcome;
  if (packet.protocol != static_cast<uint8_t>(IpProtocol::kTcp) &&
      packet.protocol != static_cast<uint8_t>(IpProtocol::kUdp)) {
    counters_.other_transport.add();
  }
  if (packet.missing > 0) counters_.cut_payload.add();
  out = packet;
  return DecodeOutcome::kDecoded;
}

}  // namespace weir::capture

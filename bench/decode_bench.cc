// Rate of PacketDecoder on frames that lie in cache, by kind of frame, and of reading and decoding
// a capture file that lies in the page cache. Bytes are those of the wire.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "bench/lab/capture_writer.h"
#include "bench/lab/frames.h"
#include "capture/packet_decoder.h"
#include "capture/packet_source.h"

namespace {

using weir::Endpoint;
using weir::IpAddress;
using weir::lab::Bytes;

enum Kind : int { kSmall, kLarge, kVlan, kIpv6, kUdp, kVxlan };
constexpr size_t kFrames = 256;  // of different flows

Bytes make_frame(int kind, size_t flow) {
  const bool v6 = kind == kIpv6;
  const Endpoint client{v6 ? *IpAddress::parse("2001:db8::1") : IpAddress::v4(0x0a000001),
                        static_cast<uint16_t>(20000 + flow)};
  const Endpoint server{v6 ? *IpAddress::parse("2001:db8::2") : IpAddress::v4(0xc0a80102), 443};
  const size_t ip_and_tcp = v6 ? 60 : 40;
  const Bytes payload(kind == kSmall ? 10 : 1500 - ip_and_tcp, 'x');
  if (kind == kUdp) return weir::lab::ethernet_ip(weir::lab::udp_packet(client, server, payload));
  const Bytes ip = weir::lab::tcp_packet(client, server, {}, payload);
  if (kind == kVxlan) {
    const Bytes inside = weir::lab::ByteWriter()
                             .u32(0x08000000)
                             .u32(7 << 8)
                             .bytes(weir::lab::ethernet_ip(ip))
                             .take();
    return weir::lab::ethernet_ip(
        weir::lab::udp_packet({IpAddress::v4(1), 50000}, {IpAddress::v4(2), 4789}, inside));
  }
  if (kind == kVlan) return weir::lab::ethernet_ip(ip, {{100, 0x88a8}, {200}});
  return weir::lab::ethernet_ip(ip);
}

void Decode(benchmark::State& state) {
  std::vector<Bytes> frames;
  uint64_t expected = 0;
  for (size_t i = 0; i < kFrames; ++i) {
    frames.push_back(make_frame(static_cast<int>(state.range(0)), i));
    expected += 20000 + i + 443;
  }
  uint64_t bytes = 0;
  weir::capture::PacketDecoder decoder;
  weir::DecodedPacket packet;
  for (auto _ : state) {
    uint64_t sum = 0;
    for (const Bytes& frame : frames) {
      weir::RawPacket raw;
      raw.link_type = 1;
      raw.data = frame;
      raw.wire_length = static_cast<uint32_t>(frame.size());
      if (decoder.decode(raw, packet) == weir::capture::DecodeOutcome::kDecoded) {
        sum += packet.source.port + packet.destination.port;
        bytes += frame.size();
      }
      benchmark::DoNotOptimize(packet);
    }
    if (sum != expected) {
      state.SkipWithError("wrong ports");
      break;
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kFrames));
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
}

BENCHMARK(Decode)->ArgName("small")->Arg(kSmall);
BENCHMARK(Decode)->ArgName("1500")->Arg(kLarge);
BENCHMARK(Decode)->ArgName("qinq")->Arg(kVlan);
BENCHMARK(Decode)->ArgName("ipv6")->Arg(kIpv6);
BENCHMARK(Decode)->ArgName("udp")->Arg(kUdp);
BENCHMARK(Decode)->ArgName("vxlan")->Arg(kVxlan);

void ReadFile(benchmark::State& state) {
  constexpr size_t kRounds = 64;
  const bool pcapng = state.range(0) == 1;
  weir::lab::PcapWriter pcap;
  weir::lab::PcapngWriter ng;
  ng.interface({});
  size_t bytes = 0;
  for (size_t i = 0; i < kFrames * kRounds; ++i) {
    const Bytes frame = make_frame(kLarge, i % kFrames);
    pcap.add({1}, frame);
    ng.packet(0, 1, frame);
    bytes += frame.size();
  }
  const std::string path = "/tmp/weir_decode_bench." + std::to_string(::getpid());
  if (!weir::lab::write_file(path, pcapng ? ng.bytes() : pcap.bytes())) {
    state.SkipWithError("cannot write");
    return;
  }
  for (auto _ : state) {
    auto file = weir::capture::CaptureFile::open(path);
    weir::capture::PacketDecoder decoder;
    weir::RawPacket raw;
    weir::DecodedPacket packet;
    size_t decoded = 0;
    while (file && (*file)->next(raw) == weir::capture::CaptureFile::Next::kPacket) {
      if (decoder.decode(raw, packet) == weir::capture::DecodeOutcome::kDecoded) ++decoded;
    }
    if (decoded != kFrames * kRounds) {
      state.SkipWithError("packets are missing");
      break;
    }
  }
  std::remove(path.c_str());
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kFrames * kRounds));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes));
}

BENCHMARK(ReadFile)->ArgName("pcap")->Arg(0);
BENCHMARK(ReadFile)->ArgName("pcapng")->Arg(1);

}  // namespace

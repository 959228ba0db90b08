// The input is cut into packets of a few flows that are shown to nDPI. Its own code is not
// instrumented; what is looked for are crashes, flows that never end, and memory that stays.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "core/byte_reader.h"
#include "core/check.h"
#include "inspect/identify/ndpi_classifier.h"

namespace {

using namespace weir;
using namespace weir::inspect;

NdpiEngine& engine() {
  static const std::unique_ptr<NdpiEngine> made = [] {
    auto result = NdpiEngine::create(Limits{});
    WEIR_CHECK(result.has_value());
    return std::move(result).value();
  }();
  return *made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ByteReader in(ByteSpan(data, size));
  std::vector<NdpiFlow> flows(4);
  std::vector<uint32_t> packets(4);
  Timestamp now{1'700'000'000'000'000'000};
  while (in.remaining() >= 8) {
    const uint8_t op = in.u8();
    const size_t i = op & 3;
    if (!flows[i].active()) {
      flows[i] = engine().begin();
      packets[i] = 0;
    }
    DecodedPacket packet;
    packet.time = now = now + Duration::millis(in.u8());
    const bool v6 = (i & 1) != 0;
    const Endpoint client{v6 ? *IpAddress::parse("2001:db8::1") : IpAddress::v4(0x0a000001), 40000};
    const Endpoint server{v6 ? *IpAddress::parse("2001:db8::2") : IpAddress::v4(0xd8080808),
                          in.u16()};
    const bool up = (op & 4) != 0;
    packet.source = up ? client : server;
    packet.destination = up ? server : client;
    constexpr uint8_t kProtocols[] = {6, 17, 6, 47};  // one a flow, as flow keys have it
    packet.protocol = kProtocols[i];
    packet.flags.ack = true;
    packet.flags.psh = (op & 0x80) != 0;
    packet.seq = in.u16();
    packet.payload = in.take(std::min<size_t>(in.u16() % 2048, in.remaining()));
    const auto verdict = engine().feed(flows[i], packet);
    WEIR_CHECK(verdict.has_value() != flows[i].active());
    if (!packet.payload.empty()) ++packets[i];
    WEIR_CHECK(!flows[i].active() || packets[i] < Limits{}.ndpi_tcp_packets);
  }
  for (NdpiFlow& flow : flows) {
    if (flow.active()) WEIR_CHECK(!engine().give_up(flow).protocol.empty());
  }
  WEIR_CHECK(engine().active() == 0);
  return 0;
}

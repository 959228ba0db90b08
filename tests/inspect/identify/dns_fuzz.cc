// DNS messages alone and as a TCP stream cut in two ways, and the name cache behind them.
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/check.h"
#include "inspect/identify/name_cache.h"

namespace {

using weir::ByteSpan;
using weir::Direction;
using namespace weir::inspect;

struct Transcript final : DnsSink {
  std::string text;
  void on_dns(Direction, const DnsMessage& m) noexcept override {
    for (const auto& q : m.questions) text += q.name + '\n';
    for (const auto& a : m.addresses) text += a.name + '=' + a.address.to_string() + '\n';
  }
};

std::string run(ByteSpan data, size_t most) {
  DnsCounters counters;
  Transcript sink;
  DnsTcpDecoder decoder(counters, sink);
  DecodeStatus status = DecodeStatus::kContinue;
  while (!data.empty() && status == DecodeStatus::kContinue) {
    const ByteSpan part = data.first(std::min(data.size(), most));
    data = data.subspan(part.size());
    status = decoder.on_data(Direction::kToClient, part);
  }
  decoder.on_end(Direction::kToClient, EndReason::kComplete);
  return sink.text + std::to_string(static_cast<int>(status));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteSpan bytes(data, size);
  (void)probe_dns(bytes);
  (void)probe_dns_tcp(bytes);
  DnsMessage message;
  if (parse_dns(bytes, message)) {
    WEIR_CHECK(message.questions.size() <= kMaxDnsQuestions);
    WEIR_CHECK(message.addresses.size() <= kMaxDnsAddresses);
    weir::Limits limits;
    limits.dns_names = 8;
    NameCacheCounters counters;
    NameCache cache(limits, counters, weir::HashKey{{3, 4}});
    cache.add(weir::IpAddress::v4(1), message, weir::Timestamp{1});
    WEIR_CHECK(cache.size() <= 8);
    for (const auto& a : message.addresses) {
      WEIR_CHECK(a.name.size() <= 255);
      (void)cache.find(weir::IpAddress::v4(1), a.address, weir::Timestamp{1});
    }
  }
  WEIR_CHECK(run(bytes, SIZE_MAX) == run(bytes, 1));
  return 0;
}

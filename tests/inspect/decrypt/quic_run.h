// Feeds datagrams to a QuicConnection and writes down what comes out of it.
#pragma once

#include <map>
#include <set>
#include <string>

#include "bench/lab/quic_session.h"
#include "core/hash.h"
#include "inspect/decrypt/key_log.h"
#include "inspect/decrypt/quic_connection.h"

namespace weir::test {

class QuicTranscript final : public inspect::QuicSink {
 public:
  void on_stream_data(Direction d, uint64_t stream, ByteSpan data,
                      uint64_t offset) noexcept override {
    Stream& s = streams[key(d, stream)];
    in_order = in_order && !s.ended && offset == s.next;
    s.next = offset + data.size();
    s.text += as_chars(data);
  }
  void on_stream_gap(Direction d, uint64_t stream, uint64_t bytes) noexcept override {
    Stream& s = streams[key(d, stream)];
    in_order = in_order && !s.ended;
    s.next += bytes;
    s.text += "<" + std::to_string(bytes) + " lost>";
  }
  void on_stream_end(Direction d, uint64_t stream, inspect::EndReason reason) noexcept override {
    Stream& s = streams[key(d, stream)];
    in_order = in_order && !s.ended;
    s.ended = true;
    s.text += reason == inspect::EndReason::kComplete ? "<end>" : "<cut>";
  }
  void on_datagram_frame(ByteSpan data) noexcept override { datagrams += as_chars(data); }
  void on_connection_id(ByteSpan id) noexcept override { ids.insert(to_hex(id)); }
  void on_connection_id_gone(ByteSpan id) noexcept override { ids.erase(to_hex(id)); }

  [[nodiscard]] std::string text(uint64_t stream) const {
    const auto at = streams.find("up " + std::to_string(stream));
    return at == streams.end() ? "" : at->second.text;
  }

  struct Stream {
    std::string text;
    uint64_t next = 0;
    bool ended = false;
  };
  std::map<std::string, Stream> streams;
  std::set<std::string> ids;
  std::string datagrams;
  bool in_order = true;

 private:
  static std::string key(Direction d, uint64_t stream) {
    return (d == Direction::kToServer ? "up " : "down ") + std::to_string(stream);
  }
};

struct QuicRun {
  Limits limits;
  inspect::KeyStore keys;
  inspect::TlsCounters tls;
  inspect::DecryptCounters decrypt;
  inspect::QuicDecryptCounters counters;
  inspect::DecryptServices shared{limits, keys, tls, decrypt};
  inspect::QuicDecryptServices services{shared, counters};
  QuicTranscript sink;
  inspect::QuicConnection connection{services, sink, true};
  Timestamp now{1'000'000'000};
  bool begun = false;

  void feed(Direction d, ByteSpan bytes) {
    // Of exact size, so that a sanitizer sees one byte too far.
    const std::unique_ptr<uint8_t[]> copy(new uint8_t[bytes.size()]);
    std::copy(bytes.begin(), bytes.end(), copy.get());
    const ByteSpan datagram(copy.get(), bytes.size());
    if (!begun) begun = connection.begin(datagram);
    if (begun) connection.on_datagram(d, datagram, now);
    now = now + Duration::millis(1);
  }
  void feed(const std::vector<lab::QuicDatagram>& datagrams) {
    for (const lab::QuicDatagram& datagram : datagrams) feed(datagram.direction, datagram.bytes);
  }
  void learn(const std::string& key_log) {
    inspect::KeyLogCounters log_counters;
    inspect::KeyLogParser parser(keys, log_counters);
    parser.feed(as_bytes(key_log), now);
    parser.finish(now);
  }
};

}  // namespace weir::test

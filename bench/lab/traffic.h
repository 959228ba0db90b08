// The network of the lab: who has which address, and the sessions on it as packets with labels.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/lab/ai_sessions.h"
#include "bench/lab/code_pool.h"
#include "bench/lab/lab_generator.h"
#include "bench/lab/lab_random.h"
#include "bench/lab/tcp_conversation.h"
#include "bench/lab/tls_messages.h"

namespace weir::lab {

class Traffic {
 public:
  explicit Traffic(LabRandom& random) : random_(random), port_(random.below(28'000)) {}

  // Each begins at `start`, makes its packets, and adds one label (a DNS exchange adds its own).
  // `serial` chooses the client kind and varies link and transport, so that a run has some of each.
  void ai_clear_session(uint32_t serial, Timestamp start, const CodeExcerpt* code, LabKind kind);
  void ai_tls_session(uint32_t serial, Timestamp start);
  void ai_quic_session(uint32_t serial, Timestamp start);
  // Over QUIC, with keys in key_log().
  void ai_http3_session(uint32_t serial, Timestamp start, const CodeExcerpt* code, LabKind kind);
  // Requests in clear, and a connection that stays encrypted, by client `client`; the label is
  // valid until the next one is made.
  LabLabel& clear_requests(uint64_t client, const std::string& host,
                           const std::vector<HttpRequest>& requests, Timestamp start);
  LabLabel& sealed_session(uint64_t client, const std::string& host, HelloKind hello,
                           Timestamp start);
  void web_page(Timestamp start);
  void web_tls(Timestamp start);
  void udp_noise(Timestamp start);
  // An upload of which the mirror port lost a segment.
  void lossy_upload(Timestamp start);

  [[nodiscard]] uint64_t frame_bytes() const noexcept;
  std::vector<LabPacket>& packets() noexcept { return packets_; }
  std::vector<LabLabel>& labels() noexcept { return labels_; }
  // In the NSS format.
  [[nodiscard]] const std::string& key_log() const noexcept { return key_log_; }

 private:
  struct Path {
    Endpoint client;
    Endpoint server;
    LinkPlan link;
  };
  uint16_t next_port() noexcept;
  Path make_path(const std::string& host, uint16_t port, bool v6);
  Timestamp resolve(const Path& path, const std::string& host, Timestamp start);
  void datagram(Timestamp time, const Endpoint& from, const Endpoint& to, ByteSpan payload,
                const std::vector<VlanTag>& vlans);
  LabLabel& add_label(LabKind kind, const Path& path, Timestamp time, std::string protocol,
                      const std::string& host);
  void tls(const Path& path, const std::string& host, Timestamp start, size_t up, size_t down,
           bool post_quantum, HelloKind kind = HelloKind::kLab);

  LabRandom& random_;
  uint64_t port_;  // each session takes the next, so that no two flows share a key
  std::vector<LabPacket> packets_;
  std::vector<LabLabel> labels_;
  std::string key_log_;
};

}  // namespace weir::lab

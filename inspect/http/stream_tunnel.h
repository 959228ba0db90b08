// What CONNECT in a stream of HTTP/2 or HTTP/3 asked for, kept until the client's first bytes open
// the tunnel (RFC 9113 section 8.5, RFC 9114 section 4.4).
#pragma once

#include <string>
#include <string_view>

#include "inspect/message_sink.h"

namespace weir::inspect {

struct StreamTunnel {
  TunnelKind kind = TunnelKind::kConnect;
  std::string protocol;
  std::string target;
  std::string authority;
  std::string user_agent;
  bool open = false;  // the sink knows of it

  // `protocol`: of extended CONNECT, else empty. Of each text at most `most` bytes are kept.
  StreamTunnel(const MessageHead& head, std::string_view asked_protocol, size_t most)
      : kind(asked_protocol.empty() ? TunnelKind::kConnect : TunnelKind::kUpgrade),
        protocol((asked_protocol.empty() ? head.target : asked_protocol).substr(0, most)),
        target(head.target.substr(0, most)),
        authority(head.authority.substr(0, most)),
        user_agent(head.user_agent.substr(0, most)) {}

  // Valid as long as this does not change.
  [[nodiscard]] TunnelInfo info(uint64_t stream) const noexcept {
    return {kind, protocol, target, authority, user_agent, {}, stream};
  }
};

}  // namespace weir::inspect

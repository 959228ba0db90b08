// A network interface by libpcap: AF_PACKET with a TPACKET_V3 ring that the kernel fills in blocks
// and this process reads in place. Handles of one interface share its packets as a PACKET_FANOUT
// group.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "capture/live_source.h"
#include "capture/reset_sender.h"

namespace weir::capture {

struct LivePcapOptions {
  std::string interface;
  uint64_t ring_bytes = 256ULL << 20;
  uint32_t snaplen = 262'144;
  bool promiscuous = true;
  std::string filter;  // pcap-filter(7); empty: everything
  // Handles with the same number on one interface share its packets; 0: alone.
  uint16_t fanout_group = 0;
  // One handle of each interface: the kernel tells every one of them all that it dropped.
  bool counts_interface = true;
  // For connections that policy resets or drops; null: they are only told of.
  std::shared_ptr<ResetSender> resets;
};

// Fails where there is no such interface, no right to listen, or a filter that does not compile.
Result<std::unique_ptr<LiveSource>> open_live_pcap(const LivePcapOptions& options);

// Whether a filter compiles, for Ethernet.
Status check_filter(const std::string& filter);

// Two handles on the loopback or a virtual interface must not see each other's group: a number that
// this process has not given out before.
[[nodiscard]] uint16_t new_fanout_group() noexcept;

}  // namespace weir::capture

// In the path: a netfilter queue (NFQUEUE), whose packets the kernel holds until their verdict.
// One queue a worker; the firewall rule spreads flows over them by a hash of the two addresses that
// is the same both ways. GSO super-packets come whole.
// https://netfilter.org/projects/libnetfilter_queue
//
// Verdicts of packets that may pass are given for a whole batch at once; a batch is what one read()
// takes, so none waits for packets that are still to come.
//
// Fail open: packets that this process is too slow for are passed by the kernel, uninspected. Those
// that did not fit the socket's buffer leave gaps in the packet numbers (passed_unseen); those that
// found the queue full are counted by nobody, so the queue's length is best left large. Failing
// closed, the kernel counts what it drops (kernel_dropped).
#pragma once

#include <cstdint>
#include <memory>

#include "capture/live_source.h"
#include "capture/reset_sender.h"

namespace weir::capture {

struct NfqueueOptions {
  uint16_t queue = 0;
  bool fail_open = true;
  uint32_t length = 8'192;  // packets that may wait in the kernel
  // This bit is set in the mark of a packet whose flow needs to be seen no more; a rule copies it
  // to the conntrack mark, and another passes such flows by the queue. 0: never.
  uint32_t shunt_mark = 0;
  // For connections whose packets are dropped; null: they are left to time out.
  std::shared_ptr<ResetSender> resets;
};

// Fails where another process serves the queue or the right (CAP_NET_ADMIN) is not there.
Result<std::unique_ptr<LiveSource>> open_nfqueue(const NfqueueOptions& options);

}  // namespace weir::capture

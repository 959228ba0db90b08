// In the path: a netfilter queue (NFQUEUE), whose packets the kernel holds until their verdict.
// One queue a worker; the firewall rule spreads flows over them by a hash of the two addresses that
// is the same both ways. GSO super-packets come whole.
// https://netfilter.org/projects/libnetfilter_queue
//
// Verdicts of packets that may pass are given for a whole batch at once; a batch is what one read()
// takes, so none waits for packets that are still to come.
//
// Fail open: packets that this process is too slow for are passed by the kernel, uninspected. They
// leave gaps in the packet numbers, which are counted as kernel_dropped when failing closed (the
// kernel drops them) and as passed_unseen when failing open.
#pragma once

#include <cstdint>
#include <memory>

#include "capture/live_source.h"
#include "capture/reset_sender.h"

namespace weir::capture {

struct NfqueueOptions {
  uint16_t queue = 0;
  bool fail_open = true;
  // Small packets that may wait for this process, about; super-packets count for more.
  uint32_t length = 8'192;
  // This bit is set in the mark of a packet whose flow needs to be seen no more; a rule copies it
  // to the conntrack mark, and another passes such flows by the queue. 0: never.
  uint32_t shunt_mark = 0;
  // For connections whose packets are dropped; null: they are left to time out.
  std::shared_ptr<ResetSender> resets;
};

// Fails where another process serves the queue or the right (CAP_NET_ADMIN) is not there.
Result<std::unique_ptr<LiveSource>> open_nfqueue(const NfqueueOptions& options);

}  // namespace weir::capture

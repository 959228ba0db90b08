// Where packets come from while they happen. A worker owns its sources, waits for all of them in
// one poll(2), and reads each in batches: a mirror port shows copies, a queue in the path holds
// each packet until its verdict. Single-threaded but for what says otherwise.
// begin (wait on poll_fd | read | refresh_counters)* end
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/counters.h"
#include "core/packet.h"
#include "core/result.h"
#include "core/time.h"
#include "core/verdict.h"

namespace weir::capture {

struct LiveCounters {
  Counter packets;
  Counter bytes;
  Counter kernel_dropped;
  Counter interface_dropped;
  Counter verdicts_dropped;
  Counter verdicts_shunted;
  Counter verdicts_failed;
  Counter read_errors;
  Counter reopened;
  Counter passed_unseen;
  Counter queue_full;
  Counter resets_sent;
  Counter resets_failed;
  Counter resets_limited;
  Counter resets_unsupported;
};

inline constexpr CounterTable<LiveCounters, 15> kLiveCounterTable{{
    {"packets", &LiveCounters::packets, "packets read"},
    {"bytes", &LiveCounters::bytes, "their bytes on the wire"},
    {"kernel_dropped", &LiveCounters::kernel_dropped,
     "packets that the kernel dropped because the ring or queue was full"},
    {"interface_dropped", &LiveCounters::interface_dropped,
     "packets that the interface dropped before the kernel saw them"},
    {"verdicts_dropped", &LiveCounters::verdicts_dropped, "packets held in the path and dropped"},
    {"verdicts_shunted", &LiveCounters::verdicts_shunted,
     "verdicts that let the kernel pass the rest of a flow by itself"},
    {"verdicts_failed", &LiveCounters::verdicts_failed, "verdicts that the kernel did not take"},
    {"read_errors", &LiveCounters::read_errors, "times that reading failed"},
    {"reopened", &LiveCounters::reopened, "times that an interface came back"},
    {"passed_unseen", &LiveCounters::passed_unseen,
     "packets that the kernel let pass uninspected: this process was too slow, and it fails open"},
    {"queue_full", &LiveCounters::queue_full, "times that the queue in the path was found full"},
    {"resets_sent", &LiveCounters::resets_sent, "TCP reset segments sent"},
    {"resets_failed", &LiveCounters::resets_failed, "TCP resets that the kernel did not take"},
    {"resets_limited", &LiveCounters::resets_limited,
     "packets to be cut that no reset was sent for: over the rate, or one had just been sent"},
    {"resets_unsupported", &LiveCounters::resets_unsupported,
     "packets to be cut that no reset can reach: inside a tunnel, not TCP, an unknown link layer"},
}};
static_assert(describes_all(kLiveCounterTable));

// What is to happen to a packet and its flow. A mirror port can only send resets.
struct LiveVerdict {
  Action action = Action::kAllow;  // kDrop, and kReset, let neither this packet nor the rest pass
  bool shunt = false;              // nothing more of this flow needs to be seen
  // As decoded, valid until the handler's next packet; null: it could not be.
  const DecodedPacket* packet = nullptr;
};

class LiveHandler {
 public:
  virtual ~LiveHandler() = default;
  virtual LiveVerdict on_packet(const RawPacket& packet) noexcept = 0;
};

class LiveSource {
 public:
  LiveSource() = default;
  LiveSource(const LiveSource&) = delete;
  LiveSource& operator=(const LiveSource&) = delete;
  virtual ~LiveSource() = default;

  // Readable when there is something to read; -1 while the source is away (its interface is gone).
  [[nodiscard]] virtual int poll_fd() const noexcept = 0;
  // Packets from before `now` are not given out: while several handles were joining their group,
  // each saw packets of the others.
  virtual void begin(Timestamp now) noexcept = 0;
  // Gives what is there, at most `budget` packets, to the handler, and carries out its verdicts.
  // Never waits. Returns how many packets were given.
  virtual size_t read(LiveHandler& handler, size_t budget) noexcept = 0;
  // Asks the kernel for its drops, and tries to come back when the source is away. To be called a
  // few times a second.
  virtual void refresh(Timestamp now) noexcept = 0;
  // Gives up the source for good: whatever the kernel still holds for it gets its verdict (passes
  // when failing open, is dropped when failing closed). Nothing but counters() and name() after it.
  virtual void end() noexcept {}
  // Any thread.
  [[nodiscard]] virtual const LiveCounters& counters() const noexcept = 0;
  // Packets are held until their verdict, so that a drop cuts.
  [[nodiscard]] virtual bool in_path() const noexcept = 0;
  // What cannot be judged does not pass.
  [[nodiscard]] virtual bool fails_closed() const noexcept { return false; }
  // What cannot be held is at least reset.
  [[nodiscard]] virtual bool sends_resets() const noexcept { return false; }
  // "eth1", "queue 3": for messages.
  [[nodiscard]] virtual const std::string& name() const noexcept = 0;
};

}  // namespace weir::capture

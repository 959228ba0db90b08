// A whole TCP conversation as a mirror port shows it: handshake, segments with ACKs of the other
// side, FIN; on demand with segments that come out of order, twice, or not at all.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/lab/frames.h"
#include "bench/lab/lab_random.h"
#include "core/direction.h"
#include "core/time.h"

namespace weir::lab {

struct LabPacket {
  Timestamp time;
  Bytes frame;
};

struct LinkPlan {
  std::vector<VlanTag> vlans;
  size_t segment_bytes = 1448;  // payload of a full segment; up to 65000 looks like receive offload
  Duration round_trip = Duration::millis(20);
  double disorder = 0;     // chance that a segment changes places with the next
  double repeat = 0;       // chance that a segment is sent again later
  bool lose_one = false;   // one segment of the first long send is missing from the capture
  bool near_wrap = false;  // sequence numbers pass 2^32 early
};

class TcpConversation {
 public:
  // References must outlive the conversation.
  TcpConversation(LabRandom& random, std::vector<LabPacket>& out, const Endpoint& client,
                  const Endpoint& server, const LinkPlan& plan, Timestamp start);

  // open, (send | wait)*, close
  void open();
  void send(Direction direction, ByteSpan bytes);
  void wait(Duration time) noexcept { now_ = now_ + time; }
  void close();
  [[nodiscard]] Timestamp now() const noexcept { return now_; }

 private:
  void emit(Direction direction, uint32_t seq, TcpFlags flags, ByteSpan payload);

  LabRandom& random_;
  std::vector<LabPacket>& out_;
  PerDirection<Endpoint> sender_;
  LinkPlan plan_;
  Timestamp now_;
  PerDirection<uint32_t> next_seq_;
  PerDirection<uint32_t> acked_;  // what the other side has acknowledged of this direction
  PerDirection<uint16_t> ip_id_;
  bool lost_ = false;
};

}  // namespace weir::lab

#include "bench/lab/tcp_conversation.h"

#include <algorithm>
#include <utility>

namespace weir::lab {

TcpConversation::TcpConversation(LabRandom& random, std::vector<LabPacket>& out,
                                 const Endpoint& client, const Endpoint& server,
                                 const LinkPlan& plan, Timestamp start)
    : random_(random), out_(out), plan_(plan), now_(start) {
  sender_[Direction::kToServer] = client;
  sender_[Direction::kToClient] = server;
  for (const Direction d : {Direction::kToServer, Direction::kToClient}) {
    next_seq_[d] = plan.near_wrap ? 0xffffffffU - static_cast<uint32_t>(random.below(3000))
                                  : static_cast<uint32_t>(random.next());
    ip_id_[d] = static_cast<uint16_t>(random.next());
  }
}

void TcpConversation::emit(Direction direction, uint32_t seq, TcpFlags flags, ByteSpan payload) {
  const Endpoint& from = sender_[direction];
  const Endpoint& to = sender_[reverse(direction)];
  TcpFields tcp;
  tcp.seq = seq;
  tcp.ack = flags.ack ? acked_[reverse(direction)] : 0;
  tcp.flags = flags;
  ByteWriter options;
  if (flags.syn) options.u32(0x020405b4).u32(0x0402080a);  // MSS, SACK permitted, timestamps
  if (!flags.syn) options.u32(0x0101080a);
  options.u32(static_cast<uint64_t>(now_.ns / 1'000'000) & 0xffffffff).u32(0);
  if (flags.syn) options.u32(0x01030307);  // window scale
  tcp.options = options.take();
  IpFields ip;
  ip.id = ip_id_[direction]++;
  out_.push_back({now_, ethernet_ip(tcp_packet(from, to, tcp, payload, ip), plan_.vlans)});
  now_ = now_ + Duration{static_cast<int64_t>(random_.between(4'000, 30'000))};
}

void TcpConversation::open() {
  const Duration half{plan_.round_trip.ns / 2};
  emit(Direction::kToServer, next_seq_[Direction::kToServer]++, {.syn = true}, {});
  acked_[Direction::kToServer] = next_seq_[Direction::kToServer];
  wait(half);
  emit(Direction::kToClient, next_seq_[Direction::kToClient]++, {.syn = true, .ack = true}, {});
  acked_[Direction::kToClient] = next_seq_[Direction::kToClient];
  wait(half);
  emit(Direction::kToServer, next_seq_[Direction::kToServer], {.ack = true}, {});
}

void TcpConversation::send(Direction direction, ByteSpan bytes) {
  if (bytes.empty()) return;
  const size_t step = plan_.segment_bytes;
  const size_t count = (bytes.size() + step - 1) / step;
  const uint32_t base = next_seq_[direction];
  std::vector<size_t> order;
  for (size_t i = 0; i < count; ++i) order.push_back(i);
  for (size_t i = 0; i + 1 < count; ++i) {
    if (!random_.chance(plan_.disorder)) continue;
    std::swap(order[i], order[i + 1]);
    ++i;
  }
  for (size_t i = 0; i < order.size(); ++i) {
    if (!random_.chance(plan_.repeat) || order.size() > 2 * count) continue;
    const size_t later = std::min(order.size(), i + 1 + random_.below(5));
    order.insert(order.begin() + static_cast<ptrdiff_t>(later), order[i]);
  }
  size_t missing = count;
  if (plan_.lose_one && !lost_ && count >= 3) {
    missing = 1 + random_.below(count - 2);
    lost_ = true;
  }
  std::vector<bool> arrived(count, false);
  size_t in_order = 0;
  size_t unacknowledged = 0;
  for (const size_t index : order) {
    const size_t from = index * step;
    const ByteSpan part = bytes.subspan(from, std::min(step, bytes.size() - from));
    if (index != missing) {
      emit(direction, base + static_cast<uint32_t>(from), {.psh = index + 1 == count, .ack = true},
           part);
    }
    arrived[index] = true;
    while (in_order < count && arrived[in_order]) ++in_order;
    const size_t received = std::min(in_order * step, bytes.size());
    acked_[direction] = base + static_cast<uint32_t>(received);
    if (++unacknowledged < 2 && in_order < count) continue;
    unacknowledged = 0;
    emit(reverse(direction), next_seq_[reverse(direction)], {.ack = true}, {});
  }
  next_seq_[direction] = base + static_cast<uint32_t>(bytes.size());
  wait({plan_.round_trip.ns / 2});
}

void TcpConversation::close() {
  for (const Direction d : {Direction::kToServer, Direction::kToClient}) {
    emit(d, next_seq_[d]++, {.fin = true, .ack = true}, {});
    acked_[d] = next_seq_[d];
    wait({plan_.round_trip.ns / 2});
  }
  emit(Direction::kToServer, next_seq_[Direction::kToServer], {.ack = true}, {});
}

}  // namespace weir::lab

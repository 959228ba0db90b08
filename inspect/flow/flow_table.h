// The flows of one worker. Entries live in a slab that grows in chunks and never moves, so a
// pointer to one holds until its flow ends; they are found by a keyed hash and stand in one idle
// list per lifetime class, least recently used first, so that expiry costs O(1) a flow. When the
// table is full the idlest flow ends (or the oldest half-open one, while such fill more than half
// of it). Time is packet time. Single-threaded.
//
// State is made by Maker for each flow and destroyed when it ends. `on_end(Entry&, FlowEnd)`, which
// must be noexcept and must not call the table, is given each flow just before it goes.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "core/direction.h"
#include "inspect/flow/flow_index.h"
#include "inspect/flow/flow_types.h"

namespace weir::inspect {

template <typename State>
struct DefaultMaker {
  State operator()() const { return State(); }
};

template <typename State, typename Maker = DefaultMaker<State>>
class FlowTable {
 public:
  // What each packet touches stands first, in one cache line.
  class alignas(64) Entry {
   public:
    FlowKey key;

   private:
    friend class FlowTable;
    explicit Entry(Maker& make) : state(make()) {}
    Lifetime lifetime_ = Lifetime::kUdp;
    FlowEnd closed_by_ = FlowEnd::kFin;  // while closing
    bool client_is_hi_ = false;
    // The client's initial sequence number is known; a later SYN that may begin a connection
    // between the same endpoints awaits its answer.
    bool isn_known_ : 1 = false;
    bool syn_pending_ : 1 = false;

   public:
    Timestamp first;  // of the first packet
    Timestamp last;   // latest packet time
    Endpoint client;
    Endpoint server;
    uint64_t number;  // 1, 2, 3 … in order of the first packet

   private:
    uint64_t hash_ = 0;
    uint32_t index_ = 0;
    uint32_t isn_ = 0;
    uint32_t pending_isn_ = 0;

   public:
    State state;

    [[nodiscard]] Lifetime lifetime() const noexcept { return lifetime_; }
  };

  struct Found {
    Entry* entry;
    Direction direction;
    bool created;
  };

  FlowTable(const Limits& limits, const HashKey& hash_key, Maker maker = Maker())
      : most_(std::max<size_t>(limits.flows, 1)),
        hash_key_(hash_key),
        maker_(std::move(maker)),
        index_(most_) {
    const Duration held{limits.hold_age.ns + Duration::seconds(1).ns};  // what is held goes first
    timeout_ = {limits.udp_idle, limits.tcp_opening, limits.tcp_idle, limits.tcp_closing,
                std::max(held, limits.tcp_closing)};
  }
  // Flows that are still there go without on_end: call end_all() first.
  ~FlowTable() {
    for (List& list : lists_) {
      while (list.head != FlowIndex::kNone) release(at(list.head));
    }
  }
  FlowTable(const FlowTable&) = delete;
  FlowTable& operator=(const FlowTable&) = delete;

  // The flow of a packet, which counts as activity now. A TCP flow begins in kTcpOpening when its
  // first packet is a SYN or SYN-ACK, and the table moves it to kTcpEstablished at the first packet
  // that is neither; kTcpClosing is set by the caller. Ends a flow first: when the table is full,
  // or when the packet shows that the same endpoints began a new connection (a SYN after the old
  // one closed or lay idle, or a SYN-ACK that answers a new SYN).
  template <typename OnEnd>
  Found find_or_create(const DecodedPacket& packet, OnEnd&& on_end) {
    if (clock_.advance(packet.time)) counters_.clock_stepped_back.add();
    bool swapped = false;
    const FlowKey key = FlowKey::make(packet.source, packet.destination, packet.protocol,
                                      packet.encapsulation, &swapped);
    const uint64_t hash = flow_hash(hash_key_, key);
    const uint32_t number =
        index_.find(hash, [&](uint32_t i) noexcept { return at(i).key == key; });
    if (number != FlowIndex::kNone) {
      Entry& entry = at(number);
      if (!is_tcp(packet) || !begins_anew(entry, packet)) {
        touch(entry, packet);
        return {&entry, direction_of(entry, swapped), false};
      }
      counters_.tuple_reused.add();
      end(entry, is_closed(entry.lifetime_) ? entry.closed_by_ : FlowEnd::kTimeout, on_end);
    }
    Entry& entry = create(packet, key, hash, swapped, on_end);
    return {&entry, direction_of(entry, swapped), true};
  }

  // Content showed that the first guess was wrong: client and server change places.
  void flip(Entry& entry) noexcept {
    std::swap(entry.client, entry.server);
    entry.client_is_hi_ = !entry.client_is_hi_;
    counters_.flipped.add();
  }

  // For kTcpClosing and kTcpHeld, `closed_by` (kFin or kRst) is the reason that will be given when
  // it expires.
  void set_lifetime(Entry& entry, Lifetime lifetime, FlowEnd closed_by = FlowEnd::kFin) noexcept {
    entry.closed_by_ = closed_by;
    if (entry.lifetime_ == lifetime) return;
    unlink(entry);
    entry.lifetime_ = lifetime;
    node(entry).touched = clock_.now();
    link(entry);
  }

  template <typename OnEnd>
  void end(Entry& entry, FlowEnd reason, OnEnd&& on_end) {
    ended_counter(counters_, reason).add();
    on_end(entry, reason);
    release(entry);
  }

  // Ends what was idle for longer than its lifetime, at most `budget` flows. Returns how many.
  template <typename OnEnd>
  size_t expire(Timestamp now, OnEnd&& on_end, size_t budget) {
    if (clock_.advance(now)) counters_.clock_stepped_back.add();
    size_t ended = 0;
    for (size_t i = 0; i < kLifetimes; ++i) {
      const auto limit = static_cast<uint64_t>(std::max<int64_t>(timeout_[i].ns, 0));
      while (ended < budget && lists_[i].head != FlowIndex::kNone) {
        Entry& entry = at(lists_[i].head);
        if (clock_.since(node(entry).touched) <= limit) break;
        const bool closing = is_closed(entry.lifetime_);
        end(entry, closing ? entry.closed_by_ : FlowEnd::kTimeout, on_end);
        ++ended;
      }
    }
    return ended;
  }

  // Ends all flows in order of their first packets.
  template <typename OnEnd>
  void end_all(OnEnd&& on_end) {
    std::vector<Entry*> all;
    all.reserve(active_);
    for (const List& list : lists_) {
      for (uint32_t i = list.head; i != FlowIndex::kNone; i = nodes_[i].after)
        all.push_back(&at(i));
    }
    std::sort(all.begin(), all.end(),
              [](const Entry* a, const Entry* b) noexcept { return a->number < b->number; });
    for (Entry* entry : all) {
      const bool closing = is_closed(entry->lifetime_);
      end(*entry, closing ? entry->closed_by_ : FlowEnd::kEndOfCapture, on_end);
    }
  }

  // Shows every flow to `look`, in no order.
  template <typename Look>
  void for_each(Look&& look) const {
    for (const List& list : lists_) {
      for (uint32_t i = list.head; i != FlowIndex::kNone; i = nodes_[i].after) look(at(i));
    }
  }

  [[nodiscard]] size_t active() const noexcept { return active_; }
  [[nodiscard]] const FlowCounters& counters() const noexcept { return counters_; }
  // The most that entries and index will ever take, without what State allocates by itself.
  [[nodiscard]] size_t most_memory() const noexcept {
    return most_ * (sizeof(Entry) + sizeof(Node) + 36);
  }

 private:
  static constexpr size_t kChunk = 256;
  struct alignas(Entry) Room {
    std::array<std::byte, sizeof(Entry)> bytes;
  };
  // Kept apart from the entries, so that moving one to the end of its list touches little memory.
  struct Node {
    uint64_t touched = 0;  // FlowClock
    uint32_t before = FlowIndex::kNone;
    uint32_t after = FlowIndex::kNone;
  };
  struct List {
    uint32_t head = FlowIndex::kNone;  // idlest
    uint32_t tail = FlowIndex::kNone;
    size_t size = 0;
  };

  static bool is_tcp(const DecodedPacket& packet) noexcept {
    return packet.protocol == static_cast<uint8_t>(IpProtocol::kTcp);
  }
  static Direction direction_of(const Entry& entry, bool source_is_hi) noexcept {
    return source_is_hi == entry.client_is_hi_ ? Direction::kToServer : Direction::kToClient;
  }
  Entry& at(uint32_t i) noexcept {
    return *std::launder(reinterpret_cast<Entry*>(chunks_[i / kChunk][i % kChunk].bytes.data()));
  }

  const Entry& at(uint32_t i) const noexcept {
    return *std::launder(
        reinterpret_cast<const Entry*>(chunks_[i / kChunk][i % kChunk].bytes.data()));
  }

  // Does this SYN or SYN-ACK begin another connection than the one the entry stands for? A SYN
  // alone is believed only when that one is closed or long silent: in the middle of a connection it
  // is noise, and the endpoints go on as before.
  bool begins_anew(Entry& entry, const DecodedPacket& packet) noexcept {
    if (!packet.flags.syn || packet.flags.rst || entry.lifetime_ == Lifetime::kTcpOpening) {
      return false;
    }
    if (packet.flags.ack) {
      return entry.syn_pending_ && packet.ack - 1 == entry.pending_isn_;
    }
    if (entry.isn_known_ && packet.seq == entry.isn_) return false;
    constexpr uint64_t kSilent = 30'000'000'000;
    if (is_closed(entry.lifetime_) || clock_.since(node(entry).touched) > kSilent) {
      return true;
    }
    entry.syn_pending_ = true;
    entry.pending_isn_ = packet.seq;
    return false;
  }

  void touch(Entry& entry, const DecodedPacket& packet) noexcept {
    entry.last = std::max(entry.last, packet.time);
    node(entry).touched = clock_.now();
    const bool opened = entry.lifetime_ == Lifetime::kTcpOpening && !packet.flags.syn;
    if (!opened && node(entry).after == FlowIndex::kNone) return;  // is the latest already
    unlink(entry);
    if (opened) entry.lifetime_ = Lifetime::kTcpEstablished;
    link(entry);
  }

  template <typename OnEnd>
  Entry& create(const DecodedPacket& packet, const FlowKey& key, uint64_t hash, bool source_is_hi,
                OnEnd& on_end) {
    if (active_ >= most_) evict(on_end);
    if (free_.empty()) grow();
    const uint32_t i = free_.back();
    free_.pop_back();
    Entry& entry = *new (chunks_[i / kChunk][i % kChunk].bytes.data()) Entry(maker_);
    const bool from_client = sender_is_client(packet);
    entry.key = key;
    entry.client = from_client ? packet.source : packet.destination;
    entry.server = from_client ? packet.destination : packet.source;
    entry.client_is_hi_ = source_is_hi == from_client;
    entry.first = packet.time;
    entry.last = packet.time;
    entry.number = ++numbers_;
    entry.hash_ = hash;
    entry.index_ = i;
    node(entry).touched = clock_.now();
    if (is_tcp(packet)) {
      entry.lifetime_ = packet.flags.syn ? Lifetime::kTcpOpening : Lifetime::kTcpEstablished;
      entry.isn_known_ = packet.flags.syn;
      entry.isn_ = packet.flags.ack ? packet.ack - 1 : packet.seq;
    }
    index_.insert(hash, i);
    link(entry);
    ++active_;
    counters_.created.add();
    if (active_ > counters_.active_peak.get()) counters_.active_peak.add();
    return entry;
  }

  template <typename OnEnd>
  void evict(OnEnd& on_end) {
    const List& opening = lists_[static_cast<size_t>(Lifetime::kTcpOpening)];
    if (opening.size > most_ / 2) {
      counters_.evicted_opening.add();
      end(at(opening.head), FlowEnd::kEvicted, on_end);
      return;
    }
    Entry* idlest = nullptr;
    for (const List& list : lists_) {
      if (list.head == FlowIndex::kNone) continue;
      Entry& entry = at(list.head);
      if (idlest == nullptr ||
          clock_.since(node(entry).touched) > clock_.since(node(*idlest).touched)) {
        idlest = &entry;
      }
    }
    end(*idlest, FlowEnd::kEvicted, on_end);
  }

  void release(Entry& entry) noexcept {
    unlink(entry);
    index_.erase(entry.hash_, entry.index_);
    --active_;
    free_.push_back(entry.index_);  // has room for all since grow()
    std::destroy_at(&entry);
  }

  void grow() {
    const auto base = static_cast<uint32_t>(chunks_.size() * kChunk);
    chunks_.push_back(std::make_unique_for_overwrite<Room[]>(kChunk));
    nodes_.resize(base + kChunk);
    free_.reserve(base + kChunk);
    for (uint32_t i = kChunk; i-- > 0;) free_.push_back(base + i);
  }

  Node& node(const Entry& entry) noexcept { return nodes_[entry.index_]; }
  void link(Entry& entry) noexcept {
    List& list = lists_[static_cast<size_t>(entry.lifetime_)];
    Node& own = node(entry);
    own.before = list.tail;
    own.after = FlowIndex::kNone;
    (list.tail == FlowIndex::kNone ? list.head : nodes_[list.tail].after) = entry.index_;
    list.tail = entry.index_;
    ++list.size;
  }
  void unlink(Entry& entry) noexcept {
    List& list = lists_[static_cast<size_t>(entry.lifetime_)];
    const Node& own = node(entry);
    (own.before == FlowIndex::kNone ? list.head : nodes_[own.before].after) = own.after;
    (own.after == FlowIndex::kNone ? list.tail : nodes_[own.after].before) = own.before;
    --list.size;
  }

  size_t most_;
  HashKey hash_key_;
  Maker maker_;
  FlowIndex index_;
  std::array<Duration, kLifetimes> timeout_{};
  FlowClock clock_;
  std::vector<std::unique_ptr<Room[]>> chunks_;
  std::vector<Node> nodes_;  // by index of the entry
  std::vector<uint32_t> free_;
  std::array<List, kLifetimes> lists_;
  size_t active_ = 0;
  uint64_t numbers_ = 0;
  FlowCounters counters_;
};

}  // namespace weir::inspect

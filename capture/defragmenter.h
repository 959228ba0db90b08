// Puts IPv4 (RFC 791, 815) and IPv6 (RFC 8200 section 4.5) fragments together.
// Where fragments overlap, the bytes that came first stand; bytes that contradict them are counted.
// (RFC 5722 drops such IPv6 datagrams; an inspector is better off with what it has.) Fragments are
// kept as the pieces that were new, so that memory follows what was received, not the offsets that
// a sender claims. A datagram that is not whole in time, or the oldest one when a limit of
// core/limits.h is reached, is given up and counted. Not on the hot path: allocates per datagram.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "capture/decode_counters.h"
#include "core/bytes.h"
#include "core/hash.h"
#include "core/ip.h"
#include "core/limits.h"
#include "core/time.h"

namespace weir::capture {

struct Fragment {
  IpAddress source;
  IpAddress destination;
  uint32_t id = 0;
  uint8_t protocol = 0;  // of what was fragmented; with IPv6 the first fragment's counts
  uint32_t encapsulation = 0;
  uint32_t offset = 0;  // in bytes
  bool more = false;
  ByteSpan payload;     // what was captured of it
  uint32_t length = 0;  // as sent; at least payload.size()
};

struct Datagram {
  ByteSpan payload;     // shorter than length when a fragment was cut by the capture
  uint32_t length = 0;  // as sent
  uint8_t protocol = 0;
};

class Defragmenter {
 public:
  explicit Defragmenter(const Limits& limits);

  // The datagram that the fragment completes; its view is valid until release().
  [[nodiscard]] std::optional<Datagram> add(const Fragment& fragment, Timestamp now,
                                            DecodeCounters& counters) noexcept;
  // Ends the views given out.
  void release() noexcept { whole_used_ = 0; }

  [[nodiscard]] size_t held_bytes() const noexcept { return held_bytes_; }
  [[nodiscard]] size_t held_datagrams() const noexcept { return oldest_first_.size(); }

 private:
  struct Key {
    IpAddress source;
    IpAddress destination;
    uint32_t id = 0;
    uint32_t encapsulation = 0;
    uint32_t protocol = 0;
    friend bool operator==(const Key&, const Key&) noexcept = default;
  };
  static_assert(std::has_unique_object_representations_v<Key>);
  struct KeyHash {
    HashKey key;
    size_t operator()(const Key& k) const noexcept {
      return static_cast<size_t>(siphash(key, {reinterpret_cast<const uint8_t*>(&k), sizeof k}));
    }
  };
  // Bytes [begin, end) of the datagram, of which the first `captured` stand in Partial::bytes.
  struct Piece {
    uint32_t begin = 0;
    uint32_t end = 0;
    uint32_t captured = 0;
    uint32_t at = 0;
  };
  struct Partial {
    Key key;
    Timestamp begun;
    std::vector<uint8_t> bytes;  // in the order of arrival
    std::vector<Piece> pieces;   // in the order of offsets, disjoint
    uint32_t covered = 0;        // bytes of all pieces
    uint32_t total = 0;          // 0: the last fragment was not seen
    uint32_t fragments = 0;
    uint8_t protocol = 0;
    [[nodiscard]] size_t cost() const noexcept;
  };
  using Partials = std::list<Partial>;

  Partials::iterator find_or_begin(const Fragment& fragment, Timestamp now,
                                   DecodeCounters& counters);
  void drop(Partials::iterator partial) noexcept;
  // Takes in what is new of [begin, end). False: it contradicts what came before.
  static bool insert(Partial& partial, uint32_t begin, uint32_t end, ByteSpan captured,
                     DecodeCounters& counters);
  Datagram assemble(const Partial& partial);

  size_t max_bytes_;
  size_t max_datagrams_;
  size_t max_fragments_;
  Duration timeout_;
  Partials oldest_first_;
  std::unordered_map<Key, Partials::iterator, KeyHash> by_key_;
  size_t held_bytes_ = 0;
  std::vector<std::vector<uint8_t>> whole_;  // given out since release(), and kept for reuse
  size_t whole_used_ = 0;
};

}  // namespace weir::capture

// Streams of a connection in order; see quic_connection.h.
#include <algorithm>

#include "inspect/decrypt/quic_connection.h"
#include "inspect/decrypt/quic_frames.h"

namespace weir::inspect {
namespace {

// Ids (RFC 9000 section 2.1): the two low bits are the type, the rest counts.
constexpr uint64_t kServerOpened = 1;
constexpr uint64_t kOneWay = 2;
// What is read of each of the server's one-way streams: enough for its settings.
constexpr uint64_t kServerStreamBytes = 4096;
// Ranges of ids that are over, a type; beyond, the lowest two are joined.
constexpr size_t kOverRanges = 64;
constexpr uint64_t kUnknownSize = ~uint64_t{0};

}  // namespace

bool QuicConnection::was_closed(uint64_t id) const noexcept {
  const auto& ranges = over_[id & 3];
  const uint64_t number = id >> 2;
  const auto at = std::find_if(ranges.rbegin(), ranges.rend(),
                               [number](const auto& range) { return range.first <= number; });
  return at != ranges.rend() && number <= at->second;
}

void QuicConnection::note_closed(uint64_t id) {
  auto& ranges = over_[id & 3];
  const uint64_t number = id >> 2;
  auto at = std::find_if(ranges.begin(), ranges.end(),
                         [number](const auto& range) { return range.second + 1 >= number; });
  if (at == ranges.end() || at->first > number + 1) {
    at = ranges.insert(at, {number, number});
  } else {
    at->first = std::min(at->first, number);
    at->second = std::max(at->second, number);
    const auto after = at + 1;
    if (after != ranges.end() && after->first <= at->second + 1) {
      at->second = after->second;
      ranges.erase(after);
    }
  }
  if (ranges.size() > kOverRanges) {
    over_joined_[id & 3] = ranges[1].first;
    ranges[1].first = ranges[0].first;
    ranges.erase(ranges.begin());
  }
}

QuicConnection::Stream* QuicConnection::find_or_add(uint64_t id) {
  const auto found = streams_.find(id);
  if (found != streams_.end()) return &found->second;
  if (was_closed(id)) return nullptr;
  if (streams_.size() >= services_.shared.limits.quic_streams) evict_one();
  return &streams_[id];
}

// The idlest; one-way streams, which steer the others, only when there is nothing else.
void QuicConnection::evict_one() {
  services_.counters.streams_evicted.add();
  const auto worth = [](const StreamMap::value_type& entry) {
    return std::pair((entry.first & kOneWay) != 0, entry.second.used);
  };
  const auto idlest =
      std::min_element(streams_.begin(), streams_.end(),
                       [&worth](const auto& a, const auto& b) { return worth(a) < worth(b); });
  end_stream(idlest, EndReason::kEvicted);
}

void QuicConnection::on_stream_frame(Direction d, const QuicFrame& frame) {
  if (d == Direction::kToClient) {
    on_server_stream(frame);
    return;
  }
  const uint64_t id = frame.stream;
  if ((id & 3) == (kServerOpened | kOneWay)) return;  // only the server sends there
  Stream* stream = find_or_add(id);
  if (stream == nullptr) {
    services_.counters.late_stream_bytes.add(frame.data.size());
    if ((id >> 2) < over_joined_[id & 3]) {
      ++holes_;
      sealed_bytes_ += frame.data.size();
    }
    return;
  }
  stream->used = ++clock_;
  if (frame.fin) stream->final_size = frame.offset + frame.data.size();
  const Limits& limits = services_.shared.limits;
  const auto give = [&](ByteSpan data, uint64_t offset) {
    services_.counters.clear_bytes.add(data.size());
    sink_.on_stream_data(Direction::kToServer, id, data, offset);
  };
  const uint64_t before = stream->bytes.held();
  const uint64_t others = stream_held_ - before;
  const uint64_t of_all = services_.stream_held - before;
  const uint64_t room = std::min<uint64_t>(
      limits.quic_connection_bytes - std::min<uint64_t>(limits.quic_connection_bytes, others),
      limits.quic_bytes_total - std::min<uint64_t>(limits.quic_bytes_total, of_all));
  const QuicReassembly::Bounds bounds{std::min<uint64_t>(limits.quic_stream_bytes, room),
                                      limits.out_of_order_segments};
  while (!stream->bytes.add(frame.offset, frame.data, bounds, give)) {
    services_.counters.stream_limit.add();
    const uint64_t end =
        stream->bytes.has_hole() ? std::min(stream->bytes.hole_end(), frame.offset) : frame.offset;
    give_up_hole(id, *stream, end);
  }
  set_stream_held(others + stream->bytes.held());
  if (!stream->bytes.has_hole()) {
    stream->hole_since = Timestamp{};
  } else if (stream->hole_since.ns == 0) {
    stream->hole_since = now_;
    if (oldest_hole_.ns == 0) oldest_hole_ = now_;
  }
  if (stream->bytes.next() >= stream->final_size) {
    end_stream(streams_.find(id), EndReason::kComplete);
  }
}

void QuicConnection::set_stream_held(uint64_t bytes) noexcept {
  services_.stream_held = services_.stream_held - stream_held_ + bytes;
  stream_held_ = bytes;
}

// Bytes up to `offset` will not come.
void QuicConnection::give_up_hole(uint64_t id, Stream& stream, uint64_t offset) {
  const uint64_t lost = offset - std::min(offset, stream.bytes.next());
  if (lost > 0) {
    services_.counters.stream_holes.add();
    ++holes_;
    sink_.on_stream_gap(Direction::kToServer, id, lost);
  }
  (void)stream.bytes.skip_to(offset, [&](ByteSpan data, uint64_t at) {
    services_.counters.clear_bytes.add(data.size());
    sink_.on_stream_data(Direction::kToServer, id, data, at);
  });
}

void QuicConnection::end_stream(StreamMap::iterator at, EndReason reason) {
  const uint64_t id = at->first;
  Stream& stream = at->second;
  set_stream_held(stream_held_ - stream.bytes.held());
  while (stream.bytes.has_hole()) give_up_hole(id, stream, stream.bytes.hole_end());
  if (stream.final_size != kUnknownSize && stream.bytes.next() < stream.final_size) {
    give_up_hole(id, stream, stream.final_size);
  }
  // Its end was seen, if not all that lies before.
  const bool whole = stream.final_size != kUnknownSize && reason != EndReason::kEvicted;
  if (whole && reason != EndReason::kReset) {
    reason = stream.reset ? EndReason::kReset : EndReason::kComplete;
  }
  sink_.on_stream_end(Direction::kToServer, id, reason);
  streams_.erase(at);
  note_closed(id);
}

void QuicConnection::on_reset(Direction d, const QuicFrame& frame) {
  if (d != Direction::kToServer) return;
  const auto found = streams_.find(frame.stream);
  if (found == streams_.end()) return;
  Stream& stream = found->second;
  if (frame.reliable > stream.bytes.next()) {
    stream.final_size = frame.reliable;
    stream.reset = true;
  } else {
    end_stream(found, EndReason::kReset);
  }
}

// A lost packet's data are sent again within a few round trips. What did not come by then was sent
// where the mirror did not see it.
void QuicConnection::skip_old_holes() {
  const Duration age = services_.shared.limits.quic_hole_age;
  if (oldest_hole_.ns == 0 || now_ - oldest_hole_ <= age) return;
  oldest_hole_ = Timestamp{};
  std::vector<uint64_t> complete;
  for (auto& [stream_id, stream] : streams_) {
    while (stream.hole_since.ns != 0 && now_ - stream.hole_since > age) {
      const uint64_t before = stream.bytes.held();
      give_up_hole(stream_id, stream, stream.bytes.hole_end());
      set_stream_held(stream_held_ - (before - stream.bytes.held()));
      stream.hole_since = stream.bytes.has_hole() ? stream.hole_since : Timestamp{};
    }
    if (stream.hole_since.ns != 0 && (oldest_hole_.ns == 0 || stream.hole_since < oldest_hole_)) {
      oldest_hole_ = stream.hole_since;
    }
    if (stream.bytes.next() >= stream.final_size) complete.push_back(stream_id);
  }
  std::sort(complete.begin(), complete.end());
  for (const uint64_t id : complete) end_stream(streams_.find(id), EndReason::kComplete);
}

void QuicConnection::on_server_stream(const QuicFrame& frame) {
  const uint64_t number = frame.stream >> 2;
  if ((frame.stream & 3) != (kServerOpened | kOneWay) || number >= server_streams_.size()) return;
  if (frame.offset >= kServerStreamBytes || frame.data.size() > kServerStreamBytes - frame.offset) {
    return;
  }
  const auto give = [&](ByteSpan data, uint64_t offset) {
    sink_.on_stream_data(Direction::kToClient, frame.stream, data, offset);
  };
  (void)server_streams_[number].add(frame.offset, frame.data, {kServerStreamBytes, 16}, give);
}

}  // namespace weir::inspect

// What the WebSocket decoder counts.
#pragma once

#include "core/counters.h"

namespace weir::inspect {

struct WebSocketCounters {
  Counter messages;
  Counter frames;
  Counter payload_bytes;
  Counter compressed_messages;
  Counter control_frames;
  Counter control_handed_on;
  Counter unmasked_frames;
  Counter odd_frames;
  Counter inflate_corrupt;
  Counter inflate_limit;
  Counter dropped_bytes;
  Counter windows_lost;
  Counter gaps_in_payload;
  Counter gaps_between;
  Counter sync_lost;
  Counter sync_found;
  Counter raw_bytes;
  Counter ended_in_message;
};

inline constexpr CounterTable<WebSocketCounters, 18> kWebSocketCounters = {{
    {"messages", &WebSocketCounters::messages, "messages of clients"},
    {"frames", &WebSocketCounters::frames, "frames of clients, control frames too"},
    {"payload_bytes", &WebSocketCounters::payload_bytes, "payload of messages, as sent"},
    {"compressed_messages", &WebSocketCounters::compressed_messages,
     "messages in permessage-deflate"},
    {"control_frames", &WebSocketCounters::control_frames, "ping, pong and close frames"},
    {"control_handed_on", &WebSocketCounters::control_handed_on,
     "control frames of more than 64 bytes, inspected like messages"},
    {"unmasked_frames", &WebSocketCounters::unmasked_frames, "frames that a client did not mask"},
    {"odd_frames", &WebSocketCounters::odd_frames,
     "frames that break the protocol but could be followed"},
    {"inflate_corrupt", &WebSocketCounters::inflate_corrupt, "messages that are no deflate"},
    {"inflate_limit", &WebSocketCounters::inflate_limit,
     "messages cut at inflate_ratio (above inflate_floor)"},
    {"dropped_bytes", &WebSocketCounters::dropped_bytes,
     "compressed bytes behind a gap or a limit, not inspected"},
    {"windows_lost", &WebSocketCounters::windows_lost,
     "times that messages were decoded without the window that they refer to"},
    {"gaps_in_payload", &WebSocketCounters::gaps_in_payload, "gaps placed exactly in a frame"},
    {"gaps_between", &WebSocketCounters::gaps_between, "gaps that lost the frames"},
    {"sync_lost", &WebSocketCounters::sync_lost, "times that frames could not be followed"},
    {"sync_found", &WebSocketCounters::sync_found, "times that frames were found again"},
    {"raw_bytes", &WebSocketCounters::raw_bytes, "bytes outside any frame that was understood"},
    {"ended_in_message", &WebSocketCounters::ended_in_message,
     "messages open when their connection ended"},
}};
static_assert(describes_all(kWebSocketCounters));

}  // namespace weir::inspect

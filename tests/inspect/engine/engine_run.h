// Runs a capture through decoder and engine, as replay does.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "capture/packet_decoder.h"
#include "capture/packet_source.h"
#include "inspect/decrypt/key_log.h"
#include "inspect/engine/engine.h"
#include "tests/support/collecting_sink.h"

namespace weir::test {

// What was found; false when the file could not be opened at all. Without `keys`, those that stand
// in the capture are used.
inline bool run_capture(const std::filesystem::path& path,
                        const std::shared_ptr<const inspect::Snapshot>& snapshot,
                        CollectingSink& sink, const inspect::KeyAccess& keys = {}) {
  auto file = capture::CaptureFile::open(path.string());
  if (!file) return false;
  inspect::KeyStore own_keys;
  inspect::KeyLogCounters key_counters;
  (*file)->set_secrets_sink([&](ByteSpan text) {
    inspect::KeyLogParser parser(own_keys, key_counters);
    parser.feed(text, {1});
    parser.finish({1});
  });
  const inspect::KeyAccess access =
      keys.store != nullptr ? keys : inspect::KeyAccess{&own_keys, false, {}};
  capture::PacketDecoder decoder;
  inspect::Engine engine(snapshot, sink, HashKey{{1, 2}}, nullptr, access);
  RawPacket raw;
  DecodedPacket packet;
  while ((*file)->next(raw) == capture::CaptureFile::Next::kPacket) {
    if (decoder.decode(raw, packet) == capture::DecodeOutcome::kDecoded) {
      (void)engine.on_packet(packet);
    }
  }
  // Keys that count as late may still be to come.
  const Timestamp last = packet.time;
  for (Timestamp now = last; now - last < access.delay; now = now + Duration::millis(100)) {
    engine.on_time(now + Duration::millis(100));
  }
  engine.finish();
  return true;
}

inline std::string signatures_folder() { return std::string(WEIR_SOURCE_DIR) + "/signatures"; }

}  // namespace weir::test

// See replay_run.h.
#include "app/runtime/replay_run.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <thread>
#include <utility>

#include "app/terminal.h"
#include "capture/packet_source.h"

namespace weir::app {

namespace {

size_t workers_of(const ReplayInput& input) {
  if (input.workers > 0) return input.workers;
  return std::max<size_t>(1, std::thread::hardware_concurrency());
}

// What a capture holds may stand behind the packets it is for; a key log is read before them.
inspect::KeyAccess key_access(const ReplayInput& input, const KeyLogs& keys) {
  inspect::KeyAccess out;
  out.store = &keys.store();
  out.server_keys = keys.server_keys();
  if (input.keys_late >= 0) {
    out.may_come_late = true;
    out.delay = Duration{static_cast<int64_t>(input.keys_late * 1e9)};
  }
  return out;
}

}  // namespace

Result<config::Settings> replay_settings(const ReplayInput& input) {
  config::Settings settings;
  if (!input.config.empty()) {
    auto loaded = config::load_settings(input.config);
    if (!loaded) return loaded.error();
    settings = std::move(*loaded);
    for (const std::string& warning : settings.warnings) complain(warning);
  }
  if (!input.indexes.empty()) settings.protect.indexes = input.indexes;
  if (!input.key.empty()) settings.protect.key = input.key;
  if (!input.key_logs.empty()) settings.see_inside.key_logs = input.key_logs;
  return settings;
}

ReplayRun::ReplayRun(const ReplayInput& input, const config::Settings& settings,
                     std::shared_ptr<const inspect::Snapshot> snapshot, KeyLogs& keys,
                     EvidenceSink& sink)
    : input_(input),
      keys_(keys),
      decoder_(settings.limits),
      workers_(std::move(snapshot), workers_of(input), sink, key_access(input, keys)) {}

bool ReplayRun::run(ReplayFacts& facts, bool show_progress) {
  facts.files = input_.files;
  bool all_good = true;
  for (const std::string& file : input_.files) {
    all_good = read(file, facts, show_progress) && all_good;
  }
  workers_.finish();
  facts.workers = workers_.workers();
  facts.counters = workers_.counters();
  for (const auto& row : capture::kDecodeCounterTable) {
    facts.counters.emplace_back("decode." + std::string(row.name),
                                (decoder_.counters().*row.member).get());
  }
  return all_good;
}

bool ReplayRun::read(const std::string& path, ReplayFacts& facts, bool show_progress) {
  auto file = capture::CaptureFile::open(path);
  if (!file) {
    facts.errors.push_back(file.error().to_string());
    return false;
  }
  (*file)->set_secrets_sink([this](ByteSpan text) { keys_.add(text); });
  Progress progress("Replaying");
  RawPacket raw;
  DecodedPacket packet;
  while (true) {
    const auto next = (*file)->next(raw);
    if (next == capture::CaptureFile::Next::kEnd) return true;
    if (next == capture::CaptureFile::Next::kError) {
      facts.errors.push_back((*file)->error().to_string());
      return false;
    }
    ++facts.packets;
    facts.packet_bytes += raw.wire_length;
    if (facts.first.ns == 0 || raw.time < facts.first) facts.first = raw.time;
    facts.last = std::max(facts.last, raw.time);
    if (decoder_.decode(raw, packet) == capture::DecodeOutcome::kDecoded) {
      workers_.on_packet(packet);
    }
    if (show_progress && facts.packets % 4096 == 0) {
      progress.update((*file)->bytes_read(), (*file)->bytes_total(),
                      human_count(facts.packets) + " packets");
    }
  }
}

bool write_whole_file(const std::string& path, const std::string& text) {
  if (path == "-") return std::fputs(text.c_str(), stdout) >= 0;
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) complain(path + ": cannot be written");
  return static_cast<bool>(out);
}

}  // namespace weir::app

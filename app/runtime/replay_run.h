// A replay of captures without what is made of it: what is read and how, and the way of each packet
// from the file through decoder and workers to a sink.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/report/replay_report.h"
#include "app/runtime/key_logs.h"
#include "app/runtime/worker_pool.h"
#include "capture/packet_decoder.h"
#include "config/settings.h"
#include "core/finding.h"
#include "core/result.h"
#include "inspect/engine/snapshot.h"

namespace weir::app {

struct ReplayInput {
  std::vector<std::string> files;
  std::string config;
  std::vector<std::string> indexes;
  std::string key;
  std::vector<std::string> key_logs;
  double keys_late = -1;  // seconds; below zero: keys are there before the packets
  size_t workers = 1;     // 0: one a core
};

// The configuration with what the command line puts in place of it.
[[nodiscard]] Result<config::Settings> replay_settings(const ReplayInput& input);

class ReplayRun {
 public:
  // What is referred to must outlive the run. `keys` may grow by what stands in captures.
  ReplayRun(const ReplayInput& input, const config::Settings& settings,
            std::shared_ptr<const inspect::Snapshot> snapshot, KeyLogs& keys, EvidenceSink& sink);

  // All files, one after the other, to the end of the last flow. False when a file is damaged or
  // cannot be read: `facts.errors` says why, and all others are read nevertheless.
  bool run(ReplayFacts& facts, bool show_progress);

 private:
  bool read(const std::string& path, ReplayFacts& facts, bool show_progress);

  const ReplayInput& input_;
  KeyLogs& keys_;
  capture::PacketDecoder decoder_;
  WorkerPool workers_;
};

// `path` "-" is standard output. False when it cannot be written, which is told.
[[nodiscard]] bool write_whole_file(const std::string& path, const std::string& text);

}  // namespace weir::app

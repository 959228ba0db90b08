// See live_sources.h.
#include "app/runtime/live_sources.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "capture/live_pcap.h"

namespace weir::app {

Status check_capture(const config::Settings& settings) {
  const config::CaptureSettings& capture = settings.capture;
  const auto wrong = [&settings](std::string message) {
    return Error{std::move(message), settings.file, 0, 0};
  };
  if (capture.mode == config::CaptureMode::kReplay) {
    return wrong("capture.mode is replay: use `weir replay`, or set it to mirror");
  }
  if (capture.mode == config::CaptureMode::kInline) {
    return wrong("capture.mode inline: this version only watches (mirror)");
  }
  if (capture.interfaces.empty()) {
    return wrong("capture.interfaces names no interface to watch");
  }
  if (const Status filter = capture::check_filter(capture.filter); !filter) {
    return wrong("capture.filter: " + filter.error().message);
  }
  return ok_status();
}

size_t worker_count(const config::CaptureSettings& settings) noexcept {
  if (settings.workers != 0) return settings.workers;
  return std::max<size_t>(1, std::thread::hardware_concurrency());
}

Result<std::vector<Sensor::Sources>> open_live_sources(const config::CaptureSettings& settings) {
  const size_t workers = worker_count(settings);
  std::vector<Sensor::Sources> out(workers);
  for (const std::string& interface : settings.interfaces) {
    capture::LivePcapOptions options;
    options.interface = interface;
    options.ring_bytes = settings.ring_bytes / settings.interfaces.size();
    options.snaplen = settings.snaplen;
    options.promiscuous = settings.promiscuous;
    options.filter = settings.filter;
    options.fanout_group = workers > 1 ? capture::new_fanout_group() : uint16_t{0};
    for (Sensor::Sources& sources : out) {
      auto opened = capture::open_live_pcap(options);
      if (!opened) return opened.error();
      sources.push_back(std::move(*opened));
    }
  }
  return out;
}

std::string capture_text(const config::CaptureSettings& settings) {
  std::string out;
  for (const std::string& interface : settings.interfaces) {
    out += (out.empty() ? "" : ", ") + interface;
  }
  const size_t workers = worker_count(settings);
  return out + " with " + std::to_string(workers) + (workers == 1 ? " worker" : " workers");
}

}  // namespace weir::app

// See live_sources.h.
#include "app/runtime/live_sources.h"

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "capture/live_pcap.h"
#include "capture/nfqueue_source.h"
#include "capture/reset_sender.h"

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
    if (!capture.interfaces.empty()) {
      return wrong("capture.interfaces is for mirror: inline, firewall rules choose the traffic");
    }
    if (capture.queue + worker_count(capture) > 65'536) {
      return wrong("capture.queue: there are no queues above 65535");
    }
    return ok_status();
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

namespace {

using Resets = std::shared_ptr<capture::ResetSender>;

// One a worker: it is not shared between threads. Null where none are to be sent.
Result<std::vector<Resets>> open_resets(const config::CaptureSettings& settings, size_t workers) {
  std::vector<Resets> out(workers);
  const bool in_path = settings.mode == config::CaptureMode::kInline;
  if (!in_path && !settings.resets.send) return out;
  capture::ResetSenderOptions options;
  options.interface = settings.resets.interface;
  options.mark = 1U << settings.mark_bit;
  options.in_path = in_path;
  options.spread = settings.resets.spread;
  options.per_second = settings.resets.per_second;
  for (Resets& resets : out) {
    auto opened = capture::ResetSender::open(options);
    if (!opened) return opened.error();
    resets = std::move(*opened);
  }
  return out;
}

}  // namespace

Result<std::vector<Sensor::Sources>> open_live_sources(const config::Settings& all) {
  const config::CaptureSettings& settings = all.capture;
  const size_t workers = worker_count(settings);
  std::vector<Sensor::Sources> out(workers);
  const auto resets = open_resets(settings, workers);
  if (!resets) return resets.error();
  if (settings.mode == config::CaptureMode::kInline) {
    for (size_t i = 0; i < workers; ++i) {
      capture::NfqueueOptions options;
      options.queue = static_cast<uint16_t>(settings.queue + i);
      options.fail_open = all.fail == config::FailMode::kOpen;
      options.length = settings.queue_length;
      options.shunt_mark = 1U << settings.mark_bit;
      options.resets = (*resets)[i];
      auto opened = capture::open_nfqueue(options);
      if (!opened) return opened.error();
      out[i].push_back(std::move(*opened));
    }
    return out;
  }
  for (const std::string& interface : settings.interfaces) {
    capture::LivePcapOptions options;
    options.interface = interface;
    options.ring_bytes = settings.ring_bytes / settings.interfaces.size();
    options.snaplen = settings.snaplen;
    options.promiscuous = settings.promiscuous;
    options.filter = settings.filter;
    options.fanout_group = workers > 1 ? capture::new_fanout_group() : uint16_t{0};
    for (size_t i = 0; i < workers; ++i) {
      options.resets = (*resets)[i];
      options.counts_interface = i == 0;
      auto opened = capture::open_live_pcap(options);
      if (!opened) return opened.error();
      out[i].push_back(std::move(*opened));
    }
  }
  return out;
}

std::string capture_text(const config::CaptureSettings& settings) {
  std::string out;
  if (settings.mode == config::CaptureMode::kInline) {
    out = "netfilter queues from " + std::to_string(settings.queue) + " on";
  }
  for (const std::string& interface : settings.interfaces) {
    out += (out.empty() ? "" : ", ") + interface;
  }
  const size_t workers = worker_count(settings);
  return out + " with " + std::to_string(workers) + (workers == 1 ? " worker" : " workers");
}

}  // namespace weir::app

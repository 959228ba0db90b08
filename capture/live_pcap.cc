// See live_pcap.h.
// The kernel hands over a block when it is full or kBlockMillis old, so that is what a packet waits
// at most on a quiet link. (libpcap's immediate mode would fall back to TPACKET_V2.)
#include "capture/live_pcap.h"

#include <linux/if_packet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "capture/fanout_program.h"

namespace weir::capture {
namespace {

constexpr int kBlockMillis = 5;
constexpr Duration kRetry = Duration::seconds(1);

struct PcapClose {
  void operator()(pcap_t* pcap) const noexcept { pcap_close(pcap); }
};
using Pcap = std::unique_ptr<pcap_t, PcapClose>;

Error interface_error(const LivePcapOptions& options, const std::string& what) {
  return {"interface " + options.interface + ": " + what, {}, 0, 0};
}

std::string activation_error(pcap_t* pcap, int code) {
  const std::string detail = pcap_geterr(pcap);
  if (code == PCAP_ERROR_NO_SUCH_DEVICE) return "there is no such interface";
  if (code == PCAP_ERROR_PERM_DENIED) return "no right to listen: it needs root or CAP_NET_RAW";
  if (code == PCAP_ERROR_IFACE_NOT_UP) return "is not up";
  return detail.empty() ? pcap_statustostr(code) : detail;
}

Status set_filter(pcap_t* pcap, const std::string& filter) {
  bpf_program program{};
  if (pcap_compile(pcap, &program, filter.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
    return Error{"filter \"" + filter + "\": " + pcap_geterr(pcap), {}, 0, 0};
  }
  const int result = pcap_setfilter(pcap, &program);
  pcap_freecode(&program);
  if (result != 0) return Error{"filter \"" + filter + "\": " + pcap_geterr(pcap), {}, 0, 0};
  return ok_status();
}

bool join_group(int fd, uint16_t group) noexcept {
  const int argument = group | (PACKET_FANOUT_CBPF << 16);
  if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &argument, sizeof argument) != 0) return false;
  std::vector<sock_filter> program = fanout_program();
  const sock_fprog given{static_cast<uint16_t>(program.size()), program.data()};
  return setsockopt(fd, SOL_PACKET, PACKET_FANOUT_DATA, &given, sizeof given) == 0;
}

Result<Pcap> open_handle(const LivePcapOptions& options) {
  char errors[PCAP_ERRBUF_SIZE] = {};
  Pcap pcap(pcap_create(options.interface.c_str(), errors));
  if (!pcap) return interface_error(options, errors);
  pcap_set_snaplen(pcap.get(), static_cast<int>(options.snaplen));
  pcap_set_promisc(pcap.get(), options.promiscuous ? 1 : 0);
  pcap_set_timeout(pcap.get(), kBlockMillis);
  pcap_set_buffer_size(pcap.get(), static_cast<int>(std::min<uint64_t>(
                                       options.ring_bytes, std::numeric_limits<int>::max())));
  pcap_set_tstamp_precision(pcap.get(), PCAP_TSTAMP_PRECISION_NANO);
  const int activated = pcap_activate(pcap.get());
  if (activated < 0) return interface_error(options, activation_error(pcap.get(), activated));
  if (options.fanout_group != 0) {
    if (!join_group(pcap_fileno(pcap.get()), options.fanout_group)) {
      return interface_error(
          options, std::string("the workers cannot share its packets: ") + std::strerror(errno));
    }
  }
  if (!options.filter.empty()) {
    if (const Status set = set_filter(pcap.get(), options.filter); !set) {
      return interface_error(options, set.error().message);
    }
  }
  if (pcap_setnonblock(pcap.get(), 1, errors) != 0) return interface_error(options, errors);
  return pcap;
}

class LivePcap final : public LiveSource {
 public:
  LivePcap(LivePcapOptions options, Pcap pcap) : options_(std::move(options)) {
    take(std::move(pcap));
  }

  int poll_fd() const noexcept override { return fd_; }
  void begin(Timestamp now) noexcept override { begin_ = now; }

  size_t read(LiveHandler& handler, size_t budget) noexcept override {
    if (!pcap_) return 0;
    Reading reading{*this, handler, 0};
    const int result = pcap_dispatch(
        pcap_.get(), static_cast<int>(budget),
        [](u_char* user, const pcap_pkthdr* header, const u_char* data) {
          auto* r = reinterpret_cast<Reading*>(user);
          r->source.give(*r, *header, data);
        },
        reinterpret_cast<u_char*>(&reading));
    if (result < 0) on_error();
    return reading.given;
  }

  void refresh(Timestamp now) noexcept override {
    count_resets(counters_, options_.resets.get());
    if (ended_) return;
    if (pcap_) {
      read_statistics();
      if (!is_other_interface()) return;
      close();
    }
    if (now < retry_at_) return;
    retry_at_ = now + kRetry;
    auto opened = open_handle(options_);
    if (!opened) return;
    counters_.reopened.add();
    begin_ = now;
    take(std::move(*opened));
  }

  void end() noexcept override {
    ended_ = true;
    close();
  }
  const LiveCounters& counters() const noexcept override { return counters_; }
  bool in_path() const noexcept override { return false; }
  bool sends_resets() const noexcept override { return options_.resets != nullptr; }
  const std::string& name() const noexcept override { return options_.interface; }

 private:
  struct Reading {
    LivePcap& source;
    LiveHandler& handler;
    size_t given;
  };

  void take(Pcap pcap) noexcept {
    pcap_ = std::move(pcap);
    fd_ = pcap_get_selectable_fd(pcap_.get());
    link_type_ = pcap_datalink(pcap_.get());
    dropped_ = 0;
    interface_dropped_ = 0;
    index_ = if_nametoindex(options_.interface.c_str());
  }

  void close() noexcept {
    pcap_.reset();
    fd_ = -1;
  }

  // The name belongs to another interface by now: made anew at once, so that no read failed while
  // there was none. "any" has no number.
  [[nodiscard]] bool is_other_interface() const noexcept {
    const unsigned now = if_nametoindex(options_.interface.c_str());
    return index_ != 0 && now != 0 && now != index_;
  }

  void give(Reading& reading, const pcap_pkthdr& header, const u_char* data) noexcept {
    RawPacket raw;
    // With nanosecond precision asked for, tv_usec holds nanoseconds.
    raw.time = {static_cast<int64_t>(header.ts.tv_sec) * 1'000'000'000 + header.ts.tv_usec};
    if (raw.time < begin_) return;
    raw.wire_length = header.len;
    raw.link_type = link_type_;
    raw.data = {data, header.caplen};
    counters_.packets.add();
    counters_.bytes.add(header.len);
    ++reading.given;
    const LiveVerdict verdict = reading.handler.on_packet(raw);
    if (verdict.action < Action::kReset || verdict.packet == nullptr || options_.resets == nullptr)
      return;
    options_.resets->cut(raw, *verdict.packet);
  }

  // The kernel's counts, which begin at zero with each handle and wrap at 32 bits.
  void read_statistics() noexcept {
    pcap_stat stat{};
    if (pcap_stats(pcap_.get(), &stat) != 0) return;
    counters_.kernel_dropped.add(stat.ps_drop - dropped_);
    // Of the interface, whatever the number of its handles.
    if (options_.counts_interface) {
      counters_.interface_dropped.add(stat.ps_ifdrop - interface_dropped_);
    }
    dropped_ = stat.ps_drop;
    interface_dropped_ = stat.ps_ifdrop;
  }

  // An interface that went down comes back on the same handle; one that is gone needs a new one.
  void on_error() noexcept {
    counters_.read_errors.add();
    if (if_nametoindex(options_.interface.c_str()) != 0) return;  // see refresh()
    close();
  }

  LivePcapOptions options_;
  Pcap pcap_;  // null while the interface is gone
  int fd_ = -1;
  int link_type_ = 0;
  unsigned index_ = 0;  // of the interface that pcap_ listens on
  bool ended_ = false;
  Timestamp begin_;
  Timestamp retry_at_;
  uint32_t dropped_ = 0;
  uint32_t interface_dropped_ = 0;
  LiveCounters counters_;
};

}  // namespace

Result<std::unique_ptr<LiveSource>> open_live_pcap(const LivePcapOptions& options) {
  auto pcap = open_handle(options);
  if (!pcap) return pcap.error();
  return std::unique_ptr<LiveSource>(std::make_unique<LivePcap>(options, std::move(*pcap)));
}

Status check_filter(const std::string& filter) {
  const Pcap dead(pcap_open_dead(DLT_EN10MB, 65'535));
  bpf_program program{};
  if (pcap_compile(dead.get(), &program, filter.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
    return Error{"filter \"" + filter + "\": " + pcap_geterr(dead.get()), {}, 0, 0};
  }
  pcap_freecode(&program);
  return ok_status();
}

uint16_t new_fanout_group() noexcept {
  static std::atomic<uint16_t> next{0};
  // Groups are known by number in a network namespace: another process must not have the same.
  const auto base = static_cast<uint16_t>(static_cast<uint32_t>(getpid()) * 7);
  auto group = static_cast<uint16_t>(base + next++);
  if (group == 0) group = static_cast<uint16_t>(base + next++);
  return group;
}

}  // namespace weir::capture

// See nfqueue_source.h.
#include "capture/nfqueue_source.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
// After the socket headers that it needs.
#include <libnetfilter_queue/libnetfilter_queue.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace weir::capture {
namespace {

constexpr int kRawIp = 101;  // LINKTYPE_RAW
constexpr size_t kMessageBytes = 0xffff + 4'096;
constexpr uint32_t kCopyBytes = 0xffff;
constexpr uint64_t kBufferBytes = 32U << 20;
constexpr Duration kStandstill = Duration::millis(100);

struct HandleClose {
  void operator()(nfq_handle* handle) const noexcept { nfq_close(handle); }
};
struct QueueClose {
  void operator()(nfq_q_handle* queue) const noexcept { nfq_destroy_queue(queue); }
};

Timestamp clock_now() noexcept {
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(
              std::chrono::system_clock::now().time_since_epoch())
              .count()};
}

class NfqueueSource final : public LiveSource {
 public:
  explicit NfqueueSource(const NfqueueOptions& options)
      : options_(options), name_("queue " + std::to_string(options.queue)) {}

  Status open() {
    const auto wrong = [this](const std::string& what) {
      return Error{"netfilter " + name_ + ": " + what + ": " + std::strerror(errno), {}, 0, 0};
    };
    handle_.reset(nfq_open());
    if (!handle_) return wrong("cannot be reached");
    queue_.reset(nfq_create_queue(handle_.get(), options_.queue, &NfqueueSource::on_message, this));
    if (!queue_) {
      return wrong(errno == EPERM ? "no right to serve it: it needs root or CAP_NET_ADMIN"
                                  : "cannot be served, perhaps another process does");
    }
    if (nfq_set_mode(queue_.get(), NFQNL_COPY_PACKET, kCopyBytes) < 0) {
      return wrong("does not give whole packets");
    }
    if (nfq_set_queue_maxlen(queue_.get(), options_.length) < 0) return wrong("takes no length");
    const uint32_t flags =
        NFQA_CFG_F_GSO | (options_.fail_open ? uint32_t{NFQA_CFG_F_FAIL_OPEN} : 0U);
    if (nfq_set_queue_flags(queue_.get(), flags, flags) < 0) {
      return wrong(options_.fail_open ? "cannot fail open" : "gives no super-packets");
    }
    const int fd = nfq_fd(handle_.get());
    nfnl_rcvbufsiz(nfq_nfnlh(handle_.get()), static_cast<unsigned>(kBufferBytes));
    // Overflow shows as gaps in the packet numbers; as an error of recv(2) it would only repeat
    // that.
    const int one = 1;
    (void)setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &one, sizeof one);
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) return wrong("would wait");
    return ok_status();
  }

  ~NfqueueSource() override { end(); }

  [[nodiscard]] int poll_fd() const noexcept override {
    return handle_ ? nfq_fd(handle_.get()) : -1;
  }
  void begin(Timestamp /*now*/) noexcept override {}

  size_t read(LiveHandler& handler, size_t budget) noexcept override {
    given_ = 0;
    if (!handle_) return 0;
    handler_ = &handler;
    const Timestamp before = std::exchange(now_, clock_now());
    // After a standstill: what waited is gone once it has been read.
    if (before.ns != 0 && now_ - before > kStandstill) look_at_queue();
    while (given_ < budget) {
      const ssize_t got = recv(poll_fd(), buffer_.data(), buffer_.size(), 0);
      if (got < 0) {
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) counters_.read_errors.add();
        break;
      }
      if (nfq_handle_packet(handle_.get(), buffer_.data(), static_cast<int>(got)) != 0) {
        counters_.read_errors.add();
      }
    }
    // A crowd, or a standstill while reading: what was read has no verdict yet, and still counts.
    const bool crowd = given_ >= std::min<size_t>(budget, options_.length);
    if (given_ > 0 && (crowd || clock_now() - now_ > kStandstill)) look_at_queue();
    pass_waiting();
    handler_ = nullptr;
    return given_;
  }

  void refresh(Timestamp /*now*/) noexcept override {
    count_resets(counters_, options_.resets.get());
    look_at_queue();
  }
  // The kernel drops what it holds for a queue that is given up, however the queue fails. Packet
  // numbers wrap, and "up to" reaches half of them: a number far ahead means all that wait.
  void end() noexcept override {
    if (queue_ && options_.fail_open) {
      constexpr uint32_t kAhead = 1U << 30;
      (void)nfq_set_verdict_batch(queue_.get(), last_id_ + kAhead, NF_ACCEPT);
    }
    // Not reset(): what comes meanwhile (see on_held) still needs the queue.
    if (queue_) {
      nfq_destroy_queue(queue_.get());
      (void)queue_.release();
    }
    handle_.reset();
  }
  [[nodiscard]] const LiveCounters& counters() const noexcept override { return counters_; }
  [[nodiscard]] bool in_path() const noexcept override { return true; }
  [[nodiscard]] bool fails_closed() const noexcept override { return !options_.fail_open; }
  [[nodiscard]] const std::string& name() const noexcept override { return name_; }

 private:
  static int on_message(nfq_q_handle* /*queue*/, nfgenmsg* /*message*/, nfq_data* data,
                        void* self) {
    static_cast<NfqueueSource*>(self)->on_held(data);
    return 0;
  }

  void on_held(nfq_data* data) noexcept {
    const nfqnl_msg_packet_hdr* head = nfq_get_msg_packet_hdr(data);
    if (head == nullptr) return counters_.read_errors.add();
    const uint32_t id = ntohl(head->packet_id);
    if (last_id_ != 0 && id - last_id_ > 1 && id - last_id_ < (1U << 30)) {
      if (options_.fail_open) counters_.passed_unseen.add(id - last_id_ - 1);
    }
    last_id_ = id;
    // The library waits for answers of the kernel when the queue is given up, and hands over what
    // comes meanwhile.
    if (handler_ == nullptr) {
      return give(
          nfq_set_verdict(queue_.get(), id, options_.fail_open ? NF_ACCEPT : NF_DROP, 0, nullptr));
    }
    unsigned char* bytes = nullptr;
    const int length = nfq_get_payload(data, &bytes);
    ++given_;
    counters_.packets.add();
    LiveVerdict verdict;
    RawPacket packet;
    if (length > 0) {
      counters_.bytes.add(static_cast<uint64_t>(length));
      packet.time = now_;
      packet.wire_length = static_cast<uint32_t>(length);
      packet.link_type = kRawIp;
      packet.data = ByteSpan(bytes, static_cast<size_t>(length));
      verdict = handler_->on_packet(packet);
    }
    // What cannot be decoded cannot be judged.
    const bool unjudged = verdict.packet == nullptr && !options_.fail_open;
    if (verdict.action >= Action::kReset || unjudged) {
      // What came before it arrives before the reset.
      pass_waiting();
      if (!unjudged && options_.resets) options_.resets->cut(packet, *verdict.packet);
      counters_.verdicts_dropped.add();
      give(nfq_set_verdict(queue_.get(), id, NF_DROP, 0, nullptr));
    } else if (verdict.shunt && options_.shunt_mark != 0) {
      pass_waiting();
      counters_.verdicts_shunted.add();
      const uint32_t mark = nfq_get_nfmark(data) | options_.shunt_mark;
      give(nfq_set_verdict2(queue_.get(), id, NF_ACCEPT, mark, 0, nullptr));
    } else {
      waiting_ = true;
      waiting_id_ = id;
    }
  }

  // All packets up to that number that have no verdict of their own.
  void pass_waiting() noexcept {
    if (!waiting_) return;
    waiting_ = false;
    give(nfq_set_verdict_batch(queue_.get(), waiting_id_, NF_ACCEPT));
  }

  // Whether the queue is full, and what the kernel dropped because it or the socket's buffer was.
  // Failing open, the kernel passes what finds the queue full and counts it nowhere. A line a
  // queue: number, port id, waiting, copy mode, copy range, dropped, dropped on the way here, last
  // number.
  void look_at_queue() noexcept {
    FILE* file = std::fopen("/proc/self/net/netfilter/nfnetlink_queue", "re");
    if (file == nullptr) return;
    unsigned number = 0;
    unsigned waiting = 0;
    unsigned long long dropped = 0;
    unsigned long long dropped_on_way = 0;
    while (std::fscanf(file, "%u %*u %u %*u %*u %llu %llu %*u %*u", &number, &waiting, &dropped,
                       &dropped_on_way) == 4) {
      if (number != options_.queue) continue;
      if (waiting >= options_.length) counters_.queue_full.add();
      const uint64_t sum = dropped + dropped_on_way;
      if (sum > dropped_ && !options_.fail_open) counters_.kernel_dropped.add(sum - dropped_);
      dropped_ = sum;
    }
    (void)std::fclose(file);
  }

  void give(int result) noexcept {
    if (result < 0) counters_.verdicts_failed.add();
  }

  NfqueueOptions options_;
  std::string name_;
  std::unique_ptr<nfq_handle, HandleClose> handle_;
  std::unique_ptr<nfq_q_handle, QueueClose> queue_;  // before the handle in destruction
  std::array<char, kMessageBytes> buffer_{};
  LiveHandler* handler_ = nullptr;  // during read() only
  size_t given_ = 0;
  Timestamp now_;
  uint32_t last_id_ = 0;
  uint64_t dropped_ = 0;
  bool waiting_ = false;
  uint32_t waiting_id_ = 0;
  LiveCounters counters_;
};

}  // namespace

Result<std::unique_ptr<LiveSource>> open_nfqueue(const NfqueueOptions& options) {
  auto source = std::make_unique<NfqueueSource>(options);
  if (const Status opened = source->open(); !opened) return opened.error();
  return std::unique_ptr<LiveSource>(std::move(source));
}

}  // namespace weir::capture

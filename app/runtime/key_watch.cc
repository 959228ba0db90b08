// See key_watch.h.
#include "app/runtime/key_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include "inspect/decrypt/key_log_source.h"

namespace weir::app {

namespace {

// Files cannot be waited on in a way that works on every file system, so they are looked at.
constexpr int kLookMs = 50;
constexpr int kMessagesKept = 64;

Timestamp wall_time() {
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(
              std::chrono::system_clock::now().time_since_epoch())
              .count()};
}

std::string trouble_of(const inspect::KeyLogPoll& poll) {
  if (poll.error != 0) return std::string("cannot be read: ") + std::strerror(poll.error);
  if (!poll.present) return "is not there (yet)";
  if (poll.left_out > 0) return "more files or clients than are followed at once";
  if (poll.others_can_read) return "others than its owner can read the secrets in it";
  return {};
}

struct Source {
  Source(const std::string& path, inspect::KeyStore& store) : log(path, store) {}
  inspect::KeyLogSource log;
  std::string trouble;
};

}  // namespace

struct KeyWatch::Impl {
  explicit Impl(const config::SeeInsideSettings& settings)
      : store({.sessions = settings.sessions, .lifetime = settings.forget}) {}
  ~Impl() {
    if (thread.joinable()) {
      const uint64_t one = 1;
      (void)!::write(wake, &one, sizeof(one));
      thread.join();
    }
    if (wake >= 0) ::close(wake);
  }

  // True when there is more to read at once.
  bool look() {
    const Timestamp now = wall_time();
    bool more = false;
    for (const auto& source : sources) {
      const inspect::KeyLogPoll poll = source->log.poll(now);
      more = more || poll.more;
      bytes.add(poll.bytes);
      rotations.add(poll.rotations);
      std::string trouble = trouble_of(poll);
      if (trouble == source->trouble) continue;
      source->trouble = std::move(trouble);
      if (!source->trouble.empty()) tell(source->log.path() + ": " + source->trouble);
    }
    store.forget_old(now);
    return more;
  }

  void tell(std::string message) {
    const std::lock_guard lock(mutex);
    if (messages.size() < kMessagesKept) messages.push_back(std::move(message));
  }

  void run() {
    std::vector<int> descriptors;
    std::vector<pollfd> waits;
    uint64_t told = store.generation();
    while (true) {
      const bool more = look();
      if (store.generation() != told) {
        told = store.generation();
        if (on_new_keys) on_new_keys();
      }
      descriptors.clear();
      for (const auto& source : sources) source->log.add_descriptors(descriptors);
      waits.clear();
      waits.push_back({wake, POLLIN, 0});
      for (const int fd : descriptors) waits.push_back({fd, POLLIN, 0});
      const int ready = ::poll(waits.data(), waits.size(), more ? 0 : kLookMs);
      if (ready > 0 && waits.front().revents != 0) return;
    }
  }

  std::unique_ptr<inspect::ServerKeys> server_keys;
  inspect::KeyStore store;
  std::vector<std::unique_ptr<Source>> sources;
  NewKeys on_new_keys;
  int wake = -1;
  std::thread thread;
  Counter bytes;
  Counter rotations;
  std::mutex mutex;
  std::vector<std::string> messages;  // under mutex
};

KeyWatch::KeyWatch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KeyWatch::~KeyWatch() = default;

Result<std::unique_ptr<KeyWatch>> KeyWatch::start(const config::SeeInsideSettings& settings,
                                                  NewKeys on_new_keys) {
  auto impl = std::make_unique<Impl>(settings);
  impl->on_new_keys = std::move(on_new_keys);
  auto loaded = inspect::ServerKeys::load(
      settings.server_keys, {.sessions = settings.sessions, .lifetime = settings.forget});
  if (!loaded) return loaded.error();
  impl->server_keys = std::move(*loaded);
  if (!impl->server_keys->locked())
    impl->tell("server keys: the system does not lock their memory");
  for (const std::string& path : settings.key_logs) {
    impl->sources.push_back(std::make_unique<Source>(path, impl->store));
    if (const Status opened = impl->sources.back()->log.open(); !opened) return opened.error();
  }
  impl->wake = ::eventfd(0, EFD_CLOEXEC);
  if (impl->wake < 0) {
    return Error{std::string("key logs cannot be followed: ") + std::strerror(errno), {}};
  }
  // What is there now is known before the first packet.
  while (impl->look()) {
  }
  if (!impl->sources.empty()) {
    Impl* raw = impl.get();
    impl->thread = std::thread([raw] { raw->run(); });
  }
  return std::unique_ptr<KeyWatch>(new KeyWatch(std::move(impl)));
}

inspect::KeyAccess KeyWatch::access() const noexcept {
  inspect::KeyAccess out;
  out.store = &impl_->store;
  out.server_keys = impl_->server_keys.get();
  out.may_come_late = !impl_->sources.empty();
  return out;
}

inspect::CounterList KeyWatch::counters() const {
  inspect::CounterList out;
  inspect::KeyLogCounters logs;
  for (const auto& source : impl_->sources) {
    add_counters(logs, source->log.counters(), inspect::kKeyLogCounterTable);
  }
  for (const auto& row : inspect::kKeyLogCounterTable) {
    out.emplace_back("keys." + std::string(row.name), (logs.*row.member).get());
  }
  const inspect::KeyStoreCounters stored = impl_->store.counters();
  for (const auto& row : inspect::kKeyStoreCounterTable) {
    out.emplace_back("key_store." + std::string(row.name), (stored.*row.member).get());
  }
  out.emplace_back("keys.bytes", impl_->bytes.get());
  out.emplace_back("keys.rotations", impl_->rotations.get());
  return out;
}

std::vector<std::string> KeyWatch::take_messages() {
  const std::lock_guard lock(impl_->mutex);
  return std::exchange(impl_->messages, {});
}

}  // namespace weir::app

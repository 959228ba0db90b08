// Secrets of TLS sessions by client random, as key logs give them. Filled by whoever reads key logs
// and read by all workers: a flow that waits for its keys compares generation() with what it saw
// last, which is one load, and looks up only when it has grown. Bounded; the oldest session goes
// first. Secrets lie in locked memory and are wiped when they go; what find() gives wipes itself.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "core/counters.h"
#include "core/time.h"
#include "inspect/decrypt/secret.h"

namespace weir::inspect {

struct KeyStoreCounters {
  Counter secrets;
  Counter secrets_repeated;
  Counter secrets_changed;
  Counter sessions;
  Counter sessions_pushed_out;
  Counter sessions_forgotten;
  Counter unlocked_chunks;
  Counter no_memory;
};

inline constexpr CounterTable<KeyStoreCounters, 8> kKeyStoreCounterTable{{
    {"secrets", &KeyStoreCounters::secrets, "secrets taken in"},
    {"secrets_repeated", &KeyStoreCounters::secrets_repeated, "secrets that were known already"},
    {"secrets_changed", &KeyStoreCounters::secrets_changed,
     "secrets that replaced another one of the same session and kind"},
    {"sessions", &KeyStoreCounters::sessions, "sessions of which a secret was taken in"},
    {"sessions_pushed_out", &KeyStoreCounters::sessions_pushed_out,
     "sessions forgotten because there were too many"},
    {"sessions_forgotten", &KeyStoreCounters::sessions_forgotten,
     "sessions forgotten because their time was over"},
    {"unlocked_chunks", &KeyStoreCounters::unlocked_chunks,
     "chunks of 64 sessions that the system refused to lock in memory"},
    {"no_memory", &KeyStoreCounters::no_memory, "secrets lost because there was no memory"},
}};
static_assert(describes_all(kKeyStoreCounterTable));

class KeyStore {
 public:
  struct Options {
    size_t sessions = 65'536;
    Duration lifetime = Duration::seconds(3600);  // from the first secret of a session on
  };
  KeyStore() : KeyStore(Options{}) {}
  explicit KeyStore(const Options& options);
  ~KeyStore();
  KeyStore(const KeyStore&) = delete;
  KeyStore& operator=(const KeyStore&) = delete;

  // Any thread. `now`: wall or packet time, but one of them throughout.
  // False when it was known already or could not be kept.
  bool add(SecretKind kind, ByteSpan client_random, ByteSpan secret, Timestamp now);
  // Any thread. False when nothing is known of the session.
  [[nodiscard]] bool find(const TlsRandom& client_random, SessionSecrets& out) const;
  // Grows with each new secret.
  [[nodiscard]] uint64_t generation() const noexcept {
    return generation_.load(std::memory_order_acquire);
  }
  // Any thread, now and then: forgets sessions that are older than the lifetime.
  void forget_old(Timestamp now);
  void clear();
  [[nodiscard]] size_t sessions() const;
  [[nodiscard]] KeyStoreCounters counters() const;

 private:
  struct Shard;
  [[nodiscard]] Shard& shard_of(const TlsRandom& client_random) const noexcept;

  Options options_;
  size_t shard_count_;
  std::unique_ptr<Shard[]> shards_;
  std::atomic<uint64_t> generation_{1};
};

}  // namespace weir::inspect

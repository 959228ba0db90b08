#include "inspect/decrypt/key_store.h"

#include <algorithm>
#include <mutex>
#include <unordered_map>

#include "core/hash.h"
#include "inspect/decrypt/locked_slots.h"

namespace weir::inspect {
namespace {

constexpr size_t kShards = 16;
constexpr size_t kSessionsWorthSharding = 1024;

// Keyed, as whoever opens connections chooses the randoms.
struct RandomHash {
  HashKey key = HashKey::random();
  size_t operator()(const TlsRandom& random) const noexcept {
    return static_cast<size_t>(siphash(key, random));
  }
};

}  // namespace

struct KeyStore::Shard {
  mutable std::mutex mutex;
  std::unordered_map<TlsRandom, uint32_t, RandomHash> index;
  LockedSlots slots;
  uint32_t oldest = kNoSlot;
  uint32_t newest = kNoSlot;
  KeyStoreCounters counters;

  [[nodiscard]] uint32_t append(const TlsRandom& random, Timestamp now) {
    const uint32_t at = slots.take();
    if (at == kNoSlot) return at;
    SecretSlot& slot = slots[at];
    slot.client_random = random;
    slot.time_ns = now.ns;
    slot.older = newest;
    slot.newer = kNoSlot;
    (newest == kNoSlot ? oldest : slots[newest].newer) = at;
    newest = at;
    index.emplace(random, at);
    return at;
  }
  void drop_oldest() {
    const uint32_t at = oldest;
    index.erase(slots[at].client_random);
    oldest = slots[at].newer;
    (oldest == kNoSlot ? newest : slots[oldest].older) = kNoSlot;
    slots.give(at);
  }
};

KeyStore::KeyStore(const Options& options)
    : options_(options),
      shard_count_(options.sessions >= kSessionsWorthSharding ? kShards : 1),
      shards_(new Shard[shard_count_]) {}

KeyStore::~KeyStore() = default;

KeyStore::Shard& KeyStore::shard_of(const TlsRandom& random) const noexcept {
  // The last bytes: some clients put the time, and servers a mark, into others.
  return shards_[random[kRandomBytes / 2] % shard_count_];
}

bool KeyStore::add(SecretKind kind, ByteSpan client_random, ByteSpan secret, Timestamp now) {
  if (client_random.size() != kRandomBytes || secret.empty() || secret.size() > kMaxSecretBytes) {
    return false;
  }
  TlsRandom random;
  std::copy_n(client_random.begin(), kRandomBytes, random.begin());
  Shard& shard = shard_of(random);
  {
    const std::lock_guard lock(shard.mutex);
    const auto known = shard.index.find(random);
    uint32_t at = known == shard.index.end() ? kNoSlot : known->second;
    if (at == kNoSlot) {
      const size_t most = std::max<size_t>(1, options_.sessions / shard_count_);
      if (shard.index.size() >= most) {
        shard.drop_oldest();
        shard.counters.sessions_pushed_out.add();
      }
      at = shard.append(random, now);
      if (at == kNoSlot) {
        shard.counters.no_memory.add();
        return false;
      }
      shard.counters.sessions.add();
    }
    SecretSlot& slot = shard.slots[at];
    const auto k = static_cast<size_t>(kind);
    const ByteSpan old = ByteSpan(slot.secret[k]).first(slot.size[k]);
    if (std::equal(old.begin(), old.end(), secret.begin(), secret.end())) {
      shard.counters.secrets_repeated.add();
      return false;
    }
    if (!old.empty()) shard.counters.secrets_changed.add();
    std::copy(secret.begin(), secret.end(), slot.secret[k].begin());
    slot.size[k] = static_cast<uint8_t>(secret.size());
    shard.counters.secrets.add();
  }
  generation_.fetch_add(1, std::memory_order_release);
  return true;
}

bool KeyStore::find(const TlsRandom& client_random, SessionSecrets& out) const {
  const Shard& shard = shard_of(client_random);
  const std::lock_guard lock(shard.mutex);
  const auto known = shard.index.find(client_random);
  if (known == shard.index.end()) return false;
  const SecretSlot& slot = shard.slots[known->second];
  for (size_t k = 0; k < kSecretKinds; ++k) {
    out.of[k].assign(ByteSpan(slot.secret[k]).first(slot.size[k]));
  }
  return true;
}

void KeyStore::forget_old(Timestamp now) {
  for (size_t i = 0; i < shard_count_; ++i) {
    Shard& shard = shards_[i];
    const std::lock_guard lock(shard.mutex);
    while (shard.oldest != kNoSlot &&
           now - Timestamp{shard.slots[shard.oldest].time_ns} > options_.lifetime) {
      shard.drop_oldest();
      shard.counters.sessions_forgotten.add();
    }
  }
}

void KeyStore::clear() {
  for (size_t i = 0; i < shard_count_; ++i) {
    const std::lock_guard lock(shards_[i].mutex);
    while (shards_[i].oldest != kNoSlot) shards_[i].drop_oldest();
  }
}

size_t KeyStore::sessions() const {
  size_t sum = 0;
  for (size_t i = 0; i < shard_count_; ++i) {
    const std::lock_guard lock(shards_[i].mutex);
    sum += shards_[i].index.size();
  }
  return sum;
}

KeyStoreCounters KeyStore::counters() const {
  KeyStoreCounters sum;
  for (size_t i = 0; i < shard_count_; ++i) {
    const std::lock_guard lock(shards_[i].mutex);
    add_counters(sum, shards_[i].counters, kKeyStoreCounterTable);
    sum.unlocked_chunks.add(shards_[i].slots.unlocked_chunks());
  }
  return sum;
}

}  // namespace weir::inspect

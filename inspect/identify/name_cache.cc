#include "inspect/identify/name_cache.h"

#include <algorithm>
#include <array>
#include <bit>

namespace weir::inspect {
namespace {

constexpr size_t kSharedLook = 8;  // entries of one address looked at for another name

}  // namespace

NameCache::NameCache(const Limits& limits, NameCacheCounters& counters, const HashKey& key)
    : capacity_(std::clamp<size_t>(limits.dns_names, 1, kNone - 1)),
      ttl_floor_(limits.dns_ttl_floor),
      counters_(counters),
      key_(key),
      mask_(std::bit_ceil(capacity_) - 1),
      pairs_(mask_ + 1, kNone),
      servers_(mask_ + 1, kNone) {}

uint64_t NameCache::hash_pair(const IpAddress& client, const IpAddress& server) const noexcept {
  std::array<uint8_t, 32> both{};
  std::copy(client.bytes.begin(), client.bytes.end(), both.begin());
  std::copy(server.bytes.begin(), server.bytes.end(), both.begin() + 16);
  return siphash(key_, both);
}

uint64_t NameCache::hash_server(const IpAddress& server) const noexcept {
  return siphash(key_, server.bytes);
}

void NameCache::push(uint32_t& head, uint32_t index, LinkMember link) noexcept {
  Link& own = entries_[index].*link;
  own = {kNone, head};
  if (head != kNone) (entries_[head].*link).previous = index;
  head = index;
}

void NameCache::remove(uint32_t& head, uint32_t index, LinkMember link) noexcept {
  const Link own = entries_[index].*link;
  if (own.previous != kNone) {
    (entries_[own.previous].*link).next = own.next;
  } else {
    head = own.next;
  }
  if (own.next != kNone) (entries_[own.next].*link).previous = own.previous;
}

uint32_t NameCache::lookup(const IpAddress& client, const IpAddress& server) const noexcept {
  uint32_t at = pairs_[hash_pair(client, server) & mask_];
  while (at != kNone && (entries_[at].server != server || entries_[at].client != client)) {
    at = entries_[at].pair.next;
  }
  return at;
}

void NameCache::make_newest(uint32_t index) noexcept {
  if (newest_ == index) return;
  if (oldest_ == index) oldest_ = entries_[index].age.previous;
  remove(newest_, index, &Entry::age);
  push(newest_, index, &Entry::age);
}

void NameCache::add(const IpAddress& client, const IpAddress& server, std::string_view name,
                    uint32_t ttl_seconds, Timestamp now) {
  if (name.empty()) return;
  counters_.stored.add();
  const Duration ttl = std::max(Duration::seconds(ttl_seconds), ttl_floor_);
  uint32_t at = lookup(client, server);
  if (at != kNone) {
    Entry& entry = entries_[at];
    const bool other = entry.name != name;
    entry.shared = entry.expires >= now && (entry.shared || other);
    if (other) entry.name.assign(name);
    entry.expires = now + ttl;
    // Newest of its address first.
    remove(servers_[entry.server_bucket], at, &Entry::server_chain);
    push(servers_[entry.server_bucket], at, &Entry::server_chain);
    make_newest(at);
    return;
  }
  if (entries_.size() < capacity_) {
    at = static_cast<uint32_t>(entries_.size());
    entries_.emplace_back();
  } else {
    at = oldest_;
    Entry& gone = entries_[at];
    oldest_ = gone.age.previous;
    remove(newest_, at, &Entry::age);
    remove(pairs_[gone.pair_bucket], at, &Entry::pair);
    remove(servers_[gone.server_bucket], at, &Entry::server_chain);
    counters_.evicted.add();
  }
  Entry& entry = entries_[at];
  entry.client = client;
  entry.server = server;
  entry.name.assign(name);
  entry.expires = now + ttl;
  entry.shared = false;
  entry.pair_bucket = static_cast<uint32_t>(hash_pair(client, server) & mask_);
  entry.server_bucket = static_cast<uint32_t>(hash_server(server) & mask_);
  push(pairs_[entry.pair_bucket], at, &Entry::pair);
  push(servers_[entry.server_bucket], at, &Entry::server_chain);
  push(newest_, at, &Entry::age);
  if (oldest_ == kNone) oldest_ = at;
}

void NameCache::add(const IpAddress& client, const DnsMessage& response, Timestamp now) {
  if (!response.response || response.rcode != 0) return;
  for (const DnsService& service : response.services) {
    const std::string& name = service.ech_public_name;
    if (name.empty() || is_ech_public_name(name)) continue;
    if (public_names_.size() < kMaxPublicNames) {
      public_names_.push_back(name);
    } else {
      public_names_[next_public_name_++ % kMaxPublicNames] = name;
    }
  }
  for (const DnsAddress& a : response.addresses) add(client, a.address, a.name, a.ttl, now);
}

bool NameCache::is_ech_public_name(std::string_view name) const noexcept {
  return !name.empty() &&
         std::find(public_names_.begin(), public_names_.end(), name) != public_names_.end();
}

std::optional<CachedName> NameCache::find(const IpAddress& client, const IpAddress& server,
                                          Timestamp now) noexcept {
  const uint32_t own = lookup(client, server);
  if (own != kNone && entries_[own].expires >= now) {
    counters_.hits.add();
    make_newest(own);
    return CachedName{entries_[own].name, true, entries_[own].shared};
  }
  uint32_t at = servers_[hash_server(server) & mask_];
  std::optional<CachedName> found;
  for (size_t looked = 0; at != kNone && looked < kSharedLook;
       at = entries_[at].server_chain.next) {
    const Entry& entry = entries_[at];
    if (entry.server != server || entry.expires < now) continue;
    ++looked;
    if (!found) {
      found = CachedName{entry.name, false, entry.shared};
    } else if (entry.name != found->name) {
      found->shared = true;
      break;
    }
  }
  (found ? counters_.hits_of_others : counters_.misses).add();
  return found;
}

}  // namespace weir::inspect

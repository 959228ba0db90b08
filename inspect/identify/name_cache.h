// Which name a client meant by an address: what DNS answers told it. Bounded; the longest unused
// entry goes first. All times are packet times.
// The look-up prefers what this client was told; else the latest that any client was told, which is
// weaker evidence (`own` is false), as clients share resolvers but not interests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/hash.h"
#include "core/ip.h"
#include "core/limits.h"
#include "core/time.h"
#include "inspect/identify/dns.h"
#include "inspect/identify/identify_counters.h"

namespace weir::inspect {

struct CachedName {
  std::string_view name;  // valid until the next add
  bool own = false;       // told to this very client
  bool shared = false;    // the same address was also told under another name
};

class NameCache {
 public:
  // Both must outlive the cache.
  NameCache(const Limits& limits, NameCacheCounters& counters,
            const HashKey& key = HashKey::random());

  void add(const IpAddress& client, const IpAddress& server, std::string_view name,
           uint32_t ttl_seconds, Timestamp now);
  // All addresses of a response that `client` received.
  void add(const IpAddress& client, const DnsMessage& response, Timestamp now);
  // Whether some HTTPS record told of an ECH configuration with this public name: a hello that
  // shows it hides another.
  [[nodiscard]] bool is_ech_public_name(std::string_view name) const noexcept;
  [[nodiscard]] std::optional<CachedName> find(const IpAddress& client, const IpAddress& server,
                                               Timestamp now) noexcept;
  [[nodiscard]] size_t size() const noexcept { return entries_.size(); }

 private:
  static constexpr uint32_t kNone = 0xffffffff;
  struct Link {
    uint32_t previous = kNone;
    uint32_t next = kNone;
  };
  struct Entry {
    IpAddress client;
    IpAddress server;
    std::string name;
    Timestamp expires;
    bool shared = false;
    uint32_t pair_bucket = 0;
    uint32_t server_bucket = 0;
    Link pair;          // chain of the bucket of (client, server)
    Link server_chain;  // chain of the bucket of server, newest first
    Link age;           // all entries, newest first
  };
  using LinkMember = Link Entry::*;

  [[nodiscard]] uint64_t hash_pair(const IpAddress& client, const IpAddress& server) const noexcept;
  [[nodiscard]] uint64_t hash_server(const IpAddress& server) const noexcept;
  void push(uint32_t& head, uint32_t index, LinkMember link) noexcept;
  void remove(uint32_t& head, uint32_t index, LinkMember link) noexcept;
  [[nodiscard]] uint32_t lookup(const IpAddress& client, const IpAddress& server) const noexcept;
  void make_newest(uint32_t index) noexcept;

  static constexpr size_t kMaxPublicNames = 256;

  size_t capacity_;
  std::vector<std::string> public_names_;  // a ring
  size_t next_public_name_ = 0;
  Duration ttl_floor_;
  NameCacheCounters& counters_;
  HashKey key_;
  size_t mask_;
  std::vector<uint32_t> pairs_;
  std::vector<uint32_t> servers_;
  std::vector<Entry> entries_;  // grows up to capacity_, then entries are reused
  uint32_t newest_ = kNone;
  uint32_t oldest_ = kNone;
};

}  // namespace weir::inspect

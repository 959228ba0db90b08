// Brings datagrams to the QUIC connections that they belong to: by connection id, and where there
// is none, by the flow. A connection is made by a client's Initial that opens; it may use several
// flows (migration, RFC 9000 section 9) and a flow may carry several connections. It ends with the
// last flow that uses it. The router must outlive the flows.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/hash.h"
#include "inspect/engine/quic_session.h"

namespace weir::inspect {

// The connections of one flow; part of its state.
struct QuicPaths {
  struct Path {
    std::shared_ptr<QuicSession> session;
    Direction client = Direction::kToServer;  // the flow's direction that the client sends in
    // False: one of the connection's ids was seen, but nothing has opened yet. Ids are no secret.
    bool sure = true;
  };
  std::vector<Path> paths;  // the newest last
  [[nodiscard]] bool active() const noexcept { return !paths.empty(); }
  // Its connections are known, not only guessed.
  [[nodiscard]] bool sure() const noexcept {
    return std::any_of(paths.begin(), paths.end(), [](const Path& path) { return path.sure; });
  }
};

class QuicRouter final : public QuicIdTable {
 public:
  enum class Answer : uint8_t {
    kNotMine,  // no connection here knows it
    kTaken,
    kBegun,   // taken, and a connection began with it
    kJoined,  // taken, and its flow is a new path of a known connection
  };

  QuicRouter(QuicServices& services, const HashKey& key, bool hold_for_keys)
      : services_(services), hold_for_keys_(hold_for_keys), by_id_(16, Hash{key}) {}
  ~QuicRouter() override = default;
  QuicRouter(const QuicRouter&) = delete;
  QuicRouter& operator=(const QuicRouter&) = delete;

  // `dossier`: of the flow. `missing`: bytes of the datagram that the capture cut off.
  [[nodiscard]] Answer on_datagram(QuicPaths& flow, const std::shared_ptr<FlowDossier>& dossier,
                                   Direction direction, ByteSpan datagram, size_t missing) noexcept;
  // The flow ends. Connections that use no other flow end too.
  void end_flow(QuicPaths& flow, FlowDossier& dossier, EndReason reason) noexcept;
  // New keys have come: reads what waits for them.
  void poll_keys() noexcept;
  [[nodiscard]] static Action action(const QuicPaths& flow, Action of_flow) noexcept;

  void add_id(ByteSpan id, QuicSession& session) noexcept override;
  void remove_id(ByteSpan id, QuicSession& session) noexcept override;

 private:
  // Shorter ones are too easily met by chance to tell where a flow belongs.
  static constexpr size_t kTellingId = 8;
  struct Id {
    std::array<uint8_t, kMaxQuicId> bytes{};
    uint8_t size = 0;
    friend bool operator==(const Id&, const Id&) noexcept = default;
  };
  // Keyed, as the peers choose the ids.
  struct Hash {
    HashKey key;
    size_t operator()(const Id& id) const noexcept {
      return static_cast<size_t>(siphash(key, ByteSpan(id.bytes).first(id.size)));
    }
  };
  [[nodiscard]] static Id make_id(ByteSpan id) noexcept;
  [[nodiscard]] QuicSession* find(ByteSpan datagram) const noexcept;
  [[nodiscard]] QuicSession* find_id(ByteSpan id) const noexcept;
  [[nodiscard]] std::shared_ptr<QuicSession> begin(const std::shared_ptr<FlowDossier>& dossier,
                                                   ByteSpan datagram, size_t missing);
  void add_path(QuicPaths& flow, QuicPaths::Path path);
  [[nodiscard]] Answer try_join(QuicPaths& flow, const std::shared_ptr<FlowDossier>& dossier,
                                QuicSession& session, Direction direction, ByteSpan datagram);
  bool feed(QuicSession& session, Direction hint, ByteSpan datagram) noexcept;
  void note_proven(QuicSession& session) noexcept;
  void retire(QuicSession& session, EndReason reason) noexcept;

  QuicServices& services_;
  bool hold_for_keys_;
  std::unordered_map<Id, QuicSession*, Hash> by_id_;
  std::array<size_t, kMaxQuicId + 1> sizes_{};  // how many ids of each size there are
  // The idlest first. Those that nothing was opened of make room before the others.
  std::list<QuicSession*> idle_;
  std::list<QuicSession*> proven_;
};

}  // namespace weir::inspect

#include "inspect/identify/ndpi_classifier.h"

#include <malloc.h>
#include <ndpi_api.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>

#include "core/check.h"
#include "inspect/identify/ndpi_packet.h"

namespace weir::inspect {
namespace {

// nDPI's allocator hooks are process-wide, and its free gives no size.
std::atomic<int64_t> g_memory{0};

void* counted_malloc(size_t size) {
  void* const memory = std::malloc(size);
  g_memory.fetch_add(static_cast<int64_t>(malloc_usable_size(memory)), std::memory_order_relaxed);
  return memory;
}

void counted_free(void* memory) {
  g_memory.fetch_sub(static_cast<int64_t>(malloc_usable_size(memory)), std::memory_order_relaxed);
  std::free(memory);
}

std::string lower_snake(const char* text) {
  std::string out = text == nullptr ? "" : text;
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) c = '_';
  }
  return out;
}

// What hides other traffic inside, where nDPI's own category does not say so.
const char* own_category(uint16_t protocol) {
  switch (protocol) {
    case NDPI_PROTOCOL_SOCKS:
    case NDPI_PROTOCOL_IP_GRE:
    case NDPI_PROTOCOL_IP_IP_IN_IP:
    case NDPI_PROTOCOL_TEREDO:
    case NDPI_PROTOCOL_GTP:
      return "tunnel";
    case NDPI_PROTOCOL_DOH_DOT:
    case NDPI_PROTOCOL_DNSCRYPT:
      return "encrypted_dns";
    default:
      return nullptr;
  }
}

}  // namespace

struct NdpiEngine::Impl {
  ndpi_detection_module_struct* module = nullptr;
  IpPacketWriter writer;

  ~Impl() {
    if (module != nullptr) ndpi_exit_detection_module(module);
  }
  NdpiVerdict verdict_of(const ndpi_protocol& found) {
    NdpiVerdict verdict;
    const bool both = found.master_protocol != NDPI_PROTOCOL_UNKNOWN &&
                      found.app_protocol != NDPI_PROTOCOL_UNKNOWN &&
                      found.master_protocol != found.app_protocol;
    const uint16_t base =
        found.master_protocol != NDPI_PROTOCOL_UNKNOWN ? found.master_protocol : found.app_protocol;
    if (base == NDPI_PROTOCOL_UNKNOWN) return verdict;
    verdict.protocol = lower_snake(ndpi_get_proto_name(module, base));
    if (both) verdict.application = lower_snake(ndpi_get_proto_name(module, found.app_protocol));
    const char* category = own_category(base);
    if (category == nullptr && both) category = own_category(found.app_protocol);
    if (category == nullptr && found.category != NDPI_PROTOCOL_CATEGORY_UNSPECIFIED) {
      category = ndpi_category_get_name(module, found.category);
    }
    verdict.category = lower_snake(category);
    verdict.encrypted = ndpi_is_encrypted_proto(module, found) != 0;
    return verdict;
  }
};

NdpiFlow::NdpiFlow(NdpiFlow&& other) noexcept
    : engine_(std::exchange(other.engine_, nullptr)),
      state_(std::exchange(other.state_, nullptr)),
      packets_(other.packets_) {}

NdpiFlow& NdpiFlow::operator=(NdpiFlow&& other) noexcept {
  if (this == &other) return *this;
  reset();
  engine_ = std::exchange(other.engine_, nullptr);
  state_ = std::exchange(other.state_, nullptr);
  packets_ = other.packets_;
  return *this;
}

void NdpiFlow::reset() noexcept {
  if (state_ != nullptr) engine_->free_state(std::exchange(state_, nullptr));
}

NdpiEngine::NdpiEngine(const Limits& limits) : impl_(std::make_unique<Impl>()), limits_(limits) {}

NdpiEngine::~NdpiEngine() { WEIR_ASSERT(active_ == 0); }

Result<std::unique_ptr<NdpiEngine>> NdpiEngine::create(const Limits& limits) {
  // Modules must not be made in parallel (ndpi_api.h).
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  if (ndpi_get_api_version() != NDPI_API_VERSION ||
      ndpi_detection_get_sizeof_ndpi_flow_struct() != sizeof(ndpi_flow_struct)) {
    return Error{"libndpi at run time has API " + std::to_string(ndpi_get_api_version()) +
                     ", expected " + std::to_string(NDPI_API_VERSION),
                 {}};
  }
  set_ndpi_malloc(counted_malloc);
  set_ndpi_free(counted_free);
  set_ndpi_flow_malloc(counted_malloc);
  set_ndpi_flow_free(counted_free);
  std::unique_ptr<NdpiEngine> engine(new NdpiEngine(limits));
  // Addresses of Tor relays age faster than a library; matches by address are not believed anyway.
  engine->impl_->module = ndpi_init_detection_module(ndpi_dont_load_tor_hosts);
  if (engine->impl_->module == nullptr) return Error{"nDPI could not be initialised", {}};
  NDPI_PROTOCOL_BITMASK all;
  std::memset(&all, 0xff, sizeof(all));
  ndpi_set_protocol_detection_bitmask2(engine->impl_->module, &all);
  ndpi_finalize_initialization(engine->impl_->module);
  return engine;
}

NdpiFlow NdpiEngine::begin() noexcept {
  NdpiFlow flow;
  if (active_ >= limits_.ndpi_flows) {
    counters_.refused.add();
    return flow;
  }
  flow.state_ = ndpi_flow_malloc(sizeof(ndpi_flow_struct));
  WEIR_CHECK(flow.state_ != nullptr);
  std::memset(flow.state_, 0, sizeof(ndpi_flow_struct));
  flow.engine_ = this;
  ++active_;
  counters_.flows.add();
  return flow;
}

std::optional<NdpiVerdict> NdpiEngine::feed(NdpiFlow& flow, const DecodedPacket& packet) {
  if (!flow.active() || packet.payload.empty()) return std::nullopt;
  WEIR_CHECK(flow.engine_ == this && !busy_.exchange(true, std::memory_order_acquire));
  DecodedPacket shown = packet;
  shown.source.ip = private_stand_in(packet.source.ip);
  shown.destination.ip = private_stand_in(packet.destination.ip);
  const ByteSpan ip = impl_->writer.write(shown);
  const auto milliseconds = static_cast<uint64_t>(std::max<int64_t>(packet.time.ns, 0)) / 1'000'000;
  counters_.packets.add();
  ++flow.packets_;
  auto* const state = static_cast<ndpi_flow_struct*>(flow.state_);
  const ndpi_protocol found = ndpi_detection_process_packet(
      impl_->module, state, ip.data(), static_cast<unsigned short>(ip.size()), milliseconds);
  busy_.store(false, std::memory_order_release);

  const bool named =
      found.app_protocol != NDPI_PROTOCOL_UNKNOWN || found.master_protocol != NDPI_PROTOCOL_UNKNOWN;
  if (named && state->confidence >= NDPI_CONFIDENCE_DPI_CACHE) {
    NdpiVerdict verdict = impl_->verdict_of(found);
    counters_.decided.add();
    flow.reset();
    return verdict;
  }
  const bool tcp = packet.protocol == static_cast<uint8_t>(IpProtocol::kTcp);
  if (flow.packets_ < (tcp ? limits_.ndpi_tcp_packets : limits_.ndpi_udp_packets)) {
    return std::nullopt;
  }
  return give_up(flow);
}

NdpiVerdict NdpiEngine::give_up(NdpiFlow& flow) {
  NdpiVerdict verdict;
  if (!flow.active()) return verdict;
  WEIR_CHECK(flow.engine_ == this && !busy_.exchange(true, std::memory_order_acquire));
  auto* const state = static_cast<ndpi_flow_struct*>(flow.state_);
  uint8_t guessed = 0;
  const ndpi_protocol found = ndpi_detection_giveup(impl_->module, state, 0, &guessed);
  busy_.store(false, std::memory_order_release);
  if (guessed == 0 && state->confidence >= NDPI_CONFIDENCE_DPI_CACHE) {
    verdict = impl_->verdict_of(found);
  }
  (verdict.known() ? counters_.decided : counters_.unknown).add();
  flow.reset();
  return verdict;
}

void NdpiEngine::free_state(void* state) noexcept {
  ndpi_free_flow(static_cast<ndpi_flow_struct*>(state));
  --active_;
}

size_t NdpiEngine::memory_in_use() noexcept {
  return static_cast<size_t>(std::max<int64_t>(g_memory.load(std::memory_order_relaxed), 0));
}

}  // namespace weir::inspect

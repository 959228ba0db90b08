#include "inspect/unwrap/unwrapper.h"

#include <string>

#include "inspect/unwrap/level.h"

namespace weir::inspect {
namespace {

constexpr size_t kHeaderBytes = 1024;  // kept of Content-Type and of Content-Encoding

}  // namespace

struct Unwrapper::Impl {
  Impl(const Limits& limits, UnwrapCounters& counters)
      : chain{limits, counters, Emitter(limits, counters), 0}, root(chain, 0) {}

  Chain chain;
  Level root;
  std::string content_type;
  std::string content_encoding;
  bool open = false;
  bool any = false;
};

Unwrapper::Unwrapper(const Limits& limits, UnwrapCounters& counters)
    : impl_(std::make_unique<Impl>(limits, counters)) {}
Unwrapper::~Unwrapper() = default;

void Unwrapper::begin(const BodyInfo& info, TextSink& sink) noexcept {
  if (impl_->open) end(EndReason::kReset);
  impl_->open = true;
  impl_->any = false;
  impl_->content_type.assign(info.content_type.substr(0, kHeaderBytes));
  impl_->content_encoding.assign(info.content_encoding.substr(0, kHeaderBytes));
  impl_->chain.counters.bodies.add();
  impl_->chain.emitter.begin(info.path, sink);
  impl_->chain.decoded_bytes = 0;
  StreamInfo stream;
  stream.content_type = impl_->content_type;
  stream.content_encoding = impl_->content_encoding;
  impl_->root.begin(stream);
}

void Unwrapper::on_data(ByteSpan data, uint64_t offset) noexcept {
  if (!impl_->open || data.empty()) return;
  impl_->any = true;
  impl_->chain.counters.body_bytes.add(data.size());
  if (impl_->chain.emitter.stopped()) {
    impl_->chain.counters.dropped_bytes.add(data.size());
    return;
  }
  impl_->root.on_data(data, offset);
}

void Unwrapper::on_gap(uint64_t bytes) noexcept {
  if (!impl_->open) return;
  impl_->chain.counters.body_gaps.add();
  impl_->root.on_gap(bytes);
}

void Unwrapper::end(EndReason reason) noexcept {
  if (!impl_->open) return;
  impl_->root.end(reason);
  impl_->open = false;
  if (opaque()) impl_->chain.counters.opaque_bodies.add();
}

bool Unwrapper::opaque() const noexcept { return impl_->any && !impl_->chain.emitter.readable(); }

}  // namespace weir::inspect

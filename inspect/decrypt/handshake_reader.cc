#include "inspect/decrypt/handshake_reader.h"

#include <algorithm>

namespace weir::inspect {
namespace {

bool kept(uint8_t type, bool exchange) noexcept {
  if (type == kClientKeyExchangeMessage || type == kNewSessionTicketMessage) return exchange;
  return type == kClientHelloMessage || type == kServerHelloMessage ||
         type == kEncryptedExtensionsMessage || type == kCertificateMessage;
}

}  // namespace

bool HandshakeReader::next(ByteSpan& in, size_t most_kept, HandshakeMessage& out) {
  while (!in.empty()) {
    if (fill_ < header_.size()) {
      header_[fill_++] = in[0];
      in = in.subspan(1);
      if (fill_ < header_.size()) continue;
      left_ = static_cast<uint32_t>(header_[1]) << 16 | static_cast<uint32_t>(header_[2]) << 8 |
              header_[3];
      keep_ = kept(header_[0], keep_exchange_) && left_ <= most_kept;
      body_.clear();
    }
    const ByteSpan part = in.first(std::min<size_t>(in.size(), left_));
    in = in.subspan(part.size());
    left_ -= static_cast<uint32_t>(part.size());
    // The usual case, a message in one piece, is not copied.
    const bool in_place = body_.empty() && left_ == 0;
    if (keep_ && !in_place && !body_.append(part)) {
      keep_ = false;
      body_.free();
    }
    if (left_ > 0) continue;
    fill_ = 0;
    out.type = header_[0];
    out.whole = keep_;
    out.body = !keep_ ? ByteSpan{} : in_place ? part : body_.bytes();
    return true;
  }
  return false;
}

void HandshakeReader::lose(size_t bytes) noexcept {
  if (fill_ < header_.size() || bytes > left_) {
    reset();
    return;
  }
  left_ -= static_cast<uint32_t>(bytes);
  keep_ = false;
  if (left_ == 0) fill_ = 0;
}

void HandshakeReader::reset() noexcept {
  fill_ = 0;
  left_ = 0;
  keep_ = false;
  body_.free();
}

}  // namespace weir::inspect

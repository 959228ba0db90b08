#include "capture/pcapng_file.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "core/byte_reader.h"

namespace weir::capture {
namespace {

constexpr uint32_t kSectionHeader = 0x0A0D0D0A;
constexpr uint32_t kInterface = 1;
constexpr uint32_t kPacketObsolete = 2;
constexpr uint32_t kSimplePacket = 3;
constexpr uint32_t kEnhancedPacket = 6;
constexpr uint32_t kDecryptionSecrets = 10;
constexpr uint32_t kTlsKeyLog = 0x544c534b;  // "TLSK"
constexpr uint32_t kByteOrderMagic = 0x1A2B3C4D;
constexpr uint16_t kOptionEnd = 0;
constexpr uint16_t kOptionTimeResolution = 9;
constexpr uint16_t kOptionTimeOffset = 14;

// Bounds of what is kept in memory. libpcap's are the same.
constexpr uint32_t kMaxBlock = 16U << 20;
constexpr size_t kMaxInterfaces = 65'536;

__extension__ using Wide = unsigned __int128;

// A clock of an interface: ticks of 10^-exponent or 2^-exponent seconds, and an offset.
struct Clock {
  bool binary = false;
  uint8_t exponent = 6;
  int64_t offset_seconds = 0;

  [[nodiscard]] Timestamp at(uint64_t ticks) const noexcept {
    Wide ns = Wide{ticks} * 1'000'000'000U;
    if (binary) {
      ns >>= exponent;
    } else {
      for (uint8_t i = 0; i < exponent && ns != 0; ++i) ns /= 10;
    }
    constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
    const int64_t base = ns > Wide{static_cast<uint64_t>(kMax)} ? kMax : static_cast<int64_t>(ns);
    int64_t shift = 0;
    int64_t sum = 0;
    if (__builtin_mul_overflow(offset_seconds, int64_t{1'000'000'000}, &shift) ||
        __builtin_add_overflow(base, shift, &sum)) {
      return {base};
    }
    return {sum};
  }
};

struct Interface {
  uint16_t link_type = 0;
  uint32_t snaplen = 0;  // 0: no limit
  Clock clock;
};

class PcapngFile final : public CaptureFile {
 public:
  explicit PcapngFile(InputFile file) : file_(std::move(file)) {}

  Next next(RawPacket& out) noexcept override {
    while (state_ == Next::kPacket) {
      offset_ = file_.position();
      if (!read_block()) break;
      if (handle_block(out)) return Next::kPacket;
    }
    return state_;
  }
  const Error& error() const noexcept override { return error_; }
  uint64_t bytes_read() const noexcept override { return file_.position(); }
  uint64_t bytes_total() const noexcept override { return file_.size(); }

  // Reads the section header that every file begins with.
  bool begin() noexcept {
    if (!read_block()) return false;
    RawPacket none;
    handle_block(none);
    return state_ == Next::kPacket;
  }

 private:
  uint32_t u32(ByteReader& in) const noexcept { return big_endian_ ? in.u32() : in.le32(); }
  uint16_t u16(ByteReader& in) const noexcept { return big_endian_ ? in.u16() : in.le16(); }

  bool fail(const std::string& what) noexcept {
    error_ = {"the block at byte " + std::to_string(offset_) + ' ' + what, file_.name()};
    state_ = Next::kError;
    return false;
  }
  bool fill(uint8_t* to, size_t count) noexcept {
    if (file_.read(to, count) == count) return true;
    return fail_short();
  }
  bool fail_short() noexcept {
    if (!file_.failed()) return fail("is cut short by the end of the file");
    return fail("cannot be read" + (file_.fault()->empty() ? "" : ": " + *file_.fault()));
  }

  // Reads one block: its type into type_, its body (without type, lengths) into body_. Blocks of
  // no interest are stepped over with an empty body.
  bool read_block() noexcept {
    std::array<uint8_t, 12> head{};
    const size_t got = file_.read(head.data(), 8);
    if (got == 0 && !file_.failed()) {
      state_ = Next::kEnd;
      return false;
    }
    if (got < 8) return fail_short();
    size_t consumed = 8;
    ByteReader in(head);
    type_ = u32(in);  // a section header's type reads the same in both orders
    if (type_ == kSectionHeader) {
      if (!fill(head.data() + 8, 4)) return false;
      consumed = 12;
      ByteReader magic(ByteSpan(head).subspan(8));
      const uint32_t order = magic.u32();
      if (order != kByteOrderMagic && order != __builtin_bswap32(kByteOrderMagic)) {
        return fail("is a section header with no byte-order magic");
      }
      big_endian_ = order == kByteOrderMagic;
    }
    const uint32_t length = u32(in);
    if (length < consumed + 4 || length % 4 != 0) {
      return fail("has an impossible length of " + std::to_string(length) + " bytes");
    }
    const size_t body = length - consumed - 4;
    if (!wanted()) return step_over(body, length);
    if (length > kMaxBlock) {
      return fail("is " + std::to_string(length) + " bytes long; at most " +
                  std::to_string(kMaxBlock) + " are read");
    }
    body_.resize(body + 4);
    return fill(body_.data(), body + 4) && check_trailer(ByteSpan(body_).subspan(body), length);
  }
  [[nodiscard]] bool wanted() const noexcept {
    return type_ == kSectionHeader || type_ == kInterface || type_ == kPacketObsolete ||
           type_ == kSimplePacket || type_ == kEnhancedPacket ||
           (type_ == kDecryptionSecrets && secrets_sink_);
  }
  bool step_over(size_t body, uint32_t length) noexcept {
    constexpr size_t kStep = 64U << 10;
    body_.resize(std::max(body_.size(), kStep));
    while (body > 0) {
      const size_t step = std::min(body, kStep);
      if (!fill(body_.data(), step)) return false;
      body -= step;
    }
    return fill(body_.data(), 4) && check_trailer(ByteSpan(body_).first(4), length);
  }
  bool check_trailer(ByteSpan trailer, uint32_t length) noexcept {
    ByteReader in(trailer);
    const uint32_t repeated = u32(in);
    if (repeated == length) return true;
    return fail("gives its length as " + std::to_string(length) + " at the head and as " +
                std::to_string(repeated) + " at the end");
  }

  // True when `out` was filled.
  bool handle_block(RawPacket& out) noexcept {
    if (!wanted()) return false;
    ByteReader in(ByteSpan(body_).first(body_.size() - 4));
    switch (type_) {
      case kSectionHeader:
        return section(in);
      case kInterface:
        return interface(in);
      case kSimplePacket:
        return simple_packet(in, out);
      case kDecryptionSecrets:
        return secrets(in);
      default:
        return packet(in, out);
    }
  }
  bool section(ByteReader& in) noexcept {
    const uint16_t major = u16(in);
    const uint16_t minor = u16(in);
    if (!in.ok()) return fail("is a section header without a version");
    if (major != 1) {
      return fail("is a section of pcapng version " + std::to_string(major) + '.' +
                  std::to_string(minor) + "; version 1 is read");
    }
    interfaces_.clear();
    return false;
  }
  bool interface(ByteReader& in) noexcept {
    Interface made;
    made.link_type = u16(in);
    in.skip(2);
    made.snaplen = u32(in);
    if (!in.ok()) return fail("is an interface description that ends too early");
    if (interfaces_.size() == kMaxInterfaces) {
      return fail("describes one interface too many; at most " + std::to_string(kMaxInterfaces) +
                  " are kept");
    }
    while (in.remaining() >= 4) {
      const uint16_t code = u16(in);
      const uint16_t size = u16(in);
      if (code == kOptionEnd) break;
      ByteReader value = in.sub(size);
      if (!in.ok()) return fail("has an option that ends beyond it");
      in.skip(std::min<size_t>((4U - size % 4U) % 4U, in.remaining()));
      if (code == kOptionTimeResolution && size == 1) {
        const uint8_t resolution = value.u8();
        made.clock.binary = (resolution & 0x80) != 0;
        made.clock.exponent = resolution & 0x7f;
      } else if (code == kOptionTimeOffset && size == 8) {
        made.clock.offset_seconds = static_cast<int64_t>(big_endian_ ? value.u64() : value.le64());
      }
    }
    interfaces_.push_back(made);
    return false;
  }
  bool secrets(ByteReader& in) noexcept {
    const uint32_t kind = u32(in);
    const uint32_t size = u32(in);
    const ByteSpan text = in.take(size);
    if (!in.ok()) return fail("promises more bytes of secrets than it has");
    if (kind == kTlsKeyLog) secrets_sink_(text);
    return false;
  }
  bool packet(ByteReader& in, RawPacket& out) noexcept {
    uint32_t id = 0;
    if (type_ == kEnhancedPacket) {
      id = u32(in);
    } else {
      id = u16(in);
      in.skip(2);  // drops
    }
    const uint64_t high = u32(in);
    const uint64_t low = u32(in);
    const uint32_t captured = u32(in);
    const uint32_t wire = u32(in);
    if (!in.ok()) return fail("is a packet block that ends too early");
    if (id >= interfaces_.size()) {
      return fail("belongs to interface " + std::to_string(id) + ", of which there are " +
                  std::to_string(interfaces_.size()));
    }
    const ByteSpan data = in.take(captured);
    if (!in.ok()) {
      return fail("promises " + std::to_string(captured) + " captured bytes and has fewer");
    }
    last_time_ = interfaces_[id].clock.at(high << 32 | low);
    deliver(id, wire, data, out);
    return true;
  }
  bool simple_packet(ByteReader& in, RawPacket& out) noexcept {
    const uint32_t wire = u32(in);
    if (!in.ok()) return fail("is a packet block that ends too early");
    if (interfaces_.empty()) return fail("belongs to interface 0, of which there are 0");
    size_t captured = wire;
    if (interfaces_[0].snaplen != 0) captured = std::min<size_t>(captured, interfaces_[0].snaplen);
    // There is no captured length; some writers leave it to the block's own length.
    deliver(0, wire, in.take(std::min(captured, in.remaining())), out);
    return true;
  }
  // A simple packet has no time; that of the packet before it is the best guess.
  void deliver(uint32_t id, uint32_t wire, ByteSpan data, RawPacket& out) const noexcept {
    out.time = last_time_;
    out.wire_length = wire;
    out.link_type = interfaces_[id].link_type;
    out.interface_id = id;
    out.data = data;
  }

  InputFile file_;
  std::vector<uint8_t> body_;
  std::vector<Interface> interfaces_;  // of this section
  uint32_t type_ = 0;
  bool big_endian_ = false;
  uint64_t offset_ = 0;  // of the block being read
  Timestamp last_time_;
  Next state_ = Next::kPacket;
  Error error_;
};

}  // namespace

Result<std::unique_ptr<CaptureFile>> open_pcapng(InputFile file) {
  auto reader = std::make_unique<PcapngFile>(std::move(file));
  if (!reader->begin()) return reader->error();
  return std::unique_ptr<CaptureFile>(std::move(reader));
}

}  // namespace weir::capture

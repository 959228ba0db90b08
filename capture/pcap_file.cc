#include "capture/pcap_file.h"

#include <pcap/pcap.h>

#include <array>
#include <utility>

namespace weir::capture {
namespace {

struct PcapClose {
  void operator()(pcap_t* pcap) const noexcept { pcap_close(pcap); }
};

constexpr uint64_t kFileHeader = 24;
constexpr uint64_t kRecordHeader = 16;
// Records of the "modified" format (magic 0xa1b2cd34) carry interface, protocol and packet type.
constexpr uint64_t kModifiedRecordHeader = 24;

bool is_modified_format(ByteSpan head) noexcept {
  constexpr std::array<uint8_t, 4> kBig{0xa1, 0xb2, 0xcd, 0x34};
  constexpr std::array<uint8_t, 4> kLittle{0x34, 0xcd, 0xb2, 0xa1};
  return head.size() == 4 && (std::equal(head.begin(), head.end(), kBig.begin()) ||
                              std::equal(head.begin(), head.end(), kLittle.begin()));
}

class PcapFile final : public CaptureFile {
 public:
  PcapFile(std::unique_ptr<pcap_t, PcapClose> pcap, std::string name, uint64_t size,
           uint64_t record_header, StreamFault fault)
      : pcap_(std::move(pcap)),
        fault_(std::move(fault)),
        name_(std::move(name)),
        size_(size),
        record_header_(record_header),
        link_type_(pcap_datalink(pcap_.get())) {}

  Next next(RawPacket& out) noexcept override {
    if (state_ != Next::kPacket) return state_;
    pcap_pkthdr* header = nullptr;
    const u_char* data = nullptr;
    const int result = pcap_next_ex(pcap_.get(), &header, &data);
    if (result == PCAP_ERROR_BREAK) return state_ = Next::kEnd;
    if (result != 1) {
      error_ = {"the packet record at byte " + std::to_string(offset_) +
                    " cannot be read: " + (fault_->empty() ? pcap_geterr(pcap_.get()) : *fault_),
                name_};
      return state_ = Next::kError;
    }
    // With nanosecond precision asked for, tv_usec holds nanoseconds.
    out.time = {static_cast<int64_t>(header->ts.tv_sec) * 1'000'000'000 + header->ts.tv_usec};
    out.wire_length = header->len;
    out.link_type = link_type_;
    out.interface_id = 0;
    out.data = {data, header->caplen};
    offset_ += record_header_ + header->caplen;
    return Next::kPacket;
  }
  const Error& error() const noexcept override { return error_; }
  uint64_t bytes_read() const noexcept override { return offset_; }
  uint64_t bytes_total() const noexcept override { return size_; }

 private:
  std::unique_ptr<pcap_t, PcapClose> pcap_;
  StreamFault fault_;
  std::string name_;
  uint64_t size_;
  uint64_t record_header_;
  int link_type_;
  uint64_t offset_ = kFileHeader;  // of the next record
  Next state_ = Next::kPacket;
  Error error_;
};

}  // namespace

Result<std::unique_ptr<CaptureFile>> open_pcap(InputFile file) {
  const uint64_t record_header =
      is_modified_format(file.head()) ? kModifiedRecordHeader : kRecordHeader;
  const std::string name = file.name();
  const uint64_t size = file.size();
  const StreamFault fault = file.fault();
  std::array<char, PCAP_ERRBUF_SIZE> why{};
  std::FILE* stream = file.release();
  // libpcap owns the stream from here on; on failure it leaves it open.
  std::unique_ptr<pcap_t, PcapClose> pcap(
      pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, why.data()));
  if (!pcap) {
    std::fclose(stream);
    return Error{std::string("not a readable pcap file: ") + why.data(), name};
  }
  return std::unique_ptr<CaptureFile>(
      std::make_unique<PcapFile>(std::move(pcap), name, size, record_header, fault));
}

}  // namespace weir::capture

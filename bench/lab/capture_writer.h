// Writes pcap and pcapng captures into memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/lab/byte_writer.h"
#include "core/result.h"
#include "core/time.h"

namespace weir::lab {

struct PcapFormat {
  bool big_endian = false;
  bool nanoseconds = true;
  uint32_t snaplen = 262144;
  uint32_t link_type = 1;
};

class PcapWriter {
 public:
  explicit PcapWriter(const PcapFormat& format = {});
  // Cuts the frame at the snaplen; `wire_length` 0 means the length of the frame.
  void add(Timestamp time, ByteSpan frame, uint32_t wire_length = 0);
  [[nodiscard]] ByteSpan bytes() const noexcept { return out_.span(); }

 private:
  void put16(uint64_t value) { format_.big_endian ? out_.u16(value) : out_.le16(value); }
  void put32(uint64_t value) { format_.big_endian ? out_.u32(value) : out_.le32(value); }

  PcapFormat format_;
  ByteWriter out_;
};

struct PcapngInterface {
  uint16_t link_type = 1;
  uint32_t snaplen = 0;        // 0: no limit
  int resolution = -1;         // value of if_tsresol; -1 leaves the option out (microseconds)
  int64_t offset_seconds = 0;  // if_tsoffset; 0 leaves the option out
};

class PcapngWriter {
 public:
  explicit PcapngWriter(bool big_endian = false);
  void section();  // one more section; the first is there already
  void interface(const PcapngInterface& description);
  void packet(uint32_t interface_id, uint64_t ticks, ByteSpan frame, uint32_t wire_length = 0);
  void obsolete_packet(uint16_t interface_id, uint64_t ticks, ByteSpan frame);
  void simple_packet(ByteSpan frame, uint32_t wire_length);
  // Any block; the body is padded to 32 bits.
  void block(uint32_t type, ByteSpan body);
  [[nodiscard]] ByteSpan bytes() const noexcept { return out_.span(); }

 private:
  ByteWriter& put16(ByteWriter& to, uint64_t value) const {
    return big_endian_ ? to.u16(value) : to.le16(value);
  }
  ByteWriter& put32(ByteWriter& to, uint64_t value) const {
    return big_endian_ ? to.u32(value) : to.le32(value);
  }
  bool big_endian_;
  ByteWriter out_;
};

Status write_file(const std::string& path, ByteSpan bytes);

}  // namespace weir::lab

#include "bench/lab/capture_writer.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace weir::lab {

PcapWriter::PcapWriter(const PcapFormat& format) : format_(format) {
  put32(format.nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4);
  put16(2);
  put16(4);
  put32(0);
  put32(0);
  put32(format.snaplen);
  put32(format.link_type);
}

void PcapWriter::add(Timestamp time, ByteSpan frame, uint32_t wire_length) {
  const size_t captured = std::min<size_t>(frame.size(), format_.snaplen);
  const int64_t fraction = time.ns % 1'000'000'000;
  put32(static_cast<uint64_t>(time.ns / 1'000'000'000));
  put32(static_cast<uint64_t>(format_.nanoseconds ? fraction : fraction / 1000));
  put32(captured);
  put32(wire_length != 0 ? wire_length : frame.size());
  out_.bytes(frame.first(captured));
}

PcapngWriter::PcapngWriter(bool big_endian) : big_endian_(big_endian) { section(); }

void PcapngWriter::section() {
  ByteWriter body;
  put32(body, 0x1A2B3C4D);
  put16(body, 1);
  put16(body, 0);
  body.u64(~uint64_t{0});  // section length not known
  block(0x0A0D0D0A, body.span());
}

void PcapngWriter::interface(const PcapngInterface& description) {
  ByteWriter body;
  put16(body, description.link_type);
  put16(body, 0);
  put32(body, description.snaplen);
  if (description.resolution >= 0) {
    put16(body, 9);
    put16(body, 1);
    body.u8(static_cast<unsigned>(description.resolution)).zeros(3);
  }
  if (description.offset_seconds != 0) {
    put16(body, 14);
    put16(body, 8);
    const auto offset = static_cast<uint64_t>(description.offset_seconds);
    big_endian_ ? body.u64(offset) : body.le64(offset);
  }
  put16(body, 0);
  put16(body, 0);
  block(1, body.span());
}

void PcapngWriter::packet(uint32_t interface_id, uint64_t ticks, ByteSpan frame,
                          uint32_t wire_length) {
  ByteWriter body;
  put32(body, interface_id);
  put32(body, ticks >> 32);
  put32(body, ticks & 0xffffffff);
  put32(body, frame.size());
  put32(body, wire_length != 0 ? wire_length : frame.size());
  body.bytes(frame);
  block(6, body.span());
}

void PcapngWriter::obsolete_packet(uint16_t interface_id, uint64_t ticks, ByteSpan frame) {
  ByteWriter body;
  put16(body, interface_id);
  put16(body, 0xffff);
  put32(body, ticks >> 32);
  put32(body, ticks & 0xffffffff);
  put32(body, frame.size());
  put32(body, frame.size());
  body.bytes(frame);
  block(2, body.span());
}

void PcapngWriter::simple_packet(ByteSpan frame, uint32_t wire_length) {
  ByteWriter body;
  put32(body, wire_length);
  body.bytes(frame);
  block(3, body.span());
}

void PcapngWriter::block(uint32_t type, ByteSpan body) {
  const size_t padding = (4 - body.size() % 4) % 4;
  const size_t length = 12 + body.size() + padding;
  put32(out_, type);
  put32(out_, length);
  out_.bytes(body).zeros(padding);
  put32(out_, length);
}

Status write_file(const std::string& path, ByteSpan bytes) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return Error{std::strerror(errno), path};
  const bool whole =
      bytes.empty() || std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  const bool closed = std::fclose(file) == 0;
  if (!whole || !closed)
    return Error{std::string("cannot be written: ") + std::strerror(errno), path};
  return ok_status();
}

}  // namespace weir::lab

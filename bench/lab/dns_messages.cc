#include "bench/lab/dns_messages.h"

#include <string_view>

namespace weir::lab {
namespace {

constexpr unsigned kInternet = 1;
constexpr unsigned kCname = 5;
constexpr unsigned kQuestionName = 0xc00c;  // pointer to the name in the question

Bytes encode_name(std::string_view name) {
  ByteWriter out;
  while (!name.empty()) {
    const size_t dot = name.find('.');
    out.vector(1, as_bytes(name.substr(0, dot)));
    name.remove_prefix(dot == std::string_view::npos ? name.size() : dot + 1);
  }
  return out.u8(0).take();
}

unsigned address_type(const DnsExchange& exchange) { return exchange.address.is_v4() ? 1 : 28; }

ByteWriter begin(const DnsExchange& exchange, unsigned flags, unsigned answers) {
  ByteWriter out;
  out.u16(exchange.id).u16(flags).u16(1).u16(answers).u16(0).u16(0);
  out.bytes(encode_name(exchange.name)).u16(address_type(exchange)).u16(kInternet);
  return out;
}

}  // namespace

Bytes dns_query(const DnsExchange& exchange) { return begin(exchange, 0x0100, 0).take(); }

Bytes dns_answer(const DnsExchange& exchange) {
  const bool aliased = !exchange.alias.empty();
  ByteWriter out = begin(exchange, 0x8180, aliased ? 2 : 1);
  const Bytes alias = encode_name(exchange.alias);
  if (aliased) {
    out.u16(kQuestionName).u16(kCname).u16(kInternet).u32(300).vector(2, alias).bytes(alias);
  } else {
    out.u16(kQuestionName);
  }
  const ByteSpan address = exchange.address.is_v4() ? ByteSpan(exchange.address.bytes).subspan(12)
                                                    : ByteSpan(exchange.address.bytes);
  out.u16(address_type(exchange)).u16(kInternet).u32(60).vector(2, address);
  return out.take();
}

}  // namespace weir::lab

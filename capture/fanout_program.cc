// See fanout_program.h.
// X holds the place of the header being read, from the network header on, wherever the packet's
// data begins (SKF_NET_OFF). Jumps go forward only, so the two levels of IP are written out twice.
#include "capture/fanout_program.h"

#include <linux/if_ether.h>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace weir::capture {
namespace {

// Scratch words of the program.
enum Word : uint32_t {
  kSource,
  kDestination,
  kSourcePort,
  kDestinationPort,
  kAt,
  kHeader,
  kTemp,
  kPrivate
};

class Assembler {
 public:
  using Label = size_t;

  Label label() {
    places_.push_back(kNowhere);
    return places_.size() - 1;
  }
  void here(Label label) { places_[label] = code_.size(); }

  void op(int code, uint32_t k = 0) { code_.push_back({static_cast<uint16_t>(code), 0, 0, k}); }
  // A = what stands `k` bytes behind X.
  void byte(uint32_t k) { op(BPF_LD | BPF_B | BPF_IND, net(k)); }
  void half(uint32_t k) { op(BPF_LD | BPF_H | BPF_IND, net(k)); }
  void word(uint32_t k) { op(BPF_LD | BPF_W | BPF_IND, net(k)); }
  void load(Word w) { op(BPF_LD | BPF_MEM, w); }
  void load_x(Word w) { op(BPF_LDX | BPF_MEM, w); }
  void store(Word w) { op(BPF_ST, w); }
  void alu(int what, uint32_t k) { op(BPF_ALU | what | BPF_K, k); }
  void alu_x(int what) { op(BPF_ALU | what | BPF_X); }
  void set(uint32_t k) { op(BPF_LD | BPF_IMM, k); }
  // X = A, and the same kept in kAt.
  void go() {
    store(kAt);
    op(BPF_MISC | BPF_TAX);
  }
  void give_a() { op(BPF_RET | BPF_A); }

  void jump(Label to) {
    fixups_.emplace_back(code_.size(), to);
    op(BPF_JMP | BPF_JA);
  }
  // If A is, is not, is greater than, has a bit of `k`. (A long jump each: conditional ones reach
  // 255 instructions only.)
  void if_is(uint32_t k, Label to) { branch(BPF_JEQ | BPF_K, k, 0, 1, to); }
  void if_not(uint32_t k, Label to) { branch(BPF_JEQ | BPF_K, k, 1, 0, to); }
  void if_any(uint32_t k, Label to) { branch(BPF_JSET | BPF_K, k, 0, 1, to); }
  void if_none(uint32_t k, Label to) { branch(BPF_JSET | BPF_K, k, 1, 0, to); }
  void if_above_x(Label to) { branch(BPF_JGT | BPF_X, 0, 0, 1, to); }
  void if_is_x(Label to) { branch(BPF_JEQ | BPF_X, 0, 0, 1, to); }

  std::vector<sock_filter> take() {
    for (const auto& [at, to] : fixups_) {
      code_[at].k = static_cast<uint32_t>(places_[to] - at - 1);
    }
    return std::move(code_);
  }

 private:
  static constexpr size_t kNowhere = ~size_t{0};
  static uint32_t net(uint32_t k) { return static_cast<uint32_t>(SKF_NET_OFF) + k; }
  void branch(int what, uint32_t k, uint8_t yes, uint8_t no, Label to) {
    code_.push_back({static_cast<uint16_t>(BPF_JMP | what), yes, no, k});
    jump(to);
  }

  std::vector<sock_filter> code_;
  std::vector<size_t> places_;
  std::vector<std::pair<size_t, Label>> fixups_;
};

using Label = Assembler::Label;

constexpr uint16_t kEtherTeb = 0x6558;     // Ethernet in GRE
constexpr uint16_t kEtherErspan = 0x88be;  // I and II
constexpr uint16_t kEtherErspan3 = 0x22eb;

// Folds the 16 bytes at X + `k` into A.
void fold_address(Assembler& a, uint32_t k) {
  a.word(k);
  for (uint32_t i = 4; i < 16; i += 4) {
    a.alu(BPF_MUL, 0x9e3779b1);
    a.store(kTemp);
    a.word(k + i);
    a.store(kPrivate);  // only a place for a moment
    a.op(BPF_MISC | BPF_TXA);
    a.store(kAt);
    a.load_x(kPrivate);
    a.load(kTemp);
    a.alu_x(BPF_XOR);
    a.store(kTemp);
    a.load_x(kAt);
    a.load(kTemp);
  }
}

// kPrivate = whether the folded IPv4 address `w` is one that companies use inside.
void is_private_v4(Assembler& a, Word w) {
  const Label yes = a.label();
  const Label done = a.label();
  a.load(w);
  a.alu(BPF_RSH, 24);
  a.if_is(10, yes);
  a.if_is(127, yes);
  a.load(w);
  a.alu(BPF_RSH, 20);
  a.if_is(0xac1, yes);  // 172.16/12
  a.load(w);
  a.alu(BPF_RSH, 16);
  a.if_is(0xc0a8, yes);  // 192.168/16
  a.load(w);
  a.alu(BPF_RSH, 22);
  a.if_is(0x191, yes);  // 100.64/10
  a.set(0);
  a.jump(done);
  a.here(yes);
  a.set(1);
  a.here(done);
}

// The same for the IPv6 address at X + `k`: A = 0 or 1.
void is_private_v6(Assembler& a, uint32_t k) {
  const Label yes = a.label();
  const Label done = a.label();
  a.half(k);
  a.alu(BPF_RSH, 9);
  a.if_is(0xfc >> 1, yes);  // fc00::/7
  a.half(k);
  a.alu(BPF_RSH, 6);
  a.if_is(0xfe80 >> 6, yes);  // fe80::/10
  a.set(0);
  a.jump(done);
  a.here(yes);
  a.set(1);
  a.here(done);
}

// From an Ethernet header at A (kept in kAt) to the IP header in it, through one VLAN tag.
void enter_ethernet(Assembler& a, Label ip, Label none) {
  const Label tagged = a.label();
  const Label plain = a.label();
  a.go();
  a.half(12);
  a.if_is(ETH_P_IP, plain);
  a.if_is(ETH_P_IPV6, plain);
  a.if_is(ETH_P_8021Q, tagged);
  a.jump(none);
  a.here(tagged);
  a.load(kAt);
  a.alu(BPF_ADD, 18);
  a.go();
  a.jump(ip);
  a.here(plain);
  a.load(kAt);
  a.alu(BPF_ADD, 14);
  a.go();
  a.jump(ip);
}

// An IP header at X. Reads addresses and ports; goes to `inner` with X at the IP header inside
// where the packet is a tunnel and `tunnels` says so; else to `choose`. Without IP to `none`.
void read_ip(Assembler& a, bool tunnels, Label inner, Label choose, Label none) {
  const Label four = a.label();
  const Label six = a.label();
  const Label ports = a.label();
  const Label gre = a.label();
  const Label udp = a.label();
  const Label ip_in_ip = a.label();
  const Label transport = a.label();

  a.set(0);
  a.store(kSourcePort);
  a.store(kDestinationPort);
  a.byte(0);
  a.alu(BPF_RSH, 4);
  a.if_is(4, four);
  a.if_is(6, six);
  a.jump(none);

  a.here(six);
  a.op(BPF_MISC | BPF_TXA);
  a.store(kHeader);  // fold_address changes kAt
  fold_address(a, 8);
  a.store(kSource);
  a.load_x(kHeader);
  fold_address(a, 24);
  a.store(kDestination);
  a.load_x(kHeader);
  is_private_v6(a, 8);
  a.store(kPrivate);
  is_private_v6(a, 24);
  a.alu(BPF_LSH, 1);
  a.op(BPF_MISC | BPF_TAX);
  a.load(kPrivate);
  a.alu_x(BPF_OR);
  a.store(kPrivate);
  a.load_x(kHeader);
  a.byte(6);  // extension headers are not walked: such packets are told by addresses
  a.store(kTemp);
  a.load(kHeader);
  a.alu(BPF_ADD, 40);
  a.store(kHeader);
  a.jump(transport);

  a.here(four);
  a.word(12);
  a.store(kSource);
  a.word(16);
  a.store(kDestination);
  is_private_v4(a, kSource);
  a.store(kPrivate);
  is_private_v4(a, kDestination);
  a.alu(BPF_LSH, 1);
  a.store(kTemp);
  a.op(BPF_MISC | BPF_TXA);
  a.store(kAt);
  a.load_x(kTemp);
  a.load(kPrivate);
  a.alu_x(BPF_OR);
  a.store(kPrivate);
  a.load_x(kAt);
  a.half(6);
  a.if_any(0x3fff, choose);  // a fragment
  a.byte(9);
  a.store(kTemp);
  a.byte(0);
  a.alu(BPF_AND, 15);
  a.alu(BPF_LSH, 2);
  a.alu_x(BPF_ADD);
  a.store(kHeader);

  // The protocol is in kTemp, the place of its header in kHeader.
  a.here(transport);
  a.load_x(kHeader);
  a.load(kTemp);
  a.if_is(6, ports);
  a.if_is(132, ports);
  a.if_is(17, tunnels ? udp : ports);
  if (tunnels) {
    a.if_is(47, gre);
    a.if_is(4, ip_in_ip);
    a.if_is(41, ip_in_ip);
  }
  a.jump(choose);

  if (tunnels) {
    a.here(ip_in_ip);
    a.load(kHeader);
    a.go();
    a.jump(inner);

    const Label vxlan = a.label();
    const Label geneve = a.label();
    a.here(udp);
    a.half(2);
    a.if_is(4789, vxlan);
    a.if_is(6081, geneve);
    a.jump(ports);
    a.here(vxlan);
    a.load(kHeader);
    a.alu(BPF_ADD, 16);
    enter_ethernet(a, inner, choose);
    a.here(geneve);
    a.half(10);
    a.if_not(kEtherTeb, ports);
    a.byte(8);
    a.alu(BPF_AND, 0x3f);
    a.alu(BPF_LSH, 2);
    a.alu_x(BPF_ADD);
    a.alu(BPF_ADD, 16);
    enter_ethernet(a, inner, choose);

    // GRE: each of C, K and S adds four bytes. Its length in kSourcePort for a moment.
    a.here(gre);
    a.set(4);
    a.store(kSourcePort);
    for (const uint32_t bit : {0x8000U, 0x2000U, 0x1000U}) {
      const Label absent = a.label();
      a.half(0);
      a.if_none(bit, absent);
      a.load(kSourcePort);
      a.alu(BPF_ADD, 4);
      a.store(kSourcePort);
      a.here(absent);
    }
    const Label ip_inside = a.label();
    const Label ethernet_inside = a.label();
    const Label erspan = a.label();
    const Label erspan3 = a.label();
    a.half(2);
    a.store(kTemp);
    a.load(kSourcePort);
    a.alu_x(BPF_ADD);
    a.store(kHeader);  // behind the GRE header
    a.set(0);
    a.store(kSourcePort);
    a.load(kTemp);
    a.if_is(ETH_P_IP, ip_inside);
    a.if_is(ETH_P_IPV6, ip_inside);
    a.if_is(kEtherTeb, ethernet_inside);
    a.if_is(kEtherErspan, erspan);
    a.if_is(kEtherErspan3, erspan3);
    a.jump(choose);
    a.here(ip_inside);
    a.load(kHeader);
    a.go();
    a.jump(inner);
    // ERSPAN I has no sequence number and no header of its own, II has both.
    a.here(erspan);
    a.half(0);
    a.if_none(0x1000, ethernet_inside);
    a.load(kHeader);
    a.alu(BPF_ADD, 8);
    enter_ethernet(a, inner, choose);
    a.here(ethernet_inside);
    a.load(kHeader);
    enter_ethernet(a, inner, choose);
    // ERSPAN III: 12 bytes, and 8 more when its last bit says so.
    const Label longer = a.label();
    a.here(erspan3);
    a.load_x(kHeader);
    a.byte(11);
    a.if_any(1, longer);
    a.load(kHeader);
    a.alu(BPF_ADD, 12);
    enter_ethernet(a, inner, choose);
    a.here(longer);
    a.load(kHeader);
    a.alu(BPF_ADD, 20);
    enter_ethernet(a, inner, choose);
  }

  a.here(ports);
  a.half(0);
  a.store(kSourcePort);
  a.half(2);
  a.store(kDestinationPort);
  a.jump(choose);
}

}  // namespace

std::vector<sock_filter> fanout_program() {
  Assembler a;
  const Label outer = a.label();
  const Label inner = a.label();
  const Label choose = a.label();
  const Label none = a.label();
  const Label source = a.label();
  const Label destination = a.label();
  const Label answer = a.label();

  a.set(0);
  for (const Word w :
       {kSource, kDestination, kSourcePort, kDestinationPort, kAt, kHeader, kTemp, kPrivate}) {
    a.store(w);
  }
  a.op(BPF_MISC | BPF_TAX);
  a.op(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(SKF_AD_OFF + SKF_AD_PROTOCOL));
  a.if_is(ETH_P_IP, outer);
  a.if_is(ETH_P_IPV6, outer);
  const Label tagged = a.label();
  a.if_is(ETH_P_8021Q, tagged);
  a.if_is(ETH_P_8021AD, tagged);
  a.jump(none);
  // The kernel took the outer tag off; this is another one.
  a.here(tagged);
  a.set(4);
  a.go();
  a.half(static_cast<uint32_t>(-2));
  a.if_is(ETH_P_IP, outer);
  a.if_is(ETH_P_IPV6, outer);
  a.jump(none);

  a.here(outer);
  read_ip(a, true, inner, choose, none);
  a.here(inner);
  read_ip(a, false, inner, choose, choose);  // what is no IP inside is told by the outside

  // The client is the side that does not answer DNS,
  a.here(choose);
  const Label from_dns = a.label();
  const Label to_dns = a.label();
  const Label by_place = a.label();
  a.load(kSourcePort);
  a.if_is(53, from_dns);
  a.load(kDestinationPort);
  a.if_is(53, source);
  a.jump(by_place);
  a.here(from_dns);
  a.load(kDestinationPort);
  a.if_not(53, destination);
  a.here(to_dns);
  // or has a private address,
  a.here(by_place);
  a.load(kPrivate);
  a.if_is(1, source);
  a.if_is(2, destination);
  // or the higher port, or the lower address.
  const Label by_address = a.label();
  a.load_x(kDestinationPort);
  a.load(kSourcePort);
  a.if_is_x(by_address);
  a.if_above_x(source);
  a.jump(destination);
  a.here(by_address);
  a.load_x(kDestination);
  a.load(kSource);
  a.if_above_x(destination);

  a.here(source);
  a.load(kSource);
  a.jump(answer);
  a.here(destination);
  a.load(kDestination);
  a.here(answer);
  for (const auto& [factor, shift] : {std::pair{0x9e3779b1U, 16U}, std::pair{0x85ebca6bU, 13U}}) {
    a.alu(BPF_MUL, factor);
    a.op(BPF_MISC | BPF_TAX);
    a.alu(BPF_RSH, shift);
    a.alu_x(BPF_XOR);
  }
  a.give_a();

  a.here(none);
  a.set(0);
  a.give_a();
  return a.take();
}

}  // namespace weir::capture

// The fanout program, run by a small interpreter over packets made here.
#include "capture/fanout_program.h"

#include <gtest/gtest.h>
#include <linux/bpf_common.h>
#include <linux/if_ether.h>

#include <array>
#include <optional>
#include <set>
#include <string>

#include "bench/lab/byte_writer.h"

namespace weir::capture {
namespace {

using lab::Bytes;
using lab::ByteWriter;

// The instructions that classic BPF has for packets, as the kernel runs them: nothing where a load
// leaves the packet.
class Machine {
 public:
  // `network`: from the network header on, as SKF_NET_OFF sees it.
  static std::optional<uint32_t> run(const std::vector<sock_filter>& code, uint16_t protocol,
                                     const Bytes& network) {
    Machine m{protocol, network};
    for (size_t at = 0; at < code.size(); ++at) {
      const sock_filter& i = code[at];
      if (BPF_CLASS(i.code) == BPF_RET) return m.a_;
      if (BPF_CLASS(i.code) == BPF_JMP) {
        at += BPF_OP(i.code) == BPF_JA ? i.k : m.holds(i) ? i.jt : i.jf;
      } else if (!m.step(i)) {
        return std::nullopt;
      }
    }
    ADD_FAILURE() << "ran off the end";
    return std::nullopt;
  }

 private:
  Machine(uint16_t protocol, const Bytes& network) : protocol_(protocol), network_(network) {}

  bool holds(const sock_filter& i) const {
    const uint32_t with = BPF_SRC(i.code) == BPF_X ? x_ : i.k;
    switch (BPF_OP(i.code)) {
      case BPF_JEQ:
        return a_ == with;
      case BPF_JGT:
        return a_ > with;
      case BPF_JSET:
        return (a_ & with) != 0;
      default:
        ADD_FAILURE() << "jump " << i.code;
        return false;
    }
  }
  bool step(const sock_filter& i) {
    switch (BPF_CLASS(i.code)) {
      case BPF_LD:
        if (BPF_MODE(i.code) == BPF_IMM) return set(a_, i.k);
        if (BPF_MODE(i.code) == BPF_MEM) return set(a_, words_.at(i.k));
        if (BPF_MODE(i.code) == BPF_ABS) {
          EXPECT_EQ(i.k, static_cast<uint32_t>(SKF_AD_OFF + SKF_AD_PROTOCOL));
          return set(a_, protocol_);
        }
        return load(x_ + i.k - static_cast<uint32_t>(SKF_NET_OFF), BPF_SIZE(i.code));
      case BPF_LDX:
        return set(x_, words_.at(i.k));
      case BPF_ST:
        return set(words_.at(i.k), a_);
      case BPF_MISC:
        return BPF_MISCOP(i.code) == BPF_TAX ? set(x_, a_) : set(a_, x_);
      case BPF_ALU:
        return alu(BPF_OP(i.code), BPF_SRC(i.code) == BPF_X ? x_ : i.k);
      default:
        ADD_FAILURE() << "instruction " << i.code;
        return false;
    }
  }
  static bool set(uint32_t& where, uint32_t what) {
    where = what;
    return true;
  }
  bool load(uint32_t at, unsigned size) {
    const size_t bytes = size == BPF_B ? 1 : size == BPF_H ? 2 : 4;
    if (at > network_.size() || network_.size() - at < bytes) return false;
    a_ = 0;
    for (size_t i = 0; i < bytes; ++i) a_ = (a_ << 8) | network_[at + i];
    return true;
  }
  bool alu(unsigned what, uint32_t with) {
    switch (what) {
      case BPF_ADD:
        return set(a_, a_ + with);
      case BPF_MUL:
        return set(a_, a_ * with);
      case BPF_AND:
        return set(a_, a_ & with);
      case BPF_OR:
        return set(a_, a_ | with);
      case BPF_XOR:
        return set(a_, a_ ^ with);
      case BPF_LSH:
        return set(a_, a_ << with);
      case BPF_RSH:
        return set(a_, a_ >> with);
      default:
        ADD_FAILURE() << "arithmetic " << what;
        return false;
    }
  }

  uint16_t protocol_;
  const Bytes& network_;
  uint32_t a_ = 0;
  uint32_t x_ = 0;
  std::array<uint32_t, BPF_MEMWORDS> words_{};
};

struct Side {
  std::string address;  // 4 or 16 bytes
  uint16_t port;
};
const Side kClient{std::string("\x0a\x00\x01\x07", 4), 40000};
const Side kOther{std::string("\x0a\x00\x01\x08", 4), 40000};
const Side kServer{std::string("\xc6\x12\x00\x01", 4), 443};
const Side kResolver{std::string("\x0a\x00\x00\xfe", 4), 53};
const Side kPublic{std::string("\xcb\x00\x71\x05", 4), 50001};
const Side kClient6{std::string("\xfd\x00\0\0\0\0\0\0\0\0\0\0\0\0\x12\x34", 16), 40000};
const Side kServer6{std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16), 443};

Bytes ip4(const Side& from, const Side& to, uint8_t protocol, const Bytes& inside,
          uint16_t fragment = 0, size_t options = 0) {
  ByteWriter out;
  out.u8(static_cast<unsigned>(0x45 + options)).u8(0).u16(20 + 4 * options + inside.size());
  out.u16(7).u16(fragment).u8(64).u8(protocol).u16(0);
  out.text(from.address).text(to.address).zeros(4 * options).bytes(inside);
  return out.take();
}
Bytes ip6(const Side& from, const Side& to, uint8_t protocol, const Bytes& inside) {
  ByteWriter out;
  out.u32(0x60000000).u16(inside.size()).u8(protocol).u8(64);
  out.text(from.address).text(to.address).bytes(inside);
  return out.take();
}
Bytes tcp(const Side& from, const Side& to) {
  return ByteWriter().u16(from.port).u16(to.port).zeros(16).take();
}
Bytes udp(uint16_t from, uint16_t to, const Bytes& inside) {
  return ByteWriter().u16(from).u16(to).u16(8 + inside.size()).u16(0).bytes(inside).take();
}
Bytes ethernet(uint16_t type, const Bytes& inside) {
  return ByteWriter().zeros(12).u16(type).bytes(inside).take();
}
Bytes gre(unsigned flags, uint16_t type, const Bytes& inside) {
  ByteWriter out;
  out.u16(flags).u16(type);
  for (const unsigned bit : {0x8000U, 0x2000U, 0x1000U}) {
    if ((flags & bit) != 0) out.u32(0x01020304);
  }
  return out.bytes(inside).take();
}

uint32_t run(const Bytes& network, uint16_t protocol = ETH_P_IP) {
  static const std::vector<sock_filter> program = fanout_program();
  const auto out = Machine::run(program, protocol, network);
  EXPECT_TRUE(out.has_value());
  return out.value_or(0);
}
uint32_t plain(const Side& from, const Side& to) { return run(ip4(from, to, 6, tcp(from, to))); }

TEST(FanoutProgram, FitsTheKernel) { EXPECT_LE(fanout_program().size(), size_t{BPF_MAXINSNS}); }

TEST(FanoutProgram, BothWaysOfAFlowMeet) {
  for (const auto& [a, b] : {std::pair{kClient, kServer},
                             {kClient, kOther},
                             {kPublic, kServer},
                             {kServer, Side{kPublic.address, 443}}}) {
    EXPECT_EQ(plain(a, b), plain(b, a));
  }
  EXPECT_EQ(run(ip6(kClient6, kServer6, 6, tcp(kClient6, kServer6)), ETH_P_IPV6),
            run(ip6(kServer6, kClient6, 6, tcp(kServer6, kClient6)), ETH_P_IPV6));
}

TEST(FanoutProgram, ANamesAndConnectionsOfAClientMeet) {
  const uint32_t at = plain(kClient, kServer);
  EXPECT_EQ(plain(kClient, kPublic), at);
  EXPECT_EQ(plain(kServer, kClient), at);
  const auto dns = [](const Side& from, const Side& to) {
    return run(ip4(from, to, 17, udp(from.port, to.port, {})));
  };
  EXPECT_EQ(dns(kClient, kResolver), at) << "a resolver inside";
  EXPECT_EQ(dns(kResolver, kClient), at);
  EXPECT_NE(plain(kOther, kServer), at);
}

TEST(FanoutProgram, LooksBehindOneTunnel) {
  const Bytes inside = ip4(kServer, kClient, 6, tcp(kServer, kClient));
  const uint32_t at = plain(kClient, kServer);
  const Side a{kPublic.address, 1};
  const Side b{kServer.address, 2};
  const Bytes frame = ethernet(ETH_P_IP, inside);
  const Bytes tagged =
      ethernet(ETH_P_8021Q, ByteWriter().u16(5).u16(ETH_P_IP).bytes(inside).take());
  const Bytes vxlan = ByteWriter().u32(0x08000000).u32(99 << 8).take();
  const auto behind = [](const Bytes& head, const Bytes& rest) {
    return ByteWriter().bytes(head).bytes(rest).take();
  };
  EXPECT_EQ(run(ip4(a, b, 17, udp(50000, 4789, behind(vxlan, frame)))), at);
  EXPECT_EQ(run(ip4(a, b, 17, udp(50000, 4789, behind(vxlan, tagged)), 0, 3)), at);
  EXPECT_EQ(run(ip6(kServer6, kClient6, 17, udp(50000, 4789, behind(vxlan, frame))), ETH_P_IPV6),
            at);
  const Bytes geneve = ByteWriter().u8(2).u8(0).u16(0x6558).u32(0).zeros(8).take();
  EXPECT_EQ(run(ip4(a, b, 17, udp(50000, 6081, behind(geneve, frame)))), at);
  EXPECT_EQ(run(ip4(a, b, 4, inside)), at);
  for (const unsigned flags : {0U, 0x2000U, 0xb000U}) {
    EXPECT_EQ(run(ip4(a, b, 47, gre(flags, ETH_P_IP, inside))), at) << flags;
    EXPECT_EQ(run(ip4(a, b, 47, gre(flags, 0x6558, frame))), at) << flags;
  }
  EXPECT_EQ(run(ip4(a, b, 47, gre(0, 0x88be, frame))), at) << "ERSPAN I";
  EXPECT_EQ(run(ip4(a, b, 47, gre(0x1000, 0x88be, behind(Bytes(8), frame)))), at) << "II";
  EXPECT_EQ(run(ip4(a, b, 47, gre(0x1000, 0x22eb, behind(Bytes(12), frame)))), at) << "III";
  Bytes longer(12);
  longer.back() = 1;
  longer.resize(20);
  EXPECT_EQ(run(ip4(a, b, 47, gre(0x1000, 0x22eb, behind(longer, frame)))), at) << "III, longer";
  // A tunnel whose inside is no IP is told by its outside, both ways alike.
  const Bytes arp = gre(0, 0x6558, ethernet(0x0806, Bytes(28)));
  EXPECT_EQ(run(ip4(a, b, 47, arp)), run(ip4(b, a, 47, arp)));
}

TEST(FanoutProgram, TellsFragmentsByTheirAddresses) {
  const Bytes more = ip4(kClient, kServer, 6, tcp(kClient, kServer), 0x2000);
  const Bytes rest = ip4(kClient, kServer, 6, Bytes(64, 0xff), 0x0100);
  EXPECT_EQ(run(more), run(rest));
  EXPECT_EQ(run(more), plain(kServer, kClient)) << "a private address says who the client is";
}

TEST(FanoutProgram, ReadsASecondVlanTag) {
  const Bytes inside = ip4(kServer, kClient, 6, tcp(kServer, kClient));
  EXPECT_EQ(run(ByteWriter().u16(7).u16(ETH_P_IP).bytes(inside).take(), ETH_P_8021Q),
            plain(kClient, kServer));
}

TEST(FanoutProgram, SpreadsClients) {
  std::array<size_t, 4> workers{};
  for (unsigned i = 0; i < 1000; ++i) {
    Side client = kClient;
    client.address[2] = static_cast<char>(i >> 8);
    client.address[3] = static_cast<char>(i);
    ++workers.at(plain(client, kServer) % 4);
  }
  for (const size_t count : workers) EXPECT_GT(count, 150U);
}

// Whatever stands there: an end, or a load outside of the packet.
TEST(FanoutProgram, EndsForAnyBytes) {
  const std::vector<sock_filter> program = fanout_program();
  uint32_t state = 1;
  for (int i = 0; i < 20'000; ++i) {
    Bytes packet(1 + static_cast<size_t>(i % 90));
    for (uint8_t& byte : packet) {
      state = state * 1'664'525 + 1'013'904'223;
      byte = static_cast<uint8_t>(state >> 24);
    }
    packet[0] = static_cast<uint8_t>((i % 2 == 0 ? 0x40 : 0x60) | (packet[0] & 15));
    if (packet.size() > 9) packet[9] = std::array<uint8_t, 4>{17, 47, 4, 6}.at(state >> 30);
    (void)Machine::run(program, i % 3 == 0 ? ETH_P_8021Q : ETH_P_IP, packet);
  }
}

}  // namespace
}  // namespace weir::capture

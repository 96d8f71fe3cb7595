// veth: what one more namespace on the way costs a packet: two veth crossings and forwarding instead of one crossing.
#include <array>

#include "bench/cpu.hpp"
#include "bench/pair.hpp"

namespace weir::bench {
namespace {

constexpr u16 port = 9;
constexpr u32 at_once = 32;

Prefix prefix(const char* text) { return *Prefix::parse(text); }

// Two hosts, joined by a veth pair or by a router between two.
class Way {
 public:
  explicit Way(bool routed) : now_(rt::Clock::now()), shard_({}, now_) {
    const NetnsId a = add("a", false), b = add("b", false);
    if (routed) {
      const NetnsId r = add("router", true);
      join(a, "10.0.1.2/24", r, "10.0.1.1/24");
      join(r, "10.0.2.1/24", b, "10.0.2.2/24");
      must(shard_.add_route(a, {.to = prefix("10.0.2.0/24"), .via = *IpAddr::parse("10.0.1.1")}, now_), "add a route");
    } else {
      join(a, "10.0.2.1/24", b, "10.0.2.2/24");
    }
    from_ = must(shard_.socket(a, Family::v4, SocketType::datagram, 0, now_), "make a socket");
    to_ = must(shard_.socket(b, Family::v4, SocketType::datagram, 0, now_), "make a socket");
    must(shard_.bind(to_, {Ip4Addr::any(), port}, now_), "bind");
    must(shard_.connect(from_, {*IpAddr::parse("10.0.2.2"), port}, now_), "connect");
    send(1, 1);  // neighbours are known from now on
  }
  void send(u32 rounds, u32 datagrams = at_once) {
    std::byte out[22] = {}, in[64];
    for (u32 r = 0; r < rounds; ++r) {
      now_ = rt::Clock::now();
      for (u32 i = 0; i < datagrams; ++i) {
        store_be64(out, sent_++);
        must(shard_.send(from_, out, 0, now_), "send");
      }
      while (shard_.run(now_).more) {
      }
      for (;;) {
        const auto n = shard_.recv(to_, in, 0, now_);
        if (!n && n.error() == Errc::would_block) break;
        if (must(n, "recv") != sizeof out || load_be64(in) != received_++) throw Failed("a datagram came out wrong");
      }
      if (received_ != sent_) throw Failed("datagrams were lost");
    }
  }

 private:
  NetnsId add(const char* name, bool forwards) {
    Sysctl sysctl;
    sysctl.ip_forward = forwards;
    return must(shard_.add_netns({.name = name, .sysctl = sysctl}, now_), "add a namespace");
  }
  void join(NetnsId a, const char* address_a, NetnsId b, const char* address_b) {
    const std::string name{'v', static_cast<char>('0' + ++joined_)};
    const InterfaceConfig i{.name = name, .kind = InterfaceKind::veth, .offload = all_offload};
    const auto [x, y] = must(shard_.add_veth(a, i, b, i, now_), "add a veth pair");
    must(shard_.add_address(x, prefix(address_a), now_, false), "add an address");
    must(shard_.add_address(y, prefix(address_b), now_, false), "add an address");
  }
  Instant now_;
  Shard shard_;
  Sock from_, to_;
  u64 sent_ = 0, received_ = 0;
  u32 joined_ = 0;
};

Sample hop(const Env& env) {
  Way direct(false), routed(true);
  const u32 step = env.quick ? 4 : 500;
  direct.send(step);
  routed.send(step);
  double spent[2] = {};
  u64 n = 0;
  while (spent[0] + spent[1] < env.seconds) {
    const CpuMeter first;
    direct.send(step);
    spent[0] += first.seconds();
    const CpuMeter second;
    routed.send(step);
    spent[1] += second.seconds();
    n += u64{step} * at_once;
  }
  const double per = 1e9 / static_cast<double>(n);
  return {(spent[1] - spent[0]) * per, spent[0] + spent[1], {{"without the hop", "ns/packet", spent[0] * per}}};
}

}  // namespace

Case veth_case() { return {"veth", "what one more namespace on the way costs a packet", {{"hop", "ns/packet", Better::lower, hop}}}; }

}  // namespace weir::bench

// bench/pair.hpp
#include "bench/pair.hpp"

#include <fmt/format.h>

namespace weir::bench {
namespace {

ShardConfig shard_config(const PairConfig& c) {
  ShardConfig s;
  s.pool = c.pool;
  return s;
}

IpAddr nth(Family family, u32 host) {
  if (family == Family::v4) return Ip4Addr{0x0a00'0000 + host};
  Ip6Addr a{};
  a.b[0] = 0xfd;
  store_be32(a.b.data() + 12, host);
  return a;
}

}  // namespace

Pair::Pair(const PairConfig& c) : shard(shard_config(c), rt::Clock::now()), now(rt::Clock::now()), family_(c.family) {
  client = must(shard.add_netns({.name = "client", .sysctl = c.sysctl}, now), "add a namespace");
  server = must(shard.add_netns({.name = "server", .sysctl = c.sysctl}, now), "add a namespace");
  InterfaceConfig i{.name = "eth0", .kind = InterfaceKind::veth, .mtu = 1500, .offload = c.offload, .queue_packets = c.queue_packets};
  std::tie(client_if, server_if) = must(shard.add_veth(client, i, server, i, now), "add a veth pair");
  const u8 length = c.family == Family::v4 ? 16 : 64;
  must(shard.add_address(client_if, {client_address(), length}, now, false), "add an address");
  for (u32 k = 0; k < c.server_addresses; ++k)
    must(shard.add_address(server_if, {server_address(k), length}, now, false), "add an address");
  turn();
}

IpAddr Pair::client_address() const { return nth(family_, 1); }
IpAddr Pair::server_address(u32 i) const { return nth(family_, 0x101 + i); }

Sock Pair::socket(NetnsId netns, SocketType type) { return must(shard.socket(netns, family_, type, 0, now), "make a socket"); }

Sock Pair::listen(u16 port, u32 backlog) {
  const Sock s = socket(server, SocketType::stream);
  must(shard.bind(s, {IpAddr::any(family_), port}, now), "bind");
  must(shard.listen(s, backlog, now), "listen");
  return s;
}

std::array<Sock, 2> Pair::connect(Sock listener, u16 port) {
  const Sock c = socket(client, SocketType::stream);
  const auto begun = shard.connect(c, {server_address(), port}, now);
  if (!begun && begun.error() != Errc::in_progress) must(begun, "connect");
  const Instant give_up = now + Duration::seconds(5);
  for (;;) {
    turn();
    const auto s = shard.accept(listener, now);
    if (s) return {c, *s};
    if (s.error() != Errc::would_block) must(s, "accept");
    if (now > give_up) throw Failed("no connection came up in 5 s");
  }
}

void Pair::check_frames() const {
  const InterfaceStats &a = client_stats(), &b = server_stats();
  if (a.tx_packets != b.rx_packets || b.tx_packets != a.rx_packets)
    throw Failed(fmt::format("frames were lost: {} sent, {} received; back: {} sent, {} received", a.tx_packets, b.rx_packets, b.tx_packets,
                             a.rx_packets));
  const auto& offload = shard.core().interfaces[client_if]->config.offload;
  if (!offload.tso && (a.tx_bytes > a.tx_packets * 1514 || b.tx_bytes > b.tx_packets * 1514))
    throw Failed("frames were longer than 1,514 bytes");
}

}  // namespace weir::bench

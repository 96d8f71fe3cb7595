// udp: datagrams of 64 bytes to an echo server and back, 32 at a time. What is counted is echoes: two datagrams each.
#include "bench/cpu.hpp"
#include "bench/pair.hpp"
#include "bench/peers/linux.hpp"

namespace weir::bench {
namespace {

constexpr u16 port = 7;
constexpr u32 at_once = 32;

class Echo {
 public:
  Echo() {
    server_ = pair.socket(pair.server, SocketType::datagram);
    client_ = pair.socket(pair.client, SocketType::datagram);
    must(pair.shard.bind(server_, {Ip4Addr::any(), port}, pair.now), "bind");
    must(pair.shard.connect(client_, {pair.server_address(), port}, pair.now), "connect");
    round(1);  // neighbours are known from now on
  }
  void round(u32 datagrams = at_once) {
    std::byte out[64] = {}, in[128];
    for (u32 i = 0; i < datagrams; ++i) {
      store_be64(out, sent_++);
      must(pair.shard.send(client_, out, 0, pair.now), "send");
    }
    pair.turn();
    for (;;) {
      const auto d = pair.shard.recv_from(server_, in, 0, pair.now);
      if (!d && d.error() == Errc::would_block) break;
      must(pair.shard.send_to(server_, {in, must(d, "recv_from").copied}, d->from, 0, pair.now), "send_to");
    }
    pair.turn();
    for (;;) {
      const auto n = pair.shard.recv(client_, in, 0, pair.now);
      if (!n && n.error() == Errc::would_block) break;
      if (must(n, "recv") != 64 || load_be64(in) != echoes++) throw Failed("a datagram came back wrong");
    }
    if (echoes != sent_) throw Failed("datagrams were lost");
  }
  Pair pair;
  u64 echoes = 0;

 private:
  Sock server_, client_;
  u64 sent_ = 0;
};

Sample echo(const Env& env) {
  Echo e;
  const u32 step = env.quick ? 4 : 500;
  for (u32 i = 0; i < 2 * step; ++i) e.round();
  const u64 before = e.echoes;
  const CpuMeter cpu;
  do
    for (u32 i = 0; i < step; ++i) e.round();
  while (cpu.seconds() < env.seconds);
  const double s = cpu.seconds();
  e.pair.check_frames();
  return {static_cast<double>(e.echoes - before) / s * 1e-6, s};
}

}  // namespace

Case udp_case() {
  return {"udp",
          "datagrams of 64 bytes there and back in memory; echoes",
          {{"echo64", "Mpps", Better::higher, echo, {"veth"}}},
          {{"veth", "Mpps", Better::higher, linux_udp_echo, {}, true}}};
}

}  // namespace weir::bench

// rx: frames of 1,500 bytes from a null device, checked and delivered to a UDP socket, from which the program copies them.
#include <array>

#include "bench/cpu.hpp"
#include "bench/frames.hpp"
#include "bench/pair.hpp"
#include "io/null.hpp"

namespace weir::bench {
namespace {

constexpr u32 batch = 64;
constexpr u16 frame_bytes = 1500, port = 9;
constexpr u32 payload = frame_bytes - 42;

Sample receive(const Env& env) {
  Instant now = rt::Clock::now();
  Shard shard({}, now);
  const NetnsId netns = must(shard.add_netns({.name = "host"}, now), "add a namespace");
  const IfIndex in = must(shard.add_interface(netns, {.name = "eth0"}, now), "add an interface");
  must(shard.add_address(in, *Prefix::parse("192.0.2.1/24"), now, false), "add an address");
  const Sock s = must(shard.socket(netns, Family::v4, SocketType::datagram, 0, now), "make a socket");
  must(shard.bind(s, {Ip4Addr::any(), port}, now), "bind");
  const u64 wanted = env.count(1'000'000, 1'000);
  const auto frame = make_frame({.src_mac = {{2, 0, 0, 0, 0, 8}},
                                 .dst_mac = shard.core().interfaces[in]->config.mac,
                                 .src = {0xc000'0205},
                                 .dst = {0xc000'0201},
                                 .frame_bytes = frame_bytes});
  io::Null device({.frame = frame, .limit = wanted});
  std::vector<std::byte> out(2048);
  u64 delivered = 0;
  const CpuMeter cpu;
  for (;;) {
    now = rt::Clock::now();
    std::array<buf::PacketId, batch> frames;
    const u32 n = device.receive(shard.pool(), frames, ~u32{0}, now);
    if (n == 0) break;
    shard.on_frames(in, {frames.data(), n}, now);
    shard.run(now);
    for (;;) {
      const auto got = shard.recv(s, out, 0, now);
      if (!got && got.error() == Errc::would_block) break;
      if (must(got, "recv") != payload || out[payload - 1] != frame.back()) throw Failed("a datagram came out wrong");
      ++delivered;
    }
  }
  const double spent = cpu.seconds();
  if (delivered != wanted) throw Failed("frames were lost: " + std::to_string(delivered) + " of " + std::to_string(wanted));
  const double rate = static_cast<double>(delivered) / spent;
  return {rate * 1e-6, spent, {{"bits", "Gbit/s", rate * frame_bytes * 8e-9}}};
}

}  // namespace

Case rx_case() {
  return {"rx", "frames of 1,500 bytes taken in, checked and delivered to a UDP socket", {{"1500", "Mpps", Better::higher, receive}}};
}

}  // namespace weir::bench

// ping: 10,000 ICMP echoes, one after the other, on the clock of the wall: from one host in memory to the other, and from the
// kernel to weir on a TAP device.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "base/checksum.hpp"
#include "bench/cpu.hpp"
#include "bench/pair.hpp"
#include "bench/peers/net.hpp"
#include "weir/stack.hpp"

namespace weir::bench {
namespace {

constexpr usize echo_bytes = 64;  // ICMP header included, as ping sends
using Echo = std::array<std::byte, echo_bytes>;

Echo request(u16 number) {
  Echo e{};
  for (usize i = 8; i < e.size(); ++i) e[i] = static_cast<std::byte>(i);
  store_u8(e.data(), 8);
  store_be16(e.data() + 4, 0x7765);
  store_be16(e.data() + 6, number);
  const u16 sum = csum_finish(csum_add(e));
  std::memcpy(e.data() + 2, &sum, 2);
  return e;
}

// An IPv4 packet: is it the reply to request(number)?
bool answers(Bytes packet, u16 number) {
  if (packet.size() != 20 + echo_bytes) return false;
  const Bytes icmp = packet.subspan(20);
  return load_u8(icmp.data()) == 0 && load_be16(icmp.data() + 4) == 0x7765 && load_be16(icmp.data() + 6) == number &&
         icmp.back() == std::byte{echo_bytes - 1};
}

Sample sample_of(std::vector<double> us, double cpu_s) {
  std::ranges::sort(us);
  const usize n = us.size();
  return {us[n / 2], cpu_s, {{"min", "us", us[0]}, {"p99", "us", us[n * 99 / 100]}, {"max", "us", us[n - 1]}}};
}

double us_since(Instant start) { return static_cast<double>((rt::Clock::now() - start).ns) * 1e-3; }

Sample in_memory(const Env& env) {
  Pair p;
  const Sock s = must(p.shard.socket(p.client, Family::v4, SocketType::raw, 1, p.now), "make a raw socket");
  std::vector<double> us;
  const u64 warm = env.count(1'000, 2), n = env.count(10'000, 10);
  const CpuMeter cpu;
  for (u64 i = 0; i < warm + n; ++i) {
    const u16 number = static_cast<u16>(i);
    const Echo e = request(number);
    std::array<std::byte, 128> in;
    const Instant start = rt::Clock::now();
    p.now = start;
    must(p.shard.send_to(s, e, {p.server_address(), 0}, 0, start), "send_to");
    p.run();
    const u32 got = must(p.shard.recv(s, in, 0, p.now), "no reply");
    if (i >= warm) us.push_back(us_since(start));
    if (!answers(Bytes{in}.first(got), number)) throw Failed("a reply came back wrong");
  }
  return sample_of(std::move(us), cpu.seconds());
}

// From the kernel's raw socket to `to` and back.
std::vector<double> kernel_pings(const Env& env, const char* to) {
  const io::Fd fd(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
  const timeval patience{.tv_sec = 2, .tv_usec = 0};
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  ::inet_pton(AF_INET, to, &peer.sin_addr);
  if (fd.get() < 0 || ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
      ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&peer), sizeof peer) != 0)
    throw Missing(std::string("a raw socket of the kernel: ") + std::strerror(errno));
  std::vector<double> us;
  const u64 warm = env.count(200, 2), n = env.count(10'000, 10);
  for (u64 i = 0; i < warm + n; ++i) {
    const u16 number = static_cast<u16>(i);
    const Echo e = request(number);
    std::array<std::byte, 128> in;
    const Instant start = rt::Clock::now();
    if (::send(fd.get(), e.data(), e.size(), 0) != echo_bytes) throw Failed("the kernel did not send");
    const ssize_t got = ::recv(fd.get(), in.data(), in.size(), 0);
    if (got <= 0) throw Failed("no reply in 2 s");
    if (i >= warm) us.push_back(us_since(start));
    if (!answers(Bytes{in}.first(static_cast<usize>(got)), number)) throw Failed("a reply came back wrong");
  }
  return us;
}

Sample over_tap(const Env& env) {
  const NetNs here = NetNs::make();
  here.enter();
  const CpuMeter cpu;
  auto stack = Stack::open({.device = "tap:weirb0,host=10.99.0.1/24", .addresses = {"10.99.0.2/24"}, .probe_addresses = false});
  if (!stack) throw Missing(stack.error().what);
  auto us = kernel_pings(env, "10.99.0.2");
  return sample_of(std::move(us), cpu.seconds());
}

Sample linux_veth(const Env& env) {
  const VethNets nets({});
  nets.a.enter();
  const CpuMeter cpu;
  return sample_of(kernel_pings(env, VethNets::address_b), cpu.seconds());
}

}  // namespace

Case ping_case() {
  return {"ping",
          "10,000 ICMP echoes: median, and min, p99, max",
          {{"memory", "us", Better::lower, in_memory, {"veth"}}, {"tap", "us", Better::lower, over_tap, {"veth"}, true}},
          {{"veth", "us", Better::lower, linux_veth, {}, true}}};
}

}  // namespace weir::bench

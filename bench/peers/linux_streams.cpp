// bench/peers/linux.hpp: bulk transfer and ping-pong over one TCP connection of the kernel's.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "bench/cpu.hpp"
#include "bench/peers/linux.hpp"
#include "bench/peers/net.hpp"
#include "bench/stamp.hpp"
#include "rt/clock.hpp"

namespace weir::bench {
namespace {

constexpr u16 port = 5001;
constexpr usize user_buffer = 64 * 1024;

void nap() { std::this_thread::sleep_for(std::chrono::milliseconds(2)); }

void send_stream(Loops& loops, int buffer) {
  const io::Fd fd = connect_to(VethNets::address_b, port, loops.stop, buffer);
  std::vector<std::byte> out(user_buffer);
  for (u64 position = 0; !loops.stop; position += out.size()) {
    put_stamps(out, position);
    for (usize sent = 0; sent < out.size() && !loops.stop;) {
      const ssize_t n = ::send(fd.get(), out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
      if (n > 0) sent += static_cast<usize>(n);
      else if (errno != EAGAIN && errno != EINTR) return;
    }
  }
}

void receive_stream(Loops& loops, int buffer, std::atomic<u64>& bytes) {
  const io::Fd listener = listen_on(port, buffer);
  const io::Fd fd = accept_from(listener, loops.stop);
  std::vector<std::byte> in(user_buffer);
  StampCheck check;
  while (!loops.stop) {
    const ssize_t n = ::recv(fd.get(), in.data(), in.size(), 0);
    if (n == 0) return;
    if (n < 0 && errno != EAGAIN && errno != EINTR) fail_with_errno("recv");
    if (n <= 0) continue;
    check.take(Bytes{in}.first(static_cast<usize>(n)));
    bytes.store(check.bytes(), std::memory_order_relaxed);
  }
}

Sample transfer(const VethNets& nets, double seconds, int buffer) {
  Loops loops;
  std::atomic<u64> bytes = 0;
  Sample sample;
  loops.in_a = [&] { send_stream(loops, buffer); };
  loops.in_b = [&] { receive_stream(loops, buffer, bytes); };
  loops.control = [&] {
    const CoreMeter warm(loops.core);
    while (!loops.stop && (bytes < 1'000'000 || warm.seconds() < seconds / 5)) nap();
    const u64 before = bytes;
    const CoreMeter cpu(loops.core);
    while (!loops.stop && cpu.seconds() < seconds) nap();
    const u64 moved = bytes - before;
    sample.cpu_s = cpu.seconds();
    sample.value = static_cast<double>(moved) / sample.cpu_s * 1e-9;
  };
  loops.run(nets);
  return sample;
}

}  // namespace

// The kernel's figure has two modes: with large windows its copies run from cold memory. It is given the better one.
Sample linux_tcp(const Env& env, bool gso) {
  const VethNets nets({.offload = gso});
  Sample best;
  for (const int buffer : {0, 128 << 10, 256 << 10, 512 << 10}) {
    const Sample s = transfer(nets, env.seconds / 3, buffer);
    if (s.value > best.value) best = s;
  }
  return best;
}

Sample linux_rtt(const Env& env) {
  const VethNets nets({});
  Loops loops;
  Sample sample;
  std::atomic<u64> rounds = 0;
  std::vector<double> ns;
  std::atomic<bool> measuring = false;
  loops.in_a = [&] {
    const io::Fd fd = connect_to(VethNets::address_b, port, loops.stop);
    no_delay(fd);
    ns.reserve(1u << 22);
    for (u64 i = 0; !loops.stop; ++i) {
      const char out = static_cast<char>(i & 0x7f);
      char in = 0;
      const Instant start = rt::Clock::now();
      if (::send(fd.get(), &out, 1, MSG_NOSIGNAL) != 1 || ::recv(fd.get(), &in, 1, 0) != 1) {
        if (loops.stop) return;
        fail_with_errno("a round trip");
      }
      if (in != out) throw Failed("a wrong byte came back");
      if (measuring && ns.size() < ns.capacity()) ns.push_back(static_cast<double>((rt::Clock::now() - start).ns));
      rounds.store(i + 1, std::memory_order_relaxed);
    }
  };
  loops.in_b = [&] {
    const io::Fd listener = listen_on(port);
    const io::Fd fd = accept_from(listener, loops.stop);
    no_delay(fd);
    for (char b; !loops.stop;) {
      const ssize_t n = ::recv(fd.get(), &b, 1, 0);
      if (n == 0) return;
      if (n == 1 && ::send(fd.get(), &b, 1, MSG_NOSIGNAL) != 1) return;
    }
  };
  loops.control = [&] {
    while (!loops.stop && rounds < (env.quick ? 10u : 2'000u)) nap();
    measuring = true;
    const u64 before = rounds;
    const CoreMeter cpu(loops.core);
    while (!loops.stop && (cpu.seconds() < env.seconds || rounds < before + 10)) nap();
    sample.cpu_s = cpu.seconds();
    sample.value = sample.cpu_s * 1e9 / static_cast<double>(rounds - before);
  };
  loops.run(nets);
  std::ranges::sort(ns);
  if (!ns.empty()) sample.extras = {{"p50", "ns", ns[ns.size() / 2]}, {"p99", "ns", ns[ns.size() * 99 / 100]}};
  return sample;
}

}  // namespace weir::bench

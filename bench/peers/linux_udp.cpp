// bench/peers/linux.hpp: datagrams of 64 bytes to an echo server and back, 32 at a time, in calls that take many at once.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

#include "base/bytes.hpp"
#include "bench/cpu.hpp"
#include "bench/peers/linux.hpp"
#include "bench/peers/net.hpp"

namespace weir::bench {
namespace {

constexpr u16 port = 7;
constexpr u32 at_once = 32;

// Room for a batch of datagrams, with their addresses.
class Datagrams {
 public:
  Datagrams() {
    for (u32 i = 0; i < at_once; ++i) {
      pieces_[i] = {bytes[i].data(), bytes[i].size()};
      headers[i].msg_hdr.msg_iov = &pieces_[i];
      headers[i].msg_hdr.msg_iovlen = 1;
    }
  }
  void with_addresses() {
    for (u32 i = 0; i < at_once; ++i) {
      headers[i].msg_hdr.msg_name = &from_[i];
      headers[i].msg_hdr.msg_namelen = sizeof from_[i];
    }
  }
  std::array<std::array<std::byte, 64>, at_once> bytes{};
  std::array<mmsghdr, at_once> headers{};

 private:
  std::array<iovec, at_once> pieces_{};
  std::array<sockaddr_in, at_once> from_{};
};

io::Fd udp_socket() {
  io::Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const timeval patience{.tv_sec = 0, .tv_usec = 300'000};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return fd;
}

void serve(const Loops& loops) {
  const io::Fd fd = udp_socket();
  const sockaddr_in any = address_of("0.0.0.0", port);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) fail_with_errno("bind");
  Datagrams d;
  while (!loops.stop) {
    d.with_addresses();
    const int n = ::recvmmsg(fd.get(), d.headers.data(), at_once, MSG_WAITFORONE, nullptr);
    if (n > 0) (void)::sendmmsg(fd.get(), d.headers.data(), static_cast<unsigned>(n), 0);
  }
}

void ask(const Loops& loops, std::atomic<u64>& echoes) {
  const io::Fd fd = udp_socket();
  const sockaddr_in to = address_of(VethNets::address_b, port);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) fail_with_errno("connect");
  ::usleep(20'000);  // the server is there by then
  Datagrams out, in;
  for (u64 sent = 0; !loops.stop;) {
    for (auto& b : out.bytes) store_be64(b.data(), sent++);
    if (::sendmmsg(fd.get(), out.headers.data(), at_once, 0) != at_once) fail_with_errno("sendmmsg");
    for (u32 came = 0; came < at_once && !loops.stop;) {
      const int n = ::recvmmsg(fd.get(), in.headers.data(), at_once, MSG_WAITFORONE, nullptr);
      if (n <= 0 && errno == ECONNREFUSED) throw Failed("the server is not there");
      if (n <= 0) continue;
      came += static_cast<u32>(n);
      echoes.fetch_add(static_cast<u64>(n), std::memory_order_relaxed);
    }
  }
}

}  // namespace

Sample linux_udp_echo(const Env& env) {
  const VethNets nets({});
  Loops loops;
  std::atomic<u64> echoes = 0;
  Sample sample;
  loops.in_a = [&] { ask(loops, echoes); };
  loops.in_b = [&] { serve(loops); };
  loops.control = [&] {
    const auto nap = [] { std::this_thread::sleep_for(std::chrono::milliseconds(2)); };
    while (!loops.stop && echoes < (env.quick ? 32u : 10'000u)) nap();
    const u64 before = echoes;
    const CoreMeter cpu(loops.core);
    while (!loops.stop && (cpu.seconds() < env.seconds || echoes == before)) nap();
    sample.cpu_s = cpu.seconds();
    sample.value = static_cast<double>(echoes - before) / sample.cpu_s * 1e-6;
  };
  loops.run(nets);
  return sample;
}

}  // namespace weir::bench

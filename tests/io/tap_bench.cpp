// A bare loop over the TAP driver: what the stack on top of it is measured against. Two devices in a network namespace of
// its own; the kernel bridges what is written to one into the other. CPU of the one thread that does it all.
// usage: tap_bench [RUNS]     (root; needs iproute2)
#include <sched.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "base/checksum.hpp"
#include "io/tap.hpp"

namespace {

using namespace weir;
using buf::PacketId;

double cpu_s() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

struct Bench {
  buf::Pool pool{{.packets = 1024, .small_buffers = 1024, .large_buffers = 1024}};
  std::unique_ptr<io::Tap> a, b;
  u64 received = 0, received_bytes = 0;

  PacketId frame(u32 length) {
    std::vector<std::byte> f(length);
    std::fill_n(f.begin(), 6, std::byte{0xff});
    f[6] = std::byte{2};
    store_be16(f.data() + 12, length > 1514 ? 0x0800 : 0x88b5);  // small ones of no protocol: the kernel drops them
    f[14] = std::byte{0x45};
    store_be16(f.data() + 16, static_cast<u16>(length - 14));
    f[22] = std::byte{64};
    f[23] = std::byte{6};
    f[46] = std::byte{0x80};
    const u16 sum = csum_finish(csum_add(Bytes{f.data() + 14, 20}));
    std::memcpy(f.data() + 24, &sum, 2);
    const PacketId id = pool.from_bytes(f);
    if (length > 1514) {
      pool[id].csum = {buf::CsumKind::partial, buf::Pool::headroom + 34, 16};
      pool[id].gso = {buf::GsoType::tcp4, 0, 1448, static_cast<u16>((length - 66 + 1447) / 1448)};
    }
    return id;
  }
  void drain() {
    std::array<PacketId, 64> in;
    for (u32 n; (n = b->receive(pool, in, ~0u, Instant{})) > 0;) {
      for (u32 i = 0; i < n; ++i) received_bytes += pool[in[i]].length;
      pool.release(std::span<const PacketId>{in}.first(n));
      received += n;
    }
  }
  // Sends `count` frames in batches of `batch`, receiving after each. Frames that came per CPU second.
  double run(u32 length, u32 batch, u64 count, bool read_too) {
    std::vector<PacketId> out(batch);
    for (auto& id : out) id = frame(length);
    received = received_bytes = 0;
    u64 sent = 0;
    const double start = cpu_s();
    while (sent < count) {
      sent += a->send(pool, out, Instant{});
      if (read_too) drain();
    }
    const double took = cpu_s() - start;
    pool.release(out);
    if (read_too && received < sent)
      std::fprintf(stderr, "lost %llu of %llu\n", static_cast<unsigned long long>(sent - received), static_cast<unsigned long long>(sent));
    return static_cast<double>(read_too ? received : sent) / took;
  }
};

template <class F>
void report(const char* what, const char* unit, int runs, F&& once) {
  once();
  std::vector<double> v;
  for (int i = 0; i < runs; ++i) v.push_back(once());
  std::sort(v.begin(), v.end());
  std::printf("%-34s %7.3f %s  (%.3f..%.3f)\n", what, v[v.size() / 2], unit, v.front(), v.back());
}

std::unique_ptr<io::Tap> open(const char* name) {
  auto t = io::Tap::open({.name = name, .host = {*Prefix::parse("169.254.9.9/32")}});
  if (!t) {
    std::fprintf(stderr, "%s\n", t.error().c_str());
    std::exit(1);
  }
  return std::move((*t)[0]);
}

}  // namespace

int main(int argc, char** argv) {
  const int runs = argc > 1 ? std::atoi(argv[1]) : 5;
  if (::unshare(CLONE_NEWNET) != 0) return std::perror("unshare"), 1;
  Bench bench;
  bench.a = open("weirb0");
  bench.b = open("weirb1");
  report("write only, 64 B", "Mpps", runs, [&] { return bench.run(64, 64, 400'000, false) * 1e-6; });
  if (std::system("ip link add br0 type bridge && ip link set weirb0 master br0 && ip link set weirb1 master br0 && "
                  "ip link set br0 type bridge mcast_snooping 0 && ip link set br0 up") != 0)
    return 1;
  bench.drain();
  report("write and read, 64 B", "Mpps", runs, [&] { return bench.run(64, 64, 300'000, true) * 1e-6; });
  report("write and read, 1,514 B", "Mpps", runs, [&] { return bench.run(1514, 64, 300'000, true) * 1e-6; });
  report("write and read, super-frames", "GB/cpu_s", runs, [&] { return bench.run(66 + 45 * 1448, 4, 60'000, true) * (45 * 1448) * 1e-9; });
  bench.a->release(bench.pool);
  bench.b->release(bench.pool);
}

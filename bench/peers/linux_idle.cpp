// bench/peers/linux.hpp: kernel memory of an idle established endpoint, from the caches of /proc/slabinfo that grow with them.
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <sstream>
#include <vector>

#include "bench/cpu.hpp"
#include "bench/peers/linux.hpp"
#include "bench/peers/net.hpp"

namespace weir::bench {
namespace {

struct Cache {
  double objects = 0, size = 0;
};

std::map<std::string, Cache> slabs() {
  std::ifstream in("/proc/slabinfo");
  std::map<std::string, Cache> out;
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string name;
    double active = 0, all = 0, size = 0;
    if (fields >> name >> active >> all >> size) out[name] = {active, size};
  }
  if (out.empty()) throw Missing("/proc/slabinfo cannot be read");
  return out;
}

// Caches that have at least one new object for every three endpoints; what else the machine does is far less.
double grown_bytes(const std::map<std::string, Cache>& before, const std::map<std::string, Cache>& after, double endpoints) {
  double bytes = 0;
  for (const auto& [name, cache] : after) {
    const auto was = before.find(name);
    const double objects = cache.objects - (was != before.end() ? was->second.objects : 0);
    if (objects >= endpoints / 3) bytes += objects * cache.size;
  }
  return bytes;
}

// As many of `wanted` connections, two files each, as the limit of open files can be made to allow.
u64 connections_allowed(u64 wanted) {
  constexpr u64 other_files = 100, too_few = 2'000;
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const rlimit all{2 * wanted + other_files, std::max<rlim_t>(files.rlim_max, 2 * wanted + other_files)};
  if (::setrlimit(RLIMIT_NOFILE, &all) == 0) return wanted;
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  const u64 n = std::min(wanted, (files.rlim_max - std::min<rlim_t>(files.rlim_max, other_files)) / 2);
  if (n < std::min(wanted, too_few)) throw Missing("the limit of open files is too low");
  return n;
}

}  // namespace

Sample linux_idle(const Env& env) {
  NetNs::make().enter();
  const u64 n = connections_allowed(env.count(50'000, 2'000));
  constexpr u16 first_port = 6000, ports = 4;
  const std::atomic<bool> stop = false;
  std::vector<io::Fd> listeners, ends;
  for (u16 i = 0; i < ports; ++i) listeners.push_back(listen_on(static_cast<u16>(first_port + i)));
  const io::Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  ends.reserve(2 * n);
  const CpuMeter cpu;
  const auto keep = [&](io::Fd fd) {
    epoll_event e{.events = EPOLLIN, .data = {.u64 = ends.size()}};
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd.get(), &e) != 0) fail_with_errno("epoll_ctl");
    ends.push_back(std::move(fd));
  };
  const auto before = slabs();
  for (u64 i = 0; i < n; ++i) {
    const u16 k = static_cast<u16>(i % ports);
    keep(connect_to("127.0.0.1", static_cast<u16>(first_port + k), stop));
    keep(accept_from(listeners[k], stop));
  }
  const double endpoints = static_cast<double>(2 * n);
  return {grown_bytes(before, slabs(), endpoints) / endpoints, cpu.seconds()};
}

}  // namespace weir::bench

// weir demo routes: the forwarding table, longest prefix match.
#include <fmt/format.h>

#include "cli/demo.hpp"
#include "ip/fib.hpp"

namespace weir::cli {
namespace {

ip::Route route(const char* to, const char* via, IfIndex interface, u32 metric = 0) {
  ip::Route r;
  r.dst = *Prefix::parse(to);
  if (via != nullptr) r.gateway = *IpAddr::parse(via);
  r.ifindex = interface;
  r.metric = metric;
  return r;
}

std::string describe(const ip::Route& r) {
  std::string s = to_string(r.dst);
  if (!r.gateway.is_any()) s += " via " + to_string(r.gateway);
  s += fmt::format(" dev {}", r.ifindex);
  return r.metric != 0 ? s + fmt::format(" metric {}", r.metric) : s;
}

void look_up(const ip::Fib& fib, const char* address) {
  const ip::Route* r = fib.lookup(*IpAddr::parse(address));
  fmt::print("  {:<16} -> {}\n", address, r != nullptr ? describe(*r) : "no route");
}

}  // namespace

int demo_routes() {
  ip::Fib fib;
  fmt::print("A routing table with two ways out, and one host route:\n");
  for (const ip::Route& r :
       {route("0.0.0.0/0", "192.0.2.1", 1), route("0.0.0.0/0", "198.51.100.1", 2, 100), route("10.0.0.0/8", "192.0.2.2", 1),
        route("10.77.0.0/16", "198.51.100.2", 2), route("10.77.0.0/24", nullptr, 3), route("10.77.0.9/32", "192.0.2.9", 1),
        route("fd00::/8", "fd77::1", 1), route("fd77::/64", nullptr, 3)})
    if (!fib.add(r)) return 1;
  fib.for_each([](const ip::Route& r) { fmt::print("  {}\n", describe(r)); });

  fmt::print("\nThe longest prefix that contains the address wins; of equal ones the lowest metric:\n");
  for (const char* a : {"10.77.0.9", "10.77.0.10", "10.77.1.1", "10.1.2.3", "203.0.113.5", "fd77::5", "fd12::1", "2001:db8::1"})
    look_up(fib, a);

  fmt::print("\nThe best default route goes away; the one behind it takes over:\n");
  if (!fib.remove(*Prefix::parse("0.0.0.0/0"), 0)) return 1;
  look_up(fib, "203.0.113.5");
  fmt::print("\n{} routes in {} bytes; a few lie in a sorted table, a million in DIR-24-8: the answers are the same.\n", fib.size(),
             fib.memory_bytes());
  return 0;
}

}  // namespace weir::cli

#include "ip/fib.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/rng.hpp"

namespace weir::ip {
namespace {

Route route(const char* dst, const char* via, u32 metric = 0) {
  const Prefix p = *Prefix::parse(dst);
  return {.dst = p, .gateway = *IpAddr::parse(via), .metric = metric, .ifindex = 1};
}
const Route* look(const Fib& fib, const char* addr) { return fib.lookup(*IpAddr::parse(addr)); }

TEST(fib, the_longest_prefix_wins_from_0_to_the_whole_address) {
  Fib fib;
  EXPECT_EQ(look(fib, "10.1.2.3"), nullptr);
  const char* const routes[][2] = {{"0.0.0.0/0", "1.0.0.0"},    {"10.0.0.0/8", "1.0.0.8"},   {"10.1.0.0/16", "1.0.0.16"},
                                   {"10.1.2.0/24", "1.0.0.24"}, {"10.1.2.0/25", "1.0.0.25"}, {"10.1.2.3/32", "1.0.0.32"},
                                   {"::/0", "fe80::"},          {"fd00::/8", "fe80::8"},     {"fd00::/64", "fe80::64"},
                                   {"fd00::1/128", "fe80::128"}};
  for (const auto& r : routes) ASSERT_TRUE(fib.add(route(r[0], r[1])));
  const char* const want[][2] = {{"11.0.0.1", "1.0.0.0"},  {"255.255.255.255", "1.0.0.0"}, {"10.255.0.1", "1.0.0.8"},
                                 {"10.1.3.1", "1.0.0.16"}, {"10.1.2.129", "1.0.0.24"},     {"10.1.2.4", "1.0.0.25"},
                                 {"10.1.2.3", "1.0.0.32"}, {"2001::1", "fe80::"},          {"fd01::1", "fe80::8"},
                                 {"fd00::2", "fe80::64"},  {"fd00::1", "fe80::128"},       {"ffff::1", "fe80::"}};
  for (const auto& w : want) {
    ASSERT_NE(look(fib, w[0]), nullptr) << w[0];
    EXPECT_EQ(look(fib, w[0])->gateway, *IpAddr::parse(w[1])) << w[0];
    const IpAddr a = *IpAddr::parse(w[0]);
    const u32 hop = a.is_v4() ? fib.lookup4(a.v4()) : fib.lookup6(a.v6());
    EXPECT_EQ(fib.next_hop(hop).gateway, *IpAddr::parse(w[1])) << w[0];
  }
  EXPECT_EQ(fib.size(Family::v4), 6u);
  EXPECT_EQ(fib.size(Family::v6), 4u);
}

TEST(fib, of_routes_to_one_prefix_the_lowest_metric_is_used_and_the_next_takes_over) {
  Fib fib;
  ASSERT_TRUE(fib.add(route("0.0.0.0/0", "1.0.0.2", 200)));
  ASSERT_TRUE(fib.add(route("0.0.0.0/0", "1.0.0.1", 100)));
  EXPECT_EQ(fib.add(route("0.0.0.0/0", "1.0.0.9", 100)).error(), Errc::exists);
  EXPECT_EQ(look(fib, "9.9.9.9")->metric, 100u);
  ASSERT_TRUE(fib.replace(route("0.0.0.0/0", "1.0.0.3", 100)));
  EXPECT_EQ(look(fib, "9.9.9.9")->gateway, *IpAddr::parse("1.0.0.3"));
  EXPECT_EQ(fib.next_hop(fib.lookup4({0x09090909})).gateway, *IpAddr::parse("1.0.0.3"));
  ASSERT_TRUE(fib.remove(*Prefix::parse("0.0.0.0/0")));
  EXPECT_EQ(look(fib, "9.9.9.9")->metric, 200u);
  EXPECT_EQ(fib.next_hop(fib.lookup4({0x09090909})).gateway, *IpAddr::parse("1.0.0.2"));
  EXPECT_EQ(fib.remove(*Prefix::parse("0.0.0.0/0"), 100).error(), Errc::not_found);
  ASSERT_TRUE(fib.remove(*Prefix::parse("0.0.0.0/0"), 200));
  EXPECT_EQ(look(fib, "9.9.9.9"), nullptr);
  EXPECT_EQ(fib.lookup4({0x09090909}), 0u);
  EXPECT_EQ(fib.size(), 0u);
}

TEST(fib, what_is_no_route_is_refused) {
  Fib fib;
  EXPECT_EQ(fib.add(route("10.0.0.1/8", "1.0.0.1")).error(), Errc::invalid);
  EXPECT_EQ(fib.add(route("10.0.0.0/8", "fe80::1")).error(), Errc::invalid);
  EXPECT_EQ(fib.add({.dst = {Ip4Addr{0}, 33}}).error(), Errc::invalid);
  EXPECT_EQ(fib.remove(*Prefix::parse("10.0.0.0/8")).error(), Errc::not_found);
  EXPECT_EQ(fib.size(), 0u);
  Fib tiny{{.max_routes = 2}};
  EXPECT_TRUE(tiny.add(route("10.0.0.0/8", "1.0.0.1")));
  EXPECT_TRUE(tiny.add(route("11.0.0.0/8", "1.0.0.1")));
  EXPECT_EQ(tiny.add(route("12.0.0.0/8", "1.0.0.1")).error(), Errc::no_memory);
  EXPECT_EQ(look(tiny, "12.0.0.1"), nullptr);
  EXPECT_NE(look(tiny, "11.0.0.1"), nullptr);
}

TEST(fib, routes_go_with_their_interface_and_the_generation_tells) {
  Fib fib;
  ASSERT_TRUE(fib.add(route("10.0.0.0/8", "1.0.0.1")));
  Route other = route("fd00::/8", "fe80::1");
  other.ifindex = 2;
  ASSERT_TRUE(fib.add(other));
  const u32 before = fib.generation();
  EXPECT_EQ(fib.remove_interface(1), 1u);
  EXPECT_NE(fib.generation(), before);
  EXPECT_EQ(look(fib, "10.0.0.1"), nullptr);
  EXPECT_NE(look(fib, "fd00::1"), nullptr);
  fib.clear();
  EXPECT_EQ(fib.size(), 0u);
}

TEST(fib, routes_are_listed_by_address_then_length_then_metric) {
  Fib fib;
  const char* const sorted[] = {"0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16", "10.1.0.0/16", "192.0.2.1/32", "::/0", "fd00::/8"};
  for (int i : {3, 6, 0, 5, 2, 4, 1}) ASSERT_TRUE(fib.add({.dst = *Prefix::parse(sorted[i]), .metric = 7, .ifindex = 1}));
  ASSERT_TRUE(fib.add({.dst = *Prefix::parse(sorted[1]), .metric = 3, .ifindex = 1}));
  std::vector<std::string> seen;
  fib.for_each([&](const Route& r) { seen.push_back(to_string(r.dst)); });
  std::vector<std::string> want(std::begin(sorted), std::end(sorted));
  want.insert(want.begin() + 1, sorted[1]);
  EXPECT_EQ(seen, want);
}

TEST(fib, an_empty_one_takes_little) {
  Fib fib;
  EXPECT_LT(sizeof fib, 1024u);
  ASSERT_TRUE(fib.add(route("0.0.0.0/0", "1.0.0.1")));
  ASSERT_TRUE(fib.add(route("::/0", "fe80::1")));
  EXPECT_LT(fib.memory_bytes(), 20'000u);
}

// -- against a linear scan

struct Model {
  std::vector<Route> routes;
  [[nodiscard]] const Route* lookup(const IpAddr& a) const {
    const Route* best = nullptr;
    for (const Route& r : routes) {
      if (!r.dst.contains(a)) continue;
      if (best == nullptr || r.dst.length > best->dst.length || (r.dst.length == best->dst.length && r.metric < best->metric)) best = &r;
    }
    return best;
  }
};

struct Universe {
  Family family;
  u32 spread;     // bits of address that vary
  u32 small_routes;
};

IpAddr random_address(Rng& rng, const Universe& u) {
  if (u.family == Family::v4) {
    const u32 v = static_cast<u32>(rng.next_u64());
    return Ip4Addr{rng.below(8) == 0 ? v : (v & ((1u << u.spread) - 1)) << (rng.below(2) * 8)};
  }
  Ip6Addr a;
  rng.fill(std::as_writable_bytes(std::span{a.b}));
  if (rng.below(8) != 0) {
    for (int i = 0; i < 16; ++i) a.b[i] &= static_cast<u8>(i == 1 || i == 7 || i == 8 || i == 15 ? 3 : 0);
    a.b[0] = 0xfd;
  }
  if (a.is_v4_mapped()) a.b[0] = 1;
  return a;
}

Prefix random_prefix(Rng& rng, const Universe& u) {
  const IpAddr a = random_address(rng, u);
  return Prefix{a, static_cast<u8>(rng.below(a.bits() + 1))}.masked();
}

void check(const Fib& fib, const Model& model, const IpAddr& a) {
  const Route* const want = model.lookup(a);
  const Route* const got = fib.lookup(a);
  ASSERT_EQ(got == nullptr, want == nullptr) << to_string(a);
  const u32 hop = a.is_v4() ? fib.lookup4(a.v4()) : fib.lookup6(a.v6());
  ASSERT_EQ(hop == 0, want == nullptr) << to_string(a);
  if (want == nullptr) return;
  ASSERT_EQ(*got, *want) << to_string(a) << " " << to_string(got->dst) << " " << to_string(want->dst);
  ASSERT_EQ(fib.next_hop(hop).gateway, want->gateway);
  ASSERT_EQ(fib.next_hop(hop).ifindex, want->ifindex);
}

void walk(const Universe& u, u64 seed, int steps, u32 most) {
  Rng rng = Rng::seeded(seed);
  Fib fib{{.small_routes = u.small_routes}};
  Model model;
  for (int step = 0; step < steps; ++step) {
    const bool growing = (step / (steps / 6)) % 2 == 0;
    if (!model.routes.empty() && (model.routes.size() > most || rng.below(10) >= (growing ? 8u : 2u))) {
      const usize i = rng.below(model.routes.size());
      ASSERT_TRUE(fib.remove(model.routes[i].dst, model.routes[i].metric));
      model.routes.erase(model.routes.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      Route r{.dst = random_prefix(rng, u), .metric = static_cast<u32>(rng.below(3)), .ifindex = static_cast<IfIndex>(1 + rng.below(3))};
      if (!model.routes.empty() && rng.below(4) == 0) r.dst = model.routes[rng.below(model.routes.size())].dst;
      r.gateway = random_address(rng, u);
      const auto same = std::ranges::find_if(model.routes, [&](const Route& o) { return o.dst == r.dst && o.metric == r.metric; });
      if (same == model.routes.end()) {
        ASSERT_TRUE(fib.add(r));
        model.routes.push_back(r);
      } else {
        ASSERT_EQ(fib.add(r).error(), Errc::exists);
        ASSERT_TRUE(fib.replace(r));
        *same = r;
      }
    }
    ASSERT_EQ(fib.size(), model.routes.size());
    for (int i = 0; i < 4; ++i) {
      check(fib, model, random_address(rng, u));
      if (model.routes.empty()) continue;
      const Prefix& p = model.routes[rng.below(model.routes.size())].dst;  // its edges
      check(fib, model, p.address);
      if (p.address.is_v4()) check(fib, model, Ip4Addr{p.broadcast4().host + static_cast<u32>(rng.below(2))});
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(fib_property, small_ipv4_tables_agree_with_a_linear_scan) {
  for (u64 seed = 1; seed <= 20; ++seed) walk({Family::v4, 6, 1000}, seed, 1200, 60);
}
TEST(fib_property, ipv6_tables_agree_with_a_linear_scan) {
  for (u64 seed = 1; seed <= 20; ++seed) walk({Family::v6, 6, 1000}, seed, 1200, 60);
  for (u64 seed = 1; seed <= 5; ++seed) walk({Family::v6, 6, 16}, seed, 1200, 60);
}
TEST(fib_property, ipv4_tables_that_grow_large_and_shrink_again_agree_with_a_linear_scan) {
  for (u64 seed = 1; seed <= 3; ++seed) walk({Family::v4, 14, 40}, seed, 600, 120);
}

TEST(fib_property, a_batch_gives_what_single_lookups_give) {
  for (const u32 small : {8u, 10'000u}) {
    Rng rng = Rng::seeded(5);
    Fib fib{{.small_routes = small}};
    for (int i = 0; i < 300; ++i) {
      const u8 len = static_cast<u8>(20 + rng.below(13));
      static_cast<void>(
          fib.add({.dst = Prefix{Ip4Addr{rng.next_u32() & 0xffff}, len}.masked(), .ifindex = static_cast<IfIndex>(1 + i % 9)}));
    }
    std::vector<Ip4Addr> addrs;
    for (int i = 0; i < 1000; ++i) addrs.push_back({rng.next_u32() & 0x1ffff});
    std::vector<u32> hops(addrs.size());
    fib.lookup4_batch(addrs, hops);
    for (usize i = 0; i < addrs.size(); ++i) ASSERT_EQ(hops[i], fib.lookup4(addrs[i]));
  }
}

}  // namespace
}  // namespace weir::ip

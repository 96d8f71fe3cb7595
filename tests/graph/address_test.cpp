// Addresses come into use when nobody else has them, are defended, and go with their routes.
#include "graph/core.hpp"
#include "tests/graph/station.hpp"

namespace weir::test {
namespace {

class Address : public Station {
 protected:
  const Ip4Addr new4 = ip4("10.0.0.9");
  const Ip6Addr new6 = ip6("fd00::9");
  using State = graph::InterfaceAddress::State;
  State state(const IpAddr& a) { return shard.core().interface(port).find(a)->state; }

  // Everything that is sent until all addresses are settled.
  std::vector<std::string> settle() {
    std::vector<std::string> all;
    for (int i = 0; i < 100 && !shard.addresses_ready(netns); ++i) {
      now = now + 50_ms;
      run();
      for (auto& f : sent()) all.push_back(f);
    }
    return all;
  }
  void say_arp(const wire::ArpFields& f) { inject(ethernet(MacAddr::broadcast(), f.sender_mac, wire::ethertype::arp, arp(f))); }
};

TEST_F(Address, an_ip4_address_is_probed_announced_and_then_used) {
  ASSERT_TRUE(shard.add_address(port, {new4, 24}, now));
  EXPECT_FALSE(shard.addresses_ready(netns));
  EXPECT_EQ(state(new4), State::tentative);
  int probes = 0, announcements = 0;
  for (const std::string& f : settle()) {
    const auto a = wire::ArpView::parse(view_ethernet(f).payload());
    if (!a) continue;
    EXPECT_EQ(a->target_ip(), new4);
    if (a->is_probe()) ++probes;
    if (a->is_announcement()) ++announcements;
  }
  EXPECT_EQ(probes, 3);
  EXPECT_EQ(announcements, 1);
  EXPECT_EQ(state(new4), State::preferred);
  say_arp({wire::ArpOp::request, peer_mac, peer4, {}, new4});
  EXPECT_EQ(wire::ArpView::parse(view_ethernet(one()).payload())->sender_ip(), new4);
}

TEST_F(Address, an_ip4_address_that_somebody_has_is_not_used) {
  for (const bool probe_too : {true, false}) {
    ASSERT_TRUE(shard.add_address(port, {new4, 24}, now));
    now = now + 300_ms;
    run();
    if (probe_too) say_arp({wire::ArpOp::request, peer_mac, Ip4Addr::any(), {}, new4});  // somebody else probes for it
    else say_arp({wire::ArpOp::reply, peer_mac, new4, host_mac, new4});
    (void)settle();
    EXPECT_EQ(state(new4), State::duplicate);
    (void)sent();
    say_arp({wire::ArpOp::request, peer_mac, peer4, {}, new4});
    EXPECT_TRUE(sent().empty());
    ASSERT_TRUE(shard.remove_address(port, new4, now));
  }
}

TEST_F(Address, attack_a03_an_address_in_use_is_defended_once_per_interval) {
  int defences = 0;
  for (int i = 0; i < 100; ++i) {
    say_arp({wire::ArpOp::reply, peer_mac, host4, {}, host4});
    for (const std::string& f : sent()) {
      const auto a = wire::ArpView::parse(view_ethernet(f).payload());
      defences += a && a->is_announcement() && a->sender_ip() == host4;
    }
    now = now + 100_ms;
    run();
  }
  EXPECT_EQ(defences, 1);
  EXPECT_EQ(state(host4), State::preferred);
}

TEST_F(Address, an_ip6_address_is_solicited_for_from_nobody_and_then_used) {
  ASSERT_TRUE(shard.add_address(port, {new6, 64}, now));
  int solicitations = 0;
  for (const std::string& f : settle()) {
    const auto ip = view6(f);
    if (ip.next_header() != wire::proto::icmp6) continue;
    const auto m = wire::Icmp6View::parse(ip.payload());
    ASSERT_TRUE(m && m->checksum_ok(ip.src(), ip.dst()));
    if (m->type() != wire::icmp6::neighbor_solicit) continue;
    const auto ns = wire::NeighborSolicit::parse(*m);
    ASSERT_TRUE(ns);
    EXPECT_TRUE(ip.src().is_any());
    EXPECT_EQ(ip.dst(), new6.solicited_node());
    EXPECT_EQ(ns->target, new6);
    EXPECT_FALSE(ns->options.find(wire::nd_option::source_link));
    ++solicitations;
  }
  EXPECT_EQ(solicitations, 1);
  EXPECT_EQ(state(new6), State::preferred);
}

TEST_F(Address, an_ip6_address_that_somebody_has_or_wants_is_not_used) {
  const Ip6Addr group = new6.solicited_node(), all = Ip6Addr::all_nodes();
  for (const bool advert : {true, false}) {
    ASSERT_TRUE(shard.add_address(port, {new6, 64}, now));
    now = now + 1100_ms;
    run();
    if (advert) {
      inject(ethernet({{0x33, 0x33, 0, 0, 0, 1}}, peer_mac, wire::ethertype::ipv6,
                      ipv6({.next_header = wire::proto::icmp6, .hop_limit = 255, .src = new6, .dst = all},
                           nd(new6, all, wire::NeighborAdvert{.override_ = true, .target = new6}, link_option(2, peer_mac)))));
    } else {
      inject(ethernet({{0x33, 0x33, 0xff, 0, 0, 9}}, peer_mac, wire::ethertype::ipv6,
                      ipv6({.next_header = wire::proto::icmp6, .hop_limit = 255, .src = Ip6Addr::any(), .dst = group},
                           nd(Ip6Addr::any(), group, wire::NeighborSolicit{.target = new6}))));
    }
    (void)settle();
    EXPECT_EQ(state(new6), State::duplicate) << advert;
    EXPECT_TRUE(shard.addresses_ready(netns));
    (void)sent();
    ASSERT_TRUE(shard.remove_address(port, new6, now));
  }
}

TEST_F(Address, the_routes_of_an_address_go_with_it) {
  ip::Fib& fib = shard.core().netns[netns]->fib;
  const u32 before = fib.size();
  ASSERT_TRUE(shard.add_address(port, *Prefix::parse("10.5.0.1/16"), now, false));
  EXPECT_EQ(fib.lookup(ip4("10.5.0.1"))->type, ip::RouteType::local);
  EXPECT_EQ(fib.lookup(ip4("10.5.255.255"))->type, ip::RouteType::broadcast);
  EXPECT_EQ(fib.lookup(ip4("10.5.7.7"))->type, ip::RouteType::unicast);
  ASSERT_TRUE(shard.add_address(port, *Prefix::parse("10.5.0.2/16"), now, false));  // shares the subnet
  ASSERT_TRUE(shard.remove_address(port, ip4("10.5.0.1"), now));
  EXPECT_EQ(fib.lookup(ip4("10.5.7.7"))->type, ip::RouteType::unicast);
  ASSERT_TRUE(shard.remove_address(port, ip4("10.5.0.2"), now));
  EXPECT_EQ(fib.size(), before);
  EXPECT_EQ(shard.remove_address(port, ip4("10.5.0.2"), now).error(), Errc::addr_not_available);
  EXPECT_EQ(shard.add_address(port, {host4, 24}, now).error(), Errc::exists);
  for (const char* bad : {"224.0.0.1/24", "255.255.255.255/32", "0.0.0.0/8", "ff02::1/64"})
    EXPECT_EQ(shard.add_address(port, *Prefix::parse(bad), now).error(), Errc::invalid) << bad;
}

TEST_F(Address, one_address_on_two_interfaces_keeps_working_when_one_goes) {
  const Port second = *shard.add_interface(netns, {.name = "eth1", .mac = other_mac}, now);
  ASSERT_TRUE(shard.add_address(second, *Prefix::parse("10.0.0.5/24"), now, false));  // the same subnet
  ASSERT_TRUE(shard.remove_interface(second, now));
  EXPECT_EQ(shard.core().netns[netns]->fib.lookup(peer4)->ifindex, port);
  EXPECT_EQ(shard.core().netns[netns]->fib.lookup(ip4("10.0.0.5"))->type, ip::RouteType::unicast);
}

// MLD and IGMP: who listens says so, and says it again when asked.
TEST_F(Address, groups_are_reported) {
  ASSERT_TRUE(shard.add_address(port, {new6, 64}, now, false));
  int reports = 0;
  for (int i = 0; i < 40; ++i) {
    now = now + 100_ms;
    run();
    for (const std::string& f : sent()) {
      const auto ip = view6(f);
      ASSERT_EQ(ip.next_header(), wire::proto::hop_by_hop);
      EXPECT_EQ(ip.hop_limit(), 1);
      EXPECT_EQ(ip.dst(), ip6("ff02::16"));
      EXPECT_TRUE(ip.src().is_link_local());
      ++reports;
    }
  }
  EXPECT_EQ(reports, 2);
}

}  // namespace
}  // namespace weir::test

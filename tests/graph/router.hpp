// A router under test with two Ethernet ports, a (10.0.0.1/24, fd00::1/64) and b (10.1.0.1/24, fd01::1/64), whose
// neighbours are known.
#pragma once

#include "tests/graph/station.hpp"

namespace weir::test {

inline const MacAddr host_b_mac{{2, 0, 0, 0, 1, 1}}, peer_b_mac{{2, 0, 0, 0, 1, 2}};
inline const Ip4Addr far4 = ip4("10.1.0.2"), gateway4 = ip4("10.1.0.254");
inline const Ip6Addr far6 = ip6("fd01::2");

class Router : public Station {
 protected:
  Router() : Station({.name = "a", .mac = host_mac}, {.ip_forward = true, .ip6_forward = true}) {
    b = *shard.add_interface(netns, {.name = "b", .mac = host_b_mac}, now);
    EXPECT_TRUE(shard.add_address(b, *Prefix::parse("10.1.0.1/24"), now, false));
    EXPECT_TRUE(shard.add_address(b, *Prefix::parse("fd01::1/64"), now, false));
    know_peer();
    for (const IpAddr& a : {IpAddr{far4}, IpAddr{gateway4}, IpAddr{far6}}) EXPECT_TRUE(shard.add_neighbour(b, a, peer_b_mac, now));
    quiet();
  }
  std::string one_at(Port p) { return one_of(sent(p)); }
  Port b = 0;
};

}  // namespace weir::test

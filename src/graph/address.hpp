// Addresses of interfaces: what routes and groups come with them, duplicate address detection (RFC 4862 5.4, RFC 5227).
#pragma once

#include "graph/nodes.hpp"
#include "wire/arp.hpp"

namespace weir::graph {

Result<void> add_address(Core& core, Interface& i, const Prefix& prefix, bool probe);
Result<void> remove_address(Core& core, Interface& i, const IpAddr& address);
// fe80::/64 with the identifier of the MAC address (RFC 4291 App. A).
[[nodiscard]] Ip6Addr link_local_of(const MacAddr& mac) noexcept;

// What was heard about addresses that are probed or defended.
void hear_arp(Core& core, Interface& in, const wire::ArpFields& arp);
[[nodiscard]] AddressProbe* find_probe(Interface& i, const IpAddr& address) noexcept;
// After an event of `probe`: what it asks for is done. The probe may be gone afterwards.
void act(Core& core, Interface& i, const IpAddr& address, ip::Dad::Act what);
void act(Core& core, Interface& i, const IpAddr& address, link::ArpProbe::Act what);
void advance_probes(Core& core, Interface& i);

}  // namespace weir::graph

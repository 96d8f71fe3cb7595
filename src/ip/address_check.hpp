// Addresses that no packet on a wire may have: RFC 1122 3.2.1.3, RFC 1812 5.3.7, RFC 4291 2, RFC 4942 2.2, RFC 6890. What
// depends on the host's own addresses (theirs is ours, subnet broadcasts) is the caller's, who knows them.
#pragma once

#include "base/drop.hpp"
#include "wire/address.hpp"

namespace weir::ip {

// Drop::none, ip4_bad_source, ip4_bad_destination or ip4_land. 0.0.0.0 may send to 255.255.255.255 (a host that has no
// address yet) and is the old form of that address as a destination.
[[nodiscard]] constexpr Drop check_received4(Ip4Addr src, Ip4Addr dst, bool loopback_interface) noexcept {
  //= rfc1122#3.2.1.3 I15, I128
  if (src.is_multicast() || src.is_reserved() || src.is_broadcast()) return Drop::ip4_bad_source;
  if (src.is_this_network() && !(src.is_any() && (dst.is_broadcast() || dst.is_any()))) return Drop::ip4_bad_source;
  //= rfc1122#3.2.1.3 I14
  if (dst.is_reserved() || (dst.is_this_network() && !dst.is_any())) return Drop::ip4_bad_destination;
  if (loopback_interface) return Drop::none;
  if (src.is_loopback()) return Drop::ip4_bad_source;
  if (dst.is_loopback()) return Drop::ip4_bad_destination;
  if (src == dst && !src.is_any()) return Drop::ip4_land;
  return Drop::none;
}

// Drop::none, ip6_bad_source, ip6_bad_destination or ip6_land. The unspecified source is let through: neighbour discovery
// and MLD use it, and it is never forwarded or answered.
[[nodiscard]] constexpr Drop check_received6(const Ip6Addr& src, const Ip6Addr& dst, bool loopback_interface) noexcept {
  if (src.is_multicast() || src.is_v4_mapped()) return Drop::ip6_bad_source;
  if (dst.is_any() || dst.is_v4_mapped()) return Drop::ip6_bad_destination;
  if (dst.is_multicast() && dst.multicast_scope() == 0) return Drop::ip6_bad_destination;  // RFC 4291 2.7: reserved
  if (loopback_interface) return Drop::none;
  if (src.is_loopback()) return Drop::ip6_bad_source;
  if (dst.is_loopback()) return Drop::ip6_bad_destination;
  if (dst.is_multicast() && dst.multicast_scope() == 1) return Drop::ip6_bad_destination;  // interface-local
  if (src == dst) return Drop::ip6_land;
  return Drop::none;
}

// May a router pass it on? RFC 1812 5.3.7, RFC 3927 7, RFC 4291 2.5.6; unicast only.
[[nodiscard]] constexpr Drop check_forwarded4(Ip4Addr src, Ip4Addr dst) noexcept {
  const bool stays = src.is_link_local() || dst.is_link_local() || dst.is_multicast() || dst.is_broadcast();
  const bool nobody = src.is_this_network() || dst.is_this_network() || src.is_loopback() || dst.is_loopback();
  return stays || nobody ? Drop::ip_forward_off_link : Drop::none;
}
[[nodiscard]] constexpr Drop check_forwarded6(const Ip6Addr& src, const Ip6Addr& dst) noexcept {
  const bool stays = src.is_link_local() || dst.is_link_local() || dst.is_multicast();
  const bool nobody = src.is_any() || src.is_loopback() || dst.is_loopback();
  return stays || nobody ? Drop::ip_forward_off_link : Drop::none;
}

// A source that stands for one host, so that an ICMP error may be sent to it: RFC 1122 3.2.2, RFC 4443 2.4(e.6).
[[nodiscard]] constexpr bool is_single_host(const IpAddr& src) noexcept {
  if (!src.is_v4()) return !src.v6().is_any() && !src.v6().is_multicast();
  const Ip4Addr a = src.v4();
  return !a.is_this_network() && !a.is_multicast() && !a.is_reserved() && !a.is_broadcast();
}

}  // namespace weir::ip

// Which of our addresses to send from: RFC 6724 5 (rules 1 to 8) for IPv6, the subnet and scope rules of RFC 1122 3.3.4.3
// for IPv4. Pure functions over a list of candidates.
#pragma once

#include <span>

#include "wire/address.hpp"

namespace weir::ip {

struct SourceCandidate {
  Prefix prefix{};            // our address (host bits set) and the length of its subnet
  IfIndex interface = 0;
  bool deprecated = false;    // RFC 4862 5.5.4
  bool temporary = false;     // RFC 8981
  bool home = false;          // RFC 6275
  bool secondary = false;     // IPv4: not the first of its subnet
  bool unusable = false;      // tentative or duplicate: never chosen
};

struct SourcePreference {
  bool prefer_temporary = true;  // RFC 6724 5, rule 7
};

// RFC 6724 3.1: link-local 2, admin 4, site 5, organisation 8, global 14; loopback counts as link-local.
[[nodiscard]] u8 address_scope(const Ip6Addr& a) noexcept;
// RFC 6724 2.1, the default policy table: {precedence, label}.
struct AddressPolicy {
  u8 precedence, label;
};
[[nodiscard]] AddressPolicy address_policy(const IpAddr& a) noexcept;
[[nodiscard]] unsigned common_prefix_length(const IpAddr& a, const IpAddr& b) noexcept;

// The candidate to use for dst that leaves by interface oif; nullptr: none. `candidates` are all addresses of the host
// (weak) or of oif (strong end system; for link-local and multicast destinations the others are passed over anyway).
[[nodiscard]] const SourceCandidate* select_source6(const Ip6Addr& dst, IfIndex oif, std::span<const SourceCandidate> candidates,
                                                    const SourcePreference& preference = {}) noexcept;
// next_hop: the gateway, or the destination where it is on the link.
[[nodiscard]] const SourceCandidate* select_source4(Ip4Addr dst, Ip4Addr next_hop, IfIndex oif,
                                                    std::span<const SourceCandidate> candidates) noexcept;

}  // namespace weir::ip

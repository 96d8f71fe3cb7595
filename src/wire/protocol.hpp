// Numbers that several protocols share: IP protocol numbers (IANA "Protocol Numbers") and EtherTypes.
#pragma once

#include <algorithm>

#include "base/bytes.hpp"

namespace weir::wire {

// IPv4 Protocol and IPv6 Next Header values.
namespace proto {
inline constexpr u8 hop_by_hop = 0, icmp = 1, igmp = 2, ipv4 = 4, tcp = 6, udp = 17, ipv6 = 41, routing = 43, fragment = 44, gre = 47,
                    esp = 50, ah = 51, icmp6 = 58, none = 59, destination = 60, sctp = 132, udplite = 136;
}  // namespace proto

namespace ethertype {
inline constexpr u16 ipv4 = 0x0800, arp = 0x0806, vlan = 0x8100, ipv6 = 0x86dd, qinq = 0x88a8, lldp = 0x88cc,
                     min = 0x0600,  // below it the field is an IEEE 802.3 length
    max_length = 1500;              // IEEE 802.3: values between the two have no meaning
}  // namespace ethertype

[[nodiscard]] inline bool same_bytes(Bytes a, Bytes b) noexcept { return std::ranges::equal(a, b); }

inline void copy_bytes(MutBytes to, Bytes from) noexcept {
  if (!from.empty()) std::memmove(to.data(), from.data(), from.size());
}

}  // namespace weir::wire

// One line of text for each header and for whole frames, for people and logs. Never on the data path.
#pragma once

#include <string>

#include "wire/arp.hpp"
#include "wire/ethernet.hpp"
#include "wire/icmp4.hpp"
#include "wire/icmp6.hpp"
#include "wire/igmp.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/tcp.hpp"
#include "wire/tcp_options.hpp"
#include "wire/udp.hpp"
#include "wire/vlan.hpp"

namespace weir::wire {

[[nodiscard]] std::string to_string(const EthernetView& v);
[[nodiscard]] std::string to_string(const VlanTag& tag);
[[nodiscard]] std::string to_string(const ArpView& v);
[[nodiscard]] std::string to_string(const Ipv4View& v);  // the header alone
[[nodiscard]] std::string to_string(const Ipv6View& v);
[[nodiscard]] std::string to_string(const Icmp4View& v);
[[nodiscard]] std::string to_string(const Icmp6View& v);  // neighbour discovery and MLD too
[[nodiscard]] std::string to_string(const IgmpView& v);
[[nodiscard]] std::string to_string(const UdpView& v);
[[nodiscard]] std::string to_string(const TcpView& v);       // with options
[[nodiscard]] std::string to_string(TcpFlags f);             // "S.", "FP.", "none"
[[nodiscard]] std::string print_tcp_options(Bytes options);  // "mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7"

// A whole frame or packet, in the manner of tcpdump:
//   "IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [S], seq 1, win 65535, options [mss 1460], length 0"
// What cannot be parsed is named by its Drop in brackets: "[ip4_bad_version]".
[[nodiscard]] std::string print_frame(Bytes ethernet_frame);
[[nodiscard]] std::string print_packet(Bytes ip_packet);

}  // namespace weir::wire

// An interface: its configuration, addresses, groups, queue and counts; and an address that is being probed or defended.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "buf/packet_queue.hpp"
#include "graph/config.hpp"
#include "ip/dad.hpp"
#include "link/arp_probe.hpp"

namespace weir::graph {

struct InterfaceAddress {
  Prefix prefix;
  enum class State : u8 { tentative, preferred, deprecated, duplicate } state = State::preferred;
  bool permanent = true, secondary = false;

  [[nodiscard]] bool usable() const noexcept { return state == State::preferred || state == State::deprecated; }
};

struct Group {
  IpAddr address;
  u32 users = 0;
};

// RFC 5227 for IPv4, RFC 4862 5.4 for IPv6.
struct AddressProbe {
  IpAddr address;
  link::ArpProbe arp;  // IPv4: goes on defending as long as the address is there
  ip::Dad dad;         // IPv6

  [[nodiscard]] Instant deadline() const noexcept { return address.is_v4() ? arp.deadline() : dad.deadline(); }
};

struct Interface {
  IfIndex index = 0;  // 0: free
  NetnsId netns = 0;
  InterfaceConfig config;  // name, kind, mac, mtu, offload, queue limit
  u64 mac_word = 0;        // config.mac as the first eight bytes of a frame are loaded, the last two zero
  bool queues = false;     // packets wait for a driver; a veth's and a loopback's go on at once
  bool up = false;         // administratively
  bool carrier = true;     // as the driver says
  bool promiscuous = false;
  IfIndex peer = 0;        // of a veth
  std::vector<InterfaceAddress> addresses;
  std::vector<AddressProbe> probes;  // of addresses that are being probed, announced or defended
  std::vector<Ip4Addr> own4;   // of them, the usable IPv4 ones: looked at for each packet
  std::vector<Group> groups;   // multicast memberships
  Instant report_at = Instant::never();  // group reports are due
  u8 reports_left = 0;
  u32 conflicts = 0;           // address conflicts seen (RFC 5227 2.1.1)
  u32 waiting = 0;             // packets in Core::veth_rx that came to this interface
  buf::PacketQueue tx;         // to the driver
  u32 returned = 0;            // at the head of tx: the driver had them and gave them back, the taps have seen them
  InterfaceStats stats;

  [[nodiscard]] bool running() const noexcept { return index != 0 && up && carrier; }
  [[nodiscard]] bool has_link_addresses() const noexcept {
    return config.kind == InterfaceKind::ethernet || config.kind == InterfaceKind::veth;
  }
  [[nodiscard]] bool is_loopback() const noexcept { return config.kind == InterfaceKind::loopback; }
  [[nodiscard]] const InterfaceAddress* find(const IpAddr& a) const noexcept {
    const auto it = std::ranges::find(addresses, a, [](const InterfaceAddress& x) { return x.prefix.address; });
    return it == addresses.end() ? nullptr : &*it;
  }
  // One of its addresses, past duplicate address detection.
  [[nodiscard]] bool owns(const IpAddr& a) const noexcept {
    const InterfaceAddress* x = find(a);
    return x != nullptr && x->usable();
  }
  [[nodiscard]] bool is_member(const IpAddr& group) const noexcept {
    return std::ranges::find(groups, group, &Group::address) != groups.end();
  }
};

}  // namespace weir::graph

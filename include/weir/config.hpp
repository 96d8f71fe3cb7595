// What a stack is made of. Aggregates to be written with designated initialisers; what is not named has the usual value.
#pragma once

#include <string>
#include <vector>

#include "base/time.hpp"
#include "ip/sysctl.hpp"

namespace weir {

// One network identity on one device: a host. Text is checked by Stack::open.
//
//   weir::StackConfig config{.device = "tap:weir0,host=10.77.0.1/24",
//                            .addresses = {"10.77.0.2/24", "fd77::2/64"},
//                            .gateways = {"10.77.0.1"}};
struct StackConfig {
  // tap:NAME[,host=A/LEN], tun:NAME, packet:IFACE, pcap:FILE[,out=FILE], loopback; docs/guide.md has all of it.
  std::string device = "loopback";
  std::vector<std::string> addresses{};  // "A/LEN", IPv4 and IPv6
  std::vector<std::string> gateways{};   // default routers: at most one of each family
  std::string mac{};                     // "02:00:00:00:00:01"; empty: one is made up
  u32 mtu = 0;                           // bytes of an IP packet, 68 to 65,535; 0: the device's own
  std::string interface_name = "eth0";   // at most 15 bytes
  Sysctl sysctl{};                       // settings under their Linux names
  // Is an address in use elsewhere? RFC 5227 and RFC 4862 5.4. It takes about two seconds; open() waits for it.
  bool probe_addresses = true;
  Duration ready_timeout = Duration::seconds(15);

  // Of the shard, the core of the stack.
  u32 memory_mib = 192;       // for packets and buffers at most; touched only as it is used
  u64 seed = 0;               // 0: chance comes from the system; else runs can be repeated (not for the open Internet)
  Duration spin = Duration::micros(20);  // at most how long to look for work before sleeping
  int cpu = -1;               // Stack: pin its thread to this CPU; -1: any
};

}  // namespace weir

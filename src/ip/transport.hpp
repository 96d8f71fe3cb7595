// What a transport protocol (TCP, UDP, raw) is given by the shard: memory, chance, a way to a route, a way out, and a
// way to tell users. Transports never see interfaces or namespaces as such.
#pragma once

#include <vector>

#include "base/counters.hpp"
#include "base/drop.hpp"
#include "base/error.hpp"
#include "base/rng.hpp"
#include "buf/packet_queue.hpp"
#include "ip/destination.hpp"
#include "ip/sysctl.hpp"
#include "wire/address.hpp"

namespace weir::ip {

struct RouteQuery {
  NetnsId netns = 0;
  IpAddr dst;
  IpAddr src;       // any of its family: to be chosen (RFC 6724)
  IfIndex oif = 0;  // 0: any
};

// An ICMP error about one of our packets, checked by the ICMP layer as far as it can.
struct IcmpError {
  enum class Kind : u8 {
    net_unreachable,
    host_unreachable,
    protocol_unreachable,
    port_unreachable,
    too_big,
    time_exceeded,
    parameter_problem,
    admin_prohibited,
    source_route_failed
  };
  Kind kind{};
  u8 type = 0, code = 0;  // as on the wire
  u32 mtu = 0;            // too_big: of the next hop, 0 if not told
  NetnsId netns = 0;
  IfIndex interface = 0;
  IpAddr reporter;        // who sent the error
  IpAddr src, dst;        // of the quoted packet: src is ours
  u8 protocol = 0;
  Bytes transport;        // quoted transport header and data: at least 8 bytes
};

using DropCounters = Counters<Drop>;

struct Transport {
  buf::Pool& pool;
  buf::PacketQueue& out;  // finished IP packets (Packet::destination set) on their way to the interfaces
  Rng& rng;
  DestinationCache& destinations;

  // Finds or makes the destination entry (index; 0 never). net_unreachable, addr_not_available, ...
  Result<u32> (*route)(void* cx, const RouteQuery& query, Instant now);
  // The readiness of `user` (a socket) may have changed; `mask`: Ready bits that have just come up.
  void (*notify)(void* cx, u32 user, u32 mask);
  // A route proved good (RFC 4861 7.3.1): upper-layer confirmation of the next hop.
  void (*confirm)(void* cx, u32 destination, Instant now);
  // R1 reached (RFC 9293 3.8.3): the next hop may be dead.
  void (*suspect)(void* cx, u32 destination, Instant now);
  void* cx;

  struct View {  // of one netns
    const Sysctl* sysctl = nullptr;
    DropCounters* drops = nullptr;
  };
  std::vector<View> netns{};  // by NetnsId

  [[nodiscard]] const Sysctl& sysctl(NetnsId id) const noexcept { return *netns[id].sysctl; }
  void drop(buf::PacketId id, Drop why) noexcept {
    netns[pool[id].netns].drops->add(why);
    pool.release(id);
  }
};

}  // namespace weir::ip

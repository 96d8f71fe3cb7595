// What the network namespaces of one shard share, and the namespaces themselves: the state behind shard::Shard.
// The batch nodes (rx_ethernet, rx_ip4, rx_ip6, local, forward, tx) are free functions over it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "buf/packet_queue.hpp"
#include "graph/config.hpp"
#include "graph/counters.hpp"
#include "graph/interface.hpp"
#include "ip/destination.hpp"
#include "ip/fib.hpp"
#include "ip/icmp_limit.hpp"
#include "ip/ident.hpp"
#include "ip/reassembly.hpp"
#include "ip/transport.hpp"
#include "link/neighbour.hpp"
#include "sock/raw.hpp"
#include "udp/engine.hpp"

namespace weir {
namespace tcp {
class Engine;
}
namespace sock {
class Table;
}  // namespace sock

namespace graph {

struct Netns {
  NetnsId id = 0;
  bool live = false;
  std::string name;
  Sysctl sysctl;
  IfIndex loopback = 0;
  std::vector<IfIndex> interfaces;
  ip::Fib fib;               // IPv4 and IPv6; our own addresses are routes of type local. No link-local addresses.
  u32 route_generation = 1;  // bumped by every change of routes, addresses or interfaces
  ip::DropCounters drops;
  Counters<Ip> ip4, ip6;
  Counters<Icmp> icmp4, icmp6;
  u32 redirects = 0;         // host routes learnt from them
};

struct Handler {
  void (*call)(void* self, IfIndex port, buf::PacketId packet, Instant now) = nullptr;
  void* self = nullptr;
};

// Sees every frame in and out and every drop, without taking ownership: packet capture. `why` is Drop::none for a frame
// that was not dropped.
struct Tap {
  void (*call)(void* self, IfIndex interface, bool outbound, buf::PacketId packet, Drop why, Instant now) = nullptr;
  void* self = nullptr;
};

struct CoreConfig {
  u64 seed = 1;
  const u8* secret = nullptr;
  buf::Pool::Config pool{};
  u32 max_sockets = 1u << 21;
  u32 max_connections = 1u << 21;
};

class Core {
 public:
  Core(const CoreConfig& config, Instant now);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  buf::Pool pool;
  Rng rng;
  std::vector<std::unique_ptr<Netns>> netns;           // by NetnsId; [0] is none
  std::vector<std::unique_ptr<Interface>> interfaces;  // by IfIndex; [0] is none
  link::NeighbourTable neighbours;
  ip::DestinationCache destinations;
  ip::Reassembly reassembly;
  ip::IcmpLimiter icmp_limit;
  ip::Ident ident;
  buf::PacketQueue out;      // finished packets of the transports, drained by tx()
  buf::PacketQueue veth_rx;  // crossed a veth or loopback (if_in set), taken in rounds
  ip::Transport transport;
  std::unique_ptr<udp::Engine> udp;
  std::unique_ptr<tcp::Engine> tcp;
  std::unique_ptr<sock::RawEngine> raw;
  std::unique_ptr<sock::Table> sockets;
  std::vector<std::pair<u16, Handler>> ethertypes;
  std::array<Handler, 256> protocols{};
  std::vector<Tap> taps;
  std::vector<IfIndex> free_interfaces;
  Instant chores_at = Instant::never();  // no address probe and no group report is due before
  Instant now;                           // of the call in progress

  [[nodiscard]] Interface& interface(IfIndex i) noexcept { return *interfaces[i]; }
  [[nodiscard]] Netns& netns_of(buf::PacketId id) noexcept { return *netns[pool[id].netns]; }
  [[nodiscard]] Interface* find_interface(IfIndex i) noexcept {
    return i != 0 && i < interfaces.size() && interfaces[i] && interfaces[i]->index != 0 ? interfaces[i].get() : nullptr;
  }
  [[nodiscard]] const Interface* find_interface(IfIndex i) const noexcept { return const_cast<Core*>(this)->find_interface(i); }
  [[nodiscard]] Netns* find_netns(NetnsId id) noexcept {
    return id < netns.size() && netns[id] && netns[id]->live ? netns[id].get() : nullptr;
  }
  // Counts the reason and releases the packet.
  void drop(buf::PacketId id, Drop why) noexcept;
  void tap(IfIndex interface, bool outbound, buf::PacketId id, Drop why) noexcept;
};

// -- the way in (all take ownership of the packets)
void rx_ethernet(Core& core, Interface& in, std::span<const buf::PacketId> packets);
void rx_raw_ip(Core& core, Interface& in, std::span<const buf::PacketId> packets);
// -- inside: veth and loopback in rounds; returns packets handled
u32 run_rounds(Core& core, u32 budget);
// -- the way out: drains core.out through routing, neighbours, fragmentation, into the interfaces' queues
void tx(Core& core);
// Pulls up to out.size() packets for the driver, finishing what the port cannot offload (GSO, checksums).
u32 pull(Core& core, Interface& port, std::span<buf::PacketId> out, u32 max_bytes);

// -- timers of the link and network layers
void advance_timers(Core& core, u32 budget);
[[nodiscard]] Instant next_deadline(const Core& core) noexcept;

}  // namespace graph
}  // namespace weir

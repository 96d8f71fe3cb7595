// graph/core.hpp: the shared state of a shard and what transports are given of it.
#include "graph/core.hpp"

#include "graph/output.hpp"
#include "graph/route.hpp"
#include "graph/tcp_link.hpp"

namespace weir::graph {
namespace {

Rng make_rng(const CoreConfig& config) noexcept {
  if (config.secret == nullptr) return Rng::seeded(config.seed);
  std::array<u8, 32> key;
  std::copy_n(config.secret, key.size(), key.begin());
  return Rng::secure(key);
}

Core& of(void* cx) noexcept { return *static_cast<Core*>(cx); }

Result<u32> route(void* cx, const ip::RouteQuery& query, Instant now) { return find_destination(of(cx), query, now); }

void notify(void* cx, u32 user, u32 mask) { of(cx).sockets->notify(user, mask); }

// RFC 4861 7.3.1: data acknowledged proves the next hop.
void confirm(void* cx, u32 destination, Instant now) {
  Core& core = of(cx);
  const ip::Destination& d = core.destinations[destination];
  if (core.neighbours.valid(d.neighbour, d.neighbour_generation)) core.neighbours.confirm(d.neighbour, now);
}

//= rfc1122#3.3.1.4 I96, I100
void suspect(void* cx, u32 destination, Instant now) {
  Core& core = of(cx);
  const ip::Destination& d = core.destinations[destination];
  if (core.neighbours.valid(d.neighbour, d.neighbour_generation)) core.neighbours.suspect(d.neighbour, now);
  core.destinations.invalidate(destination);
}

// -- packet sockets
Result<void> send_frame(void* cx, NetnsId netns, IfIndex interface, buf::PacketId id) {
  Core& core = of(cx);
  Interface* out = core.find_interface(interface);
  core.pool[id].netns = netns;
  const bool ours = out != nullptr && out->netns == netns && !out->is_loopback();
  const bool fits = ours && core.pool[id].length <= out->config.mtu + 14u;
  if (!ours || !fits) {
    core.pool.release(id);
    return fail(ours ? Errc::message_size : Errc::device_not_found);
  }
  enqueue(core, *out, id);
  return {};
}

void on_frame(void* self, IfIndex interface, bool outbound, buf::PacketId id, Drop why, Instant now) {
  if (why != Drop::none) return;
  Core& core = of(self);
  const Interface* i = core.find_interface(interface);
  if (i == nullptr) return;
  const buf::Packet& p = core.pool[id];
  const Bytes front = core.pool.first_run(id);
  const u16 type = i->has_link_addresses() && front.size() >= 14 ? load_be16(front.data() + 12) : ethertype_of(p);
  core.raw->on_frame(i->netns, interface, outbound, type, id, now);
}

void watch_frames(void* cx, bool on) {
  Core& core = of(cx);
  if (on) core.taps.push_back({on_frame, cx});
  else std::erase_if(core.taps, [&](const Tap& t) { return t.call == on_frame; });
}

}  // namespace

Core::Core(const CoreConfig& config, Instant start)
    : pool(config.pool),
      rng(make_rng(config)),
      neighbours({.max_entries = 65'536, .new_per_second = 4096, .new_burst = 8192}, rng, start),
      destinations({}, rng),
      reassembly({}, rng),
      icmp_limit({}, rng),
      ident(rng),
      transport{pool, out, rng, destinations, route, notify, confirm, suspect, this},
      now(start) {
  netns.push_back(std::make_unique<Netns>());  // nobody's: counts drops of packets that have no namespace
  transport.netns.push_back({&netns[0]->sysctl, &netns[0]->drops});
  interfaces.push_back(std::make_unique<Interface>());
  udp = std::make_unique<udp::Engine>(transport, config.max_sockets);
  tcp = std::make_unique<tcp::Engine>(transport, tcp::Limits{.max_connections = config.max_connections}, start);
  raw = std::make_unique<sock::RawEngine>(transport, config.max_sockets);
  raw->set_frame_access({send_frame, watch_frames, this});
  sockets = std::make_unique<sock::Table>(*tcp, *udp, *raw, config.max_sockets);
}

Core::~Core() {
  // Packets go back before the pool does; what transports and tables hold is theirs to forget.
  out.clear(pool);
  veth_rx.clear(pool);
  for (auto& i : interfaces) i->tx.clear(pool);
}

//= rfc1122#3.1 I09
void Core::drop(buf::PacketId id, Drop why) noexcept {
  const buf::Packet& p = pool[id];
  netns[p.netns]->drops.add(why);
  if (p.if_in != 0) ++interfaces[p.if_in]->stats.rx_dropped;
  if (!taps.empty()) [[unlikely]]
    tap(p.if_in, false, id, why);
  pool.release(id);
}

//= rfc1122#3.1 I08
void Core::tap(IfIndex interface, bool outbound, buf::PacketId id, Drop why) noexcept {
  for (const Tap& t : taps) t.call(t.self, interface, outbound, id, why, now);
}

}  // namespace weir::graph

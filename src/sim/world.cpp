// Building a world; what runs it is in world_run.cpp.
#include "sim/world.hpp"

#include <stdexcept>

#include "sim/monitor.hpp"

namespace weir::sim {
namespace {

template <class T>
T must(Result<T> r, const std::string& what) {
  if (!r) throw std::runtime_error(what + ": " + std::string(text(r.error())));
  if constexpr (!std::is_void_v<T>) return std::move(*r);
}

constexpr SipKey digest_key{0x77656972, 0x73696d};

Ip6Addr address6(u32 link, u32 side) {
  Ip6Addr a;
  a.b[0] = 0xfd;
  store_be16(a.b.data() + 6, static_cast<u16>(link));
  a.b[15] = static_cast<u8>(side + 1);
  return a;
}

Ip4Addr address4(u32 link, u32 side) { return {0x0a00'0000u | (link & 0xffff) << 8 | (side + 1)}; }

}  // namespace

World::World(u64 seed, const WorldConfig& config)
    : seed_(seed), config_(config), now_(config.start), rng_(Rng::seeded(seed)), handlers_(1), digest_(digest_key) {
  if (!config.monitor) return;
  monitor_ = std::make_unique<Monitor>();
  listeners_.push_back(monitor_.get());
}

World::~World() = default;

u32 World::add_shard() {
  ShardConfig config;
  config.seed = rng_.next_u64();
  config.pool = config_.pool;
  config.max_sockets = config_.max_sockets;
  config.max_connections = config_.max_connections;
  auto box = std::make_unique<Box>();
  box->shard = std::make_unique<Shard>(config, now_);
  boxes_.push_back(std::move(box));
  return shards() - 1;
}

u32 World::shard_for(const HostConfig& config) {
  const u32 group = config_.one_shard ? 0 : config.group;
  if (group == HostConfig::own_shard) return add_shard();
  for (const auto& [g, shard] : groups_)
    if (g == group) return shard;
  groups_.emplace_back(group, add_shard());
  return groups_.back().second;
}

Host& World::host(const std::string& name, const HostConfig& config) {
  const u32 shard = shard_for(config);
  NetnsConfig netns;
  netns.name = name;
  netns.sysctl = config.sysctl;
  const NetnsId id = must(boxes_[shard]->shard->add_netns(netns, now_), "host " + name);
  return hosts_.emplace_back(*this, static_cast<u32>(hosts_.size()), name, shard, id);
}

IfIndex World::add_interface(Host& host, const InterfaceConfig& config) {
  const auto made = host.shard().add_interface(host.netns(), config, now_);
  touch(host.shard_index());
  return must(made, host.name() + ": interface " + config.name);
}

Result<void> World::add_address(Host& host, IfIndex interface, const Prefix& prefix) {
  const auto done = host.shard().add_address(interface, prefix, now_, false);
  touch(host.shard_index());
  if (!done) return done;
  host.note_address(prefix.address);
  for (WireListener* l : listeners_) l->on_address(host.index(), prefix.address);
  return {};
}

MacAddr World::mac_of(u32 link, u32 side) noexcept {
  MacAddr m{{0x02, 0, static_cast<u8>(link >> 16), static_cast<u8>(link >> 8), static_cast<u8>(link), static_cast<u8>(side + 1)}};
  return m;
}

Link& World::connect(LinkEnd a, LinkEnd b, const LinkConfig& a_to_b, const LinkConfig& b_to_a, std::string name) {
  const u32 index = static_cast<u32>(links_.size());
  Link& link = links_.emplace_back(index, std::move(name), a, b, a_to_b, b_to_a, rng_);
  pipe_events_.resize(links_.size() * 2);
  if (a.host != nullptr) boxes_[a.host->shard_index()]->ports.push_back({a.interface, index * 2});
  if (b.host != nullptr) boxes_[b.host->shard_index()]->ports.push_back({b.interface, index * 2 + 1});
  return link;
}

namespace {

InterfaceConfig interface_for(const LinkConfig& config, u32 link, u32 side, std::string name) {
  InterfaceConfig c;
  c.name = std::move(name);
  c.mac = World::mac_of(link, side);
  c.mtu = config.mtu;
  c.offload = config.offload;
  return c;
}

std::string next_name(Host& h) {
  const auto& net = *h.shard().core().netns[h.netns()];
  return "eth" + std::to_string(net.interfaces.size() - 1);  // lo is one of them
}

}  // namespace

void World::give_addresses(const LinkEnd& end, u32 link, u32 side) {
  for (const Prefix& p : {Prefix{address4(link, side), 24}, Prefix{address6(link, side), 64}})
    must(add_address(*end.host, end.interface, p), end.host->name() + ": address " + to_string(p));
}

namespace {

void know_each_other(Shard& shard, IfIndex interface, u32 link, u32 side, Instant now) {
  for (const IpAddr& peer : {IpAddr{address4(link, side ^ 1)}, IpAddr{address6(link, side ^ 1)}})
    must(shard.add_neighbour(interface, peer, World::mac_of(link, side ^ 1), now), "neighbour " + to_string(peer));
}

}  // namespace

Link& World::link(Host& a, Host& b, const LinkConfig& a_to_b, const LinkConfig& b_to_a) {
  const u32 n = static_cast<u32>(links_.size());
  const LinkEnd ea{&a, add_interface(a, interface_for(a_to_b, n, 0, next_name(a)))};
  const LinkEnd eb{&b, add_interface(b, interface_for(b_to_a, n, 1, next_name(b)))};
  give_addresses(ea, n, 0);
  give_addresses(eb, n, 1);
  if (config_.static_neighbours) {
    know_each_other(a.shard(), ea.interface, n, 0, now_);
    know_each_other(b.shard(), eb.interface, n, 1, now_);
  }
  return connect(ea, eb, a_to_b, b_to_a, a.name() + "-" + b.name());
}

Link& World::link(Host& a, RawPeer& peer, const LinkConfig& both) {
  const u32 n = static_cast<u32>(links_.size());
  const LinkEnd ea{&a, add_interface(a, interface_for(both, n, 0, next_name(a)))};
  give_addresses(ea, n, 0);
  know_each_other(a.shard(), ea.interface, n, 0, now_);
  return connect(ea, LinkEnd{.raw = &peer}, both, both, a.name() + "-peer");
}

void World::raw_send(Link& link, const RawPeer& from, Bytes frame) {
  auto bytes = store_.take();
  bytes.assign(frame.begin(), frame.end());
  enter(link.index() * 2 + (link.a().raw == &from ? 0u : 1u), std::move(bytes));
}

u64 World::digest() const noexcept {
  auto copy = digest_;
  return copy.finish(frames_);
}

std::vector<std::string> World::violations() const {
  std::vector<std::string> all = violations_;
  if (monitor_)
    for (const Violation& v : monitor_->violations()) all.push_back(to_string(v));
  return all;
}

void World::violation(std::string what) { violations_.push_back(std::move(what)); }

u64 World::add_handler(ReadyHandler handler) {
  auto shared = std::make_shared<ReadyHandler>(std::move(handler));
  if (free_handlers_.empty()) {
    handlers_.push_back(std::move(shared));
    return handlers_.size() - 1;
  }
  const u64 id = free_handlers_.back();
  free_handlers_.pop_back();
  handlers_[id] = std::move(shared);
  return id;
}

void World::remove_handler(u64 id) {
  if (id == 0 || !handlers_[id]) return;
  handlers_[id].reset();
  free_handlers_.push_back(id);
}

}  // namespace weir::sim

#include "sim/host.hpp"

#include "sim/world.hpp"

namespace weir::sim {

Shard& Host::shard() const noexcept { return world_->shard(shard_); }

IpAddr Host::address(Family family) const noexcept {
  for (const IpAddr& a : addresses_)
    if (a.family() == family) return a;
  return IpAddr::any(family);
}

u64 Host::count(tcp::Tcp what) const noexcept { return shard().core().tcp->counters(netns_).read(what); }

u64 Host::count(Drop why) const noexcept { return shard().core().netns[netns_]->drops.read(why); }

std::optional<tcp::Info> Host::tcp_info(u16 local_port) const {
  struct Search {
    u16 port;
    const Host* host;
    std::optional<tcp::Info> found{};
  } search{local_port, this};
  shard().core().tcp->for_each(
      [](void* cx, const tcp::Info& info) {
        auto& s = *static_cast<Search*>(cx);
        if (s.found || info.local.port != s.port || info.state == tcp::State::listen) return;
        const auto& own = s.host->addresses();
        if (std::ranges::find(own, info.local.addr) != own.end()) s.found = info;
      },
      &search);
  return search.found;
}

}  // namespace weir::sim

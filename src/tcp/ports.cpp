// tcp/ports.hpp
#include "tcp/ports.hpp"

namespace weir::tcp {

// Do the two take connections for a common address? An IPv6 "any" that is not v6-only takes IPv4 too.
bool PortTable::overlap(const PortUse& a, const PortUse& b) noexcept {
  const auto covers = [](const PortUse& any, const PortUse& other) {
    if (!any.address.is_any()) return false;
    return any.family_v6 == other.family_v6 || (any.family_v6 && !any.v6_only);
  };
  return a.address == b.address || covers(a, b) || covers(b, a);
}

Result<void> PortTable::take(const PortUse& use) noexcept {
  for (u32 i = buckets_[bucket(use.netns, use.port)]; i != 0; i = slab_[i].next) {
    const PortUse& o = slab_[i];
    if (o.netns != use.netns || o.port != use.port || !overlap(o, use)) continue;
    if (o.reuse_port && use.reuse_port) continue;
    if (o.reuse_address && use.reuse_address && !o.listening) continue;
    return fail(Errc::addr_in_use);
  }
  const u32 i = slab_.alloc(use);
  if (i == 0) return fail(Errc::no_memory);
  u32& head = buckets_[bucket(use.netns, use.port)];
  slab_[i].next = head;
  head = i;
  return {};
}

void PortTable::release(u32 tcb, NetnsId netns, u16 port) noexcept {
  for (u32* link = &buckets_[bucket(netns, port)]; *link != 0; link = &slab_[*link].next) {
    if (slab_[*link].tcb != tcb) continue;
    const u32 i = *link;
    *link = slab_[i].next;
    slab_.release(i);
    return;
  }
}

Result<void> PortTable::listen(u32 tcb, NetnsId netns, u16 port) noexcept {
  PortUse* mine = nullptr;
  for (u32 i = buckets_[bucket(netns, port)]; i != 0; i = slab_[i].next)
    if (slab_[i].tcb == tcb) mine = &slab_[i];
  if (mine == nullptr) return fail(Errc::invalid);
  for (u32 i = buckets_[bucket(netns, port)]; i != 0; i = slab_[i].next) {
    const PortUse& o = slab_[i];
    if (&o == mine || o.netns != netns || o.port != port || !o.listening || !overlap(o, *mine)) continue;
    if (!(o.reuse_port && mine->reuse_port)) return fail(Errc::addr_in_use);
  }
  mine->listening = true;
  return {};
}

bool PortTable::taken(NetnsId netns, u16 port) const noexcept {
  for (u32 i = buckets_[bucket(netns, port)]; i != 0; i = slab_[i].next)
    if (slab_[i].netns == netns && slab_[i].port == port) return true;
  return false;
}

}  // namespace weir::tcp

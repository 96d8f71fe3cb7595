// tcp/listener.hpp
#include "tcp/listener.hpp"

namespace weir::tcp {

u32 ListenerTable::add(NetnsId netns, u16 port) noexcept {
  const u32 i = slab_.alloc();
  if (i == 0) return 0;
  u32& head = buckets_[bucket(netns, port)];
  slab_[i].next = head;
  head = i;
  return i;
}

void ListenerTable::remove(u32 i, NetnsId netns, u16 port) noexcept {
  for (u32* link = &buckets_[bucket(netns, port)]; *link != 0; link = &slab_[*link].next) {
    if (*link != i) continue;
    *link = slab_[i].next;
    break;
  }
  slab_.release(i);
}

}  // namespace weir::tcp

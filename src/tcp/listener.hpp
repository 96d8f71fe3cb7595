// LISTEN: who takes connections on a port, with its accept queue and its share of half-open connections.
#pragma once

#include <array>
#include <vector>

#include "base/index_list.hpp"
#include "base/slab.hpp"
#include "wire/address.hpp"

namespace weir::tcp {

struct Listener {
  u32 tcb = 0;             // a TCB in LISTEN: local address, options for the connections to come
  u32 backlog = 0;         // of the accept queue
  u32 half_open = 0;       // now
  u32 accept_n = 0;
  IndexQueue accept_queue; // TCBs, linked by Tcb::link
  u32 next = 0;            // in the bucket
  u32 generation = 0;
  // -- tcp/fast_open.hpp
  u32 fast_open_n = 0;          // connections whose handshake is not over
  std::array<u32, 2> resets{};  // of such, in this minute and in the one before
  u32 reset_period = 0;
  // -- tcp/syn_cookie.hpp
  bool cookies_sent = false;
  std::array<u8, 2> cookie_shift{};  // our window scale, by slot
  u32 cookie_slot = 0;               // when the last one was sent
};

// Listeners by netns and port. A listener bound to the address wins over one bound to any address.
class ListenerTable {
 public:
  explicit ListenerTable(u32 capacity) : slab_(capacity), buckets_(1024) {}
  [[nodiscard]] Listener& operator[](u32 i) noexcept { return slab_[i]; }
  [[nodiscard]] u32 add(NetnsId netns, u16 port) noexcept;  // 0: full
  void remove(u32 i, NetnsId netns, u16 port) noexcept;
  [[nodiscard]] u32 first(NetnsId netns, u16 port) const noexcept { return buckets_[bucket(netns, port)]; }
  [[nodiscard]] u32 next(u32 i) const noexcept { return slab_[i].next; }
  [[nodiscard]] u32 size() const noexcept { return slab_.live(); }

 private:
  [[nodiscard]] usize bucket(NetnsId netns, u16 port) const noexcept { return (port * 0x9e37u + netns * 0x85ebu) & (buckets_.size() - 1); }
  Slab<Listener> slab_;
  std::vector<u32> buckets_;
};

}  // namespace weir::tcp

// A neighbour table, its clock and what it asked for.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "link/neighbour.hpp"

namespace weir::link {

inline IpAddr ip4(u32 host) { return Ip4Addr{host}; }
inline IpAddr ip6(u32 low) {
  Ip6Addr a{{0xfe, 0x80}};
  store_be32(a.b.data() + 12, low);
  return a;
}
inline MacAddr mac(u32 n) {
  MacAddr m{{2, 0}};
  store_be32(m.b.data() + 2, n);
  return m;
}
inline buf::PacketId packet(u32 n) { return static_cast<buf::PacketId>(n); }

struct Table {
  Rng rng = Rng::seeded(7);
  Instant now{1'000'000'000};
  NeighbourTable table;
  struct Seen {
    NeighbourAction::Kind kind;
    u32 id;
    Instant at;
  };
  std::vector<Seen> seen;
  std::vector<buf::PacketId> dropped;

  explicit Table(const NeighbourConfig& c = {}) : table(c, rng, now) {}

  // Turns the clock from deadline to deadline.
  void run(Duration d) {
    const Instant end = now + d;
    for (;;) {
      const Instant next = table.next_deadline();
      if (next > end) break;
      now = std::max(now, next);
      table.advance(now, 1'000'000, [&](NeighbourAction& a) {
        seen.push_back({a.kind, a.id, now});
        table.drain(a.pending, [&](buf::PacketId p) { dropped.push_back(p); });
      });
    }
    now = end;
  }
  [[nodiscard]] usize count(NeighbourAction::Kind k) const { return static_cast<usize>(std::ranges::count(seen, k, &Seen::kind)); }
  std::vector<buf::PacketId> drain(NeighbourOutcome out) {
    std::vector<buf::PacketId> v;
    table.drain(out.pending, [&](buf::PacketId p) { v.push_back(p); });
    return v;
  }
  u32 make(Nud state, const IpAddr& addr = ip6(1), const MacAddr& m = mac(1)) {
    if (state == Nud::permanent) return table.add_permanent(1, addr, m, now).id;
    if (state == Nud::incomplete) return table.get_or_create(1, addr, now);
    if (state == Nud::failed) {
      const u32 id = table.get_or_create(1, addr, now);
      static_cast<void>(table.use(id, now));
      while (table[id].state != Nud::failed) run(Duration::millis(100));
      return id;
    }
    const u32 id = table.on_solicitation(1, addr, m, now).id;
    if (state == Nud::reachable) table.confirm(id, now);
    if (state == Nud::delay || state == Nud::probe) static_cast<void>(table.use(id, now));
    if (state == Nud::probe) run(Duration::seconds(5) + Duration::millis(2));
    EXPECT_EQ(table[id].state, state);
    return id;
  }
};

using Kind = NeighbourAction::Kind;

}  // namespace weir::link

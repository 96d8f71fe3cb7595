// The destination cache of a shard (RFC 1122 3.3.1, RFC 4861 5.1): what was found out about a destination, so that a flow
// need not ask the routes, the neighbours and the path MTU for each packet.
#pragma once

#include "base/index_list.hpp"
#include "ip/pmtu.hpp"
#include "link/token_bucket.hpp"

namespace weir::ip {

struct DestinationKey {
  IpAddr dst{};
  IpAddr src{};        // any: not given by the user
  NetnsId netns = 0;
  IfIndex oif = 0;   // 0: any
  friend bool operator==(const DestinationKey&, const DestinationKey&) noexcept = default;
};
static_assert(sizeof(DestinationKey) == 36, "hashed as bytes: no padding");

enum class DestinationKind : u8 { unicast, local, broadcast, multicast };

// What a route lookup, source selection and the interface say.
struct Resolution {
  IpAddr next_hop{};       // the gateway, or the destination itself
  IpAddr source{};         // to send from
  IfIndex if_out = 0;
  u16 mtu = 0;           // of the interface or the route: what the first link takes
  DestinationKind kind = DestinationKind::unicast;
  bool gateway = false;  // not on the link
};

// RFC 9040 2.4 and 3.3: what a connection leaves behind for the next one to the same destination. 0: nothing known.
struct PathMetrics {
  u32 srtt_us = 0, rttvar_us = 0;
  u32 ssthresh = 0, cwnd = 0;  // bytes
  u32 reordering = 0;
  u32 saved_s = 0;             // seconds of the shard's time
};

struct Destination : Resolution {
  u32 generation = 0;             // changes when the entry is reused: a holder of the old one must ask again
  u32 route_generation = 0;       // of the namespace, when it was resolved; 0: not resolved
  u32 neighbour = 0, neighbour_generation = 0;  // of next_hop; 0: not looked up
  DestinationKey key;
  PathMetrics metrics;
  Instant used{link::long_ago};

 private:
  friend class DestinationCache;
  u16 path_mtu_ = 0;              // what mtu() answered last,
  bool below_floor_ = false;
  u32 mtu_generation_ = 0;        // at this state of the path MTU table,
  Instant mtu_until_{link::long_ago};  // good until then
  Instant listed_{link::long_ago};
  IndexLinks lru_;
  link::HashLinks hash_;
};

struct DestinationConfig {
  u32 max_entries = 65'536;
  PmtuConfig pmtu{};
};

// Entries are named by (id, generation); id 0 is none. A full cache gives up the entry that was used longest ago (second
// chance), so an id alone proves nothing: check valid() or hold it no longer than a call.
//
//   u32 id = cache.find(key, now);
//   if (id == 0) id = cache.create(key, now);
//   if (cache.needs_refresh(id, netns.route_generation)) cache.resolve(id, resolution, netns.route_generation);
//   u32 mtu = cache.mtu(id, now);
class DestinationCache {
 public:
  DestinationCache(const DestinationConfig& config, Rng& rng);

  [[nodiscard]] u32 find(const DestinationKey& key, Instant now) noexcept;
  [[nodiscard]] u32 create(const DestinationKey& key, Instant now);  // the key must not be there; never 0
  [[nodiscard]] Destination& operator[](u32 id) noexcept { return entries_[id]; }
  [[nodiscard]] const Destination& operator[](u32 id) const noexcept { return entries_[id]; }
  [[nodiscard]] bool valid(u32 id, u32 generation) const noexcept {
    return id != 0 && id < entries_.end_index() && entries_[id].generation == generation;
  }
  // Routes or addresses have changed since it was resolved (RFC 1122 3.3.1.4: no route is good for ever).
  [[nodiscard]] bool needs_refresh(u32 id, u32 route_generation) const noexcept {
    return entries_[id].route_generation != route_generation;
  }
  void resolve(u32 id, const Resolution& r, u32 route_generation) noexcept;
  // Not resolved any more: the next use asks the routes again (negative advice, RFC 1122 3.3.1.4).
  void invalidate(u32 id) noexcept { entries_[id].route_generation = 0; }

  // What may be sent now without fragmentation: of the first link, and of what was learnt about the path.
  [[nodiscard]] u16 mtu(u32 id, Instant now) noexcept {
    Destination& d = entries_[id];
    if (d.mtu_generation_ == mtu_generation_ && now < d.mtu_until_) [[likely]]
      return d.path_mtu_;
    return mtu_slow(d, now);
  }
  // False: the path takes less than we are willing to believe (RFC 1191 3), so IPv4 packets are to be sent without DF.
  [[nodiscard]] bool may_set_df(u32 id, Instant now) noexcept {
    static_cast<void>(mtu(id, now));
    return !entries_[id].below_floor_;
  }
  // A checked "too big" about the way to key.dst. True when the path MTU went down.
  bool too_big(u32 id, u32 reported, u32 quoted_length, Instant now);
  // What a transport found by its own probing (RFC 4821, RFC 8899), up or down.
  void set_mtu(NetnsId netns, const IpAddr& dst, u16 mtu, Instant now);

  void remove(u32 id) noexcept;
  void remove_netns(NetnsId netns);
  void remove_interface(IfIndex ifindex);
  [[nodiscard]] u32 size() const noexcept { return index_.size(); }
  [[nodiscard]] u32 pmtu_entries() const noexcept { return pmtu_.size(); }
  [[nodiscard]] u64 evicted() const noexcept { return evicted_; }
  // f(id, const Destination&)
  template <class F>
  void for_each(F&& f) const {
    for (u32 id = 1; id < entries_.end_index(); ++id)
      if (entries_[id].generation != 0) f(id, entries_[id]);
  }

 private:
  [[nodiscard]] auto lru_links() noexcept {
    return [this](u32 i) -> IndexLinks& { return entries_[i].lru_; };
  }
  [[nodiscard]] u32 hash_of(const DestinationKey& key) const noexcept;
  [[nodiscard]] u32 take_slot(Instant now);
  void evict(Instant now) noexcept;
  [[nodiscard]] u16 mtu_slow(Destination& d, Instant now) noexcept;

  DestinationConfig config_;
  SipKey key_;
  PmtuTable pmtu_;
  Slab<Destination> entries_;  // never released: a slot that was used stays readable
  u32 free_ = 0;               // chained by lru_.next
  link::HashIndex index_;
  IndexList lru_;              // oldest first
  u32 generation_ = 0;
  u32 mtu_generation_ = 1;     // grows with every change of a path MTU
  u64 evicted_ = 0;
};

}  // namespace weir::ip

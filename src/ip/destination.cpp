#include "ip/destination.hpp"

#include <algorithm>

namespace weir::ip {

DestinationCache::DestinationCache(const DestinationConfig& config, Rng& rng)
    : config_(config), key_{rng.next_u64(), rng.next_u64()}, pmtu_(config.pmtu, rng), entries_(std::max(config.max_entries, 1u)) {}

u32 DestinationCache::hash_of(const DestinationKey& key) const noexcept { return static_cast<u32>(siphash13(key_, bytes_of(key))); }

u32 DestinationCache::find(const DestinationKey& key, Instant now) noexcept {
  const auto links = [this](u32 i) -> const link::HashLinks& { return entries_[i].hash_; };
  const u32 id = index_.find(links, hash_of(key), [&](u32 i) { return entries_[i].key == key; });
  if (id != 0) entries_[id].used = now;
  return id;
}

u32 DestinationCache::create(const DestinationKey& key, Instant now) {
  const u32 id = take_slot(now);
  Destination& d = entries_[id];
  d = Destination{};
  if (++generation_ == 0) ++generation_;
  d.generation = generation_;
  d.key = key;
  d.used = now;
  d.listed_ = now;
  index_.insert([this](u32 i) -> link::HashLinks& { return entries_[i].hash_; }, id, hash_of(key));
  lru_.push_back(lru_links(), id);
  return id;
}

u32 DestinationCache::take_slot(Instant now) {
  if (free_ == 0 && !entries_.full()) {
    if (const u32 id = entries_.alloc()) return id;
  }
  if (free_ == 0) evict(now);
  const u32 id = free_;
  WEIR_ASSERT(id != 0);
  free_ = entries_[id].lru_.next;
  return id;
}

// Least recently used with a second chance: using an entry is one store, and who was used since it was listed moves on.
// The number of chances is bounded, and so is what an insertion can cost.
void DestinationCache::evict(Instant now) noexcept {
  for (int chances = 8; chances > 0; --chances) {
    Destination& oldest = entries_[lru_.head()];
    if (oldest.used <= oldest.listed_) break;
    oldest.listed_ = now;
    lru_.move_to_back(lru_links(), lru_.head());
  }
  remove(lru_.head());
  ++evicted_;
}

void DestinationCache::remove(u32 id) noexcept {
  Destination& d = entries_[id];
  WEIR_ASSERT(d.generation != 0);
  lru_.remove(lru_links(), id);
  index_.remove([this](u32 i) -> link::HashLinks& { return entries_[i].hash_; }, id);
  d.generation = 0;
  d.route_generation = 0;
  d.lru_.next = free_;
  free_ = id;
}

void DestinationCache::resolve(u32 id, const Resolution& r, u32 route_generation) noexcept {
  Destination& d = entries_[id];
  static_cast<Resolution&>(d) = r;
  d.route_generation = route_generation;
  d.neighbour = 0;
  d.neighbour_generation = 0;
  d.mtu_generation_ = 0;
}

u16 DestinationCache::mtu_slow(Destination& d, Instant now) noexcept {
  const auto learnt = pmtu_.find(d.key.netns, d.key.dst, now);
  d.mtu_generation_ = mtu_generation_;
  d.mtu_until_ = learnt ? learnt->until : Instant::never();
  d.path_mtu_ = learnt ? std::min(learnt->mtu, d.mtu) : d.mtu;
  d.below_floor_ = learnt && learnt->below_floor;
  return d.path_mtu_;
}

bool DestinationCache::too_big(u32 id, u32 reported, u32 quoted_length, Instant now) {
  const u16 current = mtu(id, now);
  const Destination& d = entries_[id];
  if (d.kind == DestinationKind::local) return false;
  if (d.key.dst.is_v4()) {
    const auto p = pmtu_from_too_big4(reported, quoted_length, current, config_.pmtu.min4);
    if (!p) return false;
    pmtu_.set(d.key.netns, d.key.dst, p->mtu, p->below_floor, now);
  } else {
    const auto p = pmtu_from_too_big6(reported, current);
    if (!p) return false;
    pmtu_.set(d.key.netns, d.key.dst, *p, false, now);
  }
  ++mtu_generation_;
  return mtu(id, now) < current;
}

void DestinationCache::set_mtu(NetnsId netns, const IpAddr& dst, u16 mtu, Instant now) {
  pmtu_.set(netns, dst, mtu, false, now);
  ++mtu_generation_;
}

void DestinationCache::remove_netns(NetnsId netns) {
  lru_.for_each(lru_links(), [&](u32 i) {
    if (entries_[i].key.netns == netns) remove(i);
  });
  pmtu_.remove_netns(netns);
  ++mtu_generation_;
}

void DestinationCache::remove_interface(IfIndex ifindex) {
  lru_.for_each(lru_links(), [&](u32 i) {
    if (entries_[i].if_out == ifindex || entries_[i].key.oif == ifindex) remove(i);
  });
}

}  // namespace weir::ip

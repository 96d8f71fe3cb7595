#include "ip/pmtu.hpp"

#include <algorithm>
#include <array>

namespace weir::ip {

namespace {
// RFC 1191 7, table 7-1.
constexpr std::array<u16, 10> plateaus{65'535, 32'000, 17'914, 8'166, 4'352, 2'002, 1'492, 1'006, 508, 296};
}  // namespace

u16 pmtu_plateau_below(u32 size) noexcept {
  for (const u16 p : plateaus)
    if (p < size) return p;
  return pmtu_hard_min4;
}

std::optional<Pmtu4> pmtu_from_too_big4(u32 reported, u32 quoted_length, u16 current, u16 min4) noexcept {
  const u16 floor = std::max(min4, pmtu_hard_min4);
  u32 mtu = reported;
  if (mtu == 0) mtu = pmtu_plateau_below(quoted_length != 0 ? std::min<u32>(quoted_length, current) : current);
  const bool below_floor = mtu < floor;
  mtu = std::max<u32>(mtu, floor);
  if (mtu > current || (mtu == current && !below_floor)) return {};
  return Pmtu4{static_cast<u16>(mtu), below_floor};
}

std::optional<u16> pmtu_from_too_big6(u32 reported, u16 current) noexcept {
  if (reported < pmtu_min6 || reported >= current) return {};
  return static_cast<u16>(reported);
}

PmtuTable::PmtuTable(const PmtuConfig& config, Rng& rng)
    : config_(config), key_{rng.next_u64(), rng.next_u64()}, entries_(std::max(config.max_entries, 1u)) {}

u32 PmtuTable::hash_of(NetnsId netns, const IpAddr& dst) const noexcept {
  SipState<1, 3> s{key_};
  s.word(load_raw<u64>(dst.v6().b.data()));
  s.word(load_raw<u64>(dst.v6().b.data() + 8));
  return static_cast<u32>(s.finish(netns));
}

u32 PmtuTable::index_of(NetnsId netns, const IpAddr& dst) const noexcept {
  if (entries_.live() == 0) return 0;
  const auto links = [this](u32 i) -> const link::HashLinks& { return entries_[i].hash; };
  return index_.find(links, hash_of(netns, dst), [&](u32 i) { return entries_[i].dst == dst && entries_[i].netns == netns; });
}

std::optional<PmtuTable::Found> PmtuTable::find(NetnsId netns, const IpAddr& dst, Instant now) const noexcept {
  const u32 i = index_of(netns, dst);
  if (i == 0 || now >= entries_[i].until) return {};
  return Found{entries_[i].mtu, entries_[i].below_floor, entries_[i].until};
}

void PmtuTable::set(NetnsId netns, const IpAddr& dst, u16 mtu, bool below_floor, Instant now) {
  u32 i = index_of(netns, dst);
  if (i == 0) {
    if (entries_.full()) remove(order_.head());
    i = entries_.alloc();
    if (i == 0) return;
    entries_[i].dst = dst;
    entries_[i].netns = netns;
    index_.insert([this](u32 k) -> link::HashLinks& { return entries_[k].hash; }, i, hash_of(netns, dst));
    order_.push_back(order_links(), i);
  } else {
    order_.move_to_back(order_links(), i);
  }
  entries_[i].mtu = mtu;
  entries_[i].below_floor = below_floor;
  entries_[i].until = now + config_.lifetime;
}

void PmtuTable::remove(u32 i) noexcept {
  order_.remove(order_links(), i);
  index_.remove([this](u32 k) -> link::HashLinks& { return entries_[k].hash; }, i);
  entries_.release(i);
}

void PmtuTable::remove_netns(NetnsId netns) {
  order_.for_each(order_links(), [&](u32 i) {
    if (entries_[i].netns == netns) remove(i);
  });
}

}  // namespace weir::ip

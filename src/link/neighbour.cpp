#include "link/neighbour.hpp"

#include <algorithm>

namespace weir::link {

namespace {

// RFC 4861 6.3.2: chosen anew every few hours.
constexpr Duration rechoose_reachable_time = Duration::seconds(2 * 3600);
constexpr Duration relist_grain = Duration::seconds(1);

// Nobody may direct our unicast to a group or to nowhere.
bool usable(const MacAddr& mac) noexcept { return mac.is_unicast() && !mac.is_zero(); }

}  // namespace

std::string_view name(Nud state) noexcept {
  switch (state) {
    case Nud::free: return "free";
    case Nud::incomplete: return "incomplete";
    case Nud::reachable: return "reachable";
    case Nud::stale: return "stale";
    case Nud::delay: return "delay";
    case Nud::probe: return "probe";
    case Nud::failed: return "failed";
    case Nud::permanent: return "permanent";
  }
  return "";
}

NeighbourTable::NeighbourTable(const NeighbourConfig& config, Rng& rng, Instant now)
    : config_(config),
      rng_(rng.fork()),
      key_{rng.next_u64(), rng.next_u64()},
      entries_(config.max_entries),
      pending_(config.max_pending),
      wheel_(now),
      default_timing_{{config.reachable_time, config.retrans_timer}, config.reachable_time} {}

// -- the table

u32 NeighbourTable::hash_of(IfIndex ifindex, const IpAddr& addr) const noexcept {
  SipState<1, 3> s{key_};
  s.word(load_raw<u64>(addr.v6().b.data()));
  s.word(load_raw<u64>(addr.v6().b.data() + 8));
  return static_cast<u32>(s.finish(ifindex));
}

u32 NeighbourTable::find(IfIndex ifindex, const IpAddr& addr, u32 hash) const noexcept {
  const auto links = [this](u32 i) -> const HashLinks& { return entries_[i].hash; };
  return index_.find(links, hash, [&](u32 i) { return entries_[i].addr == addr && entries_[i].ifindex == ifindex; });
}

u32 NeighbourTable::lookup(IfIndex ifindex, const IpAddr& addr) const noexcept { return find(ifindex, addr, hash_of(ifindex, addr)); }

// RFC 6583 7.2: what is asked for by strangers' packets is bounded in number and in rate.
bool NeighbourTable::may_resolve(Instant now) {
  if (incomplete_ >= config_.max_incomplete) {
    counters_.add(NeighbourCounter::refused_incomplete);
    return false;
  }
  if (!new_.take({config_.new_per_second, config_.new_burst}, now)) {
    counters_.add(NeighbourCounter::refused_rate);
    return false;
  }
  return true;
}

u32 NeighbourTable::get_or_create(IfIndex ifindex, const IpAddr& addr, Instant now) {
  const u32 hash = hash_of(ifindex, addr);
  if (const u32 id = find(ifindex, addr, hash)) return id;
  if (!may_resolve(now)) return 0;
  const u32 id = make(ifindex, addr, hash, now);
  if (id == 0) return 0;
  set_state(id, Nud::incomplete);
  move_to(id, active, now);
  wheel_.arm(id, now + retrans_time(entries_[id]));
  return id;
}

u32 NeighbourTable::make(IfIndex ifindex, const IpAddr& addr, u32 hash, Instant now) {
  if (index_.size() >= config_.max_entries && !make_room(now)) {
    counters_.add(NeighbourCounter::refused_full);
    return 0;
  }
  u32 id = free_.pop(free_links());
  if (id == 0) id = entries_.alloc();
  if (id == 0) return 0;
  Neighbour& e = entries_[id];
  e = Neighbour{};
  if (++generation_ == 0) ++generation_;
  e.generation = generation_;
  e.ifindex = ifindex;
  e.addr = addr;
  index_.insert([this](u32 i) -> HashLinks& { return entries_[i].hash; }, id, hash);
  counters_.add(NeighbourCounter::created);
  return id;
}

// Whom nobody has proved goes first, and of those who were proved only whom nobody has proved for long (RFC 6583 7.1): a
// flood of strangers cannot push out the hosts that we talk to. What is being asked for now is bounded, and stays.
bool NeighbourTable::make_room(Instant now) {
  u32 victim = lru_[dead].head();
  if (victim == 0) victim = lru_[passive].head();
  if (victim == 0) {
    const u32 oldest = lru_[confirmed].head();
    if (oldest != 0 && now - entries_[oldest].confirmed > config_.protect_confirmed) victim = oldest;
  }
  if (victim == 0) {
    const u32 oldest = lru_[active].head();
    if (oldest != 0 && entries_[oldest].state != Nud::incomplete) victim = oldest;
  }
  if (victim == 0) return false;
  release(victim);
  counters_.add(NeighbourCounter::evicted);
  return true;
}

void NeighbourTable::release(u32 id) noexcept {
  Neighbour& e = entries_[id];
  WEIR_ASSERT(e.state != Nud::free && e.pending.empty());
  set_state(id, Nud::free);
  move_to(id, none, {});
  wheel_.cancel(id);
  index_.remove([this](u32 i) -> HashLinks& { return entries_[i].hash; }, id);
  e.generation = 0;
  free_.push(free_links(), id);
}

void NeighbourTable::move_to(u32 id, List list, Instant now) noexcept {
  Neighbour& e = entries_[id];
  if (e.list == list) {
    if (list == none || now - e.listed < relist_grain) return;
    lru_[list].move_to_back(lru_links(), id);
  } else {
    if (e.list != none) lru_[e.list].remove(lru_links(), id);
    if (list != none) lru_[list].push_back(lru_links(), id);
    e.list = list;
  }
  e.listed = now;
}

void NeighbourTable::set_state(u32 id, Nud state) noexcept {
  Neighbour& e = entries_[id];
  incomplete_ += (state == Nud::incomplete ? 1u : 0u) - (e.state == Nud::incomplete ? 1u : 0u);
  e.state = state;
  e.probes = 0;
  e.fresh_until = state == Nud::permanent ? Instant::never() : long_ago;
}

void NeighbourTable::set_mac(NeighbourOutcome& out, const MacAddr& mac, Instant now) noexcept {
  Neighbour& e = entries_[out.id];
  if (e.has_mac() && e.mac != mac) {
    out.mac_changed = true;
    counters_.add(NeighbourCounter::mac_changed);
    if (++generation_ == 0) ++generation_;
    e.generation = generation_;  // headers that were made with the old one are worth nothing now
  }
  e.mac = mac;
  e.mac_since = now;
}

// -- waiting packets

std::optional<buf::PacketId> NeighbourTable::enqueue(u32 id, buf::PacketId packet) noexcept {
  Neighbour& e = entries_[id];
  std::optional<buf::PacketId> out;
  //= rfc1122#2.3.2.2 L06
  if (e.pending_n >= config_.max_pending_each || (pending_.full() && e.pending_n != 0)) {
    out = pop_pending(e.pending);
    --e.pending_n;
  }
  const u32 node = pending_.alloc(packet, 0u);
  if (node == 0) {
    if (!out) out = packet;
  } else {
    e.pending.push(pending_links(), node);
    ++e.pending_n;
  }
  if (out) counters_.add(NeighbourCounter::queue_pushed_out);
  return out;
}

std::optional<buf::PacketId> NeighbourTable::first_pending(u32 id) const noexcept {
  const u32 node = entries_[id].pending.head();
  if (node == 0) return {};
  return pending_[node].packet;
}

IndexQueue NeighbourTable::take_pending(u32 id) noexcept {
  Neighbour& e = entries_[id];
  e.pending_n = 0;
  return std::exchange(e.pending, {});
}

buf::PacketId NeighbourTable::pop_pending(IndexQueue& queue) noexcept {
  const u32 node = queue.pop(pending_links());
  const buf::PacketId packet = pending_[node].packet;
  pending_.release(node);
  return packet;
}

// -- states

Duration NeighbourTable::reachable_time(IfIndex ifindex, Instant now) {
  const bool own = ifindex < timing_.size() && timing_[ifindex].base.base_reachable_time.ns != 0;
  Timing& t = own ? timing_[ifindex] : default_timing_;
  if (now - t.chosen >= rechoose_reachable_time) {
    const u64 base = static_cast<u64>(t.base.base_reachable_time.ns);
    t.reachable_time = {static_cast<i64>(base / 2 + rng_.below(base + 1))};  // RFC 4861 6.3.2: 0.5 to 1.5 times
    t.chosen = now;
  }
  return t.reachable_time;
}

Duration NeighbourTable::retrans_time(const Neighbour& e) const noexcept {
  const bool own = e.ifindex < timing_.size() && timing_[e.ifindex].base.retrans_timer.ns != 0;
  const Duration t = own ? timing_[e.ifindex].base.retrans_timer : config_.retrans_timer;
  //= rfc1122#2.3.2.1 L04
  return e.addr.is_v4() ? std::max(t, Duration::seconds(1)) : t;
}

void NeighbourTable::set_timing(IfIndex ifindex, const NeighbourTiming& timing, Instant now) {
  if (ifindex >= timing_.size()) timing_.resize(ifindex + usize{1});
  Timing& t = timing_[ifindex];
  const bool same = t.base.base_reachable_time == timing.base_reachable_time;
  t.base = timing;
  if (!same) t.chosen = long_ago;
  if (!same && timing.base_reachable_time.ns != 0) static_cast<void>(reachable_time(ifindex, now));
}

void NeighbourTable::reachable(u32 id, Instant now) {
  Neighbour& e = entries_[id];
  set_state(id, Nud::reachable);
  e.confirmed = now;
  e.fresh_until = now + reachable_time(e.ifindex, now);
  move_to(id, confirmed, now);
  wheel_.arm(id, e.fresh_until);
  counters_.add(NeighbourCounter::confirmed);
}

void NeighbourTable::stale(u32 id, Instant now) {
  Neighbour& e = entries_[id];
  set_state(id, Nud::stale);
  if (e.confirmed == long_ago || e.list == dead) move_to(id, passive, now);  // what was proved before it died is worth nothing
  wheel_.arm(id, now + config_.unused_max);
}

NeighbourUse NeighbourTable::use_slow(u32 id, Instant now) {
  Neighbour& e = entries_[id];
  switch (e.state) {
    case Nud::reachable:  // the timer is late
    case Nud::stale:
      //= rfc1122#3.3.1.4 I98
      set_state(id, Nud::delay);
      if (e.confirmed == long_ago) move_to(id, active, now);
      wheel_.arm(id, now + config_.delay_first_probe);
      return {e.mac, Reach::ready, false};
    case Nud::incomplete: {
      const bool first = e.probes == 0;
      if (first) {
        e.probes = 1;
        wheel_.arm(id, now + retrans_time(e));
        counters_.add(NeighbourCounter::probes_multicast);
      }
      //= rfc1122#2.4 L15
      return {{}, Reach::pending, first};
    }
    case Nud::failed: return {{}, Reach::failed, false};
    default: return {e.mac, Reach::ready, false};
  }
}

NeighbourUse NeighbourTable::ask_again(u32 id, Instant now) {
  if (entries_[id].state == Nud::failed && may_resolve(now)) {
    set_state(id, Nud::incomplete);  // it failed a second after the last question: this one is not too soon
    move_to(id, active, now);
  }
  return use_slow(id, now);
}

void NeighbourTable::suspect(u32 id, Instant now) {
  const Nud state = entries_[id].state;
  if (state != Nud::reachable && state != Nud::stale && state != Nud::delay) return;
  set_state(id, Nud::delay);
  wheel_.arm(id, now);
}

// -- what was heard

// An address that we asked for, or that waited to be asked for, has become known.
void NeighbourTable::resolve(NeighbourOutcome& out, const MacAddr& mac, bool proved, Instant now) {
  set_mac(out, mac, now);
  out.resolved = true;
  counters_.add(NeighbourCounter::resolved);
  if (proved) {
    reachable(out.id, now);
  } else {
    stale(out.id, now);
    if (!entries_[out.id].pending.empty()) static_cast<void>(use_slow(out.id, now));  // they are sent now: to DELAY
  }
  out.pending = take_pending(out.id);
}

NeighbourOutcome NeighbourTable::make_stale(IfIndex ifindex, const IpAddr& addr, const MacAddr& mac, u32 hash, Instant now) {
  NeighbourOutcome out;
  out.id = make(ifindex, addr, hash, now);
  if (out.id == 0) return out;
  out.created = true;
  set_mac(out, mac, now);
  stale(out.id, now);
  return out;
}

// RFC 4861 Appendix C: "NS, RS, Redirect" with a source or target link-layer address.
NeighbourOutcome NeighbourTable::heard_source(IfIndex ifindex, const IpAddr& addr, const MacAddr& mac, Instant now) {
  if (!usable(mac)) return {};
  const u32 hash = hash_of(ifindex, addr);
  NeighbourOutcome out{.id = find(ifindex, addr, hash)};
  if (out.id == 0) return make_stale(ifindex, addr, mac, hash, now);
  const Neighbour& e = entries_[out.id];
  if (e.state == Nud::permanent) return out;
  if (!e.has_mac()) {
    resolve(out, mac, false, now);
  } else if (e.mac != mac) {
    set_mac(out, mac, now);
    stale(out.id, now);
  }
  return out;
}

NeighbourOutcome NeighbourTable::on_solicitation(IfIndex ifindex, const IpAddr& addr, const MacAddr& mac, Instant now) {
  return heard_source(ifindex, addr, mac, now);
}

NeighbourOutcome NeighbourTable::on_router(IfIndex ifindex, const IpAddr& addr, const MacAddr& mac, Instant now) {
  const NeighbourOutcome out = heard_source(ifindex, addr, mac, now);
  if (out.id != 0) entries_[out.id].is_router = true;
  return out;
}

// RFC 4861 7.2.5.
NeighbourOutcome NeighbourTable::on_advertisement(IfIndex ifindex, const IpAddr& target, const Advertisement& na, Instant now) {
  if (na.mac && !usable(*na.mac)) return {};
  const u32 hash = hash_of(ifindex, target);
  NeighbourOutcome out{.id = find(ifindex, target, hash)};
  if (out.id == 0) {
    if (na.may_create && na.mac && !na.solicited) {
      out = make_stale(ifindex, target, *na.mac, hash, now);
      if (out.id != 0) entries_[out.id].is_router = na.router;
      return out;
    }
    counters_.add(NeighbourCounter::unsolicited_ignored);
    return out;
  }
  Neighbour& e = entries_[out.id];
  if (e.state == Nud::permanent) return out;
  if (e.has_mac()) {
    advertise_known(out, na, now);
  } else if (na.mac) {
    resolve(out, *na.mac, na.solicited, now);
    e.is_router = na.router;
  }
  return out;
}

void NeighbourTable::advertise_known(NeighbourOutcome& out, const Advertisement& na, Instant now) {
  Neighbour& e = entries_[out.id];
  const bool other_mac = na.mac && *na.mac != e.mac;
  if (other_mac && !na.override_) {
    if (e.state == Nud::reachable) stale(out.id, now);  // 7.2.5 I a; otherwise I b: nothing
    return;
  }
  if (other_mac) set_mac(out, *na.mac, now);
  if (na.solicited) {
    reachable(out.id, now);
  } else if (other_mac) {
    stale(out.id, now);
  }
  out.router_lost = e.is_router && !na.router;
  e.is_router = na.router;
}

NeighbourOutcome NeighbourTable::on_arp(IfIndex ifindex, const Arp& arp, Instant now) {
  if (!usable(arp.mac)) return {};
  const u32 hash = hash_of(ifindex, arp.sender);
  NeighbourOutcome out{.id = find(ifindex, arp.sender, hash)};
  if (out.id == 0) {
    // RFC 826: made only when we are the target. An answer that nobody asked for is no reason either.
    if (arp.target_is_us && !arp.reply) return make_stale(ifindex, arp.sender, arp.mac, hash, now);
    counters_.add(NeighbourCounter::unsolicited_ignored);
    return out;
  }
  const Neighbour& e = entries_[out.id];
  if (e.state == Nud::permanent) return out;
  if (e.has_mac()) {
    arp_known(out, arp, now);
  } else {
    const bool asked = e.probes != 0 || e.state == Nud::failed;
    resolve(out, arp.mac, arp.reply && arp.target_is_us && asked, now);
  }
  return out;
}

void NeighbourTable::arp_known(NeighbourOutcome& out, const Arp& arp, Instant now) {
  const Neighbour& e = entries_[out.id];
  if (e.mac == arp.mac) {
    if (arp.reply && arp.target_is_us && e.state == Nud::probe) reachable(out.id, now);
    return;
  }
  if (now - e.mac_since < config_.lock_time) {
    counters_.add(NeighbourCounter::mac_change_refused);
    return;
  }
  set_mac(out, arp.mac, now);
  stale(out.id, now);
}

NeighbourOutcome NeighbourTable::add_permanent(IfIndex ifindex, const IpAddr& addr, const MacAddr& mac, Instant now) {
  const u32 hash = hash_of(ifindex, addr);
  NeighbourOutcome out{.id = find(ifindex, addr, hash)};
  if (out.id == 0) {
    out.id = make(ifindex, addr, hash, now);
    if (out.id == 0) return out;
    out.created = true;
  }
  out.resolved = !entries_[out.id].has_mac();
  set_mac(out, mac, now);
  set_state(out.id, Nud::permanent);
  move_to(out.id, none, now);
  wheel_.cancel(out.id);
  out.pending = take_pending(out.id);
  return out;
}

// -- time

bool NeighbourTable::on_timer(u32 id, Instant now, NeighbourAction& action) {
  action.id = id;
  switch (entries_[id].state) {
    case Nud::incomplete: return timer_incomplete(id, now, action);
    case Nud::delay: set_state(id, Nud::probe); return timer_probe(id, now, action);
    case Nud::probe: return timer_probe(id, now, action);
    case Nud::reachable: stale(id, now); return false;
    case Nud::stale: timer_unused(id, now); return false;
    case Nud::failed: release(id); return false;
    case Nud::permanent:
    case Nud::free: return false;
  }
  return false;
}

bool NeighbourTable::timer_incomplete(u32 id, Instant now, NeighbourAction& action) {
  Neighbour& e = entries_[id];
  if (e.probes == 0 && e.pending.empty()) {  // made, but nobody sent anything
    release(id);
    return false;
  }
  // Under a scan each stranger gets one question instead of three, so that the answers of real hosts find room.
  const bool crowded = incomplete_ > config_.max_incomplete / 2;
  if (e.probes >= (crowded ? 1 : config_.multicast_probes)) {
    fail(id, now, action);
    return true;
  }
  ++e.probes;
  wheel_.arm(id, now + retrans_time(e));
  counters_.add(NeighbourCounter::probes_multicast);
  action.kind = NeighbourAction::Kind::solicit_multicast;
  return true;
}

bool NeighbourTable::timer_probe(u32 id, Instant now, NeighbourAction& action) {
  Neighbour& e = entries_[id];
  //= rfc1122#3.3.1.4 I97
  if (e.probes >= config_.unicast_probes) {
    fail(id, now, action);
    return true;
  }
  ++e.probes;
  wheel_.arm(id, now + retrans_time(e));
  counters_.add(NeighbourCounter::probes_unicast);
  action.kind = NeighbourAction::Kind::solicit_unicast;
  return true;
}

void NeighbourTable::timer_unused(u32 id, Instant now) {
  const Neighbour& e = entries_[id];
  const Instant last = std::max({e.used, e.confirmed, e.mac_since});
  //= rfc1122#2.3.2.1 L03, L05
  if (now - last < config_.unused_max) {
    wheel_.arm(id, last + config_.unused_max);
    return;
  }
  release(id);
  counters_.add(NeighbourCounter::expired);
}

void NeighbourTable::fail(u32 id, Instant now, NeighbourAction& action) {
  //= rfc1122#3.3.1.4 I95
  action.kind = NeighbourAction::Kind::failed;
  action.pending = take_pending(id);
  set_state(id, Nud::failed);
  move_to(id, dead, now);
  wheel_.arm(id, now + config_.failed_hold);
  counters_.add(NeighbourCounter::failed);
}

}  // namespace weir::link

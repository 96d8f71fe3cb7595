// The neighbour table of a shard: the NUD machine of RFC 4861 7.3 and Appendix C, shared by ARP (RFC 826, RFC 1122 2.3.2)
// and neighbour discovery. It holds packets that wait for an answer and says what is to be sent; it sends nothing.
#pragma once

#include <optional>
#include <vector>

#include "base/counters.hpp"
#include "base/index_list.hpp"
#include "base/rng.hpp"
#include "base/siphash.hpp"
#include "base/slab.hpp"
#include "base/timer_wheel.hpp"
#include "buf/packet.hpp"
#include "link/hash_index.hpp"
#include "link/token_bucket.hpp"
#include "wire/address.hpp"

namespace weir::link {

enum class Nud : u8 { free, incomplete, reachable, stale, delay, probe, failed, permanent };

[[nodiscard]] std::string_view name(Nud state) noexcept;

#define WEIR_NEIGHBOUR_COUNTERS(X)                                                              \
  X(created, "", "entries made")                                                                \
  X(resolved, "", "addresses resolved")                                                         \
  X(confirmed, "", "proofs that a neighbour is reachable")                                      \
  X(failed, "", "next hops that did not answer")                                                \
  X(probes_multicast, "", "requests and solicitations sent to all")                             \
  X(probes_unicast, "", "requests and solicitations sent to one neighbour")                     \
  X(evicted, "", "entries given up for new ones")                                               \
  X(expired, "", "entries thrown out because they were old and not used")                       \
  X(refused_full, "", "next hops refused: table full of confirmed entries")                     \
  X(refused_incomplete, "", "next hops refused: too many unresolved ones")                      \
  X(refused_rate, "", "next hops refused: too many new ones per second")                        \
  X(queue_pushed_out, "", "waiting packets pushed out by later ones")                           \
  X(mac_changed, "", "link-layer addresses changed")                                            \
  X(mac_change_refused, "", "changes of a link-layer address refused: too soon after the last") \
  X(unsolicited_ignored, "", "answers that nobody asked for, about nobody we know")

WEIR_DEFINE_COUNTERS(NeighbourCounter, neighbour_counter_info, WEIR_NEIGHBOUR_COUNTERS);

struct NeighbourConfig {
  u32 max_entries = 8192;
  u32 max_incomplete = 2048;    // of them, being resolved for the first time (RFC 6583 7.2)
  u32 max_pending = 4096;       // packets waiting, all neighbours together
  u32 max_pending_each = 8;     // and for one neighbour: the latest are kept (RFC 1122 2.3.2.2)
  u32 new_per_second = 1024;    // resolutions begun, all interfaces together
  u32 new_burst = 1024;
  u8 multicast_probes = 3;      // RFC 4861 10: MAX_MULTICAST_SOLICIT
  u8 unicast_probes = 3;        // MAX_UNICAST_SOLICIT
  Duration reachable_time = Duration::seconds(30);   // randomised 0.5 to 1.5 times
  Duration retrans_timer = Duration::seconds(1);     // never less for ARP: RFC 1122 2.3.2.1
  Duration delay_first_probe = Duration::seconds(5);
  Duration failed_hold = Duration::seconds(1);       // how long a failed neighbour is refused without asking again
  Duration unused_max = Duration::seconds(600);      // a stale entry that is not used for so long is thrown out
  Duration protect_confirmed = Duration::seconds(120);  // confirmed within: not evicted for a stranger
  Duration lock_time = Duration::seconds(1);         // ARP may change a link-layer address once in it
};

// RFC 4861 6.3.2: what a router advertised for an interface, or its configuration.
struct NeighbourTiming {
  Duration base_reachable_time;
  Duration retrans_timer;
};

enum class Reach : u8 { ready, pending, failed };

// What a packet to be sent finds. `solicit`: the first multicast request is to be sent now.
struct NeighbourUse {
  MacAddr mac;  // when ready
  Reach reach = Reach::pending;
  bool solicit = false;
};

// One entry. The first line is all that a packet sent touches.
struct alignas(64) Neighbour {
  Instant fresh_until{long_ago};  // before it `mac` may be used and nothing else need be looked at
  Instant used{long_ago};         // a packet was sent to it
  MacAddr mac;
  Nud state = Nud::free;
  bool is_router = false;
  u8 probes = 0;        // sent in this state
  u8 list = 0;          // which eviction list it is in
  IfIndex ifindex = 0;
  u32 generation = 0;   // changes when the entry is reused and when its mac changes; never 0 for a live entry
  u16 pending_n = 0;
  IndexQueue pending;   // packets, oldest first
  // -- second line
  IpAddr addr;
  Instant confirmed{long_ago};    // last proof of two-way reachability
  Instant mac_since{long_ago};
  Instant listed{long_ago};       // when it was put at the young end of its eviction list
  IndexLinks lru;
  HashLinks hash;

  [[nodiscard]] bool has_mac() const noexcept { return state >= Nud::reachable && state != Nud::failed; }
};

// What an event did. When `pending` is not empty its packets are to be sent now (drain).
struct NeighbourOutcome {
  u32 id = 0;            // 0: no such entry, none made
  bool created = false, resolved = false, mac_changed = false;
  bool router_lost = false;  // it was a router and is none now: RFC 4861 7.3.3, out of the default router list
  IndexQueue pending{};
};

struct NeighbourAction {
  enum class Kind : u8 {
    solicit_multicast,
    solicit_unicast,  // to Neighbour::mac
    failed,           // `pending` is to be dropped (Drop::neigh_unresolved), ICMP host/address unreachable to the senders
  };
  Kind kind{};
  u32 id = 0;
  IndexQueue pending{};
};

// One per shard; interface indexes tell the namespaces apart. Entries are named by (id, generation), id 0 is none.
//
//   u32 id = table.get_or_create(ifindex, next_hop, now);        // 0: refused, Drop::neigh_limit
//   NeighbourUse use = table.use(id, now);
//   if (use.reach == Reach::ready) send(use.mac);
//   else if (use.reach == Reach::pending) { if (auto old = table.enqueue(id, packet)) drop(*old, Drop::neigh_queue_full); }
//   if (use.solicit) send_request(table[id]);                     // after enqueue: its source may come from the packet
class NeighbourTable {
 public:
  NeighbourTable(const NeighbourConfig& config, Rng& rng, Instant now);
  NeighbourTable(const NeighbourTable&) = delete;
  NeighbourTable& operator=(const NeighbourTable&) = delete;

  // -- sending
  [[nodiscard]] u32 lookup(IfIndex ifindex, const IpAddr& addr) const noexcept;
  [[nodiscard]] u32 get_or_create(IfIndex ifindex, const IpAddr& addr, Instant now);
  [[nodiscard]] NeighbourUse use(u32 id, Instant now) {
    Neighbour& e = entries_[id];
    e.used = now;
    if (now < e.fresh_until) [[likely]]
      return {e.mac, Reach::ready, false};
    return use_slow(id, now);
  }
  // Where it is at hand and nothing is to be done: the address to send to, as use() would give it. Else nullptr: use().
  [[nodiscard]] const MacAddr* fresh_mac(u32 id, Instant now) noexcept {
    Neighbour& e = entries_[id];
    if (now >= e.fresh_until) [[unlikely]]
      return nullptr;
    e.used = now;
    return &e.mac;
  }
  // For a packet of our own to a failed one: asked for anew, unless new ones are refused now. Strangers wait until it is
  // forgotten; who sends by itself has its own back-off, which a refusal would double (RFC 1122 4.2.3.9: soft).
  [[nodiscard]] NeighbourUse ask_again(u32 id, Instant now);
  // The packet waits. Returns one that must go instead: the oldest of this neighbour, or the packet itself.
  [[nodiscard]] std::optional<buf::PacketId> enqueue(u32 id, buf::PacketId packet) noexcept;
  [[nodiscard]] std::optional<buf::PacketId> first_pending(u32 id) const noexcept;
  // Gives the packets of an outcome or an action to f(PacketId), oldest first, and empties it.
  template <class F>
  void drain(IndexQueue& pending, F&& f) {
    while (!pending.empty()) f(pop_pending(pending));
  }

  // -- what was heard
  // Source link-layer address option of a solicitation (neighbour or router) or of a redirect: RFC 4861 7.2.3.
  NeighbourOutcome on_solicitation(IfIndex ifindex, const IpAddr& addr, const MacAddr& mac, Instant now);
  // Of a router advertisement: the same, and the sender is a router (RFC 4861 6.3.4).
  NeighbourOutcome on_router(IfIndex ifindex, const IpAddr& addr, const MacAddr& mac, Instant now);
  struct Advertisement {
    std::optional<MacAddr> mac{};  // target link-layer address option
    bool router = false, solicited = false, override_ = false;
    bool may_create = false;     // RFC 9131: a router learns from unsolicited advertisements, as STALE
  };
  NeighbourOutcome on_advertisement(IfIndex ifindex, const IpAddr& target, const Advertisement& na, Instant now);
  struct Arp {
    Ip4Addr sender{};
    MacAddr mac{};
    bool reply = false;
    bool target_is_us = false;
  };
  // RFC 826 with the guards of RFC 5227 and of attack A03; the caller has checked the sender's addresses.
  NeighbourOutcome on_arp(IfIndex ifindex, const Arp& arp, Instant now);

  // -- advice of upper layers (RFC 4861 7.3.1, RFC 1122 3.3.1.4)
  void confirm(u32 id, Instant now) {
    Neighbour& e = entries_[id];
    //= rfc1122#3.3.1.4 I99, I100
    if (e.state == Nud::reachable && now - e.confirmed < confirm_grain) [[likely]]
      return;
    if (e.has_mac() && e.state != Nud::permanent) reachable(id, now);
  }
  void suspect(u32 id, Instant now);  // probes at once when it is used

  // -- administration
  NeighbourOutcome add_permanent(IfIndex ifindex, const IpAddr& addr, const MacAddr& mac, Instant now);
  void set_timing(IfIndex ifindex, const NeighbourTiming& timing, Instant now);
  // Forget one, or all of an interface; f(PacketId) is given what waited.
  template <class F>
  void remove(u32 id, F&& f) {
    IndexQueue pending = take_pending(id);
    release(id);
    drain(pending, f);
  }
  template <class F>
  void remove_interface(IfIndex ifindex, F&& f) {
    for (u32 id = 1; id < entries_.end_index(); ++id)
      if (entries_[id].state != Nud::free && entries_[id].ifindex == ifindex) remove(id, f);
  }

  // -- time: act(NeighbourAction&), which drains `pending`
  template <class F>
  u32 advance(Instant now, u32 budget, F&& act) {
    return wheel_.advance(now, budget, [&](u32 id) {
      NeighbourAction action;
      if (on_timer(id, now, action)) act(action);
    });
  }
  [[nodiscard]] Instant next_deadline() const noexcept { return wheel_.next_deadline(); }

  // -- looking
  [[nodiscard]] bool valid(u32 id, u32 generation) const noexcept {
    return id != 0 && id < entries_.end_index() && entries_[id].generation == generation;
  }
  [[nodiscard]] const Neighbour& operator[](u32 id) const noexcept { return entries_[id]; }
  [[nodiscard]] u32 size() const noexcept { return index_.size(); }
  [[nodiscard]] u32 incomplete() const noexcept { return incomplete_; }
  [[nodiscard]] u32 pending() const noexcept { return pending_.live(); }
  [[nodiscard]] const Counters<NeighbourCounter>& counters() const noexcept { return counters_; }
  // Calls f(id, const Neighbour&) for each entry.
  template <class F>
  void for_each(F&& f) const {
    for (u32 id = 1; id < entries_.end_index(); ++id)
      if (entries_[id].state != Nud::free) f(id, entries_[id]);
  }

 private:
  // Eviction lists, oldest first. passive: heard of, never asked for. active: being resolved or proved for the first time.
  // confirmed: proved at least once, in the order of the proofs. dead: did not answer.
  enum List : u8 { none, passive, active, confirmed, dead, lists };
  static constexpr Duration confirm_grain = Duration::millis(500);

  struct Pending {
    buf::PacketId packet;
    u32 next;
  };
  struct Timing {
    NeighbourTiming base;
    Duration reachable_time;  // randomised
    Instant chosen{long_ago};
  };

  [[nodiscard]] auto lru_links() noexcept {
    return [this](u32 i) -> IndexLinks& { return entries_[i].lru; };
  }
  [[nodiscard]] auto free_links() noexcept {
    return [this](u32 i) -> u32& { return entries_[i].lru.next; };
  }
  [[nodiscard]] auto pending_links() noexcept {
    return [this](u32 i) -> u32& { return pending_[i].next; };
  }
  [[nodiscard]] u32 hash_of(IfIndex ifindex, const IpAddr& addr) const noexcept;
  [[nodiscard]] u32 find(IfIndex ifindex, const IpAddr& addr, u32 hash) const noexcept;
  [[nodiscard]] u32 make(IfIndex ifindex, const IpAddr& addr, u32 hash, Instant now);
  [[nodiscard]] bool make_room(Instant now);
  [[nodiscard]] bool may_resolve(Instant now);
  [[nodiscard]] u32 take_slot();
  void release(u32 id) noexcept;
  void move_to(u32 id, List list, Instant now) noexcept;
  void set_state(u32 id, Nud state) noexcept;
  void set_mac(NeighbourOutcome& out, const MacAddr& mac, Instant now) noexcept;
  [[nodiscard]] NeighbourUse use_slow(u32 id, Instant now);
  void reachable(u32 id, Instant now);
  void stale(u32 id, Instant now);
  [[nodiscard]] Duration reachable_time(IfIndex ifindex, Instant now);
  [[nodiscard]] Duration retrans_time(const Neighbour& e) const noexcept;
  [[nodiscard]] NeighbourOutcome heard_source(IfIndex ifindex, const IpAddr& addr, const MacAddr& mac, Instant now);
  void resolve(NeighbourOutcome& out, const MacAddr& mac, bool proved, Instant now);
  [[nodiscard]] NeighbourOutcome make_stale(IfIndex ifindex, const IpAddr& addr, const MacAddr& mac, u32 hash, Instant now);
  void advertise_known(NeighbourOutcome& out, const Advertisement& na, Instant now);
  void arp_known(NeighbourOutcome& out, const Arp& arp, Instant now);
  [[nodiscard]] bool on_timer(u32 id, Instant now, NeighbourAction& action);
  [[nodiscard]] bool timer_incomplete(u32 id, Instant now, NeighbourAction& action);
  [[nodiscard]] bool timer_probe(u32 id, Instant now, NeighbourAction& action);
  void timer_unused(u32 id, Instant now);
  void fail(u32 id, Instant now, NeighbourAction& action);
  [[nodiscard]] IndexQueue take_pending(u32 id) noexcept;
  [[nodiscard]] buf::PacketId pop_pending(IndexQueue& queue) noexcept;

  NeighbourConfig config_;
  Rng rng_;
  SipKey key_;
  Slab<Neighbour> entries_;  // never released: a slot that was used stays readable, so that generations can be compared
  IndexQueue free_;
  Slab<Pending, 16 * 1024> pending_;
  HashIndex index_;
  TimerWheel wheel_;
  IndexList lru_[lists];
  std::vector<Timing> timing_;  // by interface, as far as set
  Timing default_timing_;
  u32 incomplete_ = 0;
  u32 generation_ = 0;
  TokenBucket new_;  // resolutions begun
  Counters<NeighbourCounter> counters_;
};

}  // namespace weir::link

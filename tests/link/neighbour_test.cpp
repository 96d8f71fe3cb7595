#include "tests/link/neighbour_fixture.hpp"

namespace weir::link {
namespace {

using Packets = std::vector<buf::PacketId>;

TEST(neighbour, an_unknown_one_is_asked_for_three_times_a_second_apart_and_then_given_up) {
  Table t;
  const Instant start = t.now;
  const u32 id = t.table.get_or_create(1, ip4(0x0a000001), t.now);
  //= rfc1122#2.4 L15
  NeighbourUse use = t.table.use(id, t.now);
  EXPECT_EQ(use.reach, Reach::pending);
  EXPECT_TRUE(use.solicit);
  EXPECT_FALSE(t.table.enqueue(id, packet(1)));
  use = t.table.use(id, t.now);
  EXPECT_EQ(use.reach, Reach::pending);
  EXPECT_FALSE(use.solicit) << "one request is enough";
  EXPECT_FALSE(t.table.enqueue(id, packet(2)));

  t.run(10_s);
  //= rfc1122#2.3.2.1 L04
  //= rfc1122#3.3.1.4 I95
  ASSERT_EQ(t.seen.size(), 3u);
  EXPECT_EQ(t.seen[0].kind, Kind::solicit_multicast);
  EXPECT_EQ(t.seen[0].at - start, 1_s);
  EXPECT_EQ(t.seen[1].kind, Kind::solicit_multicast);
  EXPECT_EQ(t.seen[1].at - start, 2_s);
  EXPECT_EQ(t.seen[2].kind, Kind::failed);
  EXPECT_EQ(t.seen[2].at - start, 3_s);
  EXPECT_EQ(t.dropped, (Packets{packet(1), packet(2)}));
  EXPECT_EQ(t.table.pending(), 0u);
  EXPECT_EQ(t.table.size(), 0u) << "a failed entry is held for a second only";
}

TEST(neighbour, a_failed_one_is_refused_for_a_second_and_then_asked_for_anew) {
  Table t;
  const u32 id = t.make(Nud::failed);
  EXPECT_EQ(t.table.use(id, t.now).reach, Reach::failed);
  t.run(1100_ms);
  EXPECT_EQ(t.table.lookup(1, ip6(1)), 0u);
  const u32 again = t.table.get_or_create(1, ip6(1), t.now);
  EXPECT_TRUE(t.table.use(again, t.now).solicit);
}

TEST(neighbour, a_failed_one_is_asked_for_at_once_for_packets_of_our_own) {
  Table t;
  const u32 id = t.make(Nud::failed);
  EXPECT_EQ(t.table.use(id, t.now).reach, Reach::failed);
  NeighbourUse use = t.table.ask_again(id, t.now);
  EXPECT_EQ(use.reach, Reach::pending);
  EXPECT_TRUE(use.solicit);
  EXPECT_FALSE(t.table.enqueue(id, packet(1)));
  EXPECT_EQ(t.table.incomplete(), 1u);
  use = t.table.ask_again(id, t.now);
  EXPECT_EQ(use.reach, Reach::pending);
  EXPECT_FALSE(use.solicit) << "one request is enough";
  t.seen.clear();
  const Instant start = t.now;
  t.run(10_s);
  ASSERT_EQ(t.seen.size(), 3u);
  EXPECT_EQ(t.seen[2].at - start, 3_s);
  EXPECT_EQ(t.dropped, (Packets{packet(1)}));
  EXPECT_EQ(t.table.size(), 0u);
}

TEST(neighbour, failed_ones_are_not_asked_for_again_while_too_many_are_asked_for) {
  Table t{{.max_incomplete = 1}};
  const u32 dead = t.make(Nud::failed);
  static_cast<void>(t.make(Nud::incomplete, ip6(2)));
  EXPECT_EQ(t.table.ask_again(dead, t.now).reach, Reach::failed);
}

TEST(neighbour, one_that_was_made_and_never_used_goes_without_a_word) {
  Table t;
  ASSERT_NE(t.table.get_or_create(1, ip6(9), t.now), 0u);
  t.run(5_s);
  EXPECT_TRUE(t.seen.empty());
  EXPECT_EQ(t.table.size(), 0u);
  EXPECT_EQ(t.table.incomplete(), 0u);
}

TEST(neighbour, the_latest_packets_are_kept_while_it_is_asked_for) {
  Table t{{.max_pending_each = 2}};
  const u32 id = t.make(Nud::incomplete);
  //= rfc1122#2.3.2.2 L06
  EXPECT_FALSE(t.table.enqueue(id, packet(1)));
  EXPECT_FALSE(t.table.enqueue(id, packet(2)));
  EXPECT_EQ(t.table.enqueue(id, packet(3)), packet(1));
  EXPECT_EQ(t.table.first_pending(id), packet(2));
  const NeighbourOutcome out = t.table.on_advertisement(1, ip6(1), {.mac = mac(1), .solicited = true}, t.now);
  EXPECT_TRUE(out.resolved);
  EXPECT_EQ(t.drain(out), (Packets{packet(2), packet(3)}));
  EXPECT_EQ(t.table.counters().read(NeighbourCounter::queue_pushed_out), 1u);
}

TEST(neighbour, packets_that_wait_are_bounded_for_all_together) {
  Table t{{.max_pending = 3, .max_pending_each = 2}};
  const u32 a = t.make(Nud::incomplete, ip6(1)), b = t.make(Nud::incomplete, ip6(2)), c = t.make(Nud::incomplete, ip6(3));
  EXPECT_FALSE(t.table.enqueue(a, packet(1)));
  EXPECT_FALSE(t.table.enqueue(a, packet(2)));
  EXPECT_FALSE(t.table.enqueue(b, packet(3)));
  EXPECT_EQ(t.table.enqueue(b, packet(4)), packet(3)) << "its own oldest";
  EXPECT_EQ(t.table.enqueue(c, packet(5)), packet(5)) << "nothing of its own to give";
  EXPECT_EQ(t.table.pending(), 3u);
}

TEST(neighbour, a_reachable_one_grows_stale_within_half_and_one_and_a_half_times_the_reachable_time) {
  for (u64 seed = 0; seed < 50; ++seed) {
    Rng rng = Rng::seeded(seed);
    Instant now{};
    NeighbourTable table{{}, rng, now};
    const u32 id = table.on_solicitation(1, ip6(1), mac(1), now).id;
    table.confirm(id, now);
    EXPECT_GE(table[id].fresh_until, now + 15_s);
    EXPECT_LE(table[id].fresh_until, now + 45_s);
    const auto none = [](NeighbourAction&) {};
    while (table.next_deadline() < table[id].fresh_until) table.advance(table.next_deadline(), 10, none);
    EXPECT_EQ(table[id].state, Nud::reachable);
    table.advance(table[id].fresh_until + 1_ms, 10, none);
    EXPECT_EQ(table[id].state, Nud::stale);
  }
}

TEST(neighbour, a_stale_one_is_used_then_probed_alone_and_given_up) {
  Table t;
  const u32 id = t.make(Nud::stale);
  const Instant start = t.now;
  //= rfc1122#3.3.1.4 I98
  t.run(60_s);
  EXPECT_TRUE(t.seen.empty()) << "nobody asks without traffic";
  const Instant used = t.now;
  const NeighbourUse use = t.table.use(id, t.now);
  EXPECT_EQ(use.reach, Reach::ready);
  EXPECT_EQ(use.mac, mac(1));
  EXPECT_EQ(t.table[id].state, Nud::delay);
  t.run(8_s + 10_ms);
  //= rfc1122#3.3.1.4 I97
  ASSERT_EQ(t.seen.size(), 4u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(t.seen[i].kind, Kind::solicit_unicast);
    EXPECT_EQ(t.seen[i].at - used, Duration::seconds(5 + i)) << i << " " << start.ns;
  }
  EXPECT_EQ(t.seen[3].kind, Kind::failed);
  EXPECT_EQ(t.seen[3].at - used, 8_s);
}

TEST(neighbour, forward_progress_of_an_upper_layer_takes_the_place_of_a_probe) {
  Table t;
  const u32 id = t.make(Nud::delay);
  //= rfc1122#3.3.1.4 I99, I100
  for (int i = 0; i < 300; ++i) {
    t.table.confirm(id, t.now);
    EXPECT_EQ(t.table.use(id, t.now).reach, Reach::ready);
    t.run(1_s);
  }
  EXPECT_EQ(t.table[id].state, Nud::reachable);
  EXPECT_TRUE(t.seen.empty());
}

TEST(neighbour, a_hint_that_it_is_dead_probes_at_once) {
  Table t;
  const u32 id = t.make(Nud::reachable);
  //= rfc1122#3.3.1.4 I100
  t.table.suspect(id, t.now);
  t.run(5_ms);
  EXPECT_EQ(t.count(Kind::solicit_unicast), 1u);
  EXPECT_EQ(t.table.use(id, t.now).reach, Reach::ready) << "usable until it has failed";
  t.table.on_advertisement(1, ip6(1), {.mac = mac(1), .solicited = true}, t.now);
  EXPECT_EQ(t.table[id].state, Nud::reachable);
}

TEST(neighbour, old_entries_that_nobody_uses_are_thrown_out) {
  Table t{{.unused_max = 100_s}};
  //= rfc1122#2.3.2.1 L03, L05
  const u32 id = t.make(Nud::stale);
  t.run(99_s);
  EXPECT_EQ(t.table.lookup(1, ip6(1)), id);
  t.run(2_s);
  EXPECT_EQ(t.table.lookup(1, ip6(1)), 0u);
  EXPECT_EQ(t.table.counters().read(NeighbourCounter::expired), 1u);
  EXPECT_FALSE(t.table.valid(id, 1));
}

TEST(neighbour, a_permanent_one_is_not_changed_by_anything_heard_and_never_grows_old) {
  Table t;
  const u32 id = t.make(Nud::incomplete, ip4(1));
  EXPECT_FALSE(t.table.enqueue(id, packet(1)));
  const NeighbourOutcome out = t.table.add_permanent(1, ip4(1), mac(5), t.now);
  EXPECT_EQ(out.id, id);
  EXPECT_EQ(t.drain(out), (Packets{packet(1)}));
  t.table.on_arp(1, {.sender = {1}, .mac = mac(6), .reply = true, .target_is_us = true}, t.now);
  t.table.on_solicitation(1, ip4(1), mac(6), t.now);
  t.table.on_advertisement(1, ip4(1), {.mac = mac(6), .override_ = true}, t.now);
  t.run(10'000_s);
  EXPECT_EQ(t.table.use(id, t.now).mac, mac(5));
  EXPECT_TRUE(t.seen.empty());
}

TEST(neighbour, entries_of_different_interfaces_are_different_and_go_with_theirs) {
  Table t;
  const u32 a = t.table.get_or_create(1, ip6(1), t.now), b = t.table.get_or_create(2, ip6(1), t.now);
  EXPECT_NE(a, b);
  EXPECT_FALSE(t.table.enqueue(a, packet(1)));
  EXPECT_FALSE(t.table.enqueue(b, packet(2)));
  const u32 generation = t.table[a].generation;
  Packets gone;
  t.table.remove_interface(1, [&](buf::PacketId p) { gone.push_back(p); });
  EXPECT_EQ(gone, (Packets{packet(1)}));
  EXPECT_FALSE(t.table.valid(a, generation));
  EXPECT_EQ(t.table.lookup(2, ip6(1)), b);
  EXPECT_EQ(t.table.size(), 1u);
}

TEST(neighbour, the_generation_tells_of_reuse_and_of_a_new_mac) {
  Table t;
  const u32 id = t.make(Nud::stale);
  const u32 first = t.table[id].generation;
  EXPECT_TRUE(t.table.valid(id, first));
  t.table.on_solicitation(1, ip6(1), mac(1), t.now);
  EXPECT_TRUE(t.table.valid(id, first));
  EXPECT_TRUE(t.table.on_solicitation(1, ip6(1), mac(2), t.now).mac_changed);
  EXPECT_FALSE(t.table.valid(id, first));
  const u32 second = t.table[id].generation;
  t.table.remove(id, [](buf::PacketId) {});
  EXPECT_FALSE(t.table.valid(id, second));
  EXPECT_EQ(t.make(Nud::stale, ip6(2)), id) << "the slot is used again";
  EXPECT_FALSE(t.table.valid(id, second));
  EXPECT_FALSE(t.table.valid(0, 0));
}

TEST(neighbour, timing_of_an_interface_is_what_its_router_says) {
  Table t;
  t.table.set_timing(1, {.base_reachable_time = 10_s, .retrans_timer = 200_ms}, t.now);
  const u32 id = t.make(Nud::incomplete);
  static_cast<void>(t.table.use(id, t.now));
  const Instant start = t.now;
  t.run(650_ms);
  ASSERT_EQ(t.seen.size(), 3u);
  EXPECT_EQ(t.seen[2].kind, Kind::failed);
  EXPECT_EQ(t.seen[2].at - start, 600_ms);
  const u32 r = t.make(Nud::reachable, ip6(2));
  EXPECT_GE(t.table[r].fresh_until, t.now + 5_s);
  EXPECT_LE(t.table[r].fresh_until, t.now + 15_s);
  const u32 arp = t.make(Nud::incomplete, ip4(3));
  static_cast<void>(t.table.use(arp, t.now));
  t.seen.clear();
  t.run(900_ms);
  EXPECT_TRUE(t.seen.empty()) << "ARP never asks faster than once a second";
}

// A random walk over all calls, against the few things that must always hold.
TEST(neighbour, random_events_keep_the_counts_and_the_bounds) {
  for (u64 seed = 1; seed <= 20; ++seed) {
    const NeighbourConfig config{.max_entries = 40, .max_incomplete = 10, .max_pending = 30, .max_pending_each = 4};
    Table t{config};
    Rng rng = Rng::seeded(seed);
    u32 next_packet = 0;
    usize back = 0;
    const auto give_back = [&](buf::PacketId) { ++back; };
    for (int step = 0; step < 3000; ++step) {
      const IfIndex ifindex = static_cast<IfIndex>(1 + rng.below(2));
      const u32 n = static_cast<u32>(rng.below(80));
      const IpAddr addr = rng.below(2) != 0 ? ip4(n) : ip6(n);
      const MacAddr m = mac(static_cast<u32>(rng.below(3)));
      const u32 id = t.table.lookup(ifindex, addr);
      NeighbourOutcome out;
      switch (rng.below(10)) {
        case 0:
        case 1:
        case 2:
          if (const u32 made = t.table.get_or_create(ifindex, addr, t.now)) {
            if (t.table.use(made, t.now).reach == Reach::pending && t.table.enqueue(made, packet(next_packet++))) ++back;
          }
          break;
        case 3: out = t.table.on_solicitation(ifindex, addr, m, t.now); break;
        case 4:
          out = t.table.on_advertisement(
              ifindex, addr, {.mac = m, .router = rng.below(2) != 0, .solicited = rng.below(2) != 0, .override_ = rng.below(2) != 0},
              t.now);
          break;
        case 5:
          if (addr.is_v4()) out = t.table.on_arp(ifindex, {addr.v4(), m, rng.below(2) != 0, rng.below(2) != 0}, t.now);
          break;
        case 6:
          if (id != 0) t.table.confirm(id, t.now);
          break;
        case 7:
          if (id != 0) t.table.suspect(id, t.now);
          break;
        case 8:
          if (id != 0 && rng.below(4) == 0) t.table.remove(id, give_back);
          if (rng.below(100) == 0) t.table.remove_interface(ifindex, give_back);
          break;
        default: t.run(Duration{static_cast<i64>(rng.below(4'000'000'000))});
      }
      back += t.drain(out).size();
      ASSERT_LE(t.table.size(), config.max_entries);
      ASSERT_LE(t.table.incomplete(), config.max_incomplete);
      u32 incomplete = 0, pending = 0, all = 0;
      t.table.for_each([&](u32, const Neighbour& e) {
        ++all;
        incomplete += e.state == Nud::incomplete ? 1 : 0;
        pending += e.pending_n;
        ASSERT_TRUE(e.pending_n == 0 || e.state == Nud::incomplete);
      });
      ASSERT_EQ(all, t.table.size());
      ASSERT_EQ(incomplete, t.table.incomplete());
      ASSERT_EQ(pending, t.table.pending());
      ASSERT_EQ(back + t.dropped.size() + pending, next_packet) << "no packet is lost or given back twice";
    }
    t.run(20_s);
    EXPECT_EQ(t.table.pending(), 0u);
  }
}

}  // namespace
}  // namespace weir::link

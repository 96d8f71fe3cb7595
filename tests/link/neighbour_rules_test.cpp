// What is heard, against the tables of RFC 4861 7.2.3, 7.2.5, Appendix C and the rule of RFC 826; attacks A03 to A05, A27, A28.
#include "tests/link/neighbour_fixture.hpp"

namespace weir::link {
namespace {

constexpr Nud known[] = {Nud::reachable, Nud::stale, Nud::delay, Nud::probe};

struct Na {
  bool mac_given, mac_differs, solicited, override_, router;
};

// RFC 4861 7.2.5, the part about entries that are not INCOMPLETE, written down once more as the RFC says it.
struct Expected {
  Nud state;
  bool new_mac, router;
};
Expected rfc4861_7_2_5(Nud before, bool was_router, const Na& na) {
  const bool differs = na.mac_given && na.mac_differs;
  if (!na.override_ && differs) return {before == Nud::reachable ? Nud::stale : before, false, was_router};
  Expected e{before, differs, na.router};
  if (na.solicited) e.state = Nud::reachable;
  else if (differs) e.state = Nud::stale;
  return e;
}

TEST(neighbour_attack_a28, advertisements_about_known_neighbours_follow_the_table_of_rfc4861_7_2_5) {
  for (Nud before : known)
    for (u32 bits = 0; bits < 64; ++bits) {
      const Na na{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0, (bits & 16) != 0};
      const bool was_router = (bits & 32) != 0;
      Table t;
      const u32 id = t.make(Nud::stale);
      if (was_router) t.table.on_router(1, ip6(1), mac(1), t.now);
      if (before == Nud::reachable) t.table.confirm(id, t.now);
      if (before == Nud::delay || before == Nud::probe) static_cast<void>(t.table.use(id, t.now));
      if (before == Nud::probe) t.run(5001_ms);
      ASSERT_EQ(t.table[id].state, before);
      std::optional<MacAddr> given;
      if (na.mac_given) given = mac(na.mac_differs ? 2 : 1);
      const NeighbourOutcome out = t.table.on_advertisement(
          1, ip6(1), {.mac = given, .router = na.router, .solicited = na.solicited, .override_ = na.override_}, t.now);
      const Expected e = rfc4861_7_2_5(before, was_router, na);
      SCOPED_TRACE(std::string(name(before)) + " " + std::to_string(bits));
      EXPECT_EQ(t.table[id].state, e.state);
      EXPECT_EQ(t.table[id].mac, mac(e.new_mac ? 2 : 1));
      EXPECT_EQ(t.table[id].is_router, e.router);
      EXPECT_EQ(out.mac_changed, e.new_mac);
      EXPECT_EQ(out.router_lost, was_router && !e.router);
    }
}

TEST(neighbour_attack_a28, advertisements_about_incomplete_neighbours) {
  for (u32 bits = 0; bits < 16; ++bits) {
    Table t;
    const u32 id = t.make(Nud::incomplete);
    std::optional<MacAddr> given;
    if ((bits & 1) != 0) given = mac(1);
    const bool solicited = (bits & 2) != 0, router = (bits & 8) != 0;
    t.table.on_advertisement(1, ip6(1), {given, router, solicited, (bits & 4) != 0}, t.now);
    SCOPED_TRACE(bits);
    if (!given) {
      EXPECT_EQ(t.table[id].state, Nud::incomplete) << "without an address it says nothing";
      continue;
    }
    EXPECT_EQ(t.table[id].state, solicited ? Nud::reachable : Nud::stale) << "the override flag is ignored";
    EXPECT_EQ(t.table[id].is_router, router);
  }
}

TEST(neighbour_attack_a28, an_unsolicited_advertisement_creates_nothing_on_a_host_and_stale_on_a_router) {
  Table t;
  EXPECT_EQ(t.table.on_advertisement(1, ip6(1), {.mac = mac(1), .override_ = true}, t.now).id, 0u);
  EXPECT_EQ(t.table.on_advertisement(1, ip6(1), {.mac = mac(1), .solicited = true, .may_create = true}, t.now).id, 0u);
  EXPECT_EQ(t.table.size(), 0u);
  const u32 id = t.table.on_advertisement(1, ip6(1), {.mac = mac(1), .override_ = true, .may_create = true}, t.now).id;
  ASSERT_NE(id, 0u);
  EXPECT_EQ(t.table[id].state, Nud::stale);
}

TEST(neighbour_attack_a28, a_group_or_zero_is_nobodys_link_layer_address) {
  Table t;
  const u32 id = t.make(Nud::incomplete, ip4(1));
  for (const MacAddr& bad : {MacAddr{}, MacAddr::broadcast(), MacAddr{{1, 0, 0x5e, 0, 0, 1}}}) {
    EXPECT_EQ(t.table.on_solicitation(1, ip4(2), bad, t.now).id, 0u);
    t.table.on_advertisement(1, ip4(1), {.mac = bad, .solicited = true}, t.now);
    t.table.on_arp(1, {.sender = {1}, .mac = bad, .reply = true, .target_is_us = true}, t.now);
  }
  EXPECT_EQ(t.table[id].state, Nud::incomplete);
}

TEST(neighbour, a_solicitation_records_its_source_as_stale_and_changes_nothing_that_is_the_same) {
  for (Nud before : known) {
    Table t;
    const u32 id = t.make(before);
    EXPECT_FALSE(t.table.on_solicitation(1, ip6(1), mac(1), t.now).mac_changed);
    EXPECT_EQ(t.table[id].state, before);
    EXPECT_TRUE(t.table.on_solicitation(1, ip6(1), mac(2), t.now).mac_changed);
    EXPECT_EQ(t.table[id].state, Nud::stale);
    EXPECT_EQ(t.table[id].mac, mac(2));
  }
  Table t;
  const u32 id = t.make(Nud::incomplete);
  static_cast<void>(t.table.use(id, t.now));
  EXPECT_FALSE(t.table.enqueue(id, packet(1)));
  const NeighbourOutcome out = t.table.on_solicitation(1, ip6(1), mac(1), t.now);
  EXPECT_EQ(t.drain(out).size(), 1u);
  EXPECT_EQ(t.table[id].state, Nud::delay) << "what waited is sent now, so the address is to be proved";
}

// RFC 826: merge; then, if we are the target, add.
TEST(neighbour, arp_creates_for_requests_to_us_only) {
  for (u32 bits = 0; bits < 4; ++bits) {
    Table t;
    const bool reply = (bits & 1) != 0, us = (bits & 2) != 0;
    t.table.on_arp(1, {.sender = {7}, .mac = mac(1), .reply = reply, .target_is_us = us}, t.now);
    EXPECT_EQ(t.table.size(), us && !reply ? 1u : 0u) << bits;
  }
}

TEST(neighbour, an_arp_reply_to_our_request_resolves_and_proves) {
  Table t;
  const u32 id = t.make(Nud::incomplete, ip4(7));
  static_cast<void>(t.table.use(id, t.now));
  EXPECT_FALSE(t.table.enqueue(id, packet(1)));
  const NeighbourOutcome out = t.table.on_arp(1, {.sender = {7}, .mac = mac(1), .reply = true, .target_is_us = true}, t.now);
  EXPECT_EQ(t.drain(out).size(), 1u);
  EXPECT_EQ(t.table[id].state, Nud::reachable);

  const u32 probed = t.make(Nud::probe, ip4(8), mac(2));
  t.table.on_arp(1, {.sender = {8}, .mac = mac(2), .reply = true, .target_is_us = true}, t.now);
  EXPECT_EQ(t.table[probed].state, Nud::reachable);
}

TEST(neighbour, a_gratuitous_arp_updates_who_is_known_and_proves_nothing) {
  Table t;
  const u32 id = t.make(Nud::reachable, ip4(7));
  t.run(2_s);
  EXPECT_TRUE(t.table.on_arp(1, {.sender = {7}, .mac = mac(9)}, t.now).mac_changed);
  EXPECT_EQ(t.table[id].state, Nud::stale);
  EXPECT_EQ(t.table[id].mac, mac(9));
}

TEST(neighbour_attack_a03, unsolicited_replies_create_nothing_and_change_an_entry_once_per_lock_time) {
  Table t;
  for (u32 i = 0; i < 1000; ++i) t.table.on_arp(1, {.sender = {0x0a000001}, .mac = mac(i), .reply = true, .target_is_us = true}, t.now);
  EXPECT_EQ(t.table.size(), 0u);
  EXPECT_EQ(t.table.counters().read(NeighbourCounter::unsolicited_ignored), 1000u);

  const u32 gateway = t.make(Nud::reachable, ip4(0x0a000001), mac(1'000'000));
  u32 changes = 0;
  for (u32 i = 0; i < 10'000; ++i) {  // 1,000 a second for 10 seconds
    t.run(1_ms);
    changes += t.table.on_arp(1, {.sender = {0x0a000001}, .mac = mac(i), .reply = true, .target_is_us = true}, t.now).mac_changed;
  }
  EXPECT_LE(changes, 10u);
  EXPECT_EQ(t.table.counters().read(NeighbourCounter::mac_change_refused), 10'000u - changes);
  EXPECT_NE(t.table[gateway].state, Nud::reachable) << "what a stranger said is to be proved";
}

TEST(neighbour_attack_a04, a_million_spoofed_senders_evict_no_confirmed_neighbour) {
  Table t{{.max_entries = 1024}};
  std::vector<u32> peers;
  for (u32 i = 0; i < 100; ++i) peers.push_back(t.make(Nud::reachable, ip4(0x0a000000 + i), mac(i + 1)));
  for (u32 i = 0; i < 1'000'000; ++i) {
    t.table.on_arp(1, {.sender = {0x0b000000 + i}, .mac = mac(i), .target_is_us = true}, t.now);
    if (i % 10'000 == 0) {
      for (u32 id : peers) t.table.confirm(id, t.now);
      t.run(1_s);
    }
    ASSERT_LE(t.table.size(), 1024u);
  }
  for (u32 i = 0; i < 100; ++i) {
    ASSERT_EQ(t.table.lookup(1, ip4(0x0a000000 + i)), peers[i]);
    EXPECT_EQ(t.table.use(peers[i], t.now).reach, Reach::ready);
    EXPECT_EQ(t.table[peers[i]].mac, mac(i + 1));
  }
}

TEST(neighbour_attack_a04, when_all_are_confirmed_a_stranger_is_refused) {
  Table t{{.max_entries = 10}};
  for (u32 i = 0; i < 10; ++i) t.make(Nud::reachable, ip6(i));
  EXPECT_EQ(t.table.get_or_create(1, ip6(99), t.now), 0u);
  EXPECT_EQ(t.table.counters().read(NeighbourCounter::refused_full), 1u);
  t.run(200_s);
  EXPECT_NE(t.table.get_or_create(1, ip6(99), t.now), 0u) << "who was not proved for two minutes makes room";
}

// One that was proved, did not answer and is heard of again is alive: it is not the first to go.
TEST(neighbour_attack_a04, who_is_heard_of_again_is_no_longer_among_the_dead) {
  Table t{{.max_entries = 2}};
  const u32 back = t.make(Nud::reachable, ip6(1), mac(1));
  t.run(60_s);
  static_cast<void>(t.table.use(back, t.now));  // stale: it is used, and asked
  while (t.table[back].state != Nud::failed) t.run(100_ms);
  const u32 stranger = t.make(Nud::stale, ip6(2), mac(2));
  t.table.on_solicitation(1, ip6(1), mac(1), t.now);
  ASSERT_EQ(t.table[back].state, Nud::stale);
  t.make(Nud::stale, ip6(3), mac(3));
  EXPECT_EQ(t.table.lookup(1, ip6(1)), back);
  EXPECT_EQ(t.table.lookup(1, ip6(2)), 0u) << stranger << " was heard of before";
}

TEST(neighbour_attack_a05, sending_to_65000_dead_hosts_asks_each_once_a_second_and_frees_all) {
  Table t;
  std::vector<std::vector<Instant>> asked(65'536);
  u32 sent = 0, refused = 0;
  usize back = 0;
  const auto host_of = [&](u32 id) { return t.table[id].addr.v4().host & 0xffff; };
  for (u32 round = 0; round < 10; ++round)
    for (u32 host = 0; host < 65'536; ++host) {
      ++sent;
      const u32 id = t.table.get_or_create(1, ip4(0x0a000000 + host), t.now);
      if (id == 0) {
        ++refused;
        continue;
      }
      const NeighbourUse use = t.table.use(id, t.now);
      if (use.solicit) asked[host].push_back(t.now);
      if (use.reach == Reach::failed || t.table.enqueue(id, packet(sent))) ++back;
      if (host % 64 != 0) continue;
      t.now = t.now + 1_ms;
      t.table.advance(t.now, 1000, [&](NeighbourAction& a) {
        if (a.kind == Kind::solicit_multicast) asked[host_of(a.id)].push_back(t.now);
        t.table.drain(a.pending, [&](buf::PacketId) { ++back; });
      });
      ASSERT_LE(t.table.incomplete(), 2048u);
      ASSERT_LE(t.table.pending(), 4096u);
    }
  t.run(10_s);
  back += t.dropped.size();
  for (const auto& times : asked)
    for (usize i = 1; i < times.size(); ++i) ASSERT_GE(times[i] - times[i - 1], 1_s);
  EXPECT_EQ(back + refused, sent);
  EXPECT_EQ(t.table.size(), 0u);
  EXPECT_EQ(t.table.pending(), 0u);
}

TEST(neighbour_attack_a27, a_scan_of_a_subnet_leaves_the_peers_and_bounds_the_solicitations) {
  Table t;
  const u32 peer = t.make(Nud::reachable, ip6(1));
  Rng rng = Rng::seeded(3);
  const u32 seconds = 20;
  u32 resolved = 0, solicited = 0;
  for (u32 ms = 0; ms < seconds * 1000; ++ms) {
    for (u32 i = 0; i < 100; ++i) {  // 100,000 a second
      const u32 id = t.table.get_or_create(1, ip6(static_cast<u32>(rng.next_u64()) | 0x8000'0000u), t.now);
      if (id != 0 && t.table.use(id, t.now).solicit) ++solicited;
      ASSERT_LE(t.table.incomplete(), 2048u);
    }
    EXPECT_EQ(t.table.use(peer, t.now).reach, Reach::ready);
    if (ms % 1000 == 0) {  // a neighbour that speaks first is known without asking
      const u32 n = 2 + ms / 1000;
      t.table.on_solicitation(1, ip6(n), mac(n), t.now);
      resolved += t.table.use(t.table.get_or_create(1, ip6(n), t.now), t.now).reach == Reach::ready ? 1 : 0;
    }
    const usize before = t.count(Kind::solicit_unicast);
    t.run(1_ms);
    if (t.count(Kind::solicit_unicast) != before)  // the peer answers its probe
      t.table.on_advertisement(1, ip6(1), {.mac = mac(1), .solicited = true}, t.now);
  }
  const usize multicast = solicited + t.count(Kind::solicit_multicast);
  EXPECT_LE(multicast, 1024u + (1024u + 1024u) * seconds) << "burst, new ones, and repeats while it was not crowded";
  EXPECT_EQ(resolved, seconds);
  EXPECT_EQ(t.table.lookup(1, ip6(1)), peer);
}

}  // namespace
}  // namespace weir::link

#include <algorithm>
#include <numeric>

#include "tests/ip/reassembly_fixture.hpp"

namespace weir::ip {
namespace {

TEST(reassembly, fragments_in_any_order_make_the_datagram) {
  std::vector<u32> order{0, 1, 2, 3};
  do {
    Bench b;
    //= rfc1122#3.3.2 I103, I104
    //= rfc1122#3.2.1.4 I16
    for (usize i = 0; i < 4; ++i) {
      const u32 n = order[i];
      EXPECT_EQ(b.add(n * 1480, n == 3 ? 100 : 1480, n != 3), i == 3 ? What::complete : What::held);
    }
    ASSERT_EQ(b.wholes.size(), 1u);
    EXPECT_EQ(b.wholes[0].length, 3u * 1480 + 100);
    EXPECT_EQ(b.reassembly.datagrams(), 0u);
    EXPECT_EQ(b.reassembly.bytes(), 0u);
  } while (std::ranges::next_permutation(order).found);
}

TEST(reassembly, a_datagram_of_65535_bytes_is_put_together) {
  Bench b;
  //= rfc1122#3.3.2 I105
  for (u32 at = 0; at < 65'515; at += 1480) b.add(at, std::min(1480u, 65'515 - at), at + 1480 < 65'515);
  ASSERT_EQ(b.wholes.size(), 1u);
  EXPECT_EQ(b.wholes[0].length, 65'515u);
}

TEST(reassembly, an_exact_duplicate_is_ignored) {
  Bench b;
  b.add(0, 800, true);
  EXPECT_EQ(b.add(0, 800, true), What::dropped);
  b.add(800, 808, true);
  b.add(1608, 10, false);
  EXPECT_EQ(b.wholes.size(), 1u);
  EXPECT_EQ(b.reassembly.counters().read(ReassemblyCounter::duplicates), 1u);
}

TEST(reassembly, after_the_timeout_it_is_given_up_and_time_exceeded_needs_fragment_zero) {
  Bench b;
  b.add(Bench::key(1), Bench::fragment(0, 800, true));
  b.add(Bench::key(1), Bench::fragment(1600, 800, true));
  b.add(Bench::key(2), Bench::fragment(800, 800, true));
  EXPECT_EQ(b.reassembly.next_deadline(), b.now + 60_s);
  EXPECT_TRUE(b.expire(60_s - 1_ns).empty());
  //= rfc1122#3.3.2 I107, I108
  const auto expired = b.expire(1_ns);
  ASSERT_EQ(expired.size(), 2u);
  EXPECT_EQ(expired[0].first, static_cast<buf::PacketId>(0));
  EXPECT_EQ(expired[0].key, Bench::key(1));
  EXPECT_EQ(expired[1].first, buf::PacketId::none);
  EXPECT_EQ(b.dropped.size(), 3u);
  EXPECT_EQ(b.reassembly.next_deadline(), Instant::never());
  EXPECT_EQ(b.reassembly.bytes(), 0u);
}

TEST(reassembly, the_timeout_runs_from_the_first_fragment_whatever_comes_later) {
  Bench b;
  b.add(0, 800, true);
  b.now = b.now + 59_s;
  b.add(1600, 800, true);
  EXPECT_EQ(b.expire(1_s).size(), 1u);
}

TEST(reassembly, lengths_that_cannot_be_are_refused) {
  Bench b;
  EXPECT_EQ(b.add(0, 801, true), What::dropped) << "only the last may end anywhere";
  EXPECT_EQ(b.add(804, 800, true), What::dropped);
  EXPECT_EQ(b.add(800, 0, false), What::dropped);
  for (const auto& [packet, why] : b.dropped) EXPECT_EQ(why, Drop::frag_bad) << packet;
  EXPECT_EQ(b.reassembly.datagrams(), 0u);
}

TEST(reassembly, fragments_must_agree_where_the_datagram_ends) {
  const Piece cases[][2] = {{{1600, 80, false, 0}, {2400, 80, false, 0}}, {{2400, 80, false, 0}, {1600, 80, false, 0}},
                            {{2400, 80, true, 0}, {1600, 80, false, 0}},  {{1600, 80, false, 0}, {2400, 80, true, 0}},
                            {{1600, 80, true, 0}, {1600, 80, false, 0}},  {{1600, 80, false, 0}, {1600, 80, true, 0}}};
  for (const auto& c : cases) {
    Bench b;
    EXPECT_EQ(b.add(c[0].offset, c[0].length, c[0].more), What::held);
    EXPECT_EQ(b.add(c[1].offset, c[1].length, c[1].more), What::dropped);
    EXPECT_EQ(b.dropped.size(), 2u);
    EXPECT_EQ(b.add(0, 800, true), What::dropped) << "and the rest of it until the timeout";
  }
}

TEST(reassembly_attack_a12, ping_of_death_is_dropped_and_its_queue_freed) {
  for (const u16 header : {u16{20}, u16{0}}) {  // IPv4, and IPv6 without further headers
    Bench b;
    b.add(0, 800, true);
    Fragment last = Bench::fragment(8191 * 8, 1480, false);
    last.header_length = header;
    EXPECT_EQ(b.add(Bench::key(), last), What::dropped);
    EXPECT_EQ(b.dropped.at(1), Drop::frag_too_long);
    EXPECT_EQ(b.reassembly.fragments(), 0u);
    EXPECT_EQ(b.reassembly.datagrams(), 0u);
  }
  Bench b;  // the header counts too
  Fragment last = Bench::fragment(65'512, 4, false);  // 65,516 and 20
  EXPECT_EQ(b.add(Bench::key(), last), What::dropped);
  last.header_length = 0;
  EXPECT_EQ(b.add(Bench::key(), last), What::held);
}

// The 13 relations of J. Allen, "Maintaining knowledge about temporal intervals", of [a, b) to [c, d).
TEST(reassembly_attack_a13, every_relation_of_two_fragments_in_both_orders_with_duplicates) {
  u32 relations = 0;
  std::map<std::array<int, 4>, int> seen;
  for (u32 a = 0; a < 40; a += 8)
    for (u32 z = a + 8; z <= 40; z += 8)
      for (u32 c = 0; c < 40; c += 8)
        for (u32 d = c + 8; d <= 40; d += 8) {
          const auto sign = [](u32 x, u32 y) { return x < y ? -1 : (x > y ? 1 : 0); };
          relations += seen[{sign(a, c), sign(a, d), sign(z, c), sign(z, d)}]++ == 0 ? 1 : 0;
          const bool equal = a == c && z == d;
          const bool overlap = a < d && c < z && !equal;
          for (int order = 0; order < 2; ++order)
            for (int dup = 0; dup < 2; ++dup) {
              Bench b;
              // All of it lies behind fragment zero and before the last one.
              const Fragment one = Bench::fragment(80 + a, z - a, true), two = Bench::fragment(80 + c, d - c, true);
              b.add(Bench::key(), order == 0 ? one : two);
              if (dup != 0) b.add(Bench::key(), order == 0 ? one : two);
              const What what = b.add(Bench::key(), order == 0 ? two : one);
              EXPECT_EQ(what, equal || overlap ? What::dropped : What::held);
              EXPECT_EQ(b.reassembly.counters().read(ReassemblyCounter::overlaps), overlap ? 1u : 0u);
              EXPECT_EQ(b.reassembly.fragments() == 0, overlap);
              // Fill the rest: a datagram comes out only if nothing overlapped, and it has no gap and no mixture.
              b.add(0, 80, true);
              for (u32 at = 0; at < 40; at += 8)
                if (!(a <= at && at < z) && !(c <= at && at < d)) b.add(80 + at, 8, true);
              b.add(120, 8, false);
              EXPECT_EQ(b.wholes.size(), overlap ? 0u : 1u);
              EXPECT_EQ(b.accounted(), b.next_packet);
              b.expire(60_s);
              EXPECT_EQ(b.reassembly.datagrams(), 0u);
            }
        }
  EXPECT_EQ(relations, 13u);
}

TEST(reassembly_attack_a13, after_an_overlap_the_id_is_dead_until_the_timeout) {
  Bench b;
  b.add(0, 800, true);
  b.add(792, 800, true);
  EXPECT_EQ(b.add(1600, 80, false), What::dropped);
  EXPECT_EQ(b.add(0, 800, true), What::dropped);
  EXPECT_EQ(b.reassembly.fragments(), 0u);
  EXPECT_TRUE(b.expire(60_s).empty()) << "nobody is told";
  EXPECT_EQ(b.add(0, 800, true), What::held);
}

TEST(reassembly_attack_a14, the_first_fragment_holds_the_transport_header_and_no_other_reaches_into_it) {
  EXPECT_EQ(check_fragment_start(6, 0, 8), Drop::frag_tiny);
  EXPECT_EQ(check_fragment_start(6, 0, 16), Drop::frag_tiny);
  EXPECT_EQ(check_fragment_start(6, 0, 24), Drop::none);
  EXPECT_EQ(check_fragment_start(6, 8, 800), Drop::frag_tiny);  // RFC 3128: FO=1
  EXPECT_EQ(check_fragment_start(6, 16, 800), Drop::frag_tiny);
  EXPECT_EQ(check_fragment_start(6, 24, 800), Drop::none);
  EXPECT_EQ(check_fragment_start(17, 0, 8), Drop::none);
  EXPECT_EQ(check_fragment_start(17, 0, 7), Drop::frag_tiny);
  EXPECT_EQ(check_fragment_start(17, 8, 8), Drop::none);
  Bench b;
  Fragment f = Bench::fragment(0, 8, true);
  f.protocol = 6;
  EXPECT_EQ(b.add(Bench::key(1, 1, 6), f), What::dropped);
  f = Bench::fragment(8, 400, true);
  f.protocol = 6;
  EXPECT_EQ(b.add(Bench::key(1, 1, 6), f), What::dropped);
  EXPECT_EQ(b.reassembly.datagrams(), 0u);
}

TEST(reassembly_attack_a15, a_million_first_fragments_stay_below_the_cap_and_legitimate_ones_pass) {
  for (const bool spoofed : {false, true}) {
    Bench b;
    Rng rng = Rng::seeded(2);
    for (u32 i = 0; i < 1'000'000; ++i) {
      const u32 src = spoofed ? static_cast<u32>(rng.next_u64()) : 0x0b000001;
      b.add(Bench::key(i, src), Bench::fragment(0, 1480, true));
      if (i % 100 == 0) {  // one fragment of a legitimate datagram of four beside each 100 of them
        const u32 part = i / 100 % 4;
        b.add(Bench::key(i / 400, 0x0a000009), Bench::fragment(part * 1480, 1480, part != 3));
      }
      ASSERT_LE(b.reassembly.bytes(), 4u << 20);
      if (b.dropped.size() > 100'000) b.dropped.clear();
    }
    EXPECT_GE(b.wholes.size(), 2500u * 95 / 100);
    b.expire(60_s);
    EXPECT_EQ(b.reassembly.bytes(), 0u);
    EXPECT_EQ(b.reassembly.fragments(), 0u);
  }
}

TEST(reassembly_attack_a15, eight_thousand_tiny_fragments_cost_little_each_and_are_bounded) {
  Bench b;
  Rng rng = Rng::seeded(3);
  std::vector<u32> order(8000);
  std::iota(order.begin(), order.end(), 1u);
  for (usize i = order.size() - 1; i > 0; --i) std::swap(order[i], order[rng.below(i + 1)]);
  for (const u32 n : order) {
    b.add(n * 8, 8, true);
    ASSERT_LE(b.reassembly.fragments(), 128u);
  }
  EXPECT_EQ(b.reassembly.fragments(), 0u) << "over the limit the datagram is given up, and its id with it";
  EXPECT_EQ(b.reassembly.datagrams(), 1u);
}

TEST(reassembly_attack_a16, ids_are_apart_by_addresses_protocol_and_namespace) {
  const FragmentKey base = Bench::key(7);
  std::vector<FragmentKey> others(5, base);
  others[0].src = Ip4Addr{0x0a0000ff};
  others[1].dst = Ip4Addr{0x0a0000ff};
  others[2].protocol = 1;
  others[3].netns = 2;
  others[4].id = 8;
  for (const FragmentKey& other : others) {
    Bench b;
    b.add(base, Bench::fragment(0, 800, true));
    EXPECT_EQ(b.add(other, Bench::fragment(800, 8, false)), What::held);
    EXPECT_EQ(b.reassembly.datagrams(), 2u);
    EXPECT_EQ(b.add(base, Bench::fragment(800, 8, false)), What::complete);
    EXPECT_EQ(b.wholes[0].ranges.size(), 2u);
  }
}

TEST(reassembly_attack_a21, an_atomic_fragment_leaves_a_queue_of_the_same_id_alone) {
  Bench b;
  b.add(0, 800, true);
  EXPECT_EQ(b.add(0, 500, false), What::complete);
  EXPECT_EQ(b.add(800, 8, false), What::complete);
  ASSERT_EQ(b.wholes.size(), 2u);
  EXPECT_EQ(b.wholes[0].length, 500u);
  EXPECT_EQ(b.wholes[1].length, 808u);
}

TEST(reassembly_rfc3168, ecn_bits_of_the_fragments_are_combined) {
  constexpr u8 not_ect = 0, ect1 = 1, ect0 = 2, ce = 3;
  const struct {
    u8 first, second;
    int want;  // -1: dropped
  } cases[] = {{not_ect, not_ect, not_ect}, {ect0, ect0, ect0}, {ect0, ce, ce},           {ce, ect1, ce},     {ce, ce, ce},
               {not_ect, ce, -1},           {ce, not_ect, -1},  {ect0, not_ect, not_ect}, {ect0, ect1, ect0}, {ect1, ect0, ect1}};
  for (const auto& c : cases) {
    Bench b;
    Fragment f = Bench::fragment(0, 800, true);
    f.ecn = c.first;
    b.add(Bench::key(), f);
    f = Bench::fragment(800, 8, false);
    f.ecn = c.second;
    EXPECT_EQ(b.add(Bench::key(), f), c.want < 0 ? What::dropped : What::complete);
    if (c.want >= 0) {
      EXPECT_EQ(b.wholes[0].ecn, c.want);
    }
    EXPECT_EQ(b.accounted(), 2u);
    EXPECT_EQ(b.reassembly.datagrams(), 0u);
  }
}

TEST(reassembly, what_a_namespace_has_goes_with_it) {
  Bench b;
  FragmentKey other = Bench::key(1);
  other.netns = 2;
  b.add(Bench::key(1), Bench::fragment(0, 800, true));
  b.add(Bench::key(2), Bench::fragment(0, 800, true));
  b.add(other, Bench::fragment(0, 800, true));
  u32 n = 0;
  b.reassembly.remove_netns(1, [&](buf::PacketId) { ++n; });
  EXPECT_EQ(n, 2u);
  EXPECT_EQ(b.reassembly.datagrams(), 1u);
}

// -- against a reassembler that keeps every byte

struct NaiveDatagram {
  std::vector<Piece> pieces;
  bool dead = false;
};

// What must happen to a datagram, by comparing each piece with each other. Nothing: held.
std::optional<u32> naive_add(NaiveDatagram& d, const Piece& p, bool& overlapped) {
  overlapped = false;
  if (d.dead) return {};
  u32 end = 0;
  for (const Piece& o : d.pieces) {
    if (o.offset == p.offset && o.length == p.length && o.more == p.more) return {};  // duplicate
    overlapped = overlapped || (o.offset < p.offset + p.length && p.offset < o.offset + o.length);
    const u32 oe = o.offset + o.length, pe = p.offset + p.length;
    overlapped = overlapped || (!o.more && (pe > oe || (p.more && pe == oe))) || (!p.more && (oe > pe || (o.more && oe == pe)));
  }
  if (overlapped) {
    d.dead = true;
    d.pieces.clear();
    return {};
  }
  d.pieces.push_back(p);
  u32 total = 0;
  bool last = false;
  for (const Piece& o : d.pieces) {
    total += o.length;
    if (o.more) continue;
    last = true;
    end = o.offset + o.length;
  }
  if (!last || total != end) return {};
  d.pieces.clear();
  return end;
}

TEST(reassembly_property, random_splits_orders_duplicates_and_overlaps_agree_with_a_naive_reassembler) {
  for (u64 seed = 1; seed <= 300; ++seed) {
    Bench b;
    Rng rng = Rng::seeded(seed);
    std::map<u32, NaiveDatagram> model;
    struct Job {
      u32 id;
      Piece piece;
    };
    std::vector<Job> jobs;
    for (u32 id = 0; id < 6; ++id) {
      const u32 length = 8 * static_cast<u32>(2 + rng.below(30)) + static_cast<u32>(rng.below(8));
      for (u32 at = 0; at < length;) {
        const u32 n = std::min(length - at, 8 * static_cast<u32>(1 + rng.below(6)));
        const bool more = at + n < length;
        jobs.push_back({id, {at, n, more, 0}});
        if (rng.below(6) == 0) jobs.push_back(jobs.back());
        if (rng.below(30) == 0)
          jobs.push_back(
              {id, {at + (at >= 8 && rng.below(2) != 0 ? 0u : 8u), 8 * static_cast<u32>(1 + rng.below(4)), rng.below(5) != 0, 1}});
        at += n;
      }
    }
    for (usize i = jobs.size() - 1; i > 0; --i) {
      const usize reach = rng.below(2) != 0 ? i + 1 : std::min<usize>(i + 1, 4);
      std::swap(jobs[i], jobs[i - rng.below(reach)]);
    }
    for (const Job& j : jobs) {
      if (j.piece.offset == 0 && !j.piece.more) continue;
      bool overlapped = false;
      const auto want = naive_add(model[j.id], j.piece, overlapped);
      const usize before = b.wholes.size();
      b.add(Bench::key(j.id), Bench::fragment(j.piece.offset, j.piece.length, j.piece.more));
      ASSERT_EQ(b.wholes.size() - before, want ? 1u : 0u) << "seed " << seed;
      if (want) {
        ASSERT_EQ(b.wholes.back().length, *want);
        model.erase(j.id);
      }
      ASSERT_EQ(b.accounted(), b.next_packet) << "every packet is held, given or dropped, once";
    }
    b.expire(60_s);
    EXPECT_EQ(b.reassembly.datagrams(), 0u);
    EXPECT_EQ(b.reassembly.bytes(), 0u);
    EXPECT_EQ(b.accounted(), b.next_packet);
  }
}

}  // namespace
}  // namespace weir::ip

// A73, A74, A75: memory that a peer can make us hold (SegmentSmack CVE-2018-5390 and 6922, sockstress CVE-2008-4609).
#include "tests/attacks/victim.hpp"

namespace weir::attacks {
namespace {

u64 held_bytes(Victim& h) {
  const u64 small = 4'096 - h.pool.small_available(), large = 1'024 - h.pool.large_available();
  return small * buf::Pool::small_stride + large * buf::Pool::large_stride;
}

constexpr u32 window = 128 * 1'024;
// Twice the buffer, plus what is free of charge: a large buffer for each queue, one more that is being filled, and one for
// each range out of order that is only just begun.
constexpr u64 cap = 2 * window + 4 * buf::Pool::large_stride;

Sysctl small_window() {
  Sysctl s;
  s.tcp_rmem = window;
  s.tcp_moderate_rcvbuf = false;
  return s;
}

enum class Order { reverse, random, odd_then_even, outside_in };

std::vector<u32> places_of(Order order, u32 n) {
  std::vector<u32> at(n);
  for (u32 i = 0; i < n; ++i) at[i] = i;
  Rng random = Rng::seeded(5);
  switch (order) {
    case Order::reverse: std::reverse(at.begin(), at.end()); break;
    case Order::random:
      for (u32 i = n; i > 1; --i) std::swap(at[i - 1], at[random.below(i)]);
      break;
    case Order::odd_then_even: std::stable_partition(at.begin(), at.end(), [](u32 i) { return i % 2 == 1; }); break;
    case Order::outside_in:
      for (u32 i = 0; i < n; ++i) at[i] = i % 2 != 0 ? i / 2 : n - 1 - i / 2;
      break;
  }
  return at;
}

// The whole window in pieces of `size`, in this order, and again until all of it has been taken.
void smack(const Place& place, Order order, u32 size) {
  SCOPED_TRACE(testing::Message() << "order " << static_cast<int>(order) << " size " << size);
  Victim h(place, small_window());
  Peer p(h);
  const u32 c = p.open();
  const SeqNum start = p.next;
  const u32 pieces = size == 1 ? 6'000u : window / 2 / size;
  u64 most = 0;
  for (int round = 0; round < 200 && h.tcb(c).rcv_nxt != start + pieces * size; ++round) {
    for (const u32 i : places_of(order, pieces)) {
      Seg s = p.make(F::ack, size);
      s.seq = start + i * size;
      if (s.seq < h.tcb(c).rcv_nxt) continue;
      h.inject(s);
      most = std::max(most, held_bytes(h));
      if (h.out.size() > 64) h.out.clear(h.pool);
    }
    h.out.clear(h.pool);
  }
  EXPECT_LE(most, cap);
  EXPECT_EQ(h.tcb(c).rcv_nxt, start + pieces * size);
  EXPECT_EQ(h.read(c).size(), pieces * size);
  h.sent();
  h.drain({c, p.listener});
}

TEST(attack_a73_segment_smack, one_byte_segments_in_any_order_hold_twice_the_window_at_most) {
  for (usize i = 0; i < 4; ++i) {
    SCOPED_TRACE(places[i].name);
    smack(places[i], static_cast<Order>(i), 1);
    for (const Order o : {Order::reverse, Order::random, Order::odd_then_even, Order::outside_in}) smack(places[i], o, 257);
  }
}

TEST(attack_a73_segment_smack, what_is_not_kept_is_counted_under_its_name) {
  everywhere([](const Place& place) {
    Victim h(place);
    Peer p(h);
    const u32 c = p.open();
    Seg s = p.make(F::ack, 1);
    const SeqNum base = s.seq;
    for (u32 i = 1; i <= tcp::Reassembly::max_ranges; ++i) {
      s.seq = base + 2 * i;
      ASSERT_EQ(h.hit(s).why, Drop::none);
    }
    EXPECT_EQ(h.hit(s).why, Drop::tcp_duplicate);
    s.seq = base + 2 * tcp::Reassembly::max_ranges + 2;
    EXPECT_EQ(h.hit(s).why, Drop::tcp_ooo_limit);
    s.seq = base + 1;  // nearer: touches the first, and needs no range
    EXPECT_EQ(h.hit(s).why, Drop::none);
    s.seq = base + 2 * tcp::Reassembly::max_ranges - 1;
    EXPECT_EQ(h.hit(s).why, Drop::none);
    h.drain({c, p.listener});
  });
}

TEST(attack_a73_segment_smack, a_peer_next_to_it_gets_on) {
  everywhere([](const Place& place) {
    Victim h(place, small_window());
    Peer bad(h);
    const u32 b = bad.open();
    h.here.port = 443;
    Peer good(h);
    const u32 g = good.open();
    u32 got = 0;
    for (u32 i = 0; i < 2'000; ++i) {
      h.here.port = 80;
      Seg s = bad.make(F::ack, 1);
      s.seq = s.seq + 2 * ((i * 7'919u) % 30'000u) + 1;
      h.inject(s);
      h.here.port = 443;
      good.data(1'000);
      got += static_cast<u32>(h.read(g).size());
      h.out.clear(h.pool);
    }
    EXPECT_EQ(got, 2'000'000u);
    EXPECT_LE(held_bytes(h), cap);
    h.drain({b, g, bad.listener, good.listener});
  });
}

// Text in order that nobody reads, in segments of `size`, until the window is shut; each in a buffer of its own.
void unread(const Place& place, u32 size, bool large_buffers, bool wide) {
  SCOPED_TRACE(testing::Message() << "size " << size << (large_buffers ? " in large buffers" : ""));
  Sysctl settings = small_window();
  settings.tcp_window_scaling = wide;
  Victim h(place, settings);
  Peer p(h, {.wscale = u8{0}});
  const u32 c = p.open();
  u64 most = 0;
  for (u32 sent = 0; sent < 8 * window && h.tcb(c).rcv_wnd() != 0; sent += size) {
    const u32 n = std::min(size, h.tcb(c).rcv_wnd());
    const auto frame = h.frame(p.make(F::ack | F::psh, n));
    p.next += n;
    buf::PacketId id = h.pool.from_bytes(frame);
    ASSERT_NE(id, buf::PacketId::none);
    buf::Packet& k = h.pool[id];
    if (large_buffers) {
      const buf::BufferId b = h.pool.alloc_large();
      std::memcpy(h.pool.data(b) + k.head, frame.data(), frame.size());
      h.pool.unref(k.slices[0].buffer);
      k.slices[0].buffer = b;
    }
    k.netns = Harness::ns, k.l3 = k.head, k.family = place.v6 ? 6 : 4, k.l4 = static_cast<u16>(k.l3 + (place.v6 ? 40 : 20));
    h.engine.receive({&id, 1}, h.now);
    h.out.clear(h.pool);
    most = std::max(most, held_bytes(h));
  }
  EXPECT_EQ(h.tcb(c).rcv_wnd(), 0u) << "the window shuts in the end";
  EXPECT_LE(h.engine.info(c).rx_bytes, window + window / 4);
  EXPECT_LE(most, cap);
  EXPECT_EQ(h.read(c).size(), p.next - (p.syn_ack.ack));
  h.drain({c, p.listener});
}

TEST(attack_a74_receive_overhead, small_segments_hold_twice_the_buffer_at_most) {
  everywhere([](const Place& place) {
    unread(place, 1, false, true);
    for (const bool large : {false, true})
      for (const u32 size : {255u, 256u, 300u, 536u, 1'000u, 1'460u}) unread(place, size, large, true);
    unread(place, 1, true, false);
    unread(place, 31, false, true);  // less than a unit of the scaled window each time
  });
}

// Half a window of efficient segments earns no right to waste the other half.
TEST(attack_a74_receive_overhead, what_the_reader_leaves_counts_too) {
  Victim h(places[0], small_window());
  Peer p(h, {.wscale = u8{0}});
  const u32 c = p.open();
  u64 most = 0;
  Rng random = Rng::seeded(3);
  for (int i = 0; i < 20'000; ++i) {
    const u32 n = std::min({h.tcb(c).rcv_wnd(), i % 100 < 50 ? 1'460u : static_cast<u32>(1 + random.below(700))});
    if (n != 0) p.data(n);
    if (random.below(4) == 0) h.read(c, random.below(3'000));
    h.out.clear(h.pool);
    most = std::max(most, held_bytes(h));
  }
  EXPECT_LE(most, cap);
  h.drain({c, p.listener});
}

// The rule of this stage: persist connections are bounded by the buffers of each and, once the user has gone, by time
// and number (orphans). Resetting the oldest of them when memory runs short (RFC 6429 4) comes with the memory limits.
TEST(attack_a75_sockstress, a_zero_window_holds_one_send_buffer_and_not_for_ever_once_closed) {
  everywhere([](const Place& place) {
    Sysctl settings;
    settings.tcp_wmem = 8'192;
    constexpr u64 most = 8'192 + buf::Pool::small_stride + buf::Pool::large_stride;  // the buffer, and the one being filled
    Victim h(place, settings);
    constexpr u16 n = 100;
    std::vector<std::unique_ptr<Peer>> peers;
    for (u16 i = 0; i < n; ++i) {
      h.here.port = h.peer.port = static_cast<u16>(1'000 + i);
      peers.push_back(std::make_unique<Peer>(h, PeerOptions{.window = 0}));
      ASSERT_NE(peers.back()->open(), 0u);
      while (h.write(peers.back()->conn, 2'000) != 0) {
      }
    }
    h.sent();
    EXPECT_LE(held_bytes(h), n * most);
    const auto acknowledge_probes = [&](Duration d) {
      const Instant end = h.now + d;
      while (h.now < end && h.engine.next_deadline() <= end) {
        h.pass(h.engine.next_deadline() - h.now);
        h.out.clear(h.pool);
        for (u16 i = 0; i < n; ++i) {
          h.here.port = h.peer.port = static_cast<u16>(1'000 + i);
          peers[i]->ack();
        }
        h.out.clear(h.pool);
      }
    };
    acknowledge_probes(1_s * 3'600);
    EXPECT_EQ(h.engine.connections(), 2u * n);  // MUST-37: they live, with their listeners
    EXPECT_LE(held_bytes(h), n * most);
    for (auto& p : peers) h.engine.close(p->conn, h.now), h.engine.close(p->listener, h.now);
    acknowledge_probes(1_s * 900);
    EXPECT_EQ(h.engine.connections(), 0u) << "nobody waits for what an orphan has left";
    h.drain({});
  });
}

TEST(attack_a75_sockstress, orphans_over_the_limit_are_reset) {
  everywhere([](const Place& place) {
    Sysctl settings;
    settings.tcp_max_orphans = 10;
    Victim h(place, settings);
    for (u16 i = 0; i < 50; ++i) {
      h.here.port = h.peer.port = static_cast<u16>(1'000 + i);
      Peer p(h, {.window = 0});
      const u32 c = p.open();
      h.write(c, 1'000);
      h.engine.close(p.listener, h.now);
      h.sent();
      h.engine.close(c, h.now);
      const auto out = h.sent();
      EXPECT_EQ(!out.empty() && out[0].has(F::rst), i >= 10) << i;
    }
    EXPECT_EQ(h.engine.connections(), 10u);
    EXPECT_EQ(h.count(Tcp::abort_on_memory), 40u);
    h.drain({});
  });
}

}  // namespace
}  // namespace weir::attacks

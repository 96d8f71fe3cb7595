// A76 and the window adversary: a peer that shrinks, shuts and dribbles its window, loses updates, or reads by the byte.
// Probes come at their exact times, nothing dies, and no segment is silly.
#include "tests/attacks/link.hpp"

namespace weir::attacks {
namespace {

struct Sent {
  i64 at_ms;
  Seg seg;
};

// What leaves in the next `d`; the peer answers each as told.
template <class Answer>
std::vector<Sent> watch(Victim& h, Duration d, Answer&& answer) {
  std::vector<Sent> all;
  const Instant start = h.now, end = start + d;
  for (;;) {
    for (Seg& s : h.sent()) {
      all.push_back({(h.now - start).ms(), s});
      answer(s);
    }
    if (!h.out.empty()) continue;
    if (h.engine.next_deadline() > end) break;
    h.now = std::max(h.now, h.engine.next_deadline());
    h.engine.advance(h.now, 100);
  }
  h.now = end;
  return all;
}

u32 bytes_of(const std::vector<Sent>& sent) {
  u32 n = 0;
  for (const Sent& s : sent) n += s.seg.len;
  return n;
}

TEST(window_adversary, a_day_of_zero_window_is_probed_at_exact_times) {
  //= rfc9293#3.8.6.1 MUST-36
  //= rfc9293#3.8.6.1 MUST-37
  //= rfc9293#3.8.6.1 SHLD-29
  //= rfc9293#3.8.6.1 SHLD-30
  everywhere([](const Place& place) {
    Victim h(place);
    Peer p(h, {.window = 0});
    const u32 c = p.open();
    h.tcb(c).rto_us = 300'000;
    EXPECT_EQ(h.write(c, 1'000), 1'000u);
    const auto out = watch(h, 24_s * 3'600, [&](const Seg&) { p.ack(); });
    i64 due = 0, gap = 300;
    ASSERT_GT(out.size(), 700u);
    for (const Sent& s : out) {
      due += gap;
      gap = std::min<i64>(gap * 2, 120'000);
      ASSERT_NEAR(static_cast<double>(s.at_ms), static_cast<double>(due), static_cast<double>(due) / 50'000 + 1);  // the tick of the wheel
      due = s.at_ms;
      EXPECT_EQ(s.seg.len, 0u);
      EXPECT_EQ(s.seg.seq, p.acked - 1);
    }
    EXPECT_EQ(h.state(c), State::established);
    p.window(60'000);
    p.ack();
    EXPECT_EQ(bytes_of(watch(h, 1_ms, [](const Seg&) {})), 1'000u);
    h.drain({c, p.listener});
  });
}

TEST(window_adversary, a_lost_update_costs_one_probe) {
  everywhere([](const Place& place) {
    Victim h(place);
    Peer p(h, {.window = 4'000});
    const u32 c = p.open();
    h.write(c, 20'000);
    EXPECT_EQ(bytes_of(watch(h, 1_ms, [](const Seg&) {})), 2u * h.engine.info(c).snd_mss) << "no silly tail";
    p.window(0);
    p.ack(h.tcb(c).snd_nxt);
    // The peer opens, and that segment is lost. The answer to the next probe says it again.
    p.window(20'000);
    const auto out = watch(h, 200_ms + 5_ms, [&](const Seg& s) {
      if (s.len == 0) p.ack();
    });
    ASSERT_GE(out.size(), 2u);
    EXPECT_EQ(out[0].seg.len, 0u);
    EXPECT_NEAR(static_cast<double>(out[0].at_ms), 200.0, 1.0);
    EXPECT_EQ(out[1].at_ms, out[0].at_ms);
    EXPECT_GT(out[1].seg.len, 0u);
    h.drain({c, p.listener});
  });
}

TEST(window_adversary, every_kind_of_shrinking_is_survived_for_hours) {
  //= rfc9293#3.8.6 MUST-34
  //= rfc9293#3.8.6 MUST-35
  //= rfc9293#3.8.6 SHLD-15
  //= rfc9293#3.8.6 SHLD-16
  //= rfc9293#3.8.6 SHLD-17
  everywhere([](const Place& place) {
    for (const u32 left : {0u, 1u, 100u, 1'459u, 1'460u, 3'000u, 8'000u}) {
      SCOPED_TRACE(left);
      Victim h(place);
      Peer p(h, {.window = 12'000});
      const u32 c = p.open();
      h.write(c, 40'000);
      const u32 flight = bytes_of(watch(h, 1_ms, [](const Seg&) {}));
      const SeqNum end = p.acked + flight;
      u32 room = left;
      p.window(room);
      p.ack();
      const auto out = watch(h, 6_s * 3'600, [&](const Seg& s) {
        EXPECT_LE(s.seq + s.len, end) << "new data into a window that shrank";
        const u32 taken = s.seq == p.acked ? std::min(s.len, room) : 0u;
        room -= taken;
        p.window(room);
        p.ack(p.acked + taken);  // it lives, and takes what it has still room for
      });
      EXPECT_GT(out.size(), 100u);
      EXPECT_EQ(h.state(c), State::established) << "it does not time out";
      p.window(40'000);
      p.ack(end);
      EXPECT_GT(bytes_of(watch(h, 1_ms, [](const Seg&) {})), 0u);
      h.drain({c, p.listener});
    }
  });
}

// MUST-35: after a shrink to nothing with nothing in flight there are probes, as for any zero window.
TEST(window_adversary, a_window_that_shrank_to_nothing_is_probed) {
  //= rfc9293#3.8.6 MUST-35
  everywhere([](const Place& place) {
    Victim h(place);
    Peer p(h, {.window = 12'000});
    const u32 c = p.open();
    h.write(c, 40'000);
    h.sent();
    p.window(0);
    p.ack(h.tcb(c).snd_nxt);  // the right edge is now 12,000 bytes and more to the left of where it could be
    EXPECT_EQ(h.engine.info(c).timer, tcp::Timer::persist);
    EXPECT_GE(watch(h, 10_s, [&](const Seg&) { p.ack(); }).size(), 5u);
    h.drain({c, p.listener});
  });
}

// A peer whose buffer is smaller than a segment would never get one otherwise.
TEST(attack_a76_silly_window, half_of_the_largest_window_is_worth_a_segment) {
  //= rfc9293#3.8.6.2.1 MUST-38
  everywhere([](const Place& place) {
    Victim h(place);
    Peer p(h, {.window = 1'000});
    const u32 c = p.open();
    h.write(c, 10'000);
    EXPECT_EQ(bytes_of(watch(h, 1_ms, [](const Seg&) {})), 1'000u);
    p.window(499);
    p.ack(p.acked + 1'000);
    EXPECT_EQ(bytes_of(watch(h, 1_ms, [](const Seg&) {})), 0u);
    p.window(500);
    p.ack();
    EXPECT_EQ(bytes_of(watch(h, 1_ms, [](const Seg&) {})), 500u);
    h.drain({c, p.listener});
  });
}

// A peer that reads one byte at a time and tells each of them: no segment below half its largest window or a full one.
TEST(attack_a76_silly_window, the_sender_waits_for_a_worthwhile_opening) {
  //= rfc9293#3.8.6.2.1 MUST-38
  everywhere([](const Place& place) {
    Victim h(place);
    Peer p(h, {.window = 6'000});
    const u32 c = p.open();
    h.write(c, 200'000);
    const u32 mss = h.engine.info(c).snd_mss;
    SeqNum edge = p.acked + 6'000;
    u32 segments = 0, bytes = 0;
    const auto take = [&](const Seg& s) {
      if (s.len == 0) return;
      segments += std::max<u32>(s.gso.segments, 1);
      bytes += s.len;
      p.acked = s.seq + s.len;
    };
    for (int i = 0; i < 30'000; ++i) {
      for (const Seg& s : h.sent()) take(s);
      ++edge;  // one byte read
      p.window(edge - p.acked);
      p.ack();
      h.pass(10_us);
    }
    EXPECT_GT(bytes, 25'000u);
    EXPECT_GE(bytes / segments, std::min(mss / 2, 3'000u));
    h.drain({c, p.listener});
  });
}

// The window of such a reader at our end: the right edge moves by a segment or half the buffer, or not at all.
TEST(attack_a76_silly_window, the_receiver_opens_in_steps) {
  //= rfc9293#3.8.6.2.2 MUST-39
  //= rfc9293#3.8.6 SHLD-14
  everywhere([](const Place& place) {
    for (const u32 buffer : {2'304u, 5'000u, 20'000u, 200'000u}) {
      SCOPED_TRACE(buffer);
      Sysctl settings;
      settings.tcp_rmem = buffer;
      Victim h(place, settings);
      Peer p(h, {.wscale = u8{0}});
      const u32 c = p.open();
      const u8 shift = h.engine.info(c).rcv_wscale;
      const u32 unit = 1u << shift;
      SeqNum edge = p.next + std::min(buffer, 65'535u);
      u32 steps = 0;
      const auto look = [&] {
        for (const Seg& s : h.sent()) {
          const SeqNum now = s.ack + (s.wnd << shift);
          ASSERT_GE(now, edge) << "the right edge retreats";
          if (now == edge) continue;
          if (now - edge >= unit) {
            ++steps;
            ASSERT_GE(now - edge + unit, std::min(buffer / 2, 1'000u));
          }
          edge = now;
        }
      };
      for (int i = 0; i < 20'000; ++i) {
        const u32 room = edge - p.next;
        if (room >= 1'000) p.data(1'000);
        look();
        h.read(c, 1);
        look();
      }
      EXPECT_GT(steps, 2u);
      EXPECT_LE(steps, 20'000u / std::min(buffer / 2, 1'000u) + 10);
      h.drain({c, p.listener});
    }
  });
}

// Both ends are ours, the reader takes a byte at a time: the average segment is worth sending.
TEST(attack_a76_silly_window, a_transfer_to_a_one_byte_reader_is_of_worthwhile_segments) {
  everywhere([](const Place& place) {
    Sysctl settings;
    settings.tcp_rmem = 8'192;
    TwoHosts t(place, {.gso_bytes = 1'460}, 1_ms, settings);
    ASSERT_TRUE(t.connect());
    const u64 before = t.up.wire_segments;
    t.client.write(t.c, 40'000);
    u32 got = 0;
    for (int i = 0; i < 200'000 && got < 40'000; ++i) {
      got += static_cast<u32>(t.server.read(t.s, 1).size());
      t.run(1_ms);
    }
    EXPECT_EQ(got, 40'000u);
    const u64 segments = t.up.wire_segments - before;
    EXPECT_LE(segments, 40'000u / 700u + t.client.count(Tcp::zero_window_probes) + 3);
    t.client.drain({t.c});
    t.server.drain({t.s, t.listener});
  });
}

}  // namespace
}  // namespace weir::attacks

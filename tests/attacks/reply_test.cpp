// A58, A59, A60: replies that feed on themselves, floods of replies, and TIME-WAIT assassination (RFC 1337).
#include "tests/attacks/link.hpp"
#include "tests/attacks/states.hpp"

namespace weir::attacks {
namespace {

// Both ends have taken forged text, so that each acknowledges what the other never sent.
void desynchronise(TwoHosts& t, u32 to_a, u32 to_b) {
  const tcp::Tcb& a = t.client.tcb(t.c);
  const tcp::Tcb& b = t.server.tcb(t.s);
  const Seg to_client{.seq = a.rcv_nxt, .ack = a.snd_nxt, .flags = F::ack | F::psh, .len = to_a};
  const Seg to_server{.seq = b.rcv_nxt, .ack = b.snd_nxt, .flags = F::ack | F::psh, .len = to_b};
  t.client.inject(to_client);
  t.server.inject(to_server);
}

void storm(const Place& place, Duration delay, u32 to_a, u32 to_b) {
  SCOPED_TRACE(testing::Message() << delay.ms() << " ms, forged " << to_a << " and " << to_b << " bytes");
  Sysctl settings;
  settings.tcp_timestamps = false;  // the attacker need not know them
  TwoHosts t(place, {}, delay, settings);
  ASSERT_TRUE(t.connect());
  desynchronise(t, to_a, to_b);
  for (int second = 0; second < 20; ++second) {
    const u64 up = t.up.sent, down = t.down.sent;
    t.run(1_s);
    ASSERT_LE(t.up.sent - up, 3u) << "second " << second;
    ASSERT_LE(t.down.sent - down, 3u) << "second " << second;
  }
  if (delay < 250_ms) {  // a reply comes back within the 500 ms in which there is no second one
    const u64 total = t.up.sent + t.down.sent;
    t.run(60_s);
    EXPECT_EQ(t.up.sent + t.down.sent, total);
  }
  t.client.drain({t.c});
  t.server.drain({t.s, t.listener});
}

TEST(attack_a58_ack_storm, two_ends_out_of_step_fall_silent) {
  everywhere([](const Place& place) {
    for (const Duration delay : {1_ms, 50_ms, 300_ms, 700_ms})
      for (const u32 to_a : {0u, 1u, 2u, 700u})
        for (const u32 to_b : {1u, 2u, 900u}) storm(place, delay, to_a, to_b);
  });
}

TEST(attack_a58_ack_storm, duplicate_acks_are_never_answered_by_duplicate_acks) {
  everywhere([](const Place& place) {
    Victim h(place);
    Peer p(h);
    const u32 c = p.open();
    for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(h.hit(p.make(F::ack)).replies.empty());
    u32 replies = 0;  // and old ones twice a second at most
    for (int i = 0; i < 1'000; ++i) {
      Seg s = p.make(F::ack);
      s.seq = s.seq - 10'000;
      replies += static_cast<u32>(h.hit(s).replies.size());
      h.pass(10_ms);
    }
    EXPECT_LE(replies, 20u);
    h.drain({c, p.listener});
  });
}

TEST(attack_a59_reset_flood, closed_ports_answer_at_a_bounded_rate_and_with_less) {
  everywhere([](const Place& place) {
    Victim h(place);
    u64 resets = 0;
    constexpr int packets = 100'000;  // in 100 ms: 1 Mpps
    h.here.port = 81;
    const auto syn = h.frame({.seq = place.irs, .flags = F::syn});
    const auto ack = h.frame({.seq = place.irs, .ack = place.iss, .flags = F::ack, .len = 1});
    for (int i = 0; i < packets; ++i) {
      if (i % 1'000 == 0) h.now = h.now + 1_ms;
      h.give(i % 2 != 0 ? syn : ack);
      for (const Seg& s : h.sent()) {
        ++resets;
        EXPECT_TRUE(s.has(F::rst));
        EXPECT_EQ(s.len + s.options.size(), 0u);
      }
    }
    EXPECT_LE(resets, 2'000u + 100u * 10u);
    EXPECT_EQ(h.dropped(Drop::tcp_no_port), u64{packets});
    EXPECT_EQ(h.count(Tcp::rst_limited), packets - resets);
    h.drain({});
  });
}

TEST(attack_a59_reset_flood, no_reset_for_a_reset_nor_for_a_group) {
  //= rfc9293#3.9.2.3 MUST-57
  everywhere([](const Place& place) {
    Victim h(place);
    h.here.port = 81;
    for (u16 flags = 0; flags < 512; ++flags) {
      if ((flags & F::rst) == 0) continue;
      const auto r = h.hit(Seg{.seq = place.irs, .ack = place.iss, .flags = flags, .len = flags % 3u});
      EXPECT_TRUE(r.replies.empty());
      EXPECT_EQ(r.why, Drop::tcp_no_port);
    }
    h.here.addr = *IpAddr::parse(place.v6 ? "ff02::1" : "224.0.0.1");
    const auto r = h.hit(Seg{.seq = place.irs, .flags = F::syn});
    EXPECT_TRUE(r.replies.empty());
    EXPECT_EQ(r.why, Drop::tcp_bad_address);
    h.drain({});
  });
}

TEST(attack_a59_reset_flood, a_syn_for_which_there_is_no_room_is_counted_and_not_answered) {
  everywhere([](const Place& place) {
    Limits limits;
    limits.max_half_open = 2;
    Victim h(place, {}, limits);
    h.sysctl.tcp_syncookies = 0;
    Peer p(h);
    for (u16 i = 0; i < 5; ++i) {
      ++h.peer.port;
      const auto r = h.hit(Seg{.seq = p.next, .flags = F::syn});
      EXPECT_EQ(r.why, i < 2 ? Drop::none : Drop::tcp_half_open_limit);
      EXPECT_EQ(r.replies.size(), i < 2 ? 1u : 0u);
    }
    h.drain({p.listener});
  });
}

// How long TIME-WAIT lasts from now, with this done to it every second.
template <class Attack>
Duration time_wait_lasts(Victim& h, Attack&& attack) {
  const Instant start = h.now;
  while (h.engine.time_wait() != 0 && h.now - start < 1_s * 1'000) {
    attack();
    h.pass(1_s);
  }
  return h.now - start;
}

TEST(attack_a60_time_wait_assassination, old_segments_and_resets_do_not_shorten_two_segment_lifetimes) {
  everywhere([](const Place& place) {
    //= rfc9293#3.6.1 MUST-13
    const Sysctl settings = Sysctl::rfc_profile();  // RFC 1337 is on
    Victim h(place, settings);
    {
      Led c(h, State::time_wait, 2'000);
      const auto lasts = time_wait_lasts(h, [&] {
        // RFC 1337: an old duplicate draws an ACK, and that a reset from the other end, which knows of nothing.
        const auto dup = h.hit(Seg{.seq = c.rcv_nxt - 500, .ack = c.snd_nxt - 1, .flags = F::ack, .len = 100});
        EXPECT_EQ(dup.replies.size(), 1u);
        if (!dup.replies.empty()) {
          EXPECT_TRUE(h.hit(Seg{.seq = dup.replies[0].ack, .flags = F::rst}).replies.empty());
        }
        h.hit(Seg{.seq = c.rcv_nxt + 1, .flags = F::rst});
        h.hit(Seg{.seq = c.rcv_nxt, .ack = c.snd_nxt, .flags = F::ack, .len = 100});
        h.hit(Seg{.seq = c.rcv_nxt + 0x4000'0000u, .ack = c.snd_nxt, .flags = F::ack | F::fin});
      });
      EXPECT_EQ(lasts.ms(), settings.tcp_msl_s * 2'000);
    }
    h.drain({});
  });
}

TEST(attack_a60_time_wait_assassination, the_fin_again_restarts_it_and_without_rfc_1337_the_exact_reset_ends_it) {
  everywhere([](const Place& place) {
    Victim h(place);
    {
      Led c(h, State::time_wait, 2'000);
      h.pass(30_s);
      const auto fin = h.hit(Seg{.seq = c.rcv_nxt - 1, .ack = c.snd_nxt, .flags = F::ack | F::fin});
      EXPECT_EQ(fin.replies.size(), 1u);
      EXPECT_EQ(time_wait_lasts(h, [] {}).ms(), 60'000);
    }
    {
      Led c(h, State::time_wait, 2'001);
      h.hit(Seg{.seq = c.rcv_nxt + 1, .flags = F::rst});
      EXPECT_EQ(h.engine.time_wait(), 1u);
      h.hit(Seg{.seq = c.rcv_nxt, .flags = F::rst});
      EXPECT_EQ(h.engine.time_wait(), 0u);
    }
    h.drain({});
  });
}

}  // namespace
}  // namespace weir::attacks

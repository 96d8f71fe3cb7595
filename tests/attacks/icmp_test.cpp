// A36, A37: ICMP errors that somebody made up (RFC 5927, RFC 1191, RFC 8201).
#include "tests/attacks/states.hpp"

namespace weir::attacks {
namespace {

using Kind = ip::IcmpError::Kind;

// An error about a segment that starts at `quoted`.
void icmp(Victim& h, Kind kind, SeqNum quoted, u32 mtu = 0) {
  std::byte quote[8];
  store_be16(quote, h.here.port);
  store_be16(quote + 2, h.peer.port);
  store_be32(quote + 4, quoted.raw);
  ip::IcmpError e;
  e.kind = kind, e.mtu = mtu, e.netns = Harness::ns;
  e.src = h.here.addr, e.dst = h.peer.addr, e.protocol = wire::proto::tcp, e.transport = quote;
  h.engine.icmp_error(e, h.now);
}

u64 settled(const Victim& h) { return h.dropped(Drop::icmp_stale); }

constexpr Kind hard[] = {Kind::port_unreachable, Kind::protocol_unreachable, Kind::admin_prohibited};
constexpr Kind every[] = {Kind::net_unreachable,   Kind::host_unreachable, Kind::protocol_unreachable,
                          Kind::port_unreachable,  Kind::too_big,          Kind::time_exceeded,
                          Kind::parameter_problem, Kind::admin_prohibited, Kind::source_route_failed};

TEST(attack_a36_reset_by_icmp, no_error_ends_a_synchronized_connection) {
  //= rfc9293#3.9.2.2 MUST-56
  //= rfc9293#3.9.2.2 MUST-54
  everywhere([](const Place& place) {
    for (const State s : {State::established, State::fin_wait_1, State::close_wait, State::closing, State::last_ack}) {
      Victim h(place);
      {
        Led c(h, s, 2'000);
        h.write(c.peer->conn, 100);
        h.sent();
        const tcp::Tcb& t = h.tcb(c.peer->conn);
        for (const Kind k : every) {
          for (const SeqNum q : {t.snd_una, t.snd_nxt - 1, t.snd_nxt, t.snd_una - 1, t.snd_una + 0x8000'0000u}) icmp(h, k, q, 1'000);
          EXPECT_EQ(c.now(), s);
          EXPECT_TRUE(h.sent().empty());
        }
        EXPECT_EQ(h.tcb(c.peer->conn).error, Errc::would_block);
        EXPECT_GT(h.count(Tcp::icmp_soft_errors), 0u);
      }
      h.drain({});
    }
  });
}

TEST(attack_a36_reset_by_icmp, an_error_about_nothing_in_flight_is_stale) {
  //= rfc9293#3.9.2.2 MUST-54
  everywhere([](const Place& place) {
    Victim h(place);
    {
      Led c(h, State::established, 2'000);
      h.write(c.peer->conn, 100);
      h.sent();
      const SeqNum una = h.tcb(c.peer->conn).snd_una;
      for (const SeqNum q : {una - 1, una + 100, una + 0x4000'0000u, una - 0x4000'0000u}) {
        const u64 before = settled(h);
        icmp(h, Kind::port_unreachable, q);
        EXPECT_EQ(settled(h), before + 1);
      }
      EXPECT_EQ(h.tcb(c.peer->conn).soft_error, Errc::would_block);
      icmp(h, Kind::port_unreachable, una);
      EXPECT_EQ(h.tcb(c.peer->conn).soft_error, Errc::conn_refused);  // remembered, and told if the connection times out
      ++h.peer.port;
      const u64 before = settled(h);
      icmp(h, Kind::port_unreachable, una);  // of a flow that there is not
      EXPECT_EQ(settled(h), before + 1);
      --h.peer.port;
    }
    h.drain({});
  });
}

TEST(attack_a36_reset_by_icmp, a_soft_error_is_what_the_user_is_told_at_the_timeout) {
  //= rfc9293#3.9.1.8 MUST-47
  //= rfc9293#3.9.2.2 SHLD-25
  everywhere([](const Place& place) {
    Victim h(place);
    {
      Led c(h, State::established, 2'000);
      const u32 conn = c.peer->conn;
      h.write(conn, 100);
      h.sent();
      icmp(h, Kind::host_unreachable, h.tcb(conn).snd_una);
      EXPECT_EQ(*h.engine.get_option(conn, Option::error), EHOSTUNREACH);  // it can be asked for, and the connection lives
      EXPECT_EQ(c.now(), State::established);
      icmp(h, Kind::host_unreachable, h.tcb(conn).snd_una);
      h.pass(1_s * 2'000);
      h.sent();
      char in[1];
      EXPECT_EQ(h.engine.recv(conn, std::as_writable_bytes(std::span{in}), 0, h.now).error(), Errc::host_unreachable);
    }
    h.drain({});
  });
}

TEST(attack_a36_reset_by_icmp, a_syn_is_refused_by_a_hard_error_about_it_alone) {
  //= rfc9293#3.9.2.2 SHLD-26
  everywhere([](const Place& place) {
    for (const Kind k : every) {
      Victim h(place);
      {
        Led c(h, State::syn_sent, 2'000);
        for (const SeqNum q : {c.snd_una - 1, c.snd_nxt, c.snd_nxt + 0x4000'0000u}) icmp(h, k, q, 1'000);
        EXPECT_EQ(c.now(), State::syn_sent);
        icmp(h, k, c.snd_una, 1'000);
        const bool ends = std::ranges::find(hard, k) != std::end(hard);
        EXPECT_EQ(c.now(), ends ? State::closed : State::syn_sent);
        if (k == Kind::port_unreachable) {
          EXPECT_EQ(*h.engine.get_option(c.client, Option::error), ECONNREFUSED);
        }
      }
      h.drain({});
    }
  });
}

// A connection that has had full segments acknowledged, or none yet, and has a flight of full ones out.
struct Path {
  Path(const Place& place, bool acknowledged) : h(place), p(h), ip(place.v6 ? 60 : 40) {
    c = p.open();
    if (acknowledged) {
      h.write(c, 4'000);
      h.sent();
      p.ack(p.acked + 4'000);
    }
    before = h.engine.info(c).snd_mss;
    h.write(c, 8'000);
    h.sent();
  }
  [[nodiscard]] u32 mss() { return h.engine.info(c).snd_mss; }
  void claim(u32 mtu) { icmp(h, Kind::too_big, h.tcb(c).snd_una, mtu); }
  void over() { h.drain({c, p.listener}); }
  Victim h;
  Peer p;
  u32 ip, c = 0, before = 0;
};

TEST(attack_a37_pmtu_poisoning, a_claim_below_what_has_arrived_starves_while_data_flows) {
  everywhere([](const Place& place) {
    Path x(place, true);
    for (int i = 0; i < 50; ++i) {
      for (const u32 mtu : {0u, 1u, 68u, 296u, 552u, 576u, 1'279u, 1'280u, 1'300u}) x.claim(mtu);
      x.h.sent();
      x.p.ack(x.p.acked + 1'000);
      x.h.write(x.c, 1'000);
      EXPECT_EQ(x.mss(), x.before);
      x.h.pass(50_ms);
    }
    x.h.sent();
    EXPECT_EQ(x.h.count(Tcp::pmtu_reductions), 0u);
    x.over();
  });
}

TEST(attack_a37_pmtu_poisoning, it_is_believed_when_the_segment_times_out) {
  everywhere([](const Place& place) {
    Path x(place, true);
    x.claim(1'300);
    EXPECT_EQ(x.mss(), x.before);
    x.h.pass(400_ms);
    EXPECT_EQ(x.mss(), 1'300 - x.ip);
    EXPECT_EQ(x.h.count(Tcp::pmtu_reductions), 1u);
    const auto out = x.h.sent();
    ASSERT_FALSE(out.empty());
    EXPECT_LE(out[0].len, 1'300 - x.ip);
    EXPECT_EQ(out[0].seq, x.p.acked);
    x.over();
  });
}

TEST(attack_a37_pmtu_poisoning, a_true_one_between_the_largest_that_arrived_and_the_largest_sent_works_at_once) {
  everywhere([](const Place& place) {
    Path x(place, false);  // nothing as large as that has arrived
    x.claim(1'400);
    EXPECT_EQ(x.mss(), 1'400 - x.ip);
    const auto out = x.h.sent();
    ASSERT_FALSE(out.empty()) << "sent again at once, in smaller pieces";
    EXPECT_EQ(out[0].seq, x.p.acked);
    EXPECT_EQ(x.h.engine.info(x.c).cwnd >= 2 * x.mss(), true);
    for (int i = 0; i < 5; ++i) x.claim(1'400);  // the other segments of the flight draw the same
    EXPECT_TRUE(x.h.sent().empty());
    EXPECT_EQ(x.h.count(Tcp::pmtu_reductions), 1u);
    x.p.ack(x.p.acked + 8'000);
    x.h.sent();
    EXPECT_EQ(x.h.engine.info(x.c).flight, 0u);
    x.over();
  });
}

TEST(attack_a37_pmtu_poisoning, larger_than_what_was_sent_is_nonsense) {
  everywhere([](const Place& place) {
    Path x(place, false);
    for (const u32 mtu : {1'500u, 1'501u, 9'000u, 65'535u, 0xffff'ffffu}) x.claim(mtu);
    EXPECT_EQ(x.mss(), x.before);
    EXPECT_EQ(x.h.count(Tcp::pmtu_ignored), 5u);
    x.over();
  });
  everywhere([](const Place& place) {  // only small segments are out: no router can have found one too big
    Victim h(place);
    Peer p(h);
    const u32 c = p.open();
    h.write(c, 100);
    h.sent();
    for (const u32 mtu : {296u, 552u, 1'000u, 1'280u, 1'400u}) icmp(h, Kind::too_big, h.tcb(c).snd_una, mtu);
    EXPECT_GE(h.engine.info(c).snd_mss, 1'440u);
    h.drain({c, p.listener});
  });
}

TEST(attack_a37_pmtu_poisoning, no_claim_goes_below_the_floor_and_a_syn_is_never_too_big) {
  everywhere([](const Place& place) {
    for (const u32 mtu : {0u, 1u, 67u, 68u, 296u, 551u, 1'279u}) {
      Path x(place, false);
      x.h.sysctl.tcp_mtu_probing = 0;  // the claim alone
      x.claim(mtu);
      x.h.pass(10_s);
      x.h.sent();
      EXPECT_GE(x.mss(), place.v6 ? 1'280u - 60 : 552u - 40) << mtu;
      if (place.v6 && mtu != 0) {
        EXPECT_EQ(x.mss(), x.before) << "RFC 8201 4: below 1,280 it is ignored";
      }
      x.over();
    }
    Victim h(place);
    {
      Led c(h, State::syn_sent, 2'000);
      for (const u32 mtu : {0u, 68u, 600u, 1'280u}) icmp(h, Kind::too_big, c.snd_una, mtu);
      h.hit(Seg{.seq = place.irs, .ack = c.snd_nxt, .flags = F::syn | F::ack, .options = tcp::test::options({.mss = u16{9'000}})});
      EXPECT_GE(h.engine.info(c.client).snd_mss, 1'440u - 12);
    }
    h.drain({});
  });
}

TEST(attack_a37_pmtu_poisoning, after_ten_minutes_the_larger_size_is_tried_again) {
  everywhere([](const Place& place) {
    Path x(place, false);
    x.claim(1'400);
    x.p.ack(x.p.acked + 8'000);
    x.h.sent();
    x.h.pass(601_s);
    x.h.write(x.c, 100);
    x.h.sent();
    x.p.ack(x.p.acked + 100);
    EXPECT_EQ(x.mss(), x.before);
    x.over();
  });
}

TEST(attack_a37_pmtu_poisoning, claims_about_many_destinations_are_bounded) {
  Victim h(places[0]);
  Peer p(h);
  p.open();
  Rng random = Rng::seeded(4);
  for (int i = 0; i < 20'000; ++i) {
    h.peer.addr = Ip4Addr{random.next_u32() | 1};
    icmp(h, Kind::too_big, {random.next_u32()}, 600);
  }
  EXPECT_EQ(h.destinations.pmtu_entries(), 0u) << "none is about a connection";
  EXPECT_LE(h.destinations.size(), 2u);
  h.peer.addr = Ip4Addr{0x0a00'0002};
  h.drain({p.conn, p.listener});
}

}  // namespace
}  // namespace weir::attacks

// Two models joined back to back: the exchanges of RFC 9293 3.5, 3.6 and its appendix A.2 end where they should, and
// end.
#include <gtest/gtest.h>

#include <deque>

#include "tests/model/space.hpp"

namespace weir::model {
namespace {

struct Peer {
  Tcb tcb{};
  Config cfg{};
};

// Delivers the segments in flight, alternating, until nobody has anything to say. Returns how many there were.
int run(Peer& a, Peer& b, std::deque<Seg> to_a, std::deque<Seg> to_b, int limit = 50) {
  int segments = 0;
  const auto deliver = [&segments](Peer& p, std::deque<Seg>& in, std::deque<Seg>& out) {
    if (in.empty()) return;
    const Outcome o = arrives(p.tcb, in.front(), Instant{}, p.cfg);
    in.pop_front();
    ++segments;
    p.tcb = o.after;
    for (const Seg& r : o.replies) out.push_back(r);
    if (o.ack_due == AckDue::delayed_ok) out.push_back(ack_of(p.tcb));
  };
  while ((!to_a.empty() || !to_b.empty()) && segments < limit) {
    deliver(a, to_a, to_b);
    deliver(b, to_b, to_a);
  }
  EXPECT_LT(segments, limit) << "they never stop";
  return segments;
}

Tcb syn_sent(u32 iss) { return canonical(State::syn_sent, {.origin = {iss, 0}}); }
Seg syn(u32 iss) { return {.seq = {iss}, .wnd = 8'000, .syn = true}; }

// Two connections that know each other: what a has sent, b has received.
void join(Peer& a, Peer& b, u32 rcv_wnd = 4'000) {
  a.tcb = canonical(State::established, {.origin = {1'000, 5'000}});
  b.tcb = canonical(State::established, {.origin = {5'000, 1'000}});
  for (Peer* p : {&a, &b}) {
    p->tcb.snd_una = p->tcb.snd_nxt = p->tcb.iss + 501;  // each has sent 500 bytes, and all is acknowledged
    p->tcb.rcv_wnd = rcv_wnd;
    p->tcb.snd_wl1 = p->tcb.rcv_nxt;
    p->tcb.snd_wl2 = p->tcb.snd_una;
    p->tcb.snd_wnd = rcv_wnd;
  }
}

Seg fin_of(Tcb& t) {
  t.state = t.state == State::close_wait ? State::last_ack : State::fin_wait_1;
  t.fin_sent = true;
  t.fin_seq = t.snd_nxt;
  Seg fin = ack_of(t);
  fin.fin = true;
  ++t.snd_nxt;
  return fin;
}

TEST(model_rfc9293_3_5, three_way_handshake) {
  Peer client{syn_sent(300), {}}, server{canonical(State::listen), {}};
  EXPECT_EQ(run(client, server, {}, {syn(300)}), 3);
  EXPECT_EQ(client.tcb.state, State::established);
  EXPECT_EQ(server.tcb.state, State::established);
  EXPECT_EQ(client.tcb.rcv_nxt, server.tcb.snd_nxt);
  EXPECT_EQ(server.tcb.rcv_nxt, client.tcb.snd_nxt);
}

TEST(model_rfc9293_3_5, simultaneous_open_with_and_without_a_2) {
  for (const bool edges : {true, false}) {
    Peer a{syn_sent(100), {}}, b{syn_sent(300), {}};
    a.cfg.dev.edges = b.cfg.dev.edges = edges;
    run(a, b, {syn(300)}, {syn(100)});
    EXPECT_EQ(a.tcb.state, State::established);
    EXPECT_EQ(b.tcb.state, State::established);
    EXPECT_EQ(a.tcb.snd_una, SeqNum{101});
    EXPECT_EQ(b.tcb.snd_una, SeqNum{301});
  }
}

TEST(model_rfc9293_a_2, self_connect) {
  Peer a{syn_sent(100), {}};
  std::deque<Seg> wire{syn(100)};
  int segments = 0;
  for (; !wire.empty() && segments < 20; ++segments) {
    const Outcome o = arrives(a.tcb, wire.front(), Instant{}, a.cfg);
    wire.pop_front();
    a.tcb = o.after;
    wire.insert(wire.end(), o.replies.begin(), o.replies.end());
  }
  EXPECT_EQ(segments, 3) << "SYN; SYN,ACK; ACK";
  EXPECT_EQ(a.tcb.state, State::established);
  EXPECT_EQ(a.tcb.snd_una, a.tcb.rcv_nxt);
}

TEST(model_rfc9293_3_5, old_duplicate_syn) {
  // Figure 8: the server answers an old SYN, the client resets that, and then the real SYN comes through.
  Peer client{syn_sent(100), {}}, server{canonical(State::listen), {}};
  run(client, server, {}, {syn(90)});
  EXPECT_EQ(server.tcb.state, State::listen);
  EXPECT_EQ(client.tcb.state, State::syn_sent);
  run(client, server, {}, {syn(100)});
  EXPECT_EQ(server.tcb.state, State::established);
  EXPECT_EQ(client.tcb.state, State::established);
}

TEST(model_rfc9293_3_5_1, half_open_is_found_out) {
  // Figure 9: a has lost its memory and opens again; the challenge ACK draws the RST that frees b.
  Peer a{syn_sent(77'000), {}}, b;
  join(a, b);
  a.tcb = syn_sent(77'000);
  run(a, b, {}, {syn(77'000)});
  EXPECT_EQ(b.tcb.state, State::closed);
  EXPECT_EQ(a.tcb.state, State::syn_sent) << "its next SYN finds b free";
}

TEST(model_rfc9293_3_6, normal_close) {
  Peer a, b;
  join(a, b);
  const Seg fin = fin_of(a.tcb);
  run(a, b, {}, {fin});
  EXPECT_EQ(a.tcb.state, State::fin_wait_2);
  EXPECT_EQ(b.tcb.state, State::close_wait);
  const Seg other = fin_of(b.tcb);
  run(a, b, {other}, {});
  EXPECT_EQ(a.tcb.state, State::time_wait);
  EXPECT_EQ(b.tcb.state, State::closed);
}

TEST(model_rfc9293_3_6, simultaneous_close) {
  Peer a, b;
  join(a, b);
  const Seg fin_a = fin_of(a.tcb), fin_b = fin_of(b.tcb);
  run(a, b, {fin_b}, {fin_a});
  EXPECT_EQ(a.tcb.state, State::time_wait);
  EXPECT_EQ(b.tcb.state, State::time_wait);
}

TEST(model_rfc9293_a_2, simultaneous_close_whose_acks_are_lost) {
  Peer a, b;
  join(a, b);
  const Seg fin_a = fin_of(a.tcb), fin_b = fin_of(b.tcb);
  a.tcb = arrives(a.tcb, fin_b, Instant{}, {}).after;  // CLOSING; the ACK is lost
  b.tcb = arrives(b.tcb, fin_a, Instant{}, {}).after;
  EXPECT_EQ(a.tcb.state, State::closing);
  Seg again = fin_a;
  again.ack = a.tcb.rcv_nxt;
  run(a, b, {}, {again});
  EXPECT_EQ(a.tcb.state, State::time_wait);
  EXPECT_EQ(b.tcb.state, State::time_wait);
}

TEST(model_rfc9293_a_2, simultaneous_window_probes_do_not_deadlock) {
  for (const bool edges : {true, false}) {
    Peer a, b;
    join(a, b, 0);
    a.cfg.dev.edges = b.cfg.dev.edges = edges;
    const auto probe = [](Tcb& t) {
      Seg s = ack_of(t);
      s.len = 1;
      ++t.snd_nxt;
      return s;
    };
    const Seg probe_a = probe(a.tcb), probe_b = probe(b.tcb);
    run(a, b, {probe_b}, {probe_a});
    a.tcb.rcv_wnd = 4'000;  // a's user reads: a window update
    run(a, b, {}, {ack_of(a.tcb)});
    EXPECT_EQ(b.tcb.snd_wnd, edges ? 4'000u : 0u) << "Table 6 alone hides the update from b";
  }
}

TEST(model_a58, desynchronized_peers_fall_silent) {
  Peer a, b;
  join(a, b);
  a.tcb.snd_nxt = a.tcb.snd_una = a.tcb.snd_una + 100'000;  // each believes what the other never sent
  b.tcb.snd_nxt = b.tcb.snd_una = b.tcb.snd_una + 100'000;
  EXPECT_LE(run(a, b, {ack_of(b.tcb)}, {ack_of(a.tcb)}), 6);
  EXPECT_EQ(a.tcb.state, State::established);
}

TEST(model_rfc1337, old_data_and_the_reset_it_draws_do_not_end_time_wait) {
  Peer server{canonical(State::time_wait), {}};
  server.cfg.dev.rfc1337 = true;
  Peer gone{Tcb{}, {}};  // the other end is closed and answers with RST
  const Seg old_data{.seq = server.tcb.rcv_nxt - 200, .ack = server.tcb.snd_nxt, .len = 100, .ack_flag = true};
  run(server, gone, {old_data}, {});
  EXPECT_EQ(server.tcb.state, State::time_wait);
  server.cfg.dev.rfc1337 = false;
  run(server, gone, {old_data}, {});
  EXPECT_EQ(server.tcb.state, State::closed) << "the hazard that F1 is for";
}

}  // namespace
}  // namespace weir::model

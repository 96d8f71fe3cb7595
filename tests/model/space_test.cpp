// What must hold for the model over the whole input space, whatever the numbers.
#include "tests/model/space.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace weir::model {
namespace {

// Everything relative to the two initial sequence numbers, so that outcomes at different origins can be compared.
Tcb relative(Tcb t, Origin o, bool both) {
  if (t.state == State::closed || t.state == State::listen) return t;
  for (SeqNum* s : {&t.iss, &t.snd_una, &t.snd_nxt}) *s = *s - o.iss;
  if (t.fin_sent) t.fin_seq = t.fin_seq - o.iss;
  if (!both) return t;
  t.snd_wl2 = t.snd_wl2 - o.iss;
  for (SeqNum* s : {&t.irs, &t.rcv_nxt, &t.rcv_up, &t.read_nxt, &t.snd_wl1}) *s = *s - o.irs;
  std::set<u32> held;
  for (const u32 octet : t.held) held.insert(octet - o.irs);
  t.held = held;
  if (t.held_fin) t.held_fin = *t.held_fin - o.irs;
  return t;
}

Outcome relative(Outcome out, Origin o) {
  out.after = relative(out.after, o, out.after.state != State::syn_sent);
  for (Seg& r : out.replies) {
    const bool answers_no_ack = r.rst && r.ack_flag;
    if (!answers_no_ack) r.seq = r.seq - o.iss;
    if (r.ack_flag) r.ack = r.ack - o.irs;
  }
  return out;
}

Config config_at(Origin o) {
  Config cfg;
  cfg.next_iss = SeqNum{o.iss} + 10'000;
  return cfg;
}

void expect_invariants(const Case& c, const Outcome& o) {
  const Tcb& before = c.tcb;
  const Tcb& after = o.after;
  ASSERT_LE(o.replies.size(), 1u);
  if (c.seg.rst) {
    for (const Seg& r : o.replies) ASSERT_FALSE(r.rst) << "a RST to a RST";
  }
  for (const Seg& r : o.replies) ASSERT_EQ(r.len, 0u);
  ASSERT_EQ(o.ack_due == AckDue::now, !o.replies.empty() && o.replies[0].ack_flag && !o.replies[0].syn && !o.replies[0].rst);
  const bool same_connection = before.state > State::syn_sent && after.state > State::syn_sent && after.iss == before.iss;
  if (!same_connection) return;
  ASSERT_TRUE(after.rcv_nxt >= before.rcv_nxt);
  ASSERT_EQ(after.rcv_nxt + after.rcv_wnd, before.rcv_nxt + before.rcv_wnd) << "the right edge stays";
  ASSERT_TRUE(after.snd_una >= before.snd_una && after.snd_una <= after.snd_nxt);
  ASSERT_EQ(after.snd_nxt, before.snd_nxt);
  ASSERT_GE(after.max_snd_wnd, before.max_snd_wnd);
  if (!c.seg.ack_flag) {
    ASSERT_TRUE(after.snd_una == before.snd_una && after.rcv_nxt == before.rcv_nxt);
  }
  if (c.seq_kind == SeqKind::old || c.seq_kind == SeqKind::outside) {
    Tcb only_challenge = after;
    only_challenge.last_challenge = before.last_challenge;
    ASSERT_EQ(only_challenge, before) << "outside the window nothing counts";
  }
}

// Figure 5 of RFC 9293 3.3.2 with the ways to CLOSED, and paths of two steps in one segment.
bool legal(State from, State to) {
  using S = State;
  if (from == to) return true;
  switch (from) {
    case S::closed: return false;
    case S::listen: return to == S::syn_received;
    case S::syn_sent: return to == S::closed || to == S::syn_received || to == S::established || to == S::close_wait;
    case S::syn_received: return to == S::listen || to == S::closed || to == S::established || to == S::close_wait;
    case S::established: return to == S::closed || to == S::close_wait;
    case S::fin_wait_1: return to == S::closed || to == S::fin_wait_2 || to == S::closing || to == S::time_wait;
    case S::fin_wait_2: return to == S::closed || to == S::time_wait;
    case S::close_wait: return to == S::closed;
    case S::closing: return to == S::closed || to == S::time_wait;
    case S::last_ack: return to == S::closed;
    case S::time_wait: return to == S::closed || to == S::syn_received;
  }
  return false;
}

std::vector<Situation> situations() { return {{}, {.passive = false}, {.user_closed = true}, {.fin_sent = false}, {.rcv_wnd = 0}}; }

std::string show(const Case& c) { return print(c.tcb) + "\n  " + print(c.seg); }

class Space : public testing::TestWithParam<State> {};

TEST_P(Space, invariants_hold_everywhere) {
  u32 cases = 0;
  for (const Situation& in : situations()) {
    const Tcb tcb = canonical(GetParam(), in);
    for_each_case(tcb, [&](const Case& c) {
      const Outcome o = arrives(c.tcb, c.seg, Instant{}, {});
      expect_invariants(c, o);
      if (!legal(c.tcb.state, o.after.state) || testing::Test::HasFatalFailure()) FAIL() << show(c) << "\n  " << print(o);
      ++cases;
    });
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(cases, 5u * 114'688u);
}

TEST_P(Space, outcome_does_not_depend_on_the_origin) {
  const Origin base{1'000, 5'000};
  for (const Origin origin : origins) {
    std::vector<Seg> segs;
    const Tcb here = canonical(GetParam(), {.origin = base});
    const Tcb there = canonical(GetParam(), {.origin = origin});
    for_each_case(there, [&](const Case& c) { segs.push_back(c.seg); }, SeqNum{origin.irs} + 1);
    usize i = 0;
    for_each_case(
        here,
        [&](const Case& c) {
          const Seg& other = segs[i++];
          // PSH, ECE, CWR and AE never matter: the next test shows it. They need not be multiplied by the origins.
          if (testing::Test::HasFatalFailure() || (c.flags & 0x1c8) != 0) return;
          Seg seg = c.seg, far = other;
          if (here.state == State::closed || here.state == State::listen) {  // no SND.UNA to place SEG.ACK by
            seg.ack = {base.iss + 1};
            far.ack = {origin.iss + 1};
          }
          const Outcome a = relative(arrives(here, seg, Instant{}, config_at(base)), base);
          const Outcome b = relative(arrives(there, far, Instant{}, config_at(origin)), origin);
          if (!(a == b)) FAIL() << show(c) << "\n  " << print(a) << "\n  " << print(b);
        },
        SeqNum{base.irs} + 1);
    if (HasFatalFailure()) return;
  }
}

TEST_P(Space, push_and_ecn_flags_do_not_matter) {
  const Tcb tcb = canonical(GetParam());
  for_each_case(tcb, [&](const Case& c) {
    const bool none_of_them = (c.flags & 0x1c8) == 0;
    if (testing::Test::HasFatalFailure() || none_of_them) return;
    Seg seg = c.seg;
    seg.psh = seg.ece = seg.cwr = seg.ae = false;
    if (!(arrives(c.tcb, c.seg, Instant{}, {}) == arrives(c.tcb, seg, Instant{}, {}))) FAIL() << show(c);
  });
}

INSTANTIATE_TEST_SUITE_P(states, Space, testing::ValuesIn(all_states), [](const auto& param) {
  std::string s{name(param.param)};
  std::ranges::replace(s, '-', '_');
  return s;
});

}  // namespace
}  // namespace weir::model

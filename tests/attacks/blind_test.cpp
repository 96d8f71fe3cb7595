// A52, A54, A55, A56: segments of somebody who is not on the path (RFC 5961), and flags that make no sense.
#include "tests/attacks/states.hpp"

namespace weir::attacks {
namespace {

// All 11 states x 512 flags x SEQ x ACK x length against the reference model: tests/model/compare_test.cpp
// (tcp_model_agrees). Here: what may never happen, in every state that segments can lead to.
void odd_flags(const Place& place, State s, u16 flags, u32 seq_offset) {
  Victim h(place);
  {
    Led c(h, s, 2'000);
    Seg seg{.seq = c.rcv_nxt + seq_offset, .ack = c.snd_nxt, .flags = flags, .len = 1};
    const auto r = h.hit(seg);
    for (const Seg& reply : r.replies) {
      EXPECT_FALSE((flags & F::rst) != 0 && reply.has(F::rst)) << "a reset for a reset";
      EXPECT_EQ(reply.len, 0u);
    }
    const State after = c.now();
    if (s == State::listen && (flags & F::fin) != 0) {
      EXPECT_EQ(after, State::listen);
    }
    if (s == State::closed) {
      EXPECT_EQ(after, State::closed);
    }
    const bool exact_reset = (flags & F::rst) != 0 && seq_offset == 0;
    if (s >= State::established && s != State::last_ack && !exact_reset) {
      EXPECT_NE(after, State::closed);
    }
  }
  h.drain({});
}

TEST(attack_a52_odd_flags, no_combination_breaks_a_rule_in_any_state) {
  for (usize i = 0; i < 4; ++i) {
    SCOPED_TRACE(places[i].name);
    for (const State s : all_states)
      for (u16 flags = static_cast<u16>(i); flags < 512; flags = static_cast<u16>(flags + 4))
        for (const u32 at : {0u, 500u, 0x4000'0000u}) {
          odd_flags(places[i], s, flags, at);
          if (testing::Test::HasFailure()) {
            GTEST_FAIL() << tcp::name(s) << " flags " << flags << " at " << at;
          }
        }
  }
}

TEST(attack_a52_odd_flags, syn_with_fin_to_a_listener_is_dropped) {
  everywhere([](const Place& place) {
    Victim h(place);
    Peer p(h);
    for (const int f : {F::syn | F::fin, F::syn | F::fin | F::urg | F::psh, 0, F::fin | F::urg | F::psh}) {
      const auto r = h.hit(Seg{.seq = p.next, .flags = static_cast<u16>(f)});
      EXPECT_EQ(r.why, Drop::tcp_bad_flags);
      EXPECT_TRUE(r.replies.empty());
    }
    h.drain({p.listener});
  });
}

enum class Want { ignored, challenged, reset };

Want expected(State s, i64 offset, u32 wnd, bool rfc1337) {
  if (s == State::closed || s == State::listen || s == State::syn_sent) return Want::ignored;
  if (s == State::time_wait && rfc1337) return Want::ignored;
  if (offset == 0) return Want::reset;
  return offset > 0 && offset < i64{wnd} ? Want::challenged : Want::ignored;
}

void blind_reset(const Place& place, State s, bool rfc1337) {
  Sysctl settings;
  settings.tcp_rfc1337 = rfc1337;
  for (int which = 0; which < 5; ++which) {
    Victim h(place, settings);
    {
      Led c(h, s, 2'000);
      const i64 wnd = c.rcv_wnd;
      const i64 offset = std::array<i64, 5>{-1, 0, 1, wnd - 1, wnd}[static_cast<usize>(which)];
      const State before = c.now();
      h.now = h.now + 1_s;
      const auto r = h.hit(Seg{.seq = c.rcv_nxt + static_cast<u32>(offset), .flags = F::rst});
      const Want want = expected(s, offset, c.rcv_wnd, rfc1337);
      SCOPED_TRACE(testing::Message() << tcp::name(s) << " at " << offset);
      EXPECT_EQ(r.replies.size(), want == Want::challenged ? 1u : 0u);
      if (!r.replies.empty()) {
        EXPECT_EQ(r.replies[0].flags & (F::ack | F::rst | F::syn), F::ack);
        EXPECT_EQ(r.replies[0].ack, c.rcv_nxt);
        const auto again = h.hit(Seg{.seq = c.rcv_nxt + static_cast<u32>(offset), .flags = F::rst});
        EXPECT_TRUE(again.replies.empty()) << "at most one challenge in 500 ms";
      }
      const State after = c.now();
      if (want == Want::reset) {
        EXPECT_EQ(after, State::listen) << "gone: only the listener is left";
      } else {
        EXPECT_EQ(after, before);
      }
    }
    h.drain({});
  }
}

TEST(attack_a54_blind_reset, only_the_exact_sequence_number_resets) {
  //= rfc5961#3.2 MUST-1, MUST-2, MUST-3
  everywhere([](const Place& place) {
    for (const State s : all_states)
      for (const bool rfc1337 : {false, true}) blind_reset(place, s, rfc1337);
  });
}

TEST(attack_a54_blind_reset, in_syn_sent_only_with_the_acknowledgment_of_our_syn) {
  everywhere([](const Place& place) {
    Victim h(place);
    {
      Led c(h, State::syn_sent, 2'000);
      for (const u32 off : {0x7fff'ffffu, 1u, 0u - 1u, 0u - 2u}) {
        h.hit(Seg{.seq = {77}, .ack = c.snd_nxt + off, .flags = F::rst | F::ack});
        EXPECT_EQ(c.now(), State::syn_sent);
      }
      h.hit(Seg{.seq = {77}, .ack = c.snd_nxt, .flags = F::rst | F::ack});
      EXPECT_EQ(c.now(), State::closed);
      EXPECT_EQ(*h.engine.get_option(c.client, Option::error), ECONNREFUSED);
    }
    h.drain({});
  });
}

TEST(attack_a55_blind_syn, never_resets_and_is_challenged_once_in_500_ms) {
  //= rfc5961#4.2 MUST-4
  //= rfc5961#7 SHLD-1
  everywhere([](const Place& place) {
    for (const State s : all_states) {
      if (s < State::established || s == State::time_wait) continue;
      Victim h(place);
      {
        Led c(h, s, 2'000);
        const u32 ends = c.rcv_wnd;
        for (const u32 off : {0u - 1u, 0u, 1u, ends - 1, ends, ends + 1, 0x7fff'ffffu, 0x8000'0000u}) {
          for (const int f : {int{F::syn}, F::syn | F::ack}) {
            h.now = h.now + 501_ms;
            const Seg seg{.seq = c.rcv_nxt + off, .ack = c.snd_una, .flags = static_cast<u16>(f)};
            const auto r = h.hit(seg);
            SCOPED_TRACE(testing::Message() << tcp::name(s) << " at " << off);
            EXPECT_EQ(c.now(), s);
            EXPECT_EQ(r.replies.size(), 1u);
            if (!r.replies.empty()) {
              EXPECT_EQ(r.replies[0].ack, c.rcv_nxt);
            }
            EXPECT_TRUE(h.hit(seg).replies.empty());
          }
        }
      }
      h.drain({});
    }
  });
}

// May the ACK field be believed? RFC 5961 5.2: SND.UNA - MAX.SND.WND <= SEG.ACK <= SND.NXT.
bool believable(const tcp::Tcb& t, SeqNum ack) { return ack - (t.snd_una - t.max_snd_wnd) <= (t.snd_nxt - (t.snd_una - t.max_snd_wnd)); }

TEST(attack_a56_blind_data, is_taken_only_with_an_acknowledgment_of_what_was_sent_lately) {
  //= rfc5961#5.2 MUST-5
  everywhere([](const Place& place) {
    Victim h(place);
    Peer p(h, {.window = 60'000});
    const u32 c = p.open();
    h.write(c, 5'000);
    h.sent();
    Rng random = Rng::seeded(9);
    const tcp::Tcb t = h.tcb(c);
    std::vector<SeqNum> acks{t.snd_una - t.max_snd_wnd - 1, t.snd_una - t.max_snd_wnd, t.snd_una - 1, t.snd_una, t.snd_nxt, t.snd_nxt + 1};
    for (int i = 0; i < 20'000; ++i) acks.push_back({random.next_u32()});
    u32 taken = 0, challenged = 0;
    for (const SeqNum a : acks) {
      const bool believed = believable(h.tcb(c), a);
      Seg s = p.make(F::ack, 1);
      s.ack = a;
      const auto r = h.hit(s);
      ASSERT_EQ(r.why, believed ? Drop::none : Drop::tcp_bad_ack);
      if (believed) {
        ++taken;
        p.next += 1;
      } else {
        challenged += static_cast<u32>(r.replies.size());
      }
    }
    EXPECT_EQ(h.tcb(c).rcv_nxt, p.next);
    EXPECT_LE(taken, 10u);       // of 20,000 guesses: the window is 2^-16 of the space
    EXPECT_LE(challenged, 1u);   // no time has passed
    h.drain({c, p.listener});
  });
}

}  // namespace
}  // namespace weir::attacks

// A63: timestamps that poison or stall a connection (RFC 7323 3.2, 4.3, 5.3, 5.5).
#include "tests/attacks/victim.hpp"

namespace weir::attacks {
namespace {

constexpr u32 far = 0x7000'0000u;

// A connection with timestamps and some text behind it.
struct Stamped {
  explicit Stamped(const Place& place) : h(place), p(h, {.timestamps = true}) {
    c = p.open();
    p.ts += 10;
    p.data(100);
    h.sent();
  }
  [[nodiscard]] u32 recent() { return h.tcb(c).ts_recent; }
  void over() { h.drain({c, p.listener}); }
  Victim h;
  Peer p;
  u32 c;
};

Seg stamped(const Peer& p, u32 ts, u16 flags, u32 len) {
  Seg s = p.make(flags, len);
  s.options = tcp::test::options({.has_ts = true, .ts_val = ts, .ts_ecr = p.theirs});
  return s;
}

TEST(attack_a63_paws_poisoning, a_timestamp_from_the_future_counts_only_on_an_acceptable_segment) {
  //= rfc7323#5.3 MUST-13
  everywhere([](const Place& place) {
    Stamped x(place);
    const u32 before = x.recent();
    Seg outside = stamped(x.p, x.p.ts + far, F::ack, 10);
    outside.seq = outside.seq + 0x4000'0000u;
    EXPECT_EQ(x.h.hit(outside).why, Drop::tcp_bad_seq);
    Seg old = stamped(x.p, x.p.ts + far, F::ack, 10);
    old.seq = old.seq - 50;
    EXPECT_EQ(x.h.hit(old).why, Drop::tcp_bad_seq);
    Seg bad_ack = stamped(x.p, x.p.ts + far, F::ack, 10);  // who guesses SEG.SEQ does not yet know SEG.ACK
    bad_ack.ack = bad_ack.ack + 0x4000'0000u;
    EXPECT_EQ(x.h.hit(bad_ack).why, Drop::tcp_bad_ack);
    Seg syn = stamped(x.p, x.p.ts + far, F::syn, 0);
    EXPECT_EQ(x.h.hit(syn).why, Drop::tcp_bad_flags);
    Seg no_ack = stamped(x.p, x.p.ts + far, 0, 10);
    EXPECT_EQ(x.h.hit(no_ack).why, Drop::tcp_bad_flags);
    Seg hole = stamped(x.p, x.p.ts + far, F::ack, 10);  // beyond Last.ACK.sent: kept, but not what TS.Recent is of
    hole.seq = hole.seq + 50;
    EXPECT_EQ(x.h.hit(hole).why, Drop::none);
    EXPECT_EQ(x.recent(), before);
    x.p.ts += 1;
    x.p.data(100);
    EXPECT_EQ(x.h.read(x.c).size(), 200u);
    x.over();
  });
}

TEST(attack_a63_paws_poisoning, an_old_timestamp_is_dropped_and_acknowledged_and_a_missing_one_dropped) {
  //= rfc7323#3.2 SHLD-1
  //= rfc7323#5.3 MUST-11
  everywhere([](const Place& place) {
    Stamped x(place);
    x.h.read(x.c);
    const auto old = x.h.hit(stamped(x.p, x.p.ts - 1, F::ack, 10));
    EXPECT_EQ(old.why, Drop::tcp_paws);
    EXPECT_EQ(old.replies.size(), 1u);
    Seg none = x.p.make(F::ack, 10);
    none.options.clear();
    const auto missing = x.h.hit(none);
    EXPECT_EQ(missing.why, Drop::tcp_no_timestamp);
    EXPECT_TRUE(missing.replies.empty());
    EXPECT_EQ(x.h.engine.info(x.c).rx_bytes, 0u);
    EXPECT_EQ(x.h.hit(stamped(x.p, x.p.ts, F::ack, 10)).why, Drop::none);  // equal is good
    x.over();
  });
}

TEST(attack_a63_paws_poisoning, a_reset_goes_by_its_sequence_number_alone) {
  //= rfc7323#3.2 MUST-8
  //= rfc7323#5.3 MUST-12
  everywhere([](const Place& place) {
    for (const bool with : {false, true}) {
      Stamped x(place);
      Seg r = stamped(x.p, x.p.ts - far, F::rst, 0);
      if (!with) r.options.clear();
      r.seq = r.seq + 1;
      EXPECT_EQ(x.h.hit(r).replies.size(), 1u);  // in the window: challenged
      EXPECT_EQ(x.h.state(x.c), State::established);
      r.seq = r.seq - 1;
      x.h.hit(r);
      EXPECT_EQ(x.h.state(x.c), State::closed);
      x.over();
    }
  });
}

TEST(attack_a63_paws_poisoning, after_24_days_of_silence_the_memory_is_worthless) {
  //= rfc7323#5.5 SHLD-3
  everywhere([](const Place& place) {
    for (const bool long_enough : {false, true}) {
      Stamped x(place);
      x.h.read(x.c);
      x.h.pass((long_enough ? 25_s : 23_s) * 86'400);
      const auto r = x.h.hit(stamped(x.p, x.p.ts - far, F::ack, 10));
      EXPECT_EQ(r.why, long_enough ? Drop::none : Drop::tcp_paws);
      if (long_enough) {
        EXPECT_EQ(x.recent(), x.p.ts - far);
        x.p.next += 10;
        EXPECT_EQ(x.h.hit(stamped(x.p, x.p.ts - far + 1, F::ack, 10)).why, Drop::none);  // and it goes on from there
      }
      x.over();
    }
  });
}

TEST(attack_a63_paws_poisoning, timestamps_wrap) {
  everywhere([](const Place& place) {
    Stamped x(place);
    for (int i = 0; i < 8; ++i) {
      x.p.ts += 0x3fff'ffffu;
      EXPECT_EQ(x.h.hit(stamped(x.p, x.p.ts, F::ack, 10)).why, Drop::none);
      x.p.next += 10;
      EXPECT_EQ(x.recent(), x.p.ts);
      x.h.hit(x.p.make(F::ack));
    }
    x.over();
  });
}

}  // namespace
}  // namespace weir::attacks

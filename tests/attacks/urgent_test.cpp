// A67: urgent pointers (URGENT/11 CVE-2019-12255, 12260, 12261, 12263; INFRA:HALT CVE-2021-31400; uIP 17437).
#include "tests/attacks/states.hpp"

namespace weir::attacks {
namespace {

// Reads everything there is; never more than was there. The urgent byte, if it left the stream, counts too.
u32 read_all(Victim& h, u32 c) {
  u32 total = 0;
  std::vector<char> in(4'096);
  for (int guard = 0; guard < 10'000; ++guard) {
    const u32 there = h.engine.info(c).rx_bytes;
    const auto n = h.engine.recv(c, std::as_writable_bytes(std::span{in}), 0, h.now);
    const u32 left = h.engine.info(c).rx_bytes;
    EXPECT_LE(left, there);
    total += there - left;
    if (!n) return total;
    EXPECT_LE(*n, there);
    if (*n == 0) return total;
    char urgent = 0;
    static_cast<void>(h.engine.recv(c, std::as_writable_bytes(std::span{&urgent, 1}), RecvFlags::oob, h.now));
  }
  ADD_FAILURE() << "recv() never ends";
  return total;
}

void every_pointer(const Place& place, bool inline_data, u32 step) {
  Victim h(place);
  Peer p(h);
  const u32 c = p.open();
  ASSERT_TRUE(h.engine.set_option(c, Option::oob_inline, inline_data, h.now));
  u32 len_at = 0;
  for (u32 up = 0; up < 65'536; up += step) {
    const u32 len = std::array{0u, 1u, 2u, 1'460u}[len_at++ % 4];
    Seg s = p.make(F::ack | F::urg, len);
    s.up = static_cast<u16>(up);
    ASSERT_EQ(h.hit(s).why, Drop::none);
    p.next += len;
    ASSERT_EQ(read_all(h, c), len) << "pointer " << up << " length " << len;
  }
  EXPECT_EQ(h.state(c), State::established);
  h.drain({c, p.listener});
}

TEST(attack_a67_urgent_pointer, every_value_with_every_length) {
  every_pointer(places[0], false, 1);
  every_pointer(places[1], true, 1);
  everywhere([](const Place& place) {
    every_pointer(place, false, 97);
    every_pointer(place, true, 89);
  });
}

TEST(attack_a67_urgent_pointer, out_of_order_and_repeated) {
  everywhere([](const Place& place) {
    for (const u32 up : {0u, 1u, 50u, 99u, 100u, 101u, 200u, 1'000u, 65'535u}) {
      Victim h(place);
      Peer p(h);
      const u32 c = p.open();
      for (const i32 at : {300, 100, 200, -50, 0}) {  // the hole is filled last
        Seg s = p.make(F::ack | F::urg, 100);
        s.seq = s.seq + static_cast<u32>(at);
        s.up = static_cast<u16>(up);
        h.hit(s);
        h.hit(s);
      }
      EXPECT_EQ(read_all(h, c), 400u) << up;
      h.drain({c, p.listener});
    }
  });
}

TEST(attack_a67_urgent_pointer, on_syn_and_fin_and_in_every_state) {
  everywhere([](const Place& place) {
    Victim h(place);
    u16 port = 2'000;
    for (const State s : all_states) {
      for (const int f : {int{F::syn}, F::fin | F::ack, F::syn | F::ack, int{F::ack}}) {
        for (const u32 up : {0u, 1u, 2u, 0x7fffu, 0xffffu}) {
          Led c(h, s, port++);
          Seg seg{.seq = c.rcv_nxt, .ack = c.snd_nxt, .flags = static_cast<u16>(f | F::urg), .len = 1, .up = static_cast<u16>(up)};
          h.hit(seg);
          if (c.peer && c.peer->conn != 0) {
            EXPECT_LE(read_all(h, c.peer->conn), 1u);
          }
          h.sent();
        }
      }
    }
    h.pass(300_s);
    h.drain({});
  });
}

TEST(attack_a67_urgent_pointer, with_the_window_shut_and_close_racing) {
  everywhere([](const Place& place) {
    Sysctl small;
    small.tcp_rmem = 4'000;
    for (const bool ours_first : {false, true}) {
      Victim h(place, small);
      Peer p(h);
      const u32 c = p.open();
      while (h.tcb(c).rcv_wnd() != 0) p.data(std::min(1'000u, h.tcb(c).rcv_wnd()));
      h.sent();
      for (const u32 up : {1u, 2u, 1'000u, 65'535u}) {
        Seg s = p.make(F::ack | F::urg, 1);
        s.up = static_cast<u16>(up);
        h.hit(s);
        EXPECT_LE(h.engine.info(c).rx_bytes, 4'000u);
      }
      if (ours_first) {
        EXPECT_TRUE(h.engine.shutdown(c, Shutdown::write, h.now));
      }
      h.sent();
      EXPECT_EQ(read_all(h, c), 4'000u);
      h.sent();
      Seg last = p.make(F::ack | F::urg | F::fin, 10);
      last.up = 11;  // the urgent byte would be the FIN
      h.hit(last);
      h.sent();
      EXPECT_EQ(read_all(h, c), 10u);
      h.drain({c, p.listener});
    }
  });
}

TEST(attack_a67_urgent_pointer, a_pointer_that_is_0_as_a_number_is_a_pointer) {
  Victim h({"v4", false, {7}, {0u - 11u}});
  Peer p(h);
  const u32 c = p.open();
  Seg s = p.make(F::ack | F::urg);
  s.data = "abcdefghiX";
  s.up = 10;  // RCV.UP = 0
  h.hit(s);
  char urgent[2] = {};
  ASSERT_EQ(*h.engine.recv(c, std::as_writable_bytes(std::span{urgent}), RecvFlags::oob, h.now), 1u);
  EXPECT_EQ(urgent[0], 'X');
  h.drain({c, p.listener});
}

}  // namespace
}  // namespace weir::attacks

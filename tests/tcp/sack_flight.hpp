// A connection with SACK, a known round trip and ten segments in flight, whose peer acknowledges by numbers of segments.
#pragma once

#include "tcp/recovery/learnt.hpp"
#include "tests/tcp/peer.hpp"

namespace weir::tcp::test {

inline u32 bytes_of(const std::vector<Seg>& out) {
  u32 n = 0;
  for (const Seg& s : out) n += s.len;
  return n;
}

struct SackFlight : testing::Test {
  static constexpr u32 mss = 1'460;
  static constexpr Duration rtt = 40_ms;

  explicit SackFlight(PeerOptions o = {.wscale = u8{3}, .window = 500'000, .sack = true, .rtt = rtt},
                      const Origin& from = Origin::of_environment())
      : h(1, {}, from), p(h, o) {
    h.sysctl.tcp_congestion_control = static_cast<u8>(cc::Kind::reno);
    h.sysctl.tcp_ecn = 2;
    p.open();
    first = p.acked;
  }
  // Into flight at once, as much as the windows take.
  void write(u32 segments) {
    const std::string s(segments * mss, 'd');
    EXPECT_EQ(h.engine.send(p.conn, Harness::bytes(s), 0, h.now).value_or(0), s.size());
  }
  // With a window of so many segments, all of them in flight.
  void flight(u32 segments, u32 waiting = 0) {
    h.tcb(p.conn).cwnd = segments * mss;
    write(segments + waiting);
    EXPECT_EQ(bytes_of(h.sent()), segments * mss);
  }
  [[nodiscard]] SeqNum at(u32 segment) const { return first + segment * mss; }
  // Segments [from, to).
  [[nodiscard]] wire::SackBlock block(u32 from, u32 to) const { return {at(from), at(to)}; }
  // The numbers of the segments sent since the last look, each as often as it was.
  std::vector<u32> numbers() {
    std::vector<u32> out;
    for (const Seg& s : h.sent())
      for (u32 i = 0; i < s.len; i += mss) out.push_back((s.seq - first + i) / mss);
    return out;
  }
  void time_out() {
    const u64 before = h.count(Tcp::rto_expirations);
    for (int i = 0; i < 40'000 && h.count(Tcp::rto_expirations) == before; ++i) h.pass(5_ms);
    ASSERT_EQ(h.count(Tcp::rto_expirations), before + 1);
  }
  [[nodiscard]] Tcb& tcb() { return h.tcb(p.conn); }
  [[nodiscard]] Sender& sender() { return h.engine.context().senders[tcb().sender]; }
  [[nodiscard]] Info info() { return h.engine.info(p.conn); }

  Harness h;
  Peer p;
  SeqNum first;
};

}  // namespace weir::tcp::test

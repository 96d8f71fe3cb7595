// ECN over a simulated wire: RFC 3168, and DCTCP (RFC 8257) with its precise echo.
#include <gtest/gtest.h>

#include <set>
#include "tcp/cc/controller.hpp"

#include "tests/sim/tcp_world.hpp"

namespace weir::sim {
namespace {

using tcp::Tcp;
using test::TcpWorld;

HostConfig asks(tcp::cc::Kind cc = tcp::cc::Kind::cubic) {
  HostConfig h;
  h.sysctl.tcp_ecn = 1;
  h.sysctl.tcp_congestion_control = static_cast<u8>(cc);
  h.sysctl.tcp_rmem = h.sysctl.tcp_wmem = 4 << 20;
  return h;
}

// What the wire sees of ECN.
class Watch : public WireListener {
 public:
  explicit Watch(World& w) { w.add_listener(this); }
  void on_address(u32, const IpAddr&) override {}
  void on_delivered(u32, const Link&, Bytes, bool, Instant) override {}
  void on_sent(u32, const Link&, Bytes frame, Instant) override {
    const Dissected d = dissect(frame);
    if (!d.is_tcp()) return;
    const auto v = wire::TcpView::parse(d.l4);
    const u8 field = load_u8(d.ip.data() + 1);
    const u8 ecn = d.ethertype == wire::ethertype::ipv4 ? field & 3 : field >> 4 & 3;
    const bool syn = v->flags().any(wire::TcpFlags::syn), data = !v->payload().empty();
    if (syn && v->flags().any(wire::TcpFlags::ece)) ++ece_syns;
    if (syn && !v->flags().any(wire::TcpFlags::ece)) ++plain_syns;
    if (ecn != 0 && (syn || !data)) ++wrong_ect;
    if (data && !seen.insert(v->seq().raw).second && ecn != 0) ++ect_again;
    if (data && ecn == 2) ++ect0;
    if (ecn == 1) ++ect1;
    if (!syn && v->flags().any(wire::TcpFlags::ece)) ++ece;
    if (!syn && v->flags().any(wire::TcpFlags::cwr)) ++cwr;
  }
  u64 ece_syns = 0, plain_syns = 0, wrong_ect = 0, ect_again = 0, ect0 = 0, ect1 = 0, ece = 0, cwr = 0;
  std::set<u32> seen;
};

class sim_ecn : public testing::TestWithParam<Family> {};

TEST_P(sim_ecn, a_mark_is_echoed_until_cwr_and_halves_once) {
  //= rfc3168#6.1.2 MUST-5, MUST-6, MUST-7
  //= rfc3168#6.1.3 MUST-10
  TcpWorld w{1, {.bits_per_second = 50'000'000, .delay = 10_ms}, {.static_neighbours = true}, asks()};
  Watch watch{w.world};
  w.link.mark([n = 0](const FrameInfo& f) mutable { return f.a_to_b && dissect(f.frame).l4.size() > 1'000 && ++n == 100; });
  w.transfer({.bytes = 2'000'000, .family = GetParam()});
  EXPECT_EQ(w.finish(), "");
  EXPECT_EQ(watch.ece_syns, 2u) << "SYN and SYN-ACK";
  EXPECT_EQ(watch.wrong_ect, 0u) << "only data is ECT";
  EXPECT_GT(watch.ect0, 1'000u);
  EXPECT_EQ(watch.ect1, 0u);
  EXPECT_EQ(w.server.count(Tcp::ce_in), 1u);
  EXPECT_GE(watch.ece, 2u) << "on every ACK until CWR has come";
  EXPECT_EQ(w.client.count(Tcp::mark_reductions), 1u) << "once a round trip";
  EXPECT_EQ(watch.cwr, 1u);
  EXPECT_EQ(w.client.count(Tcp::retrans_segs), 0u);
}

TEST_P(sim_ecn, what_is_sent_again_is_not_ect) {
  //= rfc3168#6.1.5 MUST-13
  TcpWorld w{1, {.bits_per_second = 50'000'000, .delay = 10_ms, .loss = 0.02}, {.static_neighbours = true}, asks()};
  Watch watch{w.world};
  w.transfer({.bytes = 1'000'000, .family = GetParam()});
  EXPECT_EQ(w.finish(), "");
  EXPECT_GT(w.client.count(Tcp::retrans_segs), 5u);
  EXPECT_EQ(watch.ect_again, 0u);
  EXPECT_GE(watch.cwr, 1u) << "a loss is a reduction too: 6.1.2";
}

TEST_P(sim_ecn, a_lost_syn_is_repeated_without_the_offer) {
  //= rfc3168#6.1.1.1 MAY-1
  TcpWorld w{1, {.bits_per_second = 50'000'000, .delay = 10_ms}, {.static_neighbours = true}, asks()};
  Watch watch{w.world};
  w.link.drop(first(1, tcp_with(wire::TcpFlags::syn | wire::TcpFlags::ece)));
  w.transfer({.bytes = 100'000, .family = GetParam()});
  EXPECT_EQ(w.finish(), "");
  EXPECT_EQ(watch.ece_syns, 1u);
  EXPECT_EQ(watch.plain_syns, 2u) << "SYN and SYN-ACK";
  EXPECT_EQ(watch.ect0, 0u);
}

TEST_P(sim_ecn, who_only_accepts_does_not_ask) {
  HostConfig h;
  h.sysctl.tcp_ecn = 2;
  TcpWorld w{1, {.bits_per_second = 50'000'000, .delay = 10_ms}, {.static_neighbours = true}, h};
  Watch watch{w.world};
  w.transfer({.bytes = 100'000, .family = GetParam()});
  EXPECT_EQ(w.finish(), "");
  EXPECT_EQ(watch.ece_syns, 0u);
  EXPECT_EQ(watch.ect0, 0u);
}

// A queue that marks from 20 packets on: neither algorithm loses a packet, and DCTCP keeps the queue near the threshold.
TEST_P(sim_ecn, a_marking_queue_loses_nothing) {
  for (const auto cc : {tcp::cc::Kind::cubic, tcp::cc::Kind::dctcp}) {
    TcpWorld w{1,
               {.bits_per_second = 1'000'000'000, .delay = 200_us, .queue_packets = 300, .mark_packets = 20},
               {.static_neighbours = true},
               asks(cc)};
    w.transfer({.bytes = 20'000'000, .family = GetParam()});
    EXPECT_EQ(w.finish(), "");
    EXPECT_GT(w.link.a_to_b().stats().marked, 5u);
    EXPECT_EQ(w.link.a_to_b().stats().queue_drops, 0u);
    const double rate = 20e6 * 8 / (w.done_at() - Instant{}).s();
    EXPECT_GT(rate, cc == tcp::cc::Kind::dctcp ? 0.85e9 : 0.8e9) << tcp::cc::name(cc);
  }
}

INSTANTIATE_TEST_SUITE_P(families, sim_ecn, testing::Values(Family::v4, Family::v6),
                         [](const auto& p) { return p.param == Family::v4 ? "v4" : "v6"; });

}  // namespace
}  // namespace weir::sim

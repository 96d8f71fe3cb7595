// Options around the handshake: a listener that waits for data, several listeners of one port, and which ports clients get.
#include <map>
#include <set>

#include "tests/tcp/peer.hpp"

namespace weir::tcp::test {
namespace {

struct Deferring {
  explicit Deferring(Duration d) : p(h) {
    EXPECT_TRUE(h.engine.set_option(p.listener, Option::defer_accept, d.ns, h.now));
    h.inject({.seq = SeqNum{700}, .flags = F::syn, .options = options({.mss = u16{1460}})});
    syn_ack = h.sent().at(0);
    ack();
  }
  void ack(u16 flags = F::ack, const std::string& data = {}) {
    h.inject({.seq = SeqNum{701}, .ack = syn_ack.seq + 1, .flags = flags, .data = data});
  }
  bool accepted() { return h.engine.accept(p.listener, h.now).has_value(); }
  Harness h;
  Peer p;
  Seg syn_ack;
};

TEST(tcp_defer_accept, the_connection_is_there_when_its_first_data_is) {
  Deferring d(3_s);
  EXPECT_FALSE(d.accepted());
  EXPECT_EQ(d.h.engine.half_open(), 1u);
  d.h.pass(500_ms);
  d.ack(F::ack | F::psh, "question");
  const auto c = d.h.engine.accept(d.p.listener, d.h.now);
  ASSERT_TRUE(c);
  EXPECT_EQ(d.h.engine.info(*c).rx_bytes, 8u);
  EXPECT_EQ(d.h.engine.half_open(), 0u);
}

TEST(tcp_defer_accept, a_fin_is_something_to_say) {
  Deferring d(3_s);
  d.ack(F::ack | F::fin);
  EXPECT_TRUE(d.accepted());
}

TEST(tcp_defer_accept, after_the_time_the_peer_is_asked_once_more_and_an_ack_opens) {
  Deferring d(3_s);
  EXPECT_EQ(*d.h.engine.get_option(d.p.listener, Option::defer_accept), (3_s).ns);
  d.h.pass(2'900_ms);
  EXPECT_EQ(d.h.sent().size(), 0u) << "the peer has answered: there is nothing to ask";
  d.h.pass(200_ms);
  const auto out = d.h.sent();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_TRUE(out[0].has(F::syn | F::ack));
  d.ack();
  const auto c = d.h.engine.accept(d.p.listener, d.h.now);
  ASSERT_TRUE(c);
  EXPECT_EQ(d.h.engine.info(*c).cwnd, 10u * 1'460) << "nothing was lost";
}

TEST(tcp_defer_accept, who_never_answers_again_is_given_up) {
  Deferring d(3_s);
  d.h.pass(200_s);
  EXPECT_EQ(d.h.engine.half_open(), 0u);
  EXPECT_FALSE(d.accepted());
}

TEST(tcp_reuse_port, listeners_share_connections_by_flow) {
  Harness h;
  std::vector<u32> listeners;
  for (int i = 0; i < 4; ++i) {
    const u32 l = *h.engine.open(Harness::ns, Family::v4, 1);
    ASSERT_TRUE(h.engine.set_option(l, Option::reuse_port, 1, h.now));
    ASSERT_TRUE(h.engine.bind(l, {IpAddr::any(Family::v4), 80, 0}, h.now));
    ASSERT_TRUE(h.engine.listen(l, 2'000, h.now));
    listeners.push_back(l);
  }
  std::map<u16, u32> taken_by;  // by port of the peer
  const auto open = [&](u16 port) {
    h.peer.port = port;
    h.inject({.seq = SeqNum{700}, .flags = F::syn});
    const auto out = h.sent();
    ASSERT_EQ(out.size(), 1u);
    h.inject({.seq = SeqNum{701}, .ack = out[0].seq + 1, .flags = F::ack});
    for (const u32 l : listeners)
      if (const auto c = h.engine.accept(l, h.now)) {
        taken_by[port] = l;
        h.engine.abort(*c, h.now);
        h.sent();
      }
  };
  for (u16 port = 10'000; port < 11'000; ++port) open(port);
  std::map<u32, u32> share;
  for (const auto& [port, l] : taken_by) ++share[l];
  EXPECT_EQ(taken_by.size(), 1'000u);
  for (const u32 l : listeners) {
    EXPECT_GT(share[l], 190u);  // 250, and four times the deviation of 13.7
    EXPECT_LT(share[l], 310u);
  }
  // One goes: only its flows move.
  const auto before = taken_by;
  const u32 gone = listeners[1];
  h.engine.close(gone, h.now);
  listeners.erase(listeners.begin() + 1);
  for (u16 port = 10'000; port < 11'000; ++port) open(port);
  for (const auto& [port, l] : before) EXPECT_EQ(taken_by[port] == l, l != gone) << port;
}

TEST(tcp_reuse_port, a_listener_of_the_address_still_goes_first) {
  Harness h;
  Peer any(h);
  const u32 own = *h.engine.open(Harness::ns, Family::v4, 1);
  ASSERT_TRUE(h.engine.set_option(any.listener, Option::reuse_port, 1, h.now));
  h.here.port = 81;
  const u32 wide = *h.engine.open(Harness::ns, Family::v4, 1);
  for (const u32 l : {wide, own}) {
    ASSERT_TRUE(h.engine.set_option(l, Option::reuse_port, 1, h.now));
    ASSERT_TRUE(h.engine.bind(l, {l == own ? h.here.addr : IpAddr::any(Family::v4), 81, 0}, h.now));
    ASSERT_TRUE(h.engine.listen(l, 100, h.now));
  }
  for (u16 i = 0; i < 50; ++i) {
    h.peer.port = static_cast<u16>(20'000 + i);
    h.inject({.seq = SeqNum{700}, .flags = F::syn});
    const auto out = h.sent();
    h.inject({.seq = SeqNum{701}, .ack = out.at(0).seq + 1, .flags = F::ack});
    EXPECT_TRUE(h.engine.accept(own, h.now)) << i;
  }
  EXPECT_EQ(h.engine.accept(wide, h.now).error(), Errc::would_block);
}

// -- RFC 6056

struct Ports {
  u16 next(const Endpoint& to, bool keep = false) {
    const u32 c = *h.engine.open(Harness::ns, Family::v4, 5);
    EXPECT_EQ(h.engine.connect(c, to, h.now).error(), Errc::in_progress);
    const u16 port = h.engine.local(c).port;
    if (!keep) h.engine.abort(c, h.now);
    h.sent();
    return port;
  }
  Harness h;
};

TEST(tcp_ports, a_port_comes_again_as_late_as_it_can) {
  // RFC 6056 3.3.4, and the reason for it: the one used last is the one whose packets may still be under way.
  Ports x;
  x.h.sysctl.port_first = 50'000, x.h.sysctl.port_last = 50'099;
  std::set<u16> seen;
  for (int i = 0; i < 100; ++i) seen.insert(x.next(x.h.peer));
  EXPECT_EQ(seen.size(), 100u) << "no port twice before each was used once";
  Ports random;
  random.h.sysctl.tcp_port_selection = 0;
  random.h.sysctl.port_first = 50'000, random.h.sysctl.port_last = 50'099;
  std::set<u16> often;
  for (int i = 0; i < 100; ++i) often.insert(random.next(random.h.peer));
  EXPECT_LT(often.size(), 80u) << "about 63 of 100 by chance";
}

TEST(tcp_ports, of_what_is_opened_to_one_destination_another_learns_nothing) {
  Ports x;
  std::set<int> steps;
  const Endpoint mine{Ip4Addr{0x0a00'0009}, 443, 0};
  for (u32 i = 0; i < 50; ++i) {
    const u16 before = x.next(mine);
    for (u32 k = 0; k < 3; ++k) x.next({Ip4Addr{0x0a00'1000 + i}, 443, 0});
    steps.insert(static_cast<u16>(x.next(mine) - before));
  }
  EXPECT_LE(steps.size(), 2u) << "its own counter goes on by one, or by two where another shares it";
  std::set<u16> starts;
  for (u32 i = 0; i < 100; ++i) starts.insert(x.next({Ip4Addr{0x0a00'2000 + i}, 443, 0}));
  EXPECT_GT(starts.size(), 97u) << "each begins elsewhere";
  Ports other;
  other.h.rng = Rng::seeded(2);
  Harness again(2);
  EXPECT_NE(x.next({Ip4Addr{0x0a00'3000}, 1, 0}), [&] {
    const u32 c = *again.engine.open(Harness::ns, Family::v4, 5);
    static_cast<void>(again.engine.connect(c, {Ip4Addr{0x0a00'3000}, 1, 0}, again.now));
    return again.engine.local(c).port;
  }()) << "another secret, other ports";
}

TEST(tcp_ports, what_is_in_use_is_passed_over_and_the_last_one_found) {
  Ports x;
  x.h.sysctl.port_first = 50'000, x.h.sysctl.port_last = 50'009;
  const u32 bound = *x.h.engine.open(Harness::ns, Family::v4, 5);
  ASSERT_TRUE(x.h.engine.bind(bound, {IpAddr::any(Family::v4), 50'003, 0}, x.h.now));
  std::set<u16> seen;
  for (int i = 0; i < 9; ++i) seen.insert(x.next(x.h.peer, true));
  EXPECT_EQ(seen.size(), 9u);
  EXPECT_FALSE(seen.contains(50'003));
  const u32 c = *x.h.engine.open(Harness::ns, Family::v4, 5);
  EXPECT_EQ(x.h.engine.connect(c, x.h.peer, x.h.now).error(), Errc::addr_not_available);
  EXPECT_EQ(x.h.engine.connect(c, {Ip4Addr{0x0a00'0077}, 1, 0}, x.h.now).error(), Errc::in_progress) << "another 4-tuple";
}

}  // namespace
}  // namespace weir::tcp::test

// How connections come to be and what they keep: SYNs that cross, resets on the way, addresses, TIME-WAIT (RFC 9293 3.5, 3.6.1,
// 3.7.1, 3.9).
#include "tests/tcp/peer.hpp"

namespace weir::tcp::test {
namespace {

u32 connect(Harness& h) {
  const u32 c = *h.engine.open(Harness::ns, h.here.addr.family(), 5);
  EXPECT_TRUE(h.engine.bind(c, h.here, h.now));
  EXPECT_EQ(h.engine.connect(c, h.peer, h.now).error(), Errc::in_progress);
  return c;
}

TEST(tcp_open, syns_that_cross_make_one_connection) {
  //= rfc9293#3.5 MUST-10
  //= rfc9293#3.7.1 MUST-14, SHLD-5
  Harness h;
  const u32 c = connect(h);
  const Seg syn = h.sent().at(0);
  EXPECT_EQ(wire::parse_options(syn.options)->mss, 1'460);
  h.inject({.seq = SeqNum{700}, .flags = F::syn, .options = options({.mss = u16{1460}})});
  EXPECT_EQ(h.engine.info(c).state, State::syn_received);
  const auto out = h.sent();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_TRUE(out[0].has(F::syn | F::ack));
  EXPECT_EQ(out[0].seq, syn.seq);
  EXPECT_EQ(out[0].ack, SeqNum{701});
  h.inject({.seq = SeqNum{700}, .ack = syn.seq + 1, .flags = F::syn | F::ack});  // the other end has done the same
  EXPECT_EQ(h.engine.info(c).state, State::established);
  EXPECT_EQ(h.engine.connections(), 1u);
}

TEST(tcp_open, a_close_in_syn_received_waits_for_the_connection) {
  Harness h;
  const u32 c = connect(h);
  const Seg syn = h.sent().at(0);
  h.inject({.seq = SeqNum{700}, .flags = F::syn});
  h.sent();
  h.engine.close(c, h.now);
  h.inject({.seq = SeqNum{701}, .ack = syn.seq + 1, .flags = F::ack});
  EXPECT_EQ(h.engine.info(c).state, State::fin_wait_1);
  const auto out = h.sent();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_TRUE(out[0].has(F::fin));
  h.inject({.seq = SeqNum{701}, .ack = syn.seq + 2, .flags = F::ack | F::fin});
  EXPECT_EQ(h.engine.time_wait(), 1u);
  EXPECT_EQ(h.engine.connections(), 0u);
}

TEST(tcp_open, a_reset_in_syn_received_returns_to_where_it_came_from) {
  //= rfc9293#3.5 MUST-11
  {
    Harness h;  // from LISTEN: nobody is told, the listener listens
    Peer p(h);
    h.inject({.seq = p.next, .flags = F::syn});
    h.sent();
    EXPECT_EQ(h.engine.half_open(), 1u);
    h.inject({.seq = p.next + 1, .flags = F::rst});
    EXPECT_EQ(h.engine.half_open(), 0u);
    EXPECT_EQ(h.engine.info(p.listener).state, State::listen);
    EXPECT_EQ(h.engine.accept(p.listener, h.now).error(), Errc::would_block);
    EXPECT_EQ(h.sent().size(), 0u);
  }
  Harness h;  // from SYN-SENT: the user is told
  const u32 c = connect(h);
  h.inject({.seq = SeqNum{700}, .flags = F::syn});
  h.inject({.seq = SeqNum{701}, .flags = F::rst});
  EXPECT_EQ(h.engine.info(c).state, State::closed);
  EXPECT_EQ(*h.engine.get_option(c, Option::error), ECONNREFUSED);
}

TEST(tcp_open, the_local_address_of_an_open_is_the_callers) {
  //= rfc9293#3.9.1.1 MUST-43
  Harness h;
  const Endpoint mine{Ip4Addr{0x0a00'0042}, 1'234, 0};  // not what the route would choose
  const u32 c = *h.engine.open(Harness::ns, Family::v4, 5);
  ASSERT_TRUE(h.engine.bind(c, mine, h.now));
  ASSERT_EQ(h.engine.connect(c, h.peer, h.now).error(), Errc::in_progress);
  EXPECT_EQ(h.engine.local(c).addr, mine.addr);
  EXPECT_EQ(h.engine.local(c).port, mine.port);
  const buf::PacketId id = h.out.pop(h.pool);
  EXPECT_EQ(IpAddr{wire::Ipv4View::parse(h.pool.first_run(id), h.pool[id].length)->src()}, mine.addr);
  h.pool.release(id);
}

TEST(tcp_open, the_local_address_stays_whatever_the_routes_say_later) {
  //= rfc9293#3.9.1.1 MUST-45
  Harness h;
  const IpAddr chosen = h.here.addr;
  const u32 c = *h.engine.open(Harness::ns, Family::v4, 5);
  static_cast<void>(h.engine.connect(c, h.peer, h.now));
  h.here.port = h.engine.local(c).port;
  const Seg syn = h.sent().at(0);
  h.inject({.seq = SeqNum{9}, .ack = syn.seq + 1, .flags = F::syn | F::ack});
  h.sent();
  h.here.addr = Ip4Addr{0x0a00'0099};  // what the route would choose now
  h.destinations.remove_interface(1);
  ASSERT_TRUE(h.engine.send(c, Harness::bytes("x"), 0, h.now));
  h.pass(1_s);  // and once more
  int seen = 0;
  while (!h.out.empty()) {
    const buf::PacketId id = h.out.pop(h.pool);
    const auto v = wire::Ipv4View::parse(h.pool.first_run(id), h.pool[id].length);
    ASSERT_TRUE(v);
    EXPECT_EQ(IpAddr{v->src()}, chosen);
    ++seen;
    h.pool.release(id);
  }
  EXPECT_GE(seen, 2);
  EXPECT_EQ(h.engine.local(c).addr, chosen);
  EXPECT_EQ(h.destinations[h.tcb(c).destination].source, chosen);
}

TEST(tcp_open, ip_options_in_front_of_a_segment_are_nothing_to_tcp) {
  //= rfc9293#3.9.2 MUST-50
  Harness h;
  Peer p(h);
  p.open();
  auto packet = h.frame(p.make(F::ack, 10));
  const std::byte unknown[] = {std::byte{0x9e}, std::byte{8}, std::byte{1}, std::byte{2},
                               std::byte{3},    std::byte{4}, std::byte{5}, std::byte{6}};
  packet.insert(packet.begin() + 20, std::begin(unknown), std::end(unknown));
  const buf::PacketId id = h.pool.from_bytes(packet);
  buf::Packet& k = h.pool[id];
  k.netns = Harness::ns, k.l3 = k.head, k.family = 4, k.l4 = static_cast<u16>(k.l3 + 28);
  h.engine.receive({&id, 1}, h.now);
  EXPECT_EQ(h.engine.info(p.conn).rx_bytes, 10u);
}

TEST(tcp_open, an_mss_outside_a_syn_is_not_obeyed) {
  //= rfc9293#3.7.1 MUST-65
  Harness h;
  Peer p(h, {.timestamps = true});
  p.open();
  const u32 before = h.engine.info(p.conn).snd_mss;
  Seg s = p.make(F::ack, 10);
  s.options = options({.mss = u16{100}, .has_ts = true, .ts_val = p.ts, .ts_ecr = p.theirs});
  p.say(s);
  EXPECT_EQ(h.engine.info(p.conn).rx_bytes, 10u);
  EXPECT_EQ(h.engine.info(p.conn).snd_mss, before);
}

// TIME-WAIT on the peer's flow, which had TSval 1,010 at last.
struct Waiting {
  Waiting() : p(h, {.timestamps = true}) {
    const u32 c = p.open();
    p.ts = 1'010;
    EXPECT_TRUE(h.engine.shutdown(c, Shutdown::write, h.now));
    p.ack(p.acked + 1);
    p.data(0, F::fin);
    h.sent();
    EXPECT_EQ(h.engine.time_wait(), 1u);
    EXPECT_EQ(h.engine.info(c).state, State::time_wait);
  }
  // Does a SYN with these numbers open a new connection?
  bool reopens(SeqNum seq, u32 ts) {
    h.inject({.seq = seq, .flags = F::syn, .options = options({.mss = u16{1460}, .has_ts = true, .ts_val = ts})});
    const auto out = h.sent();
    return out.size() == 1 && out[0].has(F::syn | F::ack);
  }
  Harness h;
  Peer p;
};

TEST(tcp_open, timestamps_let_a_newer_syn_cut_time_wait_short) {
  //= rfc6191#2 SHLD-1
  //= rfc9293#3.6.1 SHLD-4, MAY-2
  EXPECT_TRUE(Waiting().reopens(SeqNum{1}, 1'011));
  EXPECT_FALSE(Waiting().reopens(SeqNum{1}, 1'009));
  Waiting same;
  EXPECT_TRUE(same.reopens(same.p.next + 5, 1'010));
  Waiting old;
  EXPECT_FALSE(old.reopens(old.p.next - 5, 1'010));
}

TEST(tcp_open, a_quiet_time_wait_lasts_two_segment_lifetimes_to_the_millisecond) {
  //= rfc9293#3.6.1 MUST-13
  Waiting w;
  w.h.pass(59'999_ms);
  EXPECT_EQ(w.h.engine.time_wait(), 1u);
  w.h.pass(1_ms);
  EXPECT_EQ(w.h.engine.time_wait(), 0u);
}

}  // namespace
}  // namespace weir::tcp::test

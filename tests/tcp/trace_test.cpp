// The event trace: the ring, who is seen, and what of a connection's life is in it.
#include "tcp/trace.hpp"

#include "tests/tcp/peer.hpp"

namespace weir::tcp::test {
namespace {

std::vector<TraceEvent> taken(Trace& trace) {
  std::vector<TraceEvent> all;
  for (TraceEvent e; trace.take(e);) all.push_back(e);
  return all;
}

std::vector<TraceEvent> only(const std::vector<TraceEvent>& all, Happened what) {
  std::vector<TraceEvent> some;
  std::ranges::copy_if(all, std::back_inserter(some), [&](const TraceEvent& e) { return e.what == what; });
  return some;
}

// What was told of states, or paths: each as "before > after".
template <class E>
std::vector<std::string> changes(const std::vector<TraceEvent>& all, Happened what) {
  std::vector<std::string> text;
  for (const TraceEvent& e : only(all, what)) text.push_back(std::string(name(E{e.a})) + " > " + name(E{e.b}));
  return text;
}

using Strings = std::vector<std::string>;

TraceEvent numbered(u32 n) { return {.at = Instant{n}, .connection = 1, .what = Happened::sent, .v = {n}}; }

TEST(tcp_trace, the_ring_keeps_the_newest_and_counts_what_it_overwrites) {
  Trace trace({}, 4);
  TraceEvent e;
  EXPECT_FALSE(trace.take(e));
  for (u32 i = 0; i < 3; ++i) trace.put(numbered(i));
  ASSERT_TRUE(trace.take(e));
  EXPECT_EQ(e, numbered(0));
  for (u32 i = 3; i < 9; ++i) trace.put(numbered(i));
  EXPECT_EQ(trace.size(), 4u);
  EXPECT_EQ(trace.lost(), 4u) << "1, 2, 3 and 4";
  const auto all = taken(trace);
  ASSERT_EQ(all.size(), 4u);
  for (u32 i = 0; i < 4; ++i) EXPECT_EQ(all[i], numbered(5 + i));
  EXPECT_EQ(trace.size(), 0u);
}

struct tcp_trace_of_a_connection : testing::Test {
  ~tcp_trace_of_a_connection() override { h.engine.detach(trace); }
  void write(u32 n) { EXPECT_EQ(h.engine.send(p.conn, Harness::bytes(std::string(n, 'd')), 0, h.now).value_or(0), n); }

  static constexpr u32 mss = 1'460;
  Harness h;
  Peer p{h, {.wscale = u8{4}, .window = 1'000'000}};
  Trace trace{{}, 4'096};
};

TEST_F(tcp_trace_of_a_connection, its_states_until_it_is_over) {
  h.engine.attach(trace);
  p.open();
  ASSERT_TRUE(h.engine.shutdown(p.conn, Shutdown::write, h.now));
  p.ack(h.sent().back().seq + 1);
  h.engine.abort(p.conn, h.now);
  const auto all = taken(trace);
  EXPECT_EQ(changes<State>(all, Happened::state),
            (Strings{"CLOSED > ESTABLISHED", "ESTABLISHED > FIN-WAIT-1", "FIN-WAIT-1 > FIN-WAIT-2", "FIN-WAIT-2 > CLOSED"}));
  ASSERT_EQ(trace.connections().size(), 1u);
  EXPECT_EQ(trace.connections()[0].local, h.here);
  EXPECT_EQ(trace.connections()[0].remote, h.peer);
  EXPECT_EQ(trace.connections()[0].irs, h.origin.irs);
  for (const TraceEvent& e : all) EXPECT_EQ(e.connection, 1u);
}

TEST_F(tcp_trace_of_a_connection, segments_and_acknowledgments) {
  p.open();
  h.engine.attach(trace);
  const SeqNum first = p.acked;
  write(2 * mss);
  h.now = h.now + 10_ms;
  p.ack(first + 2 * mss);
  const auto all = taken(trace);
  u32 bytes = 0;
  for (const TraceEvent& e : only(all, Happened::sent)) {
    EXPECT_EQ(e.v[0], (first + bytes).raw);
    EXPECT_EQ(e.a, 0);
    bytes += e.v[1];
  }
  EXPECT_EQ(bytes, 2 * mss);
  const auto acks = only(all, Happened::ack);
  ASSERT_EQ(acks.size(), 1u);
  EXPECT_EQ(acks[0].at, h.now);
  EXPECT_EQ(acks[0].v[0], (first + 2 * mss).raw);
  EXPECT_EQ(acks[0].v[1], h.engine.info(p.conn).snd_wnd) << "scaled";
  EXPECT_EQ(acks[0].n, 0);
  const auto rtts = only(all, Happened::rtt);
  ASSERT_EQ(rtts.size(), 1u);
  EXPECT_EQ(rtts[0].v[0], 10'000u);
  EXPECT_EQ(rtts[0].v[1], h.engine.info(p.conn).srtt_us);
  const auto windows = only(all, Happened::window);
  ASSERT_FALSE(windows.empty());
  EXPECT_EQ(windows.back().v[0], h.engine.info(p.conn).cwnd);
  EXPECT_EQ(windows.back().v[2], 0u) << "nothing is in flight any more";
}

TEST_F(tcp_trace_of_a_connection, a_loss_and_its_repair) {
  h.sysctl.tcp_congestion_control = static_cast<u8>(cc::Kind::reno);
  p.open();
  h.engine.attach(trace);
  const SeqNum first = p.acked;
  write(10 * mss);
  for (int i = 0; i < 3; ++i) p.ack();
  p.ack(first + 10 * mss);
  const auto all = taken(trace);
  EXPECT_EQ(changes<Path>(all, Happened::path), (Strings{"open > disorder", "disorder > recovery", "recovery > open"}));
  const auto lost = only(all, Happened::lost);
  ASSERT_EQ(lost.size(), 1u);
  EXPECT_EQ(lost[0].v[0], first.raw);
  EXPECT_EQ(lost[0].v[1], mss);
  std::vector<TraceEvent> again = only(all, Happened::sent);
  std::erase_if(again, [](const TraceEvent& e) { return e.a == 0; });
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].v[0], first.raw);
}

TEST_F(tcp_trace_of_a_connection, a_timer_that_fires) {
  p.open();
  write(mss);
  h.engine.attach(trace);
  while (h.count(Tcp::rto_expirations) == 0) h.pass(10_ms);
  const auto all = taken(trace);
  const auto timers = only(all, Happened::timer);
  ASSERT_FALSE(timers.empty());
  EXPECT_EQ(Timer{timers.back().a}, Timer::retransmit);
  EXPECT_EQ(changes<Path>(all, Happened::path), (Strings{"open > loss"}));
  const auto again = only(all, Happened::sent);
  ASSERT_FALSE(again.empty());
  EXPECT_EQ(again.back().a, 1);
}

TEST_F(tcp_trace_of_a_connection, what_the_filter_does_not_want_is_not_there) {
  Trace other_port({.port = 81}, 64), this_port({.port = 4'000}, 64), pair({.local = h.here, .remote = h.peer}, 64);
  Trace other_netns({.netns = NetnsId{7}}, 64), reverse({.local = h.peer}, 64);
  Trace* const all[] = {&other_port, &this_port, &pair, &other_netns, &reverse};
  for (Trace* t : all) h.engine.attach(*t);
  p.open();
  write(100);
  for (Trace* t : all) h.engine.detach(*t);
  EXPECT_EQ(other_port.size() + other_netns.size() + reverse.size(), 0u);
  EXPECT_GT(this_port.size(), 0u);
  EXPECT_EQ(this_port.size(), pair.size());
  const u32 before = pair.size();
  p.ack();
  EXPECT_EQ(pair.size(), before) << "detached";
}

}  // namespace
}  // namespace weir::tcp::test

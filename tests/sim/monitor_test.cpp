// The monitor's own test: a conversation in which nothing is wrong is silent, and for each rule a frame that breaks it.
#include "sim/monitor.hpp"

#include <gtest/gtest.h>

#include "tests/sim/frames.hpp"
#include "wire/icmp4.hpp"

namespace weir::sim {
namespace {

using test::Flow;
using test::flow4;
using test::FrameBytes;
using test::tcp_frame;
using test::TcpSpec;
using F = wire::TcpFlags;

// Host 0 is the client (10.0.0.1:1000), host 1 the server (10.0.0.2:80), both with a sequence origin of their own.
class sim_monitor : public testing::Test {
 protected:
  static constexpr u32 client_isn = 0xffff'fff0, server_isn = 5000;  // the client's wraps soon

  sim_monitor() {
    monitor_.on_address(0, flow4.src);
    monitor_.on_address(1, flow4.dst);
  }
  void pass(Duration d) { now_ = now_ + d; }
  void send(u32 host, const FrameBytes& f) { monitor_.sent(host, 1500, "test", f, now_); }
  void deliver(u32 host, const FrameBytes& f) { monitor_.delivered(host, f, now_); }
  // On the wire and across, in a millisecond.
  void client(const TcpSpec& t, bool lost = false) { across(0, tcp_frame(flow4, t), lost); }
  void server(const TcpSpec& t, bool lost = false) { across(1, tcp_frame(flow4.back(), t), lost); }
  void across(u32 from, const FrameBytes& f, bool lost) {
    send(from, f);
    pass(1_ms);
    if (!lost) deliver(from ^ 1, f);
    pass(1_ms);
  }
  static u32 c(u32 offset) { return client_isn + offset; }
  static u32 s(u32 offset) { return server_isn + offset; }
  void handshake(const wire::TcpOptionsOut& co = {.mss = 1460}, const wire::TcpOptionsOut& so = {.mss = 1460}) {
    client({.seq = c(0), .flags = F::syn, .options = co});
    server({.seq = s(0), .ack = c(1), .flags = F::syn | F::ack, .options = so});
    wire::TcpOptionsOut last;
    if (co.has_ts && so.has_ts) {
      last.has_ts = true;
      last.ts_val = co.ts_val;
      last.ts_ecr = so.ts_val;
    }
    client({.seq = c(1), .ack = s(1), .options = last});
    EXPECT_TRUE(silent());
  }
  [[nodiscard]] testing::AssertionResult silent() const {
    if (monitor_.violations().empty()) return testing::AssertionSuccess();
    return testing::AssertionFailure() << to_string(monitor_.violations()[0]);
  }
  // Exactly this rule was broken since the last time we looked.
  [[nodiscard]] testing::AssertionResult fired(Rule rule) {
    const auto all = monitor_.violations();
    monitor_.clear();
    if (all.empty()) return testing::AssertionFailure() << "silent, expected " << name(rule);
    for (const Violation& v : all)
      if (v.rule != rule) return testing::AssertionFailure() << to_string(v) << ", expected " << name(rule);
    return testing::AssertionSuccess();
  }

  Monitor monitor_;
  Instant now_{};
};

TEST_F(sim_monitor, an_ordinary_conversation_is_silent) {
  handshake();
  client({.seq = c(1), .ack = s(1), .data = "hello"});
  client({.seq = c(6), .ack = s(1), .data = "world", .options = {}}, true);
  server({.seq = s(1), .ack = c(6), .window = 995, .data = "hi"});
  pass(200_ms);
  client({.seq = c(6), .ack = s(3), .data = "world"});
  server({.seq = s(3), .ack = c(11), .window = 990});
  client({.seq = c(11), .ack = s(3), .flags = F::fin | F::ack});
  server({.seq = s(3), .ack = c(12), .flags = F::fin | F::ack});
  client({.seq = c(12), .ack = s(4)});
  EXPECT_TRUE(silent());
  const WireStats* st = monitor_.tcp_stats({flow4.src, 1000}, {flow4.dst, 80});
  ASSERT_NE(st, nullptr);
  EXPECT_EQ(st->retransmissions, 1u);
  EXPECT_EQ(st->timeouts, 1u);
  EXPECT_EQ(st->delivered, 10u);
  EXPECT_EQ(st->bytes, 15u);
  ASSERT_GE(st->rtt_us.size(), 2u);
  EXPECT_EQ(st->rtt_us[0], 3000u);  // the SYN: sent at 0, crosses in 1 ms, answered 1 ms later, 1 ms back
}

TEST_F(sim_monitor, a_new_connection_of_the_same_ports_is_silent) {
  handshake();
  client({.seq = c(1), .ack = s(1), .flags = F::fin | F::ack});
  server({.seq = s(1), .ack = c(2), .flags = F::fin | F::ack});
  client({.seq = c(2), .ack = s(2)});
  client({.seq = c(70'000), .flags = F::syn, .options = {.mss = 1460}});
  server({.seq = s(90'000), .ack = c(70'001), .flags = F::syn | F::ack, .options = {.mss = 1460}});
  client({.seq = c(70'001), .ack = s(90'001)});
  EXPECT_TRUE(silent());
}

TEST_F(sim_monitor, malformed) {
  send(0, FrameBytes(10));
  EXPECT_TRUE(fired(Rule::malformed));
  FrameBytes f = tcp_frame(flow4, {});
  f[14] = std::byte{0x4f};  // header length beyond the packet
  send(0, f);
  EXPECT_TRUE(fired(Rule::malformed));
}

TEST_F(sim_monitor, too_long) {
  send(0, test::udp_frame(flow4, std::string(1473, 'x')));
  EXPECT_TRUE(fired(Rule::too_long));
}

TEST_F(sim_monitor, padding) {
  FrameBytes f = test::udp_frame(flow4, "x");
  f.resize(60);
  send(0, f);
  EXPECT_TRUE(silent());
  f[59] = std::byte{1};
  send(0, f);
  EXPECT_TRUE(fired(Rule::padding));
}

TEST_F(sim_monitor, ip_checksum) {
  FrameBytes f = test::udp_frame(flow4, "x");
  f[14 + 8] ^= std::byte{1};
  send(0, f);
  EXPECT_TRUE(fired(Rule::ip_checksum));
}

TEST_F(sim_monitor, ip_header) {
  send(0, test::ip_frame(flow4.src, flow4.dst, 200, test::text_bytes("x"), 0));
  EXPECT_TRUE(fired(Rule::ip_header));
}

TEST_F(sim_monitor, transport_checksum) {
  for (FrameBytes f : {test::udp_frame(flow4, "data"), tcp_frame(flow4, {.flags = F::rst, .data = "data"})}) {
    f.back() ^= std::byte{1};
    send(0, f);
    ASSERT_FALSE(monitor_.violations().empty());
    EXPECT_EQ(monitor_.violations()[0].rule, Rule::transport_checksum);
    monitor_.clear();
  }
  std::byte echo[9];
  wire::emit(wire::Icmp4Fields::echo(false, 1, 1), test::text_bytes("x"), echo);
  send(0, test::ip_frame(flow4.src, flow4.dst, wire::proto::icmp, echo));
  EXPECT_TRUE(silent());
  echo[8] = std::byte{'y'};
  send(0, test::ip_frame(flow4.src, flow4.dst, wire::proto::icmp, echo));
  EXPECT_TRUE(fired(Rule::transport_checksum));
}

TEST_F(sim_monitor, a_router_does_not_answer_for_what_it_hands_on) {
  monitor_.on_address(2, Ip4Addr{0x0a000003});
  FrameBytes f = test::udp_frame(flow4, "data");
  f.back() ^= std::byte{1};
  send(2, f);
  EXPECT_TRUE(silent());
}

// A segment changed by hand, with the checksum made right again.
FrameBytes with_byte(const TcpSpec& t, usize at, u8 value) {
  FrameBytes f = tcp_frame(flow4, t);
  f[34 + at] = std::byte{value};
  wire::set_transport_checksum(MutBytes{f}.subspan(34), wire::TcpView::checksum_at, flow4.src, flow4.dst, wire::proto::tcp);
  return f;
}

TEST_F(sim_monitor, reserved_bits) {
  handshake();
  send(0, with_byte({.seq = c(1), .ack = s(1)}, 12, 0x52));
  EXPECT_TRUE(fired(Rule::reserved_bits));
}

TEST_F(sim_monitor, padding_of_options) {
  handshake();
  const TcpSpec padded{.seq = c(1), .ack = s(1), .options = {.user_timeout = 5}};
  const auto tcp = wire::TcpView::parse(Bytes{tcp_frame(flow4, padded)}.subspan(34));
  FrameBytes f = tcp_frame(flow4, {.seq = c(1), .ack = s(1)});
  f.resize(f.size() + 4);  // four bytes of options: end of list and something behind it
  store_be16(f.data() + 16, 44);
  store_be16(f.data() + 24, 0);
  const u16 sum = csum_finish(csum_add(Bytes{f}.subspan(14, 20)));
  std::memcpy(f.data() + 24, &sum, 2);
  f[34 + 12] = std::byte{0x60};
  f[34 + 20] = std::byte{0};
  f[34 + 22] = std::byte{7};
  wire::set_transport_checksum(MutBytes{f}.subspan(34), wire::TcpView::checksum_at, flow4.src, flow4.dst, wire::proto::tcp);
  send(0, f);
  EXPECT_TRUE(fired(Rule::padding));
}

TEST_F(sim_monitor, bad_flags) {
  handshake();
  client({.seq = c(1), .ack = s(1), .flags = 0});
  EXPECT_TRUE(fired(Rule::bad_flags));
  client({.seq = c(1), .ack = s(1), .flags = F::psh, .data = "x"});
  EXPECT_TRUE(fired(Rule::bad_flags));
}

TEST_F(sim_monitor, isn_changed) {
  handshake();
  client({.seq = c(500), .flags = F::syn, .options = {.mss = 1460}});
  EXPECT_TRUE(fired(Rule::isn_changed));
}

TEST_F(sim_monitor, edge_retreats) {
  handshake();
  client({.seq = c(1), .ack = s(1), .window = 999});
  EXPECT_TRUE(fired(Rule::edge_retreats));
}

TEST_F(sim_monitor, edge_retreats_counts_the_scale) {
  handshake({.mss = 1460, .wscale = u8{7}}, {.mss = 1460, .wscale = u8{7}});
  client({.seq = c(1), .ack = s(1), .window = 1000});  // 128,000
  server({.seq = s(1), .ack = c(1), .data = std::string_view{"0123456789"}});
  client({.seq = c(1), .ack = s(11), .window = 1000});  // moved on by ten
  EXPECT_TRUE(silent());
  client({.seq = c(1), .ack = s(11), .window = 999});
  EXPECT_TRUE(fired(Rule::edge_retreats));
}

TEST_F(sim_monitor, beyond_edge) {
  handshake();
  server({.seq = s(1), .ack = c(1), .window = 1000});
  const std::string many(1001, 'x');
  client({.seq = c(1), .ack = s(1), .data = many});
  EXPECT_TRUE(fired(Rule::beyond_edge));
}

TEST_F(sim_monitor, one_octet_by_a_timer_is_a_probe_and_at_once_is_not) {
  handshake({.mss = 1460}, {.mss = 1460});
  const std::string all(1000, 'x');
  client({.seq = c(1), .ack = s(1), .data = all});
  server({.seq = s(1), .ack = c(1001), .window = 0});
  client({.seq = c(1001), .ack = s(1), .data = "y"});
  EXPECT_TRUE(fired(Rule::beyond_edge));
}

TEST_F(sim_monitor, probes_back_off) {
  handshake();
  const std::string all(1000, 'x');
  client({.seq = c(1), .ack = s(1), .data = all});
  server({.seq = s(1), .ack = c(1001), .window = 0});
  for (const i64 wait : {200, 400, 800, 1600}) {
    pass(Duration::millis(wait));
    client({.seq = c(1001), .ack = s(1), .data = "y"});
    server({.seq = s(1), .ack = c(1001), .window = 0});
  }
  EXPECT_TRUE(silent());
  pass(2000_ms);
  client({.seq = c(1001), .ack = s(1), .data = "y"});
  EXPECT_TRUE(fired(Rule::probe_backoff));
}

TEST_F(sim_monitor, bytes_differ) {
  handshake();
  client({.seq = c(1), .ack = s(1), .data = "hello"}, true);
  pass(200_ms);
  client({.seq = c(1), .ack = s(1), .data = "hellO"});
  EXPECT_TRUE(fired(Rule::bytes_differ));
}

TEST_F(sim_monitor, data_after_fin) {
  handshake();
  client({.seq = c(1), .ack = s(1), .flags = F::fin | F::ack});
  client({.seq = c(2), .ack = s(1), .data = "more"});
  EXPECT_TRUE(fired(Rule::data_after_fin));
}

TEST_F(sim_monitor, fin_in_another_place) {
  handshake();
  client({.seq = c(1), .ack = s(1), .data = "hello"}, true);
  client({.seq = c(6), .ack = s(1), .flags = F::fin | F::ack}, true);
  pass(200_ms);
  client({.seq = c(1), .ack = s(1), .flags = F::fin | F::ack, .data = "hell"});
  EXPECT_TRUE(fired(Rule::data_after_fin));
}

TEST_F(sim_monitor, bad_seq) {
  handshake();
  client({.seq = c(100), .ack = s(1)});
  EXPECT_TRUE(fired(Rule::bad_seq));
  client({.seq = c(1), .ack = s(1), .data = "hello"});
  server({.seq = s(1), .ack = c(6), .window = 995});
  client({.seq = c(2), .ack = s(1), .data = "ell"});
  EXPECT_TRUE(fired(Rule::bad_seq));
}

TEST_F(sim_monitor, a_keepalive_is_no_bad_seq) {
  handshake();
  client({.seq = c(1), .ack = s(1), .data = "hello"});
  server({.seq = s(1), .ack = c(6), .window = 995});
  client({.seq = c(5), .ack = s(1)});
  client({.seq = c(5), .ack = s(1), .data = "?"});
  EXPECT_TRUE(silent());
}

TEST_F(sim_monitor, false_ack) {
  handshake();
  client({.seq = c(1), .ack = s(1), .data = "lost"}, true);
  server({.seq = s(1), .ack = c(5)});
  EXPECT_TRUE(fired(Rule::false_ack));
}

TEST_F(sim_monitor, a_segment_hurt_on_the_way_was_not_delivered) {
  handshake();
  const FrameBytes good = tcp_frame(flow4, {.seq = c(1), .ack = s(1), .data = "hurt"});
  send(0, good);
  FrameBytes bad = good;
  bad.back() ^= std::byte{4};
  deliver(1, bad);
  server({.seq = s(1), .ack = c(5)});
  EXPECT_TRUE(fired(Rule::false_ack));
}

TEST_F(sim_monitor, ack_retreats) {
  handshake();
  client({.seq = c(1), .ack = s(1), .data = "hello"});
  server({.seq = s(1), .ack = c(6)});
  server({.seq = s(1), .ack = c(3), .window = 1003});
  EXPECT_TRUE(fired(Rule::ack_retreats));
}

TEST_F(sim_monitor, mss_exceeded) {
  handshake({.mss = 1460}, {.mss = 500});
  const std::string fits(500, 'x'), too_long(501, 'x');
  client({.seq = c(1), .ack = s(1), .data = fits});
  EXPECT_TRUE(silent());
  server({.seq = s(1), .ack = c(501)});
  client({.seq = c(501), .ack = s(1), .data = too_long});
  EXPECT_TRUE(fired(Rule::mss_exceeded));
}

TEST_F(sim_monitor, mss_counts_options) {
  const wire::TcpOptionsOut ts{.mss = 500, .has_ts = true, .ts_val = 7};
  wire::TcpOptionsOut answer = ts;
  answer.ts_ecr = 7;
  handshake(ts, answer);
  const std::string data(489, 'x');
  client({.seq = c(1), .ack = s(1), .data = data, .options = {.has_ts = true, .ts_val = 8, .ts_ecr = 7}});
  EXPECT_TRUE(fired(Rule::mss_exceeded));
}

TEST_F(sim_monitor, option_misplaced) {
  handshake();
  client({.seq = c(1), .ack = s(1), .options = {.mss = 1460}});
  EXPECT_TRUE(fired(Rule::option_misplaced));
  client({.seq = c(1), .ack = s(1), .options = {.wscale = u8{2}}});
  EXPECT_TRUE(fired(Rule::option_misplaced));
}

TEST_F(sim_monitor, option_not_offered) {
  client({.seq = c(0), .flags = F::syn, .options = {.mss = 1460}});
  server({.seq = s(0), .ack = c(1), .flags = F::syn | F::ack, .options = {.mss = 1460, .wscale = u8{2}}});
  EXPECT_TRUE(fired(Rule::option_not_offered));
}

class sim_monitor_timestamps : public sim_monitor {
 protected:
  sim_monitor_timestamps() {
    handshake({.mss = 1460, .has_ts = true, .ts_val = 100}, {.mss = 1460, .has_ts = true, .ts_val = 900, .ts_ecr = 100});
  }
};

TEST_F(sim_monitor_timestamps, missing) {
  client({.seq = c(1), .ack = s(1)});
  EXPECT_TRUE(fired(Rule::timestamp_missing));
}

TEST_F(sim_monitor_timestamps, retreats) {
  client({.seq = c(1), .ack = s(1), .options = {.has_ts = true, .ts_val = 99, .ts_ecr = 900}});
  EXPECT_TRUE(fired(Rule::timestamp_retreats));
}

TEST_F(sim_monitor_timestamps, echo) {
  client({.seq = c(1), .ack = s(1), .options = {.has_ts = true, .ts_val = 100, .ts_ecr = 901}});
  EXPECT_TRUE(fired(Rule::timestamp_echo));
}

TEST_F(sim_monitor, backoff) {
  handshake();
  const TcpSpec data{.seq = c(1), .ack = s(1), .data = "hello"};
  client(data, true);
  for (const i64 wait : {200, 400, 800, 1600}) {
    pass(Duration::millis(wait));
    client(data, true);
  }
  EXPECT_TRUE(silent());
  pass(1600_ms);
  client(data, true);
  EXPECT_TRUE(fired(Rule::backoff));
}

TEST_F(sim_monitor, backoff_begins_anew_with_new_information) {
  handshake();
  client({.seq = c(1), .ack = s(1), .data = "hello"}, true);
  for (const i64 wait : {200, 400, 800}) {
    pass(Duration::millis(wait));
    client({.seq = c(1), .ack = s(1), .data = "hello"}, wait != 800);
  }
  server({.seq = s(1), .ack = c(6), .window = 995});
  client({.seq = c(6), .ack = s(1), .data = "world"}, true);
  for (const i64 wait : {200, 400}) {
    pass(Duration::millis(wait));
    client({.seq = c(6), .ack = s(1), .data = "world"}, true);
  }
  EXPECT_TRUE(silent());
}

TEST_F(sim_monitor, unexplained_reset) {
  handshake();
  client({.seq = c(1), .ack = s(1), .flags = F::rst | F::ack});
  EXPECT_TRUE(fired(Rule::unexplained_reset));
}

TEST_F(sim_monitor, resets_that_the_wire_explains) {
  client({.seq = c(0), .flags = F::syn, .options = {.mss = 1460}});
  server({.seq = 0, .ack = c(1), .flags = F::rst | F::ack, .window = 0});  // nobody listens
  EXPECT_TRUE(silent());
  handshake();
  client({.seq = c(1), .ack = s(1), .flags = F::fin | F::ack});
  server({.seq = s(1), .ack = c(2), .data = "late"});
  client({.seq = c(2), .flags = F::rst});  // data after close
  EXPECT_TRUE(silent());
}

TEST_F(sim_monitor, resets_that_the_user_explains) {
  handshake();
  monitor_.explain_reset({flow4.src, flow4.src_port});
  client({.seq = c(1), .ack = s(1), .flags = F::rst | F::ack});
  EXPECT_TRUE(silent());
}

TEST_F(sim_monitor, false_sack) {
  handshake({.mss = 1460, .sack_permitted = true}, {.mss = 1460, .sack_permitted = true});
  const auto blocks = [](std::initializer_list<wire::SackBlock> b) { return std::vector<wire::SackBlock>(b); };
  client({.seq = c(1), .ack = s(1), .data = "lost"}, true);
  client({.seq = c(5), .ack = s(1), .data = "here"});
  const auto right = blocks({{{c(5)}, {c(9)}}});
  server({.seq = s(1), .ack = c(1), .options = {.sack = right}});
  EXPECT_TRUE(silent());
  const auto wrong = blocks({{{c(3)}, {c(9)}}});
  server({.seq = s(1), .ack = c(1), .options = {.sack = wrong}});
  EXPECT_TRUE(fired(Rule::false_sack)) << "a part of it was lost";
  const auto reversed = blocks({{{c(9)}, {c(5)}}});
  server({.seq = s(1), .ack = c(1), .options = {.sack = reversed}});
  EXPECT_TRUE(fired(Rule::false_sack));
}

// A frame with ECN bits in its IPv4 header.
FrameBytes with_ecn(FrameBytes f, u8 bits) {
  store_u8(f.data() + 15, static_cast<u8>((load_u8(f.data() + 15) & ~3) | bits));
  store_be16(f.data() + 24, 0);
  const u16 sum = csum_finish(csum_add({f.data() + 14, 20}));
  std::memcpy(f.data() + 24, &sum, 2);
  return f;
}

struct sim_monitor_ecn : sim_monitor {
  void agree() {
    client({.seq = c(0), .flags = F::syn | F::ece | F::cwr, .options = {.mss = 1460}});
    server({.seq = s(0), .ack = c(1), .flags = F::syn | F::ack | F::ece, .options = {.mss = 1460}});
    client({.seq = c(1), .ack = s(1)});
    ASSERT_TRUE(silent());
  }
};

TEST_F(sim_monitor_ecn, bad_ect) {
  handshake();
  across(0, with_ecn(tcp_frame(flow4, {.seq = c(1), .ack = s(1), .data = "abc"}), 2), false);
  EXPECT_TRUE(fired(Rule::bad_ect)) << "never agreed";
}

TEST_F(sim_monitor_ecn, only_new_data_is_ect) {
  agree();
  across(0, with_ecn(tcp_frame(flow4, {.seq = c(1), .ack = s(1), .data = "abc"}), 2), true);
  EXPECT_TRUE(silent());
  across(0, with_ecn(tcp_frame(flow4, {.seq = c(4), .ack = s(1)}), 2), false);
  EXPECT_TRUE(fired(Rule::bad_ect)) << "an ACK alone";
  pass(300_ms);
  across(0, with_ecn(tcp_frame(flow4, {.seq = c(1), .ack = s(1), .data = "abc"}), 2), false);
  EXPECT_TRUE(fired(Rule::bad_ect)) << "sent again";
}

TEST_F(sim_monitor_ecn, false_ece) {
  agree();
  client({.seq = c(1), .ack = s(1), .data = "abc"});
  server({.seq = s(1), .ack = c(4), .flags = F::ack | F::ece});
  EXPECT_TRUE(fired(Rule::false_ece));
  across(0, with_ecn(tcp_frame(flow4, {.seq = c(4), .ack = s(1), .data = "def"}), 3), false);
  monitor_.clear();
  server({.seq = s(1), .ack = c(7), .flags = F::ack | F::ece});
  EXPECT_TRUE(silent()) << "a mark was delivered";
}

TEST_F(sim_monitor, a_rule_may_be_switched_off) {
  handshake();
  monitor_.ignore(Rule::unexplained_reset);
  client({.seq = c(1), .ack = s(1), .flags = F::rst | F::ack});
  EXPECT_TRUE(silent());
}

}  // namespace
}  // namespace weir::sim

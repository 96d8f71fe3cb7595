// What the parser makes of a script.
#include "drill/script.hpp"

#include <gmock/gmock.h>

#include "wire/tcp.hpp"

namespace weir::drill {
namespace {

using wire::TcpFlags;

const TcpSpec& tcp_of(const Script& s, usize i) { return std::get<TcpSpec>(std::get<PacketSpec>(s.events.at(i).action).body); }
const SystemCall& call_of(const Script& s, usize i) { return std::get<SystemCall>(s.events.at(i).action); }
Script parse(std::string_view text) { return parse_script(text, "t.pkt"); }

TEST(drill_script, options_commands_and_comments) {
  const Script s = parse(
      "// first\n--mtu=1400 // why\n--strict_segments\n--define=A=\"b c\"\n/* and\n more */ `one\ntwo`\n0 close(3) = 0 // x\n`last`\n");
  ASSERT_EQ(s.options.size(), 3u);
  EXPECT_EQ(s.options[0].name, "mtu");
  EXPECT_EQ(s.options[0].value, "1400");
  EXPECT_EQ(s.options[1].value, "");
  EXPECT_EQ(s.options[2].value, "A=\"b c\"");
  ASSERT_TRUE(s.init && s.cleanup);
  EXPECT_EQ(s.init->text, "one\ntwo");
  EXPECT_EQ(s.cleanup->text, "last");
  ASSERT_EQ(s.events.size(), 1u);
  EXPECT_EQ(s.events[0].place, (Place{8, 1}));
}

TEST(drill_script, times) {
  using K = EventTime::Kind;
  const Script s = parse(
      "0.25 close(3) = 0\n+.000001 close(3) = 0\n* > . 1:1(0)\n1~2 > . 1:1(0)\n+.1 ~ +.2 > . 1:1(0)\n+.1 ... 0.5 close(3) = 0\n1. close(3) "
      "= 0\n");
  EXPECT_EQ(s.events[0].time.kind, K::absolute);
  EXPECT_EQ(s.events[0].time.from, 250_ms);
  EXPECT_EQ(s.events[1].time.kind, K::relative);
  EXPECT_EQ(s.events[1].time.from, 1_us);
  EXPECT_EQ(s.events[2].time.kind, K::any);
  EXPECT_EQ(s.events[3].time.kind, K::absolute_range);
  EXPECT_EQ(s.events[4].time.kind, K::relative_range);
  EXPECT_EQ(s.events[4].time.to, 200_ms);
  EXPECT_EQ(call_of(s, 5).end, 500_ms);
  EXPECT_FALSE(call_of(s, 6).end);
}

TEST(drill_script, flags_numbers_and_ports) {
  const Script s = parse("0 < 10 > 20 SEW 5:5(0) win 7\n+0 > [ect0] FP. 1:101(100) ack 9 urg 3\n+0 < - 1:1(0)\n+0 > .5 1:1(0) ack 1\n");
  EXPECT_EQ(tcp_of(s, 0).flags, TcpFlags::syn | TcpFlags::ece | TcpFlags::cwr);
  EXPECT_EQ(std::get<PacketSpec>(s.events[0].action).ports->dst, 20);
  EXPECT_EQ(tcp_of(s, 0).window, 7);
  EXPECT_EQ(tcp_of(s, 1).flags, TcpFlags::fin | TcpFlags::psh | TcpFlags::ack);
  EXPECT_EQ(tcp_of(s, 1).seq.length, 100u);
  EXPECT_EQ(tcp_of(s, 1).urgent, 3);
  EXPECT_EQ(std::get<PacketSpec>(s.events[1].action).ip.ecn, u8{2});
  EXPECT_EQ(tcp_of(s, 2).flags, 0);
  EXPECT_EQ(tcp_of(s, 3).flags, TcpFlags::ack | TcpFlags::ae | TcpFlags::ece);  // AccECN: ACE 5
}

TEST(drill_script, tcp_options_keep_their_order) {
  const Script s = parse(
      "0 < S 0:0(0) win 1 <mss 1460,sackOK,TS val 4294967295 ecr 2,nop,wscale 8,FO 0011aabb,FOEXP COOKIE>\n"
      "+0 < . 1:1(0) ack 1 win 1 <nop,nop,sack 1:2 3:4,AccECN e0b 1 ceb 2,uto 300,exp 0xf989 01,kind 9 aa,eol>\n+0 > . 1:1(0) <...>\n");
  const auto& o = tcp_of(s, 0).options;
  ASSERT_EQ(o.size(), 7u);
  EXPECT_EQ(o[0].number, 1460u);
  EXPECT_EQ(o[2].ts_val, 4294967295u);
  EXPECT_EQ(o[5].bytes, (std::vector<u8>{0, 0x11, 0xaa, 0xbb}));
  EXPECT_EQ(o[6].symbol, "COOKIE");
  const auto& p = tcp_of(s, 1).options;
  ASSERT_EQ(p.size(), 8u);
  EXPECT_THAT(p[2].blocks, testing::ElementsAre(std::pair{1u, 2u}, std::pair{3u, 4u}));
  EXPECT_EQ(p[3].accecn_kind, 172);
  EXPECT_EQ(p[5].number, 0xf989u);
  EXPECT_TRUE(tcp_of(s, 2).any_options);
}

TEST(drill_script, icmp_and_udp) {
  const Script s = parse(
      "0 < icmp unreachable frag_needed mtu 800 [0:1000(1000)]\n+0 < icmp echo_request id 7\n+0 > udp 1 > 2 (64)\n+0 < icmp unreachable "
      "CODE\n+1 close(3) = 0\n");
  const auto& icmp = std::get<IcmpSpec>(std::get<PacketSpec>(s.events[0].action).body);
  EXPECT_EQ(icmp.code, "frag_needed");
  EXPECT_EQ(icmp.mtu, 800u);
  EXPECT_EQ(icmp.quoted.length, 1000u);
  EXPECT_EQ(std::get<IcmpSpec>(std::get<PacketSpec>(s.events[1].action).body).id, u16{7});
  EXPECT_EQ(std::get<UdpSpec>(std::get<PacketSpec>(s.events[2].action).body).length, 64u);
  EXPECT_EQ(std::get<IcmpSpec>(std::get<PacketSpec>(s.events[3].action).body).code, "CODE");
}

TEST(drill_script, values_of_calls) {
  const Script s = parse(
      "0 recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=A|B,\n msg_control=[{cmsg_data={x=-1}}]}, 0) = -1 EAGAIN (try "
      "again)\n"
      "+0 fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)\n+0 write(3, \"a\\x62\\n\"..., 3) = 3\n+0 read(3, ..., 1) = -1 ECONNRESET(gone)\n");
  const SystemCall& c = call_of(s, 0);
  EXPECT_EQ(c.error, "EAGAIN");
  EXPECT_EQ(c.result.integer, -1);
  ASSERT_EQ(c.arguments.size(), 3u);
  const Value& record = c.arguments[1];
  ASSERT_EQ(record.items.size(), 4u);
  EXPECT_EQ(record.items[0].items[0].text, "msg_name");
  EXPECT_EQ(record.items[2].items[1].kind, Value::Kind::either);
  EXPECT_EQ(call_of(s, 1).result.integer, 2);
  EXPECT_EQ(call_of(s, 2).arguments[1].text, "ab\n");
  EXPECT_TRUE(call_of(s, 2).arguments[1].open);
  EXPECT_EQ(call_of(s, 3).error, "ECONNRESET");
}

TEST(drill_script, an_event_is_told_on_one_line) {
  EXPECT_EQ(parse("0 poll([{fd=3, // which\n   events=POLLIN}],\t1, 0) = 0").events[0].text, "poll([{fd=3, events=POLLIN}], 1, 0) = 0");
}

}  // namespace
}  // namespace weir::drill

// Segments and errors that IP must keep from TCP, or TCP from its users: impossible addresses, groups, source quench
// (RFC 9293 3.9.2; A10).
#include "tcp/engine.hpp"
#include "tests/graph/station.hpp"

namespace weir::test {
namespace {

class tcp_addresses : public Station {
 protected:
  void SetUp() override {
    know_peer();
    for (const Family f : {Family::v4, Family::v6}) {
      const Sock l = *shard.socket(netns, f, SocketType::stream, 0, now);
      ASSERT_TRUE(shard.set_option(l, Option::v6_only, 1, now));
      ASSERT_TRUE(shard.bind(l, {IpAddr::any(f), 80, 0}, now));
      ASSERT_TRUE(shard.listen(l, 8, now));
      listeners_.push_back(l);
    }
  }
  void TearDown() override {
    for (const Sock l : listeners_) ASSERT_TRUE(shard.close(l, now));
    Station::TearDown();
  }
  static wire::TcpFields syn() {
    return {.src_port = 4'000, .dst_port = 80, .seq = SeqNum{1}, .flags = {wire::TcpFlags::syn}, .window = 1'000};
  }
  std::string syn4(const MacAddr& to, Ip4Addr src, Ip4Addr dst) {
    return ethernet(to, peer_mac, wire::ethertype::ipv4,
                    ipv4({.protocol = wire::proto::tcp, .src = src, .dst = dst}, tcp(src, dst, syn())));
  }
  std::string syn6(const MacAddr& to, const Ip6Addr& src, const Ip6Addr& dst) {
    return ethernet(to, peer_mac, wire::ethertype::ipv6,
                    ipv6({.next_header = wire::proto::tcp, .src = src, .dst = dst}, tcp(src, dst, syn())));
  }
  // Nothing is said, and nothing is remembered.
  void expect_silence(const std::string& frame) {
    const u64 before = all_drops();
    inject(frame);
    EXPECT_EQ(all_drops(), before + 1);
    EXPECT_TRUE(sent().empty());
    EXPECT_EQ(shard.core().tcp->half_open(), 0u);
  }
  std::vector<Sock> listeners_;
};

TEST_F(tcp_addresses, a_syn_from_an_address_that_no_host_may_have_is_ignored) {
  //= rfc9293#3.9.2.3 MUST-63
  for (const char* src : {"0.0.0.0", "0.1.2.3", "127.0.0.1", "127.9.9.9", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
                          "10.0.0.1", "10.0.0.255"}) {
    SCOPED_TRACE(src);
    expect_silence(syn4(host_mac, ip4(src), host4));
  }
  for (const char* src : {"::", "::1", "ff02::1", "ff0e::5", "fd00::1"}) {
    SCOPED_TRACE(src);
    expect_silence(syn6(host_mac, ip6(src), host6));
  }
  inject(syn4(host_mac, peer4, host4));
  EXPECT_EQ(sent().size(), 1u) << "an ordinary one is answered";
}

TEST_F(tcp_addresses, a_syn_to_a_group_or_in_a_group_frame_is_dropped_in_silence) {
  //= rfc9293#3.9.2.3 MUST-57
  const MacAddr everybody{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, group{{1, 0, 0x5e, 0, 0, 1}}, group6{{0x33, 0x33, 0, 0, 0, 1}};
  expect_silence(syn4(everybody, peer4, host4));
  expect_silence(syn4(group, peer4, host4));
  expect_silence(syn4(everybody, peer4, ip4("255.255.255.255")));
  expect_silence(syn4(everybody, peer4, ip4("10.0.0.255")));
  expect_silence(syn4(host_mac, peer4, ip4("10.0.0.255")));
  expect_silence(syn4(group, peer4, ip4("224.0.0.1")));
  expect_silence(syn6(group6, peer6, ip6("ff02::1")));
  expect_silence(syn6(group6, peer6, host6));
}

TEST_F(tcp_addresses, source_quench_is_dropped_in_silence) {
  //= rfc9293#3.9.2.2 MUST-55
  inject(syn4(host_mac, peer4, host4));
  const std::string syn_ack = one();
  const u64 ignored = drops(Drop::icmp_ignored);
  const std::string quote = syn_ack.substr(14, 28);
  inject(from_peer4(packet4(wire::proto::icmp, icmp4({.type = wire::icmp4::source_quench}, quote))));
  EXPECT_EQ(drops(Drop::icmp_ignored), ignored + 1);
  EXPECT_TRUE(sent().empty());
  EXPECT_EQ(shard.core().tcp->half_open(), 1u);
}

}  // namespace
}  // namespace weir::test

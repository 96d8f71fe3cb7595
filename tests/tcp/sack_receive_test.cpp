// What a receiver tells of data out of order (RFC 2018 4) and of data that came twice (RFC 2883 4).
#include "tests/tcp/peer.hpp"

namespace weir::tcp::test {
namespace {

using Blocks = std::vector<wire::SackBlock>;

struct tcp_sack_receiver : testing::Test {
  explicit tcp_sack_receiver(PeerOptions o = {.sack = true}) : p(h, o) { p.open(); }
  // The blocks of the one ACK that the segment draws; `offset` from what is next in order.
  Blocks blocks_for(i32 offset, u32 len) {
    p.data_at(offset, len);
    return blocks_sent();
  }
  Blocks blocks_sent() {
    const auto out = h.sent();
    EXPECT_EQ(out.size(), 1u);
    if (out.empty()) return {};
    answer = out.back();
    const auto o = wire::parse_options(answer.options);
    EXPECT_TRUE(o);
    return {o->sack_blocks().begin(), o->sack_blocks().end()};
  }
  [[nodiscard]] wire::SackBlock b(i32 from, i32 to) const { return {p.next + static_cast<u32>(from), p.next + static_cast<u32>(to)}; }
  Harness h;
  Peer p;
  Seg answer;
};

struct tcp_sack_receiver_with_timestamps : tcp_sack_receiver {
  tcp_sack_receiver_with_timestamps() : tcp_sack_receiver({.timestamps = true, .sack = true}) {}
};

TEST_F(tcp_sack_receiver, the_block_of_the_segment_that_came_last_is_first) {
  //= rfc2018#4 SHLD-1, MUST-3, SHLD-3
  //= rfc2018#3 MUST-4
  EXPECT_EQ(blocks_for(1'000, 100), (Blocks{b(1'000, 1'100)}));
  EXPECT_EQ(answer.ack, p.next) << "the cumulative ACK does not move";
  EXPECT_EQ(blocks_for(5'000, 100), (Blocks{b(5'000, 5'100), b(1'000, 1'100)}));
  EXPECT_EQ(blocks_for(3'000, 100), (Blocks{b(3'000, 3'100), b(5'000, 5'100), b(1'000, 1'100)}));
  EXPECT_EQ(blocks_for(1'100, 100), (Blocks{b(1'000, 1'200), b(3'000, 3'100), b(5'000, 5'100)})) << "the whole block that it is part of";
  EXPECT_EQ(blocks_for(4'900, 100), (Blocks{b(4'900, 5'100), b(1'000, 1'200), b(3'000, 3'100)}));
}

TEST_F(tcp_sack_receiver, a_block_is_repeated_until_four_newer_ones_push_it_out) {
  //= rfc2018#4 SHLD-2, SHLD-3
  for (i32 i = 1; i <= 4; ++i) blocks_for(i * 1'000, 100);
  EXPECT_EQ(blocks_for(5'000, 100), (Blocks{b(5'000, 5'100), b(4'000, 4'100), b(3'000, 3'100), b(2'000, 2'100)}));
}

TEST_F(tcp_sack_receiver_with_timestamps, there_is_room_for_three) {
  //= rfc2018#4 SHLD-2
  for (i32 i = 1; i <= 3; ++i) blocks_for(i * 1'000, 100);
  EXPECT_EQ(blocks_for(4'000, 100), (Blocks{b(4'000, 4'100), b(3'000, 3'100), b(2'000, 2'100)}));
  EXPECT_TRUE(wire::parse_options(answer.options)->has_ts);
}

TEST_F(tcp_sack_receiver, what_fills_a_gap_makes_one_block_of_two) {
  //= rfc2018#3 MUST-5
  blocks_for(1'000, 100);
  blocks_for(1'200, 100);
  EXPECT_EQ(blocks_for(1'100, 100), (Blocks{b(1'000, 1'300)}));
}

TEST_F(tcp_sack_receiver, what_has_become_in_order_is_no_block) {
  blocks_for(100, 100);
  blocks_for(1'000, 100);
  p.data(100);
  EXPECT_EQ(blocks_sent(), (Blocks{b(900, 1'000)})) << "told from what is next now";
  EXPECT_EQ(answer.ack, p.next + 100);
  p.next += 100;
  p.data(800);
  EXPECT_EQ(blocks_sent(), Blocks{});
  EXPECT_EQ(answer.ack, p.next + 100);
}

TEST_F(tcp_sack_receiver, what_was_not_permitted_is_not_sent) {
  //= rfc2018#2 MUST-1
  for (const bool ours : {true, false}) {
    Harness other;
    other.sysctl.tcp_sack = ours;
    Peer q(other, {.sack = !ours});
    q.open();
    EXPECT_FALSE(wire::parse_options(q.syn_ack.options)->sack_permitted);
    q.data_at(1'000, 100);
    const auto out = other.sent();
    ASSERT_EQ(out.size(), 1u);
    EXPECT_TRUE(out[0].options.empty());
  }
}

TEST_F(tcp_sack_receiver, a_whole_segment_that_came_twice_is_told_before_all_else) {
  //= rfc2883#4 MUST-1, SHLD-1
  p.data(300);
  p.data(300);
  h.sent();
  EXPECT_EQ(blocks_for(-600, 300), (Blocks{b(-600, -300)}));
  EXPECT_EQ(answer.ack, p.next);
  blocks_for(1'000, 100);
  EXPECT_EQ(blocks_for(-300, 300), (Blocks{b(-300, 0), b(1'000, 1'100)}));
}

TEST_F(tcp_sack_receiver, of_a_segment_that_is_partly_new_the_old_part_is_told) {
  //= rfc2883#4 MUST-3
  //= rfc2883#4.2 MUST-5
  p.data(300);
  h.sent();
  h.pass(1_s);
  h.sent();
  EXPECT_EQ(blocks_for(-200, 300), (Blocks{b(-200, 0)}));
  EXPECT_EQ(answer.ack, p.next + 100);
}

TEST_F(tcp_sack_receiver, of_what_came_twice_out_of_order_the_second_block_is_the_one_it_lies_in) {
  //= rfc2883#4 MUST-1, MUST-4, SHLD-1
  blocks_for(1'000, 300);
  blocks_for(3'000, 100);
  EXPECT_EQ(blocks_for(1'100, 100), (Blocks{b(1'100, 1'200), b(1'000, 1'300), b(3'000, 3'100)}));
  EXPECT_EQ(blocks_for(3'000, 100), (Blocks{b(3'000, 3'100), b(3'000, 3'100), b(1'000, 1'300)}));
}

TEST_F(tcp_sack_receiver, what_came_twice_is_told_once) {
  //= rfc2883#4 MUST-2
  p.data(300);
  h.sent();
  EXPECT_EQ(blocks_for(-300, 300), (Blocks{b(-300, 0)}));
  EXPECT_EQ(blocks_for(1'000, 100), (Blocks{b(1'000, 1'100)}));
  EXPECT_EQ(h.count(Tcp::dsacks_out), 1u);
}

TEST_F(tcp_sack_receiver, nothing_is_told_of_it_where_the_netns_says_so) {
  h.sysctl.tcp_dsack = false;
  p.data(300);
  h.sent();
  EXPECT_EQ(blocks_for(-300, 300), Blocks{});
}

}  // namespace
}  // namespace weir::tcp::test

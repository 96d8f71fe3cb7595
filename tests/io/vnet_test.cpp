#include "io/vnet.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace weir::io {
namespace {

using buf::BufferId;
using buf::CsumKind;
using buf::GsoType;
using buf::PacketId;
using buf::Pool;

constexpr u16 headroom = Pool::headroom;

struct VnetTest : ::testing::Test {
  Pool pool{{.packets = 16, .small_buffers = 16, .large_buffers = 16}};

  // Ethernet, IP header of `ip_len` bytes, transport header, payload; the transport's data offset says 32 bytes.
  PacketId frame(u32 ip_len, u32 length) {
    std::vector<std::byte> bytes(length);
    bytes[14 + ip_len + 12] = std::byte{0x80};
    const PacketId id = pool.from_bytes(bytes);
    EXPECT_NE(id, PacketId::none);
    return id;
  }
  static std::vector<u8> golden(const VnetHeader& h) {
    std::vector<u8> out(sizeof h);
    std::memcpy(out.data(), &h, sizeof h);
    return out;
  }
};

TEST_F(VnetTest, a_complete_frame_has_a_header_of_zeros) { EXPECT_EQ(golden(vnet_of(pool, frame(20, 60))), std::vector<u8>(10)); }

TEST_F(VnetTest, a_partial_checksum_says_where_it_starts_and_where_it_goes) {
  const PacketId id = frame(20, 100);
  pool[id].csum = {CsumKind::partial, headroom + 34, 16};
  EXPECT_EQ(golden(vnet_of(pool, id)), (std::vector<u8>{1, 0, 0, 0, 0, 0, 34, 0, 16, 0}));
}

TEST_F(VnetTest, positions_count_from_the_frames_first_byte) {
  const PacketId id = frame(20, 100);
  pool[id].csum = {CsumKind::partial, headroom + 34, 16};
  pool.trim_front(id, 14);
  EXPECT_EQ(vnet_of(pool, id).csum_start, 20);
}

TEST_F(VnetTest, super_segments_carry_type_size_and_header_length) {
  const PacketId id = frame(20, 66 + 5 * 1448);
  pool[id].csum = {CsumKind::partial, headroom + 34, 16};
  pool[id].gso = {GsoType::tcp4, 0, 1448, 5};
  EXPECT_EQ(golden(vnet_of(pool, id)), (std::vector<u8>{1, 1, 66, 0, 0xa8, 5, 34, 0, 16, 0}));
  pool[id].gso.flags = buf::Gso::ecn;
  EXPECT_EQ(vnet_of(pool, id).gso_type, 0x81);
  pool[id].gso = {GsoType::udp, 0, 1400, 5};
  pool[id].csum.offset = 6;
  EXPECT_EQ(golden(vnet_of(pool, id)), (std::vector<u8>{1, 5, 42, 0, 0x78, 5, 34, 0, 6, 0}));

  const PacketId v6 = frame(40, 86 + 2 * 1428);
  pool[v6].csum = {CsumKind::partial, headroom + 54, 16};
  pool[v6].gso = {GsoType::tcp6, 0, 1428, 2};
  EXPECT_EQ(golden(vnet_of(pool, v6)), (std::vector<u8>{1, 4, 86, 0, 0x94, 5, 54, 0, 16, 0}));
}

TEST_F(VnetTest, what_was_written_is_read_back) {
  const PacketId out = frame(20, 66 + 44 * 1448 + 7), in = frame(20, 66 + 44 * 1448 + 7);
  pool[out].csum = {CsumKind::partial, headroom + 34, 16};
  pool[out].gso = {GsoType::tcp4, buf::Gso::ecn, 1448, 45};
  ASSERT_TRUE(apply_vnet(vnet_of(pool, out), pool, in));
  EXPECT_EQ(pool[in].csum.kind, CsumKind::partial);
  EXPECT_EQ(pool[in].csum.start, headroom + 34);
  EXPECT_EQ(pool[in].csum.offset, 16);
  EXPECT_EQ(pool[in].gso.type, GsoType::tcp4);
  EXPECT_EQ(pool[in].gso.size, 1448);
  EXPECT_EQ(pool[in].gso.segments, 45);
  EXPECT_EQ(pool[in].gso.flags, buf::Gso::ecn);
}

TEST_F(VnetTest, the_header_length_of_received_super_segments_is_only_a_hint) {
  const PacketId id = frame(20, 66 + 3 * 1000);
  ASSERT_TRUE(apply_vnet({.flags = 1, .gso_type = 1, .hdr_len = 2000, .gso_size = 1000, .csum_start = 34, .csum_offset = 16}, pool, id));
  EXPECT_EQ(pool[id].gso.segments, 3);
}

TEST_F(VnetTest, checked_by_the_kernel_needs_no_check) {
  const PacketId id = frame(20, 100);
  ASSERT_TRUE(apply_vnet({.flags = 2}, pool, id));
  EXPECT_EQ(pool[id].csum.kind, CsumKind::unnecessary);
}

TEST_F(VnetTest, one_segment_is_no_super_segment) {
  const PacketId id = frame(20, 66 + 900);
  ASSERT_TRUE(apply_vnet({.flags = 1, .gso_type = 1, .gso_size = 1000, .csum_start = 34, .csum_offset = 16}, pool, id));
  EXPECT_EQ(pool[id].gso.type, GsoType::none);
}

TEST_F(VnetTest, headers_that_contradict_the_frame_are_refused) {
  const PacketId id = frame(20, 100);
  EXPECT_FALSE(apply_vnet({.flags = 1, .csum_start = 90, .csum_offset = 9}, pool, id));
  EXPECT_FALSE(apply_vnet({.flags = 1, .csum_start = 0xffff, .csum_offset = 0xffff}, pool, id));
  EXPECT_FALSE(apply_vnet({.flags = 0, .gso_type = 1, .gso_size = 10}, pool, id)) << "no transport header named";
  EXPECT_FALSE(apply_vnet({.flags = 1, .gso_type = 1, .gso_size = 0, .csum_start = 34, .csum_offset = 16}, pool, id));
  EXPECT_FALSE(apply_vnet({.flags = 1, .gso_type = 3, .gso_size = 9, .csum_start = 34, .csum_offset = 6}, pool, id));
  EXPECT_FALSE(apply_vnet({.flags = 1, .gso_type = 1, .gso_size = 9, .csum_start = 80, .csum_offset = 16}, pool, id));
}

}  // namespace
}  // namespace weir::io

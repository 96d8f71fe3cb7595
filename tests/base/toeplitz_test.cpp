#include "base/toeplitz.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include "base/rng.hpp"

namespace weir {
namespace {

struct Vector {
  const char *src, *dst;
  u16 sport, dport;
  u32 addresses_only, with_ports;
};

// Microsoft, "Verifying the RSS Hash Calculation".
constexpr Vector v4_vectors[] = {
    {"66.9.149.187", "161.142.100.80", 2794, 1766, 0x323e8fc2, 0x51ccc178},
    {"199.92.111.2", "65.69.140.83", 14230, 4739, 0xd718262a, 0xc626b0ea},
    {"24.19.198.95", "12.22.207.184", 12898, 38024, 0xd2d0a5de, 0x5c2b394a},
    {"38.27.205.30", "209.142.163.6", 48228, 2217, 0x82989176, 0xafc7327f},
    {"153.39.163.191", "202.188.127.2", 44251, 1303, 0x5d1809c5, 0x10e828a2},
};
constexpr Vector v6_vectors[] = {
    {"3ffe:2501:200:1fff::7", "3ffe:2501:200:3::1", 2794, 1766, 0x2cc18cd5, 0x40207d3d},
    {"3ffe:501:8::260:97ff:fe40:efab", "ff02::1", 14230, 4739, 0x0f0c461c, 0xdde51bbf},
    {"3ffe:1900:4545:3:200:f8ff:fe21:67cf", "fe80::200:f8ff:fe21:67cf", 44251, 38024, 0x4b61e985, 0x02d1feef},
};

std::array<u8, 16> address(int family, const char* text) {
  std::array<u8, 16> a{};
  EXPECT_EQ(inet_pton(family, text, a.data()), 1) << text;
  return a;
}

TEST(toeplitz, published_ipv4_vectors) {
  const Toeplitz rss{microsoft_rss_key};
  for (const Vector& v : v4_vectors) {
    const u32 src = load_be32(address(AF_INET, v.src).data()), dst = load_be32(address(AF_INET, v.dst).data());
    EXPECT_EQ(rss.v4(src, dst), v.addresses_only) << v.src;
    EXPECT_EQ(rss.v4(src, dst, v.sport, v.dport), v.with_ports) << v.src;
    EXPECT_EQ(rss.v4(src, dst) ^ rss.ports_v4(v.sport, v.dport), v.with_ports) << v.src;
  }
}

TEST(toeplitz, published_ipv6_vectors) {
  const Toeplitz rss{microsoft_rss_key};
  for (const Vector& v : v6_vectors) {
    const auto src = address(AF_INET6, v.src), dst = address(AF_INET6, v.dst);
    EXPECT_EQ(rss.v6(src.data(), dst.data()), v.addresses_only) << v.src;
    EXPECT_EQ(rss.v6(src.data(), dst.data(), v.sport, v.dport), v.with_ports) << v.src;
    EXPECT_EQ(rss.v6(src.data(), dst.data()) ^ rss.ports_v6(v.sport, v.dport), v.with_ports) << v.src;
  }
}

TEST(toeplitz, tables_equal_the_definition_for_any_key_and_length) {
  Rng rng = Rng::seeded(1);
  for (int round = 0; round < 200; ++round) {
    RssKey key;
    rng.fill(std::as_writable_bytes(std::span{key}));
    std::array<u8, Toeplitz::max_input> input;
    rng.fill(std::as_writable_bytes(std::span{input}));
    const std::span<const u8> in{input.data(), rng.below(input.size() + 1)};
    ASSERT_EQ(Toeplitz{key}.bytes(std::as_bytes(in)), toeplitz_bitwise(key, in)) << in.size();
  }
}

TEST(toeplitz, a_symmetric_key_hashes_both_directions_alike) {
  const Toeplitz rss{symmetric_rss_key()};
  const auto a = address(AF_INET6, "2001:db8::1"), b = address(AF_INET6, "2001:db8:7::abcd");
  EXPECT_EQ(rss.v4(0xc0000201, 0xc6336407, 1024, 443), rss.v4(0xc6336407, 0xc0000201, 443, 1024));
  EXPECT_EQ(rss.v4(0xc0000201, 0xc6336407), rss.v4(0xc6336407, 0xc0000201));
  EXPECT_EQ(rss.v6(a.data(), b.data(), 1024, 443), rss.v6(b.data(), a.data(), 443, 1024));
  const Toeplitz other{microsoft_rss_key};
  EXPECT_NE(other.v4(0xc0000201, 0xc6336407, 1024, 443), other.v4(0xc6336407, 0xc0000201, 443, 1024));
}

TEST(indirection_table, takes_the_low_bits_and_can_be_changed) {
  IndirectionTable t{3};
  EXPECT_EQ(t.entries().size(), 128u);
  EXPECT_EQ(t.get_queue(0), 0);
  EXPECT_EQ(t.get_queue(4), 1);
  EXPECT_EQ(t.get_queue(0xffff'ff80), 0);
  EXPECT_EQ(t.get_queue(127), 127 % 3);
  t.set(4, 2);
  EXPECT_EQ(t.get_queue(0x1234'5604), 2);
}

}  // namespace
}  // namespace weir

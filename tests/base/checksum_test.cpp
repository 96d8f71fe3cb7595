#include "base/checksum.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/rng.hpp"

namespace weir {
namespace {

// The definition, one 16-bit word after the other, with nothing in common with the kernels.
u16 reference(Bytes b) {
  u32 sum = 0;
  for (usize i = 0; i < b.size(); ++i) {
    sum += static_cast<u32>(load_u8(&b[i])) << (i % 2 == 0 ? 8 : 0);
    sum = (sum & 0xffff) + (sum >> 16);
  }
  u16 raw;
  store_be16(&raw, static_cast<u16>(sum));
  return raw;
}

u16 be(u16 v) {
  u16 raw;
  store_be16(&raw, v);
  return raw;
}

std::vector<std::byte> random_bytes(Rng& rng, usize n) {
  std::vector<std::byte> v(n);
  rng.fill(v);
  return v;
}

std::string kernel_name(const testing::TestParamInfo<CsumKernel>& k) {
  static constexpr const char* names[] = {"scalar", "avx2", "avx512"};
  return names[static_cast<usize>(k.param)];
}

// Runs with each kernel that this CPU has.
class checksum_kernels : public testing::TestWithParam<CsumKernel> {
 protected:
  void SetUp() override {
    if (!csum_use_kernel(GetParam())) GTEST_SKIP() << "this CPU does not have it";
  }
  void TearDown() override { csum_use_kernel(before_); }
  CsumKernel before_ = csum_kernel();
};
INSTANTIATE_TEST_SUITE_P(all, checksum_kernels, testing::Values(CsumKernel::scalar, CsumKernel::avx2, CsumKernel::avx512), kernel_name);

TEST_P(checksum_kernels, agree_with_the_definition_at_every_length_and_alignment) {
  Rng rng = Rng::seeded(1);
  const auto data = random_bytes(rng, 1200);
  for (usize n = 0; n <= 1100; n += n < 300 ? 1 : 37)
    for (usize at = 0; at < 66; at += n < 300 ? 5 : 13)
      ASSERT_EQ(csum_fold(csum_add(Bytes{data}.subspan(at, n))), reference(Bytes{data}.subspan(at, n))) << n << " at " << at;
}

TEST_P(checksum_kernels, carry_when_every_bit_is_set) {
  const std::vector<std::byte> ones(1 << 20, std::byte{0xff});
  for (const usize n : {1u, 2u, 63u, 64u, 65u, 1460u, 65535u, 65536u, 1u << 20})
    EXPECT_EQ(csum_fold(csum_add(Bytes{ones}.first(n))), reference(Bytes{ones}.first(n))) << n;
}

TEST_P(checksum_kernels, sum_to_zero_only_when_all_bytes_are_zero) {
  std::vector<std::byte> v(4096);
  EXPECT_EQ(csum_fold(csum_add(v)), 0);
  for (const usize i : {0u, 5u, 64u, 1000u, 4095u}) {
    v[i] = std::byte{1};
    EXPECT_NE(csum_fold(csum_add(v)), 0) << i;
    v[i] = std::byte{0};
  }
  v[0] = v[1] = std::byte{0xff};  // one's complement minus zero
  EXPECT_EQ(csum_fold(csum_add(v)), 0xffff);
}

TEST_P(checksum_kernels, copy_copies_exactly_and_sums_the_same) {
  Rng rng = Rng::seeded(2);
  const auto src = random_bytes(rng, 2000);
  for (usize n = 0; n <= 1900; n += n < 300 ? 1 : 61) {
    for (const usize at : {0u, 1u, 7u, 62u}) {
      std::vector<std::byte> dst(2100, std::byte{0xa5});
      const u64 sum = csum_copy(dst.data() + at, src.data() + 3, n, 12345);
      ASSERT_EQ(csum_fold(sum), csum_fold(csum_add(Bytes{src}.subspan(3, n), 12345))) << n;
      ASSERT_EQ(std::memcmp(dst.data() + at, src.data() + 3, n), 0) << n;
      for (usize i = 0; i < at; ++i) ASSERT_EQ(dst[i], std::byte{0xa5});
      for (usize i = at + n; i < dst.size(); ++i) ASSERT_EQ(dst[i], std::byte{0xa5}) << n << " wrote behind its end";
    }
  }
}

TEST_P(checksum_kernels, keep_the_sum_through_the_largest_incoming_sums) {
  Rng rng = Rng::seeded(3);
  const auto data = random_bytes(rng, 1460);
  for (const u64 sum : {u64{0}, u64{0xffff}, ~u64{0}, ~u64{0} - 1, u64{1} << 63})
    EXPECT_EQ(csum_fold(csum_add(data, sum)), csum_fold(csum_plus(csum_add(data), csum_fold(sum))));
}

TEST(checksum_rfc1071_3, example_of_the_rfc) {
  constexpr u8 data[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(csum_fold(csum_add(std::as_bytes(std::span{data}))), be(0xddf2));
  EXPECT_EQ(csum_finish(csum_add(std::as_bytes(std::span{data}))), be(0x220d));
}

TEST(checksum_rfc791, published_ipv4_header_example) {
  u8 header[] = {0x45, 0x00, 0x00, 0x3c, 0x1c, 0x46, 0x40, 0x00, 0x40, 0x06, 0x00, 0x00, 0xac, 0x10, 0x0a, 0x63, 0xac, 0x10, 0x0a, 0x0c};
  const u16 check = csum_finish(csum_add(std::as_bytes(std::span{header})));
  EXPECT_EQ(check, be(0xb1e6));
  std::memcpy(header + 10, &check, 2);
  EXPECT_EQ(csum_finish(csum_add(std::as_bytes(std::span{header}))), 0) << "a valid header sums to zero";
}

TEST(checksum_rfc1071_2, an_odd_byte_is_padded_with_zero_behind_it) {
  constexpr u8 odd[] = {0x12, 0x34, 0x56}, even[] = {0x12, 0x34, 0x56, 0x00};
  EXPECT_EQ(csum_fold(csum_add(std::as_bytes(std::span{odd}))), csum_fold(csum_add(std::as_bytes(std::span{even}))));
}

TEST(checksum_rfc1071_2, pieces_combine_at_even_and_odd_offsets) {
  Rng rng = Rng::seeded(4);
  const auto data = random_bytes(rng, 700);
  const u16 whole = csum_fold(csum_add(data));
  for (usize cut = 0; cut <= data.size(); ++cut) {
    const Bytes all{data};
    ASSERT_EQ(csum_fold(csum_combine(csum_add(all.first(cut)), csum_add(all.subspan(cut)), cut)), whole) << cut;
  }
  u64 sum = 0;
  usize at = 0;
  while (at < data.size()) {  // many odd pieces in a row
    const usize n = std::min<usize>(1 + rng.below(90), data.size() - at);
    sum = csum_combine(sum, csum_add(Bytes{data}.subspan(at, n)), at);
    at += n;
  }
  EXPECT_EQ(csum_fold(sum), whole);
}

TEST(checksum_rfc1624_4, example_where_rfc1141_gives_minus_zero) {
  EXPECT_EQ(csum_update16(be(0xdd2f), be(0x5555), be(0x3285)), be(0x0000));
}

TEST(checksum_rfc1624_3, update_equals_a_new_sum) {
  Rng rng = Rng::seeded(5);
  for (int round = 0; round < 2000; ++round) {
    auto header = random_bytes(rng, 20);
    const auto sum_it = [&] {
      const u16 zero = 0;
      std::memcpy(&header[10], &zero, 2);
      return csum_finish(csum_add(header));
    };
    const u16 check = sum_it();
    const u32 old32 = load_raw<u32>(&header[12]), new32 = rng.next_u32();
    std::memcpy(&header[12], &new32, 4);
    const u16 after_address = sum_it();
    ASSERT_EQ(csum_update32(check, old32, new32), after_address);
    const u16 old16 = load_raw<u16>(&header[8]), new16 = static_cast<u16>(rng.next_u32());
    std::memcpy(&header[8], &new16, 2);
    ASSERT_EQ(csum_update16(after_address, old16, new16), sum_it());
  }
}

TEST(checksum_rfc1624_3, no_change_leaves_the_field_alone) {
  for (const u16 check : {u16{0}, u16{1}, u16{0x1234}, u16{0xfffe}}) {
    EXPECT_EQ(csum_update16(check, 0x5a5a, 0x5a5a), check);
    EXPECT_EQ(csum_update32(check, 0xdead'beef, 0xdead'beef), check);
  }
}

TEST(checksum_pseudo_header, v4_equals_the_sum_of_its_twelve_bytes) {
  constexpr u8 pseudo[] = {192, 0, 2, 1, 198, 51, 100, 77, 0, 6, 0x05, 0xb4};
  const auto* p = reinterpret_cast<const std::byte*>(pseudo);
  EXPECT_EQ(csum_fold(csum_pseudo4(load_raw<u32>(p), load_raw<u32>(p + 4), 6, 0x05b4)),
            csum_fold(csum_add(std::as_bytes(std::span{pseudo}))));
}

TEST(checksum_pseudo_header, v6_equals_the_sum_of_its_forty_bytes) {
  Rng rng = Rng::seeded(6);
  auto pseudo = random_bytes(rng, 40);
  store_be32(&pseudo[32], 0x0001'2345);  // a jumbo length: both halves count
  store_be32(&pseudo[36], 17);
  EXPECT_EQ(csum_fold(csum_pseudo6(&pseudo[0], &pseudo[16], 17, 0x0001'2345)), csum_fold(csum_add(pseudo)));
}

}  // namespace
}  // namespace weir

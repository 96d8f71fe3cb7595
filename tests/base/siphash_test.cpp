#include "base/siphash.hpp"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <sodium.h>

#include <memory>
#include <vector>

#include "base/rng.hpp"

namespace weir {
namespace {

constexpr SipKey counting_key{0x0706050403020100u, 0x0f0e0d0c0b0a0908u};

std::vector<std::byte> counting(usize n) {
  std::vector<std::byte> v(n);
  for (usize i = 0; i < n; ++i) v[i] = static_cast<std::byte>(i);
  return v;
}

TEST(siphash_2_4, example_of_the_paper) {
  EXPECT_EQ(siphash24(counting_key, counting(15)), 0xa129ca6149be45e5u);  // appendix A
}

TEST(siphash_2_4, equals_libsodium_at_every_length) {
  ASSERT_GE(sodium_init(), 0);
  Rng rng = Rng::seeded(1);
  for (usize n = 0; n < 200; ++n) {
    std::vector<std::byte> in(n);
    rng.fill(in);
    std::array<u8, 16> key;
    rng.fill(std::as_writable_bytes(std::span{key}));
    std::array<u8, 8> out;
    crypto_shorthash_siphash24(out.data(), reinterpret_cast<const unsigned char*>(in.data()), n, key.data());
    const auto* k = reinterpret_cast<const std::byte*>(key.data());
    const SipKey sip{detail::load_le64(k), detail::load_le64(k + 8)};
    ASSERT_EQ(siphash24(sip, in), detail::load_le64(reinterpret_cast<const std::byte*>(out.data()))) << n;
  }
}

TEST(siphash_2_4, words_and_bytes_are_the_same_input) {
  const auto in = counting(16);
  SipState<2, 4> s{counting_key};
  s.word(detail::load_le64(in.data()));
  s.word(detail::load_le64(in.data() + 8));
  EXPECT_EQ(s.finish(u64{16} << 56), siphash24(counting_key, in));
}

// The MAC of OpenSSL, which takes the numbers of rounds as parameters.
u64 openssl_siphash13(std::array<u8, 16> key, Bytes in) {
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac{EVP_MAC_fetch(nullptr, "SIPHASH", nullptr), EVP_MAC_free};
  const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> ctx{EVP_MAC_CTX_new(mac.get()), EVP_MAC_CTX_free};
  unsigned size = 8, c_rounds = 1, d_rounds = 3;
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_uint("size", &size), OSSL_PARAM_construct_uint("c-rounds", &c_rounds),
                               OSSL_PARAM_construct_uint("d-rounds", &d_rounds), OSSL_PARAM_construct_end()};
  std::array<std::byte, 8> out{};
  usize n = 0;
  EXPECT_EQ(EVP_MAC_init(ctx.get(), key.data(), key.size(), params), 1);
  EXPECT_EQ(EVP_MAC_update(ctx.get(), reinterpret_cast<const unsigned char*>(in.data()), in.size()), 1);
  EXPECT_EQ(EVP_MAC_final(ctx.get(), reinterpret_cast<unsigned char*>(out.data()), &n, out.size()), 1);
  return detail::load_le64(out.data());
}

TEST(siphash_1_3, equals_openssl_at_every_length) {
  const std::array<u8, 16> key{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  for (usize n = 0; n < 100; ++n) ASSERT_EQ(siphash13(counting_key, counting(n)), openssl_siphash13(key, counting(n))) << n;
}

TEST(siphash_1_3, every_key_bit_and_every_input_bit_matters) {
  auto in = counting(24);
  const u64 base = siphash13(counting_key, in);
  for (u32 bit = 0; bit < 64; ++bit) {
    EXPECT_NE(siphash13({counting_key.k0 ^ u64{1} << bit, counting_key.k1}, in), base);
    EXPECT_NE(siphash13({counting_key.k0, counting_key.k1 ^ u64{1} << bit}, in), base);
  }
  for (u32 bit = 0; bit < 24 * 8; ++bit) {
    in[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_NE(siphash13(counting_key, in), base);
    in[bit / 8] ^= std::byte{1} << (bit % 8);
  }
}

}  // namespace
}  // namespace weir

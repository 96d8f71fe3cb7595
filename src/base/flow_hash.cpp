#include "base/flow_hash.hpp"

#include "base/assert.hpp"
#include "base/siphash.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace weir {
namespace {

using Keys = FlowHasher::Keys;

// The seed is stretched to the round keys by SipHash-2-4 under both of its halves.
Keys expand(const std::array<u8, 32>& seed) noexcept {
  const auto* const p = reinterpret_cast<const std::byte*>(seed.data());
  const SipKey a{detail::load_le64(p), detail::load_le64(p + 8)}, b{detail::load_le64(p + 16), detail::load_le64(p + 24)};
  u64 counter = 0;
  const auto next = [&]() noexcept {
    ++counter;
    return siphash24(a, bytes_of(counter)) ^ siphash24(b, bytes_of(counter));
  };
  Keys keys;
  const auto fill = [&](auto& blocks) noexcept {
    for (FlowHasher::Block& block : blocks) block.w = {next(), next()};
  };
  fill(keys.mask);
  fill(keys.round);
  fill(keys.last);
  return keys;
}

template <class Key>
u32 by_siphash(const Keys& keys, const Key& k) noexcept {
  return static_cast<u32>(siphash13({keys.mask[0].w[0], keys.mask[0].w[1]}, bytes_of(k)));
}

#if defined(__x86_64__)
#define WEIR_AES __attribute__((target("aes,sse4.1")))

WEIR_AES inline __m128i load(const FlowHasher::Block& b) noexcept { return _mm_load_si128(reinterpret_cast<const __m128i*>(&b)); }
WEIR_AES inline __m128i load(const void* p) noexcept { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }

// Four AES rounds: any two different blocks collide with a probability of about 2^-113 over the keys (Daemen and
// Rijmen, the maximum expected differential probability of four rounds); cut to 32 bits, 2^-32.
WEIR_AES inline __m128i four_rounds(const Keys& keys, __m128i x) noexcept {
  for (const FlowHasher::Block& k : keys.round) x = _mm_aesenc_si128(x, load(k));
  return x;
}

WEIR_AES inline u32 by_aes(const Keys& keys, const FlowKey4& k) noexcept {
  const __m128i x = _mm_xor_si128(load(&k), load(keys.mask[0]));
  return static_cast<u32>(_mm_cvtsi128_si32(four_rounds(keys, x)));
}

// The three blocks go through the rounds side by side under masks of their own, and their sum through two more.
WEIR_AES inline u32 by_aes(const Keys& keys, const FlowKey6& k) noexcept {
  const __m128i rest = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(&k.sport));
  const __m128i a = four_rounds(keys, _mm_xor_si128(load(k.src), load(keys.mask[0])));
  const __m128i b = four_rounds(keys, _mm_xor_si128(load(k.dst), load(keys.mask[1])));
  const __m128i c = four_rounds(keys, _mm_xor_si128(rest, load(keys.mask[2])));
  const __m128i x = _mm_aesenc_si128(_mm_xor_si128(_mm_xor_si128(a, b), c), load(keys.last[0]));
  return static_cast<u32>(_mm_cvtsi128_si32(_mm_aesenc_si128(x, load(keys.last[1]))));
}

template <class Key>
WEIR_AES void batch_by_aes(const Keys& keys, std::span<const Key> in, u32* out) noexcept {
  for (usize i = 0; i < in.size(); ++i) out[i] = by_aes(keys, in[i]);
}
template <class Key>
WEIR_AES u32 one_by_aes(const Keys& keys, const Key& k) noexcept {
  return by_aes(keys, k);
}
#else
template <class Key>
void batch_by_aes(const Keys&, std::span<const Key>, u32*) noexcept {}
template <class Key>
u32 one_by_aes(const Keys&, const Key&) noexcept {
  return 0;
}
#endif

template <class Key>
void hash_batch(const Keys& keys, FlowHasher::Kind kind, std::span<const Key> in, std::span<u32> out) noexcept {
  WEIR_ASSERT(out.size() >= in.size());
  if (kind == FlowHasher::Kind::aes) return batch_by_aes(keys, in, out.data());
  for (usize i = 0; i < in.size(); ++i) out[i] = by_siphash(keys, in[i]);
}

}  // namespace

bool FlowHasher::has_aes() noexcept {
#if defined(__x86_64__)
  return __builtin_cpu_supports("aes") && __builtin_cpu_supports("sse4.1");
#else
  return false;
#endif
}

FlowHasher::FlowHasher(const std::array<u8, 32>& seed) noexcept : FlowHasher(seed, has_aes() ? Kind::aes : Kind::siphash) {}

FlowHasher::FlowHasher(const std::array<u8, 32>& seed, Kind kind) noexcept : keys_(expand(seed)), kind_(kind) {
  WEIR_ASSERT(kind != Kind::aes || has_aes());
}

u32 FlowHasher::operator()(const FlowKey4& k) const noexcept { return kind_ == Kind::aes ? one_by_aes(keys_, k) : by_siphash(keys_, k); }
u32 FlowHasher::operator()(const FlowKey6& k) const noexcept { return kind_ == Kind::aes ? one_by_aes(keys_, k) : by_siphash(keys_, k); }
void FlowHasher::batch(std::span<const FlowKey4> keys, std::span<u32> out) const noexcept { hash_batch(keys_, kind_, keys, out); }
void FlowHasher::batch(std::span<const FlowKey6> keys, std::span<u32> out) const noexcept { hash_batch(keys_, kind_, keys, out); }

}  // namespace weir

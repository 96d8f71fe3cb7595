#include "ip/ident.hpp"

namespace weir::ip {

namespace {

// A permutation of the numbers of 2 * HalfBits bits, chosen by a 128-bit key: four Feistel rounds over SipHash-1-3
// (M. Luby and C. Rackoff, "How to construct pseudorandom permutations from pseudorandom functions", 1988).
template <u32 HalfBits>
u32 permute(SipKey key, u32 v) noexcept {
  constexpr u32 mask = (1u << HalfBits) - 1;
  u32 left = v >> HalfBits & mask, right = v & mask;
  for (u64 round = 0; round < 4; ++round) {
    const u64 f = SipState<1, 3>{key}.finish(round << 32 | right);
    const u32 next = left ^ (static_cast<u32>(f) & mask);
    left = right;
    right = next;
  }
  return left << HalfBits | right;
}

}  // namespace

Ident::Ident(Rng& rng)
    : key_{rng.next_u64(), rng.next_u64()}, bucket_key_{rng.next_u64(), rng.next_u64()} {
  for (u32& c : counter_) c = rng.next_u32();
}

u16 Ident::next4(NetnsId netns, Ip4Addr src, Ip4Addr dst, u8 protocol) noexcept {
  SipState<1, 3> s{key_};
  s.word(u64{src.host} << 32 | dst.host);
  const u64 flow = s.finish(u64{protocol} << 16 | netns);
  const u32 n = counter_[flow % counters]++;
  return static_cast<u16>(permute<8>({flow, bucket_key_.k0}, n & 0xffff));
}

u32 Ident::next6(NetnsId netns, const Ip6Addr& src, const Ip6Addr& dst) noexcept {
  SipState<1, 3> s{key_};
  s.word(load_raw<u64>(src.b.data()));
  s.word(load_raw<u64>(src.b.data() + 8));
  s.word(load_raw<u64>(dst.b.data()));
  s.word(load_raw<u64>(dst.b.data() + 8));
  const u64 flow = s.finish(netns);
  const u32 n = counter_[flow % counters]++;
  return permute<16>({flow, bucket_key_.k1}, n);
}

}  // namespace weir::ip

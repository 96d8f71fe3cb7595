#include "ip/ident.hpp"

namespace weir::ip {

namespace {

// A permutation of the numbers of Left + Right bits, chosen by a 128-bit key: Feistel rounds over SipHash-1-3
// (M. Luby and C. Rackoff, "How to construct pseudorandom permutations from pseudorandom functions", 1988).
template <u32 Left, u32 Right, u64 Rounds>
u32 permute(SipKey key, u32 v) noexcept {
  constexpr u32 left_mask = (1u << Left) - 1, right_mask = (1u << Right) - 1;
  u32 left = v >> Right & left_mask, right = v & right_mask;
  for (u64 round = 0; round < Rounds; round += 2) {
    left ^= static_cast<u32>(SipState<1, 3>{key}.finish(round << 32 | right)) & left_mask;
    right ^= static_cast<u32>(SipState<1, 3>{key}.finish((round + 1) << 32 | left)) & right_mask;
  }
  return left << Right | right;
}

}  // namespace

Ident::Ident(Rng& rng) : flow_key_{rng.next_u64(), rng.next_u64()}, key_{rng.next_u64(), rng.next_u64()} {
  for (u32& c : counter_) c = rng.next_u32();
}

u16 Ident::next4(NetnsId netns, Ip4Addr src, Ip4Addr dst, u8 protocol) noexcept {
  SipState<1, 3> s{flow_key_};
  s.word(u64{src.host} << 32 | dst.host);
  const u64 flow = s.finish(u64{protocol} << 16 | netns);
  const u32 n = counter_[flow % counters]++;
  // Each half of the values is dealt in a new order every time: who has seen all of them cannot tell from the next ones
  // how far the counter has moved, and still none comes back before the other half is through.
  const u32 half = n & 0x8000, epoch = n >> 15;
  const u32 dealt = half | permute<7, 8, 4>({flow, key_.k0 ^ epoch}, n & 0x7fff);
  return static_cast<u16>(permute<8, 8, 4>({flow, key_.k1}, dealt));
}

u32 Ident::next6(NetnsId netns, const Ip6Addr& src, const Ip6Addr& dst) noexcept {
  SipState<1, 3> s{flow_key_};
  s.word(load_raw<u64>(src.b.data()));
  s.word(load_raw<u64>(src.b.data() + 8));
  s.word(load_raw<u64>(dst.b.data()));
  s.word(load_raw<u64>(dst.b.data() + 8));
  const u64 flow = s.finish(netns);
  const u32 n = counter_[flow % counters]++;
  return permute<16, 16, 6>({flow, key_.k1}, n);
}

}  // namespace weir::ip

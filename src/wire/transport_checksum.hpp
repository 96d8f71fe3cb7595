// The Internet checksum over a pseudo-header (RFC 9293 3.1, RFC 768, RFC 8200 8.1), for either family.
// Sums and checksums are 16-bit values as they lie in memory (base/checksum.hpp).
#pragma once

#include "base/assert.hpp"
#include "base/checksum.hpp"
#include "wire/address.hpp"
#include "wire/protocol.hpp"

namespace weir::wire {

[[nodiscard]] inline u64 pseudo_sum(Ip4Addr src, Ip4Addr dst, u8 protocol, u32 len) noexcept {
  u32 s, d;
  src.store(&s);
  dst.store(&d);
  return csum_pseudo4(s, d, protocol, len);
}

[[nodiscard]] inline u64 pseudo_sum(const Ip6Addr& src, const Ip6Addr& dst, u8 protocol, u32 len) noexcept {
  return csum_pseudo6(bytes_of(src).data(), bytes_of(dst).data(), protocol, len);
}

// Both addresses are of one family.
[[nodiscard]] inline u64 pseudo_sum(const IpAddr& src, const IpAddr& dst, u8 protocol, u32 len) noexcept {
  WEIR_DASSERT(src.is_v4() == dst.is_v4());
  return src.is_v4() ? pseudo_sum(src.v4(), dst.v4(), protocol, len) : pseudo_sum(src.v6(), dst.v6(), protocol, len);
}

template <class Addr>
[[nodiscard]] bool transport_checksum_ok(Bytes segment, const Addr& src, const Addr& dst, u8 protocol) noexcept {
  return csum_finish(csum_add(segment, pseudo_sum(src, dst, protocol, static_cast<u32>(segment.size())))) == 0;  //= rfc9293#3.1 MUST-3
}

// Computes and stores the checksum of a whole segment whose checksum field lies at `at`.
template <class Addr>
void set_transport_checksum(MutBytes segment, usize at, const Addr& src, const Addr& dst, u8 protocol) noexcept {
  WEIR_ASSERT(at + 2 <= segment.size());
  std::memset(segment.data() + at, 0, 2);
  u16 sum = csum_finish(csum_add(segment, pseudo_sum(src, dst, protocol, static_cast<u32>(segment.size()))));
  if (sum == 0 && protocol == proto::udp) sum = 0xffff;  // RFC 768: zero means "none was computed"
  std::memcpy(segment.data() + at, &sum, 2);             //= rfc9293#3.1 MUST-2
}

}  // namespace weir::wire

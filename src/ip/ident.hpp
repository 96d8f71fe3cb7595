// Identification fields: IPv4 (RFC 6864) and the IPv6 fragment header (RFC 7739). Counters shared by many destinations,
// seen by each through a secret permutation of its own: no value repeats to a destination before the counter comes round,
// and nobody can tell from the values that he gets how many others got.
#pragma once

#include <array>

#include "base/rng.hpp"
#include "base/siphash.hpp"
#include "wire/address.hpp"

namespace weir::ip {

//   u16 id = df && !fragment ? 0 : ident.next4(netns, src, dst, protocol);
class Ident {
 public:
  explicit Ident(Rng& rng);

  // Of an atomic datagram (DF set, not a fragment) the field means nothing: RFC 6864 4.1.
  [[nodiscard]] static constexpr u16 atomic4() noexcept { return 0; }
  // Not repeated to this destination within 32,768 datagrams of its counter (RFC 6864 4.3).
  [[nodiscard]] u16 next4(NetnsId netns, Ip4Addr src, Ip4Addr dst, u8 protocol) noexcept;
  [[nodiscard]] u32 next6(NetnsId netns, const Ip6Addr& src, const Ip6Addr& dst) noexcept;

 private:
  static constexpr u32 counters = 2048;
  SipKey flow_key_, key_;
  std::array<u32, counters> counter_;
};

}  // namespace weir::ip

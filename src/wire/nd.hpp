// Neighbour discovery messages: RFC 4861 4 and the checks of 6.1, 7.1, 8.1 that need no more than the message. The hop
// limit (255), the checksum and fragmentation (RFC 6980) are the caller's to check: they lie outside of it.
#pragma once

#include "wire/icmp6.hpp"
#include "wire/nd_options.hpp"

namespace weir::wire {

inline constexpr u8 nd_hop_limit = 255;

struct RouterSolicit {
  NdOptions options{};
  static constexpr usize fixed_len = 8;
  [[nodiscard]] static Result<RouterSolicit, Drop> parse(const Icmp6View& m) noexcept;
};

struct RouterAdvert {
  u8 hop_limit = 0;  // 0: unspecified
  bool managed = false, other = false;
  i8 preference = 0;  // RFC 4191 2.2: -1 low, 0 medium, 1 high
  u16 lifetime_s = 0;
  u32 reachable_ms = 0, retrans_ms = 0;  // 0: unspecified
  NdOptions options{};
  static constexpr usize fixed_len = 16;
  [[nodiscard]] static Result<RouterAdvert, Drop> parse(const Icmp6View& m) noexcept;
};

struct NeighborSolicit {
  Ip6Addr target{};
  NdOptions options{};
  static constexpr usize fixed_len = 24;
  [[nodiscard]] static Result<NeighborSolicit, Drop> parse(const Icmp6View& m) noexcept;
};

struct NeighborAdvert {
  bool router = false, solicited = false, override_ = false;
  Ip6Addr target{};
  NdOptions options{};
  static constexpr usize fixed_len = 24;
  [[nodiscard]] static Result<NeighborAdvert, Drop> parse(const Icmp6View& m) noexcept;
};

struct NdRedirect {
  Ip6Addr target{};  // the better first hop, or the destination itself
  Ip6Addr destination{};
  NdOptions options{};
  static constexpr usize fixed_len = 40;
  [[nodiscard]] static Result<NdRedirect, Drop> parse(const Icmp6View& m) noexcept;
};

// Each writes the fixed part, with type and code and checksum 0, and returns its length. Options are emitted after it
// (wire/nd_options.hpp), then set_transport_checksum(message, Icmp6View::checksum_at, src, dst, proto::icmp6). The
// `options` member is not used.
usize emit(const RouterSolicit& f, MutBytes out) noexcept;
usize emit(const RouterAdvert& f, MutBytes out) noexcept;
usize emit(const NeighborSolicit& f, MutBytes out) noexcept;
usize emit(const NeighborAdvert& f, MutBytes out) noexcept;
usize emit(const NdRedirect& f, MutBytes out) noexcept;

}  // namespace weir::wire

// Options of neighbour discovery: RFC 4861 4.6; RFC 3971 5.3.2 (nonce), RFC 4191 2.3 (routes), RFC 8106 (DNS).
#pragma once

#include <optional>

#include "base/assert.hpp"
#include "base/drop.hpp"
#include "base/error.hpp"
#include "wire/address.hpp"
#include "wire/protocol.hpp"

namespace weir::wire {

namespace nd_option {
inline constexpr u8 source_link = 1, target_link = 2, prefix_info = 3, redirected_header = 4, mtu = 5, nonce = 14, route_info = 24,
                    rdnss = 25, dnssl = 31;
}  // namespace nd_option

// RFC 4191 2.1: 01 high, 00 medium, 11 low; 10 is reserved and means medium to a reader.
[[nodiscard]] constexpr i8 nd_preference(unsigned bits) noexcept { return bits == 1 ? i8{1} : bits == 3 ? i8{-1} : i8{0}; }
[[nodiscard]] constexpr u8 nd_preference_bits(i8 p) noexcept { return p > 0 ? u8{1} : p < 0 ? u8{3} : u8{0}; }

// One option: type, length in units of 8 bytes, value.
struct NdOption {
  u8 type = 0;
  Bytes whole{};
  [[nodiscard]] Bytes value() const noexcept { return whole.subspan(2); }
};

// The options after the fixed part of a message. Once parsed, none has length 0 and none is cut short, so walking
// cannot fail: `for (NdOption o : options)`.
class NdOptions {
 public:
  class Iterator {
   public:
    explicit Iterator(Bytes rest) noexcept : rest_(rest) {}
    [[nodiscard]] NdOption operator*() const noexcept { return {load_u8(rest_.data()), rest_.first(len())}; }
    Iterator& operator++() noexcept {
      rest_ = rest_.subspan(len());
      return *this;
    }
    [[nodiscard]] bool operator==(const Iterator& o) const noexcept { return rest_.size() == o.rest_.size(); }

   private:
    [[nodiscard]] usize len() const noexcept { return load_u8(rest_.data() + 1) * 8u; }
    Bytes rest_;
  };

  constexpr NdOptions() noexcept = default;
  [[nodiscard]] static Result<NdOptions, Drop> parse(Bytes area) noexcept {
    for (Bytes rest = area; !rest.empty();) {
      if (rest.size() < 8) return std::unexpected(Drop::nd_bad_option);
      const usize len = load_u8(rest.data() + 1) * 8u;
      if (len == 0 || len > rest.size()) return std::unexpected(Drop::nd_bad_option);  // RFC 4861 6.1, 7.1
      rest = rest.subspan(len);
    }
    return NdOptions(area);
  }

  [[nodiscard]] Iterator begin() const noexcept { return Iterator(area_); }
  [[nodiscard]] Iterator end() const noexcept { return Iterator({}); }
  [[nodiscard]] Bytes area() const noexcept { return area_; }
  // The first of its type.
  [[nodiscard]] std::optional<NdOption> find(u8 type) const noexcept;
  [[nodiscard]] std::optional<MacAddr> link_address(u8 type) const noexcept;  // source_link or target_link, of Ethernet
  [[nodiscard]] std::optional<u32> mtu() const noexcept;
  [[nodiscard]] std::optional<Bytes> nonce() const noexcept;  // 6 bytes or more
  [[nodiscard]] std::optional<Bytes> redirected_packet() const noexcept;

 private:
  explicit NdOptions(Bytes area) noexcept : area_(area) {}
  Bytes area_{};
};

// Typed readings of an option; empty when its length is not what its type needs (such an option is ignored).
struct NdPrefixInfo {
  u8 length = 0;
  bool on_link = false, autonomous = false;
  u32 valid_s = 0, preferred_s = 0;  // 0xffffffff: for ever
  Ip6Addr prefix{};
  static constexpr usize option_len = 32;
  friend constexpr bool operator==(const NdPrefixInfo&, const NdPrefixInfo&) noexcept = default;
  [[nodiscard]] static std::optional<NdPrefixInfo> parse(const NdOption& o) noexcept;
};

struct NdRouteInfo {
  u8 length = 0;
  i8 preference = 0;  // -1 low, 0 medium, 1 high
  u32 lifetime_s = 0;
  Ip6Addr prefix{};
  friend constexpr bool operator==(const NdRouteInfo&, const NdRouteInfo&) noexcept = default;
  [[nodiscard]] static std::optional<NdRouteInfo> parse(const NdOption& o) noexcept;
};

struct NdDnsServers {
  u32 lifetime_s = 0;
  Bytes addresses{};  // 16 bytes each
  [[nodiscard]] usize count() const noexcept { return addresses.size() / 16; }
  [[nodiscard]] Ip6Addr operator[](usize i) const noexcept { return Ip6Addr::load(addresses.subspan(i * 16, 16).data()); }
  [[nodiscard]] static std::optional<NdDnsServers> parse(const NdOption& o) noexcept;
};

struct NdSearchList {
  u32 lifetime_s = 0;
  Bytes domains{};  // encoded as in RFC 1035 3.1, without compression, padded with zeros
  [[nodiscard]] static std::optional<NdSearchList> parse(const NdOption& o) noexcept;
  // Takes the next name off `rest` (start with `domains`) as dotted text into `out`; returns its length. Empty at the
  // end or at a malformed name. 255 bytes are always enough.
  [[nodiscard]] static std::optional<usize> next(Bytes& rest, std::span<char> out) noexcept;
};

// Each writes one option and returns its length, a multiple of 8.
usize emit_link_address(u8 type, const MacAddr& mac, MutBytes out) noexcept;
usize emit_mtu(u32 mtu, MutBytes out) noexcept;
usize emit_nonce(Bytes nonce6, MutBytes out) noexcept;  // 6 bytes (RFC 7527)
usize emit(const NdPrefixInfo& o, MutBytes out) noexcept;
usize emit(const NdRouteInfo& o, MutBytes out) noexcept;
usize emit_dns_servers(u32 lifetime_s, std::span<const Ip6Addr> servers, MutBytes out) noexcept;
// As much of the packet as fits in whole units of 8 bytes (RFC 4861 4.6.3).
usize emit_redirected(Bytes packet, MutBytes out) noexcept;

}  // namespace weir::wire

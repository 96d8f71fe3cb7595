// Addresses of the link and network layers, prefixes and endpoints. Plain values, network byte order inside.
// RFC 4291 (IPv6 architecture), RFC 5952 (text form), RFC 6890 (special purposes).
#pragma once

#include <array>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace weir {

enum class Family : u8 { v4 = 4, v6 = 6 };

struct MacAddr {
  std::array<u8, 6> b{};

  static constexpr MacAddr broadcast() noexcept { return {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}; }
  [[nodiscard]] constexpr bool is_zero() const noexcept { return *this == MacAddr{}; }
  [[nodiscard]] constexpr bool is_broadcast() const noexcept { return *this == broadcast(); }
  [[nodiscard]] constexpr bool is_multicast() const noexcept { return (b[0] & 1) != 0; }  // broadcast included
  [[nodiscard]] constexpr bool is_unicast() const noexcept { return !is_multicast(); }
  friend constexpr auto operator<=>(const MacAddr&, const MacAddr&) noexcept = default;

  [[nodiscard]] static std::optional<MacAddr> parse(std::string_view text) noexcept;  // "02:00:00:00:00:01"
};

struct Ip4Addr {
  u32 host = 0;  // host byte order: 10.0.0.1 is 0x0a000001

  static constexpr Ip4Addr any() noexcept { return {0}; }
  static constexpr Ip4Addr broadcast() noexcept { return {0xffff'ffff}; }
  static constexpr Ip4Addr loopback() noexcept { return {0x7f00'0001}; }
  static Ip4Addr load(const void* p) noexcept { return {load_be32(p)}; }
  void store(void* p) const noexcept { store_be32(p, host); }
  [[nodiscard]] constexpr bool is_any() const noexcept { return host == 0; }
  [[nodiscard]] constexpr bool is_this_network() const noexcept { return (host >> 24) == 0; }                   // 0/8
  [[nodiscard]] constexpr bool is_loopback() const noexcept { return (host >> 24) == 127; }                     // 127/8
  [[nodiscard]] constexpr bool is_multicast() const noexcept { return (host >> 28) == 0xe; }                    // 224/4
  [[nodiscard]] constexpr bool is_reserved() const noexcept { return (host >> 28) == 0xf && !is_broadcast(); }  // 240/4
  [[nodiscard]] constexpr bool is_broadcast() const noexcept { return host == 0xffff'ffff; }
  [[nodiscard]] constexpr bool is_link_local() const noexcept { return (host >> 16) == 0xa9fe; }  // 169.254/16
  friend constexpr auto operator<=>(Ip4Addr, Ip4Addr) noexcept = default;

  [[nodiscard]] static std::optional<Ip4Addr> parse(std::string_view text) noexcept;
};

struct Ip6Addr {
  std::array<u8, 16> b{};

  static constexpr Ip6Addr any() noexcept { return {}; }
  static constexpr Ip6Addr loopback() noexcept { return {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}; }
  static constexpr Ip6Addr all_nodes() noexcept { return {{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}; }
  static constexpr Ip6Addr all_routers() noexcept { return {{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}}; }
  static Ip6Addr load(const void* p) noexcept { return load_raw<Ip6Addr>(p); }
  void store(void* p) const noexcept { std::memcpy(p, b.data(), 16); }
  [[nodiscard]] constexpr bool is_any() const noexcept { return *this == Ip6Addr{}; }
  [[nodiscard]] constexpr bool is_loopback() const noexcept { return *this == loopback(); }
  [[nodiscard]] constexpr bool is_multicast() const noexcept { return b[0] == 0xff; }
  [[nodiscard]] constexpr u8 multicast_scope() const noexcept { return b[1] & 0x0f; }
  [[nodiscard]] constexpr bool is_link_local() const noexcept { return b[0] == 0xfe && (b[1] & 0xc0) == 0x80; }
  [[nodiscard]] constexpr bool is_unique_local() const noexcept { return (b[0] & 0xfe) == 0xfc; }
  [[nodiscard]] constexpr bool is_v4_mapped() const noexcept {
    for (int i = 0; i < 10; ++i)
      if (b[i] != 0) return false;
    return b[10] == 0xff && b[11] == 0xff;
  }
  // ff02::1:ffXX:XXXX of this address (RFC 4291 2.7.1).
  [[nodiscard]] constexpr Ip6Addr solicited_node() const noexcept {
    return {{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, b[13], b[14], b[15]}};
  }
  friend constexpr auto operator<=>(const Ip6Addr&, const Ip6Addr&) noexcept = default;

  [[nodiscard]] static std::optional<Ip6Addr> parse(std::string_view text) noexcept;
};

// Either family in 16 bytes: an IPv4 address is kept in its v4-mapped form, so equality and hashing need no branch.
class IpAddr {
 public:
  constexpr IpAddr() noexcept = default;  // ::
  constexpr IpAddr(Ip4Addr a) noexcept
      : v_{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, static_cast<u8>(a.host >> 24), static_cast<u8>(a.host >> 16),
            static_cast<u8>(a.host >> 8), static_cast<u8>(a.host)}} {}
  constexpr IpAddr(const Ip6Addr& a) noexcept : v_(a) {}

  [[nodiscard]] static constexpr IpAddr any(Family f) noexcept { return f == Family::v4 ? IpAddr{Ip4Addr::any()} : IpAddr{}; }
  [[nodiscard]] constexpr bool is_v4() const noexcept { return v_.is_v4_mapped(); }
  [[nodiscard]] constexpr bool is_v6() const noexcept { return !is_v4(); }
  [[nodiscard]] constexpr Family family() const noexcept { return is_v4() ? Family::v4 : Family::v6; }
  [[nodiscard]] constexpr Ip4Addr v4() const noexcept {
    return {static_cast<u32>(v_.b[12]) << 24 | static_cast<u32>(v_.b[13]) << 16 | static_cast<u32>(v_.b[14]) << 8 | v_.b[15]};
  }
  [[nodiscard]] constexpr const Ip6Addr& v6() const noexcept { return v_; }
  [[nodiscard]] constexpr bool is_any() const noexcept { return is_v4() ? v4().is_any() : v_.is_any(); }
  [[nodiscard]] constexpr bool is_loopback() const noexcept { return is_v4() ? v4().is_loopback() : v_.is_loopback(); }
  [[nodiscard]] constexpr bool is_multicast() const noexcept { return is_v4() ? v4().is_multicast() : v_.is_multicast(); }
  [[nodiscard]] constexpr bool is_link_local() const noexcept { return is_v4() ? v4().is_link_local() : v_.is_link_local(); }
  [[nodiscard]] constexpr unsigned bits() const noexcept { return is_v4() ? 32 : 128; }
  friend constexpr auto operator<=>(const IpAddr&, const IpAddr&) noexcept = default;

  [[nodiscard]] static std::optional<IpAddr> parse(std::string_view text) noexcept;

 private:
  Ip6Addr v_;
};
static_assert(sizeof(IpAddr) == 16);

struct Prefix {
  IpAddr address;
  u8 length = 0;  // 0..32 or 0..128

  [[nodiscard]] bool contains(const IpAddr& a) const noexcept;
  [[nodiscard]] Prefix masked() const noexcept;       // host bits cleared
  [[nodiscard]] Ip4Addr broadcast4() const noexcept;  // directed broadcast; only for v4
  friend constexpr bool operator==(const Prefix&, const Prefix&) noexcept = default;

  // "10.0.0.0/8", "fd00::/64"; without "/LEN" the whole address; "default" is not parsed here.
  [[nodiscard]] static std::optional<Prefix> parse(std::string_view text) noexcept;
};

struct Endpoint {
  IpAddr addr{};
  u16 port = 0;
  u32 scope = 0;  // interface index for link-local addresses, else 0

  friend constexpr bool operator==(const Endpoint&, const Endpoint&) noexcept = default;
  // "10.0.0.1:80", "[fd00::1]:80"
  [[nodiscard]] static std::optional<Endpoint> parse(std::string_view text) noexcept;
};

// Text forms. IPv6 follows RFC 5952.
[[nodiscard]] std::string to_string(const MacAddr& a);
[[nodiscard]] std::string to_string(Ip4Addr a);
[[nodiscard]] std::string to_string(const Ip6Addr& a);
[[nodiscard]] std::string to_string(const IpAddr& a);
[[nodiscard]] std::string to_string(const Prefix& p);
[[nodiscard]] std::string to_string(const Endpoint& e);

}  // namespace weir

// ICMPv6: RFC 4443; RFC 4884 (length of the quote). Neighbour discovery: wire/nd.hpp, multicast listeners:
// wire/mld.hpp.
#pragma once

#include "base/drop.hpp"
#include "base/error.hpp"
#include "wire/transport_checksum.hpp"

namespace weir::wire {

namespace icmp6 {
inline constexpr u8 unreachable = 1, packet_too_big = 2, time_exceeded = 3, parameter_problem = 4, echo_request = 128, echo_reply = 129,
                    mld_query = 130, mld1_report = 131, mld1_done = 132, router_solicit = 133, router_advert = 134, neighbor_solicit = 135,
                    neighbor_advert = 136, redirect = 137, mld2_report = 143;
// Codes of unreachable.
inline constexpr u8 no_route = 0, admin_prohibited = 1, beyond_scope = 2, address = 3, port = 4, policy = 5, reject_route = 6,
                    source_route_error = 7;
// Codes of time exceeded and parameter problem (code 3: RFC 7112).
inline constexpr u8 hop_limit_exceeded = 0, reassembly_exceeded = 1;
inline constexpr u8 erroneous_field = 0, unknown_next_header = 1, unknown_option = 2, incomplete_chain = 3;

[[nodiscard]] constexpr bool is_error(u8 type) noexcept { return type < 128; }  // RFC 4443 2.1
[[nodiscard]] constexpr bool is_nd(u8 type) noexcept { return type >= router_solicit && type <= redirect; }
}  // namespace icmp6

struct Icmp6Fields {
  u8 type = 0, code = 0;
  u32 rest = 0;  // the second word, whose meaning is the type's
  friend constexpr bool operator==(const Icmp6Fields&, const Icmp6Fields&) noexcept = default;

  static constexpr Icmp6Fields echo(bool reply, u16 id, u16 seq) noexcept {
    return {reply ? icmp6::echo_reply : icmp6::echo_request, 0, static_cast<u32>(id) << 16 | seq};
  }
  static constexpr Icmp6Fields unreachable(u8 code) noexcept { return {icmp6::unreachable, code, 0}; }
  static constexpr Icmp6Fields too_big(u32 mtu) noexcept { return {icmp6::packet_too_big, 0, mtu}; }
  static constexpr Icmp6Fields time_exceeded(u8 code) noexcept { return {icmp6::time_exceeded, code, 0}; }
  static constexpr Icmp6Fields parameter_problem(u8 code, u32 pointer) noexcept { return {icmp6::parameter_problem, code, pointer}; }
};

class Icmp6View {
 public:
  static constexpr usize header_len = 8, checksum_at = 2;

  [[nodiscard]] static Result<Icmp6View, Drop> parse(Bytes message) noexcept {
    if (message.size() < header_len) return std::unexpected(Drop::icmp_truncated);
    return Icmp6View(message);
  }

  [[nodiscard]] bool checksum_ok(const Ip6Addr& src, const Ip6Addr& dst) const noexcept {
    return transport_checksum_ok(m_, src, dst, proto::icmp6);
  }

  [[nodiscard]] u8 type() const noexcept { return load_u8(m_.data()); }
  [[nodiscard]] u8 code() const noexcept { return load_u8(m_.data() + 1); }
  [[nodiscard]] u16 checksum_raw() const noexcept { return load_raw<u16>(m_.data() + checksum_at); }
  [[nodiscard]] u32 rest() const noexcept { return load_be32(m_.data() + 4); }
  [[nodiscard]] u16 id() const noexcept { return load_be16(m_.data() + 4); }   // echo
  [[nodiscard]] u16 seq() const noexcept { return load_be16(m_.data() + 6); }  // echo
  [[nodiscard]] u32 mtu() const noexcept { return rest(); }                    // packet too big
  [[nodiscard]] u32 pointer() const noexcept { return rest(); }                // parameter problem
  [[nodiscard]] bool is_error() const noexcept { return icmp6::is_error(type()); }
  [[nodiscard]] Bytes message() const noexcept { return m_; }
  [[nodiscard]] Bytes body() const noexcept { return m_.subspan(header_len); }  // echo data, or the quoted packet
  // The quoted packet without RFC 4884 extensions: those two types have a length in units of 8 bytes.
  [[nodiscard]] Bytes quote() const noexcept {
    const bool has_length = type() == icmp6::unreachable || type() == icmp6::time_exceeded;
    const usize len = has_length ? load_u8(m_.data() + 4) * 8u : 0u;
    return len == 0 || len > body().size() ? body() : body().first(len);
  }
  [[nodiscard]] Icmp6Fields fields() const noexcept { return {type(), code(), rest()}; }

 private:
  explicit Icmp6View(Bytes m) noexcept : m_(m) {}
  Bytes m_;
};

// Header, body (which may lie in place already) and checksum; returns the length of the message.
inline usize emit(const Icmp6Fields& f, Bytes body, const Ip6Addr& src, const Ip6Addr& dst, MutBytes out) noexcept {
  const usize len = Icmp6View::header_len + body.size();
  WEIR_ASSERT(out.size() >= len);
  copy_bytes(out.subspan(Icmp6View::header_len), body);
  store_u8(out.data(), f.type);
  store_u8(out.data() + 1, f.code);
  store_be32(out.data() + 4, f.rest);
  set_transport_checksum(out.first(len), Icmp6View::checksum_at, src, dst, proto::icmp6);
  return len;
}

}  // namespace weir::wire

// ICMP for IPv4: RFC 792, RFC 1122 3.2.2, RFC 1191 (next-hop MTU), RFC 4884 (length of the quote), RFC 6918 (what is
// obsolete), RFC 6633 (source quench is ignored). Quoted packets: wire/quoted.hpp.
#pragma once

#include "base/assert.hpp"
#include "base/checksum.hpp"
#include "base/drop.hpp"
#include "base/error.hpp"
#include "wire/address.hpp"
#include "wire/protocol.hpp"

namespace weir::wire {

namespace icmp4 {
inline constexpr u8 echo_reply = 0, unreachable = 3, source_quench = 4, redirect = 5, echo_request = 8, router_advertisement = 9,
                    router_solicitation = 10, time_exceeded = 11, parameter_problem = 12, timestamp = 13, timestamp_reply = 14,
                    information_request = 15, information_reply = 16, mask_request = 17, mask_reply = 18;
// Codes of unreachable (RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1).
inline constexpr u8 net = 0, host = 1, protocol = 2, port = 3, fragmentation_needed = 4, source_route_failed = 5, net_unknown = 6,
                    host_unknown = 7, host_isolated = 8, net_prohibited = 9, host_prohibited = 10, net_tos = 11, host_tos = 12,
                    admin_prohibited = 13, host_precedence = 14, precedence_cutoff = 15;
// Codes of redirect, time exceeded and parameter problem.
inline constexpr u8 redirect_net = 0, redirect_host = 1, redirect_net_tos = 2, redirect_host_tos = 3;
inline constexpr u8 ttl_exceeded = 0, reassembly_exceeded = 1;
inline constexpr u8 pointer_indicates = 0, option_missing = 1, bad_length = 2;
}  // namespace icmp4

// The eight bytes that every ICMP message has; `rest` is the second word, whose meaning is the type's.
struct Icmp4Fields {
  u8 type = 0, code = 0;
  u32 rest = 0;
  friend constexpr bool operator==(const Icmp4Fields&, const Icmp4Fields&) noexcept = default;

  static constexpr Icmp4Fields echo(bool reply, u16 id, u16 seq) noexcept {
    return {reply ? icmp4::echo_reply : icmp4::echo_request, 0, static_cast<u32>(id) << 16 | seq};
  }
  static constexpr Icmp4Fields unreachable(u8 code) noexcept { return {icmp4::unreachable, code, 0}; }
  static constexpr Icmp4Fields too_big(u16 next_hop_mtu) noexcept {
    return {icmp4::unreachable, icmp4::fragmentation_needed, next_hop_mtu};
  }
  static constexpr Icmp4Fields time_exceeded(u8 code) noexcept { return {icmp4::time_exceeded, code, 0}; }
  static constexpr Icmp4Fields parameter_problem(u8 pointer, u8 code = 0) noexcept {
    return {icmp4::parameter_problem, code, static_cast<u32>(pointer) << 24};
  }
  static constexpr Icmp4Fields redirect(u8 code, Ip4Addr gateway) noexcept { return {icmp4::redirect, code, gateway.host}; }
};

class Icmp4View {
 public:
  static constexpr usize header_len = 8, timestamp_len = 20, mask_len = 12;

  [[nodiscard]] static Result<Icmp4View, Drop> parse(Bytes message) noexcept {
    if (message.size() < header_len) return std::unexpected(Drop::icmp_truncated);
    const u8 type = load_u8(message.data());
    const bool is_timestamp = type == icmp4::timestamp || type == icmp4::timestamp_reply;
    if (is_timestamp && message.size() < timestamp_len) return std::unexpected(Drop::icmp_truncated);
    const bool is_mask = type == icmp4::mask_request || type == icmp4::mask_reply;
    if (is_mask && message.size() < mask_len) return std::unexpected(Drop::icmp_truncated);
    return Icmp4View(message);
  }

  [[nodiscard]] bool checksum_ok() const noexcept { return csum_finish(csum_add(m_)) == 0; }

  [[nodiscard]] u8 type() const noexcept { return load_u8(m_.data()); }
  [[nodiscard]] u8 code() const noexcept { return load_u8(m_.data() + 1); }
  [[nodiscard]] u16 checksum_raw() const noexcept { return load_raw<u16>(m_.data() + 2); }
  [[nodiscard]] u32 rest() const noexcept { return load_be32(m_.data() + 4); }
  [[nodiscard]] u16 id() const noexcept { return load_be16(m_.data() + 4); }   // echo, timestamp
  [[nodiscard]] u16 seq() const noexcept { return load_be16(m_.data() + 6); }  // echo, timestamp
  // Of fragmentation needed; 0 from a router older than RFC 1191.
  [[nodiscard]] u16 next_hop_mtu() const noexcept { return load_be16(m_.data() + 6); }
  [[nodiscard]] u8 pointer() const noexcept { return load_u8(m_.data() + 4); }             // parameter problem
  [[nodiscard]] Ip4Addr gateway() const noexcept { return Ip4Addr::load(m_.data() + 4); }  // redirect
  [[nodiscard]] u32 originate_ms() const noexcept { return load_be32(m_.data() + 8); }     // timestamp: these three
  [[nodiscard]] u32 receive_ms() const noexcept { return load_be32(m_.data() + 12); }
  [[nodiscard]] u32 transmit_ms() const noexcept { return load_be32(m_.data() + 16); }
  [[nodiscard]] Bytes message() const noexcept { return m_; }
  [[nodiscard]] Bytes body() const noexcept { return m_.subspan(header_len); }  // echo data, or the quoted packet

  // Does it report an error, and so quote a packet? (RFC 1122 3.2.2)
  [[nodiscard]] bool is_error() const noexcept {
    const u8 t = type();
    return t == icmp4::unreachable || t == icmp4::source_quench || t == icmp4::redirect || t == icmp4::time_exceeded ||
           t == icmp4::parameter_problem;
  }
  // The quoted packet without RFC 4884 extensions: a length in words follows the checksum of the types that have one.
  [[nodiscard]] Bytes quote() const noexcept {
    const u8 t = type();
    const bool has_length = t == icmp4::unreachable || t == icmp4::time_exceeded || t == icmp4::parameter_problem;
    const usize len = has_length ? load_u8(m_.data() + 5) * 4u : 0u;
    return len == 0 || len > body().size() ? body() : body().first(len);
  }
  [[nodiscard]] Icmp4Fields fields() const noexcept { return {type(), code(), rest()}; }

 private:
  explicit Icmp4View(Bytes m) noexcept : m_(m) {}
  Bytes m_;
};

// Header, body (which may lie in place already) and checksum; returns the length of the message.
inline usize emit(const Icmp4Fields& f, Bytes body, MutBytes out) noexcept {
  const usize len = Icmp4View::header_len + body.size();
  WEIR_ASSERT(out.size() >= len);
  copy_bytes(out.subspan(Icmp4View::header_len), body);
  store_u8(out.data(), f.type);
  store_u8(out.data() + 1, f.code);
  store_be16(out.data() + 2, 0);
  store_be32(out.data() + 4, f.rest);
  const u16 sum = csum_finish(csum_add(out.first(len)));
  std::memcpy(out.data() + 2, &sum, 2);
  return len;
}

}  // namespace weir::wire

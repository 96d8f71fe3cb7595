// TCP options: RFC 9293 3.1-3.2, RFC 7323 (window scale, timestamps), RFC 2018 (SACK), RFC 5482 (user timeout), RFC
// 2385 (MD5), RFC 5925 (AO), RFC 7413 (fast open), RFC 8684 (MPTCP: recognised, not used), RFC 6994 (experiments),
// AccECN.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "base/assert.hpp"
#include "base/drop.hpp"
#include "base/error.hpp"
#include "base/seq.hpp"
#include "wire/protocol.hpp"

namespace weir::wire {

namespace tcp_option {
inline constexpr u8 end = 0, nop = 1, mss = 2, wscale = 3, sack_permitted = 4, sack = 5, timestamps = 8, md5 = 19, user_timeout = 28,
                    ao = 29, mptcp = 30, fast_open = 34, accecn0 = 172, accecn1 = 174, experiment1 = 253, experiment2 = 254;
inline constexpr u16 exid_fast_open = 0xf989;
inline constexpr usize max_len = 40;  // 15 words of header less the fixed 5
}  // namespace tcp_option

struct SackBlock {
  SeqNum left, right;  // first sequence number of the block, and the one after its last
  friend constexpr bool operator==(const SackBlock&, const SackBlock&) noexcept = default;
};

// Where the value of an option lies in the options area; absent when at is 0.
struct TcpOptionAt {
  u8 at = 0, len = 0;
  explicit constexpr operator bool() const noexcept { return at != 0; }
  [[nodiscard]] Bytes of(Bytes options) const noexcept { return options.subspan(at, len); }
  friend constexpr bool operator==(const TcpOptionAt&, const TcpOptionAt&) noexcept = default;
};

// AccECN counters, 24 bits each, in the order ECT(0), CE, ECT(1) whatever the order on the wire was.
struct AccEcnOption {
  u8 kind = 0;    // tcp_option::accecn0 or accecn1; 0: absent
  u8 fields = 0;  // how many of the three the option carried, in the order of its kind
  u32 e0b = 0, ceb = 0, e1b = 0;
  friend constexpr bool operator==(const AccEcnOption&, const AccEcnOption&) noexcept = default;
};

struct TcpOptions {
  std::optional<u16> mss{};
  std::optional<u8> wscale{};  // as received: above 14 the caller uses 14 (RFC 7323 2.3)
  bool sack_permitted = false;
  bool has_ts = false;
  bool has_mptcp = false;
  bool fast_open_experimental = false;  // it came as kind 254, so it is answered as such (RFC 7413 4.1.1)
  u8 sack_n = 0;
  u32 ts_val = 0, ts_ecr = 0;
  std::array<SackBlock, 4> sack{};
  std::optional<u16> user_timeout{};  // granularity bit and 15 bits of value
  TcpOptionAt fast_open{};            // the cookie; len 0: a request for one
  TcpOptionAt md5{};                  // 16 bytes
  TcpOptionAt ao{};                   // KeyID, RNextKeyID, MAC
  AccEcnOption accecn{};

  [[nodiscard]] std::span<const SackBlock> sack_blocks() const noexcept { return {sack.data(), sack_n}; }
  friend constexpr bool operator==(const TcpOptions&, const TcpOptions&) noexcept = default;
};

// RFC 7323 App. A: NOP NOP TSopt is what an established peer sends; look at it with one load.
inline bool parse_ts_only(Bytes o, TcpOptions& out) noexcept {
  if (o.size() != 12 || load_be32(o.data()) != 0x0101'080a) return false;
  out.has_ts = true;
  out.ts_val = load_be32(o.data() + 4);
  out.ts_ecr = load_be32(o.data() + 8);
  return true;
}

// Any kinds, in any order and at any alignment. An option whose length cannot be (0, 1, beyond the header) is
// Drop::tcp_bad_option; a known kind of another length than its RFC gives is ignored like an unknown kind.
[[nodiscard]] Result<TcpOptions, Drop> parse_options_slow(Bytes o) noexcept;
[[nodiscard]] inline Result<TcpOptions, Drop> parse_options(Bytes o) noexcept {
  TcpOptions out;
  if (o.empty() || parse_ts_only(o, out)) [[likely]]
    return out;
  return parse_options_slow(o);
}

// Calls f(kind, value) for each option but NOP, up to the end or the first of illegal length; false in that case.
template <class F>
bool for_each_tcp_option(Bytes o, F&& f) {
  while (!o.empty()) {
    const u8 kind = load_u8(o.data());
    if (kind == tcp_option::end) return true;
    if (kind == tcp_option::nop) {
      o = o.subspan(1);
      continue;
    }
    if (o.size() < 2) return false;
    const usize len = load_u8(o.data() + 1);
    if (len < 2 || len > o.size()) return false;
    f(kind, o.subspan(2, len - 2));
    o = o.subspan(len);
  }
  return true;
}

// What to send. Spans are borrowed for the call.
struct TcpOptionsOut {
  std::optional<u16> mss{};
  std::optional<u8> wscale{};
  bool sack_permitted = false;
  bool has_ts = false;
  u32 ts_val = 0, ts_ecr = 0;
  std::span<const SackBlock> sack{};  // blocks that do not fit any more are left out, the last first
  std::optional<Bytes> fast_open{};   // empty: a request for a cookie; else 4 to 16 bytes
  bool fast_open_experimental = false;
  std::optional<u16> user_timeout{};
  std::optional<Bytes> md5{};  // 16 bytes
  std::optional<Bytes> ao{};   // KeyID, RNextKeyID, MAC
  AccEcnOption accecn{};
};

// The order and padding of options, which tools compare byte for byte.
enum class OptionProfile : u8 {
  linux_,   // <mss, sackOK, TS, nop, wscale>, <mss, nop, nop, sackOK, nop, wscale>, <nop, nop, TS, nop, nop, SACK>
  freebsd,  // <mss, nop, wscale, sackOK, TS, eol>: each option at its alignment, zeros after the last
};

// Returns how many bytes were written: a multiple of 4, at most 40. `out` must hold 40 bytes or be known to be enough.
usize emit_options(MutBytes out, const TcpOptionsOut& o, OptionProfile profile = OptionProfile::linux_) noexcept;

// NOP NOP TSopt, the twelve bytes of nearly every segment.
inline usize emit_ts_only(MutBytes out, u32 ts_val, u32 ts_ecr) noexcept {
  WEIR_ASSERT(out.size() >= 12);
  store_be32(out.data(), 0x0101'080a);
  store_be32(out.data() + 4, ts_val);
  store_be32(out.data() + 8, ts_ecr);
  return 12;
}

// How many SACK blocks fit beside what is there already (`used` bytes, a multiple of 4): 4 alone, 3 with timestamps.
[[nodiscard]] constexpr u8 max_sack_blocks(usize used) noexcept {
  return used + 12 > tcp_option::max_len ? u8{0} : static_cast<u8>((tcp_option::max_len - used - 4) / 8);
}

}  // namespace weir::wire

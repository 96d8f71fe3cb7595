// IPv4 options (RFC 791 3.1, RFC 1122 3.2.1.8, RFC 2113, RFC 7126). Walking is bounded; a malformed option gives the
// byte that a Parameter Problem message points to.
#pragma once

#include <optional>

#include "base/drop.hpp"
#include "base/error.hpp"
#include "wire/address.hpp"
#include "wire/protocol.hpp"

namespace weir::wire {

namespace ip4_option {
inline constexpr u8 end = 0, nop = 1, record_route = 7, timestamp = 68, security = 130, loose_source_route = 131, extended_security = 133,
                    cipso = 134, stream_id = 136, strict_source_route = 137, router_alert = 148;
inline constexpr u8 copied_flag = 0x80;  // the option goes into every fragment
}  // namespace ip4_option

// Where an option lies in the options area; absent when len is 0.
struct Ip4OptionAt {
  u8 at = 0, len = 0;
  explicit constexpr operator bool() const noexcept { return len != 0; }
  [[nodiscard]] Bytes of(Bytes options) const noexcept { return options.subspan(at, len); }
  friend constexpr bool operator==(const Ip4OptionAt&, const Ip4OptionAt&) noexcept = default;
};

struct Ip4Options {
  Ip4OptionAt record_route{}, timestamp{}, source_route{}, security{};
  bool strict = false;  // of source_route
  bool has_router_alert = false;
  u16 router_alert = 0;
  bool has_unknown = false;  // ignored, as RFC 1122 3.2.1.8 asks
};

struct Ip4OptionProblem {
  Drop drop = Drop::ip4_bad_option;
  u8 pointer = 0;  // the offending byte, counted from the start of the IPv4 header
};

// `options` is Ipv4View::options(). Source routes are reported, not judged: RFC 7126 4.3 leaves dropping to policy.
[[nodiscard]] Result<Ip4Options, Ip4OptionProblem> parse_ip4_options(Bytes options) noexcept;

// Calls f(kind, whole option) for each option up to the end or the first malformed one; false in that case.
template <class F>
bool for_each_ip4_option(Bytes o, F&& f) {
  while (!o.empty()) {
    const u8 kind = load_u8(o.data());
    if (kind == ip4_option::end) return true;
    if (kind == ip4_option::nop) {
      o = o.subspan(1);
      continue;
    }
    if (o.size() < 2) return false;
    const usize len = load_u8(o.data() + 1);
    if (len < 2 || len > o.size()) return false;
    f(kind, o.first(len));
    o = o.subspan(len);
  }
  return true;
}

// A Record Route option on its way: our address goes into the next slot. False when it is full (not an error, RFC 791).
bool record_route(MutBytes option, Ip4Addr self) noexcept;
// A Timestamp option: ms since midnight UT, with the address if it asks for it. Counts the overflow when it is full;
// false when the overflow counter itself is full: then the datagram has to be discarded (RFC 791).
bool record_timestamp(MutBytes option, Ip4Addr self, u32 ms_since_midnight) noexcept;
// The options that go into fragments other than the first (copied flag), without padding. Returns the bytes written.
usize copied_ip4_options(Bytes options, MutBytes out) noexcept;

}  // namespace weir::wire

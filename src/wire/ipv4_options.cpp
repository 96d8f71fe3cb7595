#include "wire/ipv4_options.hpp"

namespace weir::wire {
namespace {

using Check = std::optional<u8>;  // the offset of the offending byte from the start of the option, if there is one

// RFC 791: a pointer counts from 1 and names the next free slot. It may lie just behind the option (full), but where
// there is room it is room for a whole slot.
bool is_pointer_bad(Bytes o, usize first, usize slot) noexcept {
  const usize pointer = load_u8(o.data() + 2);
  if (pointer < first || pointer > o.size() + 1) return true;
  return pointer <= o.size() && pointer + slot - 1 > o.size();
}

Check check_route(Bytes o) noexcept {
  if (o.size() < 3) return u8{1};
  return is_pointer_bad(o, 4, 4) ? Check{u8{2}} : std::nullopt;
}

// Flag 0 has slots of 4 bytes, flags 1 and 3 slots of 8 with the address before the time.
Check check_timestamp(Bytes o) noexcept {
  if (o.size() < 4) return u8{1};
  const u8 flag = load_u8(o.data() + 3) & 0x0f;
  if (flag != 0 && flag != 1 && flag != 3) return u8{3};
  return is_pointer_bad(o, 5, flag == 0 ? 4 : 8) ? Check{u8{2}} : std::nullopt;
}

// One option of known bounds. Returns the offset of a bad byte within it.
Check take(Bytes o, u8 at, Ip4Options& out) noexcept {
  const u8 kind = load_u8(o.data());
  const Ip4OptionAt here{at, static_cast<u8>(o.size())};
  switch (kind) {
    case ip4_option::record_route: out.record_route = here; return check_route(o);
    case ip4_option::timestamp: out.timestamp = here; return check_timestamp(o);
    case ip4_option::loose_source_route:
    case ip4_option::strict_source_route:
      if (out.source_route) return u8{0};  // RFC 1122 3.2.1.8(c): at most one
      out.source_route = here;
      out.strict = kind == ip4_option::strict_source_route;
      return check_route(o);
    case ip4_option::router_alert:
      if (o.size() != 4) return u8{1};  // RFC 2113 2.1
      out.has_router_alert = true;
      out.router_alert = load_be16(o.data() + 2);
      return std::nullopt;
    case ip4_option::security:
      if (o.size() < 3) return u8{1};  // RFC 1108 2.2
      out.security = here;
      return std::nullopt;
    default:
      out.has_unknown = true;  //= rfc1122#3.2.1.8 I27
      return std::nullopt;
  }
}

}  // namespace

Result<Ip4Options, Ip4OptionProblem> parse_ip4_options(Bytes options) noexcept {
  constexpr u8 header_len = 20;
  const auto problem = [](usize at) { return std::unexpected(Ip4OptionProblem{Drop::ip4_bad_option, static_cast<u8>(header_len + at)}); };
  Ip4Options out;
  for (usize at = 0; at < options.size();) {
    const u8 kind = load_u8(options.data() + at);
    if (kind == ip4_option::end) break;
    if (kind == ip4_option::nop) {
      ++at;
      continue;
    }
    if (options.size() - at < 2) return problem(at);  // no room for a length
    const usize len = load_u8(options.data() + at + 1);
    if (len < 2 || len > options.size() - at) return problem(at + 1);
    if (const auto bad = take(options.subspan(at, len), static_cast<u8>(at), out)) return problem(at + *bad);
    at += len;
  }
  return out;
}

bool record_route(MutBytes option, Ip4Addr self) noexcept {
  if (option.size() < 3) return false;
  const usize pointer = load_u8(option.data() + 2);  // counts from 1
  if (pointer < 4 || pointer + 3 > option.size()) return false;
  self.store(option.data() + pointer - 1);
  store_u8(option.data() + 2, static_cast<u8>(pointer + 4));
  return true;
}

bool record_timestamp(MutBytes option, Ip4Addr self, u32 ms_since_midnight) noexcept {
  if (option.size() < 4) return true;
  std::byte* p = option.data();
  const usize pointer = load_u8(p + 2);
  const u8 overflow_flag = load_u8(p + 3);
  const u8 flag = overflow_flag & 0x0f;
  const usize slot = flag == 0 ? 4 : 8;
  if (pointer < 5) return true;
  if (pointer + slot - 1 > option.size()) {
    if (overflow_flag >> 4 == 15) return false;
    store_u8(p + 3, static_cast<u8>(overflow_flag + 0x10));
    return true;
  }
  std::byte* entry = p + pointer - 1;
  if (flag == 3 && Ip4Addr::load(entry) != self) return true;  // stamped only by the hosts that the sender named
  if (flag == 1) self.store(entry);
  store_be32(entry + slot - 4, ms_since_midnight);
  store_u8(p + 2, static_cast<u8>(pointer + slot));
  return true;
}

usize copied_ip4_options(Bytes options, MutBytes out) noexcept {
  usize n = 0;
  for_each_ip4_option(options, [&](u8 kind, Bytes whole) {
    if ((kind & ip4_option::copied_flag) == 0 || whole.size() > out.size() - n) return;
    copy_bytes(out.subspan(n), whole);
    n += whole.size();
  });
  return n;
}

}  // namespace weir::wire

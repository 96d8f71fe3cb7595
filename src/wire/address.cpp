// Text forms of addresses: RFC 4291 2.2 (IPv6 input), RFC 5952 (IPv6 output), RFC 6943 3.1.1 (IPv4: strict dotted quads
// only).
#include "wire/address.hpp"

#include <algorithm>

namespace weir {
namespace {

constexpr char hex_digits[] = "0123456789abcdef";

constexpr int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A decimal number of at most `max`, without sign or leading zeros (which some would read as octal).
std::optional<u32> parse_decimal(std::string_view s, u32 max) noexcept {
  if (s.empty() || s.size() > 9 || (s.size() > 1 && s[0] == '0')) return std::nullopt;
  u32 v = 0;
  for (const char c : s) {
    if (c < '0' || c > '9') return std::nullopt;
    v = v * 10 + static_cast<u32>(c - '0');
  }
  return v <= max ? std::optional{v} : std::nullopt;
}

// One group of 1 to 4 hex digits.
std::optional<u16> parse_group(std::string_view s) noexcept {
  if (s.empty() || s.size() > 4) return std::nullopt;
  u32 v = 0;
  for (const char c : s) {
    const int d = hex_value(c);
    if (d < 0) return std::nullopt;
    v = v << 4 | static_cast<u32>(d);
  }
  return static_cast<u16>(v);
}

struct Groups {
  std::array<u16, 8> v{};
  usize n = 0;
  bool add(u16 g) noexcept {
    if (n == v.size()) return false;
    v[n++] = g;
    return true;
  }
};

// "a:b:c" with no "::" in it; the last part may be a dotted quad if `tail`. An empty text has no groups.
bool parse_groups(std::string_view s, bool tail, Groups& out) noexcept {
  if (s.empty()) return true;
  for (;;) {
    const usize colon = s.find(':');
    const std::string_view part = s.substr(0, colon);
    if (colon == std::string_view::npos && tail && part.find('.') != std::string_view::npos) {
      const auto quad = Ip4Addr::parse(part);
      return quad && out.add(static_cast<u16>(quad->host >> 16)) && out.add(static_cast<u16>(quad->host));
    }
    const auto group = parse_group(part);
    if (!group || !out.add(*group)) return false;
    if (colon == std::string_view::npos) return true;
    s.remove_prefix(colon + 1);
  }
}

Ip6Addr from_groups(const Groups& front, const Groups& back) noexcept {
  std::array<u16, 8> g{};
  std::copy_n(front.v.begin(), front.n, g.begin());
  std::copy_n(back.v.begin(), back.n, g.end() - static_cast<std::ptrdiff_t>(back.n));
  Ip6Addr a;
  for (usize i = 0; i < 8; ++i) store_be16(&a.b[i * 2], g[i]);
  return a;
}

// RFC 5952 4.2: the longest run of two or more zero groups, the first of equals.
struct ZeroRun {
  usize at = 8, len = 0;
};
ZeroRun longest_zero_run(const std::array<u16, 8>& g) noexcept {
  ZeroRun best;
  for (usize i = 0; i < 8;) {
    usize n = 0;
    while (i + n < 8 && g[i + n] == 0) ++n;
    if (n >= 2 && n > best.len) best = {i, n};
    i += n + 1;
  }
  return best;
}

void append_group(std::string& out, u16 g) {
  bool started = false;
  for (int shift = 12; shift >= 0; shift -= 4) {
    const unsigned d = (static_cast<unsigned>(g) >> shift) & 0xfu;
    started = started || d != 0 || shift == 0;
    if (started) out += hex_digits[d];
  }
}

}  // namespace

std::optional<MacAddr> MacAddr::parse(std::string_view text) noexcept {
  if (text.size() != 17) return std::nullopt;
  MacAddr a;
  for (usize i = 0; i < 6; ++i) {
    const int hi = hex_value(text[i * 3]), lo = hex_value(text[i * 3 + 1]);
    if (hi < 0 || lo < 0 || (i < 5 && text[i * 3 + 2] != ':')) return std::nullopt;
    a.b[i] = static_cast<u8>(hi << 4 | lo);
  }
  return a;
}

std::optional<Ip4Addr> Ip4Addr::parse(std::string_view text) noexcept {
  u32 host = 0;
  for (int i = 0; i < 4; ++i) {
    const usize dot = text.find('.');
    if ((dot == std::string_view::npos) != (i == 3)) return std::nullopt;
    const auto part = parse_decimal(text.substr(0, dot), 255);
    if (!part) return std::nullopt;
    host = host << 8 | *part;
    if (i < 3) text.remove_prefix(dot + 1);
  }
  return Ip4Addr{host};
}

std::optional<Ip6Addr> Ip6Addr::parse(std::string_view text) noexcept {
  if (text.size() < 2 || text.size() > 45) return std::nullopt;
  Groups front, back;
  const usize gap = text.find("::");
  if (gap == std::string_view::npos) {
    if (!parse_groups(text, true, front) || front.n != 8) return std::nullopt;
    return from_groups(front, back);
  }
  const std::string_view after = text.substr(gap + 2);
  if (!parse_groups(text.substr(0, gap), false, front) || !parse_groups(after, true, back)) return std::nullopt;
  // RFC 4291 2.2: "::" stands for one or more groups. A second one leaves an empty group, which parse_group refuses.
  if (front.n + back.n > 7) return std::nullopt;
  return from_groups(front, back);
}

std::optional<IpAddr> IpAddr::parse(std::string_view text) noexcept {
  if (text.find(':') == std::string_view::npos) {
    const auto a = Ip4Addr::parse(text);
    return a ? std::optional<IpAddr>{*a} : std::nullopt;
  }
  const auto a = Ip6Addr::parse(text);
  return a ? std::optional<IpAddr>{*a} : std::nullopt;
}

bool Prefix::contains(const IpAddr& a) const noexcept {
  if (a.is_v4() != address.is_v4()) return false;
  return Prefix{a, length}.masked().address == masked().address;
}

Prefix Prefix::masked() const noexcept {
  if (address.is_v4()) {
    const u32 mask = length == 0 ? 0u : ~u32{0} << (32u - std::min<u32>(length, 32u));
    return {Ip4Addr{address.v4().host & mask}, length};
  }
  Ip6Addr a = address.v6();
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned first_bit = i * 8;
    if (length <= first_bit) a.b[i] = 0;
    else if (length < first_bit + 8) a.b[i] = static_cast<u8>(a.b[i] & (0xff00u >> (length - first_bit)));
  }
  return {a, length};
}

Ip4Addr Prefix::broadcast4() const noexcept {
  const u32 host_bits = length >= 32 ? 0u : ~u32{0} >> length;
  return {address.v4().host | host_bits};
}

std::optional<Prefix> Prefix::parse(std::string_view text) noexcept {
  const usize slash = text.find('/');
  const std::string_view host = text.substr(0, slash);
  const auto address = IpAddr::parse(host);
  if (!address) return std::nullopt;
  // A v4-mapped text counts its length from the start of the IPv6 form: ::ffff:10.0.0.0/104 is 10.0.0.0/8.
  const bool mapped_text = address->is_v4() && host.find(':') != std::string_view::npos;
  const u32 skipped = mapped_text ? 96 : 0;
  if (slash == std::string_view::npos) return Prefix{*address, static_cast<u8>(address->bits())};
  const auto length = parse_decimal(text.substr(slash + 1), address->bits() + skipped);
  if (!length || *length < skipped) return std::nullopt;
  return Prefix{*address, static_cast<u8>(*length - skipped)};
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) noexcept {
  const usize colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const auto port = parse_decimal(text.substr(colon + 1), 0xffff);
  if (!port || host.empty()) return std::nullopt;
  const bool bracketed = host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  // RFC 5952 6: an IPv6 address before a port is in brackets, and nothing else is.
  if (bracketed != (host.find(':') != std::string_view::npos)) return std::nullopt;
  const auto addr = IpAddr::parse(host);
  if (!addr) return std::nullopt;
  return Endpoint{*addr, static_cast<u16>(*port), 0};
}

std::string to_string(const MacAddr& a) {
  std::string s;
  for (usize i = 0; i < 6; ++i) {
    if (i > 0) s += ':';
    s += hex_digits[a.b[i] >> 4];
    s += hex_digits[a.b[i] & 0xf];
  }
  return s;
}

std::string to_string(Ip4Addr a) {
  return std::to_string(a.host >> 24) + '.' + std::to_string((a.host >> 16) & 0xff) + '.' + std::to_string((a.host >> 8) & 0xff) + '.' +
         std::to_string(a.host & 0xff);
}

std::string to_string(const Ip6Addr& a) {
  if (a.is_v4_mapped()) return "::ffff:" + to_string(Ip4Addr::load(&a.b[12]));  // RFC 5952 5
  std::array<u16, 8> g{};
  for (usize i = 0; i < 8; ++i) g[i] = load_be16(&a.b[i * 2]);
  const ZeroRun run = longest_zero_run(g);
  std::string s;
  for (usize i = 0; i < 8; ++i) {
    if (i == run.at) {
      s += "::";
      i += run.len - 1;
      continue;
    }
    if (!s.empty() && s.back() != ':') s += ':';
    append_group(s, g[i]);
  }
  return s;
}

std::string to_string(const IpAddr& a) { return a.is_v4() ? to_string(a.v4()) : to_string(a.v6()); }

std::string to_string(const Prefix& p) { return to_string(p.address) + '/' + std::to_string(p.length); }

std::string to_string(const Endpoint& e) {
  const std::string port = std::to_string(e.port);
  return e.addr.is_v4() ? to_string(e.addr.v4()) + ':' + port : '[' + to_string(e.addr.v6()) + "]:" + port;
}

}  // namespace weir

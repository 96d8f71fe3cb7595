#include "drill/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace weir::drill {
namespace {

// The addresses that scripts take for granted.
struct Usual {
  std::string_view local, remote, gateway;
};
constexpr Usual usual4{"192.168.0.1", "192.0.2.1", "192.168.0.2"};
constexpr Usual usual6{"fd3d:fa7b:d17d::1", "2001:db8::1", "fd3d:fa7b:d17d:8888::"};

IpAddr parse_address(const std::string& text, std::string_view usual, bool v6) {
  const auto a = IpAddr::parse(text.empty() ? usual : std::string_view(text));
  if (!a || a->is_v6() != v6) throw std::invalid_argument(fmt::format("\"{}\" is no IPv{} address", text, v6 ? 6 : 4));
  return *a;
}

u32 number(const ScriptOption& o, u32 least, u32 most) {
  u32 v = 0;
  const auto [end, error] = std::from_chars(o.value.data(), o.value.data() + o.value.size(), v);
  if (error != std::errc{} || end != o.value.data() + o.value.size() || v < least || v > most)
    throw ScriptError(o.place, fmt::format("--{}={}: expected a number from {} to {}", o.name, o.value, least, most));
  return v;
}

void address(const ScriptOption& o, Settings&, std::string& to) {
  if (!IpAddr::parse(o.value)) throw ScriptError(o.place, fmt::format("--{}={}: expected an IPv4 or IPv6 address", o.name, o.value));
  to = o.value;
}

void ip_version(const ScriptOption& o, Settings& s) {
  if (o.value == "ipv4") s.mode = Mode::ipv4;
  else if (o.value == "ipv6") s.mode = Mode::ipv6;
  else if (o.value == "ipv4-mapped-ipv6") s.mode = Mode::ipv4_mapped;
  else throw ScriptError(o.place, fmt::format("--ip_version={}: expected ipv4, ipv6 or ipv4-mapped-ipv6", o.value));
}

// A bare option is set; =0 and =1 are possible.
bool flag(const ScriptOption& o) { return o.value.empty() || number(o, 0, 1) == 1; }

struct Known {
  std::string_view name;
  bool needs_value;
  void (*set)(const ScriptOption& o, Settings& s);
};
constexpr std::array known{
    Known{"ip_version", true, ip_version},
    Known{"local_ip", true, [](const ScriptOption& o, Settings& s) { address(o, s, s.local); }},
    Known{"remote_ip", true, [](const ScriptOption& o, Settings& s) { address(o, s, s.remote); }},
    Known{"gateway_ip", true, [](const ScriptOption& o, Settings& s) { address(o, s, s.gateway); }},
    Known{"mtu", true, [](const ScriptOption& o, Settings& s) { s.mtu = static_cast<u16>(number(o, 68, 0xffff)); }},
    Known{"mss", true, [](const ScriptOption& o, Settings& s) { s.inbound_mss = static_cast<u16>(number(o, 1, 0xffff)); }},
    Known{"bind_port", true, [](const ScriptOption& o, Settings& s) { s.bind_port = static_cast<u16>(number(o, 1, 0xffff)); }},
    Known{"connect_port", true, [](const ScriptOption& o, Settings& s) { s.connect_port = static_cast<u16>(number(o, 1, 0xffff)); }},
    Known{"tolerance_usecs", true, [](const ScriptOption& o, Settings& s) { s.tolerance = Duration::micros(number(o, 0, 1'000'000'000)); }},
    Known{"tcp_ts_tick_usecs", true, [](const ScriptOption& o, Settings& s) { s.ts_tick = Duration::micros(number(o, 0, 1'000'000)); }},
    Known{"tcp_ts_ecr_scaled", false, [](const ScriptOption& o, Settings& s) { s.ts_ecr_scaled = flag(o); }},
    Known{"strict_segments", false, [](const ScriptOption& o, Settings& s) { s.strict_segments = flag(o); }},
    Known{"strict_end", false, [](const ScriptOption& o, Settings& s) { s.strict_end = flag(o); }},
    Known{"define", true,
          [](const ScriptOption& o, Settings& s) {
            if (!add_define(o.value, s)) throw ScriptError(o.place, fmt::format("--define={}: expected NAME=VALUE", o.value));
          }},
};

}  // namespace

bool add_define(std::string_view text, Settings& settings) {
  const usize at = text.find('=');
  if (at == 0 || at == std::string_view::npos) return false;
  std::string_view value = text.substr(at + 1);
  if (value.size() >= 2 && (value.front() == '"' || value.front() == '`') && value.back() == value.front())
    value = value.substr(1, value.size() - 2);
  settings.defines[std::string(text.substr(0, at))] = value;
  return true;
}

IpAddr Settings::local_address() const { return parse_address(local, wire_v6() ? usual6.local : usual4.local, wire_v6()); }
IpAddr Settings::remote_address() const { return parse_address(remote, wire_v6() ? usual6.remote : usual4.remote, wire_v6()); }
IpAddr Settings::gateway_address() const { return parse_address(gateway, wire_v6() ? usual6.gateway : usual4.gateway, wire_v6()); }

void apply_options(const Script& script, Settings& settings) {
  for (const ScriptOption& o : script.options) {
    const auto found = std::ranges::find(known, o.name, &Known::name);
    if (found == known.end()) {
      std::string names;
      for (const Known& k : known) names += fmt::format("{}{}", names.empty() ? "" : " ", k.name);
      throw ScriptError(o.place, fmt::format("--{} is no option that weir drill knows; {} are", o.name, names));
    }
    if (found->needs_value && o.value.empty()) throw ScriptError(o.place, fmt::format("--{} wants a value: --{}=VALUE", o.name, o.name));
    found->set(o, settings);
  }
  try {
    (void)settings.local_address();
    (void)settings.remote_address();
    (void)settings.gateway_address();
  } catch (const std::invalid_argument& e) {
    throw ScriptError(script.options.empty() ? Place{} : script.options.front().place,
                      std::string(e.what()) + ": set --local_ip, --remote_ip and --gateway_ip of one family");
  }
}

}  // namespace weir::drill

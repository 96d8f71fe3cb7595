// packetdrill/flags.hpp
#include "packetdrill/flags.hpp"

#include <fmt/format.h>

#include <charconv>

namespace weir::packetdrill {
namespace {

using Done = Result<void, std::string>;

Done wrong(std::string_view name, std::string_view value, std::string_view expected) {
  return std::unexpected(fmt::format("{}={}: expected {}", name, value, expected));
}

Done set_switch(bool& to, std::string_view name, std::string_view value) {
  if (value != "0" && value != "1") return wrong(name, value, "0 or 1");
  to = value == "1";
  return {};
}

Done set_mtu(Flags& f, std::string_view value) {
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), f.mtu);
  if (error != std::errc{} || end != value.data() + value.size() || f.mtu < 68) return wrong("mtu", value, "a number from 68 to 65535");
  return {};
}

Done set(Flags& f, std::string_view name, std::string_view value) {
  if (name == "local") {
    const auto prefix = Prefix::parse(value);
    if (!prefix) return wrong(name, value, "an address with its prefix length, such as 192.168.0.1/16");
    f.local.push_back(*prefix);
    return {};
  }
  if (name == "gw") {
    const auto address = IpAddr::parse(value);
    if (!address) return wrong(name, value, "an address");
    f.gateways.push_back(*address);
    return {};
  }
  if (name == "mtu") return set_mtu(f, value);
  if (name == "vt") return set_switch(f.virtual_time, name, value);
  if (name == "settings") return set_switch(f.settings, name, value);
  if (name == "profile") {
    if (value != "linux" && value != "rfc") return wrong(name, value, "linux or rfc");
    f.sysctl = value == "rfc" ? Sysctl::rfc_profile() : Sysctl::linux_profile();
    f.settings = f.settings && value == "linux";  // the system's settings are those of Linux
    return {};
  }
  return std::unexpected(fmt::format("\"{}\": the flags are local, gw, mtu, vt, profile, settings", name));
}

}  // namespace

Result<Flags, std::string> parse_flags(std::string_view text) {
  Flags f;
  while (!text.empty()) {
    const usize end = std::min(text.find(','), text.size());
    const std::string_view item = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (item.empty()) continue;
    const usize equals = std::min(item.find('='), item.size());
    const auto done = set(f, item.substr(0, equals), equals < item.size() ? item.substr(equals + 1) : std::string_view{});
    if (!done) return std::unexpected(done.error());
  }
  return f;
}

}  // namespace weir::packetdrill

// api/setup.hpp
#include "api/setup.hpp"

#include "io/spec.hpp"

namespace weir {
namespace {

std::unexpected<Error> wrong(std::string what) { return std::unexpected(Error{Errc::invalid, std::move(what)}); }
std::unexpected<Error> failed(Errc code, std::string what) {
  what.append(": ").append(text(code));
  return std::unexpected(Error{code, std::move(what)});
}

Result<MacAddr, Error> parse_mac(const std::string& text) {
  if (text.empty()) return MacAddr{};
  const auto mac = MacAddr::parse(text);
  if (!mac) return wrong("mac \"" + text + "\": not a MAC address, such as 02:00:00:00:00:01");
  if (mac->is_multicast() || mac->is_zero()) return wrong("mac \"" + text + "\": must be a unicast address");
  return *mac;
}

Result<u16, Error> check_mtu(u32 mtu) {
  constexpr u32 least = 68, most = 65'535;  // RFC 791: what every host must take
  if (mtu != 0 && (mtu < least || mtu > most)) return wrong("mtu " + std::to_string(mtu) + ": must be from 68 to 65535");
  return static_cast<u16>(mtu);
}

}  // namespace

Result<IfIndex, Error> add_port(RtExecutor& executor, NetnsId netns, const PortConfig& config) {
  const auto spec = io::Spec::parse(config.device);
  if (!spec) return wrong(spec.error());
  rt::SharedShard& shared = executor.loop().shared();
  if (spec->kind == io::Spec::Kind::loopback) return shared.call([&](Shard& s, Instant) { return s.core().netns[netns]->loopback; });
  auto devices = io::open(*spec, {.mtu = config.mtu, .to_wall_clock = rt::Clock::to_wall_clock()});
  if (!devices) return std::unexpected(Error{Errc::io_error, devices.error()});
  io::Device& device = devices->front();
  const io::Caps caps = device.caps();
  InterfaceConfig interface{.name = config.name,
                            .kind = caps.kind,
                            .mac = config.mac.is_zero() ? caps.mac : config.mac,
                            .mtu = config.mtu != 0 ? config.mtu : caps.mtu,
                            .offload = caps.offload,
                            .queue_packets = config.queue_packets,
                            .up = config.up};
  const auto index = shared.call([&](Shard& s, Instant now) { return s.add_interface(netns, interface, now); });
  if (!index) return failed(index.error(), "device \"" + config.device + "\"");
  shared.attach(*index, std::move(device));
  return *index;
}

Result<NetnsId, Error> add_netns(RtExecutor& executor, const NetnsConfig& config) {
  const auto id = executor.loop().shared().call([&](Shard& s, Instant now) { return s.add_netns(config, now); });
  if (!id) return failed(id.error(), "network namespace " + config.name);
  return *id;
}

Result<void, Error> add_address(RtExecutor& executor, IfIndex interface, const std::string& text, bool probe) {
  if (text == "dhcp" || text == "auto") return wrong("address \"" + text + "\" is not there yet: give an address with its prefix length");
  const auto prefix = Prefix::parse(text);
  if (!prefix) return wrong("address \"" + text + "\": not an address with a prefix length, such as 10.77.0.2/24 or fd77::2/64");
  const auto done = executor.loop().shared().call([&](Shard& s, Instant now) { return s.add_address(interface, *prefix, now, probe); });
  if (!done && done.error() == Errc::invalid) return wrong("address \"" + text + "\": no host can have it");
  if (!done) return failed(done.error(), "address \"" + text + "\"");
  return {};
}

Result<void, Error> add_gateway(RtExecutor& executor, NetnsId netns, IfIndex interface, const std::string& text) {
  const auto via = IpAddr::parse(text);
  if (!via || via->is_any() || via->is_multicast()) return wrong("gateway \"" + text + "\": not the address of a router");
  const RouteConfig route{.to = {IpAddr::any(via->family()), 0}, .via = *via, .interface = interface};
  const auto done = executor.loop().shared().call([&](Shard& s, Instant now) { return s.add_route(netns, route, now); });
  if (!done) return failed(done.error(), "gateway \"" + text + "\"");
  return {};
}

Result<NetnsId, Error> set_up(RtExecutor& executor, const StackConfig& config) {
  const auto mac = parse_mac(config.mac);
  if (!mac) return std::unexpected(mac.error());
  const auto mtu = check_mtu(config.mtu);
  if (!mtu) return std::unexpected(mtu.error());
  const auto netns = add_netns(executor, {.name = "main", .sysctl = config.sysctl});
  if (!netns) return netns;
  const auto port = add_port(executor, *netns, {.device = config.device, .name = config.interface_name, .mac = *mac, .mtu = *mtu});
  if (!port) return std::unexpected(port.error());
  for (const std::string& a : config.addresses)
    if (const auto done = add_address(executor, *port, a, config.probe_addresses); !done) return std::unexpected(done.error());
  for (const std::string& g : config.gateways)
    if (const auto done = add_gateway(executor, *netns, *port, g); !done) return std::unexpected(done.error());
  return *netns;
}

Result<bool, Error> are_addresses_ready(RtExecutor& executor, NetnsId netns) {
  std::string duplicate;
  const bool ready = executor.loop().shared().query([&](Shard& shard) {
    const graph::Core& core = shard.core();
    for (const IfIndex i : core.netns[netns]->interfaces)
      for (const graph::InterfaceAddress& a : core.interfaces[i]->addresses)
        if (a.state == graph::InterfaceAddress::State::duplicate) duplicate = to_string(a.prefix.address);
    return shard.addresses_ready(netns);
  });
  if (!duplicate.empty()) return failed(Errc::addr_in_use, "address " + duplicate + ": another host on the link has it");
  return ready;
}

}  // namespace weir

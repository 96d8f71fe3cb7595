// cli/net_options.hpp
#include "cli/net_options.hpp"

#include "cli/verb.hpp"
#include "io/spec.hpp"
#include "wire/address.hpp"

namespace weir::cli {
namespace {

std::string check_device(const std::string& text) {
  const auto spec = io::Spec::parse(text);
  return spec ? std::string() : spec.error();
}

std::string check_address(const std::string& text) {
  if (text == "dhcp" || text == "auto") return "address \"" + text + "\" is not there yet: give an address with its prefix length";
  if (Prefix::parse(text) && text.find('/') != std::string::npos) return {};
  return "address \"" + text + "\": must be an address with its prefix length, such as 10.77.0.2/24 or fd77::2/64";
}

std::string check_gateway(const std::string& text) {
  return IpAddr::parse(text) ? std::string() : "gateway \"" + text + "\": must be an address, such as 10.77.0.1";
}

std::string check_mac(const std::string& text) {
  const auto mac = MacAddr::parse(text);
  if (mac && mac->is_unicast() && !mac->is_zero()) return {};
  return "mac \"" + text + "\": must be a unicast MAC address, such as 02:00:00:00:00:01";
}

std::string not_yet(const std::string& text) { return text + ": this option is not there yet"; }

}  // namespace

void NetOptions::add_to(CLI::App& verb) {
  constexpr auto group = "Network";
  auto* device = verb.add_option("--device", config_.device,
                                 "where frames come from and go to: tap:NAME[,host=A/LEN], tun:NAME, "
                                 "packet:IFACE, pcap:FILE[,out=FILE], loopback");
  device->type_name("SPEC")->check(check_device)->group(group);
  verb.add_option("--address", config_.addresses, "address of weir's own; may be repeated")
      ->type_name("A/LEN")
      ->check(check_address)
      ->group(group);
  verb.add_option("--gateway", config_.gateways, "default router, once for each family")
      ->type_name("G")
      ->check(check_gateway)
      ->group(group);
  verb.add_option("--dns", dns_, "name server (not yet: give addresses)")->type_name("D")->check(not_yet)->group(group);
  verb.add_option("--mac", config_.mac, "MAC address of the interface")->type_name("M")->check(check_mac)->group(group);
  verb.add_option("--mtu", config_.mtu, "largest IP packet of the interface, 68 to 65535 bytes")
      ->type_name("N")
      ->check(CLI::Range(68, 65'535))
      ->group(group);
  verb.add_option("--vlan", vlan_, "VLAN of the interface (not yet)")->type_name("ID")->check(not_yet)->group(group);
  verb.add_option("--net", file_, "all of this from a network file instead")
      ->type_name("FILE.toml")
      ->check(CLI::ExistingFile)
      ->excludes(device)
      ->group(group);
}

void NetOptions::check() const {
  if (config_.device.empty() && file_.empty()) throw UsageError("a network is missing: --device SPEC --address A/LEN, or --net FILE.toml");
}

StackConfig NetOptions::config() const {
  check();
  return config_;
}

NetworkFile load_network(const std::string& path) {
  auto file = NetworkFile::load(path);
  if (!file) throw UsageError(file.error());
  return std::move(*file);
}

}  // namespace weir::cli

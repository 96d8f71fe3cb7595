// The text of --so_flags.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "ip/sysctl.hpp"
#include "wire/address.hpp"

namespace weir::packetdrill {

struct Flags {
  std::vector<Prefix> local;     // none: learnt from the script's first packet or bind()
  std::vector<IpAddr> gateways;
  u16 mtu = 1500;
  bool virtual_time = true;
  Sysctl sysctl;                 // of the profile
  bool settings = true;          // those of /proc/sys are taken over when a socket is made
};

// "local=192.168.0.1/16,gw=192.168.0.2,mtu=1500,vt=1,profile=linux,settings=1": or what is wrong with it.
[[nodiscard]] Result<Flags, std::string> parse_flags(std::string_view text);

}  // namespace weir::packetdrill

// api/file_wires.hpp
#include "api/file_wires.hpp"

namespace weir {

InterfaceConfig config_of(const FileInterface& i) {
  InterfaceConfig c;
  c.name = i.name;
  c.mac = i.mac;
  c.mtu = i.mtu != 0 ? i.mtu : usual_mtu;
  c.queue_packets = i.queue_packets;
  c.up = i.up;
  return c;
}

std::optional<std::pair<u32, u32>> veth_peer(const NetworkFile& file, u32 netns, u32 interface) {
  const std::string& here = file.netns[netns].name;
  const FileInterface& x = file.netns[netns].interfaces[interface];
  for (u32 n = 0; n < file.netns.size(); ++n)
    for (u32 k = 0; k < file.netns[n].interfaces.size(); ++k) {
      const FileInterface& y = file.netns[n].interfaces[k];
      const bool named = x.veth_netns == file.netns[n].name && x.veth_interface == y.name;
      const bool names = y.veth_netns == here && y.veth_interface == x.name;
      if (named || names) return std::pair{n, k};
    }
  return {};
}

}  // namespace weir

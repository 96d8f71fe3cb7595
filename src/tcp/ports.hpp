// Which local ports are taken by bind() and listen(), per netns. Ports of outgoing connections are not here: those need
// only a free 4-tuple.
#pragma once

#include <vector>

#include "base/error.hpp"
#include "base/slab.hpp"
#include "wire/address.hpp"

namespace weir::tcp {

struct PortUse {
  IpAddr address;
  NetnsId netns = 0;
  u16 port = 0;
  bool reuse_address = false, reuse_port = false, listening = false, v6_only = false, family_v6 = false;
  u32 tcb = 0;
  u32 next = 0;
};

class PortTable {
 public:
  explicit PortTable(u32 capacity) : slab_(capacity), buckets_(4096) {}
  // addr_in_use when another holder of the port excludes this one.
  Result<void> take(const PortUse& use) noexcept;
  void release(u32 tcb, NetnsId netns, u16 port) noexcept;
  // Turns the holder into a listener: excluded by other listeners unless both allow reuse of the port.
  Result<void> listen(u32 tcb, NetnsId netns, u16 port) noexcept;
  [[nodiscard]] bool taken(NetnsId netns, u16 port) const noexcept;

 private:
  [[nodiscard]] usize bucket(NetnsId netns, u16 port) const noexcept { return (port * 0x9e37u + netns * 0x85ebu) & (buckets_.size() - 1); }
  [[nodiscard]] static bool overlap(const PortUse& a, const PortUse& b) noexcept;
  Slab<PortUse> slab_;
  std::vector<u32> buckets_;
};

}  // namespace weir::tcp

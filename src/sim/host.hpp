// A host of a simulation: a network namespace in one of the world's shards.
#pragma once

#include <string>
#include <vector>

#include "shard/shard.hpp"
#include "tcp/engine.hpp"

namespace weir::sim {

class World;

struct HostConfig {
  Sysctl sysctl{};
  // Hosts of one group share a shard. own_shard: one of its own, unless the world puts all into one.
  static constexpr u32 own_shard = ~0u;
  u32 group = own_shard;
};

class Host {
 public:
  Host(World& world, u32 index, std::string name, u32 shard, NetnsId netns)
      : world_(&world), index_(index), name_(std::move(name)), shard_(shard), netns_(netns) {}

  [[nodiscard]] World& world() const noexcept { return *world_; }
  [[nodiscard]] u32 index() const noexcept { return index_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] u32 shard_index() const noexcept { return shard_; }
  [[nodiscard]] Shard& shard() const noexcept;
  [[nodiscard]] NetnsId netns() const noexcept { return netns_; }
  // The first address of the family that it was given; any() without one.
  [[nodiscard]] IpAddr address(Family family = Family::v4) const noexcept;
  [[nodiscard]] const std::vector<IpAddr>& addresses() const noexcept { return addresses_; }
  void note_address(const IpAddr& a) { addresses_.push_back(a); }

  // Counters of this host.
  [[nodiscard]] u64 count(tcp::Tcp what) const noexcept;
  [[nodiscard]] u64 count(Drop why) const noexcept;
  // Of the first connection with this local port that is in the tables; nothing without one.
  [[nodiscard]] std::optional<tcp::Info> tcp_info(u16 local_port) const;

 private:
  World* world_;
  u32 index_;
  std::string name_;
  u32 shard_;
  NetnsId netns_;
  std::vector<IpAddr> addresses_;
};

}  // namespace weir::sim

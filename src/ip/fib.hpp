// The forwarding table of a namespace: longest prefix match for IPv4 and IPv6. What a program sees does not depend on
// how many routes there are: a few lie in a sorted table of ranges, many in a structure that is built for them.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "base/error.hpp"
#include "base/index_list.hpp"
#include "base/slab.hpp"
#include "ip/dir24.hpp"
#include "ip/prefix_trie.hpp"
#include "ip/range_table.hpp"
#include "link/hash_index.hpp"
#include "wire/address.hpp"

namespace weir::ip {

enum class RouteType : u8 {
  unicast,
  local,        // one of our addresses
  broadcast,    // a subnet's broadcast address
  blackhole,    // dropped without a word
  unreachable,  // ICMP host unreachable
  prohibit,     // ICMP administratively prohibited
};

struct Route {
  Prefix dst{};           // host bits must be zero
  IpAddr gateway{};       // any: dst is on the link
  IpAddr pref_src{};      // any: to be chosen
  u32 metric = 0;         // of routes to the same prefix the lowest is used
  IfIndex ifindex = 0;
  u16 mtu = 0;            // 0: the interface's
  RouteType type = RouteType::unicast;
  friend bool operator==(const Route&, const Route&) noexcept = default;
};

// What a packet needs of a route. Routes that agree in all of it share one, so that a million routes over a few
// gateways stay a few cache lines.
struct NextHop {
  IpAddr gateway{}, pref_src{};
  IfIndex ifindex = 0;
  u16 mtu = 0;
  RouteType type = RouteType::unicast;
  u32 neighbour = 0, neighbour_generation = 0;  // of the gateway: kept here by the forwarding node
  u32 routes = 0;                               // that use it
  link::HashLinks hash{};
};

struct FibConfig {
  u32 max_routes = 4'000'000;
  u32 small_routes = 2048;  // prefixes of one family: above it the structure for many is built, below half of it taken down
};

//   Fib fib;
//   fib.add({.dst = *Prefix::parse("10.0.0.0/8"), .gateway = *IpAddr::parse("192.0.2.1"), .ifindex = 1});
//   const Route* r = fib.lookup(addr);          // nullptr: no route
//   fib.lookup4_batch(addrs, hops);             // next-hop ids; 0: no route; fib.next_hop(id)
class Fib {
 public:
  explicit Fib(const FibConfig& config = {}) noexcept;
  ~Fib();
  Fib(const Fib&) = delete;
  Fib& operator=(const Fib&) = delete;

  // exists: there is a route to this prefix with this metric. invalid: host bits set, or a gateway of the other family.
  Result<void> add(const Route& route);
  // The same prefix and metric: takes the place of what is there, or is added.
  Result<void> replace(const Route& route);
  // Without a metric: the best one. not_found.
  Result<void> remove(const Prefix& dst, std::optional<u32> metric = {});
  u32 remove_interface(IfIndex ifindex);  // how many routes went
  void clear();

  // The longest prefix that contains addr, and of its routes the one with the lowest metric. Valid until the next change.
  [[nodiscard]] const Route* lookup(const IpAddr& addr) const noexcept;
  [[nodiscard]] const Route* find(const Prefix& dst, std::optional<u32> metric = {}) const noexcept;

  // The same as next hops, for the data path: id 0 is no route.
  [[nodiscard]] u32 lookup4(Ip4Addr addr) const noexcept {
    if (mode4_ == Mode::small) [[likely]]
      return small4_.lookup({addr.host});
    return mode4_ == Mode::dir ? dir4_->lookup(addr.host) : hop_at(trie4_.longest({addr.host}).value);
  }
  [[nodiscard]] u32 lookup6(const Ip6Addr& addr) const noexcept {
    const Key6 key = Key6::of(addr);
    return mode6_ == Mode::small ? small6_.lookup(key) : hop_at(trie6_.longest(key).value);
  }
  void lookup4_batch(std::span<const Ip4Addr> addrs, std::span<u32> hops) const noexcept;  // hops as long as addrs
  void lookup6_batch(std::span<const Ip6Addr> addrs, std::span<u32> hops) const noexcept;
  [[nodiscard]] NextHop& next_hop(u32 id) noexcept { return hops_[id]; }
  [[nodiscard]] const NextHop& next_hop(u32 id) const noexcept { return hops_[id]; }

  // Grows with every change: what was derived from a lookup at another generation is to be looked up again.
  [[nodiscard]] u32 generation() const noexcept { return generation_; }
  [[nodiscard]] u32 size() const noexcept { return routes_.live(); }
  [[nodiscard]] u32 size(Family f) const noexcept { return f == Family::v4 ? count4_ : count6_; }
  [[nodiscard]] usize memory_bytes() const noexcept;

  // f(const Route&): IPv4 first; by address, then by length, then by metric.
  template <class F>
  void for_each(F&& f) const {
    const auto chain = [&](u32 head) {
      for (u32 i = head; i != 0; i = routes_[i].next) f(static_cast<const Route&>(routes_[i].route));
    };
    trie4_.for_each([&](const Key4&, u8, u32 head) { chain(head); });
    trie6_.for_each([&](const Key6&, u8, u32 head) { chain(head); });
  }

 private:
  struct RouteNode {
    Route route;
    u32 hop = 0;
    u32 next = 0;  // the same prefix, a higher metric
  };

  // Where the data path looks: ranges, DIR-24-8, or the trie itself (IPv6 with many routes; IPv4 without memory for DIR).
  enum class Mode : u8 { small, dir, trie };

  [[nodiscard]] u32* head_of(const Prefix& dst) noexcept;
  [[nodiscard]] Result<void> insert(const Route& route, bool may_replace);
  [[nodiscard]] u32 take_hop(const Route& route);
  void drop_hop(u32 id) noexcept;
  void changed(const Prefix& dst, u32 hop, bool gone);
  void changed4(const Prefix& dst, u32 hop, bool gone);
  void changed6(const Prefix& dst);
  void build_dir4();
  [[nodiscard]] u32 hop_at(u32 head) const noexcept { return head == 0 ? 0 : routes_[head].hop; }

  FibConfig config_;
  Slab<RouteNode, 4096> routes_;
  Slab<NextHop, 4096> hops_;
  link::HashIndex hop_index_{4};
  PrefixTrie<Key4> trie4_;  // prefix -> head of its chain of routes
  PrefixTrie<Key6> trie6_;
  RangeTable<Key4> small4_;  // address -> next hop, while there are few
  RangeTable<Key6> small6_;
  std::unique_ptr<Dir24> dir4_;
  Mode mode4_ = Mode::small, mode6_ = Mode::small;
  u32 prefixes4_ = 0, prefixes6_ = 0;
  u32 count4_ = 0, count6_ = 0;
  u32 generation_ = 1;
};

}  // namespace weir::ip

// Path MTU: what a "too big" message means (RFC 1191, RFC 8201, pure functions) and the bounded table of what was learnt.
// Whether the message is about data in flight is the transport's to check first (RFC 5927 7.2).
#pragma once

#include <optional>

#include "base/index_list.hpp"
#include "base/rng.hpp"
#include "base/siphash.hpp"
#include "base/slab.hpp"
#include "base/time.hpp"
#include "link/hash_index.hpp"
#include "wire/address.hpp"

namespace weir::ip {

struct PmtuConfig {
  u32 max_entries = 4096;                          // CVE-2021-20322: bounded, and keyed
  Duration lifetime = Duration::seconds(600);      // RFC 1191 6.3: then the larger size is tried again
  u16 min4 = 552;                                  // a claim below it is taken as it: 68 at least (RFC 1191 3)
};

inline constexpr u16 pmtu_hard_min4 = 68, pmtu_min6 = 1280;

// The largest plateau of RFC 1191 7 below `size`; 68 at the end.
[[nodiscard]] u16 pmtu_plateau_below(u32 size) noexcept;
// What to use after "fragmentation needed" with this next-hop MTU field (0: an old router, RFC 1191 5) about a datagram of
// `quoted_length` bytes, when `current` was believed. Nothing when it is not a reduction. A claim below min4 is not
// believed in full: packets of min4 bytes are sent, without DF, and whoever needs less may fragment them.
struct Pmtu4 {
  u16 mtu;
  bool below_floor;
};
[[nodiscard]] std::optional<Pmtu4> pmtu_from_too_big4(u32 reported, u32 quoted_length, u16 current, u16 min4) noexcept;
// RFC 8201 4: below 1,280 it is ignored (and no atomic fragments are sent: RFC 8021).
[[nodiscard]] std::optional<u16> pmtu_from_too_big6(u32 reported, u16 current) noexcept;

// Path MTUs below that of the first link, by destination. When full the one learnt longest ago goes.
class PmtuTable {
 public:
  PmtuTable(const PmtuConfig& config, Rng& rng);

  struct Found {
    u16 mtu;
    bool below_floor;
    Instant until;
  };
  [[nodiscard]] std::optional<Found> find(NetnsId netns, const IpAddr& dst, Instant now) const noexcept;
  void set(NetnsId netns, const IpAddr& dst, u16 mtu, bool below_floor, Instant now);
  void remove_netns(NetnsId netns);
  [[nodiscard]] u32 size() const noexcept { return entries_.live(); }
  [[nodiscard]] const PmtuConfig& config() const noexcept { return config_; }

 private:
  struct Entry {
    IpAddr dst;
    NetnsId netns = 0;
    u16 mtu = 0;
    bool below_floor = false;
    Instant until;
    IndexLinks order;
    link::HashLinks hash;
  };
  [[nodiscard]] auto order_links() noexcept {
    return [this](u32 i) -> IndexLinks& { return entries_[i].order; };
  }
  [[nodiscard]] u32 hash_of(NetnsId netns, const IpAddr& dst) const noexcept;
  [[nodiscard]] u32 index_of(NetnsId netns, const IpAddr& dst) const noexcept;
  void remove(u32 i) noexcept;

  PmtuConfig config_;
  SipKey key_;
  Slab<Entry, 16 * 1024> entries_;
  link::HashIndex index_;
  IndexList order_;  // oldest first
};

}  // namespace weir::ip

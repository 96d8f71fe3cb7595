// A UDP socket and the table that finds it by its port.
#pragma once

#include <vector>

#include "base/index_list.hpp"
#include "base/slab.hpp"
#include "udp/datagram.hpp"

namespace weir::udp {

struct Socket {
  NetnsId netns = 0;
  Family family = Family::v4;
  bool bound = false, connected = false;
  bool chosen_address = false;  // local.addr came with connect() and goes with it
  bool chosen_port = false;
  bool shut_read = false, shut_write = false;
  u32 user = 0;
  Endpoint local, remote;
  DatagramOptions options;
  std::optional<Errc> error;
  ReceiveQueue queue;
  u32 destination = 0, destination_generation = 0;  // of remote
  IndexLinks links;                                 // in the table

  // Takes packets of this family: an IPv6 socket takes IPv4 too, unless it is told not to or bound to an IPv6 address.
  [[nodiscard]] bool takes(bool v4) const noexcept {
    if (family == Family::v4) return v4;
    if (!v4) return !local.addr.is_v4();
    return !options.v6_only && (local.addr.is_v4() || local.addr.is_any());
  }
  [[nodiscard]] bool any_address() const noexcept { return local.addr.is_any(); }
};

// What a datagram offers for a match.
struct Incoming {
  NetnsId netns = 0;
  IfIndex interface = 0;
  Endpoint from, to;
};

// 0: no match. The more a socket has fixed, the better it matches (RFC 1122 4.1.3.5).
[[nodiscard]] u32 match(const Socket& s, const Incoming& in) noexcept;

// Sockets by (netns, local port).
class PortTable {
  [[nodiscard]] auto links() noexcept {
    return [this](u32 i) -> IndexLinks& { return sockets_[i].links; };
  }

 public:
  explicit PortTable(Slab<Socket>& sockets) : sockets_(sockets), buckets_(256) {}

  void insert(u32 s);
  void remove(u32 s) noexcept;
  // Best match; equal ones of a reuse_port group are told apart by `spread`.
  [[nodiscard]] u32 find(const Incoming& in, u32 spread) noexcept;
  // f(socket index) for each that takes a multicast or broadcast datagram.
  template <class F>
  void for_each_match(const Incoming& in, F&& f) {
    bucket(in.netns, in.to.port).for_each(links(), [&](u32 s) {
      if (match(sockets_[s], in) != 0) f(s);
    });
  }
  // A socket whose use of (local) excludes `s` from it (bind conflicts).
  [[nodiscard]] bool conflicts(u32 s, const Endpoint& local) noexcept;
  // The socket that sent what an ICMP error quotes: from our `to` to their `from`.
  [[nodiscard]] u32 find_sender(const Incoming& in) noexcept;

 private:
  [[nodiscard]] IndexList& bucket(NetnsId netns, u16 port) noexcept {
    return buckets_[(port + u32{netns} * 0x9e37'79b1u) & (buckets_.size() - 1)];
  }
  void grow();

  Slab<Socket>& sockets_;
  std::vector<IndexList> buckets_;
  u32 count_ = 0;
};

}  // namespace weir::udp

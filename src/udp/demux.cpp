// udp/socket.hpp: which socket a datagram is for.
#include "udp/socket.hpp"

namespace weir::udp {
namespace {

bool same_interface(const Socket& s, IfIndex interface) noexcept { return s.options.interface == 0 || s.options.interface == interface; }

// Do two local addresses mean some of the same packets?
bool overlap(const Socket& a, const IpAddr& addr_a, const Socket& b) noexcept {
  const auto takes_v4 = [](const Socket& s, const IpAddr& addr) {
    return s.family == Family::v4 || addr.is_v4() || (addr.is_any() && !s.options.v6_only);
  };
  const auto takes_v6 = [](const Socket& s, const IpAddr& addr) { return s.family == Family::v6 && !addr.is_v4(); };
  const IpAddr& addr_b = b.local.addr;
  if (!addr_a.is_any() && !addr_b.is_any()) return addr_a == addr_b && a.local.scope == b.local.scope;
  if (!addr_a.is_any()) return addr_a.is_v4() ? takes_v4(b, addr_b) : takes_v6(b, addr_b);
  if (!addr_b.is_any()) return addr_b.is_v4() ? takes_v4(a, addr_a) : takes_v6(a, addr_a);
  return (takes_v4(a, addr_a) && takes_v4(b, addr_b)) || (takes_v6(a, addr_a) && takes_v6(b, addr_b));
}

}  // namespace

//= rfc1122#4.1.3.5 U12, U13
u32 match(const Socket& s, const Incoming& in) noexcept {
  if (s.netns != in.netns || s.local.port != in.to.port || !s.takes(in.to.addr.is_v4())) return 0;
  u32 score = s.family == in.to.addr.family() ? 2 : 1;
  if (!s.any_address()) {
    if (s.local.addr != in.to.addr) return 0;
    score += 4;
  }
  if (s.connected) {
    if (s.remote.port != in.from.port || s.remote.addr != in.from.addr) return 0;
    score += 8;
  }
  if (s.options.interface != 0) {
    if (s.options.interface != in.interface) return 0;
    score += 4;
  }
  return score;
}

void PortTable::insert(u32 s) {
  if (count_ >= buckets_.size() && buckets_.size() < 65'536) grow();
  bucket(sockets_[s].netns, sockets_[s].local.port).push_front(links(), s);
  ++count_;
}

void PortTable::remove(u32 s) noexcept {
  bucket(sockets_[s].netns, sockets_[s].local.port).remove(links(), s);
  --count_;
}

void PortTable::grow() {
  std::vector<IndexList> old(buckets_.size() * 4);
  old.swap(buckets_);
  for (IndexList& list : old)
    while (const u32 s = list.pop_front(links())) bucket(sockets_[s].netns, sockets_[s].local.port).push_back(links(), s);
}

u32 PortTable::find(const Incoming& in, u32 spread) noexcept {
  u32 best = 0, best_score = 0, equals = 0;
  IndexList& list = bucket(in.netns, in.to.port);
  list.for_each(links(), [&](u32 s) {
    const u32 score = match(sockets_[s], in);
    if (score == 0 || score < best_score) return;
    equals = score == best_score ? equals + 1 : 1;
    // Of n equal ones each is taken for its share of the flows.
    if (score > best_score || (sockets_[s].options.reuse_port && spread % equals == 0)) best = s;
    best_score = score;
  });
  return best;
}

u32 PortTable::find_sender(const Incoming& in) noexcept {
  if (const u32 s = find(in, 0); s != 0 && sockets_[s].connected) return s;
  return find(in, 0);
}

bool PortTable::conflicts(u32 s, const Endpoint& local) noexcept {
  const Socket& a = sockets_[s];
  bool found = false;
  bucket(a.netns, local.port).for_each(links(), [&](u32 other) {
    const Socket& b = sockets_[other];
    if (found || other == s || b.netns != a.netns || b.local.port != local.port) return;
    const bool apart = !same_interface(a, b.options.interface) && !same_interface(b, a.options.interface);
    if (apart || !overlap(a, local.addr, b)) return;
    const bool shared = (a.options.reuse_address && b.options.reuse_address) || (a.options.reuse_port && b.options.reuse_port);
    found = !shared;
  });
  return found;
}

}  // namespace weir::udp

// Ephemeral ports: RFC 6056.
#include "tcp/user_calls.hpp"

namespace weir::tcp {
namespace {

constexpr u32 table_size = 1'024;

u64 keyed(SipKey key, NetnsId netns, const IpAddr& local, const Endpoint& remote) noexcept {
  std::byte in[36];
  local.v6().store(in);
  remote.addr.v6().store(in + 16);
  store_be16(in + 32, remote.port);
  store_be16(in + 34, netns);
  return siphash24(key, in);
}

// RFC 6056 3.3.4: where the search begins is a keyed hash of the destination and a count of what was opened before; the counter is
// one of many, chosen by another keyed hash. A port comes again as late as it can, and those of other destinations tell nothing of it.
struct DoubleHash {
  u32 offset;
  u32* counter;
};

DoubleHash double_hash(Context& cx, NetnsId netns, const IpAddr& local, const Endpoint& remote) noexcept {
  if (cx.port_table.empty()) {
    cx.port_table.resize(table_size);
    for (u32& c : cx.port_table) c = static_cast<u32>(cx.env.rng.next_u64());
  }
  const u64 h = keyed(cx.port_key, netns, local, remote);  // both hashes are of one: 32 bits each
  return {static_cast<u32>(h), &cx.port_table[(h >> 32) % table_size]};
}

}  // namespace

Result<u16> ephemeral_port(Context& cx, NetnsId netns, const IpAddr& local, const Endpoint& remote) noexcept {
  const Sysctl& sys = cx.env.sysctl(netns);
  const u32 range = static_cast<u32>(sys.port_last - sys.port_first) + 1;
  const bool hashed = sys.tcp_port_selection == 1;
  const DoubleHash d = hashed ? double_hash(cx, netns, local, remote) : DoubleHash{static_cast<u32>(cx.env.rng.below(range)), nullptr};
  for (u32 i = 0; i < range; ++i) {
    const u32 at = d.offset + (hashed ? (*d.counter)++ : i);
    const u16 port = static_cast<u16>(sys.port_first + at % range);
    if (cx.ports.taken(netns, port)) continue;
    const Flow f{local, remote.addr, port, remote.port, netns};
    if (!cx.find(f, cx.hash(f))) return port;
  }
  return fail(Errc::addr_not_available);
}

}  // namespace weir::tcp

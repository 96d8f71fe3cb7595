#include "drill/machine.hpp"

#include <fmt/format.h>

#include <array>
#include <stdexcept>

#include "buf/gso.hpp"

namespace weir::drill {
namespace {

// A script has few packets in flight; pages are touched only as they are used.
ShardConfig shard_config(u64 seed) {
  return {.seed = seed,
          .pool = {.packets = 16'384, .small_buffers = 8'192, .large_buffers = 4'096},
          .max_sockets = 1u << 12,
          .max_connections = 1u << 12};
}

// Clocks that begin at zero would make every timestamp and every "never" look alike.
constexpr Instant first_instant{Duration::seconds(1'000).ns};

template <class T>
T must(Result<T> result, std::string_view what) {
  if (!result) throw std::runtime_error(fmt::format("the machine under test could not be set up: {}: {}", what, text(result.error())));
  if constexpr (!std::is_void_v<T>) return *result;
}

}  // namespace

Machine::Machine(const Settings& settings)
    : now_(first_instant), beginning_(first_instant), shard_(shard_config(settings.seed), first_instant) {
  NetnsConfig netns{.name = "drill"};
  netns.sysctl = settings.rfc_profile ? Sysctl::rfc_profile() : Sysctl::linux_profile();
  netns_ = must(shard_.add_netns(netns, now_), "a namespace");
  InterfaceConfig interface{.name = "tun0", .kind = InterfaceKind::raw_ip, .mtu = settings.effective_mtu()};
  port_ = must(shard_.add_interface(netns_, interface, now_), "an interface");
  const bool v6 = settings.wire_v6();
  const IpAddr local = settings.local_address();
  must(shard_.add_address(port_, {local, static_cast<u8>(v6 ? 48 : 16)}, now_, false), "the local address");
  must(shard_.add_route(netns_, {.to = {IpAddr::any(v6 ? Family::v6 : Family::v4), 0}, .via = {}, .interface = port_}, now_), "the route");
  settle();
  sent.clear();  // what an interface says when it comes up (router solicitation, MLD) is no part of any script
}

void Machine::settle() {
  for (u32 rounds = 0;; ++rounds) {
    const Work work = shard_.run(now_);
    pull();
    if (!work.more && shard_.next_deadline() > now_) return;
    if (rounds > 100'000) throw std::runtime_error(fmt::format("the shard does not come to rest at {} s", now_.s()));
  }
}

void Machine::advance(Instant until, const std::function<bool()>& stop) {
  settle();
  while (!stop()) {
    const Instant next = shard_.next_deadline();
    if (next > until) {
      now_ = std::max(now_, until);
      return;
    }
    now_ = std::max(now_, next);
    settle();
  }
}

void Machine::deliver(const std::vector<std::vector<std::byte>>& packets) {
  std::vector<buf::PacketId> ids;
  for (const auto& p : packets) {
    const buf::PacketId id = shard_.pool().from_bytes(p);
    if (id == buf::PacketId::none) throw std::runtime_error("the machine under test has no buffer for a packet");
    ids.push_back(id);
  }
  shard_.on_frames(port_, ids, now_);
  settle();
}

void Machine::pull() {
  std::array<buf::PacketId, 64> ids;
  buf::Pool& pool = shard_.pool();
  while (const u32 n = shard_.frames_to_send(port_, ids, 1 << 20, now_)) {
    for (u32 i = 0; i < n; ++i) {
      if (pool[ids[i]].csum.kind == buf::CsumKind::partial && !buf::finish_checksum(pool, ids[i]))
        throw std::runtime_error("the machine under test has no buffer for a checksum");
      Sent s{.at = now_, .packet = std::vector<std::byte>(pool[ids[i]].length)};
      pool.copy_out(ids[i], 0, s.packet);
      if (!discard_) sent.push_back(std::move(s));
    }
    shard_.tx_done(port_, {ids.data(), n});
  }
}

}  // namespace weir::drill

// Two hosts in one shard, joined by a veth pair: what the cases in memory run on. Time is the real clock's, read once a turn.
#pragma once

#include <array>

#include "bench/case.hpp"
#include "rt/clock.hpp"
#include "shard/shard.hpp"

namespace weir::bench {

// The value, or Failed with what was being done.
template <class T>
T must(Result<T> r, const char* what) {
  if (!r) throw Failed(std::string(what) + ": " + std::string(name(r.error())));
  if constexpr (!std::is_void_v<T>) return *std::move(r);
}

struct PairConfig {
  Family family = Family::v4;
  Offload offload{};              // none: ordinary frames, checksums made and checked in software
  u32 server_addresses = 1;       // at most 250
  u32 queue_packets = 1000;
  buf::Pool::Config pool{};
  Sysctl sysctl{};
};

inline constexpr Offload no_offload{.tx_checksum = false, .rx_checksum = false, .tso = false, .gro = true};
inline constexpr Offload all_offload{.tx_checksum = true, .rx_checksum = true, .tso = true, .gro = true};

class Pair {
 public:
  explicit Pair(const PairConfig& config = {});

  Shard shard;
  NetnsId client = 0, server = 0;
  IfIndex client_if = 0, server_if = 0;
  Instant now;  // of the turn in progress
  std::array<ReadyEvent, 64> events{};  // room for poll_ready

  // Reads the clock and runs the shard until it rests.
  void turn() {
    now = rt::Clock::now();
    run();
  }
  void run() {
    while (shard.run(now).more) {
    }
  }
  [[nodiscard]] IpAddr server_address(u32 i = 0) const;
  [[nodiscard]] IpAddr client_address() const;

  [[nodiscard]] Sock socket(NetnsId netns, SocketType type);
  [[nodiscard]] Sock listen(u16 port, u32 backlog = 1024);
  // An established connection: the client's end and the server's.
  [[nodiscard]] std::array<Sock, 2> connect(Sock listener, u16 port);

  [[nodiscard]] const InterfaceStats& client_stats() const { return shard.core().interfaces[client_if]->stats; }
  [[nodiscard]] const InterfaceStats& server_stats() const { return shard.core().interfaces[server_if]->stats; }
  // Every frame that one end has sent has come in at the other, and without offloads they are not longer than the link takes.
  void check_frames() const;

 private:
  Family family_;
};

// Something that is told about its sockets: its address is their user word.
struct Handler {
  void (*on_ready)(Handler& self, Sock s, u32 mask) = nullptr;
};

// Tells the handlers of sockets that got ready since the last time; how many.
inline u32 dispatch(Pair& p) {
  u32 total = 0;
  for (u32 n; (n = p.shard.poll_ready(p.events)) > 0; total += n) {
    for (u32 i = 0; i < n; ++i)
      if (const u64 user = p.shard.user(p.events[i].sock); user != 0) {
        Handler& h = *reinterpret_cast<Handler*>(user);
        h.on_ready(h, p.events[i].sock, p.events[i].mask);
      }
  }
  return total;
}

inline void watch(Shard& shard, Sock s, Handler& h) { shard.set_user(s, reinterpret_cast<std::uintptr_t>(&h)); }

}  // namespace weir::bench

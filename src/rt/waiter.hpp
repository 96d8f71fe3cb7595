// Threads that are blocked in a call on a socket: each sleeps on a word of its own stack until the socket gets ready.
#pragma once

#include <array>

#include "ip/socket_types.hpp"
#include "rt/futex.hpp"

namespace weir::rt {

// A blocked thread. Everything but sleep() happens under the shard's lock.
class Waiter {
 public:
  // True once it was woken; false: the deadline passed. Before it sleeps it looks for a moment, if that has paid lately:
  // who wakes one that looks needs no system call, and a request and its answer between two threads take no switch.
  bool sleep(Instant deadline) noexcept;
  [[nodiscard]] bool is_woken() const noexcept { return state_.load(std::memory_order_acquire) == woken; }

 private:
  friend class WaiterTable;
  enum : u32 { idle, waiting, sleeping, woken };
  static constexpr Duration longest_look = Duration::micros(20), least_look = Duration::micros(2);
  [[nodiscard]] bool look_until(Instant end) const noexcept;
  bool sleep_until(Instant deadline) noexcept;

  std::atomic<u32> state_{idle};
  u32 mask_ = 0;
  Sock sock_{};
  Waiter *next_ = nullptr, **link_ = nullptr;  // link_: what points here
};

// All of them, by socket. Allocates nothing.
class WaiterTable {
 public:
  void add(Waiter& w, Sock s, u32 mask) noexcept;
  void remove(Waiter& w) noexcept;  // if it is in there
  // Wakes those who wait for one of the bits. Errors and hang-ups are for everyone. How many.
  u32 wake(Sock s, u32 mask) noexcept;
  void wake_all() noexcept;
  [[nodiscard]] bool empty() const noexcept { return n_ == 0; }

 private:
  static constexpr u32 buckets_n = 1024;
  [[nodiscard]] Waiter*& bucket(Sock s) noexcept { return buckets_[s.index % buckets_n]; }
  void wake_one(Waiter& w) noexcept;
  std::array<Waiter*, buckets_n> buckets_{};
  u32 n_ = 0;
};

}  // namespace weir::rt

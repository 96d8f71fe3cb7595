// The prefetching loop over a batch, written once and inlined into each node.
#pragma once

#include <algorithm>
#include <span>

#include "buf/pool.hpp"

namespace weir::graph {

inline constexpr u32 batch_size = 64;

// Packets of one batch on their way to the next node.
struct Batch {
  std::array<buf::PacketId, batch_size> id;
  u32 n = 0;
  void add(buf::PacketId p) noexcept { id[n++] = p; }
  [[nodiscard]] bool empty() const noexcept { return n == 0; }
  [[nodiscard]] std::span<const buf::PacketId> span() const noexcept { return {id.data(), n}; }
};

// Calls body(id) for each packet; descriptors are on their way 2 * Ahead packets before, the bytes at `head` Ahead before.
template <u32 Ahead = 4, class Body>
inline void for_each_ahead(buf::Pool& pool, std::span<const buf::PacketId> v, Body&& body) {
  const usize n = v.size();
  for (usize i = 0; i < std::min<usize>(2 * Ahead, n); ++i) pool.prefetch(v[i]);
  for (usize i = 0; i < std::min<usize>(Ahead, n); ++i) __builtin_prefetch(pool.at(v[i], pool[v[i]].head));
  for (usize i = 0; i < n; ++i) {
    if (i + 2 * Ahead < n) pool.prefetch(v[i + 2 * Ahead]);
    if (i + Ahead < n) __builtin_prefetch(pool.at(v[i + Ahead], pool[v[i + Ahead]].head));
    body(v[i]);
  }
}

}  // namespace weir::graph

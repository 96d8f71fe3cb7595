// Helpers of the buf tests: a small pool, random bytes, packets in every shape with their bytes known.
#pragma once

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "buf/pool.hpp"

namespace weir::buf::test {

inline Pool::Config small_pool() { return {.packets = 4096, .small_buffers = 2048, .large_buffers = 128}; }

inline std::string random_text(std::mt19937_64& rng, usize n) {
  std::string s(n, 0);
  for (char& c : s) c = static_cast<char>(rng());
  return s;
}

inline Bytes as_bytes(const std::string& s) { return std::as_bytes(std::span{s}); }

inline std::string text_of(Bytes b) { return {reinterpret_cast<const char*>(b.data()), b.size()}; }

inline std::string text_of(Pool& pool, PacketId id) {
  std::string s(pool[id].length, 0);
  EXPECT_EQ(pool.copy_out(id, 0, std::as_writable_bytes(std::span{s})), s.size());
  return s;
}

// A slice of a fresh buffer that holds `text`.
inline Slice slice_of(Pool& pool, const std::string& text, u16 offset = 0) {
  const BufferId b = pool.alloc_for(static_cast<u32>(text.size()) + offset);
  std::memcpy(pool.data(b) + offset, text.data(), text.size());
  return {b, offset, static_cast<u16>(text.size())};
}

// A packet with `in_block` bytes in its header block and `slices` slices.
inline PacketId shaped(Pool& pool, std::mt19937_64& rng, u32 in_block, u32 slices, std::string& model) {
  const PacketId id = pool.alloc();
  Packet& p = pool[id];
  model = random_text(rng, in_block);
  if (in_block != 0) {
    p.head = 20;
    p.inline_end = static_cast<u16>(20 + in_block);
    p.length = in_block;
    std::memcpy(pool.header_block(id) + 20, model.data(), in_block);
  }
  for (u32 i = 0; i < slices; ++i) {
    const std::string part = random_text(rng, 1 + rng() % 1000);
    EXPECT_TRUE(pool.append(id, slice_of(pool, part, static_cast<u16>(rng() % 200))));
    model += part;
  }
  return id;
}

}  // namespace weir::buf::test

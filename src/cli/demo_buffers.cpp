// weir demo buffers: packets, buffers and their references; the ring between threads; the slab.
#include <fmt/format.h>

#include <array>
#include <cstring>
#include <string>

#include "base/slab.hpp"
#include "base/spsc_ring.hpp"
#include "buf/slice_queue.hpp"
#include "cli/demo.hpp"

namespace weir::cli {
namespace {

Bytes text_bytes(std::string_view s) { return std::as_bytes(std::span(s)); }

std::string content(buf::Pool& pool, buf::PacketId id) {
  std::string s(pool[id].length, ' ');
  pool.copy_out(id, 0, std::as_writable_bytes(std::span(s)));
  return s;
}

void show(buf::Pool& pool, const char* what) {
  fmt::print("  {:<52} {} packets, {} buffers in use\n", what, pool.packets_in_use(), pool.buffers_in_use());
}

// put, push, pull, reserve of other stacks.
void headroom(buf::Pool& pool) {
  fmt::print("Headers go in front without moving what is there:\n");
  const buf::PacketId id = pool.from_bytes(text_bytes("payload"));
  fmt::print("  a packet of {} bytes: \"{}\", starts at position {}\n", pool[id].length, content(pool, id), pool[id].head);
  pool.push_front(id, 4);
  std::memcpy(pool.at(id, pool[id].head), "HDR:", 4);
  fmt::print("  push_front(4):        \"{}\", starts at position {}\n", content(pool, id), pool[id].head);
  pool.trim_front(id, 4);
  fmt::print("  trim_front(4):        \"{}\"\n", content(pool, id));
  pool.trim_to(id, 3);
  fmt::print("  trim_to(3):           \"{}\"\n", content(pool, id));
  pool.release(id);
}

void references(buf::Pool& pool) {
  fmt::print("\nBytes have as many owners as need be, and are never written to; the last one gives the buffer back:\n");
  const buf::PacketId first = pool.from_bytes(text_bytes("the same bytes"));
  const buf::BufferId buffer = pool[first].slices[0].buffer;
  show(pool, "from_bytes");
  const buf::PacketId second = pool.clone(first);
  fmt::print("  clone: another descriptor over them: {} references\n", pool.refs(buffer));
  pool.release(first);
  fmt::print("  the first is released: {} reference, \"{}\" is still there\n", pool.refs(buffer), content(pool, second));
  pool.release(second);
  show(pool, "the second is released");
}

// What a TCP send queue does: segments are offsets into it.
void segments(buf::Pool& pool) {
  fmt::print("\nSegments of a send queue refer to it:\n");
  buf::SliceQueue queue;
  const std::string data(4000, 'x');
  queue.append_copy(pool, text_bytes(data));
  show(pool, "4,000 bytes copied into a queue");
  std::array<buf::PacketId, 3> segment{};
  for (u32 i = 0; i < segment.size(); ++i) {
    constexpr u32 mss = 1460;
    segment[i] = pool.alloc();
    const u32 length = std::min<u32>(mss, static_cast<u32>(data.size()) - i * mss);
    (void)queue.reference(pool, segment[i], i * mss, length);
    fmt::print("  segment {}: {} bytes from {}\n", i + 1, pool[segment[i]].length, i * mss);
  }
  show(pool, "three segments, no byte copied");
  pool.release(segment);
  queue.clear(pool);
  show(pool, "sent and acknowledged");
}

void ring_and_slab() {
  fmt::print("\nA ring between two threads, without a lock; its size is a power of two:\n");
  SpscRing<int> ring{5};
  int pushed = 0, popped = 0, value = 0;
  while (ring.try_push(pushed)) ++pushed;
  fmt::print("  asked for 5 it has {}; {} pushed, then it is full\n", ring.capacity(), pushed);
  while (ring.try_pop(value)) ++popped;
  fmt::print("  {} popped in order, the last is {}\n", popped, value);

  fmt::print("\nA slab: objects of one type, named by a number, from memory that is used again at once:\n");
  struct Entry {
    u64 a = 0, b = 0;
  };
  Slab<Entry> slab{1000};
  const u32 one = slab.alloc(), two = slab.alloc();
  slab.release(one);
  const u32 three = slab.alloc();
  fmt::print("  alloc {}, alloc {}, release {}, alloc {}: the hot one comes back\n", one, two, one, three);
  slab.release(two);
  slab.release(three);
}

}  // namespace

int demo_buffers() {
  buf::Pool pool({.packets = 64, .small_buffers = 64, .large_buffers = 8});
  headroom(pool);
  references(pool);
  segments(pool);
  ring_and_slab();
  const buf::PoolStats& s = pool.stats();
  fmt::print("\nThe pool counts: {} packets and {} buffers were asked for and had, {} and {} were not to be had.\n", s.packet_hits,
             s.buffer_hits, s.packet_misses, s.buffer_misses);
  return pool.packets_in_use() == 0 && pool.buffers_in_use() == 0 ? 0 : 1;
}

}  // namespace weir::cli

// A shard that does next to nothing, in place of weir::Shard: what comes in on a port goes out on another; sockets are
// numbers that a test makes ready; deadlines are what a test says. So rt is tested without the stack.
#pragma once

#include <gtest/gtest.h>

#include <map>

#include "buf/packet_queue.hpp"
#include "rt/loop.hpp"

namespace weir::rt::testing {

class FakeShard {
 public:
  explicit FakeShard(const buf::Pool::Config& config = {.packets = 1024, .small_buffers = 1024, .large_buffers = 256}) : pool_(config) {}
  ~FakeShard() {
    for (auto& [port, queue] : out) queue.clear(pool_);
    leaked = pool_.packets_in_use() + pool_.buffers_in_use();
    EXPECT_EQ(leaked, 0u);
  }

  void on_frames(Port port, std::span<const buf::PacketId> packets, Instant) {
    frames_in += packets.size();
    for (buf::PacketId id : packets) {
      if (const auto to = wires.find(port); to != wires.end()) out[to->second].push(pool_, id);
      else pool_.release(id);
    }
  }
  Work run(Instant now, Budget = {}) {
    ++runs;
    if (now >= deadline) {
      deadline = Instant::never();
      ++expired;
    }
    return {.more = false, .next_deadline = deadline};
  }
  u32 frames_to_send(Port port, std::span<buf::PacketId> to, u32, Instant) { return out[port].pop(pool_, to); }
  void unsent(Port port, std::span<const buf::PacketId> packets) {
    for (usize i = packets.size(); i > 0; --i) out[port].push_front(pool_, packets[i - 1]);
  }
  void tx_done(Port, std::span<const buf::PacketId> packets) { pool_.release(packets); }
  void on_port(Port port, bool up, Instant) {
    ports_up[port] = up;
    if (!up) out[port].clear(pool_);
  }
  void on_losses(Port, const DeviceLosses& l) noexcept {
    losses.rx_dropped += l.rx_dropped;
    losses.rx_errors += l.rx_errors;
    losses.tx_errors += l.tx_errors;
  }
  bool has_output(Port port) const noexcept {
    const auto q = out.find(port);
    return q != out.end() && !q->second.empty();
  }
  buf::Pool& pool() noexcept { return pool_; }
  u32 poll_ready(std::span<ReadyEvent> events) {
    u32 n = 0;
    while (n < events.size() && !ready.empty()) {
      events[n++] = ready.back();
      ready.pop_back();
    }
    return n;
  }
  u64 user(Sock s) { return users[s.index]; }

  // For tests, under the lock.
  void make_ready(Sock s, u32 mask) {
    tokens[s.index] += 1;
    ready.push_back({s, mask, 0});
  }
  Result<u32> take(Sock s) {
    if (tokens[s.index] == 0) return fail(Errc::would_block);
    return tokens[s.index]--;
  }

  std::map<Port, Port> wires;
  std::map<Port, buf::PacketQueue> out;
  std::map<Port, bool> ports_up;
  DeviceLosses losses;
  std::map<u32, u64> users;
  std::map<u32, u32> tokens;
  std::vector<ReadyEvent> ready;
  Instant deadline = Instant::never();
  u64 frames_in = 0, runs = 0, expired = 0;
  u32 leaked = 0;

 private:
  buf::Pool pool_;
};

using FakeLoop = BasicLoop<FakeShard>;

}  // namespace weir::rt::testing

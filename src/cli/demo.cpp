// weir demo: docs/verbs/demo.md. Walks through the parts that the stack is made of, in print; each is a part of the library
// that a program may use by itself.
#include <fmt/format.h>

#include "base/timer_wheel.hpp"
#include "buf/gso.hpp"
#include "buf/slice_queue.hpp"
#include "cli/demo.hpp"
#include "cli/verb.hpp"
#include "ip/fib.hpp"

namespace weir::cli {
namespace {

int demo_routes() {
  ip::Fib fib;
  const struct { const char *prefix, *gateway; u32 metric; } routes[] = {
      {"0.0.0.0/0", "192.0.2.1", 100}, {"10.0.0.0/8", "192.0.2.2", 0},   {"10.1.0.0/16", "192.0.2.3", 0},
      {"10.1.2.0/24", "192.0.2.4", 0}, {"10.1.2.3/32", "192.0.2.5", 0},  {"fd00::/8", "fe80::1", 0},
      {"::/0", "fe80::2", 0},
  };
  fmt::print("A table of routes; of those that match, the longest prefix wins, then the lowest metric.\n\n");
  for (const auto& r : routes) {
    const auto added = fib.add({.dst = *Prefix::parse(r.prefix), .gateway = *IpAddr::parse(r.gateway), .metric = r.metric, .ifindex = 1});
    fmt::print("  add {:<14} via {:<10} metric {:<3} {}\n", r.prefix, r.gateway, r.metric, added ? "" : text(added.error()));
  }
  fmt::print("\n");
  const auto look_up = [&](const char* address) {
    const ip::Route* route = fib.lookup(*IpAddr::parse(address));
    fmt::print("  {:<14} -> {}\n", address, route != nullptr ? to_string(route->dst) + " via " + to_string(route->gateway) : "no route");
  };
  for (const char* a : {"10.1.2.3", "10.1.2.4", "10.1.9.9", "10.9.9.9", "8.8.8.8", "fd12::1", "2001:db8::1"}) look_up(a);
  static_cast<void>(fib.remove(*Prefix::parse("10.1.2.3/32"), 0));
  fmt::print("\nWithout the route to 10.1.2.3 itself the next longer prefix takes over:\n");
  look_up("10.1.2.3");
  return success;
}

int demo_buffers() {
  buf::Pool pool({.packets = 256, .small_buffers = 256, .large_buffers = 16});
  const auto used = [&] { return fmt::format("{} packets, {} buffers in use", pool.packets_in_use(), pool.buffers_in_use()); };
  fmt::print("A pool of packets and buffers: {}\n\n", used());
  buf::SliceQueue queue;
  const std::string text(5'000, 'x');
  queue.append_copy(pool, std::as_bytes(std::span{text}));
  fmt::print("  5,000 bytes are copied into a send queue:            {}\n", used());
  const buf::PacketId packet = pool.alloc();
  static_cast<void>(queue.reference(pool, packet, 0, 4'380));
  fmt::print("  a packet refers to 4,380 of them, without a copy:    {}\n", used());
  const buf::PacketId again = pool.clone(packet);
  fmt::print("  sent again: a second packet over the same bytes:     {}\n", used());
  fmt::print("\n  the first buffer has {} references: the queue's and one of each packet\n", pool.refs(pool[packet].slices[0].buffer));
  pool.trim_front(packet, 1'460);
  fmt::print("  trim_front(1,460) moves a number: {} bytes are left in that packet, {} in the other\n", pool[packet].length, pool[again].length);
  pool.release(packet);
  pool.release(again);
  queue.clear(pool);
  fmt::print("\nEverything released: {}; {} allocations were served, {} refused\n", used(), pool.stats().buffer_hits, pool.stats().buffer_misses);
  return success;
}

int demo_timers() {
  Instant now{};
  TimerWheel wheel(now);
  const char* names[] = {"delayed ACK", "retransmission", "keepalive", "2 MSL"};
  const Duration after[] = {40_ms, 200_ms, 7'200_s, 60_s};
  fmt::print("A wheel of four levels with 256 slots each; a tick is 1 ms.\n\n");
  for (u32 id = 0; id < 4; ++id) {
    wheel.arm(id, now + after[id]);
    fmt::print("  arm    {:<15} in {:>8.3f} s\n", names[id], after[id].s());
  }
  wheel.arm(1, now + 450_ms);
  fmt::print("  move   {:<15} to {:>8.3f} s: one store, it is moved when its slot comes up\n", names[1], 0.45);
  wheel.cancel(0);
  fmt::print("  cancel {}\n\n", names[0]);
  while (wheel.armed_count() != 0) {
    now = std::max(now, wheel.next_deadline());
    wheel.advance(now, 16, [&](u32 id) { fmt::print("  {:>9.3f} s  {} expires\n", now.s(), names[id]); });
  }
  fmt::print("\nFrom the third to the last the clock jumped; empty slots cost nothing.\n");
  return success;
}

}  // namespace

void add_demo(CLI::App& app, Chosen& chosen) {
  CLI::App* verb = app.add_subcommand("demo", "how it works inside, in print: handshake, states, routes, buffers, timers");
  verb->require_subcommand(1);
  const struct { const char *name, *text; int (*run)(); } parts[] = {
      {"handshake", "two hosts open a connection: each segment, and the state of both ends", demo_handshake},
      {"states", "a connection through its states, to TIME-WAIT and beyond", demo_states},
      {"routes", "a routing table, and which route takes which address", demo_routes},
      {"buffers", "headroom, references, segmentation without copies", demo_buffers},
      {"timers", "the wheel: arm, move, expire", demo_timers},
  };
  for (const auto& part : parts)
    verb->add_subcommand(part.name, part.text)->callback([run = part.run, &chosen] { chosen.run = run; });
}

}  // namespace weir::cli

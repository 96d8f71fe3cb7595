#include "sim/oracle.hpp"

#include <fmt/format.h>

namespace weir::sim {
namespace {

void left_in_shard(World& world, u32 i, std::string& out) {
  Shard& shard = world.shard(i);
  const auto& tcp = *shard.core().tcp;
  const auto tell = [&](std::string_view what, u64 n) {
    if (n != 0) out += fmt::format("shard {}: {} {}; ", i, n, what);
  };
  tell("packets in use", shard.pool().packets_in_use());
  tell("buffers in use", shard.pool().buffers_in_use());
  tell("connections", tcp.connections());
  tell("half-open connections", tcp.half_open());
  tell("connections in TIME-WAIT", tcp.time_wait());
  if (shard.next_deadline() != Instant::never())
    out += fmt::format("shard {}: a timer for {:.3f} s at {:.3f} s; ", i, shard.next_deadline().s(), world.now().s());
}

std::string broken_rule(const tcp::Info& c) {
  using tcp::State;
  using tcp::Timer;
  if (c.state == State::closed || c.state == State::listen || c.state == State::time_wait) return {};
  if (c.flight > 0 && c.timer != Timer::retransmit && c.timer != Timer::persist) return "data in flight and no timer for it";
  const bool may_send = c.state >= State::established;
  if (may_send && c.flight == 0 && c.unsent > 0 && c.timer == Timer::none) return "data queued, nothing in flight, no timer";
  if (c.flight == 0 && c.timer == Timer::retransmit) return "retransmission timer with nothing in flight";
  return {};
}

}  // namespace

std::string leftovers(World& world, Duration at_most) {
  std::string out;
  if (!world.run_until_idle(at_most)) out += fmt::format("still busy after {:.0f} s; ", at_most.s());
  for (u32 i = 0; i < world.shards(); ++i) left_in_shard(world, i, out);
  for (Link& link : world.links())
    for (u32 direction = 0; direction < 2; ++direction)
      if (link.pipe(direction).in_flight() != 0 || link.pipe(direction).waiting())
        out += fmt::format("link {}: frames on the wire; ", link.name());
  return out;
}

std::string timer_rule(World& world) {
  std::string out;
  for (u32 i = 0; i < world.shards(); ++i)
    world.shard(i).core().tcp->for_each(
        [](void* cx, const tcp::Info& c) {
          if (const std::string what = broken_rule(c); !what.empty())
            *static_cast<std::string*>(cx) += fmt::format("{}: {}; ", to_string(c.local), what);
        },
        &out);
  return out;
}

}  // namespace weir::sim

// Rounds: what crossed a veth or came back by the loopback is taken in here, in the order it was sent, never recursively.
// And the timers of the link and network layers.
#include "graph/address.hpp"
#include "graph/groups.hpp"
#include "graph/nodes.hpp"
#include "graph/output.hpp"

namespace weir::graph {
namespace {

using buf::PacketFlags;
using buf::PacketId;

// Neighbours in the queue that go to the same interface by the same way.
Batch next_batch(Core& core, u32 most) {
  Batch batch;
  const buf::Packet& first = core.pool[core.veth_rx.front()];
  const IfIndex to = first.if_in;
  const u8 way = first.flags & PacketFlags::from_loopback;
  while (batch.n < most && !core.veth_rx.empty()) {
    const buf::Packet& p = core.pool[core.veth_rx.front()];
    if (p.if_in != to || (p.flags & PacketFlags::from_loopback) != way) break;
    batch.add(core.veth_rx.pop(core.pool));
  }
  return batch;
}

}  // namespace

u32 run_rounds(Core& core, u32 budget) {
  u32 done = 0;
  tx(core);
  while (done < budget && !core.veth_rx.empty()) {
    const Batch batch = next_batch(core, std::min(budget - done, batch_size));
    const buf::Packet& first = core.pool[batch.id[0]];
    Interface& in = core.interface(first.if_in);
    in.waiting -= batch.n;
    done += batch.n;
    if (!in.running()) {
      for (const PacketId id : batch.span()) core.drop(id, Drop::link_down);
      continue;
    }
    if ((first.flags & PacketFlags::from_loopback) != 0) rx_raw_ip(core, in, batch.span());
    else rx_ethernet(core, in, batch.span());
    tx(core);
  }
  return done;
}

void advance_timers(Core& core, u32 budget) {
  if (core.neighbours.next_deadline() <= core.now) advance_neighbours(core, budget);
  if (core.reassembly.next_deadline() <= core.now) expire_fragments(core, budget);
  if (core.now < core.chores_at) return;
  core.chores_at = Instant::never();
  for (auto& i : core.interfaces) {
    advance_probes(core, *i);
    advance_reports(core, *i);
  }
}

Instant next_deadline(const Core& core) noexcept {
  return std::min({core.neighbours.next_deadline(), core.reassembly.next_deadline(), core.chores_at});
}

}  // namespace weir::graph

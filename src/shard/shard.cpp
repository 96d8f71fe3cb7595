// shard/shard.hpp: frames, time, extension.
#include "shard/shard.hpp"

#include "graph/interfaces.hpp"
#include "graph/tcp_link.hpp"

namespace weir {

using buf::PacketId;

Shard::Shard(const ShardConfig& config, Instant now)
    : core_(std::make_unique<graph::Core>(
          graph::CoreConfig{config.seed, config.secret, config.pool, config.max_sockets, config.max_connections}, now)) {}

Shard::~Shard() = default;

void Shard::on_frames(Port port, std::span<const PacketId> packets, Instant now) {
  core_->now = now;
  graph::Interface* in = core_->find_interface(port);
  if (in == nullptr || !in->running()) {
    for (const PacketId id : packets) {
      if (in != nullptr) core_->pool[id].netns = in->netns;
      core_->drop(id, Drop::link_down);
    }
    return;
  }
  if (in->config.kind == InterfaceKind::raw_ip) graph::rx_raw_ip(*core_, *in, packets);
  else graph::rx_ethernet(*core_, *in, packets);
  graph::tx(*core_);
}

Work Shard::run(Instant now, Budget budget) {
  core_->now = now;
  graph::advance_timers(*core_, budget.packets);
  const u32 fired = core_->tcp->advance(now, budget.packets);
  const u32 handled = graph::run_rounds(*core_, budget.packets);
  const bool more = fired == budget.packets || handled >= budget.packets || !core_->veth_rx.empty() || !core_->out.empty();
  return {more, next_deadline()};
}

u32 Shard::frames_to_send(Port port, std::span<PacketId> out, u32 max_bytes, Instant now) {
  core_->now = now;
  graph::tx(*core_);
  graph::Interface* from = core_->find_interface(port);
  return from != nullptr ? graph::pull(*core_, *from, out, max_bytes) : 0;
}

void Shard::unsent(Port port, std::span<const PacketId> packets) {
  graph::Interface* i = core_->find_interface(port);
  for (usize k = packets.size(); k-- != 0;) {
    const PacketId id = packets[k];
    if (i == nullptr) {
      core_->drop(id, Drop::closing);
      continue;
    }
    --i->stats.tx_packets;
    i->stats.tx_bytes -= core_->pool[id].length;
    i->tx.push_front(core_->pool, id);
    ++i->returned;
  }
}

void Shard::tx_done(Port, std::span<const PacketId> packets) { core_->pool.release(packets); }

void Shard::on_port(Port port, bool up, Instant now) {
  core_->now = now;
  if (graph::Interface* i = core_->find_interface(port)) graph::set_carrier(*core_, *i, up);
}

void Shard::on_losses(Port port, const DeviceLosses& losses) noexcept {
  graph::Interface* i = core_->find_interface(port);
  if (i == nullptr) return;
  i->stats.rx_dropped += losses.rx_dropped;
  i->stats.rx_errors += losses.rx_errors;
  i->stats.tx_errors += losses.tx_errors;
}

bool Shard::has_output(Port port) const noexcept {
  const graph::Interface* i = core_->find_interface(port);
  return i != nullptr && (!i->tx.empty() || !core_->out.empty());
}

Instant Shard::next_deadline() const noexcept { return std::min(graph::next_deadline(*core_), core_->tcp->next_deadline()); }

buf::Pool& Shard::pool() noexcept { return core_->pool; }

Result<void> Shard::register_ethertype(u16 ethertype, EthertypeHandler handler, void* self) {
  constexpr u16 own[] = {0x0800, 0x0806, 0x86dd, 0x8100, 0x88a8};
  if (ethertype < 0x0600 || handler == nullptr) return fail(Errc::invalid);
  if (std::ranges::find(own, ethertype) != std::end(own)) return fail(Errc::exists);
  for (const auto& [type, h] : core_->ethertypes)
    if (type == ethertype) return fail(Errc::exists);
  core_->ethertypes.push_back({ethertype, {handler, self}});
  return {};
}

Result<void> Shard::register_ip_protocol(u8 protocol, ProtocolHandler handler, void* self) {
  constexpr u8 own[] = {0, 1, 2, 6, 17, 43, 44, 58, 59, 60};
  if (handler == nullptr) return fail(Errc::invalid);
  if (std::ranges::find(own, protocol) != std::end(own) || core_->protocols[protocol].call != nullptr) return fail(Errc::exists);
  core_->protocols[protocol] = {handler, self};
  return {};
}

}  // namespace weir

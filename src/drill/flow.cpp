#include "drill/flow.hpp"

#include <fmt/format.h>

namespace weir::drill {
namespace {

using wire::TcpFlags;

bool is_open(const TcpSpec* tcp) { return tcp != nullptr && (tcp->flags & (TcpFlags::syn | TcpFlags::ack)) == TcpFlags::syn; }

}  // namespace

Flow& Flows::add(u16 local_port, u16 remote_port) {
  Flow& f = flows_.emplace_back();
  f.local_port = local_port;
  f.remote_port = remote_port;
  current_ = &f;
  another_ = false;
  return f;
}

Flow* Flows::find_script(u16 local_port, u16 remote_port) noexcept {
  for (auto f = flows_.rbegin(); f != flows_.rend(); ++f)
    if (f->script_local_port == local_port && f->script_remote_port == remote_port) return &*f;
  return nullptr;
}

Flow* Flows::find_live(u16 local_port, u16 remote_port) noexcept {
  for (auto f = flows_.rbegin(); f != flows_.rend(); ++f)
    if (f->local_port == local_port && f->remote_port == remote_port) return &*f;
  return nullptr;
}

Flow& Flows::of_inbound(const PacketSpec& packet, Place place) {
  const bool syn = is_open(std::get_if<TcpSpec>(&packet.body));
  if (packet.ports) {
    if (Flow* f = find_script(packet.ports->dst, packet.ports->src)) {
      current_ = f;
      return *f;
    }
    Flow& f = add(packet.ports->dst, packet.ports->src);
    f.script_local_port = packet.ports->dst;
    f.script_remote_port = packet.ports->src;
    return f;
  }
  const bool crossing = current_ != nullptr && current_->active && !current_->answered && !another_;
  if (current_ != nullptr && (!syn || crossing || (!another_ && !current_->finished))) return *current_;
  const auto* icmp = std::get_if<IcmpSpec>(&packet.body);
  if (icmp != nullptr && !icmp->type.starts_with("echo"))
    throw RunFailure(place, "there is no connection yet that an ICMP message could be about");
  return add(settings_.bind_port, next_remote_port_++);
}

Flow* Flows::of_expected(const PacketSpec& packet) {
  if (packet.ports) return find_script(packet.ports->src, packet.ports->dst);
  if (another_ && is_open(std::get_if<TcpSpec>(&packet.body))) return nullptr;
  return current_;
}

Flow& Flows::begin_active(const PacketSpec& packet, u16 local_port, u16 remote_port) {
  Flow& f = add(local_port, remote_port);
  f.active = true;
  if (packet.ports) {
    f.script_local_port = packet.ports->src;
    f.script_remote_port = packet.ports->dst;
  }
  return f;
}

}  // namespace weir::drill

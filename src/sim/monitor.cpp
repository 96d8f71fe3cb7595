// The monitor's rules for frames, IP and checksums; those of TCP are in monitor_tcp.cpp.
#include "sim/monitor.hpp"

#include <fmt/format.h>

#include "sim/monitor_tcp.hpp"
#include "wire/ethernet.hpp"
#include "wire/icmp4.hpp"
#include "wire/icmp6.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/transport_checksum.hpp"
#include "wire/udp.hpp"

namespace weir::sim {
namespace {

struct RuleInfo {
  std::string_view name, text;
};
constexpr RuleInfo rules[] = {
#define X(name, text) {#name, text},
    WEIR_WIRE_RULES(X)
#undef X
};

bool all_zero(Bytes b) {
  return std::ranges::all_of(b, [](std::byte x) { return x == std::byte{0}; });
}

bool is_about_neighbours(const Dissected& d) {
  return d.ethertype == wire::ethertype::arp ||
         (d.protocol == wire::proto::icmp6 && !d.l4.empty() && wire::icmp6::is_nd(load_u8(d.l4.data())));
}

// Is the checksum of this transport segment right? Unknown protocols are.
bool checksum_right(const Dissected& d) {
  switch (d.protocol) {
    case wire::proto::tcp: return wire::transport_checksum_ok(d.l4, d.src, d.dst, d.protocol);
    case wire::proto::icmp6: return wire::transport_checksum_ok(d.l4, d.src, d.dst, d.protocol);
    case wire::proto::icmp: return csum_finish(csum_add(d.l4)) == 0;
    case wire::proto::udp: {
      const auto udp = wire::UdpView::parse(d.l4);
      if (!udp) return true;
      if (!udp->has_checksum()) return d.src.is_v4();  // RFC 8200 8.1: IPv6 has no UDP without
      return wire::transport_checksum_ok(udp->datagram(), d.src, d.dst, d.protocol);
    }
    default: return true;
  }
}

}  // namespace

std::string_view name(Rule r) noexcept { return rules[static_cast<usize>(r)].name; }
std::string_view text(Rule r) noexcept { return rules[static_cast<usize>(r)].text; }

std::string to_string(const Violation& v) {
  return fmt::format("{:.9f} {}: {}: {} ({})", v.time.s(), v.where, name(v.rule), v.detail, text(v.rule));
}

Monitor::Monitor() : tcp_(std::make_unique<TcpMonitor>(*this)) {}
Monitor::~Monitor() = default;

void Monitor::report(Rule rule, Instant time, std::string where, std::string detail) {
  if (ignored_[static_cast<usize>(rule)]) return;
  ++total_;
  if (violations_.size() < kept) violations_.push_back({rule, time, std::move(where), std::move(detail)});
}

void Monitor::on_address(u32 host, const IpAddr& address) { addresses_.insert({host, address}); }

bool Monitor::owns(u32 host, const IpAddr& a) const { return addresses_.contains({host, a}); }

void Monitor::on_sent(u32 host, const Link& link, Bytes frame, Instant now) {
  const bool waits_for_wire = link.pipe(0).config().backpressure || link.pipe(1).config().backpressure;
  sent(host, link.pipe(0).config().mtu, link.name(), frame, now, waits_for_wire);
}

void Monitor::on_delivered(u32 host, const Link&, Bytes frame, bool hurt, Instant now) { delivered(host, frame, now, hurt); }

void Monitor::sent(u32 host, u16 mtu, std::string_view where, Bytes frame, Instant now, bool untimed) {
  const auto eth = wire::EthernetView::parse(frame);
  if (!eth) return report(Rule::malformed, now, std::string(where), "no Ethernet frame");
  if (frame.size() > mtu + 14u) report(Rule::too_long, now, std::string(where), fmt::format("{} bytes, MTU {}", frame.size(), mtu));
  const Dissected d = dissect(frame);
  if (eth->type() != wire::ethertype::ipv4 && eth->type() != wire::ethertype::ipv6) return;
  if (d.ip.empty()) return report(Rule::malformed, now, std::string(where), "no IP packet");
  if (!all_zero(eth->payload().subspan(d.ip.size()))) report(Rule::padding, now, std::string(where), "of the frame");
  const bool origin = owns(host, d.src);
  if (d.src.is_v4() && eth->type() == wire::ethertype::ipv4) check_ip4(d.ip, origin, where, now);
  else check_ip6(d.ip, where, now);
  if (!origin || d.fragment || d.l4.empty()) return;  // a router does not answer for what it hands on
  check_transport(d, where, now);
  if (!d.is_tcp()) return;
  const auto news = neighbour_news_.find(host);
  tcp_->sent(d, now, untimed || (news != neighbour_news_.end() && news->second == now));
}

void Monitor::delivered(u32 host, Bytes frame, Instant now, bool hurt) {
  const Dissected d = dissect(frame);
  if (is_about_neighbours(d)) neighbour_news_[host] = now;
  if (!d.is_tcp() || d.fragment || !owns(host, d.dst)) return;
  if (d.src.is_v4()) {
    const auto ip = wire::Ipv4View::parse(d.ip);
    if (!ip || !ip->checksum_ok()) return;
  }
  if (checksum_right(d)) tcp_->delivered(d, now, hurt);  // else the wire has hurt it: it does not count
}

void Monitor::check_ip4(Bytes packet, bool origin, std::string_view where, Instant now) {
  const auto ip = wire::Ipv4View::parse(packet);
  if (!ip->checksum_ok()) report(Rule::ip_checksum, now, std::string(where), to_string(ip->src()));
  if (ip->ttl() == 0) report(Rule::ip_header, now, std::string(where), "TTL 0");
  if (origin && ip->reserved_flag()) report(Rule::ip_header, now, std::string(where), "reserved flag");
}

void Monitor::check_ip6(Bytes packet, std::string_view where, Instant now) {
  const auto ip = wire::Ipv6View::parse(packet);
  if (ip->hop_limit() == 0) report(Rule::ip_header, now, std::string(where), "hop limit 0");
}

void Monitor::check_transport(const Dissected& d, std::string_view where, Instant now) {
  if (checksum_right(d)) return;
  report(Rule::transport_checksum, now, std::string(where),
         fmt::format("protocol {} {} > {}", d.protocol, to_string(d.src), to_string(d.dst)));
}

const WireStats* Monitor::tcp_stats(const Endpoint& from, const Endpoint& to) const { return tcp_->stats(from, to); }

}  // namespace weir::sim

// graph/groups.hpp
#include "graph/groups.hpp"

#include "graph/output.hpp"
#include "graph/route.hpp"
#include "wire/igmp.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv4_options.hpp"
#include "wire/ipv6.hpp"
#include "wire/mld.hpp"

namespace weir::graph {
namespace {

using buf::PacketId;

constexpr Ip4Addr all_systems{0xe000'0001}, igmp3_routers{0xe000'0016};
constexpr Ip6Addr mld2_routers{{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x16}};
constexpr u8 robustness = 2;                                      // RFC 3376 8.1: how often a change is reported
constexpr Duration unsolicited_interval = Duration::seconds(1);   // RFC 3376 8.11
constexpr u32 groups_per_report = 32;
constexpr u32 most_response_ms = 30'000;

// RFC 3376 6, RFC 3810 6: not reported are 224.0.0.1, ff02::1, and what does not leave the machine.
bool is_reported(const IpAddr& group) noexcept {
  if (group.is_v4()) return group.v4() != all_systems;
  return group.v6() != Ip6Addr::all_nodes() && group.v6().multicast_scope() > 1;
}

template <class Addr>
using Records = std::array<wire::GroupRecordFields<Addr>, groups_per_report>;

// The hop-by-hop header with a router alert that MLD messages carry (RFC 2711): next header, length, option, padding.
constexpr std::array<u8, 8> router_alert6{wire::proto::icmp6, 0, 5, 2, 0, 0, 1, 0};
constexpr std::array<u8, 4> router_alert4{wire::ip4_option::router_alert, 4, 0, 0};

void send_report4(Core& core, Interface& out, std::span<const wire::GroupRecordFields<Ip4Addr>> records) {
  std::array<std::byte, 8 + groups_per_report * 8> body;
  const usize n = wire::emit_igmp3_report(records, body);
  const PacketId id = core.pool.from_bytes(Bytes{body}.first(n));
  if (id == PacketId::none) return;
  buf::Packet& p = core.pool[id];
  p.netns = out.netns;
  p.family = 4;
  p.l4 = p.head;
  p.l4_protocol = wire::proto::igmp;
  core.pool.push_front(id, 24);
  p.l3 = p.head;
  const Ip4Addr src = out.own4.empty() ? Ip4Addr::any() : out.own4.front();
  wire::emit(wire::Ipv4Fields{.tos = 0xc0,
                              .payload_len = static_cast<u16>(n),
                              .dont_fragment = true,
                              .ttl = 1,
                              .protocol = wire::proto::igmp,
                              .src = src,
                              .dst = igmp3_routers,
                              .options = bytes_of(router_alert4)},
             {core.pool.at(id, p.head), 24});
  send_to_mac(core, out, id, multicast_mac(igmp3_routers));
}

void send_report6(Core& core, Interface& out, std::span<const wire::GroupRecordFields<Ip6Addr>> records) {
  std::array<std::byte, 8 + groups_per_report * 20> body;
  const usize n = wire::emit_mld2_report(records, body);
  // RFC 3810 5.2.13: a link-local source, or :: while there is none.
  Ip6Addr src;
  for (const InterfaceAddress& a : out.addresses)
    if (a.usable() && a.prefix.address.is_v6() && a.prefix.address.is_link_local()) src = a.prefix.address.v6();
  wire::set_transport_checksum(MutBytes{body}.first(n), wire::Icmp6View::checksum_at, src, mld2_routers, wire::proto::icmp6);
  const PacketId id = core.pool.from_bytes(Bytes{body}.first(n));
  if (id == PacketId::none) return;
  buf::Packet& p = core.pool[id];
  p.netns = out.netns;
  p.family = 6;
  p.l4 = p.head;
  p.l4_protocol = wire::proto::icmp6;
  core.pool.push_front(id, 48);
  p.l3 = p.head;
  std::byte* const at = core.pool.at(id, p.head);
  wire::emit(
      wire::Ipv6Fields{
          .payload_len = static_cast<u16>(n + 8), .next_header = wire::proto::hop_by_hop, .hop_limit = 1, .src = src, .dst = mld2_routers},
      {at, 40});
  std::memcpy(at + 40, router_alert6.data(), router_alert6.size());
  send_to_mac(core, out, id, multicast_mac(mld2_routers));
}

// All groups of a family, in as many reports as it takes. A change and the state are reported in the same words.
template <class Addr, class Send>
void report_all(Core& core, Interface& out, Send&& send) {
  constexpr bool v4 = std::is_same_v<Addr, Ip4Addr>;
  Records<Addr> records;
  u32 n = 0;
  for (const Group& g : out.groups) {
    if (g.address.is_v4() != v4 || !is_reported(g.address)) continue;
    if constexpr (v4) records[n++] = {wire::GroupRecordType::mode_is_exclude, g.address.v4(), {}};
    else records[n++] = {wire::GroupRecordType::mode_is_exclude, g.address.v6(), {}};
    if (n < groups_per_report) continue;
    send(core, out, std::span<const wire::GroupRecordFields<Addr>>{records.data(), n});
    n = 0;
  }
  if (n != 0) send(core, out, std::span<const wire::GroupRecordFields<Addr>>{records.data(), n});
}

void send_reports(Core& core, Interface& out) {
  report_all<Ip4Addr>(core, out, send_report4);
  report_all<Ip6Addr>(core, out, send_report6);
}

void report_soon(Core& core, Interface& i, Duration within, u8 times) {
  const Instant at = core.now + Duration{static_cast<i64>(core.rng.below(static_cast<u64>(within.ns) + 1))};
  i.report_at = std::min(i.report_at, at);
  i.reports_left = std::max(i.reports_left, times);
  core.chores_at = std::min(core.chores_at, at);
}

}  // namespace

//= rfc1122#3.3.7 I136
void join_group(Core& core, Interface& i, const IpAddr& group) {
  const auto it = std::ranges::find(i.groups, group, &Group::address);
  if (it != i.groups.end()) {
    ++it->users;
    return;
  }
  i.groups.push_back({group, 1});
  if (i.has_link_addresses() && is_reported(group)) report_soon(core, i, unsolicited_interval, robustness);
}

void leave_group(Core& core, Interface& i, const IpAddr& group) {
  const auto it = std::ranges::find(i.groups, group, &Group::address);
  if (it == i.groups.end() || --it->users != 0) return;
  i.groups.erase(it);
  if (!i.has_link_addresses() || !is_reported(group) || !i.running()) return;
  if (group.is_v4()) {
    const wire::GroupRecordFields<Ip4Addr> gone{wire::GroupRecordType::change_to_include, group.v4(), {}};
    send_report4(core, i, {&gone, 1});
  } else {
    const wire::GroupRecordFields<Ip6Addr> gone{wire::GroupRecordType::change_to_include, group.v6(), {}};
    send_report6(core, i, {&gone, 1});
  }
}

void schedule_reports(Core& core, Interface& i, u32 max_response_ms) {
  report_soon(core, i, Duration::millis(std::min(max_response_ms, most_response_ms)), 1);
}

void advance_reports(Core& core, Interface& i) {
  if (core.now >= i.report_at) {
    i.report_at = Instant::never();
    if (i.running()) send_reports(core, i);
    if (i.reports_left != 0) --i.reports_left;
    if (i.reports_left != 0) i.report_at = core.now + unsolicited_interval;
  }
  core.chores_at = std::min(core.chores_at, i.report_at);
}

void rx_igmp(Core& core, Interface& in, PacketId id) {
  buf::Packet& p = core.pool[id];
  const u32 header = static_cast<u32>(p.l4 - p.head);
  const u8 ttl = load_u8(core.pool.at(id, p.l3) + 8);
  if (!core.pool.pull_up(id, std::min(p.length, header + 1480))) return core.drop(id, Drop::no_buffer);
  const auto m = wire::IgmpView::parse(core.pool.run_from(id, p.l4));
  if (!m) return core.drop(id, m.error());
  if (csum_finish(core.pool.sum_from(id, header)) != 0) return core.drop(id, Drop::icmp_bad_checksum);
  if (m->type() != wire::igmp::query || ttl != 1) return core.drop(id, Drop::icmp_ignored);
  const auto query = wire::IgmpQuery::parse(*m);
  if (!query) return core.drop(id, query.error());
  schedule_reports(core, in, query->max_response_ms);
  core.pool.release(id);
}

}  // namespace weir::graph

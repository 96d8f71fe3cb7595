// The monitor's rules for TCP segments: what they say. Rules about when they are sent are in monitor_timing.cpp.
#include "sim/monitor_tcp.hpp"

#include <fmt/format.h>

#include "wire/ipv4.hpp"

namespace weir::sim {
namespace {

using wire::TcpFlags;

// A sequence number as an offset from the initial one, near what is known.
i64 unwrap(const Half& h, SeqNum seq) {
  return static_cast<i64>(h.snd_max) + seq_distance(seq, SeqNum{h.isn} + static_cast<u32>(h.snd_max));
}

u32 window_of(const Half& from, const Half& to, u16 raw, bool is_syn) {
  const bool scaled = from.wscale && to.wscale && !is_syn;
  return static_cast<u32>(raw) << (scaled ? std::min<u8>(*from.wscale, 14) : 0);
}

bool padding_zero(Bytes options) {
  while (!options.empty()) {
    const u8 kind = load_u8(options.data());
    if (kind == wire::tcp_option::end) break;
    const usize len = kind == wire::tcp_option::nop ? 1 : load_u8(options.data() + 1);
    options = options.subspan(std::min(std::max<usize>(len, 1), options.size()));
  }
  return std::ranges::all_of(options, [](std::byte b) { return b == std::byte{0}; });
}

u8 ecn_of(const Dissected& d) {
  const u8 field = load_u8(d.ip.data() + 1);
  return d.src.is_v4() ? field & 3 : field >> 4 & 3;
}

// RFC 3168 6.1.1: one end has offered both flags, the other has answered with ECE alone.
bool ecn_agreed(const Half& a, const Half& b) {
  constexpr u16 offer = TcpFlags::ece | TcpFlags::cwr;
  return (a.ecn == offer && (b.ecn & TcpFlags::ece) != 0) || (b.ecn == offer && (a.ecn & TcpFlags::ece) != 0);
}

}  // namespace

std::pair<TcpMonitor::Key, u32> TcpMonitor::key_of(const IpAddr& src, u16 src_port, const IpAddr& dst, u16 dst_port) {
  const bool forward = std::pair{src, src_port} <= std::pair{dst, dst_port};
  if (forward) return {{src, dst, src_port, dst_port}, 0};
  return {{dst, src, dst_port, src_port}, 1};
}

Connection& TcpMonitor::find(const Dissected& d, const wire::TcpView& tcp, u32& direction) {
  const auto [key, dir] = key_of(d.src, tcp.src_port(), d.dst, tcp.dst_port());
  direction = dir;
  return connections_[key];
}

const WireStats* TcpMonitor::stats(const Endpoint& from, const Endpoint& to) const {
  const auto [key, dir] = key_of(from.addr, from.port, to.addr, to.port);
  const auto i = connections_.find(key);
  return i == connections_.end() ? nullptr : &i->second.half[dir].stats;
}

void TcpMonitor::say(const Segment& s, Rule rule, const std::string& detail) {
  const auto where = fmt::format("{} > {}", to_string(Endpoint{s.d.src, s.tcp.src_port()}), to_string(Endpoint{s.d.dst, s.tcp.dst_port()}));
  monitor_.report(rule, s.now, where, fmt::format("{}; offset {} length {} flags {:#x}", detail, s.offset, s.length(), s.tcp.flags().bits));
}

void TcpMonitor::sent(const Dissected& d, Instant now, bool untimed) {
  const auto tcp = wire::TcpView::parse(d.l4);
  if (!tcp) return monitor_.report(Rule::malformed, now, to_string(d.src), "no TCP segment");
  u32 direction = 0;
  Connection& c = find(d, *tcp, direction);
  const auto options = wire::parse_options(tcp->options());
  if (!options) return monitor_.report(Rule::malformed, now, to_string(d.src), "TCP options");
  const TcpFlags flags = tcp->flags();
  Segment s{d,
            *tcp,
            *options,
            c.half[direction],
            c.half[direction ^ 1],
            now,
            0,
            flags.any(TcpFlags::syn),
            flags.any(TcpFlags::fin),
            flags.any(TcpFlags::rst),
            flags.any(TcpFlags::ack),
            untimed};
  if (s.is_syn) check_syn(s, c, direction);
  if (s.from.known) s.offset = static_cast<u64>(std::max<i64>(unwrap(s.from, tcp->seq()), 0));
  if (s.is_syn) s.from.ecn |= flags.bits & (TcpFlags::ece | TcpFlags::cwr);
  check_header(s);
  check_options(s);
  if (s.is_rst) {
    check_reset(s);
    s.from.reset = true;
    return;
  }
  check_ack(s);
  if (!s.from.known) return;  // it began before we watched
  check_timestamps(s);
  check_sack(s);
  check_ecn(s);
  check_data(s);
  check_edge(s);
  check_timing(s);
  account(s);
}

void TcpMonitor::check_header(const Segment& s) {
  if (s.tcp.reserved() != 0) say(s, Rule::reserved_bits, fmt::format("{}", s.tcp.reserved()));
  if (!padding_zero(s.tcp.options())) say(s, Rule::padding, "of TCP options");
  const bool none = !s.is_syn && !s.is_fin && !s.is_rst && !s.has_ack;
  if (none || (s.is_syn && (s.is_fin || s.is_rst)) || (s.is_fin && s.is_rst)) say(s, Rule::bad_flags, "");
  if (!s.is_syn && !s.is_rst && !s.has_ack) say(s, Rule::bad_flags, "no ACK");  // RFC 9293 3.1: always from then on
}

void TcpMonitor::learn_syn(Half& h, const Segment& s) {
  h.known = true;
  h.isn = s.tcp.seq().raw;
  h.syn_acked = s.has_ack;
  h.mss = s.options.mss.value_or(0);
  h.wscale = s.options.wscale;
  h.timestamps = s.options.has_ts;
  h.sack = s.options.sack_permitted;
}

// A SYN begins a connection, is sent again, or begins the next connection of the same ports.
void TcpMonitor::check_syn(Segment& s, Connection& c, u32 direction) {
  if (s.from.known && s.from.isn == s.tcp.seq().raw) {
    if (s.has_ack && !s.from.syn_acked) s.from.syn_acked = true;  // simultaneous open
    return;
  }
  if (s.from.known) {
    const bool over = s.from.reset || s.from.reset_delivered || s.from.una == 0 || (s.from.fin_at && (s.to.fin_at || s.to.reset));
    if (!over) say(s, Rule::isn_changed, fmt::format("{} then {}", s.from.isn, s.tcp.seq().raw));
    if (s.has_ack) c.half[direction] = Half{};  // the other half is the SYN that it answers
    else c = Connection{};
  }
  learn_syn(s.from, s);
}

void TcpMonitor::check_options(const Segment& s) {
  const wire::TcpOptions& o = s.options;
  if (!s.is_syn && (o.mss || o.wscale || o.sack_permitted)) say(s, Rule::option_misplaced, "on a segment without SYN");
  if (o.wscale && *o.wscale > 14) say(s, Rule::option_misplaced, fmt::format("window scale {}", *o.wscale));
  if (s.is_syn && s.has_ack && s.to.known) {
    if (o.wscale && !s.to.wscale) say(s, Rule::option_not_offered, "window scale");
    if (o.sack_permitted && !s.to.sack) say(s, Rule::option_not_offered, "SACK-permitted");
    if (o.has_ts && !s.to.timestamps) say(s, Rule::option_not_offered, "timestamps");
  }
  if (o.sack_n != 0 && !(s.from.sack && s.to.sack)) say(s, Rule::option_not_offered, "SACK");
}

void TcpMonitor::check_timestamps(const Segment& s) {
  const wire::TcpOptions& o = s.options;
  const bool agreed = s.from.timestamps && s.to.timestamps;
  if (!s.is_syn && agreed && !o.has_ts) say(s, Rule::timestamp_missing, "");
  if (!s.is_syn && !agreed && o.has_ts && s.to.known) say(s, Rule::option_not_offered, "timestamps");
  if (!o.has_ts) return;
  if (s.from.has_tsval && static_cast<i32>(o.ts_val - s.from.max_tsval) < 0)
    say(s, Rule::timestamp_retreats, fmt::format("{} after {}", o.ts_val, s.from.max_tsval));
  s.from.max_tsval = o.ts_val;
  s.from.has_tsval = true;
  if (!s.has_ack) {
    if (o.ts_ecr != 0) say(s, Rule::timestamp_echo, "without ACK it must be 0");
    return;
  }
  // What has not even been sent cannot have been received.
  if (s.to.has_tsval && static_cast<i32>(o.ts_ecr - s.to.max_tsval) > 0)
    say(s, Rule::timestamp_echo, fmt::format("{}, but the peer is at {}", o.ts_ecr, s.to.max_tsval));
}

void TcpMonitor::check_ack(const Segment& s) {
  if (!s.has_ack || !s.to.known) return;
  const i64 ack = unwrap(s.to, s.tcp.ack());
  const u64 arrived = s.to.arrived.contiguous_from(0);
  if (ack < 0 || static_cast<u64>(ack) > arrived) {
    say(s, Rule::false_ack, fmt::format("acknowledges {} of {} delivered", ack, arrived));
    return;
  }
  const u64 a = static_cast<u64>(ack);
  if (s.from.has_acked && a < s.from.max_ack) say(s, Rule::ack_retreats, fmt::format("{} after {}", a, s.from.max_ack));
  const u64 edge = a + window_of(s.from, s.to, s.tcp.window(), s.is_syn);
  if (s.from.has_acked && edge < s.from.max_edge) say(s, Rule::edge_retreats, fmt::format("{} after {}", edge, s.from.max_edge));
  s.from.has_acked = true;
  s.from.max_ack = std::max(s.from.max_ack, a);
  s.from.max_edge = std::max(s.from.max_edge, edge);
}

// What came twice (RFC 2883) has come too.
void TcpMonitor::check_sack(const Segment& s) {
  if (!s.to.known) return;
  for (const wire::SackBlock& b : s.options.sack_blocks()) {
    const i64 left = unwrap(s.to, b.left), right = unwrap(s.to, b.right);
    const bool there = 0 <= left && left < right && s.to.arrived.contains(static_cast<u64>(left), static_cast<u64>(right));
    if (!there) say(s, Rule::false_sack, fmt::format("{} to {}", left, right));
  }
}

void TcpMonitor::check_ecn(const Segment& s) {
  if (ecn_of(s.d) != 0) {
    const bool data = !s.tcp.payload().empty() && !s.is_syn;
    const bool again = s.offset < s.from.snd_max;
    if (!data || again || !ecn_agreed(s.from, s.to)) say(s, Rule::bad_ect, data ? again ? "sent again" : "not agreed" : "no data");
  }
  if (!s.is_syn && s.tcp.flags().any(TcpFlags::ece) && !s.from.marked) say(s, Rule::false_ece, "");
}

void TcpMonitor::check_data(const Segment& s) {
  Half& h = s.from;
  const usize size = s.tcp.payload().size();
  const i64 exact = unwrap(h, s.tcp.seq());
  const bool keepalive = size <= 1 && exact + 1 == static_cast<i64>(h.una);  // its byte, if any, is garbage: RFC 9293 3.8.4
  const u64 acked = h.last_delivery == s.now ? h.sure_una : h.una_of_now;
  if (!keepalive && (exact < 0 || (s.offset + 1 < acked && !s.untimed) || (s.length() == 0 && s.offset > h.snd_max)))
    say(s, Rule::bad_seq, fmt::format("una {} max {}", acked, h.snd_max));
  if (keepalive) return;
  if (h.fin_at && s.length() != 0 && (s.payload_end() > *h.fin_at || (s.is_fin && s.payload_end() != *h.fin_at)))
    say(s, Rule::data_after_fin, fmt::format("FIN was at {}", *h.fin_at));
  if (s.is_fin && !h.fin_at) {
    h.fin_at = s.payload_end();
    if (*h.fin_at < h.snd_max) say(s, Rule::data_after_fin, fmt::format("data was sent up to {}", h.snd_max));
  }
  if (size == 0) return;
  if (const auto at = h.bytes.put(s.offset + (s.is_syn ? 1 : 0), s.tcp.payload())) say(s, Rule::bytes_differ, fmt::format("at {}", *at));
  // RFC 6691: the MSS counts no options, so what they take is not there for data.
  const usize mss = s.to.mss != 0 ? s.to.mss : s.d.src.is_v4() ? 536u : 1220u;
  if (s.to.known && size + s.tcp.options().size() > mss) say(s, Rule::mss_exceeded, fmt::format("{} > {}", size, mss));
}

void TcpMonitor::delivered(const Dissected& d, Instant now, bool hurt) {
  const auto tcp = wire::TcpView::parse(d.l4);
  if (!tcp) return;
  u32 direction = 0;
  Connection& c = find(d, *tcp, direction);
  const auto options = wire::parse_options(tcp->options());
  if (!options) return;
  const TcpFlags flags = tcp->flags();
  Segment s{d,
            *tcp,
            *options,
            c.half[direction],
            c.half[direction ^ 1],
            now,
            0,
            flags.any(TcpFlags::syn),
            flags.any(TcpFlags::fin),
            flags.any(TcpFlags::rst),
            flags.any(TcpFlags::ack)};
  if (s.is_syn && !s.from.known) learn_syn(s.from, s);  // of a peer that is not one of the hosts
  Half& receiver = s.to;
  if (receiver.last_delivery != now) receiver.sure_una = receiver.una_of_now;
  receiver.last_delivery = now;
  ++receiver.deliveries;
  if (s.is_rst) receiver.reset_delivered = true;
  if (ecn_of(d) == 3) receiver.marked = true;
  bool sure = !hurt;
  if (s.from.known) {
    if (s.is_syn && s.from.isn != tcp->seq().raw) return;  // of an earlier connection
    const i64 at = unwrap(s.from, tcp->seq());
    const i64 end = at + static_cast<i64>(s.length());
    sure = surely_taken(receiver, s, at, s.from.arrived.contiguous_from(0)) && sure;
    if (at >= 0) s.from.arrived.add(static_cast<u64>(at), static_cast<u64>(end));
    // What a peer made by hand, or one whose own wire nobody watches (behind a veth), has sent is known from what arrives.
    const bool watched = s.from.last_sent.ns >= 0;
    if (options->has_ts && (!s.from.has_tsval || (!watched && static_cast<i32>(options->ts_val - s.from.max_tsval) > 0))) {
      s.from.has_tsval = true;
      s.from.max_tsval = options->ts_val;
    }
    s.from.snd_max = std::max(s.from.snd_max, static_cast<u64>(std::max<i64>(end, 0)));
    const u64 in_order = s.from.arrived.contiguous_from(0);
    const u64 not_data = 1 + (s.from.fin_at && in_order > *s.from.fin_at ? 1u : 0u);  // SYN, FIN
    s.from.stats.delivered = in_order > not_data ? in_order - not_data : 0;
  }
  if (s.has_ack && !s.is_rst && receiver.known) learn_ack(receiver, s, sure);
}

// Has the receiver looked at its acknowledgment? Not if it was not acceptable, which is decided by what came before.
bool TcpMonitor::surely_taken(Half& receiver, const Segment& s, i64 at, u64 in_order) {
  const i64 end = at + static_cast<i64>(s.length());
  const i64 next = static_cast<i64>(in_order);
  bool sure = s.length() == 0 ? at >= next : end > next;
  if (s.options.has_ts) {
    if (receiver.has_ts_recent && static_cast<i32>(s.options.ts_val - receiver.ts_recent) < 0) sure = false;
    else receiver.ts_recent = s.options.ts_val;
    receiver.has_ts_recent = true;
  }
  return sure;
}

void TcpMonitor::learn_ack(Half& receiver, const Segment& s, bool sure) {
  const i64 ack = unwrap(receiver, s.tcp.ack());
  if (ack < 0 || static_cast<u64>(ack) > receiver.snd_max) return;
  const u64 a = static_cast<u64>(ack);
  const u64 edge = a + window_of(s.from, receiver, s.tcp.window(), s.is_syn);
  receiver.edge = std::max(receiver.edge.value_or(0), edge);
  if (sure) receiver.una_of_now = std::max(receiver.una_of_now, a);
  if (a <= receiver.una) return;
  receiver.una = a;
  receiver.last_new_ack = s.now;
  receiver.timeouts_in_row = 0;
  receiver.bytes.forget_before(a);
  while (!receiver.in_flight.empty() && receiver.in_flight.front().end <= a) {
    if (receiver.in_flight.front().end == a || receiver.in_flight.size() == 1 || receiver.in_flight[1].end > a)
      receiver.stats.rtt_us.push_back(static_cast<u32>((s.now - receiver.in_flight.front().at).us()));
    receiver.in_flight.pop_front();
  }
}

}  // namespace weir::sim

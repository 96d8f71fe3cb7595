// apps/ping.hpp
#include "apps/ping.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <cmath>

#include "wire/icmp4.hpp"
#include "wire/icmp6.hpp"
#include "wire/ipv4.hpp"
#include "wire/quoted.hpp"

namespace weir::apps {
namespace {

// What a received packet of the protocol says to us.
struct Heard {
  bool is_ours = false, is_error = false;
  u16 seq = 0;
  u32 bytes = 0;
  std::string_view error{};
};

std::string_view meaning4(u8 type, u8 code) noexcept {
  using namespace wire::icmp4;
  if (type == time_exceeded) return code == ttl_exceeded ? "Time to live exceeded" : "Fragment reassembly time exceeded";
  if (type == unreachable && code == net) return "Destination Net Unreachable";
  if (type == unreachable && code == host) return "Destination Host Unreachable";
  if (type == unreachable && code == fragmentation_needed) return "Fragmentation needed";
  if (type == unreachable && code == admin_prohibited) return "Packet filtered";
  return type == unreachable ? "Destination Unreachable" : "ICMP error";
}

std::string_view meaning6(u8 type, u8 code) noexcept {
  using namespace wire::icmp6;
  if (type == time_exceeded) return "Hop limit exceeded";
  if (type == packet_too_big) return "Packet too big";
  if (type == unreachable && code == no_route) return "Destination unreachable: No route";
  if (type == unreachable && code == address) return "Destination unreachable: Address unreachable";
  return type == unreachable ? "Destination unreachable" : "ICMP error";
}

Heard hear4(Bytes packet, u16 id) {
  const auto ip = wire::Ipv4View::parse(packet);
  if (!ip) return {};
  const auto icmp = wire::Icmp4View::parse(ip->payload());
  if (!icmp || !icmp->checksum_ok()) return {};
  const u32 bytes = static_cast<u32>(icmp->message().size());
  if (icmp->type() == wire::icmp4::echo_reply && icmp->id() == id) return {true, false, icmp->seq(), bytes};
  if (!icmp->is_error()) return {};
  const auto quoted = wire::parse_quoted4(icmp->quote());
  if (!quoted || quoted->protocol != wire::proto::icmp || quoted->echo_id() != id) return {};
  return {true, true, quoted->echo_seq(), bytes, meaning4(icmp->type(), icmp->code())};
}

Heard hear6(Bytes message, u16 id) {
  const auto icmp = wire::Icmp6View::parse(message);
  if (!icmp) return {};
  const u32 bytes = static_cast<u32>(message.size());
  if (icmp->type() == wire::icmp6::echo_reply && icmp->id() == id) return {true, false, icmp->seq(), bytes};
  if (!icmp->is_error()) return {};
  const auto quoted = wire::parse_quoted6(icmp->quote());
  if (!quoted || quoted->protocol != wire::proto::icmp6 || quoted->echo_id() != id) return {};
  return {true, true, quoted->echo_seq(), bytes, meaning6(icmp->type(), icmp->code())};
}

struct Ping {
  Host host;
  PingConfig config;
  PingStats& stats;
  RawSocket socket;
  std::vector<std::byte> request, packet;
  // Of the last 65,536 requests, by sequence number.
  std::vector<Instant> sent_at = std::vector<Instant>(65'536, Instant::never());  // never: not sent yet
  std::bitset<65'536> answered;

  [[nodiscard]] bool is_v4() const noexcept { return config.to.addr.is_v4(); }
  [[nodiscard]] bool all_answered() const noexcept {
    return config.count != 0 && stats.sent == config.count && stats.received + stats.errors >= config.count;
  }
  void take(const Datagram& d);
};

Bytes make_request(Ping& p, u16 seq) {
  const Bytes body = Bytes(p.request).subspan(wire::Icmp4View::header_len);
  const usize n = p.is_v4() ? wire::emit(wire::Icmp4Fields::echo(false, p.config.id, seq), body, p.request)
                            : wire::emit({wire::icmp6::echo_request, 0, static_cast<u32>(p.config.id) << 16 | seq}, body, Ip6Addr{},
                                         p.config.to.addr.v6(), p.request);  // its checksum is the raw socket's
  return Bytes(p.request).first(n);
}

void Ping::take(const Datagram& d) {
  const Bytes bytes = Bytes(packet).first(d.copied);
  const Heard heard = is_v4() ? hear4(bytes, config.id) : hear6(bytes, config.id);
  if (!heard.is_ours || sent_at[heard.seq] == Instant::never()) return;
  PingReply reply{.seq = heard.seq,
                  .bytes = heard.bytes,
                  .from = d.from.addr,
                  .ttl = d.ttl,
                  .rtt = host.now() - sent_at[heard.seq],
                  .error = heard.error};
  if (heard.is_error) {
    reply.kind = PingReply::Kind::error;
    ++stats.errors;
  } else if (answered[heard.seq]) {
    reply.kind = PingReply::Kind::duplicate;
    ++stats.duplicates;
  } else {
    answered[heard.seq] = true;
    stats.add(reply.rtt);
  }
  if (config.on_reply) config.on_reply(reply);
}

// What has come is taken until `until`, or until nothing more is to come.
Task<Result<void>> listen(Ping& p, Instant until) {
  while (!p.all_answered()) {
    const Duration left = until - p.host.now();
    if (left.ns <= 0) co_return Result<void>{};
    const auto d = co_await p.socket.receive(p.packet).within(left);
    if (d) p.take(*d);
    else if (d.error() == Errc::timed_out) co_return Result<void>{};
    else if (d.error() == Errc::bad_handle || d.error() == Errc::canceled) co_return fail(d.error());
    // else: an ICMP error about what was sent; it came as a message, too
  }
  co_return Result<void>{};
}

}  // namespace

void PingStats::add(Duration rtt) noexcept {
  ++received;
  least = std::min(least, rtt);
  most = std::max(most, rtt);
  sum = sum + rtt;
  sum_of_squares_ms += rtt.s() * 1e3 * rtt.s() * 1e3;
}

double PingStats::deviation_ms() const noexcept {
  if (received == 0) return 0;
  return std::sqrt(std::max(0.0, sum_of_squares_ms / received - mean_ms() * mean_ms()));
}

Task<Result<void>> ping(Host host, PingConfig config, PingStats& stats) {
  const bool v4 = config.to.addr.is_v4();
  auto socket = host.raw(config.to.addr.family(), v4 ? wire::proto::icmp : wire::proto::icmp6);
  if (!socket) co_return fail(socket.error());
  Ping p{
      .host = host, .config = std::move(config), .stats = stats, .socket = std::move(*socket), .request = {}, .packet = {}, .answered = {}};
  p.request.resize(wire::Icmp4View::header_len + p.config.payload);
  for (usize i = wire::Icmp4View::header_len; i < p.request.size(); ++i) p.request[i] = static_cast<std::byte>(i);
  p.packet.resize(65'535);
  const Instant start = host.now();
  for (u32 n = 0; p.config.count == 0 || n < p.config.count; ++n) {
    const u16 seq = static_cast<u16>(n + 1);
    p.answered[seq] = false;
    p.sent_at[seq] = host.now();
    const auto sent = co_await p.socket.send_to(make_request(p, seq), p.config.to).within(p.config.interval);
    if (!sent && n == 0) co_return fail(sent.error());  // no route, and the like: it will not get better
    ++stats.sent;
    const bool is_last = n + 1 == p.config.count;
    const Instant until = is_last ? host.now() + p.config.timeout : start + p.config.interval * (i64{n} + 1);
    if (const auto ok = co_await listen(p, until); !ok) co_return ok;
  }
  co_return Result<void>{};
}

}  // namespace weir::apps

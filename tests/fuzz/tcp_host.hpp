// A TCP engine by itself for fuzzing: no links, no test framework, a small pool that can run dry.
#pragma once

#include <optional>

#include "tcp/context.hpp"
#include "tcp/engine.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/tcp_options.hpp"

namespace weir::fuzz {

struct TcpSegment {
  SeqNum seq{}, ack{};
  u16 flags = 0, window = 0, urgent = 0;
  u32 len = 0;
  Bytes options{};
};

class TcpHost {
 public:
  static constexpr NetnsId ns = 1;

  TcpHost(bool v6, const Sysctl& settings, const tcp::Limits& limits)
      : sysctl(settings),
        here(v6 ? *IpAddr::parse("fd00::1") : *IpAddr::parse("10.0.0.1")),
        peer(v6 ? *IpAddr::parse("fd00::2") : *IpAddr::parse("10.0.0.2")),
        pool({.packets = 256, .small_buffers = 512, .large_buffers = 128}),
        rng(Rng::seeded(7)),
        destinations({.max_entries = 64, .pmtu = {.max_entries = 16}}, rng),
        transport{pool, out, rng, destinations, route, notify, ignore, ignore, this, {}},
        engine((transport.netns.resize(2), transport.netns[ns] = {&sysctl, &drops}, transport), limits, now) {
    engine.add_netns(ns);
  }
  ~TcpHost() { out.clear(pool); }
  TcpHost(const TcpHost&) = delete;
  TcpHost& operator=(const TcpHost&) = delete;

  [[nodiscard]] tcp::Context& cx() { return engine.context(); }
  [[nodiscard]] tcp::Flow flow(u16 local_port, u16 remote_port) const { return {here, peer, local_port, remote_port, ns}; }

  // The checksum is vouched for.
  void receive(u16 remote_port, u16 local_port, const TcpSegment& s) {
    std::byte bytes[60 + 60 + 4'096];
    const usize ip = here.is_v4() ? 20 : 40;
    const wire::TcpFields fields{.src_port = remote_port,
                                 .dst_port = local_port,
                                 .seq = s.seq,
                                 .ack = s.ack,
                                 .flags = {s.flags},
                                 .window = s.window,
                                 .urgent = s.urgent,
                                 .options = s.options};
    const usize header = wire::emit(fields, MutBytes{bytes}.subspan(ip));
    const u32 len = std::min<u32>(s.len, 4'096);
    std::memset(bytes + ip + header, 'd', len);
    const u16 payload = static_cast<u16>(header + len);
    if (ip == 20)
      wire::emit(wire::Ipv4Fields{.payload_len = payload, .protocol = wire::proto::tcp, .src = peer.v4(), .dst = here.v4()}, bytes);
    else wire::emit(wire::Ipv6Fields{.payload_len = payload, .next_header = wire::proto::tcp, .src = peer.v6(), .dst = here.v6()}, bytes);
    const buf::PacketId id = pool.from_bytes(Bytes{bytes}.first(ip + payload));
    if (id == buf::PacketId::none) return;
    buf::Packet& p = pool[id];
    p.netns = ns;
    p.family = ip == 20 ? 4 : 6;
    p.l3 = p.head;
    p.l4 = static_cast<u16>(p.l3 + ip);
    p.csum.kind = buf::CsumKind::unnecessary;
    engine.receive({&id, 1}, now);
  }
  void pass(Duration d, u32 most_events = 300) {
    const Instant end = now + d;
    while (most_events-- != 0 && engine.next_deadline() <= end) {
      now = std::max(now, engine.next_deadline());
      engine.advance(now, 100);
      out.clear(pool);
    }
    if (engine.next_deadline() > end) now = end;
  }

  Sysctl sysctl;
  IpAddr here, peer;
  Instant now{1'000'000'000'000};
  ip::DropCounters drops;
  buf::Pool pool;
  Rng rng;
  buf::PacketQueue out;
  ip::DestinationCache destinations;
  ip::Transport transport;
  tcp::Engine engine;

 private:
  static Result<u32> route(void* cx, const ip::RouteQuery& q, Instant now) {
    auto& h = *static_cast<TcpHost*>(cx);
    const ip::DestinationKey key{q.dst, q.src, q.netns, q.oif};
    u32 d = h.destinations.find(key, now);
    if (d == 0) {
      d = h.destinations.create(key, now);
      h.destinations.resolve(d, {.next_hop = q.dst, .source = q.src.is_any() ? h.here : q.src, .if_out = 1, .mtu = 1'500}, 1);
    }
    return d;
  }
  static void notify(void*, u32, u32) {}
  static void ignore(void*, u32, Instant) {}
};

// Bytes of the input, one after the other; zeros when they are used up.
class Input {
 public:
  explicit Input(Bytes in) noexcept : in_(in) {}
  [[nodiscard]] bool empty() const noexcept { return in_.empty(); }
  u8 byte() noexcept {
    if (in_.empty()) return 0;
    const u8 v = load_u8(in_.data());
    in_ = in_.subspan(1);
    return v;
  }
  u16 word() noexcept { return static_cast<u16>(byte() << 8 | byte()); }
  u32 below(u32 n) noexcept { return byte() % n; }
  template <class T, usize N>
  T of(const T (&table)[N]) noexcept {
    return table[byte() % N];
  }
  Bytes bytes(usize n) noexcept {
    n = std::min(n, in_.size());
    const Bytes b = in_.first(n);
    in_ = in_.subspan(n);
    return b;
  }

 private:
  Bytes in_;
};

}  // namespace weir::fuzz

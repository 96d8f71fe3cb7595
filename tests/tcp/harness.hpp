// A TCP engine by itself: no graph, no links. Segments go in as bytes and come out parsed; time is set by the test.
#pragma once

#include <gtest/gtest.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "tcp/context.hpp"
#include "tcp/engine.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/tcp_options.hpp"
#include "wire/transport_checksum.hpp"

namespace weir::tcp::test {

struct Seg {
  SeqNum seq{}, ack{};
  u16 flags = 0;
  u32 wnd = 65'535;
  u32 len = 0;
  u16 up = 0;
  std::vector<std::byte> options{};
  std::string data{};
  buf::Gso gso{};
  u8 ecn = 0;  // of the IP header

  [[nodiscard]] bool has(u16 f) const { return (flags & f) == f; }
};

// Where sequence numbers and clocks begin. The whole suite runs at several such places, given by WEIR_TEST_ORIGIN
// ("iss irs clock-ms", tests/CMakeLists.txt): nothing may depend on them.
struct Origin {
  std::optional<SeqNum> iss{};  // ours; none: as the engine chooses
  SeqNum irs{5'000};            // the scripted peer's
  i64 clock_ms = 1'000'000;

  static Origin of_environment() {
    Origin o;
    const char* text = std::getenv("WEIR_TEST_ORIGIN");
    u32 iss = 0, irs = 0;
    if (text == nullptr || std::sscanf(text, "%u %u %" SCNd64, &iss, &irs, &o.clock_ms) != 3) return o;
    o.iss = SeqNum{iss};
    o.irs = SeqNum{irs};
    return o;
  }
};

class Harness {
 public:
  static constexpr NetnsId ns = 1;

  explicit Harness(u64 seed = 1, Limits limits = {}, const Origin& from = Origin::of_environment())
      : origin(from),
        now{from.clock_ms * 1'000'000},
        pool({.packets = 4096, .small_buffers = 4096, .large_buffers = 1024}),
        rng(Rng::seeded(seed)),
        destinations({}, rng),
        transport{pool, out, rng, destinations, route, notify, ignore, suspect, this, {}},
        engine((transport.netns.resize(2), transport.netns[ns] = {&sysctl, &drops}, transport), limits, now) {
    engine.add_netns(ns);
    engine.context().test_iss = from.iss;
  }
  ~Harness() { out.clear(pool); }

  // The other end of the flow under test.
  Endpoint here{Ip4Addr{0x0a00'0001}, 80, 0}, peer{Ip4Addr{0x0a00'0002}, 4000, 0};

  void inject(const Seg& s) { give(frame(s)); }
  void give(const std::vector<std::byte>& ip_packet) { give(std::span{&ip_packet, 1}); }
  // All of them in one batch.
  void give(std::span<const std::vector<std::byte>> ip_packets) {
    std::vector<buf::PacketId> batch;
    for (const auto& bytes : ip_packets) {
      const buf::PacketId id = pool.from_bytes(bytes);
      ASSERT_NE(id, buf::PacketId::none);
      buf::Packet& p = pool[id];
      p.netns = ns;
      p.l3 = p.head;
      p.family = here.addr.is_v4() ? 4 : 6;
      p.l4 = static_cast<u16>(p.l3 + (here.addr.is_v4() ? 20 : 40));
      batch.push_back(id);
    }
    engine.receive(batch, now);
  }
  // The IP packet that carries the segment from the peer to here.
  [[nodiscard]] std::vector<std::byte> frame(const Seg& s) const {
    std::vector<std::byte> payload(s.data.empty() ? s.len : s.data.size());
    if (!s.data.empty()) std::memcpy(payload.data(), s.data.data(), s.data.size());
    std::vector<std::byte> tcp(20 + s.options.size());
    wire::emit(wire::TcpFields{.src_port = peer.port,
                               .dst_port = here.port,
                               .seq = s.seq,
                               .ack = s.ack,
                               .flags = {s.flags},
                               .window = static_cast<u16>(s.wnd),
                               .urgent = s.up,
                               .options = s.options},
               tcp);
    tcp.insert(tcp.end(), payload.begin(), payload.end());
    wire::set_transport_checksum(MutBytes{tcp}, wire::TcpView::checksum_at, peer.addr, here.addr, wire::proto::tcp);
    std::vector<std::byte> ip(here.addr.is_v4() ? 20 : 40);
    if (here.addr.is_v4())
      wire::emit(wire::Ipv4Fields{.tos = s.ecn,
                                  .payload_len = static_cast<u16>(tcp.size()),
                                  .protocol = wire::proto::tcp,
                                  .src = peer.addr.v4(),
                                  .dst = here.addr.v4()},
                 ip);
    else
      wire::emit(wire::Ipv6Fields{.traffic_class = s.ecn,
                                  .payload_len = static_cast<u16>(tcp.size()),
                                  .next_header = wire::proto::tcp,
                                  .src = peer.addr.v6(),
                                  .dst = here.addr.v6()},
                 ip);
    ip.insert(ip.end(), tcp.begin(), tcp.end());
    return ip;
  }

  // What has been sent since the last call.
  std::vector<Seg> sent() {
    std::vector<Seg> all;
    while (!out.empty()) {
      const buf::PacketId id = out.pop(pool);
      std::vector<std::byte> bytes(pool[id].length);
      pool.copy_out(id, 0, bytes);
      const usize l4 = static_cast<usize>(pool[id].l4 - pool[id].head);
      const auto v = wire::TcpView::parse(Bytes{bytes}.subspan(l4));
      EXPECT_TRUE(v);
      Seg s{.seq = v->seq(),
            .ack = v->ack(),
            .flags = v->flags().bits,
            .wnd = v->window(),
            .len = static_cast<u32>(v->payload().size()),
            .up = v->urgent(),
            .options = {v->options().begin(), v->options().end()},
            .data = {reinterpret_cast<const char*>(v->payload().data()), v->payload().size()},
            .gso = pool[id].gso,
            .ecn = ecn_of(Bytes{bytes}.subspan(pool[id].l3 - pool[id].head))};
      all.push_back(std::move(s));
      pool.release(id);
    }
    return all;
  }
  // Everything sent comes back in: for a client and a server on one engine.
  u32 loop(u32 most = 10'000) {
    u32 n = 0;
    while (!out.empty() && n < most) {
      const buf::PacketId id = out.pop(pool);
      pool[id].netns = ns;
      engine.receive({&id, 1}, now);
      ++n;
    }
    return n;
  }
  void pass(Duration d) {
    const Instant end = now + d;
    while (engine.next_deadline() <= end) {
      now = std::max(now, engine.next_deadline());
      engine.advance(now, 1'000);
    }
    now = end;
  }
  // Time passes and everything sent comes back.
  void run(Duration d) {
    const Instant end = now + d;
    loop();
    while (engine.next_deadline() <= end) {
      now = std::max(now, engine.next_deadline());
      engine.advance(now, 1'000);
      loop();
    }
    now = end;
  }

  [[nodiscard]] u64 count(Tcp what) { return engine.counters(ns).read(what); }
  [[nodiscard]] u64 dropped(Drop why) const { return drops.read(why); }
  Tcb& tcb(u32 c) { return engine.context().tcbs[c]; }

  Origin origin;
  Instant now;
  Sysctl sysctl;
  ip::DropCounters drops;
  buf::Pool pool;
  Rng rng;
  buf::PacketQueue out;
  ip::DestinationCache destinations;
  ip::Transport transport;
  Engine engine;
  u32 events = 0;      // bits notified so far
  u32 suspected = 0;   // how often IP was told to doubt the path
  u16 mtu = 1500;

  static u8 ecn_of(Bytes ip) {
    const u8 version = load_u8(ip.data()) >> 4, second = load_u8(ip.data() + 1);
    return static_cast<u8>(version == 4 ? second & 3 : second >> 4 & 3);
  }
  static Bytes bytes(const std::string& s) { return std::as_bytes(std::span{s.data(), s.size()}); }

 private:
  static Result<u32> route(void* cx, const ip::RouteQuery& q, Instant now) {
    auto& h = *static_cast<Harness*>(cx);
    const ip::DestinationKey key{q.dst, q.src, q.netns, q.oif};
    u32 d = h.destinations.find(key, now);
    if (d == 0) {
      d = h.destinations.create(key, now);
      h.destinations.resolve(d, {.next_hop = q.dst, .source = q.src.is_any() ? h.here.addr : q.src, .if_out = 1, .mtu = h.mtu}, 1);
    }
    return d;
  }
  static void notify(void* cx, u32, u32 mask) { static_cast<Harness*>(cx)->events |= mask; }
  static void ignore(void*, u32, Instant) {}
  static void suspect(void* cx, u32, Instant) { ++static_cast<Harness*>(cx)->suspected; }
};

}  // namespace weir::tcp::test

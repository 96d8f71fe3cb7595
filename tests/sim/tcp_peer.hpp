// A TCP peer made by hand: a test says what it sends and when, and looks at every segment that weir sends it.
#pragma once

#include <functional>
#include <vector>

#include "sim/monitor.hpp"
#include "sim/stream.hpp"
#include "tests/sim/frames.hpp"

namespace weir::sim::test {

// Waits for weir to connect to its port 80, answers the handshake, and then does what on_segment does; by default it takes
// everything in order and acknowledges nothing.
class TcpPeer {
 public:
  struct Seen {
    Instant time;
    u32 offset = 0;  // of the first byte: 1 is the first of the stream
    u32 length = 0;  // payload
    u16 flags = 0;
  };

  TcpPeer(World& world, Host& host, const LinkConfig& config) : world_(world), link_(world.link(host, raw_, config)) {
    raw_.on_frame = [this](Bytes frame, Instant now) { take(frame, now); };
    // What a peer does that shrinks its window is not for the monitor to judge, and it does not know what weir may do then.
    world.monitor().ignore(Rule::beyond_edge);
  }

  [[nodiscard]] Endpoint address(Family f = Family::v4) const {
    if (f == Family::v4) return {Ip4Addr{0x0a000002}, port};
    return {*IpAddr::parse("fd00::2"), port};
  }

  // window: as on the wire. An ACK of everything up to `offset` (1: nothing but the SYN).
  void ack(u32 offset, u16 window_now) {
    window = window_now;
    send({.seq = isn + 1, .ack = their_isn + offset, .flags = wire::TcpFlags::ack, .window = window_now});
  }
  void send(const TcpSpec& spec) {
    FrameBytes f = tcp_frame(flow_.back(), spec);
    const MacAddr to = World::mac_of(0, 0), from = World::mac_of(0, 1);
    std::memcpy(f.data(), to.b.data(), 6);
    std::memcpy(f.data() + 6, from.b.data(), 6);
    world_.raw_send(link_, raw_, f);
  }

  std::function<void(const Seen&)> on_segment;
  std::vector<Seen> seen;         // data, FIN and probes, without the SYN
  std::vector<std::byte> stream;  // in order
  [[nodiscard]] u32 next() const { return static_cast<u32>(stream.size()) + 1; }
  bool got_reset = false;
  u32 isn = 777, their_isn = 0;
  u16 window = 0xffff;
  u16 mss = 1460;
  bool accept_data = true;
  static constexpr u16 port = 80;

 private:
  void take(Bytes frame, Instant now) {
    const Dissected d = dissect(frame);
    if (!d.is_tcp()) return;
    const auto tcp = wire::TcpView::parse(d.l4);
    flow_ = {d.src, d.dst, tcp->src_port(), tcp->dst_port()};
    if (tcp->flags().any(wire::TcpFlags::rst)) got_reset = true;
    if (tcp->flags().any(wire::TcpFlags::syn)) {
      their_isn = tcp->seq().raw;
      return send({.seq = isn,
                   .ack = their_isn + 1,
                   .flags = wire::TcpFlags::syn | wire::TcpFlags::ack,
                   .window = window,
                   .options = {.mss = mss}});
    }
    const Seen s{now, tcp->seq().raw - their_isn, static_cast<u32>(tcp->payload().size()), tcp->flags().bits};
    seen.push_back(s);
    if (accept_data && s.offset <= next() && s.offset + s.length > next()) {
      const Bytes fresh = tcp->payload().subspan(next() - s.offset);
      stream.insert(stream.end(), fresh.begin(), fresh.end());
    }
    if (on_segment) on_segment(s);
  }

  World& world_;
  RawPeer raw_;
  Link& link_;
  Flow flow_;
};

}  // namespace weir::sim::test

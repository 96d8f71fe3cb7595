// Two engines and a link between them that an attacker can write to: what one sends arrives at the other after a delay.
#pragma once

#include <deque>

#include "tests/attacks/victim.hpp"

namespace weir::attacks {

// Packets sent, as bytes with whole checksums.
inline std::vector<std::byte> frame_of(Harness& h, buf::PacketId id) {
  const buf::Packet& p = h.pool[id];
  std::vector<std::byte> ip(p.length);
  h.pool.copy_out(id, 0, ip);
  const usize l4 = static_cast<usize>(p.l4 - p.head);
  const u16 check = csum_finish(h.pool.sum_from(id, static_cast<u32>(l4)));
  std::memcpy(ip.data() + l4 + wire::TcpView::checksum_at, &check, 2);
  return ip;
}

struct Wire {
  struct Frame {
    Instant at;
    std::vector<std::byte> bytes;
    buf::Gso gso;
  };

  Wire(Harness& from, Harness& to, Duration d) : from_(from), to_(to), delay(d) {}

  void collect() {
    while (!from_.out.empty()) {
      const buf::PacketId id = from_.out.pop(from_.pool);
      const buf::Gso gso = from_.pool[id].gso;
      ++sent;
      wire_segments += std::max<u32>(gso.segments, 1);
      queue_.push_back({from_.now + delay, frame_of(from_, id), gso});
      from_.pool.release(id);
    }
  }
  [[nodiscard]] Instant next() const { return queue_.empty() ? Instant::never() : queue_.front().at; }
  // What is due, in batches of at most `most`.
  void deliver(usize most) {
    std::vector<buf::PacketId> batch;
    const auto flush = [&] {
      if (!batch.empty()) to_.engine.receive(batch, to_.now);
      batch.clear();
    };
    while (!queue_.empty() && queue_.front().at <= to_.now) {
      const Frame& f = queue_.front();
      const buf::PacketId id = to_.pool.from_bytes(f.bytes);
      if (id != buf::PacketId::none) {
        buf::Packet& p = to_.pool[id];
        const u16 ip = to_.here.addr.is_v4() ? 20 : 40;
        p.netns = Harness::ns, p.l3 = p.head, p.l4 = static_cast<u16>(p.l3 + ip), p.family = ip == 20 ? 4 : 6;
        p.gso = f.gso;
        batch.push_back(id);
      }
      queue_.pop_front();
      if (batch.size() >= most) flush();
    }
    flush();
  }

  u64 sent = 0, wire_segments = 0;

 private:
  Harness& from_;
  Harness& to_;
  std::deque<Frame> queue_;

 public:
  Duration delay;
};

// A client and a server, each an engine of its own. Their `here` and `peer` are each other's.
struct TwoHosts {
  explicit TwoHosts(const Place& place, Limits limits = {}, Duration delay = 1_ms, const Sysctl& settings = {})
      : client(place, settings, limits, 1),
        server(other_end(place), settings, limits, 2),
        up(client, server, delay),
        down(server, client, delay) {
    std::swap(client.here, client.peer);
    client.here.port = 4'000;
  }
  static Place other_end(Place p) {
    std::swap(p.iss, p.irs);
    return p;
  }

  bool connect() {
    listener = *server.engine.open(Harness::ns, server.here.addr.family(), 1);
    EXPECT_TRUE(server.engine.bind(listener, {IpAddr::any(server.here.addr.family()), 80, 0}, server.now));
    EXPECT_TRUE(server.engine.listen(listener, 8, server.now));
    c = *client.engine.open(Harness::ns, client.here.addr.family(), 2);
    EXPECT_TRUE(client.engine.bind(c, client.here, client.now));
    EXPECT_EQ(client.engine.connect(c, client.peer, client.now).error(), Errc::in_progress);
    run(10 * up.delay + 1_ms);
    s = server.engine.accept(listener, server.now).value_or(0);
    if (s != 0) server.engine.set_user(s, 3);
    return s != 0;
  }

  void step_to(Instant t) {
    client.now = server.now = t;
    up.deliver(batch);
    down.deliver(batch);
    client.engine.advance(t, 1'000);
    server.engine.advance(t, 1'000);
    up.collect();
    down.collect();
  }
  [[nodiscard]] Instant next() const {
    return std::min({client.engine.next_deadline(), server.engine.next_deadline(), up.next(), down.next()});
  }
  void run(Duration d) {
    const Instant end = client.now + d;
    up.collect();
    down.collect();
    while (next() <= end) step_to(std::max(client.now, next()));
    client.now = server.now = end;
  }

  Victim client, server;
  Wire up, down;
  usize batch = 64;
  u32 listener = 0, c = 0, s = 0;
};

}  // namespace weir::attacks

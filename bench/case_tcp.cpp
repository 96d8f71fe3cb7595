// tcp: one flow between two hosts in memory, both ends and the application on one thread. GB of payload per CPU second.
#include <vector>

#include "bench/cpu.hpp"
#include "bench/pair.hpp"
#include "bench/peers/linux.hpp"
#include "bench/stamp.hpp"

namespace weir::bench {
namespace {

constexpr u32 user_buffer = 64 * 1024;
constexpr u16 port = 5001;

// Copies 64 KiB of user memory into the send queue, and out of the receive queue.
class CopyApp {
 public:
  CopyApp(Pair& p, Sock from, Sock to) : p_(p), from_(from), to_(to), out_(user_buffer), in_(user_buffer) {}
  void send() {
    if (sent_ == filled_) {
      put_stamps(out_, position_);
      position_ += user_buffer;
      sent_ = 0;
      filled_ = user_buffer;
    }
    const auto n = p_.shard.send(from_, Bytes{out_}.subspan(sent_), 0, p_.now);
    if (n) sent_ += *n;
    else if (n.error() != Errc::would_block) must(n, "send");
  }
  void receive() {
    for (;;) {
      const auto n = p_.shard.recv(to_, in_, 0, p_.now);
      if (!n && n.error() == Errc::would_block) return;
      check.take(Bytes{in_}.first(must(n, "recv")));
      if (*n < in_.size()) return;
    }
  }
  StampCheck check;

 private:
  Pair& p_;
  Sock from_, to_;
  std::vector<std::byte> out_, in_;
  u32 sent_ = 0, filled_ = 0;
  u64 position_ = 0;
};

// Fills buffers of the stack's and hands them over; looks at received ones where they lie.
class LentApp {
 public:
  LentApp(Pair& p, Sock from, Sock to) : p_(p), from_(from), to_(to) {}
  void send() {
    if ((p_.shard.ready(from_) & Ready::out) == 0) return;
    Lent lent;
    while (lent.bytes < user_buffer) {
      const auto s = p_.shard.reserve(buf::Pool::large_stride);
      if (!s) break;
      put_stamps({p_.shard.pool().data(s->buffer) + s->offset, s->length}, position_ + lent.bytes);
      lent.slices[lent.n++] = *s;
      lent.bytes += s->length;
    }
    if (lent.n == 0) return;
    position_ += must(p_.shard.send_lent(from_, lent, p_.now), "send_lent");
  }
  void receive() {
    for (;;) {
      const auto lent = p_.shard.recv_lent(to_, 256 * 1024, p_.now);
      if (!lent && lent.error() == Errc::would_block) return;
      must(lent, "recv_lent");
      for (u32 i = 0; i < lent->n; ++i) check.take(p_.shard.pool().bytes(lent->slices[i]));
      p_.shard.return_lent(*lent);
    }
  }
  StampCheck check;

 private:
  Pair& p_;
  Sock from_, to_;
  u64 position_ = 0;
};

template <class App>
Sample transfer(const Env& env, bool gso) {
  Pair p({.offload = gso ? all_offload : no_offload});
  const auto [from, to] = p.connect(p.listen(port), port);
  App app(p, from, to);
  const auto turns = [&](u32 n) {
    for (u32 i = 0; i < n; ++i) {
      app.send();
      p.turn();
      app.receive();
    }
  };
  turns(env.quick ? 4 : 1000);  // past slow start, and the memory has been touched
  const u64 bytes_before = app.check.bytes(), frames_before = p.client_stats().tx_packets;
  const CpuMeter cpu;
  do turns(env.quick ? 4 : 200);
  while (cpu.seconds() < env.seconds);
  const double s = cpu.seconds(), bytes = static_cast<double>(app.check.bytes() - bytes_before);
  const double frames = static_cast<double>(p.client_stats().tx_packets - frames_before);
  if (bytes <= 0) throw Failed("nothing was received");
  if (!gso && frames * 1460 < bytes * 0.99) throw Failed("fewer frames than the bytes need");
  p.check_frames();
  Sample r{bytes / s * 1e-9, s};
  r.extras.push_back({"cpu at 10 Gbit/s", "%", 1.25 / r.value * 100});
  r.extras.push_back({gso ? "per super-segment" : "per frame", "ns", s * 1e9 / frames});
  return r;
}

}  // namespace

Case tcp_case() {
  const auto copy = [](bool gso) { return [gso](const Env& e) { return transfer<CopyApp>(e, gso); }; };
  const auto lent = [](bool gso) { return [gso](const Env& e) { return transfer<LentApp>(e, gso); }; };
  constexpr auto unit = "GB/cpu_s";
  return {"tcp",
          "one TCP flow in memory, both ends on one thread",
          {{"copy,mss=1460,csum=on", unit, Better::higher, copy(false), {"copy,mss=1460,gso=off", "copy,gso=on"}},
           {"copy,gso,csum=off", unit, Better::higher, copy(true), {"copy,gso=on"}},
           {"zerocopy,mss=1460,csum=on", unit, Better::higher, lent(false), {}},
           {"zerocopy,gso,csum=off", unit, Better::higher, lent(true), {}}},
          {{"copy,mss=1460,gso=off", unit, Better::higher, [](const Env& e) { return linux_tcp(e, false); }, {}, true},
           {"copy,gso=on", unit, Better::higher, [](const Env& e) { return linux_tcp(e, true); }, {}, true}}};
}

}  // namespace weir::bench

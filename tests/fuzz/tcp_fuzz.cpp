// A TCP engine driven by the input: segments around the edges of windows with any flags, options and lengths, user calls,
// ICMP errors, time. After each step the invariants of every connection; at the end nothing is left.
#include <array>

#include "tcp/output.hpp"
#include "tests/fuzz/tcp_host.hpp"

using namespace weir;
using namespace weir::fuzz;
using tcp::HotFlags;
using tcp::State;
using tcp::Tcb;
using tcp::Timer;
using wire::TcpFlags;

namespace {

constexpr u16 server_port = 80;
constexpr u32 flows = 4;
constexpr u32 lengths[] = {0, 0, 1, 2, 10, 255, 256, 535, 536, 1'000, 1'459, 1'460, 1'461, 2'920, 4'096};
constexpr u32 offsets[] = {0,     0,     0,           0,           1,      2,      3,       10,       536,
                           1'460, 2'920, 0x7fff'ffff, 0x8000'0000, 0u - 1, 0u - 2, 0u - 10, 0u - 536, 0u - 1'460};
constexpr u16 windows[] = {0, 1, 2, 100, 535, 536, 1'460, 2'920, 8'192, 30'000, 65'535};
constexpr i64 times_ms[] = {0, 1, 10, 40, 200, 500, 1'000, 5'000, 30'000, 61'000, 120'000, 3'600'000};
constexpr Option options[] = {Option::no_delay,           Option::cork,         Option::keepalive,   Option::keepalive_idle,
                              Option::keepalive_interval, Option::user_timeout, Option::linger,      Option::linger2,
                              Option::oob_inline,         Option::quick_ack,    Option::send_buffer, Option::receive_buffer,
                              Option::max_segment,        Option::error,        Option::at_mark};

class Run {
 public:
  explicit Run(Input& in) : in_(in), v6_(in.below(2) != 0), h_(v6_, settings(in), limits(in)) {
    constexpr u32 origins[] = {0, 1, 0x7fff'ff00, 0xffff'ff00, 0x9e37'79b9};
    h_.cx().test_iss = SeqNum{in.of(origins)};
    irs_ = SeqNum{in.of(origins)};
    listener_ = *h_.engine.open(TcpHost::ns, v6_ ? Family::v6 : Family::v4, 1);
    FUZZ_CHECK(h_.engine.bind(listener_, {h_.here, server_port, 0}, h_.now));
    FUZZ_CHECK(h_.engine.listen(listener_, 2, h_.now));
  }

  void step() {
    switch (in_.below(16)) {
      case 0:
      case 1:
      case 2:
      case 3: segment(); break;
      case 4:
      case 5: honest_segment(); break;
      case 6: open(); break;
      case 7: accept(); break;
      case 8: send(); break;
      case 9: receive(); break;
      case 10: shut(); break;
      case 11: option(); break;
      case 12: icmp(); break;
      case 13: h_.out.clear(h_.pool); break;
      default: h_.pass(Duration::millis(in_.of(times_ms)));
    }
    check();
  }

  void finish() {
    for (u32& c : users_) {
      if (c != 0) h_.engine.abort(c, h_.now);
      c = 0;
    }
    h_.engine.close(listener_, h_.now);
    h_.out.clear(h_.pool);
    for (int i = 0; i < 200 && h_.engine.next_deadline() != Instant::never(); ++i) h_.pass(60_min);
    FUZZ_CHECK(h_.engine.next_deadline() == Instant::never());
    FUZZ_CHECK(h_.engine.connections() == 0 && h_.engine.half_open() == 0 && h_.engine.time_wait() == 0);
    FUZZ_CHECK(h_.cx().table.size() == 0 && h_.cx().orphans == 0 && h_.cx().reassembly.live() == 0 && h_.cx().extras.live() == 0);
    FUZZ_CHECK(h_.pool.packets_in_use() == 0 && h_.pool.buffers_in_use() == 0 && h_.pool.blocks().live() == 0);
  }

 private:
  static Sysctl settings(Input& in) {
    constexpr u32 buffers[] = {2'304, 5'000, 65'535, 200'000, 1 << 20};
    Sysctl s;
    const u8 bits = in.byte();
    s.tcp_timestamps = (bits & 1) != 0;
    s.tcp_window_scaling = (bits & 2) != 0;
    s.tcp_rfc1337 = (bits & 4) != 0;
    s.tcp_abort_on_overflow = (bits & 8) != 0;
    if ((bits & 16) != 0) s.tcp_max_orphans = 1;
    if ((bits & 32) != 0) s.tcp_max_tw_buckets = 2;
    if ((bits & 64) != 0) s.tcp_fastopen = 0x607;  // both sides, for everybody, without cookies
    if ((bits & 128) != 0) s.tcp_syncookies = 2;
    s.tcp_rmem = in.of(buffers);
    s.tcp_wmem = in.of(buffers);
    return s;
  }
  static tcp::Limits limits(Input& in) {
    constexpr u32 super[] = {61'440, 1'460, 1};
    return {.max_connections = 12, .max_half_open = 4, .max_time_wait = 8, .max_listeners = 4, .gso_bytes = in.of(super)};
  }

  // Flow 0 and 1 are opened by us, the others by the peer.
  static u16 local_port(u32 flow) { return flow < 2 ? static_cast<u16>(1'000 + flow) : server_port; }
  static u16 remote_port(u32 flow) { return static_cast<u16>(2'000 + flow); }

  // What the engine knows of a flow, to aim at.
  struct Aim {
    SeqNum rcv_nxt{}, rcv_adv{}, snd_una{}, snd_nxt{};
    u32 max_snd_wnd = 0, ts_recent = 0;
    bool timestamps = false, exists = false;
  };
  Aim aim(u32 flow) {
    tcp::Context& cx = h_.cx();
    const tcp::Flow f = h_.flow(local_port(flow), remote_port(flow));
    const tcp::Ref r = cx.find(f, cx.hash(f));
    if (!r) return {.rcv_nxt = irs_, .rcv_adv = irs_};
    const auto record = [](const auto& w) {
      return Aim{w.rcv_nxt, w.rcv_nxt + w.rcv_wnd(), w.snd_nxt, w.snd_nxt, w.max_snd_wnd(), w.ts_recent, (w.bits & 2) != 0, true};
    };
    switch (r.kind()) {
      case tcp::RefKind::tcb: {
        const Tcb& t = cx.tcbs[r.index()];
        return {t.rcv_nxt, t.rcv_adv, t.snd_una, t.snd_nxt, t.max_snd_wnd, t.ts_recent, t.has(HotFlags::timestamps), true};
      }
      case tcp::RefKind::half_open: {
        const tcp::HalfOpen& o = cx.half_open[r.index()];
        return {o.irs + 1, o.irs + 1 + o.rcv_wnd, o.iss, o.iss + 1, o.snd_wnd, o.ts_recent, (o.bits & tcp::HalfOpen::timestamps) != 0,
                true};
      }
      case tcp::RefKind::time_wait4: return record(cx.time_wait4[r.index()]);
      case tcp::RefKind::time_wait6: return record(cx.time_wait6[r.index()]);
    }
    return {};
  }

  Bytes make_options(const Aim& a, bool syn) {
    const u32 kind = in_.below(8);
    if (kind == 0) {  // anything at all
      const Bytes raw = in_.bytes(in_.below(11) * 4);
      wire::copy_bytes(MutBytes{option_bytes_}.first(raw.size()), raw);
      return Bytes{option_bytes_}.first(raw.size() / 4 * 4);
    }
    wire::TcpOptionsOut o;
    if (syn) {
      constexpr u16 sizes[] = {0, 1, 48, 536, 1'460, 65'535};
      o.mss = in_.of(sizes);
      if (kind > 2) o.wscale = in_.byte();
      if (kind > 3) o.has_ts = true;
    }
    if (a.timestamps && kind > 1) o.has_ts = true;
    if (o.has_ts) {
      o.ts_val = a.ts_recent + (kind == 2 ? in_.of(offsets) : in_.below(2));
      o.ts_ecr = static_cast<u32>(h_.cx().now_ms) - in_.byte();
    }
    return Bytes{option_bytes_}.first(wire::emit_options(option_bytes_, o));
  }

  void segment() {
    const u32 flow = in_.below(flows);
    const Aim a = aim(flow);
    TcpSegment s;
    const u8 how = in_.byte();
    s.seq = (how & 1) != 0 ? a.rcv_adv : a.rcv_nxt;
    if ((how & 2) != 0) s.seq = s.seq + in_.of(offsets);
    s.ack = (how & 4) != 0 ? a.snd_una : a.snd_nxt;
    if ((how & 8) != 0) s.ack = s.ack + in_.of(offsets);
    if ((how & 16) != 0) s.ack = a.snd_una - a.max_snd_wnd + in_.of(offsets);
    s.flags = (how & 32) != 0 ? static_cast<u16>(in_.word() & 0x1ff) : u16{TcpFlags::ack};
    if (!a.exists && (how & 64) != 0) s.flags = TcpFlags::syn;
    s.len = in_.of(lengths);
    s.window = in_.of(windows);
    s.urgent = (s.flags & TcpFlags::urg) != 0 ? in_.word() : u16{0};
    s.options = make_options(a, (s.flags & TcpFlags::syn) != 0);
    h_.receive(remote_port(flow), local_port(flow), s);
  }

  // What a peer that means well would send: in order, all acknowledged.
  void honest_segment() {
    const u32 flow = in_.below(flows);
    const Aim a = aim(flow);
    const bool opening = !a.exists;
    const u8 how = in_.byte();
    TcpSegment s{.seq = a.rcv_nxt,
                 .ack = (how & 1) != 0 ? a.snd_una : a.snd_nxt,
                 .flags = opening ? u16{TcpFlags::syn} : u16{TcpFlags::ack},
                 .window = in_.of(windows)};
    if (!opening && (how & 2) != 0) s.len = in_.of(lengths);
    if (!opening && (how & 12) == 12) s.flags |= TcpFlags::fin;
    tcp::Context& cx = h_.cx();
    const tcp::Flow f = h_.flow(local_port(flow), remote_port(flow));
    if (const tcp::Ref r = cx.find(f, cx.hash(f)); r && r.kind() == tcp::RefKind::tcb && cx.tcbs[r.index()].state == State::syn_sent) {
      s.flags |= TcpFlags::syn;
      s.seq = irs_;
    }
    wire::TcpOptionsOut o;
    if (opening || (s.flags & TcpFlags::syn) != 0) o.mss = 1'460, o.wscale = u8{2}, o.has_ts = h_.sysctl.tcp_timestamps, o.ts_val = 1'000;
    if (a.timestamps) o.has_ts = true, o.ts_val = a.ts_recent + 1;
    s.options = Bytes{option_bytes_}.first(wire::emit_options(option_bytes_, o));
    h_.receive(remote_port(flow), local_port(flow), s);
  }

  u32* user() {
    u32* u = &users_[in_.below(users)];
    return *u != 0 ? u : nullptr;
  }
  u32* free_user() {
    for (u32& c : users_)
      if (c == 0) return &c;
    return nullptr;
  }

  void open() {
    u32* u = free_user();
    const u32 flow = in_.below(2);
    if (u == nullptr) return;
    const auto c = h_.engine.open(TcpHost::ns, v6_ ? Family::v6 : Family::v4, 2);
    if (!c) return;
    *u = *c;
    static_cast<void>(h_.engine.set_option(*c, Option::reuse_address, 1, h_.now));
    if (!h_.engine.bind(*c, {h_.here, local_port(flow), 0}, h_.now)) return;
    const Endpoint to{h_.peer, remote_port(flow), 0};
    static const std::vector<std::byte> data(3'000);
    if ((h_.sysctl.tcp_fastopen & 4) != 0) static_cast<void>(h_.engine.connect_send(*c, to, data, h_.now));
    else static_cast<void>(h_.engine.connect(*c, to, h_.now));
  }
  void accept() {
    u32* u = free_user();
    if (u == nullptr) return;
    const auto c = h_.engine.accept(listener_, h_.now);
    if (!c) return;
    *u = *c;
    h_.engine.set_user(*c, 3);
  }
  void send() {
    constexpr u32 sizes[] = {0, 1, 10, 535, 536, 1'460, 5'000, 20'000};
    constexpr u32 flags[] = {0, 0, SendFlags::oob, SendFlags::more};
    static const std::vector<std::byte> data(20'000);
    const u32 n = in_.of(sizes), f = in_.of(flags);
    if (const u32* u = user()) static_cast<void>(h_.engine.send(*u, Bytes{data}.first(n), f, h_.now));
  }
  void receive() {
    constexpr u32 sizes[] = {0, 1, 2, 100, 1'460, 65'536};
    constexpr u32 flags[] = {0, 0, RecvFlags::peek, RecvFlags::oob};
    static std::vector<std::byte> into(65'536);
    const u32 n = in_.of(sizes), f = in_.of(flags);
    const u32* u = user();
    if (u == nullptr) return;
    if (in_.below(4) == 0) {
      if (const auto lent = h_.engine.recv_lent(*u, n, h_.now))
        for (u32 i = 0; i < lent->n; ++i) h_.pool.unref(lent->slices[i].buffer);
      return;
    }
    const u32 there = h_.engine.info(*u).rx_bytes;
    const auto got = h_.engine.recv(*u, MutBytes{into}.first(n), f, h_.now);
    FUZZ_CHECK(!got || *got <= std::min(n, there));
    static_cast<void>(h_.engine.ready(*u));
  }
  void shut() {
    constexpr Shutdown how[] = {Shutdown::read, Shutdown::write, Shutdown::both};
    const u32 what = in_.below(5);
    u32* u = user();
    if (u == nullptr) return;
    if (what < 3) return static_cast<void>(h_.engine.shutdown(*u, how[what], h_.now));
    if (what == 3) h_.engine.close(*u, h_.now);
    else h_.engine.abort(*u, h_.now);
    *u = 0;
  }
  void option() {
    constexpr i64 values[] = {0, 1, -1, 1'000, 20'000, 1'000'000'000, 5'000'000'000, 200'000'000'000};
    const Option o = in_.of(options);
    const i64 v = in_.of(values);
    const u32* u = user();
    if (u == nullptr) return;
    static_cast<void>(h_.engine.set_option(*u, o, v, h_.now));
    static_cast<void>(h_.engine.get_option(*u, o));
  }
  void icmp() {
    constexpr u32 mtus[] = {0, 1, 68, 300, 552, 576, 1'279, 1'280, 1'400, 1'500, 9'000, 0xffff'ffff};
    const u32 flow = in_.below(flows);
    const Aim a = aim(flow);
    std::byte quote[8];
    store_be16(quote, local_port(flow));
    store_be16(quote + 2, remote_port(flow));
    store_be32(quote + 4, (a.snd_una + in_.of(offsets)).raw);
    ip::IcmpError e;
    e.kind = static_cast<ip::IcmpError::Kind>(in_.below(9)), e.mtu = in_.of(mtus), e.netns = TcpHost::ns;
    e.src = h_.here, e.dst = h_.peer, e.protocol = wire::proto::tcp, e.transport = quote;
    h_.engine.icmp_error(e, h_.now);
  }

  void check() {
    tcp::Context& cx = h_.cx();
    u32 orphans = 0;
    FUZZ_CHECK(cx.touched.size() == 0);
    cx.tcbs.for_each([&](u32 i) {
      const Tcb& t = cx.tcbs[i];
      orphans += t.is(tcp::ColdFlags::orphan) ? 1 : 0;
      FUZZ_CHECK(!t.has(HotFlags::touched));
      if (t.state == State::closed || t.state == State::listen || t.state == State::time_wait) {
        FUZZ_CHECK(t.timer == Timer::none && t.tx.empty() && t.ooo == 0);
        return;
      }
      check_sending(t);
      check_timer(t);
      if (t.state != State::syn_sent) check_receiving(i, t);
    });
    FUZZ_CHECK(orphans == cx.orphans);
    for (Edge& e : edges_) e.known = std::exchange(e.seen, false);  // an index may be another connection's next time
  }
  void check_sending(const Tcb& t) {
    FUZZ_CHECK(t.snd_una <= t.snd_nxt && t.snd_mss >= 36 && t.cwnd <= 1u << 30);
    if (!t.synchronized()) return;
    FUZZ_CHECK(t.cwnd >= 1);
    const u32 fin = t.has(HotFlags::fin_sent) && t.flight() != 0 ? 1u : 0u;
    FUZZ_CHECK(t.tx.size() == t.flight() - fin + t.unsent());
    FUZZ_CHECK(t.snd_una - 1 <= t.recover && t.recover <= t.snd_nxt);  // ISS at first
    FUZZ_CHECK(t.max_acked <= t.max_sent);
  }
  // With data in flight exactly the retransmission timer runs; with data queued and nothing in flight, persist; else
  // nothing, or what an idle connection may wait for.
  void check_timer(const Tcb& t) {
    FUZZ_CHECK(h_.cx().wheel.armed(2 * t.id) == (t.timer != Timer::none));
    FUZZ_CHECK(h_.cx().wheel.armed(2 * t.id + 1) == t.is(tcp::ColdFlags::delayed_ack));
    // Fast Open does not count its SYN-ACK as in flight.
    if (t.flight() != 0 || t.state == State::syn_received) FUZZ_CHECK(t.timer == Timer::retransmit);
    else if (tcp::pending(t)) FUZZ_CHECK(t.timer == Timer::persist);
    else FUZZ_CHECK(t.timer == Timer::none || t.timer == Timer::keepalive || t.timer == Timer::fin_wait_2);
  }
  void check_receiving(u32 i, const Tcb& t) {
    Edge& e = edges_[i];
    FUZZ_CHECK(!e.known || (t.rcv_adv >= e.adv && t.rcv_nxt >= e.nxt));
    e = {t.rcv_adv, t.rcv_nxt, true, true};
    if (t.ooo == 0) return;
    const tcp::Reassembly& r = h_.cx().reassembly[t.ooo];
    FUZZ_CHECK(!r.empty());
    for (u32 k = 0; k < r.ranges(); ++k) {
      FUZZ_CHECK(r.range(k).start < r.range(k).end);
      FUZZ_CHECK(r.range(k).start > (k == 0 ? t.rcv_nxt : r.range(k - 1).end));
      FUZZ_CHECK(r.range(k).end <= t.rcv_adv);
    }
  }

  struct Edge {
    SeqNum adv{}, nxt{};
    bool known = false, seen = false;
  };
  static constexpr u32 users = 4;
  Input& in_;
  bool v6_;
  TcpHost h_;
  SeqNum irs_;
  u32 listener_ = 0;
  std::array<u32, users> users_{};
  std::array<Edge, 64> edges_{};
  std::array<std::byte, 44> option_bytes_{};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, usize size) {
  Input in(input(data, size));
  Run run(in);
  for (int i = 0; i < 300 && !in.empty(); ++i) run.step();
  run.finish();
  return 0;
}

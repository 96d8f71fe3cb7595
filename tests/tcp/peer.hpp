// A scripted peer: opens a connection to the engine under test by hand-made segments and then says what the test says.
#pragma once

#include "tests/tcp/harness.hpp"

namespace weir::tcp::test {

using F = wire::TcpFlags;

struct PeerOptions {
  std::optional<u16> mss = u16{1460};
  std::optional<u8> wscale{};
  bool timestamps = false;
  u32 window = 65'535;
  std::optional<SeqNum> iss{};  // none: of the harness
  bool sack = false;
  u16 syn_flags = 0;  // beside SYN
  Duration rtt{};     // of the handshake
};

inline std::vector<std::byte> options(const wire::TcpOptionsOut& o) {
  std::vector<std::byte> out(40);
  out.resize(wire::emit_options(out, o));
  return out;
}

// The engine listens on port 80; the peer connects. Sequence numbers are kept as the peer sees them.
class Peer {
 public:
  explicit Peer(Harness& h, PeerOptions o = {}) : h_(h), o_(o), next(o.iss.value_or(h.origin.irs)) { listen(); }

  void listen() {
    listener = *h_.engine.open(Harness::ns, h_.here.addr.family(), 1);
    EXPECT_TRUE(h_.engine.bind(listener, {IpAddr::any(h_.here.addr.family()), h_.here.port, 0}, h_.now));
    EXPECT_TRUE(h_.engine.listen(listener, 16, h_.now));
  }
  // Handshake; the connection's index at the engine.
  u32 open() {
    wire::TcpOptionsOut o;
    o.mss = o_.mss;
    o.wscale = o_.wscale;
    o.sack_permitted = o_.sack;
    if (o_.timestamps) o.has_ts = true, o.ts_val = ts;
    h_.inject(
        {.seq = next, .flags = static_cast<u16>(F::syn | o_.syn_flags), .wnd = std::min<u32>(o_.window, 65'535), .options = options(o)});
    const auto out = h_.sent();
    EXPECT_EQ(out.size(), 1u);
    if (out.size() != 1) return 0;
    syn_ack = out[0];
    iss = out[0].seq;
    acked = iss + 1;
    const auto got = wire::parse_options(syn_ack.options);
    ts_on = o_.timestamps && got && got->has_ts;
    if (got) theirs = got->ts_val;
    next += 1;
    if (o_.rtt > Duration{}) h_.pass(o_.rtt);
    ack();
    h_.sent();
    const auto c = h_.engine.accept(listener, h_.now);
    EXPECT_TRUE(c);
    conn = c.value_or(0);
    if (conn != 0) h_.engine.set_user(conn, 9);
    return conn;
  }
  [[nodiscard]] Seg make(u16 flags, u32 len = 0) const {
    Seg s{.seq = next, .ack = acked, .flags = flags, .wnd = o_.window >> o_.wscale.value_or(0), .len = len};
    if (ts_on) s.options = options({.has_ts = true, .ts_val = ts, .ts_ecr = theirs});
    return s;
  }
  void ack() { h_.inject(make(F::ack)); }
  void ack(SeqNum a) {
    acked = a;
    ack();
  }
  // An ACK of what was acknowledged so far, or of `a`, with these blocks in this order.
  void sack(std::vector<wire::SackBlock> blocks, std::optional<SeqNum> a = {}) {
    if (a) acked = *a;
    Seg s = make(F::ack);
    wire::TcpOptionsOut o{.sack = blocks};
    if (ts_on) o.has_ts = true, o.ts_val = ts, o.ts_ecr = theirs;
    s.options = options(o);
    h_.inject(s);
  }
  void data(u32 len, u16 more = 0) {
    h_.inject(make(static_cast<u16>(F::ack | F::psh | more), len));
    next += len + ((more & F::fin) != 0 ? 1u : 0u);
  }
  // Text at another place than the next: `offset` from it.
  void data_at(i32 offset, u32 len, u16 more = 0) {
    Seg s = make(static_cast<u16>(F::ack | more), len);
    s.seq = next + static_cast<u32>(offset);
    h_.inject(s);
  }
  void say(Seg s) { h_.inject(s); }
  void window(u32 w) { o_.window = w; }

  Harness& h_;
  PeerOptions o_;
  SeqNum next;          // the peer's SND.NXT
  SeqNum acked{}, iss{};  // what the peer acknowledges; the engine's ISS
  Seg syn_ack;
  u32 listener = 0, conn = 0;
  bool ts_on = false;
  u32 ts = 1'000, theirs = 0;
};

}  // namespace weir::tcp::test

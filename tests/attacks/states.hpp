// A connection led into each of the eleven states by segments and user calls alone.
#pragma once

#include "tests/attacks/victim.hpp"

namespace weir::attacks {

inline constexpr State all_states[] = {State::closed,      State::listen,     State::syn_sent,   State::syn_received,
                                       State::established, State::fin_wait_1, State::fin_wait_2, State::close_wait,
                                       State::closing,     State::last_ack,   State::time_wait};

// The flow of one connection, and who holds what of it. Each has ports of its own, so that many live in one engine.
struct Led {
  Led(Victim& victim, State s, u16 port) : h(victim) {
    h.here.port = port;
    h.peer.port = static_cast<u16>(port ^ 0x5555u);
    lead(s);
    h.sent();
  }
  ~Led() {
    if (peer && peer->conn != 0) h.engine.abort(peer->conn, h.now);
    if (peer) h.engine.abort(peer->listener, h.now);
    if (client != 0) h.engine.abort(client, h.now);
    h.out.clear(h.pool);
  }
  Led(const Led&) = delete;
  Led& operator=(const Led&) = delete;

  [[nodiscard]] bool synchronized(State s) const { return s >= State::established; }
  // Where the flow is now, by what the table says.
  [[nodiscard]] State now() {
    tcp::Context& cx = h.engine.context();
    const tcp::Flow f{h.here.addr, h.peer.addr, h.here.port, h.peer.port, Harness::ns};
    const tcp::Ref r = cx.find(f, cx.hash(f));
    if (!r) return peer ? State::listen : State::closed;
    switch (r.kind()) {
      case tcp::RefKind::tcb: return cx.tcbs[r.index()].state;
      case tcp::RefKind::half_open: return State::syn_received;
      default: return State::time_wait;
    }
  }

  Victim& h;
  std::optional<Peer> peer{};
  u32 client = 0;       // in SYN-SENT
  SeqNum rcv_nxt{};     // what the engine expects
  SeqNum snd_una{}, snd_nxt{};
  u32 rcv_wnd = 0;

 private:
  void lead(State s) {
    if (s == State::closed) return;
    if (s == State::syn_sent) return connect();
    peer.emplace(h);
    if (s == State::listen) return;
    if (s == State::syn_received) {
      const Seg syn_ack = h.hit(Seg{.seq = peer->next, .flags = F::syn, .options = tcp::test::options({.mss = u16{1460}})}).replies.at(0);
      peer->acked = snd_una = syn_ack.seq;
      snd_nxt = syn_ack.seq + 1;
      rcv_nxt = peer->next += 1;
      rcv_wnd = syn_ack.wnd;
      return;
    }
    const u32 c = peer->open();
    close_as(s, c);
    const tcp::Tcb& t = h.tcb(c);
    rcv_nxt = t.rcv_nxt, rcv_wnd = t.rcv_wnd(), snd_una = t.snd_una, snd_nxt = t.snd_nxt;
  }
  void connect() {
    client = *h.engine.open(Harness::ns, h.here.addr.family(), 5);
    EXPECT_TRUE(h.engine.bind(client, h.here, h.now));
    EXPECT_EQ(h.engine.connect(client, h.peer, h.now).error(), Errc::in_progress);
    const Seg syn = h.sent().at(0);
    snd_una = syn.seq;
    snd_nxt = syn.seq + 1;
  }
  void close_as(State s, u32 c) {
    const bool we_first = s == State::fin_wait_1 || s == State::fin_wait_2 || s == State::closing || s == State::time_wait;
    const bool acked = s == State::fin_wait_2 || s == State::time_wait;
    if (we_first) {
      EXPECT_TRUE(h.engine.shutdown(c, Shutdown::write, h.now));
    }
    if (acked) peer->ack(peer->acked + 1);
    if (s == State::close_wait || s == State::closing || s == State::last_ack || s == State::time_wait) peer->data(0, F::fin);
    if (s == State::last_ack) {
      EXPECT_TRUE(h.engine.shutdown(c, Shutdown::write, h.now));
    }
    EXPECT_EQ(now(), s);
  }
};

}  // namespace weir::attacks

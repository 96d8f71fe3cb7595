// The input space of segment arrival: state x flags x SEQ x ACK x length, as RFC 9293 3.10.7 distinguishes them.
//
//   for (State s : all_states)
//     for_each_case(canonical(s, {}), [](const Case& c) { ... arrives(c.tcb, c.seg, now, cfg) ... });
#pragma once

#include <array>

#include "tests/model/tcp_model.hpp"

namespace weir::model {

inline constexpr u32 space_mss = 1'460;

inline constexpr std::array all_states{State::closed,      State::listen,     State::syn_sent,   State::syn_received,
                                       State::established, State::fin_wait_1, State::fin_wait_2, State::close_wait,
                                       State::closing,     State::last_ack,   State::time_wait};

// Where SEG.SEQ lies. The last two are beside the six of the requirement: the numbers that pure_ack_at_the_edge is
// about.
enum class SeqKind : u8 { old, before, next, inside, last, outside, edge, past_edge };
// Where SEG.ACK lies. `lowest` is beside the six: the least that RFC 5961 5.2 accepts.
enum class AckKind : u8 { below, old, una, inside, nxt, beyond, lowest };
enum class LenKind : u8 { none, one, mss, past_window };

inline constexpr std::array all_seqs{SeqKind::old,  SeqKind::before,  SeqKind::next, SeqKind::inside,
                                     SeqKind::last, SeqKind::outside, SeqKind::edge, SeqKind::past_edge};
inline constexpr std::array all_acks{AckKind::below, AckKind::old,    AckKind::una,   AckKind::inside,
                                     AckKind::nxt,   AckKind::beyond, AckKind::lowest};
inline constexpr std::array all_lens{LenKind::none, LenKind::one, LenKind::mss, LenKind::past_window};
inline constexpr u16 all_flags = 512;  // FIN SYN RST PSH ACK URG ECE CWR AE, from bit 0 as on the wire

// Where the sequence numbers of both directions begin.
struct Origin {
  u32 iss = 1'000, irs = 5'000;
};
// 0, just before 2^31 and 2^32 so that the numbers in use straddle them, and one without a pattern.
inline constexpr std::array<Origin, 4> origins{
    {{0, 0}, {0x8000'0000u - 2'500u, 0x8000'0000u - 3'000u}, {0u - 2'500u, 0u - 3'000u}, {0x9e37'79b9u, 0x3c6e'f372u}}};

struct Situation {
  Origin origin{};
  bool passive = true;
  bool user_closed = false;  // has an effect from FIN-WAIT-1 on
  bool fin_sent = true;      // FIN-WAIT-1: false while text that is queued before the FIN has not been sent
  u32 rcv_wnd = 4 * space_mss;
  u32 snd_wnd = 20'000;
};

// The connection after this and no other exchange, so that a real one can be led there by packets:
// SYNs cross as the state says; the peer sends 500 bytes, which the user takes; we send 1,000 bytes, the peer's pure
// ACK of which is the last window update; then 2,000 bytes (in ESTABLISHED, FIN-WAIT-1, CLOSE-WAIT, CLOSING, LAST-ACK:
// still in flight, with our FIN behind them where the state has one; in FIN-WAIT-2 and TIME-WAIT acknowledged with it).
// A FIN of the peer carries ACK=SND.UNA and no text; RCV.WND is what it was before, less one.
[[nodiscard]] inline Tcb canonical(State state, const Situation& in = {}) {
  Tcb t{.state = state};
  if (state == State::closed || state == State::listen) return t;
  t.passive = in.passive && state != State::syn_sent;
  t.iss = {in.origin.iss};
  t.snd_una = t.iss;
  t.snd_nxt = t.iss + 1;
  t.rcv_wnd = in.rcv_wnd;
  if (state == State::syn_sent) return t;
  t.irs = {in.origin.irs};
  t.rcv_nxt = t.rcv_up = t.read_nxt = t.irs + 1;
  t.snd_wnd = t.max_snd_wnd = in.snd_wnd;
  t.snd_wl1 = t.irs;
  t.snd_wl2 = t.iss;
  if (state == State::syn_received) return t;

  t.rcv_nxt += 500;
  t.read_nxt = t.rcv_nxt;
  t.snd_una = t.iss + 1'001;
  t.snd_nxt = t.snd_una + 2'000;
  t.snd_wl1 = t.rcv_nxt;
  t.snd_wl2 = t.snd_una;
  const bool we_closed = state != State::established && state != State::close_wait;
  const bool peer_closed = state != State::established && state != State::fin_wait_1 && state != State::fin_wait_2;
  if (we_closed) t.user_closed = in.user_closed;
  if (we_closed && (in.fin_sent || state != State::fin_wait_1)) {
    t.fin_sent = true;
    t.fin_seq = t.snd_nxt;
    ++t.snd_nxt;
  }
  if (state == State::fin_wait_2 || state == State::time_wait) t.snd_una = t.snd_wl2 = t.snd_nxt;
  if (peer_closed) {
    // The FIN updates the window too where it carries a newer ACK or sequence number than the last update: the same
    // here.
    ++t.rcv_nxt;
    if (t.rcv_wnd > 0) --t.rcv_wnd;
  }
  return t;
}

struct Case {
  const Tcb& tcb;
  SeqKind seq_kind;
  AckKind ack_kind;
  LenKind len_kind;
  u16 flags;
  Seg seg;
};

[[nodiscard]] inline SeqNum place_seq(const Tcb& t, SeqNum rcv_nxt, SeqKind k) {
  const SeqNum edge = rcv_nxt + t.rcv_wnd;
  switch (k) {
    case SeqKind::old: return rcv_nxt - 100'000;
    case SeqKind::before: return rcv_nxt - 1;
    case SeqKind::next: return rcv_nxt;
    case SeqKind::inside: return rcv_nxt + t.rcv_wnd / 2;
    case SeqKind::last: return t.rcv_wnd > 0 ? edge - 1 : rcv_nxt;
    case SeqKind::outside: return edge + space_mss;
    case SeqKind::edge: return edge;
    case SeqKind::past_edge: return edge + 1;
  }
  return rcv_nxt;
}

[[nodiscard]] inline SeqNum place_ack(const Tcb& t, AckKind k) {
  switch (k) {
    case AckKind::below: return t.snd_una - t.max_snd_wnd - 1;
    case AckKind::lowest: return t.snd_una - t.max_snd_wnd;
    case AckKind::old: return t.snd_una - 1;
    case AckKind::una: return t.snd_una;
    case AckKind::inside: return t.snd_una + (t.snd_nxt - t.snd_una) / 2;
    case AckKind::nxt: return t.snd_nxt;
    case AckKind::beyond: return t.snd_nxt + 1;
  }
  return t.snd_una;
}

[[nodiscard]] inline u32 place_len(const Tcb& t, LenKind k) {
  switch (k) {
    case LenKind::none: return 0;
    case LenKind::one: return 1;
    case LenKind::mss: return space_mss;
    case LenKind::past_window: return t.rcv_wnd + space_mss;
  }
  return 0;
}

// `rcv_nxt` stands in for RCV.NXT in the states that have none. SEG.WND and SEG.UP differ from what the connection
// knows.
[[nodiscard]] inline Seg make_seg(const Tcb& t, SeqNum rcv_nxt, SeqKind s, AckKind a, LenKind l, u16 flags) {
  const auto on = [flags](u16 bit) { return (flags & bit) != 0; };
  return {.seq = place_seq(t, rcv_nxt, s),
          .ack = place_ack(t, a),
          .len = place_len(t, l),
          .wnd = 12'000,
          .fin = on(0x001),
          .syn = on(0x002),
          .rst = on(0x004),
          .psh = on(0x008),
          .ack_flag = on(0x010),
          .urg = on(0x020),
          .ece = on(0x040),
          .cwr = on(0x080),
          .ae = on(0x100),
          .up = 10};
}

// Calls f(const Case&) for every combination: 512 x 8 x 7 x 4 = 114,688 for one connection.
template <class F>
void for_each_case(const Tcb& t, F&& f, SeqNum rcv_nxt_if_none = {5'001}) {
  const bool has_rcv_nxt = t.state != State::closed && t.state != State::listen && t.state != State::syn_sent;
  const SeqNum rcv_nxt = has_rcv_nxt ? t.rcv_nxt : rcv_nxt_if_none;
  for (const SeqKind s : all_seqs)
    for (const AckKind a : all_acks)
      for (const LenKind l : all_lens)
        for (u16 flags = 0; flags < all_flags; ++flags) f(Case{t, s, a, l, flags, make_seg(t, rcv_nxt, s, a, l, flags)});
}

}  // namespace weir::model

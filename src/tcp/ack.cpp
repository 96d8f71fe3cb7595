// RFC 9293 3.10.7.4 step five: the ACK field. RFC 5681 2 (duplicate ACKs), RFC 5961 5.2.
#include "tcp/arrives.hpp"
#include "tcp/autotune.hpp"
#include "tcp/counts.hpp"
#include "tcp/emit.hpp"
#include "tcp/fast_open.hpp"
#include "tcp/output.hpp"
#include "tcp/recovery/recovery.hpp"
#include "tcp/rtt.hpp"
#include "tcp/user_calls.hpp"

namespace weir::tcp {
namespace {

// Bytes of the send queue that `acked` sequence numbers cover: SYN and FIN are not in it.
void clean_send_queue(Context& cx, Tcb& t, u32 acked) noexcept {
  const u32 data = std::min(acked, t.tx.size());  // the FIN, if covered, is one beyond
  t.tx.pop(cx.env.pool, data);
  t.bytes_out += data;
}

void take_rtt_sample(Context& cx, Tcb& t, const Segment& seg) noexcept {
  if (t.is(ColdFlags::timing) && seg.ack >= t.rtt_seq) {
    t.unmark(ColdFlags::timing);
    rtt_sample(cx, t, cx.now_us() - t.rtt_start_us);
    return;
  }
  // Not timed: a retransmission is in the window. The echoed timestamp says which copy it was (RFC 7323 4.1). Of the first
  // one it proves nothing: its ACK may have been lost, and this one is of a copy that came when it was there already, which
  // leaves TS.Recent as it was (RFC 7323 5.3 R2). The sample would be the time-out, and the next time-out twice as long.
  if (!t.is(ColdFlags::timing) && seg.has_ts && seg.ts_ecr != 0) {
    const u32 echoed_ms = seg.ts_ecr - t.ts_offset, ms = cx.now_ms - echoed_ms;
    if (static_cast<i32>(echoed_ms - t.resent_ms) < 0) return;
    if (ms < 10 * 60 * 1'000) rtt_sample(cx, t, std::max<u32>(ms, 1) * 1'000);
  }
}

// At most so large was a segment that was acknowledged: what RFC 5927 7.2 compares claims with.
void note_acked_size(Tcb& t, u32 acked) noexcept {
  t.max_acked = std::max<u16>(t.max_acked, static_cast<u16>(std::min<u32>(acked, t.max_sent)));
}

// RFC 5681 2: a duplicate ACK carries nothing, changes no window, and there is something outstanding.
bool is_duplicate(const Tcb& t, const Segment& seg) noexcept {
  //= rfc5681#2 MUST-13
  return seg.len == 0 && seg.ack == t.snd_una && t.flight() != 0 && seg.wnd << t.snd_wscale == t.snd_wnd;
}

// Is everything that we sent, FIN included, acknowledged by this ACK?
bool fin_acked(const Tcb& t) noexcept { return t.has(HotFlags::fin_sent) && t.snd_una == t.snd_nxt; }

void update_window(Tcb& t, const Segment& seg, bool is_new) noexcept {
  // With the correction that an ACK equal to SND.UNA may update the window too. A new ACK is no old segment whatever its
  // SEG.SEQ (a retransmission): without its window, the old one would count from the new SND.UNA and the edge move right
  // though nobody advertised it.
  if (!(is_new || t.snd_wl1 < seg.sent_seq || (t.snd_wl1 == seg.sent_seq && t.snd_wl2 <= seg.ack))) return;
  t.snd_wnd = seg.wnd << t.snd_wscale;  //= rfc9293#3.1 MUST-1
  t.snd_wl1 = seq_max(t.snd_wl1, seg.sent_seq);
  t.snd_wl2 = seg.ack;
  t.max_snd_wnd = std::max(t.max_snd_wnd, t.snd_wnd);
}

// SYN-RECEIVED of a simultaneous open (a passive one is a HalfOpen).
void ack_syn_received(Context& cx, Tcb& t, const Segment& seg) noexcept {
  t.state = State::established;
  t.snd_wnd = seg.wnd << (seg.sent_seq == seg.seq ? t.snd_wscale : u8{0});  // a SYN-ACK is never scaled
  t.snd_wl1 = seg.sent_seq;
  t.snd_wl2 = seg.ack;
  t.max_snd_wnd = std::max(t.max_snd_wnd, t.snd_wnd);
  // Once data is in flight the time is that of its first segment.
  if (!t.is(ColdFlags::syn_lost) && !t.is(ColdFlags::timing)) rtt_sample(cx, t, cx.now_us() - t.rtt_start_us);
  const bool fast = (t.fast_open & FastOpenFlags::child) != 0;
  if (!fast) t.snd_una = seg.ack;
  t.retries = t.backoff = 0;
  establish(cx, t);
  if (!fast) return;
  fast_open::ended(cx, t);
  if (seg.ack > t.snd_una) ack_advances(cx, t, seg);
}

// What the acknowledgment of our FIN means in each closing state.
Verdict after_fin_acked(Context& cx, Tcb& t) noexcept {
  switch (t.state) {
    case State::fin_wait_1:
      t.state = State::fin_wait_2;
      cx.notify(t, Ready::out);
      return Verdict::next_step;
    case State::closing: enter_time_wait(cx, t); return Verdict::next_step;
    case State::last_ack: finish_connection(cx, t, Errc::would_block); return Verdict::done;
    default: return Verdict::next_step;
  }
}

// What the ACK has taught goes to who judges; without anything in flight there is nothing to judge.
void judge(Context& cx, Tcb& t, Sender* s, const Segment& seg, Learnt& l) noexcept {
  if (s == nullptr) return set_timer(cx, t, l.advanced);
  if (seg.more_options && t.has(HotFlags::sack)) recovery::take_sacks(cx, t, *s, seg, l);
  if (t.ecn != 0 && seg.any(TcpFlags::ece) && !seg.any(TcpFlags::syn)) {
    cx.count(t, Tcp::ece_in);
    l.ece = (t.ecn & EcnState::on) != 0;
    l.ce_bytes = l.ece ? l.delivered : 0;
  }
  if (l.ece || l.advanced || l.duplicate || l.delivered != 0 || l.dsack) recovery::on_ack(cx, t, *s, l);
}

void advance(Context& cx, Tcb& t, Sender* s, const Segment& seg, Learnt& l) noexcept {
  const u32 acked = seg.ack - t.snd_una;
  if (s != nullptr) recovery::take_ack(cx, t, *s, seg.ack, seg, l);
  else l.advanced = true;
  take_rtt_sample(cx, t, seg);
  note_acked_size(t, acked);
  clean_send_queue(cx, t, acked);
  t.snd_una = seg.ack;
  t.retries = 0;
  t.progress_ms = cx.now_ms;
  // What is remembered must not fall 2^31 behind, or it would seem to lie ahead.
  t.recover = seq_max(t.recover, t.snd_una - 1);
  t.snd_sml = seq_max(t.snd_sml, t.snd_una);
  t.resent_ms = cx.now_ms - std::min(cx.now_ms - t.resent_ms, 1u << 30);
  if (t.is(ColdFlags::urgent_out) && t.snd_up <= t.snd_una) t.unmark(ColdFlags::urgent_out);
  t.unmark(ColdFlags::pmtu_pending);  // progress: a claim that contradicts it was false (RFC 5927 7.2)
  if (t.error == Errc::would_block) t.soft_error = Errc::would_block;
}

// After the ACK has been judged: who waits for room, and a path that was narrow.
void after_progress(Context& cx, Tcb& t) noexcept {
  release_sender_if_idle(cx, t);
  t.unmark(ColdFlags::r1_told);
  autotune::on_ack(cx, t);
  if (t.path_is_narrow) update_mss(cx, t);  // RFC 1191 6.3: after ten minutes the larger size is tried again
  tell_writable(cx, t);
}

}  // namespace

void ack_advances(Context& cx, Tcb& t, const Segment& seg) noexcept {
  Sender* const s = sender(cx, t);
  Learnt l = s != nullptr ? recovery::begin(t, *s) : Learnt{};
  advance(cx, t, s, seg, l);
  update_window(t, seg, true);
  judge(cx, t, s, seg, l);
  after_progress(cx, t);
}

bool ack_acceptable(const Tcb& t, const Segment& seg) noexcept {
  if (!seg.any(TcpFlags::ack) || seg.ack > t.snd_nxt) return false;
  if (t.state == State::syn_received)  // Fast Open does not count its SYN-ACK as in flight
    return t.snd_una < seg.ack || (t.snd_una == seg.ack && (t.fast_open & FastOpenFlags::child) != 0);
  //= rfc5961#5.2 MUST-5
  return seg.ack >= t.snd_una - t.max_snd_wnd;
}

Verdict process_ack(Context& cx, Tcb& t, const Segment& seg) noexcept {
  if (t.state == State::syn_received) {
    ack_syn_received(cx, t, seg);
    return Verdict::next_step;
  }
  if (seg.ack > t.snd_una) {
    ack_advances(cx, t, seg);
  } else {
    Sender* const s = sender(cx, t);
    Learnt l = s != nullptr ? recovery::begin(t, *s) : Learnt{};
    l.duplicate = is_duplicate(t, seg);
    if (l.duplicate) {
      cx.count(t, Tcp::dup_acks_in);
      counts::add(cx, t, &Counts::dup_acks_in);
    }
    if (seg.ack == t.snd_una) {
      update_window(t, seg, false);
      //= rfc9293#3.8.6.1 MUST-37
      //= rfc9293#3.8.6 SHLD-17
      if (t.timer == Timer::persist || t.snd_wnd == 0) t.retries = 0;  // the peer lives
    }
    if (s != nullptr) judge(cx, t, s, seg, l);
  }
  return fin_acked(t) ? after_fin_acked(cx, t) : Verdict::next_step;
}

Verdict step5_ack(Context& cx, Tcb& t, const Segment& seg) noexcept {
  if (!seg.any(TcpFlags::ack)) {
    cx.why = Drop::tcp_bad_flags;
    return Verdict::drop;
  }
  if (ack_acceptable(t, seg)) {
    //= rfc7323#5.3 MUST-13
    update_ts_recent(cx, t, seg);  // not earlier: who guesses a sequence number must not poison PAWS (A63)
    return process_ack(cx, t, seg);
  }
  cx.why = Drop::tcp_bad_ack;
  if (t.state != State::syn_received) {
    challenge(cx, t);
    return Verdict::drop;
  }
  t.unset(HotFlags::ack_now);
  reply_reset(cx, flow_of(t), seg);  // RFC 9293 3.5.2, group 2
  return Verdict::drop;
}

}  // namespace weir::tcp

// tcp/recovery/recovery.hpp
#include "tcp/recovery/recovery.hpp"

#include <utility>

#include "tcp/cc/apply.hpp"
#include "tcp/counts.hpp"
#include "tcp/ecn.hpp"
#include "tcp/mtu_probe.hpp"
#include "tcp/output.hpp"
#include "tcp/recovery/newreno.hpp"
#include "tcp/recovery/prr.hpp"
#include "tcp/recovery/rack.hpp"
#include "tcp/recovery/rate.hpp"
#include "tcp/recovery/tlp.hpp"
#include "tcp/recovery/undo.hpp"
#include "tcp/trace_hooks.hpp"
#include "wire/tcp_options.hpp"

namespace weir::tcp {
namespace {

void begin_cc(Context& cx, Tcb& t, Sender& s) noexcept {
  cc::Window w = cc::window(cx, t);
  cc::visit(s.cc, [&]<class C>(C& c) {
    if constexpr (requires { c.seed; }) c.seed = static_cast<u32>(cx.env.rng.next_u64()) | 1;
    if constexpr (requires { c.has_selective_acks; }) c.has_selective_acks = t.has(HotFlags::sack);
    c.begin(w, cx.now, t.srtt_us);
  });
}

}  // namespace

cc::Kind cc_kind(const Context& cx, const Tcb& t) noexcept {
  return static_cast<cc::Kind>(t.cc != 0 ? t.cc - 1 : cx.sysctl(t).tcp_congestion_control);
}

void set_cc(Context& cx, Tcb& t, cc::Kind kind) noexcept {
  t.cc = static_cast<u8>(static_cast<u8>(kind) + 1);
  if (t.sender == 0) return;
  Sender& s = cx.senders[t.sender];
  s.cc = cc::make(kind);
  begin_cc(cx, t, s);
}

Sender* own_sender(Context& cx, Tcb& t) noexcept {
  if (t.sender != 0) return &cx.senders[t.sender];
  t.sender = cx.senders.alloc();
  if (t.sender == 0) return nullptr;
  Sender& s = cx.senders[t.sender];
  s.cc = cc::make(cc_kind(cx, t));
  s.rack.scan = s.rack.fack = t.snd_nxt;
  s.rate.delivered = t.bytes_out;
  s.rack.min_rtt_us = t.srtt_us;  // the SYN's
  s.rack.min_rtt_at_ms = cx.now_ms;
  s.rto_from_us = cx.now_us();
  begin_cc(cx, t, s);
  mtu_probe::begin(cx, t, s);
  return &s;
}

void release_sender(Context& cx, Tcb& t) noexcept {
  if (t.sender == 0) return;
  cx.senders[t.sender].board.clear(cx.sent);
  cx.senders.release(t.sender);
  t.sender = 0;
}

void release_sender_if_idle(Context& cx, Tcb& t) noexcept {
  if (t.sender == 0 || t.flight() != 0 || t.bytes_out >= cc::initial_window(t.snd_mss, cx.sysctl(t).initial_cwnd)) return;
  Sender& s = cx.senders[t.sender];
  const bool learnt = t.path != Path::open || s.rate.lost != 0 || s.undo.armed || s.probe.on || t.cc != 0;
  if (learnt || !t.tx.empty() || cc_kind(cx, t) != cc::Kind::cubic || extra(cx, t).max_pacing_rate != 0) return;
  release_sender(cx, t);
}

namespace recovery {
namespace {

bool reducing(const Tcb& t) noexcept { return t.path == Path::recovery || t.path == Path::cwr; }

// RFC 5681 3.2 step 2: what limited transmit has sent beyond cwnd does not count.
u32 flight_for_reduction(const Tcb& t, const Learnt& l) noexcept { return std::min(t.flight() + l.acked, t.cwnd); }

void to(Tcb& t, Path path) noexcept { t.path = path; }

void enter_recovery(Context& cx, Tcb& t, Sender& s, const Learnt& l) noexcept {
  cx.count(t, Tcp::fast_retransmits);
  counts::add(cx, t, &Counts::fast_retransmits);
  if (t.path != Path::cwr) {  // else this window's reduction has been made
    undo::arm(t, s);
    //= rfc5681#3.2 MUST-8, MUST-9
    //= rfc5681#4.3 SHLD-7
    //= rfc6675#5 MUST-5
    //= rfc8985#9.3 MUST-17
    //= rfc2018#5 MUST-8
    cc::tell(cx, t, s, cc::Event::recovery, flight_for_reduction(t, l));
    prr::begin(t, s, l);
    ecn::reduced(t);
  }
  to(t, Path::recovery);
  t.recover = t.snd_nxt;
  t.partial_acks = 0;
  s.undo.sent_again = 0;
}

// A probe has repaired a loss (RFC 8985 7.4.2), or the path has marked (RFC 3168 6.1.2): the window is reduced once a round trip.
void enter_cwr(Context& cx, Tcb& t, Sender& s, const Learnt& l, cc::Event why) noexcept {
  //= rfc3168#6.1.2 MUST-6
  if (t.path != Path::open && t.path != Path::disorder) return;
  if (why == cc::Event::mark) cx.count(t, Tcp::mark_reductions);
  else undo::arm(t, s);
  cc::tell(cx, t, s, why, flight_for_reduction(t, l));
  ecn::reduced(t);
  prr::begin(t, s, l);
  to(t, Path::cwr);
  t.recover = t.snd_nxt;
}

void leave(Context& cx, Tcb& t, Sender& s) noexcept {
  const bool was_reducing = reducing(t);
  //= rfc5681#3.2 MUST-10
  //= rfc6582#3.2 MUST-4
  //= rfc9937#6.3 MUST-7
  if (was_reducing && !cc::owns_cwnd(s)) t.cwnd = t.ssthresh;
  if (was_reducing) cc::tell(cx, t, s, cc::Event::recovered, in_flight(t, s));
  if (t.path == Path::recovery) {
    rack::on_recovered(s);
    // Only what was missing was sent again: duplicate ACKs from here on are of another loss.
    t.recover = t.snd_una - 1;
  }
  to(t, Path::open);
  t.dup_acks = 0;
  s.dup_bytes = 0;
  s.frto = s.frto_new = false;
}

void undo_all(Context& cx, Tcb& t, Sender& s) noexcept {
  undo::respond(cx, t, s);
  s.frto = s.frto_new = false;
  s.dup_bytes = 0;
  t.dup_acks = 0;
  to(t, Path::open);
  t.recover = t.snd_una - 1;
}

// RFC 5682 3.1, 3.2: what arrives after a timeout tells whether it was one.
void judge_timeout(Context& cx, Tcb& t, Sender& s, const Learnt& l) noexcept {
  if (!s.frto) return;
  const bool sack = t.has(HotFlags::sack);
  //= rfc5682#2.1 SHLD-3
  //= rfc5682#3.1 SHLD-4
  if (l.original && (sack || !l.copy)) {
    cx.count(t, Tcp::spurious_timeouts);
    return undo_all(cx, t, s);
  }
  if (s.frto_new) {  // step 3
    //= rfc5682#2.1 MUST-4
    if (l.duplicate || l.newly_sacked != 0) s.frto = s.frto_new = false;
    return;
  }
  //= rfc5682#2.1 MUST-2, MUST-3
  if (!l.advanced || t.snd_una >= t.recover || !can_send_new(t)) {  // steps 2a, 2b
    s.frto = false;
    return;
  }
  //= rfc5682#2.1 SHLD-2
  s.frto_new = true;
}

// An ACK that jumps over what had arrived before the timeout empties the window at once, and there is no ACK clock for what
// may follow: no more of it than a connection may begin with (RFC 6582 3.2 step 3 for fast recovery, RFC 5681 4.1).
void bound_burst(const Context& cx, Tcb& t, const Sender& s) noexcept {
  t.cwnd = std::min(t.cwnd, in_flight(t, s) + cc::initial_window(t.snd_mss, cx.sysctl(t).initial_cwnd));
}

bool cwnd_limited(const Tcb& t, const Learnt& l) noexcept {
  if (t.path == Path::loss) return true;
  return t.cwnd < t.ssthresh ? l.prior_in_flight * 2 >= t.cwnd : l.prior_in_flight + t.snd_mss >= t.cwnd;
}

void grow(Context& cx, Tcb& t, Sender& s, const Learnt& l, Path before) noexcept {
  const bool was_loss = before == Path::loss;
  if (l.ce_bytes != 0) counts::add(cx, t, &Counts::marked_bytes, l.ce_bytes);
  const cc::RateSample sample = counts::keep_rate(cx, t, rate::sample(cx, s, l));
  // Where the window is not the limit it does not grow; CUBIC learns of that time by the next gap between ACKs.
  const bool limited = was_loss || cwnd_limited(t, l);
  if (!limited && before == Path::open && t.path == Path::open && cc::is_plain(s.cc)) return;
  const cc::Ack a{.now = cx.now,
                  .una = t.snd_una,
                  .nxt = t.snd_nxt,
                  .delivered_total = s.rate.delivered,
                  .acked = l.acked,
                  .delivered = l.delivered,
                  .lost = l.lost + std::exchange(s.lost_untold, 0),
                  .prior_in_flight = l.prior_in_flight,
                  .in_flight = in_flight(t, s),
                  .rtt_us = l.rtt_us,
                  .srtt_us = t.srtt_us,
                  .min_rtt_us = s.rack.min_rtt_us,
                  .ce_bytes = l.ce_bytes,
                  .ece = l.ece,
                  .cwnd_limited = limited,
                  .in_recovery = reducing(t) || before == Path::recovery || before == Path::cwr,
                  .in_loss = was_loss,
                  .rate = sample};
  cc::Window w = cc::window(cx, t);
  cc::visit(s.cc, [&](auto& c) { c.on_ack(w, a); });
}

// Where SND.UNA has reached what was in flight when the episode began, it is over.
void end_episode(Context& cx, Tcb& t, Sender& s, const Learnt& l) noexcept {
  if (t.path == Path::open || t.path == Path::disorder || t.snd_una < t.recover) return;
  if (t.path == Path::cwr && t.snd_una == t.recover)
    return;  // the segment with CWR lies beyond: until it has come the peer echoes the old mark
  if (l.late_echo && s.undo.stamped && s.undo.armed && l.copy) return undo_all(cx, t, s);
  leave(cx, t, s);
}

void settle_disorder(Tcb& t, const Sender& s) noexcept {
  if (t.path == Path::open && (s.board.sacked() != 0 || t.dup_acks != 0)) to(t, Path::disorder);
  if (t.path == Path::disorder && s.board.sacked() == 0 && t.dup_acks == 0) to(t, Path::open);
}

// New losses, by whoever watches for them. An episode begins with the first.
void detect(Context& cx, Tcb& t, Sender& s, Learnt& l) noexcept {
  if (!t.has(HotFlags::sack)) l.lost = newreno::detect(cx, t, s, l);
  else if (s.board.sacked() != 0 || s.resent_head < s.resent.size()) l.lost = rack::detect(cx, t, s);
  else s.rack.waits = false;
  if (l.lost == 0 && !s.probe.out) return;
  if (mtu_probe::on_ack(cx, t, s, l.lost)) return;  // RFC 4821 7.6.1: not by congestion
  s.rate.lost += l.lost;
  if (l.lost != 0 && t.path != Path::recovery && t.path != Path::loss) enter_recovery(cx, t, s, l);
}

// Needless after all? By timestamps on an ACK of new data, by D-SACKs at any time.
void try_undo(Context& cx, Tcb& t, Sender& s, const Learnt& l) noexcept {
  if (!s.undo.armed) return;
  const bool episode = t.path == Path::recovery || t.path == Path::loss;
  //= rfc3522#3.2 eifel
  if (episode && l.advanced && l.copy && l.late_echo && s.undo.stamped) {
    if (t.path == Path::loss) cx.count(t, Tcp::spurious_timeouts);
    return undo_all(cx, t, s);
  }
  if (undo::all_came_twice(s, l)) undo_all(cx, t, s);
}

}  // namespace

Learnt begin(const Tcb& t, const Sender& s) noexcept { return {.prior_in_flight = in_flight(t, s)}; }

void take_ack(Context& cx, Tcb& t, Sender& s, SeqNum una, const Segment& seg, Learnt& l) noexcept {
  const bool echo = seg.has_ts && seg.ts_ecr != 0;
  l.late_echo = echo && s.undo.stamped && static_cast<i32>(seg.ts_ecr - s.undo.stamp) < 0;
  l.acked = una - t.snd_una;
  l.advanced = true;
  s.board.acked(cx.sent, una, [&](const Sent& r) {
    if (r.is(Sent::ever)) l.copy = true;
    if (r.is(Sent::sacked)) return;  // known
    const u32 sent_ms = cx.now_ms - (cx.now_us() - r.xmit_us) / 1'000;
    const bool echo_before = echo && static_cast<i32>(seg.ts_ecr - t.ts_offset - sent_ms) < 0;
    rack::on_delivered(cx, t, s, r, echo_before, l);
    rate::on_delivered(cx, s, r, l);
  });
  s.rack.scan = seq_max(s.rack.scan, una);
}

namespace {

// Blocks in the order of sequence from `una` on. Theirs is that of the receiver's memory, and where ACKs were lost several are new:
// the newest, which is the first, would make the others look as if they had arrived after it (RFC 8985 6.2 step 3).
FixedVector<wire::SackBlock, 4> ascending(std::span<const wire::SackBlock> blocks, SeqNum una) noexcept {
  FixedVector<wire::SackBlock, 4> out;
  for (const auto& b : blocks) {
    static_cast<void>(out.push(b));
    for (u32 i = out.size() - 1; i != 0 && out[i].left - una < out[i - 1].left - una; --i) std::swap(out[i], out[i - 1]);
  }
  return out;
}

}  // namespace

void take_sacks(Context& cx, Tcb& t, Sender& s, const Segment& seg, Learnt& l) noexcept {
  const auto o = wire::parse_options(seg.options);
  if (!o || o->sack_n == 0) return;
  const auto blocks = o->sack_blocks();
  const SeqNum una = seq_max(t.snd_una, seg.ack);
  // RFC 2883 4: the first block tells of something that came twice if it is acknowledged, or lies within the second.
  const auto& first = blocks[0];
  const bool inside = blocks.size() > 1 && blocks[1].left <= first.left && first.right <= blocks[1].right;
  const bool dsack = first.left < first.right && (first.right <= una || inside);
  if (dsack && first.right <= t.snd_nxt && first.left >= una - std::max(t.max_snd_wnd, 1u)) {
    cx.count(t, Tcp::dsacks_in);
    //= rfc2883#5 SHLD-2
    counts::add(cx, t, &Counts::dsacks_in);
    l.dsack = true;
    l.dsack_left = first.left;
    l.dsack_right = first.right;
    //= rfc3708#2 d-sack
    undo::on_dsack(s, first.left, first.right);
  } else if (dsack) {  // older than any window: made up
    cx.count(t, Tcp::sack_discarded);
  }
  const u32 before = s.board.sacked();
  //= rfc8985#6.2 MUST-5
  for (const auto& b : ascending(blocks.subspan(dsack ? 1 : 0), una)) {
    if (!(b.left < b.right) || b.left < una || b.right > t.snd_nxt) {  // of another time, or made up
      cx.count(t, Tcp::sack_discarded);
      continue;
    }
    s.board.take_sack(cx.sent, b.left, b.right, [&](const Sent& r) {
      rack::on_delivered(cx, t, s, r, false, l);
      rate::on_delivered(cx, s, r, l);
    });
  }
  l.newly_sacked = s.board.sacked() - before;
}

void on_ack(Context& cx, Tcb& t, Sender& s, Learnt& l) noexcept {
  if (t.path == Path::open && l.advanced && s.board.sacked() == 0 && !s.tlp.out && !l.dsack && !l.ece && !s.probe.out) [[likely]] {
    if (t.dup_acks != 0) t.dup_acks = 0, s.dup_bytes = 0;
    s.rack.waits = false;
    set_timer(cx, t, true);  // RFC 6298 5.3
    return grow(cx, t, s, l, Path::open);
  }
  const Path before = t.path;
  const bool was_loss = before == Path::loss, was_recovery = before == Path::recovery;
  if (!t.has(HotFlags::sack)) newreno::on_ack(cx, t, s, l);
  else rack::on_ack(t, s, l);
  try_undo(cx, t, s, l);
  if (was_loss && t.path == Path::loss) judge_timeout(cx, t, s, l);
  end_episode(cx, t, s, l);
  const bool tail_was_lost = tlp::on_ack(t, s, l);
  detect(cx, t, s, l);
  if (tail_was_lost) {
    cx.count(t, Tcp::tail_losses);
    //= rfc8985#7.4.2 MUST-14
    enter_cwr(cx, t, s, l, cc::Event::recovery);
  }
  //= rfc3168#6.1.2 MUST-5
  if (l.ece && !cc::scalable(s)) enter_cwr(cx, t, s, l, cc::Event::mark);
  settle_disorder(t, s);
  if (reducing(t) && !cc::owns_cwnd(s)) prr::on_ack(t, s, l);
  if (l.delivered != 0 || l.advanced) grow(cx, t, s, l, before);
  //= rfc6582#3.2 SHLD-1
  if (was_loss && l.advanced && !cc::owns_cwnd(s)) bound_burst(cx, t, s);
  // Without SACK the timer runs on from the first partial ACK: where a whole flight was lost, one segment per round trip is far
  // slower than the timeout and its slow start (RFC 6582 3.2 step 3; RFC 3782 4).
  //= rfc6582#3.2 SHLD-2
  const bool impatient = was_recovery && t.path == Path::recovery && !t.has(HotFlags::sack) && t.partial_acks > 1;
  set_timer(cx, t, (l.advanced && !impatient) || (t.path == Path::recovery && !was_recovery));
}

void on_timeout(Context& cx, Tcb& t, Sender& s) noexcept {
  //= rfc9293#3.8.2 MUST-19
  // ssthresh once per flight: a second timeout of the same segment, or one in recovery, has cut it already (RFC 5681 3.1).
  // If SND.UNA has moved since the last timeout, what was sent again was too much again, as far as cwnd let it out.
  const bool same_flight = (t.path == Path::loss || reducing(t)) && t.snd_una < t.recover;
  const bool again = t.path == Path::loss && t.retries == 1;
  const bool first = !same_flight;
  //= rfc5682#4 MAY-1
  if (first) undo::arm(t, s);
  //= rfc5681#3.1 MUST-5, MUST-6
  if (first) cc::tell(cx, t, s, cc::Event::timeout, t.flight());
  else if (again) cc::tell(cx, t, s, cc::Event::timeout, std::min(t.cwnd, t.flight()));
  //= rfc3168#6.1.2 MUST-7
  ecn::reduced(t);
  // RFC 5682 2: not where a timeout is being answered already.
  //= rfc5682#2.1 MUST-1
  s.frto = cx.sysctl(t).tcp_frto && first;
  s.frto_new = false;
  s.tlp.out = false;
  s.dup_bytes = 0;
  t.dup_acks = 0;
  to(t, Path::loss);
  t.recover = t.snd_nxt;
  const bool reneged = !s.board.empty() && s.board.list().front(cx.sent).is(Sent::sacked);
  if (reneged) {  // what lies at SND.UNA would have been acknowledged: the peer has thrown away what it had (RFC 2018 8)
    //= rfc2018#8 MUST-6
    s.board.forget_sacks(cx.sent);
    cx.count(t, Tcp::sack_reneged);
  }
  u32 lost = 0;
  if (t.has(HotFlags::sack) && !reneged && t.retries == 1) lost = rack::detect_on_timeout(cx, t, s);
  else lost = trace::lost(cx, t, t.snd_una, s.board.mark_missing(cx.sent, t.snd_una, t.snd_nxt));
  s.rate.lost += lost;
  s.lost_untold += lost;
  //= rfc5681#3.1 MUST-7
  t.cwnd = in_flight(t, s) + t.snd_mss;
}

void on_reorder_timer(Context& cx, Tcb& t, Sender& s) noexcept {
  Learnt l = begin(t, s);
  detect(cx, t, s, l);
  if (reducing(t) && !cc::owns_cwnd(s)) prr::on_ack(t, s, l);
}

void on_too_big(Context& cx, Tcb& t, Sender& s) noexcept {
  if (t.path != Path::loss) {
    to(t, Path::loss);
    t.recover = t.snd_nxt;
  }
  s.undo.armed = false;
  s.frto = s.frto_new = false;
  static_cast<void>(s.board.mark_missing(cx.sent, t.snd_una, t.snd_nxt));
}

// RFC 5681 4.1, with the decay of RFC 2861 2: what the window was is less and less true, by a half for each RTO of silence.
void after_idle(Context& cx, Tcb& t, Sender& s, u32 rto_us) noexcept {
  const u64 idle_us = u64{cx.now_ms - t.progress_ms} * 1'000;
  if (idle_us <= rto_us) return;
  cc::tell(cx, t, s, cc::Event::restart, 0, static_cast<u32>(std::min<u64>(idle_us, ~0u)));
  if (!cx.sysctl(t).tcp_slow_start_after_idle || cc::owns_cwnd(s)) return;
  const u32 restart = std::min(t.cwnd, cc::initial_window(t.snd_mss, cx.sysctl(t).initial_cwnd));
  if (t.ssthresh < cc::most_cwnd) t.ssthresh = std::max(t.ssthresh, t.cwnd / 4 * 3);
  const u64 halvings = std::min<u64>(idle_us / std::max<u32>(rto_us, 1), 31);
  //= rfc5681#4.1 SHLD-8
  t.cwnd = std::max(restart, t.cwnd >> halvings);
}

void note_sent(Context& cx, Sender& s, Sent& r, u32 flight) noexcept {
  //= rfc8985#5.1 MUST-1
  r.xmit_us = cx.now_us();
  rate::on_sent(cx, s, r, flight);
}

}  // namespace recovery
}  // namespace weir::tcp

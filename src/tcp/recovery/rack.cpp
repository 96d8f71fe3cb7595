// tcp/recovery/rack.hpp
#include "tcp/recovery/rack.hpp"

#include "tcp/counts.hpp"
#include "tcp/trace_hooks.hpp"

namespace weir::tcp::rack {
namespace {

constexpr u32 dup_thresh = 3;
constexpr u32 min_rtt_window_ms = 300'000;

// RFC 8985 6.2: by time, and by number where several were sent at once.
bool sent_after(const Rack& r, u32 xmit_us, SeqNum end) noexcept {
  const i32 d = static_cast<i32>(r.xmit_us - xmit_us);
  return d > 0 || (d == 0 && end < r.end_seq);
}

void note_min_rtt(const Context& cx, Rack& r, u32 rtt_us) noexcept {
  const bool old = cx.now_ms - r.min_rtt_at_ms > min_rtt_window_ms;
  if (r.min_rtt_us != 0 && rtt_us > r.min_rtt_us && !old) return;
  r.min_rtt_us = std::max<u32>(rtt_us, 1);
  r.min_rtt_at_ms = cx.now_ms;
}

// Step 4.
u32 reordering_window(const Tcb& t, const Sender& s) noexcept {
  const Rack& r = s.rack;
  if (!r.reordered) {
    if (t.path == Path::recovery || t.path == Path::loss) return 0;
    //= rfc8985#6.2 SHLD-2
    //= rfc6675#4 MUST-3
    if (s.board.sacked() >= dup_thresh * t.snd_mss) return 0;
  }
  //= rfc8985#6.2 SHLD-3, MUST-6
  return static_cast<u32>(std::min<u64>(u64{r.min_rtt_us} * r.mult / 4, std::max<u32>(t.srtt_us, r.rtt_us)));
}

// How long the one sent at xmit_us may still take; 0 or less: lost.
i32 left_us(const Context& cx, const Sender& s, u32 xmit_us, u32 window) noexcept {
  return static_cast<i32>(xmit_us + s.rack.rtt_us + window - cx.now_us());
}

void wait_for(const Context& cx, Rack& r, i32 us) noexcept {
  const u32 at = cx.now_us() + static_cast<u32>(us);
  if (!r.waits || static_cast<i32>(at - r.judge_at_us) < 0) r.judge_at_us = at;
  //= rfc8985#6.2 SHLD-6
  r.waits = true;
}

// What was sent once: records in sequence order are in the order of time too, so everything before `scan` has been judged.
u32 judge_originals(Context& cx, const Tcb& t, Sender& s, u32 window) noexcept {
  SentList& list = s.board.list();
  SentChunks& c = cx.sent;
  u32 lost = 0;
  for (auto p = list.find(c, seq_max(s.rack.scan, list.front(c).start)); list.valid(p); p = list.next(c, p)) {
    const Sent& r = list.at(c, p);
    if (!r.is(Sent::sacked | Sent::missing | Sent::ever)) {
      if (!sent_after(s.rack, r.xmit_us, r.end())) break;
      const i32 left = left_us(cx, s, r.xmit_us, window);
      if (left > 0) {
        wait_for(cx, s.rack, left);
        break;
      }
      //= rfc8985#6.2 MUST-7
      if (s.board.mark_missing(c, p)) lost += trace::lost(cx, t, r.start, r.len);
    }
    s.rack.scan = list.at(c, p).end();
  }
  return lost;
}

// What was sent again, in the order in which it was.
u32 judge_copies(Context& cx, const Tcb& t, Sender& s, u32 window) noexcept {
  SentList& list = s.board.list();
  SentChunks& c = cx.sent;
  u32 lost = 0;
  for (; s.resent_head < s.resent.size(); ++s.resent_head) {
    const Resent e = s.resent[s.resent_head];
    if (!sent_after(s.rack, e.xmit_us, e.start + e.len)) break;
    const i32 left = left_us(cx, s, e.xmit_us, window);
    if (left > 0) {
      wait_for(cx, s.rack, left);
      break;
    }
    const SeqNum end = e.start + e.len;
    for (auto p = list.find(c, e.start); list.valid(p) && list.at(c, p).start < end; p = list.next(c, p)) {
      const Sent& r = list.at(c, p);
      //= rfc8985#6.2 MUST-8
      if (r.is(Sent::again) && r.xmit_us == e.xmit_us && s.board.mark_missing(c, p)) lost += trace::lost(cx, t, r.start, r.len);
    }
  }
  return lost;
}

void compact(Sender& s) noexcept {
  if (s.resent_head == s.resent.size()) {
    s.resent.clear();
    s.resent_head = 0;
  } else if (s.resent_head >= 64 && s.resent_head * 2 >= s.resent.size()) {
    s.resent.erase(s.resent.begin(), s.resent.begin() + s.resent_head);
    s.resent_head = 0;
  }
}

}  // namespace

void on_delivered(Context& cx, Tcb& t, Sender& s, const Sent& r, bool echo_before, Learnt& l) noexcept {
  Rack& k = s.rack;
  const u32 rtt = cx.now_us() - r.xmit_us;
  if (!r.is(Sent::ever)) {
    note_min_rtt(cx, k, rtt);
    l.rtt_us = rtt;
    // What was sent after a timeout says nothing of it (RFC 5682 3.1 step 3a).
    //= rfc5682#3.1 MUST-5
    if (t.path != Path::loss || r.start < t.recover) l.original = true;
  }
  // Step 3.
  //= rfc8985#6.2 MUST-5
  if (r.end() > k.fack) k.fack = r.end();
  else if (!r.is(Sent::ever)) k.reordered = true, counts::add(cx, t, &Counts::reordered);
  // Step 2: a copy that came back sooner than anything can was the original.
  //= rfc8985#6.2 MUST-4
  const bool doubtful = r.is(Sent::ever) && (echo_before || rtt < k.min_rtt_us);
  if (!doubtful && (!k.valid || static_cast<i32>(r.xmit_us - k.xmit_us) > 0 || (r.xmit_us == k.xmit_us && r.end() > k.end_seq))) {
    //= rfc8985#6.2 MUST-3
    k.xmit_us = r.xmit_us;
    k.end_seq = r.end();
    k.rtt_us = rtt;
    k.valid = true;
  }
}

void on_ack(Tcb& t, Sender& s, const Learnt& l) noexcept {
  Rack& k = s.rack;
  if (k.has_round && t.snd_una >= k.dsack_round) k.has_round = false;
  if (!l.dsack || k.has_round) return;
  k.has_round = true;
  k.dsack_round = t.snd_nxt;
  //= rfc8985#6.2 SHLD-4
  if (k.mult != 255) ++k.mult;
  k.persist = 16;
}

void on_recovered(Sender& s) noexcept {
  Rack& k = s.rack;
  if (k.persist != 0) --k.persist;
  //= rfc8985#6.2 SHLD-5
  if (k.persist == 0) k.mult = 1;
}

u32 detect(Context& cx, Tcb& t, Sender& s) noexcept {
  s.rack.waits = false;
  if (s.board.empty()) s.resent.clear(), s.resent_head = 0;
  if (!s.rack.valid || s.board.empty()) return 0;
  const u32 window = reordering_window(t, s);
  const u32 lost = judge_originals(cx, t, s, window) + judge_copies(cx, t, s, window);
  compact(s);
  return lost;
}

u32 detect_on_timeout(Context& cx, Tcb& t, Sender& s) noexcept {
  SentList& list = s.board.list();
  u32 lost = 0;
  const u32 window = reordering_window(t, s);
  for (auto p = list.begin(); list.valid(p); p = list.next(cx.sent, p)) {
    const Sent& r = list.at(cx.sent, p);
    //= rfc2018#8 MUST-7
    //= rfc6675#5.1 SHLD-1
    //= rfc8985#6.3 SHLD-7
    if (p == list.begin() || !s.rack.valid || left_us(cx, s, r.xmit_us, window) <= 0)
      if (s.board.mark_missing(cx.sent, p)) lost += trace::lost(cx, t, r.start, r.len);
  }
  s.rack.waits = false;
  return lost;
}

void on_sent_again(Sender& s, const Sent& r) noexcept { s.resent.push_back({r.start, r.len, r.xmit_us}); }

}  // namespace weir::tcp::rack

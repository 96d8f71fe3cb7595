// The reference model and the real TCP, side by side: 11 states x 512 flag values x SEQ x ACK x length. Replies, state and
// all sequence and window variables must agree. docs/model.md lists the deviations from the RFC that both make.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tcp/arrives.hpp"
#include "tests/model/space.hpp"
#include "tests/tcp/harness.hpp"

namespace weir {
namespace {

using tcp::ColdFlags;
using tcp::HotFlags;
using tcp::test::Harness;

struct Setup {
  bool v6 = false;
  model::Situation situation{};
  bool all_flags = std::getenv("WEIR_SOAK") != nullptr;  // else ECE, CWR and AE, which change nothing, in an eighth
};

class Comparison {
 public:
  explicit Comparison(const Setup& s) : setup_(s), h_(1) {
    h_.sysctl.tcp_timestamps = false;
    h_.sysctl.tcp_window_scaling = false;
    if (s.v6) {
      h_.here.addr = *IpAddr::parse("fd00::1");
      h_.peer.addr = *IpAddr::parse("fd00::2");
    }
    listener_ = *h_.engine.open(Harness::ns, h_.here.addr.family(), 1);
    EXPECT_TRUE(h_.engine.bind(listener_, {IpAddr::any(h_.here.addr.family()), h_.here.port, 0}, h_.now));
    EXPECT_TRUE(h_.engine.listen(listener_, 1'000'000, h_.now));
    h_.tcb(listener_).rcv_buf = listen_window;
  }

  // Runs one segment through both; the differences as text, empty if none.
  std::string run(const model::Case& c) {
    model::Config cfg;
    cfg.listen_rcv_wnd = listen_window;
    cfg.listening = c.tcb.state != model::State::closed;
    const u32 id = place(c.tcb);
    h_.now = h_.now + 10_s;  // no reply is held back by an earlier case
    h_.inject(segment(c.seg));
    const model::Outcome want = model::arrives(c.tcb, c.seg, h_.now, cfg);
    std::string diff = compare(want, id, c);
    clear();
    return diff;
  }

 private:
  static constexpr u32 listen_window = 4 * model::space_mss;

  tcp::Context& cx() { return h_.engine.context(); }
  tcp::Flow flow() const { return {h_.here.addr, h_.peer.addr, h_.here.port, h_.peer.port, Harness::ns}; }

  static tcp::test::Seg segment(const model::Seg& s) {
    u16 f = 0;
    const auto set = [&](bool on, u16 bit) { f = static_cast<u16>(f | (on ? bit : 0)); };
    using F = wire::TcpFlags;
    set(s.fin, F::fin), set(s.syn, F::syn), set(s.rst, F::rst), set(s.psh, F::psh), set(s.ack_flag, F::ack);
    set(s.urg, F::urg), set(s.ece, F::ece), set(s.cwr, F::cwr), set(s.ae, F::ae);
    return {.seq = s.seq, .ack = s.ack, .flags = f, .wnd = s.wnd, .len = s.len, .up = s.up};
  }

  // Puts the connection where the model says it is. 0: it is not a TCB (LISTEN, half-open, TIME-WAIT, CLOSED).
  u32 place(const model::Tcb& m) {
    switch (m.state) {
      case model::State::listen: return 0;
      case model::State::closed: h_.here.port = 81; return 0;
      case model::State::time_wait: place_time_wait(m); return 0;
      case model::State::syn_received:
        if (m.passive) {
          place_half_open(m);
          return 0;
        }
        break;
      default: break;
    }
    return place_tcb(m);
  }

  u32 place_tcb(const model::Tcb& m) {
    const u32 id = *h_.engine.open(Harness::ns, h_.here.addr.family(), m.user_closed ? 0 : 7);
    tcp::Tcb& t = h_.tcb(id);
    t.state = static_cast<tcp::State>(m.state);
    t.local = h_.here.addr, t.remote = h_.peer.addr, t.local_port = h_.here.port, t.remote_port = h_.peer.port;
    t.iss = m.iss, t.irs = m.irs, t.snd_una = m.snd_una, t.snd_nxt = m.snd_nxt, t.snd_sml = m.snd_una;
    t.snd_wnd = m.snd_wnd, t.max_snd_wnd = m.max_snd_wnd, t.snd_wl1 = m.snd_wl1, t.snd_wl2 = m.snd_wl2;
    t.rcv_nxt = m.rcv_nxt, t.rcv_adv = m.rcv_nxt + m.rcv_wnd, t.last_ack_sent = m.rcv_nxt;
    t.rcv_buf = m.rcv_wnd, t.snd_mss = t.rcv_mss = model::space_mss, t.peer_mss = model::space_mss;
    t.cwnd = 100'000, t.ssthresh = 100'000, t.recover = m.snd_una;
    if (t.state >= tcp::State::established) {
      const u32 data = m.snd_nxt - m.snd_una - (m.fin_sent && m.snd_una <= m.fin_seq ? 1u : 0u);
      t.tx.append_copy(h_.pool, std::vector<std::byte>(data));
    }
    if (m.fin_sent) t.set(HotFlags::fin_queued | HotFlags::fin_sent);
    if (m.state >= model::State::close_wait) t.mark(ColdFlags::peer_fin);
    if (m.user_closed) {
      t.mark(ColdFlags::user_closed);
      t.set(HotFlags::slow_path);
    }
    t.last_rx_ms = cx().now_ms;
    cx().insert(flow(), {tcp::RefKind::tcb, id});
    t.mark(ColdFlags::in_table);
    return id;
  }

  void place_half_open(const model::Tcb& m) {
    h_.tcb(listener_).rcv_buf = m.rcv_wnd;
    const u32 i = cx().half_open.alloc();
    tcp::HalfOpen& o = cx().half_open[i];
    o.local = h_.here.addr, o.remote = h_.peer.addr, o.local_port = h_.here.port, o.remote_port = h_.peer.port;
    o.netns = Harness::ns;
    o.listener = h_.tcb(listener_).listener;
    o.iss = m.iss, o.irs = m.irs, o.snd_wnd = m.snd_wnd, o.rcv_wnd = m.rcv_wnd, o.peer_mss = model::space_mss;
    ++cx().listeners[o.listener].half_open;
    cx().insert(flow(), {tcp::RefKind::half_open, i});
  }

  template <class Record, class List, class Addr>
  void add_record(const model::Tcb& m, List& list, tcp::RefKind kind, Addr local, Addr remote) {
    Record r{};
    r.local = local, r.remote = remote, r.local_port = h_.here.port, r.remote_port = h_.peer.port, r.netns = Harness::ns;
    r.snd_nxt = m.snd_nxt, r.rcv_nxt = m.rcv_nxt;
    r.set_windows(m.rcv_wnd, 0, m.max_snd_wnd, 0);
    r.expires_ms = cx().now_ms + 60'000;
    cx().insert(flow(), {kind, list.add(r)});
  }
  void place_time_wait(const model::Tcb& m) {
    if (setup_.v6) add_record<tcp::TimeWait6>(m, cx().time_wait6, tcp::RefKind::time_wait6, h_.here.addr.v6(), h_.peer.addr.v6());
    else add_record<tcp::TimeWait4>(m, cx().time_wait4, tcp::RefKind::time_wait4, h_.here.addr.v4(), h_.peer.addr.v4());
  }

  struct Line {
    std::string text;
    void check(const char* what, auto got, auto want) {
      if (got != want) text += std::string(" ") + what + " is " + std::to_string(got) + " not " + std::to_string(want);
    }
  };

  // The RST, ACK or SYN-ACK that left, in the model's terms.
  void compare_replies(Line& d, const model::Outcome& want) {
    auto sent = h_.sent();
    std::vector<model::Seg> replies = want.replies;
    if (want.ack_due == model::AckDue::delayed_ok && !sent.empty()) replies.push_back(model::ack_of(want.after));
    d.check("replies", sent.size(), replies.size());
    for (usize i = 0; i < std::min(sent.size(), replies.size()); ++i) {
      const model::Seg& w = replies[i];
      const bool syn_ack = w.syn;
      if (!syn_ack || want.after.state != model::State::syn_received || !iss_is_ours_) d.check("reply seq", sent[i].seq.raw, w.seq.raw);
      if (w.ack_flag) d.check("reply ack", sent[i].ack.raw, w.ack.raw);
      d.check("reply flags", sent[i].flags & 0x17, (w.fin ? 1 : 0) | (w.syn ? 2 : 0) | (w.rst ? 4 : 0) | (w.ack_flag ? 16 : 0));
      if (!w.rst) d.check("reply window", sent[i].wnd, w.wnd);
      d.check("reply length", sent[i].len, w.len);
    }
  }

  void compare_tcb(Line& d, const model::Tcb& w, const tcp::Tcb& t) {
    d.check("state", static_cast<int>(t.state), static_cast<int>(w.state));
    if (t.state != static_cast<tcp::State>(w.state)) return;
    d.check("SND.UNA", t.snd_una.raw, w.snd_una.raw);
    d.check("SND.NXT", t.snd_nxt.raw, w.snd_nxt.raw);
    d.check("SND.WND", t.snd_wnd, w.snd_wnd);
    d.check("MAX.SND.WND", t.max_snd_wnd, w.max_snd_wnd);
    if (w.state >= model::State::established) {
      d.check("SND.WL1", t.snd_wl1.raw, w.snd_wl1.raw);
      d.check("SND.WL2", t.snd_wl2.raw, w.snd_wl2.raw);
    }
    if (w.state == model::State::syn_sent) return;
    d.check("RCV.NXT", t.rcv_nxt.raw, w.rcv_nxt.raw);
    d.check("RCV.WND", t.rcv_wnd(), w.rcv_wnd);
    d.check("IRS", t.irs.raw, w.irs.raw);
    compare_held(d, w, t);
  }

  void compare_held(Line& d, const model::Tcb& w, const tcp::Tcb& t) {
    const tcp::Reassembly* r = t.ooo != 0 ? &cx().reassembly[t.ooo] : nullptr;
    d.check("bytes out of order", r != nullptr ? r->bytes() : 0u, static_cast<u32>(w.held.size()));
    d.check("FIN out of order", r != nullptr && r->has_fin(), w.held_fin.has_value());
    if (r == nullptr) return;
    if (w.held_fin) d.check("its place", r->fin().raw, w.held_fin->raw);
    for (u32 i = 0; i < r->ranges(); ++i) d.check("start of a range", w.held.count(r->range(i).start.raw), usize{1});
  }

  // What is in the table for the flow now, as a state.
  std::string compare(const model::Outcome& want, u32 id, const model::Case& c) {
    Line d;
    const tcp::Ref r = cx().find(flow(), cx().hash(flow()));
    model::State got = model::State::closed;
    iss_is_ours_ = false;
    const bool was_listen = c.tcb.state == model::State::listen || (c.tcb.state == model::State::syn_received && c.tcb.passive);
    if (!r) {
      got = was_listen ? model::State::listen : model::State::closed;
      d.check("state", static_cast<int>(got), static_cast<int>(want.after.state));
    } else if (r.kind() == tcp::RefKind::tcb) {
      compare_tcb(d, want.after, h_.tcb(r.index()));
      if (id != 0) d.check("identity", r.index(), id);
    } else if (r.kind() == tcp::RefKind::half_open) {
      compare_half_open(d, want.after, cx().half_open[r.index()]);
    } else {
      d.check("state", static_cast<int>(model::State::time_wait), static_cast<int>(want.after.state));
      compare_record(d, want.after, r);
    }
    compare_replies(d, want);
    if (d.text.empty()) return {};
    return model::print(c.tcb) + " + " + model::print(c.seg) + ":" + d.text + " [model: " + model::print(want) + "]";
  }

  void compare_half_open(Line& d, const model::Tcb& w, const tcp::HalfOpen& o) {
    d.check("state", static_cast<int>(model::State::syn_received), static_cast<int>(w.state));
    d.check("IRS", o.irs.raw, w.irs.raw);
    d.check("SND.WND", o.snd_wnd, w.snd_wnd);
    d.check("RCV.WND", o.rcv_wnd, w.rcv_wnd);
    iss_is_ours_ = true;  // the model's ISS is a constant
  }
  void compare_record(Line& d, const model::Tcb& w, tcp::Ref r) {
    const auto same = [&](const auto& rec) {
      d.check("SND.NXT", rec.snd_nxt.raw, w.snd_nxt.raw);
      d.check("RCV.NXT", rec.rcv_nxt.raw, w.rcv_nxt.raw);
      d.check("RCV.WND", rec.rcv_wnd(), w.rcv_wnd);
    };
    if (r.kind() == tcp::RefKind::time_wait4) same(cx().time_wait4[r.index()]);
    else same(cx().time_wait6[r.index()]);
  }

  void clear() {
    h_.here.port = 80;
    h_.tcb(listener_).rcv_buf = listen_window;
    while (const tcp::Ref r = cx().find(flow(), cx().hash(flow()))) {
      cx().table.erase(cx().hash(flow()), r);
      switch (r.kind()) {
        case tcp::RefKind::tcb: h_.tcb(r.index()).unmark(ColdFlags::in_table); break;
        case tcp::RefKind::half_open:
          --cx().listeners[cx().half_open[r.index()].listener].half_open;
          cx().half_wheel.cancel(r.index());
          cx().half_open.release(r.index());
          break;
        case tcp::RefKind::time_wait4: cx().time_wait4.kill(r.index()); break;
        case tcp::RefKind::time_wait6: cx().time_wait6.kill(r.index()); break;
      }
    }
    while (const auto c = h_.engine.accept(listener_, h_.now)) drop_tcb(*c);
    cx().tcbs.for_each([&](u32 i) {
      if (i != listener_) drop_tcb(i);
    });
    cx().time_wait4.front() != 0 ? cx().time_wait4.pop_front() : void();
    cx().time_wait6.front() != 0 ? cx().time_wait6.pop_front() : void();
    h_.out.clear(h_.pool);
  }
  void drop_tcb(u32 i) {
    tcp::Tcb& t = h_.tcb(i);
    t.unmark(ColdFlags::in_table | ColdFlags::accept_wait);
    t.user = 0;
    t.state = tcp::State::closed;
    tcp::free_tcb(cx(), t);
  }

  Setup setup_;
  Harness h_;
  u32 listener_ = 0;
  bool iss_is_ours_ = false;
};

void compare_all(const Setup& setup) {
  u64 cases = 0, bad = 0;
  for (const model::State s : model::all_states) {
    Comparison c(setup);
    const model::Tcb t = model::canonical(s, setup.situation);
    u32 shown = 0;
    model::for_each_case(t, [&](const model::Case& k) {
      if (!setup.all_flags && k.flags >= 64 && (k.flags * 0x9e37u >> 8) % 8 != 0) return;
      ++cases;
      const std::string diff = c.run(k);
      if (diff.empty()) return;
      ++bad;
      if (shown++ < 8) ADD_FAILURE() << diff;
    });
  }
  EXPECT_EQ(bad, 0u) << "of " << cases;
}

TEST(tcp_model_agrees, v4) { compare_all({}); }
TEST(tcp_model_agrees, v6) { compare_all({.v6 = true}); }
TEST(tcp_model_agrees, active_open) { compare_all({.situation = {.passive = false}}); }
TEST(tcp_model_agrees, closed_by_the_user) { compare_all({.situation = {.user_closed = true}}); }
TEST(tcp_model_agrees, zero_window) { compare_all({.situation = {.rcv_wnd = 0}}); }
TEST(tcp_model_agrees, sequence_numbers_across_2_31) { compare_all({.situation = {.origin = model::origins[1]}}); }
TEST(tcp_model_agrees, sequence_numbers_across_2_32) { compare_all({.v6 = true, .situation = {.origin = model::origins[2]}}); }
TEST(tcp_model_agrees, sequence_numbers_from_0) { compare_all({.situation = {.origin = model::origins[0]}}); }

}  // namespace
}  // namespace weir

// Timers and single answers around opening and closing, against what was recorded from the Linux kernel
// (tests/golden/kernel_timing.tsv; docs/close-matrix.md says what each experiment does).
#include <gtest/gtest.h>

#include <map>

#include "tests/sim/close_table.hpp"
#include "tests/sim/frames.hpp"
#include "tests/sim/timing_probe.hpp"

namespace weir::sim {
namespace {

using namespace test;

// -- experiments

std::string ask(Probe& p, const std::string& name) {
  if (name == "SO_ERROR") return p.error();
  return name == "recv" ? Probe::receive(p.a) : Probe::send(p.a, 1);
}

Script data_after_close(Probe& p, std::vector<std::string> then) {
  p.b.close();
  co_await p.net.sleep(500_ms);
  std::string calls = fmt::format("recv={}", Probe::receive(p.a));
  calls += fmt::format(" send={}", Probe::send(p.a, 100));
  co_await p.net.sleep(500_ms);
  for (const std::string& name : then) calls += fmt::format(" {}={}", name, ask(p, name));
  p.row("A_calls", calls);
  p.row("wire", p.wire());
  p.row("final_states", fmt::format("{} {}", p.state(0), p.state(1)));
}

Script data_after_shutdown_read(Probe& p) {
  EXPECT_TRUE(p.b.shutdown(Shutdown::read).has_value());
  Probe::send(p.a, 100);
  co_await p.net.sleep(500_ms);
  p.row("B_recv", Probe::receive(p.b));
  p.row("wire", p.wire());
}

Script closed_port_connect(Probe& p) {
  p.open(Probe::port_closed);
  co_await p.net.sleep(500_ms);
  p.row("A_SO_ERROR", p.error());
  p.row("wire", p.wire());
  p.row("RST_seq", p.net.sent[1].seq.raw);
  p.row("RST_ack_minus_SYN_seq", p.net.sent[1].ack - p.net.sent[0].seq);
}

// Segments that no TCP has sent, to a port where nobody listens.
Script closed_port_forged(Probe& p) {
  struct Kind {
    std::string name;
    u16 flags;
    std::string data{};
  };
  using wire::TcpFlags;
  const std::vector<Kind> kinds{{"SYN", TcpFlags::syn},
                                {"ACK", TcpFlags::ack},
                                {"data+ACK", TcpFlags::psh | TcpFlags::ack, std::string(10, 'x')},
                                {"FIN", TcpFlags::fin},
                                {"FIN+ACK", TcpFlags::fin | TcpFlags::ack},
                                {"SYN+ACK", TcpFlags::syn | TcpFlags::ack},
                                {"SYN+FIN", TcpFlags::syn | TcpFlags::fin},
                                {"no-flags", 0},
                                {"RST", TcpFlags::rst},
                                {"RST+ACK", TcpFlags::rst | TcpFlags::ack}};
  p.loses = [](const Sent&) { return true; };             // A must not see the answers
  p.net.world.monitor().ignore(Rule::unexplained_reset);  // it does not see what is forged
  Shard& shard = p.net.b.shard();
  for (const Kind& k : kinds) {
    p.net.sent.clear();
    const auto frame = tcp_frame({p.net.a.address(), p.net.b.address(), 4000, Probe::port_closed},
                                 {.seq = 1000, .ack = 5000, .flags = k.flags, .data = k.data});
    const buf::PacketId id = shard.pool().from_bytes(frame);
    shard.on_frames(p.net.link.b().interface, {&id, 1}, p.net.now());
    p.net.world.touch(p.net.b.shard_index());
    co_await p.net.sleep(200_ms);
    std::string answer = "none";
    if (!p.net.sent.empty()) {
      const Sent& s = p.net.sent[0];
      answer = fmt::format("{} seq={} ack={} wnd={}", s.flag_letters(), s.seq.raw, s.ack.raw, s.window);
    }
    p.row(fmt::format("answer_to_{}_seq_1000_ack_5000_len_{}", k.name, k.data.size()), answer);
  }
}

Script fin_wait_2_orphan(Probe& p, Duration linger2) {
  if (linger2.ns != 0) static_cast<void>(p.a.set(Option::linger2, linger2.ns));
  p.a.close();
  co_await Script::until([&p] { return p.in(0, "FIN-WAIT-2"); });
  const Instant since = p.net.now();
  co_await p.net.until(since + 90_s, [&p] { return p.in(0, "CLOSED"); });
  p.row("FIN-WAIT-2_ms", p.ms_since(since));
  p.row("B_state", p.state(1));
  p.b.close();
  co_await p.net.sleep(500_ms);
  p.row("wire_with_late_FIN", p.wire());
}

Script fin_wait_2_after_shutdown(Probe& p) {
  static_cast<void>(p.a.shutdown(Shutdown::write));
  co_await p.net.sleep(30_s);
  p.row("state_after_30_s", p.state(0));
}

Script time_wait(Probe& p) {
  p.a.close();
  co_await p.net.sleep(500_ms);
  p.b.close();
  co_await Script::until([&p] { return p.in(0, "TIME-WAIT"); });
  const Instant since = p.net.now();
  co_await p.net.until(since + 90_s, [&p] { return p.in(0, "CLOSED"); });
  p.row("TIME-WAIT_ms", p.ms_since(since));
}

Script zero_window(Probe& p, bool answered, bool orphan) {
  p.row("rto_ms", p.rto_ms());
  Probe::send(p.a, 20'000);
  co_await Script::until([&p] { return p.window_is_closed(); });
  const Instant since = p.net.now();
  if (!answered) p.loses = [](const Sent& s) { return s.from == 1; };
  if (orphan) {
    p.a.close();
    co_await p.net.until(since + 260_s, [&p] { return p.in(0, "CLOSED"); });
    const bool gone = p.in(0, "CLOSED");
    p.row("ms_until_CLOSED", gone ? fmt::format("{}", p.ms_since(since)) : fmt::format("never: {} after 260 s", p.state(0)));
  } else {
    co_await p.net.sleep(100_s);
  }
  p.row("probe_gaps_ms", p.gaps(0, since));
  const auto probes = p.sent_after(0, since);
  p.row("probe_flags", probes[0].plain_text().substr(1));
  for (const Sent& s : probes) EXPECT_EQ(s.plain_text(), probes[0].plain_text());
  p.row("probe_seq_minus_SND.NXT", seq_distance(probes[0].seq, p.last_of(0, since).end()));
  if (!orphan) p.row("state", p.state(0));
}

Script syn_retransmit(Probe& p) {
  p.loses = [](const Sent&) { return true; };
  const Instant since = p.net.now();
  p.open(Probe::port);
  co_await Script::until([&p] { return p.in(0, "CLOSED"); });
  p.row("gaps_ms", p.gaps(0, since));
  p.row("gives_up_after_ms", p.ms_since(since));
  p.row("A_SO_ERROR", p.error());
}

Script syn_ack_retransmit(Probe& p) {
  p.listen();
  p.loses = [](const Sent& s) { return s.from == 0 && !s.has(wire::TcpFlags::syn); };
  p.open(Probe::port);
  co_await Script::until([&p] { return p.in(1, "SYN-RECEIVED"); });
  const Instant since = p.net.now();
  co_await Script::until([&p] { return p.in(1, "CLOSED"); });
  p.row("gaps_ms", p.gaps(1, since));
  p.row("gives_up_after_ms", p.ms_since(since));
}

Script data_retransmit(Probe& p) {
  p.row("rto_ms", p.rto_ms());
  p.loses = [](const Sent&) { return true; };
  const Instant since = p.net.now();
  Probe::send(p.a, 100);
  co_await p.net.sleep(100_s);
  p.row("gaps_ms_in_100_s", p.gaps(0, since));
}

Script fin_retransmit_orphan(Probe& p) {
  p.row("rto_ms", p.rto_ms());
  p.loses = [](const Sent&) { return true; };
  const Instant since = p.net.now();
  p.a.close();
  co_await Script::until([&p] { return p.in(0, "CLOSED"); });
  p.row("gaps_ms", p.gaps(0, since));
  p.row("ms_until_CLOSED", p.ms_since(since));
  p.row("last_packet", p.net.sent.back().flag_letters());
}

Script keepalive(Probe& p, bool answered) {
  for (const auto& [option, value] : {std::pair{Option::keepalive_idle, (2_s).ns},
                                      {Option::keepalive_interval, (1_s).ns},
                                      {Option::keepalive_count, i64{3}},
                                      {Option::keepalive, i64{1}}})
    EXPECT_TRUE(p.a.set(option, value).has_value());
  Probe::send(p.a, 100);
  co_await p.net.sleep(500_ms);
  if (!answered) p.loses = [](const Sent& s) { return s.from == 1; };
  p.net.world.monitor().explain_reset(p.local);  // the wire does not show how many probes are enough
  const Instant since = p.last_arrival_of(1);
  if (answered) co_await p.net.sleep(11_s);
  else co_await p.net.until(p.net.now() + 20_s, [&p] { return p.in(0, "CLOSED"); });
  p.row("gaps_ms_after_last_ACK", p.gaps(0, since));
  const Sent probe = p.sent_after(0, since)[0];
  p.row("probe",
        fmt::format("{} len={} seq=SND.NXT{}", probe.flag_letters(), probe.length, seq_distance(probe.seq, p.last_of(0, since).end())));
  p.row("last_packet", p.sent_after(0, since).back().flag_letters());
  p.row("A_SO_ERROR", p.error());
}

Script delayed_ack(Probe& p) {
  const Instant since = p.net.now();
  Probe::send(p.a, 100);
  co_await p.net.sleep(500_ms);
  p.row("ms", (p.sent_after(1, since)[0].time - since - Observed::one_way).ms());
}

// -- the table

constexpr bool alone = false;

struct Experiment {
  std::string_view name;
  std::function<Script(Probe&)> script;
  bool connected = true;  // in an established connection
  bool small_buffer = false;
  u32 fin_timeout_s = 60;
};

const std::vector<Experiment>& experiments() {
  static const std::vector<Experiment> all{
      {"data_after_close_then_SO_ERROR", [](Probe& p) { return data_after_close(p, {"SO_ERROR", "recv", "send"}); }},
      {"data_after_close_then_recv", [](Probe& p) { return data_after_close(p, {"recv", "SO_ERROR", "send"}); }},
      {"data_after_close_then_send", [](Probe& p) { return data_after_close(p, {"send", "SO_ERROR", "recv"}); }},
      {"data_after_shutdown_RD", data_after_shutdown_read},
      {"closed_port_connect", closed_port_connect, alone},
      {"closed_port_forged", closed_port_forged, alone},
      {"fin_wait_2_orphan", [](Probe& p) { return fin_wait_2_orphan(p, {}); }},
      {"time_wait", time_wait},
      {"zero_window_probes_answered", [](Probe& p) { return zero_window(p, true, false); }, true, true},
      {"zero_window_probes_unanswered", [](Probe& p) { return zero_window(p, false, false); }, true, true},
      {"zero_window_orphan_answered", [](Probe& p) { return zero_window(p, true, true); }, true, true},
      {"zero_window_orphan_unanswered", [](Probe& p) { return zero_window(p, false, true); }, true, true},
      {"syn_retransmit", syn_retransmit, alone},
      {"syn_ack_retransmit", syn_ack_retransmit, alone},
      {"data_retransmit", data_retransmit},
      {"fin_retransmit_orphan", fin_retransmit_orphan},
      {"keepalive_answered", [](Probe& p) { return keepalive(p, true); }},
      {"keepalive_unanswered", [](Probe& p) { return keepalive(p, false); }},
      {"delayed_ack", delayed_ack},
      {"fin_wait_2_orphan_fin_timeout_3", [](Probe& p) { return fin_wait_2_orphan(p, {}); }, true, false, 3},
      {"fin_wait_2_orphan_TCP_LINGER2_2", [](Probe& p) { return fin_wait_2_orphan(p, 2_s); }, true, false, 3},
      {"fin_wait_2_after_shutdown_fin_timeout_3", fin_wait_2_after_shutdown, true, false, 3},
      {"syn_retransmit_linear_timeouts_0", syn_retransmit, alone},
  };
  return all;
}

// What weir does otherwise on purpose: its own value, and why.
struct Deviation {
  std::string_view experiment, quantity, weir, reason;
};
constexpr std::string_view from_probe_to_probe =
    "RFC 9293 3.8.6.1 SHLD-30: the interval between successive probes doubles; the kernel counts from each answer";
constexpr std::array deviations{
    Deviation{"data_after_shutdown_RD", "B_recv", "EOF",
              "POSIX shutdown(): SHUT_RD disables further receiving. What comes is acknowledged and dropped, so that nobody "
              "waits for a window that nobody will open"},
    Deviation{"zero_window_probes_answered", "probe_gaps_ms", "365 730 1460 2920 5840 11680 23360 46720", from_probe_to_probe},
    Deviation{"zero_window_orphan_answered", "probe_gaps_ms", "365 730 1460 2920 5840 11680 23360 46720 93440", from_probe_to_probe},
    Deviation{"syn_retransmit", "gaps_ms", "1000 2000 4000 8000 16000 32000",
              "RFC 6298 5.5: every timeout doubles the RTO, the SYN's too; the kernel repeats the first second four times"},
};

// Numbers agree when the kernel's is weir's or up to 15 % more: it rounds timers up, and its clock ticks.
bool number(const std::string& s) { return !s.empty() && s.find_first_not_of("0123456789") == std::string::npos; }
bool agree(const std::string& kernel, const std::string& weir) {
  const auto k = split(kernel, ' '), w = split(weir, ' ');
  if (k.size() != w.size()) return false;
  for (usize i = 0; i < k.size(); ++i) {
    if (k[i] == w[i]) continue;
    if (!number(k[i]) || !number(w[i])) return false;
    const double have = std::stod(w[i]), want = std::stod(k[i]);
    if (want < have * 0.99 || want > have * 1.15) return false;
  }
  return true;
}

using Values = std::map<std::string, std::string>;

Values kernel_values(std::string_view experiment) {
  Values out;
  for (const auto& r : read_golden(WEIR_GOLDEN "/kernel_timing.tsv", 3))
    if (r[0] == experiment) out[r[1]] = r[2];
  return out;
}

class kernel_timing : public testing::TestWithParam<Experiment> {};

TEST_P(kernel_timing, as_recorded) {
  const Experiment& e = GetParam();
  Sysctl sysctl;
  sysctl.tcp_fin_timeout_s = e.fin_timeout_s;
  Probe p(sysctl);
  // A full number of segments, and what the ten rounds do not move the right edge by: the window closes at once.
  if (e.connected) {
    ASSERT_TRUE(p.net.run(p.connect(e.small_buffer ? 3 * Probe::full_segment + 400 : 0), 30_s));
  }
  ASSERT_TRUE(p.net.run(e.script(p), 600_s));
  Values kernel = kernel_values(e.name);
  EXPECT_FALSE(kernel.empty());
  for (const Probe::Row& r : p.rows) {
    ASSERT_TRUE(kernel.contains(r.quantity)) << r.quantity;
    const std::string want = kernel.extract(r.quantity).mapped();
    const auto d = std::ranges::find_if(deviations, [&](const Deviation& x) { return x.experiment == e.name && x.quantity == r.quantity; });
    if (d == deviations.end()) {
      EXPECT_TRUE(agree(want, r.value)) << r.quantity << "\n  kernel " << want << "\n  weir   " << r.value;
    } else {
      EXPECT_TRUE(agree(std::string(d->weir), r.value)) << r.quantity << "\n  listed " << d->weir << "\n  weir   " << r.value;
      EXPECT_FALSE(agree(want, r.value)) << r.quantity << " agrees: no deviation any more";
    }
  }
  EXPECT_TRUE(kernel.empty()) << "not measured: " << kernel.begin()->first;
  for (const std::string& v : p.net.world.violations()) ADD_FAILURE() << v;
}

// The RTO of a path with a steady RTT leaves room for the ACK of a lone segment, which the peer delays.
TEST(sim_rto, a_delayed_ack_on_a_steady_path_is_no_loss) {
  Probe p;
  p.net.link.set_delay(150_ms);
  ASSERT_TRUE(p.net.run(p.connect(), 60_s));
  EXPECT_GE(p.rto_ms(), 500);
  Probe::send(p.a, 100);
  p.net.world.run_for(2_s);
  EXPECT_EQ(p.wire(), ">PA100 <A");
}

INSTANTIATE_TEST_SUITE_P(kernel, kernel_timing, testing::ValuesIn(experiments()), [](const auto& p) { return std::string(p.param.name); });

}  // namespace
}  // namespace weir::sim

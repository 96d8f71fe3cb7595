// One case of the close matrix played by weir in virtual time: the scenario of docs/close-matrix.md, step by step.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/close_table.hpp"
#include "tests/sim/observed.hpp"

namespace weir::sim::test {

// One application: its socket, its log of results, the states its connection was seen in.
class CloseEnd {
 public:
  CloseEnd(Observed& net, u32 index) : net_(net), index_(index) {}

  Socket socket;
  Endpoint local, remote;
  std::vector<std::string> log, states;
  u64 bytes = 0;
  bool over = false;  // EOF or an error was read

  [[nodiscard]] bool lingers() const { return lingers_since_.has_value(); }
  [[nodiscard]] std::string state() { return net_.state(index_, local, remote); }
  // A timer that will send something: the case is not over.
  [[nodiscard]] bool timer_runs() {
    const tcp::Tcb* t = net_.tcb(index_, local, remote);
    return t != nullptr && (t->timer == tcp::Timer::retransmit || t->timer == tcp::Timer::persist);
  }

  void sample() {
    if (std::string s = state(); states.empty() || states.back() != s) states.push_back(std::move(s));
  }
  void note(const std::string& name, const std::string& result) { log.push_back(fmt::format("{}={}", name, result)); }

  std::string receive() {
    std::byte buffer[4096];
    const auto r = socket.recv(buffer);
    return r && *r == 0 ? "EOF" : result_text(r);
  }
  void send(u32 n) { note("send", result_text(socket.send(std::vector<std::byte>(n)))); }

  // Reads what there is; consecutive counts are one entry. EOF or an error ends the reading.
  void read() {
    while (!over) {
      std::string result = receive();
      if (result == "EAGAIN") return;
      const bool count = result.find_first_not_of("0123456789") == std::string::npos;
      over = !count;
      if (count) {
        bytes += std::stoull(result);
        if (const std::string before = last_count(); !before.empty()) {
          log.pop_back();
          result = std::to_string(std::stoull(before) + std::stoull(result));
        }
      }
      note("recv", result);
    }
  }

  std::string error() { return errno_name(static_cast<int>(socket.get(Option::error).value_or(-1))); }

  // What a poll tells without reading.
  [[nodiscard]] std::string event() const {
    const u32 ready = socket.ready();
    if ((ready & (Ready::error | Ready::hangup)) != 0) return "ERR";
    return (ready & Ready::peer_closed) != 0 ? "EOF" : "";
  }

  void close() {
    socket.close();
    note("close", "0");
  }
  // As the API's blocking close() does it: nothing is read any more, the FIN is queued, and the socket goes when the
  // FIN is acknowledged, the connection gone, or the time over.
  void close_lingering(Duration at_most) {
    lingers_since_ = net_.now();
    lingers_at_most_ = at_most;
    net_.world.monitor().note_close(local);
    if (socket.get(Option::pending_input).value_or(0) == 0) static_cast<void>(socket.shutdown(Shutdown::both));
    else end_linger();
    reap();
  }
  void reap() {
    if (!lingers()) return;
    const tcp::Tcb* t = net_.tcb(index_, local, remote);
    const bool waits = t != nullptr && t->state != tcp::State::fin_wait_2;
    if (!waits || net_.now() - *lingers_since_ >= lingers_at_most_) end_linger();
  }

 private:
  [[nodiscard]] std::string last_count() const {
    if (log.empty() || !log.back().starts_with("recv=")) return {};
    const std::string n = log.back().substr(5);
    return n.find_first_not_of("0123456789") == std::string::npos ? n : "";
  }
  void end_linger() {
    const Duration took = net_.now() - *lingers_since_;
    lingers_since_.reset();
    socket.close();
    const bool at_once = took < Observed::one_way / 2;
    note("close", at_once ? "0:at-once" : took >= lingers_at_most_ ? "0:after-5s" : "0:waited");
  }

  Observed& net_;
  u32 index_;
  std::optional<Instant> lingers_since_{};
  Duration lingers_at_most_{};
};

class CloseScenario {
 public:
  // `lose`: number of the packet since T = 0 that is lost, from 0.
  CloseScenario(const CloseCase& key, std::optional<usize> lose) : key_(key), lose_(lose) {
    net_.lose = [this](const Sent& s) { return on_sent(s); };
  }

  // Plays it. "" or what went wrong.
  std::string play() {
    scripts_.push_back(setup());
    const bool ended = net_.run(scripts_, limit, [this] { after_event(); });
    if (!ended) return "the case does not end";
    finish();
    std::string trouble;
    for (CloseEnd* e : {&a_, &b_}) e->socket.abort();
    listener_.close();
    trouble += leftovers(net_.world, 300_s);
    for (const std::string& v : net_.world.violations()) trouble += v + "; ";
    return trouble;
  }

  [[nodiscard]] const CloseOutcome& outcome() const { return outcome_; }
  [[nodiscard]] usize packets() const { return packets_.size(); }
  // What each packet since T = 0 is for: sender and purpose, as in the column lost_role.
  [[nodiscard]] std::vector<std::string> roles() const {
    std::vector<std::string> all;
    for (const Sent& p : packets_) all.push_back(role(p));
    return all;
  }
  [[nodiscard]] std::string wire() const {
    std::string out;
    for (usize i = 0, n = 0; i < packets_.size(); i += n) {
      const std::string token = packets_[i].text();
      for (n = 1; i + n < packets_.size() && packets_[i + n].text() == token; ++n) {
      }
      out += fmt::format("{}{}{}", out.empty() ? "" : " ", token, n > 1 ? fmt::format("*{}", n) : "");
    }
    return out.empty() ? "-" : out;
  }

 private:
  static constexpr u32 rounds = 10, round_bytes = 100, unread_bytes = 1000, queued_bytes = 20'000, reply_bytes = 1000;
  static constexpr u32 segment = 1448, flight = 10;  // payload of a full segment, segments of the initial window
  static constexpr Duration settled = 200_ms, patience = 7_s, patience_zero = 14_s, think = 100_ms, quiet = 800_ms, limit = 60_s;
  static constexpr u16 port = 7001;

  [[nodiscard]] bool zero() const { return key_.queue == "zero"; }

  bool on_sent(const Sent& s) {
    SeqNum& next = next_seq_[s.from];
    if (next.raw == 0 || s.end() >= next) next = s.end();
    if (s.from == 1) window_closed_ = s.window == 0;
    if (!t0_) return false;
    packets_.push_back(s);
    packets_.back().lost = lose_ == packets_.size() - 1;
    return packets_.back().lost;
  }

  void after_event() {
    if (!t0_) return;
    for (CloseEnd* e : {&a_, &b_}) {
      e->sample();
      e->reap();
      e->sample();
    }
  }

  // -- the scenario

  template <class T>
  static void must(const Result<T>& r) {
    EXPECT_TRUE(r.has_value());
  }
  Script setup() {
    listener_ = *Socket::open(net_.b, Family::v4, SocketType::stream);
    must(listener_.bind({IpAddr::any(Family::v4), port, 0}));
    if (zero()) must(listener_.set(Option::receive_buffer, small_buffer()));
    must(listener_.listen(10));
    a_.socket = *Socket::open(net_.a, Family::v4, SocketType::stream);
    static_cast<void>(a_.socket.connect(net_.server(port)));
    a_.local = b_.remote = a_.socket.local();
    a_.remote = b_.local = net_.server(port);
    co_await Script::until([this] { return try_accept(); });
    for (u32 i = 0; i < 2 * rounds; ++i) {
      CloseEnd& sender = i % 2 == 0 ? a_ : b_;
      CloseEnd& receiver = i % 2 == 0 ? b_ : a_;
      must(sender.socket.send(std::vector<std::byte>(round_bytes)));
      co_await Script::until([&receiver] { return receiver.receive() != "EAGAIN"; });
    }
    if (key_.a_action == "unread") must(b_.socket.send(std::vector<std::byte>(unread_bytes)));
    if (key_.b_action == "unread") must(a_.socket.send(std::vector<std::byte>(unread_bytes)));
    tick();
    co_await Script::until([this] { return net_.quiet(settled); });
    if (zero()) {
      const SeqNum before = next_seq_[0];
      a_.send(queued_bytes);
      co_await Script::until([this] { return window_closed_ && net_.quiet(settled); });
      window_ = next_seq_[0] - before;
    }
    begin();
  }
  // The window closes at the end of a full segment, where the sender's silly window avoidance does not hold it open:
  // three segments, what will lie in the buffer unread, and what the last rounds have not moved the right edge by.
  [[nodiscard]] i64 small_buffer() const {
    constexpr u32 not_yet_advertised = 4 * round_bytes;
    return 3 * segment + not_yet_advertised + (key_.b_action == "unread" ? unread_bytes : 0u);
  }
  bool try_accept() {
    auto taken = listener_.accept();
    if (taken) b_.socket = std::move(*taken);
    return taken.has_value();
  }
  // The world stops when nothing is to come: what a script waits for may only be time.
  void tick() {
    if (!over_) net_.world.after(100_ms, [this] { tick(); });
  }

  void begin() {
    t0_ = net_.now();
    base_[0] = next_seq_[0];
    base_[1] = next_seq_[1];
    a_.sample();
    b_.sample();
    scripts_.push_back(program_a());
    scripts_.push_back(program_b());
    scripts_.push_back(until_over());
  }

  Script program_a() {
    if (key_.queue == "some" || key_.queue == "both") a_.send(queued_bytes);
    act(a_, key_.a_action);
    co_return;
  }

  Script program_b() {
    if (key_.order == "simultaneous") {
      if (key_.b_action != "unread") b_.read();
      act(b_, key_.b_action);
      co_return;
    }
    ++waiting_;
    if (zero()) co_await net_.until(*t0_ + patience, [this] { return b_.event() == "ERR"; });
    if (key_.b_action == "unread") {
      co_await net_.until(*t0_ + patience, [this] { return !b_.event().empty(); });
      if (!b_.event().empty()) co_await net_.sleep(think);
      b_.note("event", b_.event().empty() ? "none" : b_.event());
      b_.note("SO_ERROR", b_.error());
    } else {
      co_await net_.until(*t0_ + (zero() ? patience_zero : patience), [this] {
        b_.read();
        return b_.over;
      });
      if (b_.over) co_await net_.sleep(think);
      else b_.note("recv", "none");
    }
    --waiting_;
    act(b_, key_.b_action);
  }

  void act(CloseEnd& end, const std::string& action) {
    if (&end == &b_ && key_.queue == "both") end.send(reply_bytes);
    if (action == "linger0") must(end.socket.set(Option::linger, 0));
    if (action == "shutdown") {
      end.note("shutdown", result_text(end.socket.shutdown(Shutdown::write)));
      scripts_.push_back(read_to_the_end(end));
    } else if (action == "linger5") {
      net_.world.after(5_s, [] {});
      end.close_lingering(5_s);
    } else {
      end.close();
    }
    end.sample();
  }

  Script read_to_the_end(CloseEnd& end) {
    co_await Script::until([this, &end] {
      end.read();
      return end.over || over_;
    });
  }

  // Nothing on the wire for a while, no retransmission or probe timer, no call outstanding.
  Script until_over() {
    co_await Script::until([this] {
      if (waiting_ != 0 || a_.lingers() || b_.lingers()) return false;
      return net_.quiet(quiet) && net_.now() - *t0_ >= quiet && !a_.timer_runs() && !b_.timer_runs();
    });
    over_ = true;
  }

  // What is still open is asked once more, in this order.
  void finish() {
    const u32 full = flight * longest();
    for (CloseEnd* e : {&a_, &b_}) {
      e->sample();
      if (!e->socket) continue;
      e->note("SO_ERROR", e->error());
      e->note("recv", e->receive());
      e->note("send", result_text(e->socket.send(std::vector<std::byte>(1))));
    }
    outcome_ = {calls(a_, full),        calls(b_, full),        token(a_.bytes, full), token(b_.bytes, full),
                joined(a_.states, ">"), joined(b_.states, ">"), a_.states.back(),      b_.states.back()};
  }

  // -- the result

  [[nodiscard]] u32 longest() const {
    u32 most = 0;
    for (const Sent& p : packets_) most = std::max(most, p.length);
    return most;
  }
  // A count as the table has it: W and F stand for numbers that differ from stack to stack.
  [[nodiscard]] std::string token(u64 count, u32 full) const {
    if (window_ != 0 && count == window_) return "W";
    if (window_ != 0 && count == queued_bytes - window_) return "20000-W";
    if (window_ == 0 && full != 0 && count == full) return "F";
    return std::to_string(count);
  }
  [[nodiscard]] std::string calls(const CloseEnd& e, u32 full) const {
    std::vector<std::string> all;
    for (const std::string& entry : e.log) {
      const bool count = entry.starts_with("recv=") && entry.find_first_not_of("0123456789", 5) == std::string::npos;
      all.push_back(count ? fmt::format("recv={}", token(std::stoull(entry.substr(5)), full)) : entry);
    }
    return joined(all, " ");
  }
  static std::string joined(const std::vector<std::string>& parts, const std::string& with) {
    std::string out;
    for (const std::string& p : parts) out += (out.empty() ? "" : with) + p;
    return out;
  }
  [[nodiscard]] std::string role(const Sent& p) const {
    using wire::TcpFlags;
    const auto fin = std::ranges::find_if(packets_, [&](const Sent& q) { return q.from != p.from && q.has(TcpFlags::fin); });
    std::string name;
    if (p.has(TcpFlags::rst)) name = "RST";
    else if (p.has(TcpFlags::fin)) name = "FIN";
    else if (p.length != 0) name = "data";
    else if (fin != packets_.end() && p.ack == fin->end()) name = "ACK-of-FIN";
    else if (p.window == 0) name = "ACK-win-0";
    else name = p.seq + 1 == base_[p.from] ? "probe" : "ACK";
    return fmt::format("{}:{}", p.from == 0 ? 'A' : 'B', name);
  }

  CloseCase key_;
  std::optional<usize> lose_;
  Observed net_{};
  Socket listener_;
  CloseEnd a_{net_, 0}, b_{net_, 1};
  std::vector<Script> scripts_;
  std::optional<Instant> t0_{};
  SeqNum next_seq_[2]{}, base_[2]{};
  bool window_closed_ = false, over_ = false;
  u32 window_ = 0, waiting_ = 0;
  std::vector<Sent> packets_;
  CloseOutcome outcome_;
};

}  // namespace weir::sim::test

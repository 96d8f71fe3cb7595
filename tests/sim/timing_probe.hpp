// One connection under observation, for the experiments of tests/golden/kernel_timing.tsv: what each did is described
// in docs/close-matrix.md. Times are those of the simulated world.
#pragma once

#include <string>
#include <vector>

#include "tests/sim/observed.hpp"

namespace weir::sim::test {

class Probe {
 public:
  struct Row {
    std::string quantity, value;
  };
  static constexpr u16 port = 7001, port_closed = 7009;
  static constexpr u32 full_segment = 1448;

  explicit Probe(const Sysctl& sysctl = {}) : net({.sysctl = sysctl}) {
    net.lose = [this](const Sent& s) { return loses(s); };
    tick();
  }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  Observed net;
  Socket a, b, listener;
  Endpoint local, remote;  // A's
  std::function<bool(const Sent&)> loses = [](const Sent&) { return false; };
  std::vector<Row> rows{};

  void row(std::string quantity, std::string value) { rows.push_back({std::move(quantity), std::move(value)}); }
  void row(std::string quantity, i64 value) { row(std::move(quantity), std::to_string(value)); }

  // The connection is there, ten rounds of 100 bytes each way have settled the RTT and both ends delay their ACKs.
  Script connect(u32 receive_buffer = 0) {
    listen(receive_buffer);
    open(port);
    co_await Script::until([this] { return try_accept(); });
    for (u32 i = 0; i < 20; ++i) {
      Socket& receiver = i % 2 == 0 ? b : a;
      send(i % 2 == 0 ? a : b, 100);
      co_await Script::until([&receiver] { return receive(receiver) != "EAGAIN"; });
    }
    co_await net.sleep(500_ms);
    net.sent.clear();
  }
  void listen(u32 receive_buffer = 0) {
    listener = *Socket::open(net.b, Family::v4, SocketType::stream);
    EXPECT_TRUE(listener.bind({IpAddr::any(Family::v4), port, 0}).has_value());
    if (receive_buffer != 0) static_cast<void>(listener.set(Option::receive_buffer, receive_buffer));
    EXPECT_TRUE(listener.listen(10).has_value());
  }
  void open(u16 to) {
    a = *Socket::open(net.a, Family::v4, SocketType::stream);
    static_cast<void>(a.connect(net.server(to)));
    local = a.local();
    remote = net.server(to);
  }
  bool try_accept() {
    auto taken = listener.accept();
    if (taken) b = std::move(*taken);
    return taken.has_value();
  }

  static std::string send(Socket& s, u32 n) { return result_text(s.send(std::vector<std::byte>(n))); }
  static std::string receive(Socket& s) {
    std::byte buffer[65'536];
    const auto r = s.recv(buffer);
    return r && *r == 0 ? "EOF" : result_text(r);
  }
  [[nodiscard]] std::string error() const { return errno_name(static_cast<int>(a.get(Option::error).value_or(-1))); }
  [[nodiscard]] std::string state(u32 end) { return end == 0 ? net.state(0, local, remote) : net.state(1, remote, local); }
  [[nodiscard]] bool in(u32 end, const std::string& s) { return state(end) == s; }
  [[nodiscard]] i64 rto_ms() { return net.tcb(0, local, remote)->rto_us / 1000; }
  [[nodiscard]] i64 ms_since(Instant then) const { return (net.now() - then).ms(); }

  // When the last packet of an end has arrived at the other, of those that have.
  [[nodiscard]] Instant last_arrival_of(u32 end) const {
    Instant last{};
    for (const Sent& s : net.sent)
      if (s.from == end && !s.lost && s.time + Observed::one_way <= net.now()) last = s.time + Observed::one_way;
    return last;
  }
  // Has A learnt that B's window is closed?
  [[nodiscard]] bool window_is_closed() const {
    for (auto s = net.sent.rbegin(); s != net.sent.rend(); ++s)
      if (s->from == 1) return s->window == 0 && s->time + Observed::one_way <= net.now();
    return false;
  }

  [[nodiscard]] std::vector<Sent> sent_after(u32 end, Instant since) const {
    std::vector<Sent> out;
    for (const Sent& s : net.sent)
      if (s.from == end && s.time > since) out.push_back(s);
    return out;
  }
  [[nodiscard]] const Sent& last_of(u32 end, Instant until) const {
    const Sent* last = nullptr;
    for (const Sent& s : net.sent)
      if (s.from == end && s.time <= until) last = &s;
    return *last;
  }
  // Milliseconds between what one end sent, counted from `since`.
  [[nodiscard]] std::string gaps(u32 end, Instant since) const {
    std::string out;
    for (const Sent& s : sent_after(end, since)) {
      out += fmt::format("{}{}", out.empty() ? "" : " ", (s.time - since).ms());
      since = s.time;
    }
    return out;
  }
  [[nodiscard]] std::string wire() const {
    std::string out;
    for (const Sent& s : net.sent) out += fmt::format("{}{}", out.empty() ? "" : " ", s.plain_text());
    return out;
  }

 private:
  // The world stands still when nothing is to come, and scripts may wait for less than an event.
  void tick() {
    net.world.after(20_ms, [this] { tick(); });
  }
};

}  // namespace weir::sim::test

// Two hosts and a wire of 80 ms each way, as the kernel's behaviour was recorded (docs/close-matrix.md): everything
// that is sent is kept, chosen packets are lost, and the state of a connection can be asked for after every event.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "sim/monitor.hpp"
#include "sim/oracle.hpp"
#include "sim/socket.hpp"
#include "tcp/context.hpp"
#include "tcp/engine.hpp"
#include "tests/sim/script.hpp"

namespace weir::sim::test {

// A TCP packet as a host has sent it.
struct Sent {
  Instant time;
  u32 from = 0;  // 0: A, 1: B
  SeqNum seq{}, ack{};
  u32 length = 0;  // of the payload
  u32 window = 0;  // unscaled
  u16 flags = 0;
  u16 src_port = 0;
  bool lost = false;

  [[nodiscard]] bool has(u16 f) const { return (flags & f) != 0; }
  // Sequence number behind it.
  [[nodiscard]] SeqNum end() const { return seq + (length + (has(wire::TcpFlags::syn) ? 1u : 0u) + (has(wire::TcpFlags::fin) ? 1u : 0u)); }
  [[nodiscard]] std::string flag_letters() const {
    std::string out;
    for (const auto& [bit, letter] : {std::pair{wire::TcpFlags::fin, 'F'},
                                      {wire::TcpFlags::syn, 'S'},
                                      {wire::TcpFlags::rst, 'R'},
                                      {wire::TcpFlags::psh, 'P'},
                                      {wire::TcpFlags::ack, 'A'}})
      if (has(bit)) out += letter;
    return out;
  }
  [[nodiscard]] std::string plain_text() const {
    return fmt::format("{}{}{}", from == 0 ? '>' : '<', flag_letters(), length != 0 ? std::to_string(length) : "");
  }
  // With "!": lost, and "w0": a closed window.
  [[nodiscard]] std::string text() const {
    return fmt::format("{}{}{}", lost ? "!" : "", plain_text(), window == 0 && !has(wire::TcpFlags::rst) ? "w0" : "");
  }
};

inline std::string errno_name(int e) {
  switch (e) {
    case 0: return "0";
    case EAGAIN: return "EAGAIN";
    case ENOTCONN: return "ENOTCONN";
    case ETIMEDOUT: return "ETIMEDOUT";
    case ECONNRESET: return "ECONNRESET";
    case ECONNREFUSED: return "ECONNREFUSED";
    case EPIPE: return "EPIPE";
    default: return fmt::format("errno {}", e);
  }
}
inline std::string errno_name(Errc e) { return errno_name(to_errno(e)); }

template <class T>
std::string result_text(const Result<T>& r) {
  if (!r) return errno_name(r.error());
  if constexpr (std::is_void_v<T>) return "0";
  else return std::to_string(*r);
}

class Observed {
 public:
  static constexpr Duration one_way = 80_ms;

  explicit Observed(const HostConfig& hosts = {})
      : world(1, {.max_batch = 1, .static_neighbours = true, .start = Instant{} + 1000_s}),
        a(world.host("A", hosts)),
        b(world.host("B", hosts)),
        link(world.link(a, b, {.delay = one_way})) {
    link.drop([this](const FrameInfo& f) { return on_wire(f); });
  }

  [[nodiscard]] Host& host(u32 end) { return end == 0 ? a : b; }
  [[nodiscard]] Instant now() const { return world.now(); }
  [[nodiscard]] Endpoint server(u16 port) const { return {b.address(), port, 0}; }

  // TIME-WAIT as ss shows it: the connection, not what the socket says about itself.
  [[nodiscard]] std::string state(u32 end, const Endpoint& local, const Endpoint& remote) {
    const tcp::Ref r = find(end, local, remote);
    if (!r) return "CLOSED";
    switch (r.kind()) {
      case tcp::RefKind::tcb: return tcp::name(context(end).tcbs[r.index()].state);
      case tcp::RefKind::half_open: return "SYN-RECEIVED";
      default: return "TIME-WAIT";
    }
  }
  // The control block, or nothing in TIME-WAIT and CLOSED.
  [[nodiscard]] tcp::Tcb* tcb(u32 end, const Endpoint& local, const Endpoint& remote) {
    const tcp::Ref r = find(end, local, remote);
    return r && r.kind() == tcp::RefKind::tcb ? &context(end).tcbs[r.index()] : nullptr;
  }

  [[nodiscard]] bool quiet(Duration time) { return !in_flight() && now() - last_sent >= time; }
  [[nodiscard]] bool in_flight() { return link.a_to_b().in_flight() + link.b_to_a().in_flight() != 0; }

  // Runs the scripts: each goes on when what it waits for is true, which is asked after every event. `seen` is called
  // before they are asked. False: not done after that time.
  bool run(std::vector<Script>& scripts, Duration at_most, const std::function<void()>& seen = {}) {
    return world.run_until(
        [&] {
          if (seen) seen();
          for (usize i = 0; i < scripts.size(); ++i) scripts[i].poll();  // one may add others
          return std::ranges::all_of(scripts, [](const Script& s) { return s.done(); });
        },
        at_most);
  }
  bool run(Script script, Duration at_most) {
    std::vector<Script> one;
    one.push_back(std::move(script));
    return run(one, at_most);
  }
  // For scripts: the condition, at most until then.
  Script::Wait until(Instant limit, Script::Condition condition) {
    world.at(limit, [] {});
    return Script::until([this, limit, c = std::move(condition)] { return c() || world.now() >= limit; });
  }
  Script::Wait sleep(Duration d) {
    return until(world.now() + d, [] { return false; });
  }

  World world;
  Host& a;
  Host& b;
  Link& link;
  std::vector<Sent> sent{};
  Instant last_sent{};
  std::function<bool(const Sent&)> lose{};  // asked about each packet

 private:
  [[nodiscard]] tcp::Context& context(u32 end) { return host(end).shard().core().tcp->context(); }
  [[nodiscard]] tcp::Ref find(u32 end, const Endpoint& local, const Endpoint& remote) {
    const tcp::Flow f{local.addr, remote.addr, local.port, remote.port, host(end).netns()};
    return context(end).find(f, context(end).hash(f));
  }

  bool on_wire(const FrameInfo& frame) {
    const Dissected d = dissect(frame.frame);
    if (!d.is_tcp()) return false;
    const auto t = wire::TcpView::parse(d.l4);
    Sent s{.time = frame.time,
           .from = frame.a_to_b ? 0u : 1u,
           .seq = t->seq(),
           .ack = t->ack(),
           .length = static_cast<u32>(t->payload().size()),
           .window = t->window(),
           .flags = t->flags().bits,
           .src_port = t->src_port()};
    s.lost = lose && lose(s);
    last_sent = frame.time;
    sent.push_back(s);
    return s.lost;
  }
};

}  // namespace weir::sim::test

// weir demo handshake, weir demo states: TCP between two simulated hosts, in virtual time.
#include <fmt/format.h>

#include <array>
#include <set>

#include "api/sim_executor.hpp"
#include "cli/demo.hpp"
#include "wire/print.hpp"

namespace weir::cli {
namespace {

constexpr u16 server_port = 80;

// The state of a host's only connection. In SYN-RECEIVED and TIME-WAIT a passive one is not a whole control block.
std::string state_of(const sim::Host& host) {
  std::string state = "CLOSED";
  const tcp::Engine& engine = *host.shard().core().tcp;
  engine.for_each(
      [](void* out, const tcp::Info& i) {
        auto& s = *static_cast<std::string*>(out);
        if (i.state != tcp::State::closed && (s == "CLOSED" || s == "LISTEN")) s = tcp::name(i.state);
      },
      &state);
  const bool none = state == "CLOSED" || state == "LISTEN";
  if (none && engine.half_open() != 0) return tcp::name(tcp::State::syn_received);
  if (none && engine.time_wait() != 0) return tcp::name(tcp::State::time_wait);
  return state;
}

// Two hosts, a wire of 10 ms, and somebody who prints what passes and how states change.
class Stage : public sim::WireListener {
 public:
  explicit Stage(bool with_segments) : with_segments_(with_segments) {
    world_.link(hosts_[0], hosts_[1], {.delay = Duration::millis(10)});
    world_.add_listener(this);
    for (usize i = 0; i < 2; ++i) executors_[i] = std::make_shared<SimExecutor>(world_, hosts_[i].get().shard_index());
  }
  ~Stage() override {
    for (const auto& e : executors_) e->end();
  }

  [[nodiscard]] Host client() const { return {executors_[0], hosts_[0].get().netns()}; }
  [[nodiscard]] Host server() const { return {executors_[1], hosts_[1].get().netns()}; }
  [[nodiscard]] Endpoint client_at(u16 port) const { return {hosts_[0].get().address(), port}; }
  [[nodiscard]] Endpoint server_at(u16 port) const { return {hosts_[1].get().address(), port}; }
  void say(std::string_view what) const { fmt::print("{:>10.3f} ms  -- {}\n", world_.now().s() * 1e3, what); }

  void run(Duration time) {
    world_.run_until(
        [this] {
          print_states();
          return false;
        },
        time);
    print_states();
  }
  [[nodiscard]] const std::set<std::string>& seen() const noexcept { return seen_; }

  void on_address(u32, const IpAddr&) override {}
  void on_delivered(u32, const sim::Link&, Bytes, bool, Instant) override {}
  void on_sent(u32 host, const sim::Link&, Bytes frame, Instant now) override {
    const std::string text = wire::print_frame(frame);
    const usize ip = text.find(", IP ");
    if (!with_segments_ || ip == std::string::npos) return;  // ARP and ND go unmentioned
    fmt::print("{:>10.3f} ms  {}  {}\n", now.s() * 1e3, host == 0 ? "client -->" : "server -->", text.substr(ip + 2));
  }

 private:
  void print_states() {
    for (usize i = 0; i < 2; ++i) {
      std::string now = state_of(hosts_[i]);
      if (now == states_[i]) continue;
      fmt::print("{:>10.3f} ms  {}: {} -> {}\n", world_.now().s() * 1e3, i == 0 ? "client" : "server", states_[i], now);
      seen_.insert(now);
      states_[i] = std::move(now);
    }
  }

  bool with_segments_;
  sim::World world_{1};
  std::array<std::reference_wrapper<sim::Host>, 2> hosts_{world_.host("client"), world_.host("server")};
  std::array<std::shared_ptr<SimExecutor>, 2> executors_;
  std::array<std::string, 2> states_{"CLOSED", "CLOSED"};
  std::set<std::string> seen_{"CLOSED"};
};

Bytes text_bytes(std::string_view s) { return std::as_bytes(std::span(s)); }

Task<void> serve_one(const Stage& stage, TcpListener listener) {
  auto peer = co_await listener.accept();
  if (!peer) co_return;
  while (auto chunk = co_await peer->read()) {
    if (chunk->empty()) break;
    stage.say(fmt::format("the server has read {} bytes and sends them back", chunk->size()));
    Chunk back = std::move(*chunk);
    if (!co_await peer->write(std::move(back))) co_return;
  }
  co_await stage.server().sleep_for(Duration::millis(5));
  stage.say("the server has seen the end, and closes");
}

Task<void> visit(const Stage& stage) {
  stage.say("the client opens a connection");
  auto stream = co_await stage.client().connect(stage.server_at(server_port));
  if (!stream) co_return;
  stage.say("the client writes \"hello\"");
  if (!co_await stream->write(text_bytes("hello"))) co_return;
  std::array<std::byte, 64> answer;
  (void)co_await stream->read(answer);
  stage.say("the client has the answer, and closes");
}

Task<void> idle_peer(const Stage& stage, TcpListener listener, Duration until_close) {
  auto peer = co_await listener.accept();
  if (peer) co_await stage.server().sleep_for(until_close);
}

// Connects, and closes after that time.
Task<void> brief_visit(Host host, Endpoint to, std::optional<Endpoint> from, Duration time) {
  auto stream = co_await host.connect(to, from);
  if (stream) co_await host.sleep_for(time);
}

void show(std::string_view title, std::set<std::string>& seen, const std::function<void(Stage&)>& scene) {
  fmt::print("\n{}\n", title);
  Stage stage(false);
  scene(stage);
  stage.run(Duration::seconds(200));
  seen.insert(stage.seen().begin(), stage.seen().end());
}

// Both close when the connection has been up for the same time: at the same time.
Task<void> close_at(Host host, TcpListener listener, Instant when) {
  auto peer = co_await listener.accept();
  if (peer) co_await host.sleep_for(when - host.now());
}
Task<void> connect_and_close_at(Host host, Endpoint to, Instant when) {
  auto stream = co_await host.connect(to);
  if (stream) co_await host.sleep_for(when - host.now());
}

}  // namespace

int demo_handshake() {
  fmt::print("Two hosts, a wire of 10 ms each way. Every segment as it is sent, and every change of state (RFC 9293 3.5, 3.6).\n\n");
  Stage stage(true);
  auto listener = stage.server().listen({{}, server_port});
  stage.server().spawn(serve_one(stage, std::move(*listener)));
  stage.run(Duration::millis(1));
  stage.client().spawn(visit(stage));
  stage.run(Duration::seconds(100));
  return 0;
}

int demo_states() {
  fmt::print("The eleven states of RFC 9293 3.3.2, and what leads from one to another.\n");
  std::set<std::string> seen;
  const Duration brief = Duration::millis(100);
  show("Opened and closed by the client, then closed by the server:", seen, [&](Stage& s) {
    s.server().spawn(idle_peer(s, std::move(*s.server().listen({{}, server_port})), Duration::millis(300)));
    s.run(Duration::millis(1));
    s.client().spawn(brief_visit(s.client(), s.server_at(server_port), {}, brief));
  });
  show("Closed by both at the same time:", seen, [&](Stage& s) {
    const Instant when = s.client().now() + Duration::millis(200);
    s.server().spawn(close_at(s.server(), std::move(*s.server().listen({{}, server_port})), when));
    s.client().spawn(connect_and_close_at(s.client(), s.server_at(server_port), when));
  });
  show("Opened by both at the same time:", seen, [&](Stage& s) {
    s.client().spawn(brief_visit(s.client(), s.server_at(7001), s.client_at(7000), brief));
    s.server().spawn(brief_visit(s.server(), s.client_at(7000), s.server_at(7001), brief * 4));
  });
  show("Refused: nobody listens:", seen, [&](Stage& s) { s.client().spawn(brief_visit(s.client(), s.server_at(server_port), {}, brief)); });
  fmt::print("\n{} of 11 states were seen:", seen.size());
  for (const std::string& state : seen) fmt::print(" {}", state);
  fmt::print("\n");
  return seen.size() == 11 ? 0 : 1;
}

}  // namespace weir::cli

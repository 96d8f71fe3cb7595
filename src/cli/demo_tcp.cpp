// weir demo handshake|states: two namespaces on a veth, in virtual time; every segment on the wire and the state of both ends.
#include <fmt/format.h>

#include "cli/demo.hpp"
#include "shard/shard.hpp"
#include "sock/table.hpp"
#include "wire/print.hpp"

namespace weir::cli {
namespace {

class Wire {
 public:
  Wire() : shard_({.seed = 1}, now_) {
    client_ns_ = *shard_.add_netns({.name = "client"}, now_);
    server_ns_ = *shard_.add_netns({.name = "server"}, now_);
    const auto pair = *shard_.add_veth(client_ns_, {.name = "eth0"}, server_ns_, {.name = "eth0"}, now_);
    static_cast<void>(shard_.add_address(pair.first, *Prefix::parse("10.0.0.1/24"), now_, false));
    static_cast<void>(shard_.add_address(pair.second, *Prefix::parse("10.0.0.2/24"), now_, false));
    shard_.core().taps.push_back({&Wire::seen, this});
  }
  void open() {
    listener_ = *shard_.socket(server_ns_, Family::v4, SocketType::stream, 0, now_);
    static_cast<void>(shard_.bind(listener_, {Ip4Addr::any(), 80, 0}, now_));
    static_cast<void>(shard_.listen(listener_, 1, now_));
    say("server: socket, bind 0.0.0.0:80, listen");
    client_ = *shard_.socket(client_ns_, Family::v4, SocketType::stream, 0, now_);
    static_cast<void>(shard_.connect(client_, {*IpAddr::parse("10.0.0.2"), 80, 0}, now_));
    say("client: socket, connect 10.0.0.2:80");
    settle();
    server_ = *shard_.accept(listener_, now_);
    say("server: accept");
  }
  void send(const char* what, bool from_client) {
    const std::string_view s{what};
    static_cast<void>(shard_.send(from_client ? client_ : server_, std::as_bytes(std::span{s}), 0, now_));
    say(fmt::format("{}: send \"{}\"", from_client ? "client" : "server", what));
    settle();
    char in[64];
    const auto n = shard_.recv(from_client ? server_ : client_, std::as_writable_bytes(std::span{in}), 0, now_);
    if (n) say(fmt::format("{}: recv \"{}\"", from_client ? "server" : "client", std::string_view{in, *n}));
  }
  void shut(bool the_client) {
    static_cast<void>(shard_.shutdown(the_client ? client_ : server_, Shutdown::write, now_));
    say(fmt::format("{}: shutdown(SHUT_WR)", the_client ? "client" : "server"));
    settle();
  }
  void pass(Duration d) {
    const Instant end = now_ + d;
    while (shard_.next_deadline() <= end) {
      now_ = std::max(now_, shard_.next_deadline());
      settle();
    }
    now_ = end;
  }
  [[nodiscard]] u32 waiting() { return shard_.core().tcp->time_wait(); }
  void settle() {
    while (shard_.run(now_, {.packets = 1}).more) now_ = now_ + 10_us;  // one packet at a time, so that each is shown
  }
  void say(const std::string& text) { fmt::print("{:>10.3f} ms  {}\n", now_.s() * 1e3 - 1'000, text); }

 private:
  static void seen(void* self, IfIndex, bool outbound, buf::PacketId id, Drop why, Instant) {
    Wire& w = *static_cast<Wire*>(self);
    buf::Pool& pool = w.shard_.pool();
    if (outbound || why != Drop::none || pool[id].length < 34) return;
    std::vector<std::byte> frame(pool[id].length);
    pool.copy_out(id, 0, frame);
    const bool tcp = load_be16(frame.data() + 12) == 0x0800 && load_u8(frame.data() + 23) == 6;
    if (tcp) w.say(fmt::format("    {}   [{} | {}]", wire::print_packet(Bytes{frame}.subspan(14)), w.state(w.client_), w.state(w.server_)));
  }
  [[nodiscard]] std::string state(Sock s) {
    const auto info = shard_.core().sockets->tcp_info(s);
    return info ? tcp::name(info->state) : "-";
  }

  Instant now_{1'000'000'000};
  Shard shard_;
  NetnsId client_ns_ = 0, server_ns_ = 0;
  Sock listener_{}, client_{}, server_{};
};

}  // namespace

int demo_handshake() {
  fmt::print("Three segments open a connection. In brackets: the client's and the server's state when the segment arrives\n"
             "(the server's connection is half-open, and not a socket yet, until the last of the three).\n\n");
  Wire w;
  w.open();
  fmt::print("\nThen data flows, each byte numbered and acknowledged:\n\n");
  w.send("hello", true);
  w.send("hello yourself", false);
  w.pass(50_ms);
  return 0;
}

int demo_states() {
  fmt::print("A connection from CLOSED to ESTABLISHED, and its end: who closes first goes through FIN-WAIT-1, FIN-WAIT-2 and\n"
             "TIME-WAIT, the other through CLOSE-WAIT and LAST-ACK. In brackets: client | server, as each segment arrives.\n\n");
  Wire w;
  w.open();
  w.send("last words", true);
  w.shut(true);
  w.send("not mine yet", false);  // the half-closed connection still carries data the other way
  w.shut(false);
  fmt::print("\n{} connection in TIME-WAIT: late segments find it, and a last FIN that was lost can be repeated.\n", w.waiting());
  w.pass(61_s);
  fmt::print("After 2 MSL (60 s of virtual time): {}.\n", w.waiting());
  return 0;
}

}  // namespace weir::cli

// TCP (RFC 9293) of a shard: the door to src/tcp for the graph (segments, errors, time) and the socket layer (user calls).
#pragma once

#include <memory>

#include "ip/socket_types.hpp"
#include "ip/transport.hpp"
#include "tcp/limits.hpp"
#include "tcp/tcb.hpp"
#include "tcp/tcp_counters.hpp"
#include "tcp/trace.hpp"

namespace weir::tcp {

struct Context;

// What a user may ask about a connection.
struct Info {
  u32 connection = 0;
  NetnsId netns = 0;
  State state{};
  Path path{};
  u32 snd_mss = 0, rcv_mss = 0, cwnd = 0, ssthresh = 0;
  u32 srtt_us = 0, rttvar_us = 0, rto_us = 0;
  u32 snd_wnd = 0, rcv_wnd = 0, flight = 0, unsent = 0, rx_bytes = 0;
  u32 retransmitted = 0, backoff = 0;
  u64 bytes_in = 0, bytes_out = 0;
  u8 snd_wscale = 0, rcv_wscale = 0;
  bool timestamps = false, sack = false;
  bool syn_data = false;  // data went with the SYN: RFC 7413
  Timer timer{};
  Endpoint local, remote;
};

// Connections are u32 indexes (0: none). `user` is the socket layer's number, given back in Transport::notify.
//   const auto c = engine.open(netns, Family::v4, user);
//   engine.connect(*c, peer, now);   ...notify(user, Ready::out)...
//   engine.send(*c, bytes, 0, now);
class Engine {
 public:
  Engine(ip::Transport& env, const Limits& limits, Instant now);
  ~Engine();

  // -- from the network
  // TCP packets to this host: l3, l4, family set, IP header checked. Takes ownership.
  void receive(std::span<const buf::PacketId> packets, Instant now);
  void icmp_error(const ip::IcmpError& error, Instant now);
  u32 advance(Instant now, u32 budget);  // timers that fired
  [[nodiscard]] Instant next_deadline() const;

  // -- user calls: RFC 9293 3.9.1, 3.10.1 to 3.10.6
  Result<u32> open(NetnsId netns, Family family, u32 user);
  Result<void> bind(u32 c, const Endpoint& local, Instant now);
  Result<void> listen(u32 c, u32 backlog, Instant now);
  Result<u32> accept(u32 listener, Instant now);  // a connection whose user is to be set
  void set_user(u32 c, u32 user);
  Result<void> connect(u32 c, const Endpoint& remote, Instant now);
  Result<u32> send(u32 c, Bytes data, u32 flags, Instant now);
  // TCP Fast Open. in_progress: the data does not go on the SYN, send it when the connection is up.
  Result<u32> connect_send(u32 c, const Endpoint& remote, Bytes data, Instant now);
  Result<u32> send_slices(u32 c, std::span<const buf::Slice> slices, Instant now);
  Result<u32> recv(u32 c, MutBytes out, u32 flags, Instant now);
  Result<Lent> recv_lent(u32 c, u32 max_bytes, Instant now);
  Result<void> shutdown(u32 c, Shutdown how, Instant now);
  void close(u32 c, Instant now);  // the user is gone
  void abort(u32 c, Instant now);
  Result<void> set_option(u32 c, Option option, i64 value, Instant now);
  Result<i64> get_option(u32 c, Option option);
  [[nodiscard]] Endpoint local(u32 c) const;
  [[nodiscard]] Result<Endpoint> remote(u32 c) const;
  [[nodiscard]] u32 ready(u32 c);
  [[nodiscard]] Info info(u32 c) const;

  // -- namespaces
  void add_netns(NetnsId netns);
  void remove_netns(NetnsId netns, Instant now);
  [[nodiscard]] Counters<Tcp>& counters(NetnsId netns);
  [[nodiscard]] u32 connections() const;
  [[nodiscard]] u32 half_open() const;
  [[nodiscard]] u32 time_wait() const;
  // Calls f(cx, index) with each connection in the table or listening: for `weir ss`.
  void for_each(void (*f)(void* cx, const Info& info), void* cx) const;

  // -- seeing: from here on the trace is told what happens to the connections it wants (tcp/trace.hpp). Detach it before it goes.
  void attach(Trace& trace);
  void detach(Trace& trace) noexcept;

  [[nodiscard]] Context& context() noexcept { return *cx_; }

 private:
  std::unique_ptr<Context> cx_;
};

}  // namespace weir::tcp

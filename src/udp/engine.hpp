// UDP (RFC 768, RFC 1122 4.1, RFC 8085): sockets of a shard, demultiplexing, datagram queues.
#pragma once

#include <memory>

#include "ip/socket_types.hpp"
#include "ip/transport.hpp"
#include "udp/udp_counters.hpp"

namespace weir::udp {

struct State;

// Sockets are named by u32 indexes (0: none). `user` is the socket layer's number, given back in Transport::notify.
//   const auto s = engine.open(netns, Family::v4, user);
//   engine.bind(*s, {Ip4Addr::any(), 53}, now);
//   engine.send_to(*s, bytes, peer, 0, now);
class Engine {
 public:
  explicit Engine(ip::Transport& env, u32 max_sockets);
  ~Engine();

  Result<u32> open(NetnsId netns, Family family, u32 user);
  Result<void> bind(u32 s, const Endpoint& local, Instant now);
  Result<void> connect(u32 s, const Endpoint& remote, Instant now);  // family any address: disconnects
  // to: nullptr sends to where the socket is connected.
  Result<u32> send_to(u32 s, Bytes data, const Endpoint* to, u32 flags, Instant now);
  Result<Datagram> recv_from(u32 s, MutBytes out, u32 flags);
  Result<void> shutdown(u32 s, Shutdown how);
  void close(u32 s, Instant now);
  Result<void> set_option(u32 s, Option option, i64 value);
  Result<i64> get_option(u32 s, Option option);
  [[nodiscard]] Endpoint local(u32 s) const;
  [[nodiscard]] Result<Endpoint> remote(u32 s) const;
  [[nodiscard]] u32 ready(u32 s) const;

  // A datagram for this host: l3, l4 and family are set, the IP header is checked. Takes ownership. False: no socket
  // wanted it and the caller, which still owns it, may answer port unreachable.
  bool receive(buf::PacketId packet, Instant now);
  bool icmp_error(const ip::IcmpError& error, Instant now);  // true: it was about one of our sockets
  void add_netns(NetnsId netns);
  void remove_netns(NetnsId netns, Instant now);
  [[nodiscard]] Counters<Udp>& counters(NetnsId netns);
  [[nodiscard]] u32 sockets() const;

 private:
  std::unique_ptr<State> impl_;
};

}  // namespace weir::udp

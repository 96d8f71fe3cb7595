// Raw sockets (all datagrams of an IP protocol) and packet sockets (all frames of an interface, both ways): for `ping`,
// capture and packet tools.
#pragma once

#include <array>
#include <optional>

#include "base/slab.hpp"
#include "ip/socket_types.hpp"
#include "ip/transport.hpp"
#include "udp/datagram.hpp"

namespace weir::sock {

// What packet sockets need of the interfaces, which only the shard knows.
struct FrameAccess {
  // A whole frame (Ethernet header first, where the interface has one) to an interface of the namespace. Takes ownership.
  Result<void> (*send)(void* cx, NetnsId netns, IfIndex interface, buf::PacketId frame) = nullptr;
  // From now on on_frame() is called, or not any more.
  void (*watch)(void* cx, bool on) = nullptr;
  void* cx = nullptr;
};

// The same contract as udp::Engine. Ports mean nothing; of an IPv4 socket the user gets the IP header too, of an IPv6 socket
// he does not. ICMPv6 checksums are computed here (RFC 3542 3.1).
class RawEngine {
 public:
  RawEngine(ip::Transport& env, u32 max_sockets);
  ~RawEngine();
  void set_frame_access(const FrameAccess& access) noexcept { frames_ = access; }

  // protocol 0 with header_included: sends only.
  Result<u32> open(NetnsId netns, Family family, u8 protocol, u32 user);
  // ethertype 0: all. Bound to an interface by Option::bind_interface, or to all of its namespace; send_to names the
  // interface in Endpoint::scope.
  Result<u32> open_packet(NetnsId netns, u16 ethertype, u32 user);
  Result<void> bind(u32 s, const Endpoint& local, Instant now);
  Result<void> connect(u32 s, const Endpoint& remote, Instant now);
  Result<u32> send_to(u32 s, Bytes data, const Endpoint* to, u32 flags, Instant now);
  Result<Datagram> recv_from(u32 s, MutBytes out, u32 flags);
  Result<void> shutdown(u32 s, Shutdown how);
  void close(u32 s, Instant now);
  Result<void> set_option(u32 s, Option option, i64 value);
  Result<i64> get_option(u32 s, Option option);
  [[nodiscard]] Endpoint local(u32 s) const;
  [[nodiscard]] Result<Endpoint> remote(u32 s) const;
  [[nodiscard]] u32 ready(u32 s) const;

  // Is there a socket of this protocol at all? One load, for each packet.
  [[nodiscard]] bool wants(NetnsId, u8 protocol) const noexcept { return users_[protocol] != 0; }
  // Copies references to the packet for each socket that takes it; it stays the caller's. True: somebody took it.
  bool receive(buf::PacketId packet, Instant now);
  bool icmp_error(const ip::IcmpError& error, Instant now);
  void on_frame(NetnsId netns, IfIndex interface, bool outbound, u16 ethertype, buf::PacketId frame, Instant now);
  void remove_netns(NetnsId netns, Instant now);

 private:
  struct Socket {
    NetnsId netns = 0;
    Family family = Family::v4;
    bool is_packet = false;
    u8 protocol = 0;
    u16 ethertype = 0;
    bool connected = false, shut_read = false, shut_write = false;
    u32 user = 0;
    Endpoint local, remote;
    udp::DatagramOptions options;
    std::optional<Errc> error;
    udp::ReceiveQueue queue;
  };

  [[nodiscard]] bool takes(const Socket& s, const buf::Packet& p, const IpAddr& src, const IpAddr& dst) const noexcept;
  void put(Socket& s, buf::PacketId packet);
  Result<u32> send_frame(Socket& s, Bytes data, const Endpoint* to);
  Result<u32> send_whole(Socket& s, Bytes data, const Endpoint& dst, Instant now);
  void notify(const Socket& s, u32 mask) const {
    if (s.user != 0) env_.notify(env_.cx, s.user, mask);
  }
  template <class F>
  void for_each(F&& f);

  ip::Transport& env_;
  FrameAccess frames_;
  Slab<Socket> sockets_;
  std::vector<u32> open_;              // there are few of them, and each packet is for all
  std::array<u16, 256> users_{};       // by protocol
  u32 packet_sockets_ = 0;
};

}  // namespace weir::sock

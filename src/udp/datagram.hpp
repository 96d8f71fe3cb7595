// What sockets that send and receive datagrams have in common (UDP, raw): options, the receive queue, building a packet.
#pragma once

#include "ip/socket_types.hpp"
#include "ip/transport.hpp"

namespace weir::udp {

struct DatagramOptions {
  u32 send_buffer = 212'992, receive_buffer = 212'992;  // receive: true size, buffers and all
  IfIndex interface = 0;        // bind_interface
  u8 ttl = 0;                   // 0: of the namespace
  u8 multicast_ttl = 1;
  u8 tos = 0;
  // 0: never DF. 1: DF on what fits the path, larger datagrams are cut here. 2: DF, and larger ones are refused.
  u8 path_mtu_discovery = 1;
  bool reuse_address = false, reuse_port = false;
  bool broadcast = false, multicast_loop = true;
  bool v6_only = false;
  bool receive_errors = false;
  bool header_included = false;
  bool receive_checksum = false, no_checksum = false;
};

// no_protocol_option for what datagram sockets do not have, invalid for a value out of range.
Result<void> set_option(DatagramOptions& o, Option option, i64 value);
Result<i64> get_option(const DatagramOptions& o, Option option);

// Datagrams that wait for the user, head at the IP header, `payload` set. Bounded by true size.
class ReceiveQueue {
 public:
  [[nodiscard]] bool empty() const noexcept { return packets_.empty(); }
  [[nodiscard]] u32 charged() const noexcept { return charged_; }
  // False when it would hold more than `limit`: the packet stays the caller's.
  [[nodiscard]] bool push(buf::Pool& pool, buf::PacketId id, u32 limit) noexcept;
  [[nodiscard]] buf::PacketId front() const noexcept { return packets_.front(); }
  void pop(buf::Pool& pool) noexcept;
  void clear(buf::Pool& pool) noexcept {
    while (!packets_.empty()) pop(pool);
  }

 private:
  buf::PacketQueue packets_;
  u32 charged_ = 0;
};

// Bytes from `skip` on into `out`, and what the IP header tells. `skip` is a position in the first run.
Datagram read_datagram(buf::Pool& pool, buf::PacketId id, u16 skip, MutBytes out) noexcept;

// A packet whose bytes begin at buf::l4_anchor with `header` bytes of room, then `data`. none: out of memory.
[[nodiscard]] buf::PacketId make_packet(buf::Pool& pool, u32 header, Bytes data) noexcept;

// The error that an ICMP message means to a connected datagram socket (RFC 1122 4.1.3.3). Not all are final.
struct SocketError {
  Errc code;
  bool hard;
};
[[nodiscard]] SocketError error_of(ip::IcmpError::Kind kind) noexcept;

}  // namespace weir::udp

// What users of sockets see: handles, readiness, flags, options. Plain values.
#pragma once

#include <span>

#include "base/error.hpp"
#include "base/time.hpp"
#include "buf/packet.hpp"
#include "wire/address.hpp"

namespace weir {

// A socket of one shard. The generation makes a handle that outlived its socket an error, not somebody else's socket.
struct Sock {
  u32 index = 0;  // 0: none
  u32 generation = 0;
  friend constexpr bool operator==(Sock, Sock) noexcept = default;
  explicit constexpr operator bool() const noexcept { return index != 0; }
};

enum class SocketType : u8 { stream, datagram, raw, packet };

// Readiness, with the meaning of poll(2).
struct Ready {
  static constexpr u32 in = 1;        // data, a connection to accept, or end of stream
  static constexpr u32 out = 4;       // room to send
  static constexpr u32 priority = 2;  // urgent data
  static constexpr u32 error = 8;     // an error to be fetched
  static constexpr u32 hangup = 16;   // both directions closed
  static constexpr u32 peer_closed = 0x2000;  // the peer has sent FIN
};

struct ReadyEvent {
  Sock sock;
  u32 mask = 0;      // what is ready now
  u32 edge_seq = 0;  // counts changes: tells a new edge from an old one
};

// How often a socket has become ready, or readier, each way: what edge-triggered readiness is made of.
struct Edges {
  u32 in = 0, out = 0;
  friend bool operator==(const Edges&, const Edges&) = default;
};

struct SendFlags {
  static constexpr u32 dont_route = 1, dont_wait = 2, oob = 4, no_signal = 8, more = 16,
                       fast_open = 0x2000'0000;  // to a stream not yet connected: connect, with this data on the SYN
};
struct RecvFlags {
  static constexpr u32 dont_wait = 2, peek = 32, wait_all = 64, truncate = 128, oob = 4;
};
enum class Shutdown : u8 { read, write, both };

// One table of options for every frontend; values are i64, times in ns, sizes in bytes, switches 0 or 1.
#define WEIR_OPTIONS(X)                                                            \
  X(reuse_address, "several sockets may bind the address if none listens")         \
  X(reuse_port, "several sockets may bind the very same address and port")         \
  X(keepalive, "probe an idle connection (default 0: RFC 9293 MUST-25)")           \
  X(keepalive_idle, "ns without traffic before the first probe")                   \
  X(keepalive_interval, "ns between probes")                                       \
  X(keepalive_count, "probes without an answer before the connection is given up") \
  X(linger, "ns that close() waits for unsent data; -1: off; 0: abort by RST")     \
  X(send_buffer, "bytes the send queue may hold")                                  \
  X(receive_buffer, "bytes of receive window at most")                             \
  X(send_timeout, "ns a blocking send waits, 0: for ever")                         \
  X(receive_timeout, "ns a blocking receive waits, 0: for ever")                   \
  X(no_delay, "send small segments at once (no Nagle)")                            \
  X(max_segment, "largest MSS to announce and to use")                             \
  X(user_timeout, "ns data may stay unacknowledged, 0: R2 of the netns")           \
  X(syn_retries, "SYN retransmissions before giving up, 0: of the netns")          \
  X(broadcast, "may send to broadcast addresses")                                  \
  X(ttl, "IPv4 TTL or IPv6 hop limit, 1 to 255")                                   \
  X(multicast_ttl, "TTL of multicast datagrams")                                   \
  X(multicast_loop, "own multicast datagrams come back")                           \
  X(tos, "IPv4 TOS or IPv6 traffic class; the ECN bits belong to TCP")             \
  X(dont_fragment, "path MTU discovery for datagrams: 0 off, 1 on")                \
  X(v6_only, "an IPv6 socket takes no IPv4")                                       \
  X(bind_interface, "only this interface index, 0: any")                           \
  X(receive_errors, "queue ICMP errors for the user")                              \
  X(header_included, "raw: the user writes the IP header")                         \
  X(quick_ack, "acknowledge at once")                                              \
  X(cork, "hold back partial segments")                                            \
  X(linger2, "ns an orphan stays in FIN-WAIT-2")                                   \
  X(oob_inline, "urgent data stays in the stream")                                 \
  X(congestion_control, "tcp::cc::Kind: cubic, reno, dctcp, bbr1, bbr3")           \
  X(max_pacing_rate, "bytes per second at most, 0: no limit")                      \
  X(fast_open, "listener: data on SYNs for so many handshakes at a time")          \
  X(fast_open_connect, "connect() waits for the first data, to send it on the SYN") \
  X(fast_open_no_cookie, "data on SYNs without a cookie, both ways")               \
  X(defer_accept, "listener: ns that a connection waits for data before accept")   \
  X(not_sent_low, "bytes: writable only while less is unsent, 0: of the netns")    \
  X(window_clamp, "bytes of receive window at most, 0: as the buffer")             \
  X(receive_checksum, "UDP: refuse datagrams without a checksum")                  \
  X(no_checksum, "UDP over IPv4: send without a checksum")                         \
  X(error, "read only: the pending error as an errno, cleared by reading")         \
  X(type, "read only: SocketType")                                                 \
  X(accepting, "read only: is it a listener")                                      \
  X(pending_input, "read only: bytes that can be received now")                    \
  X(pending_output, "read only: bytes sent or queued and not acknowledged")        \
  X(at_mark, "read only: the next byte is the urgent mark")

enum class Option : u8 {
#define X(name, text) name,
  WEIR_OPTIONS(X)
#undef X
      count_
};

struct Datagram {          // what recv_from tells beside the bytes
  u32 length = 0;          // of the datagram, also when it was cut to the buffer
  u32 copied = 0;
  Endpoint from, to;
  IfIndex interface = 0;
  u8 ttl = 0, tos = 0;
  Instant time;
};

// Received bytes lent to the user: read only, given back with return_lent(). At most 16 slices.
struct Lent {
  static constexpr u32 max_slices = 16;
  std::array<buf::Slice, max_slices> slices;
  u32 n = 0;
  u32 bytes = 0;
};

}  // namespace weir

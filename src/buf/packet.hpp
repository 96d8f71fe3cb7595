// Packet descriptors. A packet is named by a PacketId and is a first run of bytes that holds all headers (either
// the descriptor's own header block, where the headers we build lie, or the start of a received buffer), followed by
// slices of refcounted, immutable buffers. See docs/decisions/001-header-block.md.
#pragma once

#include <array>

#include "base/drop.hpp"
#include "base/time.hpp"
#include "base/types.hpp"

namespace weir::buf {

enum class PacketId : u32 { none = 0xffff'ffff };
enum class BufferId : u32 { none = 0xffff'ffff };

// Bytes that someone else may hold too: never written to.
struct Slice {
  BufferId buffer = BufferId::none;
  u16 offset = 0;
  u16 length = 0;
};
static_assert(sizeof(Slice) == 8);

// received: none (to be checked) or unnecessary (checked, or never left this machine);
// to send: none (complete as it is) or partial: the sum from `start` on is still to be stored at `start + offset`.
enum class CsumKind : u8 { none, unnecessary, partial };
struct Csum {
  CsumKind kind = CsumKind::none;
  u16 start = 0;   // position in the first run (where the transport header starts)
  u16 offset = 0;  // of the checksum field, from start
};

enum class GsoType : u8 { none, tcp4, tcp6, udp };
struct Gso {
  GsoType type = GsoType::none;
  u8 flags = 0;
  u16 size = 0;      // payload bytes of each segment but the last
  u16 segments = 0;  // 0 and 1: not a super-segment
  static constexpr u8 ecn = 1;
};

struct PacketFlags {
  static constexpr u8 link_broadcast = 1, link_multicast = 2,  // what the frame was addressed to
      from_loopback = 4,  // came back from ourselves
      forwarded = 8, reassembled = 16,
                      to_self = 32,       // to be sent: a multicast or broadcast packet that we want to get too
      has_time = 64,      // the driver has set `time`
      to_group = 128;     // received: the IP destination is multicast or broadcast
};

struct alignas(128) Packet {
  // -- line 0: what every node looks at
  u32 length;      // bytes from `head` to the end, slices included
  u16 head;        // where the packet starts: a position in the first run's storage
  u16 l3, l4;      // positions of the network and transport headers, in the same storage
  u16 inline_end;  // end of the bytes in the header block; 0: the first run is slices[0]
  u8 slices_n;     // of slices[]; more are in the overflow chain
  u8 flags;        // PacketFlags
  u8 l4_protocol;
  Drop drop;       // why something has condemned it
  u32 flow_hash;
  Csum csum;
  Gso gso;
  u16 if_in, if_out;  // interface indexes, 0: none
  u16 netns;
  u16 vlan;           // TCI of a tag taken off or to be put on, 0: none
  u8 priority;
  u8 family;          // 4, 6 or 0
  u16 payload;        // position after the transport header, once parsed
  u32 destination;    // destination cache entry, 0: none
  u32 mark;
  u32 conntrack;
  // -- line 1
  Slice slices[3];
  u32 overflow;       // chain of slice blocks, 0: none
  u32 next;           // link for whoever holds the packet in a queue
  Instant time;       // received at, or not to be sent before
  u32 owner;          // socket to be credited when it is on the wire, 0: none
  u32 charged;        // bytes charged to someone's memory account
  std::array<u8, 6> next_hop_mac;  // set by the transmit node for Ethernet ports
  u16 ethertype;
};
static_assert(sizeof(Packet) == 128);

inline constexpr u16 header_block_size = 128;
// The transport header of a packet we build starts here: 64 bytes in front hold IPv6 (40) and Ethernet with two tags.
inline constexpr u16 l4_anchor = 64;

}  // namespace weir::buf

// The IP header of a packet that a transport has built: put in front of the transport header, in the header block.
#pragma once

#include "ip/transport.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"

namespace weir::ip {

struct HeaderOut {
  IpAddr src, dst;  // of one family
  u8 protocol = 0;
  u8 ttl = 64;
  u8 tos = 0;
  bool dont_fragment = true;
  u16 ident = 0;         // IPv4; 0 for atomic datagrams (RFC 6864 4.1)
  u32 flow_label = 0;    // IPv6
};

// The packet starts with its transport header at buf::l4_anchor. Sets l3, l4, family, protocol.
inline void push_header(buf::Pool& pool, buf::PacketId id, const HeaderOut& h) noexcept {
  buf::Packet& p = pool[id];
  const u16 payload = static_cast<u16>(p.length);
  p.l4 = p.head;
  p.l4_protocol = h.protocol;
  if (h.src.is_v4()) {
    pool.push_front(id, 20);
    wire::emit(wire::Ipv4Fields{.tos = h.tos,
                                .payload_len = payload,
                                .id = h.ident,
                                .dont_fragment = h.dont_fragment,
                                .ttl = h.ttl,
                                .protocol = h.protocol,
                                .src = h.src.v4(),
                                .dst = h.dst.v4()},
               {pool.header_block(id) + p.head, 20});
    p.family = 4;
  } else {
    pool.push_front(id, 40);
    wire::emit(wire::Ipv6Fields{.traffic_class = h.tos,
                                .flow_label = h.flow_label,
                                .payload_len = payload,
                                .next_header = h.protocol,
                                .hop_limit = h.ttl,
                                .src = h.src.v6(),
                                .dst = h.dst.v6()},
               {pool.header_block(id) + p.head, 40});
    p.family = 6;
  }
  p.l3 = p.head;
}

}  // namespace weir::ip

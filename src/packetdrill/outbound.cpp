// packetdrill/outbound.hpp
#include "packetdrill/outbound.hpp"

#include <algorithm>

#include "base/checksum.hpp"
#include "wire/transport_checksum.hpp"

namespace weir::packetdrill {
namespace {

constexpr u8 hop_by_hop = 0;

// Where the transport header starts in an IPv6 packet, and what it is. Only the header that group reports have is skipped.
struct Transport {
  usize at = 0;
  u8 protocol = 0;
};

Transport transport_of6(Bytes p) noexcept {
  Transport t{40, load_u8(&p[6])};
  if (t.protocol == hop_by_hop && p.size() >= 48) t = {40 + 8 * (usize{load_u8(&p[41])} + 1), load_u8(&p[40])};
  t.at = std::min(t.at, p.size());
  return t;
}

const char* check_transport(Bytes segment, const IpAddr& src, const IpAddr& dst, u8 protocol) noexcept {
  const usize least = protocol == wire::proto::tcp ? 20 : 8;
  if (segment.size() < least) return "the transport header is cut off";
  if (protocol == wire::proto::udp && src.is_v4() && load_be16(&segment[6]) == 0) return nullptr;  // RFC 768: none
  const u64 pseudo = wire::pseudo_sum(src, dst, protocol, static_cast<u32>(segment.size()));
  if (csum_finish(csum_add(segment, pseudo)) == 0) return nullptr;
  return protocol == wire::proto::tcp ? "a wrong TCP checksum" : "a wrong UDP checksum";
}

const char* find_fault4(Bytes p) noexcept {
  const usize header = (load_u8(p.data()) & 15u) * 4u;
  if (p.size() < 20 || header < 20 || header > p.size()) return "the IPv4 header is cut off";
  if (load_be16(&p[2]) != p.size()) return "an IPv4 total length that is not the packet's";
  if (csum_finish(csum_add(p.first(header), 0)) != 0) return "a wrong IPv4 header checksum";
  const u8 protocol = load_u8(&p[9]);
  const bool fragment = (load_be16(&p[6]) & 0x3fff) != 0;
  if (fragment || (protocol != wire::proto::tcp && protocol != wire::proto::udp)) return nullptr;
  return check_transport(p.subspan(header), Ip4Addr::load(&p[12]), Ip4Addr::load(&p[16]), protocol);
}

const char* find_fault6(Bytes p) noexcept {
  if (p.size() < 40) return "the IPv6 header is cut off";
  if (load_be16(&p[4]) + 40u != p.size()) return "an IPv6 payload length that is not the packet's";
  const Transport t = transport_of6(p);
  if (t.protocol != wire::proto::tcp && t.protocol != wire::proto::udp) return nullptr;
  return check_transport(p.subspan(t.at), Ip6Addr::load(&p[8]), Ip6Addr::load(&p[24]), t.protocol);
}

}  // namespace

const char* find_fault(Bytes packet) noexcept {
  if (packet.empty()) return "an empty packet";
  switch (load_u8(packet.data()) >> 4) {
    case 4: return find_fault4(packet);
    case 6: return find_fault6(packet);
    default: return "neither IPv4 nor IPv6";
  }
}

bool is_housekeeping(Bytes p) noexcept {
  constexpr u8 igmp = 2, icmp6 = 58, first_query = 130, last_discovery = 137, report2 = 143;
  if (p.size() >= 20 && load_u8(p.data()) >> 4 == 4) return load_u8(&p[9]) == igmp;
  if (p.size() < 48) return false;
  const Transport t = transport_of6(p);
  if (t.protocol != icmp6 || t.at >= p.size()) return false;
  const u8 type = load_u8(&p[t.at]);
  return (type >= first_query && type <= last_discovery) || type == report2;
}

}  // namespace weir::packetdrill

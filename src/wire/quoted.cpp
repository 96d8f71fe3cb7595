#include "wire/quoted.hpp"

#include "wire/ipv4.hpp"
#include "wire/ipv6_ext.hpp"

namespace weir::wire {
namespace {
constexpr usize min_transport = 8;  // RFC 792: "plus the first 64 bits of the original datagram's data"
constexpr auto bad = [] { return std::unexpected(Drop::icmp_bad_embedded); };
}  // namespace

Result<Quoted, Drop> parse_quoted4(Bytes quote) noexcept {
  const auto ip = Ipv4View::parse(quote, 0xffff);  // its total length may exceed the quote
  if (!ip) return bad();
  const Bytes transport = ip->payload();
  if (transport.size() < min_transport) return bad();
  Quoted q;
  q.src = ip->src();
  q.dst = ip->dst();
  q.protocol = ip->protocol();
  q.hop_limit = ip->ttl();
  q.total_length = ip->total_length();
  q.transport_at = static_cast<u16>(ip->header_len());
  q.is_fragment = ip->is_fragment();
  q.first_fragment = ip->fragment_offset() == 0;
  q.transport = transport;
  return q;
}

Result<Quoted, Drop> parse_quoted6(Bytes quote) noexcept {
  const auto ip = Ipv6View::parse(quote, 0xffff + Ipv6View::header_len);
  if (!ip) return bad();
  const Ip6Chain chain = find_transport(*ip);
  const Bytes transport = ip->packet().subspan(chain.offset);
  if (transport.size() < min_transport) return bad();
  Quoted q;
  q.src = ip->src();
  q.dst = ip->dst();
  q.protocol = chain.protocol;
  q.hop_limit = ip->hop_limit();
  q.total_length = static_cast<u16>(std::min<usize>(ip->payload_len() + Ipv6View::header_len, 0xffff));
  q.transport_at = chain.offset;
  q.is_fragment = chain.needs_reassembly();
  q.first_fragment = !chain.has_fragment || chain.fragment.offset == 0;
  q.transport = transport;
  return q;
}

}  // namespace weir::wire

#include "sim/faults.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6_ext.hpp"

namespace weir::sim {
namespace {

void dissect4(Bytes packet, Dissected& d) noexcept {
  const auto ip = wire::Ipv4View::parse(packet);
  if (!ip) return;
  d.ip = ip->packet();
  d.src = ip->src();
  d.dst = ip->dst();
  d.protocol = ip->protocol();
  d.fragment = ip->is_fragment();
  if (ip->fragment_offset() == 0) d.l4 = ip->payload();
}

void dissect6(Bytes packet, Dissected& d) noexcept {
  const auto ip = wire::Ipv6View::parse(packet);
  if (!ip) return;
  const wire::Ip6Chain chain = wire::find_transport(*ip);
  d.ip = ip->packet();
  d.src = ip->src();
  d.dst = ip->dst();
  d.protocol = chain.protocol;
  d.fragment = chain.needs_reassembly();
  if (chain.fragment.offset == 0 && chain.offset <= d.ip.size()) d.l4 = d.ip.subspan(chain.offset);
}

// True for the n-th time that `what` is.
Filter nth(std::vector<u64> numbers, bool (*what)(const Dissected&)) {
  return [numbers = std::move(numbers), what, seen = std::make_shared<u64>(0)](const FrameInfo& f) {
    if (!what(dissect(f.frame))) return false;
    ++*seen;
    return std::ranges::find(numbers, *seen) != numbers.end();
  };
}

bool is_data(const Dissected& d) {
  if (!d.is_tcp()) return false;
  const auto tcp = wire::TcpView::parse(d.l4);
  return tcp && !tcp->payload().empty();
}

}  // namespace

bool Dissected::is_tcp() const noexcept { return protocol == wire::proto::tcp && !l4.empty(); }

Dissected dissect(Bytes frame) noexcept {
  Dissected d;
  const auto eth = wire::EthernetView::parse(frame);
  if (!eth) return d;
  d.ethertype = eth->type();
  if (d.ethertype == wire::ethertype::ipv4) dissect4(eth->payload(), d);
  else if (d.ethertype == wire::ethertype::ipv6) dissect6(eth->payload(), d);
  return d;
}

Filter every_frame() {
  return [](const FrameInfo&) { return true; };
}

Filter nth_frame(u64 n) {
  return [n, seen = std::make_shared<u64>(0)](const FrameInfo&) { return ++*seen == n; };
}

Filter nth_tcp_segment(u64 n) {
  return nth({n}, [](const Dissected& d) { return d.is_tcp(); });
}

Filter nth_tcp_segment(std::initializer_list<u64> several) {
  return nth(several, [](const Dissected& d) { return d.is_tcp(); });
}

Filter nth_data_segment(u64 n) { return nth({n}, is_data); }

Filter nth_datagram(u64 n) {
  return nth({n}, [](const Dissected& d) { return d.protocol == wire::proto::udp && !d.l4.empty(); });
}

Filter tcp_with(u16 flags) {
  return [flags](const FrameInfo& f) {
    const Dissected d = dissect(f.frame);
    if (!d.is_tcp()) return false;
    const auto tcp = wire::TcpView::parse(d.l4);
    return tcp && tcp->flags().has(flags);
  };
}

Filter first(u64 n, Filter among) {
  return
      [n, among = std::move(among), seen = std::make_shared<u64>(0)](const FrameInfo& f) { return *seen < n && among(f) && ++*seen <= n; };
}

Filter between(Instant from, Instant to) {
  return [from, to](const FrameInfo& f) { return from <= f.time && f.time < to; };
}

Filter larger_than(usize bytes) {
  return [bytes](const FrameInfo& f) { return f.frame.size() > bytes; };
}

bool mark_ce(MutBytes frame) noexcept {
  const Dissected d = dissect(frame);
  if (d.ip.empty()) return false;
  std::byte* const ip = frame.data() + (d.ip.data() - frame.data());
  const u8 shift = d.ethertype == wire::ethertype::ipv4 ? 0 : 4;
  const u8 field = load_u8(ip + 1), ecn = field >> shift & 3;
  if (ecn == 0) return false;
  store_u8(ip + 1, static_cast<u8>(field | 3 << shift));
  if (d.ethertype != wire::ethertype::ipv4) return true;
  const u32 length = (load_u8(ip) & 15) * 4u;
  store_be16(ip + 10, 0);
  const u16 sum = csum_finish(csum_add({ip, length}));
  std::memcpy(ip + 10, &sum, 2);
  return true;
}

void flip_a_bit(MutBytes frame, Rng& rng) noexcept {
  if (frame.empty()) return;
  const u64 bit = rng.below(frame.size() * 8);
  frame[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
}

}  // namespace weir::sim

// graph/fragment.hpp
#include "graph/fragment.hpp"

#include "base/checksum.hpp"
#include "buf/gso.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv4_options.hpp"
#include "wire/ipv6.hpp"
#include "wire/ipv6_ext.hpp"

namespace weir::graph {

using buf::Packet;
using buf::PacketId;

namespace {
constexpr u16 header_at = 24;  // in the header block of a piece: room for a link header in front
}

Fragmenter::Fragmenter(Core& core, PacketId datagram, u32 mtu)
    : core_(core), rest_(datagram), mtu_(mtu), v4_(core.pool[datagram].family == 4) {
  if (!buf::finish_checksum(core.pool, datagram)) return;
  const u32 front = static_cast<u32>(core.pool.first_run(datagram).size());
  const u32 header = v4_ ? (load_u8(core.pool.at(datagram, core.pool[datagram].l3)) & 0xfu) * 4u : 40u;
  if (front < header) return;
  if (v4_) read4();
  else read6();
  ok_ = mtu_ >= first_.length + 8 && mtu_ >= later_.length + 8;
  if (ok_) core.pool.trim_front(datagram, header);
}

// Options that are not to be copied stay in the first piece only (RFC 791 3.1).
void Fragmenter::read4() {
  const std::byte* ip = core_.pool.at(rest_, core_.pool[rest_].l3);
  first_.length = (load_u8(ip) & 0xfu) * 4u;
  std::memcpy(first_.bytes.data(), ip, first_.length);
  std::memcpy(later_.bytes.data(), ip, 20);
  const u32 copied =
      static_cast<u32>(wire::copied_ip4_options({first_.bytes.data() + 20, first_.length - 20}, MutBytes{later_.bytes}.subspan(20)));
  later_.length = 20 + (copied + 3) / 4 * 4;
  store_u8(later_.bytes.data(), static_cast<u8>(0x40 | later_.length / 4));
  const u16 word = load_be16(ip + 6);
  offset_ = (word & 0x1fffu) * 8u;
  more_after_ = (word & 0x2000) != 0;
  if (offset_ != 0) first_ = later_;
}

void Fragmenter::read6() {
  const Packet& p = core_.pool[rest_];
  const std::byte* ip = core_.pool.at(rest_, p.l3);
  std::memcpy(first_.bytes.data(), ip, 40);
  first_.length = 40 + wire::Ip6FragmentFields::header_len;
  later_ = first_;
  next_header_ = load_u8(ip + 6);
  id_ = core_.ident.next6(p.netns, Ip6Addr::load(ip + 8), Ip6Addr::load(ip + 24));
}

void Fragmenter::write4(std::byte* ip, u32 header_len, u32 payload, bool more) const noexcept {
  store_be16(ip + 2, static_cast<u16>(header_len + payload));
  store_be16(ip + 6, static_cast<u16>((more ? 0x2000u : 0u) | offset_ / 8));
  store_be16(ip + 10, 0);
  const u16 sum = csum_finish(csum_add({ip, header_len}));
  std::memcpy(ip + 10, &sum, 2);
}

void Fragmenter::write6(std::byte* ip, u32 payload, bool more) const noexcept {
  store_be16(ip + 4, static_cast<u16>(wire::Ip6FragmentFields::header_len + payload));
  store_u8(ip + 6, wire::proto::fragment);
  wire::emit(wire::Ip6FragmentFields{next_header_, static_cast<u16>(offset_), more, id_}, {ip + 40, 8});
}

// The first `length` bytes of what is left become the payload of the piece.
bool Fragmenter::fill(PacketId piece, u32 length) {
  Packet& p = core_.pool[piece];
  Packet& r = core_.pool[rest_];
  u32 left = length;
  if (r.inline_end > r.head) {  // a transport header in the block
    const u32 n = r.inline_end - r.head;
    if (p.inline_end + n > buf::header_block_size || n > left) return false;
    std::memcpy(core_.pool.header_block(piece) + p.inline_end, core_.pool.header_block(rest_) + r.head, n);
    p.inline_end = static_cast<u16>(p.inline_end + n);
    p.length += n;
    left -= n;
    core_.pool.trim_front(rest_, n);
  }
  bool ok = true;
  while (left != 0) {
    const buf::Slice s = core_.pool.take_front(rest_, left);
    left -= s.length;
    ok = core_.pool.append(piece, s) && ok;
  }
  return ok;
}

PacketId Fragmenter::next(bool& last) {
  const Header& h = is_first_ ? first_ : later_;
  const u32 left = core_.pool[rest_].length;
  last = h.length + left <= mtu_;
  const u32 payload = last ? left : (mtu_ - h.length) & ~7u;
  const PacketId piece = core_.pool.alloc();
  if (piece == PacketId::none) return piece;
  Packet& p = core_.pool[piece];
  const Packet& r = core_.pool[rest_];
  p.head = p.l3 = header_at;
  p.l4 = p.inline_end = static_cast<u16>(header_at + h.length);
  p.length = h.length;
  p.family = r.family;
  p.l4_protocol = r.l4_protocol;
  p.flags = r.flags;
  p.netns = r.netns;
  p.if_in = r.if_in;
  p.if_out = r.if_out;
  p.priority = r.priority;
  p.mark = r.mark;
  p.destination = r.destination;
  p.flow_hash = r.flow_hash;
  p.time = r.time;
  std::byte* const ip = core_.pool.header_block(piece) + header_at;
  std::memcpy(ip, h.bytes.data(), h.length);
  const bool more = !last || more_after_;
  if (v4_) write4(ip, h.length, payload, more);
  else write6(ip, payload, more);
  if (!fill(piece, payload)) {
    core_.pool.release(piece);
    return PacketId::none;
  }
  offset_ += payload;
  is_first_ = false;
  if (!last) return piece;
  p.owner = r.owner;
  p.charged = r.charged;
  core_.pool.release(rest_);
  return piece;
}

//= rfc1122#3.3.3 I110
void count_fragments(Core& core, PacketId packet, u32 made, bool failed) {
  const Packet& p = core.pool[packet];
  Netns& ns = *core.netns[p.netns];
  Counters<Ip>& c = p.family == 4 ? ns.ip4 : ns.ip6;
  c.add(failed ? Ip::frag_fails : Ip::frag_oks);
  c.add(Ip::frag_creates, made);
}

}  // namespace weir::graph

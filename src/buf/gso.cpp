// buf/gso.hpp
#include "buf/gso.hpp"

#include "base/checksum.hpp"
#include "wire/ipv6.hpp"
#include "wire/tcp.hpp"
#include "wire/transport_checksum.hpp"
#include "wire/udp.hpp"

namespace weir::buf {
namespace {

template <class T>
u64 raw_be(T v) noexcept {
  T raw;
  store_be<T>(&raw, v);
  return raw;
}

// What all segments of one super-segment have in common.
struct Plan {
  u16 head, l3, l4, payload;
  bool is_v4, is_tcp, finish;
  u16 checksum_at;     // in the transport header
  u64 ip_sum = 0;      // of the IPv4 header without length, identification and checksum
  u64 pseudo = 0;      // of the pseudo-header without the length
};

Plan make_plan(Pool& pool, PacketId super, bool finish) noexcept {
  const Packet& p = pool[super];
  Plan plan{p.head, p.l3, p.l4, p.payload, p.family == 4, p.gso.type != GsoType::udp, finish, 0};
  plan.checksum_at = static_cast<u16>(plan.is_tcp ? wire::TcpView::checksum_at : wire::UdpView::checksum_at);
  const std::byte* ip = pool.at(super, p.l3);
  const u8 protocol = plan.is_tcp ? wire::proto::tcp : wire::proto::udp;
  if (plan.is_v4) {
    const usize header = static_cast<usize>(p.l4 - p.l3);
    plan.ip_sum = csum_add({ip, 2}) + csum_add({ip + 6, 4}) + csum_add({ip + 12, header - 12});
    plan.pseudo = csum_pseudo4(load_raw<u32>(ip + 12), load_raw<u32>(ip + 16), protocol, 0);
  } else {
    plan.pseudo = csum_pseudo6(ip + 8, ip + 24, protocol, 0);
  }
  return plan;
}

// Lengths, and checksums over headers that are otherwise complete. payload_sum is not needed when left partial.
void complete(const Plan& plan, std::byte* block, u32 payload_len, u64 payload_sum) noexcept {
  std::byte* const ip = block + plan.l3;
  std::byte* const l4 = block + plan.l4;
  const u32 l4_len = static_cast<u32>(plan.payload - plan.l4) + payload_len;
  if (plan.is_v4) {
    store_be16(ip + 2, static_cast<u16>(static_cast<u32>(plan.l4 - plan.l3) + l4_len));
    const u16 sum = csum_finish(plan.ip_sum + load_raw<u16>(ip + 2) + load_raw<u16>(ip + 4));
    std::memcpy(ip + 10, &sum, 2);
  } else {
    store_be16(ip + 4, static_cast<u16>(static_cast<u32>(plan.l4 - plan.l3) - wire::Ipv6View::header_len + l4_len));
  }
  if (!plan.is_tcp) store_be16(l4 + 4, static_cast<u16>(l4_len));
  u64 sum = csum_plus(plan.pseudo, raw_be<u32>(l4_len));
  u16 check;
  if (plan.finish) {
    std::memset(l4 + plan.checksum_at, 0, 2);
    sum = csum_plus(csum_add({l4, static_cast<usize>(plan.payload - plan.l4)}, sum), payload_sum);
    check = csum_finish(sum);
    if (check == 0 && !plan.is_tcp) check = 0xffff;
  } else {
    check = csum_fold(sum);
  }
  std::memcpy(l4 + plan.checksum_at, &check, 2);
}

// Moves payload from the super-segment to the frame; its sum, if it is wanted.
u64 move_payload(Pool& pool, PacketId super, PacketId frame, u32 length, bool sum_wanted, bool& ok) noexcept {
  u64 sum = 0;
  for (u32 done = 0; done != length;) {
    const Slice s = pool.take_front(super, length - done);
    if (sum_wanted) sum = csum_combine(sum, csum_add(pool.bytes(s)), done);
    done += s.length;
    ok = pool.append(frame, s) && ok;
  }
  return sum;
}

void copy_descriptor(const Packet& from, Packet& to, const Plan& plan) noexcept {
  to.head = plan.head;
  to.l3 = plan.l3;
  to.l4 = plan.l4;
  to.payload = plan.payload;
  to.inline_end = plan.payload;
  to.length = static_cast<u32>(plan.payload - plan.head);
  to.flags = from.flags;
  to.l4_protocol = from.l4_protocol;
  to.flow_hash = from.flow_hash;
  to.if_in = from.if_in;
  to.if_out = from.if_out;
  to.netns = from.netns;
  to.vlan = from.vlan;
  to.priority = from.priority;
  to.family = from.family;
  to.destination = from.destination;
  to.mark = from.mark;
  to.conntrack = from.conntrack;
  to.time = from.time;
  to.next_hop_mac = from.next_hop_mac;
  to.ethertype = from.ethertype;
}

void set_state(Packet& p, const Plan& plan) noexcept {
  p.gso = {};
  p.csum = plan.finish ? Csum{} : Csum{CsumKind::partial, plan.l4, plan.checksum_at};
}

constexpr u8 fin_psh = wire::TcpFlags::fin | wire::TcpFlags::psh;
constexpr u8 cwr = wire::TcpFlags::cwr;
constexpr usize flags_at = 13, seq_at = 4;

// The headers of the super-segment move on to what comes after `length` more bytes.
void advance_headers(const Plan& plan, std::byte* block, u32 length) noexcept {
  if (plan.is_v4) store_be16(block + plan.l3 + 4, static_cast<u16>(load_be16(block + plan.l3 + 4) + 1));
  if (!plan.is_tcp) return;
  std::byte* const tcp = block + plan.l4;
  store_be32(tcp + seq_at, load_be32(tcp + seq_at) + length);
  store_u8(tcp + flags_at, static_cast<u8>(load_u8(tcp + flags_at) & ~cwr));  // RFC 3168 6.1.2: on the first one only
}

// One segment that is not the last.
PacketId take_segment(Pool& pool, PacketId super, const Plan& plan) noexcept {
  const PacketId frame = pool.alloc();
  if (frame == PacketId::none) return frame;
  const Packet& from = pool[super];
  const u16 size = from.gso.size;
  copy_descriptor(from, pool[frame], plan);
  std::byte* const block = pool.header_block(frame);
  std::byte* const original = pool.header_block(super);
  std::memcpy(block + plan.head, original + plan.head, static_cast<usize>(plan.payload - plan.head));
  bool ok = true;
  const u64 sum = move_payload(pool, super, frame, size, plan.finish, ok);
  if (plan.is_tcp) {
    std::byte* const flags = block + plan.l4 + flags_at;
    store_u8(flags, static_cast<u8>(load_u8(flags) & ~fin_psh));
  }
  complete(plan, block, size, sum);
  set_state(pool[frame], plan);
  advance_headers(plan, original, size);
  if (ok) return frame;
  pool.release(frame);  // out of slice blocks: lost, as on the wire
  return PacketId::none;
}

void finish_last(Pool& pool, PacketId super, const Plan& plan) noexcept {
  const u32 in_block = static_cast<u32>(plan.payload - plan.head);
  const u64 sum = plan.finish ? pool.sum_from(super, in_block) : 0;
  complete(plan, pool.header_block(super), pool[super].length - in_block, sum);
  set_state(pool[super], plan);
}

}  // namespace

bool headers_to_block(Pool& pool, PacketId id) noexcept {
  Packet& p = pool[id];
  if (p.inline_end != 0) return p.inline_end == p.payload;
  const u32 front = static_cast<u32>(p.l4 - p.head), rest = static_cast<u32>(p.payload - p.l4);
  const u16 l4 = static_cast<u16>(std::max<u32>(l4_anchor, front));
  if (l4 + rest > header_block_size || p.slices_n == 0 || p.slices[0].length < front + rest) return false;
  std::memcpy(pool.header_block(id) + l4 - front, pool.at(id, p.head), front + rest);
  const u16 l3_back = static_cast<u16>(p.l4 - p.l3);
  pool.unref(pool.take_front(id, front + rest).buffer);
  p.csum.start = static_cast<u16>(p.csum.start + l4 - p.l4);
  p.head = static_cast<u16>(l4 - front);
  p.l3 = static_cast<u16>(l4 - l3_back);
  p.l4 = l4;
  p.payload = p.inline_end = static_cast<u16>(l4 + rest);
  p.length += front + rest;
  return true;
}

u32 split(Pool& pool, PacketId super, std::span<PacketId> out, bool finish) noexcept {
  Packet& p = pool[super];
  WEIR_ASSERT(p.gso.size != 0);
  if (!headers_to_block(pool, super)) return 0;
  const Plan plan = make_plan(pool, super, finish);
  const u32 in_block = static_cast<u32>(plan.payload - plan.head);
  u32 n = 0;
  for (; n < out.size() && p.length - in_block > p.gso.size; ++n) {
    out[n] = take_segment(pool, super, plan);
    if (out[n] == PacketId::none) break;
    --p.gso.segments;
  }
  if (p.length - in_block <= p.gso.size) {
    finish_last(pool, super, plan);
    if (n < out.size()) out[n++] = super;
  }
  return n;
}

bool finish_checksum(Pool& pool, PacketId id) noexcept {
  Packet& p = pool[id];
  if (p.csum.kind != CsumKind::partial) return true;
  if (!pool.make_writable(id)) return false;
  u16 check = csum_finish(pool.sum_from(id, static_cast<u32>(p.csum.start - p.head)));
  if (check == 0 && p.l4_protocol == wire::proto::udp) check = 0xffff;  // RFC 768
  std::memcpy(pool.at(id, static_cast<u16>(p.csum.start + p.csum.offset)), &check, 2);
  p.csum = {};
  return true;
}

}  // namespace weir::buf

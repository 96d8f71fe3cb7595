// buf/gro.hpp
#include "buf/gro.hpp"

#include "wire/tcp.hpp"

namespace weir::buf {
namespace {

using wire::TcpFlags;

constexpr u32 longest = 65'535;

// The headers of a segment in place.
struct Headers {
  std::byte* ip;
  std::byte* tcp;
  u32 ip_len, tcp_len;
  u32 payload_len;
};

bool find_headers(Pool& pool, PacketId id, Headers& h) noexcept {
  const Packet& p = pool[id];
  const u32 run = static_cast<u32>(pool.first_run(id).size());
  const u32 before_tcp = static_cast<u32>(p.l4 - p.head);
  if (run < before_tcp + wire::TcpView::min_len) return false;
  h.ip = pool.at(id, p.l3);
  h.tcp = pool.at(id, p.l4);
  h.ip_len = static_cast<u32>(p.l4 - p.l3);
  h.tcp_len = (load_u8(h.tcp + 12) >> 4) * 4u;
  if (h.tcp_len < wire::TcpView::min_len || run < before_tcp + h.tcp_len) return false;
  h.payload_len = p.length - before_tcp - h.tcp_len;
  return true;
}

// Everything but lengths, checksums and the IPv4 identification: TOS or traffic class with its ECN bits, flow label, DF,
// TTL, addresses.
bool same_ip(const Headers& a, const Headers& b, bool is_v4) noexcept {
  if (!is_v4) {
    return a.ip_len == 40 && b.ip_len == 40 && load_raw<u32>(a.ip) == load_raw<u32>(b.ip) &&
           load_raw<u16>(a.ip + 6) == load_raw<u16>(b.ip + 6) && std::memcmp(a.ip + 8, b.ip + 8, 32) == 0;
  }
  return a.ip_len == 20 && b.ip_len == 20 && load_raw<u16>(a.ip) == load_raw<u16>(b.ip) &&
         load_raw<u16>(a.ip + 6) == load_raw<u16>(b.ip + 6) && load_u8(a.ip + 8) == load_u8(b.ip + 8) &&
         std::memcmp(a.ip + 12, b.ip + 12, 8) == 0;
}

// Ports, acknowledgment, window, urgent pointer and options are equal, the flags fit, and the sequence goes on.
bool continues(const Headers& a, const Headers& b) noexcept {
  constexpr u16 ends_run = TcpFlags::fin | TcpFlags::psh;
  const u16 fa = load_be16(a.tcp + 12), fb = load_be16(b.tcp + 12);
  return load_be32(b.tcp + 4) == load_be32(a.tcp + 4) + a.payload_len && load_raw<u32>(a.tcp) == load_raw<u32>(b.tcp) &&
         load_raw<u32>(a.tcp + 8) == load_raw<u32>(b.tcp + 8) && fa == (fb & ~ends_run) &&
         (fa & TcpFlags::all & ~TcpFlags::ece & ~TcpFlags::ae) == TcpFlags::ack && load_raw<u16>(a.tcp + 14) == load_raw<u16>(b.tcp + 14) &&
         a.tcp_len == b.tcp_len &&
         std::memcmp(a.tcp + wire::TcpView::min_len, b.tcp + wire::TcpView::min_len, a.tcp_len - wire::TcpView::min_len) == 0;
}

// A short segment ends the run: each but the last is `size` long, so that the cuts can be found again.
bool sizes_fit(const Packet& a, const Packet& b, const Headers& ha, const Headers& hb, u16& size) noexcept {
  size = a.gso.segments > 1 ? a.gso.size : static_cast<u16>(ha.payload_len);
  if (ha.payload_len == 0 || hb.payload_len == 0 || ha.payload_len % size != 0) return false;
  if (ha.ip_len + ha.tcp_len + ha.payload_len + hb.payload_len > longest) return false;
  return b.gso.segments > 1 ? b.gso.size == size : hb.payload_len <= size;
}

u16 segments_of(const Packet& p) noexcept { return std::max<u16>(p.gso.segments, 1); }

void set_ip_length(const Headers& h, bool is_v4, u32 payload_len) noexcept {
  const u32 l4_len = h.tcp_len + payload_len;
  if (is_v4) store_be16(h.ip + 2, static_cast<u16>(h.ip_len + l4_len));
  else store_be16(h.ip + 4, static_cast<u16>(l4_len));
}

bool append_payload(Pool& pool, PacketId head, PacketId next, u32 skip) noexcept {
  const u32 before = pool[head].length;
  bool ok = true;
  pool.for_each_slice(next, [&](Slice& s) {
    if (!ok) return;
    if (skip >= s.length) {
      skip -= s.length;
      return;
    }
    pool.ref(s.buffer);
    ok = pool.append(head, {s.buffer, static_cast<u16>(s.offset + skip), static_cast<u16>(s.length - skip)});
    skip = 0;
  });
  if (!ok) pool.trim_to(head, before);
  return ok;
}

}  // namespace

bool gro_try_merge(Pool& pool, PacketId head, PacketId next) noexcept {
  Packet& a = pool[head];
  const Packet& b = pool[next];
  const bool v4 = a.family == 4;
  if (a.csum.kind == CsumKind::none || b.csum.kind == CsumKind::none || a.family != b.family || a.netns != b.netns || a.if_in != b.if_in)
    return false;
  Headers ha, hb;
  if (!find_headers(pool, head, ha) || !find_headers(pool, next, hb)) return false;
  u16 size;
  if (!continues(ha, hb) || !same_ip(ha, hb, v4) || !sizes_fit(a, b, ha, hb, size)) return false;
  // The headers of `head` are written to, and the bytes of a header block cannot be shared.
  const u32 before_payload = static_cast<u32>(b.l4 - b.head) + hb.tcp_len;
  if (a.inline_end == 0 && pool.refs(a.slices[0].buffer) != 1) return false;
  if (b.inline_end != 0 && static_cast<u32>(b.inline_end - b.head) != before_payload) return false;
  const u32 in_slices = b.inline_end != 0 ? 0 : before_payload;
  if (!append_payload(pool, head, next, in_slices)) return false;
  store_u8(ha.tcp + 13, static_cast<u8>(load_u8(ha.tcp + 13) | load_u8(hb.tcp + 13)));
  set_ip_length(ha, v4, ha.payload_len + hb.payload_len);
  a.gso = {v4 ? GsoType::tcp4 : GsoType::tcp6, a.gso.flags, size, static_cast<u16>(segments_of(a) + segments_of(b))};
  pool.release(next);
  return true;
}

}  // namespace weir::buf

// io/vnet.hpp
#include "io/vnet.hpp"

namespace weir::io {
namespace {

using buf::CsumKind;
using buf::GsoType;

constexpr u16 udp_header_len = 8;

// Length of the transport header at `l4`, which lies in `run`; 0 when it does not.
u16 transport_header_len(Bytes run, u32 l4, bool is_tcp) noexcept {
  if (!is_tcp) return run.size() >= l4 + udp_header_len ? udp_header_len : u16{0};
  if (run.size() < l4 + 20) return 0;
  const u32 n = (load_u8(run.data() + l4 + 12) >> 4) * 4u;  // data offset
  return n >= 20 && run.size() >= l4 + n ? static_cast<u16>(n) : u16{0};
}

u8 gso_type_of(const buf::Gso& gso) noexcept {
  const u8 ecn = (gso.flags & buf::Gso::ecn) != 0 ? VnetHeader::gso_ecn : u8{0};
  switch (gso.type) {
    case GsoType::tcp4: return VnetHeader::gso_tcp4 | ecn;
    case GsoType::tcp6: return VnetHeader::gso_tcp6 | ecn;
    case GsoType::udp: return VnetHeader::gso_udp_l4;
    case GsoType::none: break;
  }
  return VnetHeader::gso_none;
}

GsoType gso_type_of(const VnetHeader& h) noexcept {
  switch (h.gso_type & ~VnetHeader::gso_ecn) {
    case VnetHeader::gso_tcp4: return GsoType::tcp4;
    case VnetHeader::gso_tcp6: return GsoType::tcp6;
    case VnetHeader::gso_udp_l4: return GsoType::udp;
    default: return GsoType::none;
  }
}

bool apply_gso(const VnetHeader& h, Bytes run, buf::Packet& p) noexcept {
  const GsoType type = gso_type_of(h);
  // The kernel marks every super-segment that it hands out for checksumming, so csum_start is the transport header.
  if (type == GsoType::none || h.gso_size == 0 || (h.flags & VnetHeader::needs_csum) == 0) return false;
  const u16 l4_len = transport_header_len(run, h.csum_start, type != GsoType::udp);
  const u32 headers = u32{h.csum_start} + l4_len;
  if (l4_len == 0 || p.length <= headers) return false;
  const u32 segments = (p.length - headers + h.gso_size - 1) / h.gso_size;
  if (segments > 0xffff) return false;
  if (segments < 2) return true;  // as good as an ordinary segment
  const u8 flags = (h.gso_type & VnetHeader::gso_ecn) != 0 ? buf::Gso::ecn : u8{0};
  p.gso = {type, flags, h.gso_size, static_cast<u16>(segments)};
  return true;
}

}  // namespace

VnetHeader vnet_of(buf::Pool& pool, buf::PacketId id) noexcept {
  const buf::Packet& p = pool[id];
  VnetHeader h;
  if (p.csum.kind != CsumKind::partial) return h;
  h.flags = VnetHeader::needs_csum;
  h.csum_start = static_cast<u16>(p.csum.start - p.head);
  h.csum_offset = p.csum.offset;
  if (p.gso.segments > 1) {
    h.gso_type = gso_type_of(p.gso);
    h.gso_size = p.gso.size;
    h.hdr_len = static_cast<u16>(h.csum_start + transport_header_len(pool.first_run(id), h.csum_start, p.gso.type != GsoType::udp));
  }
  return h;
}

bool apply_vnet(const VnetHeader& h, buf::Pool& pool, buf::PacketId id) noexcept {
  buf::Packet& p = pool[id];
  const Bytes run = pool.first_run(id);
  if ((h.flags & VnetHeader::needs_csum) != 0) {
    if (u32{h.csum_start} + h.csum_offset + 2u > run.size()) return false;
    p.csum = {CsumKind::partial, static_cast<u16>(p.head + h.csum_start), h.csum_offset};
  } else if ((h.flags & VnetHeader::data_valid) != 0) {
    p.csum = {CsumKind::unnecessary, 0, 0};
  }
  return h.gso_type == VnetHeader::gso_none || apply_gso(h, run, p);
}

}  // namespace weir::io

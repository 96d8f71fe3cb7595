// Cutting datagrams: RFC 791 3.2, RFC 6864, RFC 8200 4.5, RFC 7739. Payload is referenced, not copied.
#pragma once

#include "graph/nodes.hpp"

namespace weir::graph {

// Cuts an IP packet into pieces of at most `mtu` bytes. It takes the packet over; the last piece carries on what the packet
// is charged to.
class Fragmenter {
 public:
  Fragmenter(Core& core, buf::PacketId datagram, u32 mtu);
  // Not when the headers leave no room for 8 bytes. Then, and when next() gives none, the packet is the caller's to drop.
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  // The next piece, none when out of memory; `last` is set with the last one.
  [[nodiscard]] buf::PacketId next(bool& last);

 private:
  static constexpr u32 longest_header = 60;
  struct Header {
    std::array<std::byte, longest_header> bytes{};
    u32 length = 0;
  };

  void read4();
  void read6();
  void write4(std::byte* ip, u32 header_len, u32 payload, bool more) const noexcept;
  void write6(std::byte* ip, u32 payload, bool more) const noexcept;
  bool fill(buf::PacketId piece, u32 length);

  Core& core_;
  buf::PacketId rest_;
  u32 mtu_;
  bool v4_, ok_ = false;
  bool more_after_ = false;  // the packet is itself a fragment that others follow
  u32 offset_ = 0;           // of what is left
  Header first_, later_;     // headers of the first piece and of the others
  bool is_first_ = true;
  u32 id_ = 0;               // IPv6
  u8 next_header_ = 0;
};

void count_fragments(Core& core, buf::PacketId packet, u32 made, bool failed);

// Gives the pieces of an IP packet to f(PacketId). Takes ownership.
template <class F>
void fragment(Core& core, buf::PacketId id, u32 mtu, F&& f) {
  Fragmenter cutter(core, id, mtu);
  u32 made = 0;
  for (bool last = false; !last; ++made) {
    const buf::PacketId piece = cutter.ok() ? cutter.next(last) : buf::PacketId::none;
    if (piece == buf::PacketId::none) {
      count_fragments(core, id, made, true);
      return core.drop(id, cutter.ok() ? Drop::no_buffer : Drop::ip_too_big);
    }
    if (last) count_fragments(core, piece, made + 1, false);
    f(piece);
  }
}

}  // namespace weir::graph

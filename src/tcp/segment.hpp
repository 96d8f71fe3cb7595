// A received segment in host order, with the RFC's names: SEG.SEQ is seg.seq.
#pragma once

#include "base/seq.hpp"
#include "buf/packet.hpp"
#include "wire/tcp.hpp"

namespace weir::tcp {

using wire::TcpFlags;

struct Segment {
  SeqNum seq, ack;
  SeqNum sent_seq;   // SEG.SEQ as it came, where a SYN was cut off since
  u32 len = 0;       // SEG.LEN: counts SYN and FIN
  u32 data = 0;      // payload bytes
  u32 wnd = 0;       // as on the wire; scaled by whoever knows the connection
  TcpFlags ctl;
  u16 up = 0;        // urgent pointer
  u16 segments = 1;  // how many of the wire this one stands for (GSO, GRO)
  u8 ecn = 0;        // of its IP header (RFC 3168 5)
  bool has_ts = false;
  bool more_options = false;  // others than the timestamps
  u32 ts_val = 0, ts_ecr = 0;
  buf::PacketId packet = buf::PacketId::none;
  u32 skip = 0;      // where the payload starts in the packet
  Bytes options;

  [[nodiscard]] bool any(u16 mask) const noexcept { return ctl.any(mask); }
  [[nodiscard]] SeqNum end() const noexcept { return seq + len; }
  // The SYN has been processed; the rest of the segment is still to be.
  void cut_syn() noexcept {
    ctl.bits &= static_cast<u16>(~TcpFlags::syn);
    ++seq;
    --len;
  }
};

// What became of a segment; the caller acts on it.
enum class Verdict : u8 {
  next_step,     // go on with the RFC's next step
  done,          // taken
  drop,          // not taken, nothing is sent; the Drop reason is in the context
  drop_and_ack,  // not taken, the peer is told where we are
};

}  // namespace weir::tcp

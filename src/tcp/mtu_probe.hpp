// Packetization layer path MTU discovery: RFC 4821. A path that swallows large packets without a word is found by timeouts, and its
// size by probes: single segments larger than the others, whose loss says nothing of congestion.
#pragma once

#include "tcp/recovery/recovery.hpp"

namespace weir::tcp::mtu_probe {

// tcp_mtu_probing: 0 never, 1 after a black hole was met, 2 always.
void begin(Context& cx, Tcb& t, Sender& s) noexcept;
// A timeout, the n-th in a row: segments that may be too large for the path become smaller (RFC 4821 7.7).
void on_timeout(Context& cx, Tcb& t, Sender& s) noexcept;
// Bytes of a probe that should be sent now instead of an ordinary segment; 0: none.
[[nodiscard]] u32 due(Context& cx, Tcb& t, Sender& s) noexcept;
void on_sent(Context& cx, Tcb& t, Sender& s, u32 bytes) noexcept;
// After the ACK's losses have been judged: the probe's fate. `lost`: bytes newly judged lost. True: they are the probe's alone.
bool on_ack(Context& cx, Tcb& t, Sender& s, u32 lost) noexcept;

}  // namespace weir::tcp::mtu_probe

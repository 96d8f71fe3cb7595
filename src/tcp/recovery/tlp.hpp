// Tail loss probes: RFC 8985 7. Where the last segments of a flight are lost no later one can tell: a probe asks, long before the
// timeout.
#pragma once

#include "tcp/recovery/learnt.hpp"

namespace weir::tcp::tlp {

// Should a probe be scheduled instead of the timeout (7.2)?
[[nodiscard]] bool wanted(const Context& cx, const Tcb& t, const Sender& s) noexcept;
// When, from now.
[[nodiscard]] u32 after_us(const Context& cx, const Tcb& t, const Sender& s) noexcept;
// The timer: new data if there is some, else the last segment again (7.3).
void send_probe(Context& cx, Tcb& t, Sender& s) noexcept;
// 7.4: is the probe answered? True: it has repaired a loss that nothing else told of.
[[nodiscard]] bool on_ack(Tcb& t, Sender& s, const Learnt& l) noexcept;

}  // namespace weir::tcp::tlp

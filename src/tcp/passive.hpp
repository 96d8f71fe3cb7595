// From a SYN to a connection in an accept queue: what the listener, the SYN and the settings make of it.
#pragma once

#include "tcp/context.hpp"
#include "wire/tcp_options.hpp"

namespace weir::tcp {

// What a SYN asks for and we agree to. Its number is at least min_iss, 0: any.
[[nodiscard]] HalfOpen half_open_of(Context& cx, u32 listener, const Flow& flow, const Segment& seg, const wire::TcpOptions& o,
                                    u32 min_iss) noexcept;
// A TCB with all that the entry knows and the listener's options, in ESTABLISHED; the send side is the caller's. Null: no memory.
[[nodiscard]] Tcb* passive_tcb(Context& cx, const HalfOpen& h) noexcept;
void queue_for_accept(Context& cx, Tcb& t) noexcept;

}  // namespace weir::tcp

// ICMP errors and TCP: RFC 9293 3.9.2.2, RFC 5927 (attacks), RFC 1191 and 8201 (path MTU).
#pragma once

#include "tcp/context.hpp"

namespace weir::tcp {

// An error about a segment of this host. It counts only where the quoted sequence number is in flight (RFC 5927 4.1).
void on_icmp_error(Context& cx, const ip::IcmpError& e) noexcept;

// The claim that was put off until a timeout (RFC 5927 7.2) is believed now.
void apply_claimed_mtu(Context& cx, Tcb& t) noexcept;

}  // namespace weir::tcp

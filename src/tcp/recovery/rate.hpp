// Delivery rate: draft-ietf-ccwg-bbr 4.1. What is sent carries how much had been delivered by then; what arrives tells the rate
// since.
#pragma once

#include "tcp/recovery/learnt.hpp"

namespace weir::tcp::rate {

// Into the record of what is sent now; `flight`: in flight before it.
void on_sent(const Context& cx, Sender& s, Sent& record, u32 flight) noexcept;
// A record has arrived, cumulatively or by SACK, for the first time.
void on_delivered(const Context& cx, Sender& s, const Sent& record, Learnt& l) noexcept;
// After all of an ACK.
[[nodiscard]] cc::RateSample sample(const Context& cx, Sender& s, const Learnt& l) noexcept;
// There is nothing to send though the window would take it: samples of what is in flight now tell of the application.
void app_limited(Sender& s, u32 flight) noexcept;

}  // namespace weir::tcp::rate

// tcp::receive: a batch of packets in; see receive.cpp.
#pragma once

#include "tcp/context.hpp"

namespace weir::tcp {

// Takes ownership. Sends what the batch gives reason to send, once per connection, when all of it is processed.
void receive(Context& cx, std::span<const buf::PacketId> packets) noexcept;
// output() of all connections that the batch (or timer run, or user call) in hand has touched; frees those that are over.
void flush(Context& cx) noexcept;

}  // namespace weir::tcp

// What every TCP service does: take connections, and run a coroutine for each.
#pragma once

#include <functional>

#include "weir/stack.hpp"

namespace weir::apps {

// Until the listener fails for good. At most max_clients at once: further ones are closed as they come.
[[nodiscard]] Task<void> accept_loop(Host host, TcpListener listener, u32 max_clients, std::function<Task<void>(TcpStream)> serve);

}  // namespace weir::apps

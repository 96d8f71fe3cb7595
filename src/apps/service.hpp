// The services that are built in: what `weir serve` offers and network files name. Coroutines, so they run in real time
// and in the simulator alike.
#pragma once

#include <string>

#include "weir/stack.hpp"

namespace weir::apps {

struct ServiceConfig {
  enum class Kind : u8 { http, echo, discard, chargen } kind = Kind::echo;
  u16 port = 0;              // 0: the usual one of the kind
  std::string root = ".";    // http: the directory
  Duration to_wall_clock{};  // http: added to the host's time, the time since 1970
};

[[nodiscard]] std::optional<ServiceConfig::Kind> service_kind(std::string_view name) noexcept;
[[nodiscard]] u16 usual_port(ServiceConfig::Kind kind) noexcept;

// Opens the sockets (echo and discard: TCP and UDP) and spawns what serves them, until the host ends.
[[nodiscard]] Result<void, Error> start_service(const Host& host, const ServiceConfig& config);

// RFC 862, 863, 864, for one connection.
[[nodiscard]] Task<void> echo(TcpStream peer);
[[nodiscard]] Task<void> discard(TcpStream peer);
[[nodiscard]] Task<void> chargen(TcpStream peer);

}  // namespace weir::apps

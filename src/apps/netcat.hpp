// A connection between a host and two files, as nc(1).
#pragma once

#include "weir/stack.hpp"

namespace weir::apps {

struct NetcatConfig {
  Endpoint to;
  bool udp = false;
  int in = 0, out = 1;  // files
  Duration connect_timeout = Duration::seconds(30);
  // UDP knows no end: so long after the last datagram, once `in` has ended.
  Duration udp_linger = Duration::seconds(1);
};

// Until both directions have ended. TCP: the end of `in` is sent as FIN.
[[nodiscard]] Task<Result<void>> netcat(Host host, NetcatConfig config);

}  // namespace weir::apps

// A small server of files: GET and HEAD, ranges, directory listings, connections kept open, requests in a row. RFC 9110, 9112.
#pragma once

#include <functional>

#include "apps/file_root.hpp"
#include "weir/stack.hpp"

namespace weir::apps {

struct HttpConfig {
  Duration to_wall_clock{};                      // added to the host's time: the time since 1970, for Date
  u32 max_clients = 4096;                        // further ones are closed at once
  u32 max_head_bytes = 16 * 1024;                // of a request
  Duration head_timeout = Duration::seconds(20);  // from a request's first byte to its last; and without progress in sending
  Duration idle_timeout = Duration::seconds(60);  // between requests
};

// Serves until the listener fails for good or the coroutine is destroyed. A client that is slow, hangs or breaks the rules
// costs nobody else anything.
//   auto root = FileRoot::open(config.root);
//   host.spawn(serve_http(host, std::move(*host.listen({.port = 80})), std::move(*root), config));
[[nodiscard]] Task<void> serve_http(Host host, TcpListener listener, FileRoot root, HttpConfig config);

}  // namespace weir::apps

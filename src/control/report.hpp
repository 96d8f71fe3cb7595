// What a running weir tells about itself, as JSON. docs/control.md describes each.
#pragma once

#include <nlohmann/json.hpp>

#include "shard/shard.hpp"

namespace weir::control {

using Json = nlohmann::ordered_json;

// All are lists with one object for each thing, which names its namespace.
[[nodiscard]] Json report_stat(const Shard& shard);   // namespaces: interfaces, counters; pool
[[nodiscard]] Json report_ss(Shard& shard);           // sockets
[[nodiscard]] Json report_addr(const Shard& shard);   // addresses
[[nodiscard]] Json report_route(const Shard& shard);  // routes
[[nodiscard]] Json report_neigh(const Shard& shard, Instant now);  // neighbours

}  // namespace weir::control

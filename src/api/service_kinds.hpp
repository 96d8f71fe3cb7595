// What may run in a namespace: names and usual ports, for network files and for those who start services.
#pragma once

#include <string_view>

#include "base/types.hpp"

namespace weir {

struct ServiceKind {
  std::string_view name;
  u16 port;
  bool is_load;  // of the simulator only
};

// The built-in services come first, in the order of apps::ServiceConfig::Kind.
inline constexpr ServiceKind service_kinds[] = {{"http", 80, false},  {"echo", 7, false},  {"discard", 9, false}, {"chargen", 19, false},
                                                {"bulk", 5001, true}, {"rpc", 5002, true}, {"cbr", 5003, true}};

}  // namespace weir

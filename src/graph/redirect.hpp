// Redirects heard: RFC 1122 3.2.2.2, RFC 4861 8.
//= rfc1122#3.2.2.2 I43
// None are sent, by hosts or routers.
#pragma once

#include "graph/nodes.hpp"
#include "wire/icmp4.hpp"
#include "wire/nd.hpp"

namespace weir::graph {

[[nodiscard]] Drop hear_redirect4(Core& core, Interface& in, Ip4Addr from, const wire::Icmp4View& m);
[[nodiscard]] Drop hear_redirect6(Core& core, Interface& in, const Ip6Addr& from, const wire::NdRedirect& r);

}  // namespace weir::graph

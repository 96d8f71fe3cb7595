// Routing tables of any size, and destinations uniform within them.
#pragma once

#include <vector>

#include "wire/address.hpp"

namespace weir::bench {

// n distinct IPv4 prefixes, their lengths distributed about as in the Internet's table, in random order. None of
// them holds an address of 192.0.2.0/24 or 198.51.100.0/24.
[[nodiscard]] std::vector<Prefix> make_prefixes(usize n);
// n addresses, each in a prefix chosen at random.
[[nodiscard]] std::vector<Ip4Addr> make_destinations(const std::vector<Prefix>& prefixes, usize n);

}  // namespace weir::bench

// bench/case.hpp: the list of all cases.
#include "bench/case.hpp"

namespace weir::bench {

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      tcp_case(), rtt_case(), connect_case(), idle_case(), growth_case(), forward_case(),  fib_case(),
      rx_case(),  udp_case(), ping_case(),    veth_case(), timer_case(),  checksum_case(), tap_case(),
  };
  return all;
}

}  // namespace weir::bench

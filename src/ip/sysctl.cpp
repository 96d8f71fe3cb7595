// ip/sysctl.hpp
#include "ip/sysctl.hpp"

namespace weir {

// Where the RFCs and common practice differ, the RFC's value (docs/guide.md lists the differences).
Sysctl Sysctl::rfc_profile() {
  Sysctl s;
  //= rfc9293#3.8.3 MUST-23
  s.tcp_syn_retries = 7;     // 1 + 2 + ... + 128 s: more than 3 minutes
  s.tcp_rto_min_ms = 1'000;  // RFC 6298 2.4
  s.tcp_msl_s = 120;         // RFC 9293 3.4.2
  s.tcp_rfc1337 = true;
  s.port_first = 49'152;     // RFC 6335 6
  s.port_last = 65'535;
  return s;
}

}  // namespace weir

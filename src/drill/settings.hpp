// How a script is run: from the command line, and from the --name=value lines at its beginning.
#pragma once

#include <map>
#include <string>

#include "drill/script.hpp"
#include "ip/sysctl.hpp"
#include "wire/address.hpp"

namespace weir::drill {

enum class Mode : u8 { ipv4, ipv6, ipv4_mapped };  // of the sockets and of the packets

struct Settings {
  Mode mode = Mode::ipv4;
  bool rfc_profile = false;
  u16 mtu = 0;                                    // 0: 1500, and 1520 for IPv6, so that segments are equally large
  Duration tolerance = Duration::micros(4'000);   // of the times of packets and of the ends of calls
  Duration ts_tick{};                             // of TS val; 0: TS val is not compared
  bool ts_ecr_scaled = false;                     // TS ecr of inbound packets is reckoned from the first TS val
  bool strict_segments = false;                   // one expected packet is one packet, never several
  bool strict_end = false;                        // a packet that nobody expected is a failure
  u16 inbound_mss = 0;                            // inbound data is cut to so many bytes; 0: not cut
  u16 bind_port = 8'080, connect_port = 8'080;
  std::string local{}, remote{}, gateway{};       // text; empty: the usual ones
  std::map<std::string, std::string, std::less<>> defines{};  // names for cookies and the like
  bool ignore_missing = false;                    // settings that weir does not have are passed over
  u64 seed = 1;

  [[nodiscard]] bool wire_v6() const noexcept { return mode == Mode::ipv6; }
  [[nodiscard]] bool socket_v6() const noexcept { return mode != Mode::ipv4; }
  [[nodiscard]] u16 effective_mtu() const noexcept { return mtu != 0 ? mtu : wire_v6() ? u16{1'520} : u16{1'500}; }
  [[nodiscard]] IpAddr local_address() const;    // throws std::invalid_argument for text that is none of the family
  [[nodiscard]] IpAddr remote_address() const;
  [[nodiscard]] IpAddr gateway_address() const;
};

// Applies the script's own lines. Throws ScriptError.
void apply_options(const Script& script, Settings& settings);
// --define: NAME=VALUE or NAME="VALUE". False: it is not of that form.
[[nodiscard]] bool add_define(std::string_view text, Settings& settings);

}  // namespace weir::drill

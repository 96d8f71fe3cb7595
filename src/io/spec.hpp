// SPEC: what a user writes after --device or `device =`, and the device it names.
#pragma once

#include <string>
#include <vector>

#include "io/device.hpp"
#include "wire/address.hpp"

namespace weir::io {

// Checked text. Grammar: KIND:NAME[,KEY=VALUE]...
//   tap:NAME[,host=A/LEN]...  tun:NAME[,host=A/LEN]...  packet:IFACE  pcap:FILE[,out=FILE][,pace=fast|recorded]  loopback
// and for any of them offload=on|off.
struct Spec {
  enum class Kind : u8 { tap, tun, packet, pcap, loopback };
  Kind kind = Kind::loopback;
  std::string name;            // of the device, interface or file
  std::vector<Prefix> host{};  // addresses of the kernel's end
  bool offload = true;
  std::string out{};           // pcap: where frames that are sent go
  bool recorded_pace = false;  // pcap: not as fast as they are taken

  // The error is for the user: what was wrong, and what would be right (wrong usage, exit status 2).
  [[nodiscard]] static Result<Spec, std::string> parse(std::string_view text);
};

struct OpenOptions {
  u16 mtu = 0;                   // 0: the device's own
  u16 queues = 1;
  Duration to_wall_clock{};      // added to an Instant it gives the time since 1970, for captures
};

// One Device per queue. None for loopback, which every netns has of itself. The error is for the user (exit status 1).
//   auto devices = io::open(*Spec::parse("tap:weir0,host=10.77.0.1/24"));
[[nodiscard]] Result<std::vector<Device>, std::string> open(const Spec& spec, const OpenOptions& options = {});

}  // namespace weir::io

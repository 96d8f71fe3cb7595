// Packets on the wire: those that a script sends, built; those that the machine sends, taken apart.
#pragma once

#include <vector>

#include "drill/flow.hpp"

namespace weir::drill {

using PacketBytes = std::vector<std::byte>;

// An inbound packet: one, or several where the script wants its data cut (--mss). Throws ScriptError.
[[nodiscard]] std::vector<PacketBytes> build_inbound(const PacketSpec& spec, Flow& flow, const Settings& settings, Place place);
[[nodiscard]] std::vector<PacketBytes> build_icmp(const IcmpSpec& spec, const IpInfo& ip, const Flow& flow, const Settings& settings,
                                                  Place place);
// Options as bytes; timestamps and blocks in terms of the wire. A multiple of 4, at most 40.
[[nodiscard]] std::vector<std::byte> encode_options(const TcpSpec& spec, const Flow& flow, const Settings& settings, Place place);
// With the bytes that its name stands for. Throws ScriptError.
[[nodiscard]] TcpOptionSpec resolved(const TcpOptionSpec& option, const Settings& settings);
// An IP header before a transport header whose checksum is 0 (`checksum_at`; none: no checksum of the kind).
[[nodiscard]] PacketBytes add_ip(u8 protocol, PacketBytes transport, std::optional<usize> checksum_at, const IpInfo& ip, const IpAddr& src,
                                 const IpAddr& dst, Place place);

// A packet that the machine has sent.
struct Seen {
  IpAddr src{}, dst{};
  u8 protocol = 0, tos = 0, ttl = 0;
  u32 flow_label = 0;
  std::vector<std::byte> transport{};
  std::optional<wire::TcpView> tcp{};  // into `transport`
};
// Throws RunFailure for what is no packet.
[[nodiscard]] Seen take_apart(Bytes packet, Place place);

// Its options in terms of the script.
[[nodiscard]] std::vector<TcpOptionSpec> decode_options(Bytes options, const Flow& flow, Place place);
[[nodiscard]] std::string to_text(const TcpOptionSpec& option);
[[nodiscard]] std::string to_text(const std::vector<TcpOptionSpec>& options);
[[nodiscard]] std::string flags_text(u16 flags);

}  // namespace weir::drill

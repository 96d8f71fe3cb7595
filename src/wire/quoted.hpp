// The packet quoted in an ICMP error: RFC 792, RFC 1122 3.2.2, RFC 4443 2.4. Only what is present is read: the quote is
// usually cut short, so its length fields are claims about the packet that was sent, not about these bytes.
#pragma once

#include "base/drop.hpp"
#include "base/error.hpp"
#include "base/seq.hpp"
#include "wire/address.hpp"
#include "wire/protocol.hpp"

namespace weir::wire {

struct Quoted {
  IpAddr src{}, dst{};  // of the quoted packet: src is us, if we sent it
  u8 protocol = 0;
  u8 hop_limit = 0;
  u16 total_length = 0;  // IP header included, as the quoted header claims
  u16 transport_at = 0;  // where `transport` begins in the quote
  bool is_fragment = false;
  bool first_fragment = true;  // false: `transport` is not the beginning of the transport header
  Bytes transport{};           // what there is of it, at least 8 bytes

  // Ports of TCP, UDP, SCTP and UDP-Lite; the first eight bytes are always there (RFC 792).
  [[nodiscard]] u16 src_port() const noexcept { return load_be16(transport.data()); }
  [[nodiscard]] u16 dst_port() const noexcept { return load_be16(transport.data() + 2); }
  [[nodiscard]] SeqNum tcp_seq() const noexcept { return {load_be32(transport.data() + 4)}; }
  // Identifier and sequence number of a quoted echo request.
  [[nodiscard]] u16 echo_id() const noexcept { return load_be16(transport.data() + 4); }
  [[nodiscard]] u16 echo_seq() const noexcept { return load_be16(transport.data() + 6); }
};

// Drop::icmp_bad_embedded when it is not the header of a packet with at least 8 bytes of its transport. IPv6 extension
// headers are walked as far as they are quoted.
[[nodiscard]] Result<Quoted, Drop> parse_quoted4(Bytes quote) noexcept;
[[nodiscard]] Result<Quoted, Drop> parse_quoted6(Bytes quote) noexcept;

}  // namespace weir::wire

// Frames made by hand, for tests of links and of the monitor.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/tcp.hpp"
#include "wire/tcp_options.hpp"
#include "wire/transport_checksum.hpp"
#include "wire/udp.hpp"

namespace weir::sim::test {

using FrameBytes = std::vector<std::byte>;

inline Bytes text_bytes(std::string_view s) { return std::as_bytes(std::span{s.data(), s.size()}); }

struct Flow {
  IpAddr src, dst;
  u16 src_port = 0, dst_port = 0;
  [[nodiscard]] Flow back() const { return {dst, src, dst_port, src_port}; }
};

inline const Flow flow4{Ip4Addr{0x0a000001}, Ip4Addr{0x0a000002}, 1000, 80};

// Ethernet and IP around a transport segment that lies at the end of the frame.
inline FrameBytes ip_frame(const IpAddr& src, const IpAddr& dst, u8 protocol, Bytes l4, u8 ttl = 64) {
  const bool v4 = src.is_v4();
  FrameBytes f(14 + (v4 ? 20 : 40) + l4.size());
  wire::emit(wire::EthernetFields{{{2, 0, 0, 0, 0, 2}}, {{2, 0, 0, 0, 0, 1}}, v4 ? wire::ethertype::ipv4 : wire::ethertype::ipv6}, f);
  const MutBytes ip = MutBytes{f}.subspan(14);
  if (v4) {
    wire::Ipv4Fields h;
    h.payload_len = static_cast<u16>(l4.size());
    h.ttl = ttl;
    h.protocol = protocol;
    h.dont_fragment = true;
    h.src = src.v4();
    h.dst = dst.v4();
    wire::emit(h, ip);
  } else {
    wire::Ipv6Fields h;
    h.payload_len = static_cast<u16>(l4.size());
    h.next_header = protocol;
    h.hop_limit = ttl;
    h.src = src.v6();
    h.dst = dst.v6();
    wire::emit(h, ip);
  }
  wire::copy_bytes(MutBytes{f}.subspan(f.size() - l4.size()), l4);
  return f;
}

struct TcpSpec {
  u32 seq = 0, ack = 0;
  u16 flags = wire::TcpFlags::ack;
  u16 window = 1000;
  std::string_view data{};
  wire::TcpOptionsOut options{};
};

inline FrameBytes tcp_frame(const Flow& flow, const TcpSpec& t) {
  std::byte options[40];
  const usize options_len = wire::emit_options(options, t.options);
  wire::TcpFields h;
  h.src_port = flow.src_port;
  h.dst_port = flow.dst_port;
  h.seq = {t.seq};
  h.ack = {t.ack};
  h.flags = {t.flags};
  h.window = t.window;
  h.options = {options, options_len};
  FrameBytes segment(20 + options_len + t.data.size());
  const usize header = wire::emit(h, segment);
  wire::copy_bytes(MutBytes{segment}.subspan(header), text_bytes(t.data));
  wire::set_transport_checksum(segment, wire::TcpView::checksum_at, flow.src, flow.dst, wire::proto::tcp);
  return ip_frame(flow.src, flow.dst, wire::proto::tcp, segment);
}

inline FrameBytes udp_frame(const Flow& flow, std::string_view data) {
  FrameBytes datagram(8 + data.size());
  wire::emit(wire::UdpFields{flow.src_port, flow.dst_port, static_cast<u16>(data.size())}, datagram);
  wire::copy_bytes(MutBytes{datagram}.subspan(8), text_bytes(data));
  wire::set_transport_checksum(datagram, wire::UdpView::checksum_at, flow.src, flow.dst, wire::proto::udp);
  return ip_frame(flow.src, flow.dst, wire::proto::udp, datagram);
}

}  // namespace weir::sim::test

// Frames for tests, made with the wire emitters, as strings of bytes that can be cut, changed and joined.
#pragma once

#include <string>

#include "wire/arp.hpp"
#include "wire/ethernet.hpp"
#include "wire/icmp4.hpp"
#include "wire/icmp6.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/ipv6_ext.hpp"
#include "wire/nd.hpp"
#include "wire/tcp.hpp"
#include "wire/udp.hpp"
#include "wire/vlan.hpp"

namespace weir::test {

inline Bytes as_bytes(const std::string& s) { return std::as_bytes(std::span{s}); }
inline MutBytes as_writable(std::string& s) { return std::as_writable_bytes(std::span{s}); }
inline std::string text_of(Bytes b) { return {reinterpret_cast<const char*>(b.data()), b.size()}; }

inline Ip4Addr ip4(const char* text) { return *Ip4Addr::parse(text); }
inline Ip6Addr ip6(const char* text) { return *Ip6Addr::parse(text); }

inline std::string ethernet(const MacAddr& dst, const MacAddr& src, u16 type, const std::string& payload) {
  std::string h(14, 0);
  wire::emit(wire::EthernetFields{dst, src, type}, as_writable(h));
  return h + payload;
}

inline std::string arp(const wire::ArpFields& f) {
  std::string h(wire::ArpView::len, 0);
  wire::emit(f, as_writable(h));
  return h;
}

// payload_len is taken from the payload.
inline std::string ipv4(wire::Ipv4Fields f, const std::string& payload) {
  f.payload_len = static_cast<u16>(payload.size());
  std::string h(f.header_len(), 0);
  wire::emit(f, as_writable(h));
  return h + payload;
}

inline std::string ipv6(wire::Ipv6Fields f, const std::string& payload) {
  f.payload_len = static_cast<u16>(payload.size());
  std::string h(40, 0);
  wire::emit(f, as_writable(h));
  return h + payload;
}

template <class Addr>
std::string udp(const Addr& src, const Addr& dst, u16 sport, u16 dport, const std::string& payload) {
  std::string d(8, 0);
  wire::emit(wire::UdpFields{sport, dport, static_cast<u16>(payload.size())}, as_writable(d));
  d += payload;
  wire::set_transport_checksum(as_writable(d), wire::UdpView::checksum_at, src, dst, wire::proto::udp);
  return d;
}

template <class Addr>
std::string tcp(const Addr& src, const Addr& dst, wire::TcpFields f, const std::string& payload = {}) {
  std::string d(20 + f.options.size(), 0);
  wire::emit(f, as_writable(d));
  d += payload;
  wire::set_transport_checksum(as_writable(d), wire::TcpView::checksum_at, src, dst, wire::proto::tcp);
  return d;
}

inline std::string icmp4(const wire::Icmp4Fields& f, const std::string& body) {
  std::string d(8 + body.size(), 0);
  wire::emit(f, as_bytes(body), as_writable(d));
  return d;
}

inline std::string icmp6(const Ip6Addr& src, const Ip6Addr& dst, const wire::Icmp6Fields& f, const std::string& body) {
  std::string d(8 + body.size(), 0);
  wire::emit(f, as_bytes(body), src, dst, as_writable(d));
  return d;
}

// A neighbour solicitation or advertisement with one option (empty: none).
template <class Message>
std::string nd(const Ip6Addr& src, const Ip6Addr& dst, const Message& m, const std::string& options = {}) {
  std::string d(Message::fixed_len, 0);
  wire::emit(m, as_writable(d));
  d += options;
  wire::set_transport_checksum(as_writable(d), wire::Icmp6View::checksum_at, src, dst, wire::proto::icmp6);
  return d;
}

inline std::string link_option(u8 type, const MacAddr& mac) {
  std::string o(8, 0);
  wire::emit_link_address(type, mac, as_writable(o));
  return o;
}

inline std::string pattern(usize n) {
  std::string s(n, 0);
  for (usize i = 0; i < n; ++i) s[i] = static_cast<char>(i * 7 + (i >> 8));
  return s;
}

}  // namespace weir::test

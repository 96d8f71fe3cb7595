// posix/control.hpp
#include "posix/control.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/time.h>

#include <algorithm>
#include <ctime>

namespace weir::posix {
namespace {

constexpr int timestamp_type = 29, timestamp_ns_type = 35;  // SCM_TIMESTAMP, SCM_TIMESTAMPNS
constexpr i64 second_ns = 1'000'000'000;

void put_timestamp(const File& f, Instant time, ControlWriter& out) noexcept {
  const i64 ns = (time + f.extras.wall_clock).ns;
  if (f.extras.timestamp == 2) out.put(SOL_SOCKET, timestamp_ns_type, timespec{ns / second_ns, ns % second_ns});
  else if (f.extras.timestamp == 1) out.put(SOL_SOCKET, timestamp_type, timeval{ns / second_ns, ns % second_ns / 1'000});
}

void put_v4(const SocketExtras& x, const Datagram& d, ControlWriter& out) noexcept {
  if (x.packet_info != 0) {
    const bool ours = !d.to.addr.is_multicast() && !d.to.addr.v4().is_broadcast();
    in_pktinfo info{};
    info.ipi_ifindex = d.interface;
    info.ipi_addr.s_addr = htonl(d.to.addr.v4().host);
    info.ipi_spec_dst.s_addr = ours ? info.ipi_addr.s_addr : 0;
    out.put(IPPROTO_IP, IP_PKTINFO, info);
  }
  if (x.receive_ttl != 0) out.put(IPPROTO_IP, IP_TTL, int{d.ttl});
  if (x.receive_tos != 0) out.put(IPPROTO_IP, IP_TOS, d.tos);
}

void put_v6(const SocketExtras& x, const Datagram& d, ControlWriter& out) noexcept {
  if (x.packet_info6 != 0) {
    in6_pktinfo info{};
    d.to.addr.v6().store(&info.ipi6_addr);
    info.ipi6_ifindex = d.interface;
    out.put(IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
  if (d.to.addr.is_v4()) return;  // hops and class are IPv6's
  if (x.receive_hop_limit != 0) out.put(IPPROTO_IPV6, IPV6_HOPLIMIT, int{d.ttl});
  if (x.receive_class != 0) out.put(IPPROTO_IPV6, IPV6_TCLASS, int{d.tos});
}

// -- sending

template <class T>
std::optional<T> value_of(const cmsghdr& c) noexcept {
  if (c.cmsg_len < CMSG_LEN(sizeof(T))) return {};
  return load_raw<T>(CMSG_DATA(&c));
}

bool set_byte(std::optional<u8>& to, std::optional<int> value, int least) noexcept {
  if (!value || *value < least || *value > 255) return false;
  to = static_cast<u8>(*value);
  return true;
}

bool read_v4(const cmsghdr& c, SendControl& out) noexcept {
  switch (c.cmsg_type) {
    case IP_TTL: return set_byte(out.ttl, value_of<int>(c), 1);
    case IP_TOS: return set_byte(out.tos, c.cmsg_len == CMSG_LEN(1) ? std::optional<int>{value_of<u8>(c)} : value_of<int>(c), 0);
    case IP_PKTINFO: {
      const auto info = value_of<in_pktinfo>(c);
      if (!info) return false;
      if (info->ipi_ifindex != 0) out.interface = static_cast<IfIndex>(info->ipi_ifindex);
      if (info->ipi_spec_dst.s_addr != 0) out.source = Ip4Addr{ntohl(info->ipi_spec_dst.s_addr)};
      return true;
    }
    default: return false;
  }
}

bool read_v6(const cmsghdr& c, SendControl& out) noexcept {
  switch (c.cmsg_type) {
    case IPV6_HOPLIMIT: return value_of<int>(c) == -1 || set_byte(out.ttl, value_of<int>(c), 1);
    case IPV6_TCLASS: return value_of<int>(c) == -1 || set_byte(out.tos, value_of<int>(c), 0);
    case IPV6_PKTINFO: {
      const auto info = value_of<in6_pktinfo>(c);
      if (!info) return false;
      const IpAddr source = Ip6Addr::load(&info->ipi6_addr);
      if (info->ipi6_ifindex != 0) out.interface = static_cast<IfIndex>(info->ipi6_ifindex);
      if (!source.is_any()) out.source = source;
      return true;
    }
    default: return false;
  }
}

}  // namespace

ControlWriter::ControlWriter(msghdr& message) noexcept
    : message_(message), room_(message.msg_control != nullptr && !is_bad(message.msg_control) ? message.msg_controllen : 0) {}

void ControlWriter::put(int level, int type, const void* data, usize size) noexcept {
  if (room_ - used_ < sizeof(cmsghdr)) {
    message_.msg_flags |= MSG_CTRUNC;
    return;
  }
  const usize whole = CMSG_LEN(size), length = std::min(whole, room_ - used_);
  if (length < whole) message_.msg_flags |= MSG_CTRUNC;
  auto* at = static_cast<std::byte*>(message_.msg_control) + used_;
  cmsghdr header{};
  header.cmsg_len = length;
  header.cmsg_level = level;
  header.cmsg_type = type;
  std::memcpy(at, &header, sizeof header);
  std::memcpy(at + sizeof header, data, length - sizeof header);
  used_ += std::min(CMSG_SPACE(size), room_ - used_);
}

void ControlWriter::finish() noexcept { message_.msg_controllen = used_; }

void put_control(const File& f, const Datagram& d, ControlWriter& out) noexcept {
  put_timestamp(f, d.time, out);
  if (d.to.addr.is_v4()) put_v4(f.extras, d, out);
  if (f.domain == AF_INET6) put_v6(f.extras, d, out);
}

Result<SendControl, int> read_control(const File& f, const msghdr& m) noexcept {
  SendControl out;
  if (m.msg_controllen == 0) return out;
  if (is_bad(m.msg_control)) return std::unexpected(EFAULT);
  const auto* begin = static_cast<const std::byte*>(m.msg_control);
  for (usize at = 0; m.msg_controllen - at >= sizeof(cmsghdr);) {
    const auto* c = reinterpret_cast<const cmsghdr*>(begin + at);
    if (c->cmsg_len < sizeof(cmsghdr) || c->cmsg_len > m.msg_controllen - at) return std::unexpected(EINVAL);
    bool good = true;
    if (c->cmsg_level == SOL_SOCKET) good = false;  // none that weir has
    else if (f.is_stream()) good = true;            // a stream has nothing for single messages
    else if (c->cmsg_level == IPPROTO_IP && f.domain == AF_INET) good = read_v4(*c, out);
    else if (c->cmsg_level == IPPROTO_IPV6 && f.domain == AF_INET6) good = read_v6(*c, out);
    if (!good) return std::unexpected(EINVAL);
    at += std::min(CMSG_ALIGN(c->cmsg_len), m.msg_controllen - at);
  }
  return out;
}

}  // namespace weir::posix

// io/link_config.hpp
#include "io/link_config.hpp"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace weir::io {
namespace {

// A netlink message under construction: header, one fixed struct, attributes.
template <class Body>
class Message {
 public:
  Message(u16 type, u16 flags, const Body& body) noexcept {
    nlmsghdr h{};
    h.nlmsg_type = type;
    h.nlmsg_flags = static_cast<u16>(NLM_F_REQUEST | NLM_F_ACK | flags);
    std::memcpy(bytes_, &h, sizeof h);
    std::memcpy(bytes_ + NLMSG_HDRLEN, &body, sizeof body);
    n_ = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof body);
  }
  void add(u16 type, Bytes value) noexcept {
    const rtattr a{static_cast<u16>(sizeof(rtattr) + value.size()), type};
    std::memcpy(bytes_ + n_, &a, sizeof a);
    std::memcpy(bytes_ + n_ + sizeof a, value.data(), value.size());
    n_ += RTA_ALIGN(a.rta_len);
  }
  [[nodiscard]] MutBytes finish(u32 seq) noexcept {
    nlmsghdr h = load_raw<nlmsghdr>(bytes_);
    h.nlmsg_len = static_cast<u32>(n_);
    h.nlmsg_seq = seq;
    std::memcpy(bytes_, &h, sizeof h);
    return {bytes_, n_};
  }

 private:
  alignas(NLMSG_ALIGNTO) std::byte bytes_[256]{};
  usize n_;
};

std::string error_text(const std::string& what, int e) { return what + ": " + std::strerror(e); }

}  // namespace

Result<LinkConfig, std::string> LinkConfig::open() {
  Fd fd{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};
  if (!fd) return std::unexpected(error_text("cannot open a netlink socket", errno));
  return LinkConfig(std::move(fd));
}

Outcome LinkConfig::transact(MutBytes message, const std::string& what) {
  if (::send(fd_.get(), message.data(), message.size(), 0) < 0) return std::unexpected(error_text(what, errno));
  alignas(nlmsghdr) std::byte reply[4096];
  for (;;) {
    const ssize_t got = ::recv(fd_.get(), reply, sizeof reply, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < static_cast<ssize_t>(NLMSG_HDRLEN + sizeof(int))) return std::unexpected(error_text(what, EIO));
    const auto h = load_raw<nlmsghdr>(reply);
    if (h.nlmsg_type != NLMSG_ERROR || h.nlmsg_seq != seq_) continue;
    const int e = -load_raw<int>(reply + NLMSG_HDRLEN);
    if (e != 0 && e != EEXIST) return std::unexpected(error_text(what, e));
    return {};
  }
}

Outcome LinkConfig::set_up(u32 ifindex) {
  ifinfomsg body{};
  body.ifi_index = static_cast<int>(ifindex);
  body.ifi_flags = body.ifi_change = IFF_UP;
  Message m(RTM_NEWLINK, 0, body);
  return transact(m.finish(++seq_), "cannot bring the kernel's end up");
}

Outcome LinkConfig::set_mtu(u32 ifindex, u32 mtu) {
  ifinfomsg body{};
  body.ifi_index = static_cast<int>(ifindex);
  Message m(RTM_NEWLINK, 0, body);
  m.add(IFLA_MTU, bytes_of(mtu));
  return transact(m.finish(++seq_), "cannot set the MTU of the kernel's end to " + std::to_string(mtu));
}

Outcome LinkConfig::add_address(u32 ifindex, const Prefix& prefix) {
  const bool v4 = prefix.address.is_v4();
  ifaddrmsg body{};
  body.ifa_family = v4 ? AF_INET : AF_INET6;
  body.ifa_prefixlen = prefix.length;
  body.ifa_index = ifindex;
  if (!v4) body.ifa_flags = IFA_F_NODAD;
  Message m(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, body);
  std::byte raw[16];
  if (v4) prefix.address.v4().store(raw);
  else prefix.address.v6().store(raw);
  const Bytes address{raw, v4 ? usize{4} : usize{16}};
  m.add(IFA_LOCAL, address);
  m.add(IFA_ADDRESS, address);
  if (v4 && prefix.length < 31) {  // RFC 3021: no broadcast on /31
    std::byte broadcast[4];
    prefix.broadcast4().store(broadcast);
    m.add(IFA_BROADCAST, broadcast);
  }
  return transact(m.finish(++seq_), "cannot give the kernel's end the address " + to_string(prefix));
}

}  // namespace weir::io

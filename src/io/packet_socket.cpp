// io/packet_socket.hpp
#include "io/packet_socket.hpp"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace weir::io {
namespace {

constexpr int packet_ignore_outgoing = 23;           // since Linux 4.20
constexpr Duration look_again = Duration::millis(100);  // at an interface without carrier: nothing tells when it has one

std::string why(int e) { return e == EPERM ? std::string("no permission: run as root (CAP_NET_RAW)") : std::string(std::strerror(e)); }

ifreq request(const std::string& interface) noexcept {
  ifreq r{};
  std::memcpy(r.ifr_name, interface.data(), std::min(interface.size(), sizeof r.ifr_name - 1));
  return r;
}

template <class T>
bool set(int fd, int option, const T& value) noexcept {
  return ::setsockopt(fd, SOL_PACKET, option, &value, sizeof value) == 0;
}

// Order matters: nothing is received before bind(), when all options are in force.
int configure(int fd, int ifindex) noexcept {
  if (!set(fd, PACKET_VNET_HDR, 1) || !set(fd, PACKET_AUXDATA, 1)) return errno;
  (void)set(fd, packet_ignore_outgoing, 1);
  packet_mreq promiscuous{};
  promiscuous.mr_ifindex = ifindex;
  promiscuous.mr_type = PACKET_MR_PROMISC;
  if (!set(fd, PACKET_ADD_MEMBERSHIP, promiscuous)) return errno;
  sockaddr_ll at{};
  at.sll_family = AF_PACKET;
  at.sll_protocol = htons(ETH_P_ALL);
  at.sll_ifindex = ifindex;
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 ? 0 : errno;
}

}  // namespace

Result<std::unique_ptr<PacketSocket>, std::string> PacketSocket::open(const PacketSocketConfig& c) {
  const std::string what = std::string("packet:").append(c.interface).append(": ");
  const u32 ifindex = ::if_nametoindex(c.interface.c_str());
  if (ifindex == 0) return std::unexpected(what + "no such interface (ip link shows what there is)");
  Fd fd{::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) return std::unexpected(what + why(errno));
  if (const int e = configure(fd.get(), static_cast<int>(ifindex)); e != 0) return std::unexpected(what + why(e));
  Caps caps{.offload = {.tx_checksum = c.offload, .rx_checksum = c.offload, .tso = c.offload, .gro = c.offload}};
  ifreq r = request(c.interface);
  if (::ioctl(fd.get(), SIOCGIFMTU, &r) == 0) caps.mtu = static_cast<u16>(std::min(r.ifr_mtu, 65'535));
  if (::ioctl(fd.get(), SIOCGIFHWADDR, &r) == 0) std::memcpy(caps.mac.b.data(), r.ifr_hwaddr.sa_data, caps.mac.b.size());
  auto driver = std::make_unique<PacketSocket>(std::move(fd), c.interface, caps);
  driver->look();
  return driver;
}

PacketSocket::PacketSocket(Fd fd, std::string name, Caps caps) noexcept
    : file_(std::move(fd), FrameFile::Kind::socket), name_(std::move(name)), caps_(caps) {}

void PacketSocket::look() noexcept {
  int pending;  // taken, or poll would say so for ever
  socklen_t n = sizeof pending;
  (void)::getsockopt(fd(), SOL_SOCKET, SO_ERROR, &pending, &n);
  ifreq r = request(name_);
  if (::ioctl(fd(), SIOCGIFFLAGS, &r) != 0) link_ = LinkState::gone;
  else link_ = (r.ifr_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING) ? LinkState::up : LinkState::down;
}

u32 PacketSocket::receive(buf::Pool& pool, std::span<buf::PacketId> out, u32 max_bytes, Instant now) noexcept {
  if (link_ == LinkState::down && now >= look_at_) [[unlikely]] {
    look();
    look_at_ = now + look_again;
  }
  if (link_ != LinkState::up) [[unlikely]]
    return 0;
  int error;
  const u32 n = file_.receive(pool, out, max_bytes, stats_, error);
  if (error != 0) [[unlikely]]
    look();
  return n;
}

u32 PacketSocket::send(buf::Pool& pool, std::span<const buf::PacketId> packets, Instant) noexcept {
  if (link_ != LinkState::up) [[unlikely]]
    return 0;
  int error;
  const u32 n = file_.send(pool, packets, stats_, error);
  if (error != 0) [[unlikely]]
    look();
  return n;
}

u32 PacketSocket::poll_events() const noexcept { return link_ == LinkState::up ? EPOLLIN : 0u; }

void PacketSocket::on_events(u32 events) noexcept {
  if ((events & EPOLLERR) != 0) look();
}

}  // namespace weir::io

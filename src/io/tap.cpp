// io/tap.hpp
#include "io/tap.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

#include "io/fd.hpp"

namespace weir::io {
namespace {

// Kernels since 6.2 (USO); not in the headers of older systems.
constexpr unsigned tun_f_uso4 = 0x20, tun_f_uso6 = 0x40;
constexpr unsigned offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
constexpr unsigned offloads_udp = tun_f_uso4 | tun_f_uso6;

std::string why_no_tun(int e) {
  switch (e) {
    case ENOENT:
    case ENODEV:
    case ENXIO: return "/dev/net/tun is missing: modprobe tun; in a container pass the device in (--device /dev/net/tun)";
    case EACCES:
    case EPERM: return "no permission to open /dev/net/tun: run as root, or chmod 0666 /dev/net/tun";
    default: return std::string("cannot open /dev/net/tun: ") + std::strerror(e);
  }
}

std::string why_no_interface(int e, const TapConfig& c) {
  const std::string mode = c.tun ? "tun" : "tap";
  switch (e) {
    case EPERM:
      return "no permission to create it: run as root (CAP_NET_ADMIN), or let root make it for you: ip tuntap add dev " + c.name +
             " mode " + mode + " user USER vnet_hdr";
    case EBUSY: return "in use by another process: end that, or take another name";
    case EINVAL: return "an interface of this name exists and is no " + mode + " device: take another name";
    default: return std::string("cannot create it: ") + std::strerror(e);
  }
}

// Also puts the name that the kernel chose into `name`.
Result<Fd, std::string> open_queue(const TapConfig& c, std::string& name) {
  Fd fd{::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)};
  if (!fd) return std::unexpected(why_no_tun(errno));
  ifreq r{};
  std::memcpy(r.ifr_name, name.data(), name.size());
  r.ifr_flags = static_cast<short>((c.tun ? IFF_TUN : IFF_TAP) | IFF_NO_PI | IFF_VNET_HDR | (c.queues > 1 ? IFF_MULTI_QUEUE : 0));
  if (::ioctl(fd.get(), TUNSETIFF, &r) < 0) return std::unexpected(why_no_interface(errno, c));
  name = r.ifr_name;
  int header = sizeof(VnetHeader);
  if (::ioctl(fd.get(), TUNSETVNETHDRSZ, &header) < 0)
    return std::unexpected(std::string("cannot set the virtio header's size: ") + std::strerror(errno));
  return fd;
}

Result<Offload, std::string> set_offload(int fd, const TapConfig& c) {
  unsigned want = c.offload ? offloads : 0;
  if (c.offload && c.udp_gso && ::ioctl(fd, TUNSETOFFLOAD, offloads | offloads_udp) == 0) want |= offloads_udp;
  else if (::ioctl(fd, TUNSETOFFLOAD, want) < 0)
    return std::unexpected(std::string("cannot set offloads: ") + std::strerror(errno) + " (try offload=off)");
  return Offload{.tx_checksum = c.offload, .rx_checksum = c.offload, .tso = c.offload, .gro = c.offload};
}

Outcome set_up_kernel_end(const TapConfig& c, const std::string& name) {
  if (c.host.empty() && c.mtu == 0) return {};
  const u32 ifindex = ::if_nametoindex(name.c_str());
  if (ifindex == 0) return std::unexpected(std::string("vanished while it was being set up"));
  auto link = LinkConfig::open();
  if (!link) return std::unexpected(link.error());
  if (c.mtu != 0)
    if (auto done = link->set_mtu(ifindex, c.mtu); !done) return done;
  if (c.host.empty()) return {};
  // Up before addresses: an IPv6 address given to an interface that is down waits for its link.
  if (auto done = link->set_up(ifindex); !done) return done;
  for (const Prefix& p : c.host)
    if (auto done = link->add_address(ifindex, p); !done) return done;
  return {};
}

}  // namespace

Result<std::vector<std::unique_ptr<Tap>>, std::string> Tap::open(const TapConfig& c) {
  const std::string what = (c.tun ? "tun:" : "tap:") + c.name + ": ";
  if (c.name.empty() || c.name.size() >= IFNAMSIZ)
    return std::unexpected(what + "a device name has 1 to " + std::to_string(IFNAMSIZ - 1) + " characters");
  std::string name = c.name;
  std::vector<std::unique_ptr<Tap>> queues;
  for (u16 q = 0; q < std::max<u16>(c.queues, 1); ++q) {
    auto fd = open_queue(c, name);
    if (!fd) return std::unexpected(what + fd.error());
    const auto offload = set_offload(fd->get(), c);
    if (!offload) return std::unexpected(what + offload.error());
    const Caps caps{.kind = c.tun ? InterfaceKind::raw_ip : InterfaceKind::ethernet,
                    .mtu = c.mtu != 0 ? c.mtu : u16{1500},
                    .offload = *offload,
                    .queues = c.queues};
    queues.push_back(std::make_unique<Tap>(std::move(*fd), name, caps));
  }
  if (const auto done = set_up_kernel_end(c, name); !done) return std::unexpected(what + done.error());
  for (const auto& q : queues) q->look();
  return queues;
}

Tap::Tap(Fd fd, std::string name, Caps caps) noexcept
    : file_(std::move(fd), FrameFile::Kind::device), name_(std::move(name)), caps_(caps) {}

u32 Tap::receive(buf::Pool& pool, std::span<buf::PacketId> out, u32 max_bytes, Instant) noexcept {
  if (link_ == LinkState::gone) [[unlikely]]
    return 0;
  int error;
  const u32 n = file_.receive(pool, out, max_bytes, stats_, error);
  if (error != 0) [[unlikely]]
    on_error(error);
  return n;
}

u32 Tap::send(buf::Pool& pool, std::span<const buf::PacketId> packets, Instant) noexcept {
  if (link_ != LinkState::up) [[unlikely]]
    return 0;
  int error;
  const u32 n = file_.send(pool, packets, stats_, error);
  if (error != 0) [[unlikely]]
    on_error(error);
  return n;
}

// The kernel says EIO for an interface that is down and various things for one that was deleted: ask.
void Tap::on_error(int) noexcept { look(); }

void Tap::look() noexcept {
  pollfd p{fd(), POLLOUT, 0};
  if (::poll(&p, 1, 0) < 0) return;
  on_events((p.revents & POLLERR) != 0 ? EPOLLERR : (p.revents & POLLOUT) != 0 ? EPOLLOUT : 0u);
  if (link_ != LinkState::gone && (p.revents & POLLOUT) == 0) link_ = LinkState::down;
}

u32 Tap::poll_events() const noexcept { return link_ == LinkState::down ? EPOLLIN | EPOLLOUT : EPOLLIN; }

// A deleted device is an error; one that is up (again) can be written to.
void Tap::on_events(u32 events) noexcept {
  if ((events & EPOLLERR) != 0) link_ = LinkState::gone;
  else if ((events & EPOLLOUT) != 0 && link_ == LinkState::down) link_ = LinkState::up;
}

}  // namespace weir::io

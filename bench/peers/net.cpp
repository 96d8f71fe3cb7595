// bench/peers/net.hpp
#include "bench/peers/net.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <exception>
#include <thread>

#include "bench/cpu.hpp"

namespace weir::bench {

void fail_with_errno(const char* what) { throw Failed(std::string(what) + ": " + std::strerror(errno)); }

NetNs NetNs::make() {
  if (::geteuid() != 0) throw Missing("needs root, for network namespaces");
  io::Fd fd;
  int error = 0;
  std::thread([&] {
    if (::unshare(CLONE_NEWNET) != 0) error = errno;
    else fd.reset(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  }).join();
  if (error != 0) throw Missing(std::string("a network namespace: ") + std::strerror(error));
  if (fd.get() < 0) fail_with_errno("open a network namespace");
  NetNs n(std::move(fd));
  n.sh("ip link set lo up");
  return n;
}

void NetNs::enter() const {
  if (::setns(fd_.get(), CLONE_NEWNET) != 0) fail_with_errno("setns");
}

void NetNs::sh(const std::string& command) const {
  const pid_t child = ::fork();
  if (child < 0) fail_with_errno("fork");
  if (child == 0) {
    if (::setns(fd_.get(), CLONE_NEWNET) != 0) ::_exit(126);
    const std::string with_path = "PATH=$PATH:/usr/sbin:/sbin; " + command;
    ::execl("/bin/sh", "sh", "-c", with_path.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) throw Missing("`" + command + "` did not work");
}

std::string NetNs::path() const { return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd_.get()); }

VethNets::VethNets(const VethConfig& config) : a(NetNs::make()), b(NetNs::make()) {
  a.sh("ip link add va type veth peer name vb netns " + b.path());
  a.sh(std::string("ip address add ") + address_a + "/24 dev va && ip link set va up");
  b.sh(std::string("ip address add ") + address_b + "/24 dev vb && ip link set vb up");
  if (config.offload) return;
  std::exception_ptr thrown;
  const auto guarded = [&](const NetNs& n, const char* interface) {
    try {
      n.enter();
      offloads_off(interface);
    } catch (...) {
      thrown = std::current_exception();
    }
  };
  std::thread([&] { guarded(a, "va"); }).join();
  std::thread([&] { guarded(b, "vb"); }).join();
  if (thrown) std::rethrow_exception(thrown);
}

void offloads_off(const char* interface) {
  const io::Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  for (const u32 command : {ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO, ETHTOOL_STXCSUM}) {
    ethtool_value value{.cmd = command, .data = 0};
    ifreq request{};
    std::strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
    request.ifr_data = reinterpret_cast<char*>(&value);
    if (::ioctl(fd.get(), SIOCETHTOOL, &request) != 0) fail_with_errno("switch an offload off");
  }
}

void Loops::run(const VethNets& nets) {
  core = last_core();
  std::exception_ptr thrown[3];
  const auto guarded = [&](std::exception_ptr& to, const std::function<void()>& f) {
    try {
      f();
    } catch (...) {
      to = std::current_exception();
    }
    stop = true;
  };
  const auto loop = [&](const NetNs& ns, const std::function<void()>& f) {
    pin_to(core);
    ns.enter();
    f();
  };
  std::thread a([&] { guarded(thrown[1], [&] { loop(nets.a, in_a); }); });
  std::thread b([&] { guarded(thrown[2], [&] { loop(nets.b, in_b); }); });
  guarded(thrown[0], control);
  a.join();
  b.join();
  for (const auto& t : {thrown[1], thrown[2], thrown[0]})
    if (t) std::rethrow_exception(t);
}

sockaddr_in address_of(const char* address, u16 port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  ::inet_pton(AF_INET, address, &a.sin_addr);
  return a;
}

namespace {

// Calls do not block for longer than that: whoever waits looks whether it is to stop.
void set_patience(const io::Fd& fd) {
  const timeval patience{.tv_sec = 0, .tv_usec = 300'000};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

void set_buffers(const io::Fd& fd, int buffer) {
  if (buffer == 0) return;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);
}

}  // namespace

io::Fd listen_on(u16 port, int buffer) {
  io::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int one = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  set_patience(fd);
  set_buffers(fd, buffer);
  const sockaddr_in any = address_of("0.0.0.0", port);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0 || ::listen(fd.get(), 1024) != 0)
    fail_with_errno("listen");
  return fd;
}

io::Fd accept_from(const io::Fd& listener, const std::atomic<bool>& stop) {
  while (!stop) {
    io::Fd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (fd.get() >= 0) {
      set_patience(fd);
      return fd;
    }
    if (errno != EAGAIN && errno != EINTR) fail_with_errno("accept");
  }
  throw Failed("stopped before a connection came");
}

io::Fd connect_to(const char* address, u16 port, const std::atomic<bool>& stop, int buffer) {
  const sockaddr_in to = address_of(address, port);
  for (int tries = 0; tries < 2000 && !stop; ++tries) {
    io::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    set_buffers(fd, buffer);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) {
      set_patience(fd);
      return fd;
    }
    if (errno != ECONNREFUSED && errno != EINTR) fail_with_errno("connect");
    ::usleep(1000);
  }
  throw Failed("nobody listens");
}

void no_delay(const io::Fd& fd) {
  const int one = 1;
  if (::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0) fail_with_errno("TCP_NODELAY");
}

}  // namespace weir::bench

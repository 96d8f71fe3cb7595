// Network namespaces and veth pairs of the kernel, made for one run in a process of its own and gone with it.
#pragma once

#include <netinet/in.h>

#include <atomic>
#include <functional>
#include <string>

#include "bench/case.hpp"
#include "io/fd.hpp"

namespace weir::bench {

// A network namespace with "lo" up. It lives as long as this does, or a thread or device in it.
class NetNs {
 public:
  // Missing without the privileges that it needs.
  [[nodiscard]] static NetNs make();
  // The calling thread is in it from now on.
  void enter() const;
  // Runs a command of the shell in it; Missing when it fails.
  void sh(const std::string& command) const;
  // For `ip link ... netns PATH`.
  [[nodiscard]] std::string path() const;

 private:
  explicit NetNs(io::Fd fd) noexcept : fd_(std::move(fd)) {}
  io::Fd fd_;
};

struct VethConfig {
  bool offload = true;  // false: segmentation and checksums are done by the CPU, frame by frame
};

// va in `a` with 10.98.0.1/24, and vb in `b` with 10.98.0.2/24, joined.
struct VethNets {
  explicit VethNets(const VethConfig& config);
  NetNs a, b;
  static constexpr const char *address_a = "10.98.0.1", *address_b = "10.98.0.2";
};

// Switches segmentation offload, GRO and transmit checksums of an interface of the calling thread's namespace off.
void offloads_off(const char* interface);

// Two loops, each a thread in its namespace, both pinned to one core, and a third party (this thread) that measures them.
// They look at `stop` at least twice a second. What one of them throws is thrown again by run().
struct Loops {
  std::function<void()> in_a, in_b, control;
  std::atomic<bool> stop = false;
  int core = 0;
  void run(const VethNets& nets);
};

// -- sockets; Failed when the kernel refuses
[[nodiscard]] sockaddr_in address_of(const char* address, u16 port);
[[nodiscard]] io::Fd listen_on(u16 port, int buffer = 0);
[[nodiscard]] io::Fd accept_from(const io::Fd& listener, const std::atomic<bool>& stop);
// Tries until somebody listens. buffer: bytes of both socket buffers, 0: as the kernel likes.
[[nodiscard]] io::Fd connect_to(const char* address, u16 port, const std::atomic<bool>& stop, int buffer = 0);
void no_delay(const io::Fd& fd);
[[noreturn]] void fail_with_errno(const char* what);

}  // namespace weir::bench

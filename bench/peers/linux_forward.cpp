// bench/peers/linux.hpp: what the kernel needs to forward a packet: 64-byte frames of a packet socket through a veth pair to
// a host that drops them, with a router between and without; the difference is what the router costs.
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>
#include <vector>

#include "bench/cpu.hpp"
#include "bench/frames.hpp"
#include "bench/peers/linux.hpp"
#include "bench/peers/net.hpp"

namespace weir::bench {
namespace {

constexpr u32 batch = 64;
constexpr const char *router_mac = "02:00:00:00:00:07", *sink_mac = "02:00:00:00:00:08";

// Frames received by the last interface of the namespace that the thread is in.
u64 received(const std::string& interface) {
  std::ifstream in("/proc/thread-self/net/dev");
  for (std::string line; std::getline(in, line);) {
    const auto colon = line.find(interface + ":");
    if (colon == std::string::npos) continue;
    std::istringstream fields(line.substr(colon + interface.size() + 1));
    u64 bytes = 0, packets = 0;
    fields >> bytes >> packets;
    return packets;
  }
  return 0;
}

class Sender {
 public:
  explicit Sender(const char* to_mac) : fd_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) {
    const int one = 1;
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = static_cast<int>(::if_nametoindex("out"));
    ::setsockopt(fd_.get(), SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
    if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) fail_with_errno("a packet socket");
    const auto frame =
        make_frame({.src_mac = {{2, 0, 0, 0, 0, 6}}, .dst_mac = *MacAddr::parse(to_mac), .src = {0xc000'0205}, .dst = {0x0a00'0001}});
    readdress_.emplace_back(frame);
    for (u32 i = 0; i < batch; ++i) {
      frames_[i] = frame;
      pieces_[i] = {frames_[i].data(), frames_[i].size()};
      messages_[i].msg_hdr.msg_iov = &pieces_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
    }
  }
  void send(u32 batches) {
    for (u32 k = 0; k < batches; ++k) {
      for (auto& f : frames_) readdress_[0](f, {0xc000'0205}, {0x0a00'0000 | (number_++ * 2'654'435'761u >> 8)});
      for (u32 sent = 0; sent < batch;) {
        const int n = ::sendmmsg(fd_.get(), messages_.data() + sent, batch - sent, 0);
        if (n <= 0) fail_with_errno("sendmmsg");
        sent += static_cast<u32>(n);
      }
    }
  }

 private:
  io::Fd fd_;
  u32 number_ = 0;
  std::vector<Readdresser> readdress_;
  std::array<std::vector<std::byte>, batch> frames_;
  std::array<iovec, batch> pieces_{};
  std::array<mmsghdr, batch> messages_{};
};

// CPU seconds for a frame.
double cost(const Env& env, const NetNs& from, const NetNs& sink, const char* to_mac, double& cpu_s) {
  from.enter();
  Sender sender(to_mac);
  const u32 step = env.quick ? 4 : 500;
  sender.send(step);
  sink.enter();
  const u64 before = received("in");
  const CoreMeter cpu(last_core());
  u64 n = 0;
  while (cpu.seconds() < env.seconds) {
    sender.send(step);
    n += u64{step} * batch;
  }
  const double spent = cpu.seconds();
  cpu_s += spent;
  ::usleep(10'000);
  const u64 came = received("in") - before;
  if (came < n / 10 * 9 || came > n + 100) throw Failed(std::to_string(came) + " of " + std::to_string(n) + " frames came");
  return spent / static_cast<double>(n);
}

}  // namespace

Sample linux_forward(const Env& env) {
  const NetNs a = NetNs::make(), router = NetNs::make(), sink = NetNs::make(), direct_sink = NetNs::make(), c = NetNs::make();
  const std::string set_in =
      "ip link set in address " + std::string(sink_mac) + " && ip link set in up && echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter";
  a.sh("ip link add out type veth peer name left netns " + router.path() + " && ip link set out up");
  router.sh("ip link add right type veth peer name in netns " + sink.path());
  router.sh(std::string("ip link set left address ") + router_mac + " && ip address add 192.0.2.1/24 dev left && ip link set left up");
  router.sh("ip address add 198.51.100.1/24 dev right && ip link set right up");
  router.sh("cd /proc/sys/net/ipv4 && echo 1 > ip_forward && echo 0 > conf/all/rp_filter && echo 0 > conf/left/rp_filter");
  router.sh(std::string("ip neigh add 198.51.100.2 lladdr ") + sink_mac +
            " dev right nud permanent && ip route add 10.0.0.0/8 via 198.51.100.2");
  sink.sh(set_in + " && ip address add 198.51.100.2/24 dev in");
  c.sh("ip link add out type veth peer name in netns " + direct_sink.path() + " && ip link set out up");
  direct_sink.sh(set_in + " && ip address add 198.51.100.2/24 dev in");
  pin_to(last_core());
  ::usleep(50'000);  // carriers are up
  Sample s;
  const double with = cost(env, a, sink, router_mac, s.cpu_s), without = cost(env, c, direct_sink, sink_mac, s.cpu_s);
  s.value = 1e-6 / (with - without);
  s.extras = {{"with the sender", "Mpps", 1e-6 / with}};
  return s;
}

}  // namespace weir::bench

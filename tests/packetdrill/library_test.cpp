// libweir_packetdrill.so as the tool uses it: loaded at run time, driven by its table, one thread for packets and one for calls
// that block.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "packetdrill/table.hpp"
#include "posix/tcp_info.hpp"
#include "tests/graph/frames.hpp"

namespace weir::packetdrill {
namespace {

const Ip4Addr local = test::ip4("192.168.0.1"), remote = test::ip4("192.0.2.1");
constexpr u16 peer_port = 4'000, port = 8'080;
constexpr u16 syn = 2, ack = 16, psh = 8, fin = 1;
constexpr const char* flags = "local=192.168.0.1/16,gw=192.168.0.2,mtu=1500,vt=1,settings=0";

struct Seen {
  u16 flags = 0;
  u32 seq = 0, ack = 0;
  std::string payload;
  long long us = 0;
  bool none = false;
};

class Library : public testing::Test {
 protected:
  Library() {
#ifdef __SANITIZE_ADDRESS__
    constexpr int deep = 0;  // the sanitizer's own calls must be found first
#else
    constexpr int deep = RTLD_DEEPBIND;
#endif
    handle = dlopen(WEIR_PACKETDRILL_SO, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE | deep);
    if (handle == nullptr) ADD_FAILURE() << dlerror();
    init = reinterpret_cast<void (*)(const char*, Table*)>(dlsym(handle, "packetdrill_interface_init"));
    start();
  }
  ~Library() override { t.free(t.self); }
  void start(const char* with = flags) {
    t = {};
    init(with, &t);
  }

  long long now() {
    timeval v{};
    EXPECT_EQ(t.gettimeofday(t.self, &v, nullptr), 0);
    return v.tv_sec * 1'000'000ll + v.tv_usec;
  }
  void in(u16 bits, u32 seq, u32 acked, const std::string& payload = {}, u16 window = 30'000) {
    wire::TcpFields f{};
    f.src_port = peer_port, f.dst_port = port, f.seq = SeqNum{seq}, f.ack = SeqNum{acked}, f.flags = {bits}, f.window = window;
    wire::Ipv4Fields ip{};
    ip.ttl = 64, ip.protocol = 6, ip.src = remote, ip.dst = local;
    const std::string p = test::ipv4(ip, test::tcp(remote, local, f, payload));
    EXPECT_EQ(t.netdev_send(t.self, p.data(), p.size()), 0);
  }
  Seen out() {
    std::string p(65'536, 0);
    size_t n = p.size();
    Seen s;
    EXPECT_EQ(t.netdev_receive(t.self, p.data(), &n, &s.us), 0);
    p.resize(n);
    if (n == 0) {
      s.none = true;
      return s;
    }
    const auto tcp = wire::TcpView::parse(test::as_bytes(p).subspan(20));
    EXPECT_TRUE(tcp);
    s.flags = tcp->flags().bits, s.seq = tcp->seq().raw, s.ack = tcp->ack().raw, s.payload = test::text_of(tcp->payload());
    return s;
  }
  int listener() {
    const int fd = t.socket(t.self, AF_INET, SOCK_STREAM, IPPROTO_TCP);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(port);
    EXPECT_EQ(t.bind(t.self, fd, reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
    EXPECT_EQ(t.listen(t.self, fd, 1), 0);
    return fd;
  }
  // Of a connection, the server's descriptor; iss is the server's initial sequence number.
  int connected() {
    const int l = listener();
    in(syn, 100, 0);
    const Seen answer = out();
    EXPECT_EQ(answer.flags, syn | ack);
    EXPECT_EQ(answer.ack, 101u);
    iss = answer.seq;
    in(ack, 101, iss + 1);
    sockaddr_in peer{};
    socklen_t n = sizeof peer;
    const int fd = t.accept(t.self, l, reinterpret_cast<sockaddr*>(&peer), &n);
    EXPECT_GE(fd, 0);
    EXPECT_EQ(ntohl(peer.sin_addr.s_addr), remote.host);
    EXPECT_EQ(ntohs(peer.sin_port), peer_port);
    return fd;
  }

  // Runs a call that blocks in a thread of its own; returns when that thread sleeps in the kernel, as the tool does.
  template <class F>
  std::thread blocked(F&& f) {
    std::atomic<long> id = 0;
    std::thread thread([&id, call = std::forward<F>(f)] {
      id = ::syscall(SYS_gettid);
      call();
    });
    while (id == 0) std::this_thread::yield();
    const std::string stat = "/proc/self/task/" + std::to_string(id.load()) + "/stat";
    for (std::string text; text.find(") S ") == std::string::npos; std::this_thread::yield()) std::getline(std::ifstream(stat), text);
    return thread;
  }

  void* handle = nullptr;
  void (*init)(const char*, Table*) = nullptr;
  Table t{};
  u32 iss = 0;
};

TEST_F(Library, every_entry_of_the_table_is_there) {
  void* entries[33];
  std::memcpy(entries, &t, sizeof entries);
  for (int i = 1; i < 33; ++i) EXPECT_NE(entries[i], nullptr) << i;
}

TEST_F(Library, a_connection_with_data_both_ways) {
  const int fd = connected();
  in(ack | psh, 101, iss + 1, "question");
  char data[100];
  EXPECT_EQ(t.read(t.self, fd, data, sizeof data), 8);
  EXPECT_EQ(std::string(data, 8), "question");
  EXPECT_EQ(t.write(t.self, fd, "answer", 6), 6);
  Seen s = out();
  while (s.payload.empty()) s = out();  // the ACK may go alone
  EXPECT_EQ(s.payload, "answer");
  EXPECT_EQ(s.seq, iss + 1);
  EXPECT_EQ(s.ack, 109u);
  EXPECT_EQ(t.read(t.self, fd, nullptr, 0), 0);
  EXPECT_EQ(t.close(t.self, fd), 0);
  EXPECT_EQ(out().flags & fin, fin);
}

TEST_F(Library, a_script_leaves_nothing_to_the_next) {
  const int fd = connected();
  start();
  char data[8];
  EXPECT_EQ(t.read(t.self, fd, data, 8), -1);
  EXPECT_EQ(errno, EBADF);
  EXPECT_EQ(fcntl(fd, F_GETFD), -1);
  const u32 first = (connected(), iss);  // the port is free again
  start();
  connected();
  EXPECT_EQ(iss, first);  // the same calls, the same bytes
}

TEST_F(Library, time_is_virtual_and_a_look_at_it_moves_it) {
  const long long a = now(), b = now();
  EXPECT_EQ(b, a + 1);
  EXPECT_EQ(t.usleep(t.self, 3'000'000), 0);
  EXPECT_EQ(now(), b + 1 + 3'000'000);
  EXPECT_TRUE(out().none);  // nothing will ever come
}

TEST_F(Library, real_time_passes_by_itself) {
  start("local=192.168.0.1/16,vt=0,settings=0");
  const long long before = now();
  EXPECT_EQ(t.usleep(t.self, 2'000), 0);
  EXPECT_GE(now(), before + 2'000);
  const int fd = connected();
  char c;
  std::thread reader = blocked([&] { EXPECT_EQ(t.read(t.self, fd, &c, 1), 1); });
  in(ack | psh, 101, iss + 1, "x");
  reader.join();
}

TEST_F(Library, waiting_for_a_packet_jumps_to_the_retransmission) {
  const int fd = connected();
  EXPECT_EQ(t.write(t.self, fd, "x", 1), 1);
  const Seen first = out(), second = out(), third = out();
  EXPECT_EQ(second.seq, first.seq);
  EXPECT_GE(second.us - first.us, 200'000);
  EXPECT_GT(third.us - second.us, second.us - first.us);
  EXPECT_LE(third.us, now());
}

TEST_F(Library, a_blocked_read_sleeps_and_time_stands_still_until_it_has_read_the_clock) {
  const int fd = connected();
  char data[8];
  ssize_t n = 0;
  long long woken = 0;
  std::thread reader = blocked([&] {
    n = t.read(t.self, fd, data, sizeof data);
    woken = now();
  });
  t.usleep(t.self, 50'000);
  const long long before = now();
  in(ack | psh, 101, iss + 1, "late");
  t.usleep(t.self, 10'000'000);
  reader.join();
  EXPECT_EQ(n, 4);
  EXPECT_LE(before, woken);
  EXPECT_LE(woken, before + 10);
}

TEST_F(Library, poll_waits_for_its_time_or_an_event_and_overwrites_what_was_expected) {
  const int fd = connected();
  pollfd p{fd, POLLIN, POLLIN | POLLERR};
  EXPECT_EQ(t.poll(t.self, &p, 1, 0), 0);
  EXPECT_EQ(p.revents, 0);
  int n = -1;
  const long long before = now();
  long long woken = 0;
  const auto wait = [&] {
    n = t.poll(t.self, &p, 1, 100);
    woken = now();
  };
  std::thread waiter = blocked(wait);
  t.usleep(t.self, 1'000'000);
  waiter.join();
  EXPECT_EQ(n, 0);
  EXPECT_NEAR(static_cast<double>(woken - before), 100'000, 10);
  waiter = blocked(wait);
  in(ack | psh, 101, iss + 1, "x");
  t.usleep(t.self, 10);
  waiter.join();
  EXPECT_EQ(n, 1);
  EXPECT_EQ(p.revents, POLLIN);
}

TEST_F(Library, a_receive_timeout_ends_a_blocked_call) {
  const int fd = connected();
  const timeval limit{0, 250'000};
  ASSERT_EQ(t.setsockopt(t.self, fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
  ssize_t n = 0;
  int error = 0;
  std::thread reader = blocked([&] {
    char c;
    n = t.recv(t.self, fd, &c, 1, 0);
    error = errno;
    now();
  });
  t.usleep(t.self, 1'000'000);
  reader.join();
  EXPECT_EQ(n, -1);
  EXPECT_EQ(error, EAGAIN);
}

TEST_F(Library, a_blocked_call_ends_with_the_script) {
  const int fd = connected();
  ssize_t n = 0;
  std::thread reader = blocked([&] {
    char c;
    n = t.read(t.self, fd, &c, 1);
  });
  start();
  reader.join();
  EXPECT_EQ(n, -1);
}

TEST_F(Library, epoll_and_pipes_and_duplicates) {
  const int fd = connected();
  const int epoll = t.epoll_create(t.self, 1);
  epoll_event e{.events = EPOLLIN, .data = {.u64 = 77}};
  ASSERT_EQ(t.epoll_ctl(t.self, epoll, EPOLL_CTL_ADD, fd, &e), 0);
  EXPECT_EQ(t.epoll_wait(t.self, epoll, &e, 1, 0), 0);
  in(ack | psh, 101, iss + 1, "spliced");
  EXPECT_EQ(t.epoll_wait(t.self, epoll, &e, 1, -1), 1);
  EXPECT_EQ(e.data.u64, 77u);
  int p[2];
  ASSERT_EQ(t.pipe(t.self, p), 0);
  EXPECT_EQ(t.splice(t.self, fd, nullptr, p[1], nullptr, 100, 0), 7);
  char data[8];
  EXPECT_EQ(t.read(t.self, p[0], data, 8), 7);
  const int copy = t.fcntl(t.self, fd, F_DUPFD, 0);
  EXPECT_NE(copy, fd);
  EXPECT_EQ(t.write(t.self, copy, "x", 1), 1);
}

TEST_F(Library, names_of_the_c_library_serve_our_descriptors_and_pass_others_on) {
  const auto get = reinterpret_cast<int (*)(int, int, int, void*, socklen_t*)>(dlsym(handle, "getsockopt"));
  const auto shut = reinterpret_cast<int (*)(int)>(dlsym(handle, "close"));
  const int fd = connected();
  posix::TcpInfo info{};
  socklen_t n = sizeof info;
  ASSERT_EQ(get(fd, IPPROTO_TCP, TCP_INFO, &info, &n), 0);
  EXPECT_EQ(n, sizeof info);
  EXPECT_EQ(info.state, 1);
  EXPECT_EQ(info.snd_cwnd, 10u);
  const int real = ::socket(AF_INET, SOCK_DGRAM, 0);
  int type = 0;
  n = sizeof type;
  EXPECT_EQ(get(real, SOL_SOCKET, SO_TYPE, &type, &n), 0);
  EXPECT_EQ(type, SOCK_DGRAM);
  EXPECT_EQ(shut(real), 0);
  EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);  // a real one stands for it
  EXPECT_EQ(shut(fd), 0);
  EXPECT_EQ(fcntl(fd, F_GETFD), -1);
  EXPECT_EQ(out().flags & fin, fin);
}

TEST_F(Library, a_wrong_checksum_on_the_wire_ends_the_run) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  wire::Ipv4Fields ip{};
  ip.ttl = 64, ip.protocol = 6, ip.src = local, ip.dst = remote;
  wire::TcpFields f{};
  f.src_port = 1, f.dst_port = 2;
  std::string packet = test::ipv4(ip, test::tcp(local, remote, f));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(remote.host);
  const int raw = t.socket(t.self, AF_INET, SOCK_RAW, IPPROTO_RAW);
  ASSERT_GE(raw, 0);
  const auto send = [&] { return t.sendto(t.self, raw, packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to); };
  EXPECT_EQ(send(), 40);
  packet[25] ^= 1;
  EXPECT_DEATH(send(), "wrong TCP checksum");
}

TEST_F(Library, flags_that_mean_nothing_are_named) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(start("mtu=12"), testing::ExitedWithCode(2), "mtu=12: expected a number from 68");
  EXPECT_EXIT(start("local=there"), testing::ExitedWithCode(2), "local=there: expected an address");
  EXPECT_EXIT(start("speed=9"), testing::ExitedWithCode(2), "the flags are local");
}

}  // namespace
}  // namespace weir::packetdrill

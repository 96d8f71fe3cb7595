// Two processes on two hosts, one wire between them, in virtual time: what the tests of src/posix share.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>
#include <string>
#include <vector>

#include "posix/process.hpp"
#include "posix/transfer.hpp"

namespace weir::posix {

inline sockaddr_in in4(const char* address, int port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(static_cast<u16>(port));
  EXPECT_EQ(inet_pton(AF_INET, address, &a.sin_addr), 1);
  return a;
}

inline sockaddr_in6 in6(const char* address, int port) {
  sockaddr_in6 a{};
  a.sin6_family = AF_INET6;
  a.sin6_port = htons(static_cast<u16>(port));
  EXPECT_EQ(inet_pton(AF_INET6, address, &a.sin6_addr), 1);
  return a;
}

class Pair : public testing::Test {
 protected:
  Pair() : shard({.seed = 9, .max_sockets = 256, .max_connections = 256}, now), one(shard, make("one")), two(shard, make("two")) {
    const auto wire = *shard.add_veth(one.netns(), {.name = "eth0"}, two.netns(), {.name = "eth0"}, now);
    EXPECT_TRUE(shard.add_address(wire.first, *Prefix::parse("10.0.0.1/24"), now, false));
    EXPECT_TRUE(shard.add_address(wire.second, *Prefix::parse("10.0.0.2/24"), now, false));
    EXPECT_TRUE(shard.add_address(wire.first, *Prefix::parse("fd00::1/64"), now, false));
    EXPECT_TRUE(shard.add_address(wire.second, *Prefix::parse("fd00::2/64"), now, false));
    end_of_one = wire.first;
    turn();
  }
  NetnsId make(const char* name) { return *shard.add_netns({.name = name}, now); }

  // All that can happen at this instant.
  void turn() {
    for (int i = 0; i < 10'000 && shard.run(now).more; ++i) {
    }
  }
  void pass(Duration d) {
    const Instant end = now + d;
    for (turn(); shard.next_deadline() <= end; turn()) now = std::max(now, shard.next_deadline());
    now = end;
    turn();
  }

  // -- results as the C library gives them: -errno
  static i64 result(const Outcome& o) { return o.wait ? -EWOULDBLOCK - 1'000 : o.error != 0 ? -o.error : o.value; }
  static constexpr i64 waits = -EWOULDBLOCK - 1'000;

  template <class A>
  int listen_at(Process& p, const A& address, int backlog = 10, int type = SOCK_STREAM) {
    const int fd = static_cast<int>(p.socket(reinterpret_cast<const sockaddr*>(&address)->sa_family, type, 0, now).value);
    const int on = 1;
    EXPECT_EQ(p.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on, now).error, 0);
    EXPECT_EQ(bind(p, fd, address), 0);
    EXPECT_EQ(result(p.listen(fd, backlog, now)), 0);
    return fd;
  }
  template <class A>
  i64 bind(Process& p, int fd, const A& address) {
    return result(p.bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address, now));
  }
  template <class A>
  i64 connect(Process& p, int fd, const A& address) {
    const i64 r = result(p.connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address, now));
    turn();
    return r;
  }
  int stream(Process& p, int flags = 0, int domain = AF_INET) {
    return static_cast<int>(p.socket(domain, SOCK_STREAM | flags, 0, now).value);
  }
  // client on two, server on one; both blocking.
  void connected() {
    listener = listen_at(one, in4("10.0.0.1", 80));
    client = stream(two);
    ASSERT_EQ(connect(two, client, in4("10.0.0.1", 80)), waits);
    ASSERT_EQ(connect(two, client, in4("10.0.0.1", 80)), 0);
    server = static_cast<int>(result(one.accept(listener, nullptr, nullptr, 0, now)));
    ASSERT_GT(server, 2);
  }

  i64 send(Process& p, int fd, std::string_view data, int flags = 0) {
    iovec v{const_cast<char*>(data.data()), data.size()};
    msghdr m{};
    m.msg_iov = &v, m.msg_iovlen = 1;
    const i64 r = result(p.sendmsg(fd, &m, flags, now));
    turn();
    return r;
  }
  // What came, or "!ERRNO", or "wait".
  std::string recv(Process& p, int fd, usize room = 100, int flags = 0) {
    std::string data(room, '\0');
    iovec v{data.data(), data.size()};
    msghdr m{};
    m.msg_iov = &v, m.msg_iovlen = 1;
    const Outcome o = p.recvmsg(fd, &m, flags, now);
    turn();
    if (o.wait && o.value == 0) return "wait";
    if (o.error != 0) return std::string("!") + strerrorname_np(o.error);
    data.resize(std::min<usize>(room, static_cast<usize>(o.value)));
    return data;
  }
  int poll(Process& p, int fd, int events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP) {
    pollfd f{fd, static_cast<short>(events), 0x7fff};
    const i64 ready = p.poll(&f, 1, now).value;
    EXPECT_EQ(ready, f.revents != 0);
    return f.revents;
  }
  i64 set(Process& p, int fd, int level, int name, int value) { return result(p.setsockopt(fd, level, name, &value, sizeof value, now)); }
  i64 get(Process& p, int fd, int level, int name) {
    int value = -1;
    socklen_t length = sizeof value;
    const Outcome o = p.getsockopt(fd, level, name, &value, &length, now);
    return o.error != 0 ? -o.error : value;
  }

  Instant now{1'000'000'000};
  Shard shard;
  Process one, two;
  IfIndex end_of_one = 0;
  int listener = -1, client = -1, server = -1;
};

}  // namespace weir::posix

// epoll and pipes; splice and sendfile between them and sockets.
#include <sys/mman.h>
#include <unistd.h>

#include "tests/posix/pair.hpp"

namespace weir::posix {
namespace {

class PosixEpoll : public Pair {
 protected:
  PosixEpoll() { epoll = static_cast<int>(one.epoll_create(0, now).value); }
  i64 control(int operation, int fd, u32 events, int on = -1) {
    epoll_event e{.events = events, .data = {.fd = fd}};
    return result(one.epoll_ctl(on < 0 ? epoll : on, operation, fd, &e, now));
  }
  // The events of the only descriptor that is ready, 0: none.
  u32 wait(int on = -1) {
    epoll_event e[4]{};
    const i64 n = result(one.epoll_wait(on < 0 ? epoll : on, e, 4, now));
    EXPECT_TRUE(n == 0 || n == 1) << n;
    return n == 1 ? e[0].events : 0;
  }
  int epoll;
};

TEST_F(PosixEpoll, errors) {
  const int fd = stream(one);
  EXPECT_EQ(result(one.epoll_create(1, now)), -EINVAL);
  EXPECT_EQ(control(EPOLL_CTL_ADD, 99, EPOLLIN), -EBADF);
  EXPECT_EQ(control(EPOLL_CTL_ADD, fd, EPOLLIN, fd), -EINVAL);
  EXPECT_EQ(control(EPOLL_CTL_ADD, epoll, EPOLLIN), -EINVAL);
  EXPECT_EQ(control(EPOLL_CTL_MOD, fd, EPOLLIN), -ENOENT);
  EXPECT_EQ(control(EPOLL_CTL_DEL, fd, 0), -ENOENT);
  EXPECT_EQ(control(EPOLL_CTL_ADD, fd, EPOLLIN), 0);
  EXPECT_EQ(control(EPOLL_CTL_ADD, fd, EPOLLIN), -EEXIST);
  EXPECT_EQ(control(17, fd, EPOLLIN), -EINVAL);
  EXPECT_EQ(result(one.epoll_ctl(epoll, EPOLL_CTL_MOD, fd, nullptr, now)), -EFAULT);
  EXPECT_EQ(result(one.epoll_ctl(epoll, EPOLL_CTL_DEL, fd, nullptr, now)), 0);
  epoll_event e;
  EXPECT_EQ(result(one.epoll_wait(epoll, &e, 0, now)), -EINVAL);
  EXPECT_EQ(result(one.epoll_wait(epoll, nullptr, 1, now)), -EFAULT);
  EXPECT_EQ(result(one.epoll_wait(fd, &e, 1, now)), -EINVAL);
}

TEST_F(PosixEpoll, level_triggered_as_long_as_it_is_so) {
  connected();
  ASSERT_EQ(control(EPOLL_CTL_ADD, server, EPOLLIN), 0);
  EXPECT_EQ(wait(), 0u);
  send(two, client, "ab");
  EXPECT_EQ(wait(), u32{EPOLLIN});
  EXPECT_EQ(wait(), u32{EPOLLIN});
  recv(one, server);
  EXPECT_EQ(wait(), 0u);
  ASSERT_EQ(control(EPOLL_CTL_MOD, server, EPOLLIN | EPOLLOUT), 0);
  EXPECT_EQ(wait(), u32{EPOLLOUT});
}

TEST_F(PosixEpoll, edge_triggered_for_each_arrival) {
  connected();
  ASSERT_EQ(control(EPOLL_CTL_ADD, server, EPOLLIN | EPOLLRDHUP | EPOLLET), 0);
  EXPECT_EQ(wait(), 0u);
  send(two, client, "ab");
  EXPECT_EQ(wait(), u32{EPOLLIN});
  EXPECT_EQ(wait(), 0u);
  recv(one, server, 1);
  EXPECT_EQ(wait(), 0u);  // nothing new
  send(two, client, "c");
  EXPECT_EQ(wait(), u32{EPOLLIN});
  EXPECT_EQ(wait(), 0u);
  ASSERT_EQ(control(EPOLL_CTL_MOD, server, EPOLLIN | EPOLLRDHUP | EPOLLET), 0);
  EXPECT_EQ(wait(), u32{EPOLLIN});  // a change looks again
  EXPECT_EQ(result(two.shutdown(client, SHUT_WR, now)), 0);
  turn();
  EXPECT_EQ(wait(), u32{EPOLLIN | EPOLLRDHUP});
  EXPECT_EQ(wait(), 0u);
}

TEST_F(PosixEpoll, room_is_no_edge_for_who_waits_for_data) {
  connected();
  EXPECT_EQ(set(one, server, SOL_SOCKET, SO_SNDBUF, 4'000), 0);
  send(two, client, "x");
  ASSERT_EQ(control(EPOLL_CTL_ADD, server, EPOLLIN | EPOLLET), 0);
  EXPECT_EQ(wait(), u32{EPOLLIN});
  // Fill the queue, and let the peer acknowledge.
  send(one, server, std::string(100'000, 'y'));
  EXPECT_EQ(poll(one, server) & POLLOUT, POLLOUT);
  EXPECT_EQ(wait(), 0u);
}

TEST_F(PosixEpoll, one_shot_until_changed) {
  connected();
  ASSERT_EQ(control(EPOLL_CTL_ADD, server, EPOLLOUT | EPOLLONESHOT), 0);
  EXPECT_EQ(wait(), u32{EPOLLOUT});
  EXPECT_EQ(wait(), 0u);
  ASSERT_EQ(control(EPOLL_CTL_MOD, server, EPOLLOUT | EPOLLONESHOT), 0);
  EXPECT_EQ(wait(), u32{EPOLLOUT});
}

TEST_F(PosixEpoll, the_closed_are_forgotten_and_duplicates_keep_them) {
  connected();
  ASSERT_EQ(control(EPOLL_CTL_ADD, server, EPOLLOUT), 0);
  const int copy = static_cast<int>(one.fcntl(server, F_DUPFD, 0, now).value);
  one.close(server, now);
  EXPECT_EQ(wait(), u32{EPOLLOUT});
  one.close(copy, now);
  EXPECT_EQ(wait(), 0u);
  EXPECT_EQ(stream(one), server);
  EXPECT_EQ(control(EPOLL_CTL_ADD, server, EPOLLIN), 0);  // another one by the same number
}

TEST_F(PosixEpoll, those_told_go_behind_the_rest) {
  connected();
  ASSERT_EQ(control(EPOLL_CTL_ADD, server, EPOLLOUT), 0);
  const int fresh = stream(one);
  ASSERT_EQ(control(EPOLL_CTL_ADD, fresh, EPOLLOUT), 0);
  std::vector<int> seen;
  for (int i = 0; i < 4; ++i) {
    epoll_event e{};
    ASSERT_EQ(result(one.epoll_wait(epoll, &e, 1, now)), 1);
    seen.push_back(e.data.fd);
  }
  EXPECT_EQ(seen, (std::vector{server, fresh, server, fresh}));
}

TEST_F(PosixEpoll, instances_watch_instances_but_not_in_rings) {
  const int outer = static_cast<int>(one.epoll_create(EPOLL_CLOEXEC, now).value);
  ASSERT_EQ(control(EPOLL_CTL_ADD, epoll, EPOLLIN, outer), 0);
  EXPECT_EQ(control(EPOLL_CTL_ADD, outer, EPOLLIN), -ELOOP);
  EXPECT_EQ(wait(outer), 0u);
  connected();
  ASSERT_EQ(control(EPOLL_CTL_ADD, server, EPOLLIN), 0);
  send(two, client, "x");
  EXPECT_EQ(wait(outer), u32{EPOLLIN});
  EXPECT_EQ(poll(one, outer), POLLIN);
}

TEST_F(PosixEpoll, a_listener_is_ready_for_each_connection) {
  listener = listen_at(one, in4("10.0.0.1", 80));
  ASSERT_EQ(control(EPOLL_CTL_ADD, listener, EPOLLIN | EPOLLET), 0);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(wait(), 0u);
    connect(two, stream(two), in4("10.0.0.1", 80));
    EXPECT_EQ(wait(), u32{EPOLLIN});
  }
}

TEST_F(PosixEpoll, pipes) {
  int p[2];
  ASSERT_EQ(result(one.pipe(p, 0, now)), 0);
  EXPECT_EQ(poll(one, p[0]), 0);
  EXPECT_EQ(poll(one, p[1]), POLLOUT);
  char b[8];
  EXPECT_EQ(result(one.read(p[0], b, 8, now)), waits);
  EXPECT_EQ(result(one.read(p[1], b, 8, now)), -EBADF);
  EXPECT_EQ(result(one.write(p[1], "hello", 5, now)), 5);
  EXPECT_EQ(poll(one, p[0]), POLLIN);
  EXPECT_EQ(recv(one, p[0]), "hello");
  const std::string big(70'000, 'x');
  const Outcome o = one.write(p[1], big.data(), big.size(), now);
  EXPECT_TRUE(o.wait);
  EXPECT_EQ(o.value, 65'536);
  EXPECT_EQ(poll(one, p[1]), 0);
  EXPECT_EQ(result(one.write(p[1], "x", 1, now)), waits);
  EXPECT_EQ(result(one.fcntl(p[1], F_SETFL, O_NONBLOCK, now)), 0);
  EXPECT_EQ(result(one.write(p[1], "x", 1, now)), -EAGAIN);
  EXPECT_EQ(result(one.fcntl(p[0], F_GETPIPE_SZ, 0, now)), 65'536);
  EXPECT_EQ(result(one.fcntl(p[0], F_SETPIPE_SZ, 4'096, now)), -EBUSY);
  one.close(p[1], now);
  EXPECT_EQ(poll(one, p[0]), POLLIN | POLLHUP);
  EXPECT_EQ(recv(one, p[0], 70'000).size(), 65'536u);
  EXPECT_EQ(recv(one, p[0]), "");
  ASSERT_EQ(result(one.pipe(p, O_CLOEXEC, now)), 0);
  one.close(p[0], now);
  EXPECT_EQ(poll(one, p[1]) & POLLERR, POLLERR);
  EXPECT_EQ(result(one.write(p[1], "x", 1, now)), -EPIPE);
}

TEST_F(PosixEpoll, splice_from_socket_to_pipe_to_socket) {
  connected();
  int p[2];
  ASSERT_EQ(result(one.pipe(p, 0, now)), 0);
  EXPECT_EQ(result(one.splice(server, nullptr, p[1], nullptr, 100, 0, now)), waits);
  EXPECT_EQ(result(one.splice(server, nullptr, p[1], nullptr, 100, SPLICE_F_NONBLOCK, now)), -EAGAIN);
  EXPECT_EQ(result(one.splice(server, nullptr, server, nullptr, 100, 0, now)), -EINVAL);
  const i64 offset = 0;
  EXPECT_EQ(result(one.splice(server, &offset, p[1], nullptr, 100, 0, now)), -ESPIPE);
  send(two, client, "to and fro");
  EXPECT_EQ(result(one.splice(server, nullptr, p[1], nullptr, 6, 0, now)), 6);
  EXPECT_EQ(result(one.splice(server, nullptr, p[1], nullptr, 100, 0, now)), 4);
  EXPECT_EQ(result(one.splice(p[0], nullptr, server, nullptr, 100, 0, now)), 10);
  turn();
  EXPECT_EQ(recv(two, client), "to and fro");
  two.close(client, now);
  turn();
  EXPECT_EQ(result(one.splice(server, nullptr, p[1], nullptr, 100, 0, now)), 0);
}

TEST_F(PosixEpoll, sendfile_goes_on_where_it_had_to_wait) {
  connected();
  EXPECT_EQ(set(two, client, SOL_SOCKET, SO_SNDBUF, 20'000), 0);
  const int file = memfd_create("data", 0);
  std::string data;
  for (int i = 0; i < 300'000; ++i) data += static_cast<char>('a' + i % 23);
  ASSERT_EQ(::write(file, data.data(), data.size()), static_cast<ssize_t>(data.size()));
  i64 offset = 5;
  std::string got;
  usize left = data.size() - 5;
  for (int i = 0; i < 1'000 && got.size() < data.size() - 5; ++i) {
    if (left != 0) left -= static_cast<usize>(two.sendfile(client, file, &offset, left, now).value);
    pass(1_ms);
    if (const std::string r = recv(one, server, 100'000); r != "wait") got += r;
  }
  EXPECT_EQ(offset, static_cast<i64>(data.size()));
  EXPECT_TRUE(got == data.substr(5));
  EXPECT_EQ(result(two.sendfile(client, file, &offset, 10, now)), 0);  // its end
  ::close(file);
}

}  // namespace
}  // namespace weir::posix

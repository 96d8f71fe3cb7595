// Sockets come, connect and go, with Linux's errnos.
#include "tests/posix/pair.hpp"

namespace weir::posix {
namespace {

using PosixConnect = Pair;

TEST_F(PosixConnect, the_lowest_free_descriptor_is_taken) {
  EXPECT_EQ(stream(one), 3);
  EXPECT_EQ(stream(one), 4);
  EXPECT_EQ(stream(one), 5);
  EXPECT_EQ(result(one.close(4, now)), 0);
  EXPECT_EQ(result(one.fcntl(3, F_DUPFD, 0, now)), 4);
  EXPECT_EQ(result(one.fcntl(3, F_DUPFD, 9, now)), 9);
  EXPECT_EQ(result(one.fcntl(3, F_DUPFD_CLOEXEC, 9, now)), 10);
  EXPECT_EQ(result(one.fcntl(10, F_GETFD, 0, now)), FD_CLOEXEC);
  EXPECT_EQ(result(one.close(3, now)), 0);
  EXPECT_EQ(result(one.fcntl(4, F_GETFL, 0, now)), O_RDWR);  // the socket lives on in its duplicates
  EXPECT_TRUE(one.sock_of(4));
}

TEST_F(PosixConnect, bad_descriptors_kinds_and_addresses) {
  EXPECT_EQ(result(one.close(3, now)), -EBADF);
  EXPECT_EQ(result(one.listen(-1, 1, now)), -EBADF);
  EXPECT_EQ(result(one.socket(AF_UNIX, SOCK_STREAM, 0, now)), -EAFNOSUPPORT);
  EXPECT_EQ(result(one.socket(AF_INET, SOCK_SEQPACKET, 0, now)), -ESOCKTNOSUPPORT);
  EXPECT_EQ(result(one.socket(AF_INET, SOCK_STREAM, IPPROTO_UDP, now)), -EPROTONOSUPPORT);
  EXPECT_EQ(result(one.socket(AF_INET, SOCK_RAW, 0, now)), -EPROTONOSUPPORT);
  EXPECT_EQ(result(one.socket(AF_INET, SOCK_STREAM | 0x10, 0, now)), -EINVAL);
  const int fd = stream(one);
  auto a = in4("10.0.0.1", 80);
  const auto* address = reinterpret_cast<const sockaddr*>(&a);
  EXPECT_EQ(result(one.bind(fd, nullptr, sizeof a, now)), -EFAULT);
  EXPECT_EQ(result(one.bind(fd, address, 8, now)), -EINVAL);
  EXPECT_EQ(result(one.bind(fd, address, 1'000, now)), -EINVAL);
  a.sin_family = AF_UNIX;
  EXPECT_EQ(result(one.bind(fd, address, sizeof a, now)), -EAFNOSUPPORT);
  EXPECT_EQ(bind(one, fd, in4("10.0.0.9", 80)), -EADDRNOTAVAIL);
  EXPECT_EQ(bind(one, fd, in4("10.0.0.1", 80)), 0);
  EXPECT_EQ(bind(one, fd, in4("10.0.0.1", 81)), -EINVAL);
  const int other = stream(one);
  EXPECT_EQ(bind(one, other, in4("10.0.0.1", 80)), -EADDRINUSE);
  EXPECT_EQ(result(one.accept(fd, nullptr, nullptr, 0, now)), -EINVAL);
  EXPECT_EQ(result(one.shutdown(fd, SHUT_WR, now)), -ENOTCONN);
  EXPECT_EQ(result(one.shutdown(fd, 7, now)), -EINVAL);
  EXPECT_EQ(result(one.getpeername(fd, nullptr, nullptr, now)), -ENOTCONN);
  const int udp = static_cast<int>(one.socket(AF_INET, SOCK_DGRAM, 0, now).value);
  EXPECT_EQ(result(one.listen(udp, 1, now)), -EOPNOTSUPP);
  EXPECT_EQ(result(one.accept(udp, nullptr, nullptr, 0, now)), -EOPNOTSUPP);
}

TEST_F(PosixConnect, a_blocking_connect_waits_and_names_are_those_of_the_ends) {
  connected();
  sockaddr_in name{}, peer{};
  socklen_t n = sizeof name, m = sizeof peer;
  EXPECT_EQ(result(two.getsockname(client, reinterpret_cast<sockaddr*>(&name), &n, now)), 0);
  EXPECT_EQ(result(one.getpeername(server, reinterpret_cast<sockaddr*>(&peer), &m, now)), 0);
  EXPECT_EQ(n, sizeof name);
  EXPECT_EQ(std::memcmp(&name, &peer, sizeof name), 0);
  EXPECT_EQ(name.sin_addr.s_addr, inet_addr("10.0.0.2"));
  // The caller's room is what is written, and he learns the length of the whole.
  sockaddr_in part{};
  part.sin_port = 0xeeee;
  n = 2;
  EXPECT_EQ(result(two.getsockname(client, reinterpret_cast<sockaddr*>(&part), &n, now)), 0);
  EXPECT_EQ(n, sizeof name);
  EXPECT_EQ(part.sin_port, 0xeeee);
  EXPECT_EQ(connect(two, client, in4("10.0.0.1", 80)), -EISCONN);
}

TEST_F(PosixConnect, without_blocking_it_is_in_progress_then_already_then_done_once) {
  listen_at(one, in4("10.0.0.1", 80));
  const int fd = stream(two, SOCK_NONBLOCK);
  const auto to = in4("10.0.0.1", 80);
  const auto* address = reinterpret_cast<const sockaddr*>(&to);
  EXPECT_EQ(result(two.connect(fd, address, sizeof to, now)), -EINPROGRESS);
  EXPECT_EQ(result(two.connect(fd, address, sizeof to, now)), -EALREADY);
  EXPECT_EQ(poll(two, fd), 0);
  EXPECT_EQ(recv(two, fd), "!EAGAIN");
  turn();
  EXPECT_EQ(poll(two, fd), POLLOUT);
  EXPECT_EQ(get(two, fd, SOL_SOCKET, SO_ERROR), 0);
  EXPECT_EQ(result(two.connect(fd, address, sizeof to, now)), 0);
  EXPECT_EQ(result(two.connect(fd, address, sizeof to, now)), -EISCONN);
}

TEST_F(PosixConnect, a_refusal_is_told_once_and_the_socket_may_try_again) {
  const int fd = stream(two);
  EXPECT_EQ(poll(two, fd), POLLOUT | POLLHUP);  // as new
  EXPECT_EQ(connect(two, fd, in4("10.0.0.1", 80)), waits);
  EXPECT_EQ(poll(two, fd), POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
  EXPECT_EQ(connect(two, fd, in4("10.0.0.1", 80)), -ECONNREFUSED);
  EXPECT_EQ(poll(two, fd), POLLOUT | POLLHUP);
  EXPECT_EQ(recv(two, fd), "!ENOTCONN");
  listen_at(one, in4("10.0.0.1", 80));
  EXPECT_EQ(connect(two, fd, in4("10.0.0.1", 80)), waits);
  EXPECT_EQ(connect(two, fd, in4("10.0.0.1", 80)), 0);
}

TEST_F(PosixConnect, accept_waits_or_says_so_and_names_the_peer) {
  listener = listen_at(one, in4("0.0.0.0", 80));
  EXPECT_EQ(poll(one, listener), 0);
  EXPECT_EQ(result(one.accept(listener, nullptr, nullptr, 0, now)), waits);
  EXPECT_EQ(result(one.fcntl(listener, F_SETFL, O_NONBLOCK, now)), 0);
  EXPECT_EQ(result(one.accept(listener, nullptr, nullptr, 0, now)), -EAGAIN);
  connect(two, stream(two), in4("10.0.0.1", 80));
  EXPECT_EQ(poll(one, listener), POLLIN);
  sockaddr_in peer{};
  socklen_t n = sizeof peer;
  EXPECT_EQ(result(one.accept(listener, reinterpret_cast<sockaddr*>(&peer), &n, 0x40, now)), -EINVAL);
  const i64 fd = result(one.accept(listener, reinterpret_cast<sockaddr*>(&peer), &n, SOCK_NONBLOCK | SOCK_CLOEXEC, now));
  ASSERT_EQ(fd, 4);
  EXPECT_EQ(peer.sin_addr.s_addr, inet_addr("10.0.0.2"));
  EXPECT_EQ(result(one.fcntl(4, F_GETFL, 0, now)), O_RDWR | O_NONBLOCK);
  EXPECT_EQ(result(one.fcntl(4, F_GETFD, 0, now)), FD_CLOEXEC);
}

TEST_F(PosixConnect, ipv6_sockets_speak_ipv4_under_mapped_addresses) {
  listener = listen_at(one, in6("::", 80));
  EXPECT_EQ(connect(two, stream(two), in4("10.0.0.1", 80)), waits);
  sockaddr_in6 peer{};
  socklen_t n = sizeof peer;
  ASSERT_GT(result(one.accept(listener, reinterpret_cast<sockaddr*>(&peer), &n, 0, now)), 0);
  const auto expected = in6("::ffff:10.0.0.2", 0);
  EXPECT_EQ(std::memcmp(&peer.sin6_addr, &expected.sin6_addr, 16), 0);
  const int fd = stream(two, 0, AF_INET6);
  EXPECT_EQ(connect(two, fd, in6("::ffff:10.0.0.1", 80)), waits);
  EXPECT_EQ(connect(two, fd, in6("::ffff:10.0.0.1", 80)), 0);
  const int six = stream(two, 0, AF_INET6);
  EXPECT_EQ(connect(two, six, in6("fd00::1", 80)), waits);
  EXPECT_EQ(connect(two, six, in6("fd00::1", 80)), 0);
  const int only = stream(two, 0, AF_INET6);
  EXPECT_EQ(set(two, only, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
  EXPECT_EQ(connect(two, only, in6("::ffff:10.0.0.1", 80)), -ENETUNREACH);
}

TEST_F(PosixConnect, a_socket_disconnected_is_as_new_and_keeps_its_options) {
  connected();
  EXPECT_EQ(set(two, client, IPPROTO_IP, IP_TTL, 7), 0);
  sockaddr none{};
  EXPECT_EQ(result(two.connect(client, &none, sizeof none, now)), 0);
  turn();
  EXPECT_EQ(recv(one, server), "!ECONNRESET");
  EXPECT_EQ(get(two, client, IPPROTO_IP, IP_TTL), 7);
  EXPECT_EQ(recv(two, client), "!ENOTCONN");
  EXPECT_EQ(connect(two, client, in4("10.0.0.1", 80)), waits);
  EXPECT_EQ(connect(two, client, in4("10.0.0.1", 80)), 0);
}

TEST_F(PosixConnect, close_lingers_until_the_fin_is_acknowledged_or_the_time_is_over) {
  connected();
  const linger l{1, 5};
  ASSERT_EQ(result(two.setsockopt(client, SOL_SOCKET, SO_LINGER, &l, sizeof l, now)), 0);
  EXPECT_EQ(result(two.close(client, now)), waits);
  EXPECT_EQ(result(two.listen(client, 1, now)), -EBADF);
  EXPECT_EQ(stream(two), client + 1);  // not free yet
  turn();
  EXPECT_EQ(result(two.close(client, now)), 0);
  EXPECT_EQ(recv(one, server), "");
  // Nobody answers.
  const int again = stream(two);
  EXPECT_EQ(connect(two, again, in4("10.0.0.1", 80)), waits);
  EXPECT_EQ(connect(two, again, in4("10.0.0.1", 80)), 0);
  ASSERT_EQ(result(two.setsockopt(again, SOL_SOCKET, SO_LINGER, &l, sizeof l, now)), 0);
  ASSERT_TRUE(shard.set_interface_up(end_of_one, false, now));
  EXPECT_EQ(result(two.close(again, now)), waits);
  pass(4_s);
  EXPECT_EQ(result(two.close(again, now)), waits);
  pass(2_s);
  EXPECT_EQ(result(two.close(again, now)), 0);
}

TEST_F(PosixConnect, linger_of_zero_resets) {
  connected();
  const linger l{1, 0};
  ASSERT_EQ(result(two.setsockopt(client, SOL_SOCKET, SO_LINGER, &l, sizeof l, now)), 0);
  EXPECT_EQ(result(two.close(client, now)), 0);
  turn();
  EXPECT_EQ(recv(one, server), "!ECONNRESET");
  EXPECT_EQ(recv(one, server), "");  // told once
}

}  // namespace
}  // namespace weir::posix

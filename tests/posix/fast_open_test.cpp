// MSG_FASTOPEN, TCP_FASTOPEN and the other options of the handshake, with Linux's numbers and errnos.
#include <netinet/tcp.h>

#include "tests/posix/pair.hpp"

namespace weir::posix {
namespace {

struct PosixFastOpen : Pair {
  PosixFastOpen() {
    shard.sysctl(one.netns())->tcp_fastopen = 1;
    shard.sysctl(two.netns())->tcp_fastopen = 2;
    listener = listen_at(two, in4("10.0.0.2", 80));
    const int pending = 8;
    EXPECT_EQ(two.setsockopt(listener, IPPROTO_TCP, TCP_FASTOPEN, &pending, sizeof pending, now).error, 0);
  }
  Outcome send_at_once(int fd, std::string text) {
    sockaddr_in to = in4("10.0.0.2", 80);
    iovec v{text.data(), text.size()};
    msghdr m{};
    m.msg_name = &to;
    m.msg_namelen = sizeof to;
    m.msg_iov = &v;
    m.msg_iovlen = 1;
    return one.sendmsg(fd, &m, MSG_FASTOPEN, now);
  }
  std::string read_all(int fd) {
    std::string out(100, '\0');
    const i64 n = result(two.read(fd, out.data(), out.size(), now));
    return n < 0 ? std::to_string(n) : out.substr(0, static_cast<usize>(n));
  }
  int listener = -1;
};

TEST_F(PosixFastOpen, data_travels_on_the_syn_once_a_cookie_is_known) {
  const int first = stream(one);
  EXPECT_TRUE(send_at_once(first, "hello").wait) << "no cookie yet: the connection comes first";
  turn();
  EXPECT_EQ(result(send_at_once(first, "hello")), 5) << "the same call again, as whoever waits makes it";
  turn();
  const int a = static_cast<int>(result(two.accept(listener, nullptr, nullptr, 0, now)));
  ASSERT_GE(a, 3);
  EXPECT_EQ(read_all(a), "hello");

  const int second = stream(one);
  EXPECT_EQ(result(send_at_once(second, "again")), 5) << "at once";
  turn();
  const int b = static_cast<int>(result(two.accept(listener, nullptr, nullptr, 0, now)));
  ASSERT_GE(b, 3);
  EXPECT_EQ(read_all(b), "again");
}

TEST_F(PosixFastOpen, who_does_not_wait_is_told_so) {
  const int fd = stream(one);
  EXPECT_EQ(result(one.fcntl(fd, F_SETFL, O_NONBLOCK, now)), 0);
  EXPECT_EQ(result(send_at_once(fd, "hello")), -EINPROGRESS);
  turn();
  EXPECT_EQ(result(send_at_once(fd, "hello")), 5) << "connected meanwhile: an ordinary send";
}

TEST_F(PosixFastOpen, without_a_peer_there_is_nobody_to_send_to) {
  const int fd = stream(one);
  char c = 'x';
  iovec v{&c, 1};
  msghdr m{};
  m.msg_iov = &v;
  m.msg_iovlen = 1;
  EXPECT_EQ(result(one.sendmsg(fd, &m, MSG_FASTOPEN, now)), -EDESTADDRREQ);
}

TEST_F(PosixFastOpen, options_of_the_handshake_keep_what_they_are_given) {
  const int fd = stream(one);
  for (const auto& [name, value] :
       {std::pair{TCP_DEFER_ACCEPT, 3}, {TCP_NOTSENT_LOWAT, 16'384}, {TCP_WINDOW_CLAMP, 30'000}, {TCP_FASTOPEN_CONNECT, 1}}) {
    EXPECT_EQ(one.setsockopt(fd, IPPROTO_TCP, name, &value, sizeof value, now).error, 0) << name;
    int got = -1;
    socklen_t length = sizeof got;
    EXPECT_EQ(one.getsockopt(fd, IPPROTO_TCP, name, &got, &length, now).error, 0) << name;
    EXPECT_EQ(got, value) << name;
  }
}

}  // namespace
}  // namespace weir::posix

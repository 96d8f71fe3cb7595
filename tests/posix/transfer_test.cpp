// send and recv with their flags, readiness, ends and errors.
#include <sys/ioctl.h>

#include "tests/posix/pair.hpp"

namespace weir::posix {
namespace {

using PosixTransfer = Pair;

TEST_F(PosixTransfer, bytes_come_and_recv_waits_or_says_so) {
  connected();
  EXPECT_EQ(recv(one, server), "wait");
  EXPECT_EQ(recv(one, server, 100, MSG_DONTWAIT), "!EAGAIN");
  EXPECT_EQ(poll(one, server), POLLOUT);
  EXPECT_EQ(send(two, client, "hello"), 5);
  EXPECT_EQ(poll(one, server), POLLIN | POLLOUT);
  EXPECT_EQ(recv(one, server, 3), "hel");
  EXPECT_EQ(recv(one, server, 3), "lo");
  EXPECT_EQ(recv(one, server, 3), "wait");
  EXPECT_EQ(result(one.read(server, nullptr, 0, now)), 0);
}

TEST_F(PosixTransfer, peek_leaves_and_truncate_throws_away) {
  connected();
  send(two, client, "hello world");
  EXPECT_EQ(recv(one, server, 5, MSG_PEEK), "hello");
  int queued = 0;
  EXPECT_EQ(result(one.ioctl(server, FIONREAD, &queued, now)), 0);
  EXPECT_EQ(queued, 11);
  std::string untouched(6, '-');
  iovec v{untouched.data(), 6};
  msghdr m{};
  m.msg_iov = &v, m.msg_iovlen = 1;
  EXPECT_EQ(result(one.recvmsg(server, &m, MSG_TRUNC, now)), 6);
  EXPECT_EQ(untouched, "------");
  EXPECT_EQ(recv(one, server), "world");
}

TEST_F(PosixTransfer, pieces_are_filled_in_order_and_sent_in_one_segment) {
  connected();
  std::string a = "ab", b = "cdef", c = "g";
  iovec out[] = {{a.data(), 2}, {b.data(), 4}, {c.data(), 1}};
  msghdr m{};
  m.msg_iov = out, m.msg_iovlen = 3;
  const u64 before = shard.interface_stats(end_of_one)->rx_packets;
  EXPECT_EQ(result(two.sendmsg(client, &m, 0, now)), 7);
  turn();
  EXPECT_EQ(shard.interface_stats(end_of_one)->rx_packets, before + 1);
  std::string x(3, '-'), y(10, '-');
  iovec in[] = {{x.data(), 3}, {nullptr, 0}, {y.data(), 10}};
  m.msg_iov = in;
  for (const int flags : {int{MSG_PEEK}, 0}) {
    x.assign(3, '-'), y.assign(10, '-');
    EXPECT_EQ(result(one.recvmsg(server, &m, flags, now)), 7);
    EXPECT_EQ(x + y, "abcdefg------");
  }
}

TEST_F(PosixTransfer, wait_for_all_collects_over_attempts) {
  connected();
  std::string data(6, '-');
  Transfer t(Transfer::receive, server, data.data(), 6, MSG_WAITALL);
  EXPECT_TRUE(t.attempt(one, now).wait);
  send(two, client, "abc");
  EXPECT_TRUE(t.attempt(one, now).wait);
  EXPECT_EQ(data, "abc---");
  EXPECT_EQ(t.give_up(EAGAIN).value, 3);
  send(two, client, "defg");
  const Outcome o = t.attempt(one, now);
  EXPECT_EQ(result(o), 6);
  EXPECT_EQ(data, "abcdef");
  // What is there is all there will be.
  Transfer last(Transfer::receive, server, data.data(), 6, MSG_WAITALL);
  EXPECT_TRUE(last.attempt(one, now).wait);
  ASSERT_EQ(result(two.close(client, now)), 0);
  turn();
  EXPECT_EQ(result(last.attempt(one, now)), 1);
}

TEST_F(PosixTransfer, a_low_water_mark_holds_poll_and_recv_back) {
  connected();
  EXPECT_EQ(set(one, server, SOL_SOCKET, SO_RCVLOWAT, 4), 0);
  send(two, client, "abc");
  EXPECT_EQ(poll(one, server, POLLIN), 0);
  EXPECT_EQ(recv(one, server, 100, MSG_PEEK), "wait");
  send(two, client, "d");
  EXPECT_EQ(poll(one, server, POLLIN), POLLIN);
  EXPECT_EQ(recv(one, server), "abcd");
}

TEST_F(PosixTransfer, a_full_queue_blocks_and_lets_go) {
  connected();
  EXPECT_EQ(set(two, client, SOL_SOCKET, SO_SNDBUF, 10'000), 0);
  EXPECT_EQ(get(two, client, SOL_SOCKET, SO_SNDBUF), 20'000);
  std::string data(4'000'000, 'x');
  Transfer t(Transfer::send, client, data.data(), data.size(), 0);
  EXPECT_TRUE(t.attempt(two, now).wait);
  EXPECT_EQ(poll(two, client, POLLOUT), 0);
  EXPECT_EQ(send(two, client, "more", MSG_DONTWAIT), -EAGAIN);
  usize got = 0;
  Outcome o{0, 0, true};
  for (int i = 0; i < 10'000 && (o.wait || got < data.size()); ++i) {
    pass(1_ms);
    if (o.wait) o = t.attempt(two, now);
    if (const std::string r = recv(one, server, 100'000); r != "wait") got += r.size();
  }
  EXPECT_EQ(result(o), 4'000'000);
  EXPECT_EQ(got, data.size());
}

TEST_F(PosixTransfer, nothing_is_read_from_or_written_to_where_no_memory_is) {
  connected();
  EXPECT_EQ(result(one.read(server, nullptr, 4, now)), waits);
  EXPECT_EQ(result(two.write(client, nullptr, 4, now)), -EFAULT);
  send(two, client, "data");
  EXPECT_EQ(result(one.read(server, nullptr, 4, now)), -EFAULT);
  EXPECT_EQ(recv(one, server), "data");
  EXPECT_EQ(result(one.recvmsg(server, nullptr, 0, now)), -EFAULT);
  iovec v{nullptr, ~usize{0}};
  msghdr m{};
  m.msg_iov = &v, m.msg_iovlen = 1;
  EXPECT_EQ(result(one.recvmsg(server, &m, 0, now)), -EINVAL);
  m.msg_iovlen = 5'000;
  EXPECT_EQ(result(one.sendmsg(server, &m, 0, now)), -EMSGSIZE);
}

TEST_F(PosixTransfer, the_end_is_zero_then_the_pipe_is_broken) {
  connected();
  EXPECT_EQ(send(two, client, "last"), 4);
  EXPECT_EQ(result(two.shutdown(client, SHUT_WR, now)), 0);
  turn();
  EXPECT_EQ(send(two, client, "x"), -EPIPE);
  EXPECT_EQ(poll(one, server), POLLIN | POLLOUT | POLLRDHUP);
  EXPECT_EQ(recv(one, server), "last");
  EXPECT_EQ(recv(one, server), "");
  EXPECT_EQ(result(one.close(server, now)), 0);
  turn();
  EXPECT_EQ(poll(two, client), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
}

TEST_F(PosixTransfer, a_reset_is_told_once_by_whoever_asks_first) {
  connected();
  send(two, client, "unread");
  ASSERT_EQ(result(one.close(server, now)), 0);  // unread data: RST
  turn();
  EXPECT_EQ(poll(two, client), POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
  EXPECT_EQ(get(two, client, SOL_SOCKET, SO_ERROR), ECONNRESET);
  EXPECT_EQ(get(two, client, SOL_SOCKET, SO_ERROR), 0);
  EXPECT_EQ(recv(two, client), "");
  EXPECT_EQ(send(two, client, "x"), -EPIPE);
}

TEST_F(PosixTransfer, who_is_not_connected) {
  const int fd = stream(one);
  EXPECT_EQ(send(one, fd, "x"), -EPIPE);
  EXPECT_EQ(recv(one, fd), "!ENOTCONN");
  const int udp = static_cast<int>(one.socket(AF_INET, SOCK_DGRAM, 0, now).value);
  EXPECT_EQ(send(one, udp, "x"), -EDESTADDRREQ);
  EXPECT_EQ(recv(one, udp, 1, MSG_DONTWAIT), "!EAGAIN");
}

TEST_F(PosixTransfer, urgent_data_out_of_band) {
  connected();
  EXPECT_EQ(recv(one, server, 1, MSG_OOB), "!EINVAL");
  EXPECT_EQ(send(two, client, "abc", MSG_OOB), 3);
  EXPECT_EQ(poll(one, server), POLLIN | POLLOUT | POLLPRI);
  EXPECT_EQ(recv(one, server, 1, MSG_OOB), "c");
  EXPECT_EQ(recv(one, server, 1, MSG_OOB), "!EINVAL");
  EXPECT_EQ(recv(one, server, 10), "ab");
  int mark = 0;
  EXPECT_EQ(result(one.ioctl(server, SIOCATMARK, &mark, now)), 0);
  EXPECT_EQ(mark, 1);
}

TEST_F(PosixTransfer, datagrams_keep_their_edges_and_name_their_sender) {
  const int a = static_cast<int>(one.socket(AF_INET, SOCK_DGRAM, 0, now).value);
  const int b = static_cast<int>(two.socket(AF_INET, SOCK_DGRAM, 0, now).value);
  ASSERT_EQ(bind(one, a, in4("10.0.0.1", 9)), 0);
  ASSERT_EQ(connect(two, b, in4("10.0.0.1", 9)), 0);
  EXPECT_EQ(send(two, b, "first"), 5);
  EXPECT_EQ(send(two, b, "second"), 6);
  sockaddr_in from{};
  char data[3];
  iovec v{data, 3};
  msghdr m{};
  m.msg_iov = &v, m.msg_iovlen = 1, m.msg_name = &from, m.msg_namelen = sizeof from;
  EXPECT_EQ(result(one.recvmsg(a, &m, MSG_TRUNC | MSG_PEEK, now)), 5);
  EXPECT_EQ(result(one.recvmsg(a, &m, 0, now)), 3);
  EXPECT_EQ(m.msg_flags, MSG_TRUNC);
  EXPECT_EQ(std::string(data, 3), "fir");
  EXPECT_EQ(from.sin_addr.s_addr, inet_addr("10.0.0.2"));
  EXPECT_EQ(recv(one, a), "second");
  m.msg_name = &from, m.msg_namelen = sizeof from;
  v = {const_cast<char*>("answer"), 6};
  EXPECT_EQ(result(one.sendmsg(a, &m, 0, now)), 6);
  turn();
  EXPECT_EQ(recv(two, b), "answer");
}

}  // namespace
}  // namespace weir::posix

// getsockopt and setsockopt: conversions, lengths, errors; control data of messages.
#include <ctime>  // the header below takes timespec for granted

#include <linux/errqueue.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/udp.h>

#include "posix/tcp_info.hpp"
#include "tests/posix/pair.hpp"

namespace weir::posix {
namespace {

class PosixOptions : public Pair {
 protected:
  // What Linux tells since 4.19, which the C library's header may not have: bytes sent, and of them again.
  std::pair<u64, u64> bytes_sent(Process& p, int fd) {
    TcpInfo info{};
    socklen_t n = sizeof info;
    EXPECT_EQ(result(p.getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n, now)), 0);
    return {info.bytes_sent, info.bytes_retrans};
  }
  int datagram(Process& p, int domain = AF_INET) { return static_cast<int>(p.socket(domain, SOCK_DGRAM, 0, now).value); }
};

TEST_F(PosixOptions, numbers_in_linux_units) {
  const int fd = stream(one);
  struct Case {
    int level, name, value, read;
  };
  for (const Case& c : {Case{SOL_SOCKET, SO_KEEPALIVE, 7, 1}, Case{IPPROTO_TCP, TCP_NODELAY, 5, 1}, Case{IPPROTO_TCP, TCP_KEEPIDLE, 90, 90},
                        Case{IPPROTO_TCP, TCP_KEEPINTVL, 12, 12}, Case{IPPROTO_TCP, TCP_KEEPCNT, 4, 4}, Case{IPPROTO_TCP, TCP_SYNCNT, 3, 3},
                        Case{IPPROTO_TCP, TCP_USER_TIMEOUT, 1'500, 1'500}, Case{IPPROTO_TCP, TCP_LINGER2, 9, 9},
                        Case{IPPROTO_IP, IP_TTL, 33, 33}, Case{IPPROTO_IP, IP_TOS, 0x10, 0x10}, Case{SOL_SOCKET, SO_RCVBUF, 30'000, 60'000},
                        Case{SOL_SOCKET, SO_RCVLOWAT, 0, 1}, Case{SOL_SOCKET, SO_SNDBUF, 1 << 30, 2 * 212'992},
                        Case{SOL_SOCKET, SO_SNDBUFFORCE, 1 << 20, -ENOPROTOOPT}, Case{SOL_SOCKET, SO_SNDBUF, 1, 4'608}}) {
    EXPECT_EQ(set(one, fd, c.level, c.name, c.value), 0) << c.level << " " << c.name;
    EXPECT_EQ(get(one, fd, c.level, c.name), c.read) << c.level << " " << c.name;
  }
  EXPECT_EQ(get(one, fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
  EXPECT_EQ(get(one, fd, SOL_SOCKET, SO_DOMAIN), AF_INET);
  EXPECT_EQ(get(one, fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
  EXPECT_EQ(get(one, fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
  EXPECT_EQ(get(one, listen_at(one, in4("10.0.0.1", 80)), SOL_SOCKET, SO_ACCEPTCONN), 1);
  EXPECT_EQ(get(one, datagram(one), IPPROTO_IP, IP_TTL), 64);
}

TEST_F(PosixOptions, errors) {
  const int fd = stream(one), udp = datagram(one);
  EXPECT_EQ(set(one, fd, SOL_SOCKET, SO_TYPE, 1), -ENOPROTOOPT);
  EXPECT_EQ(set(one, fd, SOL_SOCKET, 9'999, 1), -ENOPROTOOPT);
  EXPECT_EQ(get(one, fd, IPPROTO_TCP, 9'999), -ENOPROTOOPT);
  EXPECT_EQ(get(one, fd, IPPROTO_UDP, UDP_CORK), -EOPNOTSUPP);
  EXPECT_EQ(set(one, udp, IPPROTO_TCP, TCP_NODELAY, 1), -ENOPROTOOPT);
  EXPECT_EQ(set(one, fd, IPPROTO_IPV6, IPV6_V6ONLY, 1), -ENOPROTOOPT);
  EXPECT_EQ(set(one, fd, IPPROTO_TCP, TCP_KEEPIDLE, 0), -EINVAL);
  EXPECT_EQ(set(one, fd, IPPROTO_TCP, TCP_KEEPIDLE, 40'000), -EINVAL);
  EXPECT_EQ(set(one, fd, IPPROTO_TCP, TCP_MAXSEG, 50), -EINVAL);
  EXPECT_EQ(set(one, fd, IPPROTO_IP, IP_TTL, 0), -EINVAL);
  EXPECT_EQ(set(one, 99, SOL_SOCKET, SO_TYPE, 1), -EBADF);
  const int on = 1;
  EXPECT_EQ(result(one.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, nullptr, 4, now)), -EFAULT);
  EXPECT_EQ(result(one.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, 3, now)), -EINVAL);
  EXPECT_EQ(result(one.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, static_cast<socklen_t>(-1), now)), -EINVAL);
  EXPECT_EQ(result(one.setsockopt(fd, IPPROTO_IP, IP_TTL, &on, 1, now)), 0);  // a byte will do
  socklen_t n = 4;
  EXPECT_EQ(result(one.getsockopt(fd, SOL_SOCKET, SO_TYPE, nullptr, &n, now)), -EFAULT);
  int value = 0;
  EXPECT_EQ(result(one.getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, nullptr, now)), -EFAULT);
  n = static_cast<socklen_t>(-1);
  EXPECT_EQ(result(one.getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &n, now)), -EINVAL);
  int p[2];
  ASSERT_EQ(result(one.pipe(p, 0, now)), 0);
  EXPECT_EQ(get(one, p[0], SOL_SOCKET, SO_TYPE), -ENOTSOCK);
}

TEST_F(PosixOptions, values_are_cut_to_the_room_and_the_length_says_so) {
  connected();
  EXPECT_EQ(set(one, server, IPPROTO_IP, IP_TTL, 33), 0);
  u8 bytes[300];
  std::memset(bytes, 0xee, sizeof bytes);
  socklen_t n = 2;
  EXPECT_EQ(result(one.getsockopt(server, SOL_SOCKET, SO_TYPE, bytes, &n, now)), 0);
  EXPECT_EQ(n, 2u);
  EXPECT_EQ(bytes[0], SOCK_STREAM);
  EXPECT_EQ(bytes[2], 0xee);
  n = 1;
  EXPECT_EQ(result(one.getsockopt(server, IPPROTO_IP, IP_TTL, bytes, &n, now)), 0);
  EXPECT_EQ(n, 1u);
  EXPECT_EQ(bytes[0], 33);
  n = 10;
  EXPECT_EQ(result(one.getsockopt(server, IPPROTO_TCP, TCP_INFO, bytes, &n, now)), 0);
  EXPECT_EQ(n, 10u);
  EXPECT_EQ(bytes[10], 0xee);
  n = sizeof bytes;
  EXPECT_EQ(result(one.getsockopt(server, IPPROTO_TCP, TCP_INFO, bytes, &n, now)), 0);
  EXPECT_EQ(n, sizeof(TcpInfo));
}

TEST_F(PosixOptions, tcp_info_as_linux_lays_it_out) {
  connected();
  ASSERT_EQ(result(two.write(client, "four", 4, now)), 4);
  tcp_info info{};
  socklen_t n = sizeof info;
  ASSERT_EQ(result(two.getsockopt(client, IPPROTO_TCP, TCP_INFO, &info, &n, now)), 0);
  EXPECT_EQ(info.tcpi_state, 1);
  EXPECT_EQ(info.tcpi_options, TCPI_OPT_TIMESTAMPS | TCPI_OPT_WSCALE | TCPI_OPT_SACK);
  EXPECT_EQ(info.tcpi_snd_mss, 1'448u);
  EXPECT_EQ(info.tcpi_snd_cwnd, 10u);
  EXPECT_EQ(info.tcpi_snd_ssthresh, 0x7fff'ffffu);
  EXPECT_EQ(info.tcpi_unacked, 1u);
  EXPECT_NE(info.tcpi_snd_wscale, 0);
  pass(1_s);
  ASSERT_EQ(result(two.getsockopt(client, IPPROTO_TCP, TCP_INFO, &info, &n, now)), 0);
  EXPECT_EQ(info.tcpi_unacked, 0u);
  EXPECT_EQ(info.tcpi_bytes_acked, 4u);
  EXPECT_EQ(info.tcpi_ca_state, 0);
  EXPECT_EQ(info.tcpi_delivered, 2u);  // and the SYN
  EXPECT_EQ(info.tcpi_advmss, 1'460u);
  EXPECT_EQ(info.tcpi_sacked + info.tcpi_lost + info.tcpi_retrans, 0u);
  EXPECT_EQ(info.tcpi_data_segs_out, 1u);
  EXPECT_EQ(info.tcpi_segs_out, 3u);  // SYN, ACK, data
  EXPECT_EQ(info.tcpi_segs_in, 2u);   // SYN-ACK, ACK
  EXPECT_GE(info.tcpi_last_data_sent, 1'000u);
  EXPECT_EQ(bytes_sent(two, client), (std::pair<u64, u64>{4, 0}));
  ASSERT_EQ(result(one.getsockopt(server, IPPROTO_TCP, TCP_INFO, &info, &n, now)), 0);
  EXPECT_EQ(info.tcpi_bytes_received, 4u);
  EXPECT_EQ(info.tcpi_data_segs_in, 1u);
  EXPECT_EQ(info.tcpi_data_segs_out, 0u);
  EXPECT_GE(info.tcpi_last_data_recv, 1'000u);
  u32 memory[SK_MEMINFO_VARS];
  n = sizeof memory;
  ASSERT_EQ(result(one.getsockopt(server, SOL_SOCKET, SO_MEMINFO, memory, &n, now)), 0);
  EXPECT_EQ(memory[SK_MEMINFO_RMEM_ALLOC], 4u);
  n = 64;
  EXPECT_EQ(result(one.getsockopt(server, IPPROTO_TCP, TCP_CC_INFO, memory, &n, now)), 0);
  EXPECT_EQ(n, 0u);
}

TEST_F(PosixOptions, losses_are_told_as_linux_tells_them) {
  connected();
  const std::string data(3'000, 'x');
  shard.sysctl(two.netns())->tcp_mtu_probing = 0;  // segments keep their size
  ASSERT_TRUE(shard.set_interface_up(end_of_one, false, now));
  ASSERT_EQ(result(two.write(client, data.data(), data.size(), now)), 3'000);
  pass(10_s);
  tcp_info info{};
  socklen_t n = sizeof info;
  ASSERT_EQ(result(two.getsockopt(client, IPPROTO_TCP, TCP_INFO, &info, &n, now)), 0);
  EXPECT_EQ(info.tcpi_ca_state, 4);  // loss
  EXPECT_EQ(info.tcpi_lost, 3u);
  EXPECT_EQ(info.tcpi_retrans, 1u);
  EXPECT_GE(info.tcpi_retransmits, 2);
  EXPECT_EQ(info.tcpi_snd_cwnd, 1u);
  EXPECT_GE(info.tcpi_last_ack_recv, 9'900u);
  EXPECT_GE(info.tcpi_busy_time, 9'900'000u);
  EXPECT_EQ(info.tcpi_rwnd_limited + info.tcpi_sndbuf_limited, 0u);
  const auto [sent, again] = bytes_sent(two, client);
  EXPECT_EQ(sent - again, 3'000u);
  EXPECT_GT(again, 0u);
}

TEST_F(PosixOptions, congestion_control_by_name_and_pacing) {
  const int fd = stream(one);
  char name[16] = {};
  socklen_t n = sizeof name;
  EXPECT_EQ(result(one.getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &n, now)), 0);
  EXPECT_STREQ(name, "cubic");
  EXPECT_EQ(result(one.setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4, now)), 0);
  n = sizeof name;
  EXPECT_EQ(result(one.getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &n, now)), 0);
  EXPECT_STREQ(name, "reno");
  EXPECT_EQ(result(one.setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "vegas", 5, now)), -ENOENT);
  EXPECT_EQ(get(one, fd, SOL_SOCKET, SO_MAX_PACING_RATE), -1);  // no limit
  EXPECT_EQ(set(one, fd, SOL_SOCKET, SO_MAX_PACING_RATE, 1'000'000), 0);
  u64 wide = 0;
  n = sizeof wide;
  EXPECT_EQ(result(one.getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &wide, &n, now)), 0);
  EXPECT_EQ(wide, 1'000'000u);
}

TEST_F(PosixOptions, structures) {
  const int fd = stream(one);
  linger l{1, 7}, back{};
  socklen_t n = sizeof back;
  EXPECT_EQ(result(one.setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l, now)), 0);
  EXPECT_EQ(result(one.getsockopt(fd, SOL_SOCKET, SO_LINGER, &back, &n, now)), 0);
  EXPECT_TRUE(back.l_onoff == 1 && back.l_linger == 7);
  EXPECT_EQ(result(one.setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, 4, now)), -EINVAL);
  timeval t{2, 500'000}, told{};
  n = sizeof told;
  EXPECT_FALSE(one.timeout(fd, false));
  EXPECT_EQ(result(one.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t, now)), 0);
  EXPECT_EQ(result(one.getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &told, &n, now)), 0);
  EXPECT_TRUE(told.tv_sec == 2 && told.tv_usec == 500'000);
  EXPECT_EQ(one.timeout(fd, false), 2'500_ms);
  EXPECT_FALSE(one.timeout(fd, true));
  t.tv_usec = 1'000'000;
  EXPECT_EQ(result(one.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t, now)), -EDOM);
  char name[IFNAMSIZ] = "eth0";
  EXPECT_EQ(result(one.setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, 5, now)), 0);
  std::memset(name, 0, sizeof name);
  n = sizeof name;
  EXPECT_EQ(result(one.getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &n, now)), 0);
  EXPECT_STREQ(name, "eth0");
  EXPECT_EQ(result(one.setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "eth9", 5, now)), -ENODEV);
}

TEST_F(PosixOptions, datagrams_tell_where_and_how_they_came) {
  const int a = datagram(one), b = datagram(two);
  ASSERT_EQ(bind(one, a, in4("0.0.0.0", 9)), 0);
  ASSERT_EQ(connect(two, b, in4("10.0.0.1", 9)), 0);
  one.set_wall_clock(Duration::seconds(100));
  for (const int o : {IP_PKTINFO, IP_RECVTTL, IP_RECVTOS}) EXPECT_EQ(set(one, a, IPPROTO_IP, o, 1), 0);
  EXPECT_EQ(set(one, a, SOL_SOCKET, SO_TIMESTAMPNS, 1), 0);
  EXPECT_EQ(get(one, a, SOL_SOCKET, SO_TIMESTAMP), 0);
  // Sent with a TTL and a TOS of its own.
  alignas(cmsghdr) char control[200] = {};
  msghdr m{};
  iovec v{const_cast<char*>("x"), 1};
  m.msg_iov = &v, m.msg_iovlen = 1, m.msg_control = control, m.msg_controllen = CMSG_SPACE(4) * 2;
  cmsghdr* c = CMSG_FIRSTHDR(&m);
  const int ttl = 9, tos = 0x28;
  *c = {CMSG_LEN(4), IPPROTO_IP, IP_TTL};
  std::memcpy(CMSG_DATA(c), &ttl, 4);
  c = CMSG_NXTHDR(&m, c);
  *c = {CMSG_LEN(4), IPPROTO_IP, IP_TOS};
  std::memcpy(CMSG_DATA(c), &tos, 4);
  EXPECT_EQ(result(two.sendmsg(b, &m, 0, now)), 1);
  c->cmsg_type = 99;
  EXPECT_EQ(result(two.sendmsg(b, &m, 0, now)), -EINVAL);
  turn();
  EXPECT_EQ(get(two, b, IPPROTO_IP, IP_TTL), 64);  // of that message alone
  m.msg_controllen = sizeof control;
  char byte;
  v = {&byte, 1};
  ASSERT_EQ(result(one.recvmsg(a, &m, MSG_PEEK, now)), 1);
  int seen = 0;
  for (c = CMSG_FIRSTHDR(&m); c != nullptr; c = CMSG_NXTHDR(&m, c)) {
    ++seen;
    if (c->cmsg_level == SOL_SOCKET) {
      timespec t;
      std::memcpy(&t, CMSG_DATA(c), sizeof t);
      EXPECT_EQ(c->cmsg_type, SO_TIMESTAMPNS);
    } else if (c->cmsg_type == IP_TTL) {
      EXPECT_EQ(*CMSG_DATA(c), 9);
    } else if (c->cmsg_type == IP_TOS) {
      EXPECT_TRUE(c->cmsg_len == CMSG_LEN(1) && *CMSG_DATA(c) == 0x28);
    } else {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      EXPECT_EQ(info.ipi_addr.s_addr, inet_addr("10.0.0.1"));
      EXPECT_EQ(info.ipi_ifindex, end_of_one);
    }
  }
  EXPECT_EQ(seen, 4);
  m.msg_controllen = 40;  // the time stamp, and not the rest
  ASSERT_EQ(result(one.recvmsg(a, &m, 0, now)), 1);
  EXPECT_EQ(m.msg_flags, MSG_CTRUNC);
}

TEST_F(PosixOptions, ipv6_control_and_answers_from_the_address_that_was_asked) {
  const int a = datagram(one, AF_INET6), b = datagram(two, AF_INET6);
  ASSERT_EQ(bind(one, a, in6("::", 9)), 0);
  ASSERT_EQ(connect(two, b, in6("fd00::1", 9)), 0);
  EXPECT_EQ(set(one, a, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1), 0);
  EXPECT_EQ(set(one, a, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1), 0);
  send(two, b, "x");
  alignas(cmsghdr) char control[200] = {};
  sockaddr_in6 from{};
  char byte;
  iovec v{&byte, 1};
  msghdr m{};
  m.msg_iov = &v, m.msg_iovlen = 1, m.msg_control = control, m.msg_controllen = sizeof control;
  m.msg_name = &from, m.msg_namelen = sizeof from;
  ASSERT_EQ(result(one.recvmsg(a, &m, 0, now)), 1);
  const cmsghdr* c = CMSG_FIRSTHDR(&m);
  ASSERT_EQ(c->cmsg_type, IPV6_PKTINFO);
  const auto mine = in6("fd00::1", 0);
  EXPECT_EQ(std::memcmp(CMSG_DATA(c), &mine.sin6_addr, 16), 0);
  m.msg_controllen = CMSG_SPACE(sizeof(in6_pktinfo));  // as it came, it goes back
  EXPECT_EQ(result(one.sendmsg(a, &m, 0, now)), 1);
  turn();
  EXPECT_EQ(recv(two, b).size(), 1u);
  const auto other = in6("fd00::9", 0);
  std::memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &other.sin6_addr, 16);
  EXPECT_EQ(result(one.sendmsg(a, &m, 0, now)), -EINVAL);
}

TEST_F(PosixOptions, parts_become_one_datagram) {
  const int a = datagram(one), b = datagram(two);
  ASSERT_EQ(bind(one, a, in4("10.0.0.1", 9)), 0);
  ASSERT_EQ(connect(two, b, in4("10.0.0.1", 9)), 0);
  EXPECT_EQ(send(two, b, "ab", MSG_MORE), 2);
  EXPECT_EQ(recv(one, a), "wait");
  EXPECT_EQ(send(two, b, "cd"), 2);
  EXPECT_EQ(recv(one, a), "abcd");
  EXPECT_EQ(set(two, b, IPPROTO_UDP, UDP_CORK, 1), 0);
  EXPECT_EQ(send(two, b, "ef"), 2);
  EXPECT_EQ(send(two, b, "gh"), 2);
  EXPECT_EQ(recv(one, a), "wait");
  EXPECT_EQ(set(two, b, IPPROTO_UDP, UDP_CORK, 0), 0);
  turn();
  EXPECT_EQ(recv(one, a), "efgh");
}

TEST_F(PosixOptions, a_stream_tells_what_is_left) {
  connected();
  EXPECT_EQ(set(one, server, IPPROTO_TCP, TCP_INQ, 2), -EINVAL);
  EXPECT_EQ(set(one, server, IPPROTO_TCP, TCP_INQ, 1), 0);
  send(two, client, "abcdef");
  alignas(cmsghdr) char control[64] = {};
  char data[4];
  iovec v{data, 4};
  msghdr m{};
  m.msg_iov = &v, m.msg_iovlen = 1, m.msg_control = control;
  const auto left = [&] {
    m.msg_controllen = sizeof control;
    EXPECT_GE(result(one.recvmsg(server, &m, 0, now)), 0);
    const cmsghdr* c = CMSG_FIRSTHDR(&m);
    return c != nullptr && c->cmsg_type == TCP_CM_INQ ? *reinterpret_cast<const int*>(CMSG_DATA(c)) : -1;
  };
  EXPECT_EQ(left(), 2);
  EXPECT_EQ(left(), 0);
  two.close(client, now);
  turn();
  EXPECT_EQ(left(), 1);  // the end is to be seen
}

TEST_F(PosixOptions, zero_copy_sends_are_answered_when_they_are_acknowledged) {
  connected();
  EXPECT_EQ(set(two, client, SOL_SOCKET, SO_ZEROCOPY, 2), -EINVAL);
  EXPECT_EQ(send(two, client, "ignored", MSG_ZEROCOPY), 7);  // as long as the option is off
  pass(1_s);
  EXPECT_EQ(recv(two, client, 0, MSG_ERRQUEUE), "!EAGAIN");
  EXPECT_EQ(set(two, client, SOL_SOCKET, SO_ZEROCOPY, 1), 0);
  const int epoll = static_cast<int>(two.epoll_create(0, now).value);
  epoll_event event{.events = EPOLLET, .data = {.fd = client}};
  EXPECT_EQ(result(two.epoll_ctl(epoll, EPOLL_CTL_ADD, client, &event, now)), 0);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(result(two.write(client, "x", 1, now)), 1);
  const auto zero_copy = [&] {
    iovec v{const_cast<char*>("data"), 4};
    msghdr m{};
    m.msg_iov = &v, m.msg_iovlen = 1;
    return result(two.sendmsg(client, &m, MSG_ZEROCOPY, now));
  };
  EXPECT_EQ(zero_copy() + zero_copy(), 8);
  EXPECT_EQ(poll(two, client), POLLOUT);
  EXPECT_EQ(result(two.epoll_wait(epoll, &event, 1, now)), 0);
  pass(1_s);
  EXPECT_EQ(poll(two, client), POLLOUT | POLLERR);
  EXPECT_EQ(result(two.epoll_wait(epoll, &event, 1, now)), 1);
  EXPECT_EQ(result(two.epoll_wait(epoll, &event, 1, now)), 0);
  alignas(cmsghdr) char control[100];
  msghdr m{};
  m.msg_control = control, m.msg_controllen = sizeof control;
  EXPECT_EQ(result(two.recvmsg(client, &m, MSG_ERRQUEUE, now)), 0);
  EXPECT_EQ(m.msg_flags, MSG_ERRQUEUE);
  sock_extended_err e;
  std::memcpy(&e, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof e);
  EXPECT_EQ(e.ee_origin, SO_EE_ORIGIN_ZEROCOPY);
  EXPECT_EQ(e.ee_code, SO_EE_CODE_ZEROCOPY_COPIED);
  EXPECT_EQ(e.ee_info, 0u);
  EXPECT_EQ(e.ee_data, 1u);  // both in one
  EXPECT_EQ(poll(two, client), POLLOUT);
}

TEST_F(PosixOptions, no_delay_lets_go_what_the_cork_holds) {
  connected();
  EXPECT_EQ(set(two, client, IPPROTO_TCP, TCP_CORK, 1), 0);
  send(two, client, "held");
  EXPECT_EQ(recv(one, server), "wait");
  EXPECT_EQ(set(two, client, IPPROTO_TCP, TCP_NODELAY, 1), 0);
  turn();
  EXPECT_EQ(recv(one, server), "held");
  EXPECT_EQ(get(two, client, IPPROTO_TCP, TCP_CORK), 1);
  send(two, client, "again");
  EXPECT_EQ(recv(one, server), "wait");
}

TEST_F(PosixOptions, groups_are_joined_and_left_with_the_socket) {
  const int a = datagram(one), b = datagram(two);
  ASSERT_EQ(bind(one, a, in4("0.0.0.0", 9)), 0);
  ip_mreq request{};
  request.imr_multiaddr.s_addr = inet_addr("239.1.2.3");
  request.imr_interface.s_addr = inet_addr("10.0.0.1");
  const auto set_group = [&](int name) { return result(one.setsockopt(a, IPPROTO_IP, name, &request, sizeof request, now)); };
  EXPECT_EQ(set_group(IP_DROP_MEMBERSHIP), -EADDRNOTAVAIL);
  EXPECT_EQ(set_group(IP_ADD_MEMBERSHIP), 0);
  EXPECT_EQ(set_group(IP_ADD_MEMBERSHIP), -EADDRINUSE);
  const auto to = in4("239.1.2.3", 9);
  EXPECT_EQ(result(two.setsockopt(b, SOL_SOCKET, SO_BINDTODEVICE, "eth0", 4, now)), 0);
  iovec v{const_cast<char*>("all"), 3};
  msghdr m{};
  m.msg_iov = &v, m.msg_iovlen = 1, m.msg_name = const_cast<sockaddr_in*>(&to), m.msg_namelen = sizeof to;
  EXPECT_EQ(result(two.sendmsg(b, &m, 0, now)), 3);
  turn();
  EXPECT_EQ(recv(one, a), "all");
  const IpAddr group = *IpAddr::parse("239.1.2.3");
  EXPECT_TRUE(shard.core().interface(end_of_one).is_member(group));
  one.close(a, now);
  EXPECT_FALSE(shard.core().interface(end_of_one).is_member(group));
  request.imr_multiaddr.s_addr = inet_addr("10.0.0.9");
  const int other = datagram(one);
  EXPECT_EQ(result(one.setsockopt(other, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request, now)), -EINVAL);
}

TEST_F(PosixOptions, a_receive_that_had_to_wait_has_its_room_for_control_data_still) {
  connected();
  EXPECT_EQ(set(one, server, IPPROTO_TCP, TCP_INQ, 1), 0);
  alignas(cmsghdr) char control[64] = {};
  char data[4];
  iovec v{data, 4};
  msghdr m{};
  m.msg_iov = &v, m.msg_iovlen = 1, m.msg_control = control, m.msg_controllen = sizeof control;
  Transfer t(Transfer::receive, server, m, 0);
  EXPECT_TRUE(t.attempt(one, now).wait);
  send(two, client, "abcdef");
  EXPECT_EQ(result(t.attempt(one, now)), 4);
  EXPECT_EQ(t.message().msg_controllen, CMSG_SPACE(sizeof(int)));
}

TEST_F(PosixOptions, an_address_that_is_nobodys_needs_leave) {
  const int fd = stream(one);
  EXPECT_EQ(bind(one, fd, in4("10.9.9.9", 80)), -EADDRNOTAVAIL);
  EXPECT_EQ(set(one, fd, IPPROTO_IP, IP_FREEBIND, 1), 0);
  EXPECT_EQ(bind(one, fd, in4("10.9.9.9", 80)), 0);
}

}  // namespace
}  // namespace weir::posix

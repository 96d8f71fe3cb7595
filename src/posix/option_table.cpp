// posix/options.hpp: the table. A new option is a line here.
#include <linux/tcp.h>
#include <netinet/in.h>

#include "posix/options.hpp"

namespace weir::posix {
namespace {

using K = SocketKind;
constexpr i64 second = 1'000'000'000, millisecond = 1'000'000;
constexpr int so_timeout_new_receive = 66, so_timeout_new_send = 67, so_bind_to_ifindex = 62;
constexpr int so_timestamp = 29, so_timestamp_ns = 35, so_max_pacing_rate = 47, udp_cork = 1;

// level, name, kinds, get, set, option, unit, least, most, extra
constexpr OptionEntry table[] = {
    {SOL_SOCKET, SO_REUSEADDR, K::any, get_number, set_flag, Option::reuse_address},
    {SOL_SOCKET, SO_REUSEPORT, K::any, get_number, set_flag, Option::reuse_port},
    {SOL_SOCKET, SO_KEEPALIVE, K::any, get_number, set_flag, Option::keepalive},
    {SOL_SOCKET, SO_BROADCAST, K::packets, get_number, set_flag, Option::broadcast},
    {SOL_SOCKET, SO_OOBINLINE, K::stream, get_number, set_flag, Option::oob_inline},
    {SOL_SOCKET, SO_LINGER, K::stream, get_linger, set_linger, Option::linger},
    {SOL_SOCKET, SO_SNDBUF, K::any, get_buffer, set_buffer, Option::send_buffer},
    {SOL_SOCKET, SO_RCVBUF, K::any, get_buffer, set_buffer, Option::receive_buffer},
    {SOL_SOCKET, SO_SNDBUFFORCE, K::any, nullptr, set_buffer_forced, Option::send_buffer},
    {SOL_SOCKET, SO_RCVBUFFORCE, K::any, nullptr, set_buffer_forced, Option::receive_buffer},
    {SOL_SOCKET, SO_RCVTIMEO, K::any, get_timeout, set_timeout, Option::receive_timeout},
    {SOL_SOCKET, SO_SNDTIMEO, K::any, get_timeout, set_timeout, Option::send_timeout},
    {SOL_SOCKET, so_timeout_new_receive, K::any, get_timeout, set_timeout, Option::receive_timeout},
    {SOL_SOCKET, so_timeout_new_send, K::any, get_timeout, set_timeout, Option::send_timeout},
    {SOL_SOCKET, SO_RCVLOWAT, K::any, get_extra, set_low_water, Option::count_, 1, INT32_MIN, INT32_MAX, &SocketExtras::receive_low_water},
    {SOL_SOCKET, SO_SNDLOWAT, K::any, get_one, nullptr},
    {SOL_SOCKET, SO_ERROR, K::any, get_number, nullptr, Option::error},
    {SOL_SOCKET, SO_TYPE, K::any, get_type, nullptr},
    {SOL_SOCKET, SO_DOMAIN, K::any, get_domain, nullptr},
    {SOL_SOCKET, SO_PROTOCOL, K::any, get_protocol, nullptr},
    {SOL_SOCKET, SO_ACCEPTCONN, K::any, get_number, nullptr, Option::accepting},
    {SOL_SOCKET, SO_NO_CHECK, K::datagram, get_number, set_flag, Option::no_checksum},
    {SOL_SOCKET, SO_BINDTODEVICE, K::any, get_device, set_device, Option::bind_interface},
    {SOL_SOCKET, so_bind_to_ifindex, K::any, get_number, set_number, Option::bind_interface, 1, 0, 0xffff},
    {SOL_SOCKET, so_timestamp, K::packets, get_timestamp, set_timestamp, Option::count_, 1},
    {SOL_SOCKET, so_timestamp_ns, K::packets, get_timestamp, set_timestamp, Option::count_, 2},
    {SOL_SOCKET, so_max_pacing_rate, K::stream, get_pacing, set_pacing, Option::max_pacing_rate},
    {SOL_SOCKET, SO_ZEROCOPY, K::stream | K::datagram, get_extra, set_zero_copy, Option::count_, 1, 0, 1, &SocketExtras::zero_copy},
    {SOL_SOCKET, SO_MEMINFO, K::any, get_memory_info, nullptr},

    {IPPROTO_IP, IP_TTL, K::any, get_ttl, set_or_default, Option::ttl, 1, 1, 255},
    {IPPROTO_IP, IP_TOS, K::any, get_number, set_number, Option::tos, 1, 0, 255},
    {IPPROTO_IP, IP_MTU_DISCOVER, K::packets, get_number, set_number, Option::dont_fragment, 1, 0, 2},
    {IPPROTO_IP, IP_MULTICAST_TTL, K::packets, get_number, set_number, Option::multicast_ttl, 1, 0, 255},
    {IPPROTO_IP, IP_MULTICAST_LOOP, K::packets, get_number, set_flag, Option::multicast_loop},
    {IPPROTO_IP, IP_RECVERR, K::packets, get_number, set_flag, Option::receive_errors},
    {IPPROTO_IP, IP_PKTINFO, K::packets, get_extra, set_extra_flag, Option::count_, 1, INT32_MIN, INT32_MAX, &SocketExtras::packet_info},
    {IPPROTO_IP, IP_RECVTTL, K::packets, get_extra, set_extra_flag, Option::count_, 1, INT32_MIN, INT32_MAX, &SocketExtras::receive_ttl},
    {IPPROTO_IP, IP_RECVTOS, K::packets, get_extra, set_extra_flag, Option::count_, 1, INT32_MIN, INT32_MAX, &SocketExtras::receive_tos},
    {IPPROTO_IP, IP_FREEBIND, K::any, get_extra, set_extra_flag, Option::count_, 1, INT32_MIN, INT32_MAX, &SocketExtras::free_bind},
    {IPPROTO_IP, IP_ADD_MEMBERSHIP, K::packets, nullptr, join_group},
    {IPPROTO_IP, IP_DROP_MEMBERSHIP, K::packets, nullptr, leave_group},
    {IPPROTO_IP, IP_HDRINCL, K::raw, get_number, set_flag, Option::header_included},

    {IPPROTO_IPV6, IPV6_V6ONLY, K::any | K::v6, get_number, set_v6_only, Option::v6_only},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, K::any | K::v6, get_ttl, set_or_default, Option::ttl, 1, 1, 255},
    {IPPROTO_IPV6, IPV6_TCLASS, K::any | K::v6, get_number, set_or_default, Option::tos, 1, 0, 255},
    {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, K::packets | K::v6, get_number, set_number, Option::multicast_ttl, 1, 0, 255},
    {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, K::packets | K::v6, get_number, set_flag, Option::multicast_loop},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, K::packets | K::v6, get_number, set_number, Option::dont_fragment, 1, 0, 2},
    {IPPROTO_IPV6, IPV6_RECVPKTINFO, K::packets | K::v6, get_extra, set_extra_flag, Option::count_, 1, INT32_MIN, INT32_MAX,
     &SocketExtras::packet_info6},
    {IPPROTO_IPV6, IPV6_RECVHOPLIMIT, K::packets | K::v6, get_extra, set_extra_flag, Option::count_, 1, INT32_MIN, INT32_MAX,
     &SocketExtras::receive_hop_limit},
    {IPPROTO_IPV6, IPV6_RECVTCLASS, K::packets | K::v6, get_extra, set_extra_flag, Option::count_, 1, INT32_MIN, INT32_MAX,
     &SocketExtras::receive_class},
    {IPPROTO_IPV6, IPV6_FREEBIND, K::any | K::v6, get_extra, set_extra_flag, Option::count_, 1, INT32_MIN, INT32_MAX,
     &SocketExtras::free_bind},
    {IPPROTO_IPV6, IPV6_JOIN_GROUP, K::packets | K::v6, nullptr, join_group},
    {IPPROTO_IPV6, IPV6_LEAVE_GROUP, K::packets | K::v6, nullptr, leave_group},
    {IPPROTO_IPV6, IPV6_RECVERR, K::packets | K::v6, get_number, set_flag, Option::receive_errors},

    {IPPROTO_TCP, TCP_NODELAY, K::stream, get_number, set_no_delay, Option::no_delay},
    {IPPROTO_TCP, TCP_CORK, K::stream, get_number, set_flag, Option::cork},
    {IPPROTO_TCP, TCP_MAXSEG, K::stream, get_number, set_max_segment, Option::max_segment, 1, 88, 32'767},
    {IPPROTO_TCP, TCP_KEEPIDLE, K::stream, get_number, set_number, Option::keepalive_idle, second, 1, 32'767},
    {IPPROTO_TCP, TCP_KEEPINTVL, K::stream, get_number, set_number, Option::keepalive_interval, second, 1, 32'767},
    {IPPROTO_TCP, TCP_KEEPCNT, K::stream, get_number, set_number, Option::keepalive_count, 1, 1, 127},
    {IPPROTO_TCP, TCP_SYNCNT, K::stream, get_number, set_number, Option::syn_retries, 1, 1, 127},
    {IPPROTO_TCP, TCP_LINGER2, K::stream, get_number, set_number, Option::linger2, second, 0, 120},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, K::stream, get_number, set_number, Option::user_timeout, millisecond, 0, INT32_MAX},
    {IPPROTO_TCP, TCP_QUICKACK, K::stream, get_number, set_flag, Option::quick_ack},
    {IPPROTO_TCP, TCP_FASTOPEN, K::stream, get_number, set_number, Option::fast_open, 1, 0, INT32_MAX},
    {IPPROTO_TCP, TCP_FASTOPEN_CONNECT, K::stream, get_number, set_number, Option::fast_open_connect, 1, 0, 1},
    {IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, K::stream, get_number, set_number, Option::fast_open_no_cookie, 1, 0, 1},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, K::stream, get_number, set_number, Option::defer_accept, second, 0, 32'767},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, K::stream, get_number, set_number, Option::not_sent_low, 1, 0, INT32_MAX},
    {IPPROTO_TCP, TCP_WINDOW_CLAMP, K::stream, get_number, set_number, Option::window_clamp, 1, 0, INT32_MAX},
    {IPPROTO_TCP, TCP_INQ, K::stream, get_extra, set_extra, Option::count_, 1, 0, 1, &SocketExtras::in_queue},
    {IPPROTO_UDP, udp_cork, K::datagram, get_extra, set_udp_cork, Option::count_, 1, INT32_MIN, INT32_MAX, &SocketExtras::cork},
    {IPPROTO_TCP, TCP_CONGESTION, K::stream, get_congestion, set_congestion, Option::congestion_control},
    {IPPROTO_TCP, TCP_INFO, K::stream, get_tcp_info, nullptr},
    {IPPROTO_TCP, TCP_CC_INFO, K::stream, get_cc_info, nullptr},
};

}  // namespace

std::span<const OptionEntry> option_table() noexcept { return table; }

}  // namespace weir::posix

// TAP and TUN against the kernel that made them: raw frames both ways, super-frames, devices that go down or away.
#include "io/tap.hpp"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>

#include "base/checksum.hpp"
#include "io/device.hpp"
#include "tests/io/netns.hpp"
#include "wire/arp.hpp"
#include "wire/ipv4.hpp"

namespace weir::io {
namespace {

using buf::PacketId;
using buf::Pool;
using testing::in_new_netns;
using testing::sh;

constexpr MacAddr our_mac{{2, 0, 0, 0, 0, 2}};

struct Fixture {
  explicit Fixture(const TapConfig& config) {
    auto opened = Tap::open(config);
    EXPECT_TRUE(opened) << opened.error();
    tap = std::move((*opened)[0]);
  }
  ~Fixture() {
    if (tap) tap->release(pool);
    EXPECT_EQ(pool.packets_in_use(), 0u);
    EXPECT_EQ(pool.buffers_in_use(), 0u);
  }
  // The next frame that `wanted` accepts (others are released); none after 5 s.
  template <class F>
  PacketId next(F&& wanted) {
    for (int turns = 0; turns < 1000; ++turns) {
      std::array<PacketId, 1> got;
      if (tap->receive(pool, got, 65'536, Instant{}) == 0) {
        pollfd p{tap->fd(), POLLIN, 0};
        if (::poll(&p, 1, 5000) != 1) break;
        continue;
      }
      if (wanted(pool.first_run(got[0]))) return got[0];
      pool.release(got[0]);
    }
    ADD_FAILURE() << "the frame did not come";
    return PacketId::none;
  }
  bool send(Bytes frame) {
    const PacketId id = pool.from_bytes(frame);
    const bool taken = tap->send(pool, {&id, 1}, Instant{}) == 1;
    pool.release(id);
    return taken;
  }
  Pool pool{{.packets = 64, .small_buffers = 64, .large_buffers = 64}};
  std::unique_ptr<Tap> tap;
};

bool has_type(Bytes frame, u16 type) { return frame.size() >= 14 && load_be16(frame.data() + 12) == type; }

sockaddr_in at(const char* address, u16 port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  EXPECT_EQ(::inet_pton(AF_INET, address, &a.sin_addr), 1);
  return a;
}

int udp_to(const char* address, u16 port, usize bytes) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const sockaddr_in to = at(address, port);
  EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  const std::vector<char> data(bytes, 'x');
  EXPECT_EQ(::send(fd, data.data(), data.size(), 0), static_cast<ssize_t>(bytes));
  return fd;
}

// A packet socket that sees and makes frames with their virtio headers, as the device does.
int packet_socket(const std::string& interface) {
  const int fd = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
  const int one = 1;
  EXPECT_EQ(::setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one), 0);
  sockaddr_ll a{};
  a.sll_family = AF_PACKET;
  a.sll_protocol = htons(ETH_P_ALL);
  a.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
  EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&a), sizeof a), 0);
  const timeval five_s{5, 0};
  EXPECT_EQ(::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &five_s, sizeof five_s), 0);
  return fd;
}

// An Ethernet frame of a TCP/IPv4 super-segment with a pseudo-header sum in its checksum field.
std::vector<std::byte> super_frame(u32 payload) {
  std::vector<std::byte> f(14 + 20 + 32 + payload);
  for (u32 i = 0; i < payload; ++i) f[66 + i] = static_cast<std::byte>(i * 7 + (i >> 8));
  std::memcpy(f.data(), MacAddr::broadcast().b.data(), 6);
  std::memcpy(f.data() + 6, our_mac.b.data(), 6);
  store_be16(f.data() + 12, 0x0800);
  wire::Ipv4Fields ip;
  ip.payload_len = static_cast<u16>(32 + payload);
  ip.protocol = 6;
  ip.src = {0x0a4d0002};
  ip.dst = {0x0a4d0001};
  wire::emit(ip, MutBytes{f.data() + 14, 20});
  store_be16(f.data() + 34, 1000);
  store_be16(f.data() + 36, 2000);
  f[46] = std::byte{0x80};  // 32 bytes of TCP header
  f[47] = std::byte{0x10};
  f[66 - 12] = f[66 - 11] = std::byte{1};
  const u16 pseudo = csum_fold(csum_pseudo4(load_raw<u32>(f.data() + 26), load_raw<u32>(f.data() + 30), 6, 32 + payload));
  std::memcpy(f.data() + 50, &pseudo, 2);
  return f;
}

TEST(tap, the_kernel_asks_for_our_address_and_sends_once_told) {
  in_new_netns([] {
    Fixture f({.name = "weirt0", .host = {*Prefix::parse("10.77.0.1/24"), *Prefix::parse("fd77::1/64")}});
    ASSERT_EQ(f.tap->link(), LinkState::up);
    EXPECT_TRUE(f.tap->caps().offload.tso);
    const int s = udp_to("10.77.0.2", 9, 100);

    PacketId id = f.next([](Bytes b) { return has_type(b, 0x0806); });
    ASSERT_NE(id, PacketId::none);
    std::vector<std::byte> reply(f.pool.first_run(id).begin(), f.pool.first_run(id).end());
    f.pool.release(id);
    reply.resize(42);
    EXPECT_EQ(load_be32(reply.data() + 38), 0x0a4d0002u);
    std::memcpy(reply.data(), reply.data() + 6, 6);          // to the asker
    std::memcpy(reply.data() + 6, our_mac.b.data(), 6);
    store_be16(reply.data() + 20, 2);                        // RFC 826: reply
    std::memcpy(reply.data() + 32, reply.data() + 22, 10);   // target: who asked
    std::memcpy(reply.data() + 22, our_mac.b.data(), 6);
    store_be32(reply.data() + 28, 0x0a4d0002);
    ASSERT_TRUE(f.send(reply));

    id = f.next([](Bytes b) { return has_type(b, 0x0800) && load_u8(b.data() + 23) == 17; });
    ASSERT_NE(id, PacketId::none);
    EXPECT_EQ(f.pool[id].length, 14u + 20 + 8 + 100);
    EXPECT_EQ(f.pool[id].csum.kind, buf::CsumKind::partial) << "the kernel leaves the checksum to us";
    EXPECT_EQ(f.pool[id].csum.start, Pool::headroom + 34);
    EXPECT_EQ(f.pool[id].csum.offset, 6);
    f.pool.release(id);
    ::close(s);
  });
}

TEST(tap, without_offload_checksums_are_complete) {
  in_new_netns([] {
    Fixture f({.name = "weirt0", .host = {*Prefix::parse("10.77.0.1/24")}, .offload = false});
    EXPECT_FALSE(f.tap->caps().offload.tso);
    EXPECT_FALSE(f.tap->caps().offload.tx_checksum);
    sh("ip neigh add 10.77.0.2 lladdr 02:00:00:00:00:02 dev weirt0");
    const int s = udp_to("10.77.0.2", 9, 100);
    const PacketId id = f.next([](Bytes b) { return has_type(b, 0x0800) && load_u8(b.data() + 23) == 17; });
    ASSERT_NE(id, PacketId::none);
    EXPECT_EQ(f.pool[id].csum.kind, buf::CsumKind::none);
    const Bytes b = f.pool.first_run(id);
    const u64 pseudo = csum_pseudo4(load_raw<u32>(b.data() + 26), load_raw<u32>(b.data() + 30), 17, 108);
    EXPECT_EQ(csum_finish(csum_add(b.subspan(34), pseudo)), 0);
    f.pool.release(id);
    ::close(s);
  });
}

TEST(tap, a_super_frame_of_64_kib_goes_out_in_one_piece) {
  in_new_netns([] {
    Fixture f({.name = "weirt0", .host = {*Prefix::parse("10.77.0.1/24")}});
    const int s = packet_socket("weirt0");
    const auto frame = super_frame(45 * 1448);
    const PacketId id = f.pool.from_bytes(frame);
    f.pool[id].csum = {buf::CsumKind::partial, Pool::headroom + 34, 16};
    f.pool[id].gso = {buf::GsoType::tcp4, 0, 1448, 45};
    ASSERT_EQ(f.tap->send(f.pool, {&id, 1}, Instant{}), 1u);
    f.pool.release(id);

    std::vector<std::byte> got(70'000);
    ssize_t n = 0;
    do n = ::recv(s, got.data(), got.size(), 0);
    while (n > 0 && n < 10'000);  // the kernel's own chatter
    ASSERT_EQ(n, static_cast<ssize_t>(10 + frame.size()));
    const auto h = load_raw<VnetHeader>(got.data());
    EXPECT_EQ(h.gso_type, VnetHeader::gso_tcp4);
    EXPECT_EQ(h.gso_size, 1448);
    EXPECT_EQ(h.csum_start, 34);
    EXPECT_TRUE(std::equal(frame.begin(), frame.end(), got.begin() + 10));
    ::close(s);
  });
}

TEST(tap, a_super_frame_of_64_kib_comes_in_one_packet_of_five_pieces) {
  in_new_netns([] {
    Fixture f({.name = "weirt0", .host = {*Prefix::parse("10.77.0.1/24")}});
    const int s = packet_socket("weirt0");
    const auto frame = super_frame(45 * 1448);
    const VnetHeader h{.flags = 1, .gso_type = 1, .hdr_len = 66, .gso_size = 1448, .csum_start = 34, .csum_offset = 16};
    std::vector<std::byte> out(10);
    std::memcpy(out.data(), &h, 10);
    out.insert(out.end(), frame.begin(), frame.end());
    ASSERT_EQ(::send(s, out.data(), out.size(), 0), static_cast<ssize_t>(out.size()));

    const PacketId id = f.next([](Bytes b) { return has_type(b, 0x0800) && load_u8(b.data() + 23) == 6; });
    ASSERT_NE(id, PacketId::none);
    EXPECT_EQ(f.pool[id].length, frame.size());
    EXPECT_EQ(f.pool[id].gso.type, buf::GsoType::tcp4);
    EXPECT_EQ(f.pool[id].gso.size, 1448);
    EXPECT_EQ(f.pool[id].gso.segments, 45);
    EXPECT_EQ(f.pool[id].csum.kind, buf::CsumKind::partial);
    u32 pieces = 0;
    f.pool.for_each_slice(id, [&](buf::Slice&) { ++pieces; });
    EXPECT_EQ(pieces, 5u);
    std::vector<std::byte> got(frame.size());
    f.pool.copy_out(id, 0, got);
    EXPECT_EQ(got, frame);
    f.pool.release(id);
    ::close(s);
  });
}

TEST(tap, more_pieces_than_a_system_call_takes_are_one_copy) {
  in_new_netns([] {
    Fixture f({.name = "weirt0", .host = {*Prefix::parse("10.77.0.1/24")}});
    const int s = packet_socket("weirt0");
    const auto frame = super_frame(3 * 1100);
    const buf::BufferId whole = f.pool.alloc_large();
    std::memcpy(f.pool.data(whole), frame.data(), frame.size());
    const PacketId id = f.pool.alloc();
    bool ok = f.pool.append(id, {whole, 0, 66});
    for (u32 at = 66; at < frame.size(); ++at) {  // one byte each, kept from joining by an empty slice of the same buffer
      f.pool.ref(whole);
      f.pool.ref(whole);
      ok = ok && f.pool.append(id, {whole, 0, 0}) && f.pool.append(id, {whole, static_cast<u16>(at), 1});
    }
    ASSERT_TRUE(ok);
    ASSERT_EQ(f.pool[id].length, frame.size());
    f.pool[id].csum = {buf::CsumKind::partial, 34, 16};
    f.pool[id].gso = {buf::GsoType::tcp4, 0, 1100, 3};
    ASSERT_EQ(f.tap->send(f.pool, {&id, 1}, Instant{}), 1u);
    f.pool.release(id);
    std::vector<std::byte> got(70'000);
    ssize_t n = 0;
    do n = ::recv(s, got.data(), got.size(), 0);
    while (n > 0 && n < 3000);
    ASSERT_EQ(n, static_cast<ssize_t>(10 + frame.size()));
    EXPECT_TRUE(std::equal(frame.begin(), frame.end(), got.begin() + 10));
    ::close(s);
  });
}

TEST(tap, without_buffers_frames_are_counted_and_the_device_is_drained) {
  in_new_netns([] {
    Fixture f({.name = "weirt0", .host = {*Prefix::parse("10.77.0.1/24")}});
    sh("ip neigh add 10.77.0.2 lladdr 02:00:00:00:00:02 dev weirt0");
    std::vector<buf::BufferId> all;
    for (buf::BufferId b; (b = f.pool.alloc_small()) != buf::BufferId::none;) all.push_back(b);
    for (int i = 0; i < 3; ++i) ::close(udp_to("10.77.0.2", 9, 10));
    std::array<PacketId, 8> out;
    EXPECT_EQ(f.tap->receive(f.pool, out, 65'536, Instant{}), 0u);
    EXPECT_GE(f.tap->stats().rx_dropped, 3u);
    EXPECT_EQ(f.pool.packets_in_use(), 0u);
    for (buf::BufferId b : all) f.pool.unref(b);
    ::close(udp_to("10.77.0.2", 9, 10));
    EXPECT_EQ(f.tap->receive(f.pool, out, 65'536, Instant{}), 1u);
    f.pool.release(out[0]);
  });
}

TEST(tap, left_to_the_user_it_is_down_until_brought_up_even_elsewhere) {
  in_new_netns([] {
    Fixture f({.name = "weirt0"});
    EXPECT_EQ(f.tap->link(), LinkState::down);
    EXPECT_EQ(f.tap->poll_events(), static_cast<u32>(EPOLLIN | EPOLLOUT));
    const std::vector<std::byte> frame = super_frame(10);
    EXPECT_FALSE(f.send(frame));

    const std::string other = "weir-test-" + std::to_string(::getpid());
    sh("ip netns add " + other);
    sh("ip link set weirt0 netns " + other);
    sh("ip -n " + other + " link set weirt0 up");
    pollfd p{f.tap->fd(), POLLOUT, 0};
    EXPECT_EQ(::poll(&p, 1, 5000), 1);
    f.tap->on_events(EPOLLOUT);
    EXPECT_EQ(f.tap->link(), LinkState::up);
    EXPECT_TRUE(f.send(frame));

    sh("ip -n " + other + " link set weirt0 down");
    EXPECT_FALSE(f.send(frame));
    EXPECT_EQ(f.tap->link(), LinkState::down);
    sh("ip netns del " + other);
  });
}

TEST(tap, a_deleted_device_is_gone_and_says_so) {
  in_new_netns([] {
    Fixture f({.name = "weirt0", .host = {*Prefix::parse("10.77.0.1/24")}});
    sh("ip link del weirt0");
    std::array<PacketId, 8> out;
    const u32 n = f.tap->receive(f.pool, out, 65'536, Instant{});
    f.pool.release(std::span<const PacketId>{out}.first(n));
    EXPECT_FALSE(f.send(super_frame(10)));
    EXPECT_EQ(f.tap->link(), LinkState::gone);
    EXPECT_EQ(f.tap->receive(f.pool, out, 65'536, Instant{}), 0u);
  });
}

TEST(tap, the_device_is_removed_with_its_last_file) {
  in_new_netns([] {
    {
      Fixture f({.name = "weirt0", .mtu = 9000});
      EXPECT_NE(::if_nametoindex("weirt0"), 0u);
      sh("ip link show weirt0 | grep -q 'mtu 9000'");
    }
    EXPECT_EQ(::if_nametoindex("weirt0"), 0u);
  });
}

TEST(tap, tun_carries_bare_ip_packets) {
  in_new_netns([] {
    Fixture f({.name = "weirt0", .tun = true, .host = {*Prefix::parse("10.77.0.1/24")}});
    EXPECT_EQ(f.tap->caps().kind, InterfaceKind::raw_ip);
    const int s = udp_to("10.77.0.2", 9, 100);
    const PacketId id = f.next([](Bytes b) { return load_u8(b.data()) == 0x45 && load_u8(b.data() + 9) == 17; });
    ASSERT_NE(id, PacketId::none);
    EXPECT_EQ(f.pool[id].length, 20u + 8 + 100);
    EXPECT_EQ(f.pool[id].csum.start, Pool::headroom + 20);
    f.pool.release(id);
    ::close(s);
  });
}

TEST(tap, several_queues_are_several_drivers_of_one_device) {
  in_new_netns([] {
    auto queues = Tap::open({.name = "weirt0", .host = {*Prefix::parse("10.77.0.1/24")}, .queues = 3});
    ASSERT_TRUE(queues) << queues.error();
    ASSERT_EQ(queues->size(), 3u);
    for (const auto& q : *queues) EXPECT_EQ(q->link(), LinkState::up);
    queues->resize(1);
    EXPECT_NE(::if_nametoindex("weirt0"), 0u);
  });
}

TEST(tap, errors_name_the_device_the_reason_and_the_remedy) {
  in_new_netns([] {
    const auto says = [](const TapConfig& c, const char* what) {
      const auto r = Tap::open(c);
      ASSERT_FALSE(r);
      EXPECT_NE(r.error().find(what), std::string::npos) << r.error();
      EXPECT_EQ(r.error().rfind("tap:", 0), 0u) << r.error();
    };
    Fixture first({.name = "weirt0"});
    says({.name = "weirt0"}, "another process");
    says({.name = "lo"}, "another name");
    says({.name = ""}, "1 to 15 characters");
    says({.name = "a234567890123456"}, "1 to 15 characters");
  });
}

}  // namespace
}  // namespace weir::io

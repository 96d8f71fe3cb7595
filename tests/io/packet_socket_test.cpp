// An AF_PACKET device on one end of a veth pair, the kernel on the other.
#include "io/packet_socket.hpp"

#include <poll.h>

#include <array>

#include "io/device.hpp"
#include "tests/io/netns.hpp"

namespace weir::io {
namespace {

using buf::PacketId;
using testing::in_new_netns;
using testing::sh;

struct Ends {
  Ends() {
    sh("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up");
    for (auto [device, name] : {std::pair{&a, "v0"}, std::pair{&b, "v1"}}) {
      auto opened = PacketSocket::open({.interface = name});
      EXPECT_TRUE(opened) << opened.error();
      *device = std::move(*opened);
      await_carrier(**device);
    }
  }
  // The kernel passes frames on only some time after an interface was set up.
  void await_carrier(PacketSocket& device) {
    for (now = now + 1_s; device.link() != LinkState::up && now < Instant{} + 1'000'000_s; now = now + 1_s) {
      std::array<PacketId, 1> got;
      if (device.receive(pool, got, 65'536, now) == 1) pool.release(got[0]);
      std::this_thread::yield();
    }
    EXPECT_EQ(device.link(), LinkState::up);
  }
  ~Ends() {
    a->release(pool);
    b->release(pool);
  }
  PacketId make(u32 length) {
    std::vector<std::byte> f(length, std::byte{0x5a});
    store_be16(f.data() + 12, 0x88b5);
    return pool.from_bytes(f);
  }
  // The next frame of our test protocol (or TCP); the kernel's own chatter is released.
  PacketId next(PacketSocket& device) {
    for (int turns = 0; turns < 1000; ++turns) {
      std::array<PacketId, 1> got;
      if (device.receive(pool, got, 65'536, Instant{}) == 0) {
        pollfd p{device.fd(), POLLIN, 0};
        if (::poll(&p, 1, 5000) != 1) break;
        continue;
      }
      if (load_u8(pool.first_run(got[0]).data()) == 0x5a) return got[0];
      pool.release(got[0]);
    }
    ADD_FAILURE() << "the frame did not come";
    return PacketId::none;
  }
  buf::Pool pool{{.packets = 64, .small_buffers = 64, .large_buffers = 64}};
  std::unique_ptr<PacketSocket> a, b;
  Instant now{};
};

TEST(packet_socket, frames_cross_and_ones_own_do_not_come_back) {
  in_new_netns([] {
    Ends e;
    EXPECT_EQ(e.a->caps().mtu, 1500);
    EXPECT_FALSE(e.a->caps().mac.is_zero());
    const PacketId out = e.make(600);
    ASSERT_EQ(e.a->send(e.pool, {&out, 1}, Instant{}), 1u);
    const PacketId in = e.next(*e.b);
    ASSERT_NE(in, PacketId::none);
    EXPECT_EQ(e.pool[in].length, 600u);
    e.pool.release(in);
    std::array<PacketId, 8> own;
    const u32 n = e.a->receive(e.pool, own, 65'536, Instant{});
    for (u32 i = 0; i < n; ++i) {
      EXPECT_NE(load_u8(e.pool.first_run(own[i]).data()), 0x5a);
      e.pool.release(own[i]);
    }
    e.pool.release(out);
  });
}

TEST(packet_socket, vlan_tags_arrive_beside_the_frame) {
  in_new_netns([] {
    Ends e;
    const PacketId out = e.make(104);
    store_be32(e.pool.at(out, buf::Pool::headroom + 12), 0x8100'0007);
    store_be16(e.pool.at(out, buf::Pool::headroom + 16), 0x88b5);
    ASSERT_EQ(e.a->send(e.pool, {&out, 1}, Instant{}), 1u);
    const PacketId in = e.next(*e.b);
    ASSERT_NE(in, PacketId::none);
    EXPECT_EQ(e.pool[in].vlan, 7);
    EXPECT_EQ(e.pool[in].length, 100u);
    e.pool.release(in);
    e.pool.release(out);
  });
}

TEST(packet_socket, too_long_a_frame_is_lost_and_counted_and_the_rest_goes) {
  in_new_netns([] {
    Ends e;
    const std::array<PacketId, 2> out{e.make(3000), e.make(60)};
    EXPECT_EQ(e.a->send(e.pool, out, Instant{}), 2u);
    EXPECT_EQ(e.a->stats().tx_errors, 1u);
    const PacketId in = e.next(*e.b);
    EXPECT_EQ(e.pool[in].length, 60u);
    e.pool.release(in);
    e.pool.release(out);
  });
}

TEST(packet_socket, an_interface_goes_down_comes_up_and_goes_away) {
  in_new_netns([] {
    Ends e;
    const PacketId out = e.make(60);
    sh("ip link set v0 down");
    EXPECT_EQ(e.a->send(e.pool, {&out, 1}, Instant{}), 0u);
    EXPECT_EQ(e.a->link(), LinkState::down);
    sh("ip link set v0 up");
    EXPECT_NE(e.a->wake_at(e.now), Instant::never());
    e.await_carrier(*e.a);
    EXPECT_EQ(e.a->send(e.pool, {&out, 1}, Instant{}), 1u);
    sh("ip link del v0");
    std::array<PacketId, 8> got;
    for (u32 n; (n = e.a->receive(e.pool, got, 65'536, e.now)) > 0;) e.pool.release(std::span<const PacketId>{got}.first(n));
    e.a->send(e.pool, {&out, 1}, Instant{});
    EXPECT_EQ(e.a->link(), LinkState::gone);
    e.pool.release(out);
  });
}

}  // namespace
}  // namespace weir::io

// One host under test with one Ethernet port, and a peer that the test plays by hand.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <stdexcept>
#include <vector>

#include "shard/shard.hpp"
#include "tests/graph/frames.hpp"

namespace weir::test {

inline const MacAddr host_mac{{2, 0, 0, 0, 0, 1}}, peer_mac{{2, 0, 0, 0, 0, 2}}, other_mac{{2, 0, 0, 0, 0, 3}};
inline const Ip4Addr host4 = ip4("10.0.0.1"), peer4 = ip4("10.0.0.2");
inline const Ip6Addr host6 = ip6("fd00::1"), peer6 = ip6("fd00::2");

class Station : public ::testing::Test {
 protected:
  explicit Station(const InterfaceConfig& config = {.name = "eth0", .mac = host_mac}, const Sysctl& sysctl = {})
      : shard({.seed = 1, .pool = {.packets = 4096, .small_buffers = 4096, .large_buffers = 64}, .max_sockets = 64, .max_connections = 64},
              now) {
    poison();
    netns = *shard.add_netns({.name = "host", .sysctl = sysctl}, now);
    port = *shard.add_interface(netns, config, now);
    EXPECT_TRUE(shard.add_address(port, *Prefix::parse("10.0.0.1/24"), now, false));
    EXPECT_TRUE(shard.add_address(port, *Prefix::parse("fd00::1/64"), now, false));
    quiet();
  }

  void TearDown() override { expect_nothing_held(); }

  // Everything that was taken has been given back: descriptors and buffers.
  void expect_nothing_held() {
    for (int i = 0; i < 200; ++i) later(1_s);
    EXPECT_EQ(shard.pool().packets_in_use(), 0u);
    EXPECT_EQ(shard.pool().buffers_in_use(), 0u);
  }
  // Group reports and the like have been sent and seen by nobody.
  void quiet() {
    for (int i = 0; i < 50; ++i) later(100_ms);
  }
  void discard() {
    for (const auto& i : shard.core().interfaces)
      if (i->index != 0) (void)sent(i->index);
  }

  // What was in memory before must never come out: A02.
  void poison() {
    buf::Pool& pool = shard.pool();
    std::vector<buf::BufferId> all;
    for (buf::BufferId b; (b = pool.alloc_small()) != buf::BufferId::none;) all.push_back(b);
    for (buf::BufferId b; (b = pool.alloc_large()) != buf::BufferId::none;) all.push_back(b);
    for (const buf::BufferId b : all) {
      std::memset(pool.data(b), 0xaa, pool.capacity(b));
      pool.unref(b);
    }
    std::vector<buf::PacketId> packets;
    for (buf::PacketId id; (id = pool.alloc()) != buf::PacketId::none;) packets.push_back(id);
    for (const buf::PacketId id : packets) {
      std::memset(pool.header_block(id), 0xaa, buf::header_block_size);
      pool.release(id);
    }
  }

  void inject(const std::string& frame) { inject(port, frame); }
  void inject(Port at, const std::string& frame) {
    const buf::PacketId id = shard.pool().from_bytes(as_bytes(frame));
    ASSERT_NE(id, buf::PacketId::none);
    shard.on_frames(at, {&id, 1}, now);
    run();
  }
  void run() {
    for (int i = 0; i < 100 && shard.run(now).more; ++i) {
    }
  }
  void later(Duration d) {
    now = now + d;
    run();
    discard();
  }
  // All frames that went out, finished as a driver gets them.
  std::vector<std::string> sent() { return sent(port); }
  std::vector<std::string> sent(Port from) {
    std::vector<std::string> out;
    std::array<buf::PacketId, 16> ids;
    while (const u32 n = shard.frames_to_send(from, ids, 1 << 20, now)) {
      for (u32 i = 0; i < n; ++i) {
        std::string frame(shard.pool()[ids[i]].length, 0);
        shard.pool().copy_out(ids[i], 0, as_writable(frame));
        out.push_back(frame);
      }
      shard.tx_done(from, {ids.data(), n});
    }
    return out;
  }
  // The one frame that must have gone out.
  std::string one() { return one_of(sent()); }
  static std::string one_of(const std::vector<std::string>& frames) {
    EXPECT_EQ(frames.size(), 1u);
    if (frames.empty()) throw std::runtime_error("no frame was sent");  // what follows could not be looked at
    return frames.front();
  }

  // Frames from the peer, whose address is known to the host already.
  void know_peer() {
    ASSERT_TRUE(shard.add_neighbour(port, peer4, peer_mac, now));
    ASSERT_TRUE(shard.add_neighbour(port, peer6, peer_mac, now));
  }
  std::string from_peer4(const std::string& packet) { return ethernet(host_mac, peer_mac, wire::ethertype::ipv4, packet); }
  std::string from_peer6(const std::string& packet) { return ethernet(host_mac, peer_mac, wire::ethertype::ipv6, packet); }
  static std::string packet4(u8 protocol, const std::string& payload) {
    return ipv4({.protocol = protocol, .src = peer4, .dst = host4}, payload);
  }
  static std::string packet6(u8 protocol, const std::string& payload) {
    return ipv6({.next_header = protocol, .src = peer6, .dst = host6}, payload);
  }

  u64 drops(Drop why) { return shard.core().netns[netns]->drops.read(why); }
  u64 all_drops() {
    u64 n = 0;
    for (usize i = 0; i < drop_count; ++i) n += drops(static_cast<Drop>(i));
    return n;
  }
  // This frame is dropped for this reason and nothing is said about it.
  void expect_drop(const std::string& frame, Drop why, bool silent = true) {
    const u64 before = drops(why), all = all_drops();
    inject(frame);
    EXPECT_EQ(drops(why), before + 1) << name(why);
    EXPECT_EQ(all_drops(), all + 1) << name(why);
    if (silent) {
      EXPECT_TRUE(sent().empty()) << name(why);
    }
  }

  Instant now{1'000'000'000};
  Shard shard;
  NetnsId netns = 0;
  Port port = 0;
};

inline wire::Ipv4View view4(const std::string& frame) { return wire::Ipv4View::parse(as_bytes(frame).subspan(14)).value(); }
inline wire::Ipv6View view6(const std::string& frame) { return wire::Ipv6View::parse(as_bytes(frame).subspan(14)).value(); }
inline wire::EthernetView view_ethernet(const std::string& frame) { return wire::EthernetView::parse(as_bytes(frame)).value(); }

}  // namespace weir::test

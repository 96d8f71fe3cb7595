#include "io/pcap.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "io/device.hpp"

namespace weir::io {
namespace {

using buf::PacketId;

std::string temp(const char* name) { return ::testing::TempDir() + std::to_string(::getpid()) + name; }

std::vector<std::byte> frame(u8 fill, u32 length) { return std::vector<std::byte>(length, std::byte{fill}); }

struct PcapTest : ::testing::Test {
  buf::Pool pool{{.packets = 128, .small_buffers = 128, .large_buffers = 16}};
  std::string in = temp("in.pcap"), out = temp("out.pcap"), out_ng = temp("out.pcapng");

  void SetUp() override {
    std::ofstream f(in, std::ios::binary);
    wire::PcapWriter w(
        [&](Bytes b) { return bool(f.write(reinterpret_cast<const char*>(b.data()), static_cast<std::streamsize>(b.size()))); });
    for (u8 i = 1; i <= 100; ++i) {
      const auto data = frame(i, 50u + i * 30u);
      EXPECT_TRUE(w.write({.time = Instant{} + Duration::seconds(1000) + Duration::millis(i), .data = data}));
    }
  }
  void TearDown() override {
    for (const auto& f : {in, out, out_ng}) ::unlink(f.c_str());
    EXPECT_EQ(pool.packets_in_use(), 0u);
    EXPECT_EQ(pool.buffers_in_use(), 0u);
  }
  // Receives everything that can be had at `now`, sends it out again; how many.
  u32 pump(Pcap& device, Instant now) {
    u32 total = 0;
    std::array<PacketId, 16> got;
    for (u32 n; (n = device.receive(pool, got, 256 * 1024, now)) > 0; total += n) {
      EXPECT_EQ(device.send(pool, std::span<const PacketId>{got}.first(n), now), n);
      pool.release(std::span<const PacketId>{got}.first(n));
    }
    return total;
  }
  void check_copy(const std::string& name) {
    std::ifstream f(name, std::ios::binary);
    wire::CaptureReader reader([&](MutBytes b) {
      f.read(reinterpret_cast<char*>(b.data()), static_cast<std::streamsize>(b.size()));
      return static_cast<usize>(f.gcount());
    });
    for (u8 i = 1; i <= 100; ++i) {
      const auto r = reader.next();
      ASSERT_TRUE(r && *r);
      const auto want = frame(i, 50u + i * 30u);
      EXPECT_TRUE(std::equal(want.begin(), want.end(), (*r)->data.begin(), (*r)->data.end()));
      EXPECT_EQ((*r)->time, Instant{} + Duration::seconds(77));
    }
    const auto end = reader.next();
    EXPECT_TRUE(end && !*end);
  }
};

TEST_F(PcapTest, plays_a_file_and_writes_what_is_sent_to_another) {
  for (const auto& name : {out, out_ng}) {
    auto device = Pcap::open({.in = in, .out = name, .to_wall_clock = Duration::seconds(70)});
    ASSERT_TRUE(device) << device.error();
    EXPECT_EQ((*device)->caps().kind, InterfaceKind::ethernet);
    const Instant now = Instant{} + Duration::seconds(7);
    EXPECT_LE((*device)->wake_at(now), now);
    EXPECT_EQ(pump(**device, now), 100u);
    EXPECT_TRUE((*device)->at_end());
    EXPECT_EQ((*device)->wake_at(now), Instant::never());
    EXPECT_EQ((*device)->stats().tx_packets, 100u);
    EXPECT_FALSE((*device)->write_failed());
    device->reset();
    check_copy(name);
  }
}

TEST_F(PcapTest, keeps_the_recorded_pace_if_asked) {
  auto device = Pcap::open({.in = in, .recorded_pace = true});
  ASSERT_TRUE(device) << device.error();
  const Instant start = Instant{} + Duration::seconds(7);
  EXPECT_EQ(pump(**device, start), 1u);
  EXPECT_EQ((*device)->wake_at(start), start + 1_ms);
  EXPECT_EQ(pump(**device, start + 10_ms), 10u);
  EXPECT_EQ((*device)->wake_at(start + 10_ms), start + 11_ms);
}

TEST_F(PcapTest, a_full_disk_is_no_end_of_the_world) {
  auto device = Pcap::open({.in = in, .out = "/dev/full"});
  ASSERT_TRUE(device) << device.error();
  EXPECT_EQ(pump(**device, Instant{}), 100u);
  EXPECT_TRUE((*device)->write_failed());
}

TEST_F(PcapTest, a_file_cut_short_plays_up_to_there) {
  ASSERT_EQ(::truncate(in.c_str(), 24 + 16 + 80 + 16 + 20), 0);
  auto device = Pcap::open({.in = in});
  ASSERT_TRUE(device) << device.error();
  EXPECT_EQ(pump(**device, Instant{}), 1u);
  EXPECT_EQ((*device)->stats().rx_errors, 1u);
}

}  // namespace
}  // namespace weir::io

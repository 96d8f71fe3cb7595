#include "wire/pcap.hpp"

#include <gtest/gtest.h>

#include "tests/wire/support.hpp"

namespace weir::wire {
namespace {

using test::Buffer;
using test::golden;
using test::hex;
using test::Random;
using test::to_hex;

CaptureSink into(Buffer& out) {
  return [&out](Bytes b) {
    out.insert(out.end(), b.begin(), b.end());
    return true;
  };
}

struct Copy {  // a record that outlives the next one
  u32 interface;
  i64 ns;
  std::string data;
  u32 original_length;
  Direction direction;
  std::string comment;
  u16 link;
  friend bool operator==(const Copy&, const Copy&) = default;
};

struct All {
  std::vector<Copy> records;
  std::optional<CaptureError> error;
};

All read_all(CaptureSource source) {
  All all;
  CaptureReader reader(std::move(source));
  for (;;) {
    const auto r = reader.next();
    if (!r) {
      all.error = r.error();
      EXPECT_EQ(reader.next().error(), r.error());
      return all;
    }
    if (!*r) return all;
    const CaptureRecord& c = **r;
    all.records.push_back(
        {c.interface, c.time.ns, to_hex(c.data), c.original_length, c.direction, std::string(c.comment), reader.link_type(c)});
  }
}

All read_all(const Buffer& b) { return read_all(memory_source(b)); }

TEST(pcap, writes_a_golden_file) {
  Buffer out;
  PcapWriter w(into(out), LinkType::raw_ip, 4);
  EXPECT_TRUE(w.write({.time = {1'000'000'002}, .data = hex("aabbccddee")}));
  EXPECT_EQ(to_hex(out),
            "4d3cb2a1"
            "02000400"
            "00000000"
            "00000000"
            "04000000"
            "65000000"
            "01000000"
            "02000000"
            "04000000"
            "05000000"
            "aabbccdd");
}

TEST(pcapng, writes_a_golden_file) {
  Buffer out;
  PcapngWriter w(into(out), "weir", 64);
  EXPECT_EQ(w.add_interface("eth0", LinkType::ethernet), 0u);
  EXPECT_TRUE(w.write({.time = {0x0000'0001'0000'0002}, .data = hex("aabbccddee"), .direction = Direction::out, .drop = Drop::filter}));
  EXPECT_EQ(to_hex(out),
            "0a0d0d0a"
            "28000000"
            "4d3c2b1a"
            "01000000"
            "ffffffffffffffff"
            "04000400"
            "77656972"
            "00000000"
            "28000000"
            "01000000"
            "28000000"
            "01000000"
            "40000000"
            "02000400"
            "65746830"
            "09000100"
            "09000000"
            "00000000"
            "28000000"
            "06000000"
            "44000000"
            "00000000"
            "01000000"
            "02000000"
            "05000000"
            "05000000"
            "aabbccddee000000"
            "01000c00"
            "64726f703a2066696c746572"
            "02000400"
            "02000000"
            "00000000"
            "44000000");
}

TEST(pcap, reads_what_it_writes) {
  Random r(24);
  Buffer classic, ng;
  PcapWriter pcap(into(classic));
  PcapngWriter pcapng(into(ng));
  pcapng.add_interface("eth0", LinkType::ethernet);
  pcapng.add_interface("tun0", LinkType::raw_ip, "a tunnel");
  std::vector<Copy> want, want_ng;
  for (int i = 0; i < 300; ++i) {
    const Buffer data = r.bytes(r.below(100));
    const auto ns = static_cast<i64>(r.below(4'000'000'000'000'000'000));
    const auto interface = static_cast<u32>(r.below(2));
    const auto direction = static_cast<Direction>(r.below(3));
    const std::string comment(r.below(9), 'x');
    const auto len = static_cast<u32>(data.size() + r.below(3));
    EXPECT_TRUE(pcap.write({.time = {ns}, .data = data, .original_length = len}));
    EXPECT_TRUE(pcapng.write({interface, {ns}, data, len, direction, Drop::none, comment}));
    want.push_back({0, ns, to_hex(data), len, Direction::unknown, "", 1});
    want_ng.push_back({interface, ns, to_hex(data), len, direction, comment, static_cast<u16>(interface == 0 ? 1 : 101)});
  }
  EXPECT_EQ(read_all(classic).records, want);
  EXPECT_EQ(read_all(ng).records, want_ng);
}

TEST(pcap, a_source_may_give_one_byte_at_a_time) {
  Buffer out;
  PcapngWriter w(into(out));
  w.add_interface("a", LinkType::ethernet);
  w.write({.time = {5}, .data = golden("tcp_syn")});
  auto source = memory_source(out);
  const auto all = read_all([&](MutBytes b) { return source(b.first(std::min<usize>(b.size(), 1))); });
  EXPECT_FALSE(all.error);
  EXPECT_EQ(all.records.size(), 1u);
}

TEST(pcap, reads_both_byte_orders_and_resolutions) {
  const struct {
    const char* file;
    i64 ns;
  } files[] = {
      {"a1b2c3d4 0002 0004 00000000 00000000 0000ffff 00000001  00000002 00000003 00000001 00000009 aa", 2'000'003'000},
      {"d4c3b2a1 0200 0400 00000000 00000000 ffff0000 01000000  02000000 03000000 01000000 09000000 aa", 2'000'003'000},
      {"a1b23c4d 0002 0004 00000000 00000000 0000ffff 00000001  00000002 00000003 00000001 00000009 aa", 2'000'000'003},
      {"4d3cb2a1 0200 0400 00000000 00000000 ffff0000 01000000  02000000 03000000 01000000 09000000 aa", 2'000'000'003},
  };
  for (const auto& f : files) {
    const auto all = read_all(hex(f.file));
    ASSERT_EQ(all.records.size(), 1u) << f.file;
    EXPECT_EQ(all.records[0], (Copy{0, f.ns, "aa", 9, Direction::unknown, "", 1}));
  }
}

TEST(pcapng, big_endian_with_offset_resolution_and_simple_packets) {
  const auto all =
      read_all(hex("0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c"
                   "00000001 0000002c 0065 0000 00000000 0009 0001 03000000 000e 0008 0000000000000064 0000 0000 0000002c"  // ms,
                                                                                                               // offset
                                                                                                               // 100 s
                   "00000bad 00000010 12345678 00000010"  // unknown block
                   "00000006 00000024 00000000 00000000 000003e9 00000002 00000002 aabb0000 00000024"
                   "00000003 00000014 00000003 aabbcc00 00000014"));
  EXPECT_FALSE(all.error);
  ASSERT_EQ(all.records.size(), 2u);
  EXPECT_EQ(all.records[0], (Copy{0, 101'001'000'000, "aabb", 2, Direction::unknown, "", 101}));
  EXPECT_EQ(all.records[1], (Copy{0, 0, "aabbcc", 3, Direction::unknown, "", 101}));
}

TEST(pcapng, every_resolution_and_time_is_within_range) {
  for (u32 resolution = 0; resolution < 256; ++resolution)
    for (const auto* ticks : {"00000000 00000000", "ffffffff ffffffff", "00000001 00000000"})
      for (const auto* offset : {"0000000000000000", "7fffffffffffffff", "8000000000000000"}) {
        std::string tsresol = "00";
        tsresol[0] = "0123456789abcdef"[resolution >> 4];
        tsresol[1] = "0123456789abcdef"[resolution & 15];
        const auto all =
            read_all(hex("0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c"
                         "00000001 0000002c 0065 0000 00000000 0009 0001 " +
                         tsresol + "000000 000e 0008 " + offset + "0000 0000 0000002c 00000006 00000020 00000000 " + ticks +
                         "00000000 00000000 00000020"));
        const u32 n = resolution & 0x7f;
        const bool fits = resolution >= 128 ? n < 64 : n <= 19;
        EXPECT_EQ(all.records.size(), fits ? 1u : 0u) << resolution;
      }
}

TEST(pcapng, a_second_section_forgets_the_interfaces_of_the_first) {
  const std::string section = "0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c";
  const auto all = read_all(hex(section + "00000001 00000014 0001 0000 00000000 00000014" + section +
                                "00000006 00000020 00000000 00000000 00000000 00000000 00000000 00000020"));
  EXPECT_EQ(all.error, CaptureError::malformed);
}

TEST(pcap, a_file_cut_anywhere_is_an_end_or_an_error) {
  Buffer classic, ng;
  PcapWriter pcap(into(classic));
  PcapngWriter pcapng(into(ng));
  pcapng.add_interface("eth0", LinkType::ethernet);
  for (int i = 0; i < 3; ++i) {
    pcap.write({.data = hex("01020304")});
    pcapng.write({.data = hex("01020304"), .comment = "c"});
  }
  for (const Buffer* whole : {&classic, &ng})
    for (usize n = 0; n <= whole->size(); ++n) {
      const auto all = read_all({whole->begin(), whole->begin() + static_cast<long>(n)});
      if (n < 4) {
        EXPECT_EQ(all.error, CaptureError::not_a_capture);
      }
      if (n == whole->size()) {
        EXPECT_FALSE(all.error);
        EXPECT_EQ(all.records.size(), 3u);
      }
    }
}

TEST(pcap, lengths_that_lie_are_errors) {
  const std::string pcap_head = "a1b2c3d4 0002 0004 00000000 00000000 0000ffff 00000001";
  const std::string section = "0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c";
  const std::string interface = "00000001 00000014 0001 0000 00000000 00000014";
  const struct {
    std::string file;
    CaptureError error;
  } bad[] = {
      {pcap_head + "00000000 00000000 ffffffff 00000001", CaptureError::too_long},
      {pcap_head + "00000000 00000000 00000002 00000002 aa", CaptureError::truncated},
      {"01020304", CaptureError::not_a_capture},
      {"0a0d0d0a 0000001c 1a2b3c4e", CaptureError::malformed},
      {"0a0d0d0a 00000010 1a2b3c4d 00000010", CaptureError::malformed},
      {"0a0d0d0a 0000001c 1a2b3c4d 0002 0000 ffffffffffffffff 0000001c", CaptureError::malformed},
      {section + "00000006 00000000", CaptureError::malformed},
      {section + "00000006 0000000d", CaptureError::malformed},
      {section + "00000006 7ffffffc", CaptureError::too_long},
      {section + "00000006 0000000c 0000000d", CaptureError::malformed},
      {section + "00000006 0000000c 0000000c", CaptureError::malformed},
      {section + "00000001 00000010 00000000 00000010", CaptureError::malformed},
      {section + "00000003 00000010 00000000 00000010", CaptureError::malformed},  // no interface
      {section + interface + "00000006 00000020 00000001 00000000 00000000 00000000 00000000 00000020", CaptureError::malformed},
      {section + interface + "00000006 00000020 00000000 00000000 00000000 00000001 00000000 00000020", CaptureError::malformed},
      {section + interface + "00000006 00000020 00000000 00000000 00000000 ffffffff 00000000 00000020", CaptureError::malformed},
      {section + interface + "00000003 00000010 00000001 00000010", CaptureError::malformed},
  };
  for (const auto& b : bad) {
    const auto all = read_all(hex(b.file));
    EXPECT_EQ(all.error, b.error) << b.file;
    EXPECT_TRUE(all.records.empty());
    EXPECT_FALSE(text(b.error).empty());
  }
}

TEST(pcap, a_sink_that_refuses_stops_the_writer) {
  int calls = 0;
  const auto refuse_third = [&](Bytes) { return ++calls < 3; };
  PcapWriter w(refuse_third);
  EXPECT_TRUE(w.write({}));
  EXPECT_FALSE(w.write({}));
  EXPECT_FALSE(w.write({}));
  EXPECT_EQ(calls, 3);
  calls = 0;
  PcapngWriter ng(refuse_third);
  EXPECT_FALSE(ng.write({}));  // no such interface
  EXPECT_TRUE(ng.ok());
  ng.add_interface("a", LinkType::ethernet);
  EXPECT_FALSE(ng.write({}));
  EXPECT_FALSE(ng.ok());
}

}  // namespace
}  // namespace weir::wire

// A reassembly and a simple way to feed it: a packet id stands for the bytes that its fragment carries.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "ip/reassembly.hpp"

namespace weir::ip {

struct Piece {
  u32 offset = 0, length = 0;
  bool more = false;
  u32 tag = 0;  // which data: two pieces of the same range and tag are exact duplicates
};

struct Bench {
  Rng rng = Rng::seeded(11);
  Reassembly reassembly;
  Instant now{};
  u32 next_packet = 0;
  std::map<u32, Drop> dropped;  // packet -> why
  std::vector<u32> given;       // packets of completed datagrams
  struct Whole {
    FragmentKey key;
    u32 length;
    u8 ecn;
    std::vector<std::pair<u32, u32>> ranges;  // {packet, offset}
  };
  std::vector<Whole> wholes;

  explicit Bench(const ReassemblyConfig& c = {}) : reassembly(c, rng) {}

  static FragmentKey key(u32 id = 1, u32 src = 0x0a000001, u8 protocol = 17) {
    return {.src = Ip4Addr{src}, .dst = Ip4Addr{0x0a000002}, .id = id, .netns = 1, .protocol = protocol};
  }
  static Fragment fragment(u32 offset, u32 length, bool more) {
    return {.offset = offset, .length = length, .more = more, .header_length = 20, .protocol = 17, .charge = 2304};
  }

  ReassemblyResult::What add(const FragmentKey& k, Fragment f) {
    f.packet = static_cast<buf::PacketId>(next_packet++);
    ReassemblyResult r = reassembly.add(k, f, now);
    if (r.what == ReassemblyResult::What::complete) {
      Whole w{k, r.length, r.ecn, {}};
      u32 at = 0;
      reassembly.take(r.chain, [&](buf::PacketId p, u32 offset, u32 length) {
        EXPECT_EQ(offset, at) << "in order and without a gap";
        at += length;
        w.ranges.emplace_back(static_cast<u32>(p), offset);
        given.push_back(static_cast<u32>(p));
      });
      EXPECT_EQ(at, r.length);
      wholes.push_back(w);
      return r.what;
    }
    reassembly.take(r.chain, [&](buf::PacketId p, u32, u32) { drop(p, r.chain_why); });
    if (r.what == ReassemblyResult::What::dropped) drop(f.packet, r.why);
    return r.what;
  }
  ReassemblyResult::What add(u32 offset, u32 length, bool more) { return add(key(), fragment(offset, length, more)); }
  void drop(buf::PacketId p, Drop why) {
    EXPECT_NE(why, Drop::none);
    EXPECT_TRUE(dropped.emplace(static_cast<u32>(p), why).second) << "dropped twice";
  }
  std::vector<Reassembly::Expired> expire(Duration d) {
    now = now + d;
    std::vector<Reassembly::Expired> out;
    reassembly.expire(now, 1'000'000, [&](Reassembly::Expired& e) {
      reassembly.take(e.chain, [&](buf::PacketId p, u32, u32) { drop(p, Drop::frag_timeout); });
      out.push_back(e);
    });
    return out;
  }
  [[nodiscard]] usize accounted() const { return dropped.size() + given.size() + reassembly.fragments(); }
};

using What = ReassemblyResult::What;

}  // namespace weir::ip

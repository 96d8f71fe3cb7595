// What the attacks have in common: a TCP engine with a connection from a scripted peer, at every place where sequence
// numbers may begin and over both families, and the invariants that hold whatever arrives:
// one named drop counter per packet dropped, no more replies than stimuli, and nothing left when all is over.
#pragma once

#include "tests/tcp/peer.hpp"

namespace weir::attacks {

using tcp::Limits;
using tcp::State;
using tcp::Tcp;
using tcp::test::F;
using tcp::test::Harness;
using tcp::test::Peer;
using tcp::test::PeerOptions;
using tcp::test::Seg;

struct Place {
  const char* name;
  bool v6;
  SeqNum iss, irs;
};

// 0, just before 2^31 and 2^32 so that the numbers in use straddle them, and one without a pattern.
inline constexpr Place places[] = {
    {"v4 at 0", false, {0}, {0}},
    {"v6 at 2^31", true, {0x7fff'fa00u}, {0x7fff'fc00u}},
    {"v4 at 2^32", false, {0u - 1'500u}, {0u - 1'000u}},
    {"v6 anywhere", true, {0x9e37'79b9u}, {0x3c6e'f372u}},
    {"v6 at 0", true, {0}, {0}},
    {"v4 at 2^31", false, {0x7fff'fa00u}, {0x7fff'fc00u}},
    {"v6 at 2^32", true, {0u - 1'500u}, {0u - 1'000u}},
    {"v4 anywhere", false, {0x9e37'79b9u}, {0x3c6e'f372u}},
};

inline tcp::test::Origin origin_of(const Place& p) {
  tcp::test::Origin o = tcp::test::Origin::of_environment();
  o.iss = p.iss;
  o.irs = p.irs;
  return o;
}

class Victim : public Harness {
 public:
  explicit Victim(const Place& p, const Sysctl& settings = {}, Limits limits = {}, u64 seed = 1) : Harness(seed, limits, origin_of(p)) {
    sysctl = settings;
    if (!p.v6) return;
    here.addr = *IpAddr::parse("fd00::1");
    peer.addr = *IpAddr::parse("fd00::2");
  }

  [[nodiscard]] u64 all_drops() const {
    u64 n = 0;
    for (usize i = 0; i < drop_count; ++i) n += drops.read(static_cast<Drop>(i));
    return n;
  }

  struct Result {
    std::vector<Seg> replies;
    Drop why = Drop::none;  // none: taken
  };
  // One packet of an attacker, and what comes of it before any time passes.
  Result hit(const std::vector<std::byte>& frame) {
    std::array<u64, drop_count> before;
    for (usize i = 0; i < drop_count; ++i) before[i] = drops.read(static_cast<Drop>(i));
    give(frame);
    Result r;
    u64 counted = 0;
    for (usize i = 0; i < drop_count; ++i) {
      const u64 more = drops.read(static_cast<Drop>(i)) - before[i];
      counted += more;
      if (more != 0) r.why = static_cast<Drop>(i);
    }
    EXPECT_LE(counted, 1u) << "one packet, one reason";
    EXPECT_EQ(drops.read(Drop::none), 0u) << "a drop without a reason";
    r.replies = sent();
    EXPECT_LE(r.replies.size(), 1u) << "more replies than stimuli";
    return r;
  }
  Result hit(const Seg& s) { return hit(frame(s)); }

  [[nodiscard]] State state(u32 c) const { return engine.info(c).state; }

  std::string read(u32 c, usize most = ~usize{0}) {
    std::string all;
    std::vector<char> in(std::min<usize>(most, 65'536));
    while (all.size() < most) {
      const auto n = engine.recv(c, std::as_writable_bytes(std::span{in}).first(std::min(in.size(), most - all.size())), 0, now);
      if (!n || *n == 0) break;
      all.append(in.data(), *n);
    }
    return all;
  }
  u32 write(u32 c, usize n, u32 flags = 0) { return engine.send(c, bytes(std::string(n, 'd')), flags, now).value_or(0); }

  // Everybody goes home. Afterwards no timer runs and nothing is held.
  void drain(std::initializer_list<u32> connections) {
    for (const u32 c : connections)
      if (c != 0) engine.abort(c, now);
    out.clear(pool);
    for (int i = 0; i < 100 && engine.next_deadline() != Instant::never(); ++i) {
      pass(60_s);
      out.clear(pool);
    }
    EXPECT_EQ(engine.next_deadline(), Instant::never());
    EXPECT_EQ(engine.connections() + engine.half_open() + engine.time_wait(), 0u);
    EXPECT_EQ(engine.context().table.size(), 0u);
    EXPECT_EQ(engine.context().reassembly.live() + engine.context().extras.live(), 0u);
    EXPECT_EQ(pool.packets_in_use(), 0u);
    EXPECT_EQ(pool.buffers_in_use(), 0u);
    EXPECT_EQ(pool.blocks().live(), 0u);
  }
};

// Runs f(place) at all of them.
template <class Body>
void everywhere(Body&& body) {
  for (const Place& p : places) {
    SCOPED_TRACE(p.name);
    body(p);
  }
}

}  // namespace weir::attacks

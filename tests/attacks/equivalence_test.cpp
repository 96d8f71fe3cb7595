// The same bytes are delivered whatever the batches, the super-segments, the origin of sequence numbers or the family.
#include "tests/attacks/link.hpp"

namespace weir::attacks {
namespace {

std::string pattern(usize n) {
  std::string s(n, 0);
  for (usize i = 0; i < n; ++i) s[i] = static_cast<char>(i * 89 + (i >> 9));
  return s;
}

struct Way {
  usize batch;
  u32 gso_bytes;
};

// What the server reads of what the client writes in pieces of many sizes, to the end of the stream.
std::string transfer(const Place& place, const Way& way, const std::string& all) {
  TwoHosts t(place, {.gso_bytes = way.gso_bytes});
  t.batch = way.batch;
  EXPECT_TRUE(t.connect());
  if (t.s == 0) return {};
  std::string got;
  usize sent = 0;
  for (int i = 0; i < 5'000 && got.size() < all.size(); ++i) {
    const usize piece = std::min<usize>(all.size() - sent, 1 + static_cast<usize>(i * 7'919 % 30'000));
    sent += t.client.engine.send(t.c, Harness::bytes(all).subspan(sent, piece), 0, t.client.now).value_or(0);
    t.run(500_us);
    if (i % 3 == 0) got += t.server.read(t.s, 50'000);
  }
  t.client.engine.close(t.c, t.client.now);
  t.run(10_ms);
  got += t.server.read(t.s);
  char end;
  EXPECT_EQ(*t.server.engine.recv(t.s, std::as_writable_bytes(std::span{&end, 1}), 0, t.server.now), 0u);
  EXPECT_EQ(t.client.count(Tcp::retrans_segs), 0u);
  if (way.gso_bytes > 1'460) {
    EXPECT_LT(t.up.sent, t.up.wire_segments) << "super-segments are on";
  } else {
    EXPECT_EQ(t.up.sent, t.up.wire_segments);
  }
  t.server.drain({t.s, t.listener});
  t.client.drain({});
  return got;
}

TEST(equivalence, batches_super_segments_origins_and_families_deliver_the_same_bytes) {
  const std::string all = pattern(700'000);
  everywhere([&](const Place& place) {
    for (const usize batch : {usize{1}, usize{64}})
      for (const u32 gso : {61'440u, 1'460u}) {
        const std::string got = transfer(place, {batch, gso}, all);
        EXPECT_TRUE(got == all) << "batch " << batch << " gso " << gso << ": " << got.size() << " bytes";
      }
  });
}

TEST(equivalence, a_segment_exactly_2_32_bytes_old_is_refused) {
  everywhere([](const Place& place) {
    Victim h(place);
    Peer p(h, {.timestamps = true});
    const u32 c = p.open();
    Seg first = p.make(F::ack | F::psh);
    first.data = "first time round";
    // 2^32 bytes later all numbers are what they were, but the timestamp, which has gone on by a millisecond at least.
    p.ts += 1;
    p.data(16);
    EXPECT_EQ(h.read(c), std::string(16, 0));
    h.sent();
    first.seq = p.next;  // the place in the window that the old segment now falls on
    const auto r = h.hit(first);
    EXPECT_EQ(r.why, Drop::tcp_paws);
    EXPECT_EQ(r.replies.size(), 1u);
    EXPECT_EQ(h.engine.info(c).rx_bytes, 0u);
    h.drain({c, p.listener});
  });
}

}  // namespace
}  // namespace weir::attacks

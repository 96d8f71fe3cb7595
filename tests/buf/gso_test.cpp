#include "buf/gso.hpp"

#include "base/checksum.hpp"
#include "buf/gro.hpp"
#include "tests/buf/test_pool.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/tcp.hpp"
#include "wire/transport_checksum.hpp"
#include "wire/udp.hpp"

namespace weir::buf {
namespace {

using namespace test;
using wire::TcpFlags;

struct Shape {
  bool v4 = true, tcp = true;
  bool received = false;  // headers in the first buffer, not in the header block
  u16 size = 1448;
  u32 payload = 10'000;
  u16 flags = TcpFlags::ack | TcpFlags::psh;
};

constexpr Ip4Addr src4{0x0a000001}, dst4{0x0a000002};
constexpr Ip6Addr src6{{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}, dst6{{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};
constexpr u32 first_seq = 0xffff'f000;  // wraps inside
const std::string ethernet(14, 'E');
const std::string timestamps{"\x01\x01\x08\x0a\x00\x01\x02\x03\x04\x05\x06\x07", 12};

std::string transport_header(const Shape& s, u32 seq, u32 payload, u16 flags) {
  std::string h(s.tcp ? 32 : 8, 0);
  const auto out = std::as_writable_bytes(std::span{h});
  if (s.tcp) {
    wire::emit(
        wire::TcpFields{
            .src_port = 80, .dst_port = 4000, .seq = {seq}, .ack = {77}, .flags = {flags}, .window = 512, .options = as_bytes(timestamps)},
        out);
  } else {
    wire::emit(wire::UdpFields{80, 4000, static_cast<u16>(payload)}, out);
  }
  return h;
}

std::string headers(const Shape& s, u32 seq, u32 payload, u16 flags) {
  const std::string l4 = transport_header(s, seq, payload, flags);
  std::string ip(s.v4 ? 20 : 40, 0);
  const auto out = std::as_writable_bytes(std::span{ip});
  const u16 len = static_cast<u16>(l4.size() + payload);
  const u8 protocol = s.tcp ? wire::proto::tcp : wire::proto::udp;
  if (s.v4) {
    wire::emit(
        wire::Ipv4Fields{.tos = 2, .payload_len = len, .id = 0xfffe, .dont_fragment = true, .protocol = protocol, .src = src4, .dst = dst4},
        out);
  } else {
    wire::emit(wire::Ipv6Fields{.traffic_class = 2, .flow_label = 5, .payload_len = len, .next_header = protocol, .src = src6, .dst = dst6},
               out);
  }
  return ip + l4;
}

PacketId build(Pool& pool, std::mt19937_64& rng, const Shape& s, u32 seq, const std::string& payload, u16 flags) {
  const std::string h = ethernet + headers(s, seq, static_cast<u32>(payload.size()), flags);
  const u16 ip_len = s.v4 ? 20 : 40;
  PacketId id;
  if (s.received) {
    id = pool.from_bytes(as_bytes(h + payload));
  } else {
    id = pool.alloc();
    pool[id].head = static_cast<u16>(l4_anchor - ip_len - 14);
    pool[id].inline_end = static_cast<u16>(pool[id].head + h.size());
    pool[id].length = static_cast<u32>(h.size());
    std::memcpy(pool.header_block(id) + pool[id].head, h.data(), h.size());
    for (usize at = 0; at < payload.size();) {
      const usize n = std::min<usize>(payload.size() - at, 1 + rng() % 3000);
      EXPECT_TRUE(pool.append(id, slice_of(pool, payload.substr(at, n))));
      at += n;
    }
  }
  Packet& p = pool[id];
  p.family = s.v4 ? 4 : 6;
  p.l4_protocol = s.tcp ? wire::proto::tcp : wire::proto::udp;
  p.l3 = static_cast<u16>(p.head + 14);
  p.l4 = static_cast<u16>(p.l3 + ip_len);
  p.payload = static_cast<u16>(p.head + h.size());
  p.csum.kind = CsumKind::unnecessary;
  return id;
}

PacketId build_super(Pool& pool, std::mt19937_64& rng, const Shape& s, const std::string& payload) {
  const PacketId id = build(pool, rng, s, first_seq, payload, s.flags);
  const u32 segments = (s.payload + s.size - 1) / s.size;
  pool[id].gso = {s.tcp ? (s.v4 ? GsoType::tcp4 : GsoType::tcp6) : GsoType::udp, 0, s.size, static_cast<u16>(segments)};
  pool[id].owner = 9;
  return id;
}

// Checks one frame on its own, by the wire views only, and gives its transport payload.
std::string check_frame(const Shape& s, const std::string& frame, usize index, usize count, std::string& out_flags) {
  EXPECT_EQ(frame.substr(0, 14), ethernet);
  const Bytes packet = as_bytes(frame).subspan(14);
  Bytes l4;
  if (s.v4) {
    const auto ip = wire::Ipv4View::parse(packet);
    EXPECT_TRUE(ip && ip->checksum_ok() && ip->total_length() == packet.size());
    EXPECT_EQ(ip->id(), static_cast<u16>(0xfffe + index));
    EXPECT_EQ(ip->tos(), 2);
    l4 = ip->payload();
    EXPECT_TRUE(wire::transport_checksum_ok(l4, ip->src(), ip->dst(), ip->protocol()));
  } else {
    const auto ip = wire::Ipv6View::parse(packet);
    EXPECT_TRUE(ip && ip->payload_len() == packet.size() - 40);
    l4 = ip->payload();
    EXPECT_TRUE(wire::transport_checksum_ok(l4, ip->src(), ip->dst(), ip->next_header()));
  }
  if (!s.tcp) {
    const auto udp = wire::UdpView::parse(l4);
    EXPECT_TRUE(udp && udp->length() == l4.size() && udp->has_checksum());
    return text_of(udp->payload());
  }
  const auto tcp = wire::TcpView::parse(l4);
  EXPECT_TRUE(tcp);
  EXPECT_EQ(tcp->seq().raw, first_seq + static_cast<u32>(index) * s.size);
  EXPECT_EQ(text_of(tcp->options()), timestamps);
  const u16 last_only = TcpFlags::fin | TcpFlags::psh;
  u16 want = s.flags;
  if (index + 1 != count) want = static_cast<u16>(want & ~last_only);
  if (index != 0) want = static_cast<u16>(want & ~TcpFlags::cwr);
  EXPECT_EQ(tcp->flags().bits, want);
  out_flags += static_cast<char>(tcp->flags().bits);
  return text_of(tcp->payload());
}

class Gso : public ::testing::Test {
 protected:
  Pool pool{small_pool()};
  std::mt19937_64 rng{11};

  template <class F>
  void each_shape(F&& f) {
    for (const bool v4 : {true, false})
      for (const bool tcp : {true, false})
        for (const bool received : {true, false})
          for (const auto& [size, payload] :
               {std::pair<u16, u32>{1448, 1449}, {1448, 2896}, {1448, 10'000}, {100, 4001}, {1, 30}, {536, 64'000}})
            for (const u16 flags : {TcpFlags::ack, static_cast<u16>(TcpFlags::ack | TcpFlags::psh | TcpFlags::fin | TcpFlags::cwr)})
              f(Shape{v4, tcp, received, size, payload, flags});
    EXPECT_EQ(pool.packets_in_use(), 0u);
    EXPECT_EQ(pool.buffers_in_use(), 0u);
    EXPECT_EQ(pool.blocks().live(), 0u);
  }

  // All frames, taken `at_once` at a time.
  std::vector<PacketId> split_all(PacketId super, u32 at_once, bool finish) {
    std::vector<PacketId> all;
    for (bool more = true; more;) {
      std::array<PacketId, 64> out;
      const u32 n = split(pool, super, {out.data(), at_once}, finish);
      EXPECT_GT(n, 0u);
      all.insert(all.end(), out.begin(), out.begin() + n);
      if (out[n - 1] == super) break;
      more = is_super(pool[super]);
      if (!more) all.push_back(super);
    }
    return all;
  }
};

TEST_F(Gso, frames_are_whole_and_their_payloads_are_the_original) {
  each_shape([&](const Shape& s) {
    const std::string payload = random_text(rng, s.payload);
    for (const u32 at_once : {1u, 3u, 64u}) {
      const PacketId super = build_super(pool, rng, s, payload);
      const auto frames = split_all(super, at_once, true);
      EXPECT_EQ(frames.size(), (s.payload + s.size - 1) / s.size);
      EXPECT_EQ(frames.back(), super);  // its owner is credited when the last one is on the wire
      EXPECT_EQ(pool[super].owner, 9u);
      std::string joined, flags;
      for (usize i = 0; i < frames.size(); ++i) {
        EXPECT_FALSE(is_super(pool[frames[i]]));
        EXPECT_EQ(pool[frames[i]].owner, i + 1 == frames.size() ? 9u : 0u);
        joined += check_frame(s, text_of(pool, frames[i]), i, frames.size(), flags);
      }
      EXPECT_TRUE(joined == payload);
      pool.release(frames);
    }
  });
}

TEST_F(Gso, partial_checksums_are_finished_later_to_the_same_bytes) {
  each_shape([&](const Shape& s) {
    const std::string payload = random_text(rng, s.payload);
    const auto whole = split_all(build_super(pool, rng, s, payload), 64, true);
    const auto partial = split_all(build_super(pool, rng, s, payload), 64, false);
    ASSERT_EQ(whole.size(), partial.size());
    for (usize i = 0; i < whole.size(); ++i) {
      EXPECT_EQ(pool[partial[i]].csum.kind, CsumKind::partial);
      EXPECT_TRUE(finish_checksum(pool, partial[i]));
      EXPECT_TRUE(text_of(pool, partial[i]) == text_of(pool, whole[i]));
    }
    pool.release(whole);
    pool.release(partial);
  });
}

TEST_F(Gso, an_empty_pool_leaves_the_rest_for_later) {
  Pool tiny{{.packets = 3, .small_buffers = 64, .large_buffers = 8}};
  const Shape s{.payload = 6000};
  const std::string payload = random_text(rng, s.payload);
  const PacketId super = build_super(tiny, rng, s, payload);
  std::array<PacketId, 8> out;
  u32 n = split(tiny, super, out, true);
  EXPECT_EQ(n, 2u);
  EXPECT_TRUE(is_super(tiny[super]));
  tiny.release({out.data(), n});
  n = split(tiny, super, out, true);
  EXPECT_EQ(n, 3u);
  EXPECT_EQ(out[2], super);
  tiny.release({out.data(), n});
  EXPECT_EQ(tiny.buffers_in_use(), 0u);
}

TEST_F(Gso, merging_the_frames_gives_the_super_segment_back) {
  each_shape([&](const Shape& s) {
    if (!s.tcp || (s.flags & TcpFlags::cwr) != 0) return;
    const std::string payload = random_text(rng, s.payload);
    std::vector<PacketId> frames;
    for (u32 at = 0; at < s.payload; at += s.size) {
      const bool last = at + s.size >= s.payload;
      frames.push_back(build(pool, rng, s, first_seq + at, payload.substr(at, s.size),
                             last ? static_cast<u16>(TcpFlags::ack | TcpFlags::psh) : TcpFlags::ack));
    }
    const u32 buffers = pool.buffers_in_use();
    for (usize i = 1; i < frames.size(); ++i) ASSERT_TRUE(gro_try_merge(pool, frames[0], frames[i]));
    EXPECT_LE(pool.buffers_in_use(), buffers);  // no copy
    const Packet& p = pool[frames[0]];
    EXPECT_EQ(p.gso.segments, frames.size());
    EXPECT_EQ(p.gso.size, std::min<u32>(s.size, s.payload));
    EXPECT_TRUE(text_of(pool, frames[0]).substr(static_cast<usize>(p.payload - p.head)) == payload);
    EXPECT_EQ(load_u8(pool.at(frames[0], p.l4) + 13), TcpFlags::ack | TcpFlags::psh);
    // A run that has ended takes nothing more.
    const PacketId more = build(pool, rng, s, first_seq + s.payload, "x", TcpFlags::ack);
    EXPECT_FALSE(gro_try_merge(pool, frames[0], more));
    pool.release(more);
    pool.release(frames[0]);
  });
}

TEST_F(Gso, merge_refuses_whatever_differs) {
  const auto poke = [&](PacketId id, u16 position, u8 value) { *pool.at(id, position) ^= std::byte{value}; };
  for (const bool v4 : {true, false}) {
    const Shape s{.v4 = v4, .received = true, .flags = TcpFlags::ack};
    const auto attempt = [&](const char* what, auto&& change) {
      const std::string payload = random_text(rng, s.size);
      const PacketId a = build(pool, rng, s, first_seq, payload, TcpFlags::ack);
      const PacketId b = build(pool, rng, s, first_seq + s.size, payload, TcpFlags::ack);
      change(a, b);
      const std::string before = text_of(pool, a);
      EXPECT_FALSE(gro_try_merge(pool, a, b)) << what;
      EXPECT_TRUE(text_of(pool, a) == before) << what;
      pool.release(a);
      pool.release(b);
    };
    attempt("gap", [&](PacketId, PacketId b) { poke(b, static_cast<u16>(pool[b].l4 + 7), 1); });
    attempt("port", [&](PacketId, PacketId b) { poke(b, static_cast<u16>(pool[b].l4 + 1), 1); });
    attempt("ack", [&](PacketId, PacketId b) { poke(b, static_cast<u16>(pool[b].l4 + 11), 1); });
    attempt("window", [&](PacketId, PacketId b) { poke(b, static_cast<u16>(pool[b].l4 + 15), 1); });
    attempt("timestamp", [&](PacketId, PacketId b) { poke(b, static_cast<u16>(pool[b].l4 + 27), 1); });
    attempt("ECN", [&](PacketId, PacketId b) { poke(b, static_cast<u16>(pool[b].l3 + 1), v4 ? 1 : 16); });
    attempt("source", [&](PacketId, PacketId b) { poke(b, static_cast<u16>(pool[b].l3 + 15), 1); });
    attempt("urgent", [&](PacketId a, PacketId b) {
      poke(a, static_cast<u16>(pool[a].l4 + 13), TcpFlags::urg);
      poke(b, static_cast<u16>(pool[b].l4 + 13), TcpFlags::urg);
    });
    attempt("push of the first", [&](PacketId a, PacketId) { poke(a, static_cast<u16>(pool[a].l4 + 13), TcpFlags::psh); });
    attempt("not verified", [&](PacketId, PacketId b) { pool[b].csum.kind = CsumKind::none; });
    attempt("short first", [&](PacketId a, PacketId b) {
      pool.trim_to(a, pool[a].length - 1);
      poke(b, static_cast<u16>(pool[b].l4 + 7), 1);  // next in sequence, but longer than the first
    });
    PacketId other = PacketId::none;
    attempt("shared headers", [&](PacketId a, PacketId) { other = pool.clone(a); });
    pool.release(other);
  }
  EXPECT_EQ(pool.packets_in_use(), 0u);
}

TEST_F(Gso, a_merged_run_stays_within_64_kib) {
  const Shape s{.received = true, .size = 1460, .flags = TcpFlags::ack};
  const PacketId head = build(pool, rng, s, first_seq, random_text(rng, 1460), TcpFlags::ack);
  u32 merged = 0;
  for (;; ++merged) {
    const PacketId next = build(pool, rng, s, first_seq + 1460 * (merged + 1), random_text(rng, 1460), TcpFlags::ack);
    if (gro_try_merge(pool, head, next)) continue;
    pool.release(next);
    break;
  }
  EXPECT_EQ(merged, (65'535u - 52) / 1460 - 1);
  EXPECT_LE(pool[head].length - 14, 65'535u);
  pool.release(head);
  EXPECT_EQ(pool.buffers_in_use(), 0u);
}

}  // namespace
}  // namespace weir::buf

#include "buf/slice_queue.hpp"

#include "tests/buf/test_pool.hpp"

namespace weir::buf {
namespace {

using namespace test;

// Random operations on a queue and on a std::string must agree at every step.
class Model {
 public:
  explicit Model(u64 seed) : rng(seed) {}

  void step() {
    switch (rng() % 8) {
      case 0:
      case 1: copy_in(); break;
      case 2: push(); break;
      case 3: packet_in(); break;
      case 4: pop(); break;
      case 5: take(); break;
      case 6: peek(); break;
      default: reference(); break;
    }
    ASSERT_EQ(queue.size(), text.size());
    ASSERT_EQ(queue.charged() == 0, text.empty());
    ASSERT_GE(queue.charged(), text.size());
  }

  void finish() {
    queue.clear(pool);
    for (const PacketId id : held) pool.release(id);
    EXPECT_EQ(queue.charged(), 0u);
    EXPECT_EQ(pool.buffers_in_use(), 0u);
    EXPECT_EQ(pool.packets_in_use(), 0u);
    EXPECT_EQ(pool.blocks().live(), 0u);
  }

  bool full() const { return text.size() > 200'000; }

 private:
  u32 random_size() {
    constexpr std::array<u32, 4> limits{10, 300, 3000, 20'000};
    return static_cast<u32>(rng() % limits[rng() % limits.size()]);
  }

  void copy_in() {
    if (full()) return;
    const std::string more = random_text(rng, random_size());
    ASSERT_EQ(queue.append_copy(pool, as_bytes(more)), more.size());
    text += more;
  }

  void push() {
    if (full()) return;
    const std::string more = random_text(rng, random_size() % 2000);
    ASSERT_TRUE(queue.push(pool, slice_of(pool, more)));
    text += more;
  }

  void packet_in() {
    if (full()) return;
    std::string bytes;
    const PacketId id = shaped(pool, rng, static_cast<u32>(rng() % 100), 1 + static_cast<u32>(rng() % 20), bytes);
    const u32 skip = static_cast<u32>(rng() % bytes.size());
    const u32 length = static_cast<u32>(rng() % (bytes.size() - skip + 1));
    ASSERT_EQ(queue.append_packet(pool, id, skip, length), length);
    text += bytes.substr(skip, length);
    pool.release(id);
  }

  void pop() {
    const u32 n = static_cast<u32>(rng() % (text.size() + 1));
    queue.pop(pool, n);
    text.erase(0, n);
  }

  void take() {
    if (text.empty()) return;
    const Slice s = queue.take(pool, 1 + random_size());
    ASSERT_EQ(text_of(pool.bytes(s)), text.substr(0, s.length));
    text.erase(0, s.length);
    pool.unref(s.buffer);
  }

  void peek() {
    const u32 offset = static_cast<u32>(rng() % (text.size() + 1));
    std::string out(rng() % (text.size() - offset + 1), 0);
    ASSERT_EQ(queue.peek(pool, offset, std::as_writable_bytes(std::span{out})), out.size());
    ASSERT_EQ(out, text.substr(offset, out.size()));
  }

  // A packet on its way keeps its bytes whatever happens to the queue.
  void reference() {
    const u32 offset = static_cast<u32>(rng() % (text.size() + 1));
    const u32 length = static_cast<u32>(rng() % (std::min<usize>(text.size() - offset, 60'000) + 1));
    const PacketId id = pool.alloc();
    ASSERT_TRUE(queue.reference(pool, id, offset, length));
    held.push_back(id);
    held_text.push_back(text.substr(offset, length));
    if (held.size() < 8) return;
    for (usize i = 0; i < held.size(); ++i) {
      ASSERT_EQ(text_of(pool, held[i]), held_text[i]);
      pool.release(held[i]);
    }
    held.clear();
    held_text.clear();
  }

  std::mt19937_64 rng;
  Pool pool{small_pool()};
  SliceQueue queue;
  std::string text;
  std::vector<PacketId> held;
  std::vector<std::string> held_text;
};

TEST(SliceQueue, agrees_with_a_string) {
  for (u64 seed = 1; seed <= 30; ++seed) {
    Model model(seed);
    for (int i = 0; i < 400; ++i) {
      model.step();
      ASSERT_FALSE(::testing::Test::HasFatalFailure()) << "seed " << seed << " step " << i;
    }
    model.finish();
  }
}

TEST(SliceQueue, small_payloads_share_a_buffer) {
  Pool pool(small_pool());
  SliceQueue queue;
  for (int i = 0; i < 20; ++i) {
    const PacketId id = pool.from_bytes(as_bytes(std::string(64, static_cast<char>(i))));
    EXPECT_EQ(queue.append_packet(pool, id, 0, 64), 64u);
    pool.release(id);
  }
  EXPECT_EQ(pool.buffers_in_use(), 1u);
  queue.clear(pool);
  EXPECT_EQ(pool.buffers_in_use(), 0u);
}

TEST(SliceQueue, a_pool_that_runs_dry_leaves_no_hole) {
  Pool pool({.packets = 64, .small_buffers = 4, .large_buffers = 1});
  std::mt19937_64 rng(3);
  SliceQueue queue;
  std::string bytes;
  const PacketId id = shaped(pool, rng, 100, 3, bytes);
  while (pool.alloc_small() != BufferId::none) {
  }
  const BufferId last = pool.alloc_large();
  std::string out(100, 0);
  const u32 n = queue.append_packet(pool, id, 0, 100);
  EXPECT_EQ(n, 0u);
  pool.unref(last);
  EXPECT_EQ(queue.append_packet(pool, id, 0, 100), 100u);
  EXPECT_EQ(queue.peek(pool, 0, std::as_writable_bytes(std::span{out})), 100u);
  EXPECT_EQ(out, bytes.substr(0, 100));
  queue.clear(pool);
  pool.release(id);
}

}  // namespace
}  // namespace weir::buf

#include "buf/pool.hpp"

#include "base/checksum.hpp"
#include "tests/buf/test_pool.hpp"

namespace weir::buf {
namespace {

using namespace test;

class PoolTest : public ::testing::Test {
 protected:
  Pool pool{small_pool()};
  std::mt19937_64 rng{7};

  void expect_empty() {
    EXPECT_EQ(pool.packets_in_use(), 0u);
    EXPECT_EQ(pool.buffers_in_use(), 0u);
    EXPECT_EQ(pool.blocks().live(), 0u);
  }

  // Each shape of a packet: with and without header block, no slice to an overflow chain of several blocks.
  template <class F>
  void each_shape(F&& f) {
    for (const u32 in_block : {0u, 1u, 54u, 108u})
      for (const u32 slices : {0u, 1u, 2u, 3u, 4u, 5u, 17u, 18u, 40u}) {
        if (in_block == 0 && slices == 0) continue;
        std::string model;
        const PacketId id = shaped(pool, rng, in_block, slices, model);
        f(id, model);
        expect_empty();
      }
  }
};

TEST_F(PoolTest, bytes_of_every_shape_come_out_in_order) {
  each_shape([&](PacketId id, const std::string& model) {
    EXPECT_EQ(pool[id].length, model.size());
    EXPECT_EQ(text_of(pool, id), model);
    pool.release(id);
  });
}

TEST_F(PoolTest, trim_front_and_trim_to_equal_substr) {
  for (int round = 0; round < 20; ++round)
    each_shape([&](PacketId id, std::string model) {
      while (!model.empty()) {
        const u32 n = static_cast<u32>(rng() % (model.size() + 1));
        if (rng() % 2 == 0) {
          pool.trim_front(id, n);
          model.erase(0, n);
        } else {
          const u32 keep = n + (static_cast<u32>(model.size()) - n) / 2;
          pool.trim_to(id, keep);
          model.resize(keep);
          if (rng() % 4 == 0) {  // what was cut off gives way to new bytes
            const std::string more = random_text(rng, 1 + rng() % 50);
            ASSERT_TRUE(pool.append(id, slice_of(pool, more)));
            model += more;
          }
        }
        ASSERT_EQ(pool[id].length, model.size());
        ASSERT_EQ(text_of(pool, id), model);
        if (rng() % 8 == 0) break;
      }
      pool.release(id);
    });
}

TEST_F(PoolTest, trim_to_gives_buffers_back_at_once) {
  std::string model;
  const PacketId id = shaped(pool, rng, 40, 40, model);
  pool.trim_to(id, 40);
  EXPECT_EQ(pool.buffers_in_use(), 0u);
  EXPECT_EQ(pool.blocks().live(), 0u);
  pool.release(id);
  expect_empty();
}

TEST_F(PoolTest, take_front_moves_slices_out) {
  each_shape([&](PacketId id, std::string model) {
    const u32 in_block = pool[id].inline_end != 0 ? static_cast<u32>(pool[id].inline_end - pool[id].head) : 0u;
    std::string taken;
    while (pool[id].length > in_block) {
      const Slice s = pool.take_front(id, 1 + static_cast<u32>(rng() % 700));
      taken += text_of(pool.bytes(s));
      pool.unref(s.buffer);
      ASSERT_EQ(text_of(pool, id), model.substr(0, in_block) + model.substr(in_block + taken.size()));
    }
    EXPECT_EQ(taken, model.substr(in_block));
    pool.release(id);
  });
}

TEST_F(PoolTest, pull_up_makes_a_run_and_keeps_positions) {
  for (int round = 0; round < 10; ++round)
    each_shape([&](PacketId id, const std::string& model) {
      Packet& p = pool[id];
      p.l3 = static_cast<u16>(p.head + 1);
      p.l4 = static_cast<u16>(p.head + 2);
      const u32 n = static_cast<u32>(rng() % std::min<usize>(model.size() + 1, 2000));
      ASSERT_TRUE(pool.pull_up(id, n));
      EXPECT_GE(pool.first_run(id).size(), n);
      EXPECT_EQ(text_of(pool, id), model);
      EXPECT_EQ(p.l3, p.head + 1);
      EXPECT_EQ(p.l4, p.head + 2);
      EXPECT_FALSE(pool.pull_up(id, p.length + 1));
      pool.release(id);
    });
}

TEST_F(PoolTest, clone_holds_the_same_bytes_and_outlives_the_original) {
  each_shape([&](PacketId id, const std::string& model) {
    const u32 buffers = pool.buffers_in_use();
    const PacketId copy = pool.clone(id);
    ASSERT_NE(copy, PacketId::none);
    EXPECT_EQ(pool.buffers_in_use(), buffers);  // no copy of the payload
    pool.release(id);
    EXPECT_EQ(text_of(pool, copy), model);
    pool.release(copy);
  });
}

TEST_F(PoolTest, make_writable_leaves_the_other_holder_alone) {
  each_shape([&](PacketId id, const std::string& model) {
    const PacketId copy = pool.clone(id);
    ASSERT_TRUE(pool.make_writable(copy));
    *pool.at(copy, pool[copy].head) = std::byte{static_cast<u8>(~model[0])};
    EXPECT_EQ(text_of(pool, id), model);
    EXPECT_EQ(text_of(pool, copy).substr(1), model.substr(1));
    pool.release(id);
    pool.release(copy);
  });
}

TEST_F(PoolTest, push_front_uses_the_headroom) {
  const std::string text = random_text(rng, 100);
  const PacketId id = pool.from_bytes(as_bytes(text));
  pool.push_front(id, 14);
  std::memset(pool.at(id, pool[id].head), 'x', 14);
  EXPECT_EQ(text_of(pool, id), std::string(14, 'x') + text);
  pool.release(id);
  expect_empty();
}

TEST_F(PoolTest, sum_does_not_depend_on_the_slices) {
  for (int round = 0; round < 10; ++round)
    each_shape([&](PacketId id, const std::string& model) {
      const u32 skip = static_cast<u32>(rng() % model.size());
      EXPECT_EQ(csum_fold(pool.sum_from(id, skip)), csum_fold(csum_add(as_bytes(model).subspan(skip))));
      pool.release(id);
    });
}

TEST_F(PoolTest, adjoining_slices_become_one) {
  const std::string text = random_text(rng, 300);
  const PacketId id = pool.alloc();
  const Slice all = slice_of(pool, text);
  for (u16 at = 0; at < 300; at = static_cast<u16>(at + 10)) {
    pool.ref(all.buffer);
    ASSERT_TRUE(pool.append(id, {all.buffer, at, 10}));
  }
  EXPECT_EQ(pool[id].slices_n, 1);
  EXPECT_EQ(text_of(pool, id), text);
  pool.unref(all.buffer);
  pool.release(id);
  expect_empty();
}

TEST_F(PoolTest, from_bytes_of_any_size) {
  for (const usize n : {0u, 1u, 1514u, 2048u, 2049u, 4225u, 16'384u, 20'000u, 65'535u}) {
    const std::string text = random_text(rng, n);
    const PacketId id = pool.from_bytes(as_bytes(text));
    ASSERT_NE(id, PacketId::none);
    EXPECT_EQ(text_of(pool, id), text);
    pool.release(id);
    expect_empty();
  }
}

TEST_F(PoolTest, an_empty_pool_says_so_and_counts_it) {
  Pool tiny{{.packets = 2, .small_buffers = 1, .large_buffers = 1}};
  const PacketId a = tiny.from_bytes(as_bytes("x"));
  ASSERT_NE(a, PacketId::none);
  EXPECT_EQ(tiny.from_bytes(as_bytes("y")), PacketId::none);
  EXPECT_EQ(tiny.packets_in_use(), 1u);
  EXPECT_EQ(tiny.stats().buffer_misses, 1u);
  const PacketId b = tiny.alloc();
  EXPECT_EQ(tiny.alloc(), PacketId::none);
  EXPECT_EQ(tiny.stats().packet_misses, 1u);
  tiny.release(a);
  tiny.release(b);
  EXPECT_EQ(tiny.buffers_in_use(), 0u);
}

// docs/decisions/007: users get none of the last eighth, and a queue never more than a quarter of what is beyond it.
TEST_F(PoolTest, the_last_buffers_are_not_for_users_and_the_share_of_a_queue_shrinks_with_what_is_left) {
  constexpr u32 n = 160;
  Pool small{{.packets = 16, .small_buffers = 16 * n, .large_buffers = n}};
  std::vector<BufferId> held;
  EXPECT_EQ(small.share(), n * 7 / 8 * Pool::large_stride / 4);
  for (u32 left = n * 7 / 8; left != 0; --left) {
    EXPECT_EQ(small.share(), std::max(left * Pool::large_stride / 4, Pool::large_stride));
    held.push_back(small.alloc_for(Pool::large_stride, Purpose::user));
    ASSERT_NE(held.back(), BufferId::none);
  }
  EXPECT_EQ(small.alloc_for(Pool::large_stride, Purpose::user), BufferId::none);
  for (u32 i = 0; i < n / 16; ++i) {
    EXPECT_EQ(small.share(), Pool::large_stride) << "a little of the reserve for each";
    held.push_back(small.alloc_for(Pool::large_stride));
    ASSERT_NE(held.back(), BufferId::none);
  }
  for (u32 left = n / 16; left > n / 32; --left) {
    held.push_back(small.alloc_large());
    EXPECT_EQ(small.share(), Pool::small_stride) << "enough to get on for who has nothing";
  }
  held.push_back(small.alloc_large());
  EXPECT_EQ(small.share(), 0u) << "the last quarter of the reserve is for nobody's queue";
  for (const BufferId b : held) small.unref(b);
  EXPECT_EQ(small.buffers_in_use(), 0u);
}

}  // namespace
}  // namespace weir::buf

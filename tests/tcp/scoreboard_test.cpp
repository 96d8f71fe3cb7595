// The scoreboard against a model that keeps a state for each byte: random sends, SACKs, judgements, retransmissions, ACKs.
#include "tcp/scoreboard.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "base/rng.hpp"

namespace weir::tcp {
namespace {

struct Byte {
  bool sacked = false, missing = false, again = false;
};

// Sequence numbers wrap in each run.
class Model {
 public:
  explicit Model(u64 seed) : rng(Rng::seeded(seed)) {}
  ~Model() { board.clear(chunks); }

  void send() {
    const u32 segments = 1 + static_cast<u32>(rng.below(12));
    const u32 len = rng.below(3) == 0 ? 1 + static_cast<u32>(rng.below(mss)) : segments * mss;
    ASSERT_TRUE(board.sent(chunks, {.start = end(), .len = len, .mss = mss}));
    bytes.insert(bytes.end(), len, Byte{});
    starts.push_back(len);
  }
  void ack() {
    const u32 n = static_cast<u32>(rng.below(std::min<usize>(bytes.size(), 20 * mss) + 1));
    u32 seen = 0;
    board.acked(chunks, una + n, [&](const Sent& s) {
      EXPECT_EQ(s.start, una + seen);
      for (u32 i = 0; i < s.len; ++i) EXPECT_EQ(s.is(Sent::sacked), bytes[seen + i].sacked);
      seen += s.len;
    });
    EXPECT_EQ(seen, n);
    bytes.erase(bytes.begin(), bytes.begin() + n);
    una += n;
  }
  // Any block, well cut or not: bytes are only ever known of in whole records of the board, so the model follows what it is told.
  void sack() {
    const auto [left, right] = any_range();
    board.take_sack(chunks, left, right, [&](const Sent& s) {
      EXPECT_TRUE(left <= s.start && s.end() <= right) << "beyond the block";
      for (u32 i = 0; i < s.len; ++i) {
        Byte& b = bytes[s.start - una + i];
        EXPECT_FALSE(b.sacked) << "told twice";
        EXPECT_EQ(s.is(Sent::missing), b.missing);
        b = {.sacked = true};
      }
    });
  }
  void judge() {
    const auto [left, right] = any_range();
    // Cut to whole segments as for SACK: the board says how much it took.
    const u32 before = count(&Byte::missing) - count(&Byte::again);
    board.mark_missing(chunks, left, right);
    follow();
    EXPECT_GE(count(&Byte::missing) - count(&Byte::again), before);
  }
  void repair() {
    Scoreboard::Range gap;
    if (!board.next_missing(chunks, gap)) {
      for (const Byte& b : bytes) EXPECT_FALSE(b.missing && !b.again);
      return;
    }
    for (u32 i = 0; i < gap.start - una; ++i) EXPECT_FALSE(bytes[i].missing && !bytes[i].again) << "not the first";
    const u32 n = 1 + static_cast<u32>(rng.below(gap.len));
    ASSERT_NE(board.sent_again(chunks, gap.start, n, 7), nullptr);
    for (u32 i = 0; i < n; ++i) {
      Byte& b = bytes[gap.start - una + i];
      EXPECT_TRUE(b.missing && !b.again);
      b.again = true;
    }
  }
  void check() {
    EXPECT_EQ(board.sacked(), count(&Byte::sacked));
    EXPECT_EQ(board.missing(), count(&Byte::missing));
    EXPECT_EQ(board.again(), count(&Byte::again));
    SeqNum at = una;
    SentList& list = board.list();
    u32 records = 0;
    for (auto p = list.begin(); list.valid(p); p = list.next(chunks, p), ++records) {
      const Sent& s = list.at(chunks, p);
      ASSERT_EQ(s.start, at);
      for (u32 i = 0; i < s.len; ++i) {
        const Byte& b = bytes[at - una + i];
        ASSERT_EQ(b.sacked, s.is(Sent::sacked));
        ASSERT_EQ(b.missing, s.is(Sent::missing));
        ASSERT_EQ(b.again, s.is(Sent::again));
      }
      at += s.len;
      ASSERT_EQ(list.find(chunks, s.start), p);
      ASSERT_EQ(list.find(chunks, s.end() - 1), p);
    }
    EXPECT_EQ(at, end());
    EXPECT_EQ(records, board.records());
  }

  static constexpr u16 mss = 10;
  Rng rng;
  SentChunks chunks{10'000};
  Scoreboard board;
  SeqNum una{0u - 500};
  std::deque<Byte> bytes;
  std::vector<u32> starts;

  [[nodiscard]] SeqNum end() const { return una + static_cast<u32>(bytes.size()); }

 private:
  std::pair<SeqNum, SeqNum> any_range() {
    const u32 size = static_cast<u32>(bytes.size());
    u32 a = static_cast<u32>(rng.below(size + 1)), b = static_cast<u32>(rng.below(size + 1));
    if (rng.below(4) == 0) b = std::min(size, a + 3 * mss);
    return {una + std::min(a, b), una + std::max(a, b)};
  }
  [[nodiscard]] u32 count(bool Byte::* what) const {
    u32 n = 0;
    for (const Byte& b : bytes) n += b.*what;
    return n;
  }
  // What a judgement did: only bytes that are not SACKed may have become missing and no longer on their way.
  void follow() {
    SentList& list = board.list();
    for (auto p = list.begin(); list.valid(p); p = list.next(chunks, p)) {
      const Sent& s = list.at(chunks, p);
      for (u32 i = 0; i < s.len; ++i) {
        Byte& b = bytes[s.start - una + i];
        EXPECT_FALSE(b.sacked && s.is(Sent::missing));
        EXPECT_TRUE(!b.missing || s.is(Sent::missing)) << "a judgement is not taken back";
        b.missing = s.is(Sent::missing);
        b.again = s.is(Sent::again);
      }
    }
  }
};

TEST(tcp_scoreboard, agrees_with_a_state_per_byte) {
  for (u64 seed = 1; seed <= 60; ++seed) {
    Model m(seed);
    for (int step = 0; step < 400; ++step) {
      switch (m.rng.below(8)) {
        case 0:
        case 1:
          if (m.bytes.size() < 4'000) m.send();
          break;
        case 2:
          if (m.rng.below(3) == 0) m.ack();
          break;
        case 3:
        case 4: m.sack(); break;
        case 5: m.judge(); break;
        default: m.repair();
      }
      m.check();
      ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed << ", step " << step;
    }
  }
}

struct Board : testing::Test {
  ~Board() override { board.clear(chunks); }
  void flight(u32 segments) { ASSERT_TRUE(board.sent(chunks, {.start = {1'000}, .len = segments * 100, .mss = 100})); }
  u32 sack(u32 left, u32 right) {
    u32 n = 0;
    board.take_sack(chunks, {left}, {right}, [&](const Sent& s) { n += s.len; });
    return n;
  }
  SentChunks chunks{100};
  Scoreboard board;
};

TEST_F(Board, a_super_segment_is_split_at_segments_and_not_within_them) {
  flight(10);
  EXPECT_EQ(sack(1'250, 1'650), 300u) << "1,300 to 1,600: of the others a part is not a whole segment";
  EXPECT_EQ(board.records(), 3u);
  EXPECT_EQ(sack(1'250, 1'650), 0u);
  EXPECT_EQ(sack(1'010, 1'090), 0u) << "less than a segment: no receiver keeps that";
}

TEST_F(Board, neighbours_that_have_arrived_become_one_record) {
  flight(30);
  for (u32 i = 0; i < 30; i += 2) EXPECT_EQ(sack(1'000 + i * 100, 1'100 + i * 100), 100u);
  EXPECT_EQ(board.records(), 30u);
  for (u32 i = 1; i < 29; i += 2) EXPECT_EQ(sack(1'000 + i * 100, 1'100 + i * 100), 100u);
  EXPECT_EQ(board.records(), 2u) << "all but the last, and the last";
  EXPECT_EQ(board.sacked(), 2'900u);
}

TEST_F(Board, what_was_sent_again_and_is_lost_again_is_first_in_line) {
  flight(10);
  sack(1'300, 2'000);
  EXPECT_EQ(board.mark_missing(chunks, {1'000}, {1'300}), 300u);
  Scoreboard::Range gap;
  for (u32 i = 0; i < 3; ++i) {
    ASSERT_TRUE(board.next_missing(chunks, gap));
    EXPECT_EQ(gap.start, SeqNum{1'000 + i * 100});
    ASSERT_NE(board.sent_again(chunks, gap.start, 100, 1), nullptr);
  }
  EXPECT_FALSE(board.next_missing(chunks, gap));
  EXPECT_EQ(board.left_network(), 700u);
  EXPECT_TRUE(board.mark_missing(chunks, board.list().find(chunks, {1'100})));
  ASSERT_TRUE(board.next_missing(chunks, gap));
  EXPECT_EQ(gap.start, SeqNum{1'100});
  EXPECT_EQ(board.left_network(), 800u);
}

TEST_F(Board, records_are_given_back) {
  for (u32 i = 0; i < 200; ++i) ASSERT_TRUE(board.sent(chunks, {.start = {1'000 + i * 100}, .len = 100, .mss = 100}));
  EXPECT_GE(chunks.live(), 8u);
  for (u32 i = 0; i < 200; i += 2) sack(1'000 + i * 100, 1'100 + i * 100);
  board.acked(chunks, {1'000 + 199 * 100}, [](const Sent&) {});
  EXPECT_EQ(board.records(), 1u);
  EXPECT_EQ(chunks.live(), 1u);
  board.acked(chunks, {1'000 + 200 * 100}, [](const Sent&) {});
  EXPECT_EQ(chunks.live(), 0u);
  EXPECT_EQ(board.left_network(), 0u);
}

}  // namespace
}  // namespace weir::tcp

// Out-of-order data against a set of positions: what is held, what comes out, and that it is the right bytes.
#include <vector>

#include "tcp/reassembly.hpp"
#include "tests/fuzz/tcp_host.hpp"

using namespace weir;
using namespace weir::fuzz;

namespace {

constexpr u32 space = 1'024;

std::byte byte_at(u32 position) { return static_cast<std::byte>(position * 7 + (position >> 8)); }

class Model {
 public:
  Model(SeqNum origin, u32 limit)
      : origin_(origin), limit_(limit), pool_({.packets = 16, .small_buffers = 1'024, .large_buffers = 32}), held_(space) {}

  void add(u32 at, u32 len) {
    at = next_ + 1 + at % (space - 1);
    if (at >= space) return;
    len = std::min(len, space - at);
    std::vector<std::byte> bytes(len);
    for (u32 i = 0; i < len; ++i) bytes[i] = byte_at(at + i);
    const buf::PacketId id = pool_.from_bytes(bytes);
    if (id == buf::PacketId::none) return;
    const bool room = pool_.small_available() > 600 && pool_.large_available() > 8;
    const u32 before = r_.bytes(), ranges = r_.ranges();
    const auto added = r_.add(pool_, origin_ + at, id, 0, len, limit_);
    pool_.release(id);
    FUZZ_CHECK(r_.bytes() == before + added.bytes - added.pruned);
    std::vector<bool> want = held_;
    for (u32 i = 0; i < len; ++i) want[at + i] = true;
    take_over();
    for (u32 i = 0; i < space; ++i) FUZZ_CHECK(!held_[i] || want[i]);
    if (room && added.pruned == 0 && ranges < tcp::Reassembly::max_ranges) FUZZ_CHECK(held_ == want);
    FUZZ_CHECK(r_.charged() <= limit_);
  }

  // The bytes up to `by` further on arrive in order; what lies behind them comes out.
  void take(u32 by) {
    const u32 to = std::min(next_ + by, space);
    const u32 got = r_.take(pool_, origin_ + to, queue_);
    u32 want = 0;
    while (to + want < space && held_[to + want]) ++want;
    FUZZ_CHECK(got == queue_.size() && got == want);
    std::vector<std::byte> out(got);
    queue_.peek(pool_, 0, out);
    for (u32 i = 0; i < got; ++i) FUZZ_CHECK(out[i] == byte_at(to + i));
    queue_.clear(pool_);
    next_ = to + got;
    for (u32 i = 0; i < next_; ++i) held_[i] = false;
    take_over();
  }

  [[nodiscard]] bool full() const { return next_ + 2 >= space; }
  void finish() {
    r_.clear(pool_);
    FUZZ_CHECK(r_.empty() && r_.charged() == 0 && pool_.packets_in_use() == 0 && pool_.buffers_in_use() == 0 && pool_.blocks().live() == 0);
  }

 private:
  // Sorted, apart from each other; and what is held now.
  void take_over() {
    std::vector<bool> now(space);
    for (u32 k = 0; k < r_.ranges(); ++k) {
      const auto x = r_.range(k);
      FUZZ_CHECK(x.start < x.end && (k == 0 || r_.range(k - 1).end < x.start));
      for (SeqNum s = x.start; s < x.end; ++s) now[s - origin_] = true;
    }
    held_ = now;
  }

  SeqNum origin_;
  u32 limit_;
  buf::Pool pool_;
  tcp::Reassembly r_;
  buf::SliceQueue queue_;
  std::vector<bool> held_;
  u32 next_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, usize size) {
  constexpr u32 origins[] = {0, 0x7fff'fe00, 0xffff'fe00, 12'345};
  constexpr u32 limits[] = {20'000, 100'000, 1u << 30};
  Input in(input(data, size));
  const SeqNum origin{in.of(origins)};
  Model m(origin, in.of(limits));
  for (int i = 0; i < 400 && !in.empty() && !m.full(); ++i) {
    const u8 what = in.byte();
    if (what < 16) m.take(in.byte());
    else if (what < 64) m.add(in.word(), 1);
    else if (what < 96) m.add(in.byte() * 2u, 1);
    else m.add(in.word(), in.word() % 700u);
  }
  m.finish();
  return 0;
}

#include "base/timer_wheel.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/assert.hpp"
#include "base/memory.hpp"

namespace weir {
namespace {

constexpr i64 ns_per_tick = 1'000'000;
constexpr u64 no_tick = ~u64{0};
constexpr u32 few_stale = 4 * IdLists::chunk_ids;  // not worth a walk

// The first chunks of keys come one by one; from a huge page's worth on they come 32 at a time in one mapped piece.
constexpr usize key_chunk_bytes = 64 * 1024;
constexpr usize chunks_per_piece = huge_page / key_chunk_bytes;

// Distance 1..256 from `from` to the next set bit behind it, going round; 0 if no bit is set.
u32 next_set(const std::array<u64, 4>& bits, u32 from) noexcept {
  const u32 start = (from + 1) & 255;
  u64 word = bits[start / 64] & (~u64{0} << (start % 64));
  for (u32 i = 0; i <= 4; ++i) {
    const u32 at = (start / 64 + i) & 3;
    if (i > 0) word = bits[at];
    if (i == 4) word &= (u64{1} << (start % 64)) - 1;  // the front of the word that the search began in
    if (word != 0) return ((at * 64 + static_cast<u32>(std::countr_zero(word)) - start) & 255) + 1;
  }
  return 0;
}

}  // namespace

TimerWheel::TimerWheel(Instant start) : start_ns_(start.ns) {}

TimerWheel::~TimerWheel() {
  for (usize i = 0; i < chunks_.size(); i += i < chunks_per_piece ? 1 : chunks_per_piece)
    piece_free(chunks_[i], i < chunks_per_piece ? key_chunk_bytes : huge_page);
}

void TimerWheel::add_key_chunks() {
  static_assert(sizeof(u64) << key_bits == key_chunk_bytes);
  const bool single = chunks_.size() < chunks_per_piece;
  auto* keys = static_cast<u64*>(piece_alloc(single ? key_chunk_bytes : huge_page));
  WEIR_ASSERT(keys != nullptr);
  for (usize i = 0; i < (single ? 1 : chunks_per_piece); ++i, keys += usize{1} << key_bits) chunks_.push_back(keys);
}

void TimerWheel::reserve(u32 max_id) {
  WEIR_ASSERT(max_id < u32{1} << 31);
  while (chunks_.size() <= max_id >> key_bits) add_key_chunks();
  for (; ids_ <= max_id; ++ids_) key(ids_) = place_none;
}

usize TimerWheel::memory_bytes() const noexcept { return sizeof *this + chunks_.size() * key_chunk_bytes + entries_.memory_bytes(); }

u64 TimerWheel::tick_for(Instant deadline) const noexcept {
  if (deadline.ns <= start_ns_) return 0;
  const u64 ns = static_cast<u64>(deadline.ns) - static_cast<u64>(start_ns_);
  return (ns + (ns_per_tick - 1)) / ns_per_tick;
}

u64 TimerWheel::tick_reached(Instant now) const noexcept {
  if (now.ns <= start_ns_) return 0;
  return (static_cast<u64>(now.ns) - static_cast<u64>(start_ns_)) / ns_per_tick;
}

Instant TimerWheel::instant_of(u64 tick) const noexcept {
  const u64 ns = static_cast<u64>(start_ns_) + tick * ns_per_tick;
  return {static_cast<i64>(std::min<u64>(ns, std::numeric_limits<i64>::max()))};
}

Instant TimerWheel::deadline(u32 id) const noexcept { return armed(id) ? instant_of(tick_of(key(id))) : Instant::never(); }

// The level is chosen by the distance and not by the bits in which the ticks differ, so that a timer of n ms is never
// pushed up a level by a boundary that it happens to cross, and no boundary has all the timers to spread at once.
u32 TimerWheel::place_for(u64 tick) const noexcept {
  if (tick <= tick_) return place_due;
  // Beyond the last level (49.7 days): to its farthest slot, from where it is placed again.
  const u64 ahead = std::min<u64>(tick - tick_, std::numeric_limits<u32>::max());
  const u32 level = static_cast<u32>(std::bit_width(ahead) - 1) / slot_bits;
  return level << slot_bits | (static_cast<u32>((tick_ + ahead) >> (slot_bits * level)) & slot_mask);
}

// The tick at which a slot is emptied next.
u64 TimerWheel::comes_up(u32 slot) const noexcept {
  const u32 shift = (slot >> slot_bits) * slot_bits;
  const u64 turn = tick_ >> shift;
  // 1..256: the slot that tick_ is in was emptied when tick_ came to it, so what is in it is one turn ahead.
  const u64 distance = ((slot - turn - 1) & slot_mask) + 1;
  return (turn + distance) << shift;
}

// Whether a timer in this list may have this tick: it is looked at in time.
bool TimerWheel::may_stay(u32 place, u64 tick) const noexcept {
  if (place < place_due) [[likely]]
    return tick >= comes_up(place);
  return place == place_due || (place == place_late && tick <= tick_);
}

void TimerWheel::put(u32 id, u64 tick, u32 place) noexcept {
  IdList& list = lists_[place];
  if (IdLists::at_end_of_chunk(list) && stale_[place] > std::max(few_stale, list.chunks * IdLists::chunk_ids / 2)) [[unlikely]]
    drop_stale(place);
  key(id) = tick << 16 | armed_bit | place;
  entries_.append(list, id);
  if (place >= place_due) return;
  occupied_[place >> slot_bits][(place & slot_mask) / 64] |= u64{1} << (place % 64);
  next_slot_ = std::min(next_slot_, comes_up(place));
}

// Apart from arm(), so that the short way through that saves no registers.
[[gnu::noinline]] void TimerWheel::move(u32 id, u64 tick) noexcept {
  const u32 from = place_of(key(id));
  if (from != place_none) ++stale_[from];
  put(id, tick, tick <= tick_ ? place_late : place_for(tick));
}

void TimerWheel::arm(u32 id, Instant deadline) {
  if (deadline == Instant::never()) return cancel(id);
  if (id >= ids_) [[unlikely]]
    reserve(id);
  const u64 tick = tick_for(deadline);
  u64& k = key(id);
  armed_ += (k & armed_bit) == 0 ? 1u : 0u;
  const u32 place = place_of(k);
  if (may_stay(place, tick)) [[likely]] {
    k = tick << 16 | armed_bit | place;
    return;
  }
  move(id, tick);
}

void TimerWheel::cancel(u32 id) noexcept {
  if (id >= ids_) return;
  u64& k = key(id);
  armed_ -= (k & armed_bit) != 0 ? 1u : 0u;
  k &= ~armed_bit;
}

// The tick at which the next slot that has a list comes up.
u64 TimerWheel::next_slot_tick() const noexcept {
  u64 next = no_tick;
  for (u32 level = 0; level < levels; ++level) {
    const u64 turn = tick_ >> (slot_bits * level);
    const u32 distance = next_set(occupied_[level], static_cast<u32>(turn) & slot_mask);
    if (distance != 0) next = std::min(next, (turn + distance) << (slot_bits * level));
  }
  return next;
}

// Empties a list whose turn has come: each timer goes to the due list, to a finer slot, or, if it was moved in the
// meantime, wherever it belongs now.
void TimerWheel::spread(u32 place) noexcept {
  if (place < place_due) occupied_[place >> slot_bits][(place & slot_mask) / 64] &= ~(u64{1} << (place % 64));
  stale_[place] = 0;
  entries_.drain(lists_[place], [this, place](std::span<const u32> ids) {
    for (const u32 id : ids) __builtin_prefetch(&key(id), 1);
    for (const u32 id : ids) {
      const u64 k = key(id);
      if (place_of(k) != place) continue;
      if ((k & armed_bit) != 0) put(id, tick_of(k), place_for(tick_of(k)));
      else key(id) = place_none;
    }
  });
}

// A timer that goes to and fro (a short timeout, then a long one, again and again) leaves an entry each time. Dropping
// them when they are half of a list costs O(1) for each, and keeps lists within twice what they need.
void TimerWheel::drop_stale(u32 place) noexcept {
  IdList kept;
  entries_.drain(lists_[place], [&](std::span<const u32> ids) {
    for (const u32 id : ids) __builtin_prefetch(&key(id), 1);
    for (const u32 id : ids) {
      u64& k = key(id);
      if (place_of(k) != place || (k & mark_bit) != 0) continue;  // stale, or kept already
      if ((k & armed_bit) == 0) {
        k = place_none;
        continue;
      }
      k |= mark_bit;
      entries_.append(kept, id);
    }
  });
  entries_.for_each_chunk(kept, [this](std::span<const u32> ids) {
    for (const u32 id : ids) key(id) &= ~mark_bit;
  });
  lists_[place] = kept;
  stale_[place] = 0;
}

void TimerWheel::turn_to(u64 tick) noexcept {
  tick_ = tick;
  for (u32 level = 0; level < levels; ++level) {
    const u32 shift = slot_bits * level;
    if ((tick & ((u64{1} << shift) - 1)) != 0) return;  // coarser slots begin at multiples of finer ones
    const u32 slot = static_cast<u32>(tick >> shift) & slot_mask;
    if ((occupied_[level][slot / 64] >> (slot % 64) & 1) != 0) spread(level << slot_bits | slot);
  }
}

bool TimerWheel::pop_due(u64 target, u32& id) noexcept {
  for (;;) {
    while (entries_.pop(lists_[place_due], due_taken_, id)) {
      const u64 k = key(id);
      if (place_of(k) != place_due) continue;
      key(id) = place_none;
      if ((k & armed_bit) == 0) continue;  // cancelled while it waited
      if (tick_of(k) <= tick_) {
        --armed_;
        return true;
      }
      put(id, tick_of(k), place_for(tick_of(k)));  // moved while it waited
    }
    if (next_slot_ > target) break;
    turn_to(next_slot_);
    next_slot_ = next_slot_tick();
  }
  tick_ = std::max(tick_, target);
  return false;
}

Instant TimerWheel::next_deadline() const noexcept {
  if (armed_ == 0) return Instant::never();
  if (!lists_[place_due].empty() || !lists_[place_late].empty()) return instant_of(tick_);
  return instant_of(next_slot_);
}

}  // namespace weir

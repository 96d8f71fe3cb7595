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

// The first chunks come one by one; from a huge page's worth on they come 32 at a time in one mapped piece.
constexpr usize node_chunk_bytes = 64 * 1024;
constexpr usize chunks_per_piece = huge_page / node_chunk_bytes;

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
    piece_free(chunks_[i], i < chunks_per_piece ? node_chunk_bytes : huge_page);
}

void TimerWheel::add_node_chunks() {
  static_assert(sizeof(Node) << node_bits == node_chunk_bytes);
  const bool single = chunks_.size() < chunks_per_piece;
  auto* nodes = static_cast<Node*>(piece_alloc(single ? node_chunk_bytes : huge_page));
  WEIR_ASSERT(nodes != nullptr);
  for (usize i = 0; i < (single ? 1 : chunks_per_piece); ++i, nodes += usize{1} << node_bits) chunks_.push_back(nodes);
}

void TimerWheel::reserve(u32 max_id) {
  WEIR_ASSERT(max_id < u32{1} << 31);
  while (chunks_.size() <= max_id >> node_bits) add_node_chunks();
  for (; ids_ <= max_id; ++ids_) node(ids_) = {.key = place_none, .next = none, .prev = none};
}

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

Instant TimerWheel::deadline(u32 id) const noexcept {
  return armed(id) ? instant_of(tick_of(node(id).key)) : Instant::never();
}

// The level is chosen by the distance and not by the bits in which the ticks differ, so that a timer of n ms is never
// pushed up a level by a boundary that it happens to cross, and no boundary has all the timers to spread at once.
u32 TimerWheel::place_for(u64 tick) const noexcept {
  if (tick <= tick_) return place_due;
  // Beyond the last level (49.7 days): to its farthest slot, from where it is placed again.
  const u64 ahead = std::min<u64>(tick - tick_, std::numeric_limits<u32>::max());
  const u32 level = static_cast<u32>(std::bit_width(ahead) - 1) / slot_bits;
  return level << slot_bits | (static_cast<u32>((tick_ + ahead) >> (slot_bits * level)) & slot_mask);
}

// The tick at which the list of a place is looked at next: a timer with that deadline or a later one may stay there.
u64 TimerWheel::comes_up(u32 place) const noexcept {
  if (place == place_due) return 0;
  if (place == place_late) return no_tick;  // not in this call, but the new deadline may well be
  const u32 shift = (place >> slot_bits) * slot_bits;
  const u64 turn = tick_ >> shift;
  // 1..256: the slot that tick_ is in was emptied when tick_ came to it, so what is in it is one turn ahead.
  const u64 distance = ((place - turn - 1) & slot_mask) + 1;
  return (turn + distance) << shift;
}

void TimerWheel::link(u32 id, u64 tick, u32 place) noexcept {
  List& list = lists_[place];
  node(id) = {.key = tick << 16 | armed_bit | place, .next = none, .prev = list.tail};
  (list.tail != none ? node(list.tail).next : list.head) = id;
  list.tail = id;
  if (place < place_due) occupied_[place >> slot_bits][(place & slot_mask) / 64] |= u64{1} << (place % 64);
}

void TimerWheel::unlink(u32 id) noexcept {
  Node& n = node(id);
  const u32 place = place_of(n.key);
  List& list = lists_[place];
  (n.prev != none ? node(n.prev).next : list.head) = n.next;
  (n.next != none ? node(n.next).prev : list.tail) = n.prev;
  if (list.head == none && place < place_due)
    occupied_[place >> slot_bits][(place & slot_mask) / 64] &= ~(u64{1} << (place % 64));
  n.key = place_none;
}

void TimerWheel::arm(u32 id, Instant deadline) {
  if (deadline == Instant::never()) return cancel(id);
  if (id >= ids_) [[unlikely]]
    reserve(id);
  const u64 tick = tick_for(deadline);
  Node& n = node(id);
  if ((n.key & armed_bit) == 0) ++armed_;
  const u32 place = place_of(n.key);
  if (place != place_none) {
    if (tick >= comes_up(place)) {
      n.key = tick << 16 | armed_bit | place;
      return;
    }
    unlink(id);
  }
  link(id, tick, tick <= tick_ ? place_late : place_for(tick));
}

void TimerWheel::cancel(u32 id) noexcept {
  if (!armed(id)) return;
  node(id).key &= ~armed_bit;
  --armed_;
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

// Empties the list of a slot that has come up: each timer goes to the due list, to a finer slot, or, if it was moved in
// the meantime, wherever it belongs now.
void TimerWheel::spread(u32 place) noexcept {
  u32 id = lists_[place].head;
  lists_[place] = {};
  occupied_[place >> slot_bits][(place & slot_mask) / 64] &= ~(u64{1} << (place % 64));
  while (id != none) {
    Node& n = node(id);
    const u32 next = n.next;
    if ((n.key & armed_bit) != 0)
      link(id, tick_of(n.key), place_for(tick_of(n.key)));
    else
      n.key = place_none;
    id = next;
  }
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

void TimerWheel::collect_late() noexcept {
  for (u32 id; (id = lists_[place_late].head) != none;) {
    const u64 key = node(id).key;
    unlink(id);
    if ((key & armed_bit) != 0) link(id, tick_of(key), place_for(tick_of(key)));
  }
}

u32 TimerWheel::pop_due(u64 target) noexcept {
  for (;;) {
    for (u32 id; (id = lists_[place_due].head) != none;) {
      const u64 key = node(id).key;
      unlink(id);
      if ((key & armed_bit) == 0) continue;  // cancelled while it waited
      if (tick_of(key) <= tick_) {
        --armed_;
        return id;
      }
      link(id, tick_of(key), place_for(tick_of(key)));  // moved while it waited
    }
    const u64 next = next_slot_tick();
    if (next > target) break;
    turn_to(next);
  }
  tick_ = std::max(tick_, target);
  return none;
}

Instant TimerWheel::next_deadline() const noexcept {
  if (armed_ == 0) return Instant::never();
  if (lists_[place_due].head != none || lists_[place_late].head != none) return instant_of(tick_);
  return instant_of(next_slot_tick());
}

}  // namespace weir

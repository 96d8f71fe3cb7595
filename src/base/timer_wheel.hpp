// Hierarchical timing wheel (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987, scheme 7): 4 levels of
// 256 slots, ticks of 1 ms, timers numbered by the caller, time passed in.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "base/id_lists.hpp"
#include "base/time.hpp"

namespace weir {

// One timer per id; ids are small numbers that the caller gives out (slab indices). A timer fires once, at the first
// tick at or after its deadline that advance() reaches, never before. Moving a timer to a later time, and cancelling
// it, is one store: the timer is looked at when the slot in which it is listed comes up. Moving it to an earlier time
// lists it in another slot as well; the entry that it leaves behind is skipped later. Memory: 8 bytes per id, 4 to 8
// per timer listed.
//
//   TimerWheel wheel{now};
//   wheel.arm(id, now + 200_ms);                       // or moves it
//   wheel.advance(now, 64, [&](u32 id) { on_timeout(id); });
class TimerWheel {
 public:
  explicit TimerWheel(Instant start);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  ~TimerWheel();

  // Makes room for the ids 0..max_id, so that arm() need not. Ids below 2^31 are possible.
  void reserve(u32 max_id);

  // A deadline in the past fires at the next advance(); Instant::never() cancels.
  void arm(u32 id, Instant deadline);
  void cancel(u32 id) noexcept;
  [[nodiscard]] bool armed(u32 id) const noexcept { return id < ids_ && (key(id) & armed_bit) != 0; }
  // As armed, rounded up to a tick; never() when the timer is not armed.
  [[nodiscard]] Instant deadline(u32 id) const noexcept;
  [[nodiscard]] u32 armed_count() const noexcept { return armed_; }

  // Calls fire(id) for the timers that are due at `now`, in the order of their ticks, at most `budget`; returns how
  // many. What is left over fires at the next call. The timer is no longer armed when fire is called; fire may arm and
  // cancel any timer. One that it arms for a time behind the tick at hand fires at the next call, so that a call always
  // ends.
  template <class F>
  u32 advance(Instant now, u32 budget, F&& fire) {
    const u64 target = tick_reached(now);
    if (!lists_[place_late].empty()) [[unlikely]]
      spread(place_late);
    if (target < next_slot_ && lists_[place_due].empty()) [[likely]] {  // nothing comes up
      tick_ = std::max(tick_, target);
      return 0;
    }
    u32 fired = 0;
    for (u32 id; fired < budget && pop_due(target, id); ++fired) fire(id);
    return fired;
  }

  // When to call advance() next: not later than the earliest deadline, or not later than the last call if one is
  // overdue. It may be earlier, where a slot of a coarse level must be spread over finer ones or a timer was moved;
  // each such call brings the answer closer, a few times per timer at most. never() when no timer is armed.
  [[nodiscard]] Instant next_deadline() const noexcept;

  [[nodiscard]] usize memory_bytes() const noexcept;

 private:
  static constexpr u32 levels = 4, slot_bits = 8, slots = 1u << slot_bits, slot_mask = slots - 1;
  static constexpr u32 key_bits = 13;  // keys come in chunks of 64 KiB
  // A place is the list in which a timer is: level << 8 | slot, or one of these.
  static constexpr u32 place_due = levels * slots;   // to fire in this call
  static constexpr u32 place_late = place_due + 1;   // armed when its tick had passed: due at the next call
  static constexpr u32 place_none = place_late + 1;  // in no list
  // A timer's key: tick << 16 | armed | marked | place, read and written as one word. 48 bits of tick are 8,900 years:
  // nothing wraps. An entry of a list is stale when the key of its timer names another place.
  static constexpr u64 armed_bit = 0x8000, mark_bit = 0x4000, place_mask = 0x3fff;

  [[nodiscard]] u64& key(u32 id) const noexcept { return chunks_[id >> key_bits][id & ((1u << key_bits) - 1)]; }
  [[nodiscard]] static u32 place_of(u64 key) noexcept { return static_cast<u32>(key & place_mask); }
  [[nodiscard]] static u64 tick_of(u64 key) noexcept { return key >> 16; }

  [[nodiscard]] u64 tick_for(Instant deadline) const noexcept;
  [[nodiscard]] u64 tick_reached(Instant now) const noexcept;
  [[nodiscard]] Instant instant_of(u64 tick) const noexcept;

  [[nodiscard]] u32 place_for(u64 tick) const noexcept;
  [[nodiscard]] u64 comes_up(u32 place) const noexcept;
  [[nodiscard]] bool may_stay(u32 place, u64 tick) const noexcept;
  [[nodiscard]] u64 next_slot_tick() const noexcept;
  void put(u32 id, u64 tick, u32 place) noexcept;
  void move(u32 id, u64 tick) noexcept;
  [[nodiscard]] bool pop_due(u64 target, u32& id) noexcept;
  void turn_to(u64 tick) noexcept;
  void spread(u32 place) noexcept;
  void drop_stale(u32 place) noexcept;
  void add_key_chunks();

  i64 start_ns_;
  u64 tick_ = 0;  // all slots up to this tick have been emptied
  u64 next_slot_ = ~u64{0};  // the tick at which the next slot that has a list comes up
  u32 ids_ = 0, armed_ = 0;
  u32 due_taken_ = 0;                                           // of the first chunk of the due list
  std::array<std::array<u64, slots / 64>, levels> occupied_{};  // a bit per slot whose list is not empty
  std::array<IdList, place_none> lists_;
  std::array<u32, place_none> stale_{};  // entries of a list whose timers were moved to another
  IdLists entries_;
  std::vector<u64*> chunks_;
};

}  // namespace weir

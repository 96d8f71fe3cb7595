// TIME-WAIT as records in FIFO order (RFC 9293 3.6.1, RFC 1337, RFC 6191): 48 bytes for IPv4, 72 for IPv6. All wait
// equally long in a shard's netns of one setting, so the oldest expires first and no timer is needed.
#pragma once

#include "base/index_list.hpp"
#include "base/seq.hpp"
#include "base/slab.hpp"
#include "base/time.hpp"
#include "wire/address.hpp"

#include <algorithm>

namespace weir::tcp {

template <class Addr>
struct TimeWaitRecord {
  Addr local, remote;
  u16 local_port, remote_port;
  NetnsId netns;
  u16 bits;             // below
  SeqNum snd_nxt, rcv_nxt;
  u16 rcv_units, max_snd_units;  // RCV.WND and MAX.SND.WND, shifted right by the scales in `bits`
  u32 ts_recent, ts_offset;
  u32 expires_ms;
  u32 last_ack_ms;      // when a segment was last answered
  u32 next;             // FIFO
  static constexpr u16 dead = 1, timestamps = 2;  // and bits 4 to 7: our window scale, 8 to 11: the peer's

  void set_windows(u32 rcv_wnd, u8 rcv_shift, u32 max_snd_wnd, u8 snd_shift) noexcept {
    const auto units = [](u32 wnd, u8 shift) { return static_cast<u16>(std::min<u32>((wnd + (1u << shift) - 1) >> shift, 0xffff)); };
    bits = static_cast<u16>(bits | rcv_shift << 4 | snd_shift << 8);
    rcv_units = units(rcv_wnd, rcv_shift);
    max_snd_units = units(max_snd_wnd, snd_shift);
  }
  [[nodiscard]] u32 rcv_wnd() const noexcept { return u32{rcv_units} << (bits >> 4 & 15); }
  [[nodiscard]] u32 max_snd_wnd() const noexcept { return u32{max_snd_units} << (bits >> 8 & 15); }
};
using TimeWait4 = TimeWaitRecord<Ip4Addr>;
using TimeWait6 = TimeWaitRecord<Ip6Addr>;
static_assert(sizeof(TimeWait4) == 48 && sizeof(TimeWait6) == 72);

// Records of one family. Ended early (reuse), a record is marked dead and goes when it reaches the front; refreshed
// (FIN again), it is moved to the back as a new record.
template <class Record>
class TimeWaitList {
 public:
  explicit TimeWaitList(u32 capacity) noexcept : slab_(capacity) {}
  [[nodiscard]] Record& operator[](u32 i) noexcept { return slab_[i]; }
  [[nodiscard]] u32 live() const noexcept { return live_; }
  [[nodiscard]] u32 front() const noexcept { return fifo_.head(); }

  // 0: full.
  [[nodiscard]] u32 add(const Record& r) noexcept {
    const u32 i = slab_.alloc(r);
    if (i == 0) return 0;
    fifo_.push(next(), i);
    ++live_;
    return i;
  }
  void kill(u32 i) noexcept {
    slab_[i].bits |= Record::dead;
    --live_;
  }
  // Calls f(index) with each that is not dead.
  template <class F>
  void for_each(F&& f) {
    slab_.for_each([&](u32 i) {
      if ((slab_[i].bits & Record::dead) == 0) f(i);
    });
  }
  // Takes the front record out; it must be dead or expired.
  void pop_front() noexcept {
    const u32 i = fifo_.pop(next());
    if ((slab_[i].bits & Record::dead) == 0) --live_;
    slab_.release(i);
  }

 private:
  auto next() noexcept {
    return [this](u32 i) -> u32& { return slab_[i].next; };
  }
  Slab<Record> slab_;
  IndexQueue fifo_;
  u32 live_ = 0;
};

}  // namespace weir::tcp

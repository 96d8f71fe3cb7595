// A congestion control algorithm of the program's own: a table of functions, and 64 bytes of state in the connection.
//
//   struct Fixed {                                             // any trivially copyable controller of at most 64 bytes
//     void on_ack(Window& w, const Ack&) noexcept { w.cwnd = 100 * w.mss; } ...
//   };
//   External c = External::of<Fixed>();
#pragma once

#include <array>
#include <cstddef>
#include <new>

#include "base/assert.hpp"
#include "tcp/cc/window.hpp"

namespace weir::tcp::cc {

inline constexpr usize external_state_size = 64;

// `state`: external_state_size bytes, aligned for 8, zero when the connection begins; it is copied with memcpy. The functions run in
// the shard: they must not block, throw or allocate. begin, on_ack and on_event must be given. The table outlives the connections.
struct ExternalTable {
  const char* name = nullptr;
  void (*begin)(void* state, Window& w, Instant now, u32 srtt_us) noexcept = nullptr;
  void (*on_ack)(void* state, Window& w, const Ack& a) noexcept = nullptr;
  void (*on_event)(void* state, Window& w, Event e, Instant now, u32 in_flight, u32 idle_us) noexcept = nullptr;
  void (*on_sent)(void* state, Window& w, Instant now, u32 bytes, u32 in_flight) noexcept = nullptr;  // may be none
  u64 (*pacing_rate)(const void* state) noexcept = nullptr;                                           // may be none: 0

  [[nodiscard]] constexpr bool complete() const noexcept { return name && begin && on_ack && on_event; }
};

// Recovery is the engine's (PRR) and so is the answer to marks: an external algorithm is asked for ssthresh as Reno is.
struct External {
  static constexpr std::string_view name = "external";
  static constexpr bool owns_cwnd = false;
  static constexpr bool scalable = false;
  static constexpr bool wants_sent = true;

  const ExternalTable* table = nullptr;
  alignas(8) std::array<std::byte, external_state_size> state{};

  template <class C>
  [[nodiscard]] static External of(const C& initial = {}) noexcept;

  void begin(Window& w, Instant now, u32 srtt_us) noexcept {
    WEIR_ASSERT(table && table->complete());
    table->begin(state.data(), w, now, srtt_us);
  }
  void on_ack(Window& w, const Ack& a) noexcept { table->on_ack(state.data(), w, a); }
  void on_event(Window& w, Event e, Instant now, u32 in_flight, u32 idle_us) noexcept {
    table->on_event(state.data(), w, e, now, in_flight, idle_us);
  }
  void on_sent(Window& w, Instant now, u32 bytes, u32 in_flight) noexcept {
    if (table->on_sent) table->on_sent(state.data(), w, now, bytes, in_flight);
  }
  [[nodiscard]] u64 pacing_rate() const noexcept { return table && table->pacing_rate ? table->pacing_rate(state.data()) : 0; }
};

namespace detail {

template <Controller C>
struct ExternalAdapter {
  static_assert(sizeof(C) <= external_state_size && alignof(C) <= 8, "the state of an external algorithm has 64 bytes");
  static C& of(void* s) noexcept { return *std::launder(static_cast<C*>(s)); }

  static void begin(void* s, Window& w, Instant now, u32 srtt_us) noexcept { of(s).begin(w, now, srtt_us); }
  static void on_ack(void* s, Window& w, const Ack& a) noexcept { of(s).on_ack(w, a); }
  static void on_event(void* s, Window& w, Event e, Instant now, u32 in_flight, u32 idle_us) noexcept {
    of(s).on_event(w, e, now, in_flight, idle_us);
  }
  static void on_sent(void* s, Window& w, Instant now, u32 bytes, u32 in_flight) noexcept { of(s).on_sent(w, now, bytes, in_flight); }
  static u64 pacing_rate(const void* s) noexcept { return std::launder(static_cast<const C*>(s))->pacing_rate(); }

  static constexpr ExternalTable table{std::string_view{C::name}.data(),  begin,      on_ack, on_event,
                                       C::wants_sent ? on_sent : nullptr, pacing_rate};
};

}  // namespace detail

template <class C>
External External::of(const C& initial) noexcept {
  static_assert(!C::owns_cwnd && !C::scalable, "an external algorithm leaves recovery and marks to the engine");
  External e;
  e.table = &detail::ExternalAdapter<C>::table;
  ::new (static_cast<void*>(e.state.data())) C(initial);
  return e;
}

static_assert(Controller<External> && sizeof(External) <= 72);

}  // namespace weir::tcp::cc

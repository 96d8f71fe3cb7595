// timer: the wheel, in random order: 70 % of the operations put a timer off, 15 % bring it forward, 10 % cancel it (and arm it
// again, so that their number stays), 5 % let the next one expire (and arm it again).
#include "base/timer_wheel.hpp"
#include "bench/case.hpp"
#include "bench/cpu.hpp"

namespace weir::bench {
namespace {

class Random {
 public:
  u64 operator()() noexcept {
    state_ = state_ * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
    return state_ >> 33;
  }

 private:
  u64 state_ = 42;
};

Sample timer(const Env& env, u32 armed) {
  if (env.quick) armed = std::min<u32>(armed, 2'000);
  Random random;
  Instant now{1};
  TimerWheel wheel(now);
  wheel.reserve(armed - 1);
  const auto soon = [&] { return now + Duration::micros(static_cast<i64>(1'000 + random() % 10'000'000)); };  // up to 10 s
  for (u32 i = 0; i < armed; ++i) wheel.arm(i, soon());
  u64 expired = 0;
  const auto operation = [&] {
    const u64 r = random();
    const u32 id = static_cast<u32>(random() % armed), what = static_cast<u32>(r % 100);
    if (what < 70) {
      wheel.arm(id, wheel.deadline(id) + Duration::micros(static_cast<i64>(r >> 11 & 0xf'ffff)));
    } else if (what < 85) {
      const Duration left = wheel.deadline(id) - now;
      wheel.arm(id, now + left / 2);
    } else if (what < 95) {
      wheel.cancel(id);
      wheel.arm(id, soon());
    } else {
      for (u32 fired = 0; fired == 0;) {
        now = std::max(now, wheel.next_deadline());
        fired = wheel.advance(now, 1, [&](u32 i) { wheel.arm(i, soon()); });
      }
      ++expired;
    }
  };
  for (u64 i = 0; i < env.count(armed, 1'000); ++i) operation();
  u64 n = 0;
  const CpuMeter cpu;
  do {
    constexpr u64 step = 100'000;
    const u64 k = env.count(step, 1'000);
    for (u64 i = 0; i < k; ++i) operation();
    n += k;
  } while (cpu.seconds() < env.seconds);
  const double s = cpu.seconds();
  if (wheel.armed_count() != armed || expired == 0) throw Failed("timers were lost");
  return {s * 1e9 / static_cast<double>(n), s};
}

}  // namespace

Case timer_case() {
  return {"timer",
          "the timer wheel: later, earlier, cancel, expire in random order",
          {{"armed=1000", "ns/op", Better::lower, [](const Env& e) { return timer(e, 1'000); }},
           {"armed=1000000", "ns/op", Better::lower, [](const Env& e) { return timer(e, 1'000'000); }}}};
}

}  // namespace weir::bench

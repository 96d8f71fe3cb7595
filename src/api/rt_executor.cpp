// api/rt_executor.hpp
#include "api/rt_executor.hpp"

#include <sys/random.h>

namespace weir {
namespace {

// How a budget of memory is divided: large buffers carry the data, small ones received frames.
buf::Pool::Config pool_of(u32 mib) {
  constexpr u64 least = 8;
  const u64 bytes = u64{std::max<u64>(mib, least)} << 20;
  const u64 small = bytes / 6 / buf::Pool::small_stride;
  const u64 large = bytes * 3 / 4 / buf::Pool::large_stride;
  return {.packets = static_cast<u32>(small * 2), .small_buffers = static_cast<u32>(small), .large_buffers = static_cast<u32>(large)};
}

}  // namespace

std::shared_ptr<RtExecutor> RtExecutor::make(const StackConfig& config, rt::Sharing sharing) {
  u8 secret[32];
  const bool random = config.seed == 0 && ::getrandom(secret, sizeof secret, 0) == sizeof secret;
  const rt::LoopConfig loop{.sharing = sharing, .spin = config.spin, .thread = {.name = "weir", .cpu = config.cpu}};
  return std::make_shared<RtExecutor>(
      loop, ShardConfig{.seed = config.seed, .secret = random ? secret : nullptr, .pool = pool_of(config.memory_mib)});
}

Result<void> RtExecutor::block(Sock s, u32 mask, Instant deadline, FunctionRef<bool(Shard&, Instant)> attempt) {
  return loop_.shared().wait(s, mask, deadline, [&](Shard& shard, Instant now) -> Result<void> {
    if (attempt(shard, now)) return {};
    return fail(Errc::would_block);
  });
}

void RtExecutor::post(std::function<void()> f) {
  loop_.post([this, f = std::move(f)] {
    const Scope scope(*this);
    f();
  });
}

bool RtExecutor::watch(int fd, u32 events, std::function<void(u32)> f) {
  return loop_.watch(fd, events, [this, f = std::move(f)](u32 found) {
    const Scope scope(*this);
    f(found);
  });
}

void RtExecutor::end() noexcept {
  if (std::exchange(ended_, true)) return;
  loop_.shared().cancel();
  loop_.stop();
  destroy_tasks();
}

}  // namespace weir

// rt/loop_base.hpp
#include "rt/loop_base.hpp"

#include <algorithm>

namespace weir::rt {

void LoopBase::post(std::function<void()> f) {
  {
    const std::lock_guard hold(mutex_);
    posted_.push_back(std::move(f));
  }
  any_posted_.store(true, std::memory_order_release);
  wake();
}

bool LoopBase::watch(int fd, u32 events, std::function<void(u32)> f) {
  const bool is_new = watches_.find(fd) == watches_.end();
  watches_[fd] = std::make_shared<std::function<void(u32)>>(std::move(f));
  const u64 tag = watch_tag | static_cast<u32>(fd);
  if (is_new ? sleeper_.add(fd, events, tag) : sleeper_.modify(fd, events, tag)) return true;
  watches_.erase(fd);  // the next file of that number is a new one
  return false;
}

void LoopBase::unwatch(int fd) {
  if (watches_.erase(fd) > 0) sleeper_.remove(fd);
}

namespace {
constexpr auto later = [](const auto& a, const auto& b) { return a.at != b.at ? a.at > b.at : a.order > b.order; };
}  // namespace

void LoopBase::call_at(Instant at, std::function<void()> f) {
  timed_.push_back({at, timed_n_++, std::move(f)});
  std::push_heap(timed_.begin(), timed_.end(), later);
}

Instant LoopBase::next_call() const noexcept { return timed_.empty() ? Instant::never() : timed_.front().at; }

bool LoopBase::run_posted(Instant now) {
  bool any = false;
  if (any_posted_.load(std::memory_order_relaxed) && any_posted_.exchange(false, std::memory_order_acquire)) {
    std::vector<std::function<void()>> taken;
    {
      const std::lock_guard hold(mutex_);
      taken.swap(posted_);
    }
    for (auto& f : taken) f();
    any = !taken.empty();
  }
  while (!timed_.empty() && timed_.front().at <= now) {
    std::pop_heap(timed_.begin(), timed_.end(), later);
    const auto f = std::move(timed_.back().f);
    timed_.pop_back();
    f();
    any = true;
  }
  return any;
}

bool LoopBase::run_watches(std::span<const Event> events) {
  bool any = false;
  for (const Event& e : events) {
    if ((e.tag & watch_tag) == 0) continue;
    const auto found = watches_.find(static_cast<int>(e.tag & 0xffff'ffff));
    if (found == watches_.end()) continue;  // unwatched by one before it
    const auto f = found->second;           // it may unwatch itself
    (*f)(e.events);
    any = true;
  }
  return any;
}

}  // namespace weir::rt

// rt/combining_lock.hpp
#include "rt/combining_lock.hpp"

namespace weir::rt {

bool CombiningLock::lock_or_post(Post& post) noexcept {
  uptr seen = word_.load(std::memory_order_relaxed);
  for (;;) {
    if (seen == free_word) {
      if (word_.compare_exchange_weak(seen, held_word, std::memory_order_acquire, std::memory_order_relaxed)) return true;
      continue;
    }
    post.next = seen == held_word ? nullptr : reinterpret_cast<Post*>(seen);
    if (word_.compare_exchange_weak(seen, reinterpret_cast<uptr>(&post), std::memory_order_release, std::memory_order_relaxed))
      return false;
  }
}

CombiningLock::State CombiningLock::await(Post& post) noexcept {
  for (u32 i = 0; i < spins; ++i) {
    const u32 s = post.state.load(std::memory_order_acquire);
    if (s >= done) return static_cast<State>(s);
    relax();
  }
  u32 s = waiting;
  if (post.state.compare_exchange_strong(s, sleeping, std::memory_order_acquire, std::memory_order_acquire)) s = sleeping;
  while (s < done) {
    futex_wait(post.state, sleeping);
    s = post.state.load(std::memory_order_acquire);
  }
  return static_cast<State>(s);
}

// The post may be gone as soon as its state has changed.
void CombiningLock::tell(Post* post, State s) noexcept {
  std::atomic<u32>* const word = &post->state;
  if (word->exchange(s, std::memory_order_acq_rel) == sleeping) futex_wake(word);
}

void CombiningLock::lock() noexcept {
  if (try_lock()) return;
  Post post(nullptr);
  if (!lock_or_post(post)) {
    [[maybe_unused]] const State s = await(post);
    WEIR_DASSERT(s == yours);
  }
}

// Takes over all that is posted (newest first) behind what was collected before (oldest first).
void CombiningLock::collect() noexcept {
  if (word_.load(std::memory_order_relaxed) == held_word) return;
  Post* newest = reinterpret_cast<Post*>(word_.exchange(held_word, std::memory_order_acquire));
  Post* const last = newest;
  Post* oldest = nullptr;
  while (newest != nullptr) {
    Post* const next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  if (rest_.empty()) rest_.first = oldest;
  else rest_.last->next = oldest;
  rest_.last = last;
}

u32 CombiningLock::waiting_n() const noexcept {
  u32 n = 0;
  const uptr word = word_.load(std::memory_order_acquire);
  for (const Post* p = word == held_word ? nullptr : reinterpret_cast<const Post*>(word); p != nullptr; p = p->next) ++n;
  for (const Post* p = rest_.first; p != nullptr; p = p->next) ++n;
  return n;
}

bool CombiningLock::drain() noexcept {
  bool any = false;
  for (collect(); !rest_.empty(); collect()) {
    Post* const p = rest_.first;
    if (p->run == nullptr || ran_ >= generosity) break;  // whose turn it is to hold the lock: see leave()
    rest_.pop();
    p->run(p);
    tell(p, done);
    any = true;
    ++ran_;
  }
  return any;
}

bool CombiningLock::leave() noexcept {
  collect();
  if (rest_.empty()) return free_if_alone();
  if (rest_.first->run != nullptr && ran_ < generosity) return false;
  ran_ = 0;
  tell(rest_.pop(), yours);
  return true;
}

}  // namespace weir::rt

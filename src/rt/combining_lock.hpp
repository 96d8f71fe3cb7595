// Flat combining (Hendler, Incze, Shavit, Tzafrir 2010): a lock whose holder also runs what others want done under it.
// What the lock guards stays in the holder's cache, and under contention nobody waits for a lock to change hands.
#pragma once

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/assert.hpp"
#include "rt/futex.hpp"

namespace weir::rt {

// One word holds all: 0 free, 1 held, else the newest of a chain of posts, and held. A post lives on the stack of who
// waits for it. Uncontended, a call costs one compare-and-swap to get in and one to get out.
//
//   CombiningLock lock;
//   int n = lock.call([&] { return ++count; });                       // run here, or by the holder
//   lock.call([&] { queue.push(x); }, [&] { queue.flush(); });        // flush: before the lock is free again
//
// `after` runs by whoever holds the lock, as the last thing before giving it up: it must be the same work whoever calls.
class CombiningLock {
 public:
  template <class F>
  auto call(F&& f) {
    return call(std::forward<F>(f), [] {});
  }
  template <class F, class After>
  auto call(F&& f, After&& after) -> std::invoke_result_t<F&>;

  // To hold it for longer: posts are run when the holder says drain(), and by unlock().
  void lock() noexcept;
  [[nodiscard]] bool try_lock() noexcept {
    uptr expected = free_word;
    return word_.compare_exchange_strong(expected, held_word, std::memory_order_acquire, std::memory_order_relaxed);
  }
  // Runs what has been posted; true if there was something. Holder only.
  bool drain() noexcept;
  // `after` is run again whenever posts were run after it.
  template <class After>
  void unlock(After&& after) noexcept;
  void unlock() noexcept {
    unlock([] {});
  }
  // Somebody waits. Holder only; a hint.
  [[nodiscard]] bool contended() const noexcept { return !rest_.empty() || word_.load(std::memory_order_relaxed) != held_word; }
  // How many wait. Holder only.
  [[nodiscard]] u32 waiting_n() const noexcept;

 private:
  using uptr = std::uintptr_t;
  static constexpr uptr free_word = 0, held_word = 1;
  // A sleeper costs the holder a system call to wake: look for a while first. About 2 us.
  static constexpr u32 spins = 100;
  // After so many posts in one go the holder, who has work of its own, makes one of those waiting the holder.
  static constexpr u32 generosity = 256;

  enum State : u32 { waiting, sleeping, done, yours };

  struct Post {
    void (*run)(Post*) noexcept;  // nullptr: wants the lock itself
    Post* next = nullptr;
    std::atomic<u32> state{waiting};
    explicit Post(void (*r)(Post*) noexcept) noexcept : run(r) {}
  };

  template <class After>
  struct Unlocking {  // also when the call throws
    CombiningLock& lock;
    std::remove_reference_t<After>& after;
    ~Unlocking() { lock.unlock(after); }
  };

  struct Chain {  // oldest first
    Post *first = nullptr, *last = nullptr;
    [[nodiscard]] bool empty() const noexcept { return first == nullptr; }
    Post* pop() noexcept {
      Post* const p = first;
      first = p->next;
      return p;
    }
  };

  template <class F, class After>
  [[gnu::noinline]] auto call_contended(F& f, After& after) -> std::invoke_result_t<F&>;
  [[nodiscard]] bool free_if_alone() noexcept {
    ran_ = 0;
    uptr expected = held_word;
    return word_.compare_exchange_strong(expected, free_word, std::memory_order_release, std::memory_order_relaxed);
  }
  // True: this thread holds the lock. False: the post is in the chain.
  [[nodiscard]] bool lock_or_post(Post& post) noexcept;
  [[nodiscard]] static State await(Post& post) noexcept;
  static void tell(Post* post, State s) noexcept;
  void collect() noexcept;
  // Leaves the lock to the oldest that waits, or frees it. False: posts that can be run have come.
  [[nodiscard]] bool leave() noexcept;

  alignas(cache_line) std::atomic<uptr> word_{free_word};
  // The holder's own: what it has collected and not run. Passed on with the lock.
  alignas(cache_line) Chain rest_;
  u32 ran_ = 0;
};

template <class F, class After>
auto CombiningLock::call(F&& f, After&& after) -> std::invoke_result_t<F&> {
  if (try_lock()) [[likely]] {
    const Unlocking<After> at_end{*this, after};
    return f();
  }
  return call_contended(f, after);
}

template <class F, class After>
auto CombiningLock::call_contended(F& f, After& after) -> std::invoke_result_t<F&> {
  using R = std::invoke_result_t<F&>;
  struct Call : Post {
    explicit Call(F& fn) noexcept : Post(&Call::run_here), f(&fn) {}
    static void run_here(Post* p) noexcept {
      Call& c = *static_cast<Call*>(p);
      try {
        if constexpr (std::is_void_v<R>) (*c.f)();
        else c.result.emplace((*c.f)());
      } catch (...) {
        c.thrown = std::current_exception();
      }
    }
    F* f;
    std::conditional_t<std::is_void_v<R>, char, std::optional<R>> result{};
    std::exception_ptr thrown;
  };
  Call c(f);
  if (lock_or_post(c) || await(c) == yours) {
    const Unlocking<After> at_end{*this, after};
    return f();
  }
  if (c.thrown) [[unlikely]]
    std::rethrow_exception(c.thrown);
  if constexpr (!std::is_void_v<R>) return std::move(*c.result);
}

template <class After>
void CombiningLock::unlock(After&& after) noexcept {
  if (!contended()) [[likely]] {
    after();
    if (free_if_alone()) return;
  }
  do {
    drain();
    after();
  } while (!leave());
}

}  // namespace weir::rt

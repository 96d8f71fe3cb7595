// api/executor.hpp
#include "api/executor.hpp"

#include "weir/coro.hpp"

namespace weir {
namespace {

thread_local const Executor* current = nullptr;

// The frame of a spawned coroutine, which nobody waits for.
struct Detached {
  struct promise_type : Executor::Root {
    Detached get_return_object() noexcept {
      frame = std::coroutine_handle<promise_type>::from_promise(*this);
      return {this};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
    ~promise_type() { unlink(); }
  };
  promise_type* root;
};

Detached detach(Task<void> task) { co_await std::move(task); }

}  // namespace

Executor::Executor() = default;
Executor::~Executor() = default;

bool Executor::watch(int, u32, std::function<void(u32)>) { return false; }
void Executor::unwatch(int) {}

void Executor::Root::unlink() noexcept {
  if (link == nullptr) return;
  *link = next;
  if (next != nullptr) next->link = link;
  link = nullptr;
}

void Executor::adopt(Root& root) noexcept {
  root.next = roots_;
  if (roots_ != nullptr) roots_->link = &root.next;
  root.link = &roots_;
  roots_ = &root;
}

void Executor::spawn(Task<void> task) {
  if (is_current() && !is_closed_) {
    const Detached d = detach(std::move(task));
    adopt(*d.root);
    return d.root->frame.resume();
  }
  {
    const std::lock_guard hold(mutex_);
    if (is_closed_) return;  // it goes as it came
    incoming_.push_back(detach(std::move(task)).root);
  }
  post([this] { start_incoming(); });
}

void Executor::start_incoming() {
  std::vector<Root*> started;
  {
    const std::lock_guard hold(mutex_);
    started.swap(incoming_);
  }
  for (Root* r : started) adopt(*r);
  for (Root* r : started) r->frame.resume();
}

void Executor::destroy_tasks() noexcept {
  const Scope scope(*this);
  {
    const std::lock_guard hold(mutex_);
    is_closed_ = true;
    for (Root* r : incoming_) adopt(*r);
    incoming_.clear();
  }
  while (roots_ != nullptr) {
    Root& r = *roots_;
    r.unlink();
    r.frame.destroy();
  }
}

void Executor::arm(Timer& t, Instant at) {
  timers_.arm(t, at);
  call_for_timers();
}

void Executor::call_for_timers() {
  const Instant next = timers_.next();
  if (next >= (calls_.empty() ? Instant::never() : calls_.back())) return;
  calls_.push_back(next);
  call_at(next);
}

void Executor::run_timers() {
  const Scope scope(*this);
  const Instant t = now();
  while (!calls_.empty() && calls_.back() <= t) calls_.pop_back();
  while (Timer* due = timers_.pop_due(t)) due->fire(*due);
  call_for_timers();
}

bool Executor::is_current() const noexcept { return current == this; }

Executor::Scope::Scope(const Executor& e) noexcept : before_(current) { current = &e; }
Executor::Scope::~Scope() { current = before_; }

}  // namespace weir

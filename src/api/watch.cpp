// api/watch.hpp, weir/operation.hpp
#include "api/watch.hpp"

namespace weir {

// -- Watch

Watch::Watch(std::shared_ptr<Executor> executor, Sock sock) noexcept : executor_(std::move(executor)), sock_(sock) {
  handler_.watch = this;
  handler_.on_ready = [](rt::ReadyHandler* self, u32 mask) { static_cast<Handler*>(self)->watch->dispatch(mask); };
}

Watch::~Watch() {
  if (is_gone_ != nullptr) *is_gone_ = true;
  close(false);
  cancel_all();
}

void Watch::close(bool abort) noexcept {
  if (!sock_) return;
  const Sock s = std::exchange(sock_, {});
  executor_->enter([&](Shard& shard, Instant now) {
    if (attached_) shard.set_user(s, 0);
    executor_->closing(shard, s, abort);
    (void)(abort ? shard.abort(s, now) : shard.close(s, now));
  });
  if (attached_) executor_->forget(handler_);
  attached_ = false;
  executor_->wake(s);
}

void Watch::set_callback(std::function<void(u32)> f) {
  callback_ = f ? std::make_shared<std::function<void(u32)>>(std::move(f)) : nullptr;
  if (!callback_ || attached_) return;
  attached_ = true;
  const u64 word = executor_->attach(handler_);
  executor_->enter([&](Shard& shard, Instant) { shard.set_user(sock_, word); });
}

// The handler must be in place before the attempt: what happens after it is not missed then.
bool Watch::attempt(Operation& op, bool attach) {
  bool done = false;
  const u64 word = attach && !attached_ ? executor_->attach(handler_) : 0;
  executor_->enter([&](Shard& shard, Instant now) {
    if (word != 0) shard.set_user(sock_, word);
    done = op.attempt(shard, now);
  });
  attached_ = attached_ || attach;
  return done;
}

void Watch::add(Operation& op) noexcept {
  op.next_ = waiting_;
  if (waiting_ != nullptr) waiting_->link_ = &op.next_;
  op.link_ = &waiting_;
  waiting_ = &op;
}

void Watch::remove(Operation& op) noexcept {
  if (op.link_ == nullptr) return;
  *op.link_ = op.next_;
  if (op.next_ != nullptr) op.next_->link_ = op.link_;
  op.link_ = nullptr;
}

Operation* Watch::next_waiting(u32 mask) const noexcept {
  for (Operation* op = waiting_; op != nullptr; op = op->next_)
    if (op->round_ != round_ && (op->mask_ & mask) != 0) return op;
  return nullptr;
}

// Whatever is resumed may close or destroy this socket and any other.
void Watch::dispatch(u32 mask) {
  const std::shared_ptr<Executor> keep = executor_;
  const Executor::Scope scope(*keep);
  bool gone = false;
  bool* const outer = std::exchange(is_gone_, &gone);
  if (const auto callback = callback_) (*callback)(mask);
  if (!gone) ++round_;
  while (!gone) {
    Operation* const op = next_waiting(mask);
    if (op == nullptr) break;
    op->round_ = round_;
    if (!attempt(*op, false)) continue;
    remove(*op);
    op->waiting_ = false;
    executor_->disarm(op->deadline_);
    op->who_.resume();
  }
  if (!gone) is_gone_ = outer;
  else if (outer != nullptr) *outer = true;
}

// They go on at the executor's next turn, not from within whatever destroys the socket.
void Watch::cancel_all() noexcept {
  while (waiting_ != nullptr) {
    Operation& op = *waiting_;
    remove(op);
    op.refuse(Errc::canceled);
    executor_->arm(op.deadline_, executor_->now());
  }
}

// -- Operation

Operation::~Operation() {
  if (!waiting_) return;
  Watch::remove(*this);
  deadline_.operation = nullptr;
  if (deadline_.is_armed()) deadline_.executor->disarm(deadline_);
}

bool Operation::start() {
  deadline_.operation = this;
  if (watch_ != nullptr && watch_->sock()) return watch_->attempt(*this, true);
  refuse(Errc::bad_handle);
  return true;
}

void Operation::suspend(std::coroutine_handle<> who) {
  who_ = who;
  waiting_ = true;
  Executor& executor = watch_->executor();
  deadline_.executor = &executor;
  deadline_.fire = [](Timer& t) { static_cast<Deadline&>(t).operation->on_deadline(); };
  watch_->add(*this);
  const Duration limit = own_limit();
  if (limit != Duration::max()) executor.arm(deadline_, executor.now() + limit);
}

void Operation::on_deadline() {
  if (link_ != nullptr) {  // else it was canceled
    Watch::remove(*this);
    refuse(Errc::timed_out);
  }
  waiting_ = false;
  who_.resume();
}

Duration Operation::own_limit() const noexcept {
  if (limit_ != Duration::max()) return limit_;
  const Duration usual = (mask_ & Ready::in) != 0 ? watch_->receive_timeout : watch_->send_timeout;
  return usual.ns != 0 ? usual : Duration::max();
}

void Operation::run_blocking() {
  if (watch_ == nullptr || !watch_->sock()) return refuse(Errc::bad_handle);
  Executor& executor = watch_->executor();
  const Duration limit = own_limit();
  const Instant now = executor.now();
  const Instant deadline = limit < Instant::never() - now ? now + limit : Instant::never();
  const auto done = executor.block(watch_->sock(), mask_, deadline, [this](Shard& shard, Instant at) { return attempt(shard, at); });
  if (!done) refuse(done.error());
}

void Operation::run_now() {
  if (watch_ == nullptr || !watch_->sock()) return refuse(Errc::bad_handle);
  if (!watch_->attempt(*this, false)) refuse(Errc::would_block);
}

}  // namespace weir

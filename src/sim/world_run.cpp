// How a world runs: one event after the other, and after each the shards it concerned until they come to rest.
#include <array>
#include <stdexcept>

#include "buf/gso.hpp"
#include "sim/world.hpp"

namespace weir::sim {

void World::at(Instant when, std::function<void()> call) {
  u32 id;
  if (free_calls_.empty()) {
    id = static_cast<u32>(calls_.size());
    calls_.push_back(std::move(call));
  } else {
    id = free_calls_.back();
    free_calls_.pop_back();
    calls_[id] = std::move(call);
  }
  events_.push(std::max(when, now_), EventKind::call, id);
}

void World::run_until(Instant when) {
  while (step(when)) {
  }
  now_ = std::max(now_, when);
}

bool World::run_until_idle(Duration at_most) {
  const Instant limit = now_ + at_most;
  while (step(limit)) {
  }
  while (!events_.empty() && is_stale(events_.top())) events_.pop();
  return events_.empty();
}

bool World::run_until(const std::function<bool()>& done, Duration at_most) {
  const Instant limit = now_ + at_most;
  settle();
  while (!done())
    if (!step(limit)) return false;
  return true;
}

// An event that was overtaken by an earlier one for the same pipe or shard.
bool World::is_stale(const Event& e) noexcept {
  switch (e.kind) {
    case EventKind::arrival: return pipe_events_[e.index].arrival != e.time;
    case EventKind::wire_free: return pipe_events_[e.index].wire_free != e.time;
    case EventKind::deadline: return boxes_[e.index]->armed != e.time;
    case EventKind::call: return false;
  }
  return false;
}

// The next event not after `limit`: false when there is none.
bool World::step(Instant limit) {
  settle();
  while (!events_.empty() && is_stale(events_.top())) events_.pop();
  if (events_.empty() || events_.top().time > limit) return false;
  const Event e = events_.pop();
  now_ = e.time;
  ++events_n_;
  handle(e);
  settle();
  return true;
}

void World::handle(const Event& e) {
  switch (e.kind) {
    case EventKind::arrival:
      pipe_events_[e.index].arrival = Instant::never();
      arrive(e.index);
      break;
    case EventKind::wire_free: {
      pipe_events_[e.index].wire_free = Instant::never();
      pipe(e.index).on_wire_free(now_, store_);
      if (const Host* h = sender_of(e.index).host; h != nullptr && pipe(e.index).config().backpressure) touch(h->shard_index());
      watch_pipe(e.index);
      break;
    }
    case EventKind::deadline:
      boxes_[e.index]->armed = Instant::never();
      touch(e.index);
      break;
    case EventKind::call: {
      const std::function<void()> call = std::move(calls_[e.index]);
      calls_[e.index] = nullptr;
      free_calls_.push_back(e.index);
      call();
      break;
    }
  }
}

void World::touch(u32 shard) {
  Box& box = *boxes_[shard];
  if (box.dirty) return;
  box.dirty = true;
  dirty_.push_back(shard);
}

void World::settle() {
  while (!dirty_.empty()) {
    std::vector<u32> now_dirty;
    now_dirty.swap(dirty_);
    for (u32 shard : now_dirty) service(shard);
  }
}

// Runs a shard until it has nothing to do, to tell or to send at this instant.
void World::service(u32 shard) {
  Box& box = *boxes_[shard];
  constexpr u32 too_many = 100'000;
  box.runs_at_once = box.last_run == now_ ? box.runs_at_once : 0;
  box.last_run = now_;
  for (;;) {
    const Work work = box.shard->run(now_);
    const bool told = dispatch_ready(box);
    const bool sent = pull(box);
    if (!work.more && !told && !sent) break;
    if (++box.runs_at_once > too_many) throw std::runtime_error("a shard does not come to rest at " + std::to_string(now_.s()) + " s");
  }
  box.dirty = false;
  arm(shard);
}

void World::arm(u32 shard) {
  Box& box = *boxes_[shard];
  const Instant deadline = box.shard->next_deadline();
  if (deadline == Instant::never()) {
    box.armed = deadline;  // what is in the event queue is stale
    return;
  }
  const Instant when = std::max(deadline, now_);
  if (when == now_ && ++box.runs_at_once > 10'000)
    throw std::runtime_error("a shard's deadline does not move on at " + std::to_string(now_.s()) + " s");
  if (box.armed == when) return;
  box.armed = when;
  events_.push(when, EventKind::deadline, shard);
}

bool World::dispatch_ready(Box& box) {
  bool any = false;
  std::array<ReadyEvent, 64> ready;
  for (u32 n; (n = box.shard->poll_ready(ready)) > 0;) {
    any = true;
    for (u32 i = 0; i < n; ++i) {
      const u64 id = box.shard->user(ready[i].sock);
      if (id == 0 || id >= handlers_.size() || !handlers_[id]) continue;
      const std::shared_ptr<ReadyHandler> handler = handlers_[id];  // it may remove itself
      (*handler)(ready[i].mask);
    }
  }
  return any;
}

bool World::pull(Box& box) {
  bool any = false;
  for (usize i = 0; i < box.ports.size(); ++i) any = pull_port(box, box.ports[i]) || any;
  return any;
}

bool World::pull_port(Box& box, const Attachment& at) {
  bool any = false;
  Pipe& out = pipe(at.pipe);
  const bool one_by_one = out.config().backpressure;
  std::array<buf::PacketId, 64> packets;
  while (box.shard->has_output(at.port)) {
    if (one_by_one && (out.waiting() || out.free_at() > now_)) break;
    const u32 n = box.shard->frames_to_send(at.port, {packets.data(), one_by_one ? 1u : 64u}, 256 * 1024, now_);
    if (n == 0) break;
    any = true;
    for (u32 i = 0; i < n; ++i) send_packet(box, at.pipe, packets[i]);
    box.shard->tx_done(at.port, {packets.data(), n});
  }
  watch_pipe(at.pipe);
  return any;
}

// A packet as frames on the wire: what its port "offloads" is done here, as a network card would.
void World::send_packet(Box& box, u32 pipe_n, buf::PacketId id) {
  buf::Pool& pool = box.shard->pool();
  const u32 host = sender_of(pipe_n).host->index();
  const auto copy_out = [&](buf::PacketId p) {
    auto frame = store_.take();
    frame.resize(pool[p].length);
    pool.copy_out(p, 0, frame);
    note_sent(host, pipe_n, frame);
    enter(pipe_n, std::move(frame));
  };
  std::array<buf::PacketId, 64> parts;
  while (buf::is_super(pool[id])) {
    const u32 n = buf::split(pool, id, parts, true);
    if (n == 0) return violation("a super-segment could not be cut: the pool is empty");
    for (u32 i = 0; i < n; ++i) {
      copy_out(parts[i]);
      if (parts[i] == id) return;  // the last segment: its descriptor is the caller's to release
      pool.release(parts[i]);
    }
  }
  if (pool[id].csum.kind == buf::CsumKind::partial && !buf::finish_checksum(pool, id))
    return violation("a checksum could not be finished: the pool is empty");
  copy_out(id);
}

void World::note_sent(u32 host, u32 pipe_n, Bytes frame) {
  ++frames_;
  digest_.word(static_cast<u64>(now_.ns));
  digest_.word(u64{pipe_n} << 32 | frame.size());
  digest_.word(siphash13({}, frame));
  for (WireListener* l : listeners_) l->on_sent(host, links_[pipe_n / 2], frame, now_);
}

void World::enter(u32 pipe_n, std::vector<std::byte>&& frame) {
  pipe(pipe_n).enter(std::move(frame), now_, store_);
  watch_pipe(pipe_n);
}

// Puts the pipe's next events into the queue.
void World::watch_pipe(u32 n) {
  Pipe& p = pipe(n);
  PipeEvents& e = pipe_events_[n];
  if (const Instant next = p.next_arrival(); next != Instant::never()) {
    const Instant when = std::max({next, e.not_before, now_});
    if (when < e.arrival) {
      e.arrival = when;
      events_.push(when, EventKind::arrival, n);
    }
  }
  const bool wanted = p.waiting() || (p.config().backpressure && sender_of(n).host != nullptr && p.free_at() > now_);
  if (wanted && e.wire_free != p.free_at()) {
    e.wire_free = std::max(p.free_at(), now_);
    events_.push(e.wire_free, EventKind::wire_free, n);
  }
}

void World::arrive(u32 n) {
  Pipe& p = pipe(n);
  const LinkEnd& to = receiver_of(n);
  std::vector<Frame> batch;
  Frame frame;
  while (batch.size() < config_.max_batch && p.take_arrived(now_, frame)) batch.push_back(std::move(frame));
  deliver(to, n, batch);
  for (Frame& f : batch) store_.give(std::move(f.bytes));
  const bool more_now = p.next_arrival() <= now_;
  pipe_events_[n].not_before = more_now ? now_ : now_ + p.config().coalesce;
  watch_pipe(n);
}

void World::deliver(const LinkEnd& to, u32 n, std::span<Frame> frames) {
  if (to.raw != nullptr) {
    for (const Frame& f : frames)
      if (to.raw->on_frame) to.raw->on_frame(f.view(), now_);
    return;
  }
  Shard& shard = to.host->shard();
  const MacAddr own = shard.core().interfaces[to.interface]->config.mac;
  std::vector<buf::PacketId> packets;
  for (const Frame& f : frames) {
    const buf::PacketId id = shard.pool().from_bytes(f.view());
    if (id == buf::PacketId::none) {
      ++pipe(n).stats().no_buffer;
      continue;
    }
    packets.push_back(id);
    const MacAddr dst = f.view().size() >= 6 ? load_raw<MacAddr>(f.view().data()) : MacAddr{};
    if (dst != own && !dst.is_multicast()) continue;  // the host will not look at it
    for (WireListener* l : listeners_) l->on_delivered(to.host->index(), links_[n / 2], f.view(), f.hurt, now_);
  }
  if (packets.empty()) return;
  shard.on_frames(to.interface, packets, now_);
  touch(to.host->shard_index());
}

}  // namespace weir::sim

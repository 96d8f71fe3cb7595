#include "sim/pipe.hpp"

namespace weir::sim {

void Pipe::enter(std::vector<std::byte>&& bytes, Instant now, FrameStore& store) {
  ++stats_.frames_in;
  stats_.bytes_in += bytes.size();
  Frame frame{std::move(bytes), stats_.frames_in, {}, false};
  if (waiting_.empty() && busy_until_ <= now) return transmit(std::move(frame), now, store);
  const bool full = (config_.queue_packets != 0 && waiting_.size() >= config_.queue_packets) ||
                    (config_.queue_bytes != 0 && waiting_bytes_ + frame.bytes.size() > config_.queue_bytes);
  if (full) {
    ++stats_.queue_drops;
    observe(frame, now, Drop::queue_full, "queue of the link is full");
    tell(now, Happened::dropped);
    store.give(std::move(frame.bytes));
    return;
  }
  if (config_.mark_packets != 0 && waiting_.size() >= config_.mark_packets && mark_ce(frame.bytes)) ++stats_.marked;
  waiting_bytes_ += frame.bytes.size();
  waiting_.push_back(std::move(frame));
  stats_.queue_max_packets = std::max(stats_.queue_max_packets, queued_packets());
  stats_.queue_max_bytes = std::max(stats_.queue_max_bytes, waiting_bytes_);
  tell(now, Happened::queue);
}

void Pipe::on_wire_free(Instant now, FrameStore& store) {
  while (!waiting_.empty() && busy_until_ <= now) {
    Frame frame = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= frame.bytes.size();
    tell(now, Happened::queue);
    transmit(std::move(frame), now, store);
  }
}

// The end of the transmission of so many bytes that begins now.
Instant Pipe::occupy(usize bytes, Instant now) noexcept {
  const u64 rate = config_.bits_per_second;
  if (rate == 0) {
    busy_until_ = now;
    return now;
  }
  if (busy_until_ != now || burst_rate_ != rate) {
    burst_start_ = now;
    burst_bits_ = 0;
    burst_rate_ = rate;
  }
  burst_bits_ += bytes * 8;
  constexpr u64 second = 1'000'000'000;
  __extension__ typedef unsigned __int128 Wide;
  const u64 seconds = burst_bits_ / rate;
  const auto ns = static_cast<u64>((Wide{burst_bits_ % rate} * second + rate - 1) / rate);
  busy_until_ = burst_start_ + Duration{static_cast<i64>(seconds * second + ns)};
  stats_.busy = stats_.busy + (busy_until_ - now);
  return busy_until_;
}

Pipe::Fate Pipe::decide(const Frame& frame, Instant now) {
  Fate f;
  f.lost = rng_.chance(config_.loss);
  f.duplicate = rng_.chance(config_.duplicate);
  f.corrupt = rng_.chance(config_.corrupt);
  f.reorder = rng_.chance(config_.reorder);
  f.jitter = Duration{static_cast<i64>(rng_.unit() * static_cast<double>(config_.jitter.ns))};
  const Duration by = config_.reorder_by.ns != 0 ? config_.reorder_by : config_.delay / 2 + Duration::millis(1);
  if (f.reorder) f.held_back = by;
  const FrameInfo info{frame.view(), now, frame.number, a_to_b_};
  for (const Fault& fault : faults_) {
    if (!fault.filter(info)) continue;
    switch (fault.kind) {
      case FaultKind::drop: f.faulted = true; break;
      case FaultKind::duplicate: f.duplicate = true; break;
      case FaultKind::corrupt: f.corrupt = true; break;
      case FaultKind::mark: f.mark = true; break;
      case FaultKind::delay:
        f.reorder = true;
        f.held_back = std::max(f.held_back, fault.by);
        break;
    }
  }
  if (in_outage(now)) f.faulted = true;
  return f;
}

void Pipe::transmit(Frame&& frame, Instant now, FrameStore& store) {
  const Instant sent = occupy(frame.bytes.size(), now);
  const Fate fate = decide(frame, now);
  if (fate.lost || fate.faulted) {
    ++(fate.faulted ? stats_.faulted : stats_.lost);
    observe(frame, now, Drop::link_loss, fate.faulted ? "by script" : "by chance");
    tell(now, Happened::lost);
    store.give(std::move(frame.bytes));
    return;
  }
  const Instant arrival = sent + config_.delay + fate.jitter;
  if (fate.duplicate) {
    ++stats_.duplicated;
    Frame copy{store.take(), frame.number, {}, false};
    copy.bytes.assign(frame.bytes.begin(), frame.bytes.end());
    observe(copy, now, Drop::none, "duplicate");
    fly(std::move(copy), arrival, true);
  }
  if (fate.mark && mark_ce(frame.bytes)) ++stats_.marked;
  if (fate.corrupt) {
    ++stats_.corrupted;
    flip_a_bit(frame.bytes, rng_);
    frame.hurt = true;
  }
  if (fate.reorder) ++stats_.reordered;
  observe(frame, now, Drop::none, fate.corrupt ? "corrupted on the wire" : fate.reorder ? "held back" : "");
  fly(std::move(frame), arrival + fate.held_back, !fate.reorder);
}

// Jitter does not change the order: a frame arrives no earlier than the one before it. One that is held back stands aside.
void Pipe::fly(Frame&& frame, Instant arrival, bool in_order) {
  if (in_order) {
    arrival = std::max(arrival, last_arrival_);
    last_arrival_ = arrival;
  }
  frame.arrival = arrival;
  auto at = flying_.end();
  while (at != flying_.begin() && std::prev(at)->arrival > arrival) --at;
  flying_.insert(at, std::move(frame));
}

bool Pipe::take_arrived(Instant now, Frame& out) {
  if (flying_.empty() || flying_.front().arrival > now) return false;
  out = std::move(flying_.front());
  flying_.pop_front();
  ++stats_.frames_out;
  stats_.bytes_out += out.bytes.size();
  return true;
}

bool Pipe::in_outage(Instant now) const noexcept {
  return std::ranges::any_of(outages_, [&](const Outage& o) { return o.from <= now && now < o.to; });
}

}  // namespace weir::sim

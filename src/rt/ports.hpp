// The devices of a shard: frames from them into the shard and from the shard to them, a batch at a time. The caller holds
// the shard. A template over the shard so that it is tested and measured with a shard that does nothing.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "io/device.hpp"
#include "rt/sleeper.hpp"
#include "shard/shard.hpp"

namespace weir::rt {

template <class S>
class BasicPorts {
 public:
  static constexpr u32 batch = 64;
  static constexpr u32 batch_bytes = 256 * 1024;
  // What a device said no to is offered again after this long: nothing tells when it would say yes.
  static constexpr Duration retry_after = Duration::micros(100);
  static constexpr u32 batches_per_flush = 4;

  // Called when a device goes up, down or away, by whoever noticed, with the shard held: it must not call into it.
  std::function<void(Port, std::string_view device, io::LinkState)> on_link;

  explicit BasicPorts(Sleeper& sleeper) noexcept : sleeper_(sleeper) {}

  void attach(S& shard, Port port, io::Device device, Instant now) {
    const u32 events = device.poll_events();
    const bool sync_tx = device.caps().sync_tx;
    const DeviceLosses told = losses_of(device);
    all_.push_back({port, std::move(device), events, io::LinkState::up, sync_tx, true, Instant{}, told});
    Attached& a = all_.back();
    if (a.device.fd() >= 0) sleeper_.add(a.device.fd(), events, port);
    see_link(shard, a, now);
  }
  // An empty Device if there is none. The buffers it held are back in the pool.
  io::Device detach(S& shard, Port port) {
    for (auto i = all_.begin(); i != all_.end(); ++i) {
      if (i->port != port) continue;
      io::Device device = std::move(i->device);
      if (device.fd() >= 0) sleeper_.remove(device.fd());
      give_back(shard, device, port);
      device.release(shard.pool());
      all_.erase(i);
      return device;
    }
    return {};
  }
  io::Device detach_any(S& shard) { return all_.empty() ? io::Device{} : detach(shard, all_.back().port); }
  [[nodiscard]] bool empty() const noexcept { return all_.empty(); }
  [[nodiscard]] io::Device* find(Port port) noexcept {
    for (Attached& a : all_)
      if (a.port == port) return &a.device;
    return nullptr;
  }

  // One batch from each device that has something. True if there was any. between() is called after
  // each batch and says what time it is then.
  template <class Between>
  bool receive(S& shard, Instant now, Between&& between) {
    bool any = false;
    for (usize i = 0; i < all_.size(); ++i) {  // between() may attach and detach
      Attached& a = all_[i];
      if (!a.hot && a.device.wake_at(now) > now) continue;
      std::array<buf::PacketId, batch> frames;
      const u32 n = a.device.receive(shard.pool(), frames, batch_bytes, now);
      a.hot = n > 0;
      if (n > 0) shard.on_frames(a.port, {frames.data(), n}, now);
      any = any || n > 0;
      tell_losses(shard, a);
      see_link(shard, a, now);
      now = between();
    }
    return any;
  }

  // Everything the shard has for the devices. True if something is left that a device would take.
  bool flush(S& shard, Instant now) {
    bool more = false;
    for (Attached& a : all_) {
      if (!a.sync_tx) give_back(shard, a.device, a.port);
      if (a.retry_at > now || !shard.has_output(a.port)) continue;
      more = flush(shard, a, now) || more;
    }
    return more;
  }

  void on_event(S& shard, const Event& e, Instant now) {
    for (Attached& a : all_) {
      if (a.port != e.tag) continue;
      a.device.on_events(e.events);
      a.hot = true;
      see_link(shard, a, now);
    }
  }

  // When a device wants attention that no file will ask for.
  [[nodiscard]] Instant deadline(S& shard, Instant now) const noexcept {
    Instant next = Instant::never();
    for (const Attached& a : all_) {
      if (a.hot) return now;
      next = std::min(next, a.device.wake_at(now));
      if (a.retry_at > now && shard.has_output(a.port)) next = std::min(next, a.retry_at);
    }
    return next;
  }

 private:
  struct Attached {
    Port port;
    io::Device device;
    u32 events;              // that the sleeper waits for
    io::LinkState reported;  // to the shard
    bool sync_tx;
    bool hot;                // the last look found something, or a file said so
    Instant retry_at;
    DeviceLosses told;       // to the shard
  };

  static DeviceLosses losses_of(const io::Device& device) noexcept {
    const io::DriverStats& s = device.stats();
    return {s.rx_dropped, s.rx_errors, s.tx_errors};
  }
  static void tell_losses(S& shard, Attached& a) noexcept {
    const DeviceLosses now = losses_of(a.device), before = std::exchange(a.told, now);
    if (now == before) [[likely]]
      return;
    shard.on_losses(a.port, {now.rx_dropped - before.rx_dropped, now.rx_errors - before.rx_errors, now.tx_errors - before.tx_errors});
  }

  static void give_back(S& shard, io::Device& device, Port port) {
    std::array<buf::PacketId, batch> done;
    for (u32 n; (n = device.completed(shard.pool(), done)) > 0;) shard.tx_done(port, {done.data(), n});
  }

  bool flush(S& shard, Attached& a, Instant now) {
    for (u32 round = 0; round < batches_per_flush; ++round) {
      std::array<buf::PacketId, batch> frames;
      const u32 n = shard.frames_to_send(a.port, frames, batch_bytes, now);
      if (n == 0) return false;
      const u32 taken = a.device.send(shard.pool(), {frames.data(), n}, now);
      tell_losses(shard, a);
      if (a.sync_tx && taken > 0) shard.tx_done(a.port, {frames.data(), taken});
      if (taken == n) [[likely]]
        continue;
      shard.unsent(a.port, {frames.data() + taken, n - taken});  // back-pressure, not a drop
      a.retry_at = now + retry_after;
      see_link(shard, a, now);
      return false;
    }
    return shard.has_output(a.port);
  }

  void see_link(S& shard, Attached& a, Instant now) {
    const io::LinkState link = a.device.link();
    const int fd = a.device.fd();
    if (link == a.reported) [[likely]] {
      if (const u32 events = a.device.poll_events(); events != a.events) watch(a, events);
      return;
    }
    const bool was_up = a.reported == io::LinkState::up, is_up = link == io::LinkState::up;
    a.reported = link;
    if (link == io::LinkState::gone && fd >= 0) sleeper_.remove(fd);
    else watch(a, a.device.poll_events());
    if (was_up != is_up) shard.on_port(a.port, is_up, now);
    if (on_link) on_link(a.port, a.device.name(), link);
  }

  void watch(Attached& a, u32 events) {
    a.events = events;
    if (a.device.fd() >= 0) sleeper_.modify(a.device.fd(), events, a.port);
  }

  Sleeper& sleeper_;
  std::vector<Attached> all_;
};

extern template class BasicPorts<Shard>;
using Ports = BasicPorts<Shard>;

}  // namespace weir::rt

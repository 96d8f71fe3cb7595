// What a driver is: frames in, frames out, in batches and without blocking. A driver knows nothing of threads, clocks
// and shards: rt (or a bench, or a test) turns it.
#pragma once

#include <concepts>
#include <span>
#include <string_view>

#include "base/time.hpp"
#include "buf/pool.hpp"
#include "graph/config.hpp"

namespace weir::io {

struct Caps {
  InterfaceKind kind = InterfaceKind::ethernet;  // or raw_ip
  u16 mtu = 1500;
  Offload offload{};
  u16 queues = 1;
  // A packet that send() has taken is finished with when send() returns; completed() never has any.
  bool sync_tx = true;
  MacAddr mac{};  // the one to use where the device has its own; zero: any will do
};

// down: frames do not pass now (the other end is not up). gone: they never will again.
enum class LinkState : u8 { up, down, gone };

struct DriverStats {
  u64 rx_packets = 0, rx_bytes = 0, rx_dropped = 0, rx_errors = 0;
  u64 tx_packets = 0, tx_bytes = 0, tx_errors = 0;
};

// Contract:
//   receive    fills a prefix of `out` (about max_bytes at most) with packets that are the caller's from then on
//   send       takes a prefix and says how many; the rest stays the caller's (the device is full, or not up)
//   completed  packets that send() took and the device has finished with: the caller's again
//   fd         what to sleep on, -1: nothing; poll_events: for which of EPOLLIN, EPOLLOUT; on_events: what came
//   wake_at    when receive() will have frames that no fd announces; Instant::never(): it will not
//   release    gives back the buffers that wait for frames, before the pool goes away or the driver changes hands
template <class D>
concept Driver = requires(D d, const D& c, buf::Pool& pool, std::span<buf::PacketId> out, std::span<const buf::PacketId> in, u32 max_bytes,
                          Instant now, u32 events) {
  { c.caps() } noexcept -> std::same_as<Caps>;
  { c.name() } noexcept -> std::convertible_to<std::string_view>;
  { c.stats() } noexcept -> std::same_as<const DriverStats&>;
  { c.link() } noexcept -> std::same_as<LinkState>;
  { d.receive(pool, out, max_bytes, now) } noexcept -> std::same_as<u32>;
  { d.send(pool, in, now) } noexcept -> std::same_as<u32>;
  { d.completed(pool, out) } noexcept -> std::same_as<u32>;
  { c.fd() } noexcept -> std::same_as<int>;
  { c.poll_events() } noexcept -> std::same_as<u32>;
  { d.on_events(events) } noexcept;
  { c.wake_at(now) } noexcept -> std::same_as<Instant>;
  { d.release(pool) } noexcept;
};

// What most drivers say to most of these questions.
class DriverDefaults {
 public:
  [[nodiscard]] const DriverStats& stats() const noexcept { return stats_; }
  [[nodiscard]] LinkState link() const noexcept { return link_; }
  [[nodiscard]] int fd() const noexcept { return -1; }
  [[nodiscard]] u32 poll_events() const noexcept { return 0; }
  void on_events(u32) noexcept {}
  [[nodiscard]] Instant wake_at(Instant) const noexcept { return Instant::never(); }
  u32 completed(buf::Pool&, std::span<buf::PacketId>) noexcept { return 0; }
  void release(buf::Pool&) noexcept {}

 protected:
  DriverStats stats_;
  LinkState link_ = LinkState::up;
};

}  // namespace weir::io

// A device without a wire, for benches: makes frames as fast as they are taken and swallows what is sent.
#pragma once

#include <memory>
#include <vector>

#include "io/driver.hpp"

namespace weir::io {

// Packets going round between null devices, first in first out: what one sends another receives again as new, so that
// a chosen number of descriptors and buffers is reused in order.
class FrameRing {
 public:
  explicit FrameRing(u32 capacity) : ids_(capacity) {}
  [[nodiscard]] u32 size() const noexcept { return n_; }
  bool push(buf::PacketId id) noexcept {
    if (n_ == ids_.size()) return false;
    ids_[(first_ + n_++) % ids_.size()] = id;
    return true;
  }
  [[nodiscard]] buf::PacketId pop() noexcept {
    if (n_ == 0) return buf::PacketId::none;
    const buf::PacketId id = ids_[first_];
    first_ = static_cast<u32>((first_ + 1) % ids_.size());
    --n_;
    return id;
  }

 private:
  std::vector<buf::PacketId> ids_;
  u32 first_ = 0, n_ = 0;
};

struct NullConfig {
  Caps caps{};
  std::vector<std::byte> frame{};  // at most 2,048 bytes; empty: nothing is ever received
  u64 limit = ~u64{0};             // frames to make
  // Changes a fresh copy of `frame` before it is received, e.g. its addresses.
  void (*touch)(void* self, MutBytes frame, u64 number) = nullptr;
  void* self = nullptr;
  std::shared_ptr<FrameRing> ring{};  // where sent packets go and received ones come from; none: the pool
};

//   auto ring = std::make_shared<FrameRing>(4096);
//   Null from({.frame = template_of_64_bytes, .touch = next_address, .ring = ring}), to({.ring = ring});
class Null : public DriverDefaults {
 public:
  explicit Null(NullConfig config) noexcept : config_(std::move(config)) {
    WEIR_ASSERT(config_.frame.size() <= buf::Pool::small_stride - buf::Pool::headroom);
  }

  [[nodiscard]] Caps caps() const noexcept {
    Caps caps = config_.caps;
    caps.sync_tx = config_.ring == nullptr;  // into a ring: they are never given back
    return caps;
  }
  [[nodiscard]] std::string_view name() const noexcept { return "null"; }
  u32 receive(buf::Pool& pool, std::span<buf::PacketId> out, u32 max_bytes, Instant now) noexcept;
  u32 send(buf::Pool& pool, std::span<const buf::PacketId> packets, Instant now) noexcept;
  void release(buf::Pool& pool) noexcept;
  [[nodiscard]] Instant wake_at(Instant now) const noexcept { return exhausted() ? Instant::never() : now; }

 private:
  [[nodiscard]] bool exhausted() const noexcept { return config_.frame.empty() || stats_.rx_packets >= config_.limit; }
  [[nodiscard]] buf::PacketId make(buf::Pool& pool) noexcept;
  NullConfig config_;
};

}  // namespace weir::io

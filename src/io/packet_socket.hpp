// An interface of the kernel shared with it: AF_PACKET, packet(7). weir has its own MAC address on it (the interface is
// set promiscuous), or the interface's own where the caller takes it from caps().mac. Virtio headers as with TAP.
#pragma once

#include <string>

#include "io/frame_file.hpp"

namespace weir::io {

struct PacketSocketConfig {
  std::string interface;
  bool offload = true;
};

class PacketSocket : public DriverDefaults {
 public:
  [[nodiscard]] static Result<std::unique_ptr<PacketSocket>, std::string> open(const PacketSocketConfig& config);

  [[nodiscard]] Caps caps() const noexcept { return caps_; }
  [[nodiscard]] std::string_view name() const noexcept { return name_; }
  u32 receive(buf::Pool& pool, std::span<buf::PacketId> out, u32 max_bytes, Instant now) noexcept;
  u32 send(buf::Pool& pool, std::span<const buf::PacketId> packets, Instant now) noexcept;
  void release(buf::Pool& pool) noexcept { file_.release(pool); }
  [[nodiscard]] int fd() const noexcept { return file_.fd(); }
  [[nodiscard]] u32 poll_events() const noexcept;
  void on_events(u32 events) noexcept;
  [[nodiscard]] Instant wake_at(Instant) const noexcept { return link_ == LinkState::down ? look_at_ : Instant::never(); }

  PacketSocket(Fd fd, std::string name, Caps caps) noexcept;

 private:
  void look() noexcept;
  FrameFile file_;
  std::string name_;
  Caps caps_;
  Instant look_at_{};  // while the interface is down
};

}  // namespace weir::io

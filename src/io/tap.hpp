// TAP (Ethernet) and TUN (raw IP) devices of the kernel, linux/if_tun.h. Checksums and segmentation are left to whoever
// needs them (virtio header), so that super-segments of 64 KiB cross in one piece both ways.
#pragma once

#include <string>
#include <vector>

#include "io/frame_file.hpp"
#include "io/link_config.hpp"

namespace weir::io {

struct TapConfig {
  std::string name;               // at most 15 bytes; "tap%d": the kernel picks the number
  bool tun = false;               // raw IP instead of Ethernet
  std::vector<Prefix> host{};     // addresses of the kernel's end; none: it is left to the user, not even brought up
  u16 mtu = 0;                    // of the kernel's end, 0: as it is (1500)
  bool offload = true;
  bool udp_gso = true;            // take super-datagrams too, where the kernel has them (6.2)
  u16 queues = 1;                 // each is a driver of its own, for a shard of its own
};

// One queue of a device. The device is made in the network namespace of the caller and addressed by its file alone from
// then on: it may be renamed or moved to another namespace. It goes away with its last queue.
//   auto queues = Tap::open({.name = "weir0", .host = {*Prefix::parse("10.77.0.1/24")}});
//   if (!queues) die(queues.error());
class Tap : public DriverDefaults {
 public:
  [[nodiscard]] static Result<std::vector<std::unique_ptr<Tap>>, std::string> open(const TapConfig& config);

  [[nodiscard]] Caps caps() const noexcept { return caps_; }
  [[nodiscard]] std::string_view name() const noexcept { return name_; }
  u32 receive(buf::Pool& pool, std::span<buf::PacketId> out, u32 max_bytes, Instant now) noexcept;
  u32 send(buf::Pool& pool, std::span<const buf::PacketId> packets, Instant now) noexcept;
  void release(buf::Pool& pool) noexcept { file_.release(pool); }
  [[nodiscard]] int fd() const noexcept { return file_.fd(); }
  [[nodiscard]] u32 poll_events() const noexcept;
  void on_events(u32 events) noexcept;

  Tap(Fd fd, std::string name, Caps caps) noexcept;

 private:
  void on_error(int error) noexcept;
  void look() noexcept;  // whether the kernel's end is up, down or gone

  FrameFile file_;
  std::string name_;
  Caps caps_;
};

}  // namespace weir::io

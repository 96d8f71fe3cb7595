// Any driver behind one type: what rt holds. One indirect call per batch.
#pragma once

#include <memory>
#include <utility>

#include "io/driver.hpp"

namespace weir::io {

//   Device nic{std::make_unique<Tap>(...)};
//   u32 n = nic.receive(pool, batch, 256 * 1024, now);
class Device {
 public:
  Device() noexcept = default;
  template <Driver D>
  explicit Device(std::unique_ptr<D> driver) : model_(std::make_unique<Model<D>>(std::move(driver))) {}

  explicit operator bool() const noexcept { return model_ != nullptr; }

  [[nodiscard]] Caps caps() const noexcept { return model_->caps(); }
  [[nodiscard]] std::string_view name() const noexcept { return model_->name(); }
  [[nodiscard]] const DriverStats& stats() const noexcept { return model_->stats(); }
  [[nodiscard]] LinkState link() const noexcept { return model_->link(); }
  u32 receive(buf::Pool& pool, std::span<buf::PacketId> out, u32 max_bytes, Instant now) noexcept {
    return model_->receive(pool, out, max_bytes, now);
  }
  u32 send(buf::Pool& pool, std::span<const buf::PacketId> packets, Instant now) noexcept { return model_->send(pool, packets, now); }
  u32 completed(buf::Pool& pool, std::span<buf::PacketId> out) noexcept { return model_->completed(pool, out); }
  [[nodiscard]] int fd() const noexcept { return model_->fd(); }
  [[nodiscard]] u32 poll_events() const noexcept { return model_->poll_events(); }
  void on_events(u32 events) noexcept { model_->on_events(events); }
  [[nodiscard]] Instant wake_at(Instant now) const noexcept { return model_->wake_at(now); }
  void release(buf::Pool& pool) noexcept { model_->release(pool); }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual Caps caps() const noexcept = 0;
    virtual std::string_view name() const noexcept = 0;
    virtual const DriverStats& stats() const noexcept = 0;
    virtual LinkState link() const noexcept = 0;
    virtual u32 receive(buf::Pool&, std::span<buf::PacketId>, u32, Instant) noexcept = 0;
    virtual u32 send(buf::Pool&, std::span<const buf::PacketId>, Instant) noexcept = 0;
    virtual u32 completed(buf::Pool&, std::span<buf::PacketId>) noexcept = 0;
    virtual int fd() const noexcept = 0;
    virtual u32 poll_events() const noexcept = 0;
    virtual void on_events(u32) noexcept = 0;
    virtual Instant wake_at(Instant) const noexcept = 0;
    virtual void release(buf::Pool&) noexcept = 0;
  };

  template <Driver D>
  struct Model final : Interface {
    explicit Model(std::unique_ptr<D> driver) : d(std::move(driver)) {}
    Caps caps() const noexcept override { return d->caps(); }
    std::string_view name() const noexcept override { return d->name(); }
    const DriverStats& stats() const noexcept override { return d->stats(); }
    LinkState link() const noexcept override { return d->link(); }
    u32 receive(buf::Pool& pool, std::span<buf::PacketId> out, u32 max_bytes, Instant now) noexcept override {
      return d->receive(pool, out, max_bytes, now);
    }
    u32 send(buf::Pool& pool, std::span<const buf::PacketId> packets, Instant now) noexcept override { return d->send(pool, packets, now); }
    u32 completed(buf::Pool& pool, std::span<buf::PacketId> out) noexcept override { return d->completed(pool, out); }
    int fd() const noexcept override { return d->fd(); }
    u32 poll_events() const noexcept override { return d->poll_events(); }
    void on_events(u32 events) noexcept override { d->on_events(events); }
    Instant wake_at(Instant now) const noexcept override { return d->wake_at(now); }
    void release(buf::Pool& pool) noexcept override { d->release(pool); }
    std::unique_ptr<D> d;
  };

  std::unique_ptr<Interface> model_;
};

}  // namespace weir::io

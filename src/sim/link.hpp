// A simulated wire between two ends, each an interface of a host or a peer made by hand.
#pragma once

#include <string>

#include "sim/pipe.hpp"

namespace weir::sim {

class Host;

// The other end of a wire when it is not a weir host: a test's own code, which sees and makes raw frames.
struct RawPeer {
  std::function<void(Bytes frame, Instant now)> on_frame;
};

struct LinkEnd {
  Host* host = nullptr;  // and its interface, or
  IfIndex interface = 0;
  RawPeer* raw = nullptr;
};

class Link {
 public:
  Link(u32 index, std::string name, LinkEnd a, LinkEnd b, const LinkConfig& ab, const LinkConfig& ba, Rng& rng)
      : index_(index), name_(std::move(name)), a_(a), b_(b), pipes_{Pipe{ab, rng.fork(), true}, Pipe{ba, rng.fork(), false}} {}

  [[nodiscard]] u32 index() const noexcept { return index_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const LinkEnd& a() const noexcept { return a_; }
  [[nodiscard]] const LinkEnd& b() const noexcept { return b_; }
  [[nodiscard]] Pipe& a_to_b() noexcept { return pipes_[0]; }
  [[nodiscard]] Pipe& b_to_a() noexcept { return pipes_[1]; }
  [[nodiscard]] Pipe& pipe(u32 direction) noexcept { return pipes_[direction]; }
  [[nodiscard]] const Pipe& pipe(u32 direction) const noexcept { return pipes_[direction]; }

  // Both directions. A filter that counts counts over both.
  void drop(const Filter& filter) { add_fault({FaultKind::drop, filter}); }
  void duplicate(const Filter& filter) { add_fault({FaultKind::duplicate, filter}); }
  void corrupt(const Filter& filter) { add_fault({FaultKind::corrupt, filter}); }
  void delay(const Filter& filter, Duration by) { add_fault({FaultKind::delay, filter, by}); }
  void mark(const Filter& filter) { add_fault({FaultKind::mark, filter}); }
  void add_fault(const Fault& fault) {
    for (Pipe& p : pipes_) p.add_fault(fault);
  }
  void clear_faults() {
    for (Pipe& p : pipes_) p.clear_faults();
  }
  void outage(Instant from, Instant to) {
    for (Pipe& p : pipes_) p.outage(from, to);
  }
  void set_rate(u64 bits_per_second) noexcept {
    for (Pipe& p : pipes_) p.set_rate(bits_per_second);
  }
  void set_delay(Duration one_way) noexcept {
    for (Pipe& p : pipes_) p.set_delay(one_way);
  }

 private:
  u32 index_;
  std::string name_;
  LinkEnd a_, b_;
  Pipe pipes_[2];
};

}  // namespace weir::sim

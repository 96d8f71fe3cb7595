// One direction of a simulated wire: a queue, a transmitter of a given rate, a delay, and what goes wrong on the way.
// Knows nothing of shards: frames in, frames out, time and chance passed in.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "base/drop.hpp"
#include "graph/config.hpp"
#include "sim/faults.hpp"
#include "sim/frame.hpp"

namespace weir::sim {

struct LinkConfig {
  u64 bits_per_second = 0;     // 0: frames take no time. A frame takes the time of its bytes, Ethernet header included
  Duration delay{};            // one way
  Duration jitter{};           // up to so much more, evenly spread; frames stay in order
  double loss = 0;             // probabilities per frame
  double reorder = 0;          // held back by reorder_by, so that later ones overtake it
  double duplicate = 0;
  double corrupt = 0;          // one bit of the frame is changed
  Duration reorder_by{};       // 0: half the delay and a millisecond
  u32 queue_packets = 1000;    // frames that wait for the transmitter at most; 0: no limit
  u64 queue_bytes = 0;         // the same in bytes; 0: no limit
  u32 mark_packets = 0;        // ECT frames that find so many waiting are marked CE (RFC 8257 3.1); 0: never
  // Frames are taken from the sender only when the wire is free, as a network card does; the sender's own queue fills.
  bool backpressure = false;
  // Arriving frames are handed to the receiver together, at most once in this time, as a card with interrupt moderation.
  Duration coalesce{};
  u16 mtu = 1500;              // of the interfaces at both ends
  Offload offload{};           // what these "cards" do themselves: cutting of super-segments, checksums
};

struct PipeStats {
  u64 frames_in = 0, bytes_in = 0;                // offered by the sender
  u64 frames_out = 0, bytes_out = 0;              // arrived
  u64 lost = 0, faulted = 0, queue_drops = 0;     // by chance, by script, for want of room in the queue
  u64 marked = 0;                                 // CE set
  u64 duplicated = 0, reordered = 0, corrupted = 0;
  u64 no_buffer = 0;                              // arrived, but the receiver's pool was empty
  u32 queue_max_packets = 0;
  u64 queue_max_bytes = 0;
  Duration busy{};                                // time the transmitter has worked
};

class Pipe {
 public:
  // Told what became of a frame: on the wire (Drop::none) at `time`, or not. `note` says why in words, or nothing.
  using Observer = std::function<void(Bytes frame, Instant time, Drop why, std::string_view note)>;

  // Told when the queue's length has changed, and when a frame is dropped by it or lost on the wire; `waiting` is its length then.
  enum class Happened : u8 { queue, dropped, lost };
  using Watcher = std::function<void(Instant time, Happened what, u32 waiting)>;

  Pipe(const LinkConfig& config, Rng rng, bool a_to_b) : config_(config), rng_(std::move(rng)), a_to_b_(a_to_b) {}

  // A frame from the sender. It is on the wire, waits, or is dropped when this returns.
  void enter(std::vector<std::byte>&& frame, Instant now, FrameStore& store);
  // The next one that waits goes on the wire: to be called at free_at().
  void on_wire_free(Instant now, FrameStore& store);
  // When the transmitter is free; not later than now if it is.
  [[nodiscard]] Instant free_at() const noexcept { return busy_until_; }
  [[nodiscard]] bool waiting() const noexcept { return !waiting_.empty(); }
  [[nodiscard]] u32 queued_packets() const noexcept { return static_cast<u32>(waiting_.size()); }

  [[nodiscard]] Instant next_arrival() const noexcept { return flying_.empty() ? Instant::never() : flying_.front().arrival; }
  // The next frame that has arrived by now.
  [[nodiscard]] bool take_arrived(Instant now, Frame& out);
  [[nodiscard]] usize in_flight() const noexcept { return flying_.size(); }

  // Changes from now on. Frames that are on the wire already are not touched.
  [[nodiscard]] const LinkConfig& config() const noexcept { return config_; }
  void set_rate(u64 bits_per_second) noexcept { config_.bits_per_second = bits_per_second; }
  void set_delay(Duration delay) noexcept { config_.delay = delay; }
  void configure(const LinkConfig& config) noexcept { config_ = config; }

  void add_fault(Fault fault) { faults_.push_back(std::move(fault)); }
  void drop(Filter filter) { add_fault({FaultKind::drop, std::move(filter)}); }
  void clear_faults() { faults_.clear(); }
  // No frame gets on the wire in this time.
  void outage(Instant from, Instant to) { outages_.push_back({from, to}); }

  void set_observer(Observer o) { observer_ = std::move(o); }
  void set_watcher(Watcher w) { watcher_ = std::move(w); }
  [[nodiscard]] const PipeStats& stats() const noexcept { return stats_; }
  [[nodiscard]] PipeStats& stats() noexcept { return stats_; }

 private:
  struct Outage {
    Instant from, to;
  };
  // What chance and script have decided about a frame, drawn in one order whatever is switched on.
  struct Fate {
    bool lost = false, mark = false, faulted = false, duplicate = false, corrupt = false, reorder = false;
    Duration held_back{}, jitter{};
  };

  void transmit(Frame&& frame, Instant now, FrameStore& store);
  [[nodiscard]] Fate decide(const Frame& frame, Instant now);
  [[nodiscard]] Instant occupy(usize bytes, Instant now) noexcept;
  void fly(Frame&& frame, Instant arrival, bool in_order);
  [[nodiscard]] bool in_outage(Instant now) const noexcept;
  void observe(const Frame& frame, Instant now, Drop why, std::string_view note) const {
    if (observer_) observer_(frame.view(), now, why, note);
  }
  void tell(Instant now, Happened what) const {
    if (watcher_) watcher_(now, what, queued_packets());
  }

  LinkConfig config_;
  Rng rng_;
  bool a_to_b_;
  std::vector<Fault> faults_;
  std::vector<Outage> outages_;
  std::deque<Frame> waiting_;  // for the transmitter
  u64 waiting_bytes_ = 0;
  std::deque<Frame> flying_;   // by arrival
  Instant busy_until_;
  // Bits sent without a pause at one rate: ends are counted from the start, so that roundings do not add up.
  Instant burst_start_;
  u64 burst_bits_ = 0, burst_rate_ = 0;
  Instant last_arrival_;
  PipeStats stats_;
  Observer observer_;
  Watcher watcher_;
};

}  // namespace weir::sim

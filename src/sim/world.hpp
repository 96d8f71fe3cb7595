// A world in virtual time: shards, wires between them, an event queue and one seed. The same seed and the same calls give
// the same run, byte for byte. No threads, no real clock.
//
//   World world{1};
//   Host& client = world.host("client");
//   Host& server = world.host("server");
//   Link& link = world.link(client, server, {.bits_per_second = 100'000'000, .delay = 10_ms});
//   link.drop(nth_data_segment(3));
//   Transfer transfer{client, server, {.bytes = 100'000}};
//   world.run_until_idle(60_s);
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/siphash.hpp"
#include "sim/event_queue.hpp"
#include "sim/host.hpp"
#include "sim/link.hpp"

namespace weir::sim {

// Sees each frame where a host gives it away and where one gets it, as it is on the wire.
class WireListener {
 public:
  virtual ~WireListener() = default;
  virtual void on_address(u32 host, const IpAddr& address) = 0;
  virtual void on_sent(u32 host, const Link& link, Bytes frame, Instant now) = 0;
  // hurt: a bit was changed on the way, so that the host may not take it for what it was.
  virtual void on_delivered(u32 host, const Link& link, Bytes frame, bool hurt, Instant now) = 0;
};

class Monitor;

struct WorldConfig {
  bool one_shard = false;  // all hosts in one shard
  u32 max_batch = 64;      // frames handed to a shard in one call
  bool monitor = true;     // the wire monitor watches every link
  bool static_neighbours = false;  // link() tells both ends each other's MAC address: no ARP, no ND
  // A bus of the size of a host's needs, so that a thousand of them are affordable. Memory is touched only as it is used.
  buf::Pool::Config pool{.packets = 16'384, .small_buffers = 8'192, .large_buffers = 2'048};
  u32 max_sockets = 4'096;
  u32 max_connections = 4'096;
  Instant start{};
};

class World {
 public:
  explicit World(u64 seed, const WorldConfig& config = {});
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // -- building. References stay valid as long as the world.
  Host& host(const std::string& name, const HostConfig& config = {});
  // An interface at each end with addresses 10.X.Y.1/24 and .2, fd00:0:0:N::1/64 and ::2, N = X * 256 + Y the number of the link.
  Link& link(Host& a, Host& b, const LinkConfig& both) { return link(a, b, both, both); }
  Link& link(Host& a, Host& b, const LinkConfig& a_to_b, const LinkConfig& b_to_a);
  // The same with a peer made by hand, which has the addresses .2 and ::2 and the MAC address of raw_mac().
  Link& link(Host& a, RawPeer& peer, const LinkConfig& both);
  // The parts of the above, for who wants names and addresses of his own.
  IfIndex add_interface(Host& host, const InterfaceConfig& config);
  Result<void> add_address(Host& host, IfIndex interface, const Prefix& prefix);
  Link& connect(LinkEnd a, LinkEnd b, const LinkConfig& a_to_b, const LinkConfig& b_to_a, std::string name);
  [[nodiscard]] static MacAddr mac_of(u32 link, u32 side) noexcept;
  // A frame from a peer made by hand, onto its link now.
  void raw_send(Link& link, const RawPeer& from, Bytes frame);

  // -- time
  [[nodiscard]] Instant now() const noexcept { return now_; }
  void at(Instant when, std::function<void()> call);
  void after(Duration wait, std::function<void()> call) { at(now_ + wait, std::move(call)); }
  void run_until(Instant when);
  void run_for(Duration time) { run_until(now_ + time); }
  // Until nothing is to come any more: true. False when there still is something after `at_most`.
  bool run_until_idle(Duration at_most);
  // Until the predicate holds, which is asked after each event: true.
  bool run_until(const std::function<bool()>& done, Duration at_most);

  // -- sockets: who is called when one becomes ready (sim/socket.hpp)
  using ReadyHandler = std::function<void(u32 mask)>;
  u64 add_handler(ReadyHandler handler);
  void remove_handler(u64 id);
  // After a call into a shard from outside of a handler: it may have something to send.
  void touch(u32 shard);

  // -- what happened
  [[nodiscard]] u64 seed() const noexcept { return seed_; }
  [[nodiscard]] Rng& rng() noexcept { return rng_; }
  // Over every frame that a host has given away, with its time and link.
  [[nodiscard]] u64 digest() const noexcept;
  [[nodiscard]] u64 frames() const noexcept { return frames_; }
  [[nodiscard]] u64 events() const noexcept { return events_n_; }
  [[nodiscard]] std::deque<Host>& hosts() noexcept { return hosts_; }
  [[nodiscard]] std::deque<Link>& links() noexcept { return links_; }
  [[nodiscard]] u32 shards() const noexcept { return static_cast<u32>(boxes_.size()); }
  [[nodiscard]] Shard& shard(u32 i) noexcept { return *boxes_[i]->shard; }
  [[nodiscard]] Monitor& monitor() noexcept { return *monitor_; }
  // Of the monitor, and whatever was reported: empty after a good run.
  [[nodiscard]] std::vector<std::string> violations() const;
  void violation(std::string text);
  void add_listener(WireListener* listener) { listeners_.push_back(listener); }
  [[nodiscard]] const WorldConfig& config() const noexcept { return config_; }

 private:
  struct Attachment {
    Port port;
    u32 pipe;  // number of the pipe that leads away from here
  };
  struct Box {  // a shard and what is around it
    std::unique_ptr<Shard> shard;
    std::vector<Attachment> ports;
    Instant armed = Instant::never();
    bool dirty = false;
    Instant last_run = Instant::never();
    u32 runs_at_once = 0;  // at one instant: a shard that never comes to rest is a bug
  };

  [[nodiscard]] Pipe& pipe(u32 n) noexcept { return links_[n / 2].pipe(n % 2); }
  [[nodiscard]] const LinkEnd& sender_of(u32 n) noexcept { return n % 2 == 0 ? links_[n / 2].a() : links_[n / 2].b(); }
  [[nodiscard]] const LinkEnd& receiver_of(u32 n) noexcept { return n % 2 == 0 ? links_[n / 2].b() : links_[n / 2].a(); }
  u32 add_shard();
  u32 shard_for(const HostConfig& config);
  void give_addresses(const LinkEnd& end, u32 link, u32 side);
  bool step(Instant limit);
  [[nodiscard]] bool is_stale(const Event& e) noexcept;
  void handle(const Event& e);
  void settle();
  void service(u32 shard);
  bool dispatch_ready(Box& box);
  bool pull(Box& box);
  bool pull_port(Box& box, const Attachment& at);
  void send_packet(Box& box, u32 pipe, buf::PacketId id);
  void enter(u32 pipe, std::vector<std::byte>&& frame);
  void watch_pipe(u32 pipe);
  void arrive(u32 pipe);
  void deliver(const LinkEnd& to, u32 pipe, std::span<Frame> frames);
  void arm(u32 shard);
  void note_sent(u32 host, u32 pipe, Bytes frame);

  u64 seed_;
  WorldConfig config_;
  Instant now_;
  Rng rng_;
  EventQueue events_;
  u64 events_n_ = 0, frames_ = 0;
  FrameStore store_;
  std::vector<std::unique_ptr<Box>> boxes_;
  std::vector<std::pair<u32, u32>> groups_;  // group, shard
  std::deque<Host> hosts_;
  std::deque<Link> links_;
  struct PipeEvents {
    Instant arrival = Instant::never(), wire_free = Instant::never();  // what is in the queue
    Instant not_before;  // of a receiver that coalesces
  };
  std::vector<PipeEvents> pipe_events_;
  std::vector<u32> dirty_;
  std::vector<std::function<void()>> calls_;
  std::vector<u32> free_calls_;
  std::vector<std::shared_ptr<ReadyHandler>> handlers_;  // [0] is none
  std::vector<u64> free_handlers_;
  std::vector<WireListener*> listeners_;
  std::unique_ptr<Monitor> monitor_;
  std::vector<std::string> violations_;
  SipState<1, 3> digest_;
};

}  // namespace weir::sim

// A Shard is the whole stack of one core: a deterministic state machine without threads, clock or syscalls.
// The same seed and the same calls give the same bytes out. Drivers, the simulator, fuzzers, benches and every frontend
// use only what is here. Not thread-safe: rt::SharedShard is the way in from any thread.
#pragma once

#include <memory>
#include <string_view>

#include "graph/config.hpp"
#include "graph/core.hpp"
#include "ip/socket_types.hpp"

namespace weir {

// A Port is where frames come in and go out: an Ethernet or raw-IP attachment. Its number is the interface's index.
using Port = IfIndex;

struct Budget {
  u32 packets = 1024;      // internal rounds (veth, loopback) and timers
  u32 bytes = 256 * 1024;  // of output per pull
};

struct Work {
  bool more = false;      // call run() again at once
  Instant next_deadline;  // else: at this time, or at the next event
};

struct ShardConfig {
  u64 seed = 1;               // all chance comes from it unless `secret` is given
  const u8* secret = nullptr; // 32 bytes of entropy: keys and chance are then cryptographic
  buf::Pool::Config pool{};
  u32 max_sockets = 1u << 21;
  u32 max_connections = 1u << 21;
};

class Shard {
 public:
  explicit Shard(const ShardConfig& config, Instant now);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // -- frames. Ownership of the packets moves in with on_frames and out with frames_to_send.
  void on_frames(Port port, std::span<const buf::PacketId> packets, Instant now);
  Work run(Instant now, Budget budget = {});
  u32 frames_to_send(Port port, std::span<buf::PacketId> out, u32 max_bytes, Instant now);
  void unsent(Port port, std::span<const buf::PacketId> packets);  // back to the queue's head, in order
  void tx_done(Port port, std::span<const buf::PacketId> packets); // releases them
  void on_port(Port port, bool up, Instant now);                   // carrier; down flushes the queue
  // What a device has lost since the last time, for the interface's counters.
  void on_losses(Port port, const DeviceLosses& losses) noexcept;
  [[nodiscard]] bool has_output(Port port) const noexcept;
  [[nodiscard]] Instant next_deadline() const noexcept;
  [[nodiscard]] buf::Pool& pool() noexcept;

  // -- configuration
  Result<NetnsId> add_netns(const NetnsConfig& config, Instant now);   // a loopback interface "lo" comes with it
  Result<void> remove_netns(NetnsId netns, Instant now);
  Result<IfIndex> add_interface(NetnsId netns, const InterfaceConfig& config, Instant now);
  // Two interfaces wired together; packets pass without a copy.
  Result<std::pair<IfIndex, IfIndex>> add_veth(NetnsId a, const InterfaceConfig& ca, NetnsId b, const InterfaceConfig& cb, Instant now);
  Result<void> remove_interface(IfIndex interface, Instant now);
  Result<void> set_interface_up(IfIndex interface, bool up, Instant now);
  Result<void> set_offload(IfIndex interface, const Offload& offload);
  // prefix: "10.0.0.2/24". Duplicate address detection runs unless `probe` is false (sim, tests, point-to-point).
  Result<void> add_address(IfIndex interface, const Prefix& prefix, Instant now, bool probe = true);
  Result<void> remove_address(IfIndex interface, const IpAddr& address, Instant now);
  Result<void> add_route(NetnsId netns, const RouteConfig& route, Instant now);
  Result<void> remove_route(NetnsId netns, const RouteConfig& route, Instant now);
  Result<void> add_neighbour(IfIndex interface, const IpAddr& address, const MacAddr& mac, Instant now);  // permanent
  // Multicast membership of an interface; memberships are counted.
  Result<void> join_group(IfIndex interface, const IpAddr& group, Instant now);
  Result<void> leave_group(IfIndex interface, const IpAddr& group, Instant now);
  [[nodiscard]] Result<InterfaceStats> interface_stats(IfIndex interface) const;
  [[nodiscard]] Sysctl* sysctl(NetnsId netns) noexcept;
  // All addresses of the netns have passed duplicate address detection (or are marked as duplicates).
  [[nodiscard]] bool addresses_ready(NetnsId netns) const noexcept;

  // -- sockets: direct, synchronous, never blocking. Errors are those of the POSIX call of the name.
  Result<Sock> socket(NetnsId netns, Family family, SocketType type, u8 protocol, Instant now);
  Result<void> bind(Sock s, const Endpoint& local, Instant now);
  Result<void> listen(Sock s, u32 backlog, Instant now);
  Result<Sock> accept(Sock s, Instant now);                               // would_block: none waits
  Result<void> connect(Sock s, const Endpoint& remote, Instant now);      // stream: in_progress
  Result<u32> send(Sock s, Bytes data, u32 flags, Instant now);           // bytes taken
  Result<u32> send_to(Sock s, Bytes data, const Endpoint& to, u32 flags, Instant now);
  Result<u32> recv(Sock s, MutBytes out, u32 flags, Instant now);         // 0: end of stream
  Result<Datagram> recv_from(Sock s, MutBytes out, u32 flags, Instant now);
  // Zero copy. lend: received bytes, at most max_bytes of them, until return_lent.
  Result<Lent> recv_lent(Sock s, u32 max_bytes, Instant now);
  void return_lent(const Lent& lent);
  // Zero copy. reserve: an empty buffer to fill; send_lent takes the slices (and their references) into the send queue.
  Result<buf::Slice> reserve(u32 bytes);
  Result<u32> send_lent(Sock s, const Lent& lent, Instant now);
  Result<void> shutdown(Sock s, Shutdown how, Instant now);
  // Ends the user's side. Orphans live on as TCP demands. abort: RST instead.
  Result<void> close(Sock s, Instant now);
  Result<void> abort(Sock s, Instant now);
  Result<void> set_option(Sock s, Option option, i64 value, Instant now);
  Result<i64> get_option(Sock s, Option option);
  Result<Endpoint> local(Sock s);
  Result<Endpoint> remote(Sock s);
  [[nodiscard]] u32 ready(Sock s);
  [[nodiscard]] Edges edges(Sock s);
  // Sockets whose readiness changed since the last poll; each at most once.
  u32 poll_ready(std::span<ReadyEvent> out);
  [[nodiscard]] bool any_ready() const noexcept;
  void set_user(Sock s, u64 user);  // a word of the user's, kept with the socket
  [[nodiscard]] u64 user(Sock s);

  // -- extension: a protocol is added without touching the core (docs/guide.md).
  using EthertypeHandler = void (*)(void* self, Port port, buf::PacketId packet, Instant now);  // takes ownership
  using ProtocolHandler = EthertypeHandler;
  Result<void> register_ethertype(u16 ethertype, EthertypeHandler handler, void* self);
  Result<void> register_ip_protocol(u8 protocol, ProtocolHandler handler, void* self);

  [[nodiscard]] graph::Core& core() noexcept { return *core_; }
  [[nodiscard]] const graph::Core& core() const noexcept { return *core_; }

 private:
  std::unique_ptr<graph::Core> core_;
};

}  // namespace weir

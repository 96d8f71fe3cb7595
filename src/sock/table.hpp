// The sockets of a shard: handles with generations over TCP connections, UDP and raw sockets, and the list of those
// whose readiness has changed. Every frontend's calls come through here.
#pragma once

#include <vector>

#include "base/index_list.hpp"
#include "base/slab.hpp"
#include "sock/raw.hpp"
#include "tcp/engine.hpp"
#include "tcp/info.hpp"
#include "udp/engine.hpp"

namespace weir::sock {

struct Socket {
  u32 next_ready = 0;      // link in the ready list; first, so that a freed slot keeps its generation of 0
  u32 generation = 0;      // 0: closed
  u32 engine = 0;          // index in the engine of its kind
  u64 user = 0;            // a word of the frontend's
  Edges edges;             // changes of readiness so far
  NetnsId netns = 0;
  Family family = Family::v4;
  SocketType type = SocketType::stream;
  u8 protocol = 0;
  bool listed = false;     // in the ready list
  u16 spare = 0;
  u32 send_timeout_ms = 0, receive_timeout_ms = 0;
};
static_assert(sizeof(Socket) <= 48);

// Contract: errors are those of the POSIX call of the name; a stale handle is Errc::bad_handle. Not thread-safe.
//   auto s = table.open(netns, Family::v4, SocketType::stream, 0, now);
//   table.connect(*s, peer, now);
//   ReadyEvent e[64];  u32 n = table.poll_ready(e);
class Table {
 public:
  Table(tcp::Engine& tcp, udp::Engine& udp, RawEngine& raw, u32 max_sockets);

  Result<Sock> open(NetnsId netns, Family family, SocketType type, u8 protocol, Instant now);
  Result<void> bind(Sock s, const Endpoint& local, Instant now);
  Result<void> listen(Sock s, u32 backlog, Instant now);
  Result<Sock> accept(Sock s, Instant now);
  Result<void> connect(Sock s, const Endpoint& remote, Instant now);
  Result<u32> send(Sock s, Bytes data, const Endpoint* to, u32 flags, Instant now);
  Result<u32> send_lent(Sock s, const Lent& lent, Instant now);
  Result<u32> recv(Sock s, MutBytes out, u32 flags, Instant now);
  Result<Datagram> recv_from(Sock s, MutBytes out, u32 flags, Instant now);
  Result<Lent> recv_lent(Sock s, u32 max_bytes, Instant now);
  Result<void> shutdown(Sock s, Shutdown how, Instant now);
  Result<void> close(Sock s, Instant now, bool abort);
  Result<void> set_option(Sock s, Option option, i64 value, Instant now);
  Result<i64> get_option(Sock s, Option option);
  Result<Endpoint> local(Sock s);
  Result<Endpoint> remote(Sock s);
  Result<tcp::Info> tcp_info(Sock s);
  Result<tcp::SendInfo> tcp_send_info(Sock s, Instant now);
  [[nodiscard]] u32 ready(Sock s);
  [[nodiscard]] Edges edges(Sock s);

  u32 poll_ready(std::span<ReadyEvent> out);
  [[nodiscard]] bool any_ready() const noexcept { return !ready_.empty(); }
  void set_user(Sock s, u64 user);
  [[nodiscard]] u64 user(Sock s);
  [[nodiscard]] u32 size() const noexcept { return sockets_.live(); }

  // Calls f(Sock, const Socket&) with each open socket: for `weir ss`.
  template <class F>
  void for_each(F&& f) const {
    sockets_.for_each([&](u32 i) {
      if (sockets_[i].generation != 0) f(Sock{i, sockets_[i].generation}, sockets_[i]);
    });
  }

  // From the engines: the readiness of this socket may have changed, in these ways.
  void notify(u32 index, u32 mask) noexcept;
  // At most so many sockets of this namespace at once; one more is Errc::too_many.
  void set_limit(NetnsId netns, u32 max_sockets);
  [[nodiscard]] u32 size(NetnsId netns) const noexcept { return netns < quotas_.size() ? quotas_[netns].used : 0; }

 private:
  [[nodiscard]] Socket* find(Sock s) noexcept;
  [[nodiscard]] u32 ready_of(Socket& s) noexcept;
  Result<Sock> make(NetnsId netns, Family family, SocketType type, u8 protocol);
  void release(u32 index) noexcept;
  [[nodiscard]] bool room(NetnsId netns) const noexcept;
  auto next_ready() noexcept {
    return [this](u32 i) -> u32& { return sockets_[i].next_ready; };
  }

  tcp::Engine& tcp_;
  udp::Engine& udp_;
  RawEngine& raw_;
  Slab<Socket> sockets_;
  struct Quota {
    u32 used = 0, limit = 0;
  };
  std::vector<Quota> quotas_;  // by namespace
  IndexQueue ready_;
  u32 generation_ = 0;
};

}  // namespace weir::sock

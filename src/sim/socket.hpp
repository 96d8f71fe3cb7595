// A socket of a simulated host: the shard's user calls at the world's time, and a function that is called when it may be ready.
#pragma once

#include "sim/world.hpp"

namespace weir::sim {

// Closed when destroyed. Calls never block; Errc::would_block means: wait for on_ready. The world must live longer.
//
//   Socket s = *Socket::open(client, Family::v4, SocketType::stream);
//   s.on_ready([&](u32 mask) { if (mask & Ready::out) ... });
//   s.connect({server.address(), 80});
class Socket {
 public:
  Socket() = default;
  [[nodiscard]] static Result<Socket> open(Host& host, Family family, SocketType type, u8 protocol = 0);
  Socket(Socket&& other) noexcept { *this = std::move(other); }
  Socket& operator=(Socket&& other) noexcept;
  ~Socket() { close(); }

  explicit operator bool() const noexcept { return host_ != nullptr; }
  [[nodiscard]] Host& host() const noexcept { return *host_; }
  [[nodiscard]] Sock handle() const noexcept { return sock_; }
  // Edges: called when readiness has changed, so read and write until would_block. May close the socket.
  void on_ready(World::ReadyHandler handler);

  Result<void> bind(const Endpoint& local);
  Result<void> listen(u32 backlog);
  Result<Socket> accept();
  Result<void> connect(const Endpoint& remote);  // in_progress, or an error
  Result<u32> send(Bytes data, u32 flags = 0);
  Result<u32> send_to(Bytes data, const Endpoint& to);
  Result<u32> recv(MutBytes out, u32 flags = 0);  // 0: end of stream
  Result<Datagram> recv_from(MutBytes out);
  Result<Lent> recv_lent(u32 max_bytes);
  void return_lent(const Lent& lent) { host_->shard().return_lent(lent); }
  // Copies into a buffer of the pool and gives that away: the zero-copy way to send.
  Result<u32> send_in_buffer(Bytes data);
  Result<void> shutdown(Shutdown how);
  void close();
  void abort();
  Result<void> set(Option option, i64 value);
  [[nodiscard]] Result<i64> get(Option option) const;
  [[nodiscard]] Endpoint local() const;
  [[nodiscard]] Endpoint remote() const;
  [[nodiscard]] u32 ready() const { return host_->shard().ready(sock_); }

 private:
  Socket(Host& host, Sock sock) : host_(&host), sock_(sock) {}
  [[nodiscard]] Instant now() const noexcept { return host_->world().now(); }
  template <class T>
  T called(T result) const {
    host_->world().touch(host_->shard_index());
    return result;
  }

  Host* host_ = nullptr;
  Sock sock_;
  u64 handler_ = 0;
};

// To be called before a user closes or aborts: what he does explains resets that the wire cannot.
void tell_monitor(World& world, Shard& shard, Sock s, bool aborts);

}  // namespace weir::sim

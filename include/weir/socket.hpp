// Sockets: TcpStream, TcpListener, UdpSocket, RawSocket. Handles that are moved, not copied, made by a Host (stack.hpp).
//
// Threads: any thread may call any socket, several at once, with these exceptions: one thread at a time moves, closes
// or destroys a handle, and what is used by coroutines or has a callback is closed on the executor's thread. Handles may outlive
// their stack: calls then return canceled or bad_handle.
// Errors are those of the POSIX call of the name, as Errc.
#pragma once

#include <functional>

#include "tcp/engine.hpp"
#include "weir/buffer.hpp"
#include "weir/operation.hpp"

namespace weir {

using TcpInfo = tcp::Info;

// What all sockets have in common.
class Socket {
 public:
  Socket() noexcept;
  Socket(Socket&&) noexcept;
  Socket& operator=(Socket&&) noexcept;
  ~Socket();  // closes it, as close() does, and waits for nothing

  [[nodiscard]] explicit operator bool() const noexcept { return watch_ != nullptr; }
  [[nodiscard]] Result<Endpoint> local() const;   // address and port of this end
  [[nodiscard]] Result<Endpoint> remote() const;  // not_connected
  // One table of options for all sockets (ip/socket_types.hpp). Times in ns, sizes in bytes, switches 0 or 1.
  //   socket.set(Option::no_delay, 1);  socket.set(Option::receive_timeout, Duration::seconds(5).ns);
  // receive_timeout and send_timeout hold for operations without a within() of their own, coroutines included.
  Result<void> set(Option option, i64 value);
  [[nodiscard]] Result<i64> get(Option option) const;
  // A mask of Ready bits, now.
  [[nodiscard]] u32 ready() const;
  // Calls f(mask of Ready bits) on the executor's thread whenever readiness changed; an empty function ends it. It
  // may call anything of the socket, close it too.
  void on_ready(std::function<void(u32)> f);
  [[nodiscard]] Sock handle() const noexcept;

 protected:
  explicit Socket(std::unique_ptr<Watch> watch) noexcept;
  std::unique_ptr<Watch> watch_;
};

// Waits for readiness: the mask of Ready bits that are set.
class ReadyOp final : public Op<u32> {
 public:
  ReadyOp(Watch* w, u32 mask) noexcept : Op(w, mask), mask_(mask) {}

 private:
  bool attempt(Shard& shard, Instant now) override;
  u32 mask_;
};

class ReadChunkOp final : public Op<Chunk> {
 public:
  ReadChunkOp(Watch* w, u32 max_bytes) noexcept;

 private:
  bool attempt(Shard& shard, Instant now) override;
  u32 max_bytes_;
};

class ReadOp final : public Op<usize> {
 public:
  ReadOp(Watch* w, MutBytes out, usize least) noexcept;

 private:
  bool attempt(Shard& shard, Instant now) override;
  MutBytes out_;
  usize least_, n_ = 0;
};

class WriteOp final : public Op<usize> {
 public:
  WriteOp(Watch* w, Bytes data) noexcept;

 private:
  bool attempt(Shard& shard, Instant now) override;
  void refuse(Errc error) noexcept override;
  Bytes data_;
  usize n_ = 0;
};

class WriteChunkOp final : public Op<usize> {
 public:
  WriteChunkOp(Watch* w, Chunk chunk) noexcept;

 private:
  bool attempt(Shard& shard, Instant now) override;
  Chunk chunk_;
};

class FinishOp final : public Op<void> {
 public:
  explicit FinishOp(Watch* w) noexcept;

 private:
  bool attempt(Shard& shard, Instant now) override;
  bool started_ = false;
};

// A TCP connection (RFC 9293). From Host::connect or TcpListener::accept.
//
//   auto stream = stack.connect({*IpAddr::parse("10.77.0.1"), 80}).within(5_s).wait();
//   stream->write(as_bytes(request)).wait();
//   while (auto n = stream->read(buffer).wait()) { if (*n == 0) break; use(buffer, *n); }
class TcpStream : public Socket {
 public:
  TcpStream() noexcept = default;
  explicit TcpStream(std::unique_ptr<Watch> watch) noexcept;

  // Received bytes, lent: nothing is copied. An empty Chunk: the peer has finished. conn_reset, timed_out.
  [[nodiscard]] ReadChunkOp read(u32 max_bytes = 256 * 1024) { return {watch_.get(), max_bytes}; }
  // Copies at least one byte and at most out.size(); 0: the peer has finished.
  [[nodiscard]] ReadOp read(MutBytes out) { return {watch_.get(), out, 1}; }
  // Fills all of `out`; fewer bytes: the peer has finished before.
  [[nodiscard]] ReadOp read_all(MutBytes out) { return {watch_.get(), out, out.size()}; }
  // Copies all of `data` into the send queue, as room comes; how much it took, less than all only if the time was up.
  // broken_pipe: after shutdown or the end of the connection.
  [[nodiscard]] WriteOp write(Bytes data) { return {watch_.get(), data}; }
  // Moves the chunk into the send queue: nothing is copied. Waits for room for a first byte and then takes all of it.
  [[nodiscard]] WriteChunkOp write(Chunk chunk) { return {watch_.get(), std::move(chunk)}; }

  // The same at once: would_block if it cannot be. try_write(chunk) leaves it as it is then.
  [[nodiscard]] Result<usize> try_read(MutBytes out) { return read(out).now(); }
  [[nodiscard]] Result<Chunk> try_read(u32 max_bytes = 256 * 1024) { return read(max_bytes).now(); }
  [[nodiscard]] Result<usize> try_write(Bytes data) { return write(data).now(); }
  [[nodiscard]] Result<usize> try_write(Chunk& chunk);
  [[nodiscard]] ReadyOp readable() noexcept;
  [[nodiscard]] ReadyOp writable() noexcept;

  // write: sends FIN behind what is queued. read: what arrives is no longer wanted. RFC 9293 3.6.
  Result<void> shutdown(Shutdown how = Shutdown::write);
  // Sends FIN and waits until the peer has acknowledged everything, with a time limit as any operation.
  //   co_await stream.finish().within(5_s);
  [[nodiscard]] FinishOp finish() noexcept;
  // Ends the user's side; the connection goes on by itself until everything has been delivered. With Option::linger > 0 it
  // first blocks as finish() does, at most so long (not on the executor's own thread); with 0, and when unread data is
  // left, the peer gets RST.
  void close();
  // RST, and everything queued is forgotten.
  void abort();
  [[nodiscard]] Result<TcpInfo> info() const;
};

class AcceptOp final : public Op<TcpStream> {
 public:
  explicit AcceptOp(Watch* w) noexcept;

 private:
  bool attempt(Shard& shard, Instant now) override;
};

class ConnectOp final : public Op<TcpStream> {
 public:
  ConnectOp(std::unique_ptr<Watch> w, const Endpoint& to) noexcept;
  ConnectOp(Errc error, const Endpoint& to) noexcept;
  ~ConnectOp() override;

 private:
  bool attempt(Shard& shard, Instant now) override;
  void refuse(Errc error) noexcept override { Op::refuse(owned_ ? error : error_); }  // why there is no socket
  std::unique_ptr<Watch> owned_;
  Endpoint to_;
  Errc error_ = Errc::bad_handle;
};

// Takes connections. From Host::listen.
//   auto listener = stack.listen({.port = 80});
//   while (auto peer = co_await listener->accept()) stack.spawn(serve(std::move(*peer)));
class TcpListener : public Socket {
 public:
  TcpListener() noexcept = default;
  explicit TcpListener(std::unique_ptr<Watch> watch) noexcept;
  // The next connection. no_memory, too_many: there is one, and no room for it now.
  [[nodiscard]] AcceptOp accept() noexcept { return AcceptOp(watch_.get()); }
  [[nodiscard]] Result<TcpStream> try_accept() { return accept().now(); }
  void close();  // connections that were not accepted are reset
};

class ReceiveOp final : public Op<Datagram> {
 public:
  ReceiveOp(Watch* w, MutBytes out) noexcept;

 private:
  bool attempt(Shard& shard, Instant now) override;
  MutBytes out_;
};

class SendOp final : public Op<usize> {
 public:
  SendOp(Watch* w, Bytes data, const std::optional<Endpoint>& to) noexcept;

 private:
  bool attempt(Shard& shard, Instant now) override;
  Bytes data_;
  std::optional<Endpoint> to_;
};

// What UDP and raw sockets share: whole datagrams.
class DatagramSocket : public Socket {
 public:
  DatagramSocket() noexcept = default;
  explicit DatagramSocket(std::unique_ptr<Watch> watch) noexcept;
  // The next datagram: copied as far as `out` reaches (Datagram::length tells its length), with addresses, TTL and TOS.
  [[nodiscard]] ReceiveOp receive(MutBytes out) noexcept { return {watch_.get(), out}; }
  // message_size: longer than a datagram can be, or than the path takes with Option::dont_fragment.
  [[nodiscard]] SendOp send(Bytes data) noexcept { return {watch_.get(), data, {}}; }  // after connect()
  [[nodiscard]] SendOp send_to(Bytes data, const Endpoint& to) noexcept { return {watch_.get(), data, to}; }
  [[nodiscard]] Result<Datagram> try_receive(MutBytes out) { return receive(out).now(); }
  [[nodiscard]] Result<usize> try_send_to(Bytes data, const Endpoint& to) { return send_to(data, to).now(); }
  // Only datagrams of this peer from now on, ICMP errors about it too; send() goes there.
  Result<void> connect(const Endpoint& remote);
  void close();
};

// UDP (RFC 768). From Host::udp.
//   auto socket = stack.udp({.port = 53});
//   auto d = socket->receive(buffer).wait();
//   socket->send_to({buffer.data(), d->copied}, d->from).wait();
class UdpSocket : public DatagramSocket {
 public:
  using DatagramSocket::DatagramSocket;
};

// Packets of an IP protocol, e.g. ICMP. From Host::raw. IPv4 datagrams come with their IP header, IPv6 ones without.
class RawSocket : public DatagramSocket {
 public:
  using DatagramSocket::DatagramSocket;
};

}  // namespace weir

// Sockets that servers of a simulation wait on, one for each family.
#pragma once

#include <stdexcept>
#include <vector>

#include "sim/socket.hpp"

namespace weir::sim {

template <class T>
T must_open(Result<T> r, const Host& host, std::string_view what, const Endpoint& at) {
  if (!r) throw std::runtime_error(host.name() + ": " + std::string(what) + " " + to_string(at) + ": " + std::string(text(r.error())));
  if constexpr (!std::is_void_v<T>) return std::move(*r);
}

// A socket bound to the port: for IPv6 only IPv6, so that both families can have one.
inline Socket bound_socket(Host& host, Family family, SocketType type, u16 port) {
  const Endpoint at{IpAddr::any(family), port};
  Socket s = must_open(Socket::open(host, family, type), host, "socket for", at);
  if (family == Family::v6) static_cast<void>(s.set(Option::v6_only, 1));
  must_open(s.bind(at), host, "bind to", at);
  return s;
}

// Listens in both families and gives each connection to `take`.
class Acceptor {
 public:
  Acceptor(Host& host, u16 port, std::function<void(Socket)> take) : take_(std::move(take)) {
    for (const Family f : {Family::v4, Family::v6}) {
      sockets_.push_back(bound_socket(host, f, SocketType::stream, port));
      must_open(sockets_.back().listen(128), host, "listen at", {IpAddr::any(f), port});
    }
    for (Socket& s : sockets_)
      s.on_ready([this, &s](u32) {
        while (auto peer = s.accept()) take_(std::move(*peer));
      });
  }
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;
  void stop() { sockets_.clear(); }

 private:
  std::function<void(Socket)> take_;
  std::vector<Socket> sockets_;
};

// Gets datagrams in both families.
class DatagramPort {
 public:
  using Take = std::function<void(Socket& at, Bytes data, const Datagram& d)>;
  DatagramPort(Host& host, u16 port, Take take) : take_(std::move(take)) {
    for (const Family f : {Family::v4, Family::v6}) sockets_.push_back(bound_socket(host, f, SocketType::datagram, port));
    for (Socket& s : sockets_) s.on_ready([this, &s](u32) { drain(s); });
  }
  DatagramPort(const DatagramPort&) = delete;
  DatagramPort& operator=(const DatagramPort&) = delete;
  void stop() { sockets_.clear(); }

 private:
  void drain(Socket& s) {
    buffer_.resize(65'536);
    while (s) {
      const auto d = s.recv_from(buffer_);
      if (!d && d.error() == Errc::would_block) return;
      if (d) take_(s, Bytes{buffer_}.first(d->copied), *d);  // else an ICMP error about what we have sent
    }
  }
  Take take_;
  std::vector<std::byte> buffer_;
  std::vector<Socket> sockets_;
};

}  // namespace weir::sim

// sim/loads.hpp: discard (RFC 863), echo (RFC 862), chargen (RFC 864), and the far ends of bulk and rpc.
#include <fmt/format.h>

#include "sim/listening.hpp"
#include "sim/loads.hpp"

namespace weir::sim {
namespace {

class StreamService : public Load {
 public:
  StreamService(Host& host, u16 port, const StreamPlan& plan)
      : plan_(plan), acceptor_(host, port, [this](Socket s) { take(std::move(s)); }) {}
  void stop() override {
    acceptor_.stop();
    streams_.clear();
  }

 private:
  void take(Socket s) {
    std::erase_if(streams_, [](const auto& x) { return x->over() && x->result().complete; });
    streams_.push_back(std::make_unique<Stream>(std::move(s), plan_));
  }
  StreamPlan plan_;
  std::vector<std::unique_ptr<Stream>> streams_;
  Acceptor acceptor_;
};

class Discard : public StreamService {
 public:
  Discard(Host& host, u16 port)
      : StreamService(host, port, {.verify = false, .finish_last = true}), datagrams_(host, port, [](Socket&, Bytes, const Datagram&) {}) {}
  void stop() override {
    StreamService::stop();
    datagrams_.stop();
  }

 private:
  DatagramPort datagrams_;
};

class Chargen : public StreamService {
 public:
  Chargen(Host& host, u16 port)
      : StreamService(host, port, {.send_bytes = StreamPlan::endless, .verify = false}),
        datagrams_(host, port, [this](Socket& s, Bytes, const Datagram& d) { answer(s, d); }) {}
  void stop() override {
    StreamService::stop();
    datagrams_.stop();
  }

 private:
  void answer(Socket& s, const Datagram& d) {
    std::array<std::byte, 512> text;
    const u64 n = s.host().world().rng().below(text.size());
    for (u64 i = 0; i < n; ++i) text[i] = static_cast<std::byte>(' ' + i % 95);
    static_cast<void>(s.send_to(Bytes{text}.first(n), d.from));
  }
  DatagramPort datagrams_;
};

// A connection whose bytes go back as they come.
class EchoStream {
 public:
  explicit EchoStream(Socket s) : socket_(std::move(s)) {
    socket_.on_ready([this](u32) { pump(); });
    pump();
  }
  [[nodiscard]] bool over() const { return !socket_; }

 private:
  void pump() {
    while (socket_) {
      if (at_ < held_.size()) {
        const auto n = socket_.send(Bytes{held_}.subspan(at_));
        if (!n) return wait_or_close(n.error());
        at_ += *n;
        continue;
      }
      held_.resize(chunk);
      const auto n = socket_.recv(held_);
      held_.resize(n.value_or(0));
      at_ = 0;
      if (!n) return wait_or_close(n.error());
      if (*n == 0) return socket_.close();
    }
  }
  void wait_or_close(Errc e) {
    if (e != Errc::would_block) socket_.close();
  }
  static constexpr usize chunk = 65'536;
  Socket socket_;
  std::vector<std::byte> held_;
  usize at_ = 0;
};

class Echo : public Load {
 public:
  Echo(Host& host, u16 port)
      : acceptor_(host, port,
                  [this](Socket s) {
                    std::erase_if(streams_, [](const auto& x) { return x->over(); });
                    streams_.push_back(std::make_unique<EchoStream>(std::move(s)));
                  }),
        datagrams_(host, port, [](Socket& s, Bytes data, const Datagram& d) { static_cast<void>(s.send_to(data, d.from)); }) {}
  void stop() override {
    acceptor_.stop();
    streams_.clear();
    datagrams_.stop();
  }

 private:
  std::vector<std::unique_ptr<EchoStream>> streams_;
  Acceptor acceptor_;
  DatagramPort datagrams_;
};

// Requests begin with their length and that of the answer wanted, 4 bytes each, and 8 that the answer begins with as well.
class RpcStream {
 public:
  explicit RpcStream(Socket s) : socket_(std::move(s)) {
    socket_.on_ready([this](u32) { pump(); });
    pump();
  }
  [[nodiscard]] bool over() const { return !socket_; }

 private:
  static constexpr usize header = 16;

  void pump() {
    while (socket_) {
      if (!answer_.empty()) {
        const auto n = socket_.send(answer_);
        if (!n) return wait_or_close(n.error());
        answer_.erase(answer_.begin(), answer_.begin() + *n);
        continue;
      }
      std::byte chunk[4096];
      const auto n = socket_.recv(chunk);
      if (!n) return wait_or_close(n.error());
      if (*n == 0) return socket_.close();
      in_.insert(in_.end(), chunk, chunk + *n);
      take_requests();
    }
  }
  void take_requests() {
    while (in_.size() >= header) {
      const usize length = std::max<usize>(load_be32(in_.data()), header);
      if (in_.size() < length) return;
      const usize old = answer_.size();
      answer_.resize(old + std::max<usize>(load_be32(in_.data() + 4), header));
      std::memcpy(answer_.data() + old, in_.data(), header);
      in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(length));
    }
  }
  void wait_or_close(Errc e) {
    if (e != Errc::would_block) socket_.close();
  }
  Socket socket_;
  std::vector<std::byte> in_, answer_;
};

class RpcServer : public Load {
 public:
  RpcServer(Host& host, u16 port)
      : acceptor_(host, port, [this](Socket s) {
          std::erase_if(streams_, [](const auto& x) { return x->over(); });
          streams_.push_back(std::make_unique<RpcStream>(std::move(s)));
        }) {}
  void stop() override {
    acceptor_.stop();
    streams_.clear();
  }

 private:
  std::vector<std::unique_ptr<RpcStream>> streams_;
  Acceptor acceptor_;
};

}  // namespace

std::unique_ptr<Load> make_discard(Host& host, u16 port) { return std::make_unique<Discard>(host, port); }
std::unique_ptr<Load> make_echo(Host& host, u16 port) { return std::make_unique<Echo>(host, port); }
std::unique_ptr<Load> make_chargen(Host& host, u16 port) { return std::make_unique<Chargen>(host, port); }
std::unique_ptr<Load> make_bulk_server(Host& host, u16 port, u64 bytes) {
  return std::make_unique<StreamService>(host, port, StreamPlan{.send_bytes = bytes});
}
std::unique_ptr<Load> make_rpc_server(Host& host, u16 port) { return std::make_unique<RpcServer>(host, port); }

}  // namespace weir::sim

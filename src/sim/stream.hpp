// One end of a TCP connection as a load: sends a pattern, checks the pattern that comes, finishes, and tells how it went.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "sim/pattern.hpp"
#include "sim/socket.hpp"

namespace weir::sim {

struct StreamPlan {
  u64 send_bytes = 0;                  // of the pattern; endless: until the peer has gone
  std::optional<u64> expect_bytes{};   // from the peer, before its FIN; nothing: any number
  bool verify = true;                  // what comes is the peer's pattern
  bool finish_last = false;            // FIN only after the peer's: a server that has nothing to say
  bool close_at_once = false;          // close() after the last byte is queued, instead of shutdown() and waiting for the peer
  u32 read_at_most = 65'536;           // bytes per call
  u32 write_at_most = 65'536;
  Duration read_every{};               // a slow reader: one call in this time; 0: as much as there is
  Duration write_every{};              // a slow writer
  bool lent = false;                   // by the zero-copy calls
  static constexpr u64 endless = ~u64{0};
};

struct StreamResult {
  u64 sent = 0, received = 0;          // bytes taken by send(), given by recv()
  bool connected = false;
  bool peer_finished = false;          // end of stream was read
  bool complete = false;               // everything as planned, and closed
  std::optional<Errc> error;
  std::string wrong;                   // what came that should not have, or did not
  Instant opened, established, finished;
  Endpoint local, remote;
  [[nodiscard]] bool failed() const noexcept { return error.has_value() || !wrong.empty(); }
};

// The seed of the pattern from one end to the other: both know it without talking about it.
[[nodiscard]] u64 pattern_seed(const Endpoint& from, const Endpoint& to) noexcept;

class Stream {
 public:
  // A connection that has been accepted.
  Stream(Socket accepted, const StreamPlan& plan);
  // Opens one. `setup` may set options before.
  Stream(Host& from, const Endpoint& to, const StreamPlan& plan, const std::function<void(Socket&)>& setup = {});
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  [[nodiscard]] const StreamResult& result() const noexcept { return result_; }
  [[nodiscard]] bool over() const noexcept { return over_; }  // complete or failed: the socket is closed
  [[nodiscard]] Socket& socket() noexcept { return socket_; }
  // Called once, when it is over.
  std::function<void()> on_over;

 private:
  void begin();
  void on_ready(u32 mask);
  void on_connected();
  void pump();
  bool read_some();
  bool write_some();
  Result<u32> read(MutBytes out);
  void take(Bytes data);
  void maybe_finish();
  void fail_with(Errc e);
  void end();
  void wake_after(Duration wait, bool Stream::* waiting);

  World& world_;
  Socket socket_;
  StreamPlan plan_;
  StreamResult result_;
  Pattern out_, in_;
  std::vector<std::byte> buffer_;
  bool over_ = false, fin_sent_ = false, read_waits_ = false, write_waits_ = false, pumping_ = false;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

// Accepts connections and runs a Stream of the same plan on each.
class StreamServer {
 public:
  StreamServer(Host& host, const Endpoint& at, const StreamPlan& plan, const std::function<void(Socket&)>& setup = {});
  StreamServer(const StreamServer&) = delete;
  StreamServer& operator=(const StreamServer&) = delete;
  [[nodiscard]] const std::vector<std::unique_ptr<Stream>>& streams() const noexcept { return streams_; }
  [[nodiscard]] Socket& socket() noexcept { return listener_; }
  void stop() { listener_.close(); }

 private:
  Socket listener_;
  StreamPlan plan_;
  std::vector<std::unique_ptr<Stream>> streams_;
};

// A connection between two hosts with data in both directions, which both ends close.
struct TransferConfig {
  u64 bytes = 100'000;     // from client to server
  u64 reply_bytes = 0;     // from server to client
  Family family = Family::v4;
  u16 port = 5001;
  StreamPlan client{}, server{};  // their byte counts are filled in from the above
  std::function<void(Socket&)> client_setup{}, server_setup{};
};

class Transfer {
 public:
  Transfer(Host& client, Host& server, const TransferConfig& config);
  // Both ends have sent and received everything, intact, and are closed.
  [[nodiscard]] bool complete() const;
  [[nodiscard]] bool over() const { return client_->over() && !server_.streams().empty() && server_.streams()[0]->over(); }
  // "" after a good transfer, else what is wrong at which end.
  [[nodiscard]] std::string trouble() const;
  [[nodiscard]] Stream& client() noexcept { return *client_; }
  [[nodiscard]] Stream* server() noexcept { return server_.streams().empty() ? nullptr : server_.streams()[0].get(); }
  [[nodiscard]] StreamServer& listener() noexcept { return server_; }

 private:
  StreamServer server_;
  std::unique_ptr<Stream> client_;
};

}  // namespace weir::sim

// apps/netcat.hpp
#include "apps/netcat.hpp"

#include "apps/file_io.hpp"

namespace weir::apps {
namespace {

constexpr usize at_once = 64 * 1024;

// Both directions run at once; the first error is the outcome, and ends the connection.
struct Pipe {
  Host host;
  NetcatConfig config;
  TcpStream stream{};
  UdpSocket socket{};
  Result<void> outcome{};
  bool input_ended = false;

  void give_up(Errc e) {
    if (outcome) outcome = fail(e);
    if (stream) stream.abort();
  }
};

Task<void> send_stream(Pipe& p) {
  std::vector<std::byte> data(at_once);
  for (;;) {
    const auto n = co_await read_file(p.host, p.config.in, data);
    if (!n || *n == 0) break;
    const auto sent = co_await p.stream.write(Bytes(data).first(*n));
    if (!sent) co_return p.give_up(sent.error());
  }
  (void)p.stream.shutdown();
}

Task<void> receive_stream(Pipe& p) {
  for (;;) {
    const auto chunk = co_await p.stream.read();
    if (!chunk) co_return p.give_up(chunk.error());
    if (chunk->empty()) co_return;
    for (const Bytes piece : *chunk) {
      const auto written = co_await write_file(p.host, p.config.out, piece);
      if (!written) co_return p.give_up(written.error());
    }
  }
}

Task<void> send_datagrams(Pipe& p) {
  std::vector<std::byte> data(16 * 1024);
  for (;;) {
    const auto n = co_await read_file(p.host, p.config.in, data);
    if (!n || *n == 0) break;
    const auto sent = co_await p.socket.send(Bytes(data).first(*n));
    if (!sent) p.give_up(sent.error());
  }
  p.input_ended = true;
}

Task<void> receive_datagrams(Pipe& p) {
  std::vector<std::byte> data(at_once);
  for (;;) {
    const auto d = co_await p.socket.receive(data).within(p.config.udp_linger);
    if (!d && d.error() != Errc::timed_out) p.give_up(d.error());
    if (!d && (p.input_ended || !p.outcome)) co_return;
    if (d && !co_await write_file(p.host, p.config.out, Bytes(data).first(d->copied))) co_return;
  }
}

}  // namespace

Task<Result<void>> netcat(Host host, NetcatConfig config) {
  Pipe p{.host = host, .config = config};
  if (config.udp) {
    auto socket = host.udp({IpAddr::any(config.to.addr.family()), 0});
    if (!socket) co_return fail(socket.error());
    p.socket = std::move(*socket);
    if (const auto ok = p.socket.connect(config.to); !ok) co_return ok;
    co_await both(send_datagrams(p), receive_datagrams(p));
    co_return p.outcome;
  }
  auto stream = co_await host.connect(config.to).within(config.connect_timeout);
  if (!stream) co_return fail(stream.error());
  p.stream = std::move(*stream);
  // The peer may end first and stdin never: what it sends is the end then, as everybody's nc has it.
  co_await both(send_stream(p), receive_stream(p));
  (void)co_await p.stream.finish().within(config.connect_timeout);
  co_return p.outcome;
}

}  // namespace weir::apps

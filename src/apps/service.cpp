// apps/service.hpp
#include "apps/service.hpp"

#include <array>
#include <numeric>

#include "api/service_kinds.hpp"
#include "apps/accept_loop.hpp"
#include "apps/http_server.hpp"

namespace weir::apps {
namespace {

using Kind = ServiceConfig::Kind;

constexpr const ServiceKind& info_of(Kind kind) { return service_kinds[static_cast<usize>(kind)]; }
static_assert(info_of(Kind::http).name == "http" && info_of(Kind::echo).name == "echo");
static_assert(info_of(Kind::discard).name == "discard" && info_of(Kind::chargen).name == "chargen");

constexpr u32 max_clients = 4096;
constexpr usize longest_datagram = 65'535;

Task<void> echo_datagrams(UdpSocket socket) {
  std::vector<std::byte> data(longest_datagram);
  for (;;) {
    const auto d = co_await socket.receive(data);
    if (!d && (d.error() == Errc::bad_handle || d.error() == Errc::canceled)) co_return;
    if (d) (void)co_await socket.send_to(Bytes(data).first(d->copied), d->from);  // an error is about one peer only
  }
}

Task<void> discard_datagrams(UdpSocket socket) {
  std::array<std::byte, 1> none;
  for (;;) {
    const auto d = co_await socket.receive(none);
    if (!d && (d.error() == Errc::bad_handle || d.error() == Errc::canceled)) co_return;
  }
}

// RFC 864: lines of 72 characters, each line starting one further on in the printable ones.
std::string chargen_lines() {
  constexpr u32 printable = 95, width = 72;
  std::string s;
  for (u32 line = 0; line < printable; ++line) {
    for (u32 i = 0; i < width; ++i) s.push_back(static_cast<char>(' ' + (line + i) % printable));
    s += "\r\n";
  }
  return s;
}

Error about(std::string what, Errc e) {
  what.append(": ").append(text(e));
  return {e, std::move(what)};
}

}  // namespace

std::optional<Kind> service_kind(std::string_view name) noexcept {
  for (const Kind k : {Kind::http, Kind::echo, Kind::discard, Kind::chargen})
    if (info_of(k).name == name) return k;
  return {};
}

u16 usual_port(Kind kind) noexcept { return info_of(kind).port; }

Task<void> echo(TcpStream peer) {
  (void)peer.set(Option::keepalive, 1);
  while (auto chunk = co_await peer.read()) {
    if (chunk->empty()) co_return;
    Chunk back = std::move(*chunk);
    if (!co_await peer.write(std::move(back))) co_return;
  }
}

Task<void> discard(TcpStream peer) {
  (void)peer.set(Option::keepalive, 1);
  while (auto chunk = co_await peer.read())
    if (chunk->empty()) co_return;
}

Task<void> chargen(TcpStream peer) {
  (void)peer.set(Option::keepalive, 1);
  const std::string lines = chargen_lines();
  while (co_await peer.write(std::as_bytes(std::span(lines)))) {
  }
}

Result<void, Error> start_service(const Host& host, const ServiceConfig& config) {
  const Endpoint at{{}, config.port != 0 ? config.port : usual_port(config.kind)};
  const std::string port = "port " + std::to_string(at.port);
  std::optional<FileRoot> root;
  if (config.kind == Kind::http) {
    auto opened = FileRoot::open(config.root);
    if (!opened) return std::unexpected(about("root " + config.root + " is no directory that can be read", opened.error()));
    root = std::move(*opened);
  }
  auto listener = host.listen(at);
  if (!listener) return std::unexpected(about(port, listener.error()));
  if (config.kind == Kind::echo || config.kind == Kind::discard) {
    auto socket = host.udp(at);
    if (!socket) return std::unexpected(about("UDP " + port, socket.error()));
    host.spawn(config.kind == Kind::echo ? echo_datagrams(std::move(*socket)) : discard_datagrams(std::move(*socket)));
  }
  switch (config.kind) {
    case Kind::http: host.spawn(serve_http(host, std::move(*listener), std::move(*root), {.to_wall_clock = config.to_wall_clock})); break;
    case Kind::echo: host.spawn(accept_loop(host, std::move(*listener), max_clients, echo)); break;
    case Kind::discard: host.spawn(accept_loop(host, std::move(*listener), max_clients, discard)); break;
    case Kind::chargen: host.spawn(accept_loop(host, std::move(*listener), max_clients, chargen)); break;
  }
  return {};
}

}  // namespace weir::apps

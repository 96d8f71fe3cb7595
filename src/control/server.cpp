// control/server.hpp
#include "control/server.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>

#include "apps/file_io.hpp"
#include "control/capture.hpp"
#include "control/live_trace.hpp"
#include "control/report.hpp"
#include "control/unix_socket.hpp"

namespace weir::control {
namespace {

struct Client {
  Host host;
  io::Fd fd;
  Duration to_wall_clock;
  std::string input{};
};

Task<bool> send(Client& c, std::string text) {
  const auto sent = co_await apps::write_file(c.host, c.fd.get(), std::as_bytes(std::span(text)));
  co_return sent.has_value();
}

std::string refusal(std::string_view why) { return Json{{"ok", false}, {"error", why}}.dump() + "\n"; }
std::string answer(const Json& result) { return Json{{"ok", true}, {"result", result}}.dump() + "\n"; }
std::string capture_begins() { return Json{{"ok", true}, {"format", "pcapng"}}.dump() + "\n"; }

// A report, or null for a command that is none.
Json report(const Client& c, const std::string& command) {
  Json result;
  c.host.executor().enter([&](Shard& shard, Instant now) {
    if (command == "stat") result = report_stat(shard);
    else if (command == "ss") result = report_ss(shard);
    else if (command == "addr") result = report_addr(shard);
    else if (command == "route") result = report_route(shard);
    else if (command == "neigh") result = report_neigh(shard, now);
  });
  return result;
}

// A value of the request, or what it is by default when it is missing or of another type.
template <class T>
T value_or(const Json& request, const char* key, T otherwise) {
  const auto at = request.find(key);
  if (at == request.end()) return otherwise;
  if constexpr (std::is_same_v<T, std::string>) return at->is_string() ? at->get<T>() : otherwise;
  else return at->is_number_unsigned() ? at->get<T>() : otherwise;
}

CaptureConfig config_of(const Json& request, Duration to_wall_clock) {
  CaptureConfig config;
  config.snap_len = std::clamp(value_or<u32>(request, "snap_len", config.snap_len), 1u, config.snap_len);
  config.count = value_or<u64>(request, "count", 0);
  config.netns = value_or<std::string>(request, "netns", "");
  config.interface = value_or<std::string>(request, "interface", "");
  config.to_wall_clock = to_wall_clock;
  return config;
}

// True once the reader has hung up.
bool has_hung_up(int fd) noexcept {
  std::byte b;
  const ssize_t n = ::read(fd, &b, 1);
  return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

// The tap lives as long as this: what was recorded goes out every few milliseconds.
class LiveCapture {
 public:
  LiveCapture(const Host& host, const CaptureConfig& config) : host_(host) {
    host_.executor().enter([&](Shard& shard, Instant) { capture_.emplace(shard, config); });
  }
  ~LiveCapture() {
    host_.executor().enter([&](Shard&, Instant) { capture_.reset(); });
  }
  LiveCapture(const LiveCapture&) = delete;
  LiveCapture& operator=(const LiveCapture&) = delete;
  Capture& flush() {
    host_.executor().enter([&](Shard&, Instant) { capture_->flush(); });
    return *capture_;
  }

 private:
  Host host_;
  std::optional<Capture> capture_;
};

Task<void> stream_capture(Client& c, const Json& request) {
  constexpr Duration between = Duration::millis(5);
  constexpr usize at_once = 256 * 1024;
  const CaptureConfig config = config_of(request, c.to_wall_clock);
  if (!co_await send(c, capture_begins())) co_return;
  LiveCapture live(c.host, config);
  for (;;) {
    Capture& capture = live.flush();
    while (!capture.output().empty()) {
      const Bytes some = capture.output().first(std::min(at_once, capture.output().size()));
      const std::vector<std::byte> copy(some.begin(), some.end());  // it grows while we wait
      capture.take(copy.size());
      if (!co_await apps::write_file(c.host, c.fd.get(), copy)) co_return;
    }
    if (capture.is_over() || has_hung_up(c.fd.get())) co_return;
    co_await c.host.sleep_for(between);
  }
}

Task<void> stream_trace(Client& c, const Json& request) {
  constexpr Duration between = Duration::millis(5);
  std::string chosen_badly;
  tcp::TraceFilter filter;
  c.host.executor().enter([&](Shard& shard, Instant) {
    if (auto chosen = trace_filter(request, shard)) filter = *chosen;
    else chosen_badly = chosen.error();
  });
  if (!chosen_badly.empty()) {
    std::string no = refusal(chosen_badly);
    (void)co_await send(c, std::move(no));
    co_return;
  }
  LiveTrace live(c.host, filter, c.to_wall_clock);
  std::string first = live.header();
  if (!co_await send(c, std::move(first))) co_return;
  for (;;) {
    const bool over = has_hung_up(c.fd.get());
    for (std::string lines = live.lines(); !lines.empty(); lines = live.lines())
      if (!co_await send(c, std::move(lines))) co_return;
    if (over) co_return;
    co_await c.host.sleep_for(between);
  }
}

// A line at a time; nothing: the client has hung up, or sends no lines.
Task<std::optional<std::string>> read_line(Client& c) {
  constexpr usize longest = 64 * 1024;
  for (;;) {
    if (const usize end = c.input.find('\n'); end != std::string::npos) {
      std::string line = c.input.substr(0, end);
      c.input.erase(0, end + 1);
      co_return line;
    }
    if (c.input.size() > longest) co_return std::nullopt;
    std::array<std::byte, 4096> some;
    const auto n = co_await apps::read_file(c.host, c.fd.get(), some);
    if (!n || *n == 0) co_return std::nullopt;
    c.input.append(reinterpret_cast<const char*>(some.data()), *n);
  }
}

Task<void> serve_client(Host host, io::Fd fd, Duration to_wall_clock) {
  Client c{.host = host, .fd = std::move(fd), .to_wall_clock = to_wall_clock};
  for (;;) {
    const auto line = co_await read_line(c);
    if (!line) co_return;
    const Json request = Json::parse(*line, nullptr, false);
    const std::string command = request.is_object() ? value_or<std::string>(request, "cmd", "") : "";
    if (command == "capture") {
      co_await stream_capture(c, request);
      co_return;
    }
    if (command == "trace-tcp") {
      co_await stream_trace(c, request);
      co_return;
    }
    const Json result = report(c, command);
    std::string line_back =
        result.is_null() ? refusal("\"cmd\" must be stat, ss, addr, route, neigh, capture or trace-tcp") : answer(result);
    if (!co_await send(c, std::move(line_back))) co_return;
  }
}

Task<void> accept_clients(Host host, io::Fd listener, Duration to_wall_clock) {
  for (;;) {
    (void)co_await apps::FileReadyOp(host, listener.get(), EPOLLIN);
    auto fd = accept_unix(listener.get());
    if (fd) host.spawn(serve_client(host, std::move(*fd), to_wall_clock));
    else if (fd.error() != Errc::would_block) co_await host.sleep_for(Duration::millis(100));  // out of files: not in circles
  }
}

}  // namespace

Result<Server, std::string> Server::start(const Host& host, const std::string& path, Duration to_wall_clock) {
  auto listener = listen_unix(path);
  if (!listener) return std::unexpected(std::string("control socket ").append(path).append(": ").append(text(listener.error())));
  host.spawn(accept_clients(host, std::move(*listener), to_wall_clock));
  return Server(path);
}

Server::~Server() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace weir::control

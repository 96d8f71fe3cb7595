// apps/http_server.hpp
#include "apps/http_server.hpp"

#include <fcntl.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <vector>

#include "apps/accept_loop.hpp"
#include "apps/http_reply.hpp"

namespace weir::apps {
namespace {

struct Server {
  Host host;
  FileRoot root;
  HttpConfig config;

  [[nodiscard]] i64 now_s() const { return (host.now() - Instant{} + config.to_wall_clock).ns / 1'000'000'000; }
};

// One client and what it has sent that is not answered yet.
struct Client {
  const Server& server;
  TcpStream stream;
  std::string input{};
  bool done = false;

  [[nodiscard]] const HttpConfig& config() const noexcept { return server.config; }
};

Bytes bytes_of_text(std::string_view s) noexcept { return std::as_bytes(std::span(s)); }

// -- sending

Task<bool> send_text(Client& c, std::string text) {
  const auto n = co_await c.stream.write(bytes_of_text(text)).within(c.config().head_timeout);
  co_return n && *n == text.size();
}

// Fills the buffer from the file; 0: it is shorter than it was, or cannot be read.
usize read_at(const File& file, Buffer& buffer, u64 offset, u64 most) {
  std::array<iovec, Lent::max_slices> parts;
  int n = 0;
  for (u32 i = 0; i < buffer.pieces() && most != 0; ++i) {
    const MutBytes piece = buffer.piece(i);
    const usize length = std::min<u64>(piece.size(), most);
    parts[static_cast<usize>(n++)] = {piece.data(), length};
    most -= length;
  }
  ssize_t got;
  do got = ::preadv(file.fd.get(), parts.data(), n, static_cast<off_t>(offset));
  while (got < 0 && errno == EINTR);
  return got > 0 ? static_cast<usize>(got) : 0;
}

// One copy: from the page cache into the buffers that go out.
Task<usize> send_piece(Client& c, const File& file, ByteRange range, Buffer buffer) {
  const usize n = read_at(file, buffer, range.first, range.length);
  if (n == 0) co_return 0;
  Chunk chunk = std::move(buffer).commit(n);
  const auto sent = co_await c.stream.write(std::move(chunk)).within(c.config().head_timeout);
  co_return sent ? *sent : 0;
}

// There are no buffers for users now: the socket gets the little that it needs to go on, and is told when there are more.
Task<usize> send_copy(Client& c, const File& file, ByteRange range) {
  constexpr u32 at_once = 16 * 1024;
  std::vector<std::byte> copy(std::min<u64>(range.length, at_once));
  const ssize_t n = ::pread(file.fd.get(), copy.data(), copy.size(), static_cast<off_t>(range.first));
  if (n <= 0) co_return 0;
  const auto sent = co_await c.stream.write(Bytes(copy).first(static_cast<usize>(n))).within(c.config().head_timeout);
  co_return sent ? *sent : 0;
}

Task<bool> send_file(Client& c, const File& file, ByteRange range) {
  constexpr u32 at_once = 256 * 1024;
  while (range.length != 0) {
    if (!co_await c.stream.writable().within(c.config().head_timeout)) co_return false;
    auto buffer = c.server.host.reserve(static_cast<u32>(std::min<u64>(range.length, at_once)));
    const usize n = buffer ? co_await send_piece(c, file, range, std::move(*buffer)) : co_await send_copy(c, file, range);
    if (n == 0) co_return false;
    range.first += n;
    range.length -= n;
  }
  co_return true;
}

// -- answers: false ends the connection

Task<bool> answer_text(Client& c, bool with_body, HttpReplyHead head, std::string body) {
  head.length = body.size();
  std::string text = print_head(head, c.server.now_s());
  if (with_body) text += body;
  const bool sent = co_await send_text(c, std::move(text));
  co_return sent&& head.keep_alive;
}

Task<bool> answer_error(Client& c, bool with_body, bool keep_alive, HttpStatus status) {
  HttpReplyHead head;
  head.status = status;
  head.keep_alive = keep_alive;
  std::string body = std::to_string(status) + " " + std::string(reason(status)) + "\n";
  co_return co_await answer_text(c, with_body, std::move(head), std::move(body));
}

// Range, If-Range and If-Modified-Since decide what is sent of a file.
HttpReplyHead decide(const HttpRequest& request, const File& file, ByteRange& range) {
  HttpReplyHead head;
  head.type = content_type(request.path);
  head.accepts_ranges = true;
  head.last_modified = http_date(file.modified_s);
  head.keep_alive = request.keep_alive;
  range = {0, file.size};
  const auto since = parse_http_date(request.if_modified_since);
  if (since && file.modified_s <= *since) {
    head.status = 304;
    range.length = 0;
    return head;
  }
  const bool ranged = !request.range.empty() && (request.if_range.empty() || request.if_range == head.last_modified);
  switch (ranged ? parse_range(request.range, file.size, range) : RangeVerdict::whole) {
    case RangeVerdict::whole: break;
    case RangeVerdict::part:
      head.status = 206;
      head.content_range =
          "bytes " + std::to_string(range.first) + "-" + std::to_string(range.first + range.length - 1) + "/" + std::to_string(file.size);
      break;
    case RangeVerdict::unsatisfiable:
      head.status = 416;
      head.content_range = "bytes */" + std::to_string(file.size);
      range.length = 0;
  }
  head.length = range.length;
  return head;
}

Task<bool> answer_file(Client& c, const HttpRequest& request, const File& file) {
  ByteRange range;
  const HttpReplyHead head = decide(request, file, range);
  std::string text = print_head(head, c.server.now_s());
  if (!co_await send_text(c, std::move(text))) co_return false;
  if (request.method == HttpRequest::Method::get && range.length != 0) {
    (void)::posix_fadvise(file.fd.get(), static_cast<off_t>(range.first), static_cast<off_t>(range.length), POSIX_FADV_SEQUENTIAL);
    if (!co_await send_file(c, file, range)) {
      c.stream.abort();  // the length was promised: only a reset tells that it is not all
      co_return false;
    }
  }
  co_return head.keep_alive;
}

Task<bool> answer_directory(Client& c, const HttpRequest& request, const File& directory) {
  const bool with_body = request.method == HttpRequest::Method::get;
  HttpReplyHead head;
  head.keep_alive = request.keep_alive;
  if (!request.path.ends_with('/')) {
    head.status = 301;
    const usize last = request.path.rfind('/');  // relative: "//host" must not become a place elsewhere
    head.location = "./" + percent_encode_path(std::string_view(request.path).substr(last + 1)) + "/";
    co_return co_await answer_text(c, with_body, std::move(head), "");
  }
  const auto entries = FileRoot::list(directory);
  if (!entries) co_return co_await answer_error(c, with_body, request.keep_alive, 403);
  head.type = "text/html; charset=utf-8";
  std::string page = print_listing(request.path, *entries);
  co_return co_await answer_text(c, with_body, std::move(head), std::move(page));
}

HttpStatus status_of(Errc e) noexcept {
  switch (e) {
    case Errc::not_found: return 404;
    case Errc::permission_denied: return 403;
    case Errc::too_many: return 503;
    default: return 500;
  }
}

Task<bool> answer(Client& c, const HttpRequest& request) {
  const bool with_body = request.method == HttpRequest::Method::get;
  const bool keep_alive = request.keep_alive && !request.has_body;  // a body of a GET means nothing to us: not read
  if (!keep_alive && request.has_body) co_return co_await answer_error(c, with_body, false, 400);
  auto file = c.server.root.open_file(request.path);
  if (file && file->is_directory && request.path.ends_with('/'))
    if (auto index = c.server.root.open_file(request.path + "index.html"); index && !index->is_directory) {
      HttpRequest of_index = request;
      of_index.path += "index.html";
      const File page = std::move(*index);
      co_return co_await answer_file(c, of_index, page);
    }
  if (file && !file->is_directory && request.path.ends_with('/')) file = fail(Errc::not_found);
  if (!file) co_return co_await answer_error(c, with_body, keep_alive, status_of(file.error()));
  if (file->is_directory) co_return co_await answer_directory(c, request, *file);
  co_return co_await answer_file(c, request, *file);
}

// -- requests

// Reads until a whole head is there: its length; 0: there will be none.
Task<usize> read_head(Client& c) {
  Instant deadline = c.server.host.now() + (c.input.empty() ? c.config().idle_timeout : c.config().head_timeout);
  for (;;) {
    while (c.input.starts_with("\r\n") || c.input.starts_with('\n'))  // RFC 9112 2.2: empty lines before a request
      c.input.erase(0, c.input.starts_with('\n') ? 1 : 2);
    if (const usize n = head_length(c.input); n != 0) co_return n;
    if (c.input.size() > c.config().max_head_bytes) co_return c.input.size();
    const bool was_empty = c.input.empty();
    std::array<std::byte, 2048> some;
    const auto n = co_await c.stream.read(some).within(std::max(deadline - c.server.host.now(), Duration::nanos(1)));
    if (!n || *n == 0) {
      if (!n && n.error() == Errc::timed_out && !c.input.empty()) (void)co_await answer_error(c, true, false, 408);
      co_return 0;
    }
    c.input.append(reinterpret_cast<const char*>(some.data()), *n);
    if (was_empty) deadline = c.server.host.now() + c.config().head_timeout;
  }
}

Task<bool> serve_request(Client& c, std::string head) {
  if (head.size() > c.config().max_head_bytes) co_return co_await answer_error(c, true, false, 431);
  const auto request = parse_request(head);
  if (!request) co_return co_await answer_error(c, true, false, request.error());
  co_return co_await answer(c, *request);
}

// What the client still sends must not turn our last answer into a reset: read and forget for a while.
Task<void> hang_up(Client& c) {
  constexpr Duration patience = Duration::seconds(2);
  constexpr u32 most = 64;
  if (!c.stream.shutdown()) co_return;
  const Instant deadline = c.server.host.now() + patience;
  for (u32 i = 0; i < most; ++i) {
    const Duration left = deadline - c.server.host.now();
    if (left.ns <= 0) co_return;
    const auto more = co_await c.stream.read().within(left);
    if (!more || more->empty()) co_return;
  }
}

Task<void> serve_client(std::shared_ptr<const Server> server, TcpStream stream) {
  Client c{.server = *server, .stream = std::move(stream)};
  (void)c.stream.set(Option::no_delay, 1);
  for (;;) {
    const usize n = co_await read_head(c);
    if (n == 0) break;
    std::string head = c.input.substr(0, n);
    c.input.erase(0, n);
    if (!co_await serve_request(c, std::move(head))) break;
  }
  co_await hang_up(c);
}

}  // namespace

Task<void> serve_http(Host host, TcpListener listener, FileRoot root, HttpConfig config) {
  const u32 most = config.max_clients;
  const auto server = std::make_shared<const Server>(host, std::move(root), std::move(config));
  // In two steps: g++ 12 destroys a temporary of an expression with co_await twice when the coroutine is destroyed there.
  Task<void> clients = accept_loop(host, std::move(listener), most, [server](TcpStream s) { return serve_client(server, std::move(s)); });
  co_await std::move(clients);
}

}  // namespace weir::apps

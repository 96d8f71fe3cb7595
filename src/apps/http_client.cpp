// apps/http_client.hpp
#include "apps/http_client.hpp"

#include <charconv>

#include "apps/http_body.hpp"
#include "apps/http_request.hpp"

namespace weir::apps {
namespace {

using Outcome = Result<u64, std::string>;

std::unexpected<std::string> failed(std::string what) { return std::unexpected(std::move(what)); }
std::string because(std::string what, Errc e) { return what.append(": ").append(text(e)); }

// A connection, and what has arrived on it that is not consumed.
struct Exchange {
  TcpStream stream;
  std::string input{};
  HttpAnswer answer{};
};

Task<Result<void, std::string>> ask(Exchange& x, const HttpGet& get, const Url& url) {
  const std::string request =
      "GET " + url.path + " HTTP/1.1\r\nHost: " + url.host_header() + "\r\nUser-Agent: weir\r\nAccept: */*\r\nConnection: close\r\n\r\n";
  const auto sent = co_await x.stream.write(std::as_bytes(std::span(request))).within(get.stall_timeout);
  if (!sent) co_return failed(because("sending the request", sent.error()));
  constexpr usize longest_head = 64 * 1024;
  for (;;) {
    if (const usize n = head_length(x.input); n != 0) {
      const auto answer = parse_answer(std::string_view(x.input).substr(0, n));
      if (!answer) co_return failed("what the server answers is not HTTP");
      x.input.erase(0, n);
      x.answer = *answer;
      if (answer->status >= 200) co_return Result<void, std::string>{};  // 1xx: the answer is still to come
      continue;
    }
    if (x.input.size() > longest_head) co_return failed("the head of the server's answer does not end");
    std::array<std::byte, 4096> some;
    const auto n = co_await x.stream.read(some).within(get.stall_timeout);
    if (!n) co_return failed(because("waiting for the answer", n.error()));
    if (*n == 0) co_return failed("the server closed the connection without an answer");
    x.input.append(reinterpret_cast<const char*>(some.data()), *n);
  }
}

// What of `data` belongs to the body goes to the sink.
Task<Result<void, std::string>> pass_on(HttpBody& body, Bytes data, const HttpGet& get, u64& bytes) {
  while (!data.empty() && !body.is_done()) {
    const auto piece = body.next(data);
    if (!piece) co_return failed("the server's chunks make no sense");
    if (!piece->empty() && !co_await get.sink(*piece)) co_return failed("the output cannot be written");
    bytes += piece->size();
  }
  co_return Result<void, std::string>{};
}

Task<Outcome> receive_body(Exchange& x, const HttpGet& get) {
  const auto& length = x.answer.length;
  HttpBody body = x.answer.in_chunks ? HttpBody::in_chunks() : length ? HttpBody::of_length(*length) : HttpBody::to_the_end();
  u64 bytes = 0;
  if (auto ok = co_await pass_on(body, std::as_bytes(std::span(x.input)), get, bytes); !ok) co_return failed(std::move(ok.error()));
  while (!body.is_done()) {
    const auto chunk = co_await x.stream.read().within(get.stall_timeout);
    if (!chunk) co_return failed(because("after " + std::to_string(bytes) + " bytes", chunk.error()));
    if (chunk->empty()) {
      if (body.finish()) break;
      co_return failed("the server closed the connection after " + std::to_string(bytes) + " bytes" +
                       (length ? " of " + std::to_string(*length) : ""));
    }
    for (const Bytes piece : *chunk)
      if (auto ok = co_await pass_on(body, piece, get, bytes); !ok) co_return failed(std::move(ok.error()));
    if (get.progress) get.progress(bytes, length);
  }
  co_return bytes;
}

bool is_redirect(u16 status) noexcept { return status == 301 || status == 302 || status == 303 || status == 307 || status == 308; }

}  // namespace

std::optional<HttpAnswer> parse_answer(std::string_view head) {
  HttpAnswer a;
  const std::string_view first = take_line(head);
  if (first.size() < 12 || !first.starts_with("HTTP/1.") || first[8] != ' ') return {};
  const auto [end, error] = std::from_chars(first.data() + 9, first.data() + 12, a.status);
  if (error != std::errc{} || end != first.data() + 12 || a.status < 100 || (first.size() > 12 && first[12] != ' ')) return {};
  for (std::string_view line; !(line = take_line(head)).empty();) {
    const auto f = parse_field(line);
    if (!f) return {};
    if (same_token(f->name, "location")) a.location = f->value;
    if (same_token(f->name, "transfer-encoding")) {
      if (!same_token(f->value, "chunked")) return {};
      a.in_chunks = true;
    }
    if (same_token(f->name, "content-length")) {
      u64 n = 0;
      const auto [last, bad] = std::from_chars(f->value.data(), f->value.data() + f->value.size(), n);
      if (bad != std::errc{} || last != f->value.data() + f->value.size() || (a.length && *a.length != n)) return {};
      a.length = n;
    }
  }
  if (a.in_chunks) a.length.reset();  // RFC 9112 6.3
  if (a.status == 204 || a.status == 304) {  // these end with the head, whatever it says
    a.in_chunks = false;
    a.length = 0;
  }
  return a;
}

Task<Outcome> http_get(Host host, HttpGet get) {
  Url url = get.url;
  for (u32 redirects = 0;; ++redirects) {
    auto stream = co_await host.connect(url.at).within(get.connect_timeout);
    if (!stream) co_return failed(because("connecting to " + to_string(url.at), stream.error()));
    Exchange x{.stream = std::move(*stream)};
    if (auto ok = co_await ask(x, get, url); !ok) co_return failed(std::move(ok.error()));
    if (x.answer.status >= 200 && x.answer.status < 300) co_return co_await receive_body(x, get);
    if (!is_redirect(x.answer.status) || x.answer.location.empty())
      co_return failed("the server answers " + std::to_string(x.answer.status) + " " + std::string(reason(x.answer.status)));
    if (redirects == get.max_redirects) co_return failed("more than " + std::to_string(redirects) + " redirects");
    auto next = url.resolve(x.answer.location);
    if (!next) co_return failed("the server redirects: " + next.error());
    url = std::move(*next);
  }
}

}  // namespace weir::apps

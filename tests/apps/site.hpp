// A directory of files for a while, and two simulated hosts: b serves it.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "apps/http_server.hpp"
#include "tests/api/two_hosts.hpp"

namespace weir::apps {

class Site : public TwoHosts {
 protected:
  explicit Site(const sim::LinkConfig& link = {.bits_per_second = 1'000'000'000, .delay = Duration::millis(5)}, u64 seed = 1)
      : TwoHosts(link, seed) {
    char name[] = "/tmp/weir-site-XXXXXX";
    dir = ::mkdtemp(name);
  }
  ~Site() override { std::filesystem::remove_all(dir); }

  void put(const std::string& path, std::string_view content) const {
    std::filesystem::create_directories((dir / path).parent_path());
    std::ofstream(dir / path, std::ios::binary) << content;
  }
  void serve(HttpConfig config = {}) {
    auto root = FileRoot::open(dir);
    ASSERT_TRUE(root);
    auto listener = b.listen({.addr = {}, .port = 80});
    ASSERT_TRUE(listener);
    b.spawn(serve_http(b, std::move(*listener), std::move(*root), config));
  }
  // Sends `request` and returns all that comes until the server closes, or for `time`.
  std::string exchange(std::string_view request, Duration time = Duration::seconds(30)) {
    std::string answer;
    a.spawn(talk(a, at_b(80), std::string(request), time, answer));
    run(time + Duration::seconds(3));
    return answer;
  }
  std::string get(std::string_view path, std::string_view fields = {}) {
    return exchange(std::string("GET ").append(path).append(" HTTP/1.1\r\nHost: b\r\nConnection: close\r\n").append(fields).append("\r\n"));
  }

  static Task<void> talk(Host host, Endpoint to, std::string request, Duration time, std::string& answer) {
    auto s = co_await host.connect(to);
    if (!s) co_return;
    (void)co_await s->write(text(request));
    const Instant end = host.now() + time;
    while (host.now() < end) {
      const auto chunk = co_await s->read().within(end - host.now());
      if (!chunk || chunk->empty()) co_return;
      for (const Bytes piece : *chunk) answer += as_text(piece);
    }
  }

  std::filesystem::path dir;
};

inline std::string body_of(std::string_view answer) {
  const usize end = answer.find("\r\n\r\n");
  return end == std::string_view::npos ? "" : std::string(answer.substr(end + 4));
}
inline int status_of(std::string_view answer) { return answer.size() > 12 ? std::atoi(std::string(answer.substr(9, 3)).c_str()) : 0; }

}  // namespace weir::apps

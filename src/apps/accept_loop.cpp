// apps/accept_loop.hpp
#include "apps/accept_loop.hpp"

namespace weir::apps {
namespace {

Task<void> count_while(Task<void> client, std::shared_ptr<u32> clients) {
  ++*clients;
  co_await std::move(client);
  --*clients;
}

bool is_over(Errc e) noexcept { return e == Errc::bad_handle || e == Errc::canceled || e == Errc::invalid || e == Errc::net_down; }

}  // namespace

Task<void> accept_loop(Host host, TcpListener listener, u32 max_clients, std::function<Task<void>(TcpStream)> serve) {
  constexpr Duration pause = Duration::millis(10);  // when there is no room for a connection that waits
  const auto clients = std::make_shared<u32>(0);
  for (;;) {
    auto peer = co_await listener.accept();
    if (!peer) {
      if (is_over(peer.error())) co_return;
      co_await host.sleep_for(pause);
      continue;
    }
    if (*clients < max_clients) host.spawn(count_while(serve(std::move(*peer)), clients));
  }
}

}  // namespace weir::apps

// bench/connections.hpp
#include "bench/connections.hpp"

namespace weir::bench {

Connections::Connections(Pair& pair) : pair_(pair) {
  for (u16 i = 0; i < ports; ++i) listeners_.push_back(pair.listen(static_cast<u16>(first_port + i)));
}

void Connections::grow_to(usize n) {
  while (clients.size() < n) {
    const usize from = clients.size();
    open(static_cast<u32>(std::min<usize>(n - from, 64)));
    const Instant give_up = pair_.now + Duration::seconds(5);
    while (servers.size() < clients.size()) {
      pair_.turn();
      take_accepted();
      if (pair_.now > give_up) throw Failed("connections did not come up in 5 s");
    }
    const std::byte b[1] = {std::byte{42}};
    std::byte got[1];
    for (usize i = from; i < clients.size(); ++i) must(pair_.shard.send(clients[i], b, 0, pair_.now), "send");
    pair_.turn();
    for (usize i = from; i < clients.size(); ++i) {
      must(pair_.shard.recv(servers[i], got, 0, pair_.now), "recv");
      must(pair_.shard.send(servers[i], got, 0, pair_.now), "send back");
    }
    pair_.turn();
    for (usize i = from; i < clients.size(); ++i)
      if (must(pair_.shard.recv(clients[i], got, 0, pair_.now), "recv") != 1 || got[0] != b[0]) throw Failed("a wrong byte");
    while (pair_.shard.poll_ready(pair_.events) > 0) {
    }
  }
}

void Connections::open(u32 n) {
  for (u32 i = 0; i < n; ++i) {
    const Sock c = pair_.socket(pair_.client, SocketType::stream);
    const u16 to = static_cast<u16>(first_port + next_port_++ % ports);
    const auto begun = pair_.shard.connect(c, {pair_.server_address(), to}, pair_.now);
    if (!begun && begun.error() != Errc::in_progress) must(begun, "connect");
    clients.push_back(c);
  }
}

void Connections::take_accepted() {
  for (const Sock l : listeners_)
    for (;;) {
      const auto s = pair_.shard.accept(l, pair_.now);
      if (!s && s.error() == Errc::would_block) break;
      servers.push_back(must(s, "accept"));
    }
}

}  // namespace weir::bench

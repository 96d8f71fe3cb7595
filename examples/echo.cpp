// An echo server for any number of clients, in one thread: received bytes are lent and sent out again, nothing is copied.
//   ./echo tap:weir0,host=10.77.0.1/24 10.77.0.2/24        and then: nc -N 10.77.0.2 7
#include <cstdio>
#include <weir/weir.hpp>

using namespace weir;

Task<void> echo(TcpStream peer) {
  while (auto chunk = co_await peer.read()) {                 // lends received bytes
    if (chunk->empty()) co_return;                            // the peer has finished
    if (!co_await peer.write(std::move(*chunk))) co_return;   // the same bytes go out again
  }
}

Task<void> serve(Host host, TcpListener listener) {
  while (auto peer = co_await listener.accept()) host.spawn(echo(std::move(*peer)));
}

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: echo DEVICE ADDRESS/LEN\n"), 2;
  auto stack = LocalStack::open({.device = argv[1], .addresses = {argv[2]}});
  if (!stack) return std::fprintf(stderr, "%s\n", stack.error().what.c_str()), 1;
  auto listener = stack->listen({.port = 7});
  if (!listener) return std::fprintf(stderr, "port 7: %s\n", std::string(text(listener.error())).c_str()), 1;
  stack->spawn(serve(*stack, std::move(*listener)));
  stack->run();
}

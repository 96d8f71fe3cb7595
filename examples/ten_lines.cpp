#include <weir/weir.hpp>

int main() {
  auto stack = weir::Stack::open({.device = "tap:weir0,host=10.77.0.1/24", .addresses = {"10.77.0.2/24"}});
  auto listener = stack->listen({.port = 7});
  while (auto peer = listener->accept().wait()) {
    std::array<std::byte, 65536> data;
    while (auto n = peer->read(data).wait()) {
      if (*n == 0 || !peer->write({data.data(), *n}).wait()) break;
    }
  }
}
